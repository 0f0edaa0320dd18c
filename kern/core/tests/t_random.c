/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_random.c - random bytes
 */

#include <abi/sysargs.h>
#include <lib/string.h>
#include <linux/random.h>
#include <rump/rump.h>
#include <rump/rumpsim.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/random.h>
#include <sys/types.h>
#include <sys/vcpu.h>

#include <harness.h>

#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)	/* generators stay */

/* Bytes that were not written keep their mark with probability 1/256. */
static bool
filled(const unsigned char *a, const unsigned char *b, size_t len)
{
	size_t same = 0;

	for (size_t i = 0; i < len; i++)
		same += a[i] == b[i];
	return len < 32 ? same < len || len == 0 : same < len / 4;
}

TEST_WITH(requests_of_any_size_are_filled_and_differ, .ht_flags = KEEPS)
{
	static const size_t sizes[] = { 1, 2, 31, 32, 33, 63, 64, 65, 255, 256,
	    257, 479, 480, 481, 512, 4095, 4096, 65536 };
	static unsigned char a[65536 + 1], b[65536 + 1];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned int tries = 0;

		memset(a, 0x5a, sizeof(a));
		memset(b, 0x5a, sizeof(b));
		do {
			random_bytes(a, sizes[i]);
			random_bytes(b, sizes[i]);
		} while (!filled(a, b, sizes[i]) && tries++ < 10);
		CHECK(tries < 10);
		CHECK_EQ("not beyond", 0x5a, a[sizes[i]]);
		CHECK_EQ("not beyond", 0x5a, b[sizes[i]]);
	}
}

/* Chi squared over bytes; 255 degrees of freedom, 6 sigma is about 390. */
TEST_WITH(all_bytes_come_equally_often, .ht_flags = KEEPS, .ht_seeds = 5)
{
	unsigned int count[256] = { 0 };
	unsigned char buf[40];
	uint64_t chi = 0;

	for (unsigned int i = 0; i < 25600; i++) {
		random_bytes(buf, sizeof(buf));
		for (size_t k = 0; k < sizeof(buf); k++)
			count[buf[k]]++;
	}
	for (unsigned int c = 0; c < 256; c++) {
		int64_t d = (int64_t)count[c] - 4000;

		chi += (uint64_t)(d * d);
	}
	CHECK(chi / 4000 < 390 && chi / 4000 > 140);
}

TEST_WITH(a_bound_is_kept_and_used, .ht_flags = KEEPS)
{
	static const uint32_t bounds[] = { 1, 2, 3, 7, 100, 0x80000001u,
	    UINT32_MAX };
	unsigned int seen = 0;

	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		for (unsigned int n = 0; n < 1000; n++)
			CHECK(random_below(bounds[i]) < bounds[i]);
	}
	for (unsigned int n = 0; n < 1000; n++)
		seen |= 1u << random_below(7);
	CHECK_EQ("seen", 0x7f, seen);
}

/* Two seats, two runs of a host: nobody gets what another got. */
static uint64_t drawn[4];

static void
draw_thread(void *arg)
{
	drawn[(uintptr_t)arg] = random_u64();
}

TEST_WITH(threads_get_different_numbers, .ht_flags = KEEPS, .ht_seeds = 5)
{
	struct kthread *kt[4];

	for (uintptr_t i = 0; i < 4; i++)
		NEED(kthread_create(draw_thread, (void *)i, "draw", &kt[i]) == 0);
	for (unsigned int i = 0; i < 4; i++)
		kthread_join(kt[i]);
	for (unsigned int i = 0; i < 4; i++) {
		for (unsigned int k = 0; k < i; k++)
			CHECK(drawn[i] != drawn[k]);
	}
}

TEST_WITH(an_old_seed_is_replaced, .ht_flags = KEEPS)
{
	static unsigned char buf[200];
	uint64_t before;

	random_bytes(buf, sizeof(buf));
	before = rumpsim_count(RUMPSIM_RANDOM);
	rumpsim_advance(3600 * NSEC_PER_SEC);
	for (unsigned int i = 0; i < 2000; i++)
		random_bytes(buf, sizeof(buf));
	CHECK(rumpsim_count(RUMPSIM_RANDOM) > before);
}

TEST_WITH(a_host_that_runs_dry_later_does_not_stop_us, .ht_flags = KEEPS)
{
	uint64_t a, b;

	rumpsim_fail_from(RUMPSIM_RANDOM, 1, EAGAIN);
	a = random_u64();
	rumpsim_advance(3600 * NSEC_PER_SEC);
	for (unsigned int i = 0; i < 100000; i++)
		(void)random_u64();
	b = random_u64();
	CHECK(a != b);
	rumpsim_fail(RUMPSIM_RANDOM, 0, 0);
}

TEST_WITH(random_bytes_need_no_memory, .ht_flags = KEEPS)
{
	unsigned char a[1000], b[1000];

	rumpsim_fail_from(RUMPSIM_MEMORY, 1, ENOMEM);
	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(filled(a, b, sizeof(a)));
	rumpsim_fail(RUMPSIM_MEMORY, 0, 0);
}

TEST_WITH(a_kernel_without_entropy_does_not_boot,
    .ht_flags = HARNESS_BARE | HARNESS_KEEPS)
{
	rumpsim_fail_from(RUMPSIM_RANDOM, 1, EAGAIN);
	CHECK_EQ("boot", EAGAIN, rump_init());
}

/* --- getrandom(2) -------------------------------------------------------- */

static int
getrandom(void *buf, size_t len, unsigned int flags, long *ret_len)
{
	*ret_len = 0;
	return sys_getrandom(curlwp(), buf, len, flags, ret_len);
}

TEST_WITH(getrandom_checks_its_arguments, .ht_flags = KEEPS)
{
	static const struct { unsigned int flags; int want; } cases[] = {
		{ 0, 0 }, { GRND_NONBLOCK, 0 }, { GRND_RANDOM, 0 },
		{ GRND_INSECURE, 0 }, { GRND_NONBLOCK | GRND_RANDOM, 0 },
		{ GRND_RANDOM | GRND_INSECURE, EINVAL }, { 8, EINVAL },
		{ 0x80000000u, EINVAL },
	};
	static unsigned char buf[5000];
	long len;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_EQ("flags", cases[i].want,
		    getrandom(buf, 16, cases[i].flags, &len));
		CHECK_EQ("length", cases[i].want == 0 ? 16 : 0, len);
	}
	CHECK_EQ("large", 0, getrandom(buf, sizeof(buf), 0, &len));
	CHECK_EQ("large", sizeof(buf), len);
	CHECK_EQ("none", 0, getrandom(NULL, 0, 0, &len));
	CHECK_EQ("nowhere", EFAULT, getrandom((void *)8, 16, 0, &len));
	CHECK_EQ("kernel", EFAULT, getrandom((void *)-4096l, 16, 0, &len));
}
