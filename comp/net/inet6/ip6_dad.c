/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_dad.c - is the address somebody else's?
 *
 * RFC 4862 section 5.4: some solicitations from :: for the tentative address, and
 * a wait.  Who answers has it; who asks for it too, from ::, wants it as well, and
 * then neither gets it.  A link may bring our own probe back: it carries a random
 * nonce, and what comes with that nonce is ours (RFC 7527).
 *
 * What a failure means depends on the address: an opaque one is tried again with
 * the next identifier (RFC 7217 section 6), a temporary one is replaced (RFC 8981), others
 * keep IFA_F_DADFAILED for somebody to see.
 */

#include "ip6_impl.h"

#include <sys/log.h>

#include <lib/string.h>

#define IDGEN_RETRIES	3	/* RFC 7217 section 6 */

static struct log_limit dad_limit;

void
ip6_dad_start(struct ip6_if *ii, struct ifaddr *ifa, int64_t now)
{
	struct ip6_addrinfo *ai = ip6_addrinfo(ifa);

	ai->ai_left = (unsigned int)netvar_get(ii->ii_ifp->if_ns, &ip6_var_dad_transmits);
	ai->ai_at = now + random_below(NSEC_PER_SEC);	/* section 5.4.2 */
	random_bytes(ai->ai_nonce, sizeof(ai->ai_nonce));
}

/* It is ours. */
static void
dad_done(struct ip6_if *ii, struct ifaddr *ifa, int64_t now)
{
	ip6_addr_setflags(ifa, 0, IFA_F_TENTATIVE);
	if (ip6_linklocal(&ifa->ifa_addr))
		ip6_rs_start(ii, now);
	ip6_kick(ii->ii_ifp->if_ns);
}

static void
probe_send(struct ip6_if *ii, struct ifaddr *ifa, struct packetq *out)
{
	static const struct inaddr any;
	struct inaddr group = ip6_solicited_node(&ifa->ifa_addr);
	bool nonce = netvar_get(ii->ii_ifp->if_ns, &ip6_var_enhanced_dad) != 0;

	nd_send_ns(ii->ii_ifp, &ifa->ifa_addr, &any, &group,
	    nonce ? ip6_addrinfo(ifa)->ai_nonce : NULL, out);
}

int64_t
ip6_dad_run(struct ip6_if *ii, struct ifaddr *ifa, int64_t now, struct packetq *out)
{
	struct ip6_addrinfo *ai = ip6_addrinfo(ifa);

	if ((ifa->ifa_flags & IFA_F_DADFAILED) != 0 || !ii->ii_running || !ii->ii_up)
		return KTIME_NEVER;
	if (now < ai->ai_at)
		return ai->ai_at;
	if (ai->ai_left == 0) {
		dad_done(ii, ifa, now);
		return KTIME_NEVER;
	}
	ai->ai_left--;
	ai->ai_at = now + atomic_load(&ii->ii_retrans) * MSEC;
	probe_send(ii, ifa, out);
	return ai->ai_at;
}

/* Not ours.  May remove ifa. */
static void
dad_failed(struct ip6_if *ii, struct ifaddr *ifa)
{
	struct ip6_addrinfo *ai = ip6_addrinfo(ifa);
	struct ifnet *ifp = ii->ii_ifp;
	struct inaddr a = ifa->ifa_addr;
	unsigned int tries = ai->ai_tries + 1;
	char text[IP6_ADDRSTRLEN];

	ip6_count(dad_failed);
	if (log_allowed(&dad_limit, 5))
		log_printf(LOG_WARNING, "%s: %s is used by another host", ifp->if_name,
		    ip6_addr_format(&a, text));
	ip6_addr_setflags(ifa, IFA_F_DADFAILED, 0);
	ip6_kick(ifp->if_ns);
	if (!ip6_linklocal(&a) || !ai->ai_auto)
		return;
	if (netvar_get(ifp->if_ns, &ip6_var_addr_gen_mode) == ADDR_GEN_STABLE &&
	    tries <= IDGEN_RETRIES) {
		(void)ifaddr_del(ifp, AF_INET6, &a, 64);
		ip6_linklocal_make(ii, tries);
	} else if (netvar_get(ifp->if_ns, &ip6_var_accept_dad) == 2) {
		ii->ii_addrfail = true;
	}
}

void
ip6_dad_heard(struct ip6_if *ii, struct ifaddr *ifa, bool has, const uint8_t *nonce)
{
	struct ip6_addrinfo *ai = ip6_addrinfo(ifa);

	if (ai == NULL || (ifa->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) !=
	    IFA_F_TENTATIVE)
		return;
	if (has)
		ai->ai_na++;
	else if (nonce != NULL && memcmp(nonce, ai->ai_nonce, ND_NONCELEN) == 0)
		return;
	else
		ai->ai_ns++;
	dad_failed(ii, ifa);
}
