/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * name.c - calls that take names
 *
 * The description of a call says which arguments are names and which are the directories they
 * are relative to.  One name: the call goes where it leads.  Two: both have
 * to lead to the same kernel, else EXDEV.
 */

#include "hijack.h"

#include <abi/sysdesc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <rump/rump.h>

#include "path.h"

/* Where the names of a call are. */
struct names {
	uint8_t		 nm_n;		/* how many: 0, 1, 2 */
	int8_t		 nm_path[2];	/* argument */
	int8_t		 nm_dirfd[2];	/* argument, -1: the working directory */
	int8_t		 nm_flags;	/* argument with AT_ flags, -1 */
	bool		 nm_makesfd;
};

static struct names names[HIJACK_NCALLS];

/* --- what a link at the end of the name means to a call --------------------------------- */

static bool
open_follows(unsigned long flags)
{
	return (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
}

static bool
follows(long nr, const unsigned long args[6])
{
	switch (nr) {
	case SYS_lstat:
	case SYS_unlink: case SYS_unlinkat: case SYS_rmdir:
	case SYS_rename: case SYS_renameat: case SYS_renameat2:
	case SYS_readlink: case SYS_readlinkat:
	case SYS_symlink: case SYS_symlinkat:
	case SYS_mkdir: case SYS_mkdirat: case SYS_mknod: case SYS_mknodat:
	case SYS_lchown: case SYS_link:
	case SYS_lsetxattr: case SYS_lgetxattr: case SYS_llistxattr: case SYS_lremovexattr:
		return false;
	case SYS_linkat:
		return (args[4] & AT_SYMLINK_FOLLOW) != 0;
	case SYS_open:
		return open_follows(args[1]);
	case SYS_openat:
		return open_follows(args[2]);
	default:
		return names[nr].nm_flags < 0 || (args[names[nr].nm_flags] & AT_SYMLINK_NOFOLLOW) == 0;
	}
}

static bool
wants_cloexec(long nr, const unsigned long args[6])
{
	uint64_t how = 0;

	switch (nr) {
	case SYS_open:
		return (args[1] & O_CLOEXEC) != 0;
	case SYS_openat:
		return (args[2] & O_CLOEXEC) != 0;
	case SYS_openat2:
		(void)mem_read(&how, args[2], sizeof(how));
		return (how & O_CLOEXEC) != 0;
	default:
		return false;
	}
}

/* --- one name, two names ---------------------------------------------------------------------- */

static int
dirfd_of(const struct names *nm, unsigned int i, const unsigned long args[6])
{
	return nm->nm_dirfd[i] >= 0 ? (int)args[nm->nm_dirfd[i]] : AT_FDCWD;
}

static void
put(const struct names *nm, unsigned int i, const struct where *w, unsigned long args[6])
{
	args[nm->nm_path[i]] = (unsigned long)w->w_path;
	if (nm->nm_dirfd[i] >= 0)
		args[nm->nm_dirfd[i]] = (unsigned long)(long)(w->w_kind == WHERE_KERNEL ? w->w_dirfd :
		    AT_FDCWD);
}

/* The call has gone to the kernel; a descriptor of it gets a number here. */
static long
finish(long nr, const unsigned long args[6], long ret)
{
	if (host_failed(ret) || !names[nr].nm_makesfd)
		return ret;
	return fdmap_new((int)ret, wants_cloexec(nr, args));
}

/*
 * A file that was just made the kernel does not know by its name before somebody looks for it.  What
 * it was made as is a hint what to look for when its name is wanted; it may be torn, or wrong.
 */
#define NHINTS	128

static struct { int h_r; char h_path[252]; } hints[NHINTS];

static void
hint_keep(int r, const char *path)
{
	unsigned int i = (unsigned int)r % NHINTS;
	size_t len = 0;

	if (r < 0)
		return;
	hints[i].h_r = -1;
	if (text_add(hints[i].h_path, sizeof(hints[0].h_path) - 1, &len, path))
		hints[i].h_r = r;
}

static void
hint_use(int r)
{
	unsigned int i = (unsigned int)r % NHINTS;
	struct stat st;

	if (hints[i].h_r == r)
		(void)kernel_syscall(SYS_newfstatat, AT_FDCWD, hints[i].h_path, &st, 0);
}

static bool
may_make(long nr, const unsigned long args[6])
{
	return (nr == SYS_open && (args[1] & O_CREAT) != 0) || nr == SYS_creat ||
	    (nr == SYS_openat && (args[2] & O_CREAT) != 0);
}

/*
 * A call that makes a descriptor: in the kernel it stays open over an exec, whatever the program says:
 * its placeholder tells afterwards whether it has.
 */
static long
call_opening(long nr, const unsigned long args[6], unsigned long kargs[6])
{
	unsigned long flags = nr == SYS_open ? args[1] : nr == SYS_openat ? args[2] : 0;
	struct open_how how;
	long r;

	if (nr == SYS_open)
		kargs[1] &= ~(unsigned long)O_CLOEXEC;
	else if (nr == SYS_openat)
		kargs[2] &= ~(unsigned long)O_CLOEXEC;
	else if (nr == SYS_openat2 && kargs[3] == sizeof(how) && mem_read(&how, kargs[2], sizeof(how))) {
		flags = how.flags;
		how.flags &= ~(uint64_t)O_CLOEXEC;
		kargs[2] = (unsigned long)&how;
	}
	/* Who can have no descriptor makes no file either. */
	if ((flags & (O_CREAT | O_TRUNC)) != 0 && (r = fdmap_room()) != 0)
		return r;
	r = kernel_call((unsigned int)nr, kargs);
	if (r >= 0 && may_make(nr, args))
		hint_keep((int)r, (const char *)kargs[names[nr].nm_path[0]]);
	return finish(nr, args, r);
}

static long
to_kernel(long nr, const unsigned long args[6], const struct where *w)
{
	unsigned long kargs[6];

	mem_copy(kargs, args, sizeof(kargs));
	put(&names[nr], 0, w, kargs);
	return call_opening(nr, args, kargs);
}

/* A number at *text, which moves on; false: there is none. */
static bool
take_number(const char **text, unsigned long *ret_n)
{
	const char *p = *text;
	unsigned long n = 0;

	for (; *p >= '0' && *p <= '9' && n < HIJACK_NFDS * 16UL; p++)
		n = n * 10 + (unsigned long)(*p - '0');
	if (p == *text)
		return false;
	*text = p;
	*ret_n = n;
	return true;
}

/* What follows the name of a folder of our descriptors; NULL: it is none. */
static const char *
descriptor_folder(const char *text)
{
	const char *rest = text_after(text, "/dev/fd/");
	unsigned long n;

	if (rest != NULL)
		return rest;
	text = text_after(text, "/proc/");
	if (text == NULL)
		return NULL;
	rest = text_after(text, "self");
	if (rest == NULL)
		rest = text_after(text, "thread-self");
	if (rest == NULL && take_number(&text, &n) && n == (unsigned long)host_pid())
		rest = text;
	if (rest == NULL)
		return NULL;
	text = text_after(rest, "/task/");
	if (text != NULL && take_number(&text, &n))
		rest = text;
	return text_after(rest, "/fd/");
}

/* /dev/fd/N, /proc/self/fd/N and their kin: the descriptor N of the kernel, or -1. */
static int
names_descriptor(const char *text)
{
	static const char *const std[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	unsigned long n;
	const char *rest;

	if (text[0] != '/' || (text[1] != 'd' && text[1] != 'p'))
		return -1;
	for (unsigned int i = 0; i < 3; i++) {
		if (text_equal(text, std[i]))
			return fdmap_get(i) >= 0 ? (int)i : -1;
	}
	rest = descriptor_folder(text);
	return rest != NULL && take_number(&rest, &n) && *rest == '\0' && fdmap_get(n) >= 0 ? (int)n : -1;
}

/* The name of what the program has as n, as the kernel knows it, into w; false: it has none. */
static bool
descriptor_path(int n, struct where *w)
{
	int r = fdmap_get((unsigned long)n);
	long len = kernel_syscall(SYS_fcntl, r, RUMP_F_GETPATH, w->w_text);

	if (len == -ENOENT) {
		hint_use(r);
		len = kernel_syscall(SYS_fcntl, r, RUMP_F_GETPATH, w->w_text);
	}
	if (len < 0)
		return false;
	w->w_kind = WHERE_KERNEL;
	w->w_blanket = path_is_blanket(w->w_text);
	w->w_dirfd = AT_FDCWD;
	w->w_path = w->w_text;
	return true;
}

/* "/proc/self/fd/N/rest", where N is a directory of the kernel, becomes what it means. */
static bool
below_descriptor(struct where *w)
{
	const char *text = w->w_text, *rest;
	char more[PATH_ROOM];
	unsigned long n;
	size_t len = 0;

	rest = text[0] == '/' && (text[1] == 'd' || text[1] == 'p') ? descriptor_folder(text) : NULL;
	if (rest == NULL || !take_number(&rest, &n) || *rest != '/' || fdmap_get(n) < 0 ||
	    !text_add(more, sizeof(more), &len, rest) || !descriptor_path((int)n, w))
		return false;
	len = text_len(w->w_text);
	return text_add(w->w_text, sizeof(w->w_text), &len, more);
}

static bool
is_socket(int n)
{
	struct stat st;

	return kernel_syscall(SYS_fstat, fdmap_get((unsigned long)n), &st) == 0 && S_ISSOCK(st.st_mode);
}

/*
 * A descriptor without a name of its own: opening it is having it once more, looking at it is fstat(2).
 * Sockets cannot be opened.
 */
static long
by_descriptor(long nr, const unsigned long args[6], int n, bool *ret_done)
{
	unsigned long r = (unsigned long)fdmap_get((unsigned long)n);
	char none[1] = "";	/* here, where it is ours: the other pointers are the program's */

	*ret_done = true;
	switch (nr) {
	case SYS_open:
	case SYS_openat:
		return is_socket(n) ? -ENXIO : fdmap_dup((unsigned long)n, wants_cloexec(nr, args));
	case SYS_stat:
		return kernel_call(SYS_fstat, (unsigned long[6]){ r, args[1] });
	case SYS_newfstatat:
		return kernel_call(SYS_newfstatat, (unsigned long[6]){ r, (unsigned long)none, args[2],
		    AT_EMPTY_PATH });
	case SYS_statx:
		return kernel_call(SYS_statx, (unsigned long[6]){ r, (unsigned long)none,
		    args[2] | AT_EMPTY_PATH, args[3], args[4] });
	default:
		*ret_done = false;
		return 0;
	}
}

static long
to_host(long nr, const unsigned long args[6], const long *asked, struct where *w)
{
	const struct names *nm = &names[nr];
	unsigned long hargs[6];
	bool done;
	long ret;
	int n;

	if (w->w_kind == WHERE_HOSTPATH) {
		mem_copy(hargs, args, sizeof(hargs));
		put(nm, 0, w, hargs);
		return host_args(nr, hargs);
	}
	if (policy.po_exists && path_through_links(dirfd_of(nm, 0, args), w->w_text, follows(nr, args), w))
		return to_kernel(nr, args, w);
	n = kernel_known() && follows(nr, args) ? names_descriptor(w->w_text) : -1;
	if (n >= 0 && descriptor_path(n, w))
		return to_kernel(nr, args, w);
	if (n < 0 && kernel_known() && below_descriptor(w))
		return to_kernel(nr, args, w);
	if (n >= 0) {
		ret = by_descriptor(nr, args, n, &done);
		if (done)
			return ret;
	}
	ret = asked != NULL ? *asked : host_args(nr, args);
	if (host_lacks(ret, dirfd_of(nm, 0, args), w->w_text, follows(nr, args)) &&
	    path_through_links(dirfd_of(nm, 0, args), w->w_text, follows(nr, args), w))
		return to_kernel(nr, args, w);
	return ret;
}

/* What "" and NULL mean, with AT_EMPTY_PATH or where the call takes a NULL: the descriptor itself. */
static long
nameless(long nr, const unsigned long args[6])
{
	const struct names *nm = &names[nr];
	unsigned long kargs[6];
	int32_t entry = FDMAP_HOST;

	if (nm->nm_dirfd[0] >= 0)
		entry = fdmap_entry(args[nm->nm_dirfd[0]]);
	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	mem_copy(kargs, args, sizeof(kargs));
	if (entry > 0)
		kargs[nm->nm_dirfd[0]] = (unsigned long)(entry - 1);
	else if (nm->nm_dirfd[0] < 0 || (int)args[nm->nm_dirfd[0]] != AT_FDCWD || path_cwd() == CWD_HOST)
		return host_args(nr, args);
	return call_opening(nr, args, kargs);
}

/* openat2 may be told that nothing leads out of the directory, not even a "/". */
static bool
stays_below(long nr, const unsigned long args[6])
{
	struct open_how how;

	return nr == SYS_openat2 && args[3] >= sizeof(how) && mem_read(&how, args[2], sizeof(how)) &&
	    (how.resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) != 0;
}

/*
 * Most names are the host's by their first letters.  True: that is so, and the host found something,
 * or failed for a reason that is not about names.  *ret_asked: *ret is what the host said.
 */
static bool
quickly(long nr, const unsigned long args[6], long *ret, bool *ret_asked)
{
	const struct names *nm = &names[nr];
	char head[3] = "";
	int dirfd;

	if (mem_string(head, args[nm->nm_path[0]], sizeof(head)) == 0) {
		*ret = nameless(nr, args);
		return true;
	}
	if (policy.po_blanket[0] != '\0' || policy.po_exists)
		return false;
	if (head[0] == '/') {
		if (head[1] == '/' || head[1] == '.' || head[1] == policy.po_prefix[1] ||
		    (kernel_known() && (head[1] == 'd' || head[1] == 'p')))
			return false;
	} else {
		dirfd = dirfd_of(nm, 0, args);
		if (dirfd == AT_FDCWD ? path_cwd() != CWD_HOST :
		    fdmap_entry((unsigned long)dirfd) != FDMAP_HOST || path_may_be_prefix(head))
			return false;
	}
	*ret = host_args(nr, args);
	*ret_asked = true;
	return !host_unsure(*ret);
}

static __attribute__((__noinline__)) long
rule_name_slowly(long nr, const unsigned long args[6], const long *asked)
{
	const struct names *nm = &names[nr];
	unsigned long addr = args[nm->nm_path[0]];
	struct where w;
	long ret;

	if (stays_below(nr, args) && (fdmap_get(args[0]) >= 0 || (int)args[0] != AT_FDCWD ||
	    path_cwd() == CWD_HOST))
		return nameless(nr, args);
	ret = path_resolve(dirfd_of(nm, 0, args), addr, &w);
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret != 0)
		return ret;
	return w.w_kind == WHERE_KERNEL ? to_kernel(nr, args, &w) :
	    to_host(nr, args, asked, &w);
}

static long
rule_name(long nr, const unsigned long args[6])
{
	bool asked = false;
	long ret;

	if (args[names[nr].nm_path[0]] == 0)
		return nameless(nr, args);
	if (quickly(nr, args, &ret, &asked))
		return ret;
	return rule_name_slowly(nr, args, asked ? &ret : NULL);
}

/* What is wrong about the call whatever the names are. */
static bool
bad_flags(long nr, const unsigned long args[6])
{
	unsigned int flags = (unsigned int)args[4];

	if (nr == SYS_linkat)
		return (flags & ~(unsigned int)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0;
	return nr == SYS_renameat2 && ((flags & ~7U) != 0 || ((flags & 2) != 0 && (flags & 5) != 0));
}

/* Why the directory of a name cannot be reached; 0: it can. */
static long
parent_error(const struct where *w, long dirfd)
{
	char parent[PATH_ROOM];
	size_t len = text_len(w->w_path);
	struct stat st;

	if (len == 0)
		return -ENOENT;
	mem_copy(parent, w->w_path, len + 1);
	while (len > 0 && parent[len - 1] == '/')
		len--;
	while (len > 0 && parent[len - 1] != '/')
		len--;
	parent[len] = '\0';
	if (len == 0)
		(void)text_add(parent, sizeof(parent), &len, ".");
	return w->w_kind == WHERE_KERNEL ? kernel_syscall(SYS_newfstatat, dirfd, parent, &st, 0) :
	    host_syscall(SYS_newfstatat, dirfd, parent, &st, 0);
}

/* What the one name's kernel says against it: -EBADF is nothing, 0 that its descriptor is bad. */
static long
apart_one(unsigned int call, const struct where *w, int dirfd, unsigned long flags, bool second)
{
	bool kernel = w->w_kind == WHERE_KERNEL;
	int from = kernel ? w->w_dirfd : host_from(dirfd);
	long ret;

	ret = kernel ? kernel_syscall(call, from, w->w_path, -9, "x", flags) :
	    host_syscall(call, from, w->w_path, -9, "x", flags);
	/* The second one is tried as a first one, too; but it need not exist. */
	if (second && ret == -ENOENT && (ret = parent_error(w, from)) == 0)
		ret = -EXDEV;
	else if (ret == -EBADF && !kernel && dirfd != AT_FDCWD && w->w_path[0] != '/' &&
	    host_syscall(SYS_fcntl, from, F_GETFD) < 0)
		ret = 0;
	if (!kernel)
		host_return(from);
	return ret;
}

/*
 * The names lead to different kernels: EXDEV, unless something is wrong with one of them.  The first
 * is looked at first: asked together with a second one that cannot be, its kernel says EBADF
 * if there is nothing to say against it.
 */
static long
apart(long nr, const unsigned long args[6], const struct where *a, const struct where *b)
{
	const struct names *nm = &names[nr];
	unsigned int at = nr == SYS_rename || nr == SYS_link ? 0 : 4;
	unsigned int call = nr == SYS_link || nr == SYS_linkat ? SYS_linkat : SYS_renameat2;
	const struct where *w[2] = { a, b };
	unsigned long flags = nr == SYS_renameat ? 0 : at != 0 ? args[at] : 0;
	long ret;

	for (unsigned int i = 0; i < 2; i++) {
		ret = apart_one(call, w[i], dirfd_of(nm, i, args), flags, i == 1);
		if (ret != -EBADF)
			return ret == 0 ? -EBADF : ret;
	}
	return -EXDEV;
}

/* rename and link. */
static long
rule_two_names(long nr, const unsigned long args[6])
{
	const struct names *nm = &names[nr];
	struct where a, b;
	unsigned long kargs[6];
	long ret;

	ret = path_resolve(dirfd_of(nm, 0, args), args[nm->nm_path[0]], &a);
	if (path_unreadable(ret) || bad_flags(nr, args))
		return host_args(nr, args);
	if (ret == 0)
		ret = path_resolve(dirfd_of(nm, 1, args), args[nm->nm_path[1]], &b);
	/* Such a call fails; what it says depends on the first name. */
	if (path_unreadable(ret) && a.w_kind != WHERE_KERNEL)
		return host_args(nr, args);
	if (path_unreadable(ret)) {
		long first = kernel_syscall(nr == SYS_link || nr == SYS_linkat ? SYS_linkat :
		    SYS_renameat2, a.w_dirfd, a.w_path, -9, "x", nr == SYS_linkat ? args[4] : 0);

		return first == -EBADF ? ret : first;
	}
	if (ret != 0)
		return ret;
	if (a.w_kind != WHERE_KERNEL && b.w_kind != WHERE_KERNEL &&
	    a.w_kind != WHERE_HOSTPATH && b.w_kind != WHERE_HOSTPATH) {
		ret = host_args(nr, args);
		if (ret != -ENOENT && ret != -ENOTDIR)
			return ret;
		(void)path_through_links(dirfd_of(nm, 0, args), a.w_text, follows(nr, args), &a);
		(void)path_through_links(dirfd_of(nm, 1, args), b.w_text, false, &b);
		if (a.w_kind != WHERE_KERNEL && b.w_kind != WHERE_KERNEL)
			return ret;
	}
	if ((a.w_kind == WHERE_KERNEL) != (b.w_kind == WHERE_KERNEL))
		return apart(nr, args, &a, &b);
	mem_copy(kargs, args, sizeof(kargs));
	if (a.w_kind != WHERE_HOST)
		put(nm, 0, &a, kargs);
	if (b.w_kind != WHERE_HOST)
		put(nm, 1, &b, kargs);
	return a.w_kind == WHERE_KERNEL ? kernel_call((unsigned int)nr, kargs) : host_args(nr, kargs);
}

/* --- links ------------------------------------------------------------------------------------- */

/* What a link is to say is text; of it only the prefix is ours. */
static long
rule_symlink(long nr, const unsigned long args[6])
{
	unsigned int at = nr == SYS_symlinkat ? 2 : 1;
	char target[PATH_ROOM];
	const char *inner;
	struct where w;
	long ret;

	ret = path_resolve(nr == SYS_symlinkat ? (int)args[1] : AT_FDCWD, args[at], &w);
	if (ret == 0 && w.w_kind == WHERE_KERNEL)
		ret = mem_string(target, args[0], sizeof(target));
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret < 0)
		return ret;
	if (w.w_kind != WHERE_KERNEL) {
		ret = host_args(nr, args);
		if (ret != -ENOENT || !path_through_links(nr == SYS_symlinkat ? (int)args[1] : AT_FDCWD,
		    w.w_text, false, &w))
			return ret;
		ret = mem_string(target, args[0], sizeof(target));
		if (ret < 0)
			return ret;
	}
	inner = w.w_blanket ? NULL : path_strip(target);
	return kernel_syscall(SYS_symlinkat, inner != NULL ? inner : target, w.w_dirfd, w.w_path);
}

/* Of the kernel's links the absolute ones lead to its own root, which is at the prefix. */
static long
readlink_kernel(const struct where *w, unsigned long buf, unsigned long size)
{
	char target[PATH_ROOM], shown[PATH_ROOM];
	long ret;
	size_t len;

	if ((int)size <= 0)
		return -EINVAL;
	ret = kernel_syscall(SYS_readlinkat, w->w_dirfd, w->w_path, target, sizeof(target) - 1);
	if (ret < 0)
		return ret;
	target[ret] = '\0';
	ret = path_show(target, w->w_blanket, shown, sizeof(shown));
	if (ret != 0)
		return ret;
	len = text_len(shown);
	if (len > size)
		len = size;
	return mem_write(buf, shown, len) ? (long)len : -EFAULT;
}

/* What a link of /proc says goes to the program; without a NUL, and cut, as readlink(2) has it. */
static long
link_text(const char *text, unsigned long buf, unsigned long size)
{
	size_t len = text_len(text);

	if ((int)size <= 0)
		return -EINVAL;
	if (len > size)
		len = size;
	return mem_write(buf, text, len) ? (long)len : -EFAULT;
}

/* /proc/self/fd/N of the kernel says what it is. */
static long
readlink_descriptor(int n, unsigned long buf, unsigned long size)
{
	char text[PATH_ROOM] = "";
	struct stat st;
	struct where w;
	size_t len = 0;
	long ret;

	if (descriptor_path(n, &w)) {
		ret = path_show(w.w_text, w.w_blanket, text, sizeof(text));
		return ret != 0 ? ret : link_text(text, buf, size);
	}
	ret = kernel_syscall(SYS_fstat, fdmap_get((unsigned long)n), &st);
	if (ret != 0)
		return ret;
	(void)text_add(text, sizeof(text), &len, S_ISSOCK(st.st_mode) ? "socket:[" :
	    S_ISFIFO(st.st_mode) ? "pipe:[" : "rump:[");
	(void)text_add_number(text, sizeof(text), &len, st.st_ino);
	(void)text_add(text, sizeof(text), &len, "]");
	return link_text(text, buf, size);
}

/* /proc/self/cwd, where that is the kernel's. */
static long
readlink_cwd(unsigned long buf, unsigned long size)
{
	char inner[PATH_ROOM], shown[PATH_ROOM];
	long ret = kernel_syscall(SYS_getcwd, inner, sizeof(inner));

	if (ret >= 0)
		ret = path_show(inner, path_cwd() == CWD_BLANKET, shown, sizeof(shown));
	return ret < 0 ? ret : link_text(shown, buf, size);
}

/* A name of the host that the program did not say like this. */
static long
readlink_host(const char *path, unsigned long buf, unsigned long size)
{
	char target[PATH_ROOM];
	long ret = host_syscall(SYS_readlink, path, target, sizeof(target) - 1);

	if (ret < 0)
		return ret;
	target[ret] = '\0';
	return link_text(target, buf, size);
}

static long
rule_readlink(long nr, const unsigned long args[6])
{
	bool at = nr == SYS_readlinkat;
	int dirfd = at ? (int)args[0] : AT_FDCWD, n;
	unsigned long buf = at ? args[2] : args[1], size = at ? args[3] : args[2];
	struct where w;
	long ret;

	ret = path_resolve(dirfd, at ? args[1] : args[0], &w);
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret != 0)
		return ret;
	if (w.w_kind == WHERE_KERNEL)
		return readlink_kernel(&w, buf, size);
	n = kernel_known() ? names_descriptor(w.w_text) : -1;
	if (n >= 0)
		return readlink_descriptor(n, buf, size);
	if (path_cwd() != CWD_HOST && text_equal(w.w_text, "/proc/self/cwd"))
		return readlink_cwd(buf, size);
	ret = w.w_kind == WHERE_HOSTPATH ? readlink_host(w.w_path, buf, size) : host_args(nr, args);
	if (host_lacks(ret, dirfd, w.w_text, false) && path_through_links(dirfd, w.w_text, false, &w))
		return readlink_kernel(&w, buf, size);
	return ret;
}

/* --- directories we are in ------------------------------------------------------------------------ */

static long
rule_chdir(long nr, const unsigned long args[6])
{
	struct where w;
	long ret;

	ret = path_resolve(AT_FDCWD, args[0], &w);
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret != 0)
		return ret;
	if (w.w_kind == WHERE_HOST && policy.po_exists)
		(void)path_through_links(AT_FDCWD, w.w_text, true, &w);
	path_cwd_keep();
	if (w.w_kind != WHERE_KERNEL) {
		ret = w.w_kind == WHERE_HOSTPATH ? host_syscall(SYS_chdir, w.w_path) : host_args(nr, args);
		if (ret == 0)
			path_setcwd(CWD_HOST);
		if (ret != -ENOENT || !path_through_links(AT_FDCWD, w.w_text, true, &w))
			return ret;
	}
	ret = kernel_syscall(SYS_chdir, w.w_path);
	if (ret == 0)
		path_setcwd(w.w_blanket ? CWD_BLANKET : CWD_PREFIX);
	return ret;
}

static long
rule_fchdir(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	path_cwd_keep();
	ret = entry > 0 ? kernel_syscall(SYS_fchdir, entry - 1) : host_args(nr, args);
	if (ret == 0)
		path_setcwd(entry <= 0 ? CWD_HOST : policy.po_prefixlen > 0 ? CWD_PREFIX : CWD_BLANKET);
	return ret;
}

static long
rule_getcwd(long nr, const unsigned long args[6])
{
	char inner[PATH_ROOM], shown[PATH_ROOM];
	size_t len;
	long ret;

	if (path_cwd() == CWD_HOST)
		return host_args(nr, args);
	ret = kernel_syscall(SYS_getcwd, inner, sizeof(inner));
	if (ret < 0)
		return ret;
	ret = path_show(inner, path_cwd() == CWD_BLANKET, shown, sizeof(shown));
	if (ret != 0)
		return ret;
	len = text_len(shown) + 1;
	if (len > args[1])
		return -ERANGE;
	return mem_write(args[0], shown, len) ? (long)len : -EFAULT;
}

/* Both shall make files alike. */
static long
rule_umask(long nr, const unsigned long args[6])
{
	if (backend != NULL)
		path_umask_keep(kernel_call(SYS_umask, args));
	return host_args(nr, args);
}

static long
rule_sync(long nr, const unsigned long args[6])
{
	if (backend != NULL)
		(void)kernel_call(SYS_sync, args);
	return host_args(nr, args);
}

/* mount: the place says whose; the source is a name there, or none at all. */
static long
rule_mount(long nr, const unsigned long args[6])
{
	unsigned long kargs[6];
	char source[PATH_ROOM];
	const char *inner;
	struct where w;
	long ret;

	ret = path_resolve(AT_FDCWD, args[1], &w);
	if (ret != 0 || w.w_kind != WHERE_KERNEL)
		return host_args(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[1] = (unsigned long)w.w_path;
	if (args[0] != 0 && mem_string(source, args[0], sizeof(source)) >= 0) {
		inner = path_strip(source);
		kargs[0] = (unsigned long)(inner != NULL ? inner : source);
	}
	return kernel_call(SYS_mount, kargs);
}

/* --- start --------------------------------------------------------------------------------------------- */

static void
describe(const struct sysdesc *sd, bool rule)
{
	struct names nm = { .nm_path = { -1, -1 }, .nm_dirfd = { -1, -1 }, .nm_flags = -1 };

	if (sd->sd_nr >= HIJACK_NCALLS)
		return;
	for (unsigned int i = 0; i < sd->sd_nargs; i++) {
		if (sd->sd_args[i].sa_kind == SYSARG_PATH && nm.nm_n < 2) {
			if (i > 0 && sd->sd_args[i - 1].sa_kind == SYSARG_DIRFD)
				nm.nm_dirfd[nm.nm_n] = (int8_t)(i - 1);
			nm.nm_path[nm.nm_n++] = (int8_t)i;
		}
		if (sd->sd_args[i].sa_kind == SYSARG_FLAGS && (sd->sd_args[i].sa_set == SYSSET_at ||
		    sd->sd_args[i].sa_set == SYSSET_statxat || sd->sd_args[i].sa_set == SYSSET_accessat))
			nm.nm_flags = (int8_t)i;
	}
	nm.nm_makesfd = sd->sd_ret == SYSRET_FD;
	names[sd->sd_nr] = nm;
	if (rule && nm.nm_n > 0 && !sd->sd_nosys)
		dispatch_set(sd->sd_nr, HIJACK_LOOK, nm.nm_n == 1 ? rule_name : rule_two_names);
}

static const struct { unsigned int nr; rule_fn *fn; } special[] = {
	{ SYS_symlink, rule_symlink }, { SYS_symlinkat, rule_symlink },
	{ SYS_readlink, rule_readlink }, { SYS_readlinkat, rule_readlink },
	{ SYS_chdir, rule_chdir }, { SYS_fchdir, rule_fchdir }, { SYS_getcwd, rule_getcwd },
	{ SYS_umask, rule_umask }, { SYS_sync, rule_sync }, { SYS_mount, rule_mount },
};

/*
 * Whose network, whose name servers: a program with the kernel's internet sockets reads the
 * kernel's /etc/resolv.conf, if there is one.
 */
static __attribute__((__noinline__)) bool
resolver_open(long nr, const unsigned long args[6], long *ret)
{
	static const char file[] = "/etc/resolv.conf";
	char text[sizeof(file) + 1];
	struct where w;

	if (mem_string(text, args[names[nr].nm_path[0]], sizeof(text)) < 0 ||
	    !text_equal(text, file))
		return false;
	/* Not before: it is large. */
	w = (struct where){ .w_kind = WHERE_KERNEL, .w_blanket = true, .w_dirfd = AT_FDCWD,
	    .w_path = text };
	*ret = to_kernel(nr, args, &w);
	return *ret >= 0;
}

/* open and openat. */
/* Most names differ in the first letters: a whole string takes longer to get. */
static inline bool
resolver(long nr, const unsigned long args[6], long *ret)
{
	char head[3] = "";

	(void)mem_string(head, args[names[nr].nm_path[0]], sizeof(head));
	return head[0] == '/' && head[1] == 'e' && head[2] == 't' &&
	    resolver_open(nr, args, ret);
}

static long
rule_open(long nr, const unsigned long args[6])
{
	long ret;

	if (policy_socket(AF_INET) && resolver(nr, args, &ret))
		return ret;
	return policy.po_prefixlen == 0 && policy.po_blanket[0] == '\0' ? host_args(nr, args) :
	    rule_name(nr, args);
}

void
name_rules(void)
{
	bool files = policy.po_prefixlen > 0 || policy.po_blanket[0] != '\0';

	for (unsigned int i = 0; i < rump_nsysdesc; i++)
		describe(&rump_sysdesc[i], files);
	if (files || policy_socket(AF_INET)) {
		dispatch_set(SYS_open, HIJACK_LOOK, rule_open);
		dispatch_set(SYS_openat, HIJACK_LOOK, rule_open);
	}
	for (unsigned int i = 0; files && i < sizeof(special) / sizeof(special[0]); i++)
		dispatch_set(special[i].nr, HIJACK_LOOK, special[i].fn);
}
