/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_disk.c - the whole kernel on a disk that lies on purpose
 *
 * Where fuzz_ext2_image spoils an image anywhere, this target changes the
 * blocks that have a meaning, and can make the checksums right afterwards.
 *
 * The kernel is booted once, on the simulated host.  The first byte of an
 * input chooses one of the bases of make_bases.py; bit 0 of the second says
 * whether to make checksums right, bit 1 to cut the disk at so many 64ths as
 * the other bits say; the rest changes the base (base.c).  Then the disk is
 * attached, its partitions are asked for, the file systems are mounted, and
 * everything in them is looked at: names, attributes, content, holes, links.
 *
 * After each input the kernel holds what it held before.  No more than NOBJECTS
 * objects are visited, for a tree may be endless.
 *
 * The same source makes fuzz_disk_ext2, whose bases are file systems, and
 * fuzz_disk_parts, whose bases have partition tables.
 */

#include <sys/mount.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpsim.h>

#include "base.h"

#define DISK		"sim:disk"
#define NOBJECTS	150
#define NNAMES		200
#define DEPTH		8
#define READ_MAX	65536
#define SETTLED		8	/* inputs after which nothing may grow */

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the test harness: what is freed late is freed now. */
void	harness_kernel_settle(void);

static const char *const names[] = { FUZZ_BASES };
#define NBASES	(sizeof(names) / sizeof(names[0]))

static struct base bases[NBASES];
static char content[READ_MAX];
static unsigned int objects;

struct listing {
	unsigned int	 l_n;
	char		*l_names[NNAMES];
};

struct dirent_raw {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};

static void
give_up(const char *why)
{
	fprintf(stderr, "fuzz: %s\n", why);
	abort();
}

/* --- looking ---------------------------------------------------------------------- */

static void
look_at_attributes(const char *name)
{
	static char attrs[4096], value[READ_MAX];
	long n = rump_sys_llistxattr(name, attrs, sizeof(attrs));

	for (long at = 0; at < n; at += (long)strlen(attrs + at) + 1) {
		if (strnlen(attrs + at, (size_t)(n - at)) == (size_t)(n - at))
			give_up("a list of attributes without an end");
		(void)rump_sys_lgetxattr(name, attrs + at, value, sizeof(value));
	}
	(void)rump_sys_lgetxattr(name, "user.none", value, sizeof(value));
}

static void
look_at_file(const char *name, int64_t size)
{
	int64_t off = 0, data, hole;
	int fd = rump_sys_open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return;
	for (int i = 0; i < 20 && off < size; i++) {
		data = rump_sys_lseek(fd, off, SEEK_DATA);
		if (data < 0)
			break;
		hole = rump_sys_lseek(fd, data, SEEK_HOLE);
		if (data < off || (hole >= 0 && (hole <= data || hole > size)))
			give_up("holes out of order");
		(void)rump_sys_pread64(fd, content, 4096, data);
		off = hole < 0 ? size : hole;
	}
	(void)rump_sys_pread64(fd, content, sizeof(content), 0);
	(void)rump_sys_pread64(fd, content, 5000, size / 2);
	if (size > 3000)
		(void)rump_sys_pread64(fd, content, sizeof(content), size - 3000);
	(void)rump_sys_close(fd);
}

static void
list(int fd, struct listing *l)
{
	static _Alignas(8) char buf[8192];
	long n;

	for (int i = 0; i < 40; i++) {
		n = rump_sys_getdents64(fd, buf, sizeof(buf));
		if (n <= 0)
			return;
		for (long at = 0; at < n; ) {
			const struct dirent_raw *d =
			    (const void *)(buf + at);

			if (d->d_reclen < 20 || d->d_reclen > n - at ||
			    strnlen(d->d_name, d->d_reclen - 19u) ==
			    d->d_reclen - 19u || strchr(d->d_name, '/') != NULL ||
			    d->d_name[0] == '\0')
				give_up("an entry out of order");
			if (l->l_n < NNAMES && strcmp(d->d_name, ".") != 0 &&
			    strcmp(d->d_name, "..") != 0)
				l->l_names[l->l_n++] = strdup(d->d_name);
			at += d->d_reclen;
		}
	}
}

static void	look_at(const char *name, unsigned int depth);

static void
look_into(const char *name, unsigned int depth)
{
	struct listing l = { 0, { NULL } };
	int fd = rump_sys_open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

	if (fd < 0)
		return;
	list(fd, &l);
	if (depth < DEPTH && rump_sys_fchdir(fd) == 0) {
		(void)rump_sys_access("no-such-name", F_OK);
		for (unsigned int i = 0; i < l.l_n; i++) {
			if (l.l_names[i] != NULL && objects < NOBJECTS) {
				look_at(l.l_names[i], depth + 1);
				if (rump_sys_fchdir(fd) != 0)
					break;
			}
		}
	}
	for (unsigned int i = 0; i < l.l_n; i++)
		free(l.l_names[i]);
	(void)rump_sys_close(fd);
}

static void
look_at(const char *name, unsigned int depth)
{
	struct stat st;
	char target[4096];

	objects++;
	if (rump_sys_lstat(name, &st) != 0)
		return;
	if (st.st_size < 0)
		give_up("a negative size");
	look_at_attributes(name);
	if (S_ISLNK(st.st_mode)) {
		(void)rump_sys_readlink(name, target, sizeof(target));
		(void)rump_sys_access(name, F_OK);
	} else if (S_ISREG(st.st_mode)) {
		look_at_file(name, st.st_size);
	} else if (S_ISDIR(st.st_mode)) {
		look_into(name, depth);
	}
}

static bool
try_mount(const char *dev)
{
	static _Alignas(8) char buf[256];
	struct rump_fsinfo fi;

	if (rump_pub_fs_probe(dev, &fi) != 0)
		memcpy(fi.fi_type, "ext4", 5);
	if (rump_sys_mount(dev, "/mnt", fi.fi_type, MS_RDONLY, "") != 0)
		return false;
	objects = 0;
	(void)rump_sys_statfs("/mnt", (struct statfs *)(void *)buf);
	look_at("/mnt", 0);
	if (rump_sys_chdir("/") != 0 || rump_sys_umount2("/mnt", 0) != 0)
		give_up("cannot unmount");
	return true;
}

static void
try_disk(void)
{
	struct rump_partinfo pi;
	char dev[64];

	for (unsigned int i = 0; i < 300; i++) {
		if (rump_pub_disk_partition("/dev/img", i, &pi) != 0)
			break;
		if (strnlen(pi.pi_name, sizeof(pi.pi_name)) == sizeof(pi.pi_name))
			give_up("a name without an end");
		snprintf(dev, sizeof(dev), "/dev/img%u", pi.pi_index);
		if (i < 3)
			(void)try_mount(dev);
	}
	(void)try_mount("/dev/img");
}

/* --- the disk ---------------------------------------------------------------------- */

static void
start(void)
{
	setenv("RUMP_KMEM", "direct", 0);
	setenv("RUMP_NCPU", "1", 0);
	rumpsim_setswitch(0);
	rumpsim_setspurious(0);
	rump_boot_setverbose(-1);
	if (rump_init() != 0 ||
	    (rump_sys_mkdir("/mnt", 0755) != 0 && errno != EEXIST))
		give_up("the kernel does not start");
	for (size_t i = 0; i < NBASES; i++) {
		if (!base_load(FUZZ_FOLDER, names[i], &bases[i]))
			give_up("a base cannot be loaded");
	}
}

static void
use(const struct base *b, size_t size)
{
	struct rumpsim_disk *disk;

	if (rumpsim_disk_create(DISK, size, 512, &disk) != 0 ||
	    rumpsim_disk_poke(disk, 0, b->b_data, size) != 0)
		give_up("no disk");
	if (rump_pub_etfs_register_flags("/dev/img", DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY) == 0) {
		try_disk();
		if (rump_pub_etfs_remove("/dev/img") != 0)
			give_up("cannot remove the disk");
	}
	if (rumpsim_disk_destroy(disk) != 0)
		give_up("the disk is still open");
	rumpsim_console_clear();
}

/* A kernel that keeps a little more each time is found here. */
static void
check_usage(void)
{
	static struct rumpsim_usage before;
	static unsigned int inputs;

	rump_schedule();
	harness_kernel_settle();
	rump_unschedule();
	if (++inputs <= SETTLED)
		rumpsim_usage(&before);
	else if (!rumpsim_usage_check(&before))
		give_up("the kernel keeps something");
}

/* The bases as they were made: all in them must be found. */
static void
try_bases(void)
{
	for (size_t i = 0; i < NBASES; i++) {
		objects = 0;
		use(&bases[i], bases[i].b_size);
		if (objects < FUZZ_OBJECTS)
			give_up(names[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct base *b;
	size_t cut;

	if (!started) {
		start();
		try_bases();
	}
	started = true;
	if (size < 2)
		return -1;
	b = &bases[data[0] % NBASES];
	cut = data[1] & 2 ? b->b_size * (data[1] >> 2) / 64 : b->b_size;
	base_change(b, data + 2, size - 2);
	if (data[1] & 1)
		base_fix(b);
	if (cut >= 4096)
		use(b, cut - cut % 512);
	base_undo(b);
	if (b->b_seed != 0 && b->b_roles[0].r_kind == ROLE_TABLE)
		base_fix(b);
	check_usage();
	return 0;
}
