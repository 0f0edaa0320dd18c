/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * packet.h - packets
 *
 * A packet is one object with room for all headers (p_room) and references
 * to blocks of data (fragments).  Headers are pushed in front of p_data as
 * the packet goes down and pulled off as it goes up; what was pulled is
 * still there, at p_l2, p_l3 and p_l4.  Payload of more than a few bytes is
 * never in the room: it lies in blocks (struct pktbuf) that several packets
 * share: a segment on the wire, its copy for the capture, the socket's queue.
 * Nobody writes into a shared block.
 *
 *	p_room              p_data       p_tail       end of room
 *	|   headroom        | linear ... |  tailroom  |    + p_frag[0..]
 *
 * A packet may be larger than the link's MTU: a TCP segment of 64 KiB goes
 * down as one packet with p_gso_size set and is cut where the link cannot
 * take it (packet_segment()), and trains are merged on the way up (GRO).
 * Checksums follow virtio-net: PKT_CSUM_PARTIAL asks for the sum from
 * p_csum_start on to be stored p_csum_off further, where the sum of the pseudo
 * header stands already; a receiver that is handed such a packet takes it as good.
 *
 * Ownership: a function that takes a packet or a queue consumes it, whatever
 * it returns, unless its comment says otherwise.  A packet belongs to one
 * thread at a time.
 */

#ifndef NET_PACKET_H
#define NET_PACKET_H

#include <sys/types.h>

struct ifnet;
struct netns;
struct pktbuf;
struct socket;

#define PKT_ROOM	256	/* linear bytes */
#define PKT_HEADROOM	128	/* of them in front, for L2 to L4 headers */
#define PKT_MAXFRAGS	17
#define PKT_CB		64	/* scratch of the layer that holds the packet */
#define PKT_MAXLEN	(65535 + 64)	/* an IP packet and what is around it */

/*
 * Field key:	c  constant since creation	a  atomic
 * A block whose last reference goes calls pb_free: a bus gets its buffer back.
 */
struct pktbuf {
	unsigned int	 pb_refs;	/* a */
	uint32_t	 pb_size;	/* c */
	uint8_t		*pb_data;	/* c */
	void		(*pb_free)(struct pktbuf *);	/* c: the last reference went */
	void		*pb_arg;	/* c: pb_free's */
};

struct pktfrag {
	struct pktbuf	*pf_buf;	/* one reference */
	uint32_t	 pf_off;
	uint32_t	 pf_len;
};

enum pkt_csum {
	PKT_CSUM_NONE,		/* up: not verified; down: complete as it is */
	PKT_CSUM_GOOD,		/* up: verified by somebody below */
	PKT_CSUM_PARTIAL,	/* to be filled in; up: to be trusted */
};

enum pkt_gso {
	PKT_GSO_NONE,
	PKT_GSO_TCP4,
	PKT_GSO_TCP6,
	PKT_GSO_UDP,		/* UDP_SEGMENT: equal datagrams */
};

enum pkt_type {			/* in the order of PACKET_HOST .. */
	PKT_HOST, PKT_BROADCAST, PKT_MULTICAST, PKT_OTHERHOST, PKT_OUTGOING,
};

struct packet {
	struct packet	*p_next;	/* of the queue it is in */
	uint8_t		*p_data;	/* into p_room */
	uint8_t		*p_tail;	/* into p_room */
	uint32_t	 p_len;		/* linear and fragments */
	uint16_t	 p_l2;		/* offsets in p_room of the headers, */
	uint16_t	 p_l3;		/* valid once the layer has seen them */
	uint16_t	 p_l4;
	uint16_t	 p_ethertype;	/* host order */
	uint8_t		 p_nfrags;
	uint8_t		 p_csum;	/* enum pkt_csum */
	uint8_t		 p_gso;		/* enum pkt_gso */
	uint8_t		 p_gso_ecn;	/* CWR on the first segment only (RFC 3168) */
	uint16_t	 p_csum_start;	/* offset in p_room */
	uint16_t	 p_csum_off;	/* from there */
	uint16_t	 p_gso_size;	/* payload of each segment */
	uint16_t	 p_gso_segs;	/* how many, if known, for counters */
	uint8_t		 p_type;	/* enum pkt_type */
	uint8_t		 p_flags;	/* PKT_F_* */
	uint16_t	 p_vlan;	/* tag control, with PKT_F_VLAN */
	uint32_t	 p_hash;	/* of the flow; 0: not computed */
	uint32_t	 p_mark;	/* SO_MARK */
	uint32_t	 p_prio;	/* SO_PRIORITY */
	uint32_t	 p_ifindex;	/* where it came from or leaves */
	uint32_t	 p_truesize;	/* memory it holds, for the accounts */
	struct ifnet	*p_ifp;		/* the same, while it is in motion only */
	int64_t		 p_time;	/* clock_wall() of arrival; 0: not taken */
	/* The account to credit when it is freed: a socket's send buffer. */
	void		(*p_destroy)(struct packet *);
	void		*p_owner;
	uint64_t	 p_cb[PKT_CB / 8];	/* the layer's own */
	struct pktfrag	 p_frag[PKT_MAXFRAGS];
	uint8_t		 p_room[PKT_ROOM] __attribute__((__aligned__(16)));
};

#define PKT_F_VLAN	0x01	/* p_vlan is in force, out of the data */
#define PKT_F_LOOPED	0x02	/* our own multicast, come back */
#define PKT_F_FORWARD	0x04	/* routed, not ours */
#define PKT_F_INJECTED	0x08	/* written by AF_PACKET: no link conditions twice */

struct packetq {
	struct packet	*pq_head;
	struct packet	*pq_tail;
	uint32_t	 pq_n;
};

#define PACKETQ_INITIALIZER	{ NULL, NULL, 0 }

static inline void
packetq_init(struct packetq *q)
{
	q->pq_head = q->pq_tail = NULL;
	q->pq_n = 0;
}

static inline void
packetq_put(struct packetq *q, struct packet *p)
{
	p->p_next = NULL;
	if (q->pq_head == NULL)
		q->pq_head = p;
	else
		q->pq_tail->p_next = p;
	q->pq_tail = p;
	q->pq_n++;
}

static inline struct packet *
packetq_get(struct packetq *q)
{
	struct packet *p = q->pq_head;

	if (p != NULL) {
		q->pq_head = p->p_next;
		p->p_next = NULL;
		q->pq_n--;
	}
	return p;
}

/* Appends all of from, which is empty afterwards. */
static inline void
packetq_join(struct packetq *q, struct packetq *from)
{
	if (from->pq_head == NULL)
		return;
	if (q->pq_head == NULL)
		q->pq_head = from->pq_head;
	else
		q->pq_tail->p_next = from->pq_head;
	q->pq_tail = from->pq_tail;
	q->pq_n += from->pq_n;
	packetq_init(from);
}

void	packetq_drop(struct packetq *q);	/* frees all */

/* --- blocks ---------------------------------------------------------------- */

/*
 * A block of at least len bytes, up to PKTBUF_MAX, one reference.  Sizes are
 * rounded up to 2, 4, 16 or 64 KiB.  NULL: no memory.
 */
#define PKTBUF_MAX	65536
struct pktbuf *pktbuf_alloc(size_t len, int flags);

static inline void
pktbuf_hold(struct pktbuf *pb)
{
	__atomic_fetch_add(&pb->pb_refs, 1, __ATOMIC_RELAXED);
}

static inline void
pktbuf_rele(struct pktbuf *pb)
{
	/* The only reference needs no atomic: nobody else can take one. */
	if (__atomic_load_n(&pb->pb_refs, __ATOMIC_ACQUIRE) == 1 ||
	    __atomic_fetch_sub(&pb->pb_refs, 1, __ATOMIC_ACQ_REL) == 1)
		pb->pb_free(pb);
}

/* --- packets --------------------------------------------------------------- */

/* Empty, p_data at PKT_HEADROOM.  flags: KM_*.  NULL: no memory. */
struct packet *packet_alloc(int flags);
void	packet_free(struct packet *p);		/* NULL is fine; never sleeps */

/* One with len bytes of payload copied from data, in the room if they fit there. */
struct packet *packet_from(const void *data, size_t len, int flags);

/* Another packet that shares the blocks; headers are its own.  NULL: no memory. */
struct packet *packet_clone(const struct packet *p, int flags);

static inline size_t packet_linear(const struct packet *p)
{
	return (size_t)(p->p_tail - p->p_data);
}
static inline size_t packet_headroom(const struct packet *p)
{
	return (size_t)(p->p_data - p->p_room);
}
static inline size_t packet_tailroom(const struct packet *p)
{
	return (size_t)(p->p_room + PKT_ROOM - p->p_tail);
}
static inline uint16_t packet_offset(const struct packet *p)
{
	return (uint16_t)(p->p_data - p->p_room);
}

/* Room for len more bytes in front; the caller knows that there is headroom. */
static inline void *
packet_push(struct packet *p, size_t len)
{
	p->p_data -= len;
	p->p_len += (uint32_t)len;
	return p->p_data;
}

/* Takes len bytes off the front; they are linear (see packet_pullup()). */
static inline void *
packet_pull(struct packet *p, size_t len)
{
	void *was = p->p_data;

	p->p_data += len;
	p->p_len -= (uint32_t)len;
	return was;
}

/*
 * Makes the first len bytes linear.  EINVAL: the packet is shorter, or the
 * room is.  The packet stays the caller's.
 */
int	packet_pullup_slow(struct packet *p, size_t len);
static inline int
packet_pullup(struct packet *p, size_t len)
{
	return packet_linear(p) >= len ? 0 : packet_pullup_slow(p, len);
}

/*
 * len bytes at off: in place if they are in one piece, else copied to tmp.
 * NULL: the packet is shorter.
 */
const void *packet_peek(const struct packet *p, size_t off, size_t len, void *tmp);

/* Appends room in the linear part; NULL if there is none or fragments follow. */
void	*packet_append(struct packet *p, size_t len);
/* Appends a fragment and takes over the caller's reference.  ENOBUFS: no slot left. */
int	packet_addfrag(struct packet *p, struct pktbuf *pb, uint32_t off, uint32_t len);
/* Appends a copy of data, in new blocks where needed.  ENOMEM, ENOBUFS. */
int	packet_appendcopy(struct packet *p, const void *data, size_t len, int flags);

/* Counts p_truesize anew, for a part of another packet that is in nobody's account yet. */
void	packet_recharge(struct packet *p);
/* Cuts to len bytes, at the end; takes len bytes off the front, any distance. */
void	packet_trim(struct packet *p, size_t len);
void	packet_skip(struct packet *p, size_t len);

/*
 * Copies foreign blocks (pb_free is not the kernel's own) into own ones, so
 * that the packet may wait for long.  ENOMEM: it is unchanged.
 */
int	packet_own(struct packet *p, int flags);

/* Copies out of the packet; off + len <= p_len.  The uio form may fault: EFAULT. */
struct uio;
void	packet_copyout(const struct packet *p, size_t off, void *buf, size_t len);
int	packet_uiomove(const struct packet *p, size_t off, size_t len, struct uio *uio);
/* New payload of len bytes from uio, appended.  ENOMEM, EFAULT, ENOBUFS; the packet stays the caller's. */
int	packet_appenduio(struct packet *p, struct uio *uio, size_t len, int flags);
/* A packet of len bytes from uio: what a client sends.  Sleeps.  EFAULT, ENOBUFS. */
int	packet_fromuio(struct uio *uio, size_t len, struct packet **ret_p);

/* --- checksums and segments -------------------------------------------------- */

/*
 * The one's complement sum of len bytes at off, not folded, added to sum.  Words
 * are taken as they lie in memory: the folded sum is stored without swapping,
 * and numbers that take part (a pseudo header's) are in network order (RFC 1071
 * section 2 (B)).
 */
uint32_t packet_sum(const struct packet *p, size_t off, size_t len, uint32_t sum);

/* The same of plain memory. */
uint32_t packet_sum_bytes(const void *data, size_t len, uint32_t sum);

/* What stands in a header: folded and inverted.  Of data with its checksum: 0. */
static inline uint16_t
packet_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Fills in a PARTIAL checksum; the packet has PKT_CSUM_NONE afterwards.  EINVAL. */
int	packet_csum_fill(struct packet *p);

/*
 * Cuts a GSO packet (p_data at L2 or L3 header; p_l3, p_l4 set; PARTIAL, with the sum
 * of the pseudo header for the length of the whole packet in its field) into packets
 * that share its blocks, in order, appended to q.  Checksums stay PARTIAL.  The
 * packet is consumed.  ENOMEM (what was made is dropped), EINVAL.
 */
int	packet_segment(struct packet *p, struct packetq *q);

#endif /* NET_PACKET_H */
