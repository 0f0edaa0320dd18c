/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * host.h - the host's system calls, by their instruction
 *
 * What serves a program's calls runs in the middle of its libc: perhaps in a signal
 * handler, in a child of vfork(2), under a lock of malloc.  So it calls nothing of the
 * C library, and the vector registers are the program's: this folder is compiled
 * without them, but for the parts that run at start.
 *
 * Results are the kernel's: a value, or -errno.
 */

#ifndef HIJACK_HOST_H
#define HIJACK_HOST_H

#include <sys/syscall.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* -4095 .. -1 are errors. */
static inline bool
host_failed(long ret)
{
	return (unsigned long)ret > -4096UL;
}

static inline long
host_syscall6(long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
    unsigned long e, unsigned long f)
{
	register unsigned long r10 __asm__("r10") = d;
	register unsigned long r8 __asm__("r8") = e;
	register unsigned long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
	    : "=a"(ret)
	    : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
	    : "rcx", "r11", "memory");
	return ret;
}

#define host_syscall(nr, ...)	HOST_SYSCALL_(nr, __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define HOST_SYSCALL_(nr, a, b, c, d, e, f, ...)						\
	host_syscall6((nr), (unsigned long)(a), (unsigned long)(b), (unsigned long)(c),		\
	    (unsigned long)(d), (unsigned long)(e), (unsigned long)(f))

/* The call as the program made it. */
#ifdef HIJACK_SUPERVISOR
long	host_args(long nr, const unsigned long args[6]);	/* it goes on by itself: supervisor.h */
/* The program's descriptor n as one of ours, until it is returned; -errno. */
int	host_borrow(unsigned long n);
void	host_return(int fd);
/* Those that were just given to the program, or are -errno, are closed there; its call has the result ret. */
long	host_withdraw(const long n[2], long ret);
/* The program's number. */
pid_t	host_pid(void);
/* Ours becomes the program's: its number there, or -errno. */
long	host_give(int fd, bool cloexec);
/* The directory of the process in /proc. */
const char *host_proc(void);
/* A directory of the program to look from, until it is returned. */
int	host_from(int dirfd);
/* The call of a name had that result, or will have: is there no such name? */
bool	host_lacks(long ret, int dirfd, const char *text, bool follow);
static inline bool
host_unsure(long ret)
{
	return !host_failed(ret);	/* it goes on: who knows? */
}
#else
static inline const char *
host_proc(void)
{
	return "/proc/self";
}

static inline pid_t
host_pid(void)
{
	return (pid_t)host_syscall(SYS_getpid, 0);
}

static inline long
host_withdraw(const long n[2], long ret)
{
	for (unsigned int i = 0; i < 2; i++) {
		if (n[i] >= 0)
			(void)host_syscall(SYS_close, n[i]);
	}
	return ret;
}

static inline int
host_from(int dirfd)
{
	return dirfd;
}

static inline bool
host_unsure(long ret)
{
	return ret == -2 || ret == -20;		/* ENOENT, ENOTDIR */
}

static inline bool
host_lacks(long ret, int dirfd, const char *text, bool follow)
{
	return host_unsure(ret);
}

static inline int
host_borrow(unsigned long n)
{
	return (int)n;
}

static inline void
host_return(int fd)
{
	(void)fd;
}

/* fd closes on exec. */
static inline long
host_give(int fd, bool cloexec)
{
	if (!cloexec)
		(void)host_syscall(SYS_fcntl, fd, 2 /* F_SETFD */, 0);
	return fd;
}

static inline long
host_args(long nr, const unsigned long args[6])
{
	return host_syscall6(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}
#endif

/* Prints to standard error, a line; for what must be said before a program dies. */
void	host_complain(const char *what, const char *about);

/*
 * string.h without the C library: a library that serves malloc's own system calls cannot
 * rely on how its host picks a memcpy.
 */
void	*mem_copy(void *to, const void *from, size_t len);
void	*mem_zero(void *to, size_t len);
void	*mem_move(void *to, const void *from, size_t len);
bool	text_equal(const char *a, const char *b);
/* text begins with prefix: the rest, else NULL. */
const char *text_after(const char *text, const char *prefix);
size_t	text_len(const char *text);
/* Appends to buf, which holds *len bytes of size and stays NUL-terminated; false: cut. */
bool	text_add(char *buf, size_t size, size_t *len, const char *more);
bool	text_add_number(char *buf, size_t size, size_t *len, unsigned long n);

#endif /* HIJACK_HOST_H */
