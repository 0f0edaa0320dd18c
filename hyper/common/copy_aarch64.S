/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy_aarch64.S - copies that survive a bad pointer, for arm64
 *
 * Each routine is a leaf that keeps nothing on the stack, so that guard.c can
 * end it from a signal handler by moving the program counter to guard_fail,
 * which returns EFAULT to the routine's caller.  Everything between
 * guard_begin and guard_end may fault; nothing outside may.
 *
 * rumpuser_copy(dst, src, len) -> int
 *	Up to 128 bytes all loads of a size class come before its stores, and
 *	the moves overlap in the middle instead of counting a tail: no loop,
 *	and a word of 4 or 8 bytes is moved whole.  Above, a loop of 64 bytes
 *	whose end overlaps as well.
 *
 * rumpuser_copystr(dst, src, max, ret_len) -> int
 *	Looks at 8 bytes a step unless that would touch the next page before
 *	the string does.  Never writes beyond the string's NUL.
 *
 * The names are weak: a sanitizer's build wraps them (copy_sanitized.c).
 */

#define EFAULT		14
#define ENAMETOOLONG	36

	.text

	.globl	guard_begin
	.hidden	guard_begin
	.globl	guard_end
	.hidden	guard_end
	.globl	guard_fail
	.hidden	guard_fail

	.balign	64
guard_begin:

	/* x0: destination, x1: source, x2: length */
	.globl	guard_copy
	.hidden	guard_copy
	.type	guard_copy, %function
	.weak	rumpuser_copy
	.type	rumpuser_copy, %function
guard_copy:
rumpuser_copy:
	.cfi_startproc
	cmp	x2, #16
	b.hi	.Lover16
	tbnz	x2, #4, .L16
	tbnz	x2, #3, .L8to15
	tbnz	x2, #2, .L4to7
	tbnz	x2, #1, .L2to3
	cbz	x2, .Ldone
	ldrb	w3, [x1]
	strb	w3, [x0]
.Ldone:
	mov	w0, #0
	ret
.L2to3:
	add	x4, x1, x2
	add	x5, x0, x2
	ldrh	w3, [x1]
	ldrh	w4, [x4, #-2]
	strh	w3, [x0]
	strh	w4, [x5, #-2]
	mov	w0, #0
	ret
.L4to7:
	add	x4, x1, x2
	add	x5, x0, x2
	ldr	w3, [x1]
	ldur	w4, [x4, #-4]
	str	w3, [x0]
	stur	w4, [x5, #-4]
	mov	w0, #0
	ret
.L8to15:
	add	x4, x1, x2
	add	x5, x0, x2
	ldr	x3, [x1]
	ldur	x4, [x4, #-8]
	str	x3, [x0]
	stur	x4, [x5, #-8]
	mov	w0, #0
	ret
.L16:
	ldr	q0, [x1]
	str	q0, [x0]
	mov	w0, #0
	ret

	.balign	16
.Lover16:
	adds	x4, x1, x2		/* the ends; must not wrap */
	b.cs	guard_fail
	adds	x5, x0, x2
	b.cs	guard_fail
	cmp	x2, #32
	b.hi	.Lover32
	ldr	q0, [x1]
	ldur	q1, [x4, #-16]
	str	q0, [x0]
	stur	q1, [x5, #-16]
	mov	w0, #0
	ret
.Lover32:
	cmp	x2, #64
	b.hi	.Lover64
	ldp	q0, q1, [x1]
	ldp	q2, q3, [x4, #-32]
	stp	q0, q1, [x0]
	stp	q2, q3, [x5, #-32]
	mov	w0, #0
	ret
.Lover64:
	ldp	q0, q1, [x1]
	ldp	q2, q3, [x1, #32]
	cmp	x2, #128
	b.hi	.Lloop
	ldp	q4, q5, [x4, #-64]
	ldp	q6, q7, [x4, #-32]
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	stp	q4, q5, [x5, #-64]
	stp	q6, q7, [x5, #-32]
	mov	w0, #0
	ret

	/* q0 to q3: the next 64 bytes; x2: bytes left, these among them */
	.balign	16
.Lloop:
	stp	q0, q1, [x0]
	stp	q2, q3, [x0, #32]
	add	x0, x0, #64
	add	x1, x1, #64
	sub	x2, x2, #64
	cmp	x2, #64
	b.ls	.Ltail
	ldp	q0, q1, [x1]
	ldp	q2, q3, [x1, #32]
	b	.Lloop
.Ltail:
	/* 1 to 64 bytes are left, and at least 128 lie before the ends. */
	ldp	q4, q5, [x4, #-64]
	ldp	q6, q7, [x4, #-32]
	stp	q4, q5, [x5, #-64]
	stp	q6, q7, [x5, #-32]
	mov	w0, #0
	ret
	.cfi_endproc
	.size	guard_copy, . - guard_copy
	.size	rumpuser_copy, . - rumpuser_copy

	/*
	 * x0: destination, x1: source, x2: bytes of room left, x3: where the
	 * length goes, x4: start of the source, x9: 0x01 in each byte.
	 */
	.balign	64
	.globl	guard_copystr
	.hidden	guard_copystr
	.type	guard_copystr, %function
	.weak	rumpuser_copystr
	.type	rumpuser_copystr, %function
guard_copystr:
rumpuser_copystr:
	.cfi_startproc
	mov	x4, x1
	mov	x9, #0x0101010101010101
.Lstr_step:
	cmp	x2, #8
	b.lo	.Lstr_bytes
	and	x5, x1, #4095
	cmp	x5, #4096 - 8
	b.hi	.Lstr_bytes
	ldr	x6, [x1]
	/* (v - 0x01..) & ~v & 0x80..: nonzero if a byte of v is zero */
	sub	x7, x6, x9
	bic	x7, x7, x6
	ands	x7, x7, #0x8080808080808080
	b.ne	.Lstr_bytes		/* the NUL is among the next 8 */
	str	x6, [x0], #8
	add	x1, x1, #8
	sub	x2, x2, #8
	b	.Lstr_step

	/* Byte by byte to the NUL, the end of the room or over a page's end. */
.Lstr_bytes:
	mov	w5, #8
.Lstr_byte:
	cbz	x2, .Lstr_long
	ldrb	w6, [x1], #1
	strb	w6, [x0], #1
	sub	x2, x2, #1
	cbz	w6, .Lstr_end
	subs	w5, w5, #1
	b.ne	.Lstr_byte
	b	.Lstr_step
.Lstr_end:
	sub	x1, x1, x4
	str	x1, [x3]
	mov	w0, #0
	ret
.Lstr_long:
	mov	w0, #ENAMETOOLONG
	ret
	.cfi_endproc
	.size	guard_copystr, . - guard_copystr
	.size	rumpuser_copystr, . - rumpuser_copystr

	/* x0: a byte that has to be writable; it stays what it is. */
	.globl	guard_touch
	.hidden	guard_touch
	.type	guard_touch, %function
guard_touch:
	.cfi_startproc
1:	ldxrb	w1, [x0]
	stxrb	w2, w1, [x0]
	cbnz	w2, 1b
	mov	w0, #0
	ret
	.cfi_endproc
	.size	guard_touch, . - guard_touch

guard_end:

	.type	guard_fail, %function
guard_fail:
	.cfi_startproc
	mov	w0, #EFAULT
	ret
	.cfi_endproc
	.size	guard_fail, . - guard_fail

	.section .note.GNU-stack, "", %progbits
