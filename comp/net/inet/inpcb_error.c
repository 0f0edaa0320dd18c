/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb_error.c - errors that wait for recvmsg(MSG_ERRQUEUE)
 *
 * An entry is a packet whose payload is what we sent, as far as ICMP quotes
 * it, and whose scratch says what happened, who said so and to whom it was sent.  See
 * IP_RECVERR in ip(7).  The queue shares SO_RCVBUF with nobody but is bounded by it.
 */

#include <net/inet.h>

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

/* The header takes the libc's for granted. */
struct timespec {
	int64_t	tv_sec;
	int64_t	tv_nsec;
};
#include <linux/errqueue.h>

/* In p_cb. */
struct err_cb {
	struct sock_extended_err ec_ee;
	struct inaddr	 ec_dst;	/* to whom our packet went */
	struct inaddr	 ec_offender;
	uint16_t	 ec_port;
	uint8_t		 ec_family;
};
_Static_assert(sizeof(struct err_cb) <= PKT_CB, "fits the packet's scratch");
#define ERR_CB(p)	((struct err_cb *)(uintptr_t)(p)->p_cb)

static bool
error_wanted(const struct inpcb *inp, int family)
{
	return family == AF_INET6 ? inp->inp_recverr6 : inp->inp_recverr;
}

static void
error_put(struct inpcb *inp, struct packet *p, const struct err_cb *ec)
{
	struct socket *so = inp->inp_so;
	uint32_t mem = 0;

	for (const struct packet *e = so->so_errq.pq_head; e != NULL; e = e->p_next)
		mem += e->p_truesize;
	if (mem + p->p_truesize > so->so_rcv.sb_hiwat) {
		packet_free(p);
		return;
	}
	memcpy(p->p_cb, ec, sizeof(*ec));
	packetq_put(&so->so_errq, p);
	socket_wake(so, POLLERR);
}

void
inpcb_queue_error(struct inpcb *inp, const struct inet_ctl *ctl)
{
	struct err_cb ec = {
		.ec_ee = {
		    .ee_errno = (uint32_t)ctl->ic_errno,
			.ee_origin = ctl->ic_family == AF_INET6 ? SO_EE_ORIGIN_ICMP6 :
							      SO_EE_ORIGIN_ICMP,
			.ee_type = ctl->ic_type, .ee_code = ctl->ic_code, .ee_info = ctl->ic_info,
		},
		.ec_dst = ctl->ic_dst, .ec_offender = ctl->ic_offender,
		.ec_family = ctl->ic_family,
	};
	int proto = inp->inp_so->so_protocol;
	struct packet *p;
	size_t skip = ctl->ic_l4off;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	if (!error_wanted(inp, ctl->ic_family))
		return;
	if (proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_TCP)
		ec.ec_port = be16_get(ctl->ic_l4 + 2);
	/* What the program sent: without the header that UDP put in front. */
	if (proto == IPPROTO_UDP)
		skip += 8;
	p = packet_clone(ctl->ic_packet, KM_NOSLEEP);
	if (p == NULL)
		return;
	packet_skip(p, skip);
	if (packet_own(p, KM_NOSLEEP) != 0) {
		packet_free(p);
		return;
	}
	error_put(inp, p, &ec);
}

void
inpcb_queue_local(struct inpcb *inp, int error, const struct inaddr *dst, uint16_t port,
    uint32_t info)
{
	struct err_cb ec = {
		.ec_ee = {
		    .ee_errno = (uint32_t)error, .ee_origin = SO_EE_ORIGIN_LOCAL,
			.ee_info = info,
		},
		.ec_dst = *dst, .ec_port = port, .ec_family = inp->inp_family,
	};
	struct packet *p;

	KASSERT(mutex_owned(&inp->inp_so->so_lock));
	if (!error_wanted(inp, inp->inp_family))
		return;
	p = packet_alloc(KM_NOSLEEP);
	if (p != NULL)
		error_put(inp, p, &ec);
}

/*
 * MSG_ZEROCOPY: sends have the numbers ee_info to ee_data; those that follow each
 * other are told of together.
 */
void
inpcb_zerocopied(struct socket *so, uint32_t id)
{
	struct err_cb ec = {
		.ec_ee = {
		    .ee_origin = SO_EE_ORIGIN_ZEROCOPY, .ee_code = SO_EE_CODE_ZEROCOPY_COPIED,
			.ee_info = id, .ee_data = id,
		},
		.ec_family = so->so_family,
	};
	struct packet *p = so->so_errq.pq_tail;

	KASSERT(mutex_owned(&so->so_lock));
	if (so->so_errq.pq_head != NULL &&
	    ERR_CB(p)->ec_ee.ee_origin == SO_EE_ORIGIN_ZEROCOPY &&
	    ERR_CB(p)->ec_ee.ee_data + 1 == id) {
		ERR_CB(p)->ec_ee.ee_data = id;
		return;
	}
	p = packet_alloc(KM_NOSLEEP);
	if (p == NULL)
		return;
	memcpy(p->p_cb, &ec, sizeof(ec));
	packetq_put(&so->so_errq, p);
	socket_wake(so, POLLERR);
}

/* Name: to whom it was sent.  Control: the error, and behind it who reported it. */
static void
error_fill(struct socket *so, struct sockmsg *sm, const struct packet *p)
{
	const struct err_cb *ec = ERR_CB(p);
	struct sockaddr_storage ss;
	struct {
		struct sock_extended_err ee;
		union {
			struct sockaddr_in sin;
			struct sockaddr_in6 sin6;
		} offender;
	} data = { .ee = ec->ec_ee };
	bool six = so->so_family == AF_INET6;
	socklen_t len;
	size_t size;

	if (sm->sm_name != NULL && ec->ec_ee.ee_origin != SO_EE_ORIGIN_NONE &&
	    ec->ec_ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY) {
		inet_sockaddr(so->so_family, ec->ec_family, &ec->ec_dst, ec->ec_port, 0, &ss, &len);
		memcpy(sm->sm_name, &ss, len);
		sm->sm_namelen = len;
	}
	if (ec->ec_ee.ee_origin == SO_EE_ORIGIN_ICMP || ec->ec_ee.ee_origin == SO_EE_ORIGIN_ICMP6) {
		inet_sockaddr(so->so_family, ec->ec_family, &ec->ec_offender, 0, 0, &ss, &len);
		memcpy(&data.offender, &ss, len);
	}
	size = sizeof(data.ee) + (six ? sizeof(data.offender.sin6) : sizeof(data.offender.sin));
	cmsg_put(sm, six ? SOL_IPV6 : SOL_IP, six ? IPV6_RECVERR : IP_RECVERR, &data, size);
	sm->sm_outflags |= MSG_ERRQUEUE;
}

int
inpcb_recv_errqueue(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	int error = socket_recv_errqueue(so, sm, ret_done, error_fill);
	const struct packet *next;

	if (error)
		return error;
	/* SO_ERROR was of the one that has been read, and is of the next one now. */
	mutex_enter(&so->so_lock);
	next = so->so_errq.pq_head;
	so->so_error = next != NULL && ERR_CB(next)->ec_ee.ee_origin != SO_EE_ORIGIN_LOCAL ?
	    (int)ERR_CB(next)->ec_ee.ee_errno : 0;
	mutex_exit(&so->so_lock);
	return 0;
}
