/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ring_fill.c - from the kernel's packet socket into the program's ring
 *
 * Packets come out of the kernel by recvmmsg(2), with their auxiliary data and their time, into
 * slots, and are copied from there into the ring; what finds no room stays in its slot.
 *
 * A frame of versions 1 and 2, or a block of version 3, is ours while its status is 0 and the
 * program's else.  A block is handed over when nothing more is waiting, rather than when its
 * time is over: who polls is here now, and blocks are filled further the later he comes.
 *
 * References: packet(7), <linux/if_packet.h>.
 */

#include "ring.h"

#include <errno.h>

#define CMSG_STEP(len)	(((len) + sizeof(long) - 1) & -sizeof(long))
#define BLOCK_STEP(len)	(((len) + 7u) & ~7u)

/* --- out of the kernel ----------------------------------------------------------------- */

static void
control_read(struct ring_packet *rp, const uint8_t *control, size_t len)
{
	struct cmsghdr cm;
	const uint8_t *data;

	while (len >= sizeof(cm)) {
		mem_copy(&cm, control, sizeof(cm));
		if (cm.cmsg_len < sizeof(cm) || cm.cmsg_len > len)
			return;
		data = control + sizeof(cm);
		if (cm.cmsg_level == SOL_PACKET && cm.cmsg_type == PACKET_AUXDATA &&
		    cm.cmsg_len >= CMSG_LEN(sizeof(rp->rp_aux)))
			mem_copy(&rp->rp_aux, data, sizeof(rp->rp_aux));
		if (cm.cmsg_level == SOL_SOCKET && cm.cmsg_type == SO_TIMESTAMPNS &&
		    cm.cmsg_len >= CMSG_LEN(sizeof(rp->rp_time)))
			mem_copy(&rp->rp_time, data, sizeof(rp->rp_time));
		if (CMSG_STEP(cm.cmsg_len) >= len)
			return;
		control += CMSG_STEP(cm.cmsg_len);
		len -= CMSG_STEP(cm.cmsg_len);
	}
}

static void
packet_read(struct ring_state *rs, unsigned int i)
{
	struct ring_packet *rp = &rs->rs_packets[i];
	const struct mmsghdr *mm = &rs->rs_msgs[i];
	uint32_t len = mm->msg_len < RING_SLOT ? mm->msg_len : RING_SLOT;

	/* The program may have turned one or the other off. */
	rp->rp_aux = (struct tpacket_auxdata){ .tp_status = TP_STATUS_USER, .tp_len = mm->msg_len,
	    .tp_snaplen = len };
	rp->rp_time = (struct timespec){ 0 };
	control_read(rp, rs->rs_control[i], mm->msg_hdr.msg_controllen);
	if (rp->rp_aux.tp_snaplen > len)
		rp->rp_aux.tp_snaplen = len;
	if (rp->rp_time.tv_sec == 0)
		(void)host_syscall(SYS_clock_gettime, CLOCK_REALTIME, &rp->rp_time);
}

/* All slots are free: how many are not any more. */
static uint32_t
receive(struct ring *rg)
{
	struct ring_state *rs = rg->rg_state;
	long n;

	for (unsigned int i = 0; i < RING_BATCH; i++) {
		rs->rs_iov[i] = (struct iovec){ rg->rg_slots + i * RING_SLOT, RING_SLOT };
		rs->rs_msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &rs->rs_packets[i].rp_ll, .msg_namelen = sizeof(struct sockaddr_ll),
			.msg_iov = &rs->rs_iov[i], .msg_iovlen = 1,
			.msg_control = rs->rs_control[i], .msg_controllen = RING_CONTROL,
		};
	}
	n = kernel_syscall(SYS_recvmmsg, rg->rg_r, rs->rs_msgs, RING_BATCH, MSG_DONTWAIT, NULL);
	rs->rs_first = 0;
	rs->rs_end = n > 0 && n <= RING_BATCH ? (uint32_t)n : 0;
	for (unsigned int i = 0; i < rs->rs_end; i++)
		packet_read(rs, i);
	return rs->rs_end;
}

/* --- frames -------------------------------------------------------------------------------- */

/* Address and data of a packet, into its place of size bytes: as much as fits. */
static uint32_t
put_data(const struct ring *rg, uint8_t *place, size_t hdrlen, size_t size, unsigned int i)
{
	const struct ring_packet *rp = &rg->rg_state->rs_packets[i];
	size_t room = size - rg->rg_mac;
	size_t len = rp->rp_aux.tp_snaplen < room ? rp->rp_aux.tp_snaplen : room;

	mem_copy(place + TPACKET_ALIGN(hdrlen), &rp->rp_ll, sizeof(rp->rp_ll));
	mem_copy(place + rg->rg_mac, rg->rg_slots + i * RING_SLOT, len);
	return (uint32_t)len;
}

static uint16_t
net_of(const struct ring *rg, const struct ring_packet *rp)
{
	return (uint16_t)(rg->rg_mac + (uint16_t)(rp->rp_aux.tp_net - rp->rp_aux.tp_mac));
}

static uint8_t *
frame_at(const struct ring *rg, uint32_t n)
{
	uint32_t per = rg->rg_req.tp_block_size / rg->rg_req.tp_frame_size;

	return rg->rg_mem + (size_t)(n / per) * rg->rg_req.tp_block_size +
	    (size_t)(n % per) * rg->rg_req.tp_frame_size;
}

static void
frame_put1(const struct ring *rg, uint8_t *place, unsigned int i)
{
	const struct ring_packet *rp = &rg->rg_state->rs_packets[i];
	struct tpacket_hdr *h = (struct tpacket_hdr *)(void *)place;

	h->tp_len = rp->rp_aux.tp_len;
	h->tp_snaplen = put_data(rg, place, sizeof(*h), rg->rg_req.tp_frame_size, i);
	h->tp_mac = (uint16_t)rg->rg_mac;
	h->tp_net = net_of(rg, rp);
	h->tp_sec = (unsigned int)rp->rp_time.tv_sec;
	h->tp_usec = (unsigned int)rp->rp_time.tv_nsec / 1000;
	__atomic_store_n(&h->tp_status, rp->rp_aux.tp_status, __ATOMIC_RELEASE);
}

static void
frame_put2(const struct ring *rg, uint8_t *place, unsigned int i)
{
	const struct ring_packet *rp = &rg->rg_state->rs_packets[i];
	struct tpacket2_hdr *h = (struct tpacket2_hdr *)(void *)place;

	h->tp_len = rp->rp_aux.tp_len;
	h->tp_snaplen = put_data(rg, place, sizeof(*h), rg->rg_req.tp_frame_size, i);
	h->tp_mac = (uint16_t)rg->rg_mac;
	h->tp_net = net_of(rg, rp);
	h->tp_sec = (uint32_t)rp->rp_time.tv_sec;
	h->tp_nsec = (uint32_t)rp->rp_time.tv_nsec;
	h->tp_vlan_tci = rp->rp_aux.tp_vlan_tci;
	h->tp_vlan_tpid = rp->rp_aux.tp_vlan_tpid;
	__atomic_store_n(&h->tp_status, rp->rp_aux.tp_status, __ATOMIC_RELEASE);
}

/* --- blocks -------------------------------------------------------------------------------- */

static struct tpacket_block_desc *
block_at(const struct ring *rg, uint32_t n)
{
	return (struct tpacket_block_desc *)(void *)(rg->rg_mem +
	    (size_t)n * rg->rg_req.tp_block_size);
}

static uint32_t
block_head(const struct ring *rg)
{
	return (uint32_t)sizeof(struct tpacket_block_desc) + BLOCK_STEP(rg->rg_req.tp_sizeof_priv);
}

static void
block_open(struct ring *rg)
{
	struct ring_state *rs = rg->rg_state;
	struct tpacket_block_desc *bd = block_at(rg, rs->rs_next);

	bd->version = TPACKET_V3;
	bd->offset_to_priv = sizeof(*bd);
	bd->hdr.bh1.num_pkts = 0;
	bd->hdr.bh1.offset_to_first_pkt = block_head(rg);
	bd->hdr.bh1.seq_num = ++rs->rs_seq;
	rs->rs_off = block_head(rg);
	rs->rs_open = true;
}

static void
step(struct ring *rg, uint32_t count)
{
	struct ring_state *rs = rg->rg_state;

	rs->rs_any = true;
	rs->rs_next = rs->rs_next + 1 < count ? rs->rs_next + 1 : 0;
}

/* timeout: it is not full, but nothing more is there. */
static void
block_close(struct ring *rg, bool timeout)
{
	struct ring_state *rs = rg->rg_state;
	struct tpacket_block_desc *bd = block_at(rg, rs->rs_next);
	struct tpacket3_hdr *last = (struct tpacket3_hdr *)(void *)((uint8_t *)bd + rs->rs_prev);

	last->tp_next_offset = 0;
	bd->hdr.bh1.ts_last_pkt.ts_sec = last->tp_sec;
	bd->hdr.bh1.ts_last_pkt.ts_nsec = last->tp_nsec;
	bd->hdr.bh1.blk_len = rs->rs_off;
	rs->rs_open = false;
	step(rg, rg->rg_req.tp_block_nr);
	__atomic_store_n(&bd->hdr.bh1.block_status,
	    TP_STATUS_USER | (timeout ? TP_STATUS_BLK_TMO : 0), __ATOMIC_RELEASE);
}

/* There is room for the packet, or it is the only one of its block. */
static void
block_put(struct ring *rg, unsigned int i)
{
	struct ring_state *rs = rg->rg_state;
	const struct ring_packet *rp = &rs->rs_packets[i];
	struct tpacket_block_desc *bd = block_at(rg, rs->rs_next);
	uint8_t *place = (uint8_t *)bd + rs->rs_off;
	struct tpacket3_hdr *h = (struct tpacket3_hdr *)(void *)place;
	uint32_t len;

	*h = (struct tpacket3_hdr){
		.tp_sec = (uint32_t)rp->rp_time.tv_sec, .tp_nsec = (uint32_t)rp->rp_time.tv_nsec,
		.tp_len = rp->rp_aux.tp_len, .tp_status = rp->rp_aux.tp_status,
		.tp_mac = (uint16_t)rg->rg_mac, .tp_net = net_of(rg, rp),
		.hv1.tp_vlan_tci = rp->rp_aux.tp_vlan_tci, .hv1.tp_vlan_tpid = rp->rp_aux.tp_vlan_tpid,
	};
	h->tp_snaplen = put_data(rg, place, sizeof(*h), rg->rg_req.tp_block_size - rs->rs_off, i);
	len = BLOCK_STEP(rg->rg_mac + h->tp_snaplen);
	if (len > rg->rg_req.tp_block_size - rs->rs_off)
		len = rg->rg_req.tp_block_size - rs->rs_off;
	h->tp_next_offset = len;
	if (bd->hdr.bh1.num_pkts++ == 0) {
		bd->hdr.bh1.ts_first_pkt.ts_sec = h->tp_sec;
		bd->hdr.bh1.ts_first_pkt.ts_nsec = h->tp_nsec;
	}
	rs->rs_prev = rs->rs_off;
	rs->rs_off += len;
}

/* --- the ring --------------------------------------------------------------------------------- */

static bool
is_program(const struct ring *rg, uint32_t n)
{
	const uint8_t *frame;

	if (rg->rg_version == TPACKET_V3)
		return __atomic_load_n(&block_at(rg, n)->hdr.bh1.block_status, __ATOMIC_ACQUIRE) != 0;
	frame = frame_at(rg, n);
	return rg->rg_version == TPACKET_V2 ?
	    __atomic_load_n((const uint32_t *)(const void *)frame, __ATOMIC_ACQUIRE) != 0 :
	    __atomic_load_n((const unsigned long *)(const void *)frame, __ATOMIC_ACQUIRE) != 0;
}

static bool
place3(struct ring *rg, unsigned int i)
{
	struct ring_state *rs = rg->rg_state;
	uint32_t need = BLOCK_STEP(rg->rg_mac + rs->rs_packets[i].rp_aux.tp_snaplen);

	if (rs->rs_open && need > rg->rg_req.tp_block_size - rs->rs_off)
		block_close(rg, false);
	if (!rs->rs_open) {
		if (is_program(rg, rs->rs_next))
			return false;
		block_open(rg);
	}
	block_put(rg, i);
	return true;
}

/* False: there is no room. */
static bool
place(struct ring *rg, unsigned int i)
{
	struct ring_state *rs = rg->rg_state;

	if (rg->rg_version == TPACKET_V3)
		return place3(rg, i);
	if (is_program(rg, rs->rs_next))
		return false;
	if (rg->rg_version == TPACKET_V2)
		frame_put2(rg, frame_at(rg, rs->rs_next), i);
	else
		frame_put1(rg, frame_at(rg, rs->rs_next), i);
	step(rg, rg->rg_req.tp_frame_nr);
	return true;
}

static bool
place_all(struct ring *rg)
{
	struct ring_state *rs = rg->rg_state;

	while (rs->rs_first < rs->rs_end) {
		if (!place(rg, rs->rs_first)) {
			if (!rs->rs_full)
				__atomic_add_fetch(&rs->rs_freezes, 1, __ATOMIC_RELAXED);
			rs->rs_full = true;
			return false;
		}
		rs->rs_first++;
		rs->rs_full = false;
	}
	return true;
}

/*
 * As on Linux the program has something to see until it gave back what was filled last; and
 * when there is no room for more.
 */
static bool
is_ready(const struct ring *rg)
{
	const struct ring_state *rs = rg->rg_state;
	uint32_t count = rg->rg_version == TPACKET_V3 ? rg->rg_req.tp_block_nr :
	    rg->rg_req.tp_frame_nr;
	uint32_t next = __atomic_load_n(&rs->rs_next, __ATOMIC_RELAXED);

	if (!rs->rs_any)
		return false;
	return is_program(rg, next > 0 ? next - 1 : count - 1) || is_program(rg, next);
}

bool
ring_fill(struct ring *rg)
{
	struct ring_state *rs = rg->rg_state;

	/* Another thread is at it: what it finds will be seen. */
	if (__atomic_exchange_n(&rs->rs_busy, 1, __ATOMIC_ACQUIRE) == 0) {
		while (place_all(rg) && receive(rg) > 0)
			continue;
		if (rs->rs_open)
			block_close(rg, true);
		__atomic_store_n(&rs->rs_busy, 0, __ATOMIC_RELEASE);
	}
	return is_ready(rg);
}
