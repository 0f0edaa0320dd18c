/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * if_ioctl_addr.c - addresses of interfaces by ioctl
 *
 * These calls know one IPv4 address a name; further ones have names with a colon
 * ("eth0:1"), which are the addresses' labels.  An address here is made of
 * four calls, so each of them changes what is there: the address is taken away and
 * comes back with one property changed.
 */

#include "if_ioctl_impl.h"

#include <lib/string.h>
#include <linux/if_addr.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/sockios.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/ktime.h>

void
ifioctl_sin_put(struct sockaddr *sa, const struct inaddr *a)
{
	memset(sa, 0, sizeof(*sa));
	sa->sa_family = AF_INET;
	memcpy(sa->sa_data + 2, &a->ia_w[0], 4);	/* behind the port */
}

int
ifioctl_sin_get(const struct sockaddr *sa, struct inaddr *ret_a)
{
	if (sa->sa_family != AF_INET)
		return EINVAL;
	memset(ret_a, 0, sizeof(*ret_a));
	memcpy(&ret_a->ia_w[0], sa->sa_data + 2, 4);
	return 0;
}

void
ifioctl_mask(struct inaddr *ret_mask, unsigned int plen)
{
	memset(ret_mask, 0, sizeof(*ret_mask));
	ret_mask->ia_w[0] = plen == 0 ? 0 : __builtin_bswap32(~0u << (32 - plen));
}

int
ifioctl_mask_len(const struct inaddr *mask, unsigned int *ret_plen)
{
	uint32_t m = __builtin_bswap32(mask->ia_w[0]);

	/* Ones, then zeroes: the complement and one more is a power of two. */
	if ((~m & (~m + 1)) != 0)
		return EINVAL;
	*ret_plen = (unsigned int)__builtin_popcount(m);
	return 0;
}

/* --- IPv4 ------------------------------------------------------------------------ */

/* By label; the plain name is also what addresses without a label have. */
static struct ifaddr *
addr_labelled(const struct ifnet *ifp, const char *label)
{
	struct list_node *n;
	struct ifaddr *ifa;

	LIST_FOREACH(n, &ifp->if_addrs) {
		ifa = container_of(n, struct ifaddr, ifa_iflink);
		if (ifa->ifa_family != AF_INET)
			continue;
		if (strcmp(ifa->ifa_label[0] != '\0' ? ifa->ifa_label : ifp->if_name, label) == 0)
			return ifa;
	}
	return NULL;
}

static int
addr_get(const struct ifaddr *ifa, unsigned long cmd, struct sockaddr *sa)
{
	struct inaddr mask;

	switch (cmd) {
	case SIOCGIFADDR:
		ifioctl_sin_put(sa, &ifa->ifa_addr);
		return 0;
	case SIOCGIFDSTADDR:
		ifioctl_sin_put(sa, inaddr_zero(&ifa->ifa_peer) ? &ifa->ifa_addr : &ifa->ifa_peer);
		return 0;
	case SIOCGIFBRDADDR:
		ifioctl_sin_put(sa, &ifa->ifa_broadcast);
		return 0;
	default:
		ifioctl_mask(&mask, ifa->ifa_plen);
		ifioctl_sin_put(sa, &mask);
		return 0;
	}
}

/* What classes said, for who sets an address and no mask (RFC 791 section 2.3). */
static uint8_t
class_plen(const struct inaddr *a)
{
	uint8_t top = a->ia_b[0];

	return top < 128 ? 8 : top < 192 ? 16 : top < 224 ? 24 : 32;
}

static void
broadcast_derive(struct ifaddr *ifa)
{
	struct inaddr mask;

	memset(&ifa->ifa_broadcast, 0, sizeof(ifa->ifa_broadcast));
	if (ifa->ifa_plen >= 31)
		return;
	ifioctl_mask(&mask, ifa->ifa_plen);
	ifa->ifa_broadcast.ia_w[0] = ifa->ifa_addr.ia_w[0] | ~mask.ia_w[0];
}

static void
model_begin(struct ifaddr *model, const struct ifaddr *from)
{
	memset(model, 0, sizeof(*model));
	model->ifa_family = AF_INET;
	model->ifa_created = model->ifa_updated = clock_mono();
	model->ifa_preferred = model->ifa_valid = KTIME_NEVER;
	if (from == NULL)
		return;
	model->ifa_addr = from->ifa_addr;
	model->ifa_peer = from->ifa_peer;
	model->ifa_broadcast = from->ifa_broadcast;
	model->ifa_plen = from->ifa_plen;
	model->ifa_scope = from->ifa_scope;
	model->ifa_flags = from->ifa_flags & ~(uint32_t)(IFA_F_SECONDARY | IFA_F_PERMANENT);
	memcpy(model->ifa_label, from->ifa_label, sizeof(model->ifa_label));
}

/* One property of model, from sa. */
static int
model_set(struct ifnet *ifp, struct ifaddr *model, unsigned long cmd, const struct sockaddr *sa)
{
	struct inaddr value;
	unsigned int plen;
	int error;

	error = ifioctl_sin_get(sa, &value);
	if (error)
		return error;
	switch (cmd) {
	case SIOCSIFADDR:
		model->ifa_addr = model->ifa_peer = value;
		model->ifa_plen = (ifp->if_flags & IFF_POINTOPOINT) != 0 ? 32 : class_plen(&value);
		model->ifa_scope = value.ia_b[0] == 127 ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
		broadcast_derive(model);
		return 0;
	case SIOCSIFNETMASK:
		error = ifioctl_mask_len(&value, &plen);
		if (error)
			return error;
		model->ifa_plen = (uint8_t)plen;
		broadcast_derive(model);
		return 0;
	case SIOCSIFBRDADDR:
		model->ifa_broadcast = value;
		return 0;
	default:
		model->ifa_peer = value;
		return 0;
	}
}

/* ns_lock held. */
static int
addr_set(struct ifnet *ifp, struct ifaddr *ifa, unsigned long cmd, const struct ifreq *ifr)
{
	struct ifaddr old, model;
	int error;

	if (ifa == NULL && cmd != SIOCSIFADDR)
		return EADDRNOTAVAIL;
	model_begin(&model, ifa);
	model_begin(&old, ifa);
	(void)strlcpy(model.ifa_label, ifr->ifr_name, sizeof(model.ifa_label));
	error = model_set(ifp, &model, cmd, &ifr->ifr_addr);
	if (error)
		return error;
	if (cmd == SIOCSIFADDR && inaddr_zero(&model.ifa_addr))
		return ifa == NULL ? 0 :
		    ifaddr_del(ifp, AF_INET, &ifa->ifa_addr, ifa->ifa_plen);
	if (ifa != NULL && cmd == SIOCSIFADDR && inaddr_eq(&model.ifa_addr, &ifa->ifa_addr))
		return 0;
	if (ifa != NULL) {
		error = ifaddr_del(ifp, AF_INET, &ifa->ifa_addr, ifa->ifa_plen);
		if (error)
			return error;
	}
	error = ifaddr_add(ifp, &model, NULL);
	/* What was there is better than nothing. */
	if (error != 0 && ifa != NULL)
		(void)ifaddr_add(ifp, &old, NULL);
	return error;
}

int
ifioctl_addr(struct netns *ns, unsigned long cmd, struct ifreq *ifr, bool *ret_out)
{
	bool set = cmd == SIOCSIFADDR || cmd == SIOCSIFNETMASK || cmd == SIOCSIFBRDADDR ||
	    cmd == SIOCSIFDSTADDR;
	char name[IFNAMSIZ], *colon;
	struct ifaddr *ifa;
	struct ifnet *ifp;
	int error;

	if (set && !ifioctl_privileged())
		return EPERM;
	(void)strlcpy(name, ifr->ifr_name, sizeof(name));
	colon = strchr(name, ':');
	if (colon != NULL)
		*colon = '\0';
	mutex_enter(&ns->ns_lock);
	ifp = if_byname(ns, name);
	ifa = ifp != NULL ? addr_labelled(ifp, ifr->ifr_name) : NULL;
	if (ifp == NULL)
		error = ENODEV;
	else if (set)
		error = addr_set(ifp, ifa, cmd, ifr);
	else
		error = ifa == NULL ? EADDRNOTAVAIL : addr_get(ifa, cmd, &ifr->ifr_addr);
	mutex_exit(&ns->ns_lock);
	*ret_out = !set;
	return error;
}

/* --- the list ---------------------------------------------------------------------- */

struct conf {
	struct ifreq	*c_buf;		/* the client's */
	size_t		 c_max, c_n;	/* elements */
	bool		 c_count;	/* no buffer: only how many there are */
};

static int
conf_link(struct ifnet *ifp, void *arg)
{
	struct conf *c = arg;
	const struct ifaddr *ifa;
	struct list_node *n;
	struct ifreq ifr;
	int error;

	LIST_FOREACH(n, &ifp->if_addrs) {
		ifa = container_of(n, struct ifaddr, ifa_iflink);
		if (ifa->ifa_family != AF_INET)
			continue;
		if (!c->c_count) {
			if (c->c_n == c->c_max)
				return -1;
			memset(&ifr, 0, sizeof(ifr));
			(void)strlcpy(ifr.ifr_name, ifa->ifa_label[0] != '\0' ? ifa->ifa_label :
			    ifp->if_name, sizeof(ifr.ifr_name));
			ifioctl_sin_put(&ifr.ifr_addr, &ifa->ifa_addr);
			error = copyout(&ifr, &c->c_buf[c->c_n], sizeof(ifr));
			if (error)
				return error;
		}
		c->c_n++;
	}
	return 0;
}

int
ifioctl_conf(struct netns *ns, void *uarg)
{
	struct ifconf ifc;
	struct conf c;
	int error;

	error = copyin(uarg, &ifc, sizeof(ifc));
	if (error)
		return error;
	if (ifc.ifc_len < 0)
		return EINVAL;
	c = (struct conf){ .c_buf = ifc.ifc_req, .c_count = ifc.ifc_buf == NULL,
	    .c_max = (size_t)ifc.ifc_len / sizeof(struct ifreq) };
	error = if_iterate(ns, conf_link, &c);
	if (error > 0)
		return error;
	ifc.ifc_len = (int)(c.c_n * sizeof(struct ifreq));
	return copyout(&ifc, uarg, sizeof(ifc));
}

/* --- IPv6 ---------------------------------------------------------------------------- */

int
ifioctl_addr6(struct netns *ns, unsigned long cmd, void *uarg)
{
	struct in6_ifreq ifr;
	struct ifaddr model;
	struct ifnet *ifp;
	int error;

	if (cmd != SIOCSIFADDR && cmd != SIOCDIFADDR)
		return ENOTTY;
	if (!ifioctl_privileged())
		return EPERM;
	error = copyin(uarg, &ifr, sizeof(ifr));
	if (error)
		return error;
	if (ifr.ifr6_prefixlen > 128)
		return EINVAL;
	model_begin(&model, NULL);
	model.ifa_family = AF_INET6;
	model.ifa_plen = (uint8_t)ifr.ifr6_prefixlen;
	memcpy(&model.ifa_addr, &ifr.ifr6_addr, sizeof(ifr.ifr6_addr));
	model.ifa_peer = model.ifa_addr;
	/* fe80::/10 is good on its link only (RFC 4291 section 2.5.6). */
	if (inaddr_linklocal6(&model.ifa_addr))
		model.ifa_scope = RT_SCOPE_LINK;
	mutex_enter(&ns->ns_lock);
	ifp = if_byindex(ns, (uint32_t)ifr.ifr6_ifindex);
	if (ifp == NULL)
		error = ENODEV;
	else if (cmd == SIOCSIFADDR)
		error = ifaddr_add(ifp, &model, NULL);
	else
		error = ifaddr_del(ifp, AF_INET6, &model.ifa_addr, model.ifa_plen);
	mutex_exit(&ns->ns_lock);
	return error;
}
