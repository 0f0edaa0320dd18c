/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * locks.c - flock, record locks, and those of open file descriptions
 *
 * References: flock(2), fcntl(2).
 */

#include <sys/file.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

static int f, g, both[2];

static long
lock(int fd, int cmd, short type, short whence, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = whence, .l_start = start, .l_len = len };
	long ret = fcntl(fd, cmd, &fl);

	if (ret == 0 && (cmd == F_GETLK || cmd == F_OFD_GETLK))
		tell_text("  type %d whence %d start %ld len %ld pid %d", fl.l_type, fl.l_whence, (long)fl.l_start,
		    (long)fl.l_len, fl.l_pid == -1 ? -1 : fl.l_pid > 0);
	return ret;
}

static void
other_process(void *arg)
{
	(void)arg;
	f = (int)T(open("f", O_RDWR));
	T(lock(f, F_GETLK, F_WRLCK, SEEK_SET, 0, 0));
	T(lock(f, F_GETLK, F_RDLCK, SEEK_SET, 0, 10));
	T(lock(f, F_SETLK, F_RDLCK, SEEK_SET, 0, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 15, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 50, 10));
	T(lock(f, F_OFD_SETLK, F_WRLCK, SEEK_SET, 50, 10));
	(void)alarm(1);
	(void)signal(SIGALRM, SIG_DFL);
}

static void
records(void)
{
	file_make("f", 100);
	f = (int)T(open("f", O_RDWR));
	g = (int)T(open("f", O_RDONLY));
	T(lock(f, F_SETLK, F_RDLCK, SEEK_SET, 0, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 10, 10));
	T(lock(f, F_GETLK, F_WRLCK, SEEK_SET, 0, 0));
	T(lock(g, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_END, 0, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_END, -200, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, -1, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 30, -5));
	T(lock(f, F_SETLK, 9, SEEK_SET, 0, 10));
	T(lock(f, F_SETLK, F_WRLCK, 9, 0, 10));
	T(lock(-1, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
	T(fcntl(f, F_SETLK, NOWHERE));
	T(fcntl(f, F_GETLK, NOWHERE));
	in_child(other_process, NULL);
	T(lock(f, F_SETLK, F_UNLCK, SEEK_SET, 5, 10));
	in_child(other_process, NULL);
	T(close(g));	/* and all locks of the process go */
	in_child(other_process, NULL);
	T(lockf(f, F_TLOCK, 10));
	T(lockf(f, F_TEST, 10));
	T(lockf(f, 9, 10));
	T(lockf(f, F_ULOCK, 10));
}

static void
ofd_child(void *arg)
{
	(void)arg;
	T(lock(f, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 5));	/* the parent's description */
	g = (int)T(open("f", O_RDWR));
	T(lock(g, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 5));
	T(lock(g, F_OFD_GETLK, F_WRLCK, SEEK_SET, 0, 5));
	T(lock(g, F_GETLK, F_WRLCK, SEEK_SET, 0, 5));
}

static void
ofds(void)
{
	struct flock bad = { .l_type = F_WRLCK, .l_pid = 1 };

	file_make("f", 100);
	f = (int)T(open("f", O_RDWR));
	g = (int)T(open("f", O_RDWR));
	T(lock(f, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 10));
	T(lock(g, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 10));
	T(lock(g, F_OFD_GETLK, F_WRLCK, SEEK_SET, 5, 10));
	T(lock(g, F_SETLK, F_WRLCK, SEEK_SET, 5, 10));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 5, 10));
	T(fcntl(g, F_OFD_SETLK, &bad));
	in_child(ofd_child, NULL);
	T(close(f));
	T(lock(g, F_OFD_SETLK, F_WRLCK, SEEK_SET, 5, 10));
}

static void
flock_child(void *arg)
{
	int h = (int)T(open("f", O_RDONLY));

	(void)arg;
	T(flock(h, LOCK_EX | LOCK_NB));
	T(flock(h, LOCK_SH | LOCK_NB));
	T(flock(f, LOCK_UN));
}

static void
flocks(void)
{
	file_make("f", 100);
	f = (int)T(open("f", O_RDONLY));
	g = (int)T(open("f", O_RDONLY));
	T(flock(f, LOCK_SH));
	T(flock(g, LOCK_SH | LOCK_NB));
	T(flock(g, LOCK_EX | LOCK_NB));
	T(flock(g, LOCK_UN));
	T(flock(f, LOCK_EX | LOCK_NB));
	T(flock(g, LOCK_SH | LOCK_NB));
	T(flock(dup(f), LOCK_SH | LOCK_NB));
	in_child(flock_child, NULL);
	T(flock(g, LOCK_EX | LOCK_NB));
	T(flock(g, 99));
	T(flock(g, 0));
	T(flock(-1, LOCK_SH));
	T(flock(open("f", O_PATH), LOCK_SH));
	T(flock(open(".", O_RDONLY), LOCK_SH | LOCK_NB));
	T(pipe(both));
	T(flock(both[0], LOCK_SH | LOCK_NB));
	T(fcntl(g, F_SETLEASE, F_UNLCK));
}

static void
waiter(void *arg)
{
	int h = open("f", O_RDWR);

	(void)arg;
	(void)!write(both[1], "1", 1);
	T(lock(h, F_SETLKW, F_WRLCK, SEEK_SET, 0, 10));
	T(pread(h, &(char){ 0 }, 1, 0));
}

static void
holder(void *arg)
{
	char c;
	int h = open("f", O_RDWR);

	(void)arg;
	T(lock(h, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
	if (fork() == 0) {
		waiter(NULL);
		_exit(0);
	}
	T(read(both[0], &c, 1));
	/* Ends, and with it its lock. */
}

static void
waits(void)
{
	T(pipe(both));
	file_make("f", 100);
	in_child(holder, NULL);
	/* The waiter ends by itself; its writing end goes with it. */
	(void)close(both[1]);
	T(read(both[0], &(char){ 0 }, 1));
	f = (int)T(open("f", O_RDWR));
	T(lock(f, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
}

const struct group lock_groups[] = {
	{ "record-locks", records },
	{ "ofd-locks", ofds },
	{ "flock", flocks },
	{ "lock-waits", waits },
	{ NULL, NULL },
};
