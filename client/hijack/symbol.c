/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * symbol.c - functions of libc that are called often, with the kernel's descriptors
 *
 * The rewritten sites serve them as well.  But a site must keep the vector registers, and a
 * function need not: what a kernel inside the process costs is a small multiple
 * of that.  A descriptor of the host goes on to libc's own function, which a table look-up
 * costs.
 *
 * A thread that is cancelled while it waits in the kernel is told by a signal, which ends the call.
 */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hijack.h"
#include "symbol.h"

#define EXPORT	__attribute__((__visibility__("default")))

/* libc's. */
static struct {
	ssize_t	(*read)(int, void *, size_t);
	ssize_t	(*write)(int, const void *, size_t);
	ssize_t	(*pread)(int, void *, size_t, off_t);
	ssize_t	(*pwrite)(int, const void *, size_t, off_t);
	ssize_t	(*readv)(int, const struct iovec *, int);
	ssize_t	(*writev)(int, const struct iovec *, int);
	ssize_t	(*recv)(int, void *, size_t, int);
	ssize_t	(*send)(int, const void *, size_t, int);
	ssize_t	(*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t	(*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
} libc;

/* Written once at start: until then all is the host's. */
void
symbol_start(void)
{
	static const struct { const char *name; void *slot; } table[] = {
		{ "read", &libc.read }, { "write", &libc.write },
		{ "pread64", &libc.pread }, { "pwrite64", &libc.pwrite },
		{ "readv", &libc.readv }, { "writev", &libc.writev },
		{ "recv", &libc.recv }, { "send", &libc.send },
		{ "recvfrom", &libc.recvfrom }, { "sendto", &libc.sendto },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		*(void **)table[i].slot = dlsym(RTLD_NEXT, table[i].name);
}

/* In the kernel, or, if libc was not found yet, at the host. */
static __attribute__((__noinline__)) ssize_t
elsewhere(long nr, int fd, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
    unsigned long e)
{
	unsigned long args[6] = { (unsigned long)fd, a, b, c, d, e };
	int32_t entry = fdmap_entry((unsigned long)fd);
	long ret;

	if (entry <= 0 || self.s_depth > 0) {
		ret = entry == FDMAP_HIDDEN && self.s_depth == 0 ? -EBADF : host_args(nr, args);
	} else {
		args[0] = (unsigned long)(entry - 1);
		self.s_signalled = 0;
		do {
			self.s_cancelled = false;
			self.s_plain = true;
			ret = kernel_call((unsigned int)nr, args);
			self.s_plain = false;
			if (self.s_cancelled)
				pthread_testcancel();
		} while (ret == -EINTR && self.s_cancelled);
	}
	if (!host_failed(ret))
		return ret;
	errno = (int)-ret;
	return -1;
}

static inline bool
is_hosts(int fd)
{
	return __builtin_expect(fdmap_entry((unsigned long)fd) == FDMAP_HOST, 1);
}

#define P(pointer)	((unsigned long)(pointer))

EXPORT ssize_t
read(int fd, void *buf, size_t len)
{
	if (is_hosts(fd) && libc.read != NULL)
		return libc.read(fd, buf, len);
	return elsewhere(SYS_read, fd, P(buf), len, 0, 0, 0);
}

EXPORT ssize_t
write(int fd, const void *buf, size_t len)
{
	if (is_hosts(fd) && libc.write != NULL)
		return libc.write(fd, buf, len);
	return elsewhere(SYS_write, fd, P(buf), len, 0, 0, 0);
}

EXPORT ssize_t
pread64(int fd, void *buf, size_t len, off_t off)
{
	if (is_hosts(fd) && libc.pread != NULL)
		return libc.pread(fd, buf, len, off);
	return elsewhere(SYS_pread64, fd, P(buf), len, (unsigned long)off, 0, 0);
}

EXPORT ssize_t
pwrite64(int fd, const void *buf, size_t len, off_t off)
{
	if (is_hosts(fd) && libc.pwrite != NULL)
		return libc.pwrite(fd, buf, len, off);
	return elsewhere(SYS_pwrite64, fd, P(buf), len, (unsigned long)off, 0, 0);
}

/* In C these names mean the ones with 64 already. */
__asm__(".globl pread, pwrite, fstat\n.set fstat, fstat64\n.set pread, pread64\n.set pwrite, pwrite64");

/* libc asks by a name that is empty, which takes the host a third longer than this. */
EXPORT int
fstat64(int fd, struct stat64 *st)
{
	unsigned long args[6] = { (unsigned long)fd, P(st) };
	long ret;

	if (!is_hosts(fd))
		return (int)elsewhere(SYS_fstat, fd, P(st), 0, 0, 0, 0);
	ret = host_args(SYS_fstat, args);
	if (ret == 0)
		return 0;
	errno = (int)-ret;
	return -1;
}

EXPORT ssize_t
readv(int fd, const struct iovec *iov, int n)
{
	if (is_hosts(fd) && libc.readv != NULL)
		return libc.readv(fd, iov, n);
	return elsewhere(SYS_readv, fd, P(iov), (unsigned long)n, 0, 0, 0);
}

EXPORT ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	if (is_hosts(fd) && libc.writev != NULL)
		return libc.writev(fd, iov, n);
	return elsewhere(SYS_writev, fd, P(iov), (unsigned long)n, 0, 0, 0);
}

EXPORT ssize_t
recv(int fd, void *buf, size_t len, int flags)
{
	if (is_hosts(fd) && libc.recv != NULL)
		return libc.recv(fd, buf, len, flags);
	return elsewhere(SYS_recvfrom, fd, P(buf), len, (unsigned long)flags, 0, 0);
}

EXPORT ssize_t
send(int fd, const void *buf, size_t len, int flags)
{
	if (is_hosts(fd) && libc.send != NULL)
		return libc.send(fd, buf, len, flags);
	return elsewhere(SYS_sendto, fd, P(buf), len, (unsigned long)flags, 0, 0);
}

EXPORT ssize_t
recvfrom(int fd, void *restrict buf, size_t len, int flags, struct sockaddr *restrict from,
    socklen_t *restrict fromlen)
{
	if (is_hosts(fd) && libc.recvfrom != NULL)
		return libc.recvfrom(fd, buf, len, flags, from, fromlen);
	if (from != NULL)		/* a name, which may need translation */
		return syscall(SYS_recvfrom, fd, buf, len, flags, from, fromlen);
	return elsewhere(SYS_recvfrom, fd, P(buf), len, (unsigned long)flags, 0, 0);
}

EXPORT ssize_t
sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	if (is_hosts(fd) && libc.sendto != NULL)
		return libc.sendto(fd, buf, len, flags, to, tolen);
	if (to != NULL)
		return syscall(SYS_sendto, fd, buf, len, flags, to, tolen);
	return elsewhere(SYS_sendto, fd, P(buf), len, (unsigned long)flags, 0, 0);
}
