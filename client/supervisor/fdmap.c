/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fdmap.c - placeholders of the programs' descriptors
 *
 * Behind each descriptor of the kernel a program has the writing end of a pipe, put there by
 * us (SECCOMP_IOCTL_NOTIF_ADDFD); the reading end is ours.  The pipe's inode number tells by /proc what
 * a descriptor stands for.  A child of fork(2) has the same placeholders and, in its own proc of
 * the kernel, the same numbers: so the number belongs to the place, and the tables of several
 * processes lead there.
 *
 * With the last name in a table goes the proc's descriptor.  What goes unseen (close-on-exec, a
 * process that is killed before it ever calls) is noticed when our end hangs up: the host
 * counts for us.
 *
 * Locking
 *	fdmap_lock, a leaf
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor.h"

#define NPLACES		65536
#define NBUCKETS	4096

#define R_FREE		(-1)		/* the place is free */

/* Field key:	l  fdmap_lock */
struct place {
	int		 p_r;		/* l: the kernel's, or one of these */
	int		 p_end;		/* l: the pipe's reading end */
	uint64_t	 p_ino;		/* l */
	uint32_t	 p_names;	/* l: entries of tables */
	uint32_t	 p_next;	/* l: in its bucket, or of the free ones; + 1 */
};

static pthread_mutex_t fdmap_lock = PTHREAD_MUTEX_INITIALIZER;
static struct place places[NPLACES];
static uint32_t buckets[NBUCKETS];	/* l: + 1 */
static uint32_t unused, untouched;	/* l: + 1; never used from here on */

/*
 * Entries of tables: the place's number + 1, as others have the kernel's number.
 * fdmap_entry() translates.
 */
static struct place *
place_of(int32_t entry)
{
	return &places[entry - 1];
}

/* --- places ------------------------------------------------------------------------- */

static struct place *
place_new_locked(int r, int end, uint64_t ino)
{
	struct place *p;

	if (unused != 0) {
		p = &places[unused - 1];
		unused = p->p_next;
	} else if (untouched < NPLACES) {
		p = &places[untouched++];
	} else {
		return NULL;
	}
	*p = (struct place){ .p_r = r, .p_end = end, .p_ino = ino, .p_names = 1,
	    .p_next = buckets[ino % NBUCKETS] };
	buckets[ino % NBUCKETS] = (uint32_t)(p - places) + 1;
	return p;
}

/* The place goes; what is left to do is to close the kernel's and our end. */
static void
place_free_locked(struct place *p, int *ret_r, int *ret_end)
{
	uint32_t *link = &buckets[p->p_ino % NBUCKETS];

	while (*link != (uint32_t)(p - places) + 1)
		link = &places[*link - 1].p_next;
	*link = p->p_next;
	*ret_r = p->p_r;
	*ret_end = p->p_end;
	p->p_r = R_FREE;
	p->p_next = unused;
	unused = (uint32_t)(p - places) + 1;
}

/* A table forgets it. */
static void
unname(int32_t entry)
{
	int r, end = -1;

	(void)pthread_mutex_lock(&fdmap_lock);
	if (--place_of(entry)->p_names == 0)
		place_free_locked(place_of(entry), &r, &end);
	(void)pthread_mutex_unlock(&fdmap_lock);
	if (end >= 0)
		(void)close(end);
}

/* --- entries ------------------------------------------------------------------------------- */

int32_t
fdmap_entry(unsigned long n)
{
	int32_t entry = target_entry(visit->v_target, n);

	/* r is constant as long as somebody names it. */
	return entry > 0 ? __atomic_load_n(&place_of(entry)->p_r, __ATOMIC_RELAXED) + 1 : entry;
}

int32_t
fdmap_find(uint64_t ino)
{
	int32_t entry = FDMAP_HOST;

	(void)pthread_mutex_lock(&fdmap_lock);
	for (uint32_t i = buckets[ino % NBUCKETS]; i != 0; i = places[i - 1].p_next) {
		if (places[i - 1].p_ino == ino) {
			places[i - 1].p_names++;
			entry = (int32_t)i;
			break;
		}
	}
	(void)pthread_mutex_unlock(&fdmap_lock);
	return entry;
}

void
fdmap_forget(int32_t entry)
{
	if (entry <= FDMAP_EPOLL)
		companion_drop(NULL, entry);
	else
		unname(entry);
}

int32_t
fdmap_copy(int32_t entry)
{
	if (entry <= FDMAP_EPOLL)
		return companion_copy(entry);
	if (entry <= 0)
		return entry;
	(void)pthread_mutex_lock(&fdmap_lock);
	place_of(entry)->p_names++;
	(void)pthread_mutex_unlock(&fdmap_lock);
	return entry;
}

void
fdmap_close(struct target *t, unsigned long n)
{
	int32_t entry = target_set(t, n, FDMAP_HOST);
	unsigned long args[6] = { 0 };

	if (entry <= FDMAP_EPOLL)
		companion_drop(t, entry);
	if (entry <= 0)
		return;
	args[0] = (unsigned long)place_of(entry)->p_r;
	if (!target_names(t, entry))
		(void)target_call(t, SYS_close, args);
	unname(entry);
}

void
fdmap_drop(unsigned long n)
{
	fdmap_close(visit->v_target, n);
}

/* An event may be old, and the place another's: it is looked at again. */
static bool
hung_up(const struct place *p)
{
	struct pollfd pfd = { .fd = p->p_end };

	return p->p_r >= 0 && poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

void
fdmap_hangup(uint32_t index)
{
	int32_t entry = (int32_t)index + 1;
	struct target *t;
	unsigned long n;
	bool gone;

	(void)pthread_mutex_lock(&fdmap_lock);
	gone = hung_up(&places[index]);
	if (gone)
		places[index].p_names++;	/* it stays what it is meanwhile */
	(void)pthread_mutex_unlock(&fdmap_lock);
	if (!gone)
		return;
	birth_forget(entry);
	while ((t = target_with(entry, &n)) != NULL) {
		fdmap_close(t, n);
		target_leave(t);
	}
	unname(entry);
}

/* --- new ones --------------------------------------------------------------------------------- */

/* fdoff=: the program's lowest number from there on that is free; -1: the lowest of all. */
static long
number_from(unsigned int from)
{
	char name[48];
	struct stat st;

	for (unsigned int n = from; from != 0 && n < HIJACK_NFDS; n++) {
		(void)snprintf(name, sizeof(name), "/proc/%d/fd/%u", visit->v_target->t_pid, n);
		if (target_entry(visit->v_target, n) == FDMAP_HOST && lstat(name, &st) != 0)
			return n;
	}
	return -1;
}

static long
give(int r, bool cloexec)
{
	struct place *p;
	struct stat st;
	int pipefd[2];
	long n;

	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) != 0)
		return -errno;
	if (fstat(pipefd[1], &st) != 0)
		st.st_ino = 0;
	(void)pthread_mutex_lock(&fdmap_lock);
	p = place_new_locked(r, pipefd[0], st.st_ino);
	(void)pthread_mutex_unlock(&fdmap_lock);
	n = p == NULL ? -ENFILE : visit_give(pipefd[1], number_from(policy.po_fdoff), cloexec);
	if (p != NULL && n >= 0)
		(void)target_set(visit->v_target, (unsigned long)n, (int32_t)(p - places) + 1);
	(void)close(pipefd[1]);
	if (n >= 0) {
		watch_placeholder(pipefd[0], (uint32_t)(p - places));
		return n;
	}
	(void)pthread_mutex_lock(&fdmap_lock);
	if (p != NULL)
		place_free_locked(p, &r, &pipefd[0]);
	(void)pthread_mutex_unlock(&fdmap_lock);
	(void)close(pipefd[0]);
	return n;
}

/* Which of the program's numbers below the limit are taken? */
static unsigned long
numbers_below(unsigned long limit)
{
	unsigned long n = 0;
	struct dirent *de;
	char name[48];
	DIR *dir;

	(void)snprintf(name, sizeof(name), "%s/fd", host_proc());
	dir = opendir(name);
	while (dir != NULL && (de = readdir(dir)) != NULL) {
		if (de->d_name[0] != '.' && strtoul(de->d_name, NULL, 10) < limit)
			n++;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return n;
}

/* While the last number is free, there is room; they are counted only when it is not. */
long
fdmap_room(void)
{
	struct rlimit rl;
	int fd;

	if (host_syscall(SYS_prlimit64, host_pid(), RLIMIT_NOFILE, NULL, &rl) != 0)
		return 0;
	fd = rl.rlim_cur > 0 ? host_borrow(rl.rlim_cur - 1) : 0;
	if (fd == -EBADF)
		return 0;
	if (rl.rlim_cur > 0)
		host_return(fd);
	return numbers_below(rl.rlim_cur) < rl.rlim_cur ? 0 : -EMFILE;
}

long
fdmap_new(int r, bool cloexec)
{
	long n = give(r, cloexec);

	if (n < 0)
		(void)kernel_syscall(SYS_close, r);
	return n;
}

/* Another copy of a place's pipe: opening it by its name here gives us its other end.  -errno. */
static int
place_copy(const struct place *p)
{
	char name[40];
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", p->p_end);
	fd = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

/* A copy of what stands behind an entry, to be given away; -errno. */
static int
stand_in(unsigned long old, int32_t entry)
{
	return entry <= FDMAP_EPOLL ? host_borrow(old) : place_copy(place_of(entry));
}

/* The program's descriptor old gets another name. */
long
fdmap_again(unsigned long old, long n, bool cloexec)
{
	int32_t entry = target_entry(visit->v_target, old);
	long got;
	int fd;

	if (entry == FDMAP_HOST)
		return -EBADF;
	fd = stand_in(old, entry);
	if (fd < 0)
		return fd;
	if (entry > 0)
		(void)fdmap_copy(entry);
	else
		companion_hold(entry);
	if (n >= 0)
		fdmap_drop((unsigned long)n);
	got = visit_give(fd, n, cloexec);
	if (got >= 0)
		(void)target_set(visit->v_target, (unsigned long)got, entry);
	else
		fdmap_forget(entry);
	(void)close(fd);
	return got;
}

long
fdmap_dup(unsigned long n, bool cloexec)
{
	return fdmap_again(n, -1, cloexec);
}

/* --- a preloaded program's ------------------------------------------------------------------- */

static struct place *
place_by_r(int r)
{
	for (uint32_t i = 0; i < untouched; i++) {
		if (places[i].p_r == r)
			return &places[i];
	}
	return NULL;
}

/* With nobody's name on it yet: *ret_fd is to be the program's. */
static struct place *
place_adopt(int r, int *ret_fd)
{
	struct place *p = NULL;
	struct stat st;
	int pipefd[2];

	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) != 0)
		return NULL;
	if (fstat(pipefd[1], &st) == 0)
		p = place_new_locked(r, pipefd[0], st.st_ino);
	if (p == NULL) {
		(void)close(pipefd[0]);
		(void)close(pipefd[1]);
		return NULL;
	}
	p->p_names = 0;
	*ret_fd = pipefd[1];
	return p;
}

bool
fdmap_adopt(unsigned long n, int r)
{
	struct place *p = place_by_r(r);
	int fd = -1;

	if (p != NULL)
		fd = place_copy(p);
	else
		p = place_adopt(r, &fd);
	if (p == NULL || fd < 0)
		return false;
	/* Over an exec came only what is not closed by one. */
	(void)dup2(fd, (int)n);
	(void)close(fd);
	return true;
}

void
fdmap_adopted(void (*fn)(uint32_t index, int r, int end))
{
	for (uint32_t i = 0; i < untouched; i++)
		fn(i, places[i].p_r, places[i].p_end);
}
