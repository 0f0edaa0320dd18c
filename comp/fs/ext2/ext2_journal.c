/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_journal.c - replaying the journal without writing
 *
 * A file system that was not unmounted is right only together with what its
 * journal holds. Instead of copying those blocks home we note where they
 * are, and every later read looks there first (ext2_overlay.c).
 *
 * The journal is walked three times, always the same way:
 *	SCAN	up to where complete transactions end
 *	COLLECT	the blocks of those are entered into the overlay
 *	REVOKE	blocks that were freed afterwards are taken out again
 * Each walk takes at most as many steps as the ring has blocks.
 *
 * A damaged block within a complete transaction fails the mount, for what
 * is left then is a state that never was; the option noload shows the image
 * as it lies there.
 *
 * Reference: ext4 documentation, "Journal (jbd2)".
 */

#include "ext2_impl.h"

#include <lib/crc.h>
#include <lib/string.h>
#include <sys/errno.h>

#include "jbd2_wire.h"

/* A block number that could not be shifted, or a descriptor that lies. */
#define PBLK_MAX	(UINT64_C(1) << 48)

enum replay_pass { PASS_SCAN, PASS_COLLECT, PASS_REVOKE };

struct replay {
	struct ext2fs	*r_m;
	struct ext2_inode r_ip;		/* the journal */
	struct jbd2_super r_js;
	struct ext2_overlay r_overlay;
	uint8_t		*r_block;	/* descriptor, commit, revoke */
	uint8_t		*r_data;	/* a block of data */
	enum replay_pass r_pass;
	uint32_t	 r_sequence;	/* the transaction we are in */
	uint32_t	 r_end;		/* the first incomplete one */
	uint32_t	 r_lblk;	/* next block of the ring */
	uint32_t	 r_steps;
	uint32_t	 r_nrevokes;
	uint32_t	 r_v1;		/* running checksum of version 1 */
	uint64_t	 r_lasttime;
	bool		 r_damaged;	/* SCAN: in this transaction */
};

static int
replay_bad(struct replay *r, const char *what, const char *reason,
    uint64_t value)
{
	struct ext2_why why;

	ext2_bad(&why, what, reason, value);
	return ext2_report(r->r_m, &why, EUCLEAN, r->r_ip.e_ino, 0);
}

static int
journal_pblk(struct replay *r, uint32_t lblk, uint64_t *ret_pblk)
{
	struct ext2_run run;
	int error;

	error = ext2_map(&r->r_ip, lblk, &run);
	if (error)
		return error;
	if (run.r_kind != EXT2_RUN_DATA)
		return replay_bad(r, "journal", "it has a hole", lblk);
	*ret_pblk = run.r_pblk + (lblk - run.r_lblk);
	return 0;
}

static int
journal_read(struct replay *r, uint32_t lblk, uint8_t *buf)
{
	const struct ext2_super *sb = &r->r_m->m_sb;
	uint64_t pblk;
	int error;

	error = journal_pblk(r, lblk, &pblk);
	if (error)
		return error;
	error = ext2_phys_readbuf(r->r_m, pblk << sb->s_blkshift, buf,
	    sb->s_blksize);
	if (error)
		return ext2_report_io(r->r_m, "journal", error,
		    r->r_ip.e_ino, pblk);
	return 0;
}

/* Takes the next block of the ring. */
static int
ring_step(struct replay *r, uint32_t *ret_lblk)
{
	if (r->r_steps++ > r->r_js.j_end - r->r_js.j_first)
		return replay_bad(r, "journal", "it goes round in a circle",
		    r->r_lblk);
	*ret_lblk = r->r_lblk;
	if (++r->r_lblk >= r->r_js.j_end)
		r->r_lblk = r->r_js.j_first;
	return 0;
}

/* One block of data, with its tag. */
static int
walk_data(struct replay *r, const struct jbd2_tag *tag)
{
	bool v1 = r->r_pass == PASS_SCAN &&
	    (r->r_js.j_compat & JBD2_COMPAT_CHECKSUM) != 0;
	uint32_t blksize = r->r_m->m_sb.s_blksize, lblk = 0;
	struct ext2_redo redo = {
		.r_pblk = tag->t_pblk, .r_sequence = r->r_sequence,
		.r_escaped = tag->t_escaped,
	};
	int error;

	error = ring_step(r, &lblk);
	if (error)
		return error;
	if (v1 || (r->r_pass == PASS_COLLECT && r->r_js.j_csum)) {
		error = journal_read(r, lblk, r->r_data);
		if (error)
			return error;
	}
	if (v1)
		r->r_v1 = crc32_be(r->r_v1, r->r_data, blksize);
	if (r->r_pass != PASS_COLLECT)
		return 0;
	if (!jbd2_tag_csum_ok(&r->r_js, tag, r->r_sequence, r->r_data,
	    blksize))
		return replay_bad(r, "journal data block", "wrong checksum",
		    lblk);
	if (tag->t_pblk >= PBLK_MAX)
		return replay_bad(r, "journal descriptor",
		    "block out of range", tag->t_pblk);
	error = journal_pblk(r, lblk, &redo.r_where);
	if (error)
		return error;
	return ext2_overlay_add(&r->r_overlay, &redo);
}

static int
walk_descriptor(struct replay *r)
{
	uint32_t blksize = r->r_m->m_sb.s_blksize;
	size_t off = JBD2_TAG_FIRST;
	struct jbd2_tag tag;
	int error;

	if (!jbd2_block_csum_ok(&r->r_js, r->r_block, blksize))
		r->r_damaged = true;
	r->r_v1 = crc32_be(r->r_v1, r->r_block, blksize);
	while (jbd2_tag_parse(&r->r_js, r->r_block, blksize, off, &tag) == 0) {
		error = walk_data(r, &tag);
		if (error)
			return error;
		if (tag.t_last)
			break;
		off = tag.t_next;
	}
	return 0;
}

/*
 * SCAN only. ENOENT: here the log ends, with what an earlier turn of the
 * ring left, or with a transaction that did not make it.
 */
static int
walk_commit(struct replay *r)
{
	struct jbd2_commit c;
	struct ext2_why why;
	bool sound;
	int error;

	error = jbd2_commit_parse(&r->r_js, r->r_block,
	    r->r_m->m_sb.s_blksize, &c, &why);
	if (error)
		return ext2_report(r->r_m, &why, error, r->r_ip.e_ino, 0);
	sound = c.c_csum_ok && !r->r_damaged &&
	    (!c.c_has_v1 || c.c_v1 == r->r_v1);
	if (!sound && c.c_sec < r->r_lasttime)
		return ENOENT;
	if (!sound)
		return replay_bad(r, "journal transaction", "wrong checksum",
		    r->r_sequence);
	r->r_lasttime = c.c_sec;
	return 0;
}

static int
walk_revoke(struct replay *r)
{
	uint32_t blksize = r->r_m->m_sb.s_blksize, count;
	struct ext2_why why;
	int error;

	r->r_nrevokes++;
	if (!jbd2_block_csum_ok(&r->r_js, r->r_block, blksize))
		r->r_damaged = true;
	if (r->r_pass != PASS_REVOKE)
		return 0;
	error = jbd2_revoke_parse(&r->r_js, r->r_block, blksize, &count, &why);
	if (error)
		return ext2_report(r->r_m, &why, error, r->r_ip.e_ino, 0);
	for (uint32_t i = 0; i < count; i++)
		ext2_overlay_revoke(&r->r_overlay,
		    jbd2_revoke_pblk(&r->r_js, r->r_block, i), r->r_sequence);
	return 0;
}

/* One block that is not data. ENOENT: the log ends before it. */
static int
walk_block(struct replay *r)
{
	uint32_t lblk = 0;
	int error;

	error = ring_step(r, &lblk);
	if (error == 0)
		error = journal_read(r, lblk, r->r_block);
	if (error)
		return error;
	switch (jbd2_block_kind(r->r_block, r->r_m->m_sb.s_blksize,
	    r->r_sequence)) {
	case JBD2_DESCRIPTOR:
		return walk_descriptor(r);
	case JBD2_REVOKE:
		return walk_revoke(r);
	case JBD2_COMMIT:
		error = r->r_pass == PASS_SCAN ? walk_commit(r) : 0;
		r->r_sequence += error == 0;
		r->r_v1 = ~0u;
		r->r_damaged = false;
		return error;
	case JBD2_OTHER:
		break;
	}
	return ENOENT;
}

static int
walk(struct replay *r, enum replay_pass pass)
{
	int error = 0;

	r->r_pass = pass;
	r->r_sequence = r->r_js.j_sequence;
	r->r_lblk = r->r_js.j_start;
	r->r_steps = 0;
	r->r_v1 = ~0u;
	r->r_damaged = false;
	while (error == 0 &&
	    (pass == PASS_SCAN || r->r_sequence != r->r_end))
		error = walk_block(r);
	if (pass == PASS_SCAN)
		r->r_end = r->r_sequence;
	return error == ENOENT ? 0 : error;
}

/* A complete fast commit behind the last transaction is not for us. */
static int
fast_commits(struct replay *r)
{
	uint32_t crc = 0;
	int error;

	/* The block between the ring and that area is not used. */
	for (uint32_t lblk = r->r_js.j_end + 1; lblk < r->r_js.j_maxlen;
	    lblk++) {
		error = journal_read(r, lblk, r->r_block);
		if (error)
			return error;
		error = jbd2_fc_scan(r->r_block, r->r_m->m_sb.s_blksize,
		    r->r_end, &crc);
		if (error == EEXIST)
			return ext2_report_text(r->r_m, EOPNOTSUPP,
			    r->r_ip.e_ino, "the journal holds fast commits, "
			    "which cannot be replayed; the option noload "
			    "shows the file system without them");
		if (error)
			break;
	}
	return 0;
}

static int
replay_log(struct replay *r)
{
	int error;

	error = walk(r, PASS_SCAN);
	if (error == 0)
		error = fast_commits(r);
	if (error == 0)
		error = walk(r, PASS_COLLECT);
	if (error)
		return error;
	ext2_overlay_sort(&r->r_overlay);
	if (r->r_nrevokes > 0) {
		error = walk(r, PASS_REVOKE);
		if (error)
			return error;
		ext2_overlay_prune(&r->r_overlay);
	}
	log_printf(LOG_INFO, "ext4: %s: replayed %u transactions of the "
	    "journal in memory: %zu blocks", r->r_m->m_dev->bd_name,
	    r->r_end - r->r_js.j_sequence, r->r_overlay.o_count);
	r->r_m->m_overlay = r->r_overlay;
	memset(&r->r_overlay, 0, sizeof(r->r_overlay));
	return 0;
}

/* The journal's own superblock is its first block. */
static int
replay_super(struct replay *r)
{
	const struct ext2_super *sb = &r->r_m->m_sb;
	struct ext2_why why;
	int error;

	if (!ext2_is(&r->r_ip.e_di, EXT2_S_IFREG) ||
	    (r->r_ip.e_di.i_flags & EXT2_I_INLINE_DATA) != 0)
		return replay_bad(r, "journal", "not a regular file",
		    r->r_ip.e_di.i_mode);
	error = journal_read(r, 0, r->r_block);
	if (error)
		return error;
	error = jbd2_super_parse(r->r_block, sb->s_blksize, sb->s_blksize,
	    r->r_ip.e_di.i_size >> sb->s_blkshift, &r->r_js, &why);
	if (error)
		return ext2_report(r->r_m, &why, error, r->r_ip.e_ino, 0);
	return 0;
}

static int
replay_inode(struct replay *r)
{
	uint32_t blksize = r->r_m->m_sb.s_blksize;
	int error = ENOMEM;

	r->r_block = kmem_alloc(blksize, KM_SLEEP);
	r->r_data = kmem_alloc(blksize, KM_SLEEP);
	if (r->r_block != NULL && r->r_data != NULL)
		error = replay_super(r);
	if (error == 0 && r->r_js.j_start != 0)
		error = replay_log(r);
	ext2_overlay_fini(&r->r_overlay);
	kmem_free(r->r_data, blksize);
	kmem_free(r->r_block, blksize);
	return error;
}

int
ext2_journal_replay(struct ext2fs *m)
{
	uint32_t ino = m->m_sb.s_journal_ino;
	struct replay *r;
	int error;

	if (ino == 0 && m->m_sb.s_journal_dev != 0)
		return ext2_report_text(m, EOPNOTSUPP, 0, "it needs replay of "
		    "a journal on another device; the option noload shows "
		    "the file system without it");
	if (ino == 0)
		return ext2_report_text(m, EUCLEAN, 0,
		    "superblock: it needs replay, but has no journal");
	r = kmem_zalloc(sizeof(*r), KM_SLEEP);
	if (r == NULL)
		return ENOMEM;
	r->r_m = m;
	error = ext2_inode_init(m, ino, &r->r_ip);
	if (error == 0) {
		error = replay_inode(r);
		ext2_inode_fini(&r->r_ip);
	}
	kmem_free(r, sizeof(*r));
	return error;
}
