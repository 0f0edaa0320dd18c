/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * base.h - a small disk that is changed, used, and put in order again
 *
 * A base is a sound image, see tests/hostile/make_bases.py, with a table of the blocks
 * that are worth changing.  An input is bytes which say how: base_change()
 * applies them to the bytes in memory and notes what to undo.
 */

#ifndef FUZZ_BASE_H
#define FUZZ_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE_UNIT	1024		/* bytes a block */
#define BASE_ROLES	512
#define BASE_UNDO	64		/* blocks changed at a time */

enum role_kind {
	ROLE_SUPER, ROLE_GROUPS, ROLE_INODES, ROLE_DIR, ROLE_HTREE, ROLE_EXTENTS,
	ROLE_MAP, ROLE_XATTR, ROLE_JOURNAL, ROLE_TABLE, ROLE_NKINDS
};

struct role {
	enum role_kind	 r_kind;
	uint32_t	 r_block;
	uint32_t	 r_ino;
	uint32_t	 r_generation;
};

struct base {
	uint8_t		*b_data;
	size_t		 b_size;
	uint32_t	 b_seed;	/* of the checksums, 0: none; or sector */
	uint32_t	 b_isize, b_ipg, b_itable, b_desc;
	struct role	 b_roles[BASE_ROLES];
	size_t		 b_nroles;

	/* what this input did */
	uint32_t	 b_changed[BASE_UNDO];
	uint8_t		 b_was[BASE_UNDO][BASE_UNIT];
	size_t		 b_nchanged;
};

bool	base_load(const char *folder, const char *name, struct base *b);
void	base_change(struct base *b, const uint8_t *data, size_t size);
void	base_undo(struct base *b);

/* fixsum.c: the checksums of what was changed, as far as they can be. */
void	base_fix(struct base *b);

#endif /* FUZZ_BASE_H */
