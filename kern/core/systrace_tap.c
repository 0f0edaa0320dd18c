/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace_tap.c - listeners to system calls: files from which lines are read
 *
 * A tap has a ring of bytes.  Whoever made a call puts its line in, and never waits
 * for the reader: a line that finds no room is counted instead, and as soon as there
 * is room a line says how many were lost.
 *
 * Life cycle: made by rump_pub_systrace_open(), ended by the last close.
 *
 * Locking: taps_lock -> tp_lock -> pollsrc.  taps_lock protects the list; the number of
 * taps is also read without it, to see quickly that there are none.
 */

#include <rump/rump.h>

#include <lib/list.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>
#include <sys/poll.h>
#include <sys/proc.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "systrace_impl.h"

#define TAP_SIZE	((size_t)128 << 10)	/* a power of two */
#define LOST_LINE	48

/*
 * Field key:	c  constant	t  taps_lock	l  tp_lock
 */
struct tap {
	struct list_node tp_link;	/* t */
	pid_t		 tp_pid;	/* c: 0: all but proc 1 */
	kmutex_t	 tp_lock;
	kcondvar_t	 tp_cv;		/* l: there is something to read */
	struct pollsrc	 tp_src;
	size_t		 tp_head, tp_tail;	/* l: bytes read, written; they wrap */
	uint64_t	 tp_lost;	/* l: lines */
	char		 tp_ring[TAP_SIZE];	/* l */
};

static kmutex_t taps_lock = { .m_name = "systrace taps" };
static struct list taps = LIST_INITIALIZER(taps);
static unsigned int ntaps;			/* a */

unsigned int
trace_taps(void)
{
	return atomic_load(&ntaps);
}

static bool
tap_wants(const struct tap *tp, const struct proc *p)
{
	return tp->tp_pid != 0 ? p->p_pid == tp->tp_pid : p->p_pid > 1;
}

bool
trace_tapped(struct proc *p)
{
	bool wanted = false;
	struct list_node *n;

	if (atomic_load(&ntaps) == 0)
		return false;
	mutex_enter(&taps_lock);
	LIST_FOREACH(n, &taps)
		wanted |= tap_wants(container_of(n, struct tap, tp_link), p);
	mutex_exit(&taps_lock);
	return wanted;
}

static void
tap_put_locked(struct tap *tp, const char *line, size_t len) REQUIRES(tp->tp_lock)
{
	size_t at = tp->tp_tail % TAP_SIZE, first = TAP_SIZE - at;

	if (first > len)
		first = len;
	memcpy(tp->tp_ring + at, line, first);
	memcpy(tp->tp_ring, line + first, len - first);
	tp->tp_tail += len;
}

static void
tap_add(struct tap *tp, const char *line, size_t len)
{
	char lost[LOST_LINE];
	size_t room;

	mutex_enter(&tp->tp_lock);
	room = TAP_SIZE - (tp->tp_tail - tp->tp_head);
	if (tp->tp_lost > 0 && room >= LOST_LINE + len) {
		tap_put_locked(tp, lost, (size_t)snprintf(lost, sizeof(lost),
		    "--- %llu lines lost ---\n", (unsigned long long)tp->tp_lost));
		tp->tp_lost = 0;
		room -= LOST_LINE;
	}
	if (tp->tp_lost > 0 || room < len)
		tp->tp_lost++;
	else
		tap_put_locked(tp, line, len);
	cv_broadcast(&tp->tp_cv);
	mutex_exit(&tp->tp_lock);
	pollsrc_wake(&tp->tp_src, EPOLLIN);
}

void
trace_tap_write(struct proc *p, const char *line, size_t len)
{
	struct list_node *n;

	mutex_enter(&taps_lock);
	LIST_FOREACH(n, &taps) {
		struct tap *tp = container_of(n, struct tap, tp_link);

		if (tap_wants(tp, p))
			tap_add(tp, line, len);
	}
	mutex_exit(&taps_lock);
}

/* --- the file ---------------------------------------------------------------- */

/* What is there, up to the end of the ring and of buf. */
static size_t
tap_take_locked(struct tap *tp, char *buf, size_t size) REQUIRES(tp->tp_lock)
{
	size_t at = tp->tp_head % TAP_SIZE, len = tp->tp_tail - tp->tp_head;

	if (len > TAP_SIZE - at)
		len = TAP_SIZE - at;
	if (len > size)
		len = size;
	memcpy(buf, tp->tp_ring + at, len);
	tp->tp_head += len;
	return len;
}

static int
tap_read(struct file *fp, struct uio *uio, int flags)
{
	struct tap *tp = fp->f_data;
	size_t len = 0;
	int error = 0;
	char buf[1024];

	if (uio->uio_resid == 0)
		return 0;
	mutex_enter(&tp->tp_lock);
	while (tp->tp_head == tp->tp_tail && error == 0) {
		if ((file_flags(fp) & O_NONBLOCK) != 0 || (flags & RWF_NOWAIT) != 0)
			error = EAGAIN;
		else if (cv_wait_sig(&tp->tp_cv, &tp->tp_lock) != 0)
			error = ERESTART;
	}
	if (tp->tp_head != tp->tp_tail) {
		error = 0;
		len = tap_take_locked(tp, buf, uio->uio_resid < sizeof(buf) ?
		    uio->uio_resid : sizeof(buf));
	}
	mutex_exit(&tp->tp_lock);
	return error != 0 ? error : uio_move(buf, len, uio);
}

static uint32_t
tap_poll(struct file *fp, struct pollreg *pr)
{
	struct tap *tp = fp->f_data;
	uint32_t events = 0;

	poll_register(pr, &tp->tp_src);
	mutex_enter(&tp->tp_lock);
	if (tp->tp_head != tp->tp_tail)
		events |= EPOLLIN | EPOLLRDNORM;
	mutex_exit(&tp->tp_lock);
	return events;
}

static int
tap_stat(struct file *fp, struct statx *st)
{
	statx_anon(fp, STAT_DEV_ANON, 1, 0400, 0, st);
	return 0;
}

static void
tap_close(struct file *fp)
{
	struct tap *tp = fp->f_data;

	mutex_enter(&taps_lock);
	list_remove(&tp->tp_link);
	atomic_sub_ar(&ntaps, 1);
	mutex_exit(&taps_lock);
	trace_switch();
	pollsrc_fini(&tp->tp_src);
	cv_destroy(&tp->tp_cv);
	mutex_destroy(&tp->tp_lock);
	kmem_free(tp, sizeof(*tp));
}

static const struct fileops tap_fileops = {
	.fo_read	= tap_read,
	.fo_poll	= tap_poll,
	.fo_stat	= tap_stat,
	.fo_close	= tap_close,
	.fo_rwflags	= RWF_NOWAIT,
};

static int
tap_create(pid_t pid, int *ret_fd)
{
	struct file *fp;
	struct tap *tp;
	int error;

	tp = kmem_zalloc(sizeof(*tp), KM_SLEEP);
	if (tp == NULL)
		return ENOMEM;
	error = file_create(FILE_TRACE, &tap_fileops, tp, O_RDONLY, &fp);
	if (error) {
		kmem_free(tp, sizeof(*tp));
		return error;
	}
	tp->tp_pid = pid;
	mutex_init(&tp->tp_lock, "systrace tap");
	cv_init(&tp->tp_cv, "systrace tap");
	pollsrc_init(&tp->tp_src);
	mutex_enter(&taps_lock);
	list_insert_tail(&taps, &tp->tp_link);
	atomic_add(&ntaps, 1);
	mutex_exit(&taps_lock);
	trace_switch();
	error = fd_alloc(fp, true, ret_fd);
	if (error)
		file_rele(fp);
	return error;
}

int
rump_pub_systrace_open(int pid, int *ret_fd)
{
	struct proc *p = NULL;
	int error;

	if (pid < 0 || pid == 1)
		return EINVAL;
	error = kcontext_enter();
	if (error)
		return error;
	if (pid != 0) {
		p = proc_find(pid);
		if (p == NULL)
			error = ESRCH;
		else
			proc_rele(p);
	}
	if (error == 0)
		error = tap_create(pid, ret_fd);
	kcontext_leave();
	return error;
}
