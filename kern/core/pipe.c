/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pipe.c - what goes through pipes and FIFOs
 *
 * A pipe is a ring of slots, each of which holds up to a page of bytes.  A
 * write goes into the last slot if all of its odd part fits there, and into
 * fresh slots otherwise; hence one of at most PIPE_BUF bytes is never split,
 * and a reader sees it whole.  With O_DIRECT each slot is a packet: nothing is
 * added to it, and what a read does not take of it is lost.
 *
 * The ring is full when all slots are in use, though there may be room in the
 * pages: so a client that fills a pipe in small steps gets as far as on Linux.
 *
 * How a pipe and its ends come and go is told in pipe_ends.c, what moves slots between
 * pipes and files in pipe_splice.c.
 *
 * Locking: file offset -> pi_lock -> pollsrc.  Copies from and to the client
 * run under pi_lock, as they must be atomic to others.
 *
 * References: pipe(7), pipe2(2).
 */

#include <sys/pipe.h>

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/uio.h>

#include "pipe_impl.h"

/* --- slots ----------------------------------------------------------------- */

uint8_t *
pipe_getpage_locked(struct pipe *pi)
{
	uint8_t *page;

	for (int i = 0; i < PIPE_NSPARE; i++) {
		page = pi->pi_spare[i];
		if (page != NULL) {
			pi->pi_spare[i] = NULL;
			return page;
		}
	}
	return kmem_alloc(PAGE_SIZE, KM_SLEEP);
}

void
pipe_putpage_locked(struct pipe *pi, uint8_t *page)
{
	for (int i = 0; i < PIPE_NSPARE; i++) {
		if (pi->pi_spare[i] == NULL) {
			pi->pi_spare[i] = page;
			return;
		}
	}
	kmem_free(page, PAGE_SIZE);
}

struct pipeslot *
pipe_push_locked(struct pipe *pi, uint8_t *page, size_t len)
{
	struct pipeslot *slot = pipe_slot_locked(pi, pi->pi_head);

	KASSERT(!pipe_full_locked(pi));
	*slot = (struct pipeslot){ .ps_page = page, .ps_len = (uint32_t)len };
	pi->pi_head++;
	return slot;
}

void
pipe_consume_locked(struct pipe *pi, size_t len)
{
	struct pipeslot *slot = pipe_slot_locked(pi, pi->pi_tail);

	KASSERT(len <= slot->ps_len);
	slot->ps_off += (uint32_t)len;
	slot->ps_len -= (uint32_t)len;
	if (slot->ps_len > 0)
		return;
	pipe_putpage_locked(pi, slot->ps_page);
	slot->ps_page = NULL;
	pi->pi_tail++;
}

/*
 * Moves a chunk whole or not at all: after a fault in the middle the uio
 * says that nothing of it was moved.
 */
static int
pipe_move(void *kaddr, size_t len, struct uio *uio)
{
	size_t resid = uio->uio_resid;
	int error;

	error = uio_move(kaddr, len, uio);
	if (error)
		uio->uio_resid = resid;
	return error;
}

static bool
pipe_nonblock(const struct file *fp, int flags)
{
	return (file_flags(fp) & O_NONBLOCK) != 0 || (flags & RWF_NOWAIT) != 0;
}

/* --- reading --------------------------------------------------------------- */

/* Takes what it can from the first slot; *ret_packet: it was one. */
static int
pipe_take_locked(struct pipe *pi, struct uio *uio, bool *ret_packet)
    REQUIRES(pi->pi_lock)
{
	struct pipeslot *slot = pipe_slot_locked(pi, pi->pi_tail);
	size_t len = slot->ps_len < uio->uio_resid ? slot->ps_len :
	    uio->uio_resid;
	int error;

	error = pipe_move(slot->ps_page + slot->ps_off, len, uio);
	if (error)
		return error;
	*ret_packet = slot->ps_packet;
	pipe_consume_locked(pi, slot->ps_packet ? slot->ps_len : len);
	return 0;
}

/* All that is there and fits; *ret_room: it was full and no longer is. */
static int
pipe_drain_locked(struct pipe *pi, struct uio *uio, bool *ret_room)
    REQUIRES(pi->pi_lock)
{
	bool full = pipe_full_locked(pi), packet = false;
	int error = 0;

	while (error == 0 && !packet && uio->uio_resid > 0 &&
	    pipe_used_locked(pi) > 0)
		error = pipe_take_locked(pi, uio, &packet);
	if (full && !pipe_full_locked(pi)) {
		*ret_room = true;
		cv_signal(&pi->pi_writable);
	}
	return error;
}

int
pipe_file_read(struct file *fp, struct uio *uio, int flags)
{
	struct pipe *pi = fp->f_data;
	size_t want = uio->uio_resid;
	bool room = false;
	int error = 0;

	if (want == 0)
		return 0;
	mutex_enter(&pi->pi_lock);
	KASSERT(pipe_ok_locked(pi));
	for (;;) {
		error = pipe_drain_locked(pi, uio, &room);
		if (error || uio->uio_resid != want || pi->pi_writers == 0)
			break;
		if (pipe_used_locked(pi) > 0)
			break;			/* an empty packet */
		if (pipe_nonblock(fp, flags)) {
			error = EAGAIN;
			break;
		}
		error = cv_wait_sig(&pi->pi_readable, &pi->pi_lock);
		if (error) {
			error = ERESTART;
			break;
		}
	}
	/* A wake-up that was for us may have been meant for two. */
	if (pipe_used_locked(pi) > 0)
		cv_signal(&pi->pi_readable);
	mutex_exit(&pi->pi_lock);
	if (room)
		pollsrc_wake(&pi->pi_wsrc, EPOLLOUT | EPOLLWRNORM);
	return error;
}

/* --- writing --------------------------------------------------------------- */

/*
 * Adds the odd part of the write to the last slot, if all of it fits.  What
 * counts is the slot: a packet may go into one that was spliced from a stream.
 */
static int
pipe_append_locked(struct pipe *pi, struct uio *uio) REQUIRES(pi->pi_lock)
{
	size_t len = uio->uio_resid % PAGE_SIZE;
	struct pipeslot *slot;
	int error;

	if (len == 0 || pipe_used_locked(pi) == 0)
		return 0;
	slot = pipe_slot_locked(pi, pi->pi_head - 1);
	if (slot->ps_sealed || slot->ps_off + slot->ps_len + len > PAGE_SIZE)
		return 0;
	error = pipe_move(slot->ps_page + slot->ps_off + slot->ps_len, len, uio);
	if (error == 0)
		slot->ps_len += (uint32_t)len;
	return error;
}

static int
pipe_newslot_locked(struct pipe *pi, struct uio *uio, bool packet)
    REQUIRES(pi->pi_lock)
{
	size_t len = uio->uio_resid < PAGE_SIZE ? uio->uio_resid : PAGE_SIZE;
	struct pipeslot *slot;
	uint8_t *page;
	int error;

	page = pipe_getpage_locked(pi);
	if (page == NULL)
		return ENOMEM;
	error = pipe_move(page, len, uio);
	if (error) {
		pipe_putpage_locked(pi, page);
		return error;
	}
	slot = pipe_push_locked(pi, page, len);
	slot->ps_packet = slot->ps_sealed = packet;
	return 0;
}

/* Fills free slots until all is written or none is left. */
static int
pipe_fill_locked(struct pipe *pi, struct uio *uio, bool packet)
    REQUIRES(pi->pi_lock)
{
	int error = 0;

	while (error == 0 && uio->uio_resid > 0 && !pipe_full_locked(pi))
		error = pipe_newslot_locked(pi, uio, packet);
	return error;
}

/* The loop of a write; pi_lock is dropped while it sleeps or wakes others. */
static int
pipe_write_locked(struct pipe *pi, struct uio *uio, bool packet, bool nonblock)
    REQUIRES(pi->pi_lock)
{
	size_t before;
	int error = 0;

	if (pi->pi_readers > 0)
		error = pipe_append_locked(pi, uio);
	while (error == 0 && uio->uio_resid > 0) {
		if (pi->pi_readers == 0)
			return EPIPE;
		before = uio->uio_resid;
		error = pipe_fill_locked(pi, uio, packet);
		if (error || uio->uio_resid == 0)
			break;
		if (nonblock)
			return EAGAIN;
		if (uio->uio_resid != before) {
			cv_signal(&pi->pi_readable);
			mutex_exit(&pi->pi_lock);
			pollsrc_wake(&pi->pi_rsrc, EPOLLIN | EPOLLRDNORM);
			mutex_enter(&pi->pi_lock);
		}
		while (error == 0 && pipe_full_locked(pi) && pi->pi_readers > 0)
			error = cv_wait_sig(&pi->pi_writable, &pi->pi_lock) ?
			    ERESTART : 0;
	}
	return error == 0 && pi->pi_readers == 0 && uio->uio_resid > 0 ?
	    EPIPE : error;
}

int
pipe_file_write(struct file *fp, struct uio *uio, int flags)
{
	struct pipe *pi = fp->f_data;
	bool packet = (file_flags(fp) & O_DIRECT) != 0;
	size_t want = uio->uio_resid;
	int error;

	if (want == 0)
		return 0;
	mutex_enter(&pi->pi_lock);
	KASSERT(pipe_ok_locked(pi));
	if (pi->pi_readers == 0)
		error = EPIPE;
	else
		error = pipe_write_locked(pi, uio, packet,
		    pipe_nonblock(fp, flags));
	if (uio->uio_resid != want)
		cv_signal(&pi->pi_readable);
	if (!pipe_full_locked(pi))
		cv_signal(&pi->pi_writable);
	mutex_exit(&pi->pi_lock);
	/* Each write is an edge, even one for which there was no room. */
	pollsrc_wake(&pi->pi_rsrc, EPOLLIN | EPOLLRDNORM);
	if (error == EPIPE)
		signal_raise(curproc(), PIPE_SIGNAL);
	return error;
}

/* --- the rest of the operations ---------------------------------------------- */

uint32_t
pipe_file_poll(struct file *fp, struct pollreg *pr)
{
	struct pipe *pi = fp->f_data;
	uint32_t events = 0;

	if (file_readable(fp))
		poll_register(pr, &pi->pi_rsrc);
	if (file_writable(fp))
		poll_register(pr, &pi->pi_wsrc);
	mutex_enter(&pi->pi_lock);
	if (file_readable(fp)) {
		if (pipe_used_locked(pi) > 0)
			events |= EPOLLIN | EPOLLRDNORM;
		if (pi->pi_writers == 0 &&
		    (uint32_t)fp->f_off != pi->pi_wopens)
			events |= EPOLLHUP;
	}
	if (file_writable(fp)) {
		if (!pipe_full_locked(pi))
			events |= EPOLLOUT | EPOLLWRNORM;
		if (pi->pi_readers == 0)
			events |= EPOLLERR;
	}
	mutex_exit(&pi->pi_lock);
	return events;
}

static size_t
pipe_bytes_locked(struct pipe *pi) REQUIRES(pi->pi_lock)
{
	size_t bytes = 0;

	for (uint32_t n = pi->pi_tail; n != pi->pi_head; n++)
		bytes += pipe_slot_locked(pi, n)->ps_len;
	return bytes;
}

int
pipe_file_ioctl(struct file *fp, unsigned long cmd, void *uarg, long *ret)
{
	struct pipe *pi = fp->f_data;
	int bytes;

	if (cmd != FIONREAD)
		return ENOTTY;
	mutex_enter(&pi->pi_lock);
	bytes = (int)pipe_bytes_locked(pi);
	mutex_exit(&pi->pi_lock);
	return copyout(&bytes, uarg, sizeof(bytes));
}

/* All modes are fine, O_DIRECT included. */
int
pipe_file_setfl(struct file *fp, unsigned int newflags)
{
	return 0;
}

struct pipe *
pipe_of_file(const struct file *fp)
{
	return fp->f_ops->fo_poll == pipe_file_poll ? fp->f_data : NULL;
}
