/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ring.h - receive rings of packet sockets: what ring.c and ring_fill.c share
 */

#ifndef HIJACK_RING_H
#define HIJACK_RING_H

#include "hijack.h"

#include <linux/if_packet.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#define RING_BATCH	16		/* packets that one call brings */
#define RING_SLOT	(17 * 4096UL)	/* the largest packet there is, with its headers */
#define RING_CONTROL	256

/* A packet in a slot. */
struct ring_packet {
	struct sockaddr_ll rp_ll;
	struct tpacket_auxdata rp_aux;
	struct timespec	 rp_time;
};

/*
 * Behind the ring, in its memory, so that parent and child of a fork go on with the same.
 * Who has set rs_busy may look at the rest.
 */
struct ring_state {
	uint32_t	 rs_busy;	/* a */
	uint32_t	 rs_next;	/* frame or block that is to be filled */
	bool		 rs_any;	/* one was: the one before */
	bool		 rs_open;	/* V3: rs_next is being filled */
	bool		 rs_full;	/* found so, and counted */
	uint32_t	 rs_freezes;	/* a: for PACKET_STATISTICS */
	uint64_t	 rs_seq;	/* of blocks */
	uint32_t	 rs_off;	/* V3: where its next packet goes */
	uint32_t	 rs_prev;	/* V3: where its last packet is */
	uint32_t	 rs_first;	/* slots [rs_first, rs_end) wait for room */
	uint32_t	 rs_end;
	struct ring_packet rs_packets[RING_BATCH];
	struct mmsghdr	 rs_msgs[RING_BATCH];
	struct iovec	 rs_iov[RING_BATCH];
	_Alignas(16) uint8_t rs_control[RING_BATCH][RING_CONTROL];
};

/*
 * Field key:	a  atomic	c  constant while rg_mem is set
 */
struct ring {
	uint32_t	 rg_used;	/* a: 0 free, 1 being made or gone, 2 there */
	uint32_t	 rg_users;	/* a: threads that look into its memory */
	int		 rg_r;		/* c: the kernel's descriptor */
	uint32_t	 rg_version;	/* c: TPACKET_V1 .. V3 */
	uint32_t	 rg_reserve;	/* c: PACKET_RESERVE */
	int		 rg_memfd;	/* c */
	uint8_t		*rg_mem;	/* a: NULL: no ring yet */
	size_t		 rg_len;	/* c: of what the program maps */
	struct tpacket_req3 rg_req;	/* c */
	uint32_t	 rg_mac;	/* c: where the frame begins, in its place */
	struct ring_state *rg_state;	/* c */
	uint8_t		*rg_slots;	/* c: RING_BATCH of RING_SLOT bytes */
};

/* Takes out of the kernel what there is and has room.  True: the program has something to see. */
bool	ring_fill(struct ring *rg);

#endif /* HIJACK_RING_H */
