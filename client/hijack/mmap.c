/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * mmap.c - files of the kernel as memory
 *
 * The host cannot map what it does not have.  So the memory is anonymous and filled from the file at
 * once.  What a shared mapping changes is written back by msync(2), munmap(2) and at the
 * exit: pages whose sum has changed, as far as the file reaches.  A child of fork(2) shares it with
 * its parent.
 *
 * Calls that read a file of which this process has a shared mapping find what that changed, and what calls
 * write shows in the mappings.  What other processes wrote is fetched by msync(2), page by page, where
 * the mapping was not changed since.
 *
 * References: mmap(2), msync(2).
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define PAGE		4096UL
#define NREGIONS	1024

#ifndef RWF_NOAPPEND			/* Linux 6.9 */
#define RWF_NOAPPEND	0x20
#endif

/* A shared mapping that may be written. */
struct region {
	uint32_t	 rg_used;	/* a: 0 free, 1 being made or gone, 2 there */
	int		 rg_r;		/* the kernel's descriptor, our own */
	unsigned long	 rg_addr;
	unsigned long	 rg_len;	/* whole pages */
	uint64_t	 rg_off;
	uint64_t	*rg_sum;	/* of each page, as the file has it */
	uint64_t	 rg_dev, rg_ino;
	struct timespec	 rg_mtime;	/* of the file, when all of it was as we have it; 0: unknown */
};

static struct region regions[NREGIONS];
uint32_t mmap_nregions;		/* a: hint that there are some */

static uint64_t
page_sum(const uint64_t *page)
{
	uint64_t h = 0x9e3779b97f4a7c15ULL;

	for (unsigned int i = 0; i < PAGE / 8; i++)
		h = (h ^ page[i]) * 0xff51afd7ed558ccdULL + (h >> 29);
	return h;
}

static size_t
sums_bytes(const struct region *rg)
{
	return (rg->rg_len / PAGE * sizeof(uint64_t) + PAGE - 1) & -PAGE;
}

/* --- writing back --------------------------------------------------------------------------- */

/*
 * Pages [first, last) of the region.  A page that the program made unreadable is left alone.
 */
static long
region_flush(struct region *rg, unsigned long first, unsigned long last)
{
	uint64_t page[PAGE / 8], off, sum;
	struct iovec iov;
	struct stat st;
	long ret;

	ret = kernel_syscall(SYS_fstat, rg->rg_r, &st);
	for (unsigned long i = first; ret >= 0 && i < last; i++) {
		off = rg->rg_off + i * PAGE;
		if (off >= (uint64_t)st.st_size)
			break;
		if (!mem_read(page, rg->rg_addr + i * PAGE, PAGE))
			continue;
		sum = page_sum(page);
		if (sum == rg->rg_sum[i])
			continue;
		iov.iov_base = page;
		iov.iov_len = (uint64_t)st.st_size - off < PAGE ? (uint64_t)st.st_size - off : PAGE;
		/* Where it belongs, even if the descriptor appends. */
		ret = kernel_syscall(SYS_pwritev2, rg->rg_r, &iov, 1, off, 0, RWF_NOAPPEND);
		rg->rg_sum[i] = sum;
	}
	return ret < 0 ? ret : 0;
}

/* Is all of the file as we had it? */
static bool
region_fresh(const struct region *rg)
{
	struct stat st;

	return kernel_syscall(SYS_fstat, rg->rg_r, &st) == 0 && st.st_mtim.tv_sec != 0 &&
	    st.st_mtim.tv_sec == rg->rg_mtime.tv_sec && st.st_mtim.tv_nsec == rg->rg_mtime.tv_nsec;
}

/* It is now, and its time says so if it is old enough: times have a grain. */
static void
region_stamp(struct region *rg)
{
	struct timespec ts = { 0 };
	struct stat st;

	rg->rg_mtime = ts;
	(void)host_syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts);
	if (kernel_syscall(SYS_fstat, rg->rg_r, &st) == 0 && st.st_mtim.tv_sec < ts.tv_sec - 1)
		rg->rg_mtime = st.st_mtim;
}

/* What others made of the file since goes to pages [first, last) that were not changed here. */
static void
region_fetch(struct region *rg, unsigned long first, unsigned long last)
{
	uint64_t page[PAGE / 8], was[PAGE / 8], sum;
	unsigned long addr;
	long n;

	for (unsigned long i = first; i < last; i++) {
		addr = rg->rg_addr + i * PAGE;
		n = kernel_syscall(SYS_pread64, rg->rg_r, page, PAGE, rg->rg_off + i * PAGE);
		if (n <= 0)
			break;
		(void)mem_zero((char *)page + n, PAGE - (size_t)n);
		sum = page_sum(page);
		if (sum != rg->rg_sum[i] && mem_read(was, addr, PAGE) &&
		    page_sum(was) == rg->rg_sum[i] && mem_write(addr, page, PAGE))
			rg->rg_sum[i] = sum;
	}
}

static void
region_end(struct region *rg)
{
	__atomic_store_n(&rg->rg_used, 1, __ATOMIC_RELEASE);
	(void)kernel_syscall(SYS_close, rg->rg_r);
	mem_put(rg->rg_sum, sums_bytes(rg));
	__atomic_store_n(&rg->rg_used, 0, __ATOMIC_RELEASE);
	__atomic_sub_fetch(&mmap_nregions, 1, __ATOMIC_ACQ_REL);
}

/* Writes back what lies in [addr, addr + len); ends regions of which nothing is left if gone. */
static long
flush_range(unsigned long addr, unsigned long len, bool gone, bool fetch)
{
	unsigned long end = addr + ((len + PAGE - 1) & -PAGE), from, to;
	long ret = 0, error;
	bool stale;

	if (__atomic_load_n(&mmap_nregions, __ATOMIC_ACQUIRE) == 0)
		return 0;
	for (unsigned int i = 0; i < NREGIONS; i++) {
		struct region *rg = &regions[i];

		if (__atomic_load_n(&rg->rg_used, __ATOMIC_ACQUIRE) != 2)
			continue;
		from = addr > rg->rg_addr ? addr : rg->rg_addr;
		to = end < rg->rg_addr + rg->rg_len ? end : rg->rg_addr + rg->rg_len;
		if (from >= to)
			continue;
		stale = fetch && !region_fresh(rg);
		if (stale)
			region_fetch(rg, (from - rg->rg_addr) / PAGE, (to - rg->rg_addr) / PAGE);
		error = region_flush(rg, (from - rg->rg_addr) / PAGE, (to - rg->rg_addr) / PAGE);
		if (error != 0)
			ret = error;
		if (stale && error == 0 && from == rg->rg_addr && to == rg->rg_addr + rg->rg_len)
			region_stamp(rg);
		if (!gone)
			continue;
		/* Of a hole only the part before it is remembered. */
		if (from > rg->rg_addr)
			rg->rg_len = from - rg->rg_addr;
		else
			region_end(rg);
	}
	return ret;
}

void
mmap_flush(void)
{
	(void)flush_range(0, -PAGE, false, false);
}

/* --- calls to the same files ---------------------------------------------------------------- */

/* Pages [first, last) of it. */
typedef void region_fn(struct region *rg, unsigned long first, unsigned long last);

/* Bytes [from, to) of the file that the kernel's r is, in each region of it. */
static void
each_region_of(int r, uint64_t from, uint64_t to, region_fn *fn)
{
	unsigned long first, last;
	struct stat st;

	if (from >= to || kernel_syscall(SYS_fstat, r, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	for (unsigned int i = 0; i < NREGIONS; i++) {
		struct region *rg = &regions[i];

		if (__atomic_load_n(&rg->rg_used, __ATOMIC_ACQUIRE) != 2 || rg->rg_ino != st.st_ino ||
		    rg->rg_dev != st.st_dev || to <= rg->rg_off)
			continue;
		first = from > rg->rg_off ? (from - rg->rg_off) / PAGE : 0;
		last = to - rg->rg_off >= rg->rg_len ? rg->rg_len / PAGE :
		    (to - rg->rg_off + PAGE - 1) / PAGE;
		if (first < last)
			fn(rg, first, last);
	}
}

static void
part_flush(struct region *rg, unsigned long first, unsigned long last)
{
	(void)region_flush(rg, first, last);
}

static bool
reads_or_writes(unsigned int nr, bool *ret_writes)
{
	switch (nr) {
	case SYS_write: case SYS_pwrite64: case SYS_writev: case SYS_pwritev: case SYS_pwritev2:
		*ret_writes = true;
		return true;
	case SYS_read: case SYS_pread64: case SYS_readv: case SYS_preadv: case SYS_preadv2:
		*ret_writes = false;
		return true;
	default:
		return false;
	}
}

static bool
has_offset(unsigned int nr)
{
	return nr != SYS_read && nr != SYS_readv && nr != SYS_write && nr != SYS_writev;
}

/* A page of which only a part is written stays otherwise as the mapping has it. */
void
mmap_before(unsigned int nr, const unsigned long args[6])
{
	bool vector, writes;
	long from;

	if (!reads_or_writes(nr, &writes))
		return;
	vector = nr != SYS_read && nr != SYS_write && nr != SYS_pread64 && nr != SYS_pwrite64;
	from = has_offset(nr) ? (long)args[3] : kernel_syscall(SYS_lseek, args[0], 0, SEEK_CUR);
	if (from >= 0)
		each_region_of((int)args[0], (uint64_t)from, vector || args[2] > INT32_MAX ? INT64_MAX :
		    (uint64_t)from + args[2], part_flush);
}

void
mmap_after(unsigned int nr, const unsigned long args[6], long done)
{
	bool writes;
	long to;

	if (!reads_or_writes(nr, &writes) || !writes)
		return;
	to = has_offset(nr) ? (long)args[3] + done : kernel_syscall(SYS_lseek, args[0], 0, SEEK_CUR);
	if (to >= done)
		each_region_of((int)args[0], (uint64_t)(to - done), (uint64_t)to, region_fetch);
}

/* --- mapping ---------------------------------------------------------------------------------- */

static long
fill(int r, unsigned long addr, unsigned long len, uint64_t off)
{
	unsigned long done = 0;
	long n;

	while (done < len) {
		n = kernel_syscall(SYS_pread64, r, addr + done, len - done, off + done);
		if (n <= 0)
			return n;
		done += (unsigned long)n;
	}
	return 0;
}

static long
region_add(int r, unsigned long addr, unsigned long len, uint64_t off)
{
	struct stat st;
	uint32_t none;
	long own;

	for (unsigned int i = 0; i < NREGIONS; i++) {
		struct region *rg = &regions[i];

		none = 0;
		if (!__atomic_compare_exchange_n(&rg->rg_used, &none, 1, false, __ATOMIC_ACQ_REL,
		    __ATOMIC_RELAXED))
			continue;
		*rg = (struct region){ .rg_used = 1, .rg_addr = addr, .rg_off = off,
		    .rg_len = (len + PAGE - 1) & -PAGE };
		own = kernel_syscall(SYS_dup, r);
		rg->rg_r = (int)own;
		rg->rg_sum = own < 0 ? NULL : mem_get(sums_bytes(rg));
		if (rg->rg_sum == NULL) {
			if (own >= 0)
				(void)kernel_syscall(SYS_close, own);
			__atomic_store_n(&rg->rg_used, 0, __ATOMIC_RELEASE);
			return own < 0 ? own : -ENOMEM;
		}
		if (kernel_syscall(SYS_fstat, r, &st) == 0) {
			rg->rg_dev = st.st_dev;
			rg->rg_ino = st.st_ino;
		}
		for (unsigned long p = 0; p < rg->rg_len / PAGE; p++)
			rg->rg_sum[p] = page_sum((const uint64_t *)(addr + p * PAGE));
		__atomic_add_fetch(&mmap_nregions, 1, __ATOMIC_ACQ_REL);
		__atomic_store_n(&rg->rg_used, 2, __ATOMIC_RELEASE);
		return 0;
	}
	return -ENOMEM;
}

/* What the host would have said about the file. */
static long
check(int r, unsigned long prot, unsigned long flags)
{
	struct stat st;
	long mode = kernel_syscall(SYS_fcntl, r, F_GETFL), ret;

	ret = kernel_syscall(SYS_fstat, r, &st);
	if (mode < 0 || ret < 0)
		return mode < 0 ? mode : ret;
	if (!S_ISREG(st.st_mode))
		return -ENODEV;
	if ((mode & O_ACCMODE) == O_WRONLY ||
	    ((flags & MAP_TYPE) != MAP_PRIVATE && (prot & PROT_WRITE) != 0 && (mode & O_ACCMODE) != O_RDWR))
		return -EACCES;
	return 0;
}

static long
map_kernel(int r, const unsigned long args[6])
{
	unsigned long len = args[1], prot = args[2], flags = args[3];
	bool shared = (flags & MAP_TYPE) != MAP_PRIVATE, writes;
	long addr, ret;

	if (len == 0 || args[5] % PAGE != 0 || (flags & MAP_TYPE) == 0 ||
	    (flags & MAP_TYPE) > MAP_SHARED_VALIDATE)
		return -EINVAL;
	ret = check(r, prot, flags);
	if (ret != 0)
		return ret;
	/* Even one that may not be written now may be later (mprotect). */
	writes = shared && (kernel_syscall(SYS_fcntl, r, F_GETFL) & O_ACCMODE) == O_RDWR;
	flags = (flags & ~(unsigned long)(MAP_TYPE | MAP_SYNC)) | MAP_ANONYMOUS |
	    (shared ? MAP_SHARED : MAP_PRIVATE);
	addr = host_syscall(SYS_mmap, args[0], len, PROT_READ | PROT_WRITE, flags, -1, 0);
	if (host_failed(addr))
		return addr;
	ret = fill(r, (unsigned long)addr, len, args[5]);
	if (ret == 0 && writes)
		ret = region_add(r, (unsigned long)addr, len, args[5]);
	if (ret == 0 && prot != (PROT_READ | PROT_WRITE))
		ret = host_syscall(SYS_mprotect, addr, len, prot);
	if (ret != 0) {
		(void)host_syscall(SYS_munmap, addr, len);
		return ret;
	}
	return addr;
}

static long
rule_mmap(long nr, const unsigned long args[6])
{
	int32_t entry;
	long ret;

	if ((args[3] & MAP_FIXED) != 0)
		(void)flush_range(args[0], args[1], true, false);
	if ((args[3] & MAP_ANONYMOUS) != 0)
		return host_args(nr, args);
	entry = fdmap_entry(args[4]);
	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	return ring_mmap(entry - 1, args, &ret) ? ret : map_kernel(entry - 1, args);
}

static long
rule_munmap(long nr, const unsigned long args[6])
{
	(void)flush_range(args[0], args[1], true, false);
	return host_args(nr, args);
}

static long
rule_msync(long nr, const unsigned long args[6])
{
	long ret = flush_range(args[0], args[1], false, true);

	return ret != 0 ? ret : host_args(nr, args);
}

/* A region stays where it is. */
static long
rule_mremap(long nr, const unsigned long args[6])
{
	if (__atomic_load_n(&mmap_nregions, __ATOMIC_ACQUIRE) != 0) {
		for (unsigned int i = 0; i < NREGIONS; i++) {
			if (regions[i].rg_used == 2 && args[0] >= regions[i].rg_addr &&
			    args[0] < regions[i].rg_addr + regions[i].rg_len && args[2] > args[1])
				return -ENOMEM;
		}
	}
	return host_args(nr, args);
}

void
mmap_rules(void)
{
	dispatch_set(SYS_mmap, HIJACK_LOOK, rule_mmap);
	if (policy.po_prefixlen == 0 && policy.po_blanket[0] == '\0')
		return;
	dispatch_set(SYS_munmap, HIJACK_LOOK, rule_munmap);
	dispatch_set(SYS_msync, HIJACK_LOOK, rule_msync);
	dispatch_set(SYS_mremap, HIJACK_LOOK, rule_mremap);
}
