/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace_arg.c - one argument of a traced system call
 *
 * Integers by their kind, strings and buffers quoted and cut at STRING_SHOWN
 * bytes, paths at PATH_SHOWN.  Nothing here knows single calls, but for
 * those whose last argument depends on another: open, fcntl, ioctl.
 */

#include "systrace_impl.h"

#include <asm/ioctls.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/copy.h>
#include <sys/errno.h>

#define STRING_SHOWN	32
#define PATH_SHOWN	256

void
trace_printf(struct tracebuf *tb, const char *fmt, ...)
{
	va_list ap;
	int len;

	if (tb->tb_len + 1 >= tb->tb_size)
		return;
	va_start(ap, fmt);
	len = vsnprintf(tb->tb_buf + tb->tb_len, tb->tb_size - tb->tb_len, fmt,
	    ap);
	va_end(ap);
	if (len > 0)
		tb->tb_len += (size_t)len;
	if (tb->tb_len >= tb->tb_size)
		tb->tb_len = tb->tb_size - 1;
}

/* In C's notation.  An octal escape is short unless a digit follows it. */
static void
trace_char(struct tracebuf *tb, unsigned char c, bool digit_follows)
{
	static const char plain[] = "tnvfr";

	if (c >= '\t' && c <= '\r')
		trace_printf(tb, "\\%c", plain[c - '\t']);
	else if (c == '"' || c == '\\')
		trace_printf(tb, "\\%c", c);
	else if (c >= ' ' && c < 0x7f)
		trace_printf(tb, "%c", c);
	else
		trace_printf(tb, digit_follows ? "\\%03o" : "\\%o", c);
}

void
trace_quoted(struct tracebuf *tb, const char *bytes, size_t len, bool more)
{
	trace_printf(tb, "\"");
	for (size_t i = 0; i < len; i++)
		trace_char(tb, (unsigned char)bytes[i],
		    i + 1 < len && bytes[i + 1] >= '0' && bytes[i + 1] <= '9');
	trace_printf(tb, more ? "\"..." : "\"");
}

void
trace_flags(struct tracebuf *tb, enum sysset set, uint32_t v)
{
	const struct sysflag_set *sfs = &rump_sysflag_sets[set];
	const char *sep = "";
	uint32_t rest = v;

	for (unsigned int i = 0; i < sfs->sfs_count; i++) {
		const struct sysflag *sf = &rump_sysflags[sfs->sfs_first + i];
		bool field = sf->sf_mask != sf->sf_value;
		bool zero = sf->sf_value == 0 && !field;

		if (zero ? v != 0 : (rest & sf->sf_mask) != sf->sf_value)
			continue;
		/* A field's zero is a word of its own, but a silent one if
		 * other bits say what is meant. */
		if (sf->sf_value == 0 && field && set == SYSSET_statxat && v != 0)
			continue;
		trace_printf(tb, "%s%s", sep, rump_sysflag_names + sf->sf_name);
		sep = "|";
		rest &= ~sf->sf_mask;
	}
	if (rest != 0)
		trace_printf(tb, "%s%#x", sep, rest);
	else if (sep[0] == '\0')
		trace_printf(tb, "0");
}

void
trace_enum(struct tracebuf *tb, enum sysset set, uint32_t v)
{
	const struct sysflag_set *sfs = &rump_sysflag_sets[set];

	for (unsigned int i = 0; i < sfs->sfs_count; i++) {
		const struct sysflag *sf = &rump_sysflags[sfs->sfs_first + i];

		if (sf->sf_value == v) {
			trace_printf(tb, "%s", rump_sysflag_names + sf->sf_name);
			return;
		}
	}
	trace_printf(tb, "%#x", v);
}

void
trace_mode(struct tracebuf *tb, uint32_t mode)
{
	if ((mode & S_IFMT) != 0) {
		trace_enum(tb, SYSSET_filetype, mode & S_IFMT);
		trace_printf(tb, "|");
	}
	trace_printf(tb, "%#03o", mode & ~(uint32_t)S_IFMT);
}

void
trace_dev(struct tracebuf *tb, uint64_t dev)
{
	dev_t d = dev_decode(dev);

	trace_printf(tb, "makedev(%#x, %#x)", dev_major(d), dev_minor(d));
}

bool
trace_fetch(unsigned long uaddr, void *kaddr, size_t len)
{
	return copyin((const void *)uaddr, kaddr, len) == 0;
}

void
trace_address(struct tracebuf *tb, unsigned long uaddr)
{
	if (uaddr == 0)
		trace_printf(tb, "NULL");
	else
		trace_printf(tb, "%#lx", uaddr);
}

void
trace_bytes(struct tracebuf *tb, unsigned long uaddr, size_t len)
{
	char buf[STRING_SHOWN];
	size_t shown = len < sizeof(buf) ? len : sizeof(buf);

	if (uaddr == 0 || !trace_fetch(uaddr, buf, shown))
		trace_address(tb, uaddr);
	else
		trace_quoted(tb, buf, shown, shown < len);
}

/* A string of at most max bytes, of which so many are shown. */
static void
trace_string(struct tracebuf *tb, unsigned long uaddr, size_t max)
{
	char buf[PATH_SHOWN];
	size_t len;
	int error;

	if (max > sizeof(buf))
		max = sizeof(buf);
	error = uaddr == 0 ? EFAULT :
	    copyinstr((const char *)uaddr, buf, max, &len);
	if (error == 0)
		trace_quoted(tb, buf, len - 1, false);
	else if (error == ENAMETOOLONG && trace_fetch(uaddr, buf, max))
		trace_quoted(tb, buf, max, true);
	else
		trace_address(tb, uaddr);
}

/* Third arguments */

static bool
fcntl_has_argument(unsigned int cmd)
{
	return cmd != F_GETFD && cmd != F_GETFL && cmd != F_GETOWN &&
	    cmd != F_GETSIG && cmd != F_GETLEASE && cmd != F_GETPIPE_SZ &&
	    cmd != F_LINUX_SPECIFIC_BASE + 10 /* F_GET_SEALS */;
}

static void
trace_fcntl(struct tracebuf *tb, const struct traceargs *ta, unsigned int i)
{
	unsigned long v = ta->ta_args[i];

	switch ((unsigned int)ta->ta_args[ta->ta_desc->sd_args[i].sa_from]) {
	case F_SETFD:
		trace_flags(tb, SYSSET_fdflags, (uint32_t)v);
		break;
	case F_SETFL:
		trace_flags(tb, SYSSET_open, (uint32_t)v);
		break;
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		trace_flock(tb, v);
		break;
	default:
		trace_printf(tb, "%d", (int)v);
	}
}

static void
trace_ioctl(struct tracebuf *tb, const struct traceargs *ta, unsigned int i)
{
	unsigned long v = ta->ta_args[i];
	int number;

	switch ((unsigned int)ta->ta_args[ta->ta_desc->sd_args[i].sa_from]) {
	case FIONREAD:
	case FIONBIO:
		if (ta->ta_error == 0 && trace_fetch(v, &number, sizeof(number))) {
			trace_printf(tb, "[%d]", number);
			return;
		}
		break;
	}
	trace_address(tb, v);
}

bool
trace_arg_present(const struct traceargs *ta, unsigned int i)
{
	const struct sysdesc_arg *sa = &ta->ta_desc->sd_args[i];

	if (sa->sa_kind == SYSARG_FCNTL)
		return fcntl_has_argument((unsigned int)ta->ta_args[sa->sa_from]);
	if (sa->sa_kind == SYSARG_MODE && i > 0 &&
	    sa[-1].sa_kind == SYSARG_FLAGS && sa[-1].sa_set == SYSSET_open)
		return (ta->ta_args[i - 1] & (O_CREAT | __O_TMPFILE)) != 0;
	return true;
}

/*
 * What goes in and out is a matter for the exit, except that of waiting the
 * time and the sets which went in tell more.
 */
bool
trace_arg_is_result(const struct sysdesc *sd, unsigned int i)
{
	const struct sysdesc_arg *sa = &sd->sd_args[i];

	switch (sa->sa_kind) {
	case SYSARG_FDSET:
		return false;
	case SYSARG_MEMORY:
		return sa->sa_dir == SYSDIR_OUT || (sa->sa_dir == SYSDIR_INOUT &&
		    sa->sa_type != SYSTYPE_TIMESPEC &&
		    sa->sa_type != SYSTYPE_TIMEVAL &&
		    sa->sa_type != SYSTYPE_CAPHDR);
	case SYSARG_DENTS:
	case SYSARG_IOVEC:
	case SYSARG_MSG:
	case SYSARG_MMSG:
		return (sa->sa_dir & SYSDIR_OUT) != 0;
	case SYSARG_FCNTL:
	case SYSARG_IOCTL:
		return true;
	}
	return false;
}

/* How many elements argument i has: what is asked, less what is not there. */
static size_t
count_of(const struct traceargs *ta, const struct sysdesc_arg *sa)
{
	size_t count = 1;
	unsigned int number = 0;

	if (sa->sa_count == SYSCOUNT_CONST)
		count = sa->sa_from;
	else if (sa->sa_count == SYSCOUNT_ARGUMENT)
		count = ta->ta_args[sa->sa_from];
	else if (sa->sa_count == SYSCOUNT_POINTER)
		count = trace_fetch(ta->ta_args[sa->sa_from], &number,
		    sizeof(number)) ? number : 0;
	/* Counts of type int come with whatever the caller's register held. */
	if (sa->sa_count == SYSCOUNT_ARGUMENT &&
	    ta->ta_desc->sd_args[sa->sa_from].sa_kind != SYSARG_ULONG)
		count = (int)count < 0 ? 0 : (size_t)(int)count;
	if (sa->sa_ret && ta->ta_done && (unsigned long)ta->ta_ret < count)
		count = (size_t)ta->ta_ret;
	return count;
}

static void
trace_memory(struct tracebuf *tb, const struct traceargs *ta, unsigned int i)
{
	const struct sysdesc_arg *sa = &ta->ta_desc->sd_args[i];
	unsigned long uaddr = ta->ta_args[i];
	size_t count = count_of(ta, sa);
	size_t limit = sa->sa_dir == SYSDIR_OUT ? (size_t)ta->ta_ret : SIZE_MAX;

	if (uaddr == 0 || (ta->ta_error != 0 && (sa->sa_dir & SYSDIR_OUT) != 0)) {
		trace_address(tb, uaddr);
		return;
	}
	switch (sa->sa_kind) {
	case SYSARG_DENTS:
		trace_dents(tb, uaddr, count);
		break;
	case SYSARG_IOVEC:
		trace_iovec(tb, uaddr, count, true, limit);
		break;
	case SYSARG_MSG:
		trace_msghdr(tb, uaddr, true, limit);
		break;
	case SYSARG_MMSG:
		trace_address(tb, uaddr);
		break;
	default:
		if (sa->sa_type == SYSTYPE_BYTES)
			trace_bytes(tb, uaddr, count * sa->sa_size);
		else if (sa->sa_type == SYSTYPE_SOCKADDR)
			trace_sockaddr(tb, uaddr, count);
		else
			trace_elements(tb, sa->sa_type, uaddr, sa->sa_size,
			    count, sa->sa_count != SYSCOUNT_ONE);
	}
}

static void
trace_integer(struct tracebuf *tb, const struct sysdesc_arg *sa, unsigned long v)
{
	switch (sa->sa_kind) {
	case SYSARG_LONG:
		trace_printf(tb, "%ld", (long)v);
		break;
	case SYSARG_ULONG:
		trace_printf(tb, "%lu", v);
		break;
	case SYSARG_UINT:
		trace_printf(tb, "%u", (unsigned int)v);
		break;
	case SYSARG_HEX:
		trace_printf(tb, v != 0 ? "%#lx" : "%lx", v);
		break;
	case SYSARG_MODE:
		trace_mode(tb, (uint32_t)v);
		break;
	case SYSARG_DEV:
		trace_dev(tb, v);
		break;
	case SYSARG_DIRFD:
		trace_printf(tb, (int)v == AT_FDCWD ? "AT_FDCWD" : "%d", (int)v);
		break;
	case SYSARG_FLAGS:
		trace_flags(tb, sa->sa_set, (uint32_t)v);
		break;
	case SYSARG_ENUM:
		trace_enum(tb, sa->sa_set, (uint32_t)v);
		break;
	default:
		trace_printf(tb, "%d", (int)v);
	}
}

void
trace_arg(struct tracebuf *tb, const struct traceargs *ta, unsigned int i)
{
	const struct sysdesc_arg *sa = &ta->ta_desc->sd_args[i];
	unsigned long v = ta->ta_args[i];

	switch (sa->sa_kind) {
	case SYSARG_PATH:
	case SYSARG_STRING:
		trace_string(tb, v, sa->sa_size);
		break;
	case SYSARG_POINTER:
		trace_address(tb, v);
		break;
	case SYSARG_FDSET:
		trace_fdset(tb, v, ta->ta_args[sa->sa_from]);
		break;
	case SYSARG_FCNTL:
		trace_fcntl(tb, ta, i);
		break;
	case SYSARG_IOCTL:
		trace_ioctl(tb, ta, i);
		break;
	case SYSARG_MEMORY:
	case SYSARG_DENTS:
	case SYSARG_IOVEC:
	case SYSARG_MSG:
	case SYSARG_MMSG:
		trace_memory(tb, ta, i);
		break;
	default:
		trace_integer(tb, sa, v);
	}
}
