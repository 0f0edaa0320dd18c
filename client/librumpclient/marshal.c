/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * marshal.c - which memory of the caller rides along with a call
 *
 * The description of each call (kern/abi/syscalls.tbl) says what is behind its
 * pointers.  What is read goes into the slot's area, for what is written there
 * is a place reserved.  It is a service to the server, which asks for what is
 * missing: so whatever is doubtful (a bad pointer, a length that does not
 * fit) is just left out, and found at its time.
 *
 * Calls take turns between the halves of the area, and what is sent has lines of its own:
 * proto/sysproxy.h says why.
 *
 * Memory to be written is touched at both ends beforehand, by adding nothing to
 * a byte, so that a call with a bad buffer fails before it has taken data from
 * anywhere, as it does on Linux.
 */

#include <sys/socket.h>
#include <sys/uio.h>

#include <asm/ioctl.h>
#include <asm/unistd.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <linux/un.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include <abi/sysdesc.h>
#include <proto/lines.h>

#include "client_impl.h"

/* --- one piece ------------------------------------------------------------------- */

static bool
writable(uint64_t addr, uint32_t len)
{
	return mem_touch(addr) == 0 &&
	    (len == 1 || mem_touch(addr + len - 1) == 0);
}

#define LARGE		256u
#define OWN_FIRST	4096u
#define OWN_AHEAD	65536u
#define HALF_MAX	65536u	/* calls that move more have the area to themselves */

/* Where the next piece goes. */
static uint32_t
place(struct marshal *ma, size_t len, unsigned int dir)
{
	uint32_t align = 8;

	if (!ma->ma_stream &&
	    ((dir & SYSDIR_OUT) != 0 || ma->ma_beside || len > LARGE))
		align = LINE_SIZE;
	ma->ma_beside = (dir & SYSDIR_OUT) != 0;
	return (ma->ma_used + align - 1) & ~(align - 1);
}

static int
fill(struct marshal *ma, uint32_t off, uint64_t addr, uint32_t len)
{
	int error;

	if (len > LARGE)
		lines_own(ma->ma_area + off, len < OWN_FIRST ? len : OWN_FIRST);
	error = mem_in(ma->ma_area + off, addr, len);
	if (error == 0)
		ma->ma_sent = off + len;
	return error;
}

/*
 * len is cut to what there is room for.  In a stream what is read is together at the begin, since that
 * is sent.
 */
static void
add(struct marshal *ma, uint64_t addr, size_t len, unsigned int dir)
{
	uint32_t off = place(ma, len, dir), n;
	struct sp_seg *s = &ma->ma_seg[ma->ma_nsegs];
	bool behind = ma->ma_stream && (dir & SYSDIR_IN) == 0;

	if (addr == 0 || len == 0 || ma->ma_nsegs == ma->ma_room ||
	    off >= ma->ma_top)
		return;
	n = len > ma->ma_top - off ? ma->ma_top - off : (uint32_t)len;
	if (behind)
		off = (ma->ma_top - n) & ~7u;
	if ((dir & SYSDIR_OUT) != 0 && !writable(addr, n))
		return;
	if ((dir & SYSDIR_IN) != 0 && fill(ma, off, addr, n) != 0)
		return;
	*s = (struct sp_seg){ .s_addr = addr, .s_len = n, .s_off = off | dir };
	ma->ma_nsegs++;
	if (behind)
		ma->ma_top = off;
	else
		ma->ma_used = off + n;
}

static void
add_string(struct marshal *ma, uint64_t addr, size_t max)
{
	uint32_t off = place(ma, 0, SYSDIR_IN);
	size_t len;

	if (addr == 0 || ma->ma_nsegs == ma->ma_room || off >= ma->ma_top)
		return;
	if (max > ma->ma_top - off)
		max = ma->ma_top - off;
	if (mem_str((char *)ma->ma_area + off, addr, max, &len) != 0)
		return;
	ma->ma_seg[ma->ma_nsegs++] = (struct sp_seg){ .s_addr = addr,
	    .s_len = (uint32_t)len, .s_off = off | SP_SEG_IN };
	ma->ma_used = ma->ma_sent = off + (uint32_t)len;
}

/* --- vectors and messages ------------------------------------------------------------ */

static void
add_vector(struct marshal *ma, uint64_t addr, size_t n, unsigned int dir)
{
	struct iovec iov;

	if (n > IOV_MAX)
		return;
	add(ma, addr, n * sizeof(iov), SYSDIR_IN);
	for (size_t i = 0; i < n && ma->ma_nsegs < ma->ma_room; i++) {
		if (mem_in(&iov, addr + i * sizeof(iov), sizeof(iov)) != 0)
			return;
		add(ma, (uintptr_t)iov.iov_base, iov.iov_len, dir);
	}
}

static void
add_inside(struct marshal *ma, const struct msghdr *m, unsigned int dir)
{
	if (m->msg_namelen <= 4096)
		add(ma, (uintptr_t)m->msg_name, m->msg_namelen, dir);
	if (m->msg_controllen <= 65536)
		add(ma, (uintptr_t)m->msg_control, m->msg_controllen, dir);
	add_vector(ma, (uintptr_t)m->msg_iov, m->msg_iovlen, dir);
}

/* What is sent is only read; of what is received the kernel writes lengths. */
static void
add_message(struct marshal *ma, uint64_t addr, unsigned int dir)
{
	struct msghdr m;

	if (mem_in(&m, addr, sizeof(m)) != 0)
		return;
	add(ma, addr, sizeof(m), dir == SYSDIR_IN ? SYSDIR_IN : SYSDIR_INOUT);
	add_inside(ma, &m, dir);
}

static void
add_messages(struct marshal *ma, uint64_t addr, size_t n, unsigned int dir)
{
	struct mmsghdr m;

	if (n > IOV_MAX)
		n = IOV_MAX;
	add(ma, addr, n * sizeof(m), SYSDIR_INOUT);
	for (size_t i = 0; i < n && ma->ma_nsegs < ma->ma_room; i++) {
		if (mem_in(&m, addr + i * sizeof(m), sizeof(m)) != 0)
			return;
		add_inside(ma, &m.msg_hdr, dir);
	}
}

/* --- commands ----------------------------------------------------------------------------- */

/* Those whose number does not tell; the others are asked for when needed. */
static void
add_ioctl(struct marshal *ma, unsigned int cmd, uint64_t addr)
{
	unsigned int dir = 0;

	if (cmd >= SIOCADDRT && cmd <= 0x89ff) {
		add(ma, addr, sizeof(struct ifreq), SYSDIR_INOUT);
	} else if (cmd == FIONREAD || cmd == TIOCOUTQ) {
		add(ma, addr, sizeof(int), SYSDIR_OUT);
	} else if (cmd == FIONBIO || cmd == FIOASYNC) {
		add(ma, addr, sizeof(int), SYSDIR_IN);
	} else if (_IOC_SIZE(cmd) != 0) {
		if (_IOC_DIR(cmd) & _IOC_WRITE)
			dir |= SYSDIR_IN;
		if (_IOC_DIR(cmd) & _IOC_READ)
			dir |= SYSDIR_OUT;
		if (dir != 0)
			add(ma, addr, _IOC_SIZE(cmd), dir);
	}
}

static void
add_fcntl(struct marshal *ma, unsigned int cmd, uint64_t addr)
{
	switch (cmd) {
	case F_GETLK:
	case F_OFD_GETLK:
		add(ma, addr, sizeof(struct flock), SYSDIR_INOUT);
		break;
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		add(ma, addr, sizeof(struct flock), SYSDIR_IN);
		break;
	case F_SETOWN_EX:
		add(ma, addr, sizeof(struct f_owner_ex), SYSDIR_IN);
		break;
	case F_GETOWN_EX:
		add(ma, addr, sizeof(struct f_owner_ex), SYSDIR_OUT);
		break;
	default:
		break;
	}
}

/* --- a call ------------------------------------------------------------------------------- */

/* How many elements; false: it cannot be told. */
static bool
count_of(const struct sysdesc_arg *sa, const unsigned long *args, size_t *ret_n)
{
	uint32_t behind;

	switch (sa->sa_count) {
	case SYSCOUNT_ONE:
		*ret_n = 1;
		return true;
	case SYSCOUNT_CONST:
		*ret_n = sa->sa_from;
		return true;
	case SYSCOUNT_ARGUMENT:
		*ret_n = args[sa->sa_from];
		return true;
	default:
		if (mem_in(&behind, args[sa->sa_from], sizeof(behind)) != 0)
			return false;
		*ret_n = behind;
		return true;
	}
}

static bool
is_vector(unsigned int kind)
{
	return kind == SYSARG_IOVEC || kind == SYSARG_MSG || kind == SYSARG_MMSG;
}

static void
add_counted(struct marshal *ma, const struct sysdesc_arg *sa, uint64_t addr,
    const unsigned long *args)
{
	size_t n;

	if (!count_of(sa, args, &n))
		return;
	switch (sa->sa_kind) {
	case SYSARG_IOVEC:
		add_vector(ma, addr, n, sa->sa_dir);
		break;
	case SYSARG_MMSG:
		add_messages(ma, addr, (uint32_t)n, sa->sa_dir);
		break;
	case SYSARG_FDSET:
		n = (uint32_t)n;
		if (n <= 1048576)
			add(ma, addr, (n + 63) / 64 * 8, SYSDIR_INOUT);
		break;
	default:
		/* A count that is an int has junk above it. */
		if (sa->sa_size > 1)
			n = (uint32_t)n;
		if (n <= SIZE_MAX / (sa->sa_size ? sa->sa_size : 1))
			add(ma, addr, n * sa->sa_size, sa->sa_dir);
		break;
	}
}

static void
add_argument(struct marshal *ma, const struct sysdesc_arg *sa,
    unsigned long arg, const unsigned long *args)
{
	switch (sa->sa_kind) {
	case SYSARG_PATH:
	case SYSARG_STRING:
		add_string(ma, arg, sa->sa_size);
		break;
	case SYSARG_MEMORY:
	case SYSARG_DENTS:
	case SYSARG_IOVEC:
	case SYSARG_MMSG:
	case SYSARG_FDSET:
		if (arg != 0)
			add_counted(ma, sa, arg, args);
		break;
	case SYSARG_MSG:
		add_message(ma, arg, sa->sa_dir);
		break;
	case SYSARG_IOCTL:
		add_ioctl(ma, (unsigned int)args[sa->sa_from], arg);
		break;
	case SYSARG_FCNTL:
		add_fcntl(ma, (unsigned int)args[sa->sa_from], arg);
		break;
	default:
		break;
	}
}

/* The other half of the area, and room for n segments. */
static void
begin(struct marshal *ma, struct cslot *cs, unsigned int n, bool large)
{
	cs->cs_half = !large && !ma->ma_stream && cs->cs_half == 0;
	ma->ma_base = cs->cs_half ? HALF : 0;
	ma->ma_room = n;
	ma->ma_sent = ma->ma_base;
	ma->ma_used = ma->ma_base + n * (uint32_t)sizeof(struct sp_seg);
	ma->ma_beside = false;
}

static void
begin_vector(struct marshal *ma, struct cslot *cs)
{
	if (cs->cs_bigseg == NULL)
		cs->cs_bigseg = host_map(SP_NSEGS_MAX * sizeof(struct sp_seg),
		    -1);
	if (cs->cs_bigseg != NULL)
		ma->ma_seg = cs->cs_bigseg;
	begin(ma, cs, cs->cs_bigseg != NULL ? SP_NSEGS_MAX : FASTSEGS, true);
}

/* An argument has a segment, but for those that say where there are more. */
static void
reserve(struct marshal *ma, struct cslot *cs, const struct sysdesc *sd,
    const unsigned long *args)
{
	bool large = false;

	for (unsigned int i = 0; i < sd->sd_nargs; i++) {
		const struct sysdesc_arg *sa = &sd->sd_args[i];

		if (is_vector(sa->sa_kind)) {
			begin_vector(ma, cs);
			return;
		}
		if (sa->sa_kind == SYSARG_MEMORY &&
		    sa->sa_count == SYSCOUNT_ARGUMENT &&
		    args[sa->sa_from] > HALF_MAX)
			large = true;
	}
	begin(ma, cs, sd->sd_nargs, large);
}

static void
table_send(struct marshal *ma)
{
	uint32_t len = ma->ma_nsegs * (uint32_t)sizeof(struct sp_seg);

	if (len == 0)
		return;
	memcpy(ma->ma_area + ma->ma_base, ma->ma_seg, len);
	if (ma->ma_sent < ma->ma_base + len)
		ma->ma_sent = ma->ma_base + len;
}

static bool
changes_fds(const struct sysdesc *sd)
{
	switch (sd->sd_nr) {
	case __NR_close:
	case __NR_close_range:
#ifdef __NR_pipe
	case __NR_pipe:
#endif
	case __NR_pipe2:
	case __NR_socketpair:
	case __NR_fcntl:
		return true;
	default:
		return sd->sd_ret == SYSRET_FD;
	}
}

/* What was lost can be closed, and another put in its place. */
static bool
uses_lost(const struct sysdesc *sd, const unsigned long args[6])
{
	if (sd->sd_nr == __NR_close || sd->sd_nr == __NR_close_range)
		return false;
	for (unsigned int i = 0; i < sd->sd_nargs; i++) {
		if ((sd->sd_args[i].sa_kind == SYSARG_FD ||
		    sd->sd_args[i].sa_kind == SYSARG_DIRFD) &&
		    fds_lost((unsigned int)args[i]))
			return true;
	}
	return false;
}

bool
marshal_usesfd(unsigned int nr, const unsigned long args[6])
{
	const struct sysdesc *sd = rump_sysdesc_find(nr);

	for (unsigned int i = 0; sd != NULL && i < sd->sd_nargs; i++) {
		if (sd->sd_args[i].sa_kind == SYSARG_FD &&
		    fds_known((unsigned int)args[i]))
			return true;
	}
	return false;
}

bool
marshal_call(struct marshal *ma, struct cslot *cs, unsigned int nr,
    const unsigned long args[6])
{
	const struct sysdesc *sd = rump_sysdesc_find(nr);

	ma->ma_nsegs = 0;
	ma->ma_seg = ma->ma_fast;
	ma->ma_base = 0;
	ma->ma_top = SEGSPACE;
	ma->ma_stream = cs->cs_shm == NULL;
	ma->ma_area = cs->cs_area;
	ma->ma_fds = false;
	if (nr == SP_NR_POLL_ARM) {
		begin(ma, cs, 1, true);
		add(ma, args[0], (uint32_t)args[1] * sizeof(struct pollfd),
		    SYSDIR_INOUT);
		table_send(ma);
		return true;
	}
	if (sd == NULL)
		return true;
	if (uses_lost(sd, args))
		return false;
	ma->ma_fds = changes_fds(sd);
	if (sd->sd_nargs == 0)
		return true;
	reserve(ma, cs, sd, args);
	for (unsigned int i = 0; i < sd->sd_nargs; i++)
		add_argument(ma, &sd->sd_args[i], args[i], args);
	table_send(ma);
	return true;
}

/* What the reply brought; nothing of it is believed. */
static int
results_stream(const struct marshal *ma, unsigned int nwritten)
{
	const struct sp_written *wr = (const struct sp_written *)(void *)ma->ma_area;
	size_t at = nwritten * sizeof(*wr);

	if (nwritten > ma->ma_nsegs || at > ma->ma_got)
		return EFAULT;
	for (unsigned int i = 0; i < nwritten; i++, wr++) {
		const struct sp_seg *s = ma->ma_seg;

		if (wr->wr_seg >= ma->ma_nsegs)
			return EFAULT;
		s += wr->wr_seg;
		if ((s->s_off & SP_SEG_OUT) == 0 || wr->wr_hi <= wr->wr_lo || wr->wr_hi > s->s_len ||
		    wr->wr_hi - wr->wr_lo > ma->ma_got - at)
			return EFAULT;
		if (mem_out(s->s_addr + wr->wr_lo, ma->ma_area + at,
		    wr->wr_hi - wr->wr_lo) != 0)
			return EFAULT;
		at += wr->wr_hi - wr->wr_lo;
	}
	return 0;
}

void
marshal_ahead(const struct marshal *ma, struct cslot *cs)
{
	uint32_t sent = ma->ma_sent - ma->ma_base;

	cs->cs_sent[cs->cs_half] = sent < OWN_AHEAD ? sent : OWN_AHEAD;
	lines_own(ma->ma_area + (cs->cs_half ? 0 : HALF),
	    cs->cs_sent[!cs->cs_half]);
}

int
marshal_results(const struct marshal *ma, const struct sp_msg *reply)
{
	const uint64_t *range = &reply->m_arg[2];
	const struct sp_seg *shared = (const struct sp_seg *)(void *)
	    (ma->ma_area + ma->ma_base);
	unsigned int n = 0;

	if (ma->ma_stream)
		return results_stream(ma, reply->m_nsegs);
	for (unsigned int i = 0; i < ma->ma_nsegs; i++) {
		const struct sp_seg *s = &ma->ma_seg[i];
		uint32_t lo, hi;

		if ((s->s_off & SP_SEG_OUT) == 0)
			continue;
		if (n < SP_NRANGES) {
			lo = (uint32_t)range[n];
			hi = (uint32_t)(range[n++] >> 32);
		} else {
			lo = __atomic_load_n(&shared[i].s_lo, __ATOMIC_RELAXED);
			hi = __atomic_load_n(&shared[i].s_hi, __ATOMIC_RELAXED);
		}
		if (hi <= lo || hi > s->s_len)
			continue;
		if (mem_out(s->s_addr + lo, ma->ma_area + SP_SEG_OFF(s) + lo,
		    hi - lo) != 0)
			return EFAULT;
	}
	return 0;
}
