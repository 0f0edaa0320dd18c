/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dhcp6_lease.c - the addresses that a DHCPv6 client has, and their times
 *
 * Section numbers are RFC 8415's.  What a server says is believed within bounds: times are
 * at least MIN_TIME, or else a hostile one makes us storm.
 */

#include <sys/ktime.h>

#include "dhcp6_fsm_impl.h"

#define MIN_TIME	10		/* seconds: lifetimes, T1, T2 */

bool
dhcp6_addr_usable(const struct dhcp6_addr *da)
{
	return da->da_valid >= MIN_TIME;
}

void
dhcp6_lease_put(const struct dhcp6_lease *dl, struct dhcp6_msg *dm)
{
	dm->dm_naddrs = (uint8_t)dl->dl_n;
	for (unsigned int i = 0; i < dl->dl_n; i++)
		dm->dm_addr[i].da_addr = dl->dl_addr[i].db_addr;
}

struct dhcp6_binding *
dhcp6_lease_find(struct dhcp6_lease *dl, const struct inaddr *addr)
{
	for (unsigned int i = 0; i < dl->dl_n; i++) {
		if (inaddr_eq(&dl->dl_addr[i].db_addr, addr))
			return &dl->dl_addr[i];
	}
	return NULL;
}

void
dhcp6_lease_remove(struct dhcp6_lease *dl, struct dhcp6_binding *db)
{
	*db = dl->dl_addr[--dl->dl_n];
}

static void
binding_learn(struct dhcp6_lease *dl, const struct dhcp6_addr *da, int64_t now)
{
	struct dhcp6_binding *db = dhcp6_lease_find(dl, &da->da_addr);

	if (!dhcp6_addr_usable(da)) {
		if (db != NULL)
			dhcp6_lease_remove(dl, db);
		return;
	}
	if (db == NULL) {
		if (dl->dl_n == DHCP6_NADDRS)
			return;
		db = &dl->dl_addr[dl->dl_n++];
		db->db_addr = da->da_addr;
		db->db_unique = false;
	}
	db->db_preferred = dhcp6_deadline(da->da_preferred, now);
	db->db_valid = dhcp6_deadline(da->da_valid, now);
}

/* A REQUEST's reply is all that we have; others leave alone what they do not name. */
void
dhcp6_lease_learn(struct dhcp6_lease *dl, const struct dhcp6_msg *dm, bool fresh, int64_t now)
{
	for (unsigned int i = 0; fresh && i < dl->dl_n;) {
		struct dhcp6_binding *db = &dl->dl_addr[i];
		bool named = false;

		for (unsigned int j = 0; j < dm->dm_naddrs; j++)
			named |= inaddr_eq(&dm->dm_addr[j].da_addr, &db->db_addr);
		if (named)
			i++;
		else
			dhcp6_lease_remove(dl, db);
	}
	for (unsigned int i = 0; i < dm->dm_naddrs; i++)
		binding_learn(dl, &dm->dm_addr[i], now);
}

/*
 * Section 21.4: of the server's choice, or a half and four fifths of the shortest
 * preferred lifetime.  Deprecated addresses have none: then of the valid one.
 */
void
dhcp6_lease_times(struct dhcp6_lease *dl, int64_t now)
{
	uint32_t t1 = dl->dl_msg.dm_t1, t2 = dl->dl_msg.dm_t2;
	int64_t shortest = KTIME_NEVER, least = MIN_TIME * SEC;

	for (unsigned int i = 0; i < dl->dl_n; i++) {
		const struct dhcp6_binding *db = &dl->dl_addr[i];

		shortest = dhcp6_sooner(shortest, db->db_preferred > now ? db->db_preferred :
		    db->db_valid);
	}
	if (shortest != KTIME_NEVER)
		shortest -= now;
	dl->dl_t1 = t1 != 0 ? dhcp6_deadline(t1, now) :
	    shortest == KTIME_NEVER ? KTIME_NEVER : now + shortest / 2;
	dl->dl_t2 = t2 != 0 ? dhcp6_deadline(t2, now) :
	    shortest == KTIME_NEVER ? KTIME_NEVER : now + shortest / 5 * 4;
	if (dl->dl_t1 < now + least)
		dl->dl_t1 = now + least;
	if (dl->dl_t2 < dl->dl_t1)
		dl->dl_t2 = dl->dl_t1;
}

int64_t
dhcp6_lease_ends(const struct dhcp6_lease *dl)
{
	int64_t first = KTIME_NEVER;

	for (unsigned int i = 0; i < dl->dl_n; i++)
		first = dhcp6_sooner(first, dl->dl_addr[i].db_valid);
	return first;
}

/* Those whose time is over: inet6 takes them from the interface by itself too. */
bool
dhcp6_lease_expire(struct dhcp6_lease *dl, int64_t now)
{
	bool any = false;

	for (unsigned int i = 0; i < dl->dl_n;) {
		if (dl->dl_addr[i].db_valid > now) {
			i++;
			continue;
		}
		dhcp6_lease_remove(dl, &dl->dl_addr[i]);
		any = true;
	}
	return any;
}
