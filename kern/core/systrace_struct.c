/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace_struct.c - what the pointers of a traced system call lead to
 *
 * One function a structure, which prints the fields that people look for and
 * "..." for the rest.  Each is fetched whole by one copyin() first; an array
 * is cut after ELEMENTS_SHOWN.
 */

#include "systrace_impl.h"

#include <asm/stat.h>
#include <asm/statfs.h>
#include <lib/string.h>
#include <linux/capability.h>
#include <linux/eventpoll.h>
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/poll.h>
#include <linux/resource.h>
#include <linux/stat.h>
#include <linux/sysinfo.h>
#include <linux/time_types.h>
#include <linux/times.h>
#include <linux/uio.h>
#include <linux/utime.h>
#include <linux/utsname.h>

#define ELEMENTS_SHOWN	8
#define FDS_SHOWN	1024

/* Scalars */

static void
show_int(struct tracebuf *tb, const void *p)
{
	trace_printf(tb, "%d", *(const int *)p);
}

static void
show_uint(struct tracebuf *tb, const void *p)
{
	trace_printf(tb, "%u", *(const unsigned int *)p);
}

static void
show_long(struct tracebuf *tb, const void *p)
{
	trace_printf(tb, "%ld", *(const long *)p);
}

/* A signal mask by its bits: the decoder has no names of signals. */
static void
show_sigset(struct tracebuf *tb, const void *p)
{
	unsigned long mask = *(const unsigned long *)p;
	const char *sep = "";

	trace_printf(tb, "[");
	for (unsigned int i = 0; i < 64; i++) {
		if ((mask >> i & 1) == 0)
			continue;
		trace_printf(tb, "%s%u", sep, i + 1);
		sep = " ";
	}
	trace_printf(tb, "]");
}

/* Times */

static void
show_timespec(struct tracebuf *tb, const void *p)
{
	const struct __kernel_timespec *ts = p;

	trace_printf(tb, "{tv_sec=%lld, tv_nsec=", (long long)ts->tv_sec);
	if (ts->tv_nsec == 0x3fffffff)		/* utimensat(2) */
		trace_printf(tb, "UTIME_NOW}");
	else if (ts->tv_nsec == 0x3ffffffe)
		trace_printf(tb, "UTIME_OMIT}");
	else
		trace_printf(tb, "%lld}", (long long)ts->tv_nsec);
}

static void
show_itimerspec(struct tracebuf *tb, const void *p)
{
	const struct __kernel_itimerspec *it = p;

	trace_printf(tb, "{it_interval=");
	show_timespec(tb, &it->it_interval);
	trace_printf(tb, ", it_value=");
	show_timespec(tb, &it->it_value);
	trace_printf(tb, "}");
}

static void
show_timeval(struct tracebuf *tb, const void *p)
{
	const struct __kernel_old_timeval *tv = p;

	trace_printf(tb, "{tv_sec=%ld, tv_usec=%ld}", (long)tv->tv_sec,
	    (long)tv->tv_usec);
}

static void
show_itimerval(struct tracebuf *tb, const void *p)
{
	const struct __kernel_old_itimerval *it = p;

	trace_printf(tb, "{it_interval=");
	show_timeval(tb, &it->it_interval);
	trace_printf(tb, ", it_value=");
	show_timeval(tb, &it->it_value);
	trace_printf(tb, "}");
}

static void
show_utimbuf(struct tracebuf *tb, const void *p)
{
	const struct utimbuf *ut = p;

	trace_printf(tb, "{actime=%ld, modtime=%ld}", (long)ut->actime,
	    (long)ut->modtime);
}

static void
show_tms(struct tracebuf *tb, const void *p)
{
	const struct tms *t = p;

	trace_printf(tb, "{tms_utime=%ld, tms_stime=%ld, ...}",
	    (long)t->tms_utime, (long)t->tms_stime);
}

/* Files */

static void
show_stat(struct tracebuf *tb, const void *p)
{
	const struct stat *st = p;

	trace_printf(tb, "{st_mode=");
	trace_mode(tb, st->st_mode);
	if ((st->st_mode & S_IFMT) == S_IFCHR || (st->st_mode & S_IFMT) == S_IFBLK) {
		trace_printf(tb, ", st_rdev=");
		trace_dev(tb, st->st_rdev);
	} else {
		trace_printf(tb, ", st_size=%ld", (long)st->st_size);
	}
	trace_printf(tb, ", ...}");
}

static void
show_statx(struct tracebuf *tb, const void *p)
{
	const struct statx *st = p;

	trace_printf(tb, "{stx_mask=");
	trace_flags(tb, SYSSET_statx, st->stx_mask);
	trace_printf(tb, ", stx_attributes=");
	trace_flags(tb, SYSSET_statx_attr, (uint32_t)st->stx_attributes);
	trace_printf(tb, ", stx_mode=");
	trace_mode(tb, st->stx_mode);
	trace_printf(tb, ", stx_size=%llu, ...}", (unsigned long long)st->stx_size);
}

static void
show_statfs(struct tracebuf *tb, const void *p)
{
	const struct statfs *sf = p;

	trace_printf(tb, "{f_type=%#lx, f_bsize=%ld, f_blocks=%llu, f_bfree=%llu, "
	    "f_bavail=%llu, f_files=%llu, f_ffree=%llu, ...}",
	    (unsigned long)sf->f_type, (long)sf->f_bsize,
	    (unsigned long long)sf->f_blocks, (unsigned long long)sf->f_bfree,
	    (unsigned long long)sf->f_bavail, (unsigned long long)sf->f_files,
	    (unsigned long long)sf->f_ffree);
}

static void
show_open_how(struct tracebuf *tb, const void *p)
{
	const struct open_how *how = p;

	trace_printf(tb, "{flags=");
	trace_flags(tb, SYSSET_open, (uint32_t)how->flags);
	if (how->flags >> 32 != 0)
		trace_printf(tb, "|%#llx",
		    (unsigned long long)(how->flags >> 32 << 32));
	if ((how->flags & (O_CREAT | __O_TMPFILE)) != 0)
		trace_printf(tb, ", mode=%#03llo", (unsigned long long)how->mode);
	trace_printf(tb, ", resolve=");
	trace_flags(tb, SYSSET_resolve, (uint32_t)how->resolve);
	trace_printf(tb, "}");
}

/* Waiting */

static void
show_pollfd(struct tracebuf *tb, const void *p)
{
	const struct pollfd *pfd = p;

	trace_printf(tb, "{fd=%d, events=", pfd->fd);
	trace_flags(tb, SYSSET_poll, (uint16_t)pfd->events);
	if (pfd->revents != 0) {
		trace_printf(tb, ", revents=");
		trace_flags(tb, SYSSET_poll, (uint16_t)pfd->revents);
	}
	trace_printf(tb, "}");
}

static void
show_epoll_event(struct tracebuf *tb, const void *p)
{
	struct epoll_event ev;

	memcpy(&ev, p, sizeof(ev));		/* packed on some machines */
	trace_printf(tb, "{events=");
	trace_flags(tb, SYSSET_epoll_events, ev.events);
	trace_printf(tb, ", data=%#llx}", (unsigned long long)ev.data);
}

/* The rest */

static void
trace_limit(struct tracebuf *tb, const char *name, unsigned long v)
{
	if (v == (unsigned long)RLIM_INFINITY)
		trace_printf(tb, "%s=RLIM_INFINITY", name);
	else
		trace_printf(tb, "%s=%lu", name, v);
}

static void
show_rlimit(struct tracebuf *tb, const void *p)
{
	const struct rlimit *rl = p;

	trace_limit(tb, "{rlim_cur", rl->rlim_cur);
	trace_limit(tb, ", rlim_max", rl->rlim_max);
	trace_printf(tb, "}");
}

static void
show_rusage(struct tracebuf *tb, const void *p)
{
	const struct rusage *ru = p;

	trace_printf(tb, "{ru_utime=");
	show_timeval(tb, &ru->ru_utime);
	trace_printf(tb, ", ru_stime=");
	show_timeval(tb, &ru->ru_stime);
	trace_printf(tb, ", ...}");
}

static void
show_utsname(struct tracebuf *tb, const void *p)
{
	const struct new_utsname *un = p;

	trace_printf(tb, "{sysname=");
	trace_quoted(tb, un->sysname, strnlen(un->sysname, sizeof(un->sysname)),
	    false);
	trace_printf(tb, ", nodename=");
	trace_quoted(tb, un->nodename,
	    strnlen(un->nodename, sizeof(un->nodename)), false);
	trace_printf(tb, ", ...}");
}

static void
show_sysinfo(struct tracebuf *tb, const void *p)
{
	const struct sysinfo *si = p;

	trace_printf(tb, "{uptime=%ld, totalram=%lu, freeram=%lu, ...}",
	    (long)si->uptime, (unsigned long)si->totalram,
	    (unsigned long)si->freeram);
}

static void
show_caphdr(struct tracebuf *tb, const void *p)
{
	const struct __user_cap_header_struct *ch = p;

	trace_printf(tb, "{version=%#x, pid=%d}", ch->version, ch->pid);
}

static void (*const show_fns[])(struct tracebuf *, const void *) = {
	[SYSTYPE_INT]		= show_int,
	[SYSTYPE_UINT]		= show_uint,
	[SYSTYPE_LONG]		= show_long,
	[SYSTYPE_SIGSET]	= show_sigset,
	[SYSTYPE_OPEN_HOW]	= show_open_how,
	[SYSTYPE_TIMESPEC]	= show_timespec,
	[SYSTYPE_ITIMERSPEC]	= show_itimerspec,
	[SYSTYPE_TIMEVAL]	= show_timeval,
	[SYSTYPE_ITIMERVAL]	= show_itimerval,
	[SYSTYPE_UTIMBUF]	= show_utimbuf,
	[SYSTYPE_POLLFD]	= show_pollfd,
	[SYSTYPE_EPOLL_EVENT]	= show_epoll_event,
	[SYSTYPE_STAT]		= show_stat,
	[SYSTYPE_STATX]		= show_statx,
	[SYSTYPE_STATFS]	= show_statfs,
	[SYSTYPE_TMS]		= show_tms,
	[SYSTYPE_RLIMIT]	= show_rlimit,
	[SYSTYPE_RUSAGE]	= show_rusage,
	[SYSTYPE_UTSNAME]	= show_utsname,
	[SYSTYPE_SYSINFO]	= show_sysinfo,
	[SYSTYPE_CAPHDR]	= show_caphdr,
};

/* The largest that is shown whole. */
union trace_room {
	unsigned char		tr_bytes[512];
	uint64_t		tr_align;
	struct new_utsname	tr_utsname;
	struct statx		tr_statx;
};

void
trace_elements(struct tracebuf *tb, enum systype type, unsigned long uaddr,
    size_t elemsize, size_t count, bool array)
{
	union trace_room room;

	if (type == SYSTYPE_OPEN_HOW) {		/* count is its size */
		if (count < sizeof(struct open_how) || count > PAGE_SIZE)
			count = 0;
		elemsize = sizeof(struct open_how);
		array = false;
	}
	if (uaddr == 0 || (size_t)type >= ARRAY_SIZE(show_fns) ||
	    show_fns[type] == NULL || elemsize > sizeof(room) ||
	    (count == 0 && !array)) {
		trace_address(tb, uaddr);
		return;
	}
	if (array)
		trace_printf(tb, "[");
	for (size_t i = 0; i < (array ? count : 1); i++) {
		if (i > 0)
			trace_printf(tb, ", ");
		if (i == ELEMENTS_SHOWN) {
			trace_printf(tb, "...");
			break;
		}
		if (!trace_fetch(uaddr + i * elemsize, &room, elemsize)) {
			trace_address(tb, uaddr + i * elemsize);
			break;
		}
		show_fns[type](tb, &room);
	}
	if (array)
		trace_printf(tb, "]");
}

/* limit: so many bytes of the memory hold something. */
void
trace_iovec(struct tracebuf *tb, unsigned long uaddr, size_t count, bool content,
    size_t limit)
{
	struct iovec iov;

	trace_printf(tb, "[");
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			trace_printf(tb, ", ");
		if (i == ELEMENTS_SHOWN) {
			trace_printf(tb, "...");
			break;
		}
		if (!trace_fetch(uaddr + i * sizeof(iov), &iov, sizeof(iov))) {
			trace_address(tb, uaddr + i * sizeof(iov));
			break;
		}
		size_t len = iov.iov_len < limit ? iov.iov_len : limit;

		trace_printf(tb, "{iov_base=");
		if (content)
			trace_bytes(tb, (unsigned long)iov.iov_base, len);
		else
			trace_address(tb, (unsigned long)iov.iov_base);
		trace_printf(tb, ", iov_len=%zu}", (size_t)iov.iov_len);
		limit -= len;
	}
	trace_printf(tb, "]");
}

/* struct msghdr of the 64-bit ABI; UAPI has no header for it. */
struct trace_msghdr {
	uint64_t	mh_name;
	uint32_t	mh_namelen;
	uint64_t	mh_iov;
	uint64_t	mh_iovlen;
	uint64_t	mh_control;
	uint64_t	mh_controllen;
	uint32_t	mh_flags;
};

void
trace_msghdr(struct tracebuf *tb, unsigned long uaddr, bool content, size_t limit)
{
	struct trace_msghdr mh;

	if (!trace_fetch(uaddr, &mh, sizeof(mh))) {
		trace_address(tb, uaddr);
		return;
	}
	trace_printf(tb, "{msg_name=");
	trace_sockaddr(tb, mh.mh_name, mh.mh_namelen);
	trace_printf(tb, ", msg_namelen=%u, msg_iov=", mh.mh_namelen);
	trace_iovec(tb, mh.mh_iov, mh.mh_iovlen, content, limit);
	trace_printf(tb, ", msg_iovlen=%llu, msg_controllen=%llu, msg_flags=",
	    (unsigned long long)mh.mh_iovlen, (unsigned long long)mh.mh_controllen);
	trace_flags(tb, SYSSET_msg, mh.mh_flags);
	trace_printf(tb, "}");
}

/* Addresses by their bytes: family, then port and address or a path. */
void
trace_sockaddr(struct tracebuf *tb, unsigned long uaddr, size_t len)
{
	unsigned char b[128];
	uint16_t family;

	if (len > sizeof(b))
		len = sizeof(b);
	if (uaddr == 0 || len < sizeof(family) || !trace_fetch(uaddr, b, len)) {
		trace_address(tb, uaddr);
		return;
	}
	memcpy(&family, b, sizeof(family));
	trace_printf(tb, "{sa_family=");
	trace_enum(tb, SYSSET_af, family);
	if (family == 1 && len > 2) {
		trace_printf(tb, ", sun_path=%s", b[2] == '\0' ? "@" : "");
		if (b[2] == '\0')
			trace_quoted(tb, (char *)b + 3, len - 3, false);
		else
			trace_quoted(tb, (char *)b + 2,
			    strnlen((char *)b + 2, len - 2), false);
	} else if (family == 2 && len >= 8) {
		trace_printf(tb, ", sin_port=htons(%u), "
		    "sin_addr=inet_addr(\"%u.%u.%u.%u\")",
		    (unsigned int)(b[2] << 8 | b[3]), b[4], b[5], b[6], b[7]);
	} else if (family == 10 && len >= 24) {
		trace_printf(tb, ", sin6_port=htons(%u), sin6_addr=\"",
		    (unsigned int)(b[2] << 8 | b[3]));
		for (unsigned int i = 8; i < 24; i += 2)
			trace_printf(tb, "%s%x", i > 8 ? ":" : "",
			    (unsigned int)(b[i] << 8 | b[i + 1]));
		trace_printf(tb, "\"");
	} else {
		trace_printf(tb, ", sa_data=");
		trace_quoted(tb, (char *)b + 2, len - 2 < 14 ? len - 2 : 14,
		    len - 2 > 14);
	}
	trace_printf(tb, "}");
}

/*
 * Directory entries: d_ino 8, d_off 8, d_reclen 2, d_type 1, d_name.  They
 * are counted, the first names are shown.
 */
void
trace_dents(struct tracebuf *tb, unsigned long uaddr, size_t len)
{
	unsigned char head[19];
	char name[256];
	size_t off = 0, namelen;
	unsigned int n = 0;

	trace_printf(tb, "[");
	while (off + sizeof(head) < len && n < ELEMENTS_SHOWN) {
		uint16_t reclen;

		if (!trace_fetch(uaddr + off, head, sizeof(head)))
			break;
		memcpy(&reclen, head + 16, sizeof(reclen));
		if (reclen <= sizeof(head) || reclen > len - off)
			break;
		namelen = reclen - sizeof(head);
		if (namelen > sizeof(name))
			namelen = sizeof(name);
		if (!trace_fetch(uaddr + off + sizeof(head), name, namelen))
			break;
		trace_printf(tb, "%s", n > 0 ? ", " : "");
		trace_quoted(tb, name, strnlen(name, namelen), false);
		off += reclen;
		n++;
	}
	trace_printf(tb, off < len ? ", ...]" : "]");
}

void
trace_fdset(struct tracebuf *tb, unsigned long uaddr, size_t nfds)
{
	unsigned char bits[FDS_SHOWN / 8];
	const char *sep = "";

	if ((int)nfds < 0 || uaddr == 0) {
		trace_address(tb, uaddr);
		return;
	}
	if (nfds > FDS_SHOWN)
		nfds = FDS_SHOWN;
	if (!trace_fetch(uaddr, bits, (nfds + 7) / 8)) {
		trace_address(tb, uaddr);
		return;
	}
	trace_printf(tb, "[");
	for (size_t i = 0; i < nfds; i++) {
		if ((bits[i / 8] >> (i % 8) & 1) == 0)
			continue;
		trace_printf(tb, "%s%zu", sep, i);
		sep = " ";
	}
	trace_printf(tb, "]");
}

void
trace_flock(struct tracebuf *tb, unsigned long uaddr)
{
	struct flock fl;

	if (uaddr == 0 || !trace_fetch(uaddr, &fl, sizeof(fl))) {
		trace_address(tb, uaddr);
		return;
	}
	trace_printf(tb, "{l_type=");
	trace_enum(tb, SYSSET_locktype, (uint32_t)fl.l_type);
	trace_printf(tb, ", l_whence=");
	trace_enum(tb, SYSSET_seek, (uint32_t)fl.l_whence);
	trace_printf(tb, ", l_start=%lld, l_len=%lld}", (long long)fl.l_start,
	    (long long)fl.l_len);
}
