/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * resolver.c - name servers that an interface was told of, for the program
 */

#include <net/resolver.h>

#include <lib/ipaddr.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <net/netns.h>
#include <rump/netconfig.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/socket.h>

static struct resolver_source *sources;

void
resolver_source_register(struct resolver_source *rs)
{
	rs->rs_next = sources;
	atomic_store_rel(&sources, rs);
}

void
resolvers_add(struct resolvers *rv, int family, const struct inaddr *addr)
{
	if (rv->rv_n == RESOLVERS_MAX)
		return;
	rv->rv_server[rv->rv_n].rv_family = family;
	rv->rv_server[rv->rv_n++].rv_addr = *addr;
}

/* An address of the link is of use only with its interface (RFC 4007 section 11). */
static void
server_text(const struct ifnet *ifp, int family, const struct inaddr *a, char *text)
{
	char addr[IPADDR_TEXTLEN];
	bool link = family == AF_INET6 && inaddr_linklocal6(a);

	if (family == AF_INET)
		(void)ipaddr_format4(a->ia_b, addr);
	else
		(void)ipaddr_format6(a->ia_b, addr);
	(void)snprintf(text, RUMP_RESOLVER_ADDRLEN, "%s%s%s", addr, link ? "%" : "",
	    link ? ifp->if_name : "");
}

static void
entry_put(const struct ifnet *ifp, const char *source, const struct resolvers *rv,
    struct rump_resolvers *ret)
{
	_Static_assert(RESOLVERS_MAX <= RUMP_RESOLVER_NADDRS, "all of them fit");
	_Static_assert(RESOLVERS_NAMELEN <= sizeof(ret->rrv_search), "all of it fits");
	memset(ret, 0, sizeof(*ret));
	strlcpy(ret->rrv_ifname, ifp->if_name, sizeof(ret->rrv_ifname));
	strlcpy(ret->rrv_source, source, sizeof(ret->rrv_source));
	ret->rrv_naddrs = rv->rv_n;
	for (unsigned int i = 0; i < rv->rv_n; i++)
		server_text(ifp, rv->rv_server[i].rv_family, &rv->rv_server[i].rv_addr,
		    ret->rrv_address[i]);
	strlcpy(ret->rrv_search, rv->rv_search, sizeof(ret->rrv_search));
}

static void
interface_ask(struct ifnet *ifp, struct rump_resolvers *list, size_t max, size_t *n)
{
	const struct resolver_source *rs = atomic_load_acq(&sources);
	struct resolvers rv;

	for (; rs != NULL; rs = rs->rs_next) {
		memset(&rv, 0, sizeof(rv));
		rs->rs_get(ifp, &rv);
		if (rv.rv_n == 0 && rv.rv_search[0] == '\0')
			continue;
		if (*n < max)
			entry_put(ifp, rs->rs_name, &rv, &list[*n]);
		(*n)++;
	}
}

static int
resolvers_list(const char *ifname, struct rump_resolvers *list, size_t max, size_t *ret_n)
{
	struct netns *ns = netns_current();
	struct list_node *ln;
	bool found = false;

	*ret_n = 0;
	mutex_enter(&ns->ns_lock);
	LIST_FOREACH(ln, &ns->ns_ifs) {
		struct ifnet *ifp = container_of(ln, struct ifnet, if_nslink);

		if (ifname != NULL && strcmp(ifp->if_name, ifname) != 0)
			continue;
		found = true;
		interface_ask(ifp, list, max, ret_n);
	}
	mutex_exit(&ns->ns_lock);
	return found || ifname == NULL ? 0 : ENODEV;
}

int
rump_pub_netconfig_resolvers(const char *ifname, struct rump_resolvers *list, size_t max,
    size_t *ret_n)
{
	size_t n = 0;
	int error = kcontext_enter();

	if (error)
		return error;
	error = resolvers_list(ifname, list, max, &n);
	kcontext_leave();
	if (error == 0)
		*ret_n = n;
	return error;
}
