/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_challenge.c - answers to what should not have come, and how many (RFC 5961)
 */

#include "tcp_impl.h"

#define OOW_INTERVAL	(NSEC_PER_SEC / 2)	/* answers to garbage, a connection */

/* At most two answers a second to what is none of our business. */
bool
tcp_oow_allowed(int64_t *at, int64_t now)
{
	if (*at != 0 && now - *at < OOW_INTERVAL)
		return false;
	*at = now;
	return true;
}

/*
 * "Did you really say that?"  (RFC 5961.)  Who sent it in good faith answers with
 * the exact number.  Limited a connection, and a host (section 7) with a random
 * addition, as the count of challenges told attackers once which ports are in use.
 */
void
tcp_challenge(struct tcpcb *tp, int64_t now)
{
	struct tcpns *tn = tp->t_ns;
	int limit = netvar_get(tn->tn_ns, &tcpvar_challenge_limit);
	bool ok;

	if (!tcp_oow_allowed(&tp->t_oowat, now))
		return;
	mutex_enter(&tn->tn_lock);
	if (now - tn->tn_chalsec >= NSEC_PER_SEC || tn->tn_chalsec == 0) {
		tn->tn_chalsec = now;
		tn->tn_nchal = (uint32_t)limit / 2 +
		    (limit > 0 ? (uint32_t)siphash(tn->tn_secret, &now, sizeof(now)) %
		    (uint32_t)limit : 0);
	}
	ok = tn->tn_nchal > 0;
	if (ok)
		tn->tn_nchal--;
	mutex_exit(&tn->tn_lock);
	if (!ok)
		return;
	tcp_count(TCPSTAT_CHALLENGEACK);
	tcp_sendack(tp, now);
}
