/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * exec.h - what start and exec say to each other
 */

#ifndef HIJACK_EXEC_H
#define HIJACK_EXEC_H

/* "NAME=VALUE" that programs started by this one shall have, if they would not. */
void	exec_keep(const char *variable);

#endif /* HIJACK_EXEC_H */
