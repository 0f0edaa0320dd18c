/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * limits.h - the end of the chain for kernel code
 *
 * gcc's own <limits.h> goes on to the C library's with #include_next.  Kernel
 * code has none; this one stands last in its path and adds nothing.
 */
