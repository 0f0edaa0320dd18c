/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_linux.c - bus files on Linux: locks and mappings
 *
 * Locks are those of the open file description (fcntl(2), F_OFD_SETLK): they
 * end with the process, at whatever instruction it is killed, and anybody who
 * has the file open can ask who has them.
 *
 * A mapping of a file that somebody truncates raises SIGBUS where it is
 * touched.  The handler puts private zeroes in place of the whole mapping and
 * lets the access be done again: to its user the bus is then empty and dead,
 * which is what has happened to it.  It chains to the handler before it, and a
 * program that installs one later must chain to ours.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../shmbus_format.h"
#include "shmbus_host.h"

#define NMAPS	1024		/* buses that a process can have open */

/* Field key:	a  atomic	c  constant while m_base is not 0 */
struct map {
	_Atomic uintptr_t m_base;	/* a */
	_Atomic uint64_t m_size;	/* a */
	atomic_bool	 m_lost;	/* a */
};

static struct map maps[NMAPS];
static pthread_once_t handler_once = PTHREAD_ONCE_INIT;
static struct sigaction handler_previous;
static int handler_error;

/* --- locks ---------------------------------------------------------------- */

static int
lock_op(int fd, int op, short type, uint64_t byte, struct flock *fl)
{
	memset(fl, 0, sizeof(*fl));
	fl->l_type = type;
	fl->l_whence = SEEK_SET;
	fl->l_start = (off_t)byte;
	fl->l_len = 1;
	while (fcntl(fd, op, fl) != 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

int
rumpcomp_shmbus_lock(int fd, uint64_t byte)
{
	struct flock fl;

	/* Where there is no file nobody is in the way. */
	return fd < 0 ? 0 : lock_op(fd, F_OFD_SETLK, F_WRLCK, byte, &fl);
}

void
rumpcomp_shmbus_unlock(int fd, uint64_t byte)
{
	struct flock fl;

	if (fd >= 0)
		(void)lock_op(fd, F_OFD_SETLK, F_UNLCK, byte, &fl);
}

bool
rumpcomp_shmbus_locked(int fd, uint64_t byte)
{
	struct flock fl;

	if (fd < 0 || lock_op(fd, F_OFD_GETLK, F_WRLCK, byte, &fl) != 0)
		return true;
	return fl.l_type != F_UNLCK;
}

/* --- files ---------------------------------------------------------------- */

/* 0 if the file has a header, or has one now. */
static int
file_init_locked(int fd, const void *page, uint64_t size)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return errno;
	if (st.st_size != 0) {
		uint32_t magic;

		/* Its maker was killed between the two steps below? */
		if (pread(fd, &magic, sizeof(magic), 0) != sizeof(magic) ||
		    magic != 0 || (uint64_t)st.st_size != size)
			return 0;
	} else if (ftruncate(fd, (off_t)size) != 0) {
		return errno;
	}
	/* The first word goes in last, by itself. */
	if (pwrite(fd, (const char *)page + 4, 4092, 4) != 4092 ||
	    pwrite(fd, page, 4, 0) != 4)
		return errno != 0 ? errno : EIO;
	return 0;
}

static int
file_init(int fd, const void *page, uint64_t size)
{
	struct flock fl;
	uint32_t magic;
	int error;

	if (pread(fd, &magic, sizeof(magic), 0) == sizeof(magic) && magic != 0)
		return 0;
	error = lock_op(fd, F_OFD_SETLKW, F_WRLCK, SHMBUS_LOCK_INIT, &fl);
	if (error)
		return error;
	errno = 0;
	error = file_init_locked(fd, page, size);
	rumpcomp_shmbus_unlock(fd, SHMBUS_LOCK_INIT);
	return error;
}

/* Not a descriptor that a program takes for its standard ones. */
static int
fd_raise(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	(void)close(fd);
	return high;
}

int
rumpcomp_shmbus_open(const char *path, bool create, const void *page,
    uint64_t size, int *ret_fd, uint64_t *ret_size)
{
	int error = 0, flags = O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, fd;
	struct stat st;

	fd = fd_raise(open(path, create ? flags | O_CREAT : flags, 0666));
	if (fd < 0)
		return errno;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	else if (create)
		error = file_init(fd, page, size);
	if (error == 0 && fstat(fd, &st) != 0)
		error = errno;
	if (error == 0 && st.st_size < (off_t)sizeof(struct shmbus_header))
		error = EINVAL;
	if (error != 0) {
		(void)close(fd);
		return error;
	}
	*ret_fd = fd;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

void
rumpcomp_shmbus_close(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

uint32_t
rumpcomp_shmbus_pid(void)
{
	return (uint32_t)getpid();
}

/* --- mappings ------------------------------------------------------------- */

static void
handler_chain(int signo, siginfo_t *info, void *context)
{
	const struct sigaction *sa = &handler_previous;
	struct sigaction usual;

	if ((sa->sa_flags & SA_SIGINFO) != 0) {
		sa->sa_sigaction(signo, info, context);
		return;
	}
	if (sa->sa_handler != SIG_DFL && sa->sa_handler != SIG_IGN) {
		sa->sa_handler(signo);
		return;
	}
	if (sa->sa_handler == SIG_IGN && info->si_code <= 0)
		return;
	/* A fault happens again when we return; a sent signal is sent again. */
	memset(&usual, 0, sizeof(usual));
	usual.sa_handler = SIG_DFL;
	(void)sigaction(signo, &usual, NULL);
	if (info->si_code <= 0)
		(void)raise(signo);
}

static void
handler(int signo, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr, base;
	int saved = errno;

	for (size_t i = 0; info->si_code > 0 && i < NMAPS; i++) {
		base = atomic_load(&maps[i].m_base);
		if (base == 0 || at - base >= atomic_load(&maps[i].m_size))
			continue;
		atomic_store(&maps[i].m_lost, true);
		if (mmap((void *)base, atomic_load(&maps[i].m_size),
		    PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
		    -1, 0) == MAP_FAILED)
			break;
		errno = saved;
		return;
	}
	handler_chain(signo, info, context);
}

static void
handler_install(void)
{
	struct sigaction sa;

	if (sigaction(SIGBUS, NULL, &handler_previous) != 0) {
		handler_error = errno;
		return;
	}
	sa = handler_previous;
	sa.sa_flags &= ~(int)SA_RESETHAND;
	sa.sa_flags |= SA_SIGINFO | SA_ONSTACK;
	sa.sa_sigaction = handler;
	if (sigaction(SIGBUS, &sa, NULL) != 0)
		handler_error = errno;
}

static struct map *
map_find(uintptr_t base)
{
	for (size_t i = 0; i < NMAPS; i++) {
		if (atomic_load(&maps[i].m_base) == base)
			return &maps[i];
	}
	return NULL;
}

/* An entry for a mapping, which the handler knows from here on. */
static int
map_add(void *base, uint64_t size)
{
	uintptr_t none;

	for (size_t i = 0; i < NMAPS; i++) {
		none = 0;
		/* 1 is nobody's base: the entry is ours, but not in force. */
		if (!atomic_compare_exchange_strong(&maps[i].m_base, &none, 1))
			continue;
		atomic_store(&maps[i].m_size, size);
		atomic_store(&maps[i].m_lost, false);
		atomic_store(&maps[i].m_base, (uintptr_t)base);
		return 0;
	}
	return EMFILE;
}

int
rumpcomp_shmbus_map(int fd, uint64_t size, void **ret_base)
{
	void *base;
	int error;

	(void)pthread_once(&handler_once, handler_install);
	if (handler_error != 0)
		return handler_error;
	base = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (base == MAP_FAILED)
		return errno;
	error = map_add(base, size);
	if (error != 0) {
		(void)munmap(base, size);
		return error;
	}
	*ret_base = base;
	return 0;
}

void
rumpcomp_shmbus_unmap(void *base, uint64_t size)
{
	struct map *m = map_find((uintptr_t)base);

	if (m != NULL)
		atomic_store(&m->m_base, 0);
	(void)munmap(base, size);
}

bool
rumpcomp_shmbus_lost(const void *base)
{
	const struct map *m = map_find((uintptr_t)base);

	return m != NULL && atomic_load(&m->m_lost);
}
