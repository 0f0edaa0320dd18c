/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_opttime.c - options of SOL_SOCKET that have to do with time
 *
 * How long a call waits, how long closing waits for what is still to be sent, and which
 * messages get the time of their arrival or departure.
 *
 * References: socket(7); SO_TIMESTAMPING: <linux/net_tstamp.h>.
 */

#include <linux/net_tstamp.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/ktime.h>

#include "socket_impl.h"
#include "socket_opt.h"

#define TSFLAGS_MASK	0x7ffffu	/* those that Linux 6.18 knows */
#define TSFLAG_ID_TCP	(1u << 16)

int
sockopt_timeout(struct socket *so, struct sockbuf *sb, const void *uval,
    socklen_t len)
{
	struct timespec64 tv;		/* a timeval: microseconds in tv_nsec */
	int64_t ns = -1;		/* negative: does not wait at all */
	int error;

	if (len < sizeof(tv))
		return EINVAL;
	error = copyin(uval, &tv, sizeof(tv));
	if (error)
		return error;
	if (tv.tv_nsec < 0 || tv.tv_nsec >= 1000000)
		return EDOM;
	if (tv.tv_sec >= INT64_MAX / NSEC_PER_SEC / 2)
		ns = 0;
	else if (tv.tv_sec >= 0)
		ns = tv.tv_sec * NSEC_PER_SEC + tv.tv_nsec * 1000;
	mutex_enter(&so->so_lock);
	atomic_store(&sb->sb_timeo, ns);
	mutex_exit(&so->so_lock);
	return 0;
}

int
sockopt_timestamp(struct socket *so, int name, int val)
{
	bool ns = name == SO_TIMESTAMPNS_OLD || name == SO_TIMESTAMPNS_NEW;
	bool new = name == SO_TIMESTAMP_NEW || name == SO_TIMESTAMPNS_NEW;

	sockopt_setbits(so, SOO_TIMESTAMP | SOO_TIMESTAMPNS, false);
	if (val != 0) {
		sockopt_setbits(so, ns ? SOO_TIMESTAMPNS : SOO_TIMESTAMP, true);
		sockopt_setbits(so, SOO_TSNEW, new);
	}
	return 0;
}

int
sockopt_timestamping(struct socket *so, int name, int val)
{
	uint32_t flags = (uint32_t)val;
	int error = 0;

	if ((flags & ~TSFLAGS_MASK) != 0)
		return EINVAL;
	if ((flags & TSFLAG_ID_TCP) != 0 &&
	    (flags & SOF_TIMESTAMPING_OPT_ID) == 0)
		return EINVAL;
	if ((flags & SOF_TIMESTAMPING_OPT_STATS) != 0 &&
	    (flags & SOF_TIMESTAMPING_OPT_TSONLY) == 0)
		return EINVAL;
	mutex_enter(&so->so_lock);
	if ((flags & SOF_TIMESTAMPING_OPT_ID) != 0 &&
	    (so->so_tsflags & SOF_TIMESTAMPING_OPT_ID) == 0) {
		/* TCP counts bytes from the moment this is set. */
		if (sockopt_istcp(so) && (atomic_load(&so->so_state) & SS_CONNECTED) == 0)
			error = EINVAL;
		else if ((flags & SOF_TIMESTAMPING_BIND_PHC) == 0)
			so->so_tskey = 0;
	}
	if (error == 0 && (flags & SOF_TIMESTAMPING_BIND_PHC) != 0)
		error = EOPNOTSUPP;	/* there are no hardware clocks */
	if (error == 0)
		atomic_store(&so->so_tsflags, flags);
	mutex_exit(&so->so_lock);
	if (error == 0)
		sockopt_setbits(so, SOO_TSNEW, name == SO_TIMESTAMPING_NEW);
	return error;
}

int
sockopt_linger(struct socket *so, const void *uval, socklen_t len)
{
	struct linger li;
	int error;

	if (len < sizeof(li))
		return EINVAL;
	error = copyin(uval, &li, sizeof(li));
	if (error)
		return error;
	mutex_enter(&so->so_lock);
	so->so_linger = li.l_onoff == 0 ? -1 : li.l_linger < 0 ? INT32_MAX :
	    li.l_linger;
	mutex_exit(&so->so_lock);
	return 0;
}
