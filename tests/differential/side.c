/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * side.c - the two kernels, and running one call on one of them
 *
 * Both start in the root of an empty tmpfs which is all they see: ours by
 * mount and chroot inside, the host's by mount and chroot of this thread in
 * a mount name space of the process.  Both are mounted with the same flags.
 */

#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "diff.h"

#define BAD_ADDRESS	0x10UL

static long
call_ours(long nr, const unsigned long args[6])
{
	return rump_syscall_args((unsigned int)nr, args);
}

static long
call_host(long nr, const unsigned long args[6])
{
	long ret = syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);

	return ret == -1 ? -errno : ret;
}

static void
side_init(struct side *s, const char *name, long (*call)(long, const unsigned long[6]))
{
	s->sd_name = name;
	s->sd_call = call;
	for (unsigned int i = 0; i < NSLOTS; i++)
		s->sd_fd[i] = -1;
	for (unsigned int i = 0; i < 6; i++)
		s->sd_buf[i] = calloc(1, SIDE_BUF);
}

static bool
ours_enter(unsigned long flags)
{
	return rump_init() == 0 && rump_sys_mkdir("/differential", 0755) == 0 &&
	    rump_sys_mount("tmpfs", "/differential", "tmpfs", flags, "mode=755") == 0 &&
	    rump_sys_chroot("/differential") == 0 && rump_sys_chdir("/") == 0 && rump_sys_umask(022) != (mode_t)-1;
}

static bool
host_enter(const char *dir, unsigned long flags)
{
	char root[64];

	snprintf(root, sizeof(root), "%s/host", dir);
	return mount("tmpfs", root, "tmpfs", flags, "mode=755,huge=never") == 0 &&
	    chroot(root) == 0 && chdir("/") == 0 && umask(022) != (mode_t)-1;
}

bool
side_open(struct side *ours, struct side *host, const char *dir, unsigned long flags, bool twin,
    const char **ret_why)
{
	side_init(ours, twin ? "twin" : "ours", twin ? twin_call : call_ours);
	side_init(host, "host", call_host);
	if (!twin && !ours_enter(flags)) {
		*ret_why = "our kernel: no tmpfs";
		return false;
	}
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    (twin && !twin_open(dir, flags)) || !host_enter(dir, flags)) {
		*ret_why = "host: no tmpfs in a name space of our own";
		return false;
	}
	return true;
}

/* Arguments: what both sides get from the same value. */

static void
fill_bytes(unsigned char *buf, long value)
{
	uint64_t r = (uint64_t)value;

	for (unsigned int i = 0; i < SIDE_BUF; i += 8) {
		uint64_t v = rnd_next(&r);

		memcpy(buf + i, &v, 8);
	}
}

void
fill_times(struct timespec *ts, long value)
{
	uint64_t r = (uint64_t)value;

	for (unsigned int i = 0; i < 2; i++) {
		ts[i].tv_sec = rnd_below(&r, 100000);
		ts[i].tv_nsec = rnd_below(&r, 1000000000);
		switch (rnd_below(&r, 10)) {
		case 0:
			ts[i].tv_nsec = UTIME_NOW;
			break;
		case 1:
			ts[i].tv_nsec = UTIME_OMIT;
			break;
		case 2:
			ts[i].tv_nsec = 1000000000;
			break;
		}
	}
}

/* An open_how, and behind it bytes that must be zero but may not be. */
void
fill_how(unsigned char *buf, long value, const struct arg_desc *ad)
{
	static const uint64_t flags[] = { O_RDONLY, O_RDWR | O_CREAT, O_DIRECTORY, O_PATH, O_WRONLY, O_RDONLY | O_NOFOLLOW,
	    O_RDWR | O_CREAT | O_EXCL, O_PATH | O_NOFOLLOW, O_RDWR | O_TMPFILE, 1ULL << 40, O_PATH | O_CREAT };
	uint64_t r = (uint64_t)value;
	struct open_how how = { .flags = flags[rnd_below(&r, sizeof(flags) / sizeof(flags[0]))] };
	unsigned int n = rnd_below(&r, 3);

	if ((how.flags & O_PATH) == 0)
		how.flags |= O_NONBLOCK;
	if ((how.flags & (O_CREAT | __O_TMPFILE)) != 0)
		how.mode = rnd_below(&r, 10) == 0 ? 0200000 : 0640;
	else if (rnd_below(&r, 30) == 0)
		how.mode = 0600;
	while (n-- > 0)
		how.resolve |= (uint64_t)((const long *)ad->ad_list)[rnd_below(&r, ad->ad_count)];
	memset(buf, 0, SIDE_BUF);
	memcpy(buf, &how, sizeof(how));
	buf[sizeof(how) + 4] = rnd_below(&r, 2) == 0;
}

void
fill_flock(struct flock *fl, long value)
{
	static const short types[] = { F_RDLCK, F_WRLCK, F_UNLCK, 9 }, whences[] = { SEEK_SET, SEEK_SET, SEEK_END, 7 };
	uint64_t r = (uint64_t)value;

	memset(fl, 0, sizeof(*fl));
	fl->l_type = types[rnd_below(&r, 4) & (rnd_below(&r, 8) == 0 ? 3 : 1)];
	fl->l_whence = whences[rnd_below(&r, 4) & (rnd_below(&r, 8) == 0 ? 3 : 1)];
	fl->l_start = (long)rnd_below(&r, 40) - (rnd_below(&r, 20) == 0 ? 50 : 0);
	fl->l_len = (long)rnd_below(&r, 20) - (rnd_below(&r, 20) == 0 ? 30 : 0);
	fl->l_pid = rnd_below(&r, 20) == 0 ? 5 : 0;
}

/* Three pieces of a buffer, one of them empty. */
static void
fill_iov(struct side *s, unsigned int i, long value, bool content)
{
	struct iovec *iov = (struct iovec *)(void *)s->sd_buf[i];
	unsigned char *bytes = s->sd_buf[(i + 4) % 6];
	uint64_t r = (uint64_t)value;
	size_t a = rnd_below(&r, 300), b = rnd_below(&r, 5000);

	if (content)
		fill_bytes(bytes, value);
	iov[0] = (struct iovec){ bytes, a };
	iov[1] = (struct iovec){ bytes + a, rnd_below(&r, 3) == 0 ? 0 : 1 };
	iov[2] = (struct iovec){ bytes + a + 1, b };
}

static void
fill_poll(struct side *s, struct pollfd *pfd, long value)
{
	static const short events[] = { POLLIN, POLLOUT, POLLIN | POLLOUT, 0, POLLIN | POLLRDHUP };
	uint64_t r = (uint64_t)value;

	for (unsigned int i = 0; i < 2; i++) {
		pfd[i].fd = s->sd_fd[rnd_below(&r, NSLOTS)];
		pfd[i].events = events[rnd_below(&r, 5)];
		pfd[i].revents = 0x5555;
	}
}

static void
fill_epoll(struct epoll_event *ev, long value)
{
	static const uint32_t events[] = { EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
	    EPOLLIN | EPOLLOUT | EPOLLET, 0, EPOLLIN | EPOLLRDHUP, EPOLLIN | EPOLLEXCLUSIVE };
	uint64_t r = (uint64_t)value;

	ev->events = events[rnd_below(&r, 9)];
	ev->data.u64 = (uint64_t)value;
}

static void
fill_groups(unsigned int *groups, long value)
{
	static const unsigned int usual[] = { 0, 1000, 1001, 65534 };
	uint64_t r = (uint64_t)value;

	for (unsigned int i = 0; i < 3; i++)
		groups[i] = usual[rnd_below(&r, 4)];
}

static unsigned long
argument(struct side *s, const struct op *op, unsigned int i)
{
	const struct arg_desc *ad = &op->op_desc->od_args[i];
	unsigned char *buf = s->sd_buf[i];
	long v = op->op_value[i];

	switch (ad->ad_kind) {
	case A_FD:
	case A_DIRECTORY:
	case A_DIRFD:
		return (unsigned long)(v >= 0 ? s->sd_fd[v] : (int)v);
	case A_PATH:
	case A_TARGET:
	case A_STRING:
		if (op->op_string[i] != NULL)
			return (unsigned long)op->op_string[i];
		return v == -1 ? 0 : BAD_ADDRESS;
	case A_IN:
		fill_bytes(buf, v);
		return (unsigned long)buf;
	case A_OUT:
		memset(buf, 0xa5, SIDE_BUF);
		return v < 0 ? BAD_ADDRESS : (unsigned long)buf;
	case A_TIMES:
		fill_times((struct timespec *)(void *)buf, v);
		return v % 8 == 0 ? 0 : (unsigned long)buf;
	case A_HOW:
		fill_how(buf, v, ad);
		return (unsigned long)buf;
	case A_IOVIN:
	case A_IOVOUT:
		fill_iov(s, i, v, ad->ad_kind == A_IOVIN);
		return (unsigned long)buf;
	case A_FLOCK:
		fill_flock((struct flock *)(void *)buf, v);
		return (unsigned long)buf;
	case A_POLL:
		fill_poll(s, (struct pollfd *)(void *)buf, v);
		return (unsigned long)buf;
	case A_EPEVENT:
		fill_epoll((struct epoll_event *)(void *)buf, v);
		return (unsigned long)buf;
	case A_GROUPS:
		fill_groups((unsigned int *)(void *)buf, v);
		return (unsigned long)buf;
	case A_FDPAIR:
		return (unsigned long)buf;
	default:
		return (unsigned long)v;
	}
}

static void
slot_set(struct side *s, unsigned int slot, int fd)
{
	unsigned long args[6] = { (unsigned long)s->sd_fd[slot % NSLOTS] };

	if (s->sd_fd[slot % NSLOTS] >= 0)
		s->sd_call(SYS_close, args);
	s->sd_fd[slot % NSLOTS] = fd;
}

/* Descriptors are kept by slot; a closed one stays, to be found closed. */
static void
keep_descriptors(struct side *s, const struct op *op, const unsigned long *args, long ret)
{
	if (ret < 0)
		return;
	s->sd_fallocated += op->op_desc->od_nr == SYS_fallocate;
	if (op->op_desc->od_result == R_FD) {
		slot_set(s, op->op_slot, (int)ret);
	} else if (op->op_desc->od_result == R_FDPAIR) {
		int fds[2];

		memcpy(fds, (const void *)args[0], sizeof(fds));
		slot_set(s, op->op_slot, fds[0]);
		slot_set(s, op->op_slot + 1, fds[1]);
	} else if (op->op_desc->od_nr == SYS_close) {
		for (unsigned int i = 0; i < NSLOTS; i++)
			if (s->sd_fd[i] == (int)args[0])
				s->sd_fd[i] = -1;
	}
}

/* The type bits of an argument's file, or -1. */
static int
type_of(struct side *s, unsigned long fd)
{
	struct stat st;
	unsigned long fstat[6] = { fd, (unsigned long)&st };

	return s->sd_call(SYS_fstat, fstat) == 0 ? (int)(st.st_mode & S_IFMT) : -1;
}

/*
 * eventfd and epoll files all share one inode on Linux, so their locks meet
 * those of the rest of the machine.  Nobody locks pipes or sets their times;
 * Linux can.  An eventfd takes the pieces of a vector one by one there.
 */
static bool
is_odd_on_nameless(struct side *s, const struct op *op, const unsigned long *args)
{
	switch (op->op_desc->od_nr) {
	case SYS_writev:
	case SYS_pwritev2:
		return type_of(s, args[0]) == 0;
	case SYS_utimensat:
		return args[1] == 0 && type_of(s, args[0]) == S_IFIFO;
	case SYS_flock:
		break;
	default:
		if (op->op_desc->od_result != R_FLOCK)
			return false;
	}
	return type_of(s, args[0]) == 0 || type_of(s, args[0]) == S_IFIFO;
}

/*
 * What was allocated and not written is data or a hole as a file system likes;
 * tmpfs changes its mind when it is allocated twice.
 */
static bool
is_hole_in_doubt(const struct side *s, const struct op *op, const unsigned long *args)
{
	return op->op_desc->od_nr == SYS_lseek && (args[2] == SEEK_DATA || args[2] == SEEK_HOLE) && s->sd_fallocated > 1;
}

/*
 * Where a directory's positions are, and what one past its end shows of later
 * entries, is each file system's affair.
 */
static bool
is_position_of_directory(struct side *s, const struct op *op, const unsigned long *args)
{
	return op->op_desc->od_nr == SYS_lseek && args[2] != SEEK_SET && type_of(s, args[0]) == S_IFDIR;
}

static void
rewind_directory(struct side *s, const unsigned long *args)
{
	unsigned long seek[6] = { args[0], 0, SEEK_SET };

	s->sd_call(SYS_lseek, seek);
}

void
side_run(struct side *s, const struct op *op, char text[TEXT_MAX])
{
	unsigned long args[6] = { 0 };
	long ret = 0;

	for (unsigned int i = 0; i < 6; i++)
		if (op->op_desc->od_args[i].ad_kind != A_NONE)
			args[i] = argument(s, op, i);
	if (op->op_desc->od_result == R_DIRECTORY) {
		show_directory(s, (int)args[0], text, TEXT_MAX);
		return;
	}
	if (op->op_desc->od_nr == SYS_getdents64)
		rewind_directory(s, args);
	if (is_odd_on_nameless(s, op, args) || is_hole_in_doubt(s, op, args) || is_position_of_directory(s, op, args)) {
		strcpy(text, "not tried");
		return;
	}
	if (op->op_desc->od_result != R_TREE)
		ret = s->sd_call(op->op_desc->od_nr, args);
	/* Of what else a buffer holds nothing is shown after a failure. */
	show_result(s, op, ret, text);
	keep_descriptors(s, op, args, ret);
}
