/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus.h - an Ethernet switch in a file: the library under shmif
 *
 * A bus is a file that all participants map.  Each has a port with a receive
 * ring and with buffers for what it sends.  A frame is written into a buffer
 * of the sender and published by one compare-and-swap in the receiver's
 * ring: there is no state in which a frame is half published, hence nothing
 * to repair when its sender is killed.  A port lives as long as its owner
 * has a lock on a byte of the file, which the host drops with the process.
 *
 * Life of a port
 *	shmbus_open() -> shmbus_claim() -> frames -> shmbus_leave() ->
 *	shmbus_close().
 *
 * Locking is the caller's: functions marked T want the port's transmit side
 * for themselves, those marked R its receive side; both may run at once.
 * Functions without a mark may be called at any time.
 *
 * The library needs only the hypercalls park and unpark and the functions of
 * host/shmbus_host.h, so that the tools and fuzzers use it without a kernel.
 * Errors are positive errnos.
 *
 * Manual: rump-shmbus(5).
 */

#ifndef SHMBUS_H
#define SHMBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shmbus_format.h"

/* The numbers of a header; zero stands for the usual value. */
struct shmbus_geometry {
	uint32_t	sg_nports;
	uint32_t	sg_ringlen;
	uint32_t	sg_nsmall;
	uint32_t	sg_smallsize;
	uint32_t	sg_nlarge;
	uint32_t	sg_largesize;
};

/* A mapped bus.  All constant between open and close. */
struct shmbus {
	struct shmbus_geometry sb_geo;	/* checked once, never read again */
	uint8_t		*sb_base;
	uint64_t	 sb_size;
	int		 sb_fd;
	uint32_t	 sb_nbucket;
	uint32_t	 sb_ringshift;
	uint64_t	 sb_portoff;	/* of port 0's area */
	uint64_t	 sb_stride;	/* from one area to the next */
	uint64_t	 sb_smalloff;	/* from a port's area */
	uint64_t	 sb_largeoff;
};

/* What a frame says about itself, besides its bytes; as in virtio-net. */
struct shmbus_meta {
	uint32_t	sm_len;
	uint8_t		sm_flags;
	uint8_t		sm_gso_type;
	uint16_t	sm_hdr_len;
	uint16_t	sm_gso_size;
	uint16_t	sm_csum_start;
	uint16_t	sm_csum_offset;
};

struct shmbus_iov {
	const void	*si_base;
	size_t		 si_len;
};

/* A frame somewhere on its way: whose buffer, who was sent it. */
struct shmbus_flight {
	uint16_t	sf_buf;
	uint16_t	sf_port;
	uint32_t	sf_gen;
};

/*
 * What a port knows of another.  See shmbus_share.c.
 * Field key:	t  transmit side	a  atomic
 */
struct shmbus_peer {
	uint16_t	se_held[2];	/* t: it has of our buffers, small and large */
	uint16_t	se_kept;	/* a: we hold of its large ones */
	bool		se_watched;	/* t: nothing came back since sp_watch */
	bool		se_stopped;	/* t: does not read; se_life says if that changes */
	bool		se_deaf;	/* t: nothing to wait for */
	uint32_t	se_life;	/* t */
};

/*
 * Field key:	c  constant after shmbus_claim()
 *		t  transmit side	r  receive side
 */
struct shmbus_port {
	const struct shmbus *sp_bus;	/* c */
	struct shmbus_ctl *sp_ctl;	/* c: ours in the file */
	uint64_t	*sp_ring;	/* c */
	uint32_t	 sp_index;	/* c */
	uint32_t	 sp_gen;	/* c */
	uint64_t	 sp_mac;	/* both; shmbus_setmac() */
	bool		 sp_quiet;	/* atomic */
	bool		 sp_foreign;	/* t: what it sends is not from here */

	uint64_t	 sp_rung[SHMBUS_WORDS];	/* t: bells to ring */
	uint64_t	 sp_txframes;	/* t */
	uint64_t	 sp_txbytes;	/* t */
	uint64_t	 sp_txdrops;	/* t */
	struct shmbus_flight *sp_flight; /* t: a ring of sp_nbuf */
	uint16_t	*sp_free[2];	/* t: stacks, small and large */
	uint32_t	 sp_nfree[2];	/* t */
	uint32_t	 sp_flight_head; /* t */
	uint32_t	 sp_nflight;	/* t */
	uint32_t	 sp_nbuf;	/* c */
	uint32_t	 sp_sendmark;	/* t: small frames sent */
	uint32_t	 sp_starved;	/* t: times in a row that none was free */
	uint32_t	 sp_refused;	/* t: who had to wait for his share last */
	uint32_t	 sp_taken;	/* t: it was a copy, and how many went before */
	bool		 sp_copies;	/* t */
	int64_t		 sp_watch;	/* t: when the watch began; 0: none */
	int64_t		 sp_looked;	/* t: when we looked for the dead */
	struct shmbus_peer *sp_peer;	/* of each port; see there */

	uint64_t	 sp_head __attribute__((__aligned__(64))); /* r: frames taken */
	uint64_t	 sp_rxframes;	/* r */
	uint64_t	 sp_rxbytes;	/* r */
	uint64_t	 sp_rxerrors;	/* r */
	uint32_t	 sp_armed;	/* r: the bell's value while we sleep */
	uint32_t	 sp_nfed;	/* r: buffers given back since ... */
	uint64_t	 sp_fed[SHMBUS_WORDS];	/* r: ... to whom */
};

/* A received frame; the data lies in the sender's buffer. */
struct shmbus_rx {
	struct shmbus_meta sr_meta;	/* checked */
	const uint8_t	*sr_data;	/* may change while it is read */
	struct shmbus_buf *sr_buf;
	uint16_t	 sr_port;	/* the sender's */
};

/* --- the file (shmbus_file.c) ------------------------------------------- */

/*
 * Opens the bus at path; with create it is made if it is not there or empty.
 * EINVAL: not a bus.  EPROTONOSUPPORT: of another version.  Else the host's.
 */
int	shmbus_open(struct shmbus *bus, const char *path, bool create,
	    const struct shmbus_geometry *geo);
void	shmbus_close(struct shmbus *bus);

/* The same over memory that is mapped already; fd -1: nobody dies here. */
int	shmbus_adopt(struct shmbus *bus, int fd, void *base, uint64_t size);

/* Fills the unset numbers of geo in and makes a header.  EINVAL. */
int	shmbus_format(const struct shmbus_geometry *geo,
	    struct shmbus_header *ret_header);

struct shmbus_ctl *shmbus_ctl(const struct shmbus *bus, uint32_t port);

/* --- ports (shmbus_port.c) ---------------------------------------------- */

/* Bytes that shmbus_claim() wants, 64-byte aligned. */
size_t	shmbus_port_size(const struct shmbus *bus);

/*
 * Takes a free port, or that of a dead participant.  mac has its first byte
 * in the low bits; name and pid are for people.  EADDRINUSE: a live port has
 * this address.  ENOSPC: all ports are taken.
 */
int	shmbus_claim(const struct shmbus *bus, void *memory, uint64_t mac,
	    const char *name, uint32_t pid, struct shmbus_port **ret_port);

/* Gives it back; what was held of others' buffers is theirs again.  T R */
void	shmbus_leave(struct shmbus_port *p);

void	shmbus_promisc(struct shmbus_port *p, bool on);

/* Nobody finds it any more, but what it holds of others' buffers stays. */
void	shmbus_quiet(struct shmbus_port *p);

/* Another address.  EINVAL, EADDRINUSE.  T R */
int	shmbus_setmac(struct shmbus_port *p, uint64_t mac);

/* Did its owner go without saying so?  Then the port is free now. */
bool	shmbus_bury(const struct shmbus *bus, uint32_t port);

/* --- addresses (shmbus_mac.c) ------------------------------------------- */

/* The port behind an address: its index and state word, or false. */
bool	shmbus_mac_find(const struct shmbus *bus, uint64_t mac,
	    uint32_t *ret_port, uint32_t *ret_state);
void	shmbus_mac_set(const struct shmbus *bus, uint64_t mac, uint32_t port,
	    uint32_t gen);
void	shmbus_mac_clear(const struct shmbus *bus, uint64_t mac, uint32_t port);

/* --- sending (shmbus_send.c, shmbus_heap.c) ----------------------------- */

/*
 * Sends one frame to whom it is for.  EINVAL: too short or long.  ENOBUFS: no
 * buffer is free, or none for this receiver now: shmbus_room() has the bell
 * rung when one comes back.  A frame whose receiver has no room or does not
 * read is lost and counted, as on any Ethernet; so are copies for who watches, if
 * there are no buffers.  T
 */
int	shmbus_send(struct shmbus_port *p, const struct shmbus_meta *meta,
	    const struct shmbus_iov *iov, size_t niov);

/* Wakes who sleeps and was sent something since the last call.  T */
void	shmbus_flush(struct shmbus_port *p);

/*
 * Room now for a frame of that length to whom shmbus_send() refused last?  Asks
 * for the bell if not.  Who waits looks again after SHMBUS_PATIENCE: only the
 * sender finds out that a receiver does not read.  T
 */
bool	shmbus_room(struct shmbus_port *p, size_t len);

#define SHMBUS_PATIENCE	(25 * 1000 * 1000)	/* ns */

/* Is nothing come back since shmbus_room() said no? */
bool	shmbus_hungry(const struct shmbus_port *p);

/* --- receiving (shmbus_recv.c) ------------------------------------------ */

/* The oldest frame, which stays where it is; false if there is none.  R */
bool	shmbus_peek(struct shmbus_port *p, struct shmbus_rx *ret_rx);

/*
 * Done with it: it was copied.  False: its sender had taken it back meanwhile,
 * and what was copied is worth nothing.  R
 */
bool	shmbus_take(struct shmbus_port *p, const struct shmbus_rx *rx);

/*
 * Takes it out of the ring and keeps the buffer, until shmbus_release(),
 * which needs no side and may come from any thread.  False: as above.  R
 */
bool	shmbus_hold(struct shmbus_port *p, const struct shmbus_rx *rx);
void	shmbus_release(struct shmbus_port *p, const struct shmbus_rx *rx);

/* Does the sender want its buffer back soon, or have we enough of his? */
bool	shmbus_wanted(const struct shmbus_port *p, const struct shmbus_rx *rx);

/* Is there something to receive? */
bool	shmbus_ready(const struct shmbus_port *p);

/* --- sleeping (shmbus_bell.c) ------------------------------------------- */

/*
 * Announces that we shall sleep; false if there is a frame already.  Then
 * shmbus_sleep(), until a frame, a buffer, the deadline or a
 * shmbus_wake(); then shmbus_disarm().  R
 */
bool	shmbus_arm(struct shmbus_port *p);
void	shmbus_disarm(struct shmbus_port *p);

/* As rumpuser_park(); between arm and disarm.  intr: a host signal ends it.  R */
int	shmbus_sleep(struct shmbus_port *p, bool intr, int64_t deadline);

/* Ends the sleep of a port, ours or another. */
void	shmbus_ring(const struct shmbus *bus, uint32_t port);

#endif /* SHMBUS_H */
