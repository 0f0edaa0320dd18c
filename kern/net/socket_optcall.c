/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_optcall.c - setsockopt and getsockopt, and options of protocols
 *
 * Those of SOL_SOCKET are socket_opt.c's and socket_getopt.c's.  All others are
 * the protocol's, which sees a copy of the value and leaves its answer in one.
 *
 * References: setsockopt(2), getsockopt(2).
 */

#include <abi/sysargs.h>
#include <lib/string.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>

#include "socket_impl.h"

#define OPTVAL_FAST	128
#define OPTVAL_MAX	65536	/* of which a protocol sees a copy */

static int
socket_protoopt_set(struct socket *so, int level, int name, const void *uval,
    socklen_t len)
{
	uint64_t fast[OPTVAL_FAST / 8];
	size_t room = len < OPTVAL_MAX ? len : OPTVAL_MAX;
	void *val = fast;
	int error;

	if (so->so_ops->so_setopt == NULL)
		return EOPNOTSUPP;
	if (room > OPTVAL_FAST) {
		val = kmem_alloc(room, KM_SLEEP);
		if (val == NULL)
			return ENOMEM;
	}
	error = room > 0 ? copyin(uval, val, room) : 0;
	if (error == 0)
		error = so->so_ops->so_setopt(so, level, name, val, len <
		    OPTVAL_MAX ? len : OPTVAL_MAX);
	if (val != fast)
		kmem_free(val, room);
	return error;
}

/* Of a few the value is a question too, whose answer overwrites it: RFC 3678 section 4.1.3. */
static bool
option_asks(int level, int name)
{
	return (level == SOL_IP && (name == IP_MSFILTER || name == MCAST_MSFILTER)) ||
	    (level == SOL_IPV6 && name == MCAST_MSFILTER);
}

static int
socket_protoopt_get(struct socket *so, int level, int name, void *uval,
    int *ulen)
{
	uint64_t fast[OPTVAL_FAST / 8];
	size_t room;
	void *val = fast;
	socklen_t len;
	int error;

	if (so->so_ops->so_getopt == NULL)
		return EOPNOTSUPP;
	error = copyin(ulen, &len, sizeof(len));
	if (error)
		return error;
	if (len > INT32_MAX)
		return EINVAL;
	if (len > OPTVAL_MAX)
		len = OPTVAL_MAX;
	room = len;
	if (room > OPTVAL_FAST) {
		val = kmem_zalloc(room, KM_SLEEP);
		if (val == NULL)
			return ENOMEM;
	} else
		memset(fast, 0, sizeof(fast));
	if (unlikely(option_asks(level, name)))
		error = copyin(uval, val, room);
	if (error == 0)
		error = so->so_ops->so_getopt(so, level, name, val, &len);
	if (error == 0 && len > 0)
		error = copyout(val, uval, len < room ? len : room);
	if (error == 0)
		error = copyout(&len, ulen, sizeof(len));
	if (val != fast)
		kmem_free(val, room);
	return error;
}

int
sys_setsockopt(struct lwp *l, int fd, int level, int name, const void *uval,
    int len, long *ret)
{
	struct socket *so;
	struct file *fp;
	int error;

	if (len < 0)
		return EINVAL;
	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	error = level == SOL_SOCKET ? socket_setopt(so, name, uval, (socklen_t)len) :
	    socket_protoopt_set(so, level, name, uval,
	    (socklen_t)len);
	fd_put(fp);
	return error;
}

int
sys_getsockopt(struct lwp *l, int fd, int level, int name, void *uval,
    int *ulen, long *ret)
{
	struct socket *so;
	struct file *fp;
	int error;

	error = socket_fromfd(fd, &fp, &so);
	if (error)
		return error;
	error = level == SOL_SOCKET ?
	    socket_getopt(so, name, uval, ulen) :
	    socket_protoopt_get(so, level, name, uval, ulen);
	fd_put(fp);
	return error;
}
