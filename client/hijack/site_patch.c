/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * site_patch.c - stubs, and the jumps to them
 *
 * A stub has what moved out of its site, steps over the red zone (the 128 bytes below the stack
 * pointer that a leaf function may use) and calls the entry:
 *
 *	site:	jmp stub; nop ...
 *	stub:	BEFORE; lea -128(%rsp),%rsp; call *entry; lea 128(%rsp),%rsp; AFTER; jmp back
 *
 * None of that touches the flags.  Stubs of an object lie within 2 GiB of it, in
 * memory of their own that is executable and not writable once they are made.
 */

#include "site.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "entry.h"
#include "host.h"

#define STUB_ROOM	96		/* the longest has two calls and 32 bytes that moved */
#define REACH		0x7f000000L	/* of a jump, and some room to spare */
#define PAGE		4096UL

/* The first words of a stub area: what stubs call. */
struct slots {
	void		(*sl_entry)(void);
	void		(*sl_before)(void);
	void		(*sl_after)(void);
	uintptr_t	 sl_pad;
};

struct emitter {
	uint8_t		*e_at;
	struct slots	*e_slots;
};

static void
emit(struct emitter *e, const void *bytes, size_t len)
{
	memcpy(e->e_at, bytes, len);
	e->e_at += len;
}

static void
emit32(struct emitter *e, int64_t v)
{
	int32_t v32 = (int32_t)v;

	emit(e, &v32, sizeof(v32));
}

static void
emit_call(struct emitter *e, const void *slot)
{
	emit(e, "\x48\x8d\x64\x24\x80", 5);		/* lea -128(%rsp),%rsp */
	emit(e, "\xff\x15", 2);				/* call *slot(%rip) */
	emit32(e, (const uint8_t *)slot - (e->e_at + 4));
	emit(e, "\x48\x8d\xa4\x24\x80\0\0\0", 8);	/* lea 128(%rsp),%rsp */
}

static void
emit_jump(struct emitter *e, const uint8_t *to)
{
	emit(e, "\xe9", 1);
	emit32(e, to - (e->e_at + 4));
}

/*
 * The instruction itself is here.  Who was refused (carry) steps over it; a child on
 * a stack of its own returns to where its stack says, as if nothing had been.
 */
static void
emit_clone(struct emitter *e)
{
	uint8_t *jump;

	emit_call(e, &e->e_slots->sl_before);
	emit(e, "\x72\x00", 2);				/* jc over */
	jump = e->e_at;
	emit(e, "\x0f\x05", 2);				/* syscall */
	emit_call(e, &e->e_slots->sl_after);
	jump[-1] = (uint8_t)(e->e_at - jump);
}

static void
emit_stub(struct emitter *e, const struct plan *pl)
{
	const uint8_t *after = pl->pl_at + pl->pl_before + 2;

	emit(e, pl->pl_at, pl->pl_before);
	if (pl->pl_nr == SYS_clone || pl->pl_nr == SYS_clone3 || pl->pl_nr == SYS_vfork)
		emit_clone(e);
	else
		emit_call(e, &e->e_slots->sl_entry);
	emit(e, after, (size_t)(pl->pl_at + pl->pl_len - after));
	emit_jump(e, pl->pl_at + pl->pl_len);
}

/*
 * For a call that trapped (trap.c): made here and returned from, far away, to back.
 *
 *	before; syscall; after; jmp *back
 */
void
site_detour(uint8_t *code, uintptr_t back)
{
	static struct slots slots = { .sl_entry = hijack_entry, .sl_before = hijack_clone_before,
	    .sl_after = hijack_clone_after };
	struct emitter e = { .e_at = code, .e_slots = &slots };

	emit_clone(&e);
	emit(&e, "\xff\x25\0\0\0\0", 6);			/* jmp *0(%rip) */
	emit(&e, &back, sizeof(back));
}

/* Memory of len bytes that the whole object can jump to; NULL: there is none. */
static void *
area_near(const struct object *o, size_t len)
{
	uintptr_t first = (uintptr_t)o->o_text & -PAGE;
	uintptr_t last = ((uintptr_t)o->o_text + o->o_len + PAGE) & -PAGE;
	uintptr_t at;
	long got;

	for (uintptr_t away = 0; away + len + (last - first) < (uintptr_t)REACH;
	    away += away < 16 * PAGE ? PAGE : away) {
		for (int up = 1; up >= 0; up--) {
			if (up != 0)
				at = last + away;
			else if (first > away + len + 65536)
				at = first - away - len;
			else
				continue;
			got = host_syscall(SYS_mmap, at, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
			if (got == (long)at)
				return (void *)at;
			if (!host_failed(got))
				(void)host_syscall(SYS_munmap, got, len);
		}
	}
	return NULL;
}

static void
write_jump(const struct plan *pl, const uint8_t *stub)
{
	struct emitter e = { .e_at = pl->pl_at };

	emit_jump(&e, stub);
	memset(e.e_at, 0x90, (size_t)(pl->pl_at + pl->pl_len - e.e_at));
}

/* In memory that is writable; not yet to be seen by anybody. */
static void
make_stubs(uint8_t *area, const struct plan *plans, size_t n)
{
	struct emitter e = { .e_slots = (struct slots *)(void *)area };

	*e.e_slots = (struct slots){ .sl_entry = hijack_entry, .sl_before = hijack_clone_before,
	    .sl_after = hijack_clone_after };
	for (size_t i = 0; i < n; i++) {
		e.e_at = area + sizeof(struct slots) + i * STUB_ROOM;
		emit_stub(&e, &plans[i]);
	}
}

size_t
site_patch(const struct object *o, const struct plan *plans, size_t n)
{
	size_t len = (sizeof(struct slots) + n * STUB_ROOM + PAGE - 1) & -PAGE;
	uintptr_t first = (uintptr_t)o->o_text & -PAGE;
	size_t textlen = (uintptr_t)o->o_text + o->o_len - first;
	uint8_t *area;

	if (n == 0)
		return 0;
	area = area_near(o, len);
	if (area == NULL)
		return 0;
	make_stubs(area, plans, n);
	if (host_syscall(SYS_mprotect, area, len, PROT_READ | PROT_EXEC) != 0 ||
	    host_syscall(SYS_mprotect, first, textlen, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) {
		(void)host_syscall(SYS_munmap, area, len);
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		write_jump(&plans[i], area + sizeof(struct slots) + i * STUB_ROOM);
	(void)host_syscall(SYS_mprotect, first, textlen, PROT_READ | PROT_EXEC);
	return n;
}
