/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_lockin.c - what a process that has locked itself in can still do, and what not
 *
 * The same library as in the servers.  What is tried comes from a second thread too,
 * which was there before.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../cmd/server/lockin.h"

/* The process in front of a server hands over connections by them. */
#ifdef PAIRS
#define PAIRS_OK	0
#else
#define PAIRS_OK	EPERM
#endif

static int passed, failed;
static int listener = -1, dir_fd = -1, spare = -1, file_fd = -1;
static char base[64];

static void
expect(const char *what, int want, long result)
{
	int got = result == -1 ? errno : 0;

	if (got == want) {
		passed++;
		return;
	}
	failed++;
	printf("# %s: wanted %s, got %s\n", what, strerror(want), strerror(got));
}

/* --- what must fail ---------------------------------------------------------------- */

static void
try_files(void)
{
	expect("open", EPERM, open("/etc/passwd", O_RDONLY));
	expect("open what is allowed by Landlock", EPERM, open("allowed", O_RDONLY));
	expect("openat", EPERM, openat(dir_fd, "allowed", O_RDONLY));
	expect("openat2", EPERM, syscall(SYS_openat2, AT_FDCWD, "/etc/passwd", NULL, 0));
	expect("creat", EPERM, creat("new", 0600));
	expect("mkdir", EPERM, mkdir("folder", 0700));
	expect("unlink", EPERM, unlink("allowed"));
	expect("unlinkat elsewhere", EPERM, unlinkat(AT_FDCWD, "allowed", 0));
	expect("rename", EPERM, rename("allowed", "other"));
	expect("symlink", EPERM, symlink("allowed", "other"));
	expect("chmod", EPERM, chmod("allowed", 0777));
	expect("stat", EPERM, syscall(SYS_statx, AT_FDCWD, "/etc/passwd", 0, 0, NULL));
	expect("mount", EPERM, syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL));
	expect("io_uring_setup", EPERM, syscall(SYS_io_uring_setup, 8, NULL));
}

static void
try_network(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "ctl" };
	int pair[2];

	expect("socket", EPERM, socket(AF_INET, SOCK_STREAM, 0));
	expect("socketpair", PAIRS_OK, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	expect("socketpair of another kind", EPERM, socketpair(AF_INET, SOCK_STREAM, 0, pair));
	expect("connect", EPERM, connect(spare, (struct sockaddr *)&sun, sizeof(sun)));
	expect("bind", EPERM, bind(spare, (struct sockaddr *)&sun, sizeof(sun)));
	expect("listen", EPERM, listen(spare, 1));
}

static void
try_processes(void)
{
	char *const argv[] = { base, NULL };
	char byte;
	struct iovec iov = { &byte, 1 };

	expect("execve", EPERM, execve("/bin/true", argv, NULL));
	expect("execveat", EPERM, syscall(SYS_execveat, file_fd, "", argv, NULL, AT_EMPTY_PATH));
	expect("fork", EPERM, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	expect("clone3", ENOSYS, syscall(SYS_clone3, NULL, 0));
	expect("ptrace", EPERM, syscall(SYS_ptrace, PTRACE_ATTACH, getppid(), 0, 0));
	expect("kill", EPERM, kill(getppid(), 0));
	expect("process_vm_readv", EPERM, process_vm_readv(getppid(), &iov, 1, &iov, 1, 0));
	expect("setuid", EPERM, syscall(SYS_setuid, 0));
	expect("unshare", EPERM, syscall(SYS_unshare, 0x10000000));
	expect("prctl", EPERM, syscall(SYS_prctl, 4 /* PR_SET_DUMPABLE */, 1, 0, 0, 0));
}

static void
try_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect("mmap", 0, p == MAP_FAILED ? -1 : 0);
	expect("mprotect, executable", EPERM, mprotect(p, 4096, PROT_READ | PROT_EXEC));
	expect("mprotect, not executable", 0, mprotect(p, 4096, PROT_READ));
	expect("mmap, executable", EPERM, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	munmap(p, 4096);
}

/* --- what must go on ------------------------------------------------------------------ */

static void *
set_word(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static void
try_work(void)
{
	pthread_t thread;
	int word = 0, fd, error;
	char text[8] = "";
	void *p;

	error = pthread_create(&thread, NULL, set_word, &word);
	errno = error;
	expect("pthread_create", 0, error != 0 ? -1 : 0);
	if (error == 0)
		pthread_join(thread, NULL);
	expect("what the thread did", 0, word == 1 ? 0 : -1);
	fd = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	expect("memfd_create", 0, fd);
	expect("ftruncate", 0, ftruncate(fd, 1 << 20));
	expect("F_ADD_SEALS", 0, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect("mmap of it", 0, p == MAP_FAILED ? -1 : 0);
	expect("pread of what is open", 0, pread(file_fd, text, 4, 0));
	expect("what was read", 0, strcmp(text, "text") == 0 ? 0 : -1);
	expect("accept", EAGAIN, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	expect("malloc", 0, (p = malloc(64 << 20)) != NULL ? 0 : -1);
	free(p);
	expect("unlinkat in the folder that was kept", 0, unlinkat(LOCKIN_FD_URL, "ctl", 0));
}

/* --- both --------------------------------------------------------------------------------- */

static pthread_barrier_t barrier;

static void *
other_thread(void *arg)
{
	pthread_barrier_wait(&barrier);		/* made before the lock-in */
	pthread_barrier_wait(&barrier);		/* it is done */
	try_files();
	try_network();
	try_processes();
	try_memory();
	return arg;
}

static int
prepare(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = "ctl" };

	(void)snprintf(base, sizeof(base), "/tmp/t_lockin.XXXXXX");
	if (mkdtemp(base) == NULL || chdir(base) != 0)
		return errno;
	file_fd = open("allowed", O_RDWR | O_CREAT, 0700);
	if (file_fd == -1 || write(file_fd, "text", 4) != 4)
		return errno;
	close(open("forbidden", O_RDWR | O_CREAT, 0600));
	dir_fd = open(".", O_RDONLY | O_DIRECTORY);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	spare = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&sun, sizeof(sun)) != 0 || listen(listener, 1) != 0)
		return errno;
	lockin_keep(LOCKIN_FD_URL, base);
	lockin_allow("allowed", LOCKIN_READ | LOCKIN_WRITE);
	return 0;
}

static void
clean(void)
{
	/* Landlock let nothing but names in this folder be removed. */
	(void)unlinkat(LOCKIN_FD_URL, "allowed", 0);
	(void)unlinkat(LOCKIN_FD_URL, "forbidden", 0);
}

int
main(void)
{
	pthread_t thread;
	int error = prepare();

	if (error) {
		printf("# cannot prepare: %s\n", strerror(error));
		return 1;
	}
	error = lockin_files();
	if (error == 0) {
		char *const argv[] = { base, NULL };

		expect("Landlock: open what was allowed", 0, close(open("allowed", O_RDWR)));
		expect("Landlock: open another", EACCES, open("forbidden", O_RDONLY));
		expect("Landlock: make one", EACCES, open("new", O_RDWR | O_CREAT, 0600));
		expect("Landlock: run a program", EACCES, execve("/bin/true", argv, NULL));
	} else {
		printf("# no Landlock here: %s\n", strerror(error));
	}
	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, other_thread, NULL) != 0)
		return 1;
	pthread_barrier_wait(&barrier);
	errno = lockin_calls();
	expect("lockin_calls", 0, errno != 0 ? -1 : 0);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	try_files();
	try_network();
	try_processes();
	try_memory();
	try_work();
	clean();
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
