/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * local_scm.c - files and credentials that travel with messages
 *
 * A message's files are one counted struct localscm, which the packet holds,
 * and whoever peeks at it.  When the last reference goes the files are closed
 * by the thread that let go of it.  That may close sockets with messages in
 * their queues, which carry files, and so on without bound: a thread that
 * is closing already only notes what else there is to close, so that its
 * stack does not grow with what a client has piled up.
 *
 * References: unix(7), SCM_RIGHTS, SCM_CREDENTIALS; cmsg(3).
 */

#include <lib/string.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/file.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

#include "local_impl.h"

#define SCM_MAX_FD	253
#define OVERFLOW_ID	65534		/* credentials that nobody gave */

/* A thread that is closing files of messages. */
struct closing {
	struct list_node cl_link;	/* closing_lock */
	struct lwp	*cl_lwp;	/* c */
	struct localscm	*cl_todo;	/* o: by ls_next */
};

static kmutex_t closing_lock = { .m_name = "local closing" };
static struct list closings = LIST_INITIALIZER(closings);	/* closing_lock */

/* --- the end of a message's files ----------------------------------------------------- */

static size_t
scm_size(unsigned int nfiles)
{
	return sizeof(struct localscm) + nfiles * sizeof(struct file *);
}

static void
scm_close(struct localscm *ls)
{
	local_flight_end(ls);
	for (unsigned int i = 0; i < ls->ls_nfiles; i++)
		file_rele(ls->ls_file[i]);
	kmem_free(ls, scm_size(ls->ls_nfiles));
}

/* This thread's, if it is closing. */
static struct closing *
closing_mine_locked(void) REQUIRES(closing_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &closings) {
		struct closing *cl = container_of(n, struct closing, cl_link);

		if (cl->cl_lwp == curlwp())
			return cl;
	}
	return NULL;
}

void
local_scm_rele(struct localscm *ls)
{
	struct closing mine = { .cl_lwp = curlwp() }, *outer;

	if (ls == NULL || atomic_sub_ar(&ls->ls_refs, 1) != 1)
		return;
	mutex_enter(&closing_lock);
	outer = closing_mine_locked();
	if (outer == NULL)
		list_insert_head(&closings, &mine.cl_link);
	mutex_exit(&closing_lock);
	if (outer != NULL) {
		ls->ls_next = outer->cl_todo;
		outer->cl_todo = ls;
		return;
	}
	for (mine.cl_todo = ls; (ls = mine.cl_todo) != NULL;) {
		mine.cl_todo = ls->ls_next;
		scm_close(ls);
	}
	mutex_enter(&closing_lock);
	list_remove(&mine.cl_link);
	mutex_exit(&closing_lock);
}

/* --- credentials -------------------------------------------------------------------------- */

void
local_ucred(struct ucred *uc, bool effective)
{
	const struct cred *cr = curcred();

	uc->pid = proc_shownpid(curproc());
	uc->uid = effective ? cr->cr_euid : cr->cr_ruid;
	uc->gid = effective ? cr->cr_egid : cr->cr_rgid;
}

void
local_cred_fill(struct localcb *lc, const struct socket *from,
    const struct socket *to)
{
	uint32_t options = atomic_load(&from->so_options) |
	    (to != NULL ? atomic_load(&to->so_options) : SOO_PASSCRED);

	if (lc->lc_hascred || (options & SOO_PASSCRED) == 0)
		return;
	local_ucred(&lc->lc_cred, false);
	lc->lc_hascred = true;
}

static bool
cred_owns_uid(const struct cred *cr, uid_t uid)
{
	return uid == cr->cr_ruid || uid == cr->cr_euid || uid == cr->cr_suid ||
	    cred_capable(cr, CAP_SETUID);
}

static bool
cred_owns_gid(const struct cred *cr, gid_t gid)
{
	return gid == cr->cr_rgid || gid == cr->cr_egid || gid == cr->cr_sgid ||
	    cred_capable(cr, CAP_SETGID);
}

static int
scm_credentials(const struct cmsghdr *cm, struct localcb *lc)
{
	const struct cred *cr = curcred();
	struct ucred uc;
	struct proc *p;

	if (cm->cmsg_len != CMSG_LEN(sizeof(uc)))
		return EINVAL;
	memcpy(&uc, cm + 1, sizeof(uc));
	if ((uc.pid != proc_shownpid(curproc()) && !cred_capable(cr, CAP_SYS_ADMIN)) ||
	    !cred_owns_uid(cr, uc.uid) || !cred_owns_gid(cr, uc.gid))
		return EPERM;
	if (uc.pid != proc_shownpid(curproc())) {
		p = proc_find_shown(uc.pid);
		if (p == NULL)
			return ESRCH;
		proc_rele(p);
	}
	if (uc.uid == (uid_t)-1 || uc.gid == (gid_t)-1)
		return EINVAL;
	lc->lc_cred = uc;
	lc->lc_hascred = true;
	return 0;
}

/* --- files -------------------------------------------------------------------------------- */

/* A list that is not in flight yet. */
static void
scm_forget(struct localscm *ls)
{
	if (ls == NULL)
		return;
	for (unsigned int i = 0; i < ls->ls_nfiles; i++)
		if (ls->ls_file[i] != NULL)
			file_rele(ls->ls_file[i]);
	kmem_free(ls, scm_size(ls->ls_nfiles));
}

/* Room for n more behind those of *ls. */
static int
scm_grow(struct localscm **ls, unsigned int n)
{
	unsigned int had = *ls != NULL ? (*ls)->ls_nfiles : 0;
	struct localscm *grown;

	if (n > SCM_MAX_FD || had + n > SCM_MAX_FD)
		return EINVAL;
	grown = kmem_zalloc(scm_size(had + n), KM_SLEEP);
	if (grown == NULL)
		return ENOMEM;
	if (*ls != NULL) {
		memcpy(grown, *ls, scm_size(had));
		kmem_free(*ls, scm_size(had));
	}
	grown->ls_refs = 1;
	grown->ls_nfiles = had + n;
	*ls = grown;
	return 0;
}

static int
scm_rights(const struct cmsghdr *cm, struct localcb *lc)
{
	unsigned int n = (unsigned int)(cmsg_datalen(cm) / sizeof(int));
	const uint8_t *data = (const uint8_t *)(cm + 1);
	struct localscm *ls;
	unsigned int first;
	int error, fd;

	if (n == 0)
		return 0;
	error = scm_grow(&lc->lc_scm, n);
	if (error)
		return error;
	ls = lc->lc_scm;
	first = ls->ls_nfiles - n;
	for (unsigned int i = 0; i < n; i++) {
		memcpy(&fd, data + i * sizeof(fd), sizeof(fd));
		error = fd_get(fd, &ls->ls_file[first + i]);
		if (error)
			return error;
	}
	return 0;
}

static int
scm_parse(const struct sockmsg *sm, struct localcb *lc)
{
	struct cmsghdr *cm = NULL;
	int error;

	for (;;) {
		error = cmsg_next(sm, cm, &cm);
		if (error || cm == NULL)
			return error;
		if (cm->cmsg_level != SOL_SOCKET)
			continue;
		switch (cm->cmsg_type) {
		case SCM_RIGHTS:
			error = scm_rights(cm, lc);
			break;
		case SCM_CREDENTIALS:
			error = scm_credentials(cm, lc);
			break;
		default:
			error = EINVAL;
		}
		if (error)
			return error;
	}
}

int
local_scm_send(struct socket *so, const struct sockmsg *sm,
    struct localcb *ret_lc)
{
	struct localcb lc = { .lc_scm = NULL };
	int error = 0;

	if (sm->sm_controllen > 0)
		error = scm_parse(sm, &lc);
	if (error == 0 && lc.lc_scm != NULL)
		error = local_flight_begin(lc.lc_scm);
	if (error) {
		scm_forget(lc.lc_scm);
		return error;
	}
	*ret_lc = lc;
	return 0;
}

/* --- messages -------------------------------------------------------------------------------- */

static void
local_packet_gone(struct packet *p)
{
	local_scm_rele(localcb(p)->lc_scm);
	if (p->p_owner != NULL)
		socket_credit_send(p);
}

bool
local_scm_allowed(const struct socket *to, const struct packet *p)
{
	return localcb(p)->lc_scm == NULL ||
	    (atomic_load(&to->so_options) & SOO_NORIGHTS) == 0;
}

void
local_packet_setup(struct packet *p, const struct localcb *lc)
{
	*localcb(p) = *lc;
	p->p_destroy = local_packet_gone;
}

/* --- what the receiver gets -------------------------------------------------------------------- */

/* As many as there is room for; *ret_n of them became descriptors. */
static void
scm_install(struct localscm *ls, bool cloexec, unsigned int most, int *fds,
    unsigned int *ret_n)
{
	unsigned int n;

	for (n = 0; n < ls->ls_nfiles && n < most; n++) {
		file_hold(ls->ls_file[n]);
		if (fd_alloc(ls->ls_file[n], cloexec, &fds[n]) != 0) {
			file_rele(ls->ls_file[n]);
			break;
		}
	}
	*ret_n = n;
}

static void
scm_recv_rights(struct sockmsg *sm, struct localscm *ls)
{
	size_t room = sm->sm_controlmax - sm->sm_controllen;
	int fds[SCM_MAX_FD];
	unsigned int n = 0;

	room = room <= sizeof(struct cmsghdr) ? 0 :
	    (room - sizeof(struct cmsghdr)) / sizeof(int);
	if (room > 0)
		scm_install(ls, (sm->sm_flags & MSG_CMSG_CLOEXEC) != 0,
		    room < SCM_MAX_FD ? (unsigned int)room : SCM_MAX_FD, fds, &n);
	if (n > 0)
		cmsg_put(sm, SOL_SOCKET, SCM_RIGHTS, fds, n * sizeof(int));
	if (n < ls->ls_nfiles)
		sm->sm_outflags |= MSG_CTRUNC;
}

void
local_scm_recv(struct socket *so, struct sockmsg *sm, const struct localcb *lc)
{
	bool creds = (atomic_load(&so->so_options) & SOO_PASSCRED) != 0;
	struct ucred uc = { 0, OVERFLOW_ID, OVERFLOW_ID };

	if (!creds && lc->lc_scm == NULL)
		return;
	if (sm->sm_controlmax == 0) {
		sm->sm_outflags |= MSG_CTRUNC;
		return;
	}
	if (creds) {
		if (lc->lc_hascred)
			uc = lc->lc_cred;
		cmsg_put(sm, SOL_SOCKET, SCM_CREDENTIALS, &uc, sizeof(uc));
	}
	if (lc->lc_scm != NULL)
		scm_recv_rights(sm, lc->lc_scm);
}
