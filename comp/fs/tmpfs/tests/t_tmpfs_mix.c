/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tmpfs_mix.c - many threads in few directories
 */

#include "tmpfs_test.h"

#include <sys/xattr.h>

#include <stdio.h>
#include <stdlib.h>

#include <rump/rumpuser.h>

#define NTHREADS	8
#define NSTEPS		1000
#define NNAMES		12

struct worker {
	struct rumpuser_thread *w_thread;
	unsigned int	w_rand;
	unsigned int	w_done;
	unsigned int	w_opened;
};

static unsigned int
pick(struct worker *w, unsigned int below)
{
	w->w_rand = w->w_rand * 1664525u + 1013904223u;
	return (w->w_rand >> 8) % below;
}

static void
pick_path(struct worker *w, char *path)
{
	snprintf(path, 32, "/mnt/d%u/n%u", pick(w, 2), pick(w, NNAMES));
}

static void
step_content(struct worker *w, const char *path)
{
	char buf[6000];
	int fd = rump_sys_open(path, O_CREAT | O_RDWR, 0644);
	off_t off = pick(w, 40000);

	if (fd < 0)
		return;
	w->w_opened++;
	memset(buf, (int)off, sizeof(buf));
	rump_sys_pwrite64(fd, buf, pick(w, sizeof(buf)), off);
	rump_sys_pread64(fd, buf, sizeof(buf), pick(w, 40000));
	if (pick(w, 3) == 0)
		rump_sys_ftruncate(fd, pick(w, 40000));
	if (pick(w, 3) == 0)
		rump_sys_fallocate(fd, pick(w, 2) ? 0 : 3, pick(w, 30000), 9000);
	rump_sys_close(fd);
}

static void
step_list(void)
{
	_Alignas(8) char buf[256];
	int fd = rump_sys_open("/mnt/d0", O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return;
	while (rump_sys_getdents64(fd, buf, sizeof(buf)) > 0)
		continue;
	rump_sys_close(fd);
}

static void
step(struct worker *w)
{
	char a[32], b[32], buf[64];
	struct stat st;

	pick_path(w, a);
	pick_path(w, b);
	switch (pick(w, 11)) {
	case 0:
		rump_sys_mkdir(a, 0755);
		break;
	case 1:
		rump_sys_rmdir(a);
		break;
	case 2:
		rump_sys_unlink(a);
		break;
	case 3:
		rump_sys_rename(a, b);
		break;
	case 4:
		rump_sys_renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
		break;
	case 5:
		rump_sys_link(a, b);
		break;
	case 6:
		rump_sys_symlink(a, b);
		break;
	case 7:
		rump_sys_newfstatat(AT_FDCWD, a, &st, 0);
		rump_sys_chmod(b, pick(w, 01000));
		break;
	case 8:
		rump_sys_setxattr(a, "user.x", b, pick(w, 32), 0);
		rump_sys_getxattr(b, "user.x", buf, sizeof(buf));
		rump_sys_removexattr(a, "user.x");
		break;
	case 9:
		step_list();
		break;
	default:
		step_content(w, a);
		break;
	}
	w->w_done++;
}

static void
worker_run(void *arg)
{
	struct worker *w = arg;

	for (int i = 0; i < NSTEPS; i++)
		step(w);
}

/* Takes everything apart again: nothing may be stuck. */
static void
sweep_up(const char *dir)
{
	char path[64];

	for (int i = 0; i < NNAMES; i++) {
		snprintf(path, sizeof(path), "%s/n%d", dir, i);
		if (rump_sys_unlink(path) == -1 && errno == EISDIR)
			CHECK_EQ(path, 0, rump_sys_rmdir(path));
	}
	CHECK_EQ(dir, 40, st_of(dir).st_size);
	CHECK_EQ(dir, 2, st_of(dir).st_nlink);
}

TEST_WITH(threads_that_do_everything_at_once_leave_a_sound_tree,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 3, .ht_seconds = 30)
{
	struct worker w[NTHREADS];
	struct statfs sf;

	tmpfs_begin("size=600k,nr_inodes=64");
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d0", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/mnt/d1", 0755));
	for (unsigned int i = 0; i < NTHREADS; i++) {
		w[i].w_rand = (unsigned int)harness_seed() * 77 + i;
		w[i].w_done = w[i].w_opened = 0;
		NEED(rumpuser_thread_create(worker_run, &w[i], "worker",
		    &w[i].w_thread) == 0);
	}
	for (int i = 0; i < NTHREADS; i++) {
		rumpuser_thread_join(w[i].w_thread);
		CHECK_EQ("steps", NSTEPS, w[i].w_done);
		CHECK(w[i].w_opened > NSTEPS / 100);
	}
	sweep_up("/mnt/d0");
	sweep_up("/mnt/d1");
	CHECK_EQ("statfs", 0, rump_sys_statfs("/mnt", &sf));
	CHECK_EQ("no page is lost", 150, sf.f_bfree);
	CHECK_EQ("no inode is lost", 64 - 3, sf.f_ffree);
	tmpfs_end();
}
