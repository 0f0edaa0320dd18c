/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_getopt.c - reading the options of SOL_SOCKET
 *
 * Most are an integer, of which a client with less room gets the first bytes
 * and no error.  Those that are a structure or a list have rules of their own.
 *
 * References: socket(7), unix(7).
 */

#include <lib/string.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/sock_diag.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "socket_impl.h"
#include "socket_opt.h"
#include "sockfilter.h"

static uint64_t socket_lastcookie;	/* a */

/* Those of the value that the client has room for. */
static int
getopt_out(const void *val, int len, void *uval, int room, int *ulen)
{
	int error;

	if (room > len)
		room = len;
	error = copyout(val, uval, (size_t)room);
	return error ? error : copyout(&room, ulen, sizeof(room));
}

/* --- values that are more than an integer ------------------------------------------ */

static int
getopt_linger(struct socket *so, void *uval, int room, int *ulen)
{
	struct linger li;

	mutex_enter(&so->so_lock);
	li.l_onoff = so->so_linger >= 0;
	li.l_linger = so->so_linger >= 0 ? so->so_linger : 0;
	mutex_exit(&so->so_lock);
	return getopt_out(&li, sizeof(li), uval, room, ulen);
}

static int
getopt_timeout(struct socket *so, const struct sockbuf *sb, void *uval,
    int room, int *ulen)
{
	struct timespec64 tv;		/* a timeval */
	int64_t ns;

	mutex_enter(&so->so_lock);
	ns = sb->sb_timeo > 0 ? sb->sb_timeo : 0;
	mutex_exit(&so->so_lock);
	tv = ktime_to_timespec(ns);
	tv.tv_nsec /= 1000;
	return getopt_out(&tv, sizeof(tv), uval, room, ulen);
}

static int
getopt_timestamping(struct socket *so, void *uval, int room, int *ulen)
{
	uint32_t val[2] = { atomic_load(&so->so_tsflags), 0 };

	return getopt_out(val, sizeof(val), uval, room, ulen);
}

static int
getopt_peercred(struct socket *so, void *uval, int room, int *ulen)
{
	struct ucred uc = { 0, (uid_t)-1, (gid_t)-1 };

	if (so->so_family == AF_UNIX) {
		mutex_enter(&so->so_lock);
		uc = so->so_peercred;
		mutex_exit(&so->so_lock);
	}
	return getopt_out(&uc, sizeof(uc), uval, room, ulen);
}

/* The list as it was when the connection was made. */
static int
getopt_peergroups(struct socket *so, void *uval, int room, int *ulen)
{
	struct cred *cr;
	int error, size;

	mutex_enter(&so->so_lock);
	cr = so->so_peerid;
	if (cr != NULL)
		cred_hold(cr);
	mutex_exit(&so->so_lock);
	if (cr == NULL)
		return ENODATA;
	size = (int)(cr->cr_ngroups * sizeof(gid_t));
	if (room < size) {
		error = copyout(&size, ulen, sizeof(size));
		error = error ? error : ERANGE;
	} else
		error = getopt_out(cr->cr_groups, size, uval, room, ulen);
	cred_rele(cr);
	return error;
}

static int
getopt_peername(struct socket *so, void *uval, int room, int *ulen)
{
	struct sockaddr_storage ss;
	socklen_t len = 0;

	if (so->so_ops->so_name == NULL ||
	    so->so_ops->so_name(so, true, &ss, &len) != 0)
		return ENOTCONN;
	if ((int)len < room)
		return EINVAL;
	return getopt_out(&ss, (int)len, uval, room, ulen);
}

static int
getopt_device(struct socket *so, void *uval, int room, int *ulen)
{
	uint32_t index = atomic_load(&so->so_bound_if);
	char name[IFNAMSIZ];
	struct ifnet *ifp;
	int len = 0;

	if (index == 0)
		return copyout(&len, ulen, sizeof(len));
	if (room < IFNAMSIZ)
		return EINVAL;
	ifp = if_byindex(so->so_ns, index);
	if (ifp == NULL)
		return ENODEV;
	memcpy(name, ifp->if_name, sizeof(name));
	return getopt_out(name, (int)strnlen(name, IFNAMSIZ - 1) + 1, uval, room,
	    ulen);
}

static int
getopt_u64(uint64_t val, void *uval, int room, int *ulen)
{
	if (room < (int)sizeof(val))
		return EINVAL;
	return getopt_out(&val, sizeof(val), uval, room, ulen);
}

uint64_t
socket_cookie(struct socket *so)
{
	uint64_t none = 0, cookie = atomic_load(&so->so_cookie);

	if (cookie != 0)
		return cookie;
	cookie = atomic_add(&socket_lastcookie, 1) + 1;
	return atomic_cas_ar(&so->so_cookie, &none, cookie) ? cookie : none;
}

static int
getopt_pacing(struct socket *so, void *uval, int room, int *ulen)
{
	uint64_t rate = atomic_load(&so->so_pacing);
	uint32_t low = rate > UINT32_MAX ? UINT32_MAX : (uint32_t)rate;

	if (room >= (int)sizeof(rate))
		return getopt_out(&rate, sizeof(rate), uval, room, ulen);
	return getopt_out(&low, sizeof(low), uval, room, ulen);
}

static int
getopt_meminfo(struct socket *so, void *uval, int room, int *ulen)
{
	uint32_t mi[SK_MEMINFO_VARS] = { 0 };

	mutex_enter(&so->so_lock);
	mi[SK_MEMINFO_RMEM_ALLOC] = so->so_rcv.sb_mem;
	mi[SK_MEMINFO_RCVBUF] = so->so_rcv.sb_hiwat;
	mi[SK_MEMINFO_WMEM_ALLOC] = atomic_load(&so->so_snd.sb_mem);
	mi[SK_MEMINFO_SNDBUF] = so->so_snd.sb_hiwat;
	mi[SK_MEMINFO_BACKLOG] = 0;
	mi[SK_MEMINFO_DROPS] = (uint32_t)so->so_drops;
	mutex_exit(&so->so_lock);
	return getopt_out(mi, sizeof(mi), uval, room, ulen);
}

/* --- integers -------------------------------------------------------------------------- */

static int
getopt_error(struct socket *so)
{
	int error;

	mutex_enter(&so->so_lock);
	error = socket_geterror(so);
	mutex_exit(&so->so_lock);
	return error;
}

static bool
getopt_timestamp(const struct socket *so, int name)
{
	bool ns = name == SO_TIMESTAMPNS_OLD || name == SO_TIMESTAMPNS_NEW;
	bool new = name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW;

	return socket_option(so, ns ? SOO_TIMESTAMPNS : SOO_TIMESTAMP) &&
	    socket_option(so, SOO_TSNEW) == new;
}

static int
getopt_state(struct socket *so, int name, int *ret_val)
{
	switch (name) {
	case SO_TYPE:
		*ret_val = so->so_type;
		return 0;
	case SO_PROTOCOL:
		*ret_val = so->so_protocol;
		return 0;
	case SO_DOMAIN:
		*ret_val = so->so_family;
		return 0;
	case SO_ERROR:
		*ret_val = getopt_error(so);
		return 0;
	case SO_ACCEPTCONN:
		*ret_val = (atomic_load(&so->so_state) & SS_LISTENING) != 0;
		return 0;
	case SO_INCOMING_CPU:
		*ret_val = (int)atomic_load(&so->so_incpu);
		return 0;
	case SO_BINDTOIFINDEX:
		*ret_val = (int)atomic_load(&so->so_bound_if);
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static int
getopt_buffer(struct socket *so, int name, int *ret_val)
{
	switch (name) {
	case SO_SNDBUF:
		*ret_val = (int)atomic_load(&so->so_snd.sb_hiwat);
		return 0;
	case SO_RCVBUF:
		*ret_val = (int)atomic_load(&so->so_rcv.sb_hiwat);
		return 0;
	case OPT_BUF_LOCK:
		*ret_val = atomic_load(&so->so_snd.sb_locked_size) |
		    atomic_load(&so->so_rcv.sb_locked_size) << 1;
		return 0;
	case SO_RCVLOWAT:
		*ret_val = (int)atomic_load(&so->so_rcv.sb_lowat);
		return 0;
	case SO_SNDLOWAT:
		*ret_val = 1;
		return 0;
	case SO_PEEK_OFF:
		*ret_val = atomic_load(&so->so_peek_off);
		return sockopt_has_peekoff(so) ? 0 : EOPNOTSUPP;
	case SO_BUSY_POLL:
		*ret_val = (int)atomic_load(&so->so_busypoll);
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static int
getopt_flag(struct socket *so, int name, int *ret_val)
{
	switch (name) {
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW:
		*ret_val = getopt_timestamp(so, name);
		return 0;
	case SO_LOCK_FILTER:
		*ret_val = socket_option(so, SOO_LOCK_FILTER);
		return 0;
	case OPT_PASSRIGHTS:
		*ret_val = !socket_option(so, SOO_NORIGHTS);
		return so->so_family == AF_UNIX ? 0 : EOPNOTSUPP;
	case OPT_TXREHASH:
		*ret_val = !socket_option(so, SOO_NOTXREHASH);
		return sockopt_istcp(so) ? 0 : EOPNOTSUPP;
	case SO_ZEROCOPY:
		*ret_val = socket_option(so, SOO_ZEROCOPY);
		return 0;
	case SO_BSDCOMPAT:
	case SO_INCOMING_NAPI_ID:
		*ret_val = 0;
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static int
getopt_int(struct socket *so, int name, int *ret_val)
{
	const struct sockoptbit *ob = sockoptbit_find(name);
	int error;

	if (ob != NULL) {
		if (ob->ob_families != OPTFAM_INET &&
		    !sockopt_family_ok(so, ob->ob_families))
			return EOPNOTSUPP;
		*ret_val = socket_option(so, ob->ob_bit);
		return 0;
	}
	error = getopt_state(so, name, ret_val);
	if (error == ENOPROTOOPT)
		error = getopt_buffer(so, name, ret_val);
	if (error == ENOPROTOOPT)
		error = getopt_flag(so, name, ret_val);
	if (error != ENOPROTOOPT)
		return error;
	switch (name) {
	case SO_PRIORITY:
		*ret_val = (int)atomic_load(&so->so_priority);
		return 0;
	case SO_MARK:
		*ret_val = (int)atomic_load(&so->so_mark);
		return 0;
	case SO_BPF_EXTENSIONS:
		*ret_val = SKF_AD_MAX;
		return 0;
	case OPT_PEERPIDFD:
		return ENODATA;		/* there are no such descriptors */
	default:
		return ENOPROTOOPT;
	}
}

/* --- the switch ---------------------------------------------------------------------------- */

/* ENOPROTOOPT of the layer: the protocol may know it. */
static int
getopt_other(struct socket *so, int name, void *uval, int room, int *ulen)
{
	uint64_t val[16] = { 0 };
	socklen_t len = sizeof(int);
	int error, num = 0;

	error = getopt_int(so, name, &num);
	if (error == 0)
		return getopt_out(&num, sizeof(num), uval, room, ulen);
	if (error != ENOPROTOOPT || so->so_ops->so_getopt == NULL)
		return error;
	len = (size_t)room < sizeof(val) ? (socklen_t)room : sizeof(val);
	error = so->so_ops->so_getopt(so, SOL_SOCKET, name, val, &len);
	return error ? error : getopt_out(val, (int)len, uval, room, ulen);
}

int
socket_getopt(struct socket *so, int name, void *uval, int *ulen)
{
	int error, room;

	error = copyin(ulen, &room, sizeof(room));
	if (error)
		return error;
	if (room < 0)
		return EINVAL;
	switch (name) {
	case SO_LINGER:
		return getopt_linger(so, uval, room, ulen);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return getopt_timeout(so, &so->so_rcv, uval, room, ulen);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return getopt_timeout(so, &so->so_snd, uval, room, ulen);
	case SO_TIMESTAMPING_OLD:
	case SO_TIMESTAMPING_NEW:
		return getopt_timestamping(so, uval, room, ulen);
	case SO_PEERCRED:
		return getopt_peercred(so, uval, room, ulen);
	case SO_PEERGROUPS:
		return getopt_peergroups(so, uval, room, ulen);
	case SO_PEERNAME:
		return getopt_peername(so, uval, room, ulen);
	case SO_BINDTODEVICE:
		return getopt_device(so, uval, room, ulen);
	case SO_GET_FILTER:
		return sockfilter_get(so, uval, room, ulen);
	case SO_COOKIE:
		return getopt_u64(socket_cookie(so), uval, room, ulen);
	case SO_NETNS_COOKIE:
		return room != sizeof(uint64_t) ? EINVAL :
		    getopt_u64(so->so_ns->ns_id + 1ULL, uval, room, ulen);
	case SO_MAX_PACING_RATE:
		return getopt_pacing(so, uval, room, ulen);
	case SO_MEMINFO:
		return getopt_meminfo(so, uval, room, ulen);
	default:
		return getopt_other(so, name, uval, room, ulen);
	}
}
