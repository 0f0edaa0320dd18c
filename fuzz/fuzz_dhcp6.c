/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_dhcp6.c - a DHCPv6 server, or who plays one, that sends what it likes
 *
 * The input is a list of events, each a byte: its kind in two bits, and the length of
 * what follows in units of 8.  A message is parsed, and then shown to a client
 * with the right transaction and identity filled in: an attacker on the link sees
 * those, and with a server's if there is none.  Whatever comes, texts end, lists are
 * within bounds, only addresses of hosts are used, and time goes on.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/kassert.h>
#include <sys/ktime.h>

#include "dhcp6_fsm.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IAID	0x01020304u

static void
check_text(const char *text)
{
	for (size_t i = 0; i < DHCP6_NAMELEN; i++) {
		if (text[i] == '\0')
			return;
		if (text[i] < ' ' || text[i] > '~')
			panic("text with %#x", (unsigned int)(uint8_t)text[i]);
	}
	panic("text without an end");
}

static void
check_msg(const struct dhcp6_msg *dm)
{
	check_text(dm->dm_search);
	check_text(dm->dm_text);
	if (dm->dm_naddrs > DHCP6_NADDRS || dm->dm_ndns > DHCP6_NSERVERS ||
	    dm->dm_nntp > DHCP6_NSERVERS || dm->dm_client.du_len > DHCP6_DUIDMAX ||
	    dm->dm_server.du_len > DHCP6_DUIDMAX || dm->dm_xid > 0xffffff)
		panic("lists of %u %u %u", dm->dm_naddrs, dm->dm_ndns, dm->dm_nntp);
	for (unsigned int i = 0; i < dm->dm_naddrs; i++) {
		if (!dhcp6_hostaddr(&dm->dm_addr[i].da_addr) ||
		    dm->dm_addr[i].da_preferred > dm->dm_addr[i].da_valid)
			panic("an address of nobody");
	}
}

static bool
state_leased(enum dhcp6_state state)
{
	return state >= DHCP6_PROBING && state <= DHCP6_REBINDING;
}

static void
check_fsm(const struct dhcp6_fsm *df, const struct dhcp6_act *act, int64_t now)
{
	const struct dhcp6_lease *dl = &df->df_lease;

	if (dl->dl_n > DHCP6_NADDRS || df->df_nback > DHCP6_NADDRS)
		panic("%u addresses, %u back", dl->dl_n, df->df_nback);
	if (state_leased(df->df_state) != (dl->dl_n > 0) && df->df_state != DHCP6_DECLINING &&
	    df->df_state != DHCP6_REQUESTING)
		panic("%s with %u addresses", dhcp6_state_name[df->df_state], dl->dl_n);
	for (unsigned int i = 0; i < dl->dl_n; i++) {
		if (!dhcp6_hostaddr(&dl->dl_addr[i].db_addr))
			panic("bound to nobody's address");
	}
	if (dl->dl_n > 0 && dl->dl_t1 > dl->dl_t2)
		panic("times out of order");
	if (df->df_state != DHCP6_STOPPED && df->df_timer == KTIME_NEVER &&
	    !state_leased(df->df_state) && df->df_state != DHCP6_INFORMED)
		panic("%s for ever", dhcp6_state_name[df->df_state]);
	if (act->da_send && act->da_msg.dm_type == 0)
		panic("a message of no type");
	if (act->da_send && df->df_timer < now)
		panic("it would be said again in the past");
}

static void
message(struct dhcp6_fsm *df, const uint8_t *data, size_t len, int64_t now, uint64_t random,
    struct dhcp6_act *act)
{
	struct dhcp6_msg dm;

	act->da_send = act->da_sync = false;
	if (dhcp6_parse(data, len, IAID, &dm) != 0)
		return;
	check_msg(&dm);
	dm.dm_xid = df->df_xid;
	dm.dm_client = df->df_client;
	if (dm.dm_server.du_len == 0)
		dm.dm_server = df->df_server.du_len != 0 ? df->df_server : df->df_client;
	dhcp6_fsm_message(df, &dm, now, random, act);
}

/* What we send is what we would read. */
static void
sent(const struct dhcp6_act *act)
{
	uint8_t buf[DHCP6_BUILDMAX];
	struct dhcp6_msg dm;
	size_t len = dhcp6_build(&act->da_msg, buf);

	if (len > sizeof(buf) || dhcp6_parse(buf, len, IAID, &dm) != 0)
		panic("our own message is malformed");
	if (dm.dm_type != act->da_msg.dm_type || dm.dm_xid != act->da_msg.dm_xid ||
	    dm.dm_naddrs != act->da_msg.dm_naddrs || dm.dm_ia != act->da_msg.dm_ia ||
	    !dhcp6_duid_eq(&dm.dm_server, &act->da_msg.dm_server))
		panic("our own message says something else");
}

static void
probed(struct dhcp6_fsm *df, bool good, int64_t now, uint64_t random, struct dhcp6_act *act)
{
	struct inaddr addr = df->df_lease.dl_addr[0].db_addr;

	dhcp6_fsm_probed(df, &addr, good, now, random, act);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dhcp6_fsm df;
	static struct dhcp6_act act;
	static const uint8_t mac[6] = { 2, 0, 1, 2, 3, 4 };
	uint64_t random = 0x123456789abcdefULL;
	int64_t now = NSEC_PER_SEC;
	size_t len;

	memset(&df, 0, sizeof(df));
	memset(&act, 0, sizeof(act));
	dhcp6_duid_ll(mac, &df.df_client);
	df.df_iaid = IAID;
	df.df_rapid = true;
	df.df_managed = size > 0 && (data[0] & 0x80) == 0;
	dhcp6_fsm_start(&df, now, random, &act);
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
			dhcp6_fsm_timer(&df, now, random, &act);
		} else {
			probed(&df, (len & 8) != 0, now, random, &act);
		}
		check_fsm(&df, &act, now);
		if (act.da_send)
			sent(&act);
		data += 1 + len;
		size -= 1 + len;
	}
	dhcp6_fsm_stop(&df, now, random, &act);
	check_fsm(&df, &act, now);
	return 0;
}
