/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe_splice.c - pages of pipes, from and to files and other pipes
 *
 * Between a pipe and a file the file's operation works on the pages of the
 * slots themselves: nothing is copied but by the file.  Only what a file took
 * leaves the pipe.  Between two pipes whole slots change hands; tee(2)
 * copies them.
 *
 * Locking: pi_lock is held over the file's operation, so that nobody takes
 * what is being written; of two pipes, the one at the lower address first.
 * The file is never a pipe itself.
 *
 * References: splice(2), tee(2).
 */

#include <sys/pipe.h>

#include <lib/string.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/uio.h>

#include "pipe_impl.h"

#define SPLICE_SLOTS	16		/* in one operation of the file */

/* --- waiting ----------------------------------------------------------------- */

/* 0 and no bytes: there will never be any. */
static int
pipe_wait_data_locked(struct pipe *pi, bool nonblock) REQUIRES(pi->pi_lock)
{
	while (pipe_used_locked(pi) == 0 && pi->pi_writers > 0) {
		if (nonblock)
			return EAGAIN;
		if (cv_wait_sig(&pi->pi_readable, &pi->pi_lock) != 0)
			return ERESTART;
	}
	return 0;
}

static int
pipe_wait_room_locked(struct pipe *pi, bool nonblock) REQUIRES(pi->pi_lock)
{
	while (pi->pi_readers > 0 && pipe_full_locked(pi)) {
		if (nonblock)
			return EAGAIN;
		if (cv_wait_sig(&pi->pi_writable, &pi->pi_lock) != 0)
			return ERESTART;
	}
	return pi->pi_readers > 0 ? 0 : EPIPE;
}

/* Called without the lock. */
static void
pipe_tell_writers(struct pipe *pi)
{
	pollsrc_wake(&pi->pi_wsrc, EPOLLOUT | EPOLLWRNORM);
}

static void
pipe_tell_readers(struct pipe *pi)
{
	pollsrc_wake(&pi->pi_rsrc, EPOLLIN | EPOLLRDNORM);
}

/* A wake-up that was for us may have been meant for two. */
static void
pipe_passon_locked(struct pipe *pi) REQUIRES(pi->pi_lock)
{
	if (pipe_used_locked(pi) > 0)
		cv_signal(&pi->pi_readable);
	if (!pipe_full_locked(pi))
		cv_signal(&pi->pi_writable);
}

static int
pipe_broken(int error)
{
	if (error == EPIPE)
		signal_raise(curproc(), PIPE_SIGNAL);
	return error;
}

int
pipe_wait_room(struct pipe *pi, bool nonblock)
{
	int error;

	mutex_enter(&pi->pi_lock);
	error = pipe_wait_room_locked(pi, nonblock);
	pipe_passon_locked(pi);
	mutex_exit(&pi->pi_lock);
	return pipe_broken(error);
}

/* --- to a file ----------------------------------------------------------------- */

static void
pipe_drop_locked(struct pipe *pi, size_t len) REQUIRES(pi->pi_lock)
{
	size_t n;

	while (len > 0) {
		n = pipe_slot_locked(pi, pi->pi_tail)->ps_len;
		n = n < len ? n : len;
		pipe_consume_locked(pi, n);
		len -= n;
	}
}

/* Offers the file what the first slots hold, up to len bytes. */
static int
pipe_offer_locked(struct pipe *pi, struct file *out, int64_t *off, size_t len,
    size_t *ret_done) REQUIRES(pi->pi_lock)
{
	struct rumpuser_iov iov[SPLICE_SLOTS];
	struct uio uio = { .uio_iov = iov, .uio_rw = UIO_WRITE,
	    .uio_space = UIO_KERNEL };
	uint32_t n = pi->pi_tail;
	size_t chunk;
	int error;

	while (n != pi->pi_head && uio.uio_iovcnt < SPLICE_SLOTS &&
	    uio.uio_resid < len) {
		struct pipeslot *slot = pipe_slot_locked(pi, n++);

		chunk = len - uio.uio_resid;
		chunk = slot->ps_len < chunk ? slot->ps_len : chunk;
		iov[uio.uio_iovcnt].iov_base = slot->ps_page + slot->ps_off;
		iov[uio.uio_iovcnt++].iov_len = chunk;
		uio.uio_resid += chunk;
	}
	error = file_transfer(out, &uio, off, 0, ret_done);
	if (error == 0)
		pipe_drop_locked(pi, *ret_done);
	return error;
}

int
pipe_splice_out(struct pipe *pi, struct file *out, int64_t *off, size_t len,
    bool nonblock, size_t *ret_done)
{
	size_t n, done = 0;
	bool full;
	int error;

	mutex_enter(&pi->pi_lock);
	error = pipe_wait_data_locked(pi, nonblock);
	full = pipe_full_locked(pi);
	while (error == 0 && done < len && pipe_used_locked(pi) > 0) {
		error = pipe_offer_locked(pi, out, off, len - done, &n);
		if (error == 0 && n == 0)
			break;
		done += error == 0 ? n : 0;
	}
	full = full && !pipe_full_locked(pi);
	pipe_passon_locked(pi);
	mutex_exit(&pi->pi_lock);
	if (full)
		pipe_tell_writers(pi);
	if (error && done == 0)
		return error;
	*ret_done = done;
	return 0;
}

/* --- from a file --------------------------------------------------------------- */

/*
 * Reads into fresh pages, which become slots as far as they were filled.  As
 * many as there is memory for; ENOMEM if that is none.
 */
static int
pipe_accept_locked(struct pipe *pi, struct file *in, int64_t *off, size_t len,
    size_t *ret_done) REQUIRES(pi->pi_lock)
{
	uint32_t room = pi->pi_nslots - pipe_used_locked(pi);
	struct rumpuser_iov iov[SPLICE_SLOTS];
	struct uio uio = { .uio_iov = iov, .uio_rw = UIO_READ,
	    .uio_space = UIO_KERNEL };
	uint8_t *page[SPLICE_SLOTS];
	size_t n = 0, left;
	int error;

	while (n < SPLICE_SLOTS && n < room && uio.uio_resid < len) {
		page[n] = pipe_getpage_locked(pi);
		if (page[n] == NULL)
			break;
		left = len - uio.uio_resid;
		iov[n].iov_base = page[n];
		iov[n].iov_len = left < PAGE_SIZE ? left : PAGE_SIZE;
		uio.uio_resid += iov[n++].iov_len;
	}
	if (n == 0)
		return ENOMEM;
	uio.uio_iovcnt = n;
	error = file_transfer(in, &uio, off, 0, ret_done);
	left = error == 0 ? *ret_done : 0;
	for (size_t i = 0; i < n; i++) {
		size_t fill = left < PAGE_SIZE ? left : PAGE_SIZE;

		if (fill > 0)
			pipe_push_locked(pi, page[i], fill)->ps_sealed = true;
		else
			pipe_putpage_locked(pi, page[i]);
		left -= fill;
	}
	return error;
}

int
pipe_splice_in(struct pipe *pi, struct file *in, int64_t *off, size_t len,
    bool nonblock, size_t *ret_done)
{
	int error;

	mutex_enter(&pi->pi_lock);
	error = pipe_wait_room_locked(pi, nonblock);
	if (error == 0)
		error = pipe_accept_locked(pi, in, off, len, ret_done);
	pipe_passon_locked(pi);
	mutex_exit(&pi->pi_lock);
	if (error == 0)
		pipe_tell_readers(pi);
	return pipe_broken(error);
}

/* --- from pipe to pipe ----------------------------------------------------------- */

static void
pipe_lock_both(struct pipe *a, struct pipe *b)
    ACQUIRES(a->pi_lock, b->pi_lock) NO_THREAD_SAFETY
{
	mutex_enter(a < b ? &a->pi_lock : &b->pi_lock);
	mutex_enter(a < b ? &b->pi_lock : &a->pi_lock);
}

static void
pipe_unlock_both(struct pipe *a, struct pipe *b)
    RELEASES(a->pi_lock, b->pi_lock) NO_THREAD_SAFETY
{
	mutex_exit(&a->pi_lock);
	mutex_exit(&b->pi_lock);
}

/* Waits for bytes here and for room there, one after the other. */
static int
pipe_wait_both(struct pipe *from, struct pipe *to, bool nonblock)
{
	int error;

	mutex_enter(&from->pi_lock);
	error = pipe_wait_data_locked(from, nonblock);
	mutex_exit(&from->pi_lock);
	if (error)
		return error;
	return pipe_wait_room(to, nonblock);
}

/* The first len bytes of slot to the end of "to", which has room. */
static int
slot_copy_locked(const struct pipeslot *slot, struct pipe *to, size_t len)
    REQUIRES(to->pi_lock)
{
	uint8_t *page = pipe_getpage_locked(to);
	struct pipeslot *copy;

	if (page == NULL)
		return ENOMEM;
	memcpy(page, slot->ps_page + slot->ps_off, len);
	copy = pipe_push_locked(to, page, len);
	copy->ps_packet = slot->ps_packet;
	copy->ps_sealed = true;
	return 0;
}

/* The first slot of "from" becomes the last of "to". */
static void
slot_move_locked(struct pipe *from, struct pipe *to)
    REQUIRES(from->pi_lock) REQUIRES(to->pi_lock)
{
	struct pipeslot *slot = pipe_slot_locked(from, from->pi_tail);

	*pipe_slot_locked(to, to->pi_head++) = *slot;
	slot->ps_page = NULL;
	from->pi_tail++;
}

/* As much as there is and fits; *ret_done counts also if memory runs out. */
static int
pipe_move_locked(struct pipe *from, struct pipe *to, size_t len, bool copy,
    size_t *ret_done) REQUIRES(from->pi_lock) REQUIRES(to->pi_lock)
{
	uint32_t n = from->pi_tail;
	size_t done = 0, chunk;
	int error = 0;

	while (done < len && n != from->pi_head && !pipe_full_locked(to)) {
		struct pipeslot *slot = pipe_slot_locked(from, n++);

		chunk = slot->ps_len < len - done ? slot->ps_len : len - done;
		if (!copy && chunk == slot->ps_len)
			slot_move_locked(from, to);
		else {
			error = slot_copy_locked(slot, to, chunk);
			if (error)
				break;
			if (!copy)
				pipe_consume_locked(from, chunk);
		}
		done += chunk;
	}
	*ret_done = done;
	return done > 0 ? 0 : error;
}

int
pipe_splice(struct pipe *from, struct pipe *to, size_t len, bool nonblock,
    bool copy, size_t *ret_done)
{
	bool full, over;
	int error;

	for (;;) {
		error = pipe_wait_both(from, to, nonblock);
		if (error)
			return error;
		pipe_lock_both(from, to);
		full = pipe_full_locked(from);
		if (to->pi_readers == 0) {
			*ret_done = 0;
			error = EPIPE;
		} else
			error = pipe_move_locked(from, to, len, copy, ret_done);
		/* Somebody may have been faster than we were. */
		over = error != 0 || *ret_done > 0 ||
		    (pipe_used_locked(from) == 0 && from->pi_writers == 0);
		full = full && !pipe_full_locked(from);
		pipe_passon_locked(from);
		pipe_passon_locked(to);
		pipe_unlock_both(from, to);
		if (over)
			break;
	}
	if (full)
		pipe_tell_writers(from);
	if (*ret_done > 0)
		pipe_tell_readers(to);
	return pipe_broken(error);
}
