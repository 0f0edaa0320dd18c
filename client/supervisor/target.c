/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * target.c - the processes under the filter
 *
 * A call comes with the number of a thread.  Its process is looked up once; then threads are
 * known by a table, until they say that they end (exit(2) is stopped for that) or
 * the process does (its pidfd becomes readable).
 *
 * Each is a proc of the kernel, with a session: its own beginning, or a copy of its parent's (birth.c).
 * What we know of descriptors is a copy of what the host knows: the parent's at first, kept up
 * by the calls that move descriptors, and looked over with the help of /proc after an exec.
 *
 * Locking
 *	makes_lock	one process is met at a time
 *	targets_lock	a leaf, held for a few instructions
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "supervisor.h"

#define NTHREADS	8192	/* places of the table: a power of two */

static pthread_mutex_t targets_lock = PTHREAD_MUTEX_INITIALIZER;
static struct target *targets;
/* By number, open; -1 was one.  A full table only makes us look at /proc each time. */
static struct { pid_t tid; struct target *t; bool rescan; } threads[NTHREADS];
const char *server_url;

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
	threads[at].rescan = false;
}

/* All but tid: after an exec there is no other. */
static void
threads_forget_locked(const struct target *t, pid_t tid)
{
	for (unsigned int i = 0; i < NTHREADS; i++) {
		if (threads[i].tid > 0 && threads[i].t == t && threads[i].tid != tid)
			threads[i].tid = -1;
	}
}

void
target_rescan(pid_t tid)
{
	unsigned int at;
	bool found;

	(void)pthread_mutex_lock(&targets_lock);
	at = thread_place(tid, &found);
	if (found)
		threads[at].rescan = true;
	(void)pthread_mutex_unlock(&targets_lock);
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

bool
target_names(struct target *t, int32_t entry)
{
	bool found = false;

	(void)pthread_mutex_lock(&targets_lock);
	for (unsigned int n = 0; n < t->t_nentries && !found; n++)
		found = t->t_entry[n] == entry;
	(void)pthread_mutex_unlock(&targets_lock);
	return found;
}

bool
target_has(struct target *t)
{
	bool found = false;

	(void)pthread_mutex_lock(&targets_lock);
	for (unsigned int n = 0; n < t->t_nentries && !found; n++)
		found = t->t_entry[n] != FDMAP_HOST;
	(void)pthread_mutex_unlock(&targets_lock);
	return found;
}

struct target *
target_with(int32_t entry, unsigned long *ret_n)
{
	struct target *t, *found = NULL;

	(void)pthread_mutex_lock(&targets_lock);
	for (t = targets; t != NULL && found == NULL; t = t->t_next) {
		for (unsigned int n = 0; n < t->t_nentries && found == NULL; n++) {
			if (t->t_entry[n] != entry)
				continue;
			*ret_n = n;
			found = t;
			t->t_refs++;
		}
	}
	(void)pthread_mutex_unlock(&targets_lock);
	return found;
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

bool
target_ask(pid_t tid, pid_t *ret_pid, pid_t *ret_parent)
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

void
target_who(pid_t pid, struct many_who *who)
{
	char name[40];
	ssize_t n = -1;
	int fd;

	*who = (struct many_who){ .mw_pid = pid };
	(void)snprintf(name, sizeof(name), "/proc/%d/comm", pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, who->mw_comm, sizeof(who->mw_comm) - 1);
	if (fd >= 0)
		(void)close(fd);
	while (n > 0 && who->mw_comm[n - 1] == '\n')
		who->mw_comm[--n] = '\0';
}

/* Which of the epolls that t had is its descriptor n? */
static int32_t
find_epoll(struct target *t, unsigned long n)
{
	pid_t self_pid = getpid();

	for (unsigned int i = 0; i < t->t_nentries; i++) {
		int32_t entry = target_entry(t, i);

		if (entry <= FDMAP_EPOLL && host_syscall(SYS_kcmp, t->t_pid, self_pid, KCMP_FILE, n,
		    companion_epoll(entry)) == 0)
			return entry;
	}
	return FDMAP_HOST;
}

/* Of what the link of a descriptor says; a name for the table. */
static int32_t
find(struct target *t, unsigned long n, const char *link)
{
	uint64_t ino;
	int32_t entry = FDMAP_HOST;

	if (sscanf(link, "pipe:[%lu]", &ino) == 1)
		return fdmap_find(ino);
	if (strcmp(link, "anon_inode:[eventpoll]") == 0)
		entry = find_epoll(t, n);
	if (entry != FDMAP_HOST)
		companion_hold(entry);
	return entry;
}

/* Those that are not where they were are closed. */
static void
scan_gone(struct target *t, const bool *seen, unsigned int nseen)
{
	for (unsigned int n = 0; n < nseen; n++) {
		if (!seen[n] && target_entry(t, n) != FDMAP_HOST)
			fdmap_close(t, n);
	}
}

static void
scan_dir(struct target *t, DIR *dir, bool *seen, unsigned int nseen)
{
	struct dirent *de;
	int32_t entry, old;
	unsigned long n;
	char link[64];
	ssize_t len;

	while ((de = readdir(dir)) != NULL) {
		len = readlinkat(dirfd(dir), de->d_name, link, sizeof(link) - 1);
		if (len <= 0)
			continue;
		link[len] = '\0';
		n = strtoul(de->d_name, NULL, 10);
		old = target_entry(t, n);
		entry = find(t, n, link);
		if (n < nseen)
			seen[n] = entry == old;
		if (entry == old && entry != FDMAP_HOST)
			fdmap_forget(entry);	/* it had this name */
		else if (entry != FDMAP_HOST && old != FDMAP_HOST)
			fdmap_close(t, n);
		if (entry != old && entry != FDMAP_HOST)
			(void)target_set(t, n, entry);
		if (entry != FDMAP_HOST && n < nseen)
			seen[n] = true;
	}
}

void
target_scan(struct target *t)
{
	unsigned int nseen = t->t_nentries;
	bool *seen = calloc(nseen + 1, sizeof(*seen));
	char name[40];
	DIR *dir;

	(void)snprintf(name, sizeof(name), "/proc/%d/fd", t->t_pid);
	dir = opendir(name);
	if (dir != NULL && seen != NULL) {
		scan_dir(t, dir, seen, nseen);
		scan_gone(t, seen, nseen);
	}
	if (dir != NULL)
		(void)closedir(dir);
	free(seen);
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

/* A proc like that of who made it, or one that begins with nothing. */
static int
session_begin(struct target *t, pid_t parent)
{
	struct many_who who;
	int error;

	if (adopt_claim(t) || birth_claim(t, parent))
		return 0;
	target_who(t->t_pid, &who);
	error = many_guest(server_url, &who, &t->t_session);
	if (error == 0)
		limits_tell(t);
	return error;
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
	mmap_forget(t);
	swap_forget(t);
	if (t->t_session != NULL)
		many_destroy(t->t_session);
	if (t->t_pidfd >= 0)
		(void)close(t->t_pidfd);
	free(t->t_entry);
	free(t);
}

/* makes_lock: two threads of a new process must not make it twice. */
static pthread_mutex_t makes_lock = PTHREAD_MUTEX_INITIALIZER;

static bool
target_make_locked(pid_t pid, pid_t parent)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return false;
	t->t_pid = pid;
	t->t_refs = 1;
	t->t_pidfd = (int)host_syscall(SYS_pidfd_open, pid, 0);
	if (t->t_pidfd < 0 || session_begin(t, parent) != 0) {
		target_free(t);
		return false;
	}
	if (t->t_entry == NULL)
		target_scan(t);
	(void)pthread_mutex_lock(&targets_lock);
	t->t_next = targets;
	targets = t;
	(void)pthread_mutex_unlock(&targets_lock);
	watch_pidfd(t->t_pidfd, pid);
	return true;
}

bool
target_meet(pid_t pid, pid_t parent)
{
	struct target *t;
	bool there;

	(void)pthread_mutex_lock(&makes_lock);
	(void)pthread_mutex_lock(&targets_lock);
	t = find_locked(pid);
	(void)pthread_mutex_unlock(&targets_lock);
	there = t != NULL || target_make_locked(pid, parent);
	(void)pthread_mutex_unlock(&makes_lock);
	return there;
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
		threads_forget_locked(t, 0);
	}
	(void)pthread_mutex_unlock(&targets_lock);
	if (t == NULL)
		return;
	(void)mmap_flush_target(t);
	birth_orphan(t);
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

/* Has the thread's table to be looked over? */
static bool
rescan_due(pid_t tid)
{
	unsigned int at;
	bool found, due = false;

	(void)pthread_mutex_lock(&targets_lock);
	at = thread_place(tid, &found);
	if (found) {
		due = threads[at].rescan;
		threads[at].rescan = false;
	}
	(void)pthread_mutex_unlock(&targets_lock);
	return due;
}

/* Was it an exec that worked?  Its only thread has the number of the process, and maybe another name. */
static void
after_exec(struct target *t, pid_t tid)
{
	struct many_thread *mt;
	struct many_who who;

	__atomic_store_n(&t->t_execs, false, __ATOMIC_RELEASE);
	(void)pthread_mutex_lock(&targets_lock);
	threads_forget_locked(t, tid);
	(void)pthread_mutex_unlock(&targets_lock);
	swap_end(t, tid, true);
	target_who(t->t_pid, &who);
	mt = many_enter(t->t_session);
	if (mt == NULL)
		return;
	many_rename(&who);
	many_leave(mt);
}

struct target *
target_enter(pid_t tid)
{
	struct target *t = known(tid);
	pid_t pid, parent;
	bool execs;

	if (t == NULL) {
		if (!target_ask(tid, &pid, &parent))
			return NULL;
		t = known_process(tid, pid);
		if (t == NULL && target_meet(pid, parent))
			t = known_process(tid, pid);
	}
	if (t == NULL)
		return NULL;
	execs = __atomic_load_n(&t->t_execs, __ATOMIC_ACQUIRE) && tid == t->t_pid;
	if (execs)
		after_exec(t, tid);
	if (execs || rescan_due(tid))
		target_scan(t);
	return t;
}

long
target_call(struct target *t, unsigned int nr, const unsigned long args[6])
{
	struct many_thread *mt;
	long ret;

	if (visit != NULL && visit->v_target == t)
		return kernel_call_own(nr, args);
	mt = many_enter(t->t_session);
	if (mt == NULL)
		return -ENOMEM;
	ret = rumpclient_syscall_args(nr, args);
	many_leave(mt);
	return ret;
}

void
target_hold(struct target *t)
{
	(void)pthread_mutex_lock(&targets_lock);
	t->t_refs++;
	(void)pthread_mutex_unlock(&targets_lock);
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
