/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * site.h - rewriting the places where a program calls the system
 */

#ifndef HIJACK_SITE_H
#define HIJACK_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct site_counts {
	unsigned int	 sc_found;	/* system call instructions */
	unsigned int	 sc_host;	/* always the host's, left as they are */
	unsigned int	 sc_rewritten;
	unsigned int	 sc_refused;	/* not safe */
	unsigned int	 sc_program;	/* of these: in the program itself */
	uintptr_t	 sc_low, sc_high;	/* the libraries are between these */
};

/* Rewrites the objects that are loaded now and were not yet when it was called last. */
void	site_rewrite_loaded(struct site_counts *counts);

/* Code, of at most 128 bytes, that makes a clone and goes on at back. */
void	site_detour(uint8_t *code, uintptr_t back);

/* --- between site.c, site_plan.c and site_patch.c ----------------------------- */

/* An object's code, and where its functions begin. */
struct object {
	const char	*o_name;
	uint8_t		*o_text;	/* executable segment, writable while it is worked on */
	size_t		 o_len;
	const uint8_t	*o_ehhdr;	/* .eh_frame_hdr; NULL: none */
	size_t		 o_ehlen;
};

#define SITE_MAXMOVED	4		/* instructions on each side that may move */
#define SITE_NONR	(-1)

/* Bytes [pl_at, pl_at + pl_len) become a jump. */
struct plan {
	uint8_t		*pl_at;
	uint8_t		 pl_len;
	uint8_t		 pl_before;	/* bytes before the syscall instruction */
	int		 pl_nr;		/* the call's number, SITE_NONR if unknown */
};

/* Plans for all sites of an object: how many of max.  Counts found, host and refused. */
size_t	site_plan(const struct object *o, struct plan *plans, size_t max,
	    struct site_counts *counts);

/* Carries them out: how many. */
size_t	site_patch(const struct object *o, const struct plan *plans, size_t n);

#endif /* HIJACK_SITE_H */
