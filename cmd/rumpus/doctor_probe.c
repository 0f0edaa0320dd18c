/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * doctor_probe.c - what this host allows, found out by doing it
 *
 * What the files in /proc/sys say is not what a container's filter says, so each thing is
 * tried, by a child that ends afterwards and takes the effects along.
 *
 * References: user_namespaces(7), seccomp(2), prctl(2), landlock(7), io_uring_setup(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../server/lockin.h"
#include "doctor.h"
#include "doctor_impl.h"

static int
result(long value)
{
	return value == -1 ? errno : 0;
}

static int
try_fuse(char *why, size_t size)
{
	if (open("/dev/fuse", O_RDWR | O_CLOEXEC) == -1)
		return errno;
	if (access("/usr/bin/fusermount3", X_OK) != 0 && access("/bin/fusermount3", X_OK) != 0 &&
	    geteuid() != 0) {
		(void)snprintf(why, size, "/dev/fuse opens, but there is no fusermount3");
		return ENOENT;
	}
	return 0;
}

static int
try_userns(char *why, size_t size)
{
	return result(unshare(CLONE_NEWUSER));
}

static int
try_netns(char *why, size_t size)
{
	if (unshare(CLONE_NEWNET) == 0)
		return 0;
	(void)snprintf(why, size, "within a user name space of one's own");
	return result(unshare(CLONE_NEWUSER | CLONE_NEWNET));
}

static int
make_tap(void)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	return fd == -1 ? errno : result(ioctl(fd, TUNSETIFF, &ifr));
}

static int
try_tun(char *why, size_t size)
{
	int error = make_tap();

	if (error == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return error;
	error = make_tap();
	if (error == 0)
		(void)snprintf(why, size, "only within name spaces of one's own");
	return error;
}

int
doctor_filter(unsigned int action, unsigned int flags)
{
	struct sock_filter insns[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DOCTOR_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = 4, .filter = insns };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static int
try_filter(char *why, size_t size)
{
	return result(doctor_filter(SECCOMP_RET_ALLOW, 0));
}

static int
try_notify(char *why, size_t size)
{
	return result(doctor_filter(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER));
}

static int
try_dispatch(char *why, size_t size)
{
	static volatile char selector;		/* 0: calls pass */

	return result(prctl(DOCTOR_SET_DISPATCH, 1, 0, 0, &selector));
}

static int
try_ptrace(char *why, size_t size)
{
	int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC), status;
	char scope = '0';
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			_exit(errno);
		_exit(0);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return EIO;
	if (fd != -1 && read(fd, &scope, 1) == 1)
		(void)snprintf(why, size, "ptrace_scope %c: %s", scope,
		    scope == '0' ? "any process of the user" : scope == '1' ? "children only" :
		    scope == '2' ? "administrators only" : "nobody");
	return WEXITSTATUS(status);
}

static int
try_uring(char *why, size_t size)
{
	struct io_uring_params params = { .flags = 0 };

	return result(syscall(SYS_io_uring_setup, 8, &params));
}

static int
try_hugepages(char *why, size_t size)
{
	int fd = open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
	char text[64] = "", *open_, *close_;
	ssize_t n = fd != -1 ? read(fd, text, sizeof(text) - 1) : -1;

	if (n > 0 && (open_ = strchr(text, '[')) != NULL && (close_ = strchr(open_, ']')) != NULL)
		(void)snprintf(why, size, "transparent: %.*s", (int)(close_ - open_ - 1), open_ + 1);
	if (strstr(text, "[never]") == NULL && n > 0)
		return 0;
	return mmap(NULL, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) ==
	    MAP_FAILED ? errno : 0;
}

static int
try_membarrier(char *why, size_t size)
{
	long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);

	if (commands == -1)
		return errno;
	return (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0 ? 0 : EOPNOTSUPP;
}

static int
try_memfd(char *why, size_t size)
{
	int fd = memfd_create("doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd == -1)
		return errno;
	return result(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
}

static int
try_landlock(char *why, size_t size)
{
	int abi = lockin_landlock_abi();

	(void)snprintf(why, size, "ABI %d", abi);
	return abi > 0 ? lockin_files() : EOPNOTSUPP;
}

static int
try_lockin(char *why, size_t size)
{
	int error = lockin_files();

	if (error == 0 || error == EOPNOTSUPP)
		error = lockin_calls();
	if (error)
		return error;
	/* It has to hold, too. */
	if (open("/", O_RDONLY | O_CLOEXEC) != -1) {
		(void)snprintf(why, size, "a file can be opened nevertheless");
		return ENOTRECOVERABLE;
	}
	return 0;
}

const struct probe doctor_probes[] = {
	{ "fuse", "mounting images for all programs", try_fuse },
	{ "user name spaces", "taps without root", try_userns },
	{ "network name spaces", "taps without root", try_netns },
	{ "tun", "interfaces to the host's network", try_tun },
	{ "seccomp filters", "the engine 'trap', servers that lock themselves in", try_filter },
	{ "seccomp notification", "the engine 'supervisor'", try_notify },
	{ "system call user dispatch", "the engine 'trap'", try_dispatch },
	{ "ptrace", "debuggers beside a supervisor", try_ptrace },
	{ "io_uring", "asynchronous disks", try_uring },
	{ "huge pages", "large caches", try_hugepages },
	{ "membarrier", "calls without atomic operations", try_membarrier },
	{ "memfd", "shared memory with servers", try_memfd },
	{ "landlock", "servers that lock themselves in", try_landlock },
	{ "lock-in", "servers that can open nothing any more", try_lockin },
};
const size_t doctor_nprobes = sizeof(doctor_probes) / sizeof(doctor_probes[0]);

void
doctor_try(const struct probe *p, struct finding *ret_f)
{
	struct finding *f = mmap(NULL, sizeof(*f), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	*ret_f = (struct finding){ .f_error = ENOMEM };
	if (f == MAP_FAILED)
		return;
	f->f_error = ECHILD;
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0) {
		f->f_error = p->p_try(f->f_why, sizeof(f->f_why));
		_exit(0);
	}
	if (pid != -1 && waitpid(pid, &status, 0) == pid) {
		*ret_f = *f;
		if (WIFSIGNALED(status)) {
			ret_f->f_error = EINTR;
			(void)snprintf(ret_f->f_why, sizeof(ret_f->f_why), "ended by signal %d",
			    WTERMSIG(status));
		}
	}
	munmap(f, sizeof(*f));
}
