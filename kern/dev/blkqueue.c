/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * blkqueue.c - asynchronous block requests
 *
 * blkdev_submit() hands a request to the driver.  It completes on a host
 * thread that is none of ours and holds no vCPU; that thread only pushes the
 * request onto a list and wakes the completion thread, which calls br_done
 * in kernel context.  The thread is made with the first request.
 */

#include <dev/blkdev.h>

#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "dev_impl.h"

/* A completed request waits here with its error in bio_len. */
static struct rumpuser_bio *done_stack;		/* a: linked through bio_iov */
static uint32_t done_seq;			/* a: grows with each push */
static uint32_t done_stop;			/* a */
static struct kthread *done_thread;
static konce_t done_once = ONCE_INITIALIZER;

static struct blkreq *
req_of(struct rumpuser_bio *bio)
{
	return container_of(bio, struct blkreq, br_bio);
}

/* Latest first on the stack, oldest first to its users. */
static struct rumpuser_bio *
stack_reverse(struct rumpuser_bio *bio)
{
	struct rumpuser_bio *head = NULL;

	while (bio != NULL) {
		struct rumpuser_bio *next = bio->bio_arg;

		bio->bio_arg = head;
		head = bio;
		bio = next;
	}
	return head;
}

static void
done_run(struct rumpuser_bio *bio)
{
	while (bio != NULL) {
		struct rumpuser_bio *next = bio->bio_arg;
		struct blkreq *br = req_of(bio);

		br->br_done(br, (int)bio->bio_len);
		bio = next;
	}
}

static void
done_main(void *arg __unused_arg)
{
	for (;;) {
		uint32_t seq = atomic_load_acq(&done_seq);
		struct rumpuser_bio *bio = atomic_swap_ar(&done_stack, NULL);

		if (bio != NULL) {
			done_run(stack_reverse(bio));
			continue;
		}
		if (atomic_load_acq(&done_stop))
			return;
		vcpu_block_begin();
		(void)rumpuser_park(&done_seq, seq, 0, RUMPUSER_NOTIME);
		vcpu_block_end();
	}
}

/* On the host's thread: no kernel context, hence no kernel calls. */
static void
bio_done(struct rumpuser_bio *bio, size_t bytes, int error)
{
	struct blkreq *br = req_of(bio);
	struct rumpuser_bio *head = atomic_load(&done_stack);

	if (error == 0 && (br->br_op == BLK_READ || br->br_op == BLK_WRITE) &&
	    bytes != br->br_len)
		error = EIO;
	bio->bio_len = (uint64_t)error;
	do {
		bio->bio_arg = head;
	} while (!atomic_cas_ar(&done_stack, &head, bio));
	__atomic_fetch_add(&done_seq, 1, __ATOMIC_RELEASE);
	(void)rumpuser_unpark(&done_seq, 1, 0);
}

static int
done_start(void)
{
	return kthread_create(done_main, NULL, "blkdone", &done_thread);
}

static void
done_shutdown(void)
{
	if (done_thread == NULL)
		return;
	atomic_store_rel(&done_stop, 1);
	__atomic_fetch_add(&done_seq, 1, __ATOMIC_RELEASE);
	(void)rumpuser_unpark(&done_seq, UINT32_MAX, 0);
	kthread_join(done_thread);
	done_thread = NULL;
}

static struct shutdown_hook done_hook = { .sh_fn = done_shutdown };

int
blkqueue_boot(void)
{
	shutdown_register(&done_hook);
	return 0;
}

int
blkdev_submit(struct blkdev *bd, struct blkreq *br)
{
	int error;

	error = once_run(&done_once, done_start);
	if (error)
		return error;
	error = blkdev_check(bd, br->br_op, br->br_off, br->br_len);
	if (error)
		return error;
	br->br_dev = bd;
	br->br_bio = (struct rumpuser_bio){
		.bio_off = br->br_off, .bio_len = br->br_len,
		.bio_iov = br->br_iov, .bio_iovcnt = br->br_iovcnt,
		.bio_done = bio_done,
	};
	return bd->bd_ops->bo_submit(bd, br);
}
