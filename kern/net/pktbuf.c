/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pktbuf.c - blocks of data that packets share
 *
 * A block is an object of one of four pools: its struct pktbuf, on a cache
 * line of its own, and the bytes behind it.  Pools hand out what came back
 * last, so that a stream of packets goes round in memory which the processor
 * has in its cache, and which the host has long since backed with pages.
 *
 * Life cycle: pktbuf_alloc() gives one reference; the last pktbuf_rele() puts
 * the block back.  Blocks of others (a bus, a driver) have their own pb_free.
 */

#include "net_impl.h"

#include <sys/kassert.h>
#include <sys/kmem.h>

#define OWN_DATA	CACHE_LINE	/* offset of the bytes */

struct pktbuf_class {
	uint32_t	 pc_size;
	const char	*pc_name;
	void		(*pc_free)(struct pktbuf *);
	struct pool	 pc_pool;
};

static void	pktbuf_free2(struct pktbuf *pb);
static void	pktbuf_free4(struct pktbuf *pb);
static void	pktbuf_free16(struct pktbuf *pb);
static void	pktbuf_free64(struct pktbuf *pb);

static struct pktbuf_class classes[] = {
	{ 2048, "pktbuf 2k", pktbuf_free2, { 0 } },
	{ 4096, "pktbuf 4k", pktbuf_free4, { 0 } },
	{ 16384, "pktbuf 16k", pktbuf_free16, { 0 } },
	{ PKTBUF_MAX, "pktbuf 64k", pktbuf_free64, { 0 } },
};

void
pktbuf_boot(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		pool_init(&classes[i].pc_pool, OWN_DATA + classes[i].pc_size,
		    CACHE_LINE, classes[i].pc_name);
}

static void
pktbuf_free2(struct pktbuf *pb)
{
	pool_put(&classes[0].pc_pool, pb);
}

static void
pktbuf_free4(struct pktbuf *pb)
{
	pool_put(&classes[1].pc_pool, pb);
}

static void
pktbuf_free16(struct pktbuf *pb)
{
	pool_put(&classes[2].pc_pool, pb);
}

static void
pktbuf_free64(struct pktbuf *pb)
{
	pool_put(&classes[3].pc_pool, pb);
}

bool
pktbuf_isown(const struct pktbuf *pb)
{
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (pb->pb_free == classes[i].pc_free)
			return true;
	}
	return false;
}

struct pktbuf *
pktbuf_alloc(size_t len, int flags)
{
	struct pktbuf_class *pc = classes;
	struct pktbuf *pb;

	KASSERT(len <= PKTBUF_MAX);
	while (pc->pc_size < len)
		pc++;
	pb = pool_get(&pc->pc_pool, flags & ~KM_ZERO);
	if (unlikely(pb == NULL))
		return NULL;
	pb->pb_refs = 1;
	pb->pb_size = pc->pc_size;
	pb->pb_data = (uint8_t *)pb + OWN_DATA;
	pb->pb_free = pc->pc_free;
	pb->pb_arg = NULL;
	return pb;
}
