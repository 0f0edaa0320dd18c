/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * exec.h - what start, exec and engine say to each other
 */

#ifndef HIJACK_EXEC_H
#define HIJACK_EXEC_H

#include <stdbool.h>

/* "NAME=VALUE" that programs started by this one shall have, if they would not. */
void	exec_keep(const char *variable);

/*
 * The program that takes those under its wings in which we cannot be; "" there is none.  It is
 * for kernels in a server.
 */
void	exec_supervisor(const char *path);

/*
 * Does a file of the host want the supervisor?  A path in our own memory; "" is dirfd itself.  Says no
 * when in doubt.
 */
bool	exec_wants_supervisor(int dirfd, const char *path, bool nofollow);

/*
 * "#! interpreter argument" in head, which has room for len + 1, is cut into two strings; false: it is
 * none.
 */
bool	exec_script_line(char *head, long len, char **ret_interp, char **ret_arg);

#endif /* HIJACK_EXEC_H */
