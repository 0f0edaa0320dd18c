/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_ip6_input.c - what a link can do to a host that speaks IPv6
 *
 * The input is a list of records: a byte for the kind, one for the length in units of 4,
 * and the bytes.  Each becomes a frame to a host in a booted kernel, with as much
 * put right as the kind says (addresses, hop limit, checksum), or is time that
 * passes.  Nothing may crash, and what the host keeps stays bounded.
 */

#include "fuzz_net.h"
#include "ip6_impl.h"

#include <linux/if_ether.h>
#include <sys/mutex.h>

#include <lib/bytes.h>
#include <lib/string.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	K_FRAME,		/* Ethernet, as it is */
	K_PACKET,		/* behind the addresses: next header and all */
	K_ICMP_ALL,		/* from a router to all nodes, hop limit 255 */
	K_ICMP_US,		/* from a neighbour to us */
	K_ICMP_DAD,		/* from nobody to our solicited-node group */
	K_MLD,			/* with a router alert */
	K_FRAGMENT,		/* fragment header and all */
	K_TIME,			/* passes */
	K_N,
};

static struct {
	struct netns	*ns;
	struct ifnet	*ifp;
	struct inaddr	 linklocal;
} host;

static void
start(void)
{
	fuzz_boot(&host.ns);
	need(netvar_set(host.ns, &ip6_var_use_tempaddr, 2) == 0, "setting");
	fuzz_interface(host.ns, NULL, &host.ifp);
	fuzz_up(host.ns, host.ifp);
	fuzz_wait(5000);
	need(ip6_if_linklocal(host.ifp, &host.linklocal), "address");
}

static void
packet_send(struct ip6_fixed f, const uint8_t *data, size_t len)
{
	uint8_t frame[ETH_HLEN + IP6_HDRLEN + 8 + 1024];

	if (ip6_multicast(&f.f_dst))
		ip6_group_lladdr(&f.f_dst, frame);
	else
		memcpy(frame, fuzz_mac, 6);
	memset(frame + 6, 2, 6);
	be16_put(frame + 12, IP6_ETHERTYPE);
	f.f_plen = (uint16_t)len;
	ip6_fixed_build(frame + ETH_HLEN, &f);
	memcpy(frame + ETH_HLEN + IP6_HDRLEN, data, len);
	fuzz_frame(host.ifp, frame, ETH_HLEN + IP6_HDRLEN + len);
}

/* An ICMPv6 message with its checksum, behind alert if there is one. */
static void
icmp_send(struct ip6_fixed f, const uint8_t *data, size_t len, bool alert)
{
	static const uint8_t hopopts[8] = { IPPROTO_ICMPV6, 0, IP6_OPT_ALERT, 2, 0, 0, 1, 0 };
	uint8_t buf[8 + 1024];
	uint8_t *msg = buf + (alert ? 8 : 0);
	uint16_t sum;

	if (len < 4)
		return;
	memcpy(buf, hopopts, 8);
	memcpy(msg, data, len);
	memset(msg + 2, 0, 2);
	sum = packet_sum_fold(packet_sum_bytes(msg, len, ip6_af.ia_pseudo(&f.f_src, &f.f_dst,
	    IPPROTO_ICMPV6, (uint32_t)len)));
	memcpy(msg + 2, &sum, 2);
	f.f_next = alert ? IP6_NH_HOPOPTS : IPPROTO_ICMPV6;
	packet_send(f, buf, len + (alert ? 8 : 0));
}

static void
record_run(unsigned int kind, const uint8_t *p, size_t len)
{
	static const struct inaddr router = { .ia_b = { 0xfe, 0x80, [15] = 0xfe } };
	static const struct inaddr all = { .ia_b = { 0xff, 2, [15] = 1 } };
	struct ip6_fixed f = { .f_hops = 255, .f_src = router, .f_dst = host.linklocal };

	switch (kind) {
	case K_FRAME:
		if (len > 0)
			fuzz_frame(host.ifp, p, len);
		break;
	case K_PACKET:
	case K_FRAGMENT:
		if (len == 0)
			break;
		f.f_next = kind == K_FRAGMENT ? IP6_NH_FRAGMENT : p[0];
		packet_send(f, kind == K_FRAGMENT ? p : p + 1, kind == K_FRAGMENT ? len : len - 1);
		break;
	case K_ICMP_ALL:
		f.f_dst = all;
		icmp_send(f, p, len, false);
		break;
	case K_ICMP_US:
		icmp_send(f, p, len, false);
		break;
	case K_ICMP_DAD:
		f.f_src = (struct inaddr){ .ia_w = { 0 } };
		f.f_dst = ip6_solicited_node(&host.linklocal);
		icmp_send(f, p, len, false);
		break;
	case K_MLD:
		f.f_hops = 1;
		f.f_dst = all;
		icmp_send(f, p, len, true);
		break;
	default:
		fuzz_wait(len > 0 ? 1 + (int64_t)p[0] * p[0] : 1);
		break;
	}
}

/* What everybody on the link together can make us keep. */
static void
bounds_check(void)
{
	const struct ip6_if *ii = ip6_if(host.ifp);
	struct list_node *n;
	unsigned int addrs = 0;

	mutex_enter(&host.ns->ns_lock);
	LIST_FOREACH(n, &host.ifp->if_addrs)
		addrs++;
	need(addrs <= IP6_MAXAUTO + 1, "too many addresses");
	need(ii->ii_nknown[PFX_PREFIX] <= IP6_MAXPREFIX &&
	    ii->ii_nknown[PFX_ROUTE] <= IP6_MAXROUTE, "too many prefixes or routes");
	need(ii->ii_ndns <= IP6_MAXDNS, "too many resolvers");
	mutex_exit(&host.ns->ns_lock);
}

/* Whoever has been told that his address is taken begins anew. */
static void
host_reset(void)
{
	mutex_enter(&host.ns->ns_lock);
	need(if_setflags(host.ifp, 0, IFF_UP) == 0, "down");
	need(if_setflags(host.ifp, IFF_UP, IFF_UP) == 0, "up");
	mutex_exit(&host.ns->ns_lock);
	fuzz_wait(3000);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	size_t off = 0, len;

	if (!started)
		start();
	started = true;
	while (size - off >= 2) {
		len = data[off + 1] * 4u;
		if (len > size - off - 2)
			len = size - off - 2;
		record_run(data[off] % K_N, data + off + 2, len);
		off += 2 + len;
	}
	fuzz_wait(1);
	bounds_check();
	host_reset();
	return 0;
}
