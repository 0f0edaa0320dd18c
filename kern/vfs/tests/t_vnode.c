/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_vnode.c - the vnode cache, by a file system that counts what is asked of
 * it
 */

#include <linux/fcntl.h>
#include <linux/mount.h>

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kvar.h>
#include <sys/proc.h>
#include <sys/vcpu.h>
#include <vfs/mount.h>
#include <vfs/namei.h>
#include <vfs/vnode.h>

#include "vfs_impl.h"

#include <harness.h>

#define TOY_FILES	100	/* numbers below it exist */

static struct {
	int	loads, reclaims, inactives;
	int	load_error;
	nlink_t	nlink;
} toy;

static void
toy_inactive(struct vnode *vp __unused_arg)
{
	toy.inactives++;
}

static void
toy_reclaim(struct vnode *vp)
{
	CHECK(vp->v_state == VS_DEAD);
	atomic_add(&toy.reclaims, 1);
}

static int
toy_getattr(struct vnode *vp, struct vattr *ret_va)
{
	*ret_va = (struct vattr){ .va_type = vp->v_type, .va_ino = vp->v_ino,
	    .va_nlink = toy.nlink };
	return 0;
}

/*
 * The root has directories "0" .. "7", number 2 .. 9; directory d has files
 * "0" .. "7", number 10 * d + name.
 */
static int
toy_lookup(struct vnode *dvp, const struct cname *cn, struct vnode **ret_vp)
{
	ino_t n = (ino_t)(cn->cn_name[0] - '0');

	if (cn->cn_len != 1 || n > 7)
		return ENOENT;
	return vnode_get(dvp->v_fs, dvp->v_root ? 2 + n : 10 * dvp->v_ino + n,
	    ret_vp);
}

static const struct vnode_ops toy_vnops = {
	.vo_lookup	= toy_lookup,
	.vo_getattr	= toy_getattr,
	.vo_inactive	= toy_inactive,
	.vo_reclaim	= toy_reclaim,
};

static int
toy_load(struct fs *fs __unused_arg, ino_t ino, struct vnode *vp)
{
	atomic_add(&toy.loads, 1);
	vcpu_yield();			/* others come meanwhile */
	if (toy.load_error)
		return toy.load_error;
	if (ino >= TOY_FILES)
		return ESTALE;
	vp->v_ops = &toy_vnops;
	vp->v_type = ino < 10 ? VDIR : VREG;
	vnode_setperm(vp, 0755, 0, 0);
	return 0;
}

static const struct fs_ops toy_fsops = { .fo_load = toy_load };

static int
toy_mount(struct fs *fs, const struct mount_args *ma __unused_arg)
{
	fs->fs_ops = &toy_fsops;
	fs->fs_rootino = 1;
	return 0;
}

static struct fstype toy_type = {
	.ft_name = "toy", .ft_nodev = true, .ft_mount = toy_mount,
};

static struct mount *
toy_begin(void)
{
	static const struct mount_args ma = { .ma_options = "" };
	struct mount *mt = NULL;

	NEED(mount_create(&toy_type, &ma, &mt) == 0);
	toy.loads = toy.reclaims = toy.inactives = 0;
	toy.load_error = 0;
	toy.nlink = 1;
	return mt;
}

static struct vnode *
toy_get(struct mount *mt, ino_t ino)
{
	struct vnode *vp = NULL;

	CHECK_EQ("vnode_get", 0, vnode_get(mt->mt_fs, ino, &vp));
	return vp;
}

TEST(a_file_is_loaded_once_and_shared)
{
	struct mount *mt = toy_begin();
	struct vnode *a = toy_get(mt, 7), *b = toy_get(mt, 7);

	CHECK(a == b);
	CHECK_EQ("loads", 1, toy.loads);
	CHECK_EQ("references", 2, a->v_refs);
	vnode_rele(a);
	vnode_rele(b);
	a = toy_get(mt, 7);
	CHECK_EQ("it was kept", 1, toy.loads);
	vnode_rele(a);
	CHECK_EQ("nothing went", 0, toy.reclaims);
	mount_rele(mt);
	CHECK_EQ("all went with the instance: this and the root", 2, toy.reclaims);
	CHECK_EQ("none was without a name", 0, toy.inactives);
}

TEST(a_load_that_fails_leaves_nothing_and_may_be_tried_again)
{
	struct mount *mt = toy_begin();
	struct vnode *vp = NULL;

	toy.load_error = EIO;
	CHECK_EQ("EIO", EIO, vnode_get(mt->mt_fs, 9, &vp));
	CHECK(vp == NULL);
	toy.load_error = 0;
	vp = toy_get(mt, 9);
	CHECK_EQ("loads", 2, toy.loads);
	vnode_rele(vp);
	CHECK_EQ("no such number", ESTALE, vnode_get(mt->mt_fs, TOY_FILES, &vp));
	mount_rele(mt);
}

TEST(the_last_reference_to_a_file_without_a_name_frees_it)
{
	struct mount *mt = toy_begin();
	struct vnode *vp = toy_get(mt, 5);

	vnode_hold(vp);
	toy.nlink = 0;
	vnode_checklink(vp);
	vnode_rele(vp);
	CHECK_EQ("somebody has it", 0, toy.inactives);
	vnode_rele(vp);
	CHECK_EQ("inactive", 1, toy.inactives);
	CHECK_EQ("reclaimed", 1, toy.reclaims);
	toy.nlink = 1;
	vp = toy_get(mt, 5);		/* the number is used again */
	CHECK_EQ("loads", 2, toy.loads);
	CHECK(!vp->v_unlinked);
	vnode_rele(vp);
	mount_rele(mt);
}

TEST(a_dead_vnode_cannot_be_held)
{
	struct mount *mt = toy_begin();
	struct vnode *vp = toy_get(mt, 5);

	CHECK(vnode_tryhold(vp));
	vnode_rele(vp);
	atomic_store(&vp->v_unlinked, true);
	vnode_rele(vp);
	/* It waits for readers, of whom we are one. */
	CHECK(!vnode_tryhold(vp));
	mount_rele(mt);
}

TEST(a_new_file_may_be_given_up_before_anybody_sees_it)
{
	struct mount *mt = toy_begin();
	struct vnode *vp = NULL, *other = NULL;

	CHECK_EQ("alloc", 0, vnode_alloc(mt->mt_fs, 50, &vp));
	vnode_abandon(vp);
	CHECK_EQ("never filled, never reclaimed", 0, toy.reclaims);
	vp = toy_get(mt, 50);
	CHECK_EQ("taken", EEXIST, vnode_alloc(mt->mt_fs, 50, &other));
	vnode_rele(vp);
	mount_rele(mt);
}

TEST(idle_vnodes_beyond_the_limit_go_the_used_ones_stay)
{
	struct mount *mt = toy_begin();
	struct vnode *used[4], *vp;
	char text[32];
	ino_t i;

	CHECK_EQ("read", 0, kvar_read("vfs.maxvnodes", text, sizeof(text)));
	CHECK_EQ("limit", 0, kvar_write("vfs.maxvnodes", "16"));
	for (i = 0; i < 4; i++)
		used[i] = toy_get(mt, 2 + i);
	for (i = 10; i < TOY_FILES; i++) {
		vp = toy_get(mt, i);
		if (vp != NULL)
			vnode_rele(vp);
	}
	CHECK_EQ("somebody should trim", 1, vnode_wanttrim);
	vnode_trim();			/* takes the marks of recent use */
	vnode_wanttrim = 1;
	vnode_trim();
	CHECK_EQ("loaded", 4 + TOY_FILES - 10, toy.loads);
	CHECK_EQ("let go, but 16 with the root", toy.loads + 1 - 16,
	    toy.reclaims);
	for (i = 0; i < 4; i++) {
		CHECK_EQ("in use", VS_ACTIVE, used[i]->v_state);
		vnode_rele(used[i]);
	}
	CHECK_EQ("limit", 0, kvar_write("vfs.maxvnodes", text));
	mount_rele(mt);
}

/* --- threads --------------------------------------------------------------------- */

#define NTHREADS	8
#define NWALKS		200

static struct vnode *toy_root;

struct walker {
	struct kthread	*wk_thread;
	unsigned int	 wk_rand, wk_found;
};

static unsigned int
walker_pick(struct walker *wk, unsigned int below)
{
	wk->wk_rand = wk->wk_rand * 1664525u + 1013904223u;
	return (wk->wk_rand >> 8) % below;
}

static void
walker_run(void *arg)
{
	struct walker *wk = arg;
	char path[] = "/mnt/d/f";

	for (unsigned int i = 0; i < NWALKS; i++) {
		struct nameidata nd = { .nd_resolve = 0 };
		unsigned int d = walker_pick(wk, 9), f = walker_pick(wk, 8);
		int error;

		path[5] = (char)('0' + d);
		path[7] = (char)('0' + f);
		error = namei(curlwp(), AT_FDCWD, path, NAMEI_KERNEL, &nd);
		CHECK_EQ(path, d < 8 ? 0 : ENOENT, error);
		if (error == 0 && CHECK_EQ(path, 10 * (2 + d) + f,
		    nd.nd_path.vp_vnode->v_ino))
			wk->wk_found++;
		nameidata_fini(&nd);
		if (walker_pick(wk, 10) == 0)
			namecache_purge(toy_root);
	}
}

/* Few vnodes are kept, so that what one thread finds another one lets go. */
TEST_WITH(walks_through_a_cache_that_is_too_small_arrive,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS, .ht_seeds = 10)
{
	struct nameidata nd = { .nd_resolve = 0 };
	struct mount *mt = toy_begin();
	struct walker wk[NTHREADS];
	unsigned int i;

	CHECK_EQ("limit", 0, kvar_write("vfs.maxvnodes", "16"));
	NEED(namei(curlwp(), AT_FDCWD, "/mnt", NAMEI_KERNEL, &nd) == 0);
	NEED(mount_attach(mt, &nd.nd_path) == 0);
	nameidata_fini(&nd);
	toy_root = mt->mt_root;
	for (i = 0; i < NTHREADS; i++) {
		wk[i].wk_rand = (unsigned int)harness_seed() * 31 + i;
		wk[i].wk_found = 0;
		NEED(kthread_create(walker_run, &wk[i], "walker",
		    &wk[i].wk_thread) == 0);
	}
	for (i = 0; i < NTHREADS; i++) {
		kthread_join(wk[i].wk_thread);
		CHECK(wk[i].wk_found > NWALKS / 2);
	}
	CHECK(toy.loads > 8 + 64);
	CHECK(toy.reclaims > 0);
	NEED(namei(curlwp(), AT_FDCWD, "/mnt", NAMEI_KERNEL, &nd) == 0);
	CHECK_EQ("umount", 0, mount_detach(&nd.nd_path, 0));
	nameidata_fini(&nd);
	CHECK_EQ("each load was ended", toy.loads + 1, toy.reclaims);
}
