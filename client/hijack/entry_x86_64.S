/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * entry_x86_64.S - the way from a rewritten call site to the dispatcher
 *
 * A site jumps to its stub (site.c), which steps over the red zone and calls one of the
 * functions here.  They have the manners of the instruction they stand for: rax has the
 * number and then the result, rcx and r11 are lost, all else stays -- the vector registers because
 * C code here is compiled without them and whoever calls code that is not saves
 * them (hijack_xcall).
 *
 * The way of a call that is the host's: two tables, no memory written.
 */

#include "entry.h"

	.text

/* eax: the number.  The stack has the stub's return address. */
	.globl	hijack_entry
	.hidden	hijack_entry
	.type	hijack_entry, @function
	.p2align 6
hijack_entry:
	.cfi_startproc
	cmpl	$HIJACK_NCALLS, %eax
	jae	.Lhost
	movl	%eax, %r11d
	leaq	hijack_class(%rip), %rcx
	movzbl	(%rcx,%r11), %ecx
	testl	%ecx, %ecx
	je	.Lhost
	cmpl	$HIJACK_BYFD, %ecx
	jne	hijack_slow
	cmpl	$HIJACK_NFDS, %edi
	jae	.Lhost
	leaq	fdmap_table(%rip), %rcx
	movl	%edi, %r11d
	cmpl	$0, (%rcx,%r11,4)
	jne	hijack_slow
.Lhost:
	syscall
	ret
	.cfi_endproc
	.size	hijack_entry, . - hijack_entry

/* The same, through hijack_syscall(nr, args). */
	.type	hijack_slow, @function
hijack_slow:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	movq	%rsp, %rsi
	andq	$-16, %rsp
	movslq	%eax, %rdi
	cld
	call	hijack_syscall
	leaq	-48(%rbp), %rsp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	hijack_slow, . - hijack_slow

/*
 * Around a clone, whose child may have another stack, or ours: the instruction itself
 * is in the stub, and nothing of us is on the stack meanwhile.
 *
 * before(nr, args): rax == 0 go on; else the result is in rax and no clone
 * takes place: the stub looks at the carry flag.
 */
	.globl	hijack_clone_before
	.hidden	hijack_clone_before
	.type	hijack_clone_before, @function
hijack_clone_before:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	movq	%rsp, %rsi
	pushq	%rax
	andq	$-16, %rsp
	movslq	%eax, %rdi
	cld
	call	process_clone_before
	leaq	-56(%rbp), %rsp
	popq	%rcx
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	testq	%rax, %rax
	jne	.Lrefused
	movq	%rcx, %rax
	clc
	ret
.Lrefused:
	stc
	ret
	.cfi_endproc
	.size	hijack_clone_before, . - hijack_clone_before

/* After it, in the parent, and in a child; rax: the result. */
	.globl	hijack_clone_after
	.hidden	hijack_clone_after
	.type	hijack_clone_after, @function
hijack_clone_after:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%r9
	pushq	%r8
	pushq	%r10
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rax
	andq	$-16, %rsp
	movq	%rax, %rdi
	cld
	call	process_clone_after
	leaq	-56(%rbp), %rsp
	popq	%rax
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%r10
	popq	%r8
	popq	%r9
	popq	%rbp
	.cfi_def_cfa %rsp, 8
	ret
	.cfi_endproc
	.size	hijack_clone_after, . - hijack_clone_after

/*
 * long hijack_xcall(long (*fn)(unsigned int nr, const unsigned long *args), unsigned int nr,
 *     const unsigned long *args)
 *
 * Calls a function that may use the vector registers, and keeps them.  How much
 * there is to keep the processor knows: what the program does not use costs little.
 */
	.globl	hijack_xcall
	.hidden	hijack_xcall
	.type	hijack_xcall, @function
hijack_xcall:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	movq	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	pushq	%rbx
	.cfi_offset %rbx, -24
	movq	%rdi, %rcx
	movl	%esi, %edi
	movq	%rdx, %rsi
	subq	hijack_xsave_size(%rip), %rsp
	andq	$-64, %rsp
	movq	%rsp, %rbx
	movl	hijack_xsave_mask(%rip), %eax
	xorl	%edx, %edx
	testl	%eax, %eax
	je	.Lfxsave
	/* The header of the area: xrstor insists on zeroes. */
	movq	%rdx, 512(%rbx)
	movq	%rdx, 520(%rbx)
	movq	%rdx, 528(%rbx)
	movq	%rdx, 536(%rbx)
	movq	%rdx, 544(%rbx)
	movq	%rdx, 552(%rbx)
	movq	%rdx, 560(%rbx)
	movq	%rdx, 568(%rbx)
	xsavec	(%rbx)
	call	*%rcx
	movq	%rax, %rcx
	movl	hijack_xsave_mask(%rip), %eax
	xorl	%edx, %edx
	xrstor	(%rbx)
	movq	%rcx, %rax
.Lxdone:
	movq	-8(%rbp), %rbx
	leave
	.cfi_restore %rbx
	.cfi_def_cfa %rsp, 8
	ret
.Lfxsave:
	.cfi_def_cfa %rbp, 16
	fxsave64 (%rbx)
	call	*%rcx
	fxrstor64 (%rbx)
	jmp	.Lxdone
	.cfi_endproc
	.size	hijack_xcall, . - hijack_xcall

/* As debuggers and unwinders know it from libc. */
	.globl	hijack_restorer
	.hidden	hijack_restorer
	.type	hijack_restorer, @function
hijack_restorer:
	movq	$15, %rax
	syscall
	.size	hijack_restorer, . - hijack_restorer

/*
 * unsigned long hijack_copy(void *to, const void *from, unsigned long len);
 * rcx always says what is left.
 */
	.globl	hijack_copy, hijack_copy_begin, hijack_copy_end, hijack_copy_fault, hijack_copystr
	.hidden	hijack_copy, hijack_copy_begin, hijack_copy_end, hijack_copy_fault, hijack_copystr
	.type	hijack_copy, @function
	.type	hijack_copystr, @function
hijack_copy:
	.cfi_startproc
	movq	%rdx, %rcx
hijack_copy_begin:
	rep movsb
	movq	%rcx, %rax
	ret
	.cfi_endproc
	.size	hijack_copy, . - hijack_copy

/* long hijack_copystr(char *to, const char *from, unsigned long size); */
hijack_copystr:
	.cfi_startproc
	xorl	%r8d, %r8d
	movq	$-1, %rcx
.Lstr:
	cmpq	%rdx, %r8
	je	.Llong
	movb	(%rsi,%r8), %al
	movb	%al, (%rdi,%r8)
	testb	%al, %al
	je	.Lstrdone
	incq	%r8
	jmp	.Lstr
.Lstrdone:
	movq	%r8, %rax
	ret
.Llong:
	movq	$-2, %rax
	ret
hijack_copy_end:
	.cfi_endproc
	.size	hijack_copystr, . - hijack_copystr

hijack_copy_fault:
	.cfi_startproc
	movq	%rcx, %rax
	ret
	.cfi_endproc

/*
 * long hijack_wait(long nr, const unsigned long args[6], const uint32_t *flag)
 *
 * Between the look at the flag and the instruction that sleeps a handler must find us: it sees where we
 * are.  At the instruction itself the call has not been made, as these are not taken up again.
 */
	.globl	hijack_wait, hijack_wait_begin, hijack_wait_end, hijack_wait_abort
	.hidden	hijack_wait, hijack_wait_begin, hijack_wait_end, hijack_wait_abort
	.type	hijack_wait, @function
hijack_wait:
	.cfi_startproc
	movq	%rdi, %rax
	movq	%rdx, %rcx
	movq	%rsi, %r11
	movq	(%r11), %rdi
	movq	8(%r11), %rsi
	movq	16(%r11), %rdx
	movq	24(%r11), %r10
	movq	32(%r11), %r8
	movq	40(%r11), %r9
hijack_wait_begin:
	cmpl	$0, (%rcx)
	jne	hijack_wait_abort
	syscall
hijack_wait_end:
	ret
hijack_wait_abort:
	movq	$-4096, %rax
	ret
	.cfi_endproc
	.size	hijack_wait, . - hijack_wait

	.section .note.GNU-stack, "", @progbits
