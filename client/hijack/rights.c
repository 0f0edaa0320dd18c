/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rights.c - descriptors that are sent along with messages (SCM_RIGHTS)
 *
 * In the program they are numbers of the program, in a message of either kernel they are that kernel's.
 *
 *	through the kernel	its own by their numbers there; one of the host is lent to it, and is
 *				the host's again when it arrives (rumpclient_lend(3))
 *	through the host	its own as they are; one of the kernel is packed: what goes is a descriptor
 *				of the host that stands for it (rumpclient_parcel(3)), and is replaced when
 *				it arrives
 *
 * References: unix(7), cmsg(3).
 */

#include "rights.h"

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#define LABEL		0x50535552u	/* what a parcel says first */

typedef long right_fn(int *fd, void *arg);

/* --- control data ------------------------------------------------------------------------ */

/* The next one with descriptors, from *at on; false: there is none. */
static bool
next_rights(const unsigned char *control, size_t len, size_t *at, struct cmsghdr *c)
{
	while (*at <= len && len - *at >= sizeof(*c)) {
		mem_copy(c, control + *at, sizeof(*c));
		if (c->cmsg_len < sizeof(*c) || c->cmsg_len > len - *at)
			return false;
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			return true;
		*at += CMSG_ALIGN(c->cmsg_len);
	}
	return false;
}

bool
rights_any(const unsigned char *control, size_t len)
{
	struct cmsghdr c;
	size_t at = 0;

	return next_rights(control, len, &at, &c);
}

static unsigned int
count(const struct cmsghdr *c)
{
	return (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
}

/* fn for one after another, until it fails: its error, and how many it took. */
static long
each_of(unsigned char *data, unsigned int n, right_fn *fn, void *arg, unsigned int *ret_done)
{
	long ret = 0;
	int fd;

	for (*ret_done = 0; *ret_done < n; ++*ret_done) {
		mem_copy(&fd, data + *ret_done * sizeof(fd), sizeof(fd));
		ret = fn(&fd, arg);
		if (ret != 0)
			return ret;
		mem_copy(data + *ret_done * sizeof(fd), &fd, sizeof(fd));
	}
	return 0;
}

static long
each_right(unsigned char *control, size_t len, right_fn *fn, void *arg)
{
	struct cmsghdr c;
	unsigned int done;
	size_t at = 0;
	long ret;

	while (next_rights(control, len, &at, &c)) {
		ret = each_of(control + at + CMSG_LEN(0), count(&c), fn, arg, &done);
		if (ret != 0)
			return ret;
		at += CMSG_ALIGN(c.cmsg_len);
	}
	return 0;
}

/* Only the first keep of those at at stay.  The new length of all. */
static size_t
shorten(unsigned char *control, size_t len, size_t at, unsigned int keep)
{
	struct cmsghdr c;
	size_t end, left = keep > 0 ? CMSG_SPACE(keep * sizeof(int)) : 0;

	mem_copy(&c, control + at, sizeof(c));
	end = at + CMSG_ALIGN(c.cmsg_len);
	end = end < len ? end : len;
	if (keep > 0) {
		c.cmsg_len = CMSG_LEN(keep * sizeof(int));
		mem_copy(control + at, &c, sizeof(c));
	}
	(void)mem_move(control + at + left, control + end, len - end);
	return at + left + (len - end);
}

/* --- through the kernel -------------------------------------------------------------------- */

/*
 * The host's epoll that has a companion would lose it on the way.
 */
static long
right_lend(int *fd, void *arg)
{
	int32_t entry = fdmap_entry((unsigned long)*fd);
	struct rights *ri = arg;
	int mine, r;

	if (entry > 0) {
		*fd = entry - 1;
		return 0;
	}
	if (entry != FDMAP_HOST)
		return entry == FDMAP_HIDDEN ? -EBADF : -EINVAL;
	if (ri->ri_n == RIGHTS_MAX)
		return -EINVAL;
	mine = host_borrow((unsigned long)*fd);
	if (mine < 0)
		return -EBADF;
	r = kernel_lend(mine);
	host_return(mine);
	if (r < 0)
		return r;
	ri->ri_fd[ri->ri_n++] = *fd = r;
	return 0;
}

long
rights_lend(unsigned char *control, size_t len, struct rights *ri)
{
	return each_right(control, len, right_lend, ri);
}

void
rights_lent(struct rights *ri)
{
	for (unsigned int i = 0; i < ri->ri_n; i++)
		(void)kernel_syscall(SYS_close, ri->ri_fd[i]);
	ri->ri_n = 0;
}

static long
right_take(int *fd, void *arg)
{
	const bool *cloexec = arg;
	int r = *fd, mine = kernel_fetch(r);
	long n;

	if (mine >= 0) {
		(void)kernel_syscall(SYS_close, r);
		n = host_give(mine, *cloexec);
	} else if (mine == -EINVAL) {
		n = fdmap_new(r, *cloexec);
	} else {
		(void)kernel_syscall(SYS_close, r);
		n = mine;
	}
	if (host_failed(n))
		return n;
	*fd = (int)n;
	return 0;
}

static long
right_drop(int *fd, void *arg)
{
	(void)arg;
	(void)kernel_syscall(SYS_close, *fd);
	return 0;
}

size_t
rights_take(unsigned char *control, size_t len, bool cloexec, bool *ret_cut)
{
	struct cmsghdr c;
	unsigned int done, none;
	size_t at = 0;

	while (next_rights(control, len, &at, &c)) {
		unsigned char *data = control + at + CMSG_LEN(0);

		if (each_of(data, count(&c), right_take, &cloexec, &done) == 0) {
			at += CMSG_ALIGN(c.cmsg_len);
			continue;
		}
		/* Whose turn it was is closed already. */
		(void)each_of(data + (done + 1) * sizeof(int), count(&c) - done - 1, right_drop, NULL,
		    &none);
		len = shorten(control, len, at, done);
		at += done > 0 ? CMSG_SPACE(done * sizeof(int)) : 0;
		*ret_cut = true;
	}
	return len;
}

/* --- through the host ------------------------------------------------------------------------ */

#ifndef HIJACK_SUPERVISOR

static long
right_pack(int *fd, void *arg)
{
	int r = fdmap_get((unsigned long)*fd), parcel;
	struct rights *ri = arg;

	if (r < 0)
		return fdmap_entry((unsigned long)*fd) == FDMAP_HIDDEN ? -EBADF : 0;
	if (ri->ri_n == RIGHTS_MAX)
		return -EINVAL;
	parcel = kernel_parcel(r);
	if (parcel < 0)
		return parcel;
	ri->ri_fd[ri->ri_n++] = *fd = parcel;
	return 0;
}

long
rights_pack(unsigned char *control, size_t len, struct rights *ri)
{
	return each_right(control, len, right_pack, ri);
}

void
rights_packed(struct rights *ri)
{
	for (unsigned int i = 0; i < ri->ri_n; i++) {
		fdmap_unhide(ri->ri_fd[i]);
		(void)host_syscall(SYS_close, ri->ri_fd[i]);
	}
	ri->ri_n = 0;
}

static long
right_unpack(int *fd, void *arg)
{
	const bool *cloexec = arg;
	uint32_t label = 0;
	int r;

	if (host_syscall(SYS_recvfrom, *fd, &label, sizeof(label), MSG_PEEK | MSG_DONTWAIT) !=
	    sizeof(label) || label != LABEL)
		return 0;
	r = kernel_unparcel(*fd);
	if (r >= 0)
		fdmap_become((unsigned long)*fd, r, *cloexec);
	return 0;
}

void
rights_unpack(unsigned char *control, size_t len, bool cloexec)
{
	(void)each_right(control, len, right_unpack, &cloexec);
}

#endif
