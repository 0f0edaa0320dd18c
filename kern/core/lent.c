/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lent.c - descriptors of the host as files of the kernel
 *
 * Programs that have descriptors of both kernels send those of the host through local sockets of this
 * one, too.  While it is under way such a descriptor is a file that can be passed on and closed, and
 * nothing else: who has got it asks for the host's again.  We never read from it, write to it
 * or poll it.
 *
 * Closing may take as long as whoever made it likes, so another thread does that
 * (rumpuser_close_apart), and until that is over it counts for its lender.
 *
 * Locking: lenders_lock, a leaf.
 */

#include "lent.h"

#include <lib/list.h>
#include <linux/fcntl.h>
#include <rump/rump.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/kmem.h>

/* Field key:	c  constant	l  lenders_lock		a  atomic, also by threads outside of the kernel */
struct lender {
	struct list_node ln_link;	/* l */
	uint32_t	 ln_uid;	/* l */
	int		 ln_count;	/* a; more of them only with l */
};

struct lent {
	int		 le_fd;		/* c */
	struct lender	*le_lender;	/* c: or NULL */
};

int lent_count;

static konce_t lenders_once;
static kmutex_t lenders_lock;
static struct list lenders = LIST_INITIALIZER(lenders);	/* l */

/* --- who lends -------------------------------------------------------------------------- */

static int
lenders_init(void)
{
	mutex_init(&lenders_lock, "lenders");
	return 0;
}

/* That user's, or one that nobody uses any more. */
static struct lender *
lender_find_locked(uint32_t uid) REQUIRES(lenders_lock)
{
	struct lender *unused = NULL;
	struct list_node *n;

	LIST_FOREACH(n, &lenders) {
		struct lender *ln = container_of(n, struct lender, ln_link);

		if (ln->ln_uid == uid)
			return ln;
		if (atomic_load(&ln->ln_count) == 0)
			unused = ln;
	}
	if (unused != NULL)
		unused->ln_uid = uid;
	return unused;
}

/* There are as many as users who lent at the same time. */
static int
lender_get_locked(uint32_t uid, struct lender **ret_ln) REQUIRES(lenders_lock)
{
	struct lender *ln = lender_find_locked(uid);

	if (ln == NULL) {
		ln = kmem_zalloc(sizeof(*ln), KM_NOSLEEP);
		if (ln == NULL)
			return ENOMEM;
		ln->ln_uid = uid;
		list_insert_tail(&lenders, &ln->ln_link);
	}
	*ret_ln = ln;
	return 0;
}

int
lender_hold(uint32_t uid, unsigned int max, struct lender **ret_ln)
{
	struct lender *ln;
	int error;

	(void)once_run(&lenders_once, lenders_init);
	mutex_enter(&lenders_lock);
	error = lender_get_locked(uid, &ln);
	if (error == 0 && atomic_load(&ln->ln_count) >= (int)max)
		error = ETOOMANYREFS;
	if (error == 0) {
		atomic_add(&ln->ln_count, 1);
		*ret_ln = ln;
	}
	mutex_exit(&lenders_lock);
	return error;
}

/* By a thread of the host. */
static void
lent_closed(void *arg)
{
	struct lender *ln = arg;

	atomic_sub(&lent_count, 1);
	if (ln != NULL)
		atomic_sub(&ln->ln_count, 1);
}

/* --- the file ------------------------------------------------------------------------------ */

static int
lent_stat(struct file *fp __unused_arg, struct statx *st __unused_arg)
{
	return EOPNOTSUPP;
}

static void
lent_close(struct file *fp)
{
	struct lent *le = fp->f_data;

	rumpuser_close_apart(le->le_fd, lent_closed, le->le_lender);
	kmem_free(le, sizeof(*le));
}

/* O_PATH: whatever wants to use it is told EBADF. */
static const struct fileops lent_fileops = {
	.fo_stat	= lent_stat,
	.fo_close	= lent_close,
};

int
lent_create(int fd, struct lender *ln, struct file **ret_fp)
{
	struct lent *le = kmem_zalloc(sizeof(*le), KM_SLEEP);
	int error = ENOMEM;

	atomic_add(&lent_count, 1);
	if (le != NULL) {
		le->le_fd = fd;
		le->le_lender = ln;
		error = file_create(FILE_LENT, &lent_fileops, le, O_PATH, ret_fp);
	}
	if (error) {
		rumpuser_close_apart(fd, lent_closed, ln);
		if (le != NULL)
			kmem_free(le, sizeof(*le));
	}
	return error;
}

bool
lent_is(const struct file *fp)
{
	return fp->f_ops == &lent_fileops;
}

int
lent_fd(const struct file *fp)
{
	const struct lent *le = fp->f_data;

	KASSERT(lent_is(fp));
	return le->le_fd;
}

/* --- for programs with a kernel inside --------------------------------------------------------- */

static int
lend(int hostfd, int *ret_r)
{
	struct file *fp;
	int error = lent_create(hostfd, NULL, &fp);

	if (error)
		return error;
	error = fd_alloc(fp, false, ret_r);
	if (error)
		file_rele(fp);
	return error;
}

int
rump_pub_lend(int hostfd)
{
	int error, r = -1;

	error = kcontext_enter();
	if (error)
		return -error;
	error = lend(hostfd, &r);
	kcontext_leave();
	return error ? -error : r;
}

int
rump_pub_lent(int r)
{
	struct file *fp;
	int error, fd = -1;

	error = kcontext_enter();
	if (error)
		return -error;
	error = fd_get(r, &fp);
	if (error == 0) {
		if (lent_is(fp))
			fd = lent_fd(fp);
		else
			error = EINVAL;
		fd_put(fp);
	}
	kcontext_leave();
	return error ? -error : fd;
}
