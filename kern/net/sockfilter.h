/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sockfilter.h - classic BPF, between its checker, its interpreter and options
 */

#ifndef NET_SOCKFILTER_H
#define NET_SOCKFILTER_H

#include <linux/filter.h>
#include <net/packet.h>
#include <net/socket.h>
#include <sys/qsbr.h>

struct sockfilter {
	struct qsbr_head sf_qsbr;
	size_t		 sf_n;		/* c */
	struct sock_filter sf_insn[];	/* c: checked */
};

#ifndef BPF_MAXINSNS
#define BPF_MAXINSNS	4096
#endif

/* Is it a program that may run?  written: scratch, a word for each instruction. */
bool	sockfilter_check(const struct sock_filter *insn, size_t n,
	    uint16_t *written);
/* Is there something to load at this place behind SKF_AD_OFF? */
bool	sockfilter_ancillary(uint32_t what);
/* A checked program on a packet from its p_data on. */
uint32_t sockfilter_exec(const struct sock_filter *insn, const struct packet *p);

/* Options; uval and ulen are the client's. */
int	sockfilter_attach(struct socket *so, const void *uval, socklen_t len);
int	sockfilter_detach(struct socket *so);
int	sockfilter_attach_reuseport(struct socket *so, const void *uval,
	    socklen_t len);
int	sockfilter_detach_reuseport(struct socket *so);
int	sockfilter_get(struct socket *so, void *uval, int room, int *ulen);
void	sockfilter_fini(struct socket *so);

#endif /* NET_SOCKFILTER_H */
