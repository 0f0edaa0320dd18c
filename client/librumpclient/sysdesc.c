/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sysdesc.c - what the arguments of each system call are, once more: the
 * kernel has it for its decoder, the client to pack calls
 */

#include <abi/sysdesc.c>
