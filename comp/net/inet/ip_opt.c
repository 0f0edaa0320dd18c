/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_opt.c - IP_* socket options
 *
 * Most are a number in the pcb: a table says where, in which range, and who may.
 * As on Linux a number may be given as an int or as one byte, and is given back as one byte
 * to who has no room for an int.
 *
 * Locking: so_lock is taken here, options of multicast take their own (ip_mcast.c).
 *
 * References: ip(7).
 */

#include "ip_impl.h"

#include <lib/string.h>
#include <linux/capability.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>

enum opt_kind { OPT_BYTE, OPT_BOOL, OPT_SHORT, OPT_RECV };

struct ip_opt {
	uint8_t		 po_name;
	uint8_t		 po_kind;	/* enum opt_kind */
	uint16_t	 po_off;	/* in struct inpcb */
	int		 po_min, po_max;
	uint32_t	 po_bit;	/* OPT_RECV: INP_RECV_* */
	bool		 po_root;	/* CAP_NET_ADMIN or CAP_NET_RAW */
	bool		 po_value;	/* nothing at all is not 0 but wrong */
};

#define FIELD(f)	(uint16_t)__builtin_offsetof(struct inpcb, f)

static const struct ip_opt ip_opts[] = {
	{ IP_TTL, OPT_SHORT, FIELD(inp_ttl), -1, 255, 0, false },
	{ IP_MINTTL, OPT_BYTE, FIELD(inp_minttl), 0, 255, 0, false, true },
	{ IP_MULTICAST_TTL, OPT_BYTE, FIELD(inp_mcttl), -1, 255, 0, false, true },
	{ IP_MTU_DISCOVER, OPT_BYTE, FIELD(inp_pmtudisc), IP_PMTUDISC_DONT, IP_PMTUDISC_OMIT, 0,
	    false },
	{ IP_MULTICAST_LOOP, OPT_BOOL, FIELD(inp_mcloop), 0, 0, 0, false, true },
	{ IP_MULTICAST_ALL, OPT_BOOL, FIELD(inp_mcall), 0, 1, 0, false, true },
	{ IP_RECVERR, OPT_BOOL, FIELD(inp_recverr), 0, 0, 0, false },
	{ IP_RECVERR_RFC4884, OPT_BOOL, FIELD(inp_recverr_rfc4884), 0, 1, 0, false },
	{ IP_HDRINCL, OPT_BOOL, FIELD(inp_hdrincl), 0, 0, 0, false },
	{ IP_FREEBIND, OPT_BOOL, FIELD(inp_freebind), 0, 0, 0, false, true },
	{ IP_TRANSPARENT, OPT_BOOL, FIELD(inp_transparent), 0, 0, 0, true, true },
	{ IP_NODEFRAG, OPT_BOOL, FIELD(inp_nodefrag), 0, 0, 0, false },
	{ IP_BIND_ADDRESS_NO_PORT, OPT_BOOL, FIELD(inp_bindlater), 0, 0, 0, false },
	{ IP_PKTINFO, OPT_RECV, 0, 0, 0, INP_RECV_PKTINFO, false },
	{ IP_RECVTTL, OPT_RECV, 0, 0, 0, INP_RECV_TTL, false },
	{ IP_RECVTOS, OPT_RECV, 0, 0, 0, INP_RECV_TOS, false },
	{ IP_RECVOPTS, OPT_RECV, 0, 0, 0, INP_RECV_OPTS, false },
	{ IP_RETOPTS, OPT_RECV, 0, 0, 0, INP_RECV_OPTS, false },
	{ IP_RECVORIGDSTADDR, OPT_RECV, 0, 0, 0, INP_RECV_ORIGDST, false },
	{ IP_RECVFRAGSIZE, OPT_RECV, 0, 0, 0, INP_RECV_FRAGSIZE, false },
};

static const struct ip_opt *
opt_find(int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(ip_opts); i++)
		if (ip_opts[i].po_name == name)
			return &ip_opts[i];
	return NULL;
}

static int
opt_int(const void *val, socklen_t len)
{
	int value = 0;
	uint8_t byte;

	if (len >= sizeof(int)) {
		memcpy(&value, val, sizeof(int));
	} else if (len >= 1) {
		memcpy(&byte, val, 1);
		value = byte;
	}
	return value;
}

/* --- setting -------------------------------------------------------------- */

static int
opt_check(const struct socket *so, const struct ip_opt *po, int value)
{
	if (po->po_root && value != 0 && !cred_capable(so->so_cred, CAP_NET_ADMIN) &&
	    !cred_capable(so->so_cred, CAP_NET_RAW))
		return EPERM;
	if (po->po_name == IP_HDRINCL && so->so_type != SOCK_RAW)
		return ENOPROTOOPT;
	if (po->po_name == IP_NODEFRAG && so->so_type != SOCK_RAW)
		return ENOPROTOOPT;
	if (po->po_name == IP_MULTICAST_TTL && so->so_type == SOCK_STREAM)
		return EINVAL;
	if (po->po_name == IP_TTL && value == 0)
		return EINVAL;
	if (po->po_max > po->po_min && (value < po->po_min || value > po->po_max))
		return EINVAL;
	return 0;
}

static void
opt_store(struct inpcb *inp, const struct ip_opt *po, int value)
{
	char *field = (char *)inp + po->po_off;

	switch ((enum opt_kind)po->po_kind) {
	case OPT_BYTE:
		*(uint8_t *)field = (uint8_t)(value < 0 ? 1 : value);
		break;
	case OPT_BOOL:
		*(bool *)field = value != 0;
		break;
	case OPT_SHORT:
		memcpy(field, &(int16_t){ (int16_t)value }, sizeof(int16_t));
		break;
	case OPT_RECV:
		if (value != 0)
			atomic_or(&inp->inp_recvopts, po->po_bit);
		else
			atomic_and(&inp->inp_recvopts, ~po->po_bit);
		break;
	}
}

static int
set_options(struct socket *so, const void *val, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	uint8_t *opt = NULL, *old;
	size_t padded = (len + 3) & ~(size_t)3, oldlen;
	int error;

	if (len > IP_HDRMAX - IP_HDRLEN)
		return EINVAL;
	if (len > 0) {
		error = ip_opt_check(val, len);
		if (error)
			return error;
		opt = kmem_zalloc(padded, KM_SLEEP);
		if (opt == NULL)
			return ENOMEM;
		memcpy(opt, val, len);
	}
	mutex_enter(&so->so_lock);
	old = inp->inp_options;
	oldlen = inp->inp_optlen;
	inp->inp_options = opt;
	inp->inp_optlen = (uint16_t)padded;
	mutex_exit(&so->so_lock);
	kmem_free(old, oldlen);
	return 0;
}

int
ip_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	const struct ip_opt *po;
	int error, value;

	(void)level;
	if (ip_mcast_isopt(name))
		return ip_mcast_setopt(so, name, val, len);
	if (name == IP_OPTIONS)
		return set_options(so, val, len);
	value = opt_int(val, len);
	if (name == IP_TOS) {
		mutex_enter(&so->so_lock);
		if (so->so_type == SOCK_STREAM)		/* the ECN bits are TCP's own */
			value = (value & ~3) | (inp->inp_tos & 3);
		atomic_store(&inp->inp_tos, (uint8_t)value);
		inpcb_setdst(inp, NULL);
		mutex_exit(&so->so_lock);
		return 0;
	}
	if (name == IP_ROUTER_ALERT || name == IP_CHECKSUM || name == IP_PASSSEC)
		return ENOPROTOOPT;
	po = opt_find(name);
	if (po == NULL)
		return ENOPROTOOPT;
	error = po->po_value && len == 0 ? EINVAL : opt_check(so, po, value);
	if (error)
		return error;
	mutex_enter(&so->so_lock);
	opt_store(inp, po, value);
	if (name == IP_RECVERR && value == 0)
		packetq_drop(&so->so_errq);
	mutex_exit(&so->so_lock);
	return 0;
}

/* --- getting -------------------------------------------------------------- */

static int
put_int(int value, void *val, socklen_t *len)
{
	uint8_t byte = (uint8_t)value;

	if (*len < sizeof(int) && *len > 0 && value >= 0 && value <= 255) {
		memcpy(val, &byte, 1);
		*len = 1;
		return 0;
	}
	if (*len > sizeof(int))
		*len = sizeof(int);
	memcpy(val, &value, *len);
	return 0;
}

static int
opt_load(const struct socket *so, const struct inpcb *inp, const struct ip_opt *po)
{
	const char *field = (const char *)inp + po->po_off;
	int16_t number;

	switch ((enum opt_kind)po->po_kind) {
	case OPT_BYTE:
		return *(const uint8_t *)field;
	case OPT_BOOL:
		return *(const bool *)field;
	case OPT_SHORT:
		memcpy(&number, field, sizeof(number));
		return number >= 0 ? number : netvar_get(so->so_ns, &netvar_ip_default_ttl);
	case OPT_RECV:
		return (inp->inp_recvopts & po->po_bit) != 0;
	}
	return 0;
}

/* Of a connected socket only. */
static int
get_mtu(struct socket *so, void *val, socklen_t *len)
{
	struct inpcb *inp = so->so_pcb;
	struct rtdst *rd = NULL;
	int error = ENOTCONN;
	uint32_t mtu;

	mutex_enter(&so->so_lock);
	if (!inaddr_zero(&inp->inp_faddr))
		error = inpcb_route(inp, &rd);
	mutex_exit(&so->so_lock);
	if (error)
		return ENOTCONN;
	mtu = rtdst_mtu(rd);
	rtdst_rele(rd);
	return put_int((int)mtu, val, len);
}

static int
get_options(struct socket *so, void *val, socklen_t *len)
{
	const struct inpcb *inp = so->so_pcb;

	mutex_enter(&so->so_lock);
	if (*len > inp->inp_optlen)
		*len = inp->inp_optlen;
	if (*len > 0)
		memcpy(val, inp->inp_options, *len);
	mutex_exit(&so->so_lock);
	return 0;
}

int
ip_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	const struct inpcb *inp = so->so_pcb;
	const struct ip_opt *po;
	int value;

	(void)level;
	if (ip_mcast_isopt(name))
		return ip_mcast_getopt(so, name, val, len);
	switch (name) {
	case IP_OPTIONS:
		return get_options(so, val, len);
	case IP_MTU:
		return get_mtu(so, val, len);
	case IP_TOS:
		return put_int(atomic_load(&inp->inp_tos), val, len);
	case IP_PROTOCOL:
		return put_int(so->so_protocol, val, len);
	}
	po = opt_find(name);
	if (po == NULL)
		return ENOPROTOOPT;
	mutex_enter(&so->so_lock);
	value = opt_load(so, inp, po);
	mutex_exit(&so->so_lock);
	return put_int(value, val, len);
}
