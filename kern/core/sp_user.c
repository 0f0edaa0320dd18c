/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_user.c - what a user of the host has, all his remote clients together
 *
 * Limits for each client would let one user with many of them take what all have.
 * So whatever is bounded for all together is bounded for each user as well, and more
 * tightly: who is at his limit is told so, and there is room for others.
 *
 *	clients		sessions, and parcels that are under way
 *	channels	threads of the server, each with an area of memory
 *	descriptors	of the host: connections, shared memory, bells
 *	parcels		files that are under way
 *
 * A user is who the host vouches for: a uid, or the name of a key or certificate.
 * He is there as long as anything of his is.
 *
 * Locking: users_lock, a leaf, for the list and references.  The counts are atomic.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/kvar.h>

static kmutex_t users_lock = { .m_name = "sysproxy users" };
static struct list users = LIST_INITIALIZER(users);	/* users_lock */

/* a: what each user may have; 0: three quarters of what there is for all */
static int user_max[SPUSER_NWHATS] = { [SPUSER_PARCELS] = 1024 };

static struct kvar user_kvars[] = {
	{ .kv_name = "sysproxy.usermaxclients",
	  .kv_about = "how many remote clients a user may have; 0: 3/4 of all",
	  .kv_type = KVAR_INT, .kv_ptr = &user_max[SPUSER_CLIENTS],
	  .kv_min = 0, .kv_max = 65536 },
	{ .kv_name = "sysproxy.usermaxchannels",
	  .kv_about = "how many threads of a user's clients may make calls; 0: 3/4 of all",
	  .kv_type = KVAR_INT, .kv_ptr = &user_max[SPUSER_CHANNELS],
	  .kv_min = 0, .kv_max = 1048576 },
	{ .kv_name = "sysproxy.usermaxfds",
	  .kv_about = "how many of the host's descriptors a user's clients cost; 0: 3/4 of all",
	  .kv_type = KVAR_INT, .kv_ptr = &user_max[SPUSER_FDS],
	  .kv_min = 0, .kv_max = 1048576 },
	{ .kv_name = "sysproxy.usermaxparcels",
	  .kv_about = "how many files a user's clients may have under way to each other",
	  .kv_type = KVAR_INT, .kv_ptr = &user_max[SPUSER_PARCELS],
	  .kv_min = 1, .kv_max = 1048576 },
};

static uint64_t host_fds;	/* c: that there can be */

void
spuser_boot(void)
{
	host_fds = param_u64("_RUMPUSER_NOFILE", 1024);
	if (host_fds > 1048576)
		host_fds = 1048576;
	for (size_t i = 0; i < ARRAY_SIZE(user_kvars); i++)
		kvar_register(&user_kvars[i]);
}

/* --- who ----------------------------------------------------------------------------- */

bool
sp_same_peer(const struct rumpuser_sppeer *a, const struct rumpuser_sppeer *b)
{
	return a->sp_local == b->sp_local && a->sp_uid == b->sp_uid &&
	    strcmp(a->sp_name, b->sp_name) == 0;
}

static struct spuser *
find_locked(const struct rumpuser_sppeer *peer) REQUIRES(users_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &users) {
		struct spuser *su = container_of(n, struct spuser, su_link);

		if (sp_same_peer(&su->su_peer, peer))
			return su;
	}
	return NULL;
}

int
spuser_get(const struct rumpuser_sppeer *peer, struct spuser **ret_su)
{
	struct spuser *new = kmem_zalloc(sizeof(*new), KM_SLEEP), *su;

	if (new == NULL)
		return ENOMEM;
	mutex_enter(&users_lock);
	su = find_locked(peer);
	if (su == NULL) {
		su = new;
		new = NULL;
		su->su_peer = *peer;
		list_node_init(&su->su_link);
		list_insert_tail(&users, &su->su_link);
	}
	su->su_refs++;
	mutex_exit(&users_lock);
	if (new != NULL)
		kmem_free(new, sizeof(*new));
	*ret_su = su;
	return 0;
}

void
spuser_hold(struct spuser *su)
{
	mutex_enter(&users_lock);
	su->su_refs++;
	mutex_exit(&users_lock);
}

void
spuser_rele(struct spuser *su)
{
	bool last;

	mutex_enter(&users_lock);
	last = --su->su_refs == 0;
	if (last)
		list_remove(&su->su_link);
	mutex_exit(&users_lock);
	if (!last)
		return;
	for (unsigned int i = 0; i < SPUSER_NWHATS; i++)
		KASSERTMSG(atomic_load(&su->su_has[i]) == 0, "has some of %u", i);
	kmem_free(su, sizeof(*su));
}

/* --- what ------------------------------------------------------------------------------ */

/* Of few, one is still one. */
static unsigned int
share(uint64_t all)
{
	return (unsigned int)(all - all / 4);
}

static unsigned int
limit(enum spuser_what what)
{
	int max = atomic_load(&user_max[what]);

	if (max > 0)
		return (unsigned int)max;
	switch (what) {
	case SPUSER_CLIENTS:
		return share((uint64_t)atomic_load(&sp_maxclients));
	case SPUSER_CHANNELS:
		return share((uint64_t)atomic_load(&sp_maxchannels));
	default:
		return share(host_fds);
	}
}

int
spuser_charge(struct spuser *su, enum spuser_what what)
{
	static const int errors[SPUSER_NWHATS] = {
		[SPUSER_CLIENTS] = EAGAIN, [SPUSER_CHANNELS] = EAGAIN,
		[SPUSER_FDS] = EMFILE, [SPUSER_PARCELS] = ETOOMANYREFS,
	};

	if (atomic_add(&su->su_has[what], 1) < limit(what))
		return 0;
	spuser_uncharge(su, what);
	return errors[what];
}

void
spuser_uncharge(struct spuser *su, enum spuser_what what)
{
	unsigned int had __unused_arg = atomic_sub(&su->su_has[what], 1);

	KASSERTMSG(had > 0, "nothing of %u", what);
}
