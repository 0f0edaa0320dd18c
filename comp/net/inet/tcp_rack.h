/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_rack.h - which segments are lost: by time, not by counting (RFC 8985)
 *
 * Pure: works on a scoreboard and on times that are handed in.
 */

#ifndef TCP_RACK_H
#define TCP_RACK_H

#include "tcp_sack.h"

/* RACK's variables of RFC 8985 section 5.3. */
struct tcp_rack {
	int64_t		 rk_xmit;	/* RACK.xmit_ts; 0: nothing delivered yet */
	int64_t		 rk_rtt;
	uint32_t	 rk_end;	/* RACK.end_seq */
	uint32_t	 rk_fack;
	uint32_t	 rk_dsackround;	/* SND.NXT when a DSACK was counted, if rk_indsack */
	uint32_t	 rk_reordseen;	/* times */
	uint8_t		 rk_mult;	/* RACK.reo_wnd_mult */
	uint8_t		 rk_persist;
	bool		 rk_indsack;
	bool		 rk_advanced;
};

#define RACK_DUPTHRESH	3

void	rack_init(struct tcp_rack *rk, uint32_t iss);
/* Steps 1 to 3: what the ACK delivered. */
void	rack_update(struct tcp_rack *rk, const struct tcp_delivery *d);
/* Step 4, about DSACKs: una of the ACK, nxt ours. */
void	rack_dsack(struct tcp_rack *rk, bool dsack, uint32_t una, uint32_t nxt);
void	rack_recovered(struct tcp_rack *rk);
/* Step 4: how much later than its followers a segment may come. */
int64_t	rack_reownd(const struct tcp_rack *rk, const struct tcp_board *b, uint32_t mss,
	    int64_t minrtt, int64_t srtt, bool inrecovery);
/*
 * Step 5: marks what is lost by now.  Returns octets newly marked; *ret_wait:
 * when the next could be (0: none waits for time).
 */
uint32_t rack_detect(const struct tcp_rack *rk, struct tcp_board *b, int64_t reownd,
	    int64_t now, int64_t *ret_wait);

#endif /* TCP_RACK_H */
