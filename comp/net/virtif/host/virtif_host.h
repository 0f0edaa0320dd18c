/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_host.h - links to the host: taps and sockets that carry frames
 *
 * Results are 0 or a positive errno.  Nothing here blocks except
 * rumpcomp_virtif_wait(), and a send to a socket whose reader is slow, for a
 * tenth of a second at most.
 */

#ifndef VIRTIF_HOST_H
#define VIRTIF_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rumpuser_iov;
struct virtif_host;

#define VIRTIF_QUEUES	16

/* What the other side takes and may send beside plain frames. */
#define VIRTIF_CSUM	0x01
#define VIRTIF_TSO	0x02
#define VIRTIF_USO	0x04

#define VIRTIF_HDRLEN	10	/* struct virtio_net_hdr */
#define VIRTIF_FRAME	65550	/* the longest frame */

struct virtif_info {
	unsigned int	vi_queues;
	unsigned int	vi_offload;	/* VIRTIF_*; 0: frames have no header */
};

/*
 * link is one of
 *	NAME, tap=NAME		a tap device of the host
 *	fd=N[,N ...]		inherited: queues of a tap, or a socket
 *	unix=PATH		a socket that speaks as QEMU's -netdev stream
 * and may go on with ",queues=N".  EINVAL: it makes no sense.  EOPNOTSUPP: not
 * an Ethernet.
 */
int	rumpcomp_virtif_open(const char *link, struct virtif_host **ret_host,
	    struct virtif_info *ret_info);
void	rumpcomp_virtif_close(struct virtif_host *vh);

/*
 * One frame, its header of VIRTIF_HDRLEN bytes apart (zeroes if the link has
 * none).  EAGAIN: there is none.  EMSGSIZE: it was longer and is lost.
 * buf is two pieces.
 */
int	rumpcomp_virtif_recv(struct virtif_host *vh, unsigned int queue,
	    void *hdr, const struct rumpuser_iov *buf, size_t *ret_len);
/* EAGAIN, ENOBUFS: no room; the frame is lost. */
int	rumpcomp_virtif_send(struct virtif_host *vh, unsigned int queue,
	    const void *hdr, const struct rumpuser_iov *iov, size_t niov);

/*
 * Until a frame, rumpcomp_virtif_wake() (this wait or the next one), the
 * deadline (ETIMEDOUT) or, if intr, a signal (EINTR).  For one thread.
 */
int	rumpcomp_virtif_wait(struct virtif_host *vh, bool intr, int64_t deadline);
void	rumpcomp_virtif_wake(struct virtif_host *vh);

#endif /* VIRTIF_HOST_H */
