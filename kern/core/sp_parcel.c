/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_parcel.c - files that clients send to each other through the host
 *
 * A descriptor of the host that goes through a local socket keeps its file open while it is under
 * way, and if nobody takes it out it is closed.  For a file of ours there is a connection instead,
 * which a client makes and sends:
 *
 *	PACKED	spparcel_send(): it has a secret, and depends on the client that asked
 *	UNDER WAY  spparcel_claim(): a connection said the secret, and it depends on that
 *	gone	when what it depends on ends: the last copy of the connection was closed
 *
 * To let go of the file is to close it, perhaps, which may take its time: a thread is made for that.
 * If there cannot be one now, the parcel waits until there can.
 *
 * The answer to the connection's hello has the secret in it and stays unread, so that whoever has the
 * connection can look at it, and take the file (spparcel_take()) any number of times.
 *
 * Locking: parcels_lock, a leaf.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/random.h>

#define PACKED_MAX	256	/* of one client */

/* Field key:	c  constant	l  parcels_lock */
struct spparcel {
	struct list_node pa_link;		/* l */
	const struct spclient *pa_owner;	/* l: what it depends on; NULL: nothing any more */
	uint8_t		 pa_secret[SP_SECRET];	/* c */
	struct file	*pa_file;		/* c: counted */
	struct spuser	*pa_user;		/* c: counted, and charged */
};

static konce_t parcels_once;
static kmutex_t parcels_lock;
static struct list parcels = LIST_INITIALIZER(parcels);		/* l */

static int
parcels_init(void)
{
	mutex_init(&parcels_lock, "sysproxy parcels");
	return 0;
}

static void
parcels_enter(void) ACQUIRES(parcels_lock)
{
	(void)once_run(&parcels_once, parcels_init);
	mutex_enter(&parcels_lock);
}

static struct spparcel *
find_locked(const uint8_t *secret) REQUIRES(parcels_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &parcels) {
		struct spparcel *pa = container_of(n, struct spparcel, pa_link);

		if (pa->pa_owner != NULL && sp_secret_equal(pa->pa_secret, secret))
			return pa;
	}
	return NULL;
}

static unsigned int
count_locked(const struct spclient *owner) REQUIRES(parcels_lock)
{
	struct list_node *n;
	unsigned int count = 0;

	LIST_FOREACH(n, &parcels)
		count += container_of(n, struct spparcel, pa_link)->pa_owner == owner;
	return count;
}

/* --- packing and taking ------------------------------------------------------------- */

/* What it was made of stays with the caller. */
static void
parcel_free(struct spparcel *pa)
{
	spuser_uncharge(pa->pa_user, SPUSER_PARCELS);
	spuser_rele(pa->pa_user);
	kmem_free(pa, sizeof(*pa));
}

static int
parcel_make(struct spclient *sc, struct file *fp, struct spparcel **ret_pa)
{
	struct spparcel *pa = kmem_zalloc(sizeof(*pa), KM_SLEEP);
	int error = 0;

	if (pa == NULL)
		return ENOMEM;
	error = spuser_charge(sc->sc_user, SPUSER_PARCELS);
	if (error) {
		kmem_free(pa, sizeof(*pa));
		return error;
	}
	spuser_hold(sc->sc_user);
	pa->pa_user = sc->sc_user;
	list_node_init(&pa->pa_link);
	pa->pa_owner = sc;
	pa->pa_file = fp;
	random_bytes(pa->pa_secret, sizeof(pa->pa_secret));
	parcels_enter();
	if (count_locked(sc) >= PACKED_MAX)
		error = ETOOMANYREFS;
	else
		list_insert_tail(&parcels, &pa->pa_link);
	mutex_exit(&parcels_lock);
	if (error)
		parcel_free(pa);
	else
		*ret_pa = pa;
	return error;
}

int
spparcel_send(struct spclient *sc, int fd, void *usecret)
{
	uint8_t secret[SP_SECRET];
	struct spparcel *pa;
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	error = parcel_make(sc, fp, &pa);
	if (error) {
		fd_put(fp);
		return error;
	}
	/* It lives as long as the client, and thus as this call. */
	memcpy(secret, pa->pa_secret, sizeof(secret));
	return copyout(secret, usecret, sizeof(secret));
}

int
spparcel_take(const void *usecret, long *ret_fd)
{
	uint8_t secret[SP_SECRET];
	struct file *fp = NULL;
	struct spparcel *pa;
	int error, fd;

	error = copyin(usecret, secret, sizeof(secret));
	if (error)
		return error;
	parcels_enter();
	pa = find_locked(secret);
	if (pa != NULL) {
		fp = pa->pa_file;
		file_hold(fp);
	}
	mutex_exit(&parcels_lock);
	if (fp == NULL)
		return ESRCH;
	error = fd_alloc(fp, false, &fd);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret_fd = fd;
	return 0;
}

/* --- by the control thread ------------------------------------------------------------ */

int
spparcel_claim(struct spclient *sc, const uint8_t secret[SP_SECRET])
{
	struct spparcel *pa;
	int error = ESRCH;

	parcels_enter();
	pa = find_locked(secret);
	if (pa != NULL && pa->pa_owner->sc_state != SPCLIENT_PARCEL &&
	    sp_same_user(sc, pa->pa_owner)) {
		pa->pa_owner = sc;
		sc->sc_state = SPCLIENT_PARCEL;
		error = 0;
	}
	mutex_exit(&parcels_lock);
	return error;
}

int
spparcel_welcome(struct spclient *sc, const uint8_t secret[SP_SECRET])
{
	struct sp_welcome w = { .w_magic = SP_MAGIC, .w_version = SP_VERSION,
	    .w_kind = SP_PARCEL };

	memcpy(w.w_secret, secret, sizeof(w.w_secret));
	return spclient_reply(sc, &w, sizeof(w), -1);
}

static void
unpack(void *arg)
{
	struct spparcel *pa = arg;

	file_rele(pa->pa_file);
	parcel_free(pa);
}

static struct spparcel *
remove_one(const struct spclient *owner)
{
	struct spparcel *found = NULL;
	struct list_node *n, *nn;

	parcels_enter();
	LIST_FOREACH_SAFE(n, nn, &parcels) {
		struct spparcel *pa = container_of(n, struct spparcel, pa_link);

		if (pa->pa_owner == owner && found == NULL) {
			list_remove(n);
			found = pa;
		}
	}
	mutex_exit(&parcels_lock);
	return found;
}

static void
orphan(const struct spclient *owner)
{
	struct list_node *n;

	parcels_enter();
	LIST_FOREACH(n, &parcels) {
		struct spparcel *pa = container_of(n, struct spparcel, pa_link);

		if (pa->pa_owner == owner)
			pa->pa_owner = NULL;
	}
	mutex_exit(&parcels_lock);
}

static void
put_back(struct spparcel *pa)
{
	parcels_enter();
	list_insert_tail(&parcels, &pa->pa_link);
	mutex_exit(&parcels_lock);
}

bool
spparcel_unpack(void)
{
	struct spparcel *pa;

	while ((pa = remove_one(NULL)) != NULL) {
		if (kthread_create(unpack, pa, "rump-parcel", NULL) == 0)
			continue;
		put_back(pa);
		return false;
	}
	return true;
}

bool
spparcel_end(const struct spclient *sc)
{
	orphan(sc);
	return spparcel_unpack();
}
