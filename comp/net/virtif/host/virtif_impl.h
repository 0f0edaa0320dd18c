/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * virtif_impl.h - the parts of a link to the host
 */

#ifndef VIRTIF_IMPL_H
#define VIRTIF_IMPL_H

#include "virtif_host.h"

enum virtif_mode {
	VIRTIF_TAP,		/* a read is a frame, maybe behind a header */
	VIRTIF_DATAGRAM,	/* a message is a frame */
	VIRTIF_STREAM,		/* length in four bytes, frame */
};

struct virtif_stream;

/* All constant. */
struct virtif_host {
	enum virtif_mode vh_mode;
	unsigned int	 vh_offload;	/* VIRTIF_* */
	unsigned int	 vh_nfds;
	int		 vh_fd[VIRTIF_QUEUES];	/* not blocking */
	int		 vh_event;	/* eventfd that ends a wait */
	struct virtif_stream *vh_stream;	/* NULL: it is none */
};

/* --- virtif_tap.c --- */

/* Fills in a link to a tap by name; queues 0: one. */
int	rumpcomp_virtif_tap_name(struct virtif_host *vh, const char *name,
	    unsigned int queues);
/* What an open tap offers.  ENOTTY: it is none. */
int	rumpcomp_virtif_tap_fd(struct virtif_host *vh, int fd);

/* --- virtif_stream.c --- */

int	rumpcomp_virtif_stream_create(struct virtif_host *vh);
void	rumpcomp_virtif_stream_destroy(struct virtif_stream *vs);	/* NULL is fine */
/* Is something read that was not asked for yet? */
bool	rumpcomp_virtif_stream_ready(const struct virtif_stream *vs);
int	rumpcomp_virtif_stream_recv(struct virtif_host *vh,
	    const struct rumpuser_iov *buf, size_t *ret_len);
int	rumpcomp_virtif_stream_send(struct virtif_host *vh,
	    const struct rumpuser_iov *iov, size_t niov);

#endif /* VIRTIF_IMPL_H */
