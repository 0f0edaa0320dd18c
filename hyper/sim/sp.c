/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp.c - remote clients of a simulated kernel
 *
 * There are no other processes here, so a test plays the client: it connects by
 * rumpsim_client_connect(), whatever the kernel listens at, and says and does
 * what it likes.  A connection is two heaps of bytes with limited room; the
 * memory that client and kernel share is the same for both.
 *
 * Who sleeps at a turn dies only by returning, so that nothing needs to be marked
 * on behalf of the dead.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rump/rumpuser.h>

#include "sim_impl.h"

#define ROOM_UP		16384	/* bytes on their way, as with real sockets */
#define ROOM_DOWN	8192
#define MEMORIES_MAX	256	/* of a client, which may go through many an exec */
#define MEMFD_BASE	(1 << 21)
#define FD_BASE		(1 << 22)	/* those that clients pass */

/* Field key: all the baton.  Counted: the kernel's end, the client's, a set's queue. */
struct rumpsim_client {
	unsigned int	 rc_refs;
	struct rumpsim_client *rc_next;		/* of those not accepted yet, or watched */
	uint32_t	 rc_uid;
	uint8_t		 rc_up[ROOM_UP], rc_down[ROOM_DOWN];
	size_t		 rc_uplen, rc_downlen;
	unsigned int	 rc_fds;		/* which came along */
	bool		 rc_upend, rc_downend;	/* closed by the client, by the kernel */
	struct simmem	*rc_mem[MEMORIES_MAX];	/* that came along, all of them */
	unsigned int	 rc_nmem;
	void		*rc_cookie;
	uint32_t	 rc_watched;
	uint32_t	 rc_changes;
};

struct simmem {
	struct simmem	*sm_next;
	unsigned int	 sm_refs;
	int		 sm_fd;
	void		*sm_ptr;
	size_t		 sm_len;
};

/* One is enough; its address is all that the kernel sees. */
struct rumpuser_spset {
	bool		 ss_exists, ss_listens;
	uint32_t	 ss_events;		/* counts what changed */
	uint32_t	 ss_seen;		/* of them */
	struct rumpsim_client *ss_waiting;	/* not accepted */
	struct rumpsim_client *ss_watched;
};

static struct rumpuser_spset the_set;
static struct simmem *memories;
static int memories_made;
static uint32_t turns_owned;

static struct rumpsim_client *
conn_client(struct rumpuser_spconn *conn)
{
	return (struct rumpsim_client *)(void *)conn;
}

static void
changed(void)
{
	the_set.ss_events++;
	(void)sim_wake(&the_set.ss_events, 1);
}

/* For who sleeps on one connection alone. */
static void
client_changed(struct rumpsim_client *rc)
{
	rc->rc_changes++;
	(void)sim_wake(&rc->rc_changes, 1);
	changed();
}

static void
list_take(struct rumpsim_client **at, const struct rumpsim_client *rc)
{
	for (; *at != NULL; at = &(*at)->rc_next) {
		if (*at == rc) {
			*at = rc->rc_next;
			return;
		}
	}
}

static void
list_append(struct rumpsim_client **at, struct rumpsim_client *rc)
{
	while (*at != NULL)
		at = &(*at)->rc_next;
	rc->rc_next = NULL;
	*at = rc;
}

/* --- memory ---------------------------------------------------------------------- */

static struct simmem *
mem_find(int fd)
{
	struct simmem *sm = memories;

	while (sm != NULL && sm->sm_fd != fd)
		sm = sm->sm_next;
	return sm;
}

static void
mem_rele(struct simmem *sm)
{
	struct simmem **at = &memories;

	if (sm == NULL || --sm->sm_refs > 0)
		return;
	while (*at != sm)
		at = &(*at)->sm_next;
	*at = sm->sm_next;
	(void)munmap(sm->sm_ptr, sm->sm_len);
	free(sm);
}

int
rumpuser_spmem_create(size_t len, int *ret_fd, void **ret_ptr)
{
	struct simmem *sm;
	int error;

	sim_point(SIMOP_MEMORY, len);
	error = sim_fault(RUMPSIM_MEMORY);
	if (error)
		return error;
	sm = calloc(1, sizeof(*sm));
	if (sm == NULL)
		return ENOMEM;
	sm->sm_ptr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sm->sm_ptr == MAP_FAILED) {
		free(sm);
		return ENOMEM;
	}
	sm->sm_len = len;
	sm->sm_refs = 1;
	sm->sm_fd = MEMFD_BASE + memories_made++;
	sm->sm_next = memories;
	memories = sm;
	simfd_counted(1);
	*ret_fd = sm->sm_fd;
	*ret_ptr = sm->sm_ptr;
	return 0;
}

void
rumpuser_spmem_destroy(int fd, void *ptr, size_t len)
{
	struct simmem *sm = mem_find(fd);

	if (sm == NULL || sm->sm_ptr != ptr || sm->sm_len != len)
		sim_die("destroys shared memory that it does not have");
	simfd_counted(-1);
	mem_rele(sm);
}

void
rumpuser_spmem_discard(int fd, size_t off, size_t len)
{
	struct simmem *sm = mem_find(fd);

	if (sm == NULL || off > sm->sm_len || len > sm->sm_len - off)
		sim_die("discards shared memory that it does not have");
	(void)madvise((uint8_t *)sm->sm_ptr + off, len, MADV_DONTNEED);
}

/* --- the kernel's end ---------------------------------------------------------------- */

int
rumpuser_spset_create(struct rumpuser_spset **ret_set)
{
	int error;

	(void)sim_self();
	error = sim_fault(RUMPSIM_PEER);
	if (error)
		return error;
	if (the_set.ss_exists)
		return EBUSY;
	the_set.ss_exists = true;
	*ret_set = &the_set;
	return 0;
}

void
rumpuser_spset_destroy(struct rumpuser_spset *set)
{
	set->ss_exists = false;
}

int
rumpuser_spset_listen(struct rumpuser_spset *set, const char *url)
{
	int error = sim_fault(RUMPSIM_PEER);

	if (error)
		return error;
	if (strstr(url, "://") == NULL)
		return EINVAL;
	set->ss_listens = true;
	return 0;
}

void
rumpuser_spset_unlisten(struct rumpuser_spset *set)
{
	set->ss_listens = false;
}

static uint32_t
conn_ready(const struct rumpsim_client *rc)
{
	uint32_t what = 0;

	if (rc->rc_uplen > 0 || rc->rc_upend)
		what |= RUMPUSER_SP_READ;
	if (rc->rc_downlen < ROOM_DOWN || rc->rc_upend)
		what |= RUMPUSER_SP_WRITE;
	return what & (rc->rc_watched | (rc->rc_upend ? RUMPUSER_SP_READ : 0));
}

static size_t
set_collect(const struct rumpuser_spset *set, struct rumpuser_spevent *ev,
    size_t max)
{
	size_t n = 0;

	if (set->ss_waiting != NULL && n < max)
		ev[n++] = (struct rumpuser_spevent){ NULL, RUMPUSER_SP_READ };
	for (const struct rumpsim_client *rc = set->ss_watched;
	    rc != NULL && n < max; rc = rc->rc_next) {
		if (conn_ready(rc) != 0)
			ev[n++] = (struct rumpuser_spevent){ rc->rc_cookie,
			    conn_ready(rc) };
	}
	return n;
}

int
rumpuser_spset_wait(struct rumpuser_spset *set, struct rumpuser_spevent *ev,
    size_t n, int64_t deadline, size_t *ret_n)
{
	int error = 0;

	sim_point(SIMOP_PARK, n);
	*ret_n = set_collect(set, ev, n);
	if (*ret_n == 0 && set->ss_events == set->ss_seen) {
		error = sim_sleep(&set->ss_events, 0, deadline);
		*ret_n = set_collect(set, ev, n);
	}
	set->ss_seen = set->ss_events;
	return error == ETIMEDOUT && *ret_n == 0 ? error : 0;
}

void
rumpuser_spset_wake(struct rumpuser_spset *set)
{
	(void)sim_self();
	changed();
}

int
rumpuser_spset_accept(struct rumpuser_spset *set,
    struct rumpuser_spconn **ret_conn, struct rumpuser_sppeer *ret_peer)
{
	struct rumpsim_client *rc = set->ss_waiting;
	int error;

	if (rc == NULL)
		return EAGAIN;
	error = sim_fault(RUMPSIM_PEER);
	if (error)
		return error;
	set->ss_waiting = rc->rc_next;
	memset(ret_peer, 0, sizeof(*ret_peer));
	ret_peer->sp_local = true;
	ret_peer->sp_uid = ret_peer->sp_gid = rc->rc_uid;
	ret_peer->sp_pid = 4711;
	simfd_counted(1);
	*ret_conn = (struct rumpuser_spconn *)(void *)rc;
	return 0;
}

int
rumpuser_spset_watch(struct rumpuser_spset *set, struct rumpuser_spconn *conn,
    void *cookie, uint32_t what)
{
	struct rumpsim_client *rc = conn_client(conn);
	int error = what != 0 ? sim_fault(RUMPSIM_PEER) : 0;

	if (error)
		return error;
	if (rc->rc_watched == 0 && what != 0)
		list_append(&set->ss_watched, rc);
	else if (rc->rc_watched != 0 && what == 0)
		list_take(&set->ss_watched, rc);
	rc->rc_watched = what;
	rc->rc_cookie = cookie;
	return 0;
}

int
rumpuser_spconn_recv(struct rumpuser_spconn *conn, void *buf, size_t len,
    int *ret_fd, size_t *ret_got)
{
	struct rumpsim_client *rc = conn_client(conn);
	size_t n = len < rc->rc_uplen ? len : rc->rc_uplen;
	int error;

	sim_point(SIMOP_READ, len);
	error = sim_fault(RUMPSIM_PEER);
	if (error)
		return error;
	*ret_fd = -1;
	if (n == 0 && !rc->rc_upend)
		return EAGAIN;
	if (n > 0 && rc->rc_fds > 0) {
		*ret_fd = FD_BASE;
		simfd_counted(1);
		rc->rc_fds = 0;
	}
	memcpy(buf, rc->rc_up, n);
	rc->rc_uplen -= n;
	memmove(rc->rc_up, rc->rc_up + n, rc->rc_uplen);
	*ret_got = n;
	return 0;
}

int
rumpuser_spconn_send(struct rumpuser_spconn *conn, const void *buf, size_t len,
    int fd, size_t *ret_sent)
{
	struct rumpsim_client *rc = conn_client(conn);
	size_t n = ROOM_DOWN - rc->rc_downlen;
	int error;

	sim_point(SIMOP_WRITE, len);
	error = sim_fault(RUMPSIM_PEER);
	if (error)
		return error;
	if (rc->rc_upend)
		return EPIPE;
	if (n == 0)
		return EAGAIN;
	if (n > len)
		n = len;
	/* What a client has lent is not told from what others have. */
	if (fd != -1 && fd != FD_BASE) {
		struct simmem *sm = mem_find(fd);

		if (sm == NULL)
			sim_die("sends a descriptor that it does not have");
		if (rc->rc_nmem == MEMORIES_MAX)
			return EPIPE;
		rc->rc_mem[rc->rc_nmem++] = sm;
		sm->sm_refs++;
	}
	memcpy(rc->rc_down + rc->rc_downlen, buf, n);
	rc->rc_downlen += n;
	*ret_sent = n;
	return 0;
}

int
rumpuser_spconn_wait(struct rumpuser_spconn *conn, uint32_t what,
    int64_t deadline)
{
	return ENOSYS;
}

/* All or nothing: who does not read what is sent to him is given up. */
int
rumpuser_spconn_put(struct rumpuser_spconn *conn, const struct rumpuser_iov *iov,
    size_t n)
{
	struct rumpsim_client *rc = conn_client(conn);
	int error = sim_fault(RUMPSIM_PEER);

	sim_point(SIMOP_WRITE, n);
	for (size_t i = 0; i < n && error == 0; i++) {
		if (rc->rc_upend || rc->rc_downend ||
		    iov[i].iov_len > ROOM_DOWN - rc->rc_downlen)
			return EPIPE;
		memcpy(rc->rc_down + rc->rc_downlen, iov[i].iov_base,
		    iov[i].iov_len);
		rc->rc_downlen += iov[i].iov_len;
	}
	return error;
}

int
rumpuser_spconn_get(struct rumpuser_spconn *conn, const struct rumpuser_iov *iov,
    size_t n, size_t *ret_got)
{
	struct rumpsim_client *rc = conn_client(conn);
	size_t done = 0;
	int error;

	sim_point(SIMOP_READ, n);
	error = sim_fault(RUMPSIM_PEER);
	if (error)
		return error;
	while (rc->rc_uplen == 0 && !rc->rc_upend && !rc->rc_downend)
		(void)sim_sleep(&rc->rc_changes, 0, RUMPUSER_NOTIME);
	for (size_t i = 0; i < n && !rc->rc_downend; i++) {
		size_t len = iov[i].iov_len < rc->rc_uplen - done ?
		    iov[i].iov_len : rc->rc_uplen - done;

		memcpy(iov[i].iov_base, rc->rc_up + done, len);
		done += len;
	}
	rc->rc_uplen -= done;
	memmove(rc->rc_up, rc->rc_up + done, rc->rc_uplen);
	*ret_got = done;
	return 0;
}

static void
client_rele(struct rumpsim_client *rc)
{
	if (--rc->rc_refs > 0)
		return;
	for (unsigned int i = 0; i < rc->rc_nmem; i++)
		mem_rele(rc->rc_mem[i]);
	free(rc);
}

void
rumpuser_spconn_shutdown(struct rumpuser_spconn *conn)
{
	conn_client(conn)->rc_downend = true;
	client_changed(conn_client(conn));
}

int
rumpuser_spconn_fd(const struct rumpuser_spconn *conn)
{
	return FD_BASE;
}

/* The descriptor is the caller's now, and closed as any that came along. */
void
rumpuser_spconn_detach(struct rumpuser_spconn *conn)
{
	client_rele(conn_client(conn));
}

void
rumpuser_spconn_close(struct rumpuser_spconn *conn)
{
	struct rumpsim_client *rc = conn_client(conn);

	if (rc->rc_watched != 0)
		list_take(&the_set.ss_watched, rc);
	rc->rc_watched = 0;
	rc->rc_downend = true;
	simfd_counted(-1);
	client_rele(rc);
}

int
rumpuser_spturn_own(struct rumpuser_spowner *owner, uint32_t *turn,
    uint32_t *alive, uint32_t *ret_tid)
{
	int error = sim_fault(RUMPSIM_PEER);

	if (error)
		return error;
	*ret_tid = ++turns_owned;
	return 0;
}

void
rumpuser_spturn_disown(struct rumpuser_spowner *owner)
{
}

/* Bells of simulated clients are not heard. */
void
rumpuser_spbell_ring(int fd)
{
	sim_point(SIMOP_WRITE, (uint64_t)fd);
}

void
rumpuser_event_signal(int fd)
{
	sim_point(SIMOP_WRITE, (uint64_t)fd);
}

bool
rumpuser_spfd_leads_here(int fd)
{
	return false;
}

bool
simsp_close(int fd)
{
	return fd == FD_BASE;
}

/* --- the client's end ------------------------------------------------------------------ */

int
rumpsim_client_connect(uint32_t uid, struct rumpsim_client **ret_client)
{
	struct rumpsim_client *rc;

	(void)sim_self();
	if (!the_set.ss_listens)
		return ECONNREFUSED;
	rc = calloc(1, sizeof(*rc));
	if (rc == NULL)
		return ENOMEM;
	rc->rc_uid = uid;
	rc->rc_refs = 2;
	list_append(&the_set.ss_waiting, rc);
	changed();
	*ret_client = rc;
	return 0;
}

size_t
rumpsim_client_send(struct rumpsim_client *rc, const void *buf, size_t len,
    bool fd)
{
	size_t n = ROOM_UP - rc->rc_uplen;

	(void)sim_self();
	if (rc->rc_downend)
		return 0;
	if (n > len)
		n = len;
	memcpy(rc->rc_up + rc->rc_uplen, buf, n);
	rc->rc_uplen += n;
	rc->rc_fds += fd && n > 0;
	client_changed(rc);
	return n;
}

size_t
rumpsim_client_recv(struct rumpsim_client *rc, void *buf, size_t len)
{
	size_t n = len < rc->rc_downlen ? len : rc->rc_downlen;

	(void)sim_self();
	memcpy(buf, rc->rc_down, n);
	rc->rc_downlen -= n;
	memmove(rc->rc_down, rc->rc_down + n, rc->rc_downlen);
	changed();
	return n;
}

bool
rumpsim_client_ended(const struct rumpsim_client *rc)
{
	return rc->rc_downend && rc->rc_downlen == 0;
}

void *
rumpsim_client_memory(const struct rumpsim_client *rc)
{
	return rc->rc_nmem > 0 ? rc->rc_mem[rc->rc_nmem - 1]->sm_ptr : NULL;
}

void
rumpsim_client_close(struct rumpsim_client *rc)
{
	(void)sim_self();
	rc->rc_upend = true;
	rc->rc_fds = 0;
	client_changed(rc);
	client_rele(rc);
}

/* Nobody comes from further away than a test. */
int
rumpuser_spfront_start(const char *url, int *ret_fd, char *where, size_t size)
{
	return ENOSYS;
}
