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
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include <abi/sysdesc.h>

#include "supervisor.h"

const struct backend *backend;		/* NULL: rules of the shared files need none of its parts */

/* --- calls to the kernel ------------------------------------------------------------- */

static pthread_mutex_t cwd_lock = PTHREAD_MUTEX_INITIALIZER;
static int cwd_now = -1;		/* cwd_lock: t_cwdfd of whose it is in the kernel */
static bool uses_cwd[HIJACK_NCALLS];

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

/* The proc of all has one directory, which is that of the one whose call it is. */
static long
call_in_cwd(unsigned int nr, const unsigned long args[6], int cwdfd)
{
	unsigned long fchdir_args[6] = { (unsigned long)cwdfd };
	long ret = 0;

	(void)pthread_mutex_lock(&cwd_lock);
	if (cwd_now != cwdfd)
		ret = rumpclient_syscall_args(SYS_fchdir, fchdir_args);
	cwd_now = ret == 0 ? cwdfd : -1;
	if (ret == 0)
		ret = rumpclient_syscall_args(nr, args);
	(void)pthread_mutex_unlock(&cwd_lock);
	return ret;
}

long
kernel_call(unsigned int nr, const unsigned long args[6])
{
	if (visit != NULL && nr < HIJACK_NCALLS && uses_cwd[nr] && path_cwd() != CWD_HOST)
		return call_in_cwd(nr, args, visit->v_target->t_cwdfd);
	return rumpclient_syscall_args(nr, args);
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
	return fdmap_entry(args[0]) > 0 ? fdmap_again(args[0], -1, false) : CALL_GOES_ON;
}

static long
rule_dup2(long nr, const unsigned long args[6])
{
	bool cloexec = nr == SYS_dup3 && (args[2] & O_CLOEXEC) != 0;
	long ret;
	int fd;

	if (args[0] == args[1])
		return nr == SYS_dup3 || fdmap_entry(args[0]) <= 0 ? CALL_GOES_ON : (long)args[1];
	if (fdmap_entry(args[0]) > 0)
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

	if (entry <= 0)
		return CALL_GOES_ON;
	switch ((int)args[1]) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (args[2] == 0)
			return fdmap_again(args[0], -1, args[1] == F_DUPFD_CLOEXEC);
		/* Its number we find when the thread comes again. */
		__atomic_store_n(&visit->v_target->t_rescan, (pid_t)visit->v_call.pid,
		    __ATOMIC_RELEASE);
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
	if (entry <= 0 || args[1] == FIOCLEX || args[1] == FIONCLEX)
		return CALL_GOES_ON;
	kargs[0] = (unsigned long)(entry - 1);
	return kernel_call(SYS_ioctl, kargs);
}

static long
rule_close_range(long nr, const unsigned long args[6])
{
	unsigned long first = (unsigned int)args[0], last = (unsigned int)args[1];

	if ((args[2] & CLOSE_RANGE_CLOEXEC) != 0)
		return CALL_GOES_ON;
	for (unsigned long n = first; n <= last && n < visit->v_target->t_nentries; n++)
		fdmap_drop(n);
	return CALL_GOES_ON;
}

/* --- processes ------------------------------------------------------------------------------ */

static void
share(struct target *t, unsigned int n, int32_t entry)
{
	fdmap_shared(entry);
}

/* From now on there may be others with these descriptors, whom we know when they make a call. */
static long
rule_fork(long nr, const unsigned long args[6])
{
	uint64_t flags = nr == SYS_clone ? args[0] : 0;

	if (nr == SYS_clone3 && !mem_read(&flags, args[0], sizeof(flags)))
		return CALL_GOES_ON;
	if ((flags & (CLONE_THREAD | CLONE_FILES)) == 0)
		target_each(visit->v_target, share);
	return CALL_GOES_ON;
}

static long
rule_exit(long nr, const unsigned long args[6])
{
	target_thread_ends((pid_t)visit->v_call.pid);
	return CALL_GOES_ON;
}

/* What is closed on exec is gone afterwards; if it fails, nothing is. */
static long
rule_exec(long nr, const unsigned long args[6])
{
	__atomic_store_n(&visit->v_target->t_rescan, visit->v_target->t_pid, __ATOMIC_RELEASE);
	return CALL_GOES_ON;
}

/* It has to know itself to be refused. */
static long
rule_io_uring(long nr, const unsigned long args[6])
{
	return -ENOSYS;
}

/* --- directories ------------------------------------------------------------------------------- */

static void
cwd_replace(struct target *t, int cwdfd)
{
	int old;

	(void)pthread_mutex_lock(&cwd_lock);
	old = __atomic_exchange_n(&t->t_cwdfd, cwdfd, __ATOMIC_ACQ_REL);
	if (cwd_now == old)
		cwd_now = -1;
	(void)pthread_mutex_unlock(&cwd_lock);
	if (old >= 0)
		(void)kernel_syscall(SYS_close, old);
}

void
target_inherit_cwd(struct target *t, const struct target *parent)
{
	long fd;

	if (parent->t_cwd == CWD_HOST)
		return;
	fd = kernel_syscall(SYS_dup, parent->t_cwdfd);
	if (fd < 0)
		return;
	t->t_cwdfd = (int)fd;
	t->t_cwd = parent->t_cwd;
}

static long
enter(int dirfd, const char *path, enum cwd_kind kind)
{
	long fd = kernel_syscall(SYS_openat, dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fd;
	cwd_replace(visit->v_target, (int)fd);
	path_setcwd(kind);
	return 0;
}

static long
rule_chdir(long nr, const unsigned long args[6])
{
	struct where w;
	struct stat st;
	long ret = path_resolve(AT_FDCWD, args[0], &w);

	if (ret != 0)
		return ret == -EFAULT ? CALL_GOES_ON : ret;
	if (w.w_kind == WHERE_KERNEL)
		return enter(w.w_dirfd, w.w_path, w.w_blanket ? CWD_BLANKET : CWD_PREFIX);
	/*
	 * NEEDSWORK: nobody can be moved from outside.  "cd ../.." out of the kernel's tree would take
	 * a name in the program's memory that we may write to.
	 */
	if (w.w_kind == WHERE_HOSTPATH)
		return -EXDEV;
	if (path_cwd() != CWD_HOST && stat(w.w_path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    access(w.w_path, X_OK) == 0)
		path_setcwd(CWD_HOST);
	return CALL_GOES_ON;
}

static long
rule_fchdir(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);

	if (entry > 0)
		return enter(entry - 1, ".", policy.po_prefixlen > 0 ? CWD_PREFIX : CWD_BLANKET);
	path_setcwd(CWD_HOST);
	return CALL_GOES_ON;
}

/* --- start ------------------------------------------------------------------------------------------ */

static const struct { unsigned int nr; rule_fn *fn; } rules[] = {
	{ SYS_close, rule_close }, { SYS_dup, rule_dup }, { SYS_dup2, rule_dup2 },
	{ SYS_dup3, rule_dup2 }, { SYS_fcntl, rule_fcntl }, { SYS_ioctl, rule_ioctl },
	{ SYS_close_range, rule_close_range },
	{ SYS_fork, rule_fork }, { SYS_vfork, rule_fork }, { SYS_clone, rule_fork },
	{ SYS_clone3, rule_fork }, { SYS_exit, rule_exit }, { SYS_execve, rule_exec },
	{ SYS_execveat, rule_exec }, { SYS_io_uring_setup, rule_io_uring },
	/* A placeholder cannot be mapped, and the host says so. */
	{ SYS_mmap, NULL },
};

void
target_rules(void)
{
	for (unsigned int i = 0; i < rump_nsysdesc; i++) {
		const struct sysdesc *sd = &rump_sysdesc[i];

		for (unsigned int a = 0; a < sd->sd_nargs && sd->sd_nr < HIJACK_NCALLS; a++) {
			if (sd->sd_args[a].sa_kind == SYSARG_PATH)
				uses_cwd[sd->sd_nr] = true;
		}
	}
	uses_cwd[SYS_getcwd] = true;
	for (unsigned int i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		dispatch_set(rules[i].nr, HIJACK_LOOK, rules[i].fn);
	if (policy.po_prefixlen == 0 && policy.po_blanket[0] == '\0')
		return;
	dispatch_set(SYS_chdir, HIJACK_LOOK, rule_chdir);
	dispatch_set(SYS_fchdir, HIJACK_LOOK, rule_fchdir);
}
