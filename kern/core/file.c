/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * file.c - open files
 *
 * A file is what open(2), pipe(2) and their kin make: operations, the object
 * behind them, a mode and an offset.  Descriptors, system calls under way and
 * messages that carry it hold references.
 *
 * Life cycle
 *	file_create()		one reference
 *	file_hold, file_rele	more and fewer
 *	the last file_rele()	LIVE -> DEAD: epoll forgets it, fo_close runs,
 *				its memory goes back when no lock-free reader
 *				can see it any more (qsbr)
 *
 * The count
 *	A look-up finds the file through a slot without a lock and adds one to
 *	f_refs, whatever is there.  Who takes it to zero tries to change the
 *	zero into FILE_DEAD: if a look-up came in between, the file lives on.
 *	If a look-up finds FILE_DEAD or more, it takes its one back and fails.
 *	That is one fetch-and-add for each reference, which unlike a loop of
 *	compare-and-swap never has to be tried again when threads share a file.
 */

#include <sys/file.h>

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cred.h>
#include <sys/epoll.h>
#include <sys/errno.h>
#include <sys/fasync.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/kvar.h>
#include <sys/proc.h>

static struct pool file_pool;

static struct kvar file_count_kvar = {
	.kv_name = "fs.file-open",
	.kv_about = "open files",
	.kv_type = KVAR_U64,
	.kv_flags = KVAR_RDONLY,
	.kv_ptr = &file_pool.po_out,
	.kv_size = sizeof(file_pool.po_out),
};

int
fd_boot(void)
{
	pool_init(&file_pool, sizeof(struct file), CACHE_LINE, "file");
	kvar_register(&file_count_kvar);
	return 0;
}

static struct cred *
file_opener(void)
{
	struct cred *cr = atomic_load_acq(&curproc()->p_cred);

	cred_hold(cr);
	return cr;
}

int
file_create(enum file_type type, const struct fileops *ops, void *data,
    unsigned int flags, struct file **ret_fp)
{
	struct file *fp;

	fp = pool_get(&file_pool, KM_SLEEP);
	if (fp == NULL)
		return ENOMEM;
	fp->f_ops = ops;
	fp->f_data = data;
	fp->f_flags = flags;
	fp->f_type = type;
	mutex_init(&fp->f_offlock, "file offset");
	fp->f_off = 0;
	fp->f_cred = file_opener();
	fp->f_aux = NULL;
	list_init(&fp->f_epitems);
	fp->f_watched = false;
	fp->f_async = NULL;
	fp->f_owner = fp->f_ownertype = fp->f_sig = 0;
	atomic_store(&fp->f_refs, 1);
	*ret_fp = fp;
	return 0;
}

static void
file_free(struct qsbr_head *qh)
{
	pool_put(&file_pool, container_of(qh, struct file, f_qsbr));
}

static void
file_destroy(struct file *fp)
{
	cred_rele(fp->f_cred);
	mutex_destroy(&fp->f_offlock);
	qsbr_call(&fp->f_qsbr, file_free);
}

void
file_abandon(struct file *fp)
{
	KASSERT(atomic_load(&fp->f_refs) == 1);
	KASSERT(list_empty(&fp->f_epitems));
	atomic_store(&fp->f_refs, FILE_DEAD);
	file_destroy(fp);
}

void
file_hold(struct file *fp)
{
	unsigned int old = atomic_add(&fp->f_refs, 1);

	KASSERTMSG(old > 0 && old < FILE_DEAD, "file %p: %u references",
	    (void *)fp, old);
	(void)old;
}

/* The count was seen to reach zero. */
static __noinline void
file_last(struct file *fp)
{
	unsigned int none = 0;

	if (!atomic_cas_ar(&fp->f_refs, &none, FILE_DEAD))
		return;			/* a look-up was faster */
	if (atomic_load(&fp->f_watched))
		epoll_file_gone(fp);
	if (fp->f_async != NULL)
		fasync_gone(fp);
	if (fp->f_ops->fo_close != NULL)
		fp->f_ops->fo_close(fp);
	file_destroy(fp);
}

void
file_rele(struct file *fp)
{
	unsigned int old = atomic_sub_ar(&fp->f_refs, 1);

	KASSERTMSG((old & ~FILE_DEAD) > 0, "file %p: released too often",
	    (void *)fp);
	if (unlikely(old == 1))
		file_last(fp);
}

void
file_unslot(struct file *fp, struct proc *p)
{
	if (fp->f_ops->fo_flush != NULL && (file_flags(fp) & O_PATH) == 0)
		fp->f_ops->fo_flush(fp, p);
	file_rele(fp);
}

int
file_seekto(const struct file *fp, off_t off, int whence, uint64_t end,
    uint64_t max, off_t *ret_off)
{
	off_t pos;

	switch (whence) {
	case SEEK_SET:
		pos = 0;
		break;
	case SEEK_CUR:
		pos = fp->f_off;
		break;
	case SEEK_END:
		pos = (off_t)end;
		break;
	default:
		return EINVAL;
	}
	if (__builtin_add_overflow(pos, off, &pos) || pos < 0 ||
	    (uint64_t)pos > max)
		return EINVAL;
	*ret_off = pos;
	return 0;
}
