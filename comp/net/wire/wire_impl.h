/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * wire_impl.h - between the two files of this folder
 */

#ifndef WIRE_IMPL_H
#define WIRE_IMPL_H

#include <net/wire.h>

extern struct ifkind wire_kind;

#endif /* WIRE_IMPL_H */
