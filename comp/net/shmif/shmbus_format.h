/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_format.h - what lies where in a bus file
 *
 * The file is a header page, the table of addresses and one area for each
 * port, all of sizes that follow from six numbers in the header:
 *
 *	0		struct shmbus_header, one page
 *	4096		sh_nports rounded up to a power of two buckets of eight
 *			words: the address table
 *	then		for each port, on a page: struct shmbus_ctl (a page), its
 *			receive ring, its small buffers, its large buffers
 *
 * Numbers are little endian.  Every word that more than one participant
 * writes is changed by atomic operations of its own size.
 *
 * Whoever may write the file may write anything anywhere at any time: all
 * that is read from it is checked after it has been copied.
 *
 * Manual: rump-shmbus(5).
 */

#ifndef SHMBUS_FORMAT_H
#define SHMBUS_FORMAT_H

#include <stdint.h>

#define SHMBUS_MAGIC		0x53554252	/* "RBUS" */
#define SHMBUS_VERSION		2

#define SHMBUS_PORTS_MAX	1024
#define SHMBUS_BUFS_MAX		16384		/* of one port, both sizes */
#define SHMBUS_BUCKET		8		/* words: one cache line */
#define SHMBUS_FRAME_MIN	14		/* an Ethernet header */
#define SHMBUS_FRAME_MAX	65792		/* 64 KiB and headers */
#define SHMBUS_WORDS		(SHMBUS_PORTS_MAX / 64)

struct shmbus_header {
	uint32_t	sh_magic;
	uint32_t	sh_version;
	uint32_t	sh_nports;
	uint32_t	sh_ringlen;	/* words; a power of two */
	uint32_t	sh_nsmall;	/* buffers a port */
	uint32_t	sh_smallsize;	/* bytes with header; multiple of 64 */
	uint32_t	sh_nlarge;
	uint32_t	sh_largesize;
	uint64_t	sh_filesize;	/* follows from the above */
	uint8_t		sh_pad0[1024 - 40];
	/* Hints: which ports to look at.  One bit a port. */
	uint64_t	sh_live[SHMBUS_WORDS];
	uint64_t	sh_promisc[SHMBUS_WORDS];
	uint8_t		sh_pad1[4096 - 1024 - 2 * 8 * SHMBUS_WORDS];
};

/* sc_state: generation << 2 | state. */
#define SHMBUS_PORT_FREE	0
#define SHMBUS_PORT_LIVE	1
#define SHMBUS_PORT_CLAIMED	2	/* being set up */
#define SHMBUS_GEN_BITS		18
#define SHMBUS_GEN_MASK		((1u << SHMBUS_GEN_BITS) - 1)

#define SHMBUS_STATE(word)	((word) & 3)
#define SHMBUS_GEN_FIRST	1u	/* of the first who has a port */
#define SHMBUS_GEN(word)	((word) >> 2 & SHMBUS_GEN_MASK)

#define SHMBUS_F_PROMISC	0x01

/* The first page of a port's area. */
struct shmbus_ctl {
	/* Read by all, written by the owner, seldom. */
	uint32_t	sc_state;
	uint32_t	sc_flags;
	uint64_t	sc_mac;		/* first byte in the low bits */
	uint32_t	sc_pid;		/* of the owner; for people */
	char		sc_name[32];	/* NUL-terminated; for people */
	uint8_t		sc_pad0[128 - 52];

	/* Written by who sends to the owner. */
	uint64_t	sc_tail;	/* hint: frames published so far */
	uint32_t	sc_bell;	/* futex; bit 0: the owner sleeps */
	uint8_t		sc_pad1[128 - 12];

	/* Nonzero while the owner waits for buffers to come back. */
	uint32_t	sc_hungry;
	/* Nonzero while it is short of large ones: who gets one should copy it. */
	uint32_t	sc_scarce;
	uint8_t		sc_pad2[128 - 8];

	/* Written by the owner, read by people. */
	uint64_t	sc_txframes;
	uint64_t	sc_txbytes;
	uint64_t	sc_txdrops;	/* a receiver's ring was full */
	uint64_t	sc_rxframes;
	uint64_t	sc_rxbytes;
	uint64_t	sc_rxerrors;	/* words and buffers that made no sense */
	uint8_t		sc_pad3[4096 - 384 - 48];
};

/*
 * A word of a receive ring: lap << 48 | buffer << 32 | port << 16 | FULL, of
 * a frame in that buffer of that port.  Without FULL it awaits the frame of
 * that lap, and the rest is zero.
 */
#define SHMBUS_FULL		1ULL

/*
 * A buffer: header, and the frame at SHMBUS_DATA.  sb_state is
 * state << 28 | port << 18 | generation, the last two of the receiver.
 */
#define SHMBUS_BUF_FREE		0u
#define SHMBUS_BUF_SENT		1u	/* published, or about to be */
#define SHMBUS_BUF_HELD		2u	/* out of the ring, being read */
#define SHMBUS_BUF_DONE		3u	/* the owner may have it back */

#define SHMBUS_BUFSTATE(state, port, gen) \
	((state) << 28 | (uint32_t)(port) << 18 | (gen))

struct shmbus_buf {
	uint32_t	sb_state;
	uint32_t	sb_len;
	/* As in struct virtio_net_hdr: flags, type, header, segment, checksum. */
	uint64_t	sb_offload;	/* flags | type<<8 | hdr<<16 | seg<<32 | start<<48 */
	uint64_t	sb_offset;	/* csum_offset in the low 16 bits */
	uint64_t	sb_spare;
};

#define SHMBUS_DATA	34	/* an IP header behind 14 bytes is aligned */

/* Byte of the file whose lock says that a port's owner lives. */
#define SHMBUS_LOCK_PORT(port)	((uint64_t)(port))
/* ... and that somebody is making the file. */
#define SHMBUS_LOCK_INIT	(1ULL << 40)

_Static_assert(sizeof(struct shmbus_header) == 4096, "a page");
_Static_assert(sizeof(struct shmbus_ctl) == 4096, "a page");
_Static_assert(sizeof(struct shmbus_buf) == 32, "half a line");

#endif /* SHMBUS_FORMAT_H */
