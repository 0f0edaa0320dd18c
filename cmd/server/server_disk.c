/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_disk.c - host files as devices, and what is mounted
 *
 *	-d key=/dev/d0,hostpath=disk.img,size=host|N[kmgt][,offset=N][,type=blk|chr|reg]
 *	   [,disklabel=PART]
 *	--mount disk.img[:PART]:/srv	--mount tmpfs:/tmp[,size=64m]
 *
 * Images are mounted read-only and not locked against others who read; a device
 * of -d belongs to this server alone, like a disk in a machine.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "../rumpus/rumpus.h"
#include "lockin.h"
#include "server.h"

#define PROBE	"/dev/.part"

struct device {
	char		*d_key, *d_hostpath, *d_part;
	uint64_t	 d_size, d_offset;
	bool		 d_hassize, d_hostsize, d_hasoffset;
	enum rump_etfs_type d_type;
};

static struct device devices[SERVER_MAXLIST];

static bool
size_parse(const char *text, uint64_t *ret_size)
{
	static const char letters[] = "kmgt";
	const char *letter;
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || errno != 0)
		return false;
	if (*end != '\0') {
		letter = strchr(letters, tolower((unsigned char)*end));
		if (letter == NULL || end[1] != '\0' || n > UINT64_MAX >> (10 * (letter - letters + 1)))
			return false;
		n <<= 10 * (letter - letters + 1);
	}
	*ret_size = n;
	return true;
}

static int
device_word(struct device *d, const char *key, char *value)
{
	if (strcmp(key, "key") == 0) {
		d->d_key = value;
	} else if (strcmp(key, "hostpath") == 0) {
		d->d_hostpath = value;
	} else if (strcmp(key, "disklabel") == 0) {
		d->d_part = value;
	} else if (strcmp(key, "size") == 0 && strcmp(value, "host") == 0) {
		d->d_hostsize = true;
	} else if (strcmp(key, "size") == 0) {
		if (!size_parse(value, &d->d_size) || d->d_size == 0)
			return usage_error("-d: '%s' is no size", value);
		d->d_hassize = true;
	} else if (strcmp(key, "offset") == 0) {
		if (!size_parse(value, &d->d_offset))
			return usage_error("-d: '%s' is no offset", value);
		d->d_hasoffset = true;
	} else if (strcmp(key, "type") == 0) {
		if (strcmp(value, "blk") != 0 && strcmp(value, "chr") != 0 && strcmp(value, "reg") != 0)
			return usage_error("-d: type is blk, chr or reg, not '%s'", value);
		d->d_type = value[0] == 'b' ? RUMP_ETFS_BLK : value[0] == 'c' ? RUMP_ETFS_CHR :
		    RUMP_ETFS_REG;
	} else {
		return usage_error("-d: what is '%s'?", key);
	}
	return EX_DONE;
}

/* Takes text apart, in place. */
static int
device_parse(char *text, struct device *d)
{
	char *word, *equal, *next = text;
	int code = EX_DONE;

	memset(d, 0, sizeof(*d));
	d->d_type = RUMP_ETFS_BLK;
	while (code == EX_DONE && (word = strsep(&next, ",")) != NULL) {
		equal = strchr(word, '=');
		if (equal == NULL)
			return usage_error("-d: '%s' is no KEY=VALUE", word);
		*equal = '\0';
		code = device_word(d, word, equal + 1);
	}
	if (code != EX_DONE)
		return code;
	if (d->d_key == NULL || d->d_hostpath == NULL)
		return usage_error("-d needs key= and hostpath=");
	if (d->d_key[0] != '/')
		return usage_error("-d: key '%s' is no path from the root", d->d_key);
	if (d->d_part != NULL && (d->d_hassize || d->d_hostsize || d->d_hasoffset))
		return usage_error("-d: disklabel= says size and offset already");
	if (d->d_hostsize && (d->d_hassize || d->d_hasoffset))
		return usage_error("-d: size=host says everything: no other size, no offset");
	if (!d->d_hassize && !d->d_hostsize && d->d_part == NULL && d->d_type != RUMP_ETFS_REG)
		return usage_error("-d: which size? size=host takes the file's");
	return EX_DONE;
}

/* A file that is to have a size gets it. */
static int
device_extend(const struct device *d)
{
	uint64_t want = d->d_offset + d->d_size;
	struct stat st;
	int error = 0, fd;

	if (want < d->d_offset || want > INT64_MAX)
		return usage_error("-d: offset and size are too much");
	fd = open(d->d_hostpath, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	/* What we may only read has to be large enough as it is. */
	if (fd == -1 && (errno == EACCES || errno == EROFS))
		return EX_DONE;
	if (fd == -1 || fstat(fd, &st) != 0)
		error = errno;
	else if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < want &&
	    ftruncate(fd, (off_t)want) != 0)
		error = errno;
	if (fd != -1)
		close(fd);
	return error != 0 ? complain(d->d_hostpath, "make it that large", error) : EX_DONE;
}

static bool
part_is(const char *want, const struct rump_partinfo *pi)
{
	char number[16];

	/* "a" is the first, as in the labels of old. */
	if (want[0] >= 'a' && want[0] <= 'z' && want[1] == '\0' &&
	    pi->pi_index == (unsigned int)(want[0] - 'a' + 1))
		return true;
	(void)snprintf(number, sizeof(number), "%u", pi->pi_index);
	return strcmp(want, number) == 0 || strcmp(want, pi->pi_name) == 0 ||
	    (pi->pi_uuid[0] != '\0' && strcasecmp(want, pi->pi_uuid) == 0);
}

/* Finds the partition by looking at the whole disk for a moment. */
static int
device_partition(struct device *d)
{
	struct rump_partinfo pi;
	bool found = false;
	int error;

	error = rump_pub_etfs_register_flags(PROBE, d->d_hostpath, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY | RUMP_ETFS_NOLOCK);
	if (error)
		return complain(d->d_hostpath, "open", error);
	for (unsigned int i = 0; !found && rump_pub_disk_partition(PROBE, i, &pi) == 0; i++)
		found = part_is(d->d_part, &pi);
	error = rump_pub_etfs_remove(PROBE);
	if (error)
		return complain(d->d_hostpath, "close", error);
	if (!found) {
		warn_text("%s: there is no partition '%s'", d->d_hostpath, d->d_part);
		return EX_NOMATCH;
	}
	d->d_offset = pi.pi_start;
	d->d_size = pi.pi_size;
	d->d_hassize = true;
	return EX_DONE;
}

static int
device_register(struct device *d)
{
	int code = EX_DONE, error;

	if (d->d_part != NULL)
		code = device_partition(d);
	if (code != EX_DONE)
		return code;
	error = rump_pub_etfs_register_withsize(d->d_key, d->d_hostpath, d->d_type, d->d_offset,
	    d->d_hassize ? d->d_size : RUMP_ETFS_SIZE_ENDOFF);
	if (error == EACCES || error == EROFS || error == EPERM) {
		server_log(LOG_INFO, "%s: may only be read", d->d_hostpath);
		error = rump_pub_etfs_register_flags(d->d_key, d->d_hostpath, d->d_type, d->d_offset,
		    d->d_hassize ? d->d_size : RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY);
	}
	if (error == EEXIST)
		return usage_error("-d: %s is there already", d->d_key);
	if (error == EBUSY) {
		warn_text("%s: in use by another program", d->d_hostpath);
		return EX_IO;
	}
	return error != 0 ? complain(d->d_hostpath, "make it a device", error) : EX_DONE;
}

int
server_devices(void)
{
	int code = EX_DONE;

	for (size_t i = 0; code == EX_DONE && i < server_options.so_ndevices; i++)
		code = device_register(&devices[i]);
	return code;
}

/* Before the kernel runs: what is wrong with the words, and the files. */
int
server_prepare_disks(void)
{
	const struct server_options *so = &server_options;
	struct location loc;
	int code = EX_DONE;

	for (size_t i = 0; code == EX_DONE && i < so->so_ndevices; i++) {
		code = device_parse(so->so_device[i], &devices[i]);
		if (code == EX_DONE && devices[i].d_hassize)
			code = device_extend(&devices[i]);
		if (code == EX_DONE)
			lockin_allow(devices[i].d_hostpath, LOCKIN_READ | LOCKIN_WRITE |
			    LOCKIN_DEVICE);
	}
	for (size_t i = 0; code == EX_DONE && i < so->so_nmounts; i++) {
		if (strncmp(so->so_mount[i], "tmpfs:", 6) == 0)
			continue;
		code = location_parse(so->so_mount[i], &loc);
		if (code == EX_DONE) {
			lockin_allow(loc.l_image, LOCKIN_READ | LOCKIN_DEVICE);
			location_free(&loc);
		}
	}
	return code;
}

/* --- mounts ---------------------------------------------------------------------- */

/* All folders of a path in the kernel. */
static int
make_folders(const char *path)
{
	char *copy = strdup(path);

	if (copy == NULL)
		return ENOMEM;
	for (char *at = copy + 1; *at != '\0'; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		(void)rump_sys_mkdir(copy, 0755);
		*at = '/';
	}
	if (rump_sys_mkdir(copy, 0755) != 0 && errno != EEXIST) {
		free(copy);
		return errno;
	}
	free(copy);
	return 0;
}

static int
mount_tmpfs(const char *spec)
{
	const char *comma = strchr(spec, ',');
	char *where = strndup(spec, comma != NULL ? (size_t)(comma - spec) : strlen(spec));
	int code = EX_DONE, error;

	if (where == NULL)
		return complain(spec, "mount", ENOMEM);
	if (where[0] != '/') {
		free(where);
		return usage_error("--mount tmpfs:%s: where? tmpfs:/PATH", spec);
	}
	error = make_folders(where);
	if (error == 0 && rump_sys_mount("tmpfs", where, "tmpfs", 0,
	    comma != NULL ? comma + 1 : "") != 0)
		error = errno;
	if (error)
		code = complain(spec, "mount", error);
	free(where);
	return code;
}

static int
mount_image(const char *spec, size_t number)
{
	struct location loc;
	char disk[32], dev[64];
	int code, error;

	code = location_parse(spec, &loc);
	if (code != EX_DONE)
		return code;
	/* A name that ends in a digit would get a "p" before the numbers of its partitions. */
	(void)snprintf(disk, sizeof(disk), "/dev/image%zu_", number);
	error = rump_pub_etfs_register_flags(disk, loc.l_image, RUMP_ETFS_BLK, 0,
	    RUMP_ETFS_SIZE_ENDOFF, RUMP_ETFS_RDONLY | RUMP_ETFS_NOLOCK);
	if (error)
		code = complain(loc.l_image, "open", error);
	if (code == EX_DONE)
		code = image_choose(disk, &loc, dev, sizeof(dev));
	if (code == EX_DONE && strcmp(loc.l_path, "/") != 0) {
		error = make_folders(loc.l_path);
		if (error)
			code = complain(loc.l_path, "make the mount point", error);
	}
	if (code == EX_DONE)
		code = image_mount(dev, &loc, loc.l_path);
	location_free(&loc);
	return code;
}

int
server_mounts(void)
{
	const struct server_options *so = &server_options;
	int code = EX_DONE;

	for (size_t i = 0; code == EX_DONE && i < so->so_nmounts; i++) {
		if (strncmp(so->so_mount[i], "tmpfs:", 6) == 0)
			code = mount_tmpfs(so->so_mount[i] + 6);
		else
			code = mount_image(so->so_mount[i], i);
	}
	return code;
}
