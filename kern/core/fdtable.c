/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fdtable.c - tables of descriptors
 *
 * A table maps small numbers to files.  Its body is one block: the slots, and
 * behind them a bit per number for "taken" and one for "close on exec", and a
 * bit per 64 numbers which are all taken, so that the lowest free one among a
 * hundred thousand is found in a few steps.
 *
 *	free -> reserved	fd_reserve(): the bit is set, the slot is NULL
 *	reserved -> open	fd_install()
 *	reserved -> free	fd_unreserve()
 *	open -> free		fd_close() and the like
 *
 * Look-up takes no lock: load the body, load the slot, take a reference.  What
 * the slot held at that moment is the answer, even if it is closed before the
 * reference was taken, because files and bodies are freed through qsbr only;
 * so a second look at the slot would tell nothing new.  If the file turns out
 * to be dead, its slot was cleared before, perhaps in a larger body that has
 * replaced ours, and we look again from the start.
 *
 * Growing makes a larger body, copies under the lock, publishes, and has the
 * old one freed through qsbr.  Who still looks at the old one sees the past,
 * which is as if he had looked before.
 *
 * Locking: ft_lock guards changes; nothing is called with it held but the
 * allocator.  Files are released after it was dropped.
 */

#include <sys/file.h>

#include <linux/fcntl.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#define WORD_BITS	64
#define FDBODY_MIN	64		/* slots of a new table */

/*
 * Field key:	c  constant	l  ft_lock	q  ft_lock, read by qsbr
 */
struct fdbody {
	unsigned int	 fb_size;	/* c: slots, a multiple of WORD_BITS */
	size_t		 fb_bytes;	/* c: of this block */
	struct qsbr_head fb_qsbr;
	uint64_t	*fb_taken;	/* l: a bit a number */
	uint64_t	*fb_cloexec;	/* l: a bit a number */
	uint64_t	*fb_full;	/* l: a bit a word of fb_taken */
	struct file	*fb_slot[];	/* q */
};

/*
 * Field key:	a  atomic	l  ft_lock	q  ft_lock, read by qsbr
 */
struct fdtable {
	struct fdbody	*ft_body;	/* q */
	unsigned int	 ft_refs;	/* a */
	kmutex_t	 ft_lock;
	unsigned int	 ft_low;	/* l: all numbers below are taken */
	struct qsbr_head ft_qsbr;
};

static inline bool
bit_isset(const uint64_t *map, unsigned int n)
{
	return (map[n / WORD_BITS] >> (n % WORD_BITS) & 1) != 0;
}

static inline void
bit_assign(uint64_t *map, unsigned int n, bool on)
{
	uint64_t bit = 1ULL << (n % WORD_BITS);

	if (on)
		map[n / WORD_BITS] |= bit;
	else
		map[n / WORD_BITS] &= ~bit;
}

static unsigned int
words_for(unsigned int bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS;
}

/* --- bodies ---------------------------------------------------------------- */

static int
fdbody_create(unsigned int size, struct fdbody **ret_fb)
{
	unsigned int words = words_for(size), fullwords = words_for(words);
	struct fdbody *fb;
	size_t bytes;

	bytes = sizeof(*fb) + size * sizeof(fb->fb_slot[0]) +
	    (2 * (size_t)words + fullwords) * sizeof(uint64_t);
	fb = kmem_zalloc(bytes, KM_SLEEP);
	if (fb == NULL)
		return ENOMEM;
	fb->fb_size = size;
	fb->fb_bytes = bytes;
	fb->fb_taken = (uint64_t *)(void *)&fb->fb_slot[size];
	fb->fb_cloexec = fb->fb_taken + words;
	fb->fb_full = fb->fb_cloexec + words;
	*ret_fb = fb;
	return 0;
}

static void
fdbody_free(struct qsbr_head *qh)
{
	struct fdbody *fb = container_of(qh, struct fdbody, fb_qsbr);

	kmem_free(fb, fb->fb_bytes);
}

static void
fdbody_settaken(struct fdbody *fb, unsigned int fd, bool taken)
{
	unsigned int word = fd / WORD_BITS;

	bit_assign(fb->fb_taken, fd, taken);
	bit_assign(fb->fb_full, word, fb->fb_taken[word] == ~0ULL);
}

/* The lowest free number >= from, or fb_size. */
static unsigned int
fdbody_firstfree(const struct fdbody *fb, unsigned int from)
{
	unsigned int words = words_for(fb->fb_size), word = from / WORD_BITS;
	uint64_t free;

	if (from >= fb->fb_size)
		return fb->fb_size;
	free = ~fb->fb_taken[word] & ~0ULL << (from % WORD_BITS);
	if (free != 0)
		return word * WORD_BITS + (unsigned int)__builtin_ctzll(free);
	for (word++; word < words; ) {
		free = ~fb->fb_full[word / WORD_BITS] &
		    ~0ULL << (word % WORD_BITS);
		if (free == 0) {
			word = (word / WORD_BITS + 1) * WORD_BITS;
			continue;
		}
		word = word / WORD_BITS * WORD_BITS +
		    (unsigned int)__builtin_ctzll(free);
		if (word >= words)
			break;
		return word * WORD_BITS +
		    (unsigned int)__builtin_ctzll(~fb->fb_taken[word]);
	}
	return fb->fb_size;
}

/* The lowest taken number >= from, or fb_size. */
static unsigned int
fdbody_nexttaken(const struct fdbody *fb, unsigned int from)
{
	unsigned int words = words_for(fb->fb_size), word = from / WORD_BITS;
	uint64_t taken;

	if (from >= fb->fb_size)
		return fb->fb_size;
	taken = fb->fb_taken[word] & ~0ULL << (from % WORD_BITS);
	while (taken == 0) {
		if (++word >= words)
			return fb->fb_size;
		taken = fb->fb_taken[word];
	}
	return word * WORD_BITS + (unsigned int)__builtin_ctzll(taken);
}

/* --- tables ---------------------------------------------------------------- */

static int
fdtable_create_sized(unsigned int size, struct fdtable **ret_fdt)
{
	struct fdtable *fdt;
	int error;

	fdt = kmem_zalloc(sizeof(*fdt), KM_SLEEP);
	if (fdt == NULL)
		return ENOMEM;
	error = fdbody_create(size, &fdt->ft_body);
	if (error) {
		kmem_free(fdt, sizeof(*fdt));
		return error;
	}
	mutex_init(&fdt->ft_lock, "fdtable");
	fdt->ft_refs = 1;
	*ret_fdt = fdt;
	return 0;
}

int
fdtable_create(struct fdtable **ret_fdt)
{
	return fdtable_create_sized(FDBODY_MIN, ret_fdt);
}

/* Makes room for number fd. */
static int
fdtable_grow_locked(struct fdtable *fdt, unsigned int fd) REQUIRES(fdt->ft_lock)
{
	struct fdbody *old = fdt->ft_body, *new;
	unsigned int size = old->fb_size;
	int error;

	if (fd < size)
		return 0;
	if (fd >= FD_MAX)
		return EMFILE;
	while (size <= fd)
		size *= 2;
	error = fdbody_create(size, &new);
	if (error)
		return error;
	memcpy(new->fb_slot, old->fb_slot,
	    old->fb_size * sizeof(old->fb_slot[0]));
	memcpy(new->fb_taken, old->fb_taken, old->fb_size / 8);
	memcpy(new->fb_cloexec, old->fb_cloexec, old->fb_size / 8);
	memcpy(new->fb_full, old->fb_full,
	    words_for(words_for(old->fb_size)) * sizeof(uint64_t));
	atomic_store_rel(&fdt->ft_body, new);
	qsbr_call(&old->fb_qsbr, fdbody_free);
	return 0;
}

/*
 * Copies what is open, not what is only reserved: that becomes open in the
 * other table alone.
 */
static void
fdbody_copy(struct fdbody *to, const struct fdbody *from)
{
	unsigned int fd;

	KASSERT(to->fb_size >= from->fb_size);
	for (fd = fdbody_nexttaken(from, 0); fd < from->fb_size;
	    fd = fdbody_nexttaken(from, fd + 1)) {
		if (from->fb_slot[fd] == NULL)
			continue;
		file_hold(from->fb_slot[fd]);
		to->fb_slot[fd] = from->fb_slot[fd];
		fdbody_settaken(to, fd, true);
		bit_assign(to->fb_cloexec, fd, bit_isset(from->fb_cloexec, fd));
	}
}

int
fdtable_copy(struct fdtable *from, bool empty, struct fdtable **ret_fdt)
{
	unsigned int size = FDBODY_MIN;
	struct fdtable *fdt;
	int error;

	for (;;) {
		error = fdtable_create_sized(size, &fdt);
		if (error)
			return error;
		if (empty) {
			error = fdtable_console(fdt);
			break;
		}
		mutex_enter(&from->ft_lock);
		size = from->ft_body->fb_size;
		if (size <= fdt->ft_body->fb_size) {
			fdbody_copy(fdt->ft_body, from->ft_body);
			mutex_exit(&from->ft_lock);
			break;
		}
		mutex_exit(&from->ft_lock);
		fdtable_rele(fdt);
	}
	if (error) {
		fdtable_rele(fdt);
		return error;
	}
	*ret_fdt = fdt;
	return 0;
}

void
fdtable_hold(struct fdtable *fdt)
{
	unsigned int old = atomic_add(&fdt->ft_refs, 1);

	KASSERT(old > 0);
	(void)old;
}

static void
fdtable_free(struct qsbr_head *qh)
{
	struct fdtable *fdt = container_of(qh, struct fdtable, ft_qsbr);

	kmem_free(fdt->ft_body, fdt->ft_body->fb_bytes);
	kmem_free(fdt, sizeof(*fdt));
}

void
fdtable_rele(struct fdtable *fdt)
{
	struct fdbody *fb;
	struct file *fp;
	unsigned int fd;

	if (atomic_sub_ar(&fdt->ft_refs, 1) != 1)
		return;
	fb = fdt->ft_body;
	for (fd = fdbody_nexttaken(fb, 0); fd < fb->fb_size;
	    fd = fdbody_nexttaken(fb, fd + 1)) {
		fp = atomic_swap_ar(&fb->fb_slot[fd], NULL);
		if (fp != NULL)
			file_unslot(fp);
	}
	mutex_destroy(&fdt->ft_lock);
	qsbr_call(&fdt->ft_qsbr, fdtable_free);
}

int
fdtable_unshare(struct proc *p)
{
	struct fdtable *old = atomic_load_acq(&p->p_fd), *new;
	int error;

	if (atomic_load_acq(&old->ft_refs) == 1)
		return 0;
	error = fdtable_copy(old, false, &new);
	if (error)
		return error;
	old = atomic_swap_ar(&p->p_fd, new);
	fdtable_rele(old);
	return 0;
}

void
fdtable_fill(struct fdtable *fdt, struct file *fp, unsigned int n)
{
	KASSERT(n <= fdt->ft_body->fb_size);
	for (unsigned int fd = 0; fd < n; fd++) {
		KASSERT(fdt->ft_body->fb_slot[fd] == NULL);
		file_hold(fp);
		fdbody_settaken(fdt->ft_body, fd, true);
		fdt->ft_body->fb_slot[fd] = fp;
	}
	fdt->ft_low = n;
}

unsigned int
fdtable_limit(struct fdtable *fdt)
{
	return atomic_load_acq(&fdt->ft_body)->fb_size;
}

int
fdtable_iterate(struct fdtable *fdt,
    int (*fn)(int fd, struct file *fp, void *arg), void *arg)
{
	struct file *fp;
	unsigned int fd = 0;
	int error = 0;

	for (;; fd++) {
		mutex_enter(&fdt->ft_lock);
		do {
			fd = fdbody_nexttaken(fdt->ft_body, fd);
			fp = fd < fdt->ft_body->fb_size ?
			    fdt->ft_body->fb_slot[fd] : NULL;
		} while (fp == NULL && fd++ < fdt->ft_body->fb_size);
		if (fp != NULL)
			file_hold(fp);
		mutex_exit(&fdt->ft_lock);
		if (fp == NULL)
			return 0;
		error = fn((int)fd, fp, arg);
		file_rele(fp);
		if (error)
			return error;
	}
}

/* --- look-up --------------------------------------------------------------- */

int
fd_get(int fd, struct file **ret_fp)
{
	struct fdtable *fdt = atomic_load_acq(&curproc()->p_fd);
	struct fdbody *fb;
	struct file *fp;

	for (;;) {
		fb = atomic_load_acq(&fdt->ft_body);
		if (unlikely((unsigned int)fd >= fb->fb_size))
			return EBADF;
		fp = atomic_load_acq(&fb->fb_slot[fd]);
		if (unlikely(fp == NULL))
			return EBADF;
		if (likely(file_tryhold(fp))) {
			*ret_fp = fp;
			return 0;
		}
		cpu_relax();
	}
}

int
fd_get_nopath(int fd, struct file **ret_fp)
{
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	if (unlikely((file_flags(fp) & O_PATH) != 0)) {
		fd_put(fp);
		return EBADF;
	}
	*ret_fp = fp;
	return 0;
}

int
fd_get_rw(int fd, bool write, struct file **ret_fp)
{
	struct file *fp;
	int error;

	error = fd_get(fd, &fp);
	if (error)
		return error;
	if (unlikely(!(write ? file_writable(fp) : file_readable(fp)))) {
		fd_put(fp);
		return EBADF;
	}
	*ret_fp = fp;
	return 0;
}

/* --- change ---------------------------------------------------------------- */

static struct fdtable *
curfdtable(void)
{
	return atomic_load_acq(&curproc()->p_fd);
}

static unsigned int
fd_rlimit(void)
{
	uint64_t limit;

	limit = atomic_load(&curproc()->p_rlimit[RLIMIT_NOFILE].rlim_cur);
	return limit > FD_MAX ? FD_MAX : (unsigned int)limit;
}

static int
fd_reserve_locked(struct fdtable *fdt, unsigned int min, int *ret_fd)
    REQUIRES(fdt->ft_lock)
{
	unsigned int fd;
	int error;

	fd = fdbody_firstfree(fdt->ft_body, min > fdt->ft_low ? min :
	    fdt->ft_low);
	if (fd < min)
		fd = min;		/* beyond the body */
	if (fd >= fd_rlimit())
		return EMFILE;
	error = fdtable_grow_locked(fdt, fd);
	if (error)
		return error;
	KASSERT(!bit_isset(fdt->ft_body->fb_taken, fd));
	fdbody_settaken(fdt->ft_body, fd, true);
	if (min <= fdt->ft_low)
		fdt->ft_low = fd + 1;
	*ret_fd = (int)fd;
	return 0;
}

static void
fd_install_locked(struct fdtable *fdt, unsigned int fd, struct file *fp,
    bool cloexec) REQUIRES(fdt->ft_lock)
{
	struct fdbody *fb = fdt->ft_body;

	KASSERT(bit_isset(fb->fb_taken, fd));
	KASSERT(fb->fb_slot[fd] == NULL);
	bit_assign(fb->fb_cloexec, fd, cloexec);
	atomic_store_rel(&fb->fb_slot[fd], fp);
}

/* The file that was there, or NULL. */
static struct file *
fd_remove_locked(struct fdtable *fdt, unsigned int fd) REQUIRES(fdt->ft_lock)
{
	struct fdbody *fb = fdt->ft_body;
	struct file *fp;

	if (fd >= fb->fb_size || fb->fb_slot[fd] == NULL)
		return NULL;
	fp = fb->fb_slot[fd];
	atomic_store_rel(&fb->fb_slot[fd], NULL);
	fdbody_settaken(fb, fd, false);
	if (fd < fdt->ft_low)
		fdt->ft_low = fd;
	return fp;
}

int
fd_reserve(int min, int *ret_fd)
{
	struct fdtable *fdt = curfdtable();
	int error;

	mutex_enter(&fdt->ft_lock);
	error = fd_reserve_locked(fdt, (unsigned int)min, ret_fd);
	mutex_exit(&fdt->ft_lock);
	return error;
}

void
fd_install(int fd, struct file *fp, bool cloexec)
{
	struct fdtable *fdt = curfdtable();

	mutex_enter(&fdt->ft_lock);
	fd_install_locked(fdt, (unsigned int)fd, fp, cloexec);
	mutex_exit(&fdt->ft_lock);
}

void
fd_unreserve(int fd)
{
	struct fdtable *fdt = curfdtable();

	mutex_enter(&fdt->ft_lock);
	KASSERT(fdt->ft_body->fb_slot[fd] == NULL);
	KASSERT(bit_isset(fdt->ft_body->fb_taken, (unsigned int)fd));
	fdbody_settaken(fdt->ft_body, (unsigned int)fd, false);
	if ((unsigned int)fd < fdt->ft_low)
		fdt->ft_low = (unsigned int)fd;
	mutex_exit(&fdt->ft_lock);
}

int
fd_alloc_min(struct file *fp, int min, bool cloexec, int *ret_fd)
{
	struct fdtable *fdt = curfdtable();
	int error;

	mutex_enter(&fdt->ft_lock);
	error = fd_reserve_locked(fdt, (unsigned int)min, ret_fd);
	if (error == 0)
		fd_install_locked(fdt, (unsigned int)*ret_fd, fp, cloexec);
	mutex_exit(&fdt->ft_lock);
	return error;
}

int
fd_alloc(struct file *fp, bool cloexec, int *ret_fd)
{
	return fd_alloc_min(fp, 0, cloexec, ret_fd);
}

int
fd_replace(struct file *fp, int fd, bool cloexec)
{
	struct fdtable *fdt = curfdtable();
	struct file *old;
	int error;

	if (fd < 0 || (unsigned int)fd >= fd_rlimit())
		return EBADF;
	mutex_enter(&fdt->ft_lock);
	error = fdtable_grow_locked(fdt, (unsigned int)fd);
	if (error) {
		mutex_exit(&fdt->ft_lock);
		return error;
	}
	old = fdt->ft_body->fb_slot[fd];
	if (old == NULL && bit_isset(fdt->ft_body->fb_taken, (unsigned int)fd)) {
		mutex_exit(&fdt->ft_lock);
		return EBUSY;		/* reserved: an open(2) is under way */
	}
	fdbody_settaken(fdt->ft_body, (unsigned int)fd, true);
	bit_assign(fdt->ft_body->fb_cloexec, (unsigned int)fd, cloexec);
	atomic_store_rel(&fdt->ft_body->fb_slot[fd], fp);
	mutex_exit(&fdt->ft_lock);
	if (old != NULL)
		file_unslot(old);
	return 0;
}

int
fd_close(int fd)
{
	struct fdtable *fdt = curfdtable();
	struct file *fp;

	mutex_enter(&fdt->ft_lock);
	fp = fd_remove_locked(fdt, (unsigned int)fd);
	mutex_exit(&fdt->ft_lock);
	if (fp == NULL)
		return EBADF;
	file_unslot(fp);
	return 0;
}

/*
 * Takes the first open file in [*fd, last] out, which if cloexec must be
 * marked so; *fd becomes the number after it.  NULL: there is none.
 */
static struct file *
fdtable_removenext(struct fdtable *fdt, unsigned int *fd, unsigned int last,
    bool cloexec)
{
	struct file *fp = NULL;
	struct fdbody *fb;
	unsigned int n;

	mutex_enter(&fdt->ft_lock);
	fb = fdt->ft_body;
	for (n = fdbody_nexttaken(fb, *fd); n < fb->fb_size && n <= last;
	    n = fdbody_nexttaken(fb, n + 1)) {
		if (cloexec && !bit_isset(fb->fb_cloexec, n))
			continue;
		fp = fd_remove_locked(fdt, n);
		if (fp != NULL)
			break;
	}
	mutex_exit(&fdt->ft_lock);
	*fd = n + 1;
	return fp;
}

void
fd_close_range(unsigned int first, unsigned int last)
{
	struct fdtable *fdt = curfdtable();
	struct file *fp;

	while ((fp = fdtable_removenext(fdt, &first, last, false)) != NULL)
		file_unslot(fp);
}

void
fdtable_closeexec(struct fdtable *fdt)
{
	unsigned int first = 0;
	struct file *fp;

	while ((fp = fdtable_removenext(fdt, &first, FD_MAX, true)) != NULL)
		file_unslot(fp);
}

void
fd_cloexec_range(unsigned int first, unsigned int last)
{
	struct fdtable *fdt = curfdtable();
	struct fdbody *fb;
	unsigned int n;

	mutex_enter(&fdt->ft_lock);
	fb = fdt->ft_body;
	for (n = fdbody_nexttaken(fb, first); n < fb->fb_size && n <= last;
	    n = fdbody_nexttaken(fb, n + 1))
		bit_assign(fb->fb_cloexec, n, true);
	mutex_exit(&fdt->ft_lock);
}

int
fd_getcloexec(int fd, bool *ret_cloexec)
{
	struct fdtable *fdt = curfdtable();
	int error = EBADF;

	mutex_enter(&fdt->ft_lock);
	if ((unsigned int)fd < fdt->ft_body->fb_size &&
	    fdt->ft_body->fb_slot[fd] != NULL) {
		*ret_cloexec = bit_isset(fdt->ft_body->fb_cloexec,
		    (unsigned int)fd);
		error = 0;
	}
	mutex_exit(&fdt->ft_lock);
	return error;
}

int
fd_setcloexec(int fd, bool cloexec)
{
	struct fdtable *fdt = curfdtable();
	int error = EBADF;

	mutex_enter(&fdt->ft_lock);
	if ((unsigned int)fd < fdt->ft_body->fb_size &&
	    fdt->ft_body->fb_slot[fd] != NULL) {
		bit_assign(fdt->ft_body->fb_cloexec, (unsigned int)fd, cloexec);
		error = 0;
	}
	mutex_exit(&fdt->ft_lock);
	return error;
}
