/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * jbd2_wire.h - the on-disk format of the journal of ext3 and ext4
 *
 * A journal is a ring of blocks behind a superblock. A transaction is a
 * sequence of descriptor blocks, each followed by the blocks which its tags
 * name, of revoke blocks, and at the end a commit block; all carry the
 * transaction's number. All numbers are big-endian.
 *
 * Manners and errors are those of ext2_wire.h.
 *
 * Reference: ext4 documentation, "Journal (jbd2)".
 */

#ifndef JBD2_WIRE_H
#define JBD2_WIRE_H

#include "ext2_wire.h"

#define JBD2_SUPER_SIZE		1024

#define JBD2_COMPAT_CHECKSUM		0x01

#define JBD2_INCOMPAT_REVOKE		0x01
#define JBD2_INCOMPAT_64BIT		0x02
#define JBD2_INCOMPAT_ASYNC_COMMIT	0x04
#define JBD2_INCOMPAT_CSUM_V2		0x08
#define JBD2_INCOMPAT_CSUM_V3		0x10
#define JBD2_INCOMPAT_FAST_COMMIT	0x20

struct jbd2_super {
	uint32_t	j_blksize;
	uint32_t	j_maxlen;	/* blocks of the journal */
	uint32_t	j_first;	/* the ring is [j_first, j_end) */
	uint32_t	j_end;
	uint32_t	j_sequence;	/* of the first transaction */
	uint32_t	j_start;	/* where it is; 0: nothing to replay */
	uint32_t	j_errno;
	uint32_t	j_compat, j_incompat;
	uint32_t	j_fc_blocks;	/* fast commits: (j_end, j_maxlen) */
	uint32_t	j_seed;		/* of its checksums */
	size_t		j_tag_size;
	bool		j_csum;		/* v2 or v3 */
};

/* `blksize` and `blocks` are what the file system says of the journal. */
int	jbd2_super_parse(const uint8_t *, size_t, uint32_t blksize,
	    uint64_t blocks, struct jbd2_super *ret_js, struct ext2_why *);
/* The name of an incompatible feature (a bit number), or NULL. */
const char *jbd2_feature_name(unsigned int);

enum jbd2_kind { JBD2_OTHER, JBD2_DESCRIPTOR, JBD2_COMMIT, JBD2_REVOKE };

/* OTHER: the ring was not written that far by transaction `sequence`. */
enum jbd2_kind jbd2_block_kind(const uint8_t *, size_t, uint32_t sequence);

/* Checksum of a descriptor or revoke block. */
bool	jbd2_block_csum_ok(const struct jbd2_super *, const uint8_t *, size_t);

struct jbd2_tag {
	uint64_t	t_pblk;		/* where the next block belongs */
	uint32_t	t_csum;
	bool		t_escaped;	/* its first word was the magic */
	bool		t_last;
	size_t		t_next;		/* offset of the next tag */
};

#define JBD2_TAG_FIRST	12

/* The tag at an offset; ENOENT: no further tag fits the block. */
int	jbd2_tag_parse(const struct jbd2_super *, const uint8_t *, size_t,
	    size_t off, struct jbd2_tag *ret_tag);
/* Does the block fit its tag, as it lies in the journal? */
bool	jbd2_tag_csum_ok(const struct jbd2_super *, const struct jbd2_tag *,
	    uint32_t sequence, const uint8_t *, size_t);
/* The magic, which the first word of an escaped block has to become again. */
extern const uint8_t jbd2_magic[4];

struct jbd2_commit {
	bool		c_csum_ok;	/* of the block itself (v2, v3) */
	bool		c_has_v1;	/* it holds a checksum over all */
	uint32_t	c_v1;
	uint64_t	c_sec;		/* when */
};

int	jbd2_commit_parse(const struct jbd2_super *, const uint8_t *, size_t,
	    struct jbd2_commit *ret_commit, struct ext2_why *);

/* How many blocks are revoked, and one of them. */
int	jbd2_revoke_parse(const struct jbd2_super *, const uint8_t *, size_t,
	    uint32_t *ret_count, struct ext2_why *);
uint64_t jbd2_revoke_pblk(const struct jbd2_super *, const uint8_t *,
	    uint32_t);

/*
 * Fast commits: one block of the area, in order; *crc is 0 for the first.
 * 0: look at the next one, ENOENT: nothing (more) to be replayed, EEXIST: a
 * complete fast commit which follows the last full transaction.
 */
int	jbd2_fc_scan(const uint8_t *, size_t, uint32_t sequence,
	    uint32_t *crc);

/* Transaction numbers wrap: is a later than b? */
static inline bool
jbd2_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#endif /* JBD2_WIRE_H */
