/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp.c - the simulated host has no other processes, hence no remote clients
 */

#include <errno.h>

#include <rump/rumpuser.h>

int
rumpuser_spset_create(struct rumpuser_spset **ret_set)
{
	return ENOSYS;
}

void
rumpuser_spset_destroy(struct rumpuser_spset *set)
{
}

int
rumpuser_spset_listen(struct rumpuser_spset *set, const char *url)
{
	return ENOSYS;
}

void
rumpuser_spset_unlisten(struct rumpuser_spset *set)
{
}

int
rumpuser_spset_wait(struct rumpuser_spset *set, struct rumpuser_spevent *ev,
    size_t n, int64_t deadline, size_t *ret_n)
{
	return ENOSYS;
}

void
rumpuser_spset_wake(struct rumpuser_spset *set)
{
}

int
rumpuser_spset_accept(struct rumpuser_spset *set,
    struct rumpuser_spconn **ret_conn, struct rumpuser_sppeer *ret_peer)
{
	return ENOSYS;
}

int
rumpuser_spset_watch(struct rumpuser_spset *set, struct rumpuser_spconn *conn,
    void *cookie, uint32_t what)
{
	return ENOSYS;
}

int
rumpuser_spconn_recv(struct rumpuser_spconn *conn, void *buf, size_t len,
    int *ret_fd, size_t *ret_got)
{
	return ENOSYS;
}

int
rumpuser_spconn_send(struct rumpuser_spconn *conn, const void *buf, size_t len,
    int fd, size_t *ret_sent)
{
	return ENOSYS;
}

int
rumpuser_spconn_wait(struct rumpuser_spconn *conn, uint32_t what,
    int64_t deadline)
{
	return ENOSYS;
}

void
rumpuser_spconn_shutdown(struct rumpuser_spconn *conn)
{
}

void
rumpuser_spconn_close(struct rumpuser_spconn *conn)
{
}

int
rumpuser_spmem_create(size_t len, int *ret_fd, void **ret_ptr)
{
	return ENOSYS;
}

void
rumpuser_spmem_destroy(int fd, void *ptr, size_t len)
{
}

void
rumpuser_spmem_discard(int fd, size_t off, size_t len)
{
}

int
rumpuser_spturn_own(struct rumpuser_spowner *owner, uint32_t *turn,
    uint32_t *alive, uint32_t *ret_tid)
{
	return ENOSYS;
}

void
rumpuser_spturn_disown(struct rumpuser_spowner *owner)
{
}

void
rumpuser_spbell_ring(int fd)
{
}

void
rumpuser_event_signal(int fd)
{
}
