/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * replay.c - runs a fuzz target without a fuzzer
 *
 * usage: replay_X [-n MUTATIONS] [-s SEED] FILE-OR-FOLDER...
 *
 * Every file is given to the target as it is, and then mutated: bits are
 * flipped, bytes set to what breaks arithmetic, ranges copied, erased or cut
 * off.  The mutations follow from the seed alone, so a failure comes again;
 * the number of the one that is running stands in replay_mutation for a
 * debugger, and is printed when the process dies by a signal.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t rng_state = 1;
static unsigned long replay_mutation;
static unsigned int files_run, files_bad;
static char replay_file[4096];

static uint64_t
rng_next(void)
{
	uint64_t z = rng_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t
rng_below(size_t n)
{
	return n == 0 ? 0 : (size_t)(rng_next() % n);
}

static void
died(int signo)
{
	char line[4200];
	int len = snprintf(line, sizeof(line),
	    "# signal %d in %s, mutation %lu\n", signo, replay_file,
	    replay_mutation);

	(void)!write(STDOUT_FILENO, line, (size_t)len);
	signal(signo, SIG_DFL);
	raise(signo);
}

/* One change of data; returns the new size, never more than the old. */
static size_t
mutate_once(uint8_t *data, size_t size)
{
	static const uint8_t odd[] = { 0, 1, 0x7f, 0x80, 0xfe, 0xff };
	size_t at = rng_below(size), from = rng_below(size);
	size_t most = size - (at > from ? at : from);
	size_t len = rng_below(most < 64 ? most + 1 : 64);

	switch (rng_below(8)) {
	case 0:
		return size > 1 ? at + 1 : size;
	case 1:
		memmove(data + at, data + from, len);
		return size;
	case 2:
		memset(data + at, odd[rng_below(sizeof(odd))], len);
		return size;
	case 3:
	case 4:
		data[at] = odd[rng_below(sizeof(odd))];
		return size;
	default:
		data[at] ^= (uint8_t)(1U << rng_below(8));
		return size;
	}
}

/* The target gets a copy of just its size, so that sanitizers see its end. */
static void
feed(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size != 0 ? size : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static uint8_t *
read_file(const char *path, size_t *ret_size)
{
	FILE *in = fopen(path, "rb");
	struct stat st;
	uint8_t *data = NULL;

	if (in == NULL)
		return NULL;
	if (fstat(fileno(in), &st) == 0)
		data = malloc((size_t)st.st_size + 1);
	if (data != NULL)
		*ret_size = fread(data, 1, (size_t)st.st_size, in);
	fclose(in);
	return data;
}

static void
run_file(const char *path, unsigned long mutations)
{
	size_t size = 0, now;
	uint8_t *data = read_file(path, &size), *work;

	if (data == NULL || (work = malloc(size + 1)) == NULL) {
		printf("# %s: %s\n", path, strerror(errno));
		free(data);
		files_bad++;
		return;
	}
	snprintf(replay_file, sizeof(replay_file), "%s", path);
	replay_mutation = 0;
	feed(data, size);
	for (unsigned long i = 0; i < mutations && size > 0; i++) {
		replay_mutation++;
		memcpy(work, data, size);
		now = size;
		for (size_t n = 1 + rng_below(6); n > 0; n--)
			now = mutate_once(work, now);
		feed(work, now);
	}
	free(work);
	free(data);
	files_run++;
}

static void
run_path(const char *path, unsigned long mutations)
{
	struct dirent **entries;
	char name[4096];
	int n = scandir(path, &entries, NULL, alphasort);

	if (n == -1) {
		run_file(path, mutations);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path,
			    entries[i]->d_name);
			run_file(name, mutations);
		}
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	static const int deadly[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
	unsigned long mutations = 0;
	int c;

	while ((c = getopt(argc, argv, "n:s:")) != -1) {
		switch (c) {
		case 'n':
			mutations = strtoul(optarg, NULL, 0);
			break;
		case 's':
			rng_state = strtoull(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		signal(deadly[i], died);
	for (int i = optind; i < argc; i++)
		run_path(argv[i], mutations);
	printf("%u passed, %u failed, 0 skipped\n", files_run, files_bad);
	return files_bad != 0 || files_run == 0 ? 1 : 0;
}
