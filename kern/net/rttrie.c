/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rttrie.c - longest prefix match, read without a lock
 *
 * A binary trie in which each node bears its whole prefix, so that bits where
 * nothing branches cost no node: a table of n prefixes has less than 2n nodes.
 * Both families use it; an address is its bits.
 *
 * A writer changes one link at a time and publishes only complete nodes.  A
 * node that is taken out still leads where it led, for readers that stand on it.
 *
 * Locking: writers hold ns_lock.
 */

#include "route_impl.h"

#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

/* --- bits ------------------------------------------------------------------------ */

static uint64_t
word_of(const struct inaddr *a, unsigned int i)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return __builtin_bswap64(a->ia_d[i]);
#else
	return a->ia_d[i];
#endif
}

/* How many bits from the first on are the same. */
static unsigned int
bits_common(const struct inaddr *a, const struct inaddr *b)
{
	uint64_t diff = word_of(a, 0) ^ word_of(b, 0);

	if (diff != 0)
		return (unsigned int)__builtin_clzll(diff);
	diff = word_of(a, 1) ^ word_of(b, 1);
	return diff != 0 ? 64 + (unsigned int)__builtin_clzll(diff) : 128;
}

static unsigned int
bit_at(const struct inaddr *a, unsigned int i)
{
	return a->ia_b[i / 8] >> (7 - i % 8) & 1;
}

bool
inaddr_match(const struct inaddr *a, const struct inaddr *b, unsigned int plen)
{
	return bits_common(a, b) >= plen;
}

void
inaddr_mask(struct inaddr *a, unsigned int plen)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int keep = plen > 8 * i ? plen - 8 * i : 0;

		if (keep < 8)
			a->ia_b[i] &= (uint8_t)(0xff00 >> keep);
	}
}

/* --- reading --------------------------------------------------------------------- */

unsigned int
rttrie_match(struct rtnode *const *root, const struct inaddr *addr,
    unsigned int bits, const struct rtnode **nodes)
{
	const struct rtnode *rn = atomic_load_acq(root);
	unsigned int n = 0;

	while (rn != NULL && inaddr_match(&rn->rn_prefix, addr, rn->rn_plen)) {
		if (atomic_load_acq(&rn->rn_routes) != NULL)
			nodes[n++] = rn;
		if (rn->rn_plen >= bits)
			break;
		rn = atomic_load_acq(&rn->rn_child[bit_at(addr, rn->rn_plen)]);
	}
	return n;
}

struct rtnode *
rttrie_find(struct rtnode *root, const struct inaddr *prefix, unsigned int plen)
{
	struct rtnode *rn = root;

	while (rn != NULL && rn->rn_plen < plen)
		rn = rn->rn_child[bit_at(prefix, rn->rn_plen)];
	if (rn == NULL || rn->rn_plen != plen ||
	    !inaddr_match(&rn->rn_prefix, prefix, plen))
		return NULL;
	return rn;
}

int
rttrie_walk(struct rtnode *root, int (*fn)(struct rtnode *, void *), void *arg)
{
	int result = 0;

	if (root == NULL)
		return 0;
	if (root->rn_routes != NULL)
		result = fn(root, arg);
	if (result == 0)
		result = rttrie_walk(root->rn_child[0], fn, arg);
	if (result == 0)
		result = rttrie_walk(root->rn_child[1], fn, arg);
	return result;
}

/* --- changing -------------------------------------------------------------------- */

static struct rtnode *
node_create(const struct inaddr *prefix, unsigned int plen)
{
	struct rtnode *rn = kmem_zalloc(sizeof(*rn), KM_SLEEP);

	if (rn != NULL) {
		rn->rn_prefix = *prefix;
		inaddr_mask(&rn->rn_prefix, plen);
		rn->rn_plen = plen;
	}
	return rn;
}

static void
node_free(struct qsbr_head *qh)
{
	kmem_free(container_of(qh, struct rtnode, rn_qsbr), sizeof(struct rtnode));
}

/* rn stands where the way to the prefix leaves its own after common bits. */
static int
node_split(struct rtnode **link, const struct inaddr *prefix, unsigned int plen,
    unsigned int common, struct rtnode **ret_rn)
{
	struct rtnode *rn = *link, *new = node_create(prefix, plen), *fork;

	if (new == NULL)
		return ENOMEM;
	fork = new;
	if (common < plen) {
		fork = node_create(prefix, common);
		if (fork == NULL) {
			kmem_free(new, sizeof(*new));
			return ENOMEM;
		}
		fork->rn_child[bit_at(prefix, common)] = new;
	}
	fork->rn_child[bit_at(&rn->rn_prefix, common)] = rn;
	atomic_store_rel(link, fork);
	*ret_rn = new;
	return 0;
}

int
rttrie_insert(struct rtnode **root, const struct inaddr *prefix,
    unsigned int plen, struct rtnode **ret_rn)
{
	struct rtnode **link = root, *rn;
	unsigned int common;

	while ((rn = *link) != NULL) {
		common = bits_common(&rn->rn_prefix, prefix);
		if (common > rn->rn_plen)
			common = rn->rn_plen;
		if (common > plen)
			common = plen;
		if (common < rn->rn_plen)
			return node_split(link, prefix, plen, common, ret_rn);
		if (rn->rn_plen == plen) {
			*ret_rn = rn;
			return 0;
		}
		link = &rn->rn_child[bit_at(prefix, rn->rn_plen)];
	}
	rn = node_create(prefix, plen);
	if (rn == NULL)
		return ENOMEM;
	atomic_store_rel(link, rn);
	*ret_rn = rn;
	return 0;
}

/* Takes the node out if it has no routes and does not part two ways. */
static void
node_prune(struct rtnode **link)
{
	struct rtnode *rn = *link;

	if (rn->rn_routes != NULL ||
	    (rn->rn_child[0] != NULL && rn->rn_child[1] != NULL))
		return;
	atomic_store_rel(link, rn->rn_child[rn->rn_child[0] == NULL]);
	qsbr_call(&rn->rn_qsbr, node_free);
}

void
rttrie_prune(struct rtnode **root, const struct inaddr *prefix, unsigned int plen)
{
	struct rtnode *rn = *root;

	if (rn == NULL)
		return;
	if (rn->rn_plen < plen)
		rttrie_prune(&rn->rn_child[bit_at(prefix, rn->rn_plen)], prefix, plen);
	node_prune(root);
}

void
rttrie_prune_all(struct rtnode **root)
{
	struct rtnode *rn = *root;

	if (rn == NULL)
		return;
	rttrie_prune_all(&rn->rn_child[0]);
	rttrie_prune_all(&rn->rn_child[1]);
	node_prune(root);
}
