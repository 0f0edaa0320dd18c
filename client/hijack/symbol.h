/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * symbol.h - the functions of libc that we stand in front of
 */

#ifndef HIJACK_SYMBOL_H
#define HIJACK_SYMBOL_H

void	symbol_start(void);

#endif /* HIJACK_SYMBOL_H */
