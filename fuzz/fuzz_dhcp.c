/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_dhcp.c - a DHCP server, or who plays one, that sends what it likes
 *
 * The input is a list of events, each a byte: its kind in two bits, and the length of
 * what follows in units of 8.  A message is parsed, and then shown to a client
 * with the right transaction and hardware address filled in: an attacker on the link
 * sees those.  Whatever comes, texts end, lists are within bounds, only the
 * address that was asked for is used, and time goes on.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "dhcp_fsm.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

static void
check_text(const char *text)
{
	if (strnlen(text, DHCP_NAMELEN) >= DHCP_NAMELEN)
		panic("text without an end");
}

static void
check_msg(const struct dhcp_msg *dm)
{
	check_text(dm->dm_hostname);
	check_text(dm->dm_domain);
	check_text(dm->dm_search);
	check_text(dm->dm_message);
	if (dm->dm_ndns > DHCP_NADDRS || dm->dm_nrouters > DHCP_NADDRS ||
	    dm->dm_nntp > DHCP_NADDRS || dm->dm_nroutes > DHCP_NROUTES)
		panic("lists of %u %u %u %u", dm->dm_ndns, dm->dm_nrouters, dm->dm_nntp,
		    dm->dm_nroutes);
	for (unsigned int i = 0; i < dm->dm_nroutes; i++) {
		if (dm->dm_route[i].dr_plen > 32)
			panic("prefix of %u", dm->dm_route[i].dr_plen);
	}
}

static void
check_fsm(const struct dhcp_fsm *df, const struct dhcp_act *act, bool *configured)
{
	const struct dhcp_lease *dl = &df->df_lease;

	if (act->da_unconfigure)
		*configured = false;
	if (act->da_configure) {
		*configured = true;
		if (dl->dl_addr != df->df_addr || dl->dl_plen < 1 || dl->dl_plen > 32 ||
		    !dhcp_hostaddr(dl->dl_addr))
			panic("bound to what nobody asked for");
		if (dl->dl_t1 > dl->dl_t2 || dl->dl_t2 > dl->dl_ends)
			panic("times out of order");
	}
	if (*configured != dhcp_fsm_bound(df))
		panic("configured %d, %s", *configured, dhcp_state_name[df->df_state]);
	if (act->da_send && act->da_msg.dm_type == 0)
		panic("a message of no type");
}

static void
message(struct dhcp_fsm *df, const uint8_t *data, size_t len, int64_t now, uint64_t random,
    struct dhcp_act *act)
{
	struct dhcp_msg dm;

	memset(act, 0, sizeof(*act));
	if (dhcp_parse(data, len, &dm) != 0)
		return;
	check_msg(&dm);
	dm.dm_op = DHCP_BOOTREPLY;
	dm.dm_xid = df->df_xid;
	memcpy(dm.dm_chaddr, mac, sizeof(mac));
	dhcp_fsm_message(df, &dm, now, random, act);
}

/* What we send is what we would read. */
static void
sent(const struct dhcp_act *act)
{
	uint8_t frame[DHCP_WRAP + DHCP_MAXLEN];
	const uint8_t *payload;
	struct dhcp_msg dm;
	size_t len;

	len = dhcp_build(&act->da_msg, frame + DHCP_WRAP);
	dhcp_wrap(frame, len, act->da_msg.dm_ciaddr, act->da_dst);
	if (dhcp_unwrap(frame, DHCP_WRAP + len, DHCP_SERVER_PORT, false, &payload, &len) != 0 ||
	    dhcp_parse(payload, len, &dm) != 0)
		panic("our own message is malformed");
	if (dm.dm_type != act->da_msg.dm_type || dm.dm_xid != act->da_msg.dm_xid ||
	    dm.dm_wanted != act->da_msg.dm_wanted || dm.dm_server != act->da_msg.dm_server)
		panic("our own message says something else");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_fsm df = { .df_nprobes = 2, .df_probetime = 100000000, .df_hostname = "host" };
	struct dhcp_act act;
	const uint8_t *payload;
	struct dhcp_arp am;
	int64_t now = NSEC_PER_SEC;
	uint64_t random = 0x123456789abcdefULL;
	bool configured = false;
	size_t len;

	(void)dhcp_unwrap(data, size, DHCP_CLIENT_PORT, size & 1, &payload, &len);
	(void)dhcp_arp_parse(data, size, &am);
	memcpy(df.df_chaddr, mac, sizeof(mac));
	dhcp_fsm_start(&df, now, random, &act);
	while (size > 0) {
		uint8_t kind = data[0] & 3;

		len = (size_t)(data[0] >> 2) * 8;
		if (len > size - 1)
			len = size - 1;
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		if (kind < 2) {
			message(&df, data + 1, len, now, random, &act);
		} else if (kind == 2 && df.df_timer != KTIME_NEVER) {
			now = df.df_timer > now ? df.df_timer : now;
			dhcp_fsm_timer(&df, now, random, &act);
		} else {
			dhcp_fsm_conflict(&df, now, random, &act);
		}
		check_fsm(&df, &act, &configured);
		if (act.da_send)
			sent(&act);
		data += 1 + len;
		size -= 1 + len;
	}
	dhcp_fsm_stop(&df, now, random, &act);
	check_fsm(&df, &act, &configured);
	return 0;
}
