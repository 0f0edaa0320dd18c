/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * farlink.h - an Ethernet interface whose far end is the test
 *
 * What a client on the interface sends comes to the test's function, and what the test
 * answers comes in as from a link.  Time is virtual: far_pass() lets hours go by.
 */

#ifndef FARLINK_H
#define FARLINK_H

#include <net/ifnet.h>
#include <net/netns.h>

extern struct netns *far_ns;
extern struct ifnet *far_ifp;		/* "eth0" in it */
extern const uint8_t far_near[6];	/* its address */
extern const uint8_t far_mac[6];	/* the far end's */
extern unsigned int far_loses;		/* per cent of the frames, both ways */

/* A name space with the interface, which is down; fn gets each frame, from L2 on. */
int	far_make(void (*fn)(const uint8_t *frame, size_t len));
void	far_end(void);

/* From the far end to dst: data without an Ethernet header. */
void	far_send(const uint8_t dst[6], uint16_t ethertype, const void *data, size_t len);

/* Lets virtual time pass. */
void	far_pass(int64_t time);

#endif /* FARLINK_H */
