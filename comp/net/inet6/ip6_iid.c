/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip6_iid.c - interface identifiers: the lower half of an address
 *
 * From the MAC (RFC 4291 appendix A), stable but opaque (RFC 7217), or random
 * (RFC 8981).  The pseudo-random function that RFC 7217 section 5 asks for is a block of
 * ChaCha20 under the name space's secret: counter and nonce together are 16 bytes,
 * room for the prefix, the MAC as the name of the interface, and the DAD counter.
 */

#include "ip6_impl.h"

#include <lib/chacha20.h>
#include <lib/string.h>

void
ip6_iid_eui64(const struct ifnet *ifp, uint8_t ret_iid[8])
{
	const uint8_t *mac = ifp->if_lladdr;

	if (ifp->if_addrlen != 6) {
		ip6_iid_stable(ifp, &(struct inaddr){ .ia_w = { 0 } }, 0, ret_iid);
		return;
	}
	ret_iid[0] = mac[0] ^ 0x02;
	ret_iid[1] = mac[1];
	ret_iid[2] = mac[2];
	ret_iid[3] = 0xff;
	ret_iid[4] = 0xfe;
	memcpy(ret_iid + 5, mac + 3, 3);
}

void
ip6_iid_stable(const struct ifnet *ifp, const struct inaddr *prefix,
    unsigned int tries, uint8_t ret_iid[8])
{
	const struct ip6_ns *n = ip6_ns(ifp->if_ns);
	uint8_t nonce[CHACHA20_NONCE] = { 0 }, out[CHACHA20_BLOCK];
	uint32_t counter;

	memcpy(&counter, prefix->ia_b, 4);
	memcpy(nonce, prefix->ia_b + 4, 4);
	if (ifp->if_addrlen == 6)
		memcpy(nonce + 4, ifp->if_lladdr, 6);
	else
		memcpy(nonce + 4, &ifp->if_index, sizeof(ifp->if_index));
	for (;; tries++) {
		nonce[10] = (uint8_t)(tries >> 8);
		nonce[11] = (uint8_t)tries;
		chacha20_stream(n->n_secret, counter, nonce, out, 1);
		memcpy(ret_iid, out, 8);
		if (!ip6_iid_reserved(ret_iid))
			return;
	}
}

void
ip6_iid_random(uint8_t ret_iid[8])
{
	do {
		random_bytes(ret_iid, 8);
	} while (ip6_iid_reserved(ret_iid));
}

bool
ip6_iid_reserved(const uint8_t iid[8])
{
	static const uint8_t isatap[5] = { 0x02, 0x00, 0x5e, 0xff, 0xfe };
	static const uint8_t anycast[7] = {
		0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	static const uint8_t zero[8];

	return memcmp(iid, zero, 8) == 0 || memcmp(iid, isatap, sizeof(isatap)) == 0 ||
	    (memcmp(iid, anycast, sizeof(anycast)) == 0 && iid[7] >= 0x80);
}
