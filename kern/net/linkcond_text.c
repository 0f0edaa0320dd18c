/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * linkcond_text.c - link conditions as users write them
 *
 * name=value, separated by commas.  A share is a number with up to four
 * decimals and a percent sign; a time has one of s, ms, us, ns; a rate one of
 * bit, kbit, mbit, gbit (powers of 1000).
 */

#include <lib/string.h>
#include <net/linkcond.h>
#include <sys/errno.h>

struct unit {
	const char	*u_name;
	uint64_t	 u_factor;
};

static const struct unit shares[] = { { "%", 10000 }, { NULL, 0 } };
static const struct unit times[] = {
	{ "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 }, { "ns", 1 }, { NULL, 0 },
};
static const struct unit rates[] = {
	{ "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 },
	{ NULL, 0 },
};
static const struct unit numbers[] = { { "", 1 }, { NULL, 0 } };

enum field { F_LOSS, F_DUPLICATE, F_CORRUPT, F_REORDER, F_DELAY, F_JITTER, F_RATE,
	F_LIMIT, F_SEED };

static const struct {
	const char	*k_name;
	enum field	 k_field;
	const struct unit *k_units;
	uint64_t	 k_max;
} keys[] = {
	{ "loss", F_LOSS, shares, LINKCOND_ALL },
	{ "duplicate", F_DUPLICATE, shares, LINKCOND_ALL },
	{ "corrupt", F_CORRUPT, shares, LINKCOND_ALL },
	{ "reorder", F_REORDER, shares, LINKCOND_ALL },
	{ "delay", F_DELAY, times, 3600ULL * NSEC_PER_SEC },
	{ "jitter", F_JITTER, times, 3600ULL * NSEC_PER_SEC },
	{ "rate", F_RATE, rates, 1000000000000000ULL },
	{ "limit", F_LIMIT, numbers, 1000000 },
	{ "seed", F_SEED, numbers, UINT64_MAX },
};

static void
field_store(struct linkcond_params *lp, enum field field, uint64_t value)
{
	switch (field) {
	case F_LOSS:
		lp->lp_loss = (uint32_t)value;
		break;
	case F_DUPLICATE:
		lp->lp_duplicate = (uint32_t)value;
		break;
	case F_CORRUPT:
		lp->lp_corrupt = (uint32_t)value;
		break;
	case F_REORDER:
		lp->lp_reorder = (uint32_t)value;
		break;
	case F_DELAY:
		lp->lp_delay = (int64_t)value;
		break;
	case F_JITTER:
		lp->lp_jitter = (int64_t)value;
		break;
	case F_RATE:
		lp->lp_rate = value;
		break;
	case F_LIMIT:
		lp->lp_limit = (uint32_t)value;
		break;
	case F_SEED:
		lp->lp_seed = value;
		break;
	}
}

/* Digits, perhaps with a fraction, in ten-thousandths.  The rest of the text. */
static const char *
decimal_parse(const char *s, const char *end, uint64_t *ret_whole, uint64_t *ret_fraction)
{
	uint64_t whole = 0, fraction = 0, place = 1000;
	const char *start = s;

	for (; s < end && *s >= '0' && *s <= '9'; s++) {
		if (whole > (UINT64_MAX - 9) / 10)
			return NULL;
		whole = whole * 10 + (uint64_t)(*s - '0');
	}
	if (s == start)
		return NULL;
	if (s < end && *s == '.') {
		for (s++; s < end && *s >= '0' && *s <= '9'; s++, place /= 10)
			fraction += (uint64_t)(*s - '0') * place;
	}
	*ret_whole = whole;
	*ret_fraction = fraction;
	return s;
}

static bool
value_parse(const char *s, const char *end, const struct unit *units, uint64_t max,
    uint64_t *ret_value)
{
	uint64_t whole, fraction;

	s = decimal_parse(s, end, &whole, &fraction);
	for (; s != NULL && units->u_name != NULL; units++) {
		if (strlen(units->u_name) != (size_t)(end - s) ||
		    memcmp(units->u_name, s, (size_t)(end - s)) != 0)
			continue;
		if (whole > max / units->u_factor)
			return false;
		whole *= units->u_factor;
		/* The fraction is less than one unit. */
		fraction = fraction * units->u_factor / 10000;
		if (fraction > max - whole)
			return false;
		*ret_value = whole + fraction;
		return true;
	}
	return false;
}

static bool
word_parse(const char *s, const char *end, struct linkcond_params *lp)
{
	const char *equal = memchr(s, '=', (size_t)(end - s));
	uint64_t value;

	if (equal == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strlen(keys[i].k_name) != (size_t)(equal - s) ||
		    memcmp(keys[i].k_name, s, (size_t)(equal - s)) != 0)
			continue;
		if (!value_parse(equal + 1, end, keys[i].k_units, keys[i].k_max, &value))
			return false;
		field_store(lp, keys[i].k_field, value);
		return true;
	}
	return false;
}

int
linkcond_parse(const char *text, struct linkcond_params *ret_params, const char **ret_bad)
{
	struct linkcond_params lp = { 0 };
	const char *end;

	for (const char *s = text; *s != '\0'; s = *end == ',' ? end + 1 : end) {
		end = strchr(s, ',');
		if (end == NULL)
			end = s + strlen(s);
		if (!word_parse(s, end, &lp)) {
			*ret_bad = s;
			return EINVAL;
		}
	}
	*ret_params = lp;
	return 0;
}
