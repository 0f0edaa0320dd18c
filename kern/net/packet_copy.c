/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * packet_copy.c - payload into packets and out of them
 *
 * What comes in goes to the room if it fits there, else to blocks of up to
 * PKTBUF_MAX bytes.  Appending either happens or leaves the packet as it was.
 */

#include "net_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/uio.h>

/* --- out ----------------------------------------------------------------------- */

/* A piece of the packet that is contiguous: the linear part, or a fragment. */
struct span {
	uint8_t		*sp_data;
	size_t		 sp_len;
};

/* The n-th piece; 0 is the linear part. */
static struct span
packet_span(const struct packet *p, unsigned int n)
{
	const struct pktfrag *pf;

	if (n == 0)
		return (struct span){ p->p_data, packet_linear(p) };
	pf = &p->p_frag[n - 1];
	return (struct span){ pf->pf_buf->pb_data + pf->pf_off, pf->pf_len };
}

/* Calls fn with the pieces of a range, in order, until it returns an error. */
static int
packet_walk(const struct packet *p, size_t off, size_t len,
    int (*fn)(uint8_t *data, size_t len, void *arg), void *arg)
{
	int error = 0;

	KASSERT(off <= p->p_len && len <= p->p_len - off);
	for (unsigned int n = 0; len > 0 && n <= p->p_nfrags; n++) {
		struct span sp = packet_span(p, n);
		size_t part;

		if (off >= sp.sp_len) {
			off -= sp.sp_len;
			continue;
		}
		part = sp.sp_len - off;
		if (part > len)
			part = len;
		error = fn(sp.sp_data + off, part, arg);
		if (error)
			break;
		len -= part;
		off = 0;
	}
	return error;
}

static int
copy_piece(uint8_t *data, size_t len, void *arg)
{
	uint8_t **to = arg;

	memcpy(*to, data, len);
	*to += len;
	return 0;
}

void
packet_copyout(const struct packet *p, size_t off, void *buf, size_t len)
{
	uint8_t *to = buf;

	(void)packet_walk(p, off, len, copy_piece, &to);
}

static int
uio_piece(uint8_t *data, size_t len, void *arg)
{
	return uio_move(data, len, arg);
}

int
packet_uiomove(const struct packet *p, size_t off, size_t len, struct uio *uio)
{
	return packet_walk(p, off, len, uio_piece, uio);
}

const void *
packet_peek(const struct packet *p, size_t off, size_t len, void *tmp)
{
	size_t before = 0;

	if (off > p->p_len || len > p->p_len - off)
		return NULL;
	for (unsigned int n = 0; n <= p->p_nfrags; n++) {
		struct span sp = packet_span(p, n);

		if (off - before < sp.sp_len) {
			if (len <= sp.sp_len - (off - before))
				return sp.sp_data + (off - before);
			break;
		}
		before += sp.sp_len;
	}
	packet_copyout(p, off, tmp, len);
	return tmp;
}

/* --- in ------------------------------------------------------------------------ */

/* Gets len bytes from wherever arg says. */
typedef int (*fetch_fn)(void *to, size_t len, void *arg);

static int
fetch_copy(void *to, size_t len, void *arg)
{
	const uint8_t **from = arg;

	memcpy(to, *from, len);
	*from += len;
	return 0;
}

static int
fetch_uio(void *to, size_t len, void *arg)
{
	return uio_move(to, len, arg);
}

static int
append_block(struct packet *p, size_t len, int flags, fetch_fn fetch, void *arg)
{
	struct pktbuf *pb = pktbuf_alloc(len, flags);
	int error;

	if (pb == NULL)
		return ENOMEM;
	error = fetch(pb->pb_data, len, arg);
	if (error == 0)
		error = packet_addfrag(p, pb, 0, (uint32_t)len);
	if (error)
		pktbuf_rele(pb);
	return error;
}

static int
append(struct packet *p, size_t len, int flags, fetch_fn fetch, void *arg)
{
	size_t before = p->p_len, part;
	uint32_t truesize = p->p_truesize;
	int error = 0;

	if (p->p_nfrags == 0 && len <= packet_tailroom(p)) {
		error = fetch(p->p_tail, len, arg);
		if (error == 0)
			(void)packet_append(p, len);
		return error;
	}
	for (; len > 0 && error == 0; len -= part) {
		part = len < PKTBUF_MAX ? len : PKTBUF_MAX;
		error = append_block(p, part, flags, fetch, arg);
	}
	if (error) {
		packet_trim(p, before);
		p->p_truesize = truesize;
	}
	return error;
}

int
packet_appendcopy(struct packet *p, const void *data, size_t len, int flags)
{
	return append(p, len, flags, fetch_copy, &data);
}

int
packet_appenduio(struct packet *p, struct uio *uio, size_t len, int flags)
{
	KASSERT(len <= uio->uio_resid && uio->uio_rw == UIO_WRITE);
	return append(p, len, flags, fetch_uio, uio);
}

struct packet *
packet_from(const void *data, size_t len, int flags)
{
	struct packet *p = packet_alloc(flags);

	if (p != NULL && packet_appendcopy(p, data, len, flags) != 0) {
		packet_free(p);
		return NULL;
	}
	return p;
}

int
packet_fromuio(struct uio *uio, size_t len, struct packet **ret_p)
{
	struct packet *p = packet_alloc(KM_SLEEP);
	int error;

	if (p == NULL)
		return ENOBUFS;
	error = packet_appenduio(p, uio, len, KM_SLEEP);
	if (error) {
		packet_free(p);
		return error == ENOMEM ? ENOBUFS : error;
	}
	*ret_p = p;
	return 0;
}

/* --- foreign blocks -------------------------------------------------------------- */

static void
blocks_rele(struct pktbuf **pb, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (pb[i] != NULL)
			pktbuf_rele(pb[i]);
	}
}

/* Each foreign fragment's own block, filled; NULL for those that are ours. */
static int
blocks_copy(const struct packet *p, struct pktbuf **pb, int flags)
{
	for (unsigned int i = 0; i < p->p_nfrags; i++) {
		const struct pktfrag *pf = &p->p_frag[i];

		pb[i] = NULL;
		if (pktbuf_isown(pf->pf_buf))
			continue;
		if (pf->pf_len <= PKTBUF_MAX)
			pb[i] = pktbuf_alloc(pf->pf_len, flags);
		if (pb[i] == NULL) {
			blocks_rele(pb, i);
			return ENOMEM;
		}
		memcpy(pb[i]->pb_data, pf->pf_buf->pb_data + pf->pf_off,
		    pf->pf_len);
	}
	return 0;
}

int
packet_own(struct packet *p, int flags)
{
	struct pktbuf *pb[PKT_MAXFRAGS];
	int error = blocks_copy(p, pb, flags);

	if (error)
		return error;
	for (unsigned int i = 0; i < p->p_nfrags; i++) {
		struct pktfrag *pf = &p->p_frag[i];

		if (pb[i] == NULL)
			continue;
		pktbuf_rele(pf->pf_buf);
		pf->pf_buf = pb[i];
		pf->pf_off = 0;
	}
	return 0;
}
