/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * spcalls.c - a client that makes calls of a server that lies
 *
 * The calls come from the input as well.  The client's memory is a small piece at an
 * odd address; the server may ask for any of it (that is what connecting means), but
 * nothing is touched that is not there, and a reply alone changes nothing but
 * what the call was given to be written.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <rump/rumpclient.h>

#include "spcalls.h"

static uint8_t memory[MEMSIZE], memory_was[MEMSIZE];

/* What the client may find written after the call under way. */
static uint64_t out_addr, out_len;

struct input in;
bool memory_asked;

void
need(bool held, const char *what)
{
	if (!held) {
		fprintf(stderr, "a client of a liar: %s\n", what);
		abort();
	}
}

uint64_t
take_number(void)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 4, 8, 16, 22, 4095, 4096, 65535,
	    65536, 65537, 0x7fffffff, 0xffffffff, INT64_MAX, UINT64_MAX, BASE,
	    BASE + MEMSIZE - 1, BASE - 1, 1ULL << 63, (uint64_t)-4095, (uint64_t)-1 - 4096 };
	uint32_t which = take(&in, 1);

	if (which < sizeof(odd) / sizeof(odd[0]))
		return odd[which];
	return which < 128 ? BASE + take(&in, 2) : (uint64_t)take(&in, 4) << (which & 31);
}

/* --- the client's memory ------------------------------------------------------------- */

static int
mem_read(void *to, uint64_t from, size_t len)
{
	if (from - BASE > MEMSIZE || len > MEMSIZE - (from - BASE))
		return EFAULT;
	memcpy(to, memory + (from - BASE), len);
	return 0;
}

static int
mem_write(uint64_t to, const void *from, size_t len)
{
	if (to - BASE > MEMSIZE || len > MEMSIZE - (to - BASE))
		return EFAULT;
	memcpy(memory + (to - BASE), from, len);
	return 0;
}

static int
mem_string(char *to, uint64_t from, size_t max, size_t *ret_len)
{
	for (size_t n = 0; n < max; n++) {
		if (mem_read(to + n, from + n, 1) != 0)
			return EFAULT;
		if (to[n] == '\0') {
			*ret_len = n + 1;
			return 0;
		}
	}
	return ENAMETOOLONG;
}

static int
mem_map(uint64_t len, uint64_t *ret_addr)
{
	*ret_addr = BASE;
	return len <= MEMSIZE ? 0 : ENOMEM;
}

static int
mem_touch(uint64_t addr)
{
	return addr - BASE < MEMSIZE ? 0 : EFAULT;
}

static void
mem_signal(uint64_t set)
{
	need(set != 0, "no signal at all");
}

static const struct rumpclient_memory spcalls_memory = {
	.rm_read = mem_read, .rm_write = mem_write, .rm_string = mem_string,
	.rm_map = mem_map, .rm_touch = mem_touch, .rm_signal = mem_signal,
};

/* --- calls ------------------------------------------------------------------------------------ */

static void
call(unsigned int nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
	unsigned long args[6] = { a, b, c, d };

	memory_asked = false;
	memcpy(memory_was, memory, sizeof(memory));
	(void)rumpclient_syscall_args(nr, args);
	if (memory_asked)
		return;
	if (out_len > MEMSIZE - (out_addr - BASE))
		out_len = MEMSIZE - (out_addr - BASE);
	need(memcmp(memory, memory_was, out_addr - BASE) == 0 &&
	    memcmp(memory + (out_addr - BASE) + out_len,
	    memory_was + (out_addr - BASE) + out_len,
	    MEMSIZE - (out_addr - BASE) - out_len) == 0, "a reply changes other memory");
}

static void
expect_out(uint64_t addr, uint64_t len)
{
	out_addr = addr;
	out_len = len;
}

/* A vector at BASE + 64 of n pieces, which follow each other from BASE + 8192 on. */
static void
vector_make(unsigned int n, unsigned int len)
{
	for (unsigned int i = 0; i < n; i++) {
		struct { uint64_t base, len; } iov = { BASE + 8192 + (uint64_t)i * len, len };

		memcpy(memory + 64 + i * sizeof(iov), &iov, sizeof(iov));
	}
}

void
spcalls_one(void)
{
	struct msghdr mh = { .msg_iovlen = 3, .msg_namelen = 16, .msg_controllen = 64 };
	uint32_t which = take(&in, 1);
	uint64_t addr = BASE + take(&in, 2), len = take(&in, 2);
	int bell;

	expect_out(BASE, 0);
	switch (which % 12) {
	case 0:
		call(SYS_getpid, 0, 0, 0, 0);
		break;
	case 1:
		expect_out(addr, len);
		call(SYS_read, 3, addr, len, 0);
		break;
	case 2:
		call(SYS_write, 3, addr, len, 0);
		break;
	case 3:
		call(SYS_openat, (unsigned long)AT_FDCWD, addr, O_RDWR, 0);
		break;
	case 4:
		vector_make(which / 12 + 1, 100);
		expect_out(BASE + 8192, (which / 12 + 1) * 100);
		call(SYS_readv, 3, BASE + 64, which / 12 + 1, 0);
		break;
	case 5:
		mh.msg_iov = (struct iovec *)(uintptr_t)(BASE + 64);
		mh.msg_name = (void *)(uintptr_t)(BASE + 4096);
		mh.msg_control = (void *)(uintptr_t)(BASE + 5000);
		vector_make(3, 200);
		memcpy(memory, &mh, sizeof(mh));
		expect_out(BASE, 16384);
		call(SYS_recvmsg, 3, BASE, 0, 0);
		break;
	case 6:
		expect_out(addr, 8);
		call(SYS_pipe2, addr, 0, 0, 0);
		break;
	case 7:
		expect_out(addr, 8 * (len & 63));
		bell = rumpclient_bell();
		if (bell >= 0) {
			(void)rumpclient_notify(3, bell);
			(void)rumpclient_poll_arm((struct pollfd *)(uintptr_t)addr,
			    len & 63, bell);
			rumpclient_bell_close(bell);
		}
		break;
	case 8:
		expect_out(addr, 144);
		call(SYS_fstat, 3, addr, 0, 0);
		break;
	case 9:
		expect_out(addr, 256);
		call(SYS_ioctl, 3, 0x8910 + which / 12, addr, 0);
		break;
	case 10:
		expect_out(addr, 8 * (len & 31));
		call(SYS_poll, addr, len & 31, 0, 0);
		break;
	default:
		expect_out(BASE, MEMSIZE);
		call(which / 12 * 17 + 1, addr, len, BASE + 100, BASE + 300);
		break;
	}
}

void
spcalls_getpid(void)
{
	expect_out(BASE, 0);
	call(SYS_getpid, 0, 0, 0, 0);
}

void
spcalls_init(void)
{
	for (size_t i = 0; i < MEMSIZE; i++)
		memory[i] = (uint8_t)(i % 251);
	rumpclient_setmemory(&spcalls_memory);
}
