/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * link_pub.c - public functions: conditions of a link, and captures
 */

#include <rump/rump.h>

#include <net/capture.h>
#include <net/ifnet.h>
#include <net/linkcond.h>
#include <sys/errno.h>
#include <sys/kcontext.h>

/* The caller's interface of that name, referenced. */
static int
link_find(const char *ifname, struct ifnet **ret_ifp)
{
	struct ifnet *ifp = if_byname(netns_current(), ifname);

	if (ifp == NULL)
		return ENXIO;
	if_hold(ifp);
	*ret_ifp = ifp;
	return 0;
}

int
rump_pub_netconfig_linkcond(const char *ifname, const char *text,
    const char **ret_bad)
{
	struct linkcond_params lp;
	const char *bad;
	struct ifnet *ifp;
	int error = kcontext_enter();

	if (error)
		return error;
	error = linkcond_parse(text, &lp, &bad);
	if (error && ret_bad != NULL)
		*ret_bad = bad;
	if (error == 0)
		error = link_find(ifname, &ifp);
	if (error == 0) {
		mutex_enter(&ifp->if_ns->ns_lock);
		error = ifp->if_dying ? ENXIO : linkcond_set(ifp, &lp);
		mutex_exit(&ifp->if_ns->ns_lock);
		if_rele(ifp);
	}
	kcontext_leave();
	return error;
}

int
rump_pub_netconfig_capture(const char *ifname, const char *path,
    uint32_t snaplen)
{
	struct ifnet *ifp;
	int error = kcontext_enter();

	if (error)
		return error;
	error = link_find(ifname, &ifp);
	if (error == 0) {
		error = path != NULL ? capture_start(ifp, path, snaplen) :
		    capture_stop(ifp);
		if_rele(ifp);
	}
	kcontext_leave();
	return error;
}
