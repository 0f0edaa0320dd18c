/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_net.c - two hosts, a bad line between them, and data that arrives whole
 *
 * Two name spaces are joined by a wire whose both directions lose, delay, repeat,
 * spoil and reorder frames.  Some threads send a stream each and read one at the
 * same time; each octet is checked.  Time is the simulated host's, chances are
 * the seed's, so a run can be repeated to the last frame.
 */

#include <harness.h>
#include <lib/string.h>
#include <linux/tcp.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/qsbr.h>

#include "tcp_impl.h"
#include "tcp_pair.h"

#define BUF	16384
#define MAXFLOWS 8
#define KEEPS	(HARNESS_KERNEL | HARNESS_KEEPS)

static struct tcp_pair net;

struct flow {
	struct socket	*f_so[2];
	uint32_t	 f_bytes;	/* each way */
	uint32_t	 f_seed;
	unsigned int	 f_done;	/* a: directions that are complete */
	struct kthread	*f_kt[4];
	uint64_t	 f_sum[2];	/* over what was received */
};
static struct flow flows[MAXFLOWS];

/* --- streams -------------------------------------------------------------------------- */

static uint8_t
octet(uint32_t seed, uint32_t at)
{
	return (uint8_t)((at ^ seed) * 2654435761u >> 24);
}

static void
sender(struct flow *f, int side)
{
	struct socket *so = f->f_so[side];
	uint8_t *buf = kmem_alloc(BUF, KM_SLEEP);
	uint32_t at = 0;

	NEED(buf != NULL);
	while (at < f->f_bytes) {
		struct rumpuser_iov iov;
		struct uio uio;
		struct sockmsg sm = { .sm_uio = &uio };
		uint32_t len = f->f_bytes - at < BUF ? f->f_bytes - at : BUF;
		size_t done = 0;

		/* Odd sizes now and then. */
		if (at % 3 == 1)
			len = len / 7 + 1;
		for (uint32_t i = 0; i < len; i++)
			buf[i] = octet(f->f_seed + (uint32_t)side, at + i);
		uio_init_buf(&uio, &iov, buf, len, 0, UIO_WRITE, UIO_KERNEL);
		if (!CHECK_EQ("send", 0, tcp_sockops.so_send(so, &sm, &done)))
			break;
		at += (uint32_t)done;
	}
	CHECK_EQ("shutdown", 0, tcp_sockops.so_shutdown(so, SHUT_WR));
	kmem_free(buf, BUF);
}

static void
receiver(struct flow *f, int side)
{
	struct socket *so = f->f_so[side];
	uint8_t *buf = kmem_alloc(BUF, KM_SLEEP);
	uint32_t at = 0;

	NEED(buf != NULL);
	for (;;) {
		struct rumpuser_iov iov;
		struct uio uio;
		struct sockmsg sm = { .sm_uio = &uio };
		size_t done = 0, i;

		uio_init_buf(&uio, &iov, buf, BUF, 0, UIO_READ, UIO_KERNEL);
		if (!CHECK_EQ("recv", 0, tcp_sockops.so_recv(so, &sm, &done)) || done == 0)
			break;
		for (i = 0; i < done; i++) {
			if (buf[i] != octet(f->f_seed + !side, at + (uint32_t)i))
				break;
			f->f_sum[side] = f->f_sum[side] * 31 + buf[i];
		}
		if (!CHECK_EQ("as it was sent", done, i))
			break;
		at += (uint32_t)done;
	}
	CHECK_EQ("all of it", f->f_bytes, at);
	kmem_free(buf, BUF);
}

static void send_left(void *arg) { sender(arg, 0); }
static void send_right(void *arg) { sender(arg, 1); }
static void recv_left(void *arg) { receiver(arg, 0); }
static void recv_right(void *arg) { receiver(arg, 1); }

static struct socket *
make_socket(int side)
{
	struct socket *so;

	NEED(socket_create(net.tp_ns[side], AF_INET, SOCK_STREAM, IPPROTO_TCP,
	    (struct cred *)(uintptr_t)curcred(), true, &so) == 0);
	return so;
}

static void
flow_open(struct flow *f, struct socket *lso, uint32_t bytes, uint32_t seed, const char *cc)
{
	struct sockaddr_in sin = pair_address(&net, 1);

	memset(f, 0, sizeof(*f));
	f->f_bytes = bytes;
	f->f_seed = seed;
	f->f_so[0] = make_socket(0);
	NEED(tcp_sockops.so_setopt(f->f_so[0], SOL_TCP, TCP_CONGESTION, cc,
	    (socklen_t)strlen(cc)) == 0);
	NEED(CHECK_EQ("connect", 0, tcp_sockops.so_connect(f->f_so[0],
	    (struct sockaddr *)&sin, sizeof(sin), false)));
	NEED(CHECK_EQ("accept", 0, tcp_sockops.so_accept(lso, false, &f->f_so[1])));
}

static void
flow_start(struct flow *f)
{
	static void (*const fn[4])(void *) = { send_left, send_right, recv_left, recv_right };

	for (int i = 0; i < 4; i++)
		NEED(kthread_create(fn[i], f, "flow", &f->f_kt[i]) == 0);
}

static void
flow_end(struct flow *f)
{
	for (int i = 0; i < 4; i++)
		kthread_join(f->f_kt[i]);
	for (int i = 0; i < 2; i++) {
		tcp_sockops.so_close(f->f_so[i]);
		socket_rele(f->f_so[i]);
	}
}

/* --- what was on the line -------------------------------------------------------------- */

static struct iftap taps[2];
static uint64_t digest;		/* one thread runs at a time here */
static unsigned int nframes;

static void
digest_bytes(const void *data, size_t len)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		digest = (digest ^ b[i]) * 0x100000001b3u;	/* FNV-1a */
}

/* When, where and what: more than a capture would have. */
static void
digest_frame(struct iftap *it, struct ifnet *ifp __unused_arg, const struct packet *p, bool out)
{
	static uint8_t frame[PKTBUF_MAX + PKT_ROOM];
	int64_t now = clock_mono();
	uint8_t where = (uint8_t)((it == &taps[0]) << 1 | out);

	NEED(p->p_len <= sizeof(frame));
	packet_copyout(p, 0, frame, p->p_len);
	digest_bytes(&now, sizeof(now));
	digest_bytes(&where, sizeof(where));
	digest_bytes(frame, p->p_len);
	nframes++;
}

static void
digest_begin(void)
{
	digest = 0xcbf29ce484222325u;
	for (int i = 0; i < 2; i++) {
		taps[i].it_packet = digest_frame;
		mutex_enter(&net.tp_ns[i]->ns_lock);
		iftap_attach(net.tp_end[i], &taps[i]);
		mutex_exit(&net.tp_ns[i]->ns_lock);
	}
}

static void
digest_end(void)
{
	for (int i = 0; i < 2; i++) {
		mutex_enter(&net.tp_ns[i]->ns_lock);
		iftap_detach(net.tp_end[i], &taps[i]);
		mutex_exit(&net.tp_ns[i]->ns_lock);
	}
	harness_digest(digest);
}

/* --- both together ---------------------------------------------------------------------- */

/* n streams each way over such a line.  Returns how long it took. */
static int64_t
transfer(const char *conditions, uint32_t mtu, unsigned int n, uint32_t bytes, const char *cc)
{
	struct sockaddr_in sin;
	struct socket *lso;
	int64_t began, took;

	pair_make(&net, conditions, mtu);
	digest_begin();
	sin = pair_address(&net, 1);
	lso = make_socket(1);
	NEED(tcp_sockops.so_bind(lso, (struct sockaddr *)&sin, sizeof(sin)) == 0);
	NEED(tcp_sockops.so_listen(lso, 16) == 0);
	began = clock_mono();
	for (unsigned int i = 0; i < n; i++)
		flow_open(&flows[i], lso, bytes, i * 1000, cc);
	for (unsigned int i = 0; i < n; i++)
		flow_start(&flows[i]);
	for (unsigned int i = 0; i < n; i++)
		flow_end(&flows[i]);
	took = clock_mono() - began;
	tcp_sockops.so_close(lso);
	socket_rele(lso);
	pair_pause(300 * NSEC_PER_SEC);
	qsbr_barrier();
	CHECK_EQ("connections left", 0, pool_outstanding(&tcp_pool));
	digest_end();
	pair_end(&net);
	return took;
}

/* --- lines -------------------------------------------------------------------------------- */

#define LINE(name, seconds, ...)					\
	TEST_WITH(name, .ht_flags = KEEPS, .ht_seconds = 120)		\
	{								\
		int64_t took = transfer(__VA_ARGS__);			\
									\
		harness_note("%d ms", (int)(took / 1000000));		\
		CHECK(took < (seconds)*NSEC_PER_SEC);			\
	}								\
	_Static_assert(sizeof(#name) > 1, "a test has a name")

LINE(a_good_line_is_filled, 3, "delay=10ms,rate=100mbit", 1500, 1, 8 << 20, "cubic");
LINE(a_short_line_without_a_limit, 1, "delay=1ms", 1500, 2, 4 << 20, "cubic");
LINE(one_percent_is_lost, 30, "loss=1%,delay=10ms,rate=100mbit", 1500, 1, 4 << 20, "cubic");
LINE(ten_percent_are_lost, 120, "loss=10%,delay=5ms,rate=100mbit", 1500, 2, 500000, "cubic");
LINE(thirty_percent_are_lost, 3600, "loss=30%,delay=5ms", 1500, 1, 50000, "reno");
LINE(much_is_reordered, 30, "reorder=20%,delay=10ms,jitter=3ms,rate=100mbit", 1500, 1, 4 << 20,
    "cubic");
LINE(everything_comes_twice, 10, "duplicate=100%,delay=5ms", 1500, 1, 1 << 20, "cubic");
LINE(bits_are_flipped, 60, "corrupt=2%,delay=5ms,rate=100mbit", 1500, 1, 1 << 20, "reno");
LINE(all_at_once, 300, "loss=3%,duplicate=3%,corrupt=1%,reorder=5%,delay=20ms,jitter=5ms,"
    "rate=50mbit", 1500, 3, 500000, "cubic");
LINE(a_small_mtu, 60, "loss=1%,delay=2ms", 600, 1, 500000, "cubic");
LINE(jumbo_frames, 10, "loss=1%,delay=2ms", 9000, 2, 4 << 20, "cubic");
LINE(a_shallow_queue, 60, "delay=20ms,rate=10mbit,limit=10", 1500, 1, 2 << 20, "cubic");

TEST_WITH(an_hour_on_a_bad_line, .ht_flags = KEEPS, .ht_seconds = 120)
{
	int64_t took = transfer("loss=25%,delay=300ms,jitter=100ms", 1500, 1, 1600000, "reno");

	harness_note("%d s of virtual time", (int)(took / NSEC_PER_SEC));
	CHECK(took > 600 * NSEC_PER_SEC);
}

TEST_WITH(a_seed_gives_the_same_frames_at_the_same_times, .ht_flags = KEEPS, .ht_seconds = 60,
    .ht_digest = true)
{
	(void)transfer("loss=5%,duplicate=2%,corrupt=1%,reorder=5%,delay=10ms,jitter=5ms,"
	    "rate=50mbit", 1500, 3, 200000, "cubic");
	CHECK(nframes > 1000);
}
