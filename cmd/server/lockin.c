/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockin.c - giving up what is not needed any more
 *
 * Landlock is asked for all that this host's version knows.  It counts for the calling
 * thread and those it makes from then on.
 *
 * The seccomp filter was made by lockin_gen.c when this was built.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lockin.h"
#include LOCKIN_FILTER

/* <linux/landlock.h> may be older than the kernel that runs. */
struct ruleset_attr {
	uint64_t	 ra_fs;		/* ABI 1 */
	uint64_t	 ra_net;	/* ABI 4 */
	uint64_t	 ra_scoped;	/* ABI 6 */
};
struct path_attr {
	uint64_t	 pa_access;
	int32_t		 pa_fd;
} __attribute__((__packed__));

#define RULESET_VERSION		1u
#define RULE_PATH_BENEATH	1
#define FS_EXECUTE		(1u << 0)
#define FS_WRITE_FILE		(1u << 1)
#define FS_READ_FILE		(1u << 2)
#define FS_READ_DIR		(1u << 3)
#define FS_REMOVE_DIR		(1u << 4)
#define FS_REMOVE_FILE		(1u << 5)
#define FS_TRUNCATE		(1u << 14)	/* ABI 3 */
#define FS_IOCTL_DEV		(1u << 15)	/* ABI 5 */
#define NALLOWED		128

/*
 * Rights of each ABI: file system ones are bits from 0 on.  Of the scopes signals are left out: clients that
 * want some (SIGIO) hand over a pidfd, and the system call filter knows no other way.
 */
static const struct { unsigned int fsbits, netbits, scopes; } abi_rights[] = {
	{ 0, 0, 0 }, { 13, 0, 0 }, { 14, 0, 0 }, { 15, 0, 0 }, { 15, 2, 0 }, { 16, 2, 0 },
	{ 16, 2, 1 },
};
#define ABI_MAX	((int)(sizeof(abi_rights) / sizeof(abi_rights[0])) - 1)

static bool kept[LOCKIN_NFDS];
static struct allowed { int a_fd; unsigned int a_what; } allowed[NALLOWED];
static unsigned int nallowed;

void
lockin_keep(int fd, const char *path)
{
	int at = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (at == -1)
		return;
	kept[fd - LOCKIN_FD] = fcntl(at, F_DUPFD_CLOEXEC, fd) == fd;
	close(at);
}

void
lockin_allow(const char *path, unsigned int what)
{
	int fd;

	if (nallowed == NALLOWED)
		return;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		return;		/* who opens it later will say so */
	allowed[nallowed++] = (struct allowed){ fd, what };
}

int
lockin_landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static int
allow_removal(int ruleset)
{
	struct path_attr pa = { .pa_access = FS_REMOVE_FILE | FS_REMOVE_DIR };

	for (int i = 0; i < LOCKIN_NFDS; i++) {
		if (!kept[i])
			continue;
		pa.pa_fd = LOCKIN_FD + i;
		if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &pa, 0) != 0)
			return errno;
	}
	return 0;
}

static uint64_t
rights_of(unsigned int what)
{
	uint64_t rights = 0;

	if ((what & LOCKIN_READ) != 0)
		rights |= FS_READ_FILE;
	if ((what & LOCKIN_WRITE) != 0)
		rights |= FS_WRITE_FILE | FS_TRUNCATE;
	if ((what & LOCKIN_DEVICE) != 0)
		rights |= FS_IOCTL_DEV;
	if ((what & LOCKIN_BENEATH) != 0)
		rights |= FS_READ_DIR | FS_EXECUTE;
	return rights;
}

static int
allow_files(int ruleset, uint64_t known)
{
	struct path_attr pa;
	int error = 0;

	for (unsigned int i = 0; i < nallowed; i++) {
		pa.pa_access = rights_of(allowed[i].a_what) & known;
		pa.pa_fd = allowed[i].a_fd;
		if (error == 0 && syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &pa, 0) != 0)
			error = errno;
		close(allowed[i].a_fd);
	}
	nallowed = 0;
	return error;
}

int
lockin_files(void)
{
	int abi = lockin_landlock_abi(), level = abi < ABI_MAX ? abi : ABI_MAX;
	struct ruleset_attr ra = {
		.ra_fs = ((uint64_t)1 << abi_rights[level].fsbits) - 1,
		.ra_net = ((uint64_t)1 << abi_rights[level].netbits) - 1,
		.ra_scoped = ((uint64_t)1 << abi_rights[level].scopes) - 1,
	};
	size_t size = abi < 4 ? 8 : abi < 6 ? 16 : 24;
	int error, ruleset;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return errno;
	if (abi == 0)
		return EOPNOTSUPP;
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &ra, size, 0);
	if (ruleset == -1)
		return errno;
	error = allow_removal(ruleset);
	if (error == 0)
		error = allow_files(ruleset, ra.ra_fs);
	if (error == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		error = errno;
	close(ruleset);
	return error;
}

int
lockin_calls(void)
{
	struct sock_fprog prog = {
		.len = sizeof(lockin_filter) / sizeof(lockin_filter[0]),
		.filter = (struct sock_filter *)(uintptr_t)lockin_filter,
	};
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog);

	/* Positive: the thread which could not be made to join. */
	if (result > 0)
		return EAGAIN;
	return result == 0 ? 0 : errno;
}
