/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_gc.c - sockets that lie in queues which nobody can read any more
 *
 * A socket that was sent over a socket lives as long as the message does.  If
 * the message lies in the queue of the very socket that it carries, or in a
 * ring of such, and no descriptor is left, nobody will ever read it.
 *
 * Finding those: candidates are the sockets under way all of whose file's
 * references are messages.  Each message in a candidate's queue takes
 * away one reference of what it carries; who has some left is carried by a message
 * outside and can be reached, and so can all in its queue, and so on.  The
 * rest is garbage: its queues are emptied, which closes what they carried.
 *
 * That is right as messages with files leave a queue only under
 * local_flight_lock: one that has left is in no queue, and counts as
 * outside.
 *
 * It runs on a thread of its own, some time after a close.
 *
 * References: unix(7), "BUGS" and SCM_RIGHTS.
 */

#include <linux/capability.h>
#include <linux/resource.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/ktime.h>
#include <sys/proc.h>

#include "local_impl.h"

enum { GC_OUTSIDE, GC_CANDIDATE, GC_REACHED };

kmutex_t local_flight_lock = { .m_name = "local flight" };
static struct list flights = LIST_INITIALIZER(flights);	/* f: by lp_flight */
static unsigned int nflights;		/* f: files in messages, of all kinds */
static struct workqueue *gc_queue;	/* c */
static struct work gc_work;

static struct localpcb *
flight_pcb(const struct file *fp)
{
	struct socket *so = socket_fromfile(fp);

	return so != NULL && so->so_family == AF_UNIX ? localpcb(so) : NULL;
}

/* --- coming and going ------------------------------------------------------------------- */

static void
flight_add_locked(struct file *fp) REQUIRES(local_flight_lock)
{
	struct localpcb *lp = flight_pcb(fp);

	nflights++;
	if (lp == NULL || lp->lp_inflight++ > 0)
		return;
	lp->lp_file = fp;
	list_insert_tail(&flights, &lp->lp_flight);
}

static void
flight_remove_locked(struct file *fp) REQUIRES(local_flight_lock)
{
	struct localpcb *lp = flight_pcb(fp);

	nflights--;
	if (lp == NULL || --lp->lp_inflight > 0)
		return;
	list_remove(&lp->lp_flight);
	lp->lp_file = NULL;
}

/*
 * NEEDSWORK: the limit counts the messages of all users together; it
 * should be one a user.
 */
int
local_flight_begin(struct localscm *ls)
{
	const struct cred *cr = curcred();
	bool many;

	mutex_enter(&local_flight_lock);
	many = nflights > proc_rlimit(curproc(), RLIMIT_NOFILE) &&
	    !cred_capable(cr, CAP_SYS_RESOURCE) &&
	    !cred_capable(cr, CAP_SYS_ADMIN);
	if (!many)
		for (unsigned int i = 0; i < ls->ls_nfiles; i++)
			flight_add_locked(ls->ls_file[i]);
	mutex_exit(&local_flight_lock);
	return many ? ETOOMANYREFS : 0;
}

void
local_flight_end(struct localscm *ls)
{
	mutex_enter(&local_flight_lock);
	for (unsigned int i = 0; i < ls->ls_nfiles; i++)
		flight_remove_locked(ls->ls_file[i]);
	mutex_exit(&local_flight_lock);
}

/* --- the collection ------------------------------------------------------------------------ */

typedef void gc_fn(struct localpcb *lp, struct list *todo);

/* Calls fn for each candidate that a message of the queue carries. */
static void
gc_scan_queue(const struct socket *so, gc_fn *fn, struct list *todo)
{
	for (struct packet *p = so->so_rcv.sb_q.pq_head; p != NULL; p = p->p_next) {
		const struct localscm *ls = localcb(p)->lc_scm;

		for (unsigned int i = 0; ls != NULL && i < ls->ls_nfiles; i++) {
			struct localpcb *lp = flight_pcb(ls->ls_file[i]);

			if (lp != NULL && lp->lp_gcstate == GC_CANDIDATE)
				fn(lp, todo);
		}
	}
}

/* ... of a socket, and of those that wait for its accept. */
static void
gc_scan(struct socket *so, gc_fn *fn, struct list *todo)
{
	struct list_node *n;

	mutex_enter(&so->so_lock);
	gc_scan_queue(so, fn, todo);
	LIST_FOREACH(n, &so->so_acceptq) {
		struct socket *child = container_of(n, struct socket,
		    so_acceptlink);

		mutex_enter(&child->so_lock);
		gc_scan_queue(child, fn, todo);
		mutex_exit(&child->so_lock);
	}
	mutex_exit(&so->so_lock);
}

static void
gc_carried(struct localpcb *lp, struct list *todo)
{
	KASSERT(lp->lp_gcrefs > 0);
	lp->lp_gcrefs--;
}

static void
gc_reach(struct localpcb *lp, struct list *todo)
{
	lp->lp_gcstate = GC_REACHED;
	list_remove(&lp->lp_flight);
	list_insert_tail(todo, &lp->lp_flight);
}

static struct localpcb *
gc_pcb(struct list_node *n)
{
	return container_of(n, struct localpcb, lp_flight);
}

/* Who is a candidate, and how many messages outside carry each. */
static void
gc_mark_locked(void) REQUIRES(local_flight_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &flights) {
		struct localpcb *lp = gc_pcb(n);

		lp->lp_gcrefs = lp->lp_inflight;
		lp->lp_gcstate = atomic_load(&lp->lp_file->f_refs) ==
		    lp->lp_inflight ? GC_CANDIDATE : GC_OUTSIDE;
	}
	LIST_FOREACH(n, &flights)
		if (gc_pcb(n)->lp_gcstate == GC_CANDIDATE)
			gc_scan(gc_pcb(n)->lp_so, gc_carried, NULL);
}

/* Sorts what can be reached out of the candidates. */
static void
gc_sweep_locked(struct list *reached) REQUIRES(local_flight_lock)
{
	struct list_node *n, *next;

	LIST_FOREACH_SAFE(n, next, &flights) {
		struct localpcb *lp = gc_pcb(n);

		if (lp->lp_gcstate == GC_CANDIDATE && lp->lp_gcrefs > 0)
			gc_reach(lp, reached);
	}
	/* The list grows while it is walked. */
	for (n = list_first(reached); n != NULL; n = list_next(reached, n))
		gc_scan(gc_pcb(n)->lp_so, gc_reach, reached);
}

static void
gc_empty(struct socket *so, struct packetq *q)
{
	struct list_node *n;

	mutex_enter(&so->so_lock);
	atomic_store(&localpcb(so)->lp_oob, NULL);
	packetq_join(q, &so->so_rcv.sb_q);
	so->so_rcv.sb_cc = so->so_rcv.sb_mem = 0;
	LIST_FOREACH(n, &so->so_acceptq) {
		struct socket *child = container_of(n, struct socket,
		    so_acceptlink);

		mutex_enter(&child->so_lock);
		atomic_store(&localpcb(child)->lp_oob, NULL);
		packetq_join(q, &child->so_rcv.sb_q);
		child->so_rcv.sb_cc = child->so_rcv.sb_mem = 0;
		mutex_exit(&child->so_lock);
	}
	mutex_exit(&so->so_lock);
}

static void
gc_run(struct work *w __unused_arg)
{
	struct packetq garbage = PACKETQ_INITIALIZER;
	struct list reached;
	struct list_node *n;

	list_init(&reached);
	mutex_enter(&local_flight_lock);
	gc_mark_locked();
	gc_sweep_locked(&reached);
	LIST_FOREACH(n, &flights)
		if (gc_pcb(n)->lp_gcstate == GC_CANDIDATE)
			gc_empty(gc_pcb(n)->lp_so, &garbage);
	while ((n = list_first(&reached)) != NULL) {
		list_remove(n);
		list_insert_tail(&flights, n);
	}
	mutex_exit(&local_flight_lock);
	packetq_drop(&garbage);
}

void
local_gc_hint(void)
{
	bool some;

	mutex_enter(&local_flight_lock);
	some = !list_empty(&flights);
	mutex_exit(&local_flight_lock);
	if (some)
		(void)workqueue_enqueue(gc_queue, &gc_work);
}

int
local_gc_boot(void)
{
	work_init(&gc_work, gc_run);
	return workqueue_create("local gc", 1, &gc_queue);
}
