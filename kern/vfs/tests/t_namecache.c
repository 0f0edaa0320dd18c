/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_namecache.c - what the name cache remembers, and what it forgets
 */

#include <linux/fcntl.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kvar.h>
#include <sys/proc.h>
#include <vfs/namei.h>

#include "namespace_impl.h"
#include "vfs_impl.h"

#include <harness.h>

static struct cname
name_of(const char *s)
{
	return (struct cname){ s, strlen(s), cname_hash(s, strlen(s)) };
}

/* A directory of the root file system, referenced with its mount. */
static struct vpath
dir_make(const char *path)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct vpath p;

	NEED(vfs_kern_mkdir(path, 0755) == 0);
	NEED(namei(curlwp(), AT_FDCWD, path, NAMEI_KERNEL, &nd) == 0);
	p = nd.nd_path;
	nd.nd_path = (struct vpath){ NULL, NULL };
	nameidata_fini(&nd);
	return p;
}

static void
dir_remove(struct vpath *p, const char *path)
{
	struct nameidata nd = { .nd_resolve = 0 };

	vpath_rele(p);
	CHECK_EQ("parent", 0, namei(curlwp(), AT_FDCWD, path,
	    NAMEI_PARENT | NAMEI_KERNEL, &nd));
	CHECK_EQ(path, 0, vfs_rmdir(&nd));
	nameidata_fini(&nd);
}

TEST(a_hash_does_not_depend_on_who_computes_it)
{
	static const char long_name[] = "abcdefghijklmnopqrstuvwxyz012345";
	uint64_t seen[sizeof(long_name)];
	size_t i, j;

	for (i = 1; i < sizeof(long_name); i++) {
		seen[i] = cname_hash(long_name, i);
		for (j = 1; j < i; j++)
			CHECK(seen[i] != seen[j]);
	}
	CHECK(cname_hash("ab", 2) != cname_hash("ba", 2));
}

TEST(names_are_told_apart)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "a", "a", true }, { "a", "b", false }, { "a", "aa", false },
		{ "12345678", "12345678", true }, { "12345678", "1234567x", false },
		{ "123456789", "12345678x", false },
		{ "123456789", "123456789", true },
		{ "x23456789", "123456789", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct cname cn = name_of(cases[i].a);

		CHECK_EQ(cases[i].b, cases[i].same, cname_is(&cn, cases[i].b,
		    strlen(cases[i].b)));
	}
}

TEST(an_entry_is_found_replaced_and_removed)
{
	struct vpath d = dir_make("/nc");
	struct cname cn = name_of("some");
	struct vnode *vp = NULL;

	CHECK_EQ("new", NC_MISS, namecache_lookup(d.vp_vnode, &cn, &vp));
	namecache_enter(d.vp_vnode, &cn, NULL);
	CHECK_EQ("negative", NC_NEGATIVE, namecache_lookup(d.vp_vnode, &cn, &vp));
	namecache_enter(d.vp_vnode, &cn, d.vp_mount->mt_root);
	CHECK_EQ("positive", NC_HIT, namecache_lookup(d.vp_vnode, &cn, &vp));
	CHECK(vp == d.vp_mount->mt_root);
	namecache_remove(d.vp_vnode, &cn);
	CHECK_EQ("gone", NC_MISS, namecache_lookup(d.vp_vnode, &cn, &vp));
	namecache_remove(d.vp_vnode, &cn);	/* nothing to do */
	dir_remove(&d, "/nc");
}

TEST(a_purge_takes_entries_of_both_directions)
{
	struct vpath d = dir_make("/nc"), e = dir_make("/nc/sub");
	struct cname in = name_of("in"), sub = name_of("sub");
	struct vnode *vp;

	namecache_enter(e.vp_vnode, &in, NULL);
	CHECK_EQ("named", NC_HIT, namecache_lookup(d.vp_vnode, &sub, &vp));
	namecache_purge(e.vp_vnode);
	CHECK_EQ("name", NC_MISS, namecache_lookup(d.vp_vnode, &sub, &vp));
	CHECK_EQ("child", NC_MISS, namecache_lookup(e.vp_vnode, &in, &vp));
	CHECK(e.vp_vnode->v_parent == d.vp_vnode);
	dir_remove(&e, "/nc/sub");
	dir_remove(&d, "/nc");
}

/* What boot had entered goes, too. */
TEST_WITH(the_cache_is_bounded_and_keeps_the_names_of_directories,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	struct vpath d = dir_make("/nc"), e = dir_make("/nc/kept");
	char text[32], now[32], buf[16];
	struct vnode *vp;
	struct cname cn;
	uint64_t n;

	CHECK_EQ("old limit", 0, kvar_read("vfs.namecache.limit", text, sizeof(text)));
	CHECK_EQ("limit", 0, kvar_write("vfs.namecache.limit", "100"));
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(buf, sizeof(buf), "n%u", i);
		cn = name_of(buf);
		namecache_enter(d.vp_vnode, &cn, NULL);
	}
	CHECK_EQ("entries", 0, kvar_read("vfs.namecache.entries", now, sizeof(now)));
	CHECK_EQ("a number", 0, str_tou64(now, &n));
	CHECK(n <= 101);
	cn = name_of("kept");
	CHECK_EQ("kept", NC_HIT, namecache_lookup(d.vp_vnode, &cn, &vp));
	CHECK_EQ("its name", 4, namecache_getname(e.vp_vnode, buf, sizeof(buf)));
	CHECK_EQ("limit", 0, kvar_write("vfs.namecache.limit", text));
	namecache_purge(d.vp_vnode);
	dir_remove(&e, "/nc/kept");
	dir_remove(&d, "/nc");
}

TEST(a_directory_knows_what_it_is_below)
{
	struct vpath a = dir_make("/nc"), b = dir_make("/nc/b"),
	    c = dir_make("/nc/b/c");

	CHECK(vnode_isbelow(c.vp_vnode, a.vp_vnode));
	CHECK(vnode_isbelow(c.vp_vnode, c.vp_vnode));
	CHECK(!vnode_isbelow(a.vp_vnode, c.vp_vnode));
	vnode_setparent(c.vp_vnode, a.vp_vnode);
	CHECK(!vnode_isbelow(c.vp_vnode, b.vp_vnode));
	vnode_setparent(c.vp_vnode, b.vp_vnode);
	dir_remove(&c, "/nc/b/c");
	dir_remove(&b, "/nc/b");
	dir_remove(&a, "/nc");
}
