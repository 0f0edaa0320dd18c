/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linkcond_model.c - what becomes of a packet on a bad line: pure
 *
 * No lock, no clock, no memory.  Each packet draws the same number of random
 * numbers whatever happens to it, so that its fate does not depend on which
 * conditions are set besides.
 */

#include <net/linkcond.h>

/* splitmix64: any seed will do. */
static uint64_t
draw(struct linkcond_model *lm)
{
	uint64_t z = lm->lm_random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static bool
chance(struct linkcond_model *lm, uint32_t millionths)
{
	return draw(lm) % LINKCOND_ALL < millionths;
}

void
linkcond_model_init(struct linkcond_model *lm, const struct linkcond_params *lp)
{
	*lm = (struct linkcond_model){ .lm_params = *lp, .lm_random = lp->lp_seed };
}

/* When the last bit of len bytes has left. */
static int64_t
line_send(struct linkcond_model *lm, int64_t now, uint32_t len)
{
	uint64_t rate = lm->lm_params.lp_rate, bits = (uint64_t)len * 8;

	if (lm->lm_idle < now)
		lm->lm_idle = now;
	if (rate != 0)
		lm->lm_idle += (int64_t)(bits * NSEC_PER_SEC / rate);
	return lm->lm_idle;
}

/* In order, unless it is one of those that are overtaken. */
static int64_t
arrival(struct linkcond_model *lm, int64_t left, uint64_t random, bool late)
{
	const struct linkcond_params *lp = &lm->lm_params;
	int64_t due = left + lp->lp_delay, gap;

	if (lp->lp_jitter > 0) {
		due += (int64_t)(random % (2 * (uint64_t)lp->lp_jitter + 1)) -
		    lp->lp_jitter;
	}
	if (due < left)
		due = left;
	if (late) {
		gap = lp->lp_delay / 2;
		return due + (gap < NSEC_PER_SEC / 1000 ? NSEC_PER_SEC / 1000 : gap);
	}
	if (due < lm->lm_last)
		due = lm->lm_last;
	lm->lm_last = due;
	return due;
}

void
linkcond_model_next(struct linkcond_model *lm, int64_t now, uint32_t len,
    struct linkcond_fate *ret_fate)
{
	const struct linkcond_params *lp = &lm->lm_params;
	uint64_t random;

	ret_fate->lf_lost = chance(lm, lp->lp_loss);
	ret_fate->lf_twice = chance(lm, lp->lp_duplicate);
	ret_fate->lf_reordered = chance(lm, lp->lp_reorder);
	ret_fate->lf_corrupt = chance(lm, lp->lp_corrupt);
	ret_fate->lf_bit = (uint32_t)(draw(lm) % ((uint64_t)len * 8 + (len == 0)));
	random = draw(lm);
	/* A lost packet has been on the line like any other. */
	ret_fate->lf_due = arrival(lm, line_send(lm, now, len), random,
	    ret_fate->lf_reordered);
}
