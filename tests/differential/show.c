/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * show.c - results and calls as text
 *
 * Left out: numbers of inodes, devices and descriptors, sizes and blocks of
 * directories and symbolic links.  A time that no utimensat can have set
 * (they set small ones) is "now".
 */

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump.h>

#include "diff.h"

struct text {
	char	*t_buf;
	size_t	 t_size, t_len;
};

static void __attribute__((__format__(__printf__, 2, 3)))
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->t_buf + t->t_len, t->t_size - t->t_len, fmt, ap);
	va_end(ap);
	t->t_len += (size_t)n < t->t_size - t->t_len ? (size_t)n : t->t_size - t->t_len - 1;
}

static void
add_bytes(struct text *t, const unsigned char *bytes, size_t len)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	add(t, " %08x \"", hash);
	for (size_t i = 0; i < len && i < 24; i++)
		add(t, bytes[i] >= ' ' && bytes[i] < 0x7f ? "%c" : "\\x%02x", bytes[i]);
	add(t, "\"");
}

static void
add_time(struct text *t, const char *name, int64_t sec, unsigned long nsec)
{
	if (sec < 1000000)
		add(t, " %s=%lld.%09lu", name, (long long)sec, nsec);
	else
		add(t, " %s=now", name);
}

static void
add_stat(struct text *t, const struct stat *st)
{
	add(t, " mode=%o nlink=%lu rdev=%lx blksize=%ld", st->st_mode, (unsigned long)st->st_nlink,
	    (unsigned long)st->st_rdev, (long)st->st_blksize);
	if ((st->st_mode & S_IFMT) != 0)	/* else nobody's in particular */
		add(t, " uid=%u gid=%u", st->st_uid, st->st_gid);
	if (S_ISREG(st->st_mode))
		add(t, " size=%ld blocks=%ld", (long)st->st_size, (long)st->st_blocks);
	if (S_ISLNK(st->st_mode))
		add(t, " size=%ld", (long)st->st_size);
	add_time(t, "atime", st->st_atim.tv_sec, (unsigned long)st->st_atim.tv_nsec);
	add_time(t, "mtime", st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec);
	add_time(t, "ctime", st->st_ctim.tv_sec, (unsigned long)st->st_ctim.tv_nsec);
}

/* Only times that were asked for: a kernel may give more, and Linux gives less. */
static void
add_statx(struct text *t, const struct statx *st, unsigned int asked)
{
	add(t, " mask=%x mode=%o nlink=%u uid=%u gid=%u rdev=%x:%x", st->stx_mask & STATX_BASIC_STATS & asked, st->stx_mode,
	    st->stx_nlink, st->stx_uid, st->stx_gid, st->stx_rdev_major, st->stx_rdev_minor);
	if (S_ISREG(st->stx_mode))
		add(t, " size=%llu blocks=%llu", (unsigned long long)st->stx_size, (unsigned long long)st->stx_blocks);
	asked &= st->stx_mask;
	if ((asked & STATX_ATIME) != 0)
		add_time(t, "atime", st->stx_atime.tv_sec, st->stx_atime.tv_nsec);
	if ((asked & STATX_MTIME) != 0)
		add_time(t, "mtime", st->stx_mtime.tv_sec, st->stx_mtime.tv_nsec);
	if ((asked & STATX_CTIME) != 0)
		add_time(t, "ctime", st->stx_ctime.tv_sec, st->stx_ctime.tv_nsec);
	if ((asked & STATX_BTIME) != 0)
		add_time(t, "btime", st->stx_btime.tv_sec, st->stx_btime.tv_nsec);
}

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
add_names(struct text *t, const char *list, size_t len)
{
	const char *names[256];
	unsigned int n = 0;

	for (size_t at = 0; at < len && n < 256; at += strlen(list + at) + 1)
		names[n++] = list + at;
	qsort(names, n, sizeof(names[0]), name_compare);
	for (unsigned int i = 0; i < n; i++)
		add(t, " %s", names[i]);
}

static unsigned int
buffer_of(const struct op *op, enum arg_kind kind)
{
	for (unsigned int i = 0; i < 6; i++)
		if (op->op_desc->od_args[i].ad_kind == kind)
			return i;
	abort();
}

static void
add_iov(struct text *t, const struct iovec *iov, size_t len)
{
	unsigned char all[SIDE_BUF];
	size_t have = 0;

	for (unsigned int i = 0; i < 3 && have < len; i++) {
		memcpy(all + have, iov[i].iov_base, iov[i].iov_len);
		have += iov[i].iov_len;
	}
	add_bytes(t, all, len);
}

/* A pid in a lock: of the owner, if there is one; -1 for an open file. */
static void
add_flock(struct text *t, const struct flock *fl)
{
	add(t, " type=%d whence=%d start=%ld len=%ld pid=%s", fl->l_type, fl->l_whence, (long)fl->l_start,
	    (long)fl->l_len, fl->l_pid > 0 ? "some" : fl->l_pid < 0 ? "-1" : "0");
}

static int
event_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct epoll_event));
}

/* In any order. */
static void
add_events(struct text *t, struct epoll_event *ev, size_t n)
{
	qsort(ev, n, sizeof(*ev), event_compare);
	for (size_t i = 0; i < n; i++)
		add(t, " %x:%llx", ev[i].events, (unsigned long long)ev[i].data.u64);
}

void
show_result(struct side *s, const struct op *op, long ret, char text[TEXT_MAX])
{
	struct text t = { text, TEXT_MAX, 0 };
	const void *out;

	if (ret < 0) {
		add(&t, "-1 %s", rump_errname((int)-ret));
		return;
	}
	if (op->op_desc->od_result == R_FD || op->op_desc->od_result == R_SAMEFD ||
	    op->op_desc->od_result == R_FDPAIR)
		add(&t, "descriptor");
	else if (op->op_desc->od_result != R_STATFS)
		add(&t, "%ld", ret);
	switch (op->op_desc->od_result) {
	case R_BYTES:
		out = s->sd_buf[buffer_of(op, A_OUT)];
		if (op->op_desc->od_nr != SYS_getxattr && op->op_desc->od_nr != SYS_fgetxattr &&
		    op->op_desc->od_nr != SYS_lgetxattr)
			add_bytes(&t, out, (size_t)ret);
		else if (op->op_value[3] != 0)		/* 0: only the size */
			add_bytes(&t, out, (size_t)ret);
		break;
	case R_IOV:
		add_iov(&t, (const void *)s->sd_buf[buffer_of(op, A_IOVOUT)], (size_t)ret);
		break;
	case R_STAT:
		add_stat(&t, (const void *)s->sd_buf[buffer_of(op, A_OUT)]);
		break;
	case R_STATX:
		add_statx(&t, (const void *)s->sd_buf[buffer_of(op, A_OUT)], (unsigned int)op->op_value[3]);
		break;
	case R_STATFS: {
		const struct statfs *sf = (const void *)s->sd_buf[buffer_of(op, A_OUT)];

		add(&t, "type=%lx bsize=%ld namelen=%ld flags=%lx", (unsigned long)sf->f_type, (long)sf->f_bsize,
		    (long)sf->f_namelen, (unsigned long)sf->f_flags);
		break;
	}
	case R_NAMES:
		out = s->sd_buf[buffer_of(op, A_OUT)];
		if (op->op_value[2] != 0)
			add_names(&t, out, (size_t)ret);
		break;
	case R_FLOCK:
		add_flock(&t, (const void *)s->sd_buf[2]);
		break;
	case R_POLL: {
		const struct pollfd *pfd = (const void *)s->sd_buf[0];

		add(&t, " %x %x", (unsigned int)(unsigned short)pfd[0].revents,
		    (unsigned int)(unsigned short)pfd[1].revents);
		break;
	}
	case R_EPOLL:
		add_events(&t, (void *)s->sd_buf[buffer_of(op, A_OUT)], (size_t)ret);
		break;
	case R_INT:
		out = s->sd_buf[buffer_of(op, A_OUT)];
		add(&t, " %d", *(const int *)out);
		break;
	default:
		break;
	}
}

struct entry {
	unsigned char	e_type;
	char		e_name[260];
};

static int
entry_compare(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->e_name, ((const struct entry *)b)->e_name);
}

/* From its start to its end, whatever the order. */
void
show_directory(struct side *s, int fd, char *text, size_t size)
{
	static struct entry entries[512];
	struct text t = { text, size, 0 };
	unsigned long seek[6] = { (unsigned long)fd, 0, SEEK_SET };
	unsigned long get[6] = { (unsigned long)fd, (unsigned long)s->sd_buf[1], 600 };
	unsigned int n = 0;
	long ret;

	ret = s->sd_call(SYS_lseek, seek);
	while (ret >= 0 && (ret = s->sd_call(SYS_getdents64, get)) > 0) {
		for (long at = 0; at < ret && n < 512; n++) {
			const unsigned char *d = s->sd_buf[1] + at;

			entries[n].e_type = d[18];
			snprintf(entries[n].e_name, sizeof(entries[n].e_name), "%s", (const char *)d + 19);
			at += d[16] | d[17] << 8;
		}
	}
	qsort(entries, n, sizeof(entries[0]), entry_compare);
	if (ret < 0)
		add(&t, "-1 %s", rump_errname((int)-ret));
	for (unsigned int i = 0; i < n; i++)
		add(&t, " %s(%d)", entries[i].e_name, entries[i].e_type);
}

/* The call */

static void
add_string(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if (len > 100)
		add(t, "\"%.3s\" x %zu bytes", s, len);
	else
		add(t, "\"%s\"", s);
}

/* What a number stands for, for people. */
static void
add_value(struct text *t, const struct arg_desc *ad, long v)
{
	static unsigned char buf[SIDE_BUF];
	const struct open_how *how = (const void *)buf;
	struct timespec ts[2];
	struct flock fl;

	switch (ad->ad_kind) {
	case A_HOW:
		fill_how(buf, v, ad);
		add(t, "{flags=%#llo, mode=%#llo, resolve=%#llx}", (unsigned long long)how->flags,
		    (unsigned long long)how->mode, (unsigned long long)how->resolve);
		break;
	case A_TIMES:
		fill_times(ts, v);
		if (v % 8 == 0)
			add(t, "NULL");
		else
			add(t, "{%ld.%09ld, %ld.%09ld}", (long)ts[0].tv_sec, ts[0].tv_nsec, (long)ts[1].tv_sec,
			    ts[1].tv_nsec);
		break;
	case A_FLOCK:
		fill_flock(&fl, v);
		add(t, "{type=%d, whence=%d, start=%ld, len=%ld, pid=%d}", fl.l_type, fl.l_whence, (long)fl.l_start,
		    (long)fl.l_len, fl.l_pid);
		break;
	default:
		add(t, "~%lx", (unsigned long)v);
	}
}

void
show_call(const struct op *op, char *text, size_t size)
{
	struct text t = { text, size, 0 };

	add(&t, "%s(", op->op_desc->od_name);
	for (unsigned int i = 0; i < 6; i++) {
		long v = op->op_value[i];

		if (op->op_desc->od_args[i].ad_kind == A_NONE)
			continue;
		if (i > 0)
			add(&t, ", ");
		switch (op->op_desc->od_args[i].ad_kind) {
		case A_FD:
		case A_DIRECTORY:
		case A_DIRFD:
			add(&t, v == AT_FDCWD ? "AT_FDCWD" : v < 0 ? "%ld" : "#%ld", v);
			break;
		case A_PATH:
		case A_TARGET:
		case A_STRING:
			if (op->op_string[i] != NULL)
				add_string(&t, op->op_string[i]);
			else
				add(&t, v == -1 ? "NULL" : "bad address");
			break;
		case A_OUT:
			add(&t, v < 0 ? "bad address" : "buf");
			break;
		case A_CHOICE:
		case A_FLAGS:
			add(&t, "%#lo", (unsigned long)v);
			break;
		case A_OFFSET:
		case A_LENGTH:
			add(&t, "%ld", v);
			break;
		default:
			add_value(&t, &op->op_desc->od_args[i], v);
		}
	}
	add(&t, ")");
	if (op->op_desc->od_result == R_FD)
		add(&t, " to #%u", op->op_slot);
	if (op->op_desc->od_result == R_FDPAIR)
		add(&t, " to #%u, #%u", op->op_slot, (op->op_slot + 1) % NSLOTS);
}
