/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy.h - memory of clients
 *
 * A client's pointer is never dereferenced: it goes through these, which
 * answer EFAULT for what cannot be read or written.  For a remote client
 * they may sleep; for a local one they do not.
 */

#ifndef SYS_COPY_H
#define SYS_COPY_H

#include <sys/types.h>

/*
 * The end of a client's addresses.  A range beyond it is wrong before anybody
 * tries to copy, even if nothing is going to be copied.
 */
#if defined(__x86_64__)
#define USER_END	0x7ffffffff000UL
#else
#define USER_END	(1UL << 52)
#endif

static inline bool
user_range_ok(const void *uaddr, size_t len)
{
	return len <= USER_END && (uintptr_t)uaddr <= USER_END - len;
}

int	copyin(const void *uaddr, void *kaddr, size_t len) __mustcheck;
int	copyout(const void *kaddr, void *uaddr, size_t len) __mustcheck;

/*
 * At most max bytes with the NUL, which *ret_len (may be NULL) counts too.
 * ENAMETOOLONG if there is none.
 */
int	copyinstr(const char *uaddr, char *kaddr, size_t max,
	    size_t *ret_len) __mustcheck;

/* A path into a buffer of PATH_MAX from path_buf_get(); ENOENT if empty. */
int	copyin_path(const char *upath, char **ret_path) __mustcheck;
char	*path_buf_get(void);		/* NULL: no memory */
void	path_buf_put(char *path);	/* NULL is fine */

#endif /* SYS_COPY_H */
