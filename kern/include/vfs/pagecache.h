/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pagecache.h - cached content of files and devices
 *
 * A pgobj caches the bytes of one object (a file's content, a volume's
 * metadata) in folios: runs of 2^order pages aligned to their size.  Folios
 * are found without a lock (qsbr) and read in place; a folio that is being
 * read is not UPTODATE and is waited for.
 *
 * Two kinds of objects
 *	backed	po_read fills folios; clean ones may be dropped at any time
 *	memory	po_read is NULL: absent pages are holes that read as zeroes,
 *		present ones are the only copy and stay (tmpfs)
 *
 * Sequential readers are recognised per open file (struct readahead) and
 * get larger and larger reads; the host is told in advance
 * (po_willneed).  All clean folios are on one approximate-LRU list, which
 * the memory reclaimer and the cache limit ("vfs.pagecache.limit", bytes;
 * RUMP_PAGECACHE; default a quarter of the host's memory or half of
 * RUMP_MEMLIMIT) eat from.
 */

#ifndef VFS_PAGECACHE_H
#define VFS_PAGECACHE_H

#include <lib/list.h>
#include <rump/rumpuser.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>
#include <sys/types.h>

struct pgobj;
struct uio;

#define FOLIO_MAXORDER	6	/* 256 KiB */

struct folio {
	struct pgobj	*fo_obj;	/* c */
	uint64_t	 fo_index;	/* c: first page's number */
	uint8_t		 fo_order;	/* c */
	uint32_t	 fo_flags;	/* a: FOLIO_* */
	uint32_t	 fo_refs;	/* a: users that may sleep, and the tree */
	void		*fo_data;	/* c: 2^order pages */
	/* Memory objects, a bit a page: */
	uint64_t	 fo_present;	/* po_lock: charged; others are holes */
	uint64_t	 fo_written;	/* a: holds data; others read as zeroes */
	struct list_node fo_lru;
	struct qsbr_head fo_qsbr;
};

#define FOLIO_UPTODATE	0x01
#define FOLIO_DIRTY	0x02
#define FOLIO_ERROR	0x04	/* the last read failed */
#define FOLIO_REFERENCED 0x08	/* used since the clock hand passed */
#define FOLIO_WAITED	0x10	/* somebody parks on fo_flags */
#define FOLIO_GONE	0x20	/* no longer in its object */
#define FOLIO_NEW	0x40	/* not used yet */

struct pgobj_ops {
	/*
	 * Reads [off, off + sum of iov) into the buffers: whole pages, off a
	 * multiple of PAGE_SIZE.  Holes and what is beyond the end are zeroed
	 * by the implementation.  No lock is held; may sleep; all or an errno.
	 */
	int	(*po_read)(struct pgobj *po, uint64_t off,
		    const struct rumpuser_iov *iov, size_t iovcnt);
	/* The same bytes back, for dirty folios.  NULL: never dirty. */
	int	(*po_write)(struct pgobj *po, uint64_t off,
		    const struct rumpuser_iov *iov, size_t iovcnt);
	/*
	 * What lies at off, to be read in place instead of through folios: at
	 * most len bytes that can be copied out (a fault there is EIO), or
	 * *ret_data NULL for so many zeroes.  At least one byte.  EOPNOTSUPP:
	 * by folios.  May be NULL.
	 */
	int	(*po_direct)(struct pgobj *po, uint64_t off, uint64_t len,
		    const void **ret_data, uint64_t *ret_len);
	/* Hint.  May be NULL. */
	void	(*po_willneed)(struct pgobj *po, uint64_t off, uint64_t len);
	/*
	 * Memory objects: n pages are about to be added (n < 0: were removed);
	 * ENOSPC refuses.  May be NULL.
	 */
	int	(*po_charge)(struct pgobj *po, int64_t npages);
};

struct pgobj {
	const struct pgobj_ops *po_ops;	/* c */
	void		*po_arg;	/* c: the owner's */
	void		*po_tree;	/* root of the radix tree: qsbr, po_lock */
	kmutex_t	 po_lock;
	uint64_t	 po_npages;	/* po_lock; read atomically: what is charged, or cached */
};

/* Per open file; zeroed is the initial state.  Not locked: a race is a hint lost. */
struct readahead {
	uint64_t	 ra_next;	/* where a sequential reader would go on */
	uint64_t	 ra_mark;	/* beyond this more is asked for */
	uint32_t	 ra_size;	/* bytes of the last window */
};

int	pagecache_boot(void);		/* once, before the first pgobj */

int	pgobj_create(const struct pgobj_ops *ops, void *arg, struct pgobj **ret_po);
/* Drops everything (dirty too).  No user is left.  NULL is fine. */
void	pgobj_destroy(struct pgobj *po);

/*
 * Moves bytes between the cache and uio from uio_off on, up to size (the
 * end of the object, beyond which a read stops).  ra may be NULL.
 */
int	pgobj_read(struct pgobj *po, struct uio *uio, uint64_t size,
	    struct readahead *ra);
/*
 * Writes into the cache, making folios (and reading those written in part, if backed).
 * The caller extends its size afterwards.  uio_off tells how far it came on error.
 */
int	pgobj_write(struct pgobj *po, struct uio *uio);

/*
 * The folio that holds byte off, filled, referenced.  In a memory object ENOENT is a
 * hole.  folio_bytes() gives the address of off in it and how many bytes follow.
 */
int	pgobj_getfolio(struct pgobj *po, uint64_t off, struct folio **ret_fo);
void	folio_hold(struct folio *fo);
void	folio_rele(struct folio *fo);
void	*folio_bytes(struct folio *fo, uint64_t off, size_t *ret_len);

/* Copies len bytes at off to buf: getfolio as often as needed. */
int	pgobj_copyout(struct pgobj *po, uint64_t off, void *buf, size_t len);

/* Drops all from byte size on and zeroes the rest of the page it cuts. */
void	pgobj_truncate(struct pgobj *po, uint64_t size);
/* Memory objects: makes a hole (whole pages dropped, the rest zeroed). */
int	pgobj_punch(struct pgobj *po, uint64_t off, uint64_t len);
/* Memory objects: allocates all of a range.  ENOSPC, ENOMEM. */
int	pgobj_fill(struct pgobj *po, uint64_t off, uint64_t len);
/* Memory objects: next data (or hole) at or after off; ENXIO. */
int	pgobj_seek(struct pgobj *po, uint64_t off, uint64_t size, bool hole,
	    uint64_t *ret_off);
/* Backed objects: writes the dirty folios of a range; the first error. */
int	pgobj_flush(struct pgobj *po, uint64_t off, uint64_t len);
/* Backed objects: forget clean content of a range. */
void	pgobj_invalidate(struct pgobj *po, uint64_t off, uint64_t len);

#endif /* VFS_PAGECACHE_H */
