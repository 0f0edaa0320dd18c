/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * entry.h - what the assembler and the dispatcher have in common
 */

#ifndef HIJACK_ENTRY_H
#define HIJACK_ENTRY_H

#define HIJACK_NCALLS	512		/* numbers of calls; others are the host's */
#define HIJACK_NFDS	1048576		/* descriptors, fs.nr_open's default */

/* What the fast way out knows of a call. */
#define HIJACK_HOST	0		/* the host's, whatever the arguments */
#define HIJACK_BYFD	1		/* it depends on the descriptor in rdi */
#define HIJACK_LOOK	2		/* look closer */

#ifndef __ASSEMBLER__

#include <stdint.h>

extern uint8_t hijack_class[HIJACK_NCALLS];

/* Of hijack_xcall(): bytes, and the parts of xsavec; mask 0: fxsave. */
extern unsigned long hijack_xsave_size;
extern unsigned int hijack_xsave_mask;

/* Not to be called from C. */
void	hijack_entry(void);
void	hijack_clone_before(void);
void	hijack_clone_after(void);

void	hijack_restorer(void);		/* what a signal handler returns to */

/*
 * Copies; what is left when it faults.  A handler that sees the instruction pointer in [begin, end)
 * sets it to fault.
 */
unsigned long hijack_copy(void *to, const void *from, unsigned long len);
extern const char hijack_copy_begin[], hijack_copy_end[], hijack_copy_fault[];
/* The same for a string: its length without NUL, -1 a fault, -2 too long. */
long	hijack_copystr(char *to, const char *from, unsigned long size);

long	hijack_xcall(long (*fn)(unsigned int nr, const unsigned long *args), unsigned int nr,
	    const unsigned long *args);

/*
 * The host's call, unless *flag is set: HIJACK_NOT_MADE.  A signal handler that sets it while the instruction
 * pointer is in [begin, end) sends it to abort.
 */
#define HIJACK_NOT_MADE	(-4096L)
long	hijack_wait(long nr, const unsigned long args[6], const uint32_t *flag);
extern const char hijack_wait_begin[], hijack_wait_end[], hijack_wait_abort[];

/* Called by the assembler. */
long	hijack_syscall(long nr, const unsigned long args[6]);
long	process_clone_before(long nr, const unsigned long args[6]);
void	process_clone_after(long ret);

#endif

#endif /* HIJACK_ENTRY_H */
