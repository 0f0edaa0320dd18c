/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket_cmsg.c - control data of messages, both ways
 *
 * A send's control data is one buffer of the kernel's, walked with
 * cmsg_next(), which trusts nothing in it.  A receive's is made by
 * cmsg_put(): it lays out what the client will see, and cuts as Linux does when
 * the client's room is too small.  The buffer grows with what is put there, so
 * that the room a client claims to have costs nothing.
 *
 * References: cmsg(3), recv(2).
 */

#include <lib/string.h>
#include <linux/net_tstamp.h>
#include <linux/time_types.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>

#include "socket_impl.h"

#define CONTROL_CHUNK	256	/* the buffer grows by multiples of it */

/* --- sending ---------------------------------------------------------------------- */

int
cmsg_next(const struct sockmsg *sm, struct cmsghdr *prev,
    struct cmsghdr **ret_cm)
{
	size_t off = 0;
	struct cmsghdr *cm;

	if (prev != NULL)
		off = (size_t)((uint8_t *)prev - sm->sm_control) +
		    CMSG_ALIGN(prev->cmsg_len);
	*ret_cm = NULL;
	if (off > sm->sm_controllen ||
	    sm->sm_controllen - off < sizeof(*cm))
		return 0;
	cm = (struct cmsghdr *)(void *)(sm->sm_control + off);
	if (cm->cmsg_len < sizeof(*cm) ||
	    cm->cmsg_len > sm->sm_controllen - off)
		return EINVAL;
	*ret_cm = cm;
	return 0;
}

/* --- receiving ---------------------------------------------------------------------- */

static size_t
control_size(size_t len)
{
	return (len + CONTROL_CHUNK - 1) / CONTROL_CHUNK * CONTROL_CHUNK;
}

/* Room for len bytes more; false: no memory. */
static bool
control_grow(struct sockmsg *sm, size_t len)
{
	size_t had = control_size(sm->sm_controllen);
	size_t want = control_size(sm->sm_controllen + len);
	uint8_t *grown;

	if (want == had)
		return true;
	grown = kmem_zalloc(want, KM_SLEEP);
	if (grown == NULL)
		return false;
	if (sm->sm_controllen > 0)
		memcpy(grown, sm->sm_control, sm->sm_controllen);
	kmem_free(sm->sm_control, had);
	sm->sm_control = grown;
	return true;
}

void
cmsg_put(struct sockmsg *sm, int level, int type, const void *data, size_t len)
{
	struct cmsghdr cm = { CMSG_LEN(len), level, type };
	size_t room = sm->sm_controlmax - sm->sm_controllen;
	size_t space = CMSG_SPACE(len);

	KASSERT(sm->sm_controllen <= sm->sm_controlmax);
	if (room < space)
		space = room;
	if (room < sizeof(cm) || !control_grow(sm, space)) {
		sm->sm_outflags |= MSG_CTRUNC;
		return;
	}
	if (room < cm.cmsg_len) {
		sm->sm_outflags |= MSG_CTRUNC;
		cm.cmsg_len = room;
	}
	memcpy(sm->sm_control + sm->sm_controllen, &cm, sizeof(cm));
	memcpy(sm->sm_control + sm->sm_controllen + sizeof(cm), data,
	    cm.cmsg_len - sizeof(cm));
	sm->sm_controllen += space;
}

void
sockmsg_fini(struct sockmsg *sm)
{
	if (sm->sm_control != NULL)
		kmem_free(sm->sm_control, control_size(sm->sm_controllen));
}

/* --- what belongs to SOL_SOCKET ----------------------------------------------------- */

/* The layouts of 64-bit machines are the same for the old and the new options. */
static void
cmsg_put_time(struct socket *so, struct sockmsg *sm, int64_t when)
{
	struct timespec64 ts = ktime_to_timespec(when);
	bool new = socket_option(so, SOO_TSNEW);

	if (socket_option(so, SOO_TIMESTAMPNS)) {
		cmsg_put(sm, SOL_SOCKET, new ? SO_TIMESTAMPNS_NEW :
		    SO_TIMESTAMPNS_OLD, &ts, sizeof(ts));
		return;
	}
	ts.tv_nsec /= 1000;		/* a timeval */
	cmsg_put(sm, SOL_SOCKET, new ? SO_TIMESTAMP_NEW : SO_TIMESTAMP_OLD, &ts,
	    sizeof(ts));
}

static void
cmsg_put_timestamping(struct socket *so, struct sockmsg *sm, int64_t when)
{
	struct timespec64 ts[3] = { { 0, 0 } };

	ts[0] = ktime_to_timespec(when);
	cmsg_put(sm, SOL_SOCKET, socket_option(so, SOO_TSNEW) ?
	    SO_TIMESTAMPING_NEW : SO_TIMESTAMPING_OLD, ts, sizeof(ts));
}

void
socket_put_cmsgs(struct socket *so, struct sockmsg *sm, const struct packet *p)
{
	uint32_t options = atomic_load(&so->so_options);
	uint32_t tsflags = atomic_load(&so->so_tsflags);
	int64_t when = p->p_time;
	uint32_t drops;

	if (options & (SOO_TIMESTAMP | SOO_TIMESTAMPNS))
		cmsg_put_time(so, sm, when != 0 ? when : clock_wall());
	if ((tsflags & SOF_TIMESTAMPING_SOFTWARE) != 0 && when != 0)
		cmsg_put_timestamping(so, sm, when);
	if (options & SOO_RXQ_OVFL) {
		drops = (uint32_t)atomic_load(&so->so_drops);
		if (drops != 0)
			cmsg_put(sm, SOL_SOCKET, SO_RXQ_OVFL, &drops,
			    sizeof(drops));
	}
	if (options & SOO_RCVMARK)
		cmsg_put(sm, SOL_SOCKET, SO_MARK, &p->p_mark,
		    sizeof(p->p_mark));
	if (options & SOO_RCVPRIORITY)
		cmsg_put(sm, SOL_SOCKET, SO_PRIORITY, &p->p_prio,
		    sizeof(p->p_prio));
}
