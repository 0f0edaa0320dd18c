/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * birth.c - processes that were made and have not called yet
 *
 * A call that makes a process is announced here before it goes on: the kernel copies the parent's
 * proc, and we its table.  Who comes of it we learn when it first calls, and then a birth
 * whose parent it names is its.  A parent that ends before that has us meet its children while the
 * host still says whose they are; what nobody claims, since there was no child or it
 * was killed, is given back when its thread forks again, or when a descriptor of it hangs up.
 *
 * Locking
 *	births_lock, before targets_lock and fdmap_lock
 *
 * References: fork(2), proc_tid_children(5).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "supervisor.h"

/* Field key:	c  constant	l  births_lock */
struct birth {
	struct birth	*b_next;	/* l */
	struct target	*b_parent;	/* l: held; NULL: it has ended */
	pid_t		 b_ppid;	/* c */
	pid_t		 b_tid;		/* c: the thread that forked */
	uint8_t		 b_ticket[MANY_TICKET];	/* c */
	struct many	*b_session;	/* l: of a child whose parent has ended */
	uint32_t	 b_cwd;		/* c */
	int32_t		*b_entry;	/* c: as t_entry */
	unsigned int	 b_nentries;	/* c */
	struct mapping	*b_maps;	/* c */
};

static pthread_mutex_t births_lock = PTHREAD_MUTEX_INITIALIZER;
static struct birth *births;	/* l: the oldest is last */

/* --- announcing -------------------------------------------------------------------- */

static bool
copy_entries(struct birth *b, struct target *t)
{
	unsigned int n = t->t_nentries;

	if (n == 0)
		return true;
	b->b_entry = calloc(n, sizeof(b->b_entry[0]));
	if (b->b_entry == NULL)
		return false;
	b->b_nentries = n;
	for (unsigned int i = 0; i < n; i++)
		b->b_entry[i] = fdmap_copy(target_entry(t, i));
	return true;
}

/* It is in no list any more. */
static void
birth_free(struct birth *b)
{
	for (unsigned int i = 0; i < b->b_nentries; i++) {
		if (b->b_entry[i] != FDMAP_HOST)
			fdmap_forget(b->b_entry[i]);
	}
	mmap_disinherit(b->b_maps);
	if (b->b_session != NULL)
		many_destroy(b->b_session);
	if (b->b_parent != NULL)
		target_leave(b->b_parent);
	free(b->b_entry);
	free(b);
}

static void
birth_cancel(struct birth *b)
{
	if (b->b_parent != NULL)
		many_cancel(b->b_parent->t_session, b->b_ticket);
	birth_free(b);
}

/* The first that fits, out of the list. */
static struct birth *
take(bool (*fits)(const struct birth *b, long arg), long arg)
{
	struct birth **link, *b, **last = NULL;

	(void)pthread_mutex_lock(&births_lock);
	for (link = &births; (b = *link) != NULL; link = &b->b_next) {
		if (fits(b, arg))
			last = link;
	}
	b = NULL;
	if (last != NULL) {
		b = *last;
		*last = b->b_next;
	}
	(void)pthread_mutex_unlock(&births_lock);
	return b;
}

static bool
of_thread(const struct birth *b, long tid)
{
	return b->b_parent != NULL && b->b_tid == tid;
}

static bool
any_of_thread(pid_t tid)
{
	bool found = false;

	(void)pthread_mutex_lock(&births_lock);
	for (const struct birth *b = births; b != NULL && !found; b = b->b_next)
		found = of_thread(b, tid);
	(void)pthread_mutex_unlock(&births_lock);
	return found;
}

void
birth_announce(struct target *t, pid_t tid)
{
	struct birth *b;

	/* An earlier fork of this thread is over: its child is met, or there is none. */
	if (any_of_thread(tid)) {
		birth_meet(t, tid);
		while ((b = take(of_thread, tid)) != NULL)
			birth_cancel(b);
	}
	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return;
	if (many_ticket(t->t_session, b->b_ticket) != 0) {
		free(b);
		return;
	}
	target_hold(t);
	b->b_parent = t;
	b->b_ppid = t->t_pid;
	b->b_tid = tid;
	b->b_cwd = t->t_cwd;
	b->b_maps = mmap_inherit(t);
	if (!copy_entries(b, t)) {
		birth_cancel(b);
		return;
	}
	(void)pthread_mutex_lock(&births_lock);
	b->b_next = births;
	births = b;
	(void)pthread_mutex_unlock(&births_lock);
}

/* --- claiming ------------------------------------------------------------------------ */

static bool
of_process(const struct birth *b, long pid)
{
	return b->b_parent != NULL && b->b_ppid == pid;
}

static bool
of_nobody(const struct birth *b, long unused)
{
	return b->b_parent == NULL;
}

bool
birth_claim(struct target *t, pid_t parent)
{
	struct birth *b = take(of_process, parent);
	struct many_who who;
	int error;

	if (b == NULL)
		b = take(of_nobody, 0);
	if (b == NULL)
		return false;
	t->t_session = b->b_session;
	b->b_session = NULL;
	if (t->t_session == NULL) {
		target_who(t->t_pid, &who);
		error = many_redeem(b->b_parent->t_session, b->b_ticket, &who, &t->t_session);
		if (error) {
			birth_free(b);
			return false;
		}
	}
	t->t_cwd = b->b_cwd;
	t->t_entry = b->b_entry;
	t->t_nentries = b->b_nentries;
	t->t_maps = b->b_maps;
	b->b_maps = NULL;
	b->b_entry = NULL;
	b->b_nentries = 0;
	birth_free(b);
	return true;
}

/* The host keeps the children of a thread that has ended with another one of its process. */
static void
meet_of_task(struct target *t, const char *task)
{
	char name[64], text[4096], *at, *end;
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%d/task/%.20s/children", t->t_pid, task);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (at = text;; at = end) {
		pid_t pid = (pid_t)strtol(at, &end, 10);

		if (end == at)
			return;
		(void)target_meet(pid, t->t_pid);
	}
}

void
birth_meet(struct target *t, pid_t tid)
{
	char task[24];

	(void)snprintf(task, sizeof(task), "%d", tid);
	if (any_of_thread(tid))
		meet_of_task(t, task);
	(void)snprintf(task, sizeof(task), "%d", t->t_pid);
	if (t->t_pid != tid && any_of_thread(tid))
		meet_of_task(t, task);
}

/* --- ends ------------------------------------------------------------------------------ */

/* Its session ends, and with it what its tickets are good for. */
void
birth_orphan(struct target *t)
{
	struct many_who who = { .mw_pid = 0 };
	struct birth *b;

	while ((b = take(of_process, t->t_pid)) != NULL) {
		if (many_redeem(t->t_session, b->b_ticket, &who, &b->b_session) != 0) {
			birth_free(b);
			continue;
		}
		b->b_parent = NULL;
		target_leave(t);
		(void)pthread_mutex_lock(&births_lock);
		b->b_next = births;
		births = b;
		(void)pthread_mutex_unlock(&births_lock);
	}
}

static bool
has_entry(const struct birth *b, long entry)
{
	for (unsigned int i = 0; i < b->b_nentries; i++) {
		if (b->b_entry[i] == entry)
			return true;
	}
	return false;
}

void
birth_forget(int32_t entry)
{
	struct birth *b;

	while ((b = take(has_entry, entry)) != NULL)
		birth_cancel(b);
}
