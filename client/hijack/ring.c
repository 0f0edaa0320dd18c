/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ring.c - receive rings of packet sockets (PACKET_RX_RING)
 *
 * The kernel may be in another process, and shares no memory with the program.  So the ring is
 * kept here: setsockopt(2) makes memory for it, mmap(2) shows that to the program, and whenever the
 * program asks by poll(2) and its kin whether there is something, the ring is filled with what
 * waits in the kernel's socket (ring_fill.c).  Who looks at the ring and never asks sees nothing.
 *
 * Life: a socket gets an entry with the first option that is about rings, and loses it when it is
 * closed.  The memory is a memfd, so that a child of fork(2) has the same ring.  A program
 * that is executed has no mapping, and to it the socket is one without a ring.
 *
 * Rings to send from (PACKET_TX_RING) the kernel refuses.
 *
 * References: packet(7), <linux/if_packet.h>.
 */

#include "ring.h"

#include <errno.h>
#include <sys/mman.h>

#define NRINGS		64
#define PAGE		4096UL
#define RING_MAX	(1UL << 30)	/* bytes */
#define MACLEN		14		/* of Ethernet: makes tp_net a multiple of 16 */

static struct ring rings[NRINGS];
static uint32_t nrings;			/* a: hint that there are some */

/* --- entries ----------------------------------------------------------------------------- */

/* Held until ring_leave(); NULL: r has none. */
static struct ring *
ring_enter(int r)
{
	if (__atomic_load_n(&nrings, __ATOMIC_ACQUIRE) == 0)
		return NULL;
	for (unsigned int i = 0; i < NRINGS; i++) {
		struct ring *rg = &rings[i];

		if (__atomic_load_n(&rg->rg_used, __ATOMIC_ACQUIRE) != 2 || rg->rg_r != r)
			continue;
		__atomic_add_fetch(&rg->rg_users, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&rg->rg_used, __ATOMIC_SEQ_CST) == 2 && rg->rg_r == r)
			return rg;
		__atomic_sub_fetch(&rg->rg_users, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void
ring_leave(struct ring *rg)
{
	__atomic_sub_fetch(&rg->rg_users, 1, __ATOMIC_RELEASE);
}

static struct ring *
ring_make(int r)
{
	struct ring *rg = ring_enter(r);
	uint32_t none;

	for (unsigned int i = 0; rg == NULL && i < NRINGS; i++) {
		none = 0;
		if (!__atomic_compare_exchange_n(&rings[i].rg_used, &none, 1, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		rg = &rings[i];
		rg->rg_r = r;
		rg->rg_version = TPACKET_V1;
		rg->rg_reserve = 0;
		rg->rg_mem = NULL;
		__atomic_add_fetch(&rg->rg_users, 1, __ATOMIC_ACQ_REL);
		__atomic_add_fetch(&nrings, 1, __ATOMIC_ACQ_REL);
		__atomic_store_n(&rg->rg_used, 2, __ATOMIC_SEQ_CST);
	}
	return rg;
}

/* Somebody else is in it, perhaps below this very signal handler: then the memory stays. */
static void
memory_end(struct ring *rg, uint32_t users)
{
	uint8_t *mem = __atomic_exchange_n(&rg->rg_mem, NULL, __ATOMIC_SEQ_CST);
	size_t whole = (size_t)(rg->rg_slots - mem) + RING_BATCH * RING_SLOT;

	if (mem == NULL)
		return;
	fdmap_unhide(rg->rg_memfd);
	(void)host_syscall(SYS_close, rg->rg_memfd);
	if (__atomic_load_n(&rg->rg_users, __ATOMIC_SEQ_CST) == users)
		(void)host_syscall(SYS_munmap, mem, whole);
}

void
ring_close(int r)
{
	struct ring *rg = ring_enter(r);

	if (rg == NULL)
		return;
	__atomic_store_n(&rg->rg_used, 1, __ATOMIC_SEQ_CST);
	memory_end(rg, 1);
	/* An entry that somebody is in is lost, too: it costs nothing but itself. */
	if (__atomic_sub_fetch(&rg->rg_users, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	__atomic_sub_fetch(&nrings, 1, __ATOMIC_ACQ_REL);
	__atomic_store_n(&rg->rg_used, 0, __ATOMIC_RELEASE);
}

/* --- memory ------------------------------------------------------------------------------- */

static uint32_t
header_len(uint32_t version)
{
	return version == TPACKET_V1 ? TPACKET_HDRLEN : version == TPACKET_V2 ? TPACKET2_HDRLEN :
	    TPACKET3_HDRLEN;
}

/* packet(7) says little about it; these are Linux's conditions. */
static bool
request_ok(const struct ring *rg, const struct tpacket_req3 *rq)
{
	uint64_t head = 0;

	if ((int)rq->tp_block_size <= 0 || rq->tp_block_size % PAGE != 0 ||
	    rq->tp_frame_size % TPACKET_ALIGNMENT != 0 ||
	    rq->tp_frame_size < header_len(rg->rg_version) + (uint64_t)rg->rg_reserve ||
	    rq->tp_frame_size > rq->tp_block_size)
		return false;
	if (rg->rg_version == TPACKET_V3)
		head = sizeof(struct tpacket_block_desc) + (((uint64_t)rq->tp_sizeof_priv + 7) & ~7UL);
	return head + rg->rg_mac < rq->tp_block_size &&
	    (rg->rg_version == TPACKET_V3 || rg->rg_mac <= rq->tp_frame_size) &&
	    (uint64_t)rq->tp_block_size / rq->tp_frame_size * rq->tp_block_nr == rq->tp_frame_nr;
}

static long
memory_make(struct ring *rg, size_t len)
{
	size_t state = (sizeof(struct ring_state) + PAGE - 1) & -PAGE;
	size_t whole = len + state + RING_BATCH * RING_SLOT;
	long fd, mem;

	fd = host_syscall(SYS_memfd_create, "packet ring", MFD_CLOEXEC);
	if (host_failed(fd))
		return fd;
	fd = fdmap_hide((int)fd);
	mem = host_syscall(SYS_ftruncate, fd, whole);
	if (mem == 0)
		mem = host_syscall(SYS_mmap, 0, whole, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (host_failed(mem)) {
		fdmap_unhide((int)fd);
		(void)host_syscall(SYS_close, fd);
		return mem;
	}
	rg->rg_memfd = (int)fd;
	rg->rg_len = len;
	rg->rg_state = (struct ring_state *)(mem + (long)len);
	rg->rg_slots = (uint8_t *)mem + len + state;
	__atomic_store_n(&rg->rg_mem, (uint8_t *)mem, __ATOMIC_SEQ_CST);
	return 0;
}

static long
kernel_option(int r, int level, int name, int value)
{
	return kernel_syscall(SYS_setsockopt, r, level, name, &value, sizeof(value));
}

static int
kernel_value(int r, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return kernel_syscall(SYS_getsockopt, r, level, name, &value, &len) == 0 ? value : -1;
}

static long
ring_request(struct ring *rg, unsigned long addr, unsigned long len)
{
	size_t size = rg->rg_version == TPACKET_V3 ? sizeof(struct tpacket_req3) :
	    sizeof(struct tpacket_req);
	struct tpacket_req3 rq = { 0 };
	long ret;

	if (len < size)
		return -EINVAL;
	if (!mem_read(&rq, addr, size))
		return -EFAULT;
	if (rq.tp_block_nr == 0) {
		if (rq.tp_frame_nr != 0)
			return -EINVAL;
		memory_end(rg, 1);
		return 0;
	}
	if (rg->rg_mem != NULL)
		return -EBUSY;
	rg->rg_mac = TPACKET_ALIGN(header_len(rg->rg_version) + TPACKET_ALIGNMENT) + rg->rg_reserve;
	if (kernel_value(rg->rg_r, SOL_SOCKET, SO_TYPE) == SOCK_RAW)
		rg->rg_mac -= MACLEN;
	/* A header in front of the frame, which rings keep elsewhere. */
	if (!request_ok(rg, &rq) || kernel_value(rg->rg_r, SOL_PACKET, PACKET_VNET_HDR) == 1)
		return -EINVAL;
	if ((uint64_t)rq.tp_block_size * rq.tp_block_nr > RING_MAX)
		return -ENOMEM;
	rg->rg_req = rq;
	ret = kernel_option(rg->rg_r, SOL_PACKET, PACKET_AUXDATA, 1);
	if (ret == 0)
		ret = kernel_option(rg->rg_r, SOL_SOCKET, SO_TIMESTAMPNS, 1);
	return ret != 0 ? ret : memory_make(rg, (size_t)rq.tp_block_size * rq.tp_block_nr);
}

bool
ring_mmap(int r, const unsigned long args[6], long *ret)
{
	struct ring *rg = ring_enter(r);

	if (rg == NULL)
		return false;
	if (rg->rg_mem == NULL || args[1] != rg->rg_len || args[5] != 0)
		*ret = -EINVAL;
	else
		*ret = host_syscall(SYS_mmap, args[0], args[1], args[2], args[3], rg->rg_memfd, 0);
	ring_leave(rg);
	return true;
}

/* --- waiting ----------------------------------------------------------------------------------- */

bool
ring_poll(int r, bool *ret_ready)
{
	struct ring *rg = ring_enter(r);
	bool has;

	if (rg == NULL)
		return false;
	has = __atomic_load_n(&rg->rg_mem, __ATOMIC_SEQ_CST) != NULL;
	if (has && ret_ready != NULL)
		*ret_ready = ring_fill(rg);
	ring_leave(rg);
	return has;
}

void
ring_poll_all(void)
{
	bool ready;

	if (__atomic_load_n(&nrings, __ATOMIC_ACQUIRE) == 0)
		return;
	for (unsigned int i = 0; i < NRINGS; i++) {
		if (__atomic_load_n(&rings[i].rg_used, __ATOMIC_ACQUIRE) == 2)
			(void)ring_poll(rings[i].rg_r, &ready);
	}
}

/* --- options -------------------------------------------------------------------------------------- */

static long
option_set(struct ring *rg, int name, const unsigned long args[6])
{
	unsigned int value;

	if (name == PACKET_RX_RING)
		return ring_request(rg, args[3], args[4]);
	if (args[4] < sizeof(value))
		return -EINVAL;
	if (!mem_read(&value, args[3], sizeof(value)))
		return -EFAULT;
	if (name == PACKET_VERSION ? value > TPACKET_V3 : value > INT32_MAX)
		return -EINVAL;
	if (rg->rg_mem != NULL)
		return -EBUSY;
	if (name == PACKET_VERSION)
		rg->rg_version = value;
	else
		rg->rg_reserve = value;
	return 0;
}

static bool
is_packet(int r)
{
	return kernel_value(r, SOL_SOCKET, SO_DOMAIN) == AF_PACKET;
}

static long
rule_setsockopt(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1], args[2], args[3], args[4] };
	int32_t entry = fdmap_entry(args[0]);
	int name = (int)args[2];
	struct ring *rg;
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	kargs[0] = (unsigned long)(entry - 1);
	if ((int)args[1] != SOL_PACKET || (name != PACKET_VERSION && name != PACKET_RX_RING &&
	    name != PACKET_RESERVE) || !is_packet(entry - 1))
		return kernel_call((unsigned int)nr, kargs);
	rg = ring_make(entry - 1);
	if (rg == NULL)
		return -ENOBUFS;
	ret = option_set(rg, name, args);
	ring_leave(rg);
	return ret;
}

/* The value of an option that is a number; the program's length says how much it takes. */
static long
value_out(const unsigned long args[6], const void *value, unsigned int size)
{
	unsigned int len;

	if (!mem_read(&len, args[4], sizeof(len)))
		return -EFAULT;
	if ((int)len < 0)
		return -EINVAL;
	if (len > size)
		len = size;
	return mem_write(args[3], value, len) && mem_write(args[4], &len, sizeof(len)) ? 0 : -EFAULT;
}

/* How long the header of a version is: the version goes in. */
static long
header_out(const unsigned long args[6])
{
	unsigned int len;
	int value;

	if (!mem_read(&len, args[4], sizeof(len)) || !mem_read(&value, args[3], sizeof(value)))
		return -EFAULT;
	if (len < sizeof(value) || value < TPACKET_V1 || value > TPACKET_V3)
		return -EINVAL;
	value = value == TPACKET_V1 ? sizeof(struct tpacket_hdr) : value == TPACKET_V2 ?
	    sizeof(struct tpacket2_hdr) : sizeof(struct tpacket3_hdr);
	return value_out(args, &value, sizeof(value));
}

static long
statistics_out(struct ring *rg, const unsigned long args[6])
{
	struct tpacket_stats_v3 st = { 0 };
	socklen_t len = sizeof(struct tpacket_stats);
	long ret;

	ret = kernel_syscall(SYS_getsockopt, rg->rg_r, SOL_PACKET, PACKET_STATISTICS, &st, &len);
	if (ret != 0)
		return ret;
	st.tp_freeze_q_cnt = rg->rg_mem == NULL ? 0 :
	    __atomic_exchange_n(&rg->rg_state->rs_freezes, 0, __ATOMIC_RELAXED);
	return value_out(args, &st, rg->rg_version == TPACKET_V3 ? sizeof(st) :
	    sizeof(struct tpacket_stats));
}

/* False: the kernel knows. */
static bool
option_get(int r, const unsigned long args[6], long *ret)
{
	static const int none;
	struct ring *rg;
	int name = (int)args[2];

	if (name != PACKET_VERSION && name != PACKET_RESERVE && name != PACKET_HDRLEN &&
	    name != PACKET_STATISTICS)
		return false;
	rg = ring_enter(r);
	if (rg == NULL && (name == PACKET_STATISTICS || !is_packet(r)))
		return false;
	if (name == PACKET_HDRLEN)
		*ret = header_out(args);
	else if (name == PACKET_STATISTICS)
		*ret = statistics_out(rg, args);
	else
		*ret = value_out(args, rg == NULL ? (const void *)&none : name == PACKET_VERSION ?
		    &rg->rg_version : &rg->rg_reserve, sizeof(int));
	if (rg != NULL)
		ring_leave(rg);
	return true;
}

static long
rule_getsockopt(long nr, const unsigned long args[6])
{
	unsigned long kargs[6] = { args[0], args[1], args[2], args[3], args[4] };
	int32_t entry = fdmap_entry(args[0]);
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry <= 0)
		return host_args(nr, args);
	if ((int)args[1] == SOL_PACKET && option_get(entry - 1, args, &ret))
		return ret;
	kargs[0] = (unsigned long)(entry - 1);
	return kernel_call((unsigned int)nr, kargs);
}

void
ring_rules(void)
{
	dispatch_set(SYS_setsockopt, HIJACK_BYFD, rule_setsockopt);
	dispatch_set(SYS_getsockopt, HIJACK_BYFD, rule_getsockopt);
}
