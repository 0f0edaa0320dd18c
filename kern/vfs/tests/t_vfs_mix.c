/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_vfs_mix.c - eight threads that move the ground under each other's feet
 *
 * Directories change places while others look up through them, mounts come
 * and go on them, and everybody asks where he is.  Then the same two by two,
 * for what once went wrong there.
 */

#include "vfs_test.h"

#define NTHREADS	8
#define NSTEPS		400
#define NDIRS		3

/*
 * A link that changes while somebody walks through it can lead him above it.
 * What is mounted there hides TOP; so deep down that is not /tmp itself.
 */
#define TOP		"/tmp/a/b/top"

struct worker {
	struct rumpuser_thread *w_thread;
	unsigned int	w_rand;
	unsigned int	w_done;
};

/* A path of one to three of the directories, and perhaps a file. */
static void
pick_path(struct worker *w, char *path, size_t size)
{
	unsigned int depth = 1 + pick(&w->w_rand, 3), i;
	size_t len;

	len = (size_t)snprintf(path, size, TOP);
	for (i = 0; i < depth; i++)
		len += (size_t)snprintf(path + len, size - len, "/d%u",
		    pick(&w->w_rand, NDIRS));
	if (pick(&w->w_rand, 3) == 0)
		snprintf(path + len, size - len, "/f%u", pick(&w->w_rand, 2));
	else if (pick(&w->w_rand, 6) == 0)
		snprintf(path + len, size - len, "/../d0/./..");
}

static void
step_names(struct worker *w, const char *a, const char *b)
{
	switch (pick(&w->w_rand, 6)) {
	case 0:
		rump_sys_mkdir(a, 0755);
		break;
	case 1:
		rump_sys_rmdir(a);
		rump_sys_unlink(b);
		break;
	case 2:
		rump_sys_renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
		break;
	case 3:
		rump_sys_symlink(a, b);
		break;
	default:
		rump_sys_rename(a, b);
		break;
	}
}

static void
step_place(const char *a)
{
	char buf[4096];
	int fd, up;

	fd = rump_sys_open(a, O_PATH);
	if (fd >= 0) {
		rump_sys_fchdir(fd);
		if (rump_sys_getcwd(buf, sizeof(buf)) != NULL)
			CHECK(buf[0] == '/' || buf[0] == '(');
		up = rump_sys_openat(fd, "..", O_PATH | O_DIRECTORY);
		if (up >= 0)
			rump_sys_close(up);
		rump_sys_close(fd);
	}
	rump_sys_chdir("/");
}

static void
step_mount(struct worker *w, const char *a, const char *b)
{
	switch (pick(&w->w_rand, 5)) {
	case 0:
		rump_sys_mount("x", a, "rumpfs", 0, "");
		break;
	case 1:
		rump_sys_mount(a, b, NULL, MS_BIND | (pick(&w->w_rand, 2) ?
		    MS_REC : 0), NULL);
		break;
	case 2:
		rump_sys_mount(a, b, NULL, MS_MOVE, NULL);
		break;
	default:
		rump_sys_umount2(a, pick(&w->w_rand, 2) ? MNT_DETACH : 0);
		break;
	}
}

static void
step_file(const char *a)
{
	struct stat st;
	int fd;

	fd = rump_sys_open(a, O_CREAT | O_RDWR, 0644);
	if (fd >= 0) {
		rump_sys_pwrite64(fd, a, 10, 0);
		CHECK_EQ("fstat", 0, rump_sys_fstat(fd, &st));
		CHECK(st.st_size <= 10);
		rump_sys_close(fd);
	}
	rump_sys_stat(a, &st);
	rump_sys_access(a, R_OK);
}

static void
step(struct worker *w)
{
	char a[128], b[128];

	pick_path(w, a, sizeof(a));
	pick_path(w, b, sizeof(b));
	switch (pick(&w->w_rand, 8)) {
	case 0:
		step_place(a);
		break;
	case 1:
		step_mount(w, a, b);
		break;
	case 2:
	case 3:
		step_file(a);
		break;
	default:
		step_names(w, a, b);
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

/* Mounts that are left, however deep; then a file system that must let go. */
static void
take_down(void)
{
	rump_sys_chdir("/");
	CHECK_EQ("umount", 0, rump_sys_umount2("/tmp", MNT_DETACH));
	CHECK_EQ("nothing is mounted", EINVAL,
	    ERR(rump_sys_umount2("/tmp", MNT_DETACH)));
}

TEST_WITH(threads_that_move_directories_and_mounts_stay_apart,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 4, .ht_seconds = 60)
{
	struct worker w[NTHREADS];
	unsigned int i;
	char path[32];

	/* Entries are evicted, and the table stays as it is: it is no leak. */
	CHECK_EQ("limit", 0, rump_pub_kvar_write("vfs.namecache.limit", "100"));
	NEED(rump_sys_mount("x", "/tmp", "rumpfs", 0, "") == 0);
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/tmp/a", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir("/tmp/a/b", 0755));
	CHECK_EQ("mkdir", 0, rump_sys_mkdir(TOP, 0755));
	for (i = 0; i < NDIRS; i++) {
		snprintf(path, sizeof(path), TOP "/d%u", i);
		CHECK_EQ(path, 0, rump_sys_mkdir(path, 0755));
	}
	for (i = 0; i < NTHREADS; i++) {
		w[i].w_rand = (unsigned int)harness_seed() * 7919 + i;
		w[i].w_done = 0;
		NEED(rumpuser_thread_create(worker_run, &w[i], "worker",
		    &w[i].w_thread) == 0);
	}
	for (i = 0; i < NTHREADS; i++) {
		rumpuser_thread_join(w[i].w_thread);
		CHECK_EQ("steps", NSTEPS, w[i].w_done);
	}
	take_down();
}

/* --- two at a time ------------------------------------------------------------------ */

/* Real threads need many tries to meet, and have but one order each time. */
#define NROUNDS		(strcmp(HARNESS_HOST, "sim") == 0 ? 24 : 200)

static void
exchange_run(void *arg)
{
	for (int i = 0; i < NROUNDS; i++)
		rump_sys_renameat2(AT_FDCWD, "/tmp/d0", AT_FDCWD, "/tmp/d1",
		    RENAME_EXCHANGE);
}

/* Over to the other directory and back. */
static void
cross_run(void *arg)
{
	for (int i = 0; i < NROUNDS; i++) {
		rump_sys_rename("/tmp/d0/f", "/tmp/d1/f");
		rump_sys_rename("/tmp/d1/f", "/tmp/d0/f");
	}
}

static void
run_both(void (*one)(void *), void (*other)(void *))
{
	struct rumpuser_thread *a, *b;

	NEED(rumpuser_thread_create(one, NULL, "one", &a) == 0);
	NEED(rumpuser_thread_create(other, NULL, "other", &b) == 0);
	rumpuser_thread_join(a);
	rumpuser_thread_join(b);
}

/* Both want the locks of two directories side by side. */
TEST_WITH(exchanging_directories_and_moving_between_them,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 40, .ht_seconds = 60)
{
	NEED(rump_sys_mount("x", "/tmp", "rumpfs", 0, "") == 0);
	CHECK_EQ("d0", 0, rump_sys_mkdir("/tmp/d0", 0755));
	CHECK_EQ("d1", 0, rump_sys_mkdir("/tmp/d1", 0755));
	rump_sys_close(rump_sys_open("/tmp/d0/f", O_CREAT | O_RDWR, 0644));
	run_both(exchange_run, cross_run);
	take_down();
}

static void
mounting_run(void *arg)
{
	for (int i = 0; i < NROUNDS; i++) {
		rump_sys_mount("x", "/tmp/d0", "rumpfs", 0, "");
		rump_sys_symlink("/tmp/f", "/tmp/d0/link");
		rump_sys_umount2("/tmp/d0", MNT_DETACH);
	}
}

static void
following_run(void *arg)
{
	int fd;

	for (int i = 0; i < 2 * NROUNDS; i++) {
		fd = rump_sys_open("/tmp/d0/link", O_CREAT | O_RDWR, 0644);
		if (fd >= 0)
			rump_sys_close(fd);
		rump_sys_access("/tmp/d0/link", R_OK);
	}
}

/* The link's file system ends while its text is being followed elsewhere. */
TEST_WITH(following_a_link_out_of_a_file_system_that_goes,
    .ht_flags = HARNESS_SIDE, .ht_seeds = 40, .ht_seconds = 60)
{
	NEED(rump_sys_mount("x", "/tmp", "rumpfs", 0, "") == 0);
	CHECK_EQ("d0", 0, rump_sys_mkdir("/tmp/d0", 0755));
	run_both(mounting_run, following_run);
	take_down();
}
