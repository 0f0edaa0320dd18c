/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_xattr.c - extended attributes
 */

#include "tmpfs_test.h"

#include <sys/xattr.h>

static char big[65537];

static const struct { const char *name; size_t len; int flags, error; }
sets[] = {
	{ "user.a",		0,	0,		0 },
	{ "user.a",		10,	0,		0 },
	{ "user.a",		1,	XATTR_CREATE,	EEXIST },
	{ "user.b",		1,	XATTR_REPLACE,	ENODATA },
	{ "user.b",		65536,	XATTR_CREATE,	0 },
	{ "user.b",		3,	XATTR_REPLACE,	0 },
	{ "user.c",		65537,	0,		E2BIG },
	{ "trusted.a",		5,	0,		0 },
	{ "security.a",		5,	0,		0 },
	{ "system.a",		5,	0,		EOPNOTSUPP },
	{ "nonsense",		5,	0,		EOPNOTSUPP },
};

TEST(attributes_are_set_by_the_rules)
{
	tmpfs_begin("");
	touch("/mnt/f");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		CHECK_EQ(sets[i].name, sets[i].error, ERR(rump_sys_setxattr(
		    "/mnt/f", sets[i].name, big, sets[i].len,
		    sets[i].flags)));
	tmpfs_end();
}

TEST(attributes_come_back_as_they_were_set)
{
	char buf[100];

	tmpfs_begin("");
	touch("/mnt/f");
	CHECK_EQ("none", 0, rump_sys_listxattr("/mnt/f", buf, sizeof(buf)));
	CHECK_EQ("none", ENODATA, ERR(rump_sys_getxattr("/mnt/f", "user.x",
	    buf, sizeof(buf))));
	CHECK_EQ("set", 0, rump_sys_setxattr("/mnt/f", "user.x", "hello", 5,
	    0));
	CHECK_EQ("set", 0, rump_sys_setxattr("/mnt/f", "user.empty", "", 0,
	    0));
	CHECK_EQ("length", 5, rump_sys_getxattr("/mnt/f", "user.x", NULL, 0));
	CHECK_EQ("get", 5, rump_sys_getxattr("/mnt/f", "user.x", buf, 100));
	CHECK_MEM("value", "hello", buf, 5);
	CHECK_EQ("small", ERANGE, ERR(rump_sys_getxattr("/mnt/f", "user.x",
	    buf, 4)));
	CHECK_EQ("empty", 0, rump_sys_getxattr("/mnt/f", "user.empty", buf,
	    100));
	CHECK_EQ("list length", 18, rump_sys_listxattr("/mnt/f", NULL, 0));
	CHECK_EQ("list", 18, rump_sys_listxattr("/mnt/f", buf, 100));
	CHECK_MEM("names", "user.x\0user.empty", buf, 18);
	CHECK_EQ("list small", ERANGE, ERR(rump_sys_listxattr("/mnt/f", buf,
	    17)));
	CHECK_EQ("remove", 0, rump_sys_removexattr("/mnt/f", "user.x"));
	CHECK_EQ("again", ENODATA, ERR(rump_sys_removexattr("/mnt/f",
	    "user.x")));
	CHECK_EQ("list", 11, rump_sys_listxattr("/mnt/f", buf, 100));
	tmpfs_end();
}

TEST(directories_and_links_have_attributes_too)
{
	tmpfs_begin("");
	CHECK_EQ("symlink", 0, rump_sys_symlink("x", "/mnt/l"));
	CHECK_EQ("dir", 0, rump_sys_setxattr("/mnt", "user.a", "1", 1, 0));
	CHECK_EQ("link", 0, rump_sys_lsetxattr("/mnt/l", "trusted.a", "1", 1,
	    0));
	CHECK_EQ("no user ones on links", EPERM, ERR(rump_sys_lsetxattr(
	    "/mnt/l", "user.a", "1", 1, 0)));
	tmpfs_end();
}
