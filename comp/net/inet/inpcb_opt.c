/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inpcb_opt.c - options and control messages go to the family they belong to
 *
 * An AF_INET6 socket has the options of both levels, as its packets may be of both.
 */

#include <net/inet.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>

static const struct inet_af *
opt_af(const struct socket *so, int level)
{
	if (level == SOL_IP)
		return inet_af(AF_INET);
	if (level == SOL_IPV6 && so->so_family == AF_INET6)
		return inet_af(AF_INET6);
	return NULL;
}

int
inpcb_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
{
	const struct inet_af *af = opt_af(so, level);

	return af == NULL ? ENOPROTOOPT : af->ia_setopt(so, level, name, val, len);
}

int
inpcb_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	const struct inet_af *af = opt_af(so, level);

	/* What getsockopt() finds on other levels is "not supported" for IPv4, as on Linux. */
	if (af == NULL)
		return level != SOL_SOCKET && so->so_family == AF_INET ? EOPNOTSUPP : ENOPROTOOPT;
	return af->ia_getopt(so, level, name, val, len);
}

void
inpcb_put_cmsgs(struct inpcb *inp, struct sockmsg *sm, const struct packet *p)
{
	const struct inet_af *af = inet_af(INET_RX(p)->ir_family);

	if (atomic_load(&inp->inp_recvopts) == 0 || af == NULL || af->ia_put_cmsgs == NULL)
		return;
	af->ia_put_cmsgs(inp, sm, p);
}

int
inpcb_get_cmsgs(struct inpcb *inp, const struct sockmsg *sm, struct inet_tx *tx, uint32_t *ret_oif)
{
	struct cmsghdr *cm = NULL;
	const struct inet_af *af;
	int error;

	for (;;) {
		error = cmsg_next(sm, cm, &cm);
		if (error || cm == NULL)
			return error;
		if (cm->cmsg_level != SOL_IP && cm->cmsg_level != SOL_IPV6)
			continue;
		af = opt_af(inp->inp_so, cm->cmsg_level);
		if (af == NULL || af->ia_get_cmsg == NULL)
			return EINVAL;
		error = af->ia_get_cmsg(inp, cm, tx, ret_oif);
		if (error)
			return error;
	}
}

void
inpcb_tx(const struct inpcb *inp, struct inet_tx *tx)
{
	const struct inet_af *af = inet_af(inp->inp_family);
	bool six = inp->inp_family == AF_INET6;
	uint8_t disc = six ? inp->inp_pmtudisc6 : inp->inp_pmtudisc;

	*tx = (struct inet_tx){
		.it_ns = inp->inp_so->so_ns, .it_family = inp->inp_family,
		.it_proto = (uint8_t)inp->inp_so->so_protocol,
		.it_tos = six ? inp->inp_tclass6 : inp->inp_tos,
		.it_ttl = six ? inp->inp_hops6 : inp->inp_ttl, .it_flowinfo = inp->inp_flowinfo,
		.it_src = inp->inp_laddr, .it_dst = inp->inp_faddr,
	};
	if (disc == IP_PMTUDISC_DO || disc == IP_PMTUDISC_PROBE)
		tx->it_flags |= INET_TX_DF;
	if (disc == IP_PMTUDISC_PROBE)
		tx->it_flags |= INET_TX_PROBE;
	if (inp->inp_transparent)
		tx->it_flags |= INET_TX_TRANSPARENT;
	if (!(six ? inp->inp_mcloop6 : inp->inp_mcloop))
		tx->it_flags |= INET_TX_NOLOOP;
	if (!six) {
		tx->it_options = inp->inp_options;
		tx->it_optlen = inp->inp_optlen;
	} else if (af != NULL && af->ia_tx != NULL) {
		af->ia_tx(inp, tx);
	}
}

void
inet_tx_keepoptions(struct inet_tx *tx, uint8_t buf[INET_OPTIONS_MAX])
{
	if (likely(tx->it_optlen == 0))
		return;
	KASSERT(tx->it_optlen <= INET_OPTIONS_MAX);
	memcpy(buf, tx->it_options, tx->it_optlen);
	tx->it_options = buf;
}
