/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * timerfd.c - a timer as a file
 *
 * A read tells how often the timer has expired since the last one, and waits
 * if it has not.
 *
 *	disarmed -> armed	timerfd_settime(): a callout is set
 *	armed -> expired	the callout ran
 *	expired -> armed	a read (or gettime) of a timer with an interval:
 *				the periods that went by are counted, and the
 *				callout is set for the next
 *	expired -> disarmed	a read of one without
 *
 * So a timer of a nanosecond costs no more than its reader reads.
 *
 * An absolute time of CLOCK_REALTIME moves against the monotonic clock of
 * callouts when the wall clock is set: all timers of that clock are on a
 * list, and are then set anew or, if they asked for that, cancelled.
 *
 * Locking: realtime_lock (the list) -> tf_lock -> pollsrc.  The callout's
 * function takes tf_lock, and finds out for itself whether it came for
 * nothing, so it need not be waited for but at the end.
 *
 * References: timerfd_create(2).
 */

#include <abi/sysargs.h>
#include <linux/capability.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/time.h>
#include <linux/timerfd.h>
#include <sys/condvar.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/poll.h>
#include <sys/stat.h>
#include <sys/uio.h>

/*
 * Field key:	c  constant	l  tf_lock	r  realtime_lock
 */
struct timerfd {
	kmutex_t	 tf_lock;
	kcondvar_t	 tf_cv;		/* l: tf_ticks > 0 */
	struct pollsrc	 tf_src;
	struct callout	 tf_callout;
	int		 tf_clock;	/* c */
	bool		 tf_armed;	/* l: expires at tf_expiry */
	bool		 tf_expired;	/* l: has, and nobody counted yet */
	bool		 tf_wall;	/* l: tf_expiry is wall clock time */
	bool		 tf_cancelable;	/* l: TFD_TIMER_CANCEL_ON_SET */
	bool		 tf_cancelled;	/* l: the clock was set since */
	int64_t		 tf_expiry;	/* l */
	int64_t		 tf_interval;	/* l: 0: once */
	uint64_t	 tf_ticks;	/* l: expirations not read yet */
	struct list_node tf_link;	/* r */
};

static kmutex_t realtime_lock = { .m_name = "realtime timers" };
static struct list realtime = LIST_INITIALIZER(realtime);	/* r */

static bool
clock_is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

static bool
clock_is_alarm(int clock)
{
	return clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

static int64_t
timerfd_now_locked(const struct timerfd *tf)
{
	return tf->tf_wall ? clock_wall() : clock_mono();
}

static int64_t
timerfd_remaining_locked(const struct timerfd *tf)
{
	int64_t now = timerfd_now_locked(tf);

	return tf->tf_armed && tf->tf_expiry > now ? tf->tf_expiry - now : 0;
}

/* Sets the callout for tf_expiry. */
static int
timerfd_arm_locked(struct timerfd *tf) REQUIRES(tf->tf_lock)
{
	return callout_schedule(&tf->tf_callout,
	    ktime_deadline(timerfd_remaining_locked(tf)));
}

/* The timer has expired or been cancelled: tells everybody. */
static void
timerfd_tell_locked(struct timerfd *tf) REQUIRES(tf->tf_lock)
{
	tf->tf_ticks++;
	cv_broadcast(&tf->tf_cv);
	pollsrc_wake(&tf->tf_src, EPOLLIN);
}

/* On the timer thread, perhaps after the timer was set to something else. */
static void
timerfd_fire(void *arg)
{
	struct timerfd *tf = arg;

	mutex_enter(&tf->tf_lock);
	if (tf->tf_armed && !tf->tf_expired) {
		if (timerfd_remaining_locked(tf) > 0)
			(void)timerfd_arm_locked(tf);	/* the thread runs */
		else {
			tf->tf_expired = true;
			tf->tf_armed = tf->tf_interval != 0;
			timerfd_tell_locked(tf);
		}
	}
	mutex_exit(&tf->tf_lock);
}

/*
 * Counts the periods that went by since an expiry that nobody counted, and
 * goes on from there.  The first of them was counted when it expired.
 */
static void
timerfd_forward_locked(struct timerfd *tf) REQUIRES(tf->tf_lock)
{
	int64_t periods, late;

	if (!tf->tf_expired)
		return;
	tf->tf_expired = false;
	if (tf->tf_interval == 0)
		return;
	late = timerfd_now_locked(tf) - tf->tf_expiry;
	periods = late < 0 ? 1 : late / tf->tf_interval + 1;
	tf->tf_ticks += (uint64_t)periods - 1;
	if (__builtin_add_overflow(tf->tf_expiry, periods * tf->tf_interval,
	    &tf->tf_expiry))
		tf->tf_expiry = KTIME_NEVER;
	(void)timerfd_arm_locked(tf);		/* the thread runs */
}

/* --- as a file ------------------------------------------------------------- */

static int
timerfd_wait_locked(struct timerfd *tf, bool nonblock) REQUIRES(tf->tf_lock)
{
	while (tf->tf_ticks == 0) {
		if (nonblock)
			return EAGAIN;
		if (cv_wait_sig(&tf->tf_cv, &tf->tf_lock) != 0)
			return ERESTART;
	}
	if (tf->tf_cancelled) {
		tf->tf_cancelled = tf->tf_expired = false;
		tf->tf_ticks = 0;
		return ECANCELED;
	}
	return 0;
}

static int
timerfd_read(struct file *fp, struct uio *uio, int flags)
{
	bool nonblock = (file_flags(fp) & O_NONBLOCK) != 0 ||
	    (flags & RWF_NOWAIT) != 0;
	struct timerfd *tf = fp->f_data;
	size_t resid = uio->uio_resid;
	uint64_t ticks = 0;
	int error;

	if (resid < sizeof(ticks))
		return EINVAL;
	mutex_enter(&tf->tf_lock);
	error = timerfd_wait_locked(tf, nonblock);
	if (error == 0) {
		timerfd_forward_locked(tf);
		ticks = tf->tf_ticks;
		tf->tf_ticks = 0;
	}
	mutex_exit(&tf->tf_lock);
	if (error)
		return error;
	error = uio_move(&ticks, sizeof(ticks), uio);
	if (error)
		uio->uio_resid = resid;		/* half a number is nothing */
	return error;
}

static uint32_t
timerfd_poll(struct file *fp, struct pollreg *pr)
{
	struct timerfd *tf = fp->f_data;
	uint32_t events;

	poll_register(pr, &tf->tf_src);
	mutex_enter(&tf->tf_lock);
	events = tf->tf_ticks > 0 ? EPOLLIN : 0;
	mutex_exit(&tf->tf_lock);
	return events;
}

static int
timerfd_stat(struct file *fp, struct statx *st)
{
	statx_anon(fp, STAT_DEV_ANON, 1, 0600, 0, st);
	return 0;
}

static void
timerfd_destroy(struct timerfd *tf)
{
	if (clock_is_realtime(tf->tf_clock)) {
		mutex_enter(&realtime_lock);
		list_remove(&tf->tf_link);
		mutex_exit(&realtime_lock);
	}
	callout_halt(&tf->tf_callout);
	pollsrc_fini(&tf->tf_src);
	cv_destroy(&tf->tf_cv);
	mutex_destroy(&tf->tf_lock);
	kmem_free(tf, sizeof(*tf));
}

static void
timerfd_close(struct file *fp)
{
	timerfd_destroy(fp->f_data);
}

static const struct fileops timerfd_fileops = {
	.fo_read	= timerfd_read,
	.fo_seek	= file_seek_nowhere,
	.fo_poll	= timerfd_poll,
	.fo_stat	= timerfd_stat,
	.fo_close	= timerfd_close,
	.fo_rwflags	= RWF_NOWAIT,
};

/* --- when the wall clock is set ---------------------------------------------- */

static void
timerfd_clock_moved(struct timerfd *tf)
{
	mutex_enter(&tf->tf_lock);
	if (tf->tf_cancelable && !tf->tf_cancelled) {
		tf->tf_cancelled = true;
		timerfd_tell_locked(tf);
	}
	if (tf->tf_wall && tf->tf_armed && !tf->tf_expired)
		(void)timerfd_arm_locked(tf);	/* the thread runs */
	mutex_exit(&tf->tf_lock);
}

static void
realtime_moved(void)
{
	struct list_node *n;

	mutex_enter(&realtime_lock);
	LIST_FOREACH(n, &realtime)
		timerfd_clock_moved(container_of(n, struct timerfd, tf_link));
	mutex_exit(&realtime_lock);
}

/* --- the calls --------------------------------------------------------------- */

static int
timerfd_new(int clock, struct timerfd **ret_tf)
{
	struct timerfd *tf;

	tf = kmem_zalloc(sizeof(*tf), KM_SLEEP);
	if (tf == NULL)
		return ENOMEM;
	mutex_init(&tf->tf_lock, "timerfd");
	cv_init(&tf->tf_cv, "timerfd");
	pollsrc_init(&tf->tf_src);
	callout_init(&tf->tf_callout, timerfd_fire, tf);
	tf->tf_clock = clock;
	if (clock_is_realtime(clock)) {
		mutex_enter(&realtime_lock);
		list_insert_tail(&realtime, &tf->tf_link);
		clock_wall_listen(realtime_moved);
		mutex_exit(&realtime_lock);
	}
	*ret_tf = tf;
	return 0;
}

static bool
timerfd_clock_ok(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		return true;
	}
	return false;
}

int
sys_timerfd_create(struct lwp *l, int clockid, int flags, long *ret)
{
	struct timerfd *tf;
	struct file *fp;
	int error, fd;

	if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0 ||
	    !timerfd_clock_ok(clockid))
		return EINVAL;
	if (clock_is_alarm(clockid) && !cred_capable(curcred(), CAP_WAKE_ALARM))
		return EPERM;
	error = timerfd_new(clockid, &tf);
	if (error)
		return error;
	error = file_create(FILE_TIMERFD, &timerfd_fileops, tf,
	    O_RDWR | ((unsigned int)flags & O_NONBLOCK), &fp);
	if (error) {
		timerfd_destroy(tf);
		return error;
	}
	error = fd_alloc(fp, (flags & O_CLOEXEC) != 0, &fd);
	if (error) {
		file_rele(fp);
		return error;
	}
	*ret = fd;
	return 0;
}

struct timerspec {
	int64_t		 ts_value;
	int64_t		 ts_interval;
};

static int
kernel_ns(const struct __kernel_timespec *kts, int64_t *ret_ns)
{
	struct timespec64 ts = { kts->tv_sec, kts->tv_nsec };

	return ktime_from_timespec(&ts, ret_ns);
}

static struct __kernel_timespec
kernel_timespec(int64_t ns)
{
	struct timespec64 ts = ktime_to_timespec(ns);
	struct __kernel_timespec kts = { ts.tv_sec, ts.tv_nsec };

	return kts;
}

static int
timerspec_out(const struct timerspec *ts, struct __kernel_itimerspec *uits)
{
	struct __kernel_itimerspec its;

	its.it_value = kernel_timespec(ts->ts_value);
	its.it_interval = kernel_timespec(ts->ts_interval);
	return copyout(&its, uits, sizeof(its));
}

static void
timerfd_get_locked(struct timerfd *tf, struct timerspec *ret_ts)
    REQUIRES(tf->tf_lock)
{
	if (tf->tf_interval != 0)
		timerfd_forward_locked(tf);
	ret_ts->ts_value = timerfd_remaining_locked(tf);
	ret_ts->ts_interval = tf->tf_interval;
}

static int
timerfd_set(struct timerfd *tf, int flags, const struct timerspec *new,
    struct timerspec *ret_old)
{
	bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;
	int error = 0;

	mutex_enter(&tf->tf_lock);
	timerfd_get_locked(tf, ret_old);
	(void)callout_stop(&tf->tf_callout);
	tf->tf_ticks = 0;
	tf->tf_expired = tf->tf_cancelled = false;
	tf->tf_wall = absolute && clock_is_realtime(tf->tf_clock);
	tf->tf_cancelable = tf->tf_wall &&
	    (flags & TFD_TIMER_CANCEL_ON_SET) != 0;
	tf->tf_interval = new->ts_interval;
	tf->tf_expiry = absolute ? new->ts_value : ktime_deadline(new->ts_value);
	tf->tf_armed = new->ts_value != 0;
	if (tf->tf_armed) {
		error = timerfd_arm_locked(tf);
		if (error)
			tf->tf_armed = false;
	}
	mutex_exit(&tf->tf_lock);
	return error;
}

/* The file of a descriptor that must be a timer's. */
static int
fd_get_timer(int fd, struct file **ret_fp)
{
	struct file *fp;
	int error;

	error = fd_get_nopath(fd, &fp);
	if (error)
		return error;
	if (fp->f_ops != &timerfd_fileops) {
		fd_put(fp);
		return EINVAL;
	}
	*ret_fp = fp;
	return 0;
}

static int
timerspec_in(const struct __kernel_itimerspec *uits, int flags,
    struct timerspec *ret_ts)
{
	struct __kernel_itimerspec its;
	int error;

	error = copyin(uits, &its, sizeof(its));
	if (error)
		return error;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0)
		return EINVAL;
	error = kernel_ns(&its.it_value, &ret_ts->ts_value);
	if (error)
		return error;
	return kernel_ns(&its.it_interval, &ret_ts->ts_interval);
}

int
sys_timerfd_settime(struct lwp *l, int fd, int flags,
    const struct __kernel_itimerspec *value, struct __kernel_itimerspec *old,
    long *ret)
{
	struct timerspec new, was;
	struct file *fp;
	int error;

	error = timerspec_in(value, flags, &new);
	if (error)
		return error;
	error = fd_get_timer(fd, &fp);
	if (error)
		return error;
	error = timerfd_set(fp->f_data, flags, &new, &was);
	fd_put(fp);
	if (error || old == NULL)
		return error;
	return timerspec_out(&was, old);
}

int
sys_timerfd_gettime(struct lwp *l, int fd, struct __kernel_itimerspec *value,
    long *ret)
{
	struct timerspec now;
	struct timerfd *tf;
	struct file *fp;
	int error;

	error = fd_get_timer(fd, &fp);
	if (error)
		return error;
	tf = fp->f_data;
	mutex_enter(&tf->tf_lock);
	timerfd_get_locked(tf, &now);
	mutex_exit(&tf->tf_lock);
	fd_put(fp);
	return timerspec_out(&now, value);
}
