/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * name_impl.h - what the files of calls that take names share
 */

#ifndef HIJACK_NAME_IMPL_H
#define HIJACK_NAME_IMPL_H

#include <stdbool.h>

#include "path.h"

/* --- name_fd.c ------------------------------------------------------------------------ */

/* That r was made as path: a hint where it may be found by name. */
void	hint_keep(int r, const char *path);
/* /dev/fd/N, /proc/self/fd/N and their kin: the descriptor N of the kernel, or -1. */
int	names_descriptor(const char *text);
/* The name of what the program has as n, as the kernel knows it, into w; false: it has none. */
bool	descriptor_path(int n, struct where *w);
/* "/proc/self/fd/N/rest", where N is a directory of the kernel, becomes what it means. */
bool	below_descriptor(struct where *w);
/* The call's result for a descriptor without a name; not *ret_done: it is none that we know. */
long	by_descriptor(long nr, const unsigned long args[6], int n, bool cloexec, bool *ret_done);

/* --- rules, as in dispatch.h ------------------------------------------------------------- */

long	rule_symlink(long nr, const unsigned long args[6]);
long	rule_readlink(long nr, const unsigned long args[6]);
long	rule_chdir(long nr, const unsigned long args[6]);
long	rule_fchdir(long nr, const unsigned long args[6]);
long	rule_getcwd(long nr, const unsigned long args[6]);
long	rule_umask(long nr, const unsigned long args[6]);
long	rule_sync(long nr, const unsigned long args[6]);
long	rule_mount(long nr, const unsigned long args[6]);

#endif /* HIJACK_NAME_IMPL_H */
