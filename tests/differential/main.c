/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * main.c - seeds, processes and shrinking
 *
 *	differential [-s SEED] [-n SEQUENCES] [-k CALLS] [-t SECONDS] [-p] [-c] [-H]
 *
 * Each sequence runs in a child of its own, which boots a kernel, so a crash
 * or hang is a finding like any other.  The first sequence that differs is
 * shrunk, by leaving out calls as long as it still differs, and printed;
 * with -c the run goes on after it.  -p only prints what a seed means.
 * -H compares the host with itself: what differs then is a fault of the test.
 *
 * Without the rights to mount on the host a user name space is tried, in
 * which ids cannot be changed; without that the test is skipped.
 */

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "diff.h"

#define CHILD_SECONDS	20
#define EXIT_SAME	0
#define EXIT_DIFFERS	10
#define EXIT_NOT_HERE	77

static struct {
	uint64_t	seed;
	unsigned int	sequences, calls, seconds;
	bool		print, go_on, twin;
} opt = { 1, 200, 120, 0, false, false, false };

static struct rules rules;
static char work_dir[] = "/tmp/differential.XXXXXX";

/* How a run of a sequence ended, and where. */
struct outcome {
	bool		oc_same;
	bool		oc_not_here;
	unsigned int	oc_at;		/* the call that differs */
	char		oc_text[3 * TEXT_MAX];
};

/* In the child */

static void
report(int fd, const struct outcome *oc)
{
	if (write(fd, oc, sizeof(*oc)) != (ssize_t)sizeof(*oc))
		_exit(3);
}

static bool
trees_same(struct side *ours, struct side *host, struct outcome *oc)
{
	char *a = tree_text(ours), *b = tree_text(host), *p = a, *q = b;
	bool same = strcmp(a, b) == 0;

	/* Show the first lines that differ. */
	while (!same && *p != '\0' && *q != '\0' && strcspn(p, "\n") == strcspn(q, "\n") &&
	    strncmp(p, q, strcspn(p, "\n")) == 0) {
		p += strcspn(p, "\n") + 1;
		q += strcspn(q, "\n") + 1;
	}
	if (!same)
		snprintf(oc->oc_text, sizeof(oc->oc_text), "tree:\n  ours: %.*s\n  host: %.*s",
		    (int)strcspn(p, "\n"), p, (int)strcspn(q, "\n"), q);
	free(a);
	free(b);
	return same;
}

/*
 * fs.protected_hardlinks makes links by others a matter of taste, and who was
 * somebody else has lost capabilities.
 */
static bool somebody_else;

static bool
op_same(struct side *ours, struct side *host, const struct op *op, struct outcome *oc)
{
	char a[TEXT_MAX], b[TEXT_MAX], call[512];

	if (op->op_desc->od_result == R_TREE)
		return trees_same(ours, host, oc);
	if (rules.ru_hardlinks && op->op_desc->od_nr == SYS_linkat && somebody_else)
		return true;
	if ((op->op_desc->od_nr == SYS_setfsuid && op->op_value[0] != 0) ||
	    (op->op_desc->od_nr == SYS_setresuid && op->op_value[1] != 0))
		somebody_else = true;
	side_run(host, op, b);
	side_run(ours, op, a);
	if (strcmp(a, b) == 0)
		return true;
	show_call(op, call, sizeof(call));
	snprintf(oc->oc_text, sizeof(oc->oc_text), "%s\n  ours: %s\n  host: %s", call, a, b);
	return false;
}

static void __attribute__((__noreturn__))
child(struct op *ops, unsigned int n, uint64_t seed, int fd)
{
	/* Access times in each of the ways there are. */
	static const unsigned long flags[] = { MS_NOATIME, MS_RELATIME, MS_STRICTATIME, MS_NOATIME };
	static struct outcome oc;
	static struct side ours, host;
	const char *why = NULL;

	if (!side_open(&ours, &host, work_dir, MS_NODEV | flags[seed % 4], opt.twin, &why)) {
		oc.oc_not_here = true;
		snprintf(oc.oc_text, sizeof(oc.oc_text), "%s: %s", why, strerror(errno));
		report(fd, &oc);
		_exit(EXIT_NOT_HERE);
	}
	oc.oc_same = true;
	for (unsigned int i = 0; i < n && oc.oc_same; i++) {
		oc.oc_at = i;
		/* For the parent to know where, if this is the end. */
		if (pwrite(fd, &oc, sizeof(oc), 0) != (ssize_t)sizeof(oc))
			_exit(3);
		if (!ops[i].op_skip)
			oc.oc_same = op_same(&ours, &host, &ops[i], &oc);
	}
	if (oc.oc_same)
		oc.oc_same = trees_same(&ours, &host, &oc);
	if (pwrite(fd, &oc, sizeof(oc), 0) != (ssize_t)sizeof(oc))
		_exit(3);
	_exit(oc.oc_same ? EXIT_SAME : EXIT_DIFFERS);
}

/* In the parent */

static int
wait_seconds(pid_t pid, unsigned int seconds)
{
	struct timespec left = { .tv_sec = seconds };
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (sigtimedwait(&set, NULL, &left) == -1 && errno == EAGAIN) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
	}
	return status;
}

static void
run(struct op *ops, unsigned int n, uint64_t seed, struct outcome *oc)
{
	char name[] = "/tmp/differential.out.XXXXXX";
	int fd = mkstemp(name), status;
	pid_t pid;

	memset(oc, 0, sizeof(*oc));
	if (fd == -1) {
		perror(name);
		exit(3);
	}
	unlink(name);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(ops, n, seed, fd);
	status = wait_seconds(pid, CHILD_SECONDS);
	if (pread(fd, oc, sizeof(*oc), 0) < 0)
		perror("outcome");
	close(fd);
	if (WIFEXITED(status) && status != -1 && (WEXITSTATUS(status) == EXIT_SAME ||
	    WEXITSTATUS(status) == EXIT_DIFFERS || WEXITSTATUS(status) == EXIT_NOT_HERE))
		return;
	oc->oc_same = false;
	show_call(&ops[oc->oc_at < n ? oc->oc_at : n - 1], oc->oc_text, 512);
	if (status == -1)
		strcat(oc->oc_text, "\n  does not return");
	else if (WIFSIGNALED(status))
		sprintf(oc->oc_text + strlen(oc->oc_text), "\n  ours: killed by signal %d", WTERMSIG(status));
	else
		sprintf(oc->oc_text + strlen(oc->oc_text), "\n  ours: exited with %d", WEXITSTATUS(status));
}

/* Leaves out runs of calls, halving their length, as long as it differs. */
static void
shrink(struct op *ops, unsigned int *n, uint64_t seed, struct outcome *oc)
{
	struct outcome *try = malloc(sizeof(*try));

	if (oc->oc_at + 1 < *n && strncmp(oc->oc_text, "tree", 4) != 0) {
		op_free(ops + oc->oc_at + 1, *n - oc->oc_at - 1);
		*n = oc->oc_at + 1;
	}
	for (unsigned int len = *n / 2; len > 0; len /= 2) {
		for (unsigned int at = 0; at + len <= *n; at += len) {
			bool was[OPS_MAX], all = true;

			for (unsigned int i = at; i < at + len; i++) {
				was[i] = ops[i].op_skip;
				all = all && was[i];
				ops[i].op_skip = true;
			}
			if (all)
				continue;
			run(ops, *n, seed, try);
			if (!try->oc_same && !try->oc_not_here)
				*oc = *try;
			else
				for (unsigned int i = at; i < at + len; i++)
					ops[i].op_skip = was[i];
		}
	}
	free(try);
}

static void
print_ops(const struct op *ops, unsigned int n)
{
	char call[512];

	for (unsigned int i = 0; i < n; i++) {
		if (ops[i].op_skip)
			continue;
		show_call(&ops[i], call, sizeof(call));
		printf("#   %s\n", call);
	}
}

/* Every line as a TAP comment. */
static void
print_text(const char *text)
{
	while (*text != '\0') {
		int len = (int)strcspn(text, "\n");

		printf("# %.*s\n", len, text);
		text += len + (text[len] == '\n');
	}
}

static bool
setting(const char *path)
{
	FILE *f = fopen(path, "r");
	int v = 0;

	if (f != NULL) {
		if (fscanf(f, "%d", &v) != 1)
			v = 0;
		fclose(f);
	}
	return v != 0;
}

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* Root, or root of a name space. */
static bool
become_able(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid == 0) {
		rules.ru_ids = true;
		return true;
	}
	if (unshare(CLONE_NEWUSER) != 0)
		return false;
	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map))
		return false;
	snprintf(map, sizeof(map), "0 %u 1\n", gid);
	return write_file("/proc/self/gid_map", map);
}

/* Where the host's trees are mounted, each in a child's own name space. */
static bool
make_dirs(void)
{
	char sub[64];

	if (mkdtemp(work_dir) == NULL)
		return false;
	snprintf(sub, sizeof(sub), "%s/host", work_dir);
	if (mkdir(sub, 0700) != 0)
		return false;
	snprintf(sub, sizeof(sub), "%s/twin", work_dir);
	return mkdir(sub, 0700) == 0;
}

static void
remove_dirs(void)
{
	char sub[64];

	snprintf(sub, sizeof(sub), "%s/host", work_dir);
	rmdir(sub);
	snprintf(sub, sizeof(sub), "%s/twin", work_dir);
	rmdir(sub);
	rmdir(work_dir);
}

static void
usage(void)
{
	fprintf(stderr, "usage: differential [-s SEED] [-n SEQUENCES] [-k CALLS] [-t SECONDS] [-p] [-c] [-H]\n");
	exit(2);
}

static void
options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:n:k:t:pcH")) != -1) {
		switch (c) {
		case 's':
			opt.seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			opt.sequences = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'k':
			opt.calls = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 't':
			opt.seconds = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'p':
			opt.print = true;
			break;
		case 'c':
			opt.go_on = true;
			break;
		case 'H':
			opt.twin = true;
			break;
		default:
			usage();
		}
	}
	if (opt.calls < 16 || opt.calls > OPS_MAX || optind != argc)
		usage();
}

int
main(int argc, char **argv)
{
	static struct op ops[OPS_MAX];
	static struct outcome oc;
	unsigned int passed = 0, failed = 0, skipped = 0;
	time_t end;
	sigset_t set;

	options(argc, argv);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);	/* the error is what we compare */
	rules.ru_hardlinks = setting("/proc/sys/fs/protected_hardlinks");
	rules.ru_sticky = setting("/proc/sys/fs/protected_symlinks") || setting("/proc/sys/fs/protected_regular") ||
	    setting("/proc/sys/fs/protected_fifos");
	if (!become_able() || !make_dirs()) {
		printf("1..0 # SKIP no name spaces\n0 passed, 0 failed, 1 skipped\n");
		return EXIT_NOT_HERE;
	}
	end = time(NULL) + (time_t)opt.seconds;
	for (unsigned int k = 0; k < opt.sequences && (opt.seconds == 0 || time(NULL) < end); k++) {
		uint64_t seed = opt.seed + k;
		unsigned int n = opt.calls;

		op_generate(ops, n, seed, &rules);
		if (opt.print) {
			print_ops(ops, n);
			op_free(ops, n);
			continue;
		}
		run(ops, n, seed, &oc);
		if (oc.oc_not_here) {
			printf("# %s\n", oc.oc_text);
			skipped++;
			op_free(ops, n);
			break;
		}
		if (oc.oc_same) {
			passed++;
			op_free(ops, n);
			continue;
		}
		failed++;
		shrink(ops, &n, seed, &oc);
		printf("not ok - seed %llu differs\n", (unsigned long long)seed);
		print_ops(ops, n);
		print_text(oc.oc_text);
		op_free(ops, n);
		if (!opt.go_on)
			break;
	}
	remove_dirs();
	printf("# sequences of %u calls from seed %llu\n", opt.calls, (unsigned long long)opt.seed);
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed > 0 ? 1 : skipped > 0 ? EXIT_NOT_HERE : 0;
}
