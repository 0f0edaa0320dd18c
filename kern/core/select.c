/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * select.c - select and pselect6
 *
 * The three sets become a list of descriptors with what is wanted of each,
 * which is waited for as poll does; the answers become sets again.
 *
 * References: select(2).
 */

#include <abi/sysargs.h>
#include <linux/time_types.h>
#include <lib/string.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/poll.h>
#include <sys/proc.h>

#include "poll_impl.h"

#define SET_WORDBITS	64
#define SELECT_FASTWORDS 4	/* a set of 256 descriptors is on the stack */
#define SELECT_FASTENTS	16
#define NSETS		3

/* What each set stands for, in the order of the arguments. */
static const uint32_t select_events[NSETS] = {
	POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
	POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
	POLLPRI,
};

struct fdsets {
	uint64_t	*fs_set[NSETS];		/* NULL: not given */
	size_t		 fs_words;		/* of each */
	int		 fs_n;			/* descriptors below this */
};

static size_t
fdsets_bytes(const struct fdsets *fs)
{
	return fs->fs_words * sizeof(uint64_t);
}

static int
fdsets_in(struct fdsets *fs, uint64_t *mem, unsigned long *const uset[NSETS])
{
	int error;

	for (int i = 0; i < NSETS; i++, mem += fs->fs_words) {
		fs->fs_set[i] = uset[i] != NULL ? mem : NULL;
		if (uset[i] == NULL)
			continue;
		error = copyin(uset[i], mem, fdsets_bytes(fs));
		if (error)
			return error;
	}
	return 0;
}

static int
fdsets_out(const struct fdsets *fs, unsigned long *const uset[NSETS])
{
	int error;

	for (int i = 0; i < NSETS; i++) {
		if (uset[i] == NULL)
			continue;
		error = copyout(fs->fs_set[i], uset[i], fdsets_bytes(fs));
		if (error)
			return error;
	}
	return 0;
}

/* The bits of word w in any set, less those at and beyond n. */
static uint64_t
fdsets_any(const struct fdsets *fs, size_t w)
{
	uint64_t any = 0;
	int left = fs->fs_n - (int)w * SET_WORDBITS;

	for (int i = 0; i < NSETS; i++)
		if (fs->fs_set[i] != NULL)
			any |= fs->fs_set[i][w];
	return left < SET_WORDBITS ? any & ((1ULL << left) - 1) : any;
}

static size_t
fdsets_count(const struct fdsets *fs)
{
	size_t n = 0;

	for (size_t w = 0; w < fs->fs_words; w++)
		n += (size_t)__builtin_popcountll(fdsets_any(fs, w));
	return n;
}

static void
fdsets_list(const struct fdsets *fs, struct pollent *pe)
{
	for (size_t w = 0; w < fs->fs_words; w++) {
		uint64_t any = fdsets_any(fs, w);

		for (; any != 0; any &= any - 1, pe++) {
			uint64_t bit = any & -any;

			pe->pe_fd = (int)w * SET_WORDBITS +
			    __builtin_ctzll(any);
			pe->pe_want = 0;
			for (int i = 0; i < NSETS; i++)
				if (fs->fs_set[i] != NULL &&
				    (fs->fs_set[i][w] & bit) != 0)
					pe->pe_want |= select_events[i];
		}
	}
}

/*
 * The sets hold what is ready; returns how many bits that are.  A bit that
 * was not asked for does not appear, though an error may make pe_got match.
 */
static long
fdsets_store(struct fdsets *fs, const struct pollent *pe, size_t n)
{
	long bits = 0;

	for (int i = 0; i < NSETS; i++) {
		uint64_t *set = fs->fs_set[i];

		if (set == NULL)
			continue;
		for (size_t k = 0; k < n; k++) {
			uint64_t bit = 1ULL << (pe[k].pe_fd % SET_WORDBITS);
			size_t w = (size_t)pe[k].pe_fd / SET_WORDBITS;

			if ((set[w] & bit) == 0)
				continue;
			if ((pe[k].pe_got & select_events[i]) != 0)
				bits++;
			else
				set[w] &= ~bit;
		}
	}
	return bits;
}

/* Bits beyond n in the last word are not results. */
static void
fdsets_trim(struct fdsets *fs)
{
	int left = fs->fs_n % SET_WORDBITS;

	if (left == 0)
		return;
	for (int i = 0; i < NSETS; i++)
		if (fs->fs_set[i] != NULL)
			fs->fs_set[i][fs->fs_words - 1] &= (1ULL << left) - 1;
}

static int
select_list(struct fdsets *fs, struct pollent *pe, size_t n, int64_t deadline,
    long *ret)
{
	unsigned int ready;
	int error;

	fdsets_list(fs, pe);
	error = poll_wait(pe, n, true, deadline, &ready);
	if (error)
		return error;
	fdsets_trim(fs);
	*ret = fdsets_store(fs, pe, n);
	return 0;
}

static int
select_sets(struct fdsets *fs, uint64_t *mem, unsigned long *const uset[NSETS],
    int64_t deadline, long *ret)
{
	struct pollent fast[SELECT_FASTENTS], *pe = fast;
	size_t n;
	int error;

	error = fdsets_in(fs, mem, uset);
	if (error)
		return error;
	n = fdsets_count(fs);
	if (n > SELECT_FASTENTS) {
		pe = kmem_alloc(n * sizeof(*pe), KM_SLEEP);
		if (pe == NULL)
			return ENOMEM;
	}
	error = select_list(fs, pe, n, deadline, ret);
	if (pe != fast)
		kmem_free(pe, n * sizeof(*pe));
	return error != 0 ? error : fdsets_out(fs, uset);
}

static int
do_select(int nfds, unsigned long *const uset[NSETS], int64_t deadline,
    long *ret)
{
	unsigned int limit = fdtable_limit(curproc()->p_fd);
	uint64_t fast[NSETS * SELECT_FASTWORDS], *mem = fast;
	struct fdsets fs;
	size_t bytes;
	int error;

	if (nfds < 0)
		return EINVAL;
	fs.fs_n = (unsigned int)nfds > limit ? (int)limit : nfds;
	fs.fs_words = ((size_t)fs.fs_n + SET_WORDBITS - 1) / SET_WORDBITS;
	bytes = NSETS * fdsets_bytes(&fs);
	if (fs.fs_words > SELECT_FASTWORDS) {
		mem = kmem_alloc(bytes, KM_SLEEP);
		if (mem == NULL)
			return ENOMEM;
	}
	error = select_sets(&fs, mem, uset, deadline, ret);
	if (mem != fast)
		kmem_free(mem, bytes);
	return error;
}

/* Microseconds may be more than a million, as long as none is negative. */
static int
timeval_deadline(const struct __kernel_old_timeval *utv, int64_t *ret_deadline)
{
	struct __kernel_old_timeval tv;
	struct timespec64 ts;
	int64_t ns;
	int error;

	*ret_deadline = KTIME_NEVER;
	if (utv == NULL)
		return 0;
	error = copyin(utv, &tv, sizeof(tv));
	if (error)
		return error;
	if (__builtin_add_overflow((int64_t)tv.tv_sec, tv.tv_usec / 1000000,
	    &ts.tv_sec))
		return EINVAL;
	ts.tv_nsec = tv.tv_usec % 1000000 * 1000;
	error = ktime_from_timespec(&ts, &ns);
	if (error)
		return error;
	*ret_deadline = ns == 0 ? POLL_NOWAIT : ktime_deadline(ns);
	return 0;
}

static void
timeval_putremaining(struct __kernel_old_timeval *utv, int64_t deadline)
{
	struct __kernel_old_timeval tv;
	struct timespec64 ts;

	if (utv == NULL)
		return;
	ts = ktime_to_timespec(poll_remaining(deadline));
	memset(&tv, 0, sizeof(tv));
	tv.tv_sec = ts.tv_sec;
	tv.tv_usec = ts.tv_nsec / 1000;
	if (copyout(&tv, utv, sizeof(tv)) != 0)
		return;			/* a courtesy */
}

int
sys_select(struct lwp *l, int nfds, unsigned long *readfds,
    unsigned long *writefds, unsigned long *exceptfds,
    struct __kernel_old_timeval *timeout, long *ret)
{
	unsigned long *const uset[NSETS] = { readfds, writefds, exceptfds };
	int64_t deadline;
	int error;

	error = timeval_deadline(timeout, &deadline);
	if (error)
		return error;
	error = do_select(nfds, uset, deadline, ret);
	timeval_putremaining(timeout, deadline);
	return error;
}

/* The sixth argument of pselect6 stands for two. */
struct sigmask_and_size {
	const void	*ss_mask;
	size_t		 ss_size;
};

int
sys_pselect6(struct lwp *l, int nfds, unsigned long *readfds,
    unsigned long *writefds, unsigned long *exceptfds,
    struct __kernel_timespec *timeout, const void *sigmask_and_size, long *ret)
{
	unsigned long *const uset[NSETS] = { readfds, writefds, exceptfds };
	struct sigmask_and_size ss = { NULL, 0 };
	int64_t deadline;
	int error = 0;

	if (sigmask_and_size != NULL)
		error = copyin(sigmask_and_size, &ss, sizeof(ss));
	if (error)
		return error;
	error = poll_deadline(timeout, &deadline);
	if (error)
		return error;
	error = poll_sigmask_check(ss.ss_mask, ss.ss_size);
	if (error)
		return error;
	error = do_select(nfds, uset, deadline, ret);
	poll_putremaining(timeout, deadline);
	return error;
}
