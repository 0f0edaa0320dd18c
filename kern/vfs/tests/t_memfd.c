/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_memfd.c - files in memory without a name, and their seals
 */

#include "vfs_test.h"

#include <linux/memfd.h>

static const struct {
	const char	*label;
	const char	*name;
	unsigned int	 flags;
	int		 want;
} bad[] = {
	{ "unknown flag", "x", 0x1000, EINVAL },
	{ "large pages", "x", MFD_HUGETLB, EINVAL },
	{ "a name that is too long", (const char[]){ [0 ... 249] = 'n', 0 }, 0, EINVAL },
	{ "no name", NULL, 0, EFAULT },
};

TEST(odd_requests_are_refused)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_EQ(bad[i].label, bad[i].want,
		    ERR(rump_sys_memfd_create(bad[i].name, bad[i].flags)));
}

/* The instance stays once it was made. */
TEST_WITH(a_memfd_is_a_file_that_goes_with_its_descriptor,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	int fd = rump_sys_memfd_create("x", MFD_CLOEXEC);
	struct stat st;
	char buf[8];

	NEED(fd >= 0);
	CHECK_EQ("write", 3, rump_sys_write(fd, "abc", 3));
	CHECK_EQ("read", 3, rump_sys_pread64(fd, buf, 8, 0));
	CHECK_EQ("stat", 0, rump_sys_fstat(fd, &st));
	CHECK_EQ("links", 0, st.st_nlink);
	CHECK_EQ("mode", S_IFREG | 0777, st.st_mode);
	CHECK_EQ("close on exec", FD_CLOEXEC, rump_sys_fcntl(fd, F_GETFD));
	CHECK_EQ("sealed against seals", F_SEAL_SEAL, rump_sys_fcntl(fd, F_GET_SEALS));
	CHECK_EQ("no more", EPERM, ERR(rump_sys_fcntl(fd, F_ADD_SEALS, F_SEAL_GROW)));
	CHECK_EQ("no name in another place", EXDEV, ERR(rump_sys_linkat(fd, "", AT_FDCWD,
	    "/f", AT_EMPTY_PATH)));
	CHECK_EQ("close", 0, rump_sys_close(fd));
}

TEST_WITH(seals_hold, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	int fd = rump_sys_memfd_create("x", MFD_ALLOW_SEALING);

	NEED(fd >= 0);
	CHECK_EQ("none yet", 0, rump_sys_fcntl(fd, F_GET_SEALS));
	CHECK_EQ("size", 0, rump_sys_ftruncate(fd, 10));
	CHECK_EQ("unknown", EINVAL, ERR(rump_sys_fcntl(fd, F_ADD_SEALS, 0x1000)));
	CHECK_EQ("shrink", 0, rump_sys_fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CHECK_EQ("shorter", EPERM, ERR(rump_sys_ftruncate(fd, 9)));
	CHECK_EQ("longer", 0, rump_sys_ftruncate(fd, 11));
	CHECK_EQ("grow", 0, rump_sys_fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CHECK_EQ("longer", EPERM, ERR(rump_sys_ftruncate(fd, 12)));
	CHECK_EQ("beyond the end", EPERM, ERR(rump_sys_pwrite64(fd, "ab", 2, 10)));
	CHECK_EQ("preallocate", EPERM, ERR(rump_sys_fallocate(fd, 0, 0, 20)));
	CHECK_EQ("inside", 2, rump_sys_pwrite64(fd, "ab", 2, 9));
	CHECK_EQ("write", 0, rump_sys_fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE | F_SEAL_SEAL));
	CHECK_EQ("inside", EPERM, ERR(rump_sys_pwrite64(fd, "ab", 2, 0)));
	CHECK_EQ("a hole", EPERM, ERR(rump_sys_fallocate(fd, 3, 0, 4)));
	CHECK_EQ("the last seal", EPERM, ERR(rump_sys_fcntl(fd, F_ADD_SEALS,
	    F_SEAL_WRITE)));
	CHECK_EQ("close", 0, rump_sys_close(fd));
}
