/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rw.c - calls that move bytes between two descriptors, where one is the host's and the other the
 * kernel's
 *
 * They go through a buffer here.  copy_file_range(2) may say EXDEV, and its users copy by themselves.
 *
 * References: sendfile(2), splice(2), copy_file_range(2).
 */

#include "hijack.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#define CHUNK		131072
#define NBUFFERS	8

/* Buffers outlive calls: mapping one costs more than most of them. */
static struct { uint32_t busy; void *mem; } buffers[NBUFFERS];

static void *
buffer_get(void)
{
	for (unsigned int i = 0; i < NBUFFERS; i++) {
		if (__atomic_exchange_n(&buffers[i].busy, 1, __ATOMIC_ACQUIRE) != 0)
			continue;
		if (buffers[i].mem == NULL)
			buffers[i].mem = mem_get(CHUNK);
		if (buffers[i].mem != NULL)
			return buffers[i].mem;
		__atomic_store_n(&buffers[i].busy, 0, __ATOMIC_RELEASE);
		return NULL;
	}
	return mem_get(CHUNK);
}

static void
buffer_put(void *mem)
{
	for (unsigned int i = 0; i < NBUFFERS; i++) {
		if (buffers[i].mem == mem) {
			__atomic_store_n(&buffers[i].busy, 0, __ATOMIC_RELEASE);
			return;
		}
	}
	mem_put(mem, CHUNK);
}

/* One end of a transfer. */
struct end {
	int		 e_fd;		/* of its side */
	bool		 e_kernel;
	unsigned long	 e_offaddr;	/* of the program's offset; 0: the file's own */
	int64_t		 e_off;
};

static bool
end_open(struct end *e, unsigned long n, unsigned long offaddr)
{
	int r = fdmap_get(n);

	e->e_kernel = r >= 0;
	e->e_fd = r >= 0 ? r : host_borrow(n);
	e->e_offaddr = offaddr;
	return offaddr == 0 || mem_read(&e->e_off, offaddr, sizeof(e->e_off));
}

static void
end_close(const struct end *e)
{
	if (!e->e_kernel)
		host_return(e->e_fd);
}

static long
end_call(const struct end *e, unsigned int nr, const void *buf, size_t len, int64_t off)
{
	return e->e_kernel ? kernel_syscall(nr, e->e_fd, buf, len, off) :
	    host_syscall(nr, e->e_fd, buf, len, off);
}

static long
end_read(const struct end *e, void *buf, size_t len)
{
	return e->e_offaddr != 0 ? end_call(e, SYS_pread64, buf, len, e->e_off) :
	    end_call(e, SYS_read, buf, len, 0);
}

/* All of it if it can be had; what was written, or the error of the first piece. */
static long
end_write(struct end *e, const char *buf, size_t len)
{
	size_t done = 0;
	long n;

	while (done < len) {
		n = e->e_offaddr != 0 ? end_call(e, SYS_pwrite64, buf + done, len - done, e->e_off) :
		    end_call(e, SYS_write, buf + done, len - done, 0);
		if (n <= 0)
			return done > 0 ? (long)done : n;
		done += (size_t)n;
		e->e_off += n;
	}
	return (long)done;
}

/* What was read and not written goes back, where that is possible. */
static void
end_unread(const struct end *e, long len)
{
	if (e->e_offaddr == 0 && len > 0)
		(void)end_call(e, SYS_lseek, (const void *)-len, SEEK_CUR, 0);
}

static long
transfer(struct end *in, struct end *out, size_t count, bool once)
{
	char *buf = buffer_get();
	size_t total = 0;
	long n, m = 0;

	if (buf == NULL)
		return -ENOMEM;
	do {
		n = end_read(in, buf, count - total < CHUNK ? count - total : CHUNK);
		if (n <= 0) {
			m = n;
			break;
		}
		m = end_write(out, buf, (size_t)n);
		if (m < n)
			end_unread(in, m > 0 ? n - m : n);
		if (m > 0) {
			in->e_off += m;
			total += (size_t)m;
		}
	} while (m == n && total < count && !once);
	buffer_put(buf);
	if (total == 0)
		return m;
	if ((in->e_offaddr != 0 && !mem_write(in->e_offaddr, &in->e_off, sizeof(in->e_off))) ||
	    (out->e_offaddr != 0 && !mem_write(out->e_offaddr, &out->e_off, sizeof(out->e_off))))
		return -EFAULT;
	return (long)total;
}

static long
transfer_close(struct end *in, struct end *out, size_t count, bool once)
{
	long ret = transfer(in, out, count, once);

	end_close(in);
	end_close(out);
	return ret;
}

/* What an end is: its file's type and its flags, or -EBADF. */
static long
end_look(const struct end *e, mode_t *ret_type)
{
	struct stat st;
	long flags = end_call(e, SYS_fcntl, (const void *)F_GETFL, 0, 0);

	if (flags < 0)
		return flags;
	if (end_call(e, SYS_fstat, &st, 0, 0) != 0)
		return -EBADF;
	*ret_type = st.st_mode & S_IFMT;
	return flags;
}

/* Both ends are what a call may move bytes between, if one kernel had them. */
static long
ends_check(const struct end *in, const struct end *out, mode_t *ret_in, mode_t *ret_out)
{
	long from = end_look(in, ret_in), to;

	if (from < 0)
		return from;
	to = end_look(out, ret_out);
	if (to < 0)
		return to;
	if ((from & (O_ACCMODE | O_PATH)) == O_WRONLY || (to & O_ACCMODE) == O_RDONLY ||
	    ((from | to) & O_PATH) != 0)
		return -EBADF;
	return (to & O_APPEND) != 0 && *ret_out == S_IFREG ? -EINVAL : 0;
}

/* One that would make splice(2) wait, by its nature, is not touched: poll(2) knows. */
static bool
end_waits(const struct end *e, short events)
{
	struct pollfd pfd = { .fd = e->e_fd, .events = events };

	return (e->e_kernel ? kernel_syscall(SYS_poll, &pfd, 1, 0) : host_syscall(SYS_poll, &pfd, 1, 0)) == 0;
}

static long
ends_close(struct end *in, struct end *out, long ret)
{
	end_close(in);
	end_close(out);
	return ret;
}

/* Whose are the two?  0 both the host's, 1 both the kernel's, 2 one each, -EBADF. */
static int
sides(unsigned long a, unsigned long b)
{
	int32_t ea = fdmap_entry(a), eb = fdmap_entry(b);

	if (ea == FDMAP_HIDDEN || eb == FDMAP_HIDDEN)
		return -EBADF;
	return ea <= 0 && eb <= 0 ? 0 : ea > 0 && eb > 0 ? 1 : 2;
}

static long
both_kernel(long nr, const unsigned long args[6], unsigned int a, unsigned int b)
{
	unsigned long kargs[6];

	mem_copy(kargs, args, sizeof(kargs));
	kargs[a] = (unsigned long)fdmap_get(args[a]);
	kargs[b] = (unsigned long)fdmap_get(args[b]);
	return kernel_call((unsigned int)nr, kargs);
}

#define COUNT_MAX	0x7ffff000UL	/* of any one call */

#define SPLICE_FLAGS	(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

static long
rule_sendfile(long nr, const unsigned long args[6])
{
	struct end in, out;
	mode_t from = 0, to = 0;
	int whose = sides(args[0], args[1]);
	long ret;

	if (whose <= 0)
		return whose == 0 ? host_args(nr, args) : whose;
	if (whose == 1)
		return both_kernel(nr, args, 0, 1);
	if (!end_open(&in, args[1], args[2]) || !end_open(&out, args[0], 0))
		return -EFAULT;
	ret = ends_check(&in, &out, &from, &to);
	if (ret == 0 && ((from != S_IFREG && from != S_IFBLK) || (args[2] != 0 && in.e_off < 0)))
		ret = -EINVAL;
	if (ret != 0)
		return ends_close(&in, &out, ret);
	return transfer_close(&in, &out, args[3] < COUNT_MAX ? args[3] : COUNT_MAX, false);
}

static long
rule_splice(long nr, const unsigned long args[6])
{
	struct end in, out;
	mode_t from = 0, to = 0;
	int whose = sides(args[0], args[2]);
	long ret;

	if (whose <= 0)
		return whose == 0 ? host_args(nr, args) : whose;
	if (whose == 1)
		return both_kernel(nr, args, 0, 2);
	if (!end_open(&in, args[0], args[1]) || !end_open(&out, args[2], args[3]))
		return -EFAULT;
	ret = ends_check(&in, &out, &from, &to);
	if (ret == 0 && ((from != S_IFIFO && to != S_IFIFO) || (args[5] & ~(unsigned long)SPLICE_FLAGS) != 0))
		ret = -EINVAL;
	if (ret == 0 && ((from == S_IFIFO && args[1] != 0) || (to == S_IFIFO && args[3] != 0)))
		ret = -ESPIPE;
	if (ret == 0 && (args[5] & SPLICE_F_NONBLOCK) != 0 &&
	    ((from == S_IFIFO && end_waits(&in, POLLIN)) || (to == S_IFIFO && end_waits(&out, POLLOUT))))
		ret = -EAGAIN;
	if (ret != 0)
		return ends_close(&in, &out, ret);
	return transfer_close(&in, &out, args[4] < CHUNK ? args[4] : CHUNK, true);
}

static long
rule_copy_file_range(long nr, const unsigned long args[6])
{
	struct end in, out;
	mode_t from = 0, to = 0;
	int whose = sides(args[0], args[2]);
	long ret;

	if (whose <= 0)
		return whose == 0 ? host_args(nr, args) : whose;
	if (whose == 1)
		return both_kernel(nr, args, 0, 2);
	if (!end_open(&in, args[0], args[1]) || !end_open(&out, args[2], args[3]))
		return -EFAULT;
	ret = ends_check(&in, &out, &from, &to);
	if (ret == 0)
		ret = from == S_IFDIR || to == S_IFDIR ? -EISDIR :
		    from != S_IFREG || to != S_IFREG || args[5] != 0 ? -EINVAL : -EXDEV;
	return ends_close(&in, &out, ret);
}

static long
rule_tee(long nr, const unsigned long args[6])
{
	int whose = sides(args[0], args[1]);

	if (whose <= 0)
		return whose == 0 ? host_args(nr, args) : whose;
	return whose == 1 ? both_kernel(nr, args, 0, 1) : -EINVAL;
}

void
rw_rules(void)
{
	dispatch_set(SYS_sendfile, HIJACK_LOOK, rule_sendfile);
	dispatch_set(SYS_splice, HIJACK_LOOK, rule_splice);
	dispatch_set(SYS_copy_file_range, HIJACK_LOOK, rule_copy_file_range);
	dispatch_set(SYS_tee, HIJACK_LOOK, rule_tee);
}
