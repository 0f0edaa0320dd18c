/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy_x86_64.S - copies that survive a bad pointer, for x86-64
 *
 * Each routine is a leaf that keeps nothing on the stack, so that guard.c can
 * end it from a signal handler by moving the program counter to guard_fail,
 * which returns EFAULT to the routine's caller.  Everything between
 * guard_begin and guard_end may fault; nothing outside may.
 *
 * rumpuser_copy(dst, src, len) -> int
 *	Up to 128 bytes all loads of a size class come before its stores, and
 *	the moves overlap in the middle instead of counting a tail: no loop,
 *	and a word of 4 or 8 bytes is moved whole.  Above, a loop of 64 or,
 *	with AVX, 128 bytes, and from guard_rep_min bytes the string
 *	instruction, which processors with fast strings do at the speed of
 *	memcpy(3) or better.
 *
 * rumpuser_copystr(dst, src, max, ret_len) -> int
 *	Looks at 16 bytes a step unless that would touch the next page before
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

	.globl	guard_copy
	.hidden	guard_copy
	.type	guard_copy, @function
	.weak	rumpuser_copy
	.type	rumpuser_copy, @function
guard_copy:
rumpuser_copy:
	.cfi_startproc
	cmpq	$16, %rdx
	ja	.Lover16
	cmpl	$8, %edx
	jae	.L8to16
	cmpl	$4, %edx
	jae	.L4to7
	cmpl	$1, %edx
	ja	.L2to3
	jb	.Ldone
	movzbl	(%rsi), %eax
	movb	%al, (%rdi)
.Ldone:
	xorl	%eax, %eax
	ret
.L2to3:
	movzwl	(%rsi), %eax
	movzwl	-2(%rsi,%rdx), %ecx
	movw	%ax, (%rdi)
	movw	%cx, -2(%rdi,%rdx)
	xorl	%eax, %eax
	ret
.L4to7:
	movl	(%rsi), %eax
	movl	-4(%rsi,%rdx), %ecx
	movl	%eax, (%rdi)
	movl	%ecx, -4(%rdi,%rdx)
	xorl	%eax, %eax
	ret
.L8to16:
	movq	(%rsi), %rax
	movq	-8(%rsi,%rdx), %rcx
	movq	%rax, (%rdi)
	movq	%rcx, -8(%rdi,%rdx)
	xorl	%eax, %eax
	ret

	.balign	16
.Lover16:
	movdqu	(%rsi), %xmm0
	cmpq	$32, %rdx
	ja	.Lover32
	movdqu	-16(%rsi,%rdx), %xmm1
	movdqu	%xmm0, (%rdi)
	movdqu	%xmm1, -16(%rdi,%rdx)
	xorl	%eax, %eax
	ret
.Lover32:
	movdqu	16(%rsi), %xmm1
	cmpq	$64, %rdx
	ja	.Lover64
	movdqu	-32(%rsi,%rdx), %xmm2
	movdqu	-16(%rsi,%rdx), %xmm3
	movdqu	%xmm0, (%rdi)
	movdqu	%xmm1, 16(%rdi)
	movdqu	%xmm2, -32(%rdi,%rdx)
	movdqu	%xmm3, -16(%rdi,%rdx)
	xorl	%eax, %eax
	ret
.Lover64:
	cmpq	$128, %rdx
	ja	.Lover128
	movdqu	32(%rsi), %xmm2
	movdqu	48(%rsi), %xmm3
	movdqu	-64(%rsi,%rdx), %xmm4
	movdqu	-48(%rsi,%rdx), %xmm5
	movdqu	-32(%rsi,%rdx), %xmm6
	movdqu	-16(%rsi,%rdx), %xmm7
	movdqu	%xmm0, (%rdi)
	movdqu	%xmm1, 16(%rdi)
	movdqu	%xmm2, 32(%rdi)
	movdqu	%xmm3, 48(%rdi)
	movdqu	%xmm4, -64(%rdi,%rdx)
	movdqu	%xmm5, -48(%rdi,%rdx)
	movdqu	%xmm6, -32(%rdi,%rdx)
	movdqu	%xmm7, -16(%rdi,%rdx)
	xorl	%eax, %eax
	ret

	/*
	 * Lengths that wrap the address space end here, before the arithmetic
	 * on the end of either side could meet a valid page.
	 */
.Lover128:
	movq	%rsi, %rax
	addq	%rdx, %rax
	jc	guard_fail
	movq	%rdi, %rcx
	addq	%rdx, %rcx
	jc	guard_fail
	cmpq	guard_rep_min(%rip), %rdx
	jae	.Lrep
	cmpb	$0, guard_avx(%rip)
	jne	.Lavx

	/* rax: end of source, rcx: end of destination, rdx: bytes left */
	.balign	16
.Lloop:
	movdqu	(%rsi), %xmm0
	movdqu	16(%rsi), %xmm1
	movdqu	32(%rsi), %xmm2
	movdqu	48(%rsi), %xmm3
	movdqu	%xmm0, (%rdi)
	movdqu	%xmm1, 16(%rdi)
	movdqu	%xmm2, 32(%rdi)
	movdqu	%xmm3, 48(%rdi)
	addq	$64, %rsi
	addq	$64, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	ja	.Lloop
	/* 1 to 64 bytes are left, and at least 128 lie before the ends. */
	movdqu	-64(%rax), %xmm0
	movdqu	-48(%rax), %xmm1
	movdqu	-32(%rax), %xmm2
	movdqu	-16(%rax), %xmm3
	movdqu	%xmm0, -64(%rcx)
	movdqu	%xmm1, -48(%rcx)
	movdqu	%xmm2, -32(%rcx)
	movdqu	%xmm3, -16(%rcx)
	xorl	%eax, %eax
	ret

	/* The same by twice the width. */
	.balign	16
.Lavx:
	cmpq	$256, %rdx
	jbe	.Lavx_tail
.Lavx_loop:
	vmovdqu	(%rsi), %ymm0
	vmovdqu	32(%rsi), %ymm1
	vmovdqu	64(%rsi), %ymm2
	vmovdqu	96(%rsi), %ymm3
	vmovdqu	%ymm0, (%rdi)
	vmovdqu	%ymm1, 32(%rdi)
	vmovdqu	%ymm2, 64(%rdi)
	vmovdqu	%ymm3, 96(%rdi)
	subq	$-128, %rsi
	subq	$-128, %rdi
	addq	$-128, %rdx
	cmpq	$256, %rdx
	ja	.Lavx_loop
.Lavx_tail:
	/* 129 to 256 bytes are left: 128 from the front, 128 from the end. */
	vmovdqu	(%rsi), %ymm0
	vmovdqu	32(%rsi), %ymm1
	vmovdqu	64(%rsi), %ymm2
	vmovdqu	96(%rsi), %ymm3
	vmovdqu	-128(%rax), %ymm4
	vmovdqu	-96(%rax), %ymm5
	vmovdqu	-64(%rax), %ymm6
	vmovdqu	-32(%rax), %ymm7
	vmovdqu	%ymm0, (%rdi)
	vmovdqu	%ymm1, 32(%rdi)
	vmovdqu	%ymm2, 64(%rdi)
	vmovdqu	%ymm3, 96(%rdi)
	vmovdqu	%ymm4, -128(%rcx)
	vmovdqu	%ymm5, -96(%rcx)
	vmovdqu	%ymm6, -64(%rcx)
	vmovdqu	%ymm7, -32(%rcx)
	vzeroupper
	xorl	%eax, %eax
	ret

	.balign	16
.Lrep:
	movq	%rdx, %rcx
	rep movsb
	xorl	%eax, %eax
	ret
	.cfi_endproc
	.size	guard_copy, . - guard_copy
	.size	rumpuser_copy, . - rumpuser_copy

	/*
	 * rdi: destination, rsi: source, rdx: bytes of room left, rcx: where
	 * the length goes, r8: start of the source.
	 */
	.balign	64
	.globl	guard_copystr
	.hidden	guard_copystr
	.type	guard_copystr, @function
	.weak	rumpuser_copystr
	.type	rumpuser_copystr, @function
guard_copystr:
rumpuser_copystr:
	.cfi_startproc
	movq	%rsi, %r8
	pxor	%xmm1, %xmm1
.Lstr_step:
	cmpq	$16, %rdx
	jb	.Lstr_bytes
	movl	%esi, %eax
	andl	$4095, %eax
	cmpl	$4096 - 16, %eax
	ja	.Lstr_bytes
	movdqu	(%rsi), %xmm0
	movdqa	%xmm0, %xmm2
	pcmpeqb	%xmm1, %xmm2
	pmovmskb %xmm2, %eax
	testl	%eax, %eax
	jnz	.Lstr_found
	movdqu	%xmm0, (%rdi)
	addq	$16, %rsi
	addq	$16, %rdi
	subq	$16, %rdx
	jmp	.Lstr_step

.Lstr_found:
	bsfl	%eax, %r9d		/* r9: bytes before the NUL, 0..15 */
	leaq	1(%rsi,%r9), %rdx
	subq	%r8, %rdx		/* rdx: the whole length */
	cmpl	$7, %r9d
	jae	.Lstr_8to16
	cmpl	$3, %r9d
	jae	.Lstr_4to7
	/* One to three bytes: one NUL at least is stored singly. */
	testl	%r9d, %r9d
	jz	.Lstr_nul
	movzwl	-1(%rsi,%r9), %eax
	movzbl	(%rsi), %r10d
	movb	%r10b, (%rdi)
	movw	%ax, -1(%rdi,%r9)
	jmp	.Lstr_end
.Lstr_nul:
	movb	$0, (%rdi)
	jmp	.Lstr_end
.Lstr_4to7:
	movl	(%rsi), %eax
	movl	-3(%rsi,%r9), %r10d
	movl	%eax, (%rdi)
	movl	%r10d, -3(%rdi,%r9)
	jmp	.Lstr_end
.Lstr_8to16:
	movq	(%rsi), %rax
	movq	-7(%rsi,%r9), %r10
	movq	%rax, (%rdi)
	movq	%r10, -7(%rdi,%r9)
.Lstr_end:
	movq	%rdx, (%rcx)
	xorl	%eax, %eax
	ret

	/* Byte by byte across the end of a page or of the room, then again. */
.Lstr_bytes:
	movl	$16, %r10d
.Lstr_byte:
	testq	%rdx, %rdx
	jz	.Lstr_long
	movzbl	(%rsi), %eax
	movb	%al, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	testl	%eax, %eax
	jz	.Lstr_byte_end
	decl	%r10d
	jnz	.Lstr_byte
	jmp	.Lstr_step
.Lstr_byte_end:
	movq	%rsi, %rdx
	subq	%r8, %rdx
	jmp	.Lstr_end
.Lstr_long:
	movl	$ENAMETOOLONG, %eax
	ret
	.cfi_endproc
	.size	guard_copystr, . - guard_copystr
	.size	rumpuser_copystr, . - rumpuser_copystr

	/* rdi: a byte that has to be writable; it stays what it is. */
	.balign	16
	.globl	guard_touch
	.hidden	guard_touch
	.type	guard_touch, @function
guard_touch:
	.cfi_startproc
	lock orb $0, (%rdi)
	xorl	%eax, %eax
	ret
	.cfi_endproc
	.size	guard_touch, . - guard_touch

guard_end:

	.type	guard_fail, @function
guard_fail:
	.cfi_startproc
	cmpb	$0, guard_avx(%rip)
	je	1f
	vzeroupper
1:	movl	$EFAULT, %eax
	ret
	.cfi_endproc
	.size	guard_fail, . - guard_fail

	.section .note.GNU-stack, "", @progbits
