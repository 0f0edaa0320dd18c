/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * poll.c - poll and ppoll, and the waiting that select shares with them
 *
 * A waiter looks at each file and, as long as none was ready, leaves a watch
 * at its sources.  If all were looked at in vain it sleeps until a watch is
 * told, looks again, and so on.  The files stay referenced until the watches
 * are gone.
 *
 * Locking: pollsrc -> po_lock.
 *
 * References: poll(2).
 */

#include <sys/poll.h>

#include <abi/sysargs.h>
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/idle.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/proc.h>

#include "poll_impl.h"

#define POLL_ALWAYS	(POLLERR | POLLHUP)
#define POLL_DEFAULT	(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define POLL_FASTENTS	8	/* descriptors that need no allocation */
#define POLL_CHUNK	30	/* watches in one allocation */
#define SIGSET_SIZE	8

struct waitwatch {
	struct pollwatch ww_watch;	/* pw_arg: the waiter */
	uint32_t	 ww_events;	/* that make it look again */
};

struct watchchunk {
	struct watchchunk *wc_next;
	struct waitwatch wc_watch[POLL_CHUNK];
};

/*
 * On the stack of the one who waits.
 * Field key:	o  the waiting thread only	l  po_lock
 */
struct poller {
	struct pollreg	 po_reg;
	kmutex_t	 po_lock;
	kcondvar_t	 po_cv;
	bool		 po_told;	/* l */
	int		 po_error;	/* o: no room for a watch */
	uint32_t	 po_events;	/* o: of the file being looked at */
	unsigned int	 po_nfast;	/* o */
	unsigned int	 po_nchunk;	/* o: used in the first chunk */
	struct watchchunk *po_chunks;	/* o */
	struct waitwatch po_fast[POLL_FASTENTS];	/* o */
};

/* --- watches --------------------------------------------------------------- */

static bool
poller_wake(struct pollwatch *pw, uint32_t events)
{
	struct waitwatch *ww = container_of(pw, struct waitwatch, ww_watch);
	struct poller *po = pw->pw_arg;

	if (events != 0 && (events & ww->ww_events) == 0)
		return false;
	mutex_enter(&po->po_lock);
	po->po_told = true;
	cv_signal(&po->po_cv);
	mutex_exit(&po->po_lock);
	return true;
}

static struct waitwatch *
poller_newwatch(struct poller *po)
{
	struct watchchunk *wc = po->po_chunks;

	if (po->po_nfast < POLL_FASTENTS)
		return &po->po_fast[po->po_nfast++];
	if (wc == NULL || po->po_nchunk == POLL_CHUNK) {
		wc = kmem_alloc(sizeof(*wc), KM_SLEEP);
		if (wc == NULL)
			return NULL;
		wc->wc_next = po->po_chunks;
		po->po_chunks = wc;
		po->po_nchunk = 0;
	}
	return &wc->wc_watch[po->po_nchunk++];
}

static void
poller_register(struct pollreg *pr, struct pollsrc *src)
{
	struct poller *po = container_of(pr, struct poller, po_reg);
	struct waitwatch *ww = poller_newwatch(po);

	if (ww == NULL) {
		po->po_error = ENOMEM;
		return;
	}
	ww->ww_events = po->po_events | POLL_ALWAYS | POLLNVAL | POLLFREE;
	ww->ww_watch = (struct pollwatch){
		.pw_wake = poller_wake, .pw_arg = po,
	};
	list_node_init(&ww->ww_watch.pw_link);
	pollsrc_watch(src, &ww->ww_watch);
}

static void
poller_init(struct poller *po)
{
	po->po_reg.pr_register = poller_register;
	mutex_init(&po->po_lock, "poller");
	cv_init(&po->po_cv, "poll");
	po->po_told = false;
	po->po_error = 0;
	po->po_nfast = po->po_nchunk = 0;
	po->po_chunks = NULL;
}

static void
poller_fini(struct poller *po)
{
	struct watchchunk *wc;

	for (unsigned int i = 0; i < po->po_nfast; i++)
		pollsrc_unwatch(&po->po_fast[i].ww_watch);
	while ((wc = po->po_chunks) != NULL) {
		for (unsigned int i = 0; i < po->po_nchunk; i++)
			pollsrc_unwatch(&wc->wc_watch[i].ww_watch);
		po->po_chunks = wc->wc_next;
		po->po_nchunk = POLL_CHUNK;
		kmem_free(wc, sizeof(*wc));
	}
	cv_destroy(&po->po_cv);
	mutex_destroy(&po->po_lock);
}

/* --- looking and sleeping ---------------------------------------------------- */

static int
pollent_open(struct pollent *pe, bool strict)
{
	pe->pe_file = NULL;
	pe->pe_got = 0;
	if (pe->pe_fd < 0 || fd_get_nopath(pe->pe_fd, &pe->pe_file) == 0)
		return 0;
	pe->pe_got = POLLNVAL;
	return strict ? EBADF : 0;
}

/* All of them, or none with an error. */
static int
pollents_open(struct pollent *pe, size_t n, bool strict)
{
	int error;

	for (size_t i = 0; i < n; i++) {
		error = pollent_open(&pe[i], strict);
		if (error == 0)
			continue;
		while (i-- > 0)
			if (pe[i].pe_file != NULL)
				fd_put(pe[i].pe_file);
		return error;
	}
	return 0;
}

static void
pollents_close(struct pollent *pe, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (pe[i].pe_file != NULL)
			fd_put(pe[i].pe_file);
}

/* Looks at all; leaves watches, if po is given, until one is ready. */
static unsigned int
pollents_look(struct pollent *pe, size_t n, struct poller *po)
{
	unsigned int ready = 0;
	uint32_t events;

	for (size_t i = 0; i < n; i++, pe++) {
		if (pe->pe_file == NULL) {
			ready += pe->pe_got != 0;	/* POLLNVAL */
			continue;
		}
		if (ready > 0)
			po = NULL;
		if (po != NULL)
			po->po_events = pe->pe_want;
		events = POLL_DEFAULT;
		if (pe->pe_file->f_ops->fo_poll != NULL)
			events = pe->pe_file->f_ops->fo_poll(pe->pe_file,
			    po != NULL ? &po->po_reg : NULL);
		pe->pe_got = events & pe->pe_want;
		ready += pe->pe_got != 0;
	}
	return ready;
}

/* ETIMEDOUT, EINTR. */
static int
poller_sleep(struct poller *po, int64_t deadline)
{
	int error = 0;

	mutex_enter(&po->po_lock);
	while (!po->po_told && error == 0)
		error = cv_timedwait_sig_idle(&po->po_cv, &po->po_lock, deadline);
	if (po->po_told)
		error = 0;
	po->po_told = false;
	mutex_exit(&po->po_lock);
	return error;
}

static int
poll_loop(struct pollent *pe, size_t n, int64_t deadline,
    unsigned int *ret_ready)
{
	struct poller po;
	unsigned int ready;
	int error;

	poller_init(&po);
	ready = pollents_look(pe, n, &po);
	error = ready > 0 ? 0 : po.po_error;
	while (ready == 0 && error == 0) {
		error = poller_sleep(&po, deadline);
		ready = pollents_look(pe, n, NULL);
	}
	poller_fini(&po);
	if (ready == 0 && error != 0 && error != ETIMEDOUT)
		return error;
	*ret_ready = ready;
	return 0;
}

int
poll_wait(struct pollent *pe, size_t n, bool strict, int64_t deadline,
    unsigned int *ret_ready)
{
	int error;

	error = pollents_open(pe, n, strict);
	if (error)
		return error;
	if (deadline != POLL_NOWAIT) {
		error = poll_loop(pe, n, deadline, ret_ready);
	} else {
		*ret_ready = pollents_look(pe, n, NULL);
		if (*ret_ready == 0) {
			idle_poll();
			*ret_ready = pollents_look(pe, n, NULL);
		}
	}
	pollents_close(pe, n);
	return error;
}

/* --- times and masks --------------------------------------------------------- */

int
poll_sigmask_check(const void *usigmask, size_t sigsetsize)
{
	uint64_t mask;

	if (usigmask == NULL)
		return 0;
	if (sigsetsize != SIGSET_SIZE)
		return EINVAL;
	return copyin(usigmask, &mask, sizeof(mask));
}

int
poll_deadline(const struct __kernel_timespec *uts, int64_t *ret_deadline)
{
	struct __kernel_timespec kts;
	struct timespec64 ts;
	int64_t ns;
	int error;

	*ret_deadline = KTIME_NEVER;
	if (uts == NULL)
		return 0;
	error = copyin(uts, &kts, sizeof(kts));
	if (error)
		return error;
	ts.tv_sec = kts.tv_sec;
	ts.tv_nsec = kts.tv_nsec;
	error = ktime_from_timespec(&ts, &ns);
	if (error)
		return error;
	*ret_deadline = ns == 0 ? POLL_NOWAIT : ktime_deadline(ns);
	return 0;
}

int64_t
poll_remaining(int64_t deadline)
{
	int64_t now;

	if (deadline == POLL_NOWAIT)
		return 0;
	now = clock_mono();
	return deadline > now ? deadline - now : 0;
}

/* The time is a courtesy: that it cannot be stored does not matter. */
void
poll_putremaining(struct __kernel_timespec *uts, int64_t deadline)
{
	struct __kernel_timespec kts;
	struct timespec64 ts;

	if (uts == NULL)
		return;
	ts = ktime_to_timespec(poll_remaining(deadline));
	kts.tv_sec = ts.tv_sec;
	kts.tv_nsec = ts.tv_nsec;
	if (copyout(&kts, uts, sizeof(kts)) != 0)
		return;
}

/* --- the calls --------------------------------------------------------------- */

static int
pollfds_in(const struct pollfd *ufds, struct pollfd *pf, struct pollent *pe,
    size_t n)
{
	int error;

	error = n > 0 ? copyin(ufds, pf, n * sizeof(*pf)) : 0;
	if (error)
		return error;
	for (size_t i = 0; i < n; i++) {
		pe[i].pe_fd = pf[i].fd;
		pe[i].pe_want = (uint16_t)pf[i].events | POLL_ALWAYS;
	}
	return 0;
}

static int
pollfds_out(struct pollfd *ufds, struct pollfd *pf, const struct pollent *pe,
    size_t n)
{
	for (size_t i = 0; i < n; i++)
		pf[i].revents = (short)pe[i].pe_got;
	return n > 0 ? copyout(pf, ufds, n * sizeof(*pf)) : 0;
}

static int
poll_with(struct pollfd *ufds, struct pollfd *pf, struct pollent *pe, size_t n,
    int64_t deadline, long *ret)
{
	unsigned int ready;
	int error;

	error = pollfds_in(ufds, pf, pe, n);
	if (error)
		return error;
	error = poll_wait(pe, n, false, deadline, &ready);
	if (error)
		return error;
	error = pollfds_out(ufds, pf, pe, n);
	if (error == 0)
		*ret = ready;
	return error;
}

static int
do_poll(struct pollfd *ufds, unsigned int nfds, int64_t deadline, long *ret)
{
	struct pollfd pf[POLL_FASTENTS], *pfs;
	struct pollent pe[POLL_FASTENTS], *pes;
	int error = ENOMEM;

	if (nfds > proc_rlimit(curproc(), RLIMIT_NOFILE))
		return EINVAL;
	if (nfds <= POLL_FASTENTS)
		return poll_with(ufds, pf, pe, nfds, deadline, ret);
	pfs = kmem_alloc(nfds * sizeof(*pfs), KM_SLEEP);
	pes = kmem_alloc(nfds * sizeof(*pes), KM_SLEEP);
	if (pfs != NULL && pes != NULL)
		error = poll_with(ufds, pfs, pes, nfds, deadline, ret);
	kmem_free(pfs, nfds * sizeof(*pfs));
	kmem_free(pes, nfds * sizeof(*pes));
	return error;
}

int
sys_poll(struct lwp *l, struct pollfd *fds, unsigned int nfds, int timeout,
    long *ret)
{
	int64_t deadline = KTIME_NEVER;

	if (timeout == 0)
		deadline = POLL_NOWAIT;
	else if (timeout > 0)
		deadline = ktime_deadline(timeout * (NSEC_PER_SEC / 1000));
	return do_poll(fds, nfds, deadline, ret);
}

int
sys_ppoll(struct lwp *l, struct pollfd *fds, unsigned int nfds,
    struct __kernel_timespec *timeout, const unsigned long *sigmask,
    size_t sigsetsize, long *ret)
{
	int64_t deadline;
	int error;

	error = poll_deadline(timeout, &deadline);
	if (error)
		return error;
	error = poll_sigmask_check(sigmask, sigsetsize);
	if (error)
		return error;
	error = do_poll(fds, nfds, deadline, ret);
	poll_putremaining(timeout, deadline);
	return error;
}
