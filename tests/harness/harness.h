/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * harness.h - what a test program says
 *
 * A test is TEST(name) and a body; its name is a sentence.  Each runs in a
 * child process of its own, under a time limit, on the simulated host (or on
 * Linux, for programs built so), and fails when it leaves memory, descriptors
 * or threads behind.  The program prints TAP and ends with one line
 *
 *	N passed, N failed, N skipped
 *
 * The same header serves white-box tests, which are kernel code and run
 * inside a booted kernel, and black-box tests, which are host code and see a
 * booted kernel from outside.  HARNESS_SIDE, from the build, says which.
 *
 * A failed CHECK is counted and the test goes on; its value says whether it
 * held.  A failed NEED ends the test.
 *
 * Usage: t_x [-l] [-s SEED] [-n RUNS] [-t SECONDS] [-f] [NAME...]; see CONTRIBUTING.md.
 */

#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#endif

/* --- naming tests --------------------------------------------------------- */

#define HARNESS_BARE	0x00	/* nothing is booted */
#define HARNESS_BOOT	0x01	/* rump_init() was called */
#define HARNESS_KERNEL	0x03	/* ... and the body holds a vCPU */
#define HARNESS_KEEPS	0x04	/* may leave things behind */
#define HARNESS_POOLS	0x08	/* the usual allocator, not RUMP_KMEM=direct */

#ifndef HARNESS_SIDE
#define HARNESS_SIDE	HARNESS_BOOT
#endif

struct harness_test {
	const char	*ht_name;
	void		(*ht_body)(void);
	int		(*ht_swept)(void);	/* instead of ht_body */
	int		 ht_kind;		/* what the sweep fails */
	unsigned int	 ht_flags;
	unsigned int	 ht_seconds;		/* limit when alone; 0: the usual */
	unsigned int	 ht_seeds;		/* runs, each with its own; 0: 1 */
	bool		 ht_digest;		/* see harness_digest() */
	struct harness_test *ht_next;
};

void	harness_register(struct harness_test *test);

/* TEST with more to say: TEST_WITH(name, .ht_flags = ..., .ht_seeds = 50) */
#define TEST_WITH(name, ...)						\
	static void name(void);						\
	static struct harness_test name##_test = {			\
		.ht_name = #name, .ht_body = name, __VA_ARGS__		\
	};								\
	static void __attribute__((__constructor__))			\
	name##_register(void)						\
	{								\
		harness_register(&name##_test);				\
	}								\
	static void name(void)

#define TEST(name)	TEST_WITH(name, .ht_flags = HARNESS_SIDE)

/* --- failures on demand (simulated host) ---------------------------------- */

enum harness_fault {
	FAULT_MEMORY,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_FLUSH,
	FAULT_DISCARD,
	FAULT_SUBMIT,
	FAULT_OPEN,
	FAULT_THREAD,
	FAULT_RANDOM,
	FAULT_PEER,		/* connections of remote clients */
	FAULT_IO,		/* any from READ to SUBMIT */
	FAULT_ANY,
	FAULT_NKINDS
};

/*
 * Runs body with the first hypercall of the kind failing, then with the
 * second, until it runs through without meeting a failure.  Each time it
 * must return 0 or the error that was injected (ENOMEM for memory, EIO else),
 * and hold no more than before.  It sets up and takes down all it needs, so
 * that nothing cached hides a hypercall from the next round.
 */
void	fault_sweep(enum harness_fault kind, int (*body)(void));

/*
 * The same as a test of its own, each round in a fresh process: for bodies
 * which cannot be repeated in one, such as booting.
 */
#define SWEEP_WITH(name, kind, ...)					\
	static int name(void);						\
	static struct harness_test name##_test = {			\
		.ht_name = #name, .ht_swept = name, .ht_kind = (kind),	\
		__VA_ARGS__						\
	};								\
	static void __attribute__((__constructor__))			\
	name##_register(void)						\
	{								\
		harness_register(&name##_test);				\
	}								\
	static int name(void)

#define SWEEP(name, kind)	SWEEP_WITH(name, kind, .ht_flags = HARNESS_SIDE)

/* --- saying what must hold ------------------------------------------------ */

bool	harness_check(bool held, const char *text, const char *file, int line);
bool	harness_check_eq(const char *label, intmax_t want, intmax_t got,
	    const char *text, const char *file, int line);
bool	harness_check_str(const char *label, const char *want,
	    const char *got, const char *text, const char *file, int line);
bool	harness_check_mem(const char *label, const void *want,
	    const void *got, size_t len, const char *text, const char *file,
	    int line);
void	harness_need(bool held, const char *text, const char *file, int line);
void	harness_skip(const char *reason) __attribute__((__noreturn__));

/* A line of explanation, shown as a TAP comment. */
void	harness_note(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));

/*
 * How many times longer than alone on a machine and without a sanitizer something may take just
 * now: for tests that have to look at the host's clock.  That something happens at all needs no
 * clock: who waits for ever is ended by the limit of the test.
 */
unsigned int harness_slowness(void);

/* The seed of this run, for tests that make their own random input. */
uint64_t harness_seed(void);

/* The next of a series that *state, which is not 0, begins (Marsaglia 2003: xorshift). */
static inline uint64_t
harness_draw(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/*
 * What happened, in a number.  A test with ht_digest runs twice with the same seed,
 * which must give the same number, and once with another, which must not.
 */
void	harness_digest(uint64_t digest);

#define CHECK(e)	harness_check((e), #e, __FILE__, __LINE__)
#define CHECK_EQ(label, want, got) \
	harness_check_eq((label), (intmax_t)(want), (intmax_t)(got), #got, \
	    __FILE__, __LINE__)
#define CHECK_STR(label, want, got) \
	harness_check_str((label), (want), (got), #got, __FILE__, __LINE__)
#define CHECK_MEM(label, want, got, len) \
	harness_check_mem((label), (want), (got), (len), #got, __FILE__, \
	    __LINE__)
#define NEED(e)		harness_need((e), #e, __FILE__, __LINE__)
#define SKIP(reason)	harness_skip(reason)

#endif /* HARNESS_H */
