/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_mmap.c - files of the kernel as memory
 *
 * The host cannot map what it does not have, and nobody can map for another process.  But the program's call
 * goes on with another file behind its descriptor: a file in memory (memfd_create(2)) takes
 * the placeholder's place, filled with what is to be mapped, until the thread's next call (swap.c).
 *
 * All who map a file shared get the same file in memory, so they see each other's changes, and we
 * see them, too: what changed goes back to the kernel at msync(2), munmap(2), and at the end of each
 * process that mapped it, however that ends.  What others write by write(2) is not seen.
 *
 * Locking
 *	maps_lock, held while files are filled and written back
 *
 * References: mmap(2), msync(2), memfd_create(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "supervisor.h"

#define PAGE		4096UL
#define CHUNK		65536UL

#ifndef RWF_NOAPPEND			/* Linux 6.9 */
#define RWF_NOAPPEND	0x20
#endif

/* A file that is mapped shared.  Field key:  c  constant	m  maps_lock */
struct shared {
	struct shared	*sh_next;	/* m */
	unsigned int	 sh_refs;	/* m */
	dev_t		 sh_dev;	/* c */
	ino_t		 sh_ino;	/* c */
	int		 sh_memfd;	/* c */
	uint64_t	*sh_sum;	/* m: of each page, as the kernel has it; 0: not read yet */
	size_t		 sh_npages;	/* m */
};

/* A process that may have changed one. */
struct mapping {
	struct mapping	*mp_next;	/* m: of the target */
	struct shared	*mp_shared;	/* c */
	int		 mp_r;		/* c: the kernel's descriptor, for it alone */
};

static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct shared *shareds;		/* m */

/* --- writing back ------------------------------------------------------------------------- */

static uint64_t
page_sum(const uint64_t *page)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL;

	for (unsigned int i = 0; i < PAGE / 8; i++)
		h = (h ^ page[i]) * 0xff51afd7ed558ccdULL + (h >> 29);
	return h | 1;
}

static long
flush_page(struct target *t, struct mapping *mp, size_t i, uint64_t size)
{
	struct shared *sh = mp->mp_shared;
	uint64_t page[PAGE / 8] = { 0 }, off = i * PAGE, sum;
	struct iovec iov = { page, size - off < PAGE ? size - off : PAGE };
	unsigned long args[6] = { (unsigned long)mp->mp_r, (unsigned long)&iov, 1, off, 0, RWF_NOAPPEND };
	long ret;

	if (sh->sh_sum[i] == 0 || off >= size || pread(sh->sh_memfd, page, PAGE, (off_t)off) <= 0)
		return 0;
	sum = page_sum(page);
	if (sum == sh->sh_sum[i])
		return 0;
	/* Where it belongs, even if the descriptor appends. */
	ret = target_call(t, SYS_pwritev2, args);
	if (ret > 0)
		sh->sh_sum[i] = sum;
	return ret < 0 ? ret : 0;
}

static long
flush_locked(struct target *t)
{
	unsigned long args[6] = { 0 };
	struct stat st;
	long ret = 0;

	for (struct mapping *mp = t->t_maps; mp != NULL; mp = mp->mp_next) {
		args[0] = (unsigned long)mp->mp_r;
		args[1] = (unsigned long)&st;
		if (target_call(t, SYS_fstat, args) != 0)
			continue;
		for (size_t i = 0; i < mp->mp_shared->sh_npages && ret == 0; i++)
			ret = flush_page(t, mp, i, (uint64_t)st.st_size);
	}
	return ret;
}

long
mmap_flush_target(struct target *t)
{
	long ret;

	if (__atomic_load_n(&t->t_maps, __ATOMIC_ACQUIRE) == NULL)
		return 0;
	(void)pthread_mutex_lock(&maps_lock);
	ret = flush_locked(t);
	(void)pthread_mutex_unlock(&maps_lock);
	return ret;
}

/* --- who has mapped what -------------------------------------------------------------------- */

static void
shared_rele_locked(struct shared *sh)
{
	struct shared **link = &shareds;

	if (--sh->sh_refs > 0)
		return;
	while (*link != sh)
		link = &(*link)->sh_next;
	*link = sh->sh_next;
	(void)close(sh->sh_memfd);
	free(sh->sh_sum);
	free(sh);
}

void
mmap_forget(struct target *t)
{
	struct mapping *mp;

	(void)pthread_mutex_lock(&maps_lock);
	while ((mp = t->t_maps) != NULL) {
		t->t_maps = mp->mp_next;
		shared_rele_locked(mp->mp_shared);
		free(mp);
	}
	(void)pthread_mutex_unlock(&maps_lock);
}

static long
mapping_add_locked(struct mapping **list, struct shared *sh, int r)
{
	struct mapping *mp = calloc(1, sizeof(*mp));

	if (mp == NULL)
		return -ENOMEM;
	*mp = (struct mapping){ .mp_next = *list, .mp_shared = sh, .mp_r = r };
	sh->sh_refs++;
	__atomic_store_n(list, mp, __ATOMIC_RELEASE);
	return 0;
}

struct mapping *
mmap_inherit(const struct target *parent)
{
	struct mapping *list = NULL;

	(void)pthread_mutex_lock(&maps_lock);
	for (const struct mapping *mp = parent->t_maps; mp != NULL; mp = mp->mp_next)
		(void)mapping_add_locked(&list, mp->mp_shared, mp->mp_r);
	(void)pthread_mutex_unlock(&maps_lock);
	return list;
}

void
mmap_disinherit(struct mapping *list)
{
	struct target nobody = { .t_maps = list };

	mmap_forget(&nobody);
}

/* --- filling -------------------------------------------------------------------------------- */

/* [off, off + len) of the kernel's r, as far as it goes. */
static long
fill(int memfd, int r, uint64_t off, uint64_t len)
{
	char buf[CHUNK];
	long n;

	while (len > 0) {
		n = kernel_syscall(SYS_pread64, r, buf, len < CHUNK ? len : CHUNK, off);
		if (n <= 0)
			return n;
		if (pwrite(memfd, buf, (size_t)n, (off_t)off) != n)
			return -ENOMEM;
		off += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static long
memory_file(off_t size)
{
	int fd = memfd_create("rump", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, size) == 0)
		return fd;
	(void)close(fd);
	return -ENOMEM;
}

static long
map_private(unsigned long n, int r, const struct stat *st, uint64_t off, uint64_t len)
{
	long fd = memory_file(st->st_size), ret;

	if (fd < 0)
		return fd;
	ret = fill((int)fd, r, off, len);
	if (ret == 0)
		ret = swap_begin(n, (int)fd);
	(void)close((int)fd);
	return ret;
}

static struct shared *
shared_get_locked(const struct stat *st)
{
	struct shared *sh;
	long fd;

	for (sh = shareds; sh != NULL; sh = sh->sh_next) {
		if (sh->sh_dev == st->st_dev && sh->sh_ino == st->st_ino)
			break;
	}
	if (sh == NULL) {
		sh = calloc(1, sizeof(*sh));
		fd = sh == NULL ? -ENOMEM : memory_file(0);
		if (fd < 0) {
			free(sh);
			return NULL;
		}
		*sh = (struct shared){ .sh_next = shareds, .sh_dev = st->st_dev, .sh_ino = st->st_ino,
		    .sh_memfd = (int)fd };
		shareds = sh;
	}
	sh->sh_refs++;
	return sh;
}

/* As large as the file is now. */
static long
shared_grow_locked(struct shared *sh, off_t size)
{
	size_t n = ((size_t)size + PAGE - 1) / PAGE;
	uint64_t *sum;
	struct stat st;

	if (n > sh->sh_npages) {
		sum = realloc(sh->sh_sum, n * sizeof(*sum));
		if (sum == NULL)
			return -ENOMEM;
		memset(sum + sh->sh_npages, 0, (n - sh->sh_npages) * sizeof(*sum));
		sh->sh_sum = sum;
		sh->sh_npages = n;
	}
	if (fstat(sh->sh_memfd, &st) == 0 && st.st_size < size && ftruncate(sh->sh_memfd, size) != 0)
		return -ENOMEM;
	return 0;
}

/* Has it been changed since it was last the kernel's? */
static bool
page_dirty(const struct shared *sh, size_t i)
{
	uint64_t page[PAGE / 8] = { 0 };

	return sh->sh_sum[i] != 0 && pread(sh->sh_memfd, page, PAGE, (off_t)(i * PAGE)) > 0 &&
	    page_sum(page) != sh->sh_sum[i];
}

/* What is mapped now is what the kernel has now, but for changes that it has not been told yet. */
static long
shared_fill_locked(struct shared *sh, int r, uint64_t off, uint64_t len)
{
	size_t end = (off + len + PAGE - 1) / PAGE;
	long ret = 0;

	if (end > sh->sh_npages)
		end = sh->sh_npages;
	for (size_t i = off / PAGE; i < end && ret == 0; i++) {
		uint64_t page[PAGE / 8] = { 0 };

		if (page_dirty(sh, i))
			continue;
		ret = fill(sh->sh_memfd, r, i * PAGE, PAGE);
		if (ret == 0 && pread(sh->sh_memfd, page, PAGE, (off_t)(i * PAGE)) >= 0)
			sh->sh_sum[i] = page_sum(page);
	}
	return ret;
}

/* Who may write gets a descriptor of the kernel for it. */
static long
shared_own_locked(struct shared *sh, int r)
{
	struct target *t = visit->v_target;
	long own, ret;

	for (const struct mapping *mp = t->t_maps; mp != NULL; mp = mp->mp_next) {
		if (mp->mp_shared == sh)
			return 0;
	}
	own = kernel_syscall(SYS_dup, r);
	if (own < 0)
		return own;
	ret = mapping_add_locked(&t->t_maps, sh, (int)own);
	if (ret != 0)
		(void)kernel_syscall(SYS_close, own);
	return ret;
}

/* Not to be written by who may not write the file, now or later (mprotect(2)). */
static int
read_only(int memfd)
{
	char name[40];
	int fd;

	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", memfd);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static long
map_shared(unsigned long n, int r, const struct stat *st, bool writes, uint64_t off, uint64_t len)
{
	struct shared *sh;
	long ret;
	int fd;

	(void)pthread_mutex_lock(&maps_lock);
	sh = shared_get_locked(st);
	ret = sh == NULL ? -ENOMEM : shared_grow_locked(sh, st->st_size);
	if (ret == 0)
		ret = shared_fill_locked(sh, r, off, len);
	if (ret == 0 && writes)
		ret = shared_own_locked(sh, r);
	fd = ret != 0 ? (int)ret : writes ? fcntl(sh->sh_memfd, F_DUPFD_CLOEXEC, 0) :
	    read_only(sh->sh_memfd);
	if (sh != NULL)
		shared_rele_locked(sh);
	(void)pthread_mutex_unlock(&maps_lock);
	if (fd < 0)
		return ret != 0 ? ret : -EMFILE;
	ret = swap_begin(n, fd);
	(void)close(fd);
	return ret;
}

/* --- rules ------------------------------------------------------------------------------------- */

/* What the host would have said about the file. */
static long
check(int r, unsigned long prot, unsigned long flags, struct stat *st, long *ret_mode)
{
	long mode = kernel_syscall(SYS_fcntl, r, F_GETFL), ret;

	ret = kernel_syscall(SYS_fstat, r, st);
	if (mode < 0 || ret < 0)
		return mode < 0 ? mode : ret;
	if ((mode & O_PATH) != 0)
		return -EBADF;
	if ((mode & O_ACCMODE) == O_WRONLY || ((flags & MAP_TYPE) != MAP_PRIVATE &&
	    (prot & PROT_WRITE) != 0 && (mode & O_ACCMODE) != O_RDWR))
		return -EACCES;
	*ret_mode = mode;
	return S_ISREG(st->st_mode) ? 0 : -ENODEV;
}

static long
rule_mmap(long nr, const unsigned long args[6])
{
	int32_t entry = (args[3] & MAP_ANONYMOUS) != 0 ? FDMAP_HOST : fdmap_entry(args[4]);
	struct stat st;
	long ret, mode = 0;

	if (entry <= 0)
		return CALL_GOES_ON;
	if (args[1] == 0 || args[5] % PAGE != 0 || args[5] + args[1] < args[5])
		return -EINVAL;
	ret = check(entry - 1, args[2], args[3], &st, &mode);
	if (ret != 0)
		return ret;
	return (args[3] & MAP_TYPE) == MAP_PRIVATE ?
	    map_private(args[4], entry - 1, &st, args[5], args[1]) :
	    map_shared(args[4], entry - 1, &st, (mode & O_ACCMODE) == O_RDWR, args[5], args[1]);
}

static long
rule_flush(long nr, const unsigned long args[6])
{
	long ret = mmap_flush_target(visit->v_target);

	return nr == SYS_msync && ret != 0 ? ret : CALL_GOES_ON;
}

void
mmap_rules(void)
{
	dispatch_set(SYS_mmap, HIJACK_LOOK, rule_mmap);
	if (policy.po_prefixlen == 0 && policy.po_blanket[0] == '\0')
		return;
	dispatch_set(SYS_munmap, HIJACK_LOOK, rule_flush);
	dispatch_set(SYS_msync, HIJACK_LOOK, rule_flush);
}
