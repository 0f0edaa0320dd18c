/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_hyper_copy.c - guarded copies, with good pointers and all bad ones
 *
 * Reachable memory ends at a page that is not mapped: what lies right before
 * it can be copied and one byte more cannot.
 */

#include <signal.h>
#include <sys/mman.h>

#include "hyper_test.h"

#define PAGE	((size_t)4096)

/* Around each limit where the routine changes its way. */
static const size_t sizes[] = {
	1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 96,
	127, 128, 129, 191, 192, 193, 255, 256, 257, 500, 1279, 1280, 1281,
	2047, 2048, 2049, 4095, 4096, 4097, 8192,
};
#define SIZE_LARGEST	((size_t)8192)

/* 0 mapped bytes behind what is returned; nothing behind that. */
static unsigned char *
cliff(int prot)
{
	unsigned char *p;

	NEED(rumpuser_init(RUMPUSER_VERSION) == 0);
	p = mmap(NULL, SIZE_LARGEST + PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	NEED(p != MAP_FAILED);
	for (size_t i = 0; i < SIZE_LARGEST; i++)
		p[i] = (unsigned char)(i * 7 + 1);
	NEED(mprotect(p, SIZE_LARGEST, prot) == 0);
	NEED(munmap(p + SIZE_LARGEST, PAGE) == 0);
	return p + SIZE_LARGEST;
}

CASE(copy_moves_exactly_what_it_is_told)
{
	static unsigned char src[SIZE_LARGEST + 64], dst[SIZE_LARGEST + 128];

	NEED(rumpuser_init(RUMPUSER_VERSION) == 0);
	for (size_t i = 0; i < sizeof(src); i++)
		src[i] = (unsigned char)(i ^ (i >> 8));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (size_t at = 0; at < 17; at++) {
			memset(dst, 0xee, sizeof(dst));
			CHECK_EQ("copy", 0, rumpuser_copy(dst + 32 + at,
			    src + at / 2, sizes[i]));
			CHECK_MEM("content", src + at / 2, dst + 32 + at,
			    sizes[i]);
			CHECK_EQ("before", 0xee, dst[31 + at]);
			CHECK_EQ("behind", 0xee, dst[32 + at + sizes[i]]);
		}
	}
	CHECK_EQ("nothing", 0, rumpuser_copy(NULL, NULL, 0));
}

CASE(copy_reads_up_to_the_last_byte_and_not_beyond)
{
	unsigned char *end = cliff(PROT_READ), dst[SIZE_LARGEST];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] > SIZE_LARGEST)
			continue;
		CHECK_EQ("to the end", 0,
		    rumpuser_copy(dst, end - sizes[i], sizes[i]));
		CHECK_MEM("content", end - sizes[i], dst, sizes[i]);
		CHECK_EQ("one beyond", EFAULT,
		    rumpuser_copy(dst, end - sizes[i] + 1, sizes[i]));
		CHECK_EQ("all beyond", EFAULT,
		    rumpuser_copy(dst, end, sizes[i]));
	}
}

CASE(copy_writes_up_to_the_last_byte_and_not_beyond)
{
	unsigned char *end = cliff(PROT_READ | PROT_WRITE), src[SIZE_LARGEST];

	memset(src, 0x42, sizeof(src));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] > SIZE_LARGEST)
			continue;
		CHECK_EQ("to the end", 0,
		    rumpuser_copy(end - sizes[i], src, sizes[i]));
		CHECK_MEM("content", src, end - sizes[i], sizes[i]);
		CHECK_EQ("one beyond", EFAULT,
		    rumpuser_copy(end - sizes[i] + 1, src, sizes[i]));
		CHECK_EQ("all beyond", EFAULT,
		    rumpuser_copy(end, src, sizes[i]));
	}
}

CASE(copy_refuses_memory_that_may_only_be_read)
{
	unsigned char *end = cliff(PROT_READ), src[SIZE_LARGEST];

	memset(src, 0, sizeof(src));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] <= SIZE_LARGEST)
			CHECK_EQ("read-only", EFAULT,
			    rumpuser_copy(end - sizes[i], src, sizes[i]));
	}
}

static const struct {
	const char	*label;
	uintptr_t	 addr;
} wild[] = {
	{ "null",		0 },
	{ "near null",		8 },
	{ "end of page zero",	4095 },
	{ "kernel range",	(uintptr_t)0xffff888000000000 },
	{ "no address at all",	(uintptr_t)0x8000000000000000 },
	{ "below that",		(uintptr_t)0x0000800000000000 },
	{ "the last byte",	UINTPTR_MAX },
	{ "before the last",	UINTPTR_MAX - 8 },
};

CASE(copy_survives_wild_pointers_of_any_kind)
{
	unsigned char buf[SIZE_LARGEST];

	NEED(rumpuser_init(RUMPUSER_VERSION) == 0);
	memset(buf, 0, sizeof(buf));
	for (size_t w = 0; w < ARRAY_SIZE(wild); w++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			if (sizes[i] > SIZE_LARGEST)
				continue;
			CHECK_EQ(wild[w].label, EFAULT, rumpuser_copy(buf,
			    (const void *)wild[w].addr, sizes[i]));
			CHECK_EQ(wild[w].label, EFAULT, rumpuser_copy(
			    (void *)wild[w].addr, buf, sizes[i]));
		}
	}
}

CASE(copy_of_overlong_ranges_faults)
{
	unsigned char *end = cliff(PROT_READ | PROT_WRITE);
	unsigned char *other = cliff(PROT_READ | PROT_WRITE);

	CHECK_EQ("all of it", EFAULT,
	    rumpuser_copy(other - PAGE, end - PAGE, SIZE_MAX));
	CHECK_EQ("half of it", EFAULT,
	    rumpuser_copy(other - PAGE, end - PAGE, SIZE_MAX / 2));
	CHECK_EQ("wraps to here", EFAULT, rumpuser_copy(other - PAGE,
	    end - PAGE, SIZE_MAX - (uintptr_t)(end - PAGE) + 1 +
	    (uintptr_t)(end - 2 * PAGE)));
	CHECK_EQ("a page more", EFAULT,
	    rumpuser_copy(other - 2 * PAGE, end - PAGE, 2 * PAGE));
}

CASE(copystr_stops_behind_the_nul)
{
	char src[256], dst[256];
	size_t len;

	NEED(rumpuser_init(RUMPUSER_VERSION) == 0);
	for (size_t n = 0; n < 100; n++) {
		for (size_t at = 0; at < 16; at++) {
			memset(src, 'x', sizeof(src));
			memset(dst, 'o', sizeof(dst));
			src[at + n] = '\0';
			len = 0;
			CHECK_EQ("copy", 0, rumpuser_copystr(dst + 1, src + at,
			    200, &len));
			CHECK_EQ("length", n + 1, len);
			CHECK_STR("content", src + at, dst + 1);
			CHECK_EQ("before", 'o', dst[0]);
			CHECK_EQ("behind", 'o', dst[n + 2]);
			CHECK_EQ("just fits", 0, rumpuser_copystr(dst, src + at,
			    n + 1, &len));
			len = 4711;
			CHECK_EQ("too long", ENAMETOOLONG, rumpuser_copystr(dst,
			    src + at, n, &len));
			CHECK_EQ("untouched", 4711, len);
		}
	}
}

CASE(copystr_may_end_at_the_end_of_memory)
{
	char *end = (char *)cliff(PROT_READ | PROT_WRITE), dst[SIZE_LARGEST];
	size_t len;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (sizes[i] >= SIZE_LARGEST)
			continue;
		memset(end - SIZE_LARGEST, 'y', SIZE_LARGEST);
		CHECK_EQ("no nul", EFAULT, rumpuser_copystr(dst,
		    end - sizes[i], SIZE_LARGEST, &len));
		CHECK_EQ("enough without it", ENAMETOOLONG, rumpuser_copystr(
		    dst, end - sizes[i], sizes[i], &len));
		end[-1] = '\0';
		CHECK_EQ("nul", 0, rumpuser_copystr(dst, end - sizes[i],
		    SIZE_LARGEST, &len));
		CHECK_EQ("length", sizes[i], len);
		CHECK_EQ("to there", 0, rumpuser_copystr(end - sizes[i], dst,
		    SIZE_LARGEST, &len));
		CHECK_EQ("beyond", EFAULT, rumpuser_copystr(
		    end - sizes[i] + 1, dst, SIZE_LARGEST, &len));
	}
}

CASE(copystr_survives_wild_pointers_of_any_kind)
{
	char buf[64] = "a string of a good length, more than 16";
	size_t len;

	NEED(rumpuser_init(RUMPUSER_VERSION) == 0);
	for (size_t w = 0; w < ARRAY_SIZE(wild); w++) {
		CHECK_EQ(wild[w].label, EFAULT, rumpuser_copystr(buf,
		    (const char *)wild[w].addr, sizeof(buf), &len));
		CHECK_EQ(wild[w].label, EFAULT, rumpuser_copystr(
		    (char *)wild[w].addr, buf, sizeof(buf), &len));
	}
}

/* A file that shrank under its mapping: SIGBUS instead of SIGSEGV. */
CASE(copy_survives_a_mapping_that_lost_its_file)
{
	unsigned char *p, buf[64];
	const char *name = scratch_name();
	int fd = open(name, O_RDWR | O_CLOEXEC);

	NEED(rumpuser_init(RUMPUSER_VERSION) == 0);
	NEED(fd != -1);
	(void)unlink(name);
	NEED(ftruncate(fd, (off_t)PAGE) == 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NEED(p != MAP_FAILED);
	CHECK_EQ("while it is there", 0, rumpuser_copy(buf, p, sizeof(buf)));
	NEED(ftruncate(fd, 0) == 0);
	CHECK_EQ("read", EFAULT, rumpuser_copy(buf, p, sizeof(buf)));
	CHECK_EQ("write", EFAULT, rumpuser_copy(p, buf, sizeof(buf)));
	(void)close(fd);
	(void)munmap(p, PAGE);
}

/* --- faults that are not ours -------------------------------------------- */

static volatile uintptr_t nowhere = 16;

static void
child_fault(void)
{
	(void)signal(SIGSEGV, SIG_DFL);
	(void)rumpuser_init(RUMPUSER_VERSION);
	*(volatile int *)nowhere = 1;
}

static void
handler_exit(int signo)
{

	_exit(signo == SIGSEGV ? 42 : 43);
}

static void
child_fault_handled(void)
{
	(void)signal(SIGSEGV, handler_exit);
	(void)rumpuser_init(RUMPUSER_VERSION);
	*(volatile int *)nowhere = 1;
}

static void
child_sent(void)
{

	(void)signal(SIGSEGV, SIG_DFL);
	(void)rumpuser_init(RUMPUSER_VERSION);
	(void)kill(getpid(), SIGSEGV);
}

CASE(a_fault_elsewhere_still_kills)
{
	int status = in_child(child_fault);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

CASE(a_fault_elsewhere_goes_to_the_program_s_handler)
{
	int status = in_child(child_fault_handled);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

CASE(a_signal_that_was_sent_still_kills)
{
	int status = in_child(child_sent);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}
