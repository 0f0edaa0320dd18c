/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * workqueue.c - work for threads of its own
 *
 * A queue starts a thread when work comes and all it has are busy, up to
 * its limit; threads stay until the queue is destroyed.  An item may be
 * queued again, or freed, as soon as its function has begun.
 *
 * If the host has no thread to give, the work stays queued: the next
 * workqueue_enqueue() tries again, and workqueue_drain() and _destroy() do
 * the work themselves rather than wait for nobody.
 *
 * Locking: wq_lock protects the whole queue; w_queued of an item too.
 */

#include <sys/ktime.h>

#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/mutex.h>

#define WORKQUEUE_MAXTHREADS	64

struct workqueue {
	const char	*wq_name;	/* c */
	kmutex_t	 wq_lock;
	kcondvar_t	 wq_cv;		/* work came, or the end */
	kcondvar_t	 wq_idle;	/* nothing queued, nothing running */
	struct list	 wq_work;	/* wq_lock */
	unsigned int	 wq_max;	/* c */
	unsigned int	 wq_nthreads;	/* wq_lock */
	unsigned int	 wq_nqueued;	/* wq_lock: items in wq_work */
	unsigned int	 wq_nwaiting;	/* wq_lock: threads without work */
	unsigned int	 wq_nrunning;	/* wq_lock: items */
	bool		 wq_ending;	/* wq_lock */
	struct kthread	*wq_thread[];	/* wq_lock */
};

int
workqueue_create(const char *name, unsigned int nthreads,
    struct workqueue **ret_wq)
{
	struct workqueue *wq;

	if (nthreads < 1 || nthreads > WORKQUEUE_MAXTHREADS)
		return EINVAL;
	wq = kmem_zalloc(sizeof(*wq) + nthreads * sizeof(wq->wq_thread[0]),
	    KM_SLEEP);
	if (wq == NULL)
		return ENOMEM;
	wq->wq_name = name;
	wq->wq_max = nthreads;
	mutex_init(&wq->wq_lock, "workqueue");
	cv_init(&wq->wq_cv, "workqueue");
	cv_init(&wq->wq_idle, "workqueue idle");
	list_init(&wq->wq_work);
	*ret_wq = wq;
	return 0;
}

void
work_init(struct work *w, void (*fn)(struct work *))
{
	list_node_init(&w->w_link);
	w->w_fn = fn;
	w->w_queued = 0;
}

/* Runs the first item; the lock is dropped meanwhile. */
static void
work_run_locked(struct workqueue *wq) REQUIRES(wq->wq_lock)
{
	struct work *w = container_of(list_first(&wq->wq_work), struct work,
	    w_link);

	list_remove(&w->w_link);
	w->w_queued = 0;
	wq->wq_nqueued--;
	wq->wq_nrunning++;
	mutex_exit(&wq->wq_lock);
	w->w_fn(w);
	mutex_enter(&wq->wq_lock);
	wq->wq_nrunning--;
	if (wq->wq_nrunning == 0 && list_empty(&wq->wq_work))
		cv_broadcast(&wq->wq_idle);
}

static void
workqueue_thread(void *arg)
{
	struct workqueue *wq = arg;

	mutex_enter(&wq->wq_lock);
	for (;;) {
		if (!list_empty(&wq->wq_work)) {
			work_run_locked(wq);
			continue;
		}
		if (wq->wq_ending)
			break;
		wq->wq_nwaiting++;
		cv_wait(&wq->wq_cv, &wq->wq_lock);
		wq->wq_nwaiting--;
	}
	mutex_exit(&wq->wq_lock);
}

/* True: another thread should be started; its place is taken already. */
static bool
workqueue_grow_locked(struct workqueue *wq) REQUIRES(wq->wq_lock)
{
	if (wq->wq_nqueued <= wq->wq_nwaiting || wq->wq_nthreads == wq->wq_max)
		return false;
	wq->wq_nthreads++;
	return true;
}

/*
 * Starts the thread for which a place was taken.  Threads are kept without
 * order, so that a failure leaves no hole.
 */
static void
workqueue_start(struct workqueue *wq)
{
	struct kthread *kt;
	int error;

	error = kthread_create(workqueue_thread, wq, wq->wq_name, &kt);
	mutex_enter(&wq->wq_lock);
	if (error) {
		wq->wq_nthreads--;
		cv_broadcast(&wq->wq_idle);	/* who drains may have to work */
	} else {
		unsigned int i = 0;

		while (wq->wq_thread[i] != NULL)
			i++;
		wq->wq_thread[i] = kt;
	}
	mutex_exit(&wq->wq_lock);
}

bool
workqueue_enqueue(struct workqueue *wq, struct work *w)
{
	bool grow;

	mutex_enter(&wq->wq_lock);
	KASSERT(!wq->wq_ending);
	if (w->w_queued) {
		mutex_exit(&wq->wq_lock);
		return false;
	}
	w->w_queued = 1;
	list_insert_tail(&wq->wq_work, &w->w_link);
	wq->wq_nqueued++;
	grow = workqueue_grow_locked(wq);
	if (!grow)
		cv_signal(&wq->wq_cv);
	mutex_exit(&wq->wq_lock);
	if (grow)
		workqueue_start(wq);
	return true;
}

void
workqueue_drain(struct workqueue *wq)
{
	mutex_enter(&wq->wq_lock);
	while (!list_empty(&wq->wq_work) || wq->wq_nrunning != 0) {
		if (wq->wq_nthreads == 0 && !list_empty(&wq->wq_work))
			work_run_locked(wq);
		else
			cv_wait(&wq->wq_idle, &wq->wq_lock);
	}
	mutex_exit(&wq->wq_lock);
}

void
workqueue_destroy(struct workqueue *wq)
{
	if (wq == NULL)
		return;
	workqueue_drain(wq);
	mutex_enter(&wq->wq_lock);
	wq->wq_ending = true;
	cv_broadcast(&wq->wq_cv);
	mutex_exit(&wq->wq_lock);
	for (unsigned int i = 0; i < wq->wq_max; i++) {
		if (wq->wq_thread[i] != NULL)
			kthread_join(wq->wq_thread[i]);
	}
	KASSERT(list_empty(&wq->wq_work));
	cv_destroy(&wq->wq_cv);
	cv_destroy(&wq->wq_idle);
	mutex_destroy(&wq->wq_lock);
	kmem_free(wq, sizeof(*wq) + wq->wq_max * sizeof(wq->wq_thread[0]));
}
