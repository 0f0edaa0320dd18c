/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe_ends.c - pipes and their ends come and go
 *
 * Life cycle
 *	pipe_create()		one reference, no ends
 *	pipe_attach/detach	ends come and go, counted by kind
 *	no writer left		readers get what is there, then end of file
 *	no reader left		writers get EPIPE and SIGPIPE
 *	the last pipe_rele()	frees it; whatever was not read is gone
 *
 * Opening a FIFO waits until the other kind of end exists, or has existed
 * since: pi_ropens and pi_wopens count openings, so that one that came and
 * went while we slept is noticed.
 *
 * Locking: pi_lock, then pollsrc.
 *
 * References: pipe(7), fifo(7).
 */

#include <sys/pipe.h>

#include <linux/fcntl.h>
#include <linux/stat.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/poll.h>

#include "pipe_impl.h"

#define PIPE_SLOTS	16		/* of a new pipe: 64 KiB */

static uint64_t pipe_lastino;		/* a */

/* --- birth and death ------------------------------------------------------- */

int
pipe_create(struct pipe **ret_pi)
{
	struct pipe *pi;

	pi = kmem_zalloc(sizeof(*pi), KM_SLEEP);
	if (pi == NULL)
		return ENOMEM;
	pi->pi_slots = kmem_zalloc(PIPE_SLOTS * sizeof(pi->pi_slots[0]),
	    KM_SLEEP);
	if (pi->pi_slots == NULL) {
		kmem_free(pi, sizeof(*pi));
		return ENOMEM;
	}
	pi->pi_nslots = PIPE_SLOTS;
	mutex_init(&pi->pi_lock, "pipe");
	cv_init(&pi->pi_readable, "piperd");
	cv_init(&pi->pi_writable, "pipewr");
	cv_init(&pi->pi_opened, "fifoopen");
	pollsrc_init(&pi->pi_rsrc);
	pollsrc_init(&pi->pi_wsrc);
	pi->pi_refs = 1;
	pi->pi_ino = atomic_add(&pipe_lastino, 1) + 1;
	pi->pi_birth = clock_wall_coarse();
	pi->pi_attr = (struct anonattr){ .aa_mode = S_IFIFO | 0600,
	    .aa_uid = curcred()->cr_fsuid, .aa_gid = curcred()->cr_fsgid };
	*ret_pi = pi;
	return 0;
}

void
pipe_hold(struct pipe *pi)
{
	atomic_add(&pi->pi_refs, 1);
}

void
pipe_rele(struct pipe *pi)
{
	if (pi == NULL || atomic_sub_ar(&pi->pi_refs, 1) != 1)
		return;
	KASSERT(pi->pi_readers == 0 && pi->pi_writers == 0);
	for (; pi->pi_tail != pi->pi_head; pi->pi_tail++)
		kmem_free(pi->pi_slots[pi->pi_tail & (pi->pi_nslots - 1)].ps_page,
		    PAGE_SIZE);
	for (int i = 0; i < PIPE_NSPARE; i++)
		kmem_free(pi->pi_spare[i], PAGE_SIZE);
	kmem_free(pi->pi_slots, pi->pi_nslots * sizeof(pi->pi_slots[0]));
	pollsrc_fini(&pi->pi_rsrc);
	pollsrc_fini(&pi->pi_wsrc);
	cv_destroy(&pi->pi_readable);
	cv_destroy(&pi->pi_writable);
	cv_destroy(&pi->pi_opened);
	mutex_destroy(&pi->pi_lock);
	kmem_free(pi, sizeof(*pi));
}

/* --- ends ------------------------------------------------------------------ */

void
pipe_attach_locked(struct pipe *pi, const struct file *fp)
{
	if (file_readable(fp)) {
		pi->pi_readers++;
		pi->pi_ropens++;
	}
	if (file_writable(fp)) {
		pi->pi_writers++;
		pi->pi_wopens++;
	}
	cv_broadcast(&pi->pi_opened);
}

void
pipe_detach(struct pipe *pi, const struct file *fp)
{
	bool lastreader = false, lastwriter = false;

	mutex_enter(&pi->pi_lock);
	if (file_readable(fp))
		lastreader = --pi->pi_readers == 0;
	if (file_writable(fp))
		lastwriter = --pi->pi_writers == 0;
	if (lastreader)
		cv_broadcast(&pi->pi_writable);
	if (lastwriter)
		cv_broadcast(&pi->pi_readable);
	mutex_exit(&pi->pi_lock);
	if (lastreader)
		pollsrc_wake(&pi->pi_wsrc, EPOLLOUT | EPOLLWRNORM | EPOLLERR);
	if (lastwriter)
		pollsrc_wake(&pi->pi_rsrc, EPOLLIN | EPOLLRDNORM | EPOLLHUP);
}

/*
 * Waits until *opens, the number of openings of the other kind, has moved
 * from what it was when that kind had no end.
 */
static int
fifo_wait_locked(struct pipe *pi, const uint32_t *opens) REQUIRES(pi->pi_lock)
{
	uint32_t before = *opens;
	int error = 0;

	while (*opens == before && error == 0)
		error = cv_wait_sig(&pi->pi_opened, &pi->pi_lock);
	return *opens != before ? 0 : error;
}

/*
 * A reader that did not wait for a writer must not see a hang-up before one
 * has come: f_off, of no other use in a pipe, keeps the count of that moment.
 */
int
pipe_fifo_open(struct file *fp)
{
	struct pipe *pi = fp->f_data;
	bool nonblock = (file_flags(fp) & O_NONBLOCK) != 0;
	bool r = file_readable(fp), w = file_writable(fp);
	int error = 0;

	mutex_enter(&pi->pi_lock);
	if (w && !r && nonblock && pi->pi_readers == 0) {
		mutex_exit(&pi->pi_lock);
		return ENXIO;
	}
	pipe_attach_locked(pi, fp);
	fp->f_off = (off_t)pi->pi_wopens - 1;
	if (!w && pi->pi_writers == 0) {
		if (nonblock)
			fp->f_off = pi->pi_wopens;
		else
			error = fifo_wait_locked(pi, &pi->pi_wopens);
	} else if (!r && pi->pi_readers == 0)
		error = fifo_wait_locked(pi, &pi->pi_ropens);
	mutex_exit(&pi->pi_lock);
	if (error) {
		pipe_detach(pi, fp);
		return ERESTART;
	}
	/* Who polls for the other kind of end sees it. */
	if (r)
		pollsrc_wake(&pi->pi_wsrc, EPOLLOUT | EPOLLWRNORM);
	return 0;
}

void
pipe_fifo_close(struct file *fp)
{
	pipe_detach(fp->f_data, fp);
}
