/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nlparse_wire.c - taking netlink messages apart
 */

#include "nl_wire.h"

#include <lib/string.h>
#include <sys/errno.h>

static size_t
nl_align(size_t len)
{
	return (len + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
}

int
nlmsg_next(const uint8_t **data, size_t *len, struct nlmsghdr *ret_hdr,
    const uint8_t **ret_payload, size_t *ret_len)
{
	struct nlmsghdr hdr;
	size_t step;

	if (*len < sizeof(hdr))
		return ENOENT;
	memcpy(&hdr, *data, sizeof(hdr));
	if (hdr.nlmsg_len < sizeof(hdr) || hdr.nlmsg_len > *len)
		return EINVAL;
	*ret_hdr = hdr;
	*ret_payload = *data + sizeof(hdr);
	*ret_len = hdr.nlmsg_len - sizeof(hdr);
	step = nl_align(hdr.nlmsg_len);
	if (step > *len)
		step = *len;		/* the last needs no padding */
	*data += step;
	*len -= step;
	return 0;
}

bool
nliter_next(struct nliter *it, uint16_t *ret_type, struct nlview *ret_view)
{
	struct nlattr na;
	size_t step;

	if (it->ni_len < sizeof(na))
		return false;
	memcpy(&na, it->ni_data, sizeof(na));
	if (na.nla_len < sizeof(na) || na.nla_len > it->ni_len)
		return false;
	*ret_type = na.nla_type & NLA_TYPE_MASK;
	ret_view->nv_data = it->ni_data + sizeof(na);
	ret_view->nv_len = (uint32_t)(na.nla_len - sizeof(na));
	step = nl_align(na.nla_len);
	if (step > it->ni_len)
		step = it->ni_len;
	it->ni_data += step;
	it->ni_len -= step;
	return true;
}

uint64_t
nlview_number(struct nlview v, size_t bytes)
{
	uint64_t value = 0;

	/* In the byte order of the host, so the low bytes come first or last with it. */
	if (bytes > v.nv_len || bytes > sizeof(value))
		bytes = v.nv_len < sizeof(value) ? v.nv_len : sizeof(value);
	switch (bytes) {
	case 1:
		return v.nv_data[0];
	case 2: {
		uint16_t n;

		memcpy(&n, v.nv_data, sizeof(n));
		return n;
	}
	case 4: {
		uint32_t n;

		memcpy(&n, v.nv_data, sizeof(n));
		return n;
	}
	case 8:
		memcpy(&value, v.nv_data, sizeof(value));
		return value;
	default:
		return 0;
	}
}

int
nlview_string(struct nlview v, char *buf, size_t size)
{
	size_t len = strnlen((const char *)v.nv_data, v.nv_len);

	if (len >= size)
		return EINVAL;
	memcpy(buf, v.nv_data, len);
	buf[len] = '\0';
	return 0;
}

/* --- policies ------------------------------------------------------------------ */

static bool
string_fits(struct nlview v, size_t max)
{
	return strnlen((const char *)v.nv_data, v.nv_len) <= max && v.nv_len > 0;
}

static int
attr_check(const struct nlpolicy *np, struct nlview v, bool strict, const char **ret_why)
{
	static const uint8_t width[] = {
		[NLK_U8] = 1, [NLK_U16] = 2, [NLK_U32] = 4, [NLK_U64] = 8,
	};

	switch (np->np_kind) {
	case NLK_FLAG:
		*ret_why = "flag with a value";
		return v.nv_len == 0 ? 0 : ERANGE;
	case NLK_U8:
	case NLK_U16:
	case NLK_U32:
	case NLK_U64:
		*ret_why = "invalid attribute length";
		if (v.nv_len < width[np->np_kind])
			return ERANGE;
		return strict && v.nv_len != width[np->np_kind] ? EINVAL : 0;
	case NLK_STRING:
		*ret_why = "string too long, or empty";
		return string_fits(v, np->np_len) ? 0 : ERANGE;
	case NLK_ADDR:
		*ret_why = "invalid address length";
		return v.nv_len == 4 || v.nv_len == 16 ? 0 : v.nv_len < 4 ? ERANGE : EINVAL;
	case NLK_EXACT:
		*ret_why = "invalid attribute length";
		return v.nv_len == np->np_len ? 0 : ERANGE;
	case NLK_ANY:
	case NLK_NEST:
		*ret_why = "invalid attribute length";
		return v.nv_len >= np->np_len ? 0 : ERANGE;
	default:
		*ret_why = "unknown attribute type";
		return strict ? EINVAL : 0;
	}
}

int
nlattrs_parse(const uint8_t *data, size_t len, const struct nlpolicy *policy, size_t n,
    bool strict, struct nlview *tb, struct nlerr *err)
{
	static const struct nlpolicy unknown = { NLK_NONE, 0 };
	struct nliter it = { data, len };
	const char *why = NULL;
	const uint8_t *at = data;
	struct nlview v;
	uint16_t type;
	int error;

	memset(tb, 0, n * sizeof(*tb));
	while (nliter_next(&it, &type, &v)) {
		error = attr_check(type < n ? &policy[type] : &unknown, v, strict, &why);
		if (error) {
			err->ne_text = why;
			err->ne_at = at;
			return error;
		}
		if (type < n && policy[type].np_kind != NLK_NONE)
			tb[type] = v;
		at = it.ni_data;
	}
	if (strict && it.ni_len > 0) {
		err->ne_text = "bytes left after the attributes";
		return EINVAL;
	}
	return 0;
}
