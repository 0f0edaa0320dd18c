/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * many.c - several sessions in one process
 *
 * In the rest of the library "session" and "cthread" stand for what the calling thread has
 * chosen here.  Slots belong to sessions and are lent to threads: who enters takes those
 * that somebody left last, which are the warmest.
 *
 * Locking
 *	m_lock, a leaf
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "client_impl.h"
#include "many.h"

/* Field key:	c  constant while somebody has it	l  m_lock */
struct many_thread {
	struct rcthread	 mt_cthread;	/* first */
	struct many	*mt_many;	/* c */
	struct many_thread *mt_next;	/* l: idle */
	int		 mt_bell;	/* c: + 1 */
	struct rcsession *mt_session;	/* c: where its user was before */
	struct rcthread	*mt_thread;	/* c */
};

struct many {
	struct rcsession	 m_session;
	pthread_mutex_t	 m_lock;
	struct many_thread *m_idle;	/* l */
};

_Thread_local struct rcsession *session_now;
_Thread_local struct rcthread *cthread_now;
static uint32_t numbers;	/* a: of sessions so far */

/* A number is one session's only, so that what hangs on it is. */
uint32_t
session_number(void)
{
	return __atomic_add_fetch(&numbers, 1, __ATOMIC_RELAXED);
}

void
hello_who(struct sp_hello *h)
{
	h->h_features |= SP_FEAT_AGENT;
	h->h_hostpid = (uint32_t)session.s_hostpid;
	memcpy(h->h_comm, session.s_comm, sizeof(h->h_comm));
}

/* --- birth and end ---------------------------------------------------------------- */

static int
many_make(const char *url, const struct many_who *who, struct many **ret_m)
{
	struct many *m;

	if (strlen(url) >= sizeof(m->m_session.s_url))
		return -ENAMETOOLONG;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	m->m_session.s_fd = -1;
	m->m_session.s_hostpid = who->mw_pid;
	memcpy(m->m_session.s_comm, who->mw_comm, sizeof(who->mw_comm));
	m->m_session.s_comm[sizeof(who->mw_comm) - 1] = '\0';
	memcpy(m->m_session.s_url, url, strlen(url) + 1);
	(void)pthread_mutex_init(&m->m_lock, NULL);
	*ret_m = m;
	return 0;
}

/* On a connection, or a new one; takes m along if it cannot. */
static int
many_begin(struct many *m, int fd, unsigned int kind, const uint8_t *ticket)
{
	struct sp_ctl executed = { .c_op = SP_EXECUTED };
	struct rcsession *before = session_now;
	struct sp_hello hello;
	int error = 0;

	session_now = &m->m_session;
	hello_fill(&hello, kind);
	if (ticket != NULL)
		memcpy(hello.h_secret, ticket, SP_SECRET);
	if (fd >= 0)
		error = conn_send(fd, &executed, sizeof(executed), -1);
	else
		error = fd = connect_url(session.s_url);
	if (error >= 0)
		error = session_begin_locked(fd, &hello);
	if (error && fd >= 0)
		(void)hostcall(SYS_close, (long)fd, 0L, 0L, 0L, 0L, 0L);
	session_now = before;
	if (error)
		free(m);
	return error;
}

int
many_guest(const char *url, const struct many_who *who, struct many **ret_m)
{
	struct many *m = NULL;
	int error = many_make(url, who, &m);

	if (error == 0)
		error = many_begin(m, -1, SP_GUEST, NULL);
	if (error == 0)
		*ret_m = m;
	return error;
}

int
many_redeem(const struct many *parent, const uint8_t ticket[MANY_TICKET], const struct many_who *who,
    struct many **ret_m)
{
	struct many *m = NULL;
	int error = many_make(parent->m_session.s_url, who, &m);

	if (error == 0)
		error = many_begin(m, -1, SP_FORK, ticket);
	if (error == 0)
		*ret_m = m;
	return error;
}

int
many_resume(int fd, const char *url, const struct many_who *who, struct many **ret_m)
{
	struct many *m = NULL;
	int error = many_make(url, who, &m);

	if (error == 0)
		error = many_begin(m, fd, SP_EXEC, NULL);
	if (error == 0)
		*ret_m = m;
	return error;
}

int
many_descriptor(const struct many *m)
{
	return m->m_session.s_fd;
}

static void
thread_free(struct many_thread *mt)
{
	struct many_thread *next;

	for (; mt != NULL; mt = next) {
		next = mt->mt_next;
		if (mt->mt_bell != 0)
			rumpclient_bell_close(mt->mt_bell - 1);
		thread_close(&mt->mt_cthread);
		free(mt);
	}
}

void
many_destroy(struct many *m)
{
	struct rcsession *before = session_now;

	session_now = &m->m_session;
	thread_free(m->m_idle);
	if (session.s_fd != -1)
		(void)hostcall(SYS_close, (long)session.s_fd, 0L, 0L, 0L, 0L, 0L);
	host_unmap(session.s_region, SP_REGIONSIZE);
	session_now = before;
	(void)pthread_mutex_destroy(&m->m_lock);
	free(m);
}

/* --- what the library does not do here ------------------------------------------------ */

int
retry(void)
{
	return -ENOTCONN;
}

void
retry_environment(void)
{
}

int
exec_inherited(const char **ret_url)
{
	return -1;
}

void
fds_opened(long fd)
{
}

void
fds_closed(unsigned long first, unsigned long last)
{
}

bool
fds_lost(unsigned long fd)
{
	return false;
}

bool
fds_known(unsigned long fd)
{
	return false;
}

/* --- tickets ------------------------------------------------------------------------ */

static int
request(struct many *m, struct sp_ctl *ctl)
{
	struct rcsession *before = session_now;
	int error;

	session_now = &m->m_session;
	error = control_request(ctl, -1);
	session_now = before;
	return error;
}

int
many_ticket(struct many *m, uint8_t ret_ticket[MANY_TICKET])
{
	struct sp_ctl ctl = { .c_op = SP_PREFORK };
	int error = request(m, &ctl);

	if (error == 0)
		memcpy(ret_ticket, ctl.c_secret, MANY_TICKET);
	return error;
}

void
many_cancel(struct many *m, const uint8_t ticket[MANY_TICKET])
{
	struct sp_ctl ctl = { .c_op = SP_FORK_CANCEL };

	memcpy(ctl.c_secret, ticket, MANY_TICKET);
	(void)request(m, &ctl);
}

/* --- threads ------------------------------------------------------------------------ */

struct many_thread *
many_enter(struct many *m)
{
	struct many_thread *mt;

	(void)pthread_mutex_lock(&m->m_lock);
	mt = m->m_idle;
	if (mt != NULL)
		m->m_idle = mt->mt_next;
	(void)pthread_mutex_unlock(&m->m_lock);
	if (mt == NULL) {
		mt = calloc(1, sizeof(*mt));
		if (mt == NULL)
			return NULL;
		mt->mt_many = m;
		mt->mt_cthread.ct_known = true;	/* nobody ends with it */
	}
	mt->mt_session = session_now;
	mt->mt_thread = cthread_now;
	session_now = &m->m_session;
	cthread_now = &mt->mt_cthread;
	return mt;
}

void
many_leave(struct many_thread *mt)
{
	struct many *m = mt->mt_many;

	session_now = mt->mt_session;
	cthread_now = mt->mt_thread;
	(void)pthread_mutex_lock(&m->m_lock);
	mt->mt_next = m->m_idle;
	m->m_idle = mt;
	(void)pthread_mutex_unlock(&m->m_lock);
}

int
many_bell(struct many_thread *mt)
{
	int fd;

	if (mt->mt_bell == 0) {
		fd = rumpclient_bell();
		if (fd < 0)
			return fd;
		mt->mt_bell = fd + 1;
	}
	return mt->mt_bell - 1;
}

void
many_rename(const struct many_who *who)
{
	unsigned long args[6] = { 0, 0, (unsigned long)who->mw_pid };

	memcpy(args, who->mw_comm, sizeof(who->mw_comm));
	(void)rumpclient_syscall_args(SP_NR_COMM, args);
}
