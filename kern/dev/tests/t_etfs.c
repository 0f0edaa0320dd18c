/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_etfs.c - host files as devices and files of the kernel, and the devices
 * that are always there
 *
 * Through the system calls, as a program sees them.
 */

#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpsim.h>

#include <harness.h>

#define DISK	"sim:disk"
#define DEVICE	"/dev/test"
#define SIZE	(256 * 1024)

/* The error of a call that has to fail, 0 if it did not. */
#define ERR(call)	((call) == -1 ? errno : 0)

static struct rumpsim_disk *disk;

static void
disk_make(uint32_t secsize)
{
	NEED(rumpsim_disk_create(DISK, SIZE, secsize, &disk) == 0);
}

static void
disk_forget(void)
{
	CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
}

/* --- registration ----------------------------------------------------------- */

static const struct {
	const char	*label, *key, *host;
	enum rump_etfs_type type;
	uint64_t	 begin, size;
	int		 want;
} register_cases[] = {
	{ "relative", "dev/x", DISK, RUMP_ETFS_BLK, 0, SIZE, EINVAL },
	{ "empty", "", DISK, RUMP_ETFS_BLK, 0, SIZE, EINVAL },
	{ "the root", "/", DISK, RUMP_ETFS_BLK, 0, SIZE, EINVAL },
	{ "the root twice", "//", DISK, RUMP_ETFS_REG, 0, SIZE, EINVAL },
	{ "a slash behind", "/dev/x/", DISK, RUMP_ETFS_BLK, 0, SIZE, EINVAL },
	{ "outside of /dev", "/tmp/x", DISK, RUMP_ETFS_BLK, 0, SIZE, EINVAL },
	{ "no type", "/dev/x", DISK, (enum rump_etfs_type)9, 0, SIZE, EINVAL },
	{ "no host file", "/dev/x", "sim:none", RUMP_ETFS_BLK, 0, SIZE, ENOENT },
	{ "taken", DEVICE, DISK, RUMP_ETFS_BLK, 0, SIZE, EEXIST },
	{ "taken, with slashes", "//dev/test", DISK, RUMP_ETFS_BLK, 0, SIZE,
	    EEXIST },
	{ "begins behind", "/dev/x", DISK, RUMP_ETFS_BLK, SIZE + 1,
	    RUMP_ETFS_SIZE_ENDOFF, EINVAL },
	{ "ends behind", "/dev/x", DISK, RUMP_ETFS_BLK, 1, SIZE, EINVAL },
	{ "wraps", "/dev/x", DISK, RUMP_ETFS_BLK, 512, UINT64_MAX - 511, EINVAL },
	{ "too long", "/dev/0123456789012345678901234567890123456789"
	    "0123456789012345678901234567890123456789", DISK, RUMP_ETFS_BLK, 0,
	    SIZE, ENAMETOOLONG },
	{ "a window", "/dev/x", DISK, RUMP_ETFS_BLK, 512, 1024, 0 },
	{ "nothing", "/dev/x", DISK, RUMP_ETFS_BLK, SIZE,
	    RUMP_ETFS_SIZE_ENDOFF, 0 },
};

TEST(registration_refuses_what_makes_no_sense)
{
	disk_make(512);
	NEED(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_NOLOCK) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(register_cases); i++) {
		CHECK_EQ(register_cases[i].label, register_cases[i].want,
		    rump_pub_etfs_register_flags(register_cases[i].key,
		    register_cases[i].host, register_cases[i].type,
		    register_cases[i].begin, register_cases[i].size,
		    RUMP_ETFS_NOLOCK));
		if (register_cases[i].want == 0)
			CHECK_EQ(register_cases[i].label, 0,
			    rump_pub_etfs_remove(register_cases[i].key));
	}
	CHECK_EQ("a directory", EISDIR,
	    rump_pub_etfs_register("/dev/x", "/", RUMP_ETFS_BLK));
	CHECK_EQ("not there", ENOENT, rump_pub_etfs_remove("/dev/x"));
	CHECK_EQ("no key", EINVAL, rump_pub_etfs_remove("x"));
	disk_forget();
}

/* That a name is not there is remembered. */
TEST_WITH(what_is_open_is_not_removed, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	int fd;

	disk_make(512);
	NEED(rump_pub_etfs_register(DEVICE, DISK, RUMP_ETFS_BLK) == 0);
	fd = rump_sys_open(DEVICE, O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ("open", EBUSY, rump_pub_etfs_remove(DEVICE));
	rump_sys_close(fd);
	disk_forget();
	CHECK_EQ("no node is left", ENOENT, ERR(rump_sys_open(DEVICE, O_RDONLY)));
}

/* --- a disk as a file ------------------------------------------------------- */

TEST(disks_are_read_and_written_at_any_byte)
{
	static const struct { off_t off; size_t len; } cases[] = {
		{ 0, 1 }, { 1, 1 }, { 511, 2 }, { 4095, 2 }, { 100, 5000 },
		{ 4096, 4096 }, { 65535, 70000 }, { SIZE - 1, 1 },
		{ SIZE - 5000, 5000 }, { 0, SIZE },
	};
	static char want[SIZE], got[SIZE];
	int fd;

	for (uint32_t secsize = 512; secsize <= 4096; secsize *= 8) {
		disk_make(secsize);
		memset(want, 0, sizeof(want));
		NEED(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK,
		    0, RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_NOPART) == 0);
		fd = rump_sys_open(DEVICE, O_RDWR);
		NEED(fd >= 0);
		for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
			ssize_t len = (ssize_t)cases[i].len;

			memset(want + cases[i].off, 'a' + (int)i, cases[i].len);
			CHECK_EQ("write", len, rump_sys_pwrite64(fd,
			    want + cases[i].off, cases[i].len, cases[i].off));
			CHECK_EQ("read", len, rump_sys_pread64(fd, got,
			    cases[i].len, cases[i].off));
			CHECK_MEM("again", want + cases[i].off, got,
			    cases[i].len);
			NEED(rumpsim_disk_peek(disk, 0, got, SIZE) == 0);
			CHECK_MEM("nothing else changed", want, got, SIZE);
		}
		CHECK_EQ("at the end", 0, rump_sys_pread64(fd, got, 1, SIZE));
		CHECK_EQ("across the end", 10,
		    rump_sys_pread64(fd, got, 100, SIZE - 10));
		CHECK_EQ("write at the end", ENOSPC,
		    ERR(rump_sys_pwrite64(fd, got, 1, SIZE)));
		CHECK_EQ("write across it", 10,
		    rump_sys_pwrite64(fd, got, 100, SIZE - 10));
		rump_sys_close(fd);
		disk_forget();
	}
}

TEST(disks_answer_ioctls)
{
	struct rumpsim_diskstats stats;
	uint64_t size = 0, range[2] = { 4096, 8192 };
	unsigned long sectors = 0;
	int fd, value = -1;

	disk_make(4096);
	NEED(rump_pub_etfs_register(DEVICE, DISK, RUMP_ETFS_BLK) == 0);
	fd = rump_sys_open(DEVICE, O_RDWR);
	NEED(fd >= 0);
	CHECK_EQ("BLKGETSIZE64", 0, rump_sys_ioctl(fd, BLKGETSIZE64, &size));
	CHECK_EQ("bytes", SIZE, size);
	CHECK_EQ("BLKGETSIZE", 0, rump_sys_ioctl(fd, BLKGETSIZE, &sectors));
	CHECK_EQ("always 512", SIZE / 512, sectors);
	CHECK_EQ("BLKSSZGET", 0, rump_sys_ioctl(fd, BLKSSZGET, &value));
	CHECK_EQ("sector", 4096, value);
	CHECK_EQ("BLKROGET", 0, rump_sys_ioctl(fd, BLKROGET, &value));
	CHECK_EQ("not read-only", 0, value);
	CHECK_EQ("BLKFLSBUF", 0, rump_sys_ioctl(fd, BLKFLSBUF, NULL));
	CHECK_EQ("fsync", 0, rump_sys_fsync(fd));
	CHECK_EQ("BLKDISCARD", 0, rump_sys_ioctl(fd, BLKDISCARD, range));
	rumpsim_disk_stats(disk, &stats);
	CHECK_EQ("flushes", 2, stats.sd_flushes);
	CHECK_EQ("discards", 1, stats.sd_discards);
	range[0] = 1;
	CHECK_EQ("odd", EINVAL, ERR(rump_sys_ioctl(fd, BLKDISCARD, range)));
	CHECK_EQ("bad pointer", EFAULT, ERR(rump_sys_ioctl(fd, BLKGETSIZE64, NULL)));
	CHECK_EQ("unknown", ENOTTY, ERR(rump_sys_ioctl(fd, 0x7fff, NULL)));
	rump_sys_close(fd);
	fd = rump_sys_open(DEVICE, O_RDONLY);
	range[0] = 4096;
	CHECK_EQ("opened to read", EBADF,
	    ERR(rump_sys_ioctl(fd, BLKDISCARD, range)));
	rump_sys_close(fd);
	disk_forget();
}

TEST(disks_are_sought_in)
{
	int fd;

	disk_make(512);
	NEED(rump_pub_etfs_register(DEVICE, DISK, RUMP_ETFS_BLK) == 0);
	fd = rump_sys_open(DEVICE, O_RDONLY);
	CHECK_EQ("end", SIZE, rump_sys_lseek(fd, 0, SEEK_END));
	CHECK_EQ("back", SIZE - 7, rump_sys_lseek(fd, -7, SEEK_CUR));
	CHECK_EQ("behind", EINVAL, ERR(rump_sys_lseek(fd, 8, SEEK_CUR)));
	CHECK_EQ("before", EINVAL, ERR(rump_sys_lseek(fd, -1, SEEK_SET)));
	CHECK_EQ("whence", EINVAL, ERR(rump_sys_lseek(fd, 0, 77)));
	rump_sys_close(fd);
	disk_forget();
}

TEST(a_read_only_disk_is_not_written)
{
	char byte = 'x';
	int fd, value = 0;

	disk_make(512);
	NEED(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY) == 0);
	CHECK_EQ("to write", EROFS, ERR(rump_sys_open(DEVICE, O_RDWR)));
	fd = rump_sys_open(DEVICE, O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ("write", EBADF, ERR(rump_sys_pwrite64(fd, &byte, 1, 0)));
	CHECK_EQ("BLKROGET", 0, rump_sys_ioctl(fd, BLKROGET, &value));
	CHECK_EQ("read-only", 1, value);
	CHECK_EQ("fsync", 0, rump_sys_fsync(fd));
	rump_sys_close(fd);
	CHECK_EQ("no write reached it", 0, rumpsim_disk_points(disk));
	disk_forget();
}

/* RUMP_BLKFAIL is read at boot; 5000 of 10,000 is every other one. */
TEST_WITH(transfers_fail_as_often_as_asked, .ht_flags = HARNESS_BARE | HARNESS_KEEPS)
{
	char buf[512];
	int fd, failed = 0;

	rumpsim_setparam("RUMP_BLKFAIL", "5000");
	rumpsim_setparam("RUMP_BLKFAIL_SEED", "3");
	NEED(rump_init() == 0);
	disk_make(512);
	NEED(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_NOPART) == 0);
	fd = rump_sys_open(DEVICE, O_RDONLY);
	NEED(fd >= 0);
	for (int i = 0; i < 1000; i++) {
		int error = ERR(rump_sys_pread64(fd, buf, 512, 0));

		CHECK(error == 0 || error == EIO);
		failed += error == EIO;
	}
	CHECK(failed > 400 && failed < 600);
	rump_sys_close(fd);
	disk_forget();
}

/* --- files and character devices --------------------------------------------- */

static char hostfile[] = "/tmp/t_etfs.XXXXXX";

static void
hostfile_make(void)
{
	int fd = mkstemp(hostfile);

	NEED(fd >= 0);
	NEED(write(fd, "0123456789", 10) == 10);
	NEED(close(fd) == 0);
}

/* Directories that were made for a name, and names, stay. */
TEST_WITH(plain_files_are_windows_into_host_files, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	char buf[32] = "";
	struct stat st;
	int fd;

	hostfile_make();
	CHECK_EQ("register", 0, rump_pub_etfs_register_withsize("/some/where",
	    hostfile, RUMP_ETFS_REG, 2, 5));
	CHECK_EQ("taken", EEXIST, rump_pub_etfs_register("/some/where",
	    hostfile, RUMP_ETFS_REG));
	fd = rump_sys_open("/some/where", O_RDWR);
	CHECK(fd >= 0);
	CHECK_EQ("stat", 0, rump_sys_fstat(fd, &st));
	CHECK_EQ("size", 5, st.st_size);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ("read", 5, rump_sys_read(fd, buf, sizeof(buf)));
	CHECK_MEM("window", "23456", buf, 5);
	CHECK_EQ("open", EBUSY, rump_pub_etfs_remove("/some/where"));
	CHECK_EQ("write", 1, rump_sys_pwrite64(fd, "X", 1, 4));
	CHECK_EQ("sync", 0, rump_sys_fsync(fd));
	rump_sys_close(fd);
	CHECK_EQ("remove", 0, rump_pub_etfs_remove("/some/where"));
	fd = open(hostfile, O_RDONLY);
	CHECK_EQ("host", 10, read(fd, buf, sizeof(buf)));
	CHECK_MEM("content", "012345X789", buf, 10);
	close(fd);
	unlink(hostfile);
}

/* That a name is not there is remembered. */
TEST_WITH(character_devices_pass_bytes_on, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	char buf[32] = "";
	struct stat st;
	int fd;

	hostfile_make();
	CHECK_EQ("register", 0, rump_pub_etfs_register_flags("/dev/chr",
	    hostfile, RUMP_ETFS_CHR, 0, RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY));
	CHECK_EQ("to write", EROFS, ERR(rump_sys_open("/dev/chr", O_RDWR)));
	fd = rump_sys_open("/dev/chr", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ("stat", 0, rump_sys_fstat(fd, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ("read", 4, rump_sys_read(fd, buf, 4));
	CHECK_EQ("read on", 6, rump_sys_read(fd, buf + 4, sizeof(buf) - 4));
	CHECK_MEM("content", "0123456789", buf, 10);
	CHECK_EQ("seek", 3, rump_sys_lseek(fd, 3, SEEK_SET));
	CHECK_EQ("from there", 7, rump_sys_read(fd, buf, sizeof(buf)));
	CHECK_EQ("open", EBUSY, rump_pub_etfs_remove("/dev/chr"));
	rump_sys_close(fd);
	CHECK_EQ("remove", 0, rump_pub_etfs_remove("/dev/chr"));
	CHECK_EQ("gone", ENOENT, ERR(rump_sys_open("/dev/chr", O_RDONLY)));
	unlink(hostfile);
}

/* Names are remembered, and random numbers have a state. */
TEST_WITH(memory_devices_do_as_linuxs, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)
{
	static const struct { const char *path; ssize_t reads; int writes;
		unsigned int minor; } cases[] = {
		{ "/dev/null", 0, 0, 3 }, { "/dev/zero", 1000, 0, 5 },
		{ "/dev/full", 1000, ENOSPC, 7 }, { "/dev/random", 1000, 0, 8 },
		{ "/dev/urandom", 1000, 0, 9 },
	};
	char buf[1000];
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = rump_sys_open(cases[i].path, O_RDWR);
		size_t noughts = 0;

		if (!CHECK(fd >= 0))
			continue;
		memset(buf, 'x', sizeof(buf));
		CHECK_EQ(cases[i].path, cases[i].reads,
		    rump_sys_read(fd, buf, sizeof(buf)));
		for (size_t j = 0; j < sizeof(buf); j++)
			noughts += buf[j] == 0;
		if (cases[i].minor == 5 || cases[i].minor == 7)
			CHECK_EQ(cases[i].path, 1000, noughts);
		else
			CHECK(noughts < 100);
		CHECK_EQ(cases[i].path, cases[i].writes,
		    ERR(rump_sys_write(fd, buf, sizeof(buf))));
		CHECK_EQ("stat", 0, rump_sys_fstat(fd, &st));
		CHECK_EQ(cases[i].path, 1 << 8 | cases[i].minor, st.st_rdev);
		CHECK_EQ(cases[i].path, S_IFCHR | 0666, st.st_mode);
		rump_sys_close(fd);
	}
}

/* --- failures ----------------------------------------------------------------- */

/* Registers, uses and removes; what fails is told. */
static int
life(enum rump_etfs_type type, const char *key, const char *host)
{
	char buf[700] = "x";
	int error, fd;

	error = rump_pub_etfs_register_flags(key, host, type, 0,
	    RUMP_ETFS_SIZE_ENDOFF, type == RUMP_ETFS_BLK ? RUMP_ETFS_NOPART : 0);
	if (error)
		return error;
	fd = rump_sys_open(key, O_RDWR);
	if (fd == -1) {
		error = errno;
	} else {
		error = ERR(rump_sys_pwrite64(fd, buf, 700, 5));
		if (error == 0)
			error = ERR(rump_sys_pread64(fd, buf, 700, 5));
		if (error == 0 && type != RUMP_ETFS_CHR)
			error = ERR(rump_sys_fsync(fd));
		rump_sys_close(fd);
	}
	if (rump_pub_etfs_remove(key) != 0)
		CHECK_EQ("remove", 0, rump_pub_etfs_remove(key));
	return error;
}

static int
life_of_a_disk(void)
{
	int error;

	disk_make(512);
	error = life(RUMP_ETFS_BLK, DEVICE, DISK);
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
	return error;
}

TEST(disks_survive_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, life_of_a_disk);
}

TEST(disks_survive_each_failed_transfer)
{
	fault_sweep(FAULT_IO, life_of_a_disk);
}

TEST(disks_survive_a_failed_open)
{
	fault_sweep(FAULT_OPEN, life_of_a_disk);
}

static int
life_of_a_file(void)
{
	return life(RUMP_ETFS_REG, "/plain", hostfile);
}

static int
life_of_a_character_device(void)
{
	return life(RUMP_ETFS_CHR, "/dev/chr", hostfile);
}

TEST(files_survive_each_failed_allocation)
{
	hostfile_make();
	NEED(truncate(hostfile, 1024) == 0);
	fault_sweep(FAULT_MEMORY, life_of_a_file);
	fault_sweep(FAULT_OPEN, life_of_a_file);
	fault_sweep(FAULT_MEMORY, life_of_a_character_device);
	fault_sweep(FAULT_IO, life_of_a_character_device);
	unlink(hostfile);
}
