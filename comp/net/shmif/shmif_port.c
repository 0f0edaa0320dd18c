/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmif_port.c - attachments to a bus, and blocks that lie in it
 *
 * Life cycle: shmif_port_create(), references, and with the last of them the
 * port is given back and the file is closed.
 */

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kmem.h>

#include "host/shmbus_host.h"
#include "shmif_impl.h"

/* A buffer of the bus as a packet's block. */
struct shmif_block {
	struct pktbuf	 sk_buf;
	struct shmbus_rx sk_rx;		/* c */
	struct shmif_port *sk_port;	/* c: referenced */
};

static struct pool block_pool;

int
shmif_port_boot(void)
{
	pool_init(&block_pool, sizeof(struct shmif_block), CACHE_LINE, "shmif block");
	return 0;
}

int
shmif_port_create(const char *path, const char *name, uint64_t mac,
    struct shmif_port **ret_sp)
{
	struct shmif_port *sp = kmem_zalloc(sizeof(*sp), KM_SLEEP);
	void *memory;
	int error;

	if (sp == NULL)
		return ENOMEM;
	error = shmbus_open(&sp->sp_bus, path, true, NULL);
	if (error)
		goto fail_sp;
	/* A multiple of a cache line is aligned to one. */
	sp->sp_size = (shmbus_port_size(&sp->sp_bus) + CACHE_LINE - 1) /
	    CACHE_LINE * CACHE_LINE;
	memory = kmem_alloc(sp->sp_size, KM_SLEEP);
	if (memory == NULL) {
		error = ENOMEM;
		goto fail_bus;
	}
	error = shmbus_claim(&sp->sp_bus, memory, mac, name,
	    rumpcomp_shmbus_pid(), &sp->sp_port);
	if (error)
		goto fail_memory;
	sp->sp_refs = 1;
	*ret_sp = sp;
	return 0;

fail_memory:
	kmem_free(memory, sp->sp_size);
fail_bus:
	shmbus_close(&sp->sp_bus);
fail_sp:
	kmem_free(sp, sizeof(*sp));
	return error;
}

static void
port_free(struct qsbr_head *qh)
{
	struct shmif_port *sp = container_of(qh, struct shmif_port, sp_qsbr);

	shmbus_leave(sp->sp_port);
	kmem_free(sp->sp_port, sp->sp_size);
	shmbus_close(&sp->sp_bus);
	kmem_free(sp, sizeof(*sp));
}

/* Who found it in sc_port may take a reference until he gives his vCPU back. */
void
shmif_port_rele(struct shmif_port *sp)
{
	if (atomic_sub_ar(&sp->sp_refs, 1) == 1)
		qsbr_call(&sp->sp_qsbr, port_free);
}

void
shmif_port_unblock(struct pktbuf *pb)
{
	struct shmif_block *sk = container_of(pb, struct shmif_block, sk_buf);

	shmif_port_rele(sk->sk_port);
	pool_put(&block_pool, sk);
}

static void
block_free(struct pktbuf *pb)
{
	struct shmif_block *sk = container_of(pb, struct shmif_block, sk_buf);

	shmbus_release(sk->sk_port->sp_port, &sk->sk_rx);
	shmif_port_unblock(pb);
}

struct pktbuf *
shmif_port_block(struct shmif_port *sp, const struct shmbus_rx *rx)
{
	struct shmif_block *sk = pool_get(&block_pool, KM_NOSLEEP);

	if (sk == NULL)
		return NULL;
	memset(&sk->sk_buf, 0, sizeof(sk->sk_buf));
	sk->sk_buf.pb_refs = 1;
	sk->sk_buf.pb_size = rx->sr_meta.sm_len;
	/* Nobody writes into a block that he does not own. */
	sk->sk_buf.pb_data = (uint8_t *)(uintptr_t)rx->sr_data;
	sk->sk_buf.pb_free = block_free;
	sk->sk_rx = *rx;
	sk->sk_port = sp;
	shmif_port_hold(sp);
	return &sk->sk_buf;
}
