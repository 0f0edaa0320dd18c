/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * capture.c - what passes an interface, into a pcapng file of the host
 *
 * Packets are copied into a buffer, which a thread writes out: a slow disk or
 * reader of a pipe costs packets in the capture, counted in its last block, and
 * the interface nothing.  The thread writes as soon as there is something, so that
 * who reads a pipe sees packets as they come.
 *
 * Life cycle
 *	RUNNING -> ENDING	capture_stop(), shutdown, or the interface goes:
 *				no more packets
 *	ENDING -> DONE		by the thread: all is written, the file is closed
 *	It is freed with the last reference; who stops it and the thread have one
 *	each.
 *
 * Locking: ns_lock -> captures_lock -> c_lock.
 */

#include <net/capture.h>

#include <lib/list.h>
#include <lib/pcapng.h>
#include <lib/string.h>
#include <linux/if_ether.h>
#include <net/netevent.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/log.h>
#include <sys/lwp.h>
#include <sys/vcpu.h>

#include "net_impl.h"

#define BUFFER		(1u << 20)	/* bytes; two of them */
#define VLAN_HLEN	4

enum capture_state { CAPTURE_RUNNING, CAPTURE_ENDING, CAPTURE_DONE };

/* Field key:	c  constant	k  c_lock	g  captures_lock	t  the thread */
struct capture {
	struct iftap	 c_tap;		/* first: the interface knows it so */
	struct ifnet	*c_ifp;		/* g; NULL: detached */
	struct list_node c_link;	/* g */
	kmutex_t	 c_lock;
	kcondvar_t	 c_cv;
	enum capture_state c_state;	/* k */
	unsigned int	 c_refs;	/* k */
	int		 c_fd;		/* t */
	uint32_t	 c_snaplen;	/* c */
	uint8_t		*c_fill;	/* k: where packets go */
	uint8_t		*c_write;	/* t: what is being written */
	size_t		 c_used;	/* k: of c_fill */
	uint64_t	 c_seen;	/* k */
	uint64_t	 c_dropped;	/* k */
	struct kthread	*c_thread;	/* c */
};

static kmutex_t captures_lock;
static struct list captures = LIST_INITIALIZER(captures);	/* g */

/* --- packets -------------------------------------------------------------------- */

/* A checksum that nobody has finished yet is finished in the copy. */
static void
copy_checksum(const struct packet *p, uint8_t *data, size_t caplen)
{
	size_t start = (size_t)p->p_csum_start - packet_offset(p);
	size_t field = start + p->p_csum_off;
	uint16_t sum;

	if (p->p_csum != PKT_CSUM_PARTIAL || p->p_gso != PKT_GSO_NONE ||
	    start > p->p_len || field + sizeof(sum) > caplen)
		return;
	sum = packet_sum_fold(packet_sum(p, start, p->p_len - start, 0));
	if (sum == 0)
		sum = 0xffff;
	memcpy(data + field, &sum, sizeof(sum));
}

/* The frame as it would be on a wire; room for caplen and a tag. */
static size_t
copy_frame(const struct packet *p, uint8_t *data, size_t caplen)
{
	const size_t addrs = 2 * ETH_ALEN;

	packet_copyout(p, 0, data, caplen);
	copy_checksum(p, data, caplen);
	if ((p->p_flags & PKT_F_VLAN) == 0 || caplen < addrs)
		return caplen;
	memmove(data + addrs + VLAN_HLEN, data + addrs, caplen - addrs);
	data[addrs] = 0x81;
	data[addrs + 1] = 0;
	data[addrs + 2] = (uint8_t)(p->p_vlan >> 8);
	data[addrs + 3] = (uint8_t)p->p_vlan;
	return caplen + VLAN_HLEN;
}

static void
append_locked(struct capture *c, const struct packet *p, bool out)
    REQUIRES(c->c_lock)
{
	size_t caplen = p->p_len, extra, need;
	uint8_t *block = c->c_fill + c->c_used;

	if (c->c_snaplen != 0 && caplen > c->c_snaplen)
		caplen = c->c_snaplen;
	need = PCAPNG_PACKET_HEAD + caplen + VLAN_HLEN + PCAPNG_PACKET_TAIL;
	if (need > BUFFER - c->c_used) {
		c->c_dropped++;
		return;
	}
	extra = copy_frame(p, block + PCAPNG_PACKET_HEAD, caplen) - caplen;
	caplen += extra;
	(void)pcapng_packet_head(block, 0, (uint64_t)clock_wall(),
	    (uint32_t)caplen, (uint32_t)(p->p_len + extra));
	c->c_used += PCAPNG_PACKET_HEAD + caplen +
	    pcapng_packet_tail(block + PCAPNG_PACKET_HEAD + caplen,
	    (uint32_t)caplen, out ? PCAPNG_OUT : PCAPNG_IN);
}

static void
capture_packet(struct iftap *it, struct ifnet *ifp, const struct packet *p, bool out)
{
	struct capture *c = container_of(it, struct capture, c_tap);

	mutex_enter(&c->c_lock);
	if (c->c_state == CAPTURE_RUNNING) {
		c->c_seen++;
		/* The thread sleeps only while there is nothing. */
		if (c->c_used == 0)
			cv_broadcast(&c->c_cv);
		append_locked(c, p, out);
	}
	mutex_exit(&c->c_lock);
}

/* --- the file -------------------------------------------------------------------- */

static int
file_write(int fd, void *data, size_t len)
{
	struct rumpuser_iov iov = { data, len };
	size_t done;
	int error = 0;

	while (error == 0 && iov.iov_len > 0) {
		vcpu_block_begin();
		error = rumpuser_iovwrite(fd, &iov, 1, -1, &done);
		vcpu_block_end();
		if (error == 0 && done == 0)
			error = EIO;
		if (error == 0) {
			iov.iov_base = (char *)iov.iov_base + done;
			iov.iov_len -= done;
		}
	}
	return error;
}

static void
file_close(int fd)
{
	vcpu_block_begin();
	(void)rumpuser_close(fd);
	vcpu_block_end();
}

/* A new file, an empty one that was made for us, or what is there and is no file. */
static int
file_open(const char *path, int *ret_fd)
{
	const int create = RUMPUSER_OPEN_CREATE | RUMPUSER_OPEN_EXCL;
	struct rumpuser_fileinfo info;
	int error;

	vcpu_block_begin();
	error = rumpuser_open(path, RUMPUSER_OPEN_WRONLY | create, ret_fd);
	if (error == EEXIST && rumpuser_fileinfo(path, &info) == 0 &&
	    (info.fi_type != RUMPUSER_FT_REG || info.fi_size == 0))
		error = rumpuser_open(path, RUMPUSER_OPEN_WRONLY, ret_fd);
	vcpu_block_end();
	return error;
}

/* --- the thread ------------------------------------------------------------------ */

/* What there is; returns its length. */
static size_t
capture_swap(struct capture *c)
{
	uint8_t *swap;
	size_t len;

	mutex_enter(&c->c_lock);
	while (c->c_used == 0 && c->c_state == CAPTURE_RUNNING)
		cv_wait(&c->c_cv, &c->c_lock);
	swap = c->c_write;
	c->c_write = c->c_fill;
	c->c_fill = swap;
	len = c->c_used;
	c->c_used = 0;
	mutex_exit(&c->c_lock);
	return len;
}

static void
capture_rele(struct capture *c)
{
	bool last;

	mutex_enter(&c->c_lock);
	last = --c->c_refs == 0;
	mutex_exit(&c->c_lock);
	if (!last)
		return;
	kmem_free(c->c_fill, BUFFER);
	kmem_free(c->c_write, BUFFER);
	cv_destroy(&c->c_cv);
	mutex_destroy(&c->c_lock);
	kmem_free(c, sizeof(*c));
}

static void
capture_thread(void *arg)
{
	struct capture *c = arg;
	int error = 0;
	size_t len;

	while ((len = capture_swap(c)) > 0) {
		if (error != 0)
			continue;
		error = file_write(c->c_fd, c->c_write, len);
		if (error != 0)
			log_printf(LOG_WARNING, "capture: writing failed (error %d)", error);
	}
	len = pcapng_statistics(c->c_write, 0, (uint64_t)clock_wall(), c->c_seen,
	    c->c_dropped);
	if (error == 0)
		(void)file_write(c->c_fd, c->c_write, len);
	file_close(c->c_fd);
	mutex_enter(&c->c_lock);
	c->c_state = CAPTURE_DONE;
	cv_broadcast(&c->c_cv);
	mutex_exit(&c->c_lock);
	capture_rele(c);
}

/* --- life -------------------------------------------------------------------------- */

static int
capture_create(uint32_t snaplen, struct capture **ret_c)
{
	struct capture *c = kmem_zalloc(sizeof(*c), KM_SLEEP);

	if (c == NULL)
		return ENOMEM;
	c->c_fill = kmem_alloc(BUFFER, KM_SLEEP);
	c->c_write = kmem_alloc(BUFFER, KM_SLEEP);
	if (c->c_fill == NULL || c->c_write == NULL) {
		kmem_free(c->c_fill, BUFFER);
		kmem_free(c->c_write, BUFFER);
		kmem_free(c, sizeof(*c));
		return ENOMEM;
	}
	mutex_init(&c->c_lock, "capture");
	cv_init(&c->c_cv, "capture");
	c->c_tap.it_packet = capture_packet;
	c->c_snaplen = snaplen;
	c->c_refs = 1;
	*ret_c = c;
	return 0;
}

/* The first blocks, and the thread. */
static int
capture_begin(struct capture *c, struct ifnet *ifp)
{
	uint16_t link = ifp->if_hdrlen == ETH_HLEN ? PCAPNG_LINK_ETHERNET : PCAPNG_LINK_RAW;
	struct kthread *thread;
	size_t len;
	int error;

	len = pcapng_section(c->c_write, "Rumpus");
	len += pcapng_interface(c->c_write + len, ifp->if_name, link, c->c_snaplen);
	error = file_write(c->c_fd, c->c_write, len);
	if (error)
		return error;
	c->c_refs++;
	error = kthread_create(capture_thread, c, "capture", &thread);
	if (error)
		c->c_refs--;
	else
		c->c_thread = thread;
	return error;
}

/* No packets any more; ns_lock and captures_lock held. */
static void
capture_end_locked(struct capture *c) REQUIRES(captures_lock)
{
	if (c->c_ifp != NULL)
		iftap_detach(c->c_ifp, &c->c_tap);
	c->c_ifp = NULL;
	mutex_enter(&c->c_lock);
	c->c_state = CAPTURE_ENDING;
	cv_broadcast(&c->c_cv);
	mutex_exit(&c->c_lock);
}

static void
capture_finish(struct capture *c)
{
	kthread_join(c->c_thread);
	capture_rele(c);
}

/* ENXIO: the interface is on its way out; the capture has ended. */
static int
capture_attach(struct capture *c, struct ifnet *ifp)
{
	int error = 0;

	mutex_enter(&ifp->if_ns->ns_lock);
	mutex_enter(&captures_lock);
	if (ifp->if_dying) {
		capture_end_locked(c);
		error = ENXIO;
	} else {
		c->c_ifp = ifp;
		list_insert_tail(&captures, &c->c_link);
		iftap_attach(ifp, &c->c_tap);
	}
	mutex_exit(&captures_lock);
	mutex_exit(&ifp->if_ns->ns_lock);
	return error;
}

int
capture_start(struct ifnet *ifp, const char *path, uint32_t snaplen)
{
	struct capture *c;
	int error;

	error = capture_create(snaplen, &c);
	if (error)
		return error;
	error = file_open(path, &c->c_fd);
	if (error)
		goto fail;
	error = capture_begin(c, ifp);
	if (error) {
		file_close(c->c_fd);
		goto fail;
	}
	error = capture_attach(c, ifp);
	if (error) {
		capture_finish(c);
		return error;
	}
	return 0;

fail:
	capture_rele(c);
	return error;
}

/* The interface goes; the thread finishes what it has. */
static void
capture_event(enum netevent ev, const struct netevent_info *ne)
{
	struct list_node *n;

	if (ev != NETEVENT_LINK_DEL)
		return;
	mutex_enter(&captures_lock);
	LIST_FOREACH(n, &captures) {
		struct capture *c = container_of(n, struct capture, c_link);

		if (c->c_ifp == ne->ne_ifp)
			capture_end_locked(c);
	}
	mutex_exit(&captures_lock);
}

/* One off the list that has ended, or is of that interface; NULL: none. */
static struct capture *
capture_take(struct ifnet *ifp)
{
	struct capture *c, *found = NULL;
	struct list_node *n;

	mutex_enter(&captures_lock);
	LIST_FOREACH(n, &captures) {
		c = container_of(n, struct capture, c_link);
		if (c->c_ifp != ifp)
			continue;
		found = c;
		if (ifp != NULL)
			capture_end_locked(c);
		list_remove(&c->c_link);
		break;
	}
	mutex_exit(&captures_lock);
	return found;
}

int
capture_stop(struct ifnet *ifp)
{
	struct capture *c;
	int error = ENOENT;

	for (;;) {
		mutex_enter(&ifp->if_ns->ns_lock);
		c = capture_take(ifp);
		mutex_exit(&ifp->if_ns->ns_lock);
		if (c == NULL)
			break;
		capture_finish(c);
		error = 0;
	}
	/* And those whose interface went. */
	while ((c = capture_take(NULL)) != NULL)
		capture_finish(c);
	return error;
}

/* The kernel ends: the files are made complete. */
static void
capture_shutdown(void)
{
	struct ifnet *ifp;
	struct list_node *n;

	for (;;) {
		mutex_enter(&captures_lock);
		n = list_first(&captures);
		ifp = n != NULL ? container_of(n, struct capture, c_link)->c_ifp : NULL;
		if (ifp != NULL)
			if_hold(ifp);
		mutex_exit(&captures_lock);
		if (n == NULL)
			break;
		if (ifp == NULL) {
			struct capture *c = capture_take(NULL);

			if (c != NULL)
				capture_finish(c);
			continue;
		}
		(void)capture_stop(ifp);
		if_rele(ifp);
	}
}

static struct shutdown_hook capture_hook = { .sh_fn = capture_shutdown };
static struct netevent_listener capture_listener = { .nl_event = capture_event };

int
capture_boot(void)
{
	mutex_init(&captures_lock, "captures");
	netevent_listen(&capture_listener);
	shutdown_register(&capture_hook);
	return 0;
}
