/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hostile.c - a client that means no good
 *
 * Every call the kernel serves gets words that a confused or evil program
 * could pass: pointers to nothing, into the kernel's half, across the end of
 * what is mapped, numbers at each limit, descriptors that are and are not
 * there.  Any answer is right as long as it is one: no crash, no endless
 * wait, nothing written beside the buffer, and the kernel still works.
 *
 * What may rightly wait for ever is steered away from: descriptors are made
 * non-blocking, and waits get an end.
 */

#include <rump/rump_syscalls.h>

#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <harness.h>
#include <rump/rump.h>

#include <abi/sysdesc.h>

#define CALLS		4000
#define GUARD		0xa7

/*
 * Two pages of memory that may be written to, and behind each nothing: what
 * a call is asked to write beyond would hit the test itself.
 */
static unsigned char *page, *string_page;

static uint64_t
next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned long
word(uint64_t *r)
{
	static const unsigned long words[] = {
		0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 24, 64, 100, 255, 256, 4095, 4096, 4097, 65536, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000, -1UL, -2UL, -100UL, -4096UL, 1UL << 63, (1UL << 63) - 1, 0x7ffffffff000,
		0x800000000000, 0xffff800000000000, 0x10, O_CREAT | O_RDWR, O_DIRECTORY, O_PATH, O_TMPFILE | O_RDWR,
		S_IFIFO | 0644, S_IFCHR | 0600, S_IFREG | 0777, MS_REMOUNT, MS_BIND,
	};
	static const char strings[][24] = { "/", ".", "a", "a/b", "b", "/a/../b", "", "tmpfs", "user.x", "/dev/null", "../..",
	    "aaaaaaaaaaaaaaaaaaaaaa" };
	uint64_t k = next(r);

	switch (k % 8) {
	case 0:
	case 1:
		memcpy(string_page, strings, sizeof(strings));
		return (unsigned long)string_page + k / 8 % ARRAY_SIZE(strings) * sizeof(strings[0]);
	case 2:
		return (unsigned long)page + k / 8 % 4096;
	case 3:
		return (unsigned long)page + 4096 - k / 8 % 64;
	case 4:
		return k >> (k / 8 % 64);
	default:
		return words[k / 8 % ARRAY_SIZE(words)];
	}
}

/* Bytes that read as short numbers, as pointers, as garbage. */
static void
page_fill(uint64_t *r)
{
	uint64_t *words = (uint64_t *)(void *)page;

	for (unsigned int i = 0; i < 512; i++)
		words[i] = word(r);
}

/* Takes out what would wait for good reason; false: not this call. */
static bool
tame(unsigned int nr, unsigned long a[6])
{
	switch (nr) {
	case SYS_open:
		a[1] |= O_NONBLOCK;
		break;
	case SYS_openat:
		a[2] |= O_NONBLOCK;
		break;
	case SYS_pipe2:
	case SYS_eventfd2:
	case SYS_timerfd_create:
		a[1] |= O_NONBLOCK;
		break;
	case SYS_flock:
		a[1] |= LOCK_NB;
		break;
	case SYS_poll:
		a[2] = 1;
		break;
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
		a[3] = 1;
		break;
	case SYS_fcntl:
		if (a[1] == F_SETFL)
			a[2] |= O_NONBLOCK;
		return a[1] != F_SETLKW && a[1] != F_OFD_SETLKW;
	case SYS_ioctl:
		return a[1] != FIONBIO;
	/* These have their time, or their flags, in memory. */
	case SYS_openat2:
	case SYS_creat:
	case SYS_pipe:
	case SYS_eventfd:
	case SYS_ppoll:
	case SYS_select:
	case SYS_pselect6:
	case SYS_epoll_pwait2:
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	/* Ends the kernel. */
	case SYS_reboot:
		return false;
	}
	return true;
}

/* The call still answers, and with what it always did. */
static void
check_alive(void)
{
	int fds[2];
	char c = 'x';

	CHECK_EQ("getpid", 1, rump_sys_getpid());
	if (rump_sys_pipe2(fds, O_NONBLOCK) != 0) {
		CHECK(errno == EMFILE || errno == ENFILE);
		return;
	}
	CHECK_EQ("write", 1, rump_sys_write(fds[1], &c, 1));
	CHECK_EQ("read", 1, rump_sys_read(fds[0], &c, 1));
	rump_sys_close(fds[0]);
	rump_sys_close(fds[1]);
}

static void
page_map(void)
{
	unsigned char *p = mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	NEED(p != MAP_FAILED);
	NEED(mprotect(p + 2 * 4096, 4096, PROT_NONE) == 0);
	NEED(mprotect(p + 4 * 4096, 4096, PROT_NONE) == 0);
	memset(p, GUARD, 4096);
	page = p + 4096;
	string_page = p + 3 * 4096;
	signal(SIGPIPE, SIG_IGN);
}

TEST_WITH(any_words_get_an_answer, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS, .ht_seeds = 20)
{
	uint64_t r = harness_seed();
	unsigned long args[6];
	long ret;

	page_map();
	for (unsigned int k = 0; k < CALLS; k++) {
		const struct sysdesc *sd = &rump_sysdesc[next(&r) % rump_nsysdesc];

		page_fill(&r);
		for (unsigned int i = 0; i < 6; i++)
			args[i] = word(&r);
		if (!tame(sd->sd_nr, args))
			continue;
		ret = rump_syscall_args(sd->sd_nr, args);
		CHECK(ret >= -4095 || ret < -65536);
		if (sd->sd_nosys)
			CHECK_EQ(sysdesc_name(sd), -ENOSYS, ret);
		for (unsigned int i = 0; i < 4096; i++)
			NEED(page[(int)i - 4096] == GUARD);
		if (k % 500 == 0) {
			rump_sys_close_range(3, ~0U, 0);
			check_alive();
		}
	}
	rump_sys_close_range(3, ~0U, 0);
	check_alive();
	munmap(page - 4096, 5 * 4096);
}

/* Each pointer of each call in turn: to nothing, with the rest in order. */
TEST_WITH(each_bad_pointer_alone_is_survived, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static const unsigned long bad[] = { 0, 0x10, -1UL, -4096UL, 0x800000000000, 0xffff800000000000 };

	page_map();
	for (unsigned int k = 0; k < rump_nsysdesc; k++) {
		const struct sysdesc *sd = &rump_sysdesc[k];

		for (unsigned int i = 0; i < sd->sd_nargs * ARRAY_SIZE(bad); i++) {
			const struct sysdesc_arg *sa = &sd->sd_args[i / ARRAY_SIZE(bad)];
			unsigned long args[6] = { 0 };

			if (sa->sa_dir == SYSDIR_NONE)
				continue;
			memset(page, 0, 4096);
			memcpy(page, "a", 2);
			for (unsigned int j = 0; j < sd->sd_nargs; j++)
				args[j] = sd->sd_args[j].sa_dir != SYSDIR_NONE ? (unsigned long)page : 1;
			args[i / ARRAY_SIZE(bad)] = bad[i % ARRAY_SIZE(bad)];
			if (tame(sd->sd_nr, args))
				CHECK(rump_syscall_args(sd->sd_nr, args) >= -4095);
		}
	}
	check_alive();
	munmap(page - 4096, 5 * 4096);
}
