/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * uring.c - block I/O through io_uring
 *
 * One ring a process.  Whoever submits writes one entry and enters the host
 * at once; one thread waits for completions and calls bio_done.  The host's
 * interface is used directly: what we need of it is small, and a library
 * would be the only one that a kernel has to load.
 *
 * What the host leaves undone, the completing thread finishes with plain
 * system calls; what the ring cannot take goes to the pool.
 *
 * Locking
 *	ur_lock covers the submission queue.  The completion queue belongs to
 *	the one thread that reaps.
 *
 * References: io_uring(7), io_uring_setup(2), io_uring_enter(2).
 */

#include <errno.h>
#include <linux/falloc.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "bio_impl.h"
#include "common/hostfile.h"
#include "common/hostthread.h"

#define URING_ENTRIES	128

/*
 * No completion is ever dropped, and the opcodes we use exist (Linux 5.6).
 */
#define URING_FEATURES							\
	(IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_RW_CUR_POS)

/*
 * Field key:	c  constant after uring_start()		l  ur_lock
 *		h  shared with the host			r  the reaping thread
 *		a  atomic operations only
 */
static struct uring {
	pthread_mutex_t		 ur_lock;
	int			 ur_fd;		/* c */
	unsigned int		*ur_sqtail;	/* l h */
	unsigned int		 ur_sqmask;	/* c */
	unsigned int		*ur_sqarray;	/* l h */
	struct io_uring_sqe	*ur_sqes;	/* l h */
	unsigned int		*ur_cqhead;	/* r h */
	unsigned int		*ur_cqtail;	/* h */
	unsigned int		 ur_cqmask;	/* c */
	struct io_uring_cqe	*ur_cqes;	/* h */
	unsigned int		 ur_submitted;	/* a */
} uring = {
	.ur_lock = PTHREAD_MUTEX_INITIALIZER,
};

static int
uring_enter(const struct uring *ur, unsigned int submit, unsigned int wait)
{
	long n;

	do {
		n = syscall(SYS_io_uring_enter, ur->ur_fd, submit, wait,
		    wait > 0 ? IORING_ENTER_GETEVENTS : 0u, NULL, 0);
	} while (n == -1 && errno == EINTR && wait == 0);
	return n == -1 ? -errno : (int)n;
}

/* --- submission ---------------------------------------------------------- */

static void
uring_prepare(struct io_uring_sqe *sqe, const struct rumpuser_bio *bio)
{

	memset(sqe, 0, sizeof(*sqe));
	sqe->fd = bio->bio_fd;
	sqe->user_data = (uintptr_t)bio;
	switch (bio->bio_op) {
	case RUMPUSER_BIO_READ:
	case RUMPUSER_BIO_WRITE:
		sqe->opcode = bio->bio_op == RUMPUSER_BIO_READ ?
		    IORING_OP_READV : IORING_OP_WRITEV;
		sqe->addr = (uintptr_t)bio->bio_iov;
		sqe->len = (unsigned int)bio->bio_iovcnt;
		sqe->off = bio->bio_off;
		break;
	case RUMPUSER_BIO_FLUSH:
		sqe->opcode = IORING_OP_FSYNC;
		sqe->fsync_flags = IORING_FSYNC_DATASYNC;
		break;
	case RUMPUSER_BIO_DISCARD:
		sqe->opcode = IORING_OP_FALLOCATE;
		sqe->off = bio->bio_off;
		sqe->addr = bio->bio_len;	/* here addr is the length */
		sqe->len = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
		break;
	}
}

/*
 * The queue is empty whenever ur_lock is free: each entry is handed over, or
 * taken back, before the lock is released.
 */
static int
uring_submit(struct rumpuser_bio *bio)
{
	struct uring *ur = &uring;
	unsigned int tail, slot;
	int n;

	(void)pthread_mutex_lock(&ur->ur_lock);
	tail = *ur->ur_sqtail;
	slot = tail & ur->ur_sqmask;
	uring_prepare(&ur->ur_sqes[slot], bio);
	ur->ur_sqarray[slot] = slot;
	/* Shows the request to the reaping thread; the host shows no order. */
	(void)__atomic_add_fetch(&ur->ur_submitted, 1, __ATOMIC_RELEASE);
	__atomic_store_n(ur->ur_sqtail, tail + 1, __ATOMIC_RELEASE);
	n = uring_enter(ur, 1, 0);
	if (n != 1)
		__atomic_store_n(ur->ur_sqtail, tail, __ATOMIC_RELEASE);
	(void)pthread_mutex_unlock(&ur->ur_lock);

	return n == 1 ? 0 : pool_bio_backend.bb_submit(bio);
}

/* --- completion ---------------------------------------------------------- */

static size_t
bio_total(const struct rumpuser_bio *bio)
{
	size_t i, total = 0;

	if (bio->bio_op != RUMPUSER_BIO_READ && bio->bio_op != RUMPUSER_BIO_WRITE)
		return 0;
	for (i = 0; i < bio->bio_iovcnt; i++)
		total += bio->bio_iov[i].iov_len;
	return total;
}

static void
uring_complete(struct rumpuser_bio *bio, int res)
{
	size_t bytes = 0;
	int error = 0;

	if (res == -EINTR || res == -EAGAIN ||
	    (res < 0 && bio->bio_op == RUMPUSER_BIO_DISCARD))
		error = hostfile_bio(bio, 0, &bytes);
	else if (res < 0)
		error = -res;
	else if ((size_t)res < bio_total(bio))
		error = hostfile_bio(bio, (size_t)res, &bytes);
	else
		bytes = (size_t)res;
	bio->bio_done(bio, bytes, error);
}

static void *
uring_main(void *cookie)
{
	struct uring *ur = cookie;
	struct io_uring_cqe cqe;
	unsigned int head = *ur->ur_cqhead;

	(void)prctl(PR_SET_NAME, "rump-bio");
	for (;;) {
		if (head == __atomic_load_n(ur->ur_cqtail, __ATOMIC_ACQUIRE)) {
			(void)uring_enter(ur, 0, 1);
			continue;
		}
		(void)__atomic_load_n(&ur->ur_submitted, __ATOMIC_ACQUIRE);
		cqe = ur->ur_cqes[head & ur->ur_cqmask];
		__atomic_store_n(ur->ur_cqhead, ++head, __ATOMIC_RELEASE);
		uring_complete((struct rumpuser_bio *)(uintptr_t)cqe.user_data,
		    cqe.res);
	}
	return NULL;
}

/* --- start --------------------------------------------------------------- */

static void *
uring_mmap(int fd, size_t len, off_t what)
{

	return mmap(NULL, len, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_POPULATE, fd, what);
}

static int
uring_map(struct uring *ur, const struct io_uring_params *p)
{
	size_t sqlen, cqlen, ringlen, sqeslen;
	char *ring, *sqes;

	sqlen = p->sq_off.array + p->sq_entries * sizeof(unsigned int);
	cqlen = p->cq_off.cqes + p->cq_entries * sizeof(struct io_uring_cqe);
	ringlen = sqlen > cqlen ? sqlen : cqlen;
	sqeslen = p->sq_entries * sizeof(struct io_uring_sqe);

	ring = uring_mmap(ur->ur_fd, ringlen, IORING_OFF_SQ_RING);
	if (ring == MAP_FAILED)
		return errno;
	sqes = uring_mmap(ur->ur_fd, sqeslen, IORING_OFF_SQES);
	if (sqes == MAP_FAILED) {
		(void)munmap(ring, ringlen);
		return ENOMEM;
	}
	ur->ur_sqes = (struct io_uring_sqe *)(void *)sqes;
	ur->ur_sqtail = (unsigned int *)(void *)(ring + p->sq_off.tail);
	ur->ur_sqmask = p->sq_entries - 1;
	ur->ur_sqarray = (unsigned int *)(void *)(ring + p->sq_off.array);
	ur->ur_cqhead = (unsigned int *)(void *)(ring + p->cq_off.head);
	ur->ur_cqtail = (unsigned int *)(void *)(ring + p->cq_off.tail);
	ur->ur_cqmask = p->cq_entries - 1;
	ur->ur_cqes = (struct io_uring_cqe *)(void *)(ring + p->cq_off.cqes);
	return 0;
}

static int
uring_start(void)
{
	struct uring *ur = &uring;
	struct io_uring_params params;
	pthread_t unused;
	int error;

	memset(&params, 0, sizeof(params));
	ur->ur_fd = (int)syscall(SYS_io_uring_setup, URING_ENTRIES, &params);
	if (ur->ur_fd == -1)
		return errno;
	if ((params.features & URING_FEATURES) != URING_FEATURES) {
		error = EOPNOTSUPP;
		goto fail;
	}
	error = uring_map(ur, &params);
	if (error)
		goto fail;
	error = hostthread_start(uring_main, ur, true, &unused);
	if (error)
		goto fail;	/* the mappings go with the process */
	return 0;

fail:
	(void)close(ur->ur_fd);
	return error;
}

const struct bio_backend uring_bio_backend = {
	.bb_name	= "uring",
	.bb_start	= uring_start,
	.bb_submit	= uring_submit,
};
