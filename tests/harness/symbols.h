/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * symbols.h - the functions of a running program, by address
 */

#ifndef HARNESS_SYMBOLS_H
#define HARNESS_SYMBOLS_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

struct symbols;

/* Reads what the process has mapped.  NULL, which is fine below: it cannot. */
struct symbols *symbols_open(pid_t pid);
void	symbols_close(struct symbols *sy);

/*
 * The function behind whose beginning the address is.  In files without
 * symbols, that is the file.  The name stays good until the next question.
 */
bool	symbols_find(struct symbols *sy, uint64_t address, const char **ret_name,
	    uint64_t *ret_offset);

#endif /* HARNESS_SYMBOLS_H */
