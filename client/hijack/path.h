/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * path.h - whose file a name means
 */

#ifndef HIJACK_PATH_H
#define HIJACK_PATH_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define PATH_ROOM	4096

enum where_kind {
	WHERE_HOST,		/* the host's, as the program said it */
	WHERE_HOSTPATH,		/* the host's, but under w_path */
	WHERE_KERNEL,
};

/* A name as a program uses it: relative to a descriptor, or absolute. */
struct where {
	enum where_kind	 w_kind;
	bool		 w_blanket;	/* KERNEL: the name is the same there */
	int		 w_dirfd;	/* KERNEL: its descriptor, or AT_FDCWD */
	const char	*w_path;	/* in w_text */
	char		 w_text[PATH_ROOM];
};

/*
 * Finds out what the string at addr, relative to the program's dirfd, means.
 * -EFAULT, -ENAMETOOLONG, -EBADF.
 */
long	path_resolve(int dirfd, unsigned long addr, struct where *w);
/* Of these the host may say what it says: the call fails in any case. */
static inline bool
path_unreadable(long ret)
{
	return ret == -EFAULT || ret == -ENAMETOOLONG;
}

/* The same for a string of our own. */
long	path_resolve_text(int dirfd, const char *text, struct where *w);

/*
 * The host says there is no such name.  Is there a way by its symbolic links, or by "..", that
 * leads to the kernel?  follow: also by the last one.
 */
bool	path_through_links(int dirfd, const char *text, bool follow, struct where *w);

/* A name of the kernel as the program knows it; 0 or -ENAMETOOLONG. */
long	path_show(const char *kernel, bool blanket, char *buf, size_t size);
/* Is an absolute name of the kernel the same for the program? */
bool	path_is_blanket(const char *text);
/* An absolute name under the prefix as the kernel knows it; NULL: it is not. */
const char *path_strip(const char *text);

/* The directory we are in: whose is it? */
enum cwd_kind { CWD_HOST, CWD_PREFIX, CWD_BLANKET };
enum cwd_kind path_cwd(void);
void	path_setcwd(enum cwd_kind kind);
/* A child of vfork(2) is about to change its directory, or has changed its umask from old. */
void	path_cwd_keep(void);
void	path_umask_keep(long old);
/* Its parent goes on. */
void	path_kept_back(void);

/* Could a name with these first letters be a part of the prefix? */
bool	path_may_be_prefix(const char head[2]);

#endif /* HIJACK_PATH_H */
