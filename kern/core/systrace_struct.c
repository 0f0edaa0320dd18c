/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace_struct.c - what the pointers of a traced system call lead to
 *
 * One function a structure, which prints the fields that people look for and
 * "..." for the rest.  Each is fetched whole by one copyin() first; an array
 * is cut after TRACE_ELEMENTS.  What holds pointers or lengths of its own is
 * in systrace_mem.c.
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
#include <linux/utime.h>
#include <linux/utsname.h>

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
		if (i == TRACE_ELEMENTS) {
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
