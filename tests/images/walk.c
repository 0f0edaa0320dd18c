/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * walk.c - writes down all that can be seen of a tree
 *
 * One line an object, fields separated by tabs, in the order of the names:
 *
 *	PATH ino=.. mode=.. nlink=.. ... x:user.a=6869 map=0-4096 sum=..
 *
 * The path is relative to the top, which is "."; what is not plain in it is
 * %XX.  A call that failed shows as "!CALL=ERRNO" instead of what it should have
 * said, so that failures are compared like everything else.
 *
 * The same file makes walk_host and walk_rump, which differ by side_*.c.
 * With -z also "nz", where the file is not zero in units of 1 KiB.
 *
 * "sum" of a file up to BIG bytes is its SHA-256; of a larger one, that of
 * its non-zero pieces of 4 KiB, each after its number.
 */

#include <sys/sysmacros.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "side.h"

#define BIG		(INT64_C(256) << 20)
#define PIECE		(256 * 1024)
#define UNIT		4096
#define NZ_UNIT		1024
#define XATTRS_MAX	65536
#define VALUE_MAX	(1 << 20)
#define VALUE_SHOWN	512

struct dirent_raw {
	uint64_t	d_ino;
	int64_t		d_off;
	uint16_t	d_reclen;
	uint8_t		d_type;
	char		d_name[];
};

struct name {
	uint64_t	 n_ino;
	uint8_t		 n_type;
	char		*n_name;
};

struct names {
	struct name	*v;
	size_t		 n, room;
};

static char piece[PIECE], xattr_names[XATTRS_MAX], xattr_value[VALUE_MAX];
static bool want_nz;

static void
die(const char *why)
{
	fprintf(stderr, "walk: %s: %s\n", why, strerror(errno));
	exit(1);
}

static void
put_escaped(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= ' ' || c >= 0x7f || c == '%' || c == '=')
			printf("%%%02X", c);
		else
			putchar(c);
	}
}

static void
put_failure(const char *call)
{
	printf("\t!%s=%d", call, errno);
}

static void
put_hex(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		printf("%02x", p[i]);
}

static void
put_digest(struct sha256_ctx *ctx)
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(ctx, sizeof(digest), digest);
	put_hex(digest, sizeof(digest));
}

static void
put_time(const char *key, const struct statx_timestamp *t)
{
	printf("\t%s=%" PRId64 ".%09u", key, (int64_t)t->tv_sec, t->tv_nsec);
}

static void
put_stat(const struct statx *st)
{
	printf("\tino=%" PRIu64 "\tmode=%o\tnlink=%u\tuid=%u\tgid=%u",
	    (uint64_t)st->stx_ino, st->stx_mode, st->stx_nlink, st->stx_uid,
	    st->stx_gid);
	printf("\tsize=%" PRIu64 "\tblocks=%" PRIu64 "\tblksize=%u"
	    "\trdev=%u:%u", (uint64_t)st->stx_size, (uint64_t)st->stx_blocks,
	    st->stx_blksize, st->stx_rdev_major, st->stx_rdev_minor);
	printf("\tattr=%" PRIx64 "/%" PRIx64,
	    (uint64_t)(st->stx_attributes & st->stx_attributes_mask),
	    (uint64_t)st->stx_attributes_mask);
	put_time("atime", &st->stx_atime);
	put_time("mtime", &st->stx_mtime);
	put_time("ctime", &st->stx_ctime);
	if (st->stx_mask & STATX_BTIME)
		put_time("btime", &st->stx_btime);
}

/* --- attributes ---------------------------------------------------------------- */

static int
compare_text(const void *a, const void *b)
{
	const char *const *sa = a, *const *sb = b;

	return strcmp(*sa, *sb);
}

static void
put_xattr(const char *name, const char *attr)
{
	ssize_t len = side.s_lgetxattr(name, attr, xattr_value, VALUE_MAX);

	printf("\tx:");
	put_escaped(attr);
	putchar('=');
	if (len < 0) {
		printf("!%d", errno);
	} else if (len <= VALUE_SHOWN) {
		put_hex((const uint8_t *)xattr_value, (size_t)len);
	} else {
		struct sha256_ctx ctx;

		sha256_init(&ctx);
		sha256_update(&ctx, (size_t)len, (const uint8_t *)xattr_value);
		printf("%zd:", len);
		put_digest(&ctx);
	}
}

/* The working directory is that of the name. */
static void
put_xattrs(const char *name)
{
	const char *sorted[4096];
	size_t n = 0;
	ssize_t len = side.s_llistxattr(name, xattr_names, XATTRS_MAX);

	if (len < 0) {
		put_failure("listxattr");
		return;
	}
	for (ssize_t at = 0; at < len && n < 4096;
	    at += (ssize_t)strlen(xattr_names + at) + 1)
		sorted[n++] = xattr_names + at;
	qsort(sorted, n, sizeof(sorted[0]), compare_text);
	for (size_t i = 0; i < n; i++)
		put_xattr(name, sorted[i]);
}

/* --- content ------------------------------------------------------------------- */

/* Calls fn for each stretch of data. */
static int
for_each_data(int fd, off_t size, int (*fn)(int fd, off_t from, off_t to,
    void *arg), void *arg)
{
	off_t off = 0, data, hole;

	while (off < size) {
		data = side.s_lseek(fd, off, SEEK_DATA);
		if (data == -1)
			return errno == ENXIO ? 0 : -1;
		hole = side.s_lseek(fd, data, SEEK_HOLE);
		if (hole == -1)
			return -1;
		if (hole <= data || data < off) {
			errno = EILSEQ;		/* that was no answer */
			return -1;
		}
		if (fn(fd, data, hole, arg) != 0)
			return -1;
		off = hole;
	}
	return 0;
}

static int
map_data(int fd, off_t from, off_t to, void *arg)
{
	const char **separator = arg;

	(void)fd;
	printf("%s%" PRId64 "-%" PRId64, *separator, (int64_t)from, (int64_t)to);
	*separator = ",";
	return 0;
}

static bool
all_zero(const char *p, size_t len)
{
	return len == 0 || (p[0] == 0 && memcmp(p, p + 1, len - 1) == 0);
}

static int
sum_data(int fd, off_t from, off_t to, void *arg)
{
	off_t off = from - from % UNIT;
	struct sha256_ctx *ctx = arg;

	while (off < to) {
		ssize_t n = side.s_pread(fd, piece, PIECE, off);

		if (n <= 0)
			return n == 0 ? 0 : -1;
		for (ssize_t at = 0; at < n; at += UNIT) {
			size_t len = n - at < UNIT ? (size_t)(n - at) : UNIT;
			uint64_t number = (uint64_t)(off + at) / UNIT;

			if (off + at >= to || all_zero(piece + at, len))
				continue;
			sha256_update(ctx, sizeof(number), (const uint8_t *)&number);
			sha256_update(ctx, len, (const uint8_t *)piece + at);
		}
		off += n;
	}
	return 0;
}

static int
sum_all(int fd, struct sha256_ctx *ctx, off_t *ret_len)
{
	off_t off = 0;
	ssize_t n;

	while ((n = side.s_pread(fd, piece, PIECE, off)) > 0) {
		sha256_update(ctx, (size_t)n, (const uint8_t *)piece);
		off += n;
	}
	*ret_len = off;
	return n < 0 ? -1 : 0;
}

struct nz {
	int64_t		 z_from;	/* -1: none is open */
	const char	*z_separator;
};

static void
nz_close(struct nz *z, int64_t to)
{
	if (z->z_from >= 0)
		printf("%s%" PRId64 "-%" PRId64, z->z_separator, z->z_from, to);
	if (z->z_from >= 0)
		z->z_separator = ",";
	z->z_from = -1;
}

static int
nz_data(int fd, off_t from, off_t to, void *arg)
{
	off_t off = from - from % NZ_UNIT;
	struct nz *z = arg;

	while (off < to) {
		ssize_t n = side.s_pread(fd, piece, PIECE, off);

		if (n <= 0)
			break;
		for (ssize_t at = 0; at < n && off + at < to; at += NZ_UNIT) {
			size_t len = n - at < NZ_UNIT ? (size_t)(n - at) : NZ_UNIT;

			if (all_zero(piece + at, len))
				nz_close(z, off + at);
			else if (z->z_from < 0)
				z->z_from = off + at;
		}
		off += n;
	}
	nz_close(z, to);
	return 0;
}

static void
put_content(int dirfd, const char *name, const struct statx *st)
{
	off_t size = (off_t)st->stx_size, len = size;
	struct nz z = { -1, "" };
	const char *separator = "";
	struct sha256_ctx ctx;
	int fd = side.s_openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);

	if (fd == -1) {
		put_failure("open");
		return;
	}
	printf("\tmap=");
	if (for_each_data(fd, size, map_data, &separator) != 0)
		put_failure("seek");
	sha256_init(&ctx);
	if ((size > BIG ? for_each_data(fd, size, sum_data, &ctx) :
	    sum_all(fd, &ctx, &len)) != 0) {
		put_failure("read");
	} else {
		printf("\tsum=%s", len != size ? "(length)" : "");
		put_digest(&ctx);
	}
	if (want_nz) {
		printf("\tnz=");
		(void)for_each_data(fd, size, nz_data, &z);
	}
	(void)side.s_close(fd);
}

static void
put_link(int dirfd, const char *name)
{
	ssize_t n = side.s_readlinkat(dirfd, name, piece, PIECE - 1);

	if (n < 0) {
		put_failure("readlink");
		return;
	}
	piece[n] = '\0';
	printf("\tlink=");
	put_escaped(piece);
}

/* --- directories ----------------------------------------------------------------- */

static void
names_add(struct names *ns, const struct dirent_raw *d)
{
	if (ns->n == ns->room) {
		ns->room = ns->room != 0 ? ns->room * 2 : 64;
		ns->v = realloc(ns->v, ns->room * sizeof(ns->v[0]));
	}
	if (ns->v == NULL || (ns->v[ns->n].n_name = strdup(d->d_name)) == NULL)
		die("names");
	ns->v[ns->n].n_ino = d->d_ino;
	ns->v[ns->n].n_type = d->d_type;
	ns->n++;
}

static int
compare_names(const void *a, const void *b)
{
	const struct name *na = a, *nb = b;

	return strcmp(na->n_name, nb->n_name);
}

/* All but "..", which leaves the tree at its top, and ".". */
static int
names_read(int fd, struct names *ns)
{
	static _Alignas(8) char buf[32768];
	ssize_t n;

	while ((n = side.s_getdents(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n; ) {
			const struct dirent_raw *d =
			    (const struct dirent_raw *)(const void *)(buf + at);

			if (strcmp(d->d_name, ".") != 0 &&
			    strcmp(d->d_name, "..") != 0)
				names_add(ns, d);
			at += d->d_reclen;
		}
	}
	if (ns->n > 0)
		qsort(ns->v, ns->n, sizeof(ns->v[0]), compare_names);
	return n < 0 ? -1 : 0;
}

static void	walk(int dirfd, const char *name, const struct name *as,
		    const char *path);

static void
walk_directory(int dirfd, const char *name, const char *path)
{
	struct names ns = { NULL, 0, 0 };
	int fd = side.s_openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	char *below;

	if (fd == -1) {
		put_failure("open");
		putchar('\n');
		return;
	}
	if (names_read(fd, &ns) != 0)
		put_failure("getdents");
	printf("\tentries=%zu\n", ns.n);
	for (size_t i = 0; i < ns.n; i++) {
		if (asprintf(&below, "%s/%s", path, ns.v[i].n_name) < 0)
			die("path");
		walk(fd, ns.v[i].n_name, &ns.v[i], below);
		free(below);
		free(ns.v[i].n_name);
	}
	free(ns.v);
	(void)side.s_close(fd);
}

/* as: how its directory calls it, NULL for the top. */
static void
walk(int dirfd, const char *name, const struct name *as, const char *path)
{
	struct statx st;

	put_escaped(path);
	if (side.s_statx(dirfd, name, &st) != 0) {
		put_failure("statx");
		putchar('\n');
		return;
	}
	put_stat(&st);
	if (as != NULL && as->n_ino != st.stx_ino)
		printf("\t!d_ino=%" PRIu64, as->n_ino);
	if (as != NULL && as->n_type != DT_UNKNOWN &&
	    as->n_type != IFTODT(st.stx_mode))
		printf("\t!d_type=%u", as->n_type);
	if (dirfd != AT_FDCWD) {
		if (side.s_fchdir(dirfd) != 0)
			put_failure("fchdir");
		else
			put_xattrs(name);
	}
	if (S_ISREG(st.stx_mode))
		put_content(dirfd, name, &st);
	else if (S_ISLNK(st.stx_mode))
		put_link(dirfd, name);
	if (S_ISDIR(st.stx_mode))
		walk_directory(dirfd, name, path);
	else
		putchar('\n');
}

int
main(int argc, char **argv)
{
	const char *root;
	int at = 1;

	if (argc > 1 && strcmp(argv[1], "-z") == 0) {
		want_nz = true;
		at++;
	}
	if (side_open(argc - at, argv + at, &root) != 0)
		return 2;
	walk(AT_FDCWD, root, NULL, ".");
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
