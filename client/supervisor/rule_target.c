/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_target.c - what changes a process: its descriptors, its directory, its program
 *
 * Descriptors of the kernel get other names by another copy of their placeholder; all else the host
 * does by itself.
 *
 * References: close(2), dup(2), fcntl(2), close_range(2), clone(2), chdir(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "hand.h"
#include "supervisor.h"

const struct backend *backend;		/* NULL: rules of the shared files need none of its parts */

/* --- calls to the kernel ------------------------------------------------------------- */

enum cwd_kind
path_cwd(void)
{
	return (enum cwd_kind)__atomic_load_n(&visit->v_target->t_cwd, __ATOMIC_ACQUIRE);
}

void
path_setcwd(enum cwd_kind kind)
{
	__atomic_store_n(&visit->v_target->t_cwd, (uint32_t)kind, __ATOMIC_RELEASE);
}

/* Each process has its own here, whoever shares memory with whom. */
void
path_cwd_keep(void)
{
}

void
path_umask_keep(long old)
{
	(void)old;
}

int
visit_session(void)
{
	if (visit->v_kernel == NULL)
		visit->v_kernel = many_enter(visit->v_target->t_session);
	return visit->v_kernel != NULL ? 0 : -ENOMEM;
}

int
visit_bell(void)
{
	return visit_session() == 0 ? many_bell(visit->v_kernel) : -ENOMEM;
}

long
kernel_call(unsigned int nr, const unsigned long args[6])
{
	long ret;

	if (visit != NULL && visit_session() != 0)
		return -ENOMEM;
	ret = rumpclient_syscall_args(nr, args);
	if (__builtin_expect(ret == -EFBIG, 0) && visit != NULL)
		limits_exceeded();
	return ret;
}

long
kernel_call_own(unsigned int nr, const unsigned long args[6])
{
	bool before;
	long ret;

	if (visit == NULL)
		return rumpclient_syscall_args(nr, args);
	before = visit->v_own;
	visit->v_own = true;
	ret = kernel_call(nr, args);
	visit->v_own = before;
	return ret;
}

int
kernel_lend(int fd)
{
	return visit_session() != 0 ? -ENOMEM : rumpclient_lend(fd);
}

int
kernel_fetch(int r)
{
	return visit_session() != 0 ? -ENOMEM : rumpclient_fetch(r);
}

/* --- descriptors ------------------------------------------------------------------------ */

static long
rule_close(long nr, const unsigned long args[6])
{
	/* Before the host's: somebody may get the number at once. */
	fdmap_drop(args[0]);
	return CALL_GOES_ON;
}

static long
rule_dup(long nr, const unsigned long args[6])
{
	return fdmap_entry(args[0]) != FDMAP_HOST ? fdmap_again(args[0], -1, false) : CALL_GOES_ON;
}

/* Its own limit, which is not ours. */
static bool
number_allowed(unsigned long n)
{
	struct rlimit rl;

	return host_syscall(SYS_prlimit64, visit->v_target->t_pid, RLIMIT_NOFILE, NULL, &rl) != 0 ||
	    (unsigned int)n < rl.rlim_cur;
}

static long
rule_dup2(long nr, const unsigned long args[6])
{
	bool cloexec = nr == SYS_dup3 && (args[2] & O_CLOEXEC) != 0;
	long ret;
	int fd;

	if (args[0] == args[1] || (nr == SYS_dup3 && (args[2] & ~(unsigned long)O_CLOEXEC) != 0) ||
	    !number_allowed(args[1]))
		return CALL_GOES_ON;
	if (fdmap_entry(args[0]) != FDMAP_HOST)
		return fdmap_again(args[0], (long)(unsigned int)args[1], cloexec);
	if (fdmap_entry(args[1]) == FDMAP_HOST)
		return CALL_GOES_ON;
	/* Whether the host's dup2 works we would not be told. */
	fd = host_borrow(args[0]);
	if (fd < 0)
		return fd;
	fdmap_drop(args[1]);
	ret = visit_give(fd, (long)(unsigned int)args[1], cloexec);
	(void)close(fd);
	return ret;
}

static long
rule_fcntl(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1], args[2] };
	int32_t entry = fdmap_entry(args[0]);

	if (entry == FDMAP_HOST || (entry < 0 && (int)args[1] != F_DUPFD &&
	    (int)args[1] != F_DUPFD_CLOEXEC))
		return CALL_GOES_ON;
	switch ((int)args[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (args[2] == 0)
			return fdmap_again(args[0], -1, (int)args[1] == F_DUPFD_CLOEXEC);
		/* Its number we find when the thread comes again. */
		target_rescan((pid_t)visit->v_call.pid);
		return CALL_GOES_ON;
	case F_GETFD:
	case F_SETFD:
		return CALL_GOES_ON;
	default:
		kargs[0] = (unsigned long)(entry - 1);
		return kernel_call(SYS_fcntl, kargs);
	}
}

/*
 * Names and numbers of interfaces are asked of any socket: libc's if_nametoindex() takes one of
 * AF_UNIX, which is the host's, and means the network that the program has.
 */
static bool
asks_interfaces(const unsigned long args[6])
{
	socklen_t len = sizeof(int);
	int family = 0, fd;

	if (args[1] < SIOCGIFNAME || args[1] > SIOCGIFINDEX || !policy_socket(AF_INET))
		return false;
	fd = host_borrow(args[0]);
	if (fd < 0)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) != 0)
		family = 0;
	host_return(fd);
	return family == AF_UNIX;
}

static long
interface_ioctl(const unsigned long args[6])
{
	long r = kernel_syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0), ret;
	unsigned long kargs[6] = { (unsigned long)r, args[1], args[2] };

	if (host_failed(r))
		return r;
	ret = kernel_call(SYS_ioctl, kargs);
	(void)kernel_syscall(SYS_close, r);
	return ret;
}

static long
rule_ioctl(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1], args[2] };
	int32_t entry = fdmap_entry(args[0]);

	if (entry == FDMAP_HOST && asks_interfaces(args))
		return interface_ioctl(args);
	if (entry <= 0)
		return CALL_GOES_ON;
	/* The flag is the placeholder's. */
	if (args[1] == FIOCLEX || args[1] == FIONCLEX)
		return (kernel_syscall(SYS_fcntl, entry - 1, F_GETFL) & O_PATH) != 0 ? -EBADF :
		    CALL_GOES_ON;
	kargs[0] = (unsigned long)(entry - 1);
	return kernel_call(SYS_ioctl, kargs);
}

static long
rule_close_range(long nr, const unsigned long args[6])
{
	unsigned long first = (unsigned int)args[0], last = (unsigned int)args[1];

	if (first > last || args[2] == CLOSE_RANGE_CLOEXEC ||
	    (args[2] & ~(unsigned long)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) != 0)
		return CALL_GOES_ON;
	for (unsigned long n = first; n <= last && n < visit->v_target->t_nentries; n++)
		fdmap_drop(n);
	return CALL_GOES_ON;
}

/* --- processes ------------------------------------------------------------------------------ */

/* From now on there may be another one, whom we know when it makes a call. */
static long
rule_fork(long nr, const unsigned long args[6])
{
	uint64_t flags = nr == SYS_clone ? args[0] : 0;

	if (nr == SYS_clone3 && !mem_read(&flags, args[0], sizeof(flags)))
		return CALL_GOES_ON;
	/* NEEDSWORK: a process that shares its parent's table (CLONE_FILES) is given a copy. */
	if ((flags & CLONE_THREAD) == 0)
		birth_announce(visit->v_target, (pid_t)visit->v_call.pid);
	return CALL_GOES_ON;
}

/* Who waits for it finds its ports free: we would see its end a moment later. */
static long
rule_exit(long nr, const unsigned long args[6])
{
	birth_meet(visit->v_target, (pid_t)visit->v_call.pid);
	(void)mmap_flush_target(visit->v_target);
	if (nr == SYS_exit)
		target_thread_ends((pid_t)visit->v_call.pid);
	else if (target_has(visit->v_target)) {
		atomic_store(&visit->v_target->t_ends, true);
		(void)kernel_syscall(SYS_close_range, 3, ~0U, 0);
	}
	return CALL_GOES_ON;
}

/* It has to know itself to be refused. */
static long
rule_io_uring(long nr, const unsigned long args[6])
{
	return -ENOSYS;
}

/* --- directories ------------------------------------------------------------------------------- */

/*
 * Out of the kernel's tree by "..": the host is told another name than the program said.
 */
static long
leave_to(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned long args[6] = { 0 };
	struct hand h;
	long n, ret;

	if (fd < 0)
		return -errno;
	n = visit_give(fd, -1, true);
	(void)close(fd);
	if (n < 0)
		return n;
	ret = hand_take(&h);
	if (ret != 0)
		return ret;
	args[0] = (unsigned long)n;
	ret = hand_call(&h, SYS_fchdir, args);
	(void)hand_call(&h, SYS_close, args);
	hand_return(&h, ret);
	return ret;
}

static long
rule_chdir(long nr, const unsigned long args[6])
{
	struct where w;
	struct stat st;
	long ret = path_resolve(AT_FDCWD, args[0], &w);

	if (ret != 0)
		return ret == -EFAULT ? CALL_GOES_ON : ret;
	if (w.w_kind == WHERE_HOST && (policy.po_exists ||
	    host_lacks(CALL_GOES_ON, AT_FDCWD, w.w_text, true)))
		(void)path_through_links(AT_FDCWD, w.w_text, true, &w);
	if (w.w_kind == WHERE_KERNEL) {
		ret = kernel_syscall(SYS_chdir, w.w_path);
		if (ret == 0)
			path_setcwd(w.w_blanket ? CWD_BLANKET : CWD_PREFIX);
		return ret;
	}
	if (w.w_kind == WHERE_HOSTPATH)
		return leave_to(w.w_path);
	if (path_cwd() != CWD_HOST && stat(w.w_path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(w.w_path, X_OK) == 0)
		path_setcwd(CWD_HOST);
	return CALL_GOES_ON;
}

/* Both shall make files alike. */
static long
rule_umask(long nr, const unsigned long args[6])
{
	(void)kernel_call(SYS_umask, args);
	return CALL_GOES_ON;
}

static long
rule_fchdir(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);
	struct stat st;
	long ret;
	int fd;

	if (entry > 0) {
		ret = kernel_syscall(SYS_fchdir, entry - 1);
		if (ret == 0)
			path_setcwd(policy.po_prefixlen > 0 ? CWD_PREFIX : CWD_BLANKET);
		return ret;
	}
	/* Will the host's work? */
	fd = host_borrow(args[0]);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	    faccessat(fd, ".", X_OK, AT_EACCESS) == 0)
		path_setcwd(CWD_HOST);
	host_return(fd);
	return CALL_GOES_ON;
}

/* --- start ------------------------------------------------------------------------------------------ */

static const struct { unsigned int nr; rule_fn *fn; } rules[] = {
	{ SYS_close, rule_close }, { SYS_dup, rule_dup }, { SYS_dup2, rule_dup2 },
	{ SYS_dup3, rule_dup2 }, { SYS_fcntl, rule_fcntl }, { SYS_ioctl, rule_ioctl },
	{ SYS_close_range, rule_close_range },
	{ SYS_fork, rule_fork }, { SYS_vfork, rule_fork }, { SYS_clone, rule_fork },
	{ SYS_clone3, rule_fork }, { SYS_exit, rule_exit }, { SYS_exit_group, rule_exit },
	{ SYS_io_uring_setup, rule_io_uring },
};

void
target_rules(void)
{
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		dispatch_set(rules[i].nr, HIJACK_LOOK, rules[i].fn);
	if (policy.po_prefixlen == 0 && policy.po_blanket[0] == '\0')
		return;
	dispatch_set(SYS_chdir, HIJACK_LOOK, rule_chdir);
	dispatch_set(SYS_fchdir, HIJACK_LOOK, rule_fchdir);
	dispatch_set(SYS_umask, HIJACK_LOOK, rule_umask);
}
