/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * site_plan.c - which system call instructions may become jumps
 *
 * The instruction has two bytes and a jump five.  So neighbours move along, and that
 * is safe if
 *
 *  - we know where instructions begin: functions are found through .eh_frame_hdr and
 *    read from their first byte;
 *  - no direct jump leads to any but the first byte of what is replaced: those of the
 *    function are read exactly, those of all others found by looking for
 *    anything like them in the whole segment;
 *  - what moves means the same elsewhere.
 *
 * A computed jump into the middle is not seen.  Compilers make them for switch statements,
 * whose cases begin with something other than the middle of "mov $nr,%eax; syscall".
 *
 * A site whose number is known and which is the host's under all circumstances stays as
 * it is, and costs nothing.
 *
 * References: LSB core, "DWARF extensions" (.eh_frame_hdr, FDE).
 */

#include "site.h"

#include <emmintrin.h>
#include <string.h>
#include <sys/syscall.h>

#include "entry.h"
#include "insn.h"

#define MAXINSNS	16384	/* of one function */

struct step {
	uint32_t	 st_off;	/* in the function */
	uint8_t		 st_len;
	uint8_t		 st_kind;
	bool		 st_target;	/* something jumps here */
};

static struct step steps[MAXINSNS];
static uint8_t steptable[65536 / 8];	/* bit: a branch leads to this offset */

/* --- functions --------------------------------------------------------------------- */

static int32_t
get32(const uint8_t *p)
{
	int32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * Where a signal handler returns to.  Its description begins a byte before it, and nobody
 * but the kernel goes there.
 */
static bool
signal_frame(const uint8_t *fde)
{
	/* The CIE: length, 0, version, augmentation. */
	const char *augmentation = (const char *)(fde + 4 - get32(fde + 4) + 9);

	return strchr(augmentation, 'S') != NULL;
}

/*
 * The function around addr.  The table: version 1, encodings 1b 03 3b (pc-relative pointer,
 * 4-byte count, 4-byte offsets from the header), as all linkers write it.
 */
static bool
function_find(const struct object *o, const uint8_t *addr, const uint8_t **ret_start,
    size_t *ret_len)
{
	const uint8_t *h = o->o_ehhdr, *fde;
	uint32_t n, low = 0, high, mid, range;

	if (h == NULL || o->o_ehlen < 12 || h[0] != 1 || h[1] != 0x1b || h[2] != 0x03 || h[3] != 0x3b)
		return false;
	n = (uint32_t)get32(h + 8);
	if (n == 0 || (o->o_ehlen - 12) / 8 < n)
		return false;
	high = n;
	while (high - low > 1) {
		mid = low + (high - low) / 2;
		if (h + get32(h + 12 + 8 * (size_t)mid) <= addr)
			low = mid;
		else
			high = mid;
	}
	*ret_start = h + get32(h + 12 + 8 * (size_t)low);
	fde = h + get32(h + 12 + 8 * (size_t)low + 4);
	/* length, CIE, start relative to its own place, length of the code */
	if (fde + 8 + get32(fde + 8) != *ret_start || signal_frame(fde))
		return false;
	range = (uint32_t)get32(fde + 12);
	/*
	 * clone(2) and its kin end their description before the call, as a child begins a stack of
	 * its own there.  What follows up to the next function belongs to them.
	 */
	if ((size_t)(addr - *ret_start) == range && low + 1 < n)
		range = (uint32_t)(h + get32(h + 12 + 8 * ((size_t)low + 1)) - *ret_start);
	*ret_len = range;
	return *ret_start <= addr && (size_t)(addr - *ret_start) < range &&
	    *ret_start >= o->o_text && (size_t)(*ret_start - o->o_text) <= o->o_len - range;
}

static bool
target_bit(uint32_t off)
{
	return (steptable[off / 8] >> off % 8 & 1) != 0;
}

/* Reads a function into steps.  0: it cannot be read to its end. */
static size_t
function_read(const uint8_t *start, size_t len)
{
	struct insn insn;
	size_t n = 0, off = 0;
	int64_t target;

	if (len > sizeof(steptable) * 8)
		return 0;
	memset(steptable, 0, len / 8 + 1);
	while (off < len) {
		if (n == MAXINSNS || !insn_decode(start + off, len - off, &insn))
			return 0;
		steps[n++] = (struct step){ .st_off = (uint32_t)off, .st_len = insn.i_len,
		    .st_kind = insn.i_kind };
		target = (int64_t)off + insn.i_target;
		if (insn.i_kind == INSN_BRANCH && target >= 0 && (size_t)target < len)
			steptable[target / 8] |= (uint8_t)(1 << target % 8);
		off += insn.i_len;
	}
	for (size_t i = 0; i < n; i++)
		steps[i].st_target = target_bit(steps[i].st_off);
	return n;
}

/* A jump to any byte behind the first of them? */
static bool
entered_inside(uint32_t off, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (target_bit(off + (uint32_t)i))
			return true;
	}
	return false;
}

/* --- one site ------------------------------------------------------------------------- */

/* mov or xor between registers of which the destination is not rax. */
static bool
leaves_rax(const uint8_t *p, unsigned int len)
{
	uint8_t rex = 0;

	if (len == 3 && (p[0] & 0xf0) == 0x40) {
		rex = *p++;
		len--;
	}
	if (len != 2 || (p[1] & 0xc0) != 0xc0)
		return false;
	if (p[0] == 0x89 || p[0] == 0x31)
		return (p[1] & 7) != 0 || (rex & 1) != 0;
	if (p[0] == 0x8b || p[0] == 0x33)
		return (p[1] >> 3 & 7) != 0 || (rex & 4) != 0;
	return false;
}

/* The number that is in rax at steps[at], as far as the straight way there tells. */
static int
known_number(const uint8_t *start, size_t at)
{
	const uint8_t *p;

	for (size_t i = at; i > 0 && at - i < SITE_MAXMOVED; i--) {
		if (steps[i].st_target)
			return SITE_NONR;
		p = start + steps[i - 1].st_off;
		if (steps[i - 1].st_len == 5 && p[0] == 0xb8)
			return get32(p + 1);
		if (steps[i - 1].st_len == 7 && p[0] == 0x48 && p[1] == 0xc7 && p[2] == 0xc0)
			return get32(p + 3);
		if (steps[i - 1].st_len == 2 && p[0] == 0x31 && p[1] == 0xc0)
			return 0;
		if (!leaves_rax(p, steps[i - 1].st_len))
			return SITE_NONR;
	}
	return SITE_NONR;
}

static bool
always_host(int nr)
{
	return nr >= 0 && (nr >= HIJACK_NCALLS || hijack_class[nr] == HIJACK_HOST) &&
	    nr != SYS_clone && nr != SYS_clone3 && nr != SYS_vfork;
}

/* Takes before steps before and after steps behind steps[at] along. */
static bool
try_plan(const uint8_t *start, size_t nsteps, size_t at, size_t before, size_t after,
    struct plan *ret_plan)
{
	uint32_t off, end;

	if (before > at || at + after >= nsteps)
		return false;
	off = steps[at - before].st_off;
	end = steps[at + after].st_off + steps[at + after].st_len;
	if (end - off < 5 || end - off > 32)
		return false;
	for (size_t i = at - before; i <= at + after; i++) {
		if (i != at && steps[i].st_kind != INSN_PLAIN)
			return false;
	}
	if (entered_inside(off, end - off))
		return false;
	ret_plan->pl_at = (uint8_t *)(uintptr_t)(start + off);
	ret_plan->pl_len = (uint8_t)(end - off);
	ret_plan->pl_before = (uint8_t)(steps[at].st_off - off);
	return true;
}

static bool
plan_site(const uint8_t *start, size_t nsteps, size_t at, struct plan *ret_plan)
{
	for (size_t total = 1; total <= 2 * SITE_MAXMOVED; total++) {
		for (size_t after = 0; after <= total; after++) {
			if (after <= SITE_MAXMOVED && total - after <= SITE_MAXMOVED &&
			    try_plan(start, nsteps, at, total - after, after, ret_plan))
				return true;
		}
	}
	return false;
}

/* All sites of a function.  A plan must not touch the one before it. */
static size_t
plan_function(const uint8_t *start, size_t len, struct plan *plans, size_t max,
    struct site_counts *counts)
{
	size_t nsteps = function_read(start, len), n = 0;
	const uint8_t *last = start;
	struct plan plan;

	for (size_t i = 0; i < nsteps; i++) {
		if (steps[i].st_kind != INSN_SYSCALL)
			continue;
		counts->sc_found++;
		plan.pl_nr = known_number(start, i);
		if (always_host(plan.pl_nr)) {
			counts->sc_host++;
		} else if (n < max && plan_site(start, nsteps, i, &plan) && plan.pl_at >= last) {
			last = plan.pl_at + plan.pl_len;
			plans[n++] = plan;
		} else {
			counts->sc_refused++;
		}
	}
	return n;
}

/* --- jumps from elsewhere ------------------------------------------------------------------ */

/* The plan whose inside has addr, or n. */
static size_t
plan_around(const struct plan *plans, size_t n, const uint8_t *addr)
{
	size_t low = 0, high = n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (plans[mid].pl_at + plans[mid].pl_len <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && addr > plans[low].pl_at ? low : n;
}

/* Which pages, and lines of them, have the inside of a plan: bits 6 to 17 of its address. */
struct near {
	uint64_t	 n_lines[64];
};

static void
near_note(struct near *near, const struct plan *plans, size_t n)
{
	memset(near, 0, sizeof(*near));
	for (size_t i = 0; i < n; i++) {
		for (unsigned int b = 1; b < plans[i].pl_len; b++) {
			uintptr_t a = (uintptr_t)plans[i].pl_at + b;

			near->n_lines[a >> 12 & 63] |= 1ULL << (a >> 6 & 63);
		}
	}
}

/* What the displacement that ends at `after` leads to is no plan any more. */
static inline void
drop_target(const struct near *near, struct plan *plans, size_t n, const uint8_t *after)
{
	uintptr_t target = (uintptr_t)(after + get32(after - 4));
	size_t hit;

	if (__builtin_expect((near->n_lines[target >> 12 & 63] >> (target >> 6 & 63) & 1) == 0, 1))
		return;
	hit = plan_around(plans, n, (const uint8_t *)target);
	if (hit < n)
		plans[hit].pl_len = 0;
}

/* Which of the 16 bytes at p begin with `a` under the mask, and go on with `b`: a bit each. */
static unsigned int
pairs_at(const uint8_t *p, uint8_t a_mask, uint8_t a, uint8_t b_mask, uint8_t b)
{
	__m128i here = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));

	here = _mm_cmpeq_epi8(_mm_and_si128(here, _mm_set1_epi8((char)a_mask)), _mm_set1_epi8((char)a));
	next = _mm_cmpeq_epi8(_mm_and_si128(next, _mm_set1_epi8((char)b_mask)), _mm_set1_epi8((char)b));
	return (unsigned int)_mm_movemask_epi8(_mm_and_si128(here, next));
}

/*
 * Looks at every byte that could begin a call or a long jump: one too many is harmless.
 * Short ones do not leave their function.
 */
static size_t
drop_entered(const struct object *o, struct plan *plans, size_t n, struct site_counts *counts)
{
	const uint8_t *p = o->o_text, *end = p + o->o_len - 6;
	struct near near;
	unsigned int found;
	size_t kept = 0;

	if (n == 0 || o->o_len < 6)
		return n;
	near_note(&near, plans, n);
	for (; end - p > 16; p += 16) {
		for (found = pairs_at(p, 0xfe, 0xe8, 0, 0); found != 0; found &= found - 1)
			drop_target(&near, plans, n, p + __builtin_ctz(found) + 5);
		for (found = pairs_at(p, 0xff, 0x0f, 0xf0, 0x80); found != 0; found &= found - 1)
			drop_target(&near, plans, n, p + __builtin_ctz(found) + 6);
	}
	for (; p < end; p++) {
		if ((*p & 0xfe) == 0xe8)
			drop_target(&near, plans, n, p + 5);
		else if (*p == 0x0f && (p[1] & 0xf0) == 0x80)
			drop_target(&near, plans, n, p + 6);
	}
	for (size_t i = 0; i < n; i++) {
		if (plans[i].pl_len != 0)
			plans[kept++] = plans[i];
	}
	counts->sc_refused += (unsigned int)(n - kept);
	return kept;
}

/* The next "0f 05" from p on; NULL: none before end, which is the last byte. */
static const uint8_t *
syscall_next(const uint8_t *p, const uint8_t *end)
{
	unsigned int found;

	for (; end - p > 16; p += 16) {
		found = pairs_at(p, 0xff, 0x0f, 0xff, 0x05);
		if (found != 0)
			return p + __builtin_ctz(found);
	}
	for (; p < end; p++) {
		if (p[0] == 0x0f && p[1] == 0x05)
			return p;
	}
	return NULL;
}

size_t
site_plan(const struct object *o, struct plan *plans, size_t max, struct site_counts *counts)
{
	const uint8_t *p = o->o_text, *end = p + o->o_len - 1, *start;
	size_t n = 0, len;

	while (o->o_len > 1 && p < end && (p = syscall_next(p, end)) != NULL) {
		if (function_find(o, p, &start, &len)) {
			n += plan_function(start, len, plans + n, max - n, counts);
			p = start + len;
		} else {
			/* Perhaps an instruction, perhaps a part of one. */
			counts->sc_refused++;
			p += 2;
		}
	}
	return drop_entered(o, plans, n, counts);
}
