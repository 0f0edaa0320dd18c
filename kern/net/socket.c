/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * socket.c - sockets are born, counted, listed and freed; protocols register
 *
 * Life cycle
 *	socket_create()		one reference: of the file to come, or of the
 *				accept queue
 *	socket_file()		that reference becomes the file's
 *	fo_close		so_close, then that reference goes
 *	the last reference	so_free, buffers are drained, the memory goes
 *				after the last lock-free reader (qsbr)
 *
 * All sockets are on lists, a few of them so that threads that make and close
 * sockets seldom meet; ss(8) and the like walk them.  A socket leaves its list
 * when its last reference has gone; until then its node stays, which is what
 * lets a walk go on from the socket it holds.
 *
 * Locking: a list's lock -> nothing.
 *
 * References: socket(2), socket(7).
 */

#include <net/socket.h>

#include <lib/string.h>
#include <linux/capability.h>
#include <linux/in.h>
#include <linux/stat.h>
#include <sys/atomic.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>

#include "net_impl.h"
#include "sockfilter.h"
#include "socket_impl.h"

#define SOCKET_NLISTS	16	/* a power of two */
#define SOCKET_TYPES	11	/* types are below it */

static struct pool socket_pool;
static uint64_t socket_lastino;		/* a */

static struct socklist {
	kmutex_t	 sl_lock;
	struct list	 sl_sockets;	/* sl_lock: by so_link */
} __aligned_to(CACHE_LINE) socket_lists[SOCKET_NLISTS];

static kmutex_t sockproto_lock;
static struct list sockprotos = LIST_INITIALIZER(sockprotos);	/* sockproto_lock */

int
socket_boot(void)
{
	pool_init(&socket_pool, sizeof(struct socket), CACHE_LINE, "socket");
	mutex_init(&sockproto_lock, "sockproto");
	for (size_t i = 0; i < SOCKET_NLISTS; i++) {
		mutex_init(&socket_lists[i].sl_lock, "socket list");
		list_init(&socket_lists[i].sl_sockets);
	}
	return socket_buf_boot();
}

/* --- protocols ------------------------------------------------------------- */

void
sockproto_register(struct sockproto *sp)
{
	mutex_enter(&sockproto_lock);
	list_insert_tail(&sockprotos, &sp->sp_link);
	mutex_exit(&sockproto_lock);
}

static bool
sockproto_takes(const struct sockproto *sp, int protocol)
{
	return sp->sp_protocol == -1 || sp->sp_protocol == protocol ||
	    (protocol == 0 && sp->sp_default);
}

/* How far a search came decides what is said of its failure. */
int
sockproto_find(int family, int type, int protocol,
    const struct sockproto **ret_sp)
{
	int error = EAFNOSUPPORT;
	struct list_node *n;

	if ((family == AF_INET || family == AF_INET6) && (protocol < 0 || protocol >= IPPROTO_MAX))
		return EINVAL;
	if (type < 0 || type >= SOCKET_TYPES)
		return family < 0 || family >= AF_MAX ? EAFNOSUPPORT : EINVAL;
	mutex_enter(&sockproto_lock);
	LIST_FOREACH(n, &sockprotos) {
		struct sockproto *sp = container_of(n, struct sockproto, sp_link);

		if (sp->sp_family != family)
			continue;
		if (sp->sp_type != type) {
			if (error == EAFNOSUPPORT)
				error = ESOCKTNOSUPPORT;
			continue;
		}
		error = EPROTONOSUPPORT;
		if (sockproto_takes(sp, protocol)) {
			*ret_sp = sp;
			error = 0;
			break;
		}
	}
	mutex_exit(&sockproto_lock);
	return error;
}

/* --- birth ------------------------------------------------------------------- */

static void
sockbuf_init(struct sockbuf *sb, uint32_t hiwat, const char *name)
{
	packetq_init(&sb->sb_q);
	sb->sb_hiwat = hiwat;
	sb->sb_lowat = 1;
	cv_init(&sb->sb_cv, name);
}

static void
socket_enlist(struct socket *so)
{
	struct socklist *sl = &socket_lists[so->so_inode % SOCKET_NLISTS];

	mutex_enter(&sl->sl_lock);
	list_insert_tail(&sl->sl_sockets, &so->so_link);
	mutex_exit(&sl->sl_lock);
}

static void
socket_delist(struct socket *so)
{
	struct socklist *sl = &socket_lists[so->so_inode % SOCKET_NLISTS];

	mutex_enter(&sl->sl_lock);
	list_remove(&so->so_link);
	mutex_exit(&sl->sl_lock);
}

static void
socket_init(struct socket *so, struct netns *ns, const struct sockproto *sp,
    int protocol, struct cred *cred)
{
	memset(so, 0, sizeof(*so));
	mutex_init(&so->so_lock, "socket");
	so->so_refs = 1;
	so->so_family = (uint16_t)sp->sp_family;
	so->so_type = (uint16_t)sp->sp_type;
	so->so_protocol = protocol == 0 && sp->sp_default && sp->sp_protocol > 0 ?
	    sp->sp_protocol : protocol;
	so->so_ops = sp->sp_ops;
	so->so_pflags = sp->sp_flags;
	so->so_linger = -1;
	so->so_peek_off = -1;
	so->so_incpu = UINT32_MAX;
	so->so_pacing = UINT64_MAX;
	sockbuf_init(&so->so_rcv, (uint32_t)netvar_get(ns, &socket_rmem_default),
	    "sockrcv");
	sockbuf_init(&so->so_snd, (uint32_t)netvar_get(ns, &socket_wmem_default),
	    "socksnd");
	packetq_init(&so->so_errq);
	pollsrc_init(&so->so_pollsrc);
	list_init(&so->so_acceptq);
	list_node_init(&so->so_acceptlink);
	list_node_init(&so->so_link);
	so->so_attr = (struct anonattr){ .aa_mode = S_IFSOCK | 0777,
	    .aa_uid = cred->cr_fsuid, .aa_gid = cred->cr_fsgid };
	so->so_inode = atomic_add(&socket_lastino, 1) + 1;
	netns_hold(ns);
	so->so_ns = ns;
	cred_hold(cred);
	so->so_cred = cred;
}

static void
socket_free(struct qsbr_head *qh)
{
	pool_put(&socket_pool, container_of(qh, struct socket, so_qsbr));
}

/* What socket_init() made, and what has come since. */
static void
socket_fini(struct socket *so)
{
	KASSERT(list_empty(&so->so_acceptq));
	sockbuf_drop(&so->so_rcv);
	sockbuf_drop(&so->so_snd);
	packetq_drop(&so->so_errq);
	sockfilter_fini(so);
	pollsrc_fini(&so->so_pollsrc);
	cv_destroy(&so->so_rcv.sb_cv);
	cv_destroy(&so->so_snd.sb_cv);
	mutex_destroy(&so->so_lock);
	netns_rele(so->so_ns);
	cred_rele(so->so_cred);
	cred_rele(so->so_peerid);
	qsbr_call(&so->so_qsbr, socket_free);
}

int
socket_create(struct netns *ns, int family, int type, int protocol,
    struct cred *cred, bool attach, struct socket **ret_so)
{
	const struct sockproto *sp;
	struct socket *so;
	int error;

	error = sockproto_find(family, type, protocol, &sp);
	if (error)
		return error;
	if ((sp->sp_flags & SP_NEEDROOT) != 0 &&
	    !cred_capable(cred, CAP_NET_RAW))
		return EPERM;
	so = pool_get(&socket_pool, KM_SLEEP);
	if (so == NULL)
		return ENOMEM;
	socket_init(so, ns, sp, protocol, cred);
	if (attach && so->so_ops->so_attach != NULL) {
		error = so->so_ops->so_attach(so, so->so_protocol);
		if (error) {
			socket_fini(so);
			return error;
		}
	}
	socket_enlist(so);
	*ret_so = so;
	return 0;
}

/* --- references ---------------------------------------------------------------- */

bool
socket_tryhold(struct socket *so)
{
	unsigned int refs = atomic_load(&so->so_refs);

	while (refs != 0)
		if (atomic_cas_acq(&so->so_refs, &refs, refs + 1))
			return true;
	return false;
}

void
socket_rele(struct socket *so)
{
	unsigned int old = atomic_sub_ar(&so->so_refs, 1);

	KASSERTMSG(old > 0, "socket %p: released too often", (void *)so);
	if (old != 1)
		return;
	socket_delist(so);
	if (so->so_ops->so_free != NULL)
		so->so_ops->so_free(so);
	socket_fini(so);
}

/* --- all of them ----------------------------------------------------------------- */

/* The next one of the list behind so (NULL: the first) that lives, referenced. */
static struct socket *
socklist_next(struct socklist *sl, struct netns *ns, int family,
    struct socket *so)
{
	struct list_node *n;

	mutex_enter(&sl->sl_lock);
	n = so != NULL ? list_next(&sl->sl_sockets, &so->so_link) :
	    list_first(&sl->sl_sockets);
	for (; n != NULL; n = list_next(&sl->sl_sockets, n)) {
		struct socket *next = container_of(n, struct socket, so_link);

		if (next->so_ns == ns && next->so_family == family &&
		    socket_tryhold(next)) {
			mutex_exit(&sl->sl_lock);
			return next;
		}
	}
	mutex_exit(&sl->sl_lock);
	return NULL;
}

static int
socklist_iterate(struct socklist *sl, struct netns *ns, int family,
    int (*fn)(struct socket *, void *), void *arg)
{
	struct socket *so = NULL, *next;
	int error = 0;

	while (error == 0) {
		next = socklist_next(sl, ns, family, so);
		if (so != NULL)
			socket_rele(so);
		so = next;
		if (so == NULL)
			break;
		error = fn(so, arg);
	}
	if (so != NULL)
		socket_rele(so);
	return error;
}

int
socket_iterate(struct netns *ns, int family, int (*fn)(struct socket *, void *),
    void *arg)
{
	int error = 0;

	for (size_t i = 0; error == 0 && i < SOCKET_NLISTS; i++)
		error = socklist_iterate(&socket_lists[i], ns, family, fn, arg);
	return error;
}
