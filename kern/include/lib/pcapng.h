/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lib/pcapng.h - blocks of a capture file
 *
 * Pure: each function writes one block, or the ends of one, into the caller's
 * memory and returns its length, a multiple of four.  Numbers are in the machine's
 * byte order, as the format has it; times are nanoseconds since 1970.
 *
 * Reference: draft-ietf-opsawg-pcapng, sections 4.1 (section header), 4.2
 * (interface description), 4.3 (enhanced packet), 4.6 (interface statistics).
 */

#ifndef LIB_PCAPNG_H
#define LIB_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

#define PCAPNG_LINK_ETHERNET	1
#define PCAPNG_LINK_RAW		101	/* begins with an IP header */

/* More than any block of ours, but for the data of a packet. */
#define PCAPNG_BLOCK_MAX	256
#define PCAPNG_PACKET_HEAD	28	/* in front of a packet's data */
#define PCAPNG_PACKET_TAIL	20	/* behind it, at most */

/* Starts a file; appl, who writes it, may be long: it is cut. */
size_t	pcapng_section(uint8_t *buf, const char *appl);

/* The next interface, counted from 0 in a file.  snaplen 0: no limit. */
size_t	pcapng_interface(uint8_t *buf, const char *name, uint16_t link,
	    uint32_t snaplen);

enum pcapng_way { PCAPNG_UNKNOWN, PCAPNG_IN, PCAPNG_OUT };

/* caplen bytes of a packet of len bytes go between the two. */
size_t	pcapng_packet_head(uint8_t *buf, uint32_t interface, uint64_t time,
	    uint32_t caplen, uint32_t len);
size_t	pcapng_packet_tail(uint8_t *buf, uint32_t caplen, enum pcapng_way way);

/* At the end: what an interface has delivered, and what got lost. */
size_t	pcapng_statistics(uint8_t *buf, uint32_t interface, uint64_t time,
	    uint64_t received, uint64_t dropped);

#endif /* LIB_PCAPNG_H */
