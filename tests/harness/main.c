/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - runs the tests of a program one after the other
 *
 * Each run is a forked child in a process group of its own.  The parent
 * waits with a limit; when it passes, the parent shows where the threads are
 * (stacks.c) and kills the whole group: a test may hang, crash or exit as it
 * likes.
 *
 * Who runs the program may have less patience.  SIGTERM, which meson sends
 * half a second before SIGKILL, therefore ends the test that runs as if its
 * limit had passed, and then the program.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness_impl.h"

/* Sanitizers make everything slower; the build says how much. */
#ifndef HARNESS_SLOWNESS
#define HARNESS_SLOWNESS	1
#endif

#define USUAL_SECONDS	20

static struct harness_test *first_test, **last_test = &first_test;
static bool no_fork;
static sigset_t awaited;	/* all that ends the wait for a child */
static bool told_to_end;
static unsigned int other_limit;	/* of each test; 0: its own */

static struct totals {
	unsigned int	passed, failed, skipped;
} totals;

void
harness_register(struct harness_test *test)
{
	*last_test = test;
	last_test = &test->ht_next;
}

/* On a busy machine each gets its share of time only. */
static double
busyness(void)
{
	double load;
	long ncpu = sysconf(_SC_NPROCESSORS_ONLN);

	if (getloadavg(&load, 1) != 1 || ncpu < 1 || load < (double)ncpu)
		return 1;
	return 1 + load / (double)ncpu;
}

unsigned int
harness_slowness(void)
{
	return (unsigned int)(HARNESS_SLOWNESS * busyness() + 1);
}

static void
kill_shown(pid_t pid)
{
	int status;

	stacks_show(pid);
	kill(-pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/*
 * The child's wait status; -1 if it had to be killed.  How busy the machine
 * is changes under way, so each second is weighed when it has passed.
 */
static int
wait_limited(pid_t pid, unsigned int seconds)
{
	double left = (double)seconds * HARNESS_SLOWNESS;
	struct timespec since, now;
	int status, sig;

	clock_gettime(CLOCK_MONOTONIC, &since);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		sig = sigtimedwait(&awaited, NULL, &(struct timespec){ .tv_sec = 1 });
		if (sig != -1 && sig != SIGCHLD) {
			printf("# told to end by signal %d (%s)\n", sig, strsignal(sig));
			told_to_end = true;
			kill_shown(pid);
			return -1;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		left -= ((double)(now.tv_sec - since.tv_sec) +
		    (double)(now.tv_nsec - since.tv_nsec) / 1e9) / busyness();
		since = now;
		if (left <= 0) {
			kill_shown(pid);
			return -1;
		}
	}
	kill(-pid, SIGKILL);		/* whatever it started and left */
	return status;
}

static unsigned int
limit_of(const struct harness_test *test)
{
	if (other_limit != 0)
		return other_limit;
	return test->ht_seconds != 0 ? test->ht_seconds : USUAL_SECONDS;
}

static int
run_child(const struct harness_test *test, uint64_t seed, uint64_t nth)
{
	pid_t pid;

	fflush(stdout);
	if (no_fork)
		harness_child(test, seed, nth);
	pid = fork();
	if (pid == -1) {
		printf("# fork: %s\n", strerror(errno));
		return -1;
	}
	if (pid == 0) {
		sigset_t none;

		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		harness_child(test, seed, nth);
	}
	setpgid(pid, pid);
	return wait_limited(pid, limit_of(test));
}

/* What a wait status means; text is for people. */
static enum harness_outcome
outcome_of(int status, char *text, size_t size)
{
	if (status == -1) {
		snprintf(text, size, told_to_end ? "was ended from outside" : "took too long");
		return OUTCOME_FAILED;
	}
	if (WIFSIGNALED(status)) {
		snprintf(text, size, "killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
		return OUTCOME_FAILED;
	}
	switch (WEXITSTATUS(status)) {
	case OUTCOME_PASSED:
	case OUTCOME_SKIPPED:
	case OUTCOME_SWEPT:
		*text = '\0';
		return (enum harness_outcome)WEXITSTATUS(status);
	case OUTCOME_FAILED:
		snprintf(text, size, "failed");
		return OUTCOME_FAILED;
	case OUTCOME_DEADLOCK:
		snprintf(text, size, "deadlock: all threads sleep for ever");
		return OUTCOME_FAILED;
	default:
		snprintf(text, size, "exit status %d", WEXITSTATUS(status));
		return OUTCOME_FAILED;
	}
}

/* All rounds of a sweep with one seed, or the one run of a plain test. */
static enum harness_outcome
run_seed(const struct harness_test *test, uint64_t seed, char *text,
    size_t size)
{
	enum harness_outcome outcome;
	uint64_t nth = test->ht_swept != NULL ? 1 : 0;

	for (;;) {
		outcome = outcome_of(run_child(test, seed, nth), text, size);
		if (outcome != OUTCOME_SWEPT)
			break;
		nth++;
	}
	if (outcome == OUTCOME_FAILED && nth != 0)
		printf("# with failure %ju of the sweep\n", (uintmax_t)nth);
	return outcome;
}

/* The same again, and with another seed: see harness_digest(). */
static enum harness_outcome
run_digests(const struct harness_test *test, uint64_t seed, char *text, size_t size)
{
	enum harness_outcome outcome;
	uint64_t digest[3];

	for (unsigned int i = 0; i < 3; i++) {
		*harness_digest_place = 0;
		outcome = run_seed(test, seed + i / 2, text, size);
		if (outcome != OUTCOME_PASSED)
			return outcome;
		digest[i] = *harness_digest_place;
	}
	printf("# %016jx with seed %ju, %016jx with the next\n", (uintmax_t)digest[0],
	    (uintmax_t)seed, (uintmax_t)digest[2]);
	if (digest[0] == digest[1] && digest[0] != digest[2])
		return OUTCOME_PASSED;
	snprintf(text, size, "%s", digest[0] != digest[1] ? "a second run was different" :
	    "another seed made no difference");
	return OUTCOME_FAILED;
}

static void
run_test(const struct harness_test *test, unsigned int number, uint64_t seed,
    unsigned int runs)
{
	enum harness_outcome outcome = OUTCOME_PASSED;
	char text[128] = "";

	if (runs == 0)
		runs = test->ht_seeds != 0 ? test->ht_seeds : 1;
	for (unsigned int i = 0; i < runs && outcome == OUTCOME_PASSED; i++) {
		outcome = test->ht_digest ?
		    run_digests(test, seed + i, text, sizeof(text)) :
		    run_seed(test, seed + i, text, sizeof(text));
		if (outcome == OUTCOME_FAILED)
			printf("# with seed %ju\n", (uintmax_t)(seed + i));
	}
	switch (outcome) {
	case OUTCOME_PASSED:
		totals.passed++;
		printf("ok %u - %s\n", number, test->ht_name);
		break;
	case OUTCOME_SKIPPED:
		totals.skipped++;
		printf("ok %u - %s # SKIP\n", number, test->ht_name);
		break;
	default:
		totals.failed++;
		printf("not ok %u - %s # %s\n", number, test->ht_name, text);
		break;
	}
}

static bool
wanted(const struct harness_test *test, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names != NULL; names++) {
		if (strstr(test->ht_name, *names) != NULL)
			return true;
	}
	return false;
}

static void
list_tests(void)
{
	for (const struct harness_test *t = first_test; t != NULL;
	    t = t->ht_next)
		printf("%s\n", t->ht_name);
}

static int
usage(const char *program)
{
	fprintf(stderr,
	    "usage: %s [-l] [-s SEED] [-n RUNS] [-t SECONDS] [-f] [NAME...]\n"
	    "\t-l\tlist the tests\n"
	    "\t-s\tthe first seed (1)\n"
	    "\t-n\truns of each test, each with the next seed\n"
	    "\t-t\tthe limit of each, instead of its own\n"
	    "\t-f\trun the first one named in this process, for a debugger\n"
	    "A NAME is a part of a test's name.\n", program);
	return 2;
}

int
main(int argc, char **argv)
{
	unsigned int number = 0, runs = 0;
	uint64_t seed = 1;
	int c;

	while ((c = getopt(argc, argv, "ls:n:t:f")) != -1) {
		switch (c) {
		case 'l':
			list_tests();
			return 0;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			runs = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 't':
			other_limit = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'f':
			no_fork = true;
			break;
		default:
			return usage(argv[0]);
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	harness_digest_place = mmap(NULL, sizeof(*harness_digest_place), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (harness_digest_place == MAP_FAILED) {
		perror("mmap");
		return 2;
	}
	sigemptyset(&awaited);
	sigaddset(&awaited, SIGCHLD);
	sigaddset(&awaited, SIGTERM);
	sigaddset(&awaited, SIGINT);
	sigprocmask(SIG_BLOCK, &awaited, NULL);
	for (const struct harness_test *t = first_test; t != NULL && !told_to_end;
	    t = t->ht_next) {
		if (wanted(t, argv + optind))
			run_test(t, ++number, seed, runs);
	}
	printf("1..%u\n", number);
	printf("%u passed, %u failed, %u skipped\n", totals.passed,
	    totals.failed, totals.skipped);
	return totals.failed != 0 || number == 0 ? 1 : 0;
}
