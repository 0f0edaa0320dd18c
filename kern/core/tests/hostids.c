/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostids.c - makes set*id calls on the host and looks at what came of them
 *
 * Raw system calls: the C library would change all threads of the process.
 */

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostids.h"

static const long idop_nr[IDOP_N] = {
	[IDOP_SETUID] = SYS_setuid, [IDOP_SETREUID] = SYS_setreuid,
	[IDOP_SETRESUID] = SYS_setresuid, [IDOP_SETFSUID] = SYS_setfsuid,
	[IDOP_SETGID] = SYS_setgid, [IDOP_SETREGID] = SYS_setregid,
	[IDOP_SETRESGID] = SYS_setresgid, [IDOP_SETFSGID] = SYS_setfsgid,
};

static void
look(struct idstate *is)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	syscall(SYS_getresuid, &is->is_uid[0], &is->is_uid[1], &is->is_uid[2]);
	syscall(SYS_getresgid, &is->is_gid[0], &is->is_gid[1], &is->is_gid[2]);
	is->is_uid[3] = (uint32_t)syscall(SYS_setfsuid, -1);
	is->is_gid[3] = (uint32_t)syscall(SYS_setfsgid, -1);
	if (syscall(SYS_capget, &hdr, data) != 0)
		_exit(1);
	is->is_caps = (uint64_t)data[1].effective << 32 | data[0].effective;
	is->is_permitted = (uint64_t)data[1].permitted << 32 |
	    data[0].permitted;
}

static void
child(const struct idcall *calls, size_t ncalls, int fd)
{
	struct idstate is = { .is_error = 0 };

	if (syscall(SYS_setresgid, 0, 0, 0) != 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) != 0)
		_exit(1);
	look(&is);
	for (size_t i = 0;; i++) {
		if (write(fd, &is, sizeof(is)) != sizeof(is))
			_exit(1);
		if (i == ncalls)
			_exit(0);
		is.is_result = syscall(idop_nr[calls[i].ic_op],
		    calls[i].ic_arg[0], calls[i].ic_arg[1], calls[i].ic_arg[2]);
		is.is_error = is.is_result == -1 ? errno : 0;
		if (is.is_error != 0)
			is.is_result = 0;
		look(&is);
	}
}

bool
harness_hostids(const struct idcall *calls, size_t ncalls,
    struct idstate *states)
{
	int fds[2], status = 1;
	size_t got = 0;
	pid_t pid;

	if (geteuid() != 0 || pipe(fds) != 0)
		return false;
	pid = fork();
	if (pid == 0)
		child(calls, ncalls, fds[1]);
	close(fds[1]);
	while (pid > 0 && got <= ncalls &&
	    read(fds[0], &states[got], sizeof(states[0])) == sizeof(states[0]))
		got++;
	close(fds[0]);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 &&
	    got == ncalls + 1;
}
