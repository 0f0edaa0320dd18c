/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * afpacket_opt.c - options of SOL_PACKET
 *
 * PACKET_RX_RING and its like share memory with the client, which may be in another
 * process: they are refused as a kernel built without them does.  Hijacked programs have
 * rings that the hijacking library keeps (client/hijack/ring.c).
 */

#include "afpacket_impl.h"

#include <lib/string.h>
#include <sys/errno.h>

static const struct {
	int		 name;
	uint32_t	 flag;
} flag_options[] = {
	{ PACKET_AUXDATA, PKF_AUXDATA },
	{ PACKET_VNET_HDR, PKF_VNET },
	{ PACKET_ORIGDEV, PKF_ORIGDEV },
	{ PACKET_IGNORE_OUTGOING, PKF_NOOUT },
};

static uint32_t
option_flag(int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++) {
		if (flag_options[i].name == name)
			return flag_options[i].flag;
	}
	return 0;
}

static int
membership(struct pksock *pk, const void *val, socklen_t len, bool add)
{
	struct netns *ns = pk->pk_so->so_ns;
	struct packet_mreq mr;
	int error;

	if (len < sizeof(mr))
		return EINVAL;
	memcpy(&mr, val, sizeof(mr));
	if (mr.mr_alen > sizeof(mr.mr_address))
		return EINVAL;
	mutex_enter(&ns->ns_lock);
	error = add ? pkmember_add(pk, &mr) : pkmember_drop(pk, &mr);
	mutex_exit(&ns->ns_lock);
	return error;
}

int
afpacket_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
{
	struct pksock *pk = so->so_pcb;
	uint32_t flag = option_flag(name);
	int value;

	if (level != SOL_PACKET)
		return ENOPROTOOPT;
	if (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP)
		return membership(pk, val, len, name == PACKET_ADD_MEMBERSHIP);
	if (flag == 0)
		return ENOPROTOOPT;
	if (len < sizeof(value))
		return EINVAL;
	memcpy(&value, val, sizeof(value));
	if (flag == PKF_VNET && so->so_type != SOCK_RAW)
		return EINVAL;
	if (flag == PKF_NOOUT && (value < 0 || value > 1))
		return EINVAL;
	if (value != 0)
		__atomic_fetch_or(&pk->pk_flags, flag, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&pk->pk_flags, ~flag, __ATOMIC_RELAXED);
	return 0;
}

/* Reading them starts them anew (packet(7)). */
static void
statistics_take(struct pksock *pk, struct tpacket_stats *ret_st)
{
	mutex_enter(&pk->pk_so->so_lock);
	ret_st->tp_packets = (unsigned int)pk->pk_packets;
	ret_st->tp_drops = (unsigned int)pk->pk_drops;
	pk->pk_packets = pk->pk_drops = 0;
	mutex_exit(&pk->pk_so->so_lock);
}

int
afpacket_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	struct pksock *pk = so->so_pcb;
	uint32_t flag = option_flag(name);
	struct tpacket_stats st;
	const void *from;
	socklen_t size;
	int value;

	if (level != SOL_PACKET)
		return ENOPROTOOPT;
	if (name == PACKET_STATISTICS) {
		statistics_take(pk, &st);
		from = &st;
		size = sizeof(st);
	} else if (flag != 0) {
		value = pksock_flag(pk, flag) ? 1 : 0;
		from = &value;
		size = sizeof(value);
	} else {
		return ENOPROTOOPT;
	}
	if (*len > size)
		*len = size;
	memcpy(val, from, *len);
	return 0;
}
