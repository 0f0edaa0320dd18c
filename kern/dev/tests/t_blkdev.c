/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_blkdev.c - the table of block devices, bounds, and asynchronous requests
 *
 * The kernel's own interface, on a simulated disk.  Bodies enter the kernel
 * themselves, since devices are registered from outside.
 */

#include <dev/blkdev.h>

#include <lib/string.h>
#include <rump/rump.h>
#include <rump/rumpsim.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

#include <harness.h>

#define DISK	"sim:disk"
#define DEVICE	"/dev/test"
#define SIZE	(64 * 1024)
#define SECTOR	512

static struct rumpsim_disk *disk;

/* A disk of 128 sectors; the first partition is the sectors 8 to 39. */
static void
setup(int flags)
{
	uint8_t entry[16] = { [4] = 0x83, [8] = 8, [12] = 32 };
	uint8_t signature[2] = { 0x55, 0xaa };

	NEED(rumpsim_disk_create(DISK, SIZE, SECTOR, &disk) == 0);
	NEED(rumpsim_disk_poke(disk, 446, entry, sizeof(entry)) == 0);
	NEED(rumpsim_disk_poke(disk, 510, signature, 2) == 0);
	NEED(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, flags) == 0);
}

static void
teardown(void)
{
	CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
}

static const struct {
	const char	*label;
	uint64_t	 off, len;
	int		 want;
} range_cases[] = {
	{ "first", 0, SECTOR, 0 },
	{ "last", SIZE - SECTOR, SECTOR, 0 },
	{ "nothing at the end", SIZE, 0, 0 },
	{ "all", 0, SIZE, 0 },
	{ "across the end", SIZE - SECTOR, 2 * SECTOR, EIO },
	{ "behind the end", SIZE, SECTOR, EIO },
	{ "far behind", (uint64_t)1 << 62, SECTOR, EIO },
	{ "odd offset", 1, SECTOR, EINVAL },
	{ "odd length", 0, 100, EINVAL },
	{ "both odd", 100, 412, EINVAL },
};

TEST_WITH(transfers_are_whole_sectors_inside_the_device,
    .ht_flags = HARNESS_BOOT)
{
	static char buf[SIZE];
	struct blkdev *bd;

	setup(0);
	NEED(kcontext_enter() == 0);
	CHECK_EQ("open", 0, blkdev_open_path(DEVICE, true, &bd));
	for (size_t i = 0; i < ARRAY_SIZE(range_cases); i++) {
		struct rumpuser_iov iov = { buf, range_cases[i].len };

		CHECK_EQ(range_cases[i].label, range_cases[i].want,
		    blkdev_read(bd, range_cases[i].off, &iov, 1));
		CHECK_EQ(range_cases[i].label, range_cases[i].want,
		    blkdev_discard(bd, range_cases[i].off, range_cases[i].len));
	}
	CHECK_EQ("flush", 0, blkdev_flush(bd));
	blkdev_close(bd);
	kcontext_leave();
	teardown();
}

TEST_WITH(a_partition_is_a_window, .ht_flags = HARNESS_BOOT)
{
	char buf[SECTOR], peek[SECTOR];
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	struct blkdev *bd;

	memset(buf, 'p', sizeof(buf));
	setup(0);
	NEED(kcontext_enter() == 0);
	CHECK_EQ("open", 0, blkdev_open_path("/dev/test1", true, &bd));
	CHECK_EQ("size", 32 * SECTOR, bd->bd_size);
	CHECK_EQ("write", 0, blkdev_write(bd, 31 * SECTOR, &iov, 1));
	CHECK_EQ("behind it", EIO, blkdev_write(bd, 32 * SECTOR, &iov, 1));
	CHECK_EQ("discard behind it", EIO, blkdev_discard(bd, 31 * SECTOR,
	    2 * SECTOR));
	blkdev_close(bd);
	kcontext_leave();
	CHECK_EQ("peek", 0, rumpsim_disk_peek(disk, 39 * SECTOR, peek, SECTOR));
	CHECK_MEM("where it went", buf, peek, SECTOR);
	teardown();
}

TEST_WITH(who_is_used_is_not_detached, .ht_flags = HARNESS_BOOT)
{
	struct blkdev *bd, *again;

	setup(0);
	for (int i = 0; i < 2; i++) {
		NEED(kcontext_enter() == 0);
		CHECK_EQ("open", 0, blkdev_open_path(i == 0 ? DEVICE :
		    "/dev/test1", true, &bd));
		kcontext_leave();
		CHECK_EQ("busy", EBUSY, rump_pub_etfs_remove(DEVICE));
		NEED(kcontext_enter() == 0);
		CHECK_EQ("still there", 0, blkdev_open(bd->bd_node.dn_dev,
		    false, &again));
		CHECK(again == bd);
		blkdev_close(again);
		blkdev_close(bd);
		kcontext_leave();
	}
	teardown();
}

TEST_WITH(what_is_read_only_is_never_written, .ht_flags = HARNESS_BOOT)
{
	char buf[SECTOR] = { 0 };
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	struct blkdev *bd;

	setup(RUMP_ETFS_RDONLY);
	NEED(kcontext_enter() == 0);
	CHECK_EQ("to write", EROFS, blkdev_open_path(DEVICE, true, &bd));
	CHECK_EQ("a partition", EROFS,
	    blkdev_open_path("/dev/test1", true, &bd));
	CHECK_EQ("to read", 0, blkdev_open_path("/dev/test1", false, &bd));
	CHECK_EQ("write", EROFS, blkdev_write(bd, 0, &iov, 1));
	CHECK_EQ("discard", EROFS, blkdev_discard(bd, 0, SECTOR));
	CHECK_EQ("read", 0, blkdev_read(bd, 0, &iov, 1));
	blkdev_close(bd);
	kcontext_leave();
	CHECK_EQ("nothing was written", 0, rumpsim_disk_points(disk));
	teardown();
}

TEST_WITH(paths_name_devices, .ht_flags = HARNESS_BOOT)
{
	static const struct { const char *path; int want; } cases[] = {
		{ "/dev/test", 0 }, { "//dev/test", 0 }, { "/dev//test", 0 },
		{ "/dev/test1", 0 }, { "/dev/test2", ENOENT },
		{ "/dev/", ENOENT }, { "/tmp/test", ENOTBLK }, { "", ENOTBLK },
		{ "test", ENOTBLK },
	};
	struct blkdev *bd;

	setup(0);
	NEED(kcontext_enter() == 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int error = blkdev_open_path(cases[i].path, false, &bd);

		CHECK_EQ(cases[i].path, cases[i].want, error);
		if (error == 0)
			blkdev_close(bd);
	}
	CHECK_EQ("number", ENXIO, blkdev_open(dev_make(259, 99999), false, &bd));
	kcontext_leave();
	teardown();
}

/* --- asynchronous requests ------------------------------------------------------ */

static kmutex_t lock;
static kcondvar_t done_cv;
static unsigned int ndone;		/* lock */
static int last_error;			/* lock */

static void
request_done(struct blkreq *br, int error)
{
	mutex_enter(&lock);
	CHECK(br->br_arg == &ndone);
	ndone++;
	last_error = error;
	cv_broadcast(&done_cv);
	mutex_exit(&lock);
}

static int
submit_and_wait(struct blkdev *bd, struct blkreq *br)
{
	int error;

	ndone = 0;
	br->br_done = request_done;
	br->br_arg = &ndone;
	error = blkdev_submit(bd, br);
	if (error)
		return error;
	mutex_enter(&lock);
	while (ndone == 0)
		cv_wait(&done_cv, &lock);
	error = last_error;
	mutex_exit(&lock);
	return error;
}

/* The thread of completions stays once there is one. */
TEST_WITH(requests_complete_in_their_own_time,
    .ht_flags = HARNESS_BOOT | HARNESS_KEEPS, .ht_seeds = 20)
{
	char buf[2 * SECTOR], back[SECTOR];
	struct rumpuser_iov iov = { buf, sizeof(buf) };
	struct rumpuser_iov two[2] = { { back, 256 }, { back + 256, 256 } };
	struct blkdev *bd;
	struct blkreq br;

	memset(buf, 'a', sizeof(buf));
	setup(0);
	rumpsim_disk_setlatency(disk, 1000000, 2000000, 3000000);
	NEED(kcontext_enter() == 0);
	mutex_init(&lock, "test");
	cv_init(&done_cv, "test");
	CHECK_EQ("open", 0, blkdev_open_path("/dev/test1", true, &bd));

	br = (struct blkreq){ .br_op = BLK_WRITE, .br_off = 4 * SECTOR,
	    .br_len = 2 * SECTOR, .br_iov = &iov, .br_iovcnt = 1 };
	CHECK_EQ("write", 0, submit_and_wait(bd, &br));
	br = (struct blkreq){ .br_op = BLK_READ, .br_off = 5 * SECTOR,
	    .br_len = SECTOR, .br_iov = two, .br_iovcnt = 2 };
	CHECK_EQ("read", 0, submit_and_wait(bd, &br));
	CHECK_MEM("what was read", buf, back, SECTOR);
	br = (struct blkreq){ .br_op = BLK_FLUSH };
	CHECK_EQ("flush", 0, submit_and_wait(bd, &br));
	br = (struct blkreq){ .br_op = BLK_DISCARD, .br_off = 4 * SECTOR,
	    .br_len = SECTOR };
	CHECK_EQ("discard", 0, submit_and_wait(bd, &br));

	br = (struct blkreq){ .br_op = BLK_READ, .br_off = 32 * SECTOR,
	    .br_len = SECTOR, .br_iov = two, .br_iovcnt = 2 };
	CHECK_EQ("behind it", EIO, submit_and_wait(bd, &br));
	br.br_off = 1;
	CHECK_EQ("odd", EINVAL, submit_and_wait(bd, &br));
	br.br_off = 0;
	rumpsim_disk_fail(disk, RUMPSIM_READ, 1, EIO);
	CHECK_EQ("failed by the disk", EIO, submit_and_wait(bd, &br));
	CHECK_EQ("not again", 0, submit_and_wait(bd, &br));

	blkdev_close(bd);
	kcontext_leave();
	CHECK_EQ("peek", 0, rumpsim_disk_peek(disk, 13 * SECTOR, back, SECTOR));
	CHECK_MEM("where it went", buf, back, SECTOR);
	teardown();
}
