/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fdbody.c - slots and bits of a table of descriptors
 *
 * A body is one block: the slots, and behind them a bit per number for
 * "taken" and one for "close on exec", and a bit per 64 numbers which are all
 * taken, so that the lowest free one among a hundred thousand is found in a
 * few steps.  Its owner's lock guards it; see fdtable.c.
 */

#include "fdtable_impl.h"

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

static unsigned int
words_for(unsigned int bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS;
}

int
fdbody_create(unsigned int size, struct fdbody **ret_fb)
{
	unsigned int words = words_for(size), fullwords = words_for(words);
	struct fdbody *fb;
	size_t bytes;

	bytes = sizeof(*fb) + size * sizeof(fb->fb_slot[0]) +
	    (2 * (size_t)words + fullwords) * sizeof(uint64_t);
	fb = kmem_zalloc(bytes, KM_SLEEP);
	if (fb == NULL)
		return ENOMEM;
	fb->fb_size = size;
	fb->fb_bytes = bytes;
	fb->fb_taken = (uint64_t *)(void *)&fb->fb_slot[size];
	fb->fb_cloexec = fb->fb_taken + words;
	fb->fb_full = fb->fb_cloexec + words;
	*ret_fb = fb;
	return 0;
}

void
fdbody_free(struct qsbr_head *qh)
{
	struct fdbody *fb = container_of(qh, struct fdbody, fb_qsbr);

	kmem_free(fb, fb->fb_bytes);
}

void
fdbody_settaken(struct fdbody *fb, unsigned int fd, bool taken)
{
	unsigned int word = fd / WORD_BITS;

	bit_assign(fb->fb_taken, fd, taken);
	bit_assign(fb->fb_full, word, fb->fb_taken[word] == ~0ULL);
}

unsigned int
fdbody_firstfree(const struct fdbody *fb, unsigned int from)
{
	unsigned int words = words_for(fb->fb_size), word = from / WORD_BITS;
	uint64_t free;

	if (from >= fb->fb_size)
		return fb->fb_size;
	free = ~fb->fb_taken[word] & ~0ULL << (from % WORD_BITS);
	if (free != 0)
		return word * WORD_BITS + (unsigned int)__builtin_ctzll(free);
	for (word++; word < words; ) {
		free = ~fb->fb_full[word / WORD_BITS] &
		    ~0ULL << (word % WORD_BITS);
		if (free == 0) {
			word = (word / WORD_BITS + 1) * WORD_BITS;
			continue;
		}
		word = word / WORD_BITS * WORD_BITS +
		    (unsigned int)__builtin_ctzll(free);
		if (word >= words)
			break;
		return word * WORD_BITS +
		    (unsigned int)__builtin_ctzll(~fb->fb_taken[word]);
	}
	return fb->fb_size;
}

unsigned int
fdbody_nexttaken(const struct fdbody *fb, unsigned int from)
{
	unsigned int words = words_for(fb->fb_size), word = from / WORD_BITS;
	uint64_t taken;

	if (from >= fb->fb_size)
		return fb->fb_size;
	taken = fb->fb_taken[word] & ~0ULL << (from % WORD_BITS);
	while (taken == 0) {
		if (++word >= words)
			return fb->fb_size;
		taken = fb->fb_taken[word];
	}
	return word * WORD_BITS + (unsigned int)__builtin_ctzll(taken);
}

void
fdbody_move(struct fdbody *to, const struct fdbody *from)
{
	unsigned int words = words_for(from->fb_size);

	KASSERT(to->fb_size >= from->fb_size);
	memcpy(to->fb_slot, from->fb_slot,
	    from->fb_size * sizeof(from->fb_slot[0]));
	memcpy(to->fb_taken, from->fb_taken, words * sizeof(uint64_t));
	memcpy(to->fb_cloexec, from->fb_cloexec, words * sizeof(uint64_t));
	memcpy(to->fb_full, from->fb_full, words_for(words) * sizeof(uint64_t));
}

void
fdbody_copy(struct fdbody *to, const struct fdbody *from, bool reserved)
{
	struct file *fp;
	unsigned int fd;

	KASSERT(to->fb_size >= from->fb_size);
	for (fd = fdbody_nexttaken(from, 0); fd < from->fb_size;
	    fd = fdbody_nexttaken(from, fd + 1)) {
		fp = from->fb_slot[fd];
		if (fp == NULL && !reserved)
			continue;
		if (fp != NULL)
			file_hold(fp);
		to->fb_slot[fd] = fp;
		fdbody_settaken(to, fd, true);
		bit_assign(to->fb_cloexec, fd, bit_isset(from->fb_cloexec, fd));
	}
}
