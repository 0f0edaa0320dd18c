/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ext2_image.c - a file system that somebody has spoiled, used
 *
 * Host code with the whole kernel on the simulated host.  The input says
 * which of the images of make_images.sh to take and what to overwrite:
 *
 *	1 byte		number of the image
 *	records		offset (4 bytes, little-endian), length (1), bytes
 *
 * The image is probed, mounted, everything in it is looked at within bounds,
 * and it is unmounted.  Whatever is in it, afterwards the kernel holds what
 * it held before, and a good image can be read.
 */

#include <sys/mount.h>
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpsim.h>

#define DISK		"sim:disk"
#define DEVICE		"/dev/fuzz"
#define MOUNTPOINT	"/mnt"
#define MAXENTRIES	400	/* looked at per image */
#define MAXDEPTH	12
#define MAXREADS	16	/* pieces of a file */
#define SETTLED		8	/* inputs after which nothing may grow */

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of the test harness: what is freed late is freed now. */
void	harness_kernel_settle(void);

static const char *const image_names[] = {
	"blockmap", "extents", "inline", "metabg", "checksums", "journal",
};
#define NIMAGES	(sizeof(image_names) / sizeof(image_names[0]))

static struct image {
	uint8_t	*im_data;
	size_t	 im_size;
} images[NIMAGES];

static unsigned int entries;		/* looked at so far in this image */

struct linux_dirent64 {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};

static void
need(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "fuzz_ext2_image: %s (errno %d)\n%s", what, errno,
	    rumpsim_console());
	abort();
}

static void
load_image(struct image *im, const char *name)
{
	char path[4096];
	struct stat st;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s.ext", FUZZ_IMAGES, name);
	in = fopen(path, "rb");
	need(in != NULL && fstat(fileno(in), &st) == 0, path);
	im->im_size = (size_t)st.st_size;
	im->im_data = malloc(im->im_size);
	need(im->im_data != NULL &&
	    fread(im->im_data, 1, im->im_size, in) == im->im_size, path);
	fclose(in);
}

static void
start(void)
{
	setenv("RUMP_KMEM", "direct", 0);
	for (size_t i = 0; i < NIMAGES; i++)
		load_image(&images[i], image_names[i]);
	need(rump_init() == 0, "rump_init");
	need(rump_sys_mkdir(MOUNTPOINT, 0755) == 0 || errno == EEXIST, "mkdir");
}

static struct rumpsim_disk *
make_disk(const struct image *im, const uint8_t *data, size_t size)
{
	struct rumpsim_disk *disk;

	need(rumpsim_disk_create(DISK, im->im_size, 512, &disk) == 0, "disk");
	need(rumpsim_disk_poke(disk, 0, im->im_data, im->im_size) == 0, "poke");
	while (size > 5) {
		uint32_t off = data[0] | (uint32_t)data[1] << 8 |
		    (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
		size_t len = data[4];

		data += 5;
		size -= 5;
		if (len > size)
			len = size;
		off %= (uint32_t)im->im_size;
		if (len > im->im_size - off)
			len = im->im_size - off;
		need(rumpsim_disk_poke(disk, off, data, len) == 0, "poke");
		data += len;
		size -= len;
	}
	return disk;
}

static void
look_at_xattrs(const char *path)
{
	static char names[65536], value[65536];
	ssize_t len = rump_sys_llistxattr(path, names, sizeof(names));

	for (ssize_t at = 0; at < len;) {
		size_t n = strnlen(names + at, (size_t)(len - at));

		need(at + (ssize_t)n < len, "attribute name without an end");
		(void)rump_sys_lgetxattr(path, names + at, value, sizeof(value));
		at += (ssize_t)n + 1;
	}
}

static void
look_at_file(const char *path, int64_t size)
{
	static char buf[8192];
	int64_t off = 0;
	ssize_t n;
	int fd;

	fd = rump_sys_open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	if (fd == -1)
		return;
	for (int i = 0; i < MAXREADS; i++) {
		n = rump_sys_pread64(fd, buf, sizeof(buf), off);
		if (n <= 0)
			break;
		need((size_t)n <= sizeof(buf), "read more than asked for");
		off += n;
	}
	if (size > (int64_t)sizeof(buf))
		(void)rump_sys_pread64(fd, buf, sizeof(buf), size - 4096);
	off = 0;
	for (int i = 0; i < MAXREADS && off >= 0 && off < size; i++)
		off = rump_sys_lseek(fd, off, i % 2 == 0 ? SEEK_DATA : SEEK_HOLE);
	need(rump_sys_close(fd) == 0, "close");
}

static void	look_at(const char *path, int depth);

static void
look_at_entries(const char *path, char *buf, ssize_t len, int depth)
{
	char name[4096];

	for (ssize_t at = 0; at < len && entries < MAXENTRIES;) {
		struct linux_dirent64 *d = (void *)(buf + at);

		need(d->d_reclen >= sizeof(*d) && at + d->d_reclen <= len,
		    "directory entry out of bounds");
		need(strnlen(d->d_name, (size_t)d->d_reclen) < d->d_reclen,
		    "name without an end");
		at += d->d_reclen;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, d->d_name) <
		    (int)sizeof(name))
			look_at(name, depth + 1);
	}
}

static void
look_at_directory(const char *path, int depth)
{
	char *buf = malloc(4096);
	ssize_t n;
	int fd;

	need(buf != NULL, "malloc");
	fd = rump_sys_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (fd != -1) {
		for (int i = 0; i < MAXREADS; i++) {
			n = rump_sys_getdents64(fd, (void *)buf, 4096);
			if (n <= 0)
				break;
			look_at_entries(path, buf, n, depth);
		}
		need(rump_sys_close(fd) == 0, "close");
	}
	free(buf);
}

static void
look_at(const char *path, int depth)
{
	char link[4096];
	struct stat st;

	if (entries++ >= MAXENTRIES || depth > MAXDEPTH)
		return;
	if (rump_sys_lstat(path, &st) != 0)
		return;
	look_at_xattrs(path);
	if (S_ISLNK(st.st_mode))
		(void)rump_sys_readlink(path, link, sizeof(link));
	else if (S_ISREG(st.st_mode))
		look_at_file(path, st.st_size);
	else if (S_ISDIR(st.st_mode))
		look_at_directory(path, depth);
}

static void
use_disk(void)
{
	struct rump_fsinfo fi;

	need(rump_pub_etfs_register_flags(DEVICE, DISK, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY | RUMP_ETFS_NOPART) == 0,
	    "etfs");
	(void)rump_pub_fs_probe(DEVICE, &fi);
	if (rump_sys_mount(DEVICE, MOUNTPOINT, "ext4", MS_RDONLY, NULL) == 0) {
		entries = 0;
		look_at(MOUNTPOINT, 0);
		need(rump_sys_umount2(MOUNTPOINT, 0) == 0, "umount");
	}
	need(rump_pub_etfs_remove(DEVICE) == 0, "etfs_remove");
}

/* The images as they were made can be mounted, and all is found. */
static void
try_good_images(void)
{
	for (size_t i = 0; i < NIMAGES; i++) {
		struct rumpsim_disk *disk = make_disk(&images[i], NULL, 0);

		entries = 0;
		use_disk();
		need(entries > 70, image_names[i]);
		need(rumpsim_disk_destroy(disk) == 0, "disk_destroy");
	}
}

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
	else
		need(rumpsim_usage_check(&before), "something is left behind");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct rumpsim_disk *disk;

	if (!started) {
		start();
		try_good_images();
	}
	started = true;
	if (size == 0)
		return 0;
	disk = make_disk(&images[data[0] % NIMAGES], data + 1, size - 1);
	use_disk();
	need(rumpsim_disk_destroy(disk) == 0, "disk_destroy");
	check_usage();
	rumpsim_console_clear();
	return 0;
}
