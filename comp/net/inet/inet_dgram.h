/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inet_dgram.h - what UDP, raw and ping sockets do alike
 */

#ifndef INET_DGRAM_H
#define INET_DGRAM_H

#include <net/inet.h>
#include <sys/qsbr.h>

/* Where a message goes and how, from the pcb, the name and the control data. */
struct dgram_dest {
	struct inet_tx	 dd_tx;
	struct rtdst	*dd_rd;		/* referenced */
	uint16_t	 dd_sport, dd_dport;
	bool		 dd_confirm;
	bool		 dd_ownopts;	/* dd_tx's options are dd_options */
	uint32_t	 dd_mark, dd_prio;
	/* The socket's at the moment: it may get others while this is on its way. */
	uint8_t		 dd_options[INET_OPTIONS_MAX];
};

/*
 * so_lock held.  name may be NULL: the peer.  defport: where a name without a port of
 * meaning (raw) is right.  EDESTADDRREQ, ENETUNREACH, EACCES, EINVAL ...
 */
int	dgram_route(struct inpcb *inp, const struct sockmsg *sm, struct dgram_dest *ret_dd);
void	dgram_dest_fini(struct dgram_dest *dd);
/* DF or not, for a packet that is so long with all headers; EMSGSIZE and its report. */
int	dgram_pmtu(struct inpcb *inp, struct dgram_dest *dd, size_t len);
/* Sends, and remembers that the neighbour answers (MSG_CONFIRM). */
int	dgram_output(struct dgram_dest *dd, struct packetq *q);

/* A pcb of its own size, embedding struct inpcb first; freed through qsbr by dgram_free(). */
struct dgram_pcb {
	struct inpcb	 dp_inp;
	struct qsbr_head dp_qsbr;
	size_t		 dp_size;
};
int	dgram_attach(struct socket *so, size_t size, struct inpcbtable *t);
void	dgram_free(struct socket *so);

/* For struct sockops. */
int	dgram_bind(struct socket *so, const struct sockaddr *sa, socklen_t len);
int	dgram_connect(struct socket *so, const struct sockaddr *sa, socklen_t len, bool nonblock);
int	dgram_shutdown(struct socket *so, int how);
int	dgram_name(struct socket *so, bool peer, struct sockaddr_storage *ret_ss, socklen_t *ret_len);
uint32_t dgram_poll(struct socket *so);
/* What recvmsg(2) tells of the packet: its sender and what goes with it. */
void	dgram_fill(struct socket *so, struct sockmsg *sm, const struct packet *p, uint16_t sport);
/* Where senders have no port: raw and ping sockets. */
int	dgram_recv_portless(struct socket *so, struct sockmsg *sm, size_t *ret_done);
int	dgram_ioctl(struct socket *so, unsigned long cmd, void *uarg, long *ret);

/*
 * Into the receive queue, so_lock held: past the filter, if there is room; hdrlen bytes in front
 * are the filter's to see and not the reader's.  Consumes p.
 */
bool	dgram_enqueue(struct inpcb *inp, struct packet *p, size_t hdrlen);
/* An ICMP error for a socket: IP_RECVERR, or so_error if it is serious.  Takes so_lock. */
void	dgram_error(struct inpcb *inp, const struct inet_ctl *ctl, bool connected);

#endif /* INET_DGRAM_H */
