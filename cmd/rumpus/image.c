/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * image.c - from "disk.img:root:/etc" to a mounted file system
 *
 * A location is a host file, a partition of it, and a path inside.  Host
 * files may have colons in their names and folders may end in one, so the
 * text is cut at the first ":/" which leaves the name of a file, with or
 * without ":part"; if there is none, at the first.
 *
 * The image is opened for reading only, so nothing that happens in the
 * kernel can write to it.
 */

#include <sys/mount.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "rumpus.h"

#define DISK	"/dev/img"
#define IMAGE_MOUNT "/img"		/* where it is mounted in the kernel */

struct image_options image_options;
static char device[64];
static char *attached;			/* host path of what is attached */

int
image_set_offset(const char *text)
{
	static const char units[] = "kmgt";
	unsigned long long n;
	const char *unit;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || errno != 0)
		return usage_error("--offset: '%s' is no number", text);
	if (*end != '\0' && end[1] == '\0' &&
	    (unit = strchr(units, *end | 0x20)) != NULL) {
		int shift = 10 * (int)(unit - units + 1);

		if (n > (UINT64_MAX >> shift))
			return usage_error("--offset: %s is too large", text);
		n <<= shift;
		end++;
	}
	if (*end != '\0')
		return usage_error("--offset: '%s' is no number", text);
	image_options = (struct image_options){ n, true };
	return EX_DONE;
}

static char *
dup_or_die(const char *s, size_t len)
{
	char *copy = strndup(s, len);

	if (copy == NULL) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	return copy;
}

static bool
is_image(const char *text, size_t len)
{
	char *name = dup_or_die(text, len);
	struct stat st;
	bool is = len > 0 && stat(name, &st) == 0 && !S_ISDIR(st.st_mode);

	free(name);
	return is;
}

/* Length of what is before ":part" at the end of text[len], or len. */
static size_t
part_colon(const char *text, size_t len)
{
	size_t at = len;

	while (at > 0 && text[at - 1] != ':')
		at--;
	return at > 1 ? at - 1 : len;
}

/* Where the path begins, at a colon; NULL if there is none. */
static const char *
path_colon(const char *text)
{
	const char *first = strstr(text + 1, ":/");

	for (const char *p = first; p != NULL; p = strstr(p + 1, ":/")) {
		size_t len = (size_t)(p - text);

		if (is_image(text, len) || is_image(text, part_colon(text, len)))
			return p;
	}
	return first != NULL && is_image(text, strlen(text)) ? NULL : first;
}

int
location_parse(const char *text, struct location *ret_loc)
{
	const char *colon = text[0] != '\0' ? path_colon(text) : NULL;
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text), cut;
	struct location loc = { NULL, NULL, NULL, NULL };

	if (len == 0 || text[0] == ':')
		return usage_error("'%s' names no image", text);
	loc.l_path = colon != NULL ? dup_or_die(colon + 1, strlen(colon + 1)) :
	    dup_or_die("/", 1);
	loc.l_image = dup_or_die(text, len);
	loc.l_text = dup_or_die(text, len);
	cut = part_colon(text, len);
	if (cut != len && access(loc.l_image, F_OK) != 0) {
		loc.l_part = dup_or_die(text + cut + 1, len - cut - 1);
		loc.l_image[cut] = '\0';
		if (loc.l_part[0] == '\0') {
			location_free(&loc);
			return usage_error("'%s': empty partition name", text);
		}
	}
	*ret_loc = loc;
	return EX_DONE;
}

void
location_free(struct location *loc)
{
	free(loc->l_image);
	free(loc->l_part);
	free(loc->l_path);
	free(loc->l_text);
	memset(loc, 0, sizeof(*loc));
}

bool
location_same_fs(const struct location *a, const struct location *b)
{
	return strcmp(a->l_text, b->l_text) == 0;
}

const char *
image_device(void)
{
	return device;
}

int
image_attach(const char *image)
{
	int flags = RUMP_ETFS_RDONLY | RUMP_ETFS_NOLOCK;
	int error;

	if (attached != NULL)
		return EX_DONE;
	/* A tool that runs once keeps little; a caller's wish goes first. */
	(void)setenv("RUMP_PAGECACHE", "64m", 0);
	error = rump_init();
	if (error)
		return complain(image, "start the kernel", error);
	error = rump_pub_etfs_register_flags(DISK, image, RUMP_ETFS_BLK,
	    image_options.io_offset, RUMP_ETFS_SIZE_ENDOFF, flags);
	if (error == EINVAL && image_options.io_hasoffset) {
		warn_text("%s: --offset: beyond the end of the image", image);
		return EX_USE;
	}
	if (error)
		return complain(image, "open", error);
	attached = dup_or_die(image, strlen(image));
	strcpy(device, DISK);
	return EX_DONE;
}

/* --- choosing a partition -------------------------------------------------------- */

static bool
part_matches(const char *want, const struct rump_partinfo *pi, const char *dev)
{
	struct rump_fsinfo fi;
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", pi->pi_index);
	if (strcmp(want, number) == 0 || strcmp(want, pi->pi_name) == 0 ||
	    (pi->pi_uuid[0] != '\0' && strcasecmp(want, pi->pi_uuid) == 0))
		return true;
	if (rump_pub_fs_probe(dev, &fi) != 0)
		return false;
	return strcmp(want, fi.fi_label) == 0 ||
	    (fi.fi_uuid[0] != '\0' && strcasecmp(want, fi.fi_uuid) == 0);
}

static int
complain_parts(const char *disk, const struct location *loc, const char *what)
{
	struct rump_partinfo pi;

	fprintf(stderr, "rumpus: %s: %s; there are:", loc->l_text, what);
	for (unsigned int i = 0; rump_pub_disk_partition(disk, i, &pi) == 0; i++) {
		fprintf(stderr, "%s %u%s", i > 0 ? "," : "", pi.pi_index,
		    pi.pi_name[0] != '\0' ? " (" : "");
		print_clean(stderr, pi.pi_name);
		fputs(pi.pi_name[0] != '\0' ? ")" : "", stderr);
	}
	fputc('\n', stderr);
	return EX_NOMATCH;
}

/* No partition was named: a bare file system, or the only one there is. */
static int
choose_default(const char *disk, const struct location *loc, char *dev, size_t size)
{
	struct rump_partinfo pi;

	if (rump_pub_disk_partition(disk, 1, &pi) == 0)
		return complain_parts(disk, loc, "say which partition");
	if (rump_pub_disk_partition(disk, 0, &pi) == 0)
		(void)snprintf(dev, size, "%s%u", disk, pi.pi_index);
	else
		(void)snprintf(dev, size, "%s", disk);
	return EX_DONE;
}

/* A number or a name of the partition goes before what is written in it. */
static int
choose_named(const char *disk, const struct location *loc, char *dev, size_t size)
{
	struct rump_partinfo pi;
	unsigned int i;

	for (i = 0; rump_pub_disk_partition(disk, i, &pi) == 0; i++) {
		(void)snprintf(dev, size, "%s%u", disk, pi.pi_index);
		if (part_matches(loc->l_part, &pi, dev))
			return EX_DONE;
	}
	if (i == 0) {
		warn_text("%s: the image has no partitions", loc->l_text);
		return EX_NOMATCH;
	}
	return complain_parts(disk, loc, "no such partition");
}

int
image_choose(const char *disk, const struct location *loc, char *dev, size_t size)
{
	return loc->l_part != NULL ? choose_named(disk, loc, dev, size) :
	    choose_default(disk, loc, dev, size);
}

/* What a failed mount says of the image, rather than of the host. */
static int
mount_fault(const char *dev, const struct rump_fsinfo *fi, int error)
{
	uint64_t size;
	uint32_t secsize;

	if (error == EINVAL)
		return EUCLEAN;
	/* Read errors are to be expected of what ends too early. */
	if (error == EIO && rump_pub_disk_size(dev, &size, &secsize) == 0 &&
	    size < fi->fi_size)
		return EUCLEAN;
	return error;
}

int
image_mount(const char *dev, const struct location *loc, const char *where)
{
	struct rump_fsinfo fi;
	int error;

	error = rump_pub_fs_probe(dev, &fi);
	if (error == ENODEV) {
		warn_text("%s: no file system that is known here", loc->l_text);
		return EX_BADIMAGE;
	}
	if (error)
		return complain(loc->l_text, "look for a file system", error);
	if (rump_sys_mount(dev, where, fi.fi_type, MS_RDONLY | MS_NOSUID | MS_NODEV, "") == 0)
		return EX_DONE;
	if (errno != ENODEV)
		return complain(loc->l_text, "mount", mount_fault(dev, &fi, errno));
	/* What is there is known, but there are no files in it. */
	warn_text("%s: no file system that can be mounted: %s, %s", loc->l_text, fi.fi_type,
	    fi.fi_state);
	return EX_UNSUPPORTED;
}

static int
mount_device(const struct location *loc)
{
	int code;

	if (rump_sys_mkdir(IMAGE_MOUNT, 0755) != 0 && errno != EEXIST)
		return complain(loc->l_text, "make the mount point", errno);
	code = image_mount(device, loc, IMAGE_MOUNT);
	/* Links in the image that begin with a slash stay in the image. */
	if (code == EX_DONE && (rump_sys_chroot(IMAGE_MOUNT) != 0 || rump_sys_chdir("/") != 0))
		return complain(loc->l_text, "enter", errno);
	return code;
}

int
image_open(const struct location *loc)
{
	static char *mounted;
	int code;

	if (mounted != NULL) {
		if (strcmp(mounted, loc->l_text) == 0)
			return EX_DONE;
		return usage_error("one image and partition at a time: not "
		    "%s and %s", mounted, loc->l_text);
	}
	code = image_attach(loc->l_image);
	if (code == EX_DONE)
		code = image_choose(DISK, loc, device, sizeof(device));
	if (code == EX_DONE)
		code = mount_device(loc);
	if (code == EX_DONE)
		mounted = dup_or_die(loc->l_text, strlen(loc->l_text));
	else
		note_failure(code);
	return code;
}

char *
image_path(const char *path)
{
	return dup_or_die(path, strlen(path));
}

const char *
image_name(const struct location *loc, const char *path)
{
	static char name[PATH_MAX + 256];

	(void)snprintf(name, sizeof(name), "%s:%s", loc->l_text, path);
	return name;
}
