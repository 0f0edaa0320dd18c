/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * placeholder.h - the mark in an eventfd's counter (fdmap.c)
 */

#ifndef HIJACK_PLACEHOLDER_H
#define HIJACK_PLACEHOLDER_H

#define PLACEHOLDER_MAGIC	0x52d5UL	/* no counter grows that far by itself */

#endif /* HIJACK_PLACEHOLDER_H */
