/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ktime.h - clocks, timers and deferred work
 *
 * Times are int64_t nanoseconds.  A callout runs its function once at a
 * deadline, on the timer thread, holding a vCPU; it should be short and may
 * not sleep for long.  A work item runs its function on a thread of its
 * queue and may sleep.  A soft interrupt is work that runs before anything
 * else of its vCPU leaves the kernel.
 */

#ifndef SYS_KTIME_H
#define SYS_KTIME_H

#include <lib/list.h>
#include <lib/wheel.h>
#include <sys/types.h>

struct timespec64 {
	int64_t	tv_sec;
	int64_t	tv_nsec;
};

#define KTIME_NEVER	INT64_MAX

int64_t	clock_mono(void);		/* CLOCK_MONOTONIC */
int64_t	clock_wall(void);		/* CLOCK_REALTIME, with our own offset */
int64_t	clock_wall_coarse(void);	/* cheap, for time stamps of files */
int	clock_wall_set(int64_t ns);	/* moves our offset, not the host */
/* fn is called after each such move, on the thread that made it.  One only. */
void	clock_wall_listen(void (*fn)(void));

static inline struct timespec64
ktime_to_timespec(int64_t ns)
{
	struct timespec64 ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	if (ts.tv_nsec < 0) {
		ts.tv_nsec += NSEC_PER_SEC;
		ts.tv_sec--;
	}
	return ts;
}

/* Relative time -> deadline, saturating. */
int64_t	ktime_deadline(int64_t relative);
/* Client's timespec -> ns; EINVAL if not 0 <= nsec < 1e9 or negative; saturates. */
int	ktime_from_timespec(const struct timespec64 *ts, int64_t *ret_ns);

/* Private to callout.c, all of it: its lock. */
struct callout {
	struct wheel_entry c_entry;
	void		(*c_fn)(void *);
	void		*c_arg;
	uint32_t	 c_pending;
};

void	callout_init(struct callout *c, void (*fn)(void *), void *arg);
/*
 * (Re)arms.  ENOMEM/EAGAIN if the timer thread could not be started, which
 * cannot be once an earlier call succeeded.  fn may rearm its own callout or
 * free it.
 */
int	callout_schedule(struct callout *c, int64_t deadline);
/* The same; *ret_was: it was armed already, and that turn became this one. */
int	callout_rearm(struct callout *c, int64_t deadline, bool *ret_was);
/* True: it was armed, and that turn will not come.  It may be running all the same. */
bool	callout_disarm(struct callout *c);
bool	callout_stop(struct callout *c);	/* true: it will not run any more */
void	callout_halt(struct callout *c);	/* stops it and waits for it */

struct workqueue;

struct work {
	struct list_node w_link;
	void		(*w_fn)(struct work *);
	uint32_t	 w_queued;
};

/* Threads are started when there is work.  nthreads: how many at most. */
int	workqueue_create(const char *name, unsigned int nthreads,
	    struct workqueue **ret_wq);
void	workqueue_destroy(struct workqueue *wq);	/* finishes what is queued */
void	work_init(struct work *w, void (*fn)(struct work *));
/* False if it is queued already. */
bool	workqueue_enqueue(struct workqueue *wq, struct work *w);
void	workqueue_drain(struct workqueue *wq);

struct softint;
int	softint_create(void (*fn)(void *), void *arg, struct softint **ret_si);
void	softint_destroy(struct softint *si);
void	softint_schedule(struct softint *si);	/* on this vCPU; idempotent */
void	softint_run(void);			/* by vcpu_leave's slow path */

#endif /* SYS_KTIME_H */
