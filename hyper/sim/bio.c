/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bio.c - block I/O in the order that the seed likes
 *
 * Each request gets a time at which it will be done: what the disk takes at
 * least, and some that the seed adds, so that requests overtake each other.
 * One thread of the simulation does them all at their times.
 */

#include <errno.h>
#include <stddef.h>

#include <rump/rumpuser.h>

#include "common/hostfile.h"
#include "disk_impl.h"

#define JITTER_MAX	20000		/* ns of virtual time */

/* What the requests carry for us. */
#define BIO_NEXT(bio)	((bio)->bio_host[0])
#define BIO_DUE(bio)	((bio)->bio_host[1])
#define BIO_COVERS(bio)	((bio)->bio_host[2])	/* FLUSH */

/* All: the baton. */
static struct rumpuser_bio *bio_pending;
static uint32_t bio_arrivals;		/* the thread sleeps on it */
static bool bio_running;		/* there is the thread */

static int64_t
bio_due(const struct rumpuser_bio *bio)
{

	return (int64_t)(intptr_t)BIO_DUE(bio);
}

static const enum rumpsim_kind bio_kind[] = {
	[RUMPUSER_BIO_READ] = RUMPSIM_READ,
	[RUMPUSER_BIO_WRITE] = RUMPSIM_WRITE,
	[RUMPUSER_BIO_FLUSH] = RUMPSIM_FLUSH,
	[RUMPUSER_BIO_DISCARD] = RUMPSIM_DISCARD,
};

static int
bio_disk(struct rumpsim_disk *d, const struct rumpuser_bio *bio,
    size_t *ret_bytes)
{
	bool writing = bio->bio_op == RUMPUSER_BIO_WRITE ||
	    bio->bio_op == RUMPUSER_BIO_DISCARD;
	int error;

	/* Like on Linux, a flush is for everybody. */
	if (bio->bio_op != RUMPUSER_BIO_FLUSH) {
		error = simfd_access(bio->bio_fd, writing);
		if (error)
			return error;
	}
	switch (bio->bio_op) {
	case RUMPUSER_BIO_READ:
		return disk_read(d, bio->bio_iov, bio->bio_iovcnt,
		    bio->bio_off, ret_bytes);
	case RUMPUSER_BIO_WRITE:
		return disk_write(d, bio->bio_iov, bio->bio_iovcnt,
		    bio->bio_off, ret_bytes);
	case RUMPUSER_BIO_FLUSH:
		return disk_flush(d, (size_t)(uintptr_t)BIO_COVERS(bio));
	case RUMPUSER_BIO_DISCARD:
		return disk_discard(d, bio->bio_off, bio->bio_len);
	}
	return EINVAL;
}

static void
bio_do(struct rumpuser_bio *bio)
{
	struct rumpsim_disk *d = simfd_disk(bio->bio_fd);
	size_t bytes = 0;
	int error;

	if (d != NULL) {
		error = bio_disk(d, bio, &bytes);
	} else {
		error = sim_fault(bio_kind[bio->bio_op]);
		if (error == 0)
			error = hostfile_bio(bio, 0, &bytes);
	}
	sim_point(SIMOP_BIODONE, (uint64_t)error);
	bio->bio_done(bio, error != 0 ? 0 : bytes, error);
}

/* Takes the request that is due first; NULL: it is not time yet. */
static struct rumpuser_bio *
bio_take(int64_t *ret_next)
{
	struct rumpuser_bio *bio, *first = NULL, *before = NULL, *prev = NULL;

	for (bio = bio_pending; bio != NULL; prev = bio, bio = BIO_NEXT(bio)) {
		if (first == NULL || bio_due(bio) < bio_due(first)) {
			first = bio;
			before = prev;
		}
	}
	*ret_next = first == NULL ? RUMPUSER_NOTIME : bio_due(first);
	if (first == NULL || bio_due(first) > sim_now())
		return NULL;
	if (before != NULL)
		BIO_NEXT(before) = BIO_NEXT(first);
	else
		bio_pending = BIO_NEXT(first);
	return first;
}

static void
bio_main(void *arg)
{
	struct rumpuser_bio *bio;
	int64_t next;

	(void)arg;
	for (;;) {
		bio = bio_take(&next);
		if (bio != NULL)
			bio_do(bio);
		else
			(void)sim_sleep(&bio_arrivals, 0, next);
	}
}

void
simbio_fork_child(void)
{

	bio_running = false;
}

int
rumpuser_bio(struct rumpuser_bio *bio)
{
	struct rumpsim_disk *d;
	int64_t due;
	int error;

	(void)sim_self();
	error = sim_fault(RUMPSIM_SUBMIT);
	if (error == 0)
		error = hostfile_bio_check(bio);
	if (error)
		return error;
	if (!bio_running) {
		error = simthread_create(bio_main, NULL, "sim-bio", true, NULL);
		if (error)
			return error;
		bio_running = true;
	}

	d = simfd_disk(bio->bio_fd);
	due = sim_now() +
	    (int64_t)simrng_below(sim_rng(SIMRNG_BIO), JITTER_MAX);
	if (d != NULL) {
		due += d->d_latency[bio_kind[bio->bio_op]];
		BIO_COVERS(bio) = (void *)(uintptr_t)disk_flush_begin(d);
	}
	BIO_DUE(bio) = (void *)(intptr_t)due;
	BIO_NEXT(bio) = bio_pending;
	bio_pending = bio;
	(void)sim_wake(&bio_arrivals, 1);
	sim_point(SIMOP_BIO, bio->bio_off);
	return 0;
}
