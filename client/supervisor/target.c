/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * target.c - the processes under the filter
 *
 * A call comes with the number of a thread.  Its process is looked up once; then threads are
 * known by a table, until they say that they end (exit(2) is stopped for that) or
 * the process does (its pidfd becomes readable).
 *
 * What we know of descriptors is a copy of what the host knows: made from /proc when the process
 * makes its first call and after an exec, and kept up by the calls that move descriptors.
 *
 * Locking
 *	targets_lock, a leaf, held for a few instructions, or for the look at /proc of a new one
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <dirent.h>

#include "supervisor.h"

#define NTHREADS	8192	/* places of the table: a power of two */

static pthread_mutex_t targets_lock = PTHREAD_MUTEX_INITIALIZER;
static struct target *targets;
/* By number, open; -1 was one.  A full table only makes us look at /proc each time. */
static struct { pid_t tid; struct target *t; } threads[NTHREADS];

/* --- threads --------------------------------------------------------------------------- */

static unsigned int
thread_place(pid_t tid, bool *ret_found)
{
	unsigned int at = (unsigned int)tid * 2654435761U % NTHREADS, hole = NTHREADS;

	for (unsigned int i = 0; i < 64; i++, at = (at + 1) % NTHREADS) {
		if (threads[at].tid == tid) {
			*ret_found = true;
			return at;
		}
		if (threads[at].tid <= 0 && hole == NTHREADS)
			hole = at;
		if (threads[at].tid == 0)
			break;
	}
	*ret_found = false;
	return hole;
}

static void
thread_know(pid_t tid, struct target *t)
{
	bool found;
	unsigned int at = thread_place(tid, &found);

	if (at == NTHREADS)
		return;
	threads[at].tid = tid;
	threads[at].t = t;
}

void
target_thread_ends(pid_t tid)
{
	unsigned int at;
	bool found;

	(void)pthread_mutex_lock(&targets_lock);
	at = thread_place(tid, &found);
	if (found)
		threads[at].tid = -1;
	(void)pthread_mutex_unlock(&targets_lock);
}

/* --- entries ------------------------------------------------------------------------------- */

static int32_t
set_locked(struct target *t, unsigned long n, int32_t entry)
{
	unsigned int want = n < 64 ? 64 : (unsigned int)n * 2;
	int32_t *bigger, old;

	if (n >= HIJACK_NFDS || (n >= t->t_nentries && entry == FDMAP_HOST))
		return FDMAP_HOST;
	if (n >= t->t_nentries) {
		bigger = realloc(t->t_entry, want * sizeof(*bigger));
		if (bigger == NULL)
			return FDMAP_HOST;
		memset(bigger + t->t_nentries, 0, (want - t->t_nentries) * sizeof(*bigger));
		t->t_entry = bigger;
		t->t_nentries = want;
	}
	old = t->t_entry[n];
	t->t_entry[n] = entry;
	return old;
}

int32_t
target_set(struct target *t, unsigned long n, int32_t entry)
{
	int32_t old;

	(void)pthread_mutex_lock(&targets_lock);
	old = set_locked(t, n, entry);
	(void)pthread_mutex_unlock(&targets_lock);
	return old;
}

int32_t
target_entry(struct target *t, unsigned long n)
{
	unsigned int fd = (unsigned int)n;
	int32_t entry;

	(void)pthread_mutex_lock(&targets_lock);
	entry = fd < t->t_nentries ? t->t_entry[fd] : FDMAP_HOST;
	(void)pthread_mutex_unlock(&targets_lock);
	return entry;
}

void
target_each(struct target *t, void (*fn)(struct target *t, unsigned int n, int32_t entry))
{
	for (unsigned int n = 0; n < t->t_nentries; n++) {
		int32_t entry = target_entry(t, n);

		if (entry != FDMAP_HOST)
			fn(t, n, entry);
	}
}

/* --- what /proc says ------------------------------------------------------------------------- */

/* The number after a word of a thread's status; -1: it is gone. */
static pid_t
status_number(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at != NULL ? (pid_t)strtol(at + strlen(word), NULL, 10) : -1;
}

static bool
status_read(pid_t tid, pid_t *ret_pid, pid_t *ret_parent)
{
	char name[40], text[1024];
	ssize_t n;
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/%d/status", tid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	*ret_pid = status_number(text, "\nTgid:");
	*ret_parent = status_number(text, "\nPPid:");
	return *ret_pid > 0;
}

/* Placeholders among the descriptors; what else we knew of them is no more. */
static void
scan(struct target *t)
{
	char name[40], link[64];
	struct dirent *de;
	int32_t entry, old;
	uint64_t ino;
	ssize_t n;
	DIR *dir;

	(void)snprintf(name, sizeof(name), "/proc/%d/fd", t->t_pid);
	dir = opendir(name);
	if (dir == NULL)
		return;
	for (unsigned int i = 0; i < t->t_nentries; i++) {
		old = target_set(t, i, FDMAP_HOST);
		if (old != FDMAP_HOST)
			fdmap_forget(old);
	}
	while ((de = readdir(dir)) != NULL) {
		n = readlinkat(dirfd(dir), de->d_name, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "pipe:[%lu]", &ino) != 1)
			continue;
		entry = fdmap_find(ino);
		if (entry != FDMAP_HOST)
			(void)target_set(t, strtoul(de->d_name, NULL, 10), entry);
	}
	(void)closedir(dir);
}

/* --- births and deaths ------------------------------------------------------------------------- */

static struct target *
find_locked(pid_t pid)
{
	struct target *t;

	for (t = targets; t != NULL && t->t_pid != pid; t = t->t_next)
		continue;
	return t;
}

static struct target *
target_make(pid_t pid, pid_t parent)
{
	struct target *t = calloc(1, sizeof(*t)), *other;

	if (t == NULL)
		return NULL;
	t->t_pid = pid;
	t->t_refs = 1;
	t->t_cwdfd = -1;
	t->t_pidfd = (int)host_syscall(SYS_pidfd_open, pid, 0);
	if (t->t_pidfd < 0) {
		free(t);
		return NULL;
	}
	(void)pthread_mutex_lock(&targets_lock);
	other = find_locked(pid);
	if (other == NULL) {
		t->t_next = targets;
		targets = t;
	}
	(void)pthread_mutex_unlock(&targets_lock);
	if (other != NULL) {
		(void)close(t->t_pidfd);
		free(t);
		return other;
	}
	scan(t);
	(void)pthread_mutex_lock(&targets_lock);
	other = find_locked(parent);
	(void)pthread_mutex_unlock(&targets_lock);
	if (other != NULL)
		target_inherit_cwd(t, other);
	else
		adopt_cwd(t);
	watch_pidfd(t->t_pidfd, pid);
	return t;
}

static void
forget(struct target *t, unsigned int n, int32_t entry)
{
	(void)target_set(t, n, FDMAP_HOST);
	fdmap_forget(entry);
}

static void
target_free(struct target *t)
{
	target_each(t, forget);
	if (t->t_cwdfd >= 0)
		(void)kernel_syscall(SYS_close, t->t_cwdfd);
	(void)close(t->t_pidfd);
	free(t->t_entry);
	free(t);
}

void
target_dies(pid_t pid)
{
	struct target *t, **link;

	(void)pthread_mutex_lock(&targets_lock);
	for (link = &targets; (t = *link) != NULL && t->t_pid != pid; link = &t->t_next)
		continue;
	if (t != NULL) {
		*link = t->t_next;
		for (unsigned int i = 0; i < NTHREADS; i++) {
			if (threads[i].tid > 0 && threads[i].t == t)
				threads[i].tid = -1;
		}
	}
	(void)pthread_mutex_unlock(&targets_lock);
	if (t != NULL)
		target_leave(t);
}

/* --- calls ----------------------------------------------------------------------------------------- */

static struct target *
known(pid_t tid)
{
	struct target *t = NULL;
	unsigned int at;
	bool found;

	(void)pthread_mutex_lock(&targets_lock);
	at = thread_place(tid, &found);
	if (found) {
		t = threads[at].t;
		t->t_refs++;
	}
	(void)pthread_mutex_unlock(&targets_lock);
	return t;
}

/* By its process; *ret_pid. */
static struct target *
known_process(pid_t tid, pid_t pid)
{
	struct target *t;

	(void)pthread_mutex_lock(&targets_lock);
	t = find_locked(pid);
	if (t != NULL) {
		t->t_refs++;
		thread_know(tid, t);
	}
	(void)pthread_mutex_unlock(&targets_lock);
	return t;
}

struct target *
target_enter(pid_t tid)
{
	struct target *t = known(tid);
	pid_t pid, parent;

	if (t == NULL) {
		if (!status_read(tid, &pid, &parent))
			return NULL;
		t = known_process(tid, pid);
		if (t == NULL && target_make(pid, parent) != NULL)
			t = known_process(tid, pid);
	}
	if (t != NULL && __atomic_load_n(&t->t_rescan, __ATOMIC_ACQUIRE) == tid) {
		__atomic_store_n(&t->t_rescan, 0, __ATOMIC_RELEASE);
		scan(t);
	}
	return t;
}

void
target_leave(struct target *t)
{
	bool last;

	(void)pthread_mutex_lock(&targets_lock);
	last = --t->t_refs == 0;
	(void)pthread_mutex_unlock(&targets_lock);
	if (last)
		target_free(t);
}
