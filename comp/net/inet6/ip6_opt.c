/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_opt.c - IPV6_* socket options
 *
 * Most are a number: a table says where it is kept and in which range.  What the pcb
 * has no field for is in struct ip6_pcb, made when it is first needed.
 *
 * Locking: so_lock is taken here; options of groups take ns_lock before it (ip6_mcast.c).
 *
 * NEEDSWORK: IPV6_FLOWLABEL_MGR (leased labels), IPV6_ADDRFORM, IPV6_JOIN_ANYCAST and
 * the obsolete IPV6_2292* are ENOPROTOOPT.
 *
 * References: RFC 3493, 3542, 5014; ipv6(7).
 */

#include "ip6_pcb.h"

#include <linux/capability.h>
#include <sys/cred.h>

#include <lib/string.h>

enum opt_kind { OPT_U8, OPT_BOOL, OPT_S16, OPT_RECV, OPT_MORE_BOOL };

struct opt {
	uint8_t		 o_name;
	uint8_t		 o_kind;
	uint16_t	 o_off;		/* in struct inpcb; MORE: in struct ip6_pcb */
	int16_t		 o_min, o_max;
	int16_t		 o_minus1;	/* what -1 means */
	uint32_t	 o_bit;		/* OPT_RECV: INP_RECV_* */
	bool		 o_root;	/* CAP_NET_ADMIN or CAP_NET_RAW */
};

#define FIELD(f)	(uint16_t)__builtin_offsetof(struct inpcb, f)
#define MORE(f)		(uint16_t)__builtin_offsetof(struct ip6_pcb, f)

static const struct opt opts[] = {
	{ IPV6_UNICAST_HOPS, OPT_S16, FIELD(inp_hops6), -1, 255, -1, 0, false },
	{ IPV6_MULTICAST_HOPS, OPT_U8, FIELD(inp_mchops6), -1, 255, 1, 0, false },
	{ IPV6_MINHOPCOUNT, OPT_U8, FIELD(inp_minhops6), 0, 255, 0, 0, false },
	{ IPV6_TCLASS, OPT_U8, FIELD(inp_tclass6), -1, 255, 0, 0, false },
	{ IPV6_MTU_DISCOVER, OPT_U8, FIELD(inp_pmtudisc6), 0, IPV6_PMTUDISC_OMIT, 0, 0, false },
	{ IPV6_MULTICAST_LOOP, OPT_BOOL, FIELD(inp_mcloop6), 0, 1, 0, 0, false },
	{ IPV6_RECVERR, OPT_BOOL, FIELD(inp_recverr6), INT16_MIN, INT16_MAX, 0, 0, false },
	{ IPV6_FREEBIND, OPT_BOOL, FIELD(inp_freebind), INT16_MIN, INT16_MAX, 0, 0, false },
	{ IPV6_TRANSPARENT, OPT_BOOL, FIELD(inp_transparent), INT16_MIN, INT16_MAX, 0, 0, true },
	{ IPV6_RECVPKTINFO, OPT_RECV, 0, 0, 0, 0, INP_RECV_PKTINFO6, false },
	{ IPV6_RECVHOPLIMIT, OPT_RECV, 0, 0, 0, 0, INP_RECV_HOPS6, false },
	{ IPV6_RECVTCLASS, OPT_RECV, 0, 0, 0, 0, INP_RECV_TCLASS6, false },
	{ IPV6_RECVHOPOPTS, OPT_RECV, 0, 0, 0, 0, INP_RECV_HOPOPTS6, false },
	{ IPV6_RECVDSTOPTS, OPT_RECV, 0, 0, 0, 0, INP_RECV_DSTOPTS6, false },
	{ IPV6_RECVRTHDR, OPT_RECV, 0, 0, 0, 0, INP_RECV_RTHDR6, false },
	{ IPV6_FLOWINFO, OPT_RECV, 0, 0, 0, 0, INP_RECV_FLOWINFO6, false },
	{ IPV6_RECVFRAGSIZE, OPT_RECV, 0, 0, 0, 0, INP_RECV_FRAGSIZE, false },
	{ IPV6_RECVORIGDSTADDR, OPT_RECV, 0, 0, 0, 0, INP_RECV_ORIGDST, false },
	{ IPV6_DONTFRAG, OPT_MORE_BOOL, MORE(p_dontfrag), 0, 0, 0, 0, false },
	{ IPV6_MULTICAST_ALL, OPT_MORE_BOOL, MORE(p_mcall), 0, 1, 0, 0, false },
	{ IPV6_AUTOFLOWLABEL, OPT_MORE_BOOL, MORE(p_autolabel), 0, 0, 0, 0, false },
	{ IPV6_FLOWINFO_SEND, OPT_MORE_BOOL, MORE(p_sendflow), 0, 0, 0, 0, false },
};

static const struct opt *
opt_find(int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		if (opts[i].o_name == name)
			return &opts[i];
	}
	return NULL;
}

struct ip6_pcb *
ip6_pcb_get(struct inpcb *inp)
{
	struct ip6_pcb *p = inp->inp_options6;

	if (p != NULL)
		return p;
	p = kmem_zalloc(sizeof(*p), KM_NOSLEEP);
	if (p == NULL)
		return NULL;
	p->p_mcall = p->p_autolabel = true;
	atomic_store_rel(&inp->inp_options6, (void *)p);
	return p;
}

/* --- numbers -------------------------------------------------------------------- */

static int
opt_check(const struct socket *so, const struct opt *o, int value)
{
	if (o->o_root && value != 0 && !cred_capable(so->so_cred, CAP_NET_ADMIN) &&
	    !cred_capable(so->so_cred, CAP_NET_RAW))
		return EPERM;
	if (o->o_name == IPV6_MULTICAST_HOPS && so->so_type == SOCK_STREAM)
		return ENOPROTOOPT;
	if (o->o_max > o->o_min && o->o_max != INT16_MAX &&
	    (value < o->o_min || value > o->o_max))
		return EINVAL;
	return 0;
}

static int
opt_store(struct inpcb *inp, const struct opt *o, int value)
{
	uint8_t *field = (uint8_t *)inp + o->o_off;
	struct ip6_pcb *more;

	switch ((enum opt_kind)o->o_kind) {
	case OPT_U8:
		if (value == -1)
			value = o->o_minus1;
		if (o->o_name == IPV6_TCLASS && inp->inp_so->so_type == SOCK_STREAM)
			value = (value & ~3) | (*field & 3);	/* the ECN bits are TCP's own */
		atomic_store(field, (uint8_t)value);
		break;
	case OPT_BOOL:
		*field = value != 0;
		break;
	case OPT_S16:
		memcpy(field, &(int16_t){ (int16_t)value }, sizeof(int16_t));
		break;
	case OPT_RECV:
		if (value != 0)
			atomic_or(&inp->inp_recvopts, o->o_bit);
		else
			atomic_and(&inp->inp_recvopts, ~o->o_bit);
		break;
	case OPT_MORE_BOOL:
		more = ip6_pcb_get(inp);
		if (more == NULL)
			return ENOBUFS;
		((uint8_t *)more)[o->o_off] = value != 0;
		break;
	}
	return 0;
}

static int
opt_load(struct inpcb *inp, const struct opt *o)
{
	static const struct ip6_pcb none = { .p_mcall = true, .p_autolabel = true };
	const uint8_t *field = (const uint8_t *)inp + o->o_off;
	const struct ip6_pcb *more = inp->inp_options6;
	int16_t half;

	switch ((enum opt_kind)o->o_kind) {
	case OPT_S16:
		memcpy(&half, field, sizeof(half));
		if (half == -1 && o->o_name == IPV6_UNICAST_HOPS)
			return netvar_get(inp->inp_so->so_ns, &ip6_var_hoplimit);
		return half;
	case OPT_RECV:
		return (inp->inp_recvopts & o->o_bit) != 0;
	case OPT_MORE_BOOL:
		return ((const uint8_t *)(more != NULL ? more : &none))[o->o_off];
	default:
		return *field;
	}
}

/* --- those with rules of their own ------------------------------------------------- */

static int
set_v6only(struct inpcb *inp, int value)
{
	if (inp->inp_lport != 0)
		return EINVAL;
	inp->inp_v6only = value != 0;
	return 0;
}

static int
set_multicast_if(struct inpcb *inp, int value)
{
	struct socket *so = inp->inp_so;
	uint32_t bound = atomic_load(&so->so_bound_if);

	if (so->so_type == SOCK_STREAM)
		return ENOPROTOOPT;
	if (value != 0 && bound != 0 && (uint32_t)value != bound)
		return EINVAL;
	if (value < 0 || (value != 0 && if_byindex(so->so_ns, (uint32_t)value) == NULL))
		return ENODEV;
	inp->inp_mcif6 = (uint32_t)value;
	return 0;
}

static int
set_mtu(struct inpcb *inp, int value)
{
	struct ip6_pcb *more;

	if (value != 0 && value < IP6_MINMTU)
		return EINVAL;
	if (value > IP6_PAYLOAD_MAX)
		value = IP6_PAYLOAD_MAX;
	more = ip6_pcb_get(inp);
	if (more == NULL)
		return ENOBUFS;
	more->p_mtu = (uint32_t)value;
	return 0;
}

/* RFC 5014: one of each pair. */
static int
set_preferences(struct inpcb *inp, int value)
{
	struct ip6_pcb *more = ip6_pcb_get(inp);
	uint32_t v = (uint32_t)value, temporary;

	if (more == NULL)
		return ENOBUFS;
	temporary = v & (IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC |
	    IPV6_PREFER_SRC_PUBTMP_DEFAULT);
	if ((temporary & (temporary - 1)) != 0 ||
	    (v & (IPV6_PREFER_SRC_COA | IPV6_PREFER_SRC_HOME)) ==
	    (IPV6_PREFER_SRC_COA | IPV6_PREFER_SRC_HOME) ||
	    (v & (IPV6_PREFER_SRC_CGA | IPV6_PREFER_SRC_NONCGA)) ==
	    (IPV6_PREFER_SRC_CGA | IPV6_PREFER_SRC_NONCGA))
		return EINVAL;
	if (temporary != 0)
		atomic_store(&more->p_prefs, (more->p_prefs & ~3u) |
		    (temporary & (IPV6_PREFER_SRC_TMP | IPV6_PREFER_SRC_PUBLIC)));
	if ((v & (IPV6_PREFER_SRC_COA | IPV6_PREFER_SRC_HOME)) != 0)
		atomic_store(&more->p_prefs, (more->p_prefs & ~(uint32_t)IPV6_PREFER_SRC_COA) |
		    (v & IPV6_PREFER_SRC_COA));
	return 0;
}

static int
set_pktinfo(struct inpcb *inp, const void *val, socklen_t len)
{
	struct in6_pktinfo pi = { .ipi6_ifindex = 0 };
	struct ip6_pcb *more;
	struct inaddr src;

	if (val != NULL && len != 0) {
		if (len < sizeof(pi))
			return EINVAL;
		memcpy(&pi, val, sizeof(pi));
	}
	if (pi.ipi6_ifindex != 0 &&
	    if_byindex(inp->inp_so->so_ns, (uint32_t)pi.ipi6_ifindex) == NULL)
		return ENODEV;
	memcpy(&src, &pi.ipi6_addr, sizeof(src));
	if (!inaddr_zero(&src) && !inp->inp_freebind && !inp->inp_transparent &&
	    !ip6_islocal(inp->inp_so->so_ns, &src, (uint32_t)pi.ipi6_ifindex))
		return EINVAL;
	more = ip6_pcb_get(inp);
	if (more == NULL)
		return ENOBUFS;
	atomic_store(&more->p_oif, (uint32_t)pi.ipi6_ifindex);
	more->p_src = src;
	return 0;
}

static bool
is_header(int name)
{
	return name == IPV6_HOPOPTS || name == IPV6_RTHDRDSTOPTS || name == IPV6_RTHDR ||
	    name == IPV6_DSTOPTS;
}

/* A number too short for one is wrong, unless it is for nothing that this socket has. */
static int
short_error(const struct socket *so, int name)
{
	switch (name) {
	case IPV6_MULTICAST_IF:
	case IPV6_MULTICAST_HOPS:
		return so->so_type == SOCK_STREAM ? ENOPROTOOPT : EINVAL;
	case IPV6_DONTFRAG:
		return 0;
	case IPV6_V6ONLY:
	case IPV6_MTU:
	case IPV6_ADDR_PREFERENCES:
		return EINVAL;
	default:
		return opt_find(name) != NULL ? EINVAL : ENOPROTOOPT;
	}
}

static int
setopt_locked(struct socket *so, int name, const void *val, socklen_t len)
{
	struct inpcb *inp = so->so_pcb;
	const struct opt *o;
	int error, value = 0;

	if (is_header(name))
		return ip6_sticky_set(inp, name, val, len);
	if (name == IPV6_PKTINFO)
		return set_pktinfo(inp, val, len);
	error = len < sizeof(value) ? short_error(so, name) : 0;
	if (error)
		return error;
	if (len >= sizeof(value))
		memcpy(&value, val, sizeof(value));
	o = opt_find(name);
	if (o != NULL) {
		error = opt_check(so, o, value);
		return error != 0 ? error : opt_store(inp, o, value);
	}
	switch (name) {
	case IPV6_V6ONLY:
		return set_v6only(inp, value);
	case IPV6_MULTICAST_IF:
		return set_multicast_if(inp, value);
	case IPV6_MTU:
		return set_mtu(inp, value);
	case IPV6_ADDR_PREFERENCES:
		return set_preferences(inp, value);
	default:
		return ENOPROTOOPT;
	}
}

static bool
is_group(int name)
{
	return name == IPV6_ADD_MEMBERSHIP || name == IPV6_DROP_MEMBERSHIP ||
	    (name >= MCAST_JOIN_GROUP && name <= MCAST_MSFILTER);
}

int
ip6_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
{
	int error;

	if (is_group(name))
		return ip6_mcast_setopt(so, name, val, len);
	mutex_enter(&so->so_lock);
	error = setopt_locked(so, name, val, len);
	mutex_exit(&so->so_lock);
	return error;
}

/* --- asking -------------------------------------------------------------------------- */

/* The path's MTU, for who is connected. */
static int
get_mtu(struct inpcb *inp, int *ret_value)
{
	struct rtdst *rd;
	int error;

	if (inaddr_zero(&inp->inp_faddr))
		return ENOTCONN;
	error = inpcb_route(inp, &rd);
	if (error)
		return error;
	*ret_value = (int)rtdst_mtu(rd);
	rtdst_rele(rd);
	return 0;
}

static int
get_preferences(const struct ip6_pcb *more)
{
	uint32_t prefs = more != NULL ? more->p_prefs : 0, v;

	v = prefs & 3;
	if (v == 0)
		v = IPV6_PREFER_SRC_PUBTMP_DEFAULT;
	v |= (prefs & IPV6_PREFER_SRC_COA) != 0 ? IPV6_PREFER_SRC_COA : IPV6_PREFER_SRC_HOME;
	return (int)v;
}

static int
getopt_number(struct inpcb *inp, int name, int *ret_value)
{
	const struct opt *o = opt_find(name);

	if (o != NULL) {
		*ret_value = opt_load(inp, o);
		return 0;
	}
	switch (name) {
	case IPV6_V6ONLY:
		*ret_value = inp->inp_v6only;
		return 0;
	case IPV6_MULTICAST_IF:
		*ret_value = (int)inp->inp_mcif6;
		return 0;
	case IPV6_MTU:
		return get_mtu(inp, ret_value);
	case IPV6_ADDR_PREFERENCES:
		*ret_value = get_preferences(inp->inp_options6);
		return 0;
	default:
		return ENOPROTOOPT;
	}
}

int
ip6_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	struct inpcb *inp = so->so_pcb;
	int error, value = 0;

	if (name == MCAST_MSFILTER)
		return ip6_mcast_getopt(so, name, val, len);
	mutex_enter(&so->so_lock);
	if (is_header(name)) {
		error = ip6_sticky_get(inp, name, val, len);
		mutex_exit(&so->so_lock);
		return error;
	}
	error = getopt_number(inp, name, &value);
	mutex_exit(&so->so_lock);
	if (error)
		return error;
	if (*len > sizeof(value))
		*len = sizeof(value);
	memcpy(val, &value, *len);
	return 0;
}
