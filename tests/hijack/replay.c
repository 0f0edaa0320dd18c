/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * replay.c - sequences of system calls and what became of them, as text
 *
 *	replay DIR SEED SEQUENCES CALLS FILE
 *
 * The sequences are those of tests/differential.  Each begins in an empty directory of a
 * new tmpfs, below DIR.  Run once as it is and once hijacked with DIR in the kernel, it says the
 * same.  It says it to FILE, and not before the end, since a sequence may close any descriptor.
 *
 * What of the host the sequences see is an empty tmpfs, in a mount name space of a child: there
 * DIR is made, too, unless it is the kernel's.
 */

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "diff.h"

#define TEXT_ROOM	(256u << 20)	/* backed where it is touched */

static char base[PATH_MAX];
static FILE *out;		/* in memory */

static long
call(long nr, const unsigned long args[6])
{
	long ret = syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);

	return ret == -1 ? -errno : ret;
}

static void
fail(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(77);
}

/* Absolute names begin where the sequence does; in links they stay away. */
static void
rebase(struct op *op)
{
	for (unsigned int i = 0; i < 6; i++) {
		char *text = op->op_string[i], *moved;

		if (text == NULL || text[0] != '/')
			continue;
		if (op->op_desc->od_args[i].ad_kind == A_TARGET) {
			memmove(text, text + strspn(text, "/"), strlen(text + strspn(text, "/")) + 1);
			if (text[0] == '\0')
				strcpy(text, ".");
			continue;
		}
		if (asprintf(&moved, "%s%s", base, text) < 0)
			fail("memory");
		free(text);
		op->op_string[i] = moved;
	}
}

/*
 * The whole tree is not looked at, and where it is differs.  The longest names become too
 * long by what is put in front of them.
 */
static bool
may_run(const struct op *op)
{
	for (unsigned int i = 0; i < 6; i++) {
		if (op->op_string[i] != NULL && strlen(op->op_string[i]) > PATH_MAX / 2)
			return false;
	}
	return op->op_desc->od_result != R_TREE && op->op_desc->od_nr != SYS_getcwd;
}

/* Where we are, as far as it is the same everywhere. */
static void
show_place(const char *dir)
{
	char cwd[PATH_MAX];

	if (syscall(SYS_getcwd, cwd, sizeof(cwd)) < 0)
		fprintf(out, "nowhere: %s\n", strerror(errno));
	else
		fprintf(out, "at %s\n", strncmp(cwd, dir, strlen(dir)) == 0 ? cwd + strlen(dir) : "another place");
}

static void
sequence(const char *dir, uint64_t seed, unsigned int calls, const struct rules *rules)
{
	static struct op ops[OPS_MAX];
	static struct side side;
	char text[TEXT_MAX], line[512];

	side.sd_name = "replay";
	side.sd_call = call;
	for (unsigned int i = 0; i < NSLOTS; i++)
		side.sd_fd[i] = -1;
	for (unsigned int i = 0; i < 6; i++)
		side.sd_buf[i] = calloc(1, SIDE_BUF);
	op_generate(ops, calls, seed, rules);
	for (unsigned int i = 0; i < calls; i++) {
		if (!may_run(&ops[i]))
			continue;
		show_call(&ops[i], line, sizeof(line));
		rebase(&ops[i]);
		side_run(&side, &ops[i], text);
		fprintf(out, "%lu.%u %s -> %s\n", (unsigned long)seed, i, line, text);
		if (ops[i].op_desc->od_nr == SYS_chdir || ops[i].op_desc->od_nr == SYS_fchdir)
			show_place(dir);
	}
	op_free(ops, calls);
	for (unsigned int i = 0; i < NSLOTS; i++)
		close(side.sd_fd[i]);
	for (unsigned int i = 0; i < 6; i++)
		free(side.sd_buf[i]);
}

static void
enter(const char *dir, uint64_t seed)
{
	(void)snprintf(base, sizeof(base), "%s/s%lu", dir, (unsigned long)seed);
	if (mkdir(base, 0755) != 0 || mount("tmpfs", base, "tmpfs", MS_NODEV | MS_NOATIME, "mode=755") != 0)
		fail(base);
	strcat(base, "/x");
	if (mkdir(base, 0755) != 0)
		fail(base);
	strcat(base, "/y");
	if (mkdir(base, 0755) != 0 || chdir(base) != 0)
		fail(base);
}

/* mkdir -p */
static void
make_dirs(const char *dir)
{
	char path[PATH_MAX];

	for (const char *p = dir + 1; p != NULL && *p != '\0'; p = strchr(p + 1, '/')) {
		const char *end = strchr(p + 1, '/');

		(void)snprintf(path, sizeof(path), "%.*s", end != NULL ? (int)(end - dir) : (int)strlen(dir), dir);
		if (mkdir(path, 0755) != 0 && errno != EEXIST)
			fail(path);
	}
}

static void
put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0)
		fail(path);
}

/* Who may not have a mount name space may have a user name space, as its root. */
static void
be_root(void)
{
	char uids[64], gids[64];

	(void)snprintf(uids, sizeof(uids), "0 %u 1", geteuid());
	(void)snprintf(gids, sizeof(gids), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
		fail("a user name space");
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", uids);
	put("/proc/self/gid_map", gids);
}

static void
enter_nowhere(const char *dir)
{
	/* Both runs have the same rights over the host, whether they need them or not. */
	if (unshare(CLONE_NEWNS) != 0)
		be_root();
	/* A kernel is found while its files can be, and after what only one thread may do. */
	(void)access(dir, F_OK);
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, "mode=755") != 0 || chroot("/tmp") != 0 || chdir("/") != 0)
		fail("a tmpfs");
}

/* To the shared memory at to. */
static void
sequences(char **argv, char *to)
{
	struct rules rules = { .ru_ids = false };
	uint64_t first = strtoull(argv[2], NULL, 0);
	char *text;
	size_t len;

	enter_nowhere(argv[1]);
	umask(022);
	signal(SIGPIPE, SIG_IGN);
	out = open_memstream(&text, &len);
	if (out == NULL)
		fail("memory");
	make_dirs(argv[1]);
	for (unsigned long i = 0; i < strtoul(argv[3], NULL, 0); i++) {
		enter(argv[1], first + i);
		sequence(argv[1], first + i, (unsigned int)strtoul(argv[4], NULL, 0), &rules);
	}
	fclose(out);
	if (len >= TEXT_ROOM)
		fail("room for the text");
	memcpy(to, text, len);
}

int
main(int argc, char **argv)
{
	char *text = mmap(NULL, TEXT_ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	FILE *file;
	pid_t pid;

	if (argc != 6 || text == MAP_FAILED)
		return 2;
	pid = fork();
	if (pid == 0) {
		sequences(argv, text);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	file = fopen(argv[5], "w");
	if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0)
		fail(argv[5]);
	return 0;
}
