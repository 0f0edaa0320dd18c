/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linkcond.h - links that lose, delay, repeat, spoil and reorder packets
 *
 * What an interface sends can be treated as a bad line would; each direction
 * of a link is its sender's.  Chances come from a seed, so on a simulated host the
 * same packets meet the same fate every time.
 *
 * A packet's way: lost or not, spoilt or not, once or twice, through a line
 * of so many bits a second with a queue in front, then so long to the other
 * end.  Segments are cut before, since a line carries frames.
 *
 * Text form, for users: "loss=1%,delay=20ms,jitter=5ms,rate=10mbit,seed=7",
 * see rump_pub_netconfig_linkcond(3).
 */

#ifndef NET_LINKCOND_H
#define NET_LINKCOND_H

#include <net/ifnet.h>
#include <sys/types.h>

#define LINKCOND_ALL	1000000	/* parts in a million: always */

/* All zero: a perfect link. */
struct linkcond_params {
	uint32_t	lp_loss;	/* parts in a million, as the next three */
	uint32_t	lp_duplicate;
	uint32_t	lp_corrupt;	/* one bit, behind the link header */
	uint32_t	lp_reorder;	/* are overtaken by those behind */
	int64_t		lp_delay;	/* ns */
	int64_t		lp_jitter;	/* ns: up to that more or less; order stays */
	uint64_t	lp_rate;	/* bits a second; 0: no limit */
	uint32_t	lp_limit;	/* packets on their way; 0: 1000 */
	uint64_t	lp_seed;	/* 0: one of its own */
};

struct linkcond_stats {
	uint64_t	ls_passed;	/* copies included */
	uint64_t	ls_lost;
	uint64_t	ls_duplicated;
	uint64_t	ls_corrupted;
	uint64_t	ls_reordered;
	uint64_t	ls_overrun;	/* the queue was full, or there was no memory */
};

/* --- what happens to a packet (linkcond_model.c): pure ------------------------ */

struct linkcond_model {
	struct linkcond_params lm_params;
	uint64_t	lm_random;	/* state of the generator */
	int64_t		lm_idle;	/* when the line has sent what it was given */
	int64_t		lm_last;	/* the latest arrival in order */
};

struct linkcond_fate {
	bool		lf_lost;
	bool		lf_twice;
	bool		lf_reordered;
	bool		lf_corrupt;
	uint32_t	lf_bit;		/* which, of len * 8 */
	int64_t		lf_due;		/* when it arrives */
};

void	linkcond_model_init(struct linkcond_model *lm,
	    const struct linkcond_params *lp);
/* The fate of len bytes that are sent at now. */
void	linkcond_model_next(struct linkcond_model *lm, int64_t now, uint32_t len,
	    struct linkcond_fate *ret_fate);

/* --- on an interface (linkcond.c) ---------------------------------------------- */

/* EINVAL, with what was not understood in *ret_bad, which points into text. */
int	linkcond_parse(const char *text, struct linkcond_params *ret_params,
	    const char **ret_bad);

/* Sets, changes or (all zero) ends the conditions; ns_lock held.  ENOMEM. */
int	linkcond_set(struct ifnet *ifp, const struct linkcond_params *lp);
/* ns_lock held.  ENOENT: it is a perfect link. */
int	linkcond_get(struct ifnet *ifp, struct linkcond_params *ret_params,
	    struct linkcond_stats *ret_stats);

#endif /* NET_LINKCOND_H */
