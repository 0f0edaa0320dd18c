/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_mem.c - the memory of a remote client, as the kernel sees it
 *
 * With a call come segments: pieces of the client's memory, copied into the
 * area that both sides map.  They are a cache.  What the kernel reads from an
 * IN segment and writes to an OUT segment needs no exchange with the client;
 * what was written goes back with the reply.  For everything else the client
 * is asked, in pieces of the area's end (SP_SCRATCH).
 *
 * What was written to a segment is one range, s_lo to s_hi.  If it would get
 * a hole, which only an IN segment can fill, the first range is sent at once.
 *
 * While the client reads what was written to one half of the area, this side gets
 * hold of the lines of the other half that it wrote to last: the next call
 * will want as many of them (proto/lines.h).
 *
 * The client may change the area while we look: nothing is looked at twice,
 * and what a string ends with is decided on our copy.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include <proto/lines.h>

#define OWN_FIRST	256u		/* of a segment: when the call begins */
#define OWN_MORE	4096u		/* when it is written */
#define OWN_AHEAD	65536u		/* before the next call */

static bool
seg_ok(const struct sp_seg *s)
{
	return SP_SEG_OFF(s) <= SP_SEGSPACE &&
	    s->s_len <= SP_SEGSPACE - SP_SEG_OFF(s) &&
	    s->s_addr <= USER_END && s->s_len <= USER_END - s->s_addr;
}

static uint32_t
least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* It is probably written soon, the call has something to do before that. */
static void
seg_expect(struct spslot *ss, const struct sp_seg *s)
{
	if (s->s_off & SP_SEG_OUT)
		lines_own(ss->ss_area + SP_SEG_OFF(s), least(s->s_len, OWN_FIRST));
}

/* What shall be read has come along. */
static bool
seg_came(const struct spslot *ss, const struct sp_seg *s)
{
	return (s->s_off & SP_SEG_IN) == 0 || SP_SEG_OFF(s) + s->s_len <= ss->ss_got;
}

int
spmem_begin(struct spslot *ss)
{
	unsigned int n = ss->ss_msg.m_nsegs;
	uint32_t off = ss->ss_msg.m_segs;

	ss->ss_nsegs = 0;
	ss->ss_hint = 0;
	ss->ss_nwritten = 0;
	ss->ss_seg = ss->ss_fast;
	if (n == 0)
		return 0;
	if (n > SP_NSEGS_MAX || off % 8 != 0 ||
	    off > SP_SEGSPACE - SP_NSEGS_MAX * sizeof(struct sp_seg) ||
	    off + n * sizeof(struct sp_seg) > ss->ss_got)
		return EPROTO;
	if (n > SP_FASTSEGS) {
		ss->ss_seg = kmem_alloc(n * sizeof(struct sp_seg), KM_SLEEP);
		if (ss->ss_seg == NULL) {
			ss->ss_seg = ss->ss_fast;
			memset(&ss->ss_msg.m_arg[2], 0,
			    SP_NRANGES * sizeof(uint64_t));
			return ENOMEM;
		}
	}
	ss->ss_nsegs = n;
	memcpy(ss->ss_seg, ss->ss_area + off, n * sizeof(struct sp_seg));
	for (unsigned int i = 0; i < n; i++) {
		ss->ss_seg[i].s_lo = ss->ss_seg[i].s_hi = 0;
		if (!seg_ok(&ss->ss_seg[i]) || !seg_came(ss, &ss->ss_seg[i]))
			return EPROTO;
		seg_expect(ss, &ss->ss_seg[i]);
	}
	return 0;
}

static unsigned int
half_of(const struct spslot *ss)
{
	return ss->ss_msg.m_segs >= SP_SEGSPACE / 2;
}

/* What was written: in the message, or, of the fifth and so on, in the table. */
static void
ranges_tell(struct spslot *ss)
{
	struct sp_seg *shared = (struct sp_seg *)(void *)(ss->ss_area +
	    ss->ss_msg.m_segs);
	struct spwritten *sw = &ss->ss_written[half_of(ss)];
	unsigned int n = 0;

	sw->sw_len = 0;
	for (unsigned int i = 0; i < ss->ss_nsegs; i++) {
		const struct sp_seg *s = &ss->ss_seg[i];

		if ((s->s_off & SP_SEG_OUT) == 0)
			continue;
		if (s->s_hi - s->s_lo > sw->sw_len) {
			sw->sw_off = SP_SEG_OFF(s) + s->s_lo;
			sw->sw_len = s->s_hi - s->s_lo;
		}
		if (n < SP_NRANGES) {
			ss->ss_msg.m_arg[2 + n++] = SP_RANGE(s->s_lo, s->s_hi);
			continue;
		}
		shared[i].s_lo = s->s_lo;
		shared[i].s_hi = s->s_hi;
	}
}

void
spmem_ahead(struct spslot *ss)
{
	const struct spwritten *sw = &ss->ss_written[!half_of(ss)];

	if (ss->ss_msg.m_nsegs > 0)
		lines_own(ss->ss_area + sw->sw_off, least(sw->sw_len, OWN_AHEAD));
}

/* A table for sp_stream.c, where the scratch is not needed any more. */
static void
written_list(struct spslot *ss)
{
	struct sp_written *wr = (void *)(ss->ss_area + SP_SCRATCH);

	_Static_assert(SP_NSEGS_MAX * sizeof(*wr) <= SP_SCRATCHSIZE, "has room");
	for (unsigned int i = 0; i < ss->ss_nsegs; i++) {
		const struct sp_seg *s = &ss->ss_seg[i];

		if ((s->s_off & SP_SEG_OUT) == 0 || s->s_hi <= s->s_lo)
			continue;
		wr[ss->ss_nwritten++] = (struct sp_written){ .wr_seg = i,
		    .wr_lo = s->s_lo, .wr_hi = s->s_hi,
		    .wr_off = SP_SEG_OFF(s) + s->s_lo };
	}
}

void
spmem_end(struct spslot *ss, bool reply)
{
	if (reply && ss->ss_nsegs > 0 && ss->ss_conn == NULL)
		ranges_tell(ss);
	else if (reply && ss->ss_nsegs > 0)
		written_list(ss);
	if (ss->ss_seg != ss->ss_fast)
		kmem_free(ss->ss_seg, ss->ss_msg.m_nsegs * sizeof(struct sp_seg));
	ss->ss_seg = ss->ss_fast;
	ss->ss_nsegs = 0;
}

/* --- asking the client --------------------------------------------------------- */

/* How many bytes come with the answer. */
static uint64_t
answer_size(const struct spslot *ss, unsigned int type, uint64_t asked)
{
	if (type == SP_COPYIN)
		return asked;
	if (type == SP_COPYINSTR && ss->ss_msg.m_arg[1] <= asked)
		return ss->ss_msg.m_arg[1];
	return 0;
}

/*
 * One exchange in the middle of a call.  The call's own message is put aside.
 * *ret_value: what the answer says.
 */
static int
upcall(struct spslot *ss, unsigned int type, uint64_t addr, uint64_t len,
    uint64_t *ret_value)
{
	struct sp_msg saved = ss->ss_msg;
	int error;

	if (ss->ss_quiet)
		return EFAULT;
	ss->ss_msg = (struct sp_msg){ .m_type = (uint16_t)type,
	    .m_arg = { addr, len } };
	error = spslot_exchange(ss);
	/* Who says that it has read or found something has sent it. */
	if (error == 0 && (ss->ss_msg.m_type != SP_ANSWER ||
	    (ss->ss_msg.m_arg[0] == 0 && ss->ss_got < answer_size(ss, type, len)))) {
		ss->ss_broken = 1;
		error = ECANCELED;
	}
	if (error == 0) {
		error = ss->ss_msg.m_arg[0] == 0 ? 0 : EFAULT;
		*ret_value = ss->ss_msg.m_arg[1];
	} else {
		error = EFAULT;
	}
	ss->ss_msg = saved;
	return error;
}

static int
upcall_out(struct spslot *ss, uint64_t addr, const void *kaddr, size_t len)
{
	uint64_t value;
	int error;

	error = rumpuser_copy(ss->ss_area + SP_SCRATCH, kaddr, len);
	return error ? error : upcall(ss, SP_COPYOUT, addr, len, &value);
}

static int
upcall_in(struct spslot *ss, uint64_t addr, void *kaddr, size_t len)
{
	uint64_t value;
	int error;

	error = upcall(ss, SP_COPYIN, addr, len, &value);
	return error ? error : rumpuser_copy(kaddr, ss->ss_area + SP_SCRATCH,
	    len);
}

/* --- segments ---------------------------------------------------------------------- */

static bool
seg_has(const struct sp_seg *s, uint64_t addr, unsigned int dir)
{
	return (s->s_off & dir) != 0 && addr - s->s_addr < s->s_len;
}

/*
 * The segment at addr for that direction; or NULL, and then *len is cut down
 * so that it ends where one begins.
 */
static struct sp_seg *
seg_find(struct spslot *ss, uint64_t addr, unsigned int dir, size_t *len)
{
	for (unsigned int i = 0, at = ss->ss_hint; i < ss->ss_nsegs; i++, at++) {
		struct sp_seg *s;

		if (at >= ss->ss_nsegs)
			at = 0;
		s = &ss->ss_seg[at];
		if (seg_has(s, addr, dir)) {
			ss->ss_hint = at;
			return s;
		}
		if ((s->s_off & dir) != 0 && s->s_len > 0 && s->s_addr > addr &&
		    s->s_addr - addr < *len)
			*len = s->s_addr - addr;
	}
	return NULL;
}

static uint8_t *
seg_data(struct spslot *ss, const struct sp_seg *s, uint64_t addr)
{
	return ss->ss_area + SP_SEG_OFF(s) + (addr - s->s_addr);
}

/* What was written so far goes to the client now. */
static int
seg_flush(struct spslot *ss, struct sp_seg *s)
{
	uint32_t lo = s->s_lo, len = s->s_hi - s->s_lo;
	int error = 0;

	s->s_lo = s->s_hi = 0;
	while (len > 0 && error == 0) {
		uint32_t n = len < SP_SCRATCHSIZE ? len : SP_SCRATCHSIZE;

		error = upcall_out(ss, s->s_addr + lo,
		    ss->ss_area + SP_SEG_OFF(s) + lo, n);
		lo += n;
		len -= n;
	}
	return error;
}

/* Where an answer of the client and what we wrote before would disagree. */
static int
flush_overlaps(struct spslot *ss, uint64_t addr, size_t len)
{
	int error;

	for (unsigned int i = 0; i < ss->ss_nsegs; i++) {
		struct sp_seg *s = &ss->ss_seg[i];

		if (s->s_hi == s->s_lo || s->s_addr + s->s_hi <= addr ||
		    s->s_addr + s->s_lo >= addr + len)
			continue;
		error = seg_flush(ss, s);
		if (error)
			return error;
	}
	return 0;
}

/* Pieces that ride along to be read learn what has been written beside them. */
static void
refresh_overlaps(struct spslot *ss, uint64_t addr, const uint8_t *kaddr,
    size_t len)
{
	for (unsigned int i = 0; i < ss->ss_nsegs; i++) {
		const struct sp_seg *s = &ss->ss_seg[i];
		uint64_t from, to;

		if ((s->s_off & SP_SEG_IN) == 0)
			continue;
		from = s->s_addr > addr ? s->s_addr : addr;
		to = s->s_addr + s->s_len < addr + len ? s->s_addr + s->s_len :
		    addr + len;
		if (from < to && rumpuser_copy(seg_data(ss, s, from),
		    kaddr + (from - addr), to - from) != 0)
			return;
	}
}

/* One piece at the beginning; *ret_done of it. */
static int
copyin_piece(struct spslot *ss, uint64_t addr, void *kaddr, size_t len,
    size_t *ret_done)
{
	struct sp_seg *s = seg_find(ss, addr, SP_SEG_IN, &len);
	uint64_t left;
	int error;

	if (s != NULL) {
		left = s->s_len - (addr - s->s_addr);
		*ret_done = len < left ? len : left;
		return rumpuser_copy(kaddr, seg_data(ss, s, addr), *ret_done);
	}
	if (len > SP_SCRATCHSIZE)
		len = SP_SCRATCHSIZE;
	*ret_done = len;
	error = flush_overlaps(ss, addr, len);
	return error ? error : upcall_in(ss, addr, kaddr, len);
}

static int
sp_copyin(void *cookie __unused_arg, const void *uaddr, void *kaddr, size_t len)
{
	struct spslot *ss = spslot_current();
	uint8_t *k = kaddr;
	uint64_t addr = (uintptr_t)uaddr;
	size_t done;
	int error;

	if (ss == NULL || !user_range_ok(uaddr, len))
		return EFAULT;
	while (len > 0) {
		error = copyin_piece(ss, addr, k, len, &done);
		if (error)
			return error;
		addr += done;
		k += done;
		len -= done;
	}
	return 0;
}

/* Into a segment: the range that was written stays one. */
static int
seg_write(struct spslot *ss, struct sp_seg *s, uint64_t addr, const void *kaddr,
    size_t len)
{
	uint32_t lo = (uint32_t)(addr - s->s_addr), hi = lo + (uint32_t)len;
	int error;

	if (s->s_hi != s->s_lo && (s->s_off & SP_SEG_IN) == 0 &&
	    (lo > s->s_hi || hi < s->s_lo)) {
		error = seg_flush(ss, s);
		if (error)
			return error;
	}
	if (len > OWN_FIRST)
		lines_own(seg_data(ss, s, addr), len < OWN_MORE ? len : OWN_MORE);
	error = rumpuser_copy(seg_data(ss, s, addr), kaddr, len);
	if (error)
		return error;
	if (s->s_hi == s->s_lo) {
		s->s_lo = lo;
		s->s_hi = hi;
		return 0;
	}
	if (lo < s->s_lo)
		s->s_lo = lo;
	if (hi > s->s_hi)
		s->s_hi = hi;
	return 0;
}

static int
copyout_piece(struct spslot *ss, const uint8_t *kaddr, uint64_t addr, size_t len,
    size_t *ret_done)
{
	struct sp_seg *s = seg_find(ss, addr, SP_SEG_OUT, &len);
	uint64_t left;
	int error;

	if (s != NULL) {
		left = s->s_len - (addr - s->s_addr);
		*ret_done = len < left ? len : left;
		return seg_write(ss, s, addr, kaddr, *ret_done);
	}
	if (len > SP_SCRATCHSIZE)
		len = SP_SCRATCHSIZE;
	*ret_done = len;
	error = upcall_out(ss, addr, kaddr, len);
	if (error == 0)
		refresh_overlaps(ss, addr, kaddr, len);
	return error;
}

static int
sp_copyout(void *cookie __unused_arg, const void *kaddr, void *uaddr, size_t len)
{
	struct spslot *ss = spslot_current();
	const uint8_t *k = kaddr;
	uint64_t addr = (uintptr_t)uaddr;
	size_t done;
	int error;

	if (ss == NULL || !user_range_ok(uaddr, len))
		return EFAULT;
	while (len > 0) {
		error = copyout_piece(ss, k, addr, len, &done);
		if (error)
			return error;
		addr += done;
		k += done;
		len -= done;
	}
	return 0;
}

/* --- strings ------------------------------------------------------------------------- */

/* Finds the end in our copy of at most len bytes. */
static int
str_end(const char *kaddr, size_t len, size_t max, size_t *ret_len)
{
	size_t n = strnlen(kaddr, len);

	if (n == len)
		return len == max ? ENAMETOOLONG : EFAULT;
	*ret_len = n + 1;
	return 0;
}

static int
upcall_str(struct spslot *ss, uint64_t addr, char *kaddr, size_t max,
    size_t *ret_len)
{
	uint64_t len;
	int error;

	if (max > SP_SCRATCHSIZE)
		max = SP_SCRATCHSIZE;
	error = upcall(ss, SP_COPYINSTR, addr, max, &len);
	if (error)
		return error;
	if (len > max)
		return ENAMETOOLONG;
	error = rumpuser_copy(kaddr, ss->ss_area + SP_SCRATCH, len);
	return error ? error : str_end(kaddr, len, len + 1, ret_len);
}

static int
sp_copyinstr(void *cookie __unused_arg, const char *uaddr, char *kaddr,
    size_t max, size_t *ret_len)
{
	struct spslot *ss = spslot_current();
	uint64_t addr = (uintptr_t)uaddr;
	size_t len = max;
	struct sp_seg *s;
	int error;

	if (ss == NULL || !user_range_ok(uaddr, 1))
		return EFAULT;
	s = seg_find(ss, addr, SP_SEG_IN, &len);
	if (s == NULL)
		return upcall_str(ss, addr, kaddr, max, ret_len);
	len = s->s_len - (addr - s->s_addr);
	if (len > max)
		len = max;
	error = rumpuser_copy(kaddr, seg_data(ss, s, addr), len);
	if (error)
		return error;
	error = str_end(kaddr, len, max, ret_len);
	/* A piece that ends before the string does: the client has it all. */
	return error == EFAULT ? upcall_str(ss, addr, kaddr, max, ret_len) : error;
}

/* --- who must not wait for the client ------------------------------------------------- */

static int
sp_touch(void *cookie __unused_arg, void *uaddr, size_t len)
{
	struct spslot *ss = spslot_current();
	uint64_t value;

	if (ss == NULL || !user_range_ok(uaddr, len))
		return EFAULT;
	return upcall(ss, SP_TOUCH, (uintptr_t)uaddr, len, &value);
}

static size_t
sp_ready(void *cookie __unused_arg, const void *uaddr, size_t len, bool write)
{
	struct spslot *ss = spslot_current();
	uint64_t addr = (uintptr_t)uaddr, end = addr + len;

	if (ss == NULL || !user_range_ok(uaddr, len))
		return 0;
	while (addr < end) {
		size_t left = end - addr;
		const struct sp_seg *s = seg_find(ss, addr,
		    write ? SP_SEG_OUT : SP_SEG_IN, &left);

		if (s == NULL)
			break;
		left = s->s_len - (addr - s->s_addr);
		addr += left < end - addr ? left : end - addr;
	}
	return addr - (uintptr_t)uaddr;
}

static void
sp_setquiet(void *cookie __unused_arg, bool quiet)
{
	struct spslot *ss = spslot_current();

	if (ss != NULL)
		ss->ss_quiet = quiet;
}

const struct vmops sp_vmops = {
	.vm_copyin	= sp_copyin,
	.vm_copyout	= sp_copyout,
	.vm_copyinstr	= sp_copyinstr,
	.vm_touch	= sp_touch,
	.vm_ready	= sp_ready,
	.vm_setquiet	= sp_setquiet,
};
