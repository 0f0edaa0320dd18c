/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * placeholder.h - the mark in an eventfd's counter (fdmap.c)
 */

#ifndef HIJACK_PLACEHOLDER_H
#define HIJACK_PLACEHOLDER_H

#include <stdbool.h>

#define PLACEHOLDER_MAGIC	0x52d5UL	/* no counter grows that far by itself */

/* Calls fn for each of this process, n for the kernel's r; stops when it returns false. */
void	placeholder_each(bool (*fn)(unsigned long n, int r));

#endif /* HIJACK_PLACEHOLDER_H */
