/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * name.c - calls that take names
 *
 * The description of a call says which arguments are names and which are the directories they
 * are relative to.  One name: the call goes where it leads.  Two: both have
 * to lead to the same kernel, else EXDEV.
 */

#include "name_impl.h"

#include "hijack.h"

#include <abi/sysdesc.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>

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
		ret = by_descriptor(nr, args, n, wants_cloexec(nr, args), &done);
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
