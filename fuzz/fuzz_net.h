/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_net.h - a kernel with one interface, for targets that play the network
 *
 * What does not hold is a panic, which is what a searching fuzzer looks for.
 */

#ifndef FUZZ_NET_H
#define FUZZ_NET_H

#include <net/ifnet.h>
#include <sys/types.h>

/* The address of the interface; its first byte is no group's. */
extern const uint8_t fuzz_mac[6];

void	need(bool held, const char *what);

/* Boots once, and makes a name space which has its loopback up. */
void	fuzz_boot(struct netns **ret_ns);

/* An interface with a carrier, down.  ops NULL: what it sends is dropped. */
void	fuzz_interface(struct netns *ns, const struct if_ops *ops, struct ifnet **ret_ifp);
void	fuzz_up(struct netns *ns, struct ifnet *ifp);

/* Lets virtual time pass. */
void	fuzz_wait(int64_t ms);

/* A frame comes in, as far as there is memory for it. */
void	fuzz_frame(struct ifnet *ifp, const uint8_t *frame, size_t len);

#endif /* FUZZ_NET_H */
