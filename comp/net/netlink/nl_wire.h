/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nl_wire.h - netlink messages: bytes to values and back
 *
 * Parsing takes nothing for granted: each length is compared with what is left before
 * anything behind it is read.  What was parsed are views into the message, which
 * stays where it is.  Building goes into a buffer of the caller's; when that is full the
 * rest of the message vanishes without harm, and nlbuf_end() says so.
 *
 * No lock, no allocation, no clock.
 *
 * References: netlink(7), rtnetlink(7), RFC 3549 section 2.3.
 */

#ifndef NETLINK_NL_WIRE_H
#define NETLINK_NL_WIRE_H

#include <linux/netlink.h>
#include <sys/types.h>

/* --- parsing ------------------------------------------------------------------ */

/* The payload of an attribute; nv_data NULL: it was not there. */
struct nlview {
	const uint8_t	*nv_data;
	uint32_t	 nv_len;
};

/* What an attribute may be; longer numbers than said are cut, as Linux does. */
enum nlkind {
	NLK_NONE,		/* not known: ignored, or refused by strict checks */
	NLK_ANY,		/* np_len: at least */
	NLK_EXACT,		/* np_len exactly */
	NLK_FLAG,
	NLK_U8, NLK_U16, NLK_U32, NLK_U64,
	NLK_STRING,		/* np_len: at most, with or without the NUL */
	NLK_NEST,		/* attributes; np_len: at least */
	NLK_ADDR,		/* 4 or 16 bytes */
};

struct nlpolicy {
	uint8_t		 np_kind;
	uint16_t	 np_len;
};

/* What was wrong, for the extended ACK.  All zero: nothing to say. */
struct nlerr {
	const char	*ne_text;
	const void	*ne_at;		/* the attribute, in the message */
	bool		 ne_misses;	/* ne_miss is an attribute that was wanted */
	uint16_t	 ne_miss;
};

/*
 * Cuts the next message off *data, *len.  ENOENT: no more (less than a header
 * is left); EINVAL: its length is impossible.
 */
int	nlmsg_next(const uint8_t **data, size_t *len, struct nlmsghdr *ret_hdr,
	    const uint8_t **ret_payload, size_t *ret_len);

/*
 * Sorts attributes into tb[0..n-1]; of several of one type the last counts.  strict: unknown
 * types, types not in the policy and trailing bytes are errors.  EINVAL, ERANGE, EOPNOTSUPP.
 */
int	nlattrs_parse(const uint8_t *data, size_t len, const struct nlpolicy *policy,
	    size_t n, bool strict, struct nlview *tb, struct nlerr *err);

/* One after the other, without a policy: false at the end or at nonsense. */
struct nliter {
	const uint8_t	*ni_data;
	size_t		 ni_len;
};
bool	nliter_next(struct nliter *it, uint16_t *ret_type, struct nlview *ret_view);

static inline bool
nlview_present(struct nlview v)
{
	return v.nv_data != NULL;
}
/* Missing bytes count as zero. */
uint64_t nlview_number(struct nlview v, size_t bytes);
static inline uint32_t
nlview_u32(struct nlview v)
{
	return (uint32_t)nlview_number(v, 4);
}
/* NUL-terminated; EINVAL if it does not fit. */
int	nlview_string(struct nlview v, char *buf, size_t size);

/* --- building ------------------------------------------------------------------ */

struct nlbuf {
	uint8_t		*nb_data;
	size_t		 nb_max;
	size_t		 nb_len;	/* bytes of whole messages and the one being built */
	size_t		 nb_msg;	/* where that begins */
	bool		 nb_full;	/* of that one: something did not fit */
};

struct nlhead {
	uint16_t	 nh_type;
	uint16_t	 nh_flags;
	uint32_t	 nh_seq;
	uint32_t	 nh_portid;
};

void	nlbuf_init(struct nlbuf *nb, void *data, size_t max);
void	nlbuf_begin(struct nlbuf *nb, const struct nlhead *head);
/* The family's header or any bytes, padded to 4. */
void	nlbuf_bytes(struct nlbuf *nb, const void *data, size_t len);
void	nlbuf_attr(struct nlbuf *nb, uint16_t type, const void *data, size_t len);
void	nlbuf_u8(struct nlbuf *nb, uint16_t type, uint8_t v);
void	nlbuf_u16(struct nlbuf *nb, uint16_t type, uint16_t v);
void	nlbuf_u32(struct nlbuf *nb, uint16_t type, uint32_t v);
void	nlbuf_string(struct nlbuf *nb, uint16_t type, const char *s);
/* Structures of 64-bit numbers: aligned to 8 in the message by an attribute of type pad. */
void	nlbuf_attr64(struct nlbuf *nb, uint16_t type, const void *data, size_t len, uint16_t pad);
/*
 * Without NLA_F_NESTED unless type has it: what rtnetlink always had, old readers
 * do not expect to be marked.  A mark for nlbuf_nest_end().
 */
size_t	nlbuf_nest(struct nlbuf *nb, uint16_t type);
void	nlbuf_nest_end(struct nlbuf *nb, size_t mark);
/* Finishes the message.  False: it did not fit, and the buffer is as before it. */
bool	nlbuf_end(struct nlbuf *nb);
void	nlbuf_cancel(struct nlbuf *nb);
/* A flag of the message that is complete at offset msg. */
void	nlbuf_setflag(struct nlbuf *nb, size_t msg, uint16_t flag);

#endif /* NETLINK_NL_WIRE_H */
