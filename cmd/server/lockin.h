/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lockin.h - a process that has all it needs gives up the rest
 *
 * In two steps, since some of what a server opens it can open only when there are
 * threads already, and Landlock does not reach threads that there are:
 *
 *	lockin_files()		before there are threads: no_new_privs, and Landlock: of the
 *				host's files only those named by lockin_allow() can be opened,
 *				and nothing can be run
 *	lockin_calls()		when all are open: seccomp, for all threads: nothing but what is
 *				on the list, so that nothing can be opened any more
 *
 * What remains is to use the descriptors that are open, memory that is not executable,
 * threads, and accept(2); and to remove names from folders kept by lockin_keep().
 * There is no way back.
 *
 * References: landlock(7), seccomp(2), prctl(2) PR_SET_NO_NEW_PRIVS.
 */

#ifndef RUMP_SERVER_LOCKIN_H
#define RUMP_SERVER_LOCKIN_H

#include <stdbool.h>

/* Descriptors of folders in which names may be removed; of four the filter knows. */
#define LOCKIN_FD	900
#define LOCKIN_FD_PLACE	900
#define LOCKIN_FD_BASE	901
#define LOCKIN_FD_URL	902
#define LOCKIN_NFDS	4		/* a power of two */

/* Opens the folder as this descriptor; a failure only means that names stay. */
void	lockin_keep(int fd, const char *path);

/* A file to be opened later; it has to be there.  LOCKIN_BENEATH: all in a folder. */
#define LOCKIN_READ	0x01
#define LOCKIN_WRITE	0x02
#define LOCKIN_DEVICE	0x04	/* ioctl(2) */
#define LOCKIN_BENEATH	0x08
void	lockin_allow(const char *path, unsigned int what);

/* EOPNOTSUPP: this host has no Landlock; all else is done. */
int	lockin_files(void);
int	lockin_calls(void);		/* an errno */

/* Of this host's Landlock; 0: none. */
int	lockin_landlock_abi(void);

#endif /* RUMP_SERVER_LOCKIN_H */
