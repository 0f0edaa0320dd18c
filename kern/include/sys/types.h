/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * types.h - the kernel's scalar types
 *
 * Widths are those of the 64-bit Linux ABI.  dev_t is the kernel's own
 * 64-bit number; what crosses to a client goes through dev_encode().
 */

#ifndef SYS_TYPES_H
#define SYS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/cdefs.h>

typedef int64_t		off_t;
typedef int64_t		ssize_t;
typedef int32_t		pid_t;
typedef uint32_t	uid_t;
typedef uint32_t	gid_t;
typedef uint32_t	mode_t;
typedef uint64_t	ino_t;
typedef uint32_t	nlink_t;
typedef uint64_t	dev_t;		/* major << 32 | minor */

#define OFF_MAX		INT64_MAX
#define NSEC_PER_SEC	1000000000LL

static inline dev_t
dev_make(uint32_t major, uint32_t minor)
{
	return (dev_t)major << 32 | minor;
}

static inline uint32_t
dev_major(dev_t dev)
{
	return (uint32_t)(dev >> 32);
}

static inline uint32_t
dev_minor(dev_t dev)
{
	return (uint32_t)dev;
}

/* The form in struct stat: minor 7..0, major 11..0, minor 31..8. */
static inline uint64_t
dev_encode(dev_t dev)
{
	uint64_t ma = dev_major(dev), mi = dev_minor(dev);

	return (mi & 0xff) | (ma & 0xfff) << 8 | (mi & ~0xffULL) << 12 |
	    (ma & ~0xfffULL) << 32;
}

static inline dev_t
dev_decode(uint64_t raw)
{
	return dev_make((uint32_t)((raw >> 8 & 0xfff) | (raw >> 32 & ~0xfffULL)),
	    (uint32_t)((raw & 0xff) | (raw >> 12 & ~0xffULL)));
}

#endif /* SYS_TYPES_H */
