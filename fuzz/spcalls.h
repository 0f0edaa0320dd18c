/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * spcalls.h - a client that makes calls of a server that lies, by what the input says
 */

#ifndef FUZZ_SPCALLS_H
#define FUZZ_SPCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "input.h"

#define BASE		UINT64_C(0x7000deadb000)	/* of the client's memory */
#define MEMSIZE		(96u << 10)

extern struct input in;

/* The server has asked for the client's memory: then it may have changed any of it. */
extern bool memory_asked;

void	need(bool held, const char *what);	/* or it ends here */

uint64_t take_number(void);			/* one that is worth trying */

void	spcalls_init(void);
void	spcalls_one(void);
void	spcalls_getpid(void);

#endif /* FUZZ_SPCALLS_H */
