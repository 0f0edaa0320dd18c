/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_ioctl_impl.h - the parts of netdevice(7)'s ioctls
 */

#ifndef KERN_NET_IF_IOCTL_IMPL_H
#define KERN_NET_IF_IOCTL_IMPL_H

#include <linux/if.h>
#include <net/route.h>
#include <sys/socket.h>

/* The kernel's copy of a request; ENOTTY: not one of these.  *ret_out: copy it back. */
int	ifioctl_addr(struct netns *ns, unsigned long cmd, struct ifreq *ifr, bool *ret_out);
int	ifioctl_conf(struct netns *ns, void *uarg);
int	ifioctl_addr6(struct netns *ns, unsigned long cmd, void *uarg);
int	ifioctl_route(struct netns *ns, int family, unsigned long cmd, void *uarg);
int	ifioctl_arp(struct netns *ns, unsigned long cmd, void *uarg);
int	ifioctl_ethtool(struct ifnet *ifp, void *uarg);	/* referenced; no locks */

bool	ifioctl_privileged(void);

/* IPv4 addresses in struct sockaddr, the only form these calls know. */
void	ifioctl_sin_put(struct sockaddr *sa, const struct inaddr *a);
int	ifioctl_sin_get(const struct sockaddr *sa, struct inaddr *ret_a);	/* EINVAL */
void	ifioctl_mask(struct inaddr *ret_mask, unsigned int plen);
int	ifioctl_mask_len(const struct inaddr *mask, unsigned int *ret_plen);	/* EINVAL: holes */

#endif /* KERN_NET_IF_IOCTL_IMPL_H */
