/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_opt.c - setting the options of SOL_SOCKET
 *
 * Options that are one bit are a table.  The others are an integer each, with
 * few exceptions, and a switch leads to what is special about them.  A
 * protocol that has to act on a change (keep-alive, low-water mark) is told by
 * so_setopt after the change, and may have options of its own.
 *
 * What has to do with time is in socket_opttime.c.
 *
 * References: socket(7), and the comments of <asm/socket.h>.
 */

#include <lib/string.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <net/ifnet.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/ktime.h>

#include "socket_impl.h"
#include "socket_opt.h"
#include "sockfilter.h"

#define SNDBUF_MIN	4608
#define RCVBUF_MIN	2304

/* Who may change a bit, and where it means something. */
enum { ANYBODY, NET_ADMIN, NET_RAW };

const struct sockoptbit socket_optbits[] = {
	{ SO_DEBUG, SOO_DEBUG, NET_ADMIN, EACCES, 0 },
	{ SO_REUSEADDR, SOO_REUSEADDR, ANYBODY, 0, 0 },
	{ SO_REUSEPORT, SOO_REUSEPORT, ANYBODY, 0, OPTFAM_INET },
	{ SO_DONTROUTE, SOO_DONTROUTE, ANYBODY, 0, 0 },
	{ SO_BROADCAST, SOO_BROADCAST, ANYBODY, 0, 0 },
	{ SO_KEEPALIVE, SOO_KEEPALIVE, ANYBODY, 0, 0 },
	{ SO_OOBINLINE, SOO_OOBINLINE, ANYBODY, 0, 0 },
	{ SO_NO_CHECK, SOO_NO_CHECK, ANYBODY, 0, 0 },
	{ SO_PASSCRED, SOO_PASSCRED, ANYBODY, 0, OPTFAM_SCM },
	{ SO_PASSSEC, SOO_PASSSEC, ANYBODY, 0, OPTFAM_SCM },
	{ OPT_PASSPIDFD, SOO_PASSPIDFD, ANYBODY, 0, OPTFAM_UNIX },
	{ SO_RXQ_OVFL, SOO_RXQ_OVFL, ANYBODY, 0, 0 },
	{ SO_WIFI_STATUS, SOO_WIFI_STATUS, ANYBODY, 0, 0 },
	{ SO_NOFCS, SOO_NOFCS, ANYBODY, 0, 0 },
	{ SO_SELECT_ERR_QUEUE, SOO_SELECT_ERR, ANYBODY, 0, 0 },
	{ SO_PREFER_BUSY_POLL, SOO_PREFER_BUSY, NET_ADMIN, EPERM, 0 },
	{ OPT_RCVMARK, SOO_RCVMARK, NET_RAW, EPERM, 0 },
	{ OPT_RCVPRIORITY, SOO_RCVPRIORITY, NET_RAW, EPERM, 0 },
};
const size_t socket_noptbits = ARRAY_SIZE(socket_optbits);

const struct sockoptbit *
sockoptbit_find(int name)
{
	for (size_t i = 0; i < socket_noptbits; i++)
		if (socket_optbits[i].ob_name == name)
			return &socket_optbits[i];
	return NULL;
}

bool
sockopt_family_ok(const struct socket *so, unsigned int families)
{
	switch (families) {
	case OPTFAM_INET:
		return so->so_family == AF_INET || so->so_family == AF_INET6;
	case OPTFAM_SCM:
		return so->so_family == AF_UNIX || so->so_family == AF_NETLINK;
	case OPTFAM_UNIX:
		return so->so_family == AF_UNIX;
	default:
		return true;
	}
}

bool
sockopt_istcp(const struct socket *so)
{
	return sockopt_family_ok(so, OPTFAM_INET) && so->so_type == SOCK_STREAM;
}

bool
sockopt_has_peekoff(const struct socket *so)
{
	return so->so_family == AF_UNIX || (sockopt_family_ok(so, OPTFAM_INET) &&
	    (so->so_type == SOCK_DGRAM || so->so_type == SOCK_STREAM));
}

static bool
sockopt_capable(int who)
{
	const struct cred *cr = curcred();

	return who == ANYBODY || cred_capable(cr, CAP_NET_ADMIN) ||
	    (who == NET_RAW && cred_capable(cr, CAP_NET_RAW));
}

void
sockopt_setbits(struct socket *so, uint32_t bits, bool on)
{
	if (on)
		atomic_or(&so->so_options, bits);
	else
		atomic_and(&so->so_options, ~bits);
}

/* Tells the protocol of what has changed already. */
static void
sockopt_tell(struct socket *so, int name, int val)
{
	if (so->so_ops->so_setopt != NULL)
		(void)so->so_ops->so_setopt(so, SOL_SOCKET, name, &val,
		    sizeof(val));
}

static int
sockopt_setbit(struct socket *so, const struct sockoptbit *ob, int val)
{
	if (!sockopt_family_ok(so, ob->ob_families) &&
	    (val != 0 || ob->ob_families != OPTFAM_INET))
		return EOPNOTSUPP;
	if (ob->ob_who != ANYBODY && !sockopt_capable(ob->ob_who) &&
	    (val != 0 || ob->ob_who == NET_RAW))
		return ob->ob_error;
	sockopt_setbits(so, ob->ob_bit, val != 0);
	if (ob->ob_name == SO_KEEPALIVE)
		sockopt_tell(so, SO_KEEPALIVE, val != 0);
	return 0;
}

/* --- sizes of buffers ---------------------------------------------------------------- */

static void
sockopt_setsize(struct socket *so, struct sockbuf *sb, uint32_t val,
    uint32_t min)
{
	uint32_t size = val > INT32_MAX / 2 ? INT32_MAX / 2 : val;

	mutex_enter(&so->so_lock);
	atomic_store(&sb->sb_locked_size, true);
	atomic_store(&sb->sb_hiwat, size * 2 > min ? size * 2 : min);
	if (so->so_ops->so_bufsize != NULL)
		so->so_ops->so_bufsize(so);
	if (sb == &so->so_snd)
		socket_wake(so, POLLOUT);
	mutex_exit(&so->so_lock);
}

static int
sockopt_bufsize(struct socket *so, int name, int val)
{
	bool snd = name == SO_SNDBUF || name == SO_SNDBUFFORCE;
	uint32_t want = (uint32_t)val, most;

	if (name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE) {
		if (!sockopt_capable(NET_ADMIN))
			return EPERM;
		want = val < 0 ? 0 : want;
	} else {
		most = (uint32_t)netvar_get(so->so_ns, snd ? &socket_wmem_max :
		    &socket_rmem_max);
		want = want < most ? want : most;
	}
	sockopt_setsize(so, snd ? &so->so_snd : &so->so_rcv, want,
	    snd ? SNDBUF_MIN : RCVBUF_MIN);
	return 0;
}

static int
sockopt_buflock(struct socket *so, int val)
{
	if ((val & ~3) != 0)
		return EINVAL;
	mutex_enter(&so->so_lock);
	atomic_store(&so->so_snd.sb_locked_size, (val & 1) != 0);
	atomic_store(&so->so_rcv.sb_locked_size, (val & 2) != 0);
	mutex_exit(&so->so_lock);
	return 0;
}

static int
sockopt_rcvlowat(struct socket *so, int val)
{
	mutex_enter(&so->so_lock);
	atomic_store(&so->so_rcv.sb_lowat, val < 0 ? INT32_MAX : val == 0 ? 1 : (uint32_t)val);
	mutex_exit(&so->so_lock);
	sockopt_tell(so, SO_RCVLOWAT, val);
	return 0;
}

/* --- the interface it is bound to ------------------------------------------------------- */

static int
sockopt_bindif(struct socket *so, uint32_t index)
{
	if (atomic_load(&so->so_bound_if) != 0 && !sockopt_capable(NET_RAW))
		return EPERM;
	atomic_store(&so->so_bound_if, index);
	sockopt_tell(so, SO_BINDTOIFINDEX, (int)index);
	return 0;
}

static int
sockopt_bindtodevice(struct socket *so, const void *uval, socklen_t len)
{
	char name[IFNAMSIZ] = "";
	struct ifnet *ifp;
	uint32_t index = 0;
	int error;

	if (len > sizeof(name) - 1)
		len = sizeof(name) - 1;
	error = len > 0 ? copyin(uval, name, len) : 0;
	if (error)
		return error;
	if (name[0] != '\0') {
		ifp = if_byname(so->so_ns, name);
		if (ifp == NULL)
			return ENODEV;
		index = ifp->if_index;
	}
	return sockopt_bindif(so, index);
}

/* --- others that are an integer ------------------------------------------------------------ */

static int
sockopt_priority(struct socket *so, int val)
{
	if ((val < 0 || val > 6) && !sockopt_capable(NET_RAW))
		return EPERM;
	atomic_store(&so->so_priority, (uint32_t)val);
	return 0;
}

static int
sockopt_mark(struct socket *so, int val)
{
	if (!sockopt_capable(NET_RAW))
		return EPERM;
	atomic_store(&so->so_mark, (uint32_t)val);
	sockopt_tell(so, SO_MARK, val);
	return 0;
}

static int
sockopt_peekoff(struct socket *so, int val)
{
	if (!sockopt_has_peekoff(so))
		return EOPNOTSUPP;
	mutex_enter(&so->so_lock);
	atomic_store(&so->so_peek_off, val);
	mutex_exit(&so->so_lock);
	return 0;
}

static int
sockopt_busypoll(struct socket *so, int val)
{
	if (val < 0)
		return EINVAL;
	if ((uint32_t)val > atomic_load(&so->so_busypoll) &&
	    !sockopt_capable(NET_ADMIN))
		return EPERM;
	atomic_store(&so->so_busypoll, (uint32_t)val);
	return 0;
}

static int
sockopt_busybudget(int val)
{
	if (!sockopt_capable(NET_ADMIN))
		return EPERM;
	return val < 0 || val > 0xffff ? EINVAL : 0;
}

/* Kept only: a flow of ours keeps its hash.  -1 is the default, on. */
static int
sockopt_txrehash(struct socket *so, int val)
{
	if (!sockopt_istcp(so))
		return EOPNOTSUPP;
	if (val < -1 || val > 1)
		return EINVAL;
	sockopt_setbits(so, SOO_NOTXREHASH, val == 0);
	return 0;
}

/* The bit says that they may not. */
static int
sockopt_passrights(struct socket *so, int val)
{
	if (so->so_family != AF_UNIX)
		return EOPNOTSUPP;
	sockopt_setbits(so, SOO_NORIGHTS, val == 0);
	return 0;
}

static int
sockopt_zerocopy(struct socket *so, int val)
{
	if (!sockopt_family_ok(so, OPTFAM_INET) ||
	    (so->so_type != SOCK_STREAM && so->so_type != SOCK_DGRAM))
		return EOPNOTSUPP;
	if (val < 0 || val > 1)
		return EINVAL;
	sockopt_setbits(so, SOO_ZEROCOPY, val != 0);
	return 0;
}

static int
sockopt_setint(struct socket *so, int name, int val, socklen_t len)
{
	const struct sockoptbit *ob = sockoptbit_find(name);

	if (ob != NULL)
		return sockopt_setbit(so, ob, val);
	switch (name) {
	case SO_SNDBUF:
	case SO_RCVBUF:
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		return sockopt_bufsize(so, name, val);
	case OPT_BUF_LOCK:
		return sockopt_buflock(so, val);
	case SO_RCVLOWAT:
		return sockopt_rcvlowat(so, val);
	case SO_PRIORITY:
		return sockopt_priority(so, val);
	case SO_MARK:
		return sockopt_mark(so, val);
	case SO_BSDCOMPAT:
	case SO_CNX_ADVICE:
		return 0;
	case SO_TIMESTAMP_OLD:
	case SO_TIMESTAMP_NEW:
	case SO_TIMESTAMPNS_OLD:
	case SO_TIMESTAMPNS_NEW:
		return sockopt_timestamp(so, name, val);
	case SO_TIMESTAMPING_OLD:
	case SO_TIMESTAMPING_NEW:
		return sockopt_timestamping(so, name, val);
	case SO_PEEK_OFF:
		return sockopt_peekoff(so, val);
	case SO_BUSY_POLL:
		return sockopt_busypoll(so, val);
	case SO_BUSY_POLL_BUDGET:
		return sockopt_busybudget(val);
	case OPT_PASSRIGHTS:
		return sockopt_passrights(so, val);
	case OPT_TXREHASH:
		return sockopt_txrehash(so, val);
	case SO_INCOMING_CPU:
		atomic_store(&so->so_incpu, (uint32_t)val);
		return 0;
	case SO_ZEROCOPY:
		return sockopt_zerocopy(so, val);
	case SO_DETACH_FILTER:
		return sockfilter_detach(so);
	case SO_DETACH_REUSEPORT_BPF:
		return sockfilter_detach_reuseport(so);
	case SO_LOCK_FILTER:
		if (val == 0 && socket_option(so, SOO_LOCK_FILTER))
			return EPERM;
		sockopt_setbits(so, SOO_LOCK_FILTER, val != 0);
		return 0;
	case SO_BINDTOIFINDEX:
		return val < 0 ? EINVAL : sockopt_bindif(so, (uint32_t)val);
	default:
		return so->so_ops->so_setopt == NULL ? ENOPROTOOPT :
		    so->so_ops->so_setopt(so, SOL_SOCKET, name, &val, len);
	}
}

/* --- those that are more ---------------------------------------------------------------------- */

static int
sockopt_pacing(struct socket *so, const void *uval, socklen_t len, int val)
{
	uint64_t rate = (uint32_t)val == UINT32_MAX ? UINT64_MAX : (uint32_t)val;
	int error;

	if (len >= sizeof(rate)) {
		error = copyin(uval, &rate, sizeof(rate));
		if (error)
			return error;
	}
	atomic_store(&so->so_pacing, rate);
	sockopt_tell(so, SO_MAX_PACING_RATE, val);
	return 0;
}

int
socket_setopt(struct socket *so, int name, const void *uval, socklen_t len)
{
	int error, val;

	if (name == SO_BINDTODEVICE)
		return sockopt_bindtodevice(so, uval, len);
	if (len < sizeof(val))
		return EINVAL;
	error = copyin(uval, &val, sizeof(val));
	if (error)
		return error;
	switch (name) {
	case SO_LINGER:
		return sockopt_linger(so, uval, len);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return sockopt_timeout(so, &so->so_rcv, uval, len);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return sockopt_timeout(so, &so->so_snd, uval, len);
	case SO_MAX_PACING_RATE:
		return sockopt_pacing(so, uval, len, val);
	case SO_ATTACH_FILTER:
		return sockfilter_attach(so, uval, len);
	case SO_ATTACH_REUSEPORT_CBPF:
		return sockfilter_attach_reuseport(so, uval, len);
	default:
		return sockopt_setint(so, name, val, len);
	}
}
