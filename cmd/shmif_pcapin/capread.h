/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * capread.h - frames out of capture files
 *
 * Reads pcap (microseconds and nanoseconds) and pcapng, of either byte order, from
 * memory.  Pure: no allocation, no system call.
 *
 * References: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */

#ifndef SHMIF_PCAPIN_CAPREAD_H
#define SHMIF_PCAPIN_CAPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPREAD_INTERFACES	64	/* of one section; more are EINVAL */

struct capread {
	const uint8_t	*cr_data;
	size_t		 cr_len;
	size_t		 cr_off;
	bool		 cr_ng;
	bool		 cr_swap;
	uint64_t	 cr_units;	/* pcap: of time in a second */
	uint16_t	 cr_link;	/* pcap */
	unsigned int	 cr_ninterfaces;
	struct {
		uint16_t	ci_link;
		uint32_t	ci_snaplen;
		uint64_t	ci_units;
	} cr_interface[CAPREAD_INTERFACES];
};

struct capread_frame {
	const uint8_t	*cf_data;
	uint32_t	 cf_caplen;	/* bytes that are there */
	uint32_t	 cf_len;	/* that the frame had */
	uint16_t	 cf_link;	/* 1: Ethernet */
	int64_t		 cf_time;	/* ns; 0: not known */
};

/* EINVAL: it is no capture file. */
int	capread_open(struct capread *cr, const void *data, size_t len);

/* The next one.  ENOENT: that was all.  EINVAL: damaged. */
int	capread_next(struct capread *cr, struct capread_frame *ret_frame);

#endif /* SHMIF_PCAPIN_CAPREAD_H */
