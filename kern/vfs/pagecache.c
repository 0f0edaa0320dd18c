/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache.c - cached content: objects, folios, and the way through a hit
 *
 * A read that hits walks the tree, looks at one flag and copies.  It takes
 * no lock and, for a local client, no reference: copying to one does not
 * sleep, and until the thread sleeps nothing that it found is freed.  A copy
 * to a remote client may sleep, so there the folio is held.
 *
 * pagecache_impl.h tells the life of a folio and the order of locks.  The
 * other files: pagecache_tree.c (look-up), pagecache_fill.c (misses),
 * readahead.c (how much a miss reads), pagecache_mem.c (objects that are
 * their own only copy), pagecache_range.c (their holes), pagecache_dirty.c (writing to backed ones),
 * pagecache_reclaim.c (the limit).
 */

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>
#include <sys/uio.h>
#include <sys/vcpu.h>

#include "pagecache_impl.h"

static struct pool pgobj_pool;
static struct pool folio_pool;

int
pagecache_boot(void)
{
	pool_init(&pgobj_pool, sizeof(struct pgobj), CACHE_LINE, "pgobj");
	pool_init(&folio_pool, sizeof(struct folio), CACHE_LINE, "folio");
	pgtree_boot();
	pagecache_reclaim_boot();
	return 0;
}

/* --- folios --------------------------------------------------------------- */

int
folio_create(struct pgobj *po, uint64_t index, unsigned int order,
    struct folio **ret_fo)
{
	struct folio *fo;

	KASSERT(order <= FOLIO_MAXORDER);
	fo = pool_get(&folio_pool, KM_SLEEP);
	if (fo == NULL)
		return ENOMEM;
	fo->fo_data = page_alloc(order, KM_SLEEP);
	if (fo->fo_data == NULL) {
		pool_put(&folio_pool, fo);
		return ENOMEM;
	}
	fo->fo_obj = po;
	fo->fo_index = index;
	fo->fo_order = (uint8_t)order;
	fo->fo_flags = FOLIO_NEW;
	fo->fo_refs = 1;
	fo->fo_present = fo->fo_written = 0;
	list_node_init(&fo->fo_lru);
	*ret_fo = fo;
	return 0;
}

static void
folio_free(struct folio *fo)
{
	KASSERT(!list_onlist(&fo->fo_lru));
	page_free(fo->fo_data, fo->fo_order);
	pool_put(&folio_pool, fo);
}

static void
folio_free_qsbr(struct qsbr_head *qh)
{
	folio_free(container_of(qh, struct folio, fo_qsbr));
}

void
folio_hold(struct folio *fo)
{
	uint32_t old = atomic_add(&fo->fo_refs, 1);

	KASSERT(old != 0);
	(void)old;
}

bool
folio_tryhold(struct folio *fo)
{
	uint32_t refs = atomic_load(&fo->fo_refs);

	do {
		if (refs == 0)
			return false;
	} while (!atomic_cas_acq(&fo->fo_refs, &refs, refs + 1));
	return true;
}

void
folio_rele(struct folio *fo)
{
	if (atomic_sub_ar(&fo->fo_refs, 1) == 1)
		qsbr_call(&fo->fo_qsbr, folio_free_qsbr);
}

/* Takes fo out of its object and gives the tree's reference back. */
void
folio_drop_locked(struct folio *fo)
{
	struct pgobj *po = fo->fo_obj;

	pgtree_remove_locked(po, fo);
	if (!pgobj_ismemory(po)) {
		lru_remove(fo);
		atomic_store(&po->po_npages, po->po_npages - folio_pages(fo));
	}
	atomic_or_ar(&fo->fo_flags, FOLIO_GONE);
	folio_rele(fo);
}

void *
folio_bytes(struct folio *fo, uint64_t off, size_t *ret_len)
{
	uint64_t in = off - (fo->fo_index << PAGE_SHIFT), bits;
	unsigned int page = (unsigned int)(in >> PAGE_SHIFT);
	size_t len = folio_size(fo) - in;

	KASSERT(in < folio_size(fo));
	if (pgobj_ismemory(fo->fo_obj)) {
		/* As far as there is data without a gap. */
		bits = ~(atomic_load_acq(&fo->fo_written) >> page);
		if (bits != 0 && (size_t)__builtin_ctzll(bits) * PAGE_SIZE -
		    (in & PAGE_MASK) < len)
			len = (size_t)__builtin_ctzll(bits) * PAGE_SIZE -
			    (in & PAGE_MASK);
	}
	*ret_len = len;
	return (uint8_t *)fo->fo_data + in;
}

/* --- objects -------------------------------------------------------------- */

int
pgobj_create(const struct pgobj_ops *ops, void *arg, struct pgobj **ret_po)
{
	struct pgobj *po = pool_get(&pgobj_pool, KM_SLEEP);

	if (po == NULL)
		return ENOMEM;
	po->po_ops = ops;
	po->po_arg = arg;
	po->po_tree = NULL;
	po->po_npages = 0;
	mutex_init(&po->po_lock, "page cache object");
	*ret_po = po;
	return 0;
}

void
pgobj_destroy(struct pgobj *po)
{
	struct folio *fo;

	if (po == NULL)
		return;
	mutex_enter(&po->po_lock);
	while ((fo = pgtree_next(po, 0)) != NULL) {
		if (pgobj_ismemory(po))
			pgmem_clear_locked(fo, ~0ULL);
		folio_drop_locked(fo);
	}
	mutex_exit(&po->po_lock);
	KASSERT(po->po_tree == NULL && po->po_npages == 0);
	mutex_destroy(&po->po_lock);
	pool_put(&pgobj_pool, po);
}

/* --- reading --------------------------------------------------------------- */

/* Out of fo, as far as it goes, but not beyond byte end of the object. */
static int
folio_read(struct folio *fo, struct uio *uio, uint64_t end)
{
	uint64_t in = uio->uio_off - (fo->fo_index << PAGE_SHIFT);
	size_t len = folio_size(fo) - in;

	if (len > end - uio->uio_off)
		len = end - uio->uio_off;
	return uio_move((uint8_t *)fo->fo_data + in, len, uio);
}

static int
folio_read_held(struct folio *fo, struct uio *uio, uint64_t end)
{
	int error;

	if (!folio_tryhold(fo))
		return 0;		/* it is just going: look again */
	error = folio_read(fo, uio, end);
	folio_rele(fo);
	return error;
}

/* --- in place ---------------------------------------------------------------- */

#define DIRECT_LONG	(16 * 1024)	/* worth giving the vCPU back for */
#define DIRECT_AHEAD	(1024 * 1024)

/* After EFAULT: was it the object that could not be read? */
static int
direct_blame(const void *data, size_t len)
{
	uint8_t byte;

	for (size_t at = 0; at < len; at += PAGE_SIZE) {
		if (rumpuser_copy(&byte, (const uint8_t *)data + at, 1) != 0)
			return EIO;
	}
	return rumpuser_copy(&byte, (const uint8_t *)data + len - 1, 1) != 0 ?
	    EIO : EFAULT;
}

/* To the kernel's buffers: uio_move() would not survive that the host cannot read. */
static int
direct_copy(const uint8_t *data, size_t len, struct uio *uio)
{
	size_t n;

	for (; len > 0; data += n, len -= n) {
		while (uio->uio_iov->iov_len == 0) {
			uio->uio_iov++;
			uio->uio_iovcnt--;
		}
		n = uio->uio_iov->iov_len;
		if (n > len)
			n = len;
		if (rumpuser_copy(uio->uio_iov->iov_base, data, n) != 0)
			return EIO;
		uio_skip(uio, n);
	}
	return 0;
}

static int
direct_piece(const void *data, size_t len, struct uio *uio)
{
	union { const void *c; void *m; } from = { data };
	int error;

	if (uio->uio_space == UIO_KERNEL)
		return direct_copy(data, len, uio);
	error = uio_move(from.m, len, uio);
	return error == EFAULT ? direct_blame(data, len) : error;
}

/* The host may have to fetch what is read here, so this can block. */
static int
direct_move(const void *data, size_t len, struct uio *uio)
{
	int error;

	if (len < DIRECT_LONG || uio_sleeps(uio))
		return direct_piece(data, len, uio);
	vcpu_block_begin();
	error = direct_piece(data, len, uio);
	vcpu_block_end();
	return error;
}

/* One piece; EOPNOTSUPP sends the caller through the folios. */
static int
pgobj_read_direct(struct pgobj *po, struct uio *uio, uint64_t end, bool goes_on)
{
	uint64_t off = uio->uio_off, len;
	const void *data;
	int error;

	if (po->po_ops->po_direct == NULL)
		return EOPNOTSUPP;
	error = po->po_ops->po_direct(po, off, end - off, &data, &len);
	if (error)
		return error;
	KASSERT(len > 0 && len <= end - off);
	if (goes_on && (off ^ (off + len)) >= DIRECT_AHEAD &&
	    po->po_ops->po_willneed != NULL)
		po->po_ops->po_willneed(po, off + len, 2 * DIRECT_AHEAD);
	return data == NULL ? uio_zero((size_t)len, uio) :
	    direct_move(data, (size_t)len, uio);
}

static int
pgobj_read_backed(struct pgobj *po, struct uio *uio, uint64_t size,
    struct readahead *ra)
{
	uint64_t start = uio->uio_off, end = start + uio->uio_resid;
	bool sleeps = uio_sleeps(uio);
	bool goes_on = ra != NULL && atomic_load(&ra->ra_next) == start;
	struct folio *fo;
	uint64_t hits = 0;
	int error = 0;

	if (end > size || end < start)
		end = size;
	while (uio->uio_off < end && !error) {
		fo = pgtree_lookup(po, uio->uio_off >> PAGE_SHIFT);
		if (unlikely(fo == NULL)) {
			error = pgobj_read_direct(po, uio, end, goes_on);
			if (error != EOPNOTSUPP)
				continue;
			if (ra != NULL && uio->uio_off != start)
				readahead_note(ra, uio->uio_off);
			error = readahead_miss(po, ra, uio->uio_off, end,
			    size);
			continue;
		}
		if (unlikely(!(atomic_load_acq(&fo->fo_flags) &
		    FOLIO_UPTODATE))) {
			if (folio_tryhold(fo)) {
				folio_wait(fo);
				folio_rele(fo);
			}
			continue;
		}
		/* Going on in a folio is not using it once more. */
		if (!goes_on || (uio->uio_off & (folio_size(fo) - 1)) == 0)
			folio_used(fo);
		hits++;
		error = sleeps ? folio_read_held(fo, uio, end) :
		    folio_read(fo, uio, end);
		if (vcpu_wanted())
			vcpu_yield();
	}
	counter_add(&pagecache_hits, hits);
	if (ra != NULL)
		readahead_note(ra, uio->uio_off);
	return error;
}

int
pgobj_read(struct pgobj *po, struct uio *uio, uint64_t size,
    struct readahead *ra)
{
	if (uio->uio_off >= size || uio->uio_resid == 0)
		return 0;
	if (pgobj_ismemory(po))
		return pgmem_read(po, uio, size);
	return pgobj_read_backed(po, uio, size, ra);
}

int
pgobj_getfolio(struct pgobj *po, uint64_t off, struct folio **ret_fo)
{
	uint64_t index = off >> PAGE_SHIFT;
	struct folio *fo;
	int error;

	if (pgobj_ismemory(po)) {
		fo = pgtree_lookup(po, index);
		if (fo == NULL || !folio_tryhold(fo))
			return ENOENT;
		if (!(atomic_load_acq(&fo->fo_written) >>
		    (index - fo->fo_index) & 1)) {
			folio_rele(fo);
			return ENOENT;
		}
		*ret_fo = fo;
		return 0;
	}
	do {
		error = pgobj_need(po, index, &fo);
		if (error)
			return error;
	} while (fo == NULL || !folio_tryhold(fo));
	*ret_fo = fo;
	return 0;
}

static int
pgmem_copyout(struct pgobj *po, uint64_t off, void *buf, size_t len)
{
	struct rumpuser_iov iov;
	struct uio uio;

	uio_init_buf(&uio, &iov, buf, len, off, UIO_READ, UIO_KERNEL);
	return pgmem_read(po, &uio, off + len);
}

int
pgobj_copyout(struct pgobj *po, uint64_t off, void *buf, size_t len)
{
	struct folio *fo;
	size_t n;
	void *data;
	int error;

	if (pgobj_ismemory(po))
		return pgmem_copyout(po, off, buf, len);
	while (len > 0) {
		error = pgobj_need(po, off >> PAGE_SHIFT, &fo);
		if (error)
			return error;
		if (fo == NULL)
			continue;
		/* No reference: nothing sleeps between here and the copy. */
		data = folio_bytes(fo, off, &n);
		if (n > len)
			n = len;
		memcpy(buf, data, n);
		buf = (uint8_t *)buf + n;
		off += n;
		len -= n;
	}
	return 0;
}

/* --- forgetting ------------------------------------------------------------ */

/*
 * Zeroes what fo, which is backed and stays, has beyond byte size.  Somebody
 * may be filling it: he zeroes by the object's new size himself.
 */
static void
folio_cut(struct folio *fo, uint64_t size)
{
	uint64_t in = size - (fo->fo_index << PAGE_SHIFT);

	if (atomic_load_acq(&fo->fo_flags) & FOLIO_UPTODATE)
		memset((uint8_t *)fo->fo_data + in, 0, folio_size(fo) - in);
}

void
pgobj_truncate(struct pgobj *po, uint64_t size)
{
	uint64_t keep = (size + PAGE_MASK) >> PAGE_SHIFT, next = keep;
	uint64_t cut = size >> PAGE_SHIFT, in;
	struct folio *fo;

	mutex_enter(&po->po_lock);
	if (size & PAGE_MASK) {
		fo = pgtree_lookup(po, cut);
		in = fo == NULL ? 0 : size - (fo->fo_index << PAGE_SHIFT);
		if (fo != NULL && !pgobj_ismemory(po))
			folio_cut(fo, size);
		else if (fo != NULL && (atomic_load(&fo->fo_written) >>
		    (cut - fo->fo_index) & 1))
			memset((uint8_t *)fo->fo_data + in, 0,
			    PAGE_SIZE - (in & PAGE_MASK));
	}
	while ((fo = pgtree_next(po, next)) != NULL) {
		next = folio_end(fo);
		if (pgobj_ismemory(po)) {
			pgmem_clear_locked(fo, fo->fo_index >= keep ? ~0ULL :
			    ~0ULL << (keep - fo->fo_index));
			pgmem_shrink_locked(fo);
		} else if (fo->fo_index >= keep) {
			folio_drop_locked(fo);
		}
	}
	mutex_exit(&po->po_lock);
}

void
pgobj_invalidate(struct pgobj *po, uint64_t off, uint64_t len)
{
	uint64_t next = off >> PAGE_SHIFT, last;
	struct folio *fo;

	if (len == 0)
		return;
	last = (off + len - 1 < off ? UINT64_MAX : off + len - 1) >>
	    PAGE_SHIFT;
	mutex_enter(&po->po_lock);
	while ((fo = pgtree_next(po, next)) != NULL && fo->fo_index <= last) {
		next = folio_end(fo);
		if (!(atomic_load(&fo->fo_flags) & FOLIO_DIRTY))
			folio_drop_locked(fo);
	}
	mutex_exit(&po->po_lock);
}
