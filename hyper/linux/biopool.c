/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * biopool.c - block I/O by threads that wait for it
 *
 * Requests stand in one line; a thread takes the first and does it.  There
 * is a thread more whenever all are busy, up to POOL_MAX; they stay.
 */

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>

#include <rump/rumpuser.h>

#include "bio_impl.h"
#include "common/hostfile.h"
#include "common/hostthread.h"

/* Enough to keep a disk's own queue busy; each costs a stack. */
#define POOL_MAX	8

/* Field key:	l  bp_lock */
static struct biopool {
	pthread_mutex_t		 bp_lock;
	pthread_cond_t		 bp_work;	/* l: the line has a request */
	struct rumpuser_bio	*bp_head;	/* l */
	struct rumpuser_bio	*bp_tail;	/* l: valid if bp_head is */
	unsigned int		 bp_queued;	/* l: length of the line */
	unsigned int		 bp_threads;	/* l */
	unsigned int		 bp_idle;	/* l: of these, waiting */
} biopool = {
	.bp_lock = PTHREAD_MUTEX_INITIALIZER,
	.bp_work = PTHREAD_COND_INITIALIZER,
};

/* The line runs through the requests' first host word. */
#define BIO_NEXT(bio)	((bio)->bio_host[0])

static struct rumpuser_bio *
pool_take_locked(struct biopool *bp)
{
	struct rumpuser_bio *bio = bp->bp_head;

	bp->bp_head = BIO_NEXT(bio);
	bp->bp_queued--;
	return bio;
}

static void *
pool_main(void *cookie)
{
	struct biopool *bp = cookie;
	struct rumpuser_bio *bio;
	size_t bytes;
	int error;

	(void)prctl(PR_SET_NAME, "rump-bio");
	(void)pthread_mutex_lock(&bp->bp_lock);
	for (;;) {
		while (bp->bp_head == NULL) {
			bp->bp_idle++;
			(void)pthread_cond_wait(&bp->bp_work, &bp->bp_lock);
			bp->bp_idle--;
		}
		bio = pool_take_locked(bp);
		(void)pthread_mutex_unlock(&bp->bp_lock);

		error = hostfile_bio(bio, 0, &bytes);
		bio->bio_done(bio, bytes, error);

		(void)pthread_mutex_lock(&bp->bp_lock);
	}
	return NULL;
}

/* One more thread, unless those there are will do. */
static int
pool_grow_locked(struct biopool *bp)
{
	pthread_t unused;
	int error;

	if (bp->bp_idle > bp->bp_queued || bp->bp_threads == POOL_MAX)
		return 0;
	error = hostthread_start(pool_main, bp, true, &unused);
	if (error == 0)
		bp->bp_threads++;
	return bp->bp_threads > 0 ? 0 : error;
}

static int
pool_submit(struct rumpuser_bio *bio)
{
	struct biopool *bp = &biopool;
	int error;

	(void)pthread_mutex_lock(&bp->bp_lock);
	error = pool_grow_locked(bp);
	if (error == 0) {
		BIO_NEXT(bio) = NULL;
		if (bp->bp_head == NULL)
			bp->bp_head = bio;
		else
			BIO_NEXT(bp->bp_tail) = bio;
		bp->bp_tail = bio;
		bp->bp_queued++;
		(void)pthread_cond_signal(&bp->bp_work);
	}
	(void)pthread_mutex_unlock(&bp->bp_lock);
	return error;
}

static int
pool_start(void)
{

	return 0;		/* threads come with the requests */
}

const struct bio_backend pool_bio_backend = {
	.bb_name	= "threads",
	.bb_start	= pool_start,
	.bb_submit	= pool_submit,
};
