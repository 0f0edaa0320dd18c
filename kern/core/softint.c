/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * softint.c - work that runs before its vCPU leaves the kernel
 *
 * softint_schedule() puts the soft interrupt on the list of the calling
 * seat.  At the end of a system call, when the thread holds no lock, leaving
 * the seat runs the list, and what is scheduled meanwhile.  A thread that
 * blocks in the middle cannot: it may hold the very locks that the functions
 * want.  It passes the list on to a thread, which was started with the first
 * soft interrupt that was made.
 *
 * The same soft interrupt may be pending on several seats and run on
 * several threads at once.
 *
 * Locking
 *	The list of a seat and si_seat[] belong to its holder.  What was
 *	passed on is protected by passed_lock, which spins, because a thread
 *	on its way to sleep must not sleep for something else.
 */

#include <sys/ktime.h>

#include <rump/rumpuser.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/mutex.h>
#include <sys/qsbr.h>

#include "kmem_impl.h"
#include "vcpu_impl.h"

struct softint {
	void		(*si_fn)(void *);	/* c */
	void		*si_arg;		/* c */
	struct list_node si_passed;		/* passed_lock */
	unsigned int	 si_busy;		/* a: running or passed on */
	/* One line a seat: those of others are never touched. */
	struct softint_seat {
		struct softint	*ss_softint;	/* c */
		struct softint_seat *ss_next;	/* s */
		bool		 ss_pending;	/* s */
	} __aligned_to(CACHE_LINE) si_seat[];
};

static struct kspin passed_lock;
static struct list passed = LIST_INITIALIZER(passed);	/* passed_lock */
static uint32_t passed_seq;		/* a: grows when something is passed on */

static kmutex_t start_lock = { .m_name = "softint start" };
static bool passed_started;		/* start_lock */

void
softint_schedule(struct softint *si)
{
	struct vcpu *vc = curlwp()->l_cpu;
	struct softint_seat *ss = &si->si_seat[vc->vc_index];

	if (ss->ss_pending)
		return;
	ss->ss_pending = true;
	ss->ss_next = vc->vc_softint;
	vc->vc_softint = ss;
}

/* The list of a seat, in the order in which it was scheduled. */
static struct softint_seat *
seat_take(struct vcpu *vc)
{
	struct softint_seat *ss = vc->vc_softint, *next, *list = NULL;

	vc->vc_softint = NULL;
	for (; ss != NULL; ss = next) {
		next = ss->ss_next;
		ss->ss_next = list;
		list = ss;
	}
	return list;
}

/* Runs what the calling seat has; a function may sleep, if not for long. */
void
softint_run(void)
{
	struct softint_seat *ss, *next;

	for (ss = seat_take(curlwp()->l_cpu); ss != NULL; ss = next) {
		struct softint *si = ss->ss_softint;

		next = ss->ss_next;
		ss->ss_pending = false;
		atomic_add(&si->si_busy, 1);
		si->si_fn(si->si_arg);
		(void)atomic_sub_rel(&si->si_busy, 1);
	}
}

/* --- passed on ----------------------------------------------------------- */

void
softint_passon(struct vcpu *vc)
{
	struct softint_seat *ss, *next;

	for (ss = seat_take(vc); ss != NULL; ss = next) {
		struct softint *si = ss->ss_softint;

		next = ss->ss_next;
		ss->ss_pending = false;
		kspin_enter(&passed_lock);
		if (!list_onlist(&si->si_passed)) {
			atomic_add(&si->si_busy, 1);
			list_insert_tail(&passed, &si->si_passed);
		}
		kspin_exit(&passed_lock);
	}
	atomic_add(&passed_seq, 1);
	(void)rumpuser_unpark(&passed_seq, 1, 0);
}

static struct softint *
passed_take(void)
{
	struct list_node *n;

	kspin_enter(&passed_lock);
	n = list_first(&passed);
	if (n != NULL)
		list_remove(n);
	kspin_exit(&passed_lock);
	return n != NULL ? container_of(n, struct softint, si_passed) : NULL;
}

static void __noreturn
passed_main(void *arg __unused_arg)
{
	struct softint *si;
	uint32_t seq;

	for (;;) {
		seq = atomic_load_acq(&passed_seq);
		si = passed_take();
		if (si != NULL) {
			si->si_fn(si->si_arg);
			(void)atomic_sub_rel(&si->si_busy, 1);
			continue;
		}
		vcpu_block_begin();
		(void)rumpuser_park(&passed_seq, seq, 0, RUMPUSER_NOTIME);
		vcpu_block_end();
	}
}

static int
passed_start(void)
{
	int error = 0;

	mutex_enter(&start_lock);
	if (!passed_started) {
		error = kthread_create(passed_main, NULL, "softint", NULL);
		passed_started = error == 0;
	}
	mutex_exit(&start_lock);
	return error;
}

/* --- birth and death ----------------------------------------------------- */

static size_t
softint_size(void)
{
	return sizeof(struct softint) + vcpu_count * sizeof(struct softint_seat);
}

int
softint_create(void (*fn)(void *), void *arg, struct softint **ret_si)
{
	struct softint *si;
	int error;

	error = passed_start();
	if (error)
		return error;
	si = kmem_zalloc(softint_size(), KM_SLEEP);
	if (si == NULL)
		return ENOMEM;
	si->si_fn = fn;
	si->si_arg = arg;
	list_node_init(&si->si_passed);
	for (unsigned int i = 0; i < vcpu_count; i++)
		si->si_seat[i].ss_softint = si;
	*ret_si = si;
	return 0;
}

/*
 * Nobody schedules it any more.  After the barrier each seat has been left,
 * hence it is running or passed on, or was done, wherever it was pending.
 */
void
softint_destroy(struct softint *si)
{
	if (si == NULL)
		return;
	qsbr_barrier();
	while (atomic_load_acq(&si->si_busy) != 0)
		vcpu_yield();
	kmem_free(si, softint_size());
}
