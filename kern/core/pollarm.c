/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pollarm.c - waiting for the kernel's descriptors and the host's at once
 *
 * A thread of the host cannot sleep here and there.  So it sleeps at the host, and has an
 * eventfd of the host written when something of ours may have become ready: that is
 * an arming.  There is one for each eventfd at most.
 *
 * An arming holds its files and has watches at their sources, until it is made anew or
 * given up (n 0).  The first watch that is told writes the eventfd; the others then
 * keep still.
 *
 * Locking: pollarm -> pollsrc.  pollarm protects the list; an arming belongs to the thread
 * that took it off.
 */

#include <rump/rump.h>

#include <lib/list.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>
#include <sys/poll.h>

#define ARM_ALWAYS	(POLLERR | POLLHUP)
#define ARM_DEFAULT	(POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)
#define ARM_MAXFDS	65536
#define ARM_CHUNK	16

struct armwatch {
	struct pollwatch aw_watch;	/* pw_arg: the arming */
	uint32_t	 aw_events;
};

struct armchunk {
	struct armchunk	*ac_next;
	unsigned int	 ac_used;
	struct armwatch	 ac_watch[ARM_CHUNK];
};

/* Field key: c  constant once it can be told	l  pollarm	a  atomic */
struct pollarm {
	struct list_node pa_link;	/* l */
	struct pollreg	 pa_reg;	/* c */
	int		 pa_hostfd;	/* c */
	uint32_t	 pa_told;	/* a */
	uint32_t	 pa_events;	/* of the file being looked at */
	int		 pa_error;
	struct armchunk	*pa_chunks;	/* c */
	unsigned int	 pa_nfiles;	/* c */
	struct file	*pa_file[];	/* c: held */
};

static kmutex_t arm_lock = { .m_name = "pollarm" };
static struct list arms = LIST_INITIALIZER(arms);	/* arm_lock */

static bool
arm_wake(struct pollwatch *pw, uint32_t events)
{
	struct armwatch *aw = container_of(pw, struct armwatch, aw_watch);
	struct pollarm *pa = pw->pw_arg;
	uint64_t one = 1;
	struct rumpuser_iov iov = { &one, sizeof(one) };
	size_t done;

	if (events != 0 && (events & aw->aw_events) == 0)
		return false;
	/* An eventfd's write does not block before 2^64 of them. */
	if (atomic_swap_ar(&pa->pa_told, 1) == 0)
		(void)rumpuser_iovwrite(pa->pa_hostfd, &iov, 1, -1, &done);
	return true;
}

static void
arm_register(struct pollreg *pr, struct pollsrc *src)
{
	struct pollarm *pa = container_of(pr, struct pollarm, pa_reg);
	struct armchunk *ac = pa->pa_chunks;
	struct armwatch *aw;

	if (ac == NULL || ac->ac_used == ARM_CHUNK) {
		ac = kmem_alloc(sizeof(*ac), KM_SLEEP);
		if (ac == NULL) {
			pa->pa_error = ENOMEM;
			return;
		}
		ac->ac_used = 0;
		ac->ac_next = pa->pa_chunks;
		pa->pa_chunks = ac;
	}
	aw = &ac->ac_watch[ac->ac_used++];
	aw->aw_events = pa->pa_events | ARM_ALWAYS | POLLNVAL | POLLFREE;
	aw->aw_watch = (struct pollwatch){ .pw_wake = arm_wake, .pw_arg = pa };
	list_node_init(&aw->aw_watch.pw_link);
	pollsrc_watch(src, &aw->aw_watch);
}

static void
arm_free(struct pollarm *pa, unsigned int room)
{
	struct armchunk *ac;

	while ((ac = pa->pa_chunks) != NULL) {
		for (unsigned int i = 0; i < ac->ac_used; i++)
			pollsrc_unwatch(&ac->ac_watch[i].aw_watch);
		pa->pa_chunks = ac->ac_next;
		kmem_free(ac, sizeof(*ac));
	}
	for (unsigned int i = 0; i < room; i++) {
		if (pa->pa_file[i] != NULL)
			fd_put(pa->pa_file[i]);
	}
	kmem_free(pa, sizeof(*pa) + room * sizeof(pa->pa_file[0]));
}

/* What was armed for hostfd before is forgotten. */
static void
arm_forget(int hostfd)
{
	struct pollarm *found = NULL, *pa;
	struct list_node *n;

	mutex_enter(&arm_lock);
	LIST_FOREACH(n, &arms) {
		pa = container_of(n, struct pollarm, pa_link);
		if (pa->pa_hostfd == hostfd) {
			list_remove(n);
			found = pa;
			break;
		}
	}
	mutex_exit(&arm_lock);
	if (found != NULL)
		arm_free(found, found->pa_nfiles);
}

/* Looks at one; true: it is ready. */
static bool
arm_look(struct pollarm *pa, struct pollfd *pfd, struct file **ret_fp, bool watch)
{
	uint32_t events = ARM_DEFAULT, want = (uint16_t)pfd->events | ARM_ALWAYS;
	struct file *fp;

	*ret_fp = NULL;
	pfd->revents = 0;
	if (pfd->fd < 0)
		return false;
	if (fd_get_nopath(pfd->fd, &fp) != 0) {
		pfd->revents = POLLNVAL;
		return true;
	}
	*ret_fp = fp;
	pa->pa_events = want;
	if (fp->f_ops->fo_poll != NULL)
		events = fp->f_ops->fo_poll(fp, watch ? &pa->pa_reg : NULL);
	pfd->revents = (short)(events & want);
	return pfd->revents != 0;
}

static int
arm(struct pollfd *fds, unsigned int n, int hostfd, unsigned int *ret_ready)
{
	struct pollarm *pa;
	unsigned int ready = 0;
	int error;

	pa = kmem_zalloc(sizeof(*pa) + n * sizeof(pa->pa_file[0]), KM_SLEEP);
	if (pa == NULL)
		return ENOMEM;
	pa->pa_reg.pr_register = arm_register;
	pa->pa_hostfd = hostfd;
	pa->pa_nfiles = n;
	list_node_init(&pa->pa_link);
	for (unsigned int i = 0; i < n; i++)
		ready += arm_look(pa, &fds[i], &pa->pa_file[i], ready == 0);
	error = pa->pa_error;
	if (ready > 0 || error) {
		arm_free(pa, n);
		*ret_ready = ready;
		return ready > 0 ? 0 : error;
	}
	mutex_enter(&arm_lock);
	list_insert_head(&arms, &pa->pa_link);
	mutex_exit(&arm_lock);
	*ret_ready = 0;
	return 0;
}

int
rump_pub_poll_arm(struct pollfd *fds, unsigned int n, int hostfd)
{
	unsigned int ready = 0;
	int error;

	if (n > ARM_MAXFDS)
		return -EINVAL;
	error = kcontext_enter();
	if (error)
		return -error;
	arm_forget(hostfd);
	if (n > 0)
		error = arm(fds, n, hostfd, &ready);
	kcontext_leave();
	return error ? -error : (int)ready;
}
