/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace_impl.h - inside the system call decoder
 *
 * systrace.c		which calls, and the line as a whole
 * systrace_arg.c	one argument
 * systrace_struct.c	the structure a pointer leads to
 * systrace_tap.c	listeners who read lines from a file
 * systrace_mem.c	memory that describes itself: vectors, messages, sets
 */

#ifndef SYSTRACE_IMPL_H
#define SYSTRACE_IMPL_H

#include <sys/types.h>

#include <abi/sysdesc.h>

#define TRACE_ELEMENTS	8	/* so many of an array are shown */

struct proc;
struct systrace;

/* Taps.  switch: sets systrace_on as set and taps demand. */
void	trace_switch(void);
unsigned int trace_taps(void);
bool	trace_tapped(struct proc *p);
void	trace_tap_write(struct proc *p, const char *line, size_t len);

/* Ends the line, with its newline: its length.  For a call that is traced. */
size_t	trace_finish(struct systrace *st, int error, long ret);

/* The line that is being written: what does not fit is left out. */
struct tracebuf {
	char		*tb_buf;
	size_t		 tb_size;
	size_t		 tb_len;
};

void	trace_printf(struct tracebuf *tb, const char *fmt, ...) __printflike(2, 3);
void	trace_quoted(struct tracebuf *tb, const char *bytes, size_t len, bool more);

/* Symbols joined by |; bits without one in hex. */
void	trace_flags(struct tracebuf *tb, enum sysset set, uint32_t v);
void	trace_enum(struct tracebuf *tb, enum sysset set, uint32_t v);
void	trace_mode(struct tracebuf *tb, uint32_t mode);
void	trace_dev(struct tracebuf *tb, uint64_t dev);	/* a client's number */

/* Memory of the client, hence only through here: false if unreadable. */
bool	trace_fetch(unsigned long uaddr, void *kaddr, size_t len) __mustcheck;
void	trace_address(struct tracebuf *tb, unsigned long uaddr);
void	trace_bytes(struct tracebuf *tb, unsigned long uaddr, size_t len);

/* How an argument of a call under way is to be read. */
struct traceargs {
	const struct sysdesc	*ta_desc;
	const unsigned long	*ta_args;
	bool			 ta_done;	/* the call has returned ... */
	int			 ta_error;	/* ... this */
	long			 ta_ret;
};

/* Does argument i show what the call wrote? */
bool	trace_arg_is_result(const struct sysdesc *sd, unsigned int i);
/* Is argument i there at all?  open's mode is not always. */
bool	trace_arg_present(const struct traceargs *ta, unsigned int i);
void	trace_arg(struct tracebuf *tb, const struct traceargs *ta, unsigned int i);

/* count elements of a type; array: in brackets. */
void	trace_elements(struct tracebuf *tb, enum systype type, unsigned long uaddr,
	    size_t elemsize, size_t count, bool array);
void	trace_iovec(struct tracebuf *tb, unsigned long uaddr, size_t count,
	    bool content, size_t limit);
void	trace_msghdr(struct tracebuf *tb, unsigned long uaddr, bool content,
	    size_t limit);
void	trace_sockaddr(struct tracebuf *tb, unsigned long uaddr, size_t len);
void	trace_dents(struct tracebuf *tb, unsigned long uaddr, size_t len);
void	trace_fdset(struct tracebuf *tb, unsigned long uaddr, size_t nfds);
void	trace_flock(struct tracebuf *tb, unsigned long uaddr);

#endif /* SYSTRACE_IMPL_H */
