/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fdtable_impl.h - the inside of a table of descriptors; see fdtable.c
 */

#ifndef CORE_FDTABLE_IMPL_H
#define CORE_FDTABLE_IMPL_H

#include <sys/file.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>

#define WORD_BITS	64

/*
 * Field key:	c  constant	l  ft_lock	q  ft_lock, read by qsbr
 */
struct fdbody {
	unsigned int	 fb_size;	/* c: slots, a multiple of WORD_BITS */
	size_t		 fb_bytes;	/* c: of this block */
	struct qsbr_head fb_qsbr;
	uint64_t	*fb_taken;	/* l: a bit a number */
	uint64_t	*fb_cloexec;	/* l: a bit a number */
	uint64_t	*fb_full;	/* l: a bit a word of fb_taken */
	struct file	*fb_slot[];	/* q */
};

/*
 * Field key:	a  atomic	l  ft_lock	q  ft_lock, read by qsbr
 */
struct fdtable {
	struct fdbody	*ft_body;	/* q */
	unsigned int	 ft_refs;	/* a */
	kmutex_t	 ft_lock;
	unsigned int	 ft_low;	/* l: all numbers below are taken */
	struct qsbr_head ft_qsbr;
};

static inline bool
bit_isset(const uint64_t *map, unsigned int n)
{
	return (map[n / WORD_BITS] >> (n % WORD_BITS) & 1) != 0;
}

static inline void
bit_assign(uint64_t *map, unsigned int n, bool on)
{
	uint64_t bit = 1ULL << (n % WORD_BITS);

	if (on)
		map[n / WORD_BITS] |= bit;
	else
		map[n / WORD_BITS] &= ~bit;
}

/* A body with that many slots, a multiple of WORD_BITS.  ENOMEM. */
int	fdbody_create(unsigned int size, struct fdbody **ret_fb);
void	fdbody_free(struct qsbr_head *qh);
void	fdbody_settaken(struct fdbody *fb, unsigned int fd, bool taken);
/* The lowest free, or taken, number >= from; fb_size if there is none. */
unsigned int fdbody_firstfree(const struct fdbody *fb, unsigned int from);
unsigned int fdbody_nexttaken(const struct fdbody *fb, unsigned int from);
/* All that from has goes to the same places of to, which is larger. */
void	fdbody_move(struct fdbody *to, const struct fdbody *from);
/*
 * What is open there is open here too.  What is only reserved becomes open in
 * the other table alone, unless reserved says that its owner comes along.
 */
void	fdbody_copy(struct fdbody *to, const struct fdbody *from, bool reserved);

/* Makes room for number fd.  EMFILE, ENOMEM. */
int	fdtable_grow_locked(struct fdtable *fdt, unsigned int fd)
	    REQUIRES(fdt->ft_lock);
/* The file that was there, or NULL. */
struct file *fdtable_remove_locked(struct fdtable *fdt, unsigned int fd)
	    REQUIRES(fdt->ft_lock);
/*
 * Takes the first open file in [*fd, last] out, which if cloexec must be
 * marked so; *fd becomes the number after it.  NULL: there is none.
 */
struct file *fdtable_removenext(struct fdtable *fdt, unsigned int *fd,
	    unsigned int last, bool cloexec);

#endif /* CORE_FDTABLE_IMPL_H */
