/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nlbuild_wire.c - putting netlink messages together
 */

#include "nl_wire.h"

#include <lib/string.h>
#include <sys/kassert.h>

#define NOWHERE		SIZE_MAX

/* len bytes at the end, and zeroes up to the next multiple of four.  NULL: full. */
static uint8_t *
nlbuf_room(struct nlbuf *nb, size_t len)
{
	size_t padded;
	uint8_t *at;

	if (nb->nb_full || len > nb->nb_max) {
		nb->nb_full = true;
		return NULL;
	}
	padded = (len + NLMSG_ALIGNTO - 1) & ~(size_t)(NLMSG_ALIGNTO - 1);
	if (padded > nb->nb_max - nb->nb_len) {
		nb->nb_full = true;
		return NULL;
	}
	at = nb->nb_data + nb->nb_len;
	memset(at + len, 0, padded - len);
	nb->nb_len += padded;
	return at;
}

void
nlbuf_init(struct nlbuf *nb, void *data, size_t max)
{
	memset(nb, 0, sizeof(*nb));
	nb->nb_data = data;
	nb->nb_max = max & ~(size_t)(NLMSG_ALIGNTO - 1);
}

void
nlbuf_begin(struct nlbuf *nb, const struct nlhead *head)
{
	struct nlmsghdr hdr = {
		.nlmsg_type = head->nh_type, .nlmsg_flags = head->nh_flags,
		.nlmsg_seq = head->nh_seq, .nlmsg_pid = head->nh_portid,
	};

	nb->nb_full = false;
	nb->nb_msg = nb->nb_len;
	nlbuf_bytes(nb, &hdr, sizeof(hdr));
}

void
nlbuf_bytes(struct nlbuf *nb, const void *data, size_t len)
{
	uint8_t *at = nlbuf_room(nb, len);

	if (at != NULL)
		memcpy(at, data, len);
}

void
nlbuf_attr(struct nlbuf *nb, uint16_t type, const void *data, size_t len)
{
	struct nlattr na = { .nla_type = type };
	uint8_t *at;

	if (len > UINT16_MAX - sizeof(na)) {
		nb->nb_full = true;
		return;
	}
	na.nla_len = (uint16_t)(sizeof(na) + len);
	at = nlbuf_room(nb, na.nla_len);
	if (at == NULL)
		return;
	memcpy(at, &na, sizeof(na));
	if (len > 0)
		memcpy(at + sizeof(na), data, len);
}

void
nlbuf_u8(struct nlbuf *nb, uint16_t type, uint8_t v)
{
	nlbuf_attr(nb, type, &v, sizeof(v));
}

void
nlbuf_u16(struct nlbuf *nb, uint16_t type, uint16_t v)
{
	nlbuf_attr(nb, type, &v, sizeof(v));
}

void
nlbuf_u32(struct nlbuf *nb, uint16_t type, uint32_t v)
{
	nlbuf_attr(nb, type, &v, sizeof(v));
}

void
nlbuf_string(struct nlbuf *nb, uint16_t type, const char *s)
{
	nlbuf_attr(nb, type, s, strlen(s) + 1);
}

void
nlbuf_attr64(struct nlbuf *nb, uint16_t type, const void *data, size_t len, uint16_t pad)
{
	/* The payload comes after a header of four: it is aligned if that is not. */
	if (nb->nb_len % 8 == 0)
		nlbuf_attr(nb, pad, NULL, 0);
	nlbuf_attr(nb, type, data, len);
}

size_t
nlbuf_nest(struct nlbuf *nb, uint16_t type)
{
	size_t mark = nb->nb_len;

	nlbuf_attr(nb, type, NULL, 0);
	return nb->nb_full ? NOWHERE : mark;
}

void
nlbuf_nest_end(struct nlbuf *nb, size_t mark)
{
	uint16_t len;

	if (nb->nb_full || mark == NOWHERE)
		return;
	if (nb->nb_len - mark > UINT16_MAX) {
		nb->nb_full = true;
		return;
	}
	len = (uint16_t)(nb->nb_len - mark);
	memcpy(nb->nb_data + mark + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

void
nlbuf_cancel(struct nlbuf *nb)
{
	nb->nb_len = nb->nb_msg;
	nb->nb_full = false;
}

bool
nlbuf_end(struct nlbuf *nb)
{
	uint32_t len;

	KASSERT(nb->nb_len <= nb->nb_max);
	if (nb->nb_full) {
		nlbuf_cancel(nb);
		return false;
	}
	len = (uint32_t)(nb->nb_len - nb->nb_msg);
	memcpy(nb->nb_data + nb->nb_msg, &len, sizeof(len));
	nb->nb_msg = nb->nb_len;
	return true;
}

void
nlbuf_setflag(struct nlbuf *nb, size_t msg, uint16_t flag)
{
	uint8_t *at = nb->nb_data + msg + offsetof(struct nlmsghdr, nlmsg_flags);
	uint16_t flags;

	KASSERT(msg + sizeof(struct nlmsghdr) <= nb->nb_len);
	memcpy(&flags, at, sizeof(flags));
	flags |= flag;
	memcpy(at, &flags, sizeof(flags));
}
