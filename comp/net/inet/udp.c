/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * udp.c - UDP sockets (RFC 768), of both families
 *
 * Sending is udp_output.c, receiving udp_input.c; here are birth, options and the
 * datagram's way to the reader.
 *
 * References: udp(7), RFC 1122 section 4.1, RFC 6936.
 */

#include "udp_impl.h"

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "inet_impl.h"

static int
udp_attach(struct socket *so, int protocol)
{
	return dgram_attach(so, sizeof(struct udpcb), udp_table(so->so_ns));
}

static void
udp_close(struct socket *so)
{
	struct udpcb *u = so->so_pcb;

	/* What waits for UDP_CORK is lost, as on Linux. */
	mutex_enter(&so->so_lock);
	udp_pending_drop(u);
	inpcb_remove(&u->u_dgram.dp_inp);
	mutex_exit(&so->so_lock);
	inpcb_leave_groups(so);
}

/* --- to the reader -------------------------------------------------------- */

static void
udp_fill(struct socket *so, struct sockmsg *sm, const struct packet *p)
{
	const struct udp_cb *uc = UDP_CB(p);
	int size;

	dgram_fill(so, sm, p, uc->uc_sport);
	if (uc->uc_gso != 0) {
		size = uc->uc_gso;
		cmsg_put(sm, SOL_UDP, UDP_GRO, &size, sizeof(size));
	}
}

static int
udp_recv(struct socket *so, struct sockmsg *sm, size_t *ret_done)
{
	if ((sm->sm_flags & MSG_ERRQUEUE) != 0)
		return inpcb_recv_errqueue(so, sm, ret_done);
	return socket_recv_datagram(so, sm, ret_done, udp_fill);
}

/* --- options -------------------------------------------------------------- */

static int
udp_setopt_locked(struct udpcb *u, int name, int value) REQUIRES(u->u_dgram.dp_inp.inp_so->so_lock)
{
	switch (name) {
	case UDP_CORK:
		u->u_cork = value != 0;
		return 0;
	case UDP_NO_CHECK6_TX:
		u->u_nocheck_tx = value != 0;
		return 0;
	case UDP_NO_CHECK6_RX:
		u->u_nocheck_rx = value != 0;
		return 0;
	case UDP_SEGMENT:
		if (value < 0 || value > 65535)
			return EINVAL;
		u->u_gso = (uint16_t)value;
		return 0;
	case UDP_GRO:
		u->u_gro = value != 0;
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

static int
udp_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
    NO_THREAD_SAFETY
{
	struct udpcb *u = so->so_pcb;
	int error, value;

	if (level != SOL_UDP)
		return inpcb_setopt(so, level, name, val, len);
	if (len < sizeof(value))
		return EINVAL;
	memcpy(&value, val, sizeof(value));
	mutex_enter(&so->so_lock);
	error = udp_setopt_locked(u, name, value);
	mutex_exit(&so->so_lock);
	if (!error && name == UDP_CORK && value == 0)
		(void)udp_push(so);
	return error;
}

static int
udp_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	struct udpcb *u = so->so_pcb;
	int value;

	if (level != SOL_UDP)
		return inpcb_getopt(so, level, name, val, len);
	mutex_enter(&so->so_lock);
	switch (name) {
	case UDP_CORK:
		value = u->u_cork;
		break;
	case UDP_NO_CHECK6_TX:
		value = u->u_nocheck_tx;
		break;
	case UDP_NO_CHECK6_RX:
		value = u->u_nocheck_rx;
		break;
	case UDP_SEGMENT:
		value = u->u_gso;
		break;
	case UDP_GRO:
		value = u->u_gro;
		break;
	default:
		value = -1;
		break;
	}
	mutex_exit(&so->so_lock);
	if (value < 0)
		return ENOPROTOOPT;
	if (*len > sizeof(value))
		*len = sizeof(value);
	memcpy(val, &value, *len);
	return 0;
}

/* --- the protocol --------------------------------------------------------- */

static const struct sockops udp_ops = {
	.so_attach	= udp_attach,
	.so_close	= udp_close,
	.so_free	= dgram_free,
	.so_bind	= dgram_bind,
	.so_connect	= dgram_connect,
	.so_shutdown	= dgram_shutdown,
	.so_name	= dgram_name,
	.so_send	= udp_send,
	.so_sendrow	= udp_flush,
	.so_recv	= udp_recv,
	.so_setopt	= udp_setopt,
	.so_getopt	= udp_getopt,
	.so_poll	= dgram_poll,
	.so_zerocopied	= inpcb_zerocopied,
	.so_ioctl	= dgram_ioctl,
};

static struct sockproto udp_sockets[] = {
	{ .sp_family = AF_INET, .sp_type = SOCK_DGRAM, .sp_protocol = IPPROTO_UDP,
	    .sp_default = true, .sp_flags = SP_ATOMIC, .sp_ops = &udp_ops },
	{ .sp_family = AF_INET6, .sp_type = SOCK_DGRAM, .sp_protocol = IPPROTO_UDP,
	    .sp_default = true, .sp_flags = SP_ATOMIC, .sp_ops = &udp_ops },
};

static int
udp_ns_init(struct netns *ns, void **ret_data)
{
	struct inpcbtable *t;
	int error = inpcbtable_create(ns, IPPROTO_UDP, &t);

	if (!error)
		*ret_data = t;
	return error;
}

static void
udp_ns_fini(struct netns *ns, void *data)
{
	inpcbtable_destroy(data);
}

static struct netns_ops udp_ns_ops = {
	.no_slot = NETNS_SLOT_UDP, .no_name = "udp", .no_init = udp_ns_init, .no_fini = udp_ns_fini,
};

int
udp_init(void)
{
	int error = netns_register(&udp_ns_ops);

	if (error)
		return error;
	inet_proto_register(&udp_proto);
	for (size_t i = 0; i < ARRAY_SIZE(udp_sockets); i++)
		sockproto_register(&udp_sockets[i]);
	return 0;
}
