/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fork.c - children, and other programs in the same process
 *
 * The control connection is the process for the server.  A child of fork(2)
 * has a copy of its descriptor, which it must not use: it connects anew and shows
 * the ticket that its parent got.  A program after an exec goes on with the
 * connection, whose descriptor, process and URL the environment names.
 */

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_impl.h"

#define TICKETS_MAX	64

struct rumpclient_fork {
	uint32_t	 rf_used;	/* a */
	uint8_t		 rf_secret[SP_SECRET];
	struct rcsession	 rf_parent;	/* as it was before */
};

static struct rumpclient_fork tickets[TICKETS_MAX];

struct rumpclient_fork *
rumpclient_prefork(void)
{
	struct sp_ctl ctl = { .c_op = SP_PREFORK };
	int error;

	for (unsigned int i = 0; i < TICKETS_MAX; i++) {
		struct rumpclient_fork *rf = &tickets[i];

		if (__atomic_exchange_n(&rf->rf_used, 1, __ATOMIC_ACQUIRE) != 0)
			continue;
		error = control_request(&ctl, -1);
		if (error == 0) {
			memcpy(rf->rf_secret, ctl.c_secret, SP_SECRET);
			rf->rf_parent = session;
			return rf;
		}
		__atomic_store_n(&rf->rf_used, 0, __ATOMIC_RELEASE);
		errno = -error;
		return NULL;
	}
	errno = EAGAIN;
	return NULL;
}

static void
ticket_free(struct rumpclient_fork *rf)
{
	__atomic_store_n(&rf->rf_used, 0, __ATOMIC_RELEASE);
}

void
rumpclient_fork_cancel(struct rumpclient_fork *rf)
{
	struct sp_ctl ctl = { .c_op = SP_FORK_CANCEL };

	memcpy(ctl.c_secret, rf->rf_secret, SP_SECRET);
	(void)control_request(&ctl, -1);
	ticket_free(rf);
}

void
rumpclient_fork_vparent(struct rumpclient_fork *rf)
{
	session = rf->rf_parent;
	thread_forget();
	ticket_free(rf);
}

void
rumpclient_fork_parent(struct rumpclient_fork *rf)
{
	ticket_free(rf);
}

/* In the child: other threads, and the locks they held, are not here. */
static int
fork_init(struct rumpclient_fork *rf)
{
	struct sp_hello hello;
	int fd, error, old = session.s_fd;

	session.s_fd = -1;
	session.s_lock.rl_word = 0;
	thread_forget();
	streams_forget();
	bells_forget();
	memset(tickets, 0, sizeof(tickets[0]) * (size_t)(rf - tickets));
	hello_fill(&hello, SP_FORK);
	memcpy(hello.h_secret, rf->rf_secret, SP_SECRET);
	fd = connect_url(session.s_url);
	error = fd < 0 ? fd : session_begin_locked(fd, &hello);
	/*
	 * The ticket dies with the connection, whose last descriptor is ours if our parent has gone
	 * on and ended: so it is closed now, and its number, which others may know, is kept.
	 */
	if (error == 0 && hostcall(SYS_dup3, (long)fd, (long)old, (long)O_CLOEXEC, 0L, 0L, 0L) == old) {
		host_fd_ours(fd, false);
		session.s_fd = old;
	} else {
		host_fd_ours(old, false);
		host_close(old);
	}
	if (fd >= 0 && session.s_fd != fd)
		host_close(fd);
	ticket_free(rf);
	return error;
}

int
rumpclient_fork_init(struct rumpclient_fork *rf)
{
	struct host_room room;
	int error;

	host_room_forked();
	host_room_enter(&room);
	error = fork_init(rf);
	host_room_leave(&room);

	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

pid_t
rumpclient_fork(void)
{
	struct rumpclient_fork *rf = rumpclient_prefork();
	pid_t pid;

	if (rf == NULL)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (rumpclient_fork_init(rf) != 0)
			_exit(127);
	} else if (pid == -1) {
		rumpclient_fork_cancel(rf);
		errno = EAGAIN;
	} else {
		ticket_free(rf);
	}
	return pid;
}

pid_t
rumpclient_vfork(void)
{
	return rumpclient_fork();
}

/* --- exec ------------------------------------------------------------------------ */

/* Without the C library: -ENOSPC. */
static int
env_write(char *env, size_t size, int fd, long pid)
{
	char number[24];
	size_t at = 0, len;

	if (size < sizeof(EXEC_NAME) + 1)
		return -ENOSPC;
	memcpy(env, EXEC_NAME "=", sizeof(EXEC_NAME));
	at = sizeof(EXEC_NAME);
	for (unsigned int i = 0; i < 2; i++) {
		unsigned long n = i == 0 ? (unsigned long)fd :
		    (unsigned long)pid;

		len = sizeof(number);
		number[--len] = ',';
		do {
			number[--len] = (char)('0' + n % 10);
			n /= 10;
		} while (n > 0);
		if (sizeof(number) - len > size - at)
			return -ENOSPC;
		memcpy(env + at, number + len, sizeof(number) - len);
		at += sizeof(number) - len;
	}
	len = strlen(session.s_url) + 1;
	if (len > size - at)
		return -ENOSPC;
	memcpy(env + at, session.s_url, len);
	return 0;
}

static void
cloexec_set(int fd, bool on)
{
	(void)hostcall(SYS_fcntl, (long)fd, (long)F_SETFD,
	    (long)(on ? FD_CLOEXEC : 0), 0L, 0L, 0L);
}

static int
fork_exec(struct rumpclient_fork *rf, char *env, size_t size)
{
	struct sp_hello hello;
	struct sp_welcome w;
	int fd, memfd, error;

	hello_fill(&hello, SP_FORK);
	memcpy(hello.h_secret, rf->rf_secret, SP_SECRET);
	fd = connect_url(session.s_url);
	if (fd < 0)
		return fd;
	error = hello_exchange(fd, &hello, &w, &memfd);
	if (memfd != -1)
		host_close(memfd);
	if (error == 0)
		error = env_write(env, size, fd, hostcall(SYS_getpid, 0L, 0L, 0L,
		    0L, 0L, 0L));
	if (error) {
		host_close(fd);
		return error;
	}
	cloexec_set(fd, false);
	ticket_free(rf);
	return 0;
}

int
rumpclient_fork_exec(struct rumpclient_fork *rf, char *env, size_t size)
{
	struct host_room room;
	int error;

	host_room_enter(&room);
	error = fork_exec(rf, env, size);
	host_room_leave(&room);
	return error;
}

int
rumpclient_exec_env(char *env, size_t size)
{
	int error;

	if (session.s_fd == -1)
		return -ENOTCONN;
	error = env_write(env, size, session.s_fd, hostcall(SYS_getpid, 0L, 0L,
	    0L, 0L, 0L, 0L));
	if (error == 0)
		cloexec_set(session.s_fd, false);
	return error;
}

void
rumpclient_exec_failed(void)
{
	if (session.s_fd != -1)
		cloexec_set(session.s_fd, true);
}

int
rumpclient_exec(const char *path, char *const argv[], char *const envp[])
{
	char text[RUMPCLIENT_ENVLEN];
	char **env;
	size_t n = 0;
	int error;

	while (envp != NULL && envp[n] != NULL)
		n++;
	env = calloc(n + 2, sizeof(env[0]));
	if (env == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		env[i] = envp[i];
	env[n] = text;
	error = rumpclient_exec_env(text, sizeof(text));
	if (error == 0) {
		execve(path, argv, env);
		error = -errno;
		rumpclient_exec_failed();
	}
	free(env);
	errno = -error;
	return -1;
}

int
exec_inherited(const char **ret_url)
{
	static char text[RUMPCLIENT_ENVLEN];
	const char *value = getenv(EXEC_NAME);
	unsigned long fd, pid;
	struct stat st;
	char *end;

	if (value == NULL || strlen(value) >= sizeof(text))
		return -1;
	memcpy(text, value, strlen(value) + 1);
	(void)unsetenv(EXEC_NAME);
	fd = strtoul(text, &end, 10);
	if (*end != ',')
		return -1;
	pid = strtoul(end + 1, &end, 10);
	if (*end != ',' || fd > 0x7fffffff ||
	    (long)pid != hostcall(SYS_getpid, 0L, 0L, 0L, 0L, 0L, 0L))
		return -1;		/* it was for our parent */
	if (hostcall(SYS_fstat, (long)fd, &st, 0L, 0L, 0L, 0L) != 0 ||
	    !S_ISSOCK(st.st_mode))
		return -1;
	cloexec_set((int)fd, true);
	*ret_url = end + 1;
	return (int)fd;
}

int
rumpclient_daemon(int nochdir, int noclose)
{
	int null;

	switch (rumpclient_fork()) {
	case -1:
		return -1;
	case 0:
		break;
	default:
		_exit(0);
	}
	if (setsid() == -1)
		return -1;
	if (!nochdir && chdir("/") == -1)
		return -1;
	if (noclose)
		return 0;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return -1;
	for (int fd = 0; fd < 3; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		(void)close(null);
	return 0;
}
