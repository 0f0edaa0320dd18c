/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cred.c - who a proc is
 *
 * A cred is made, filled while nobody else sees it, published by cred_set()
 * and never changed again.  Threads of the proc read p_cred without lock or
 * reference until they may sleep; hence a cred whose last reference went is
 * freed only when no such reader is left.
 *
 * cred_set() compares nothing: who derives new credentials from old ones
 * (sys_cred.c) holds the proc's lock from reading to publishing.
 */

#include <sys/cred.h>

#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kmem.h>
#include <sys/proc.h>

static size_t
cred_size(unsigned int ngroups)
{
	return sizeof(struct cred) + ngroups * sizeof(gid_t);
}

/* In place, without recursion or memory: the list came from a client. */
static void
groups_sift(gid_t *g, size_t root, size_t n)
{
	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		gid_t swap = g[root];

		if (child + 1 < n && g[child + 1] > g[child])
			child++;
		if (swap >= g[child])
			return;
		g[root] = g[child];
		g[child] = swap;
	}
}

static void
groups_sort(gid_t *g, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		groups_sift(g, i, n);
	for (size_t end = n; end-- > 1;) {
		gid_t swap = g[0];

		g[0] = g[end];
		g[end] = swap;
		groups_sift(g, 0, end);
	}
}

int
cred_create(uid_t uid, gid_t gid, unsigned int ngroups, const gid_t *groups,
    struct cred **ret_cred)
{
	struct cred *cr;

	if (ngroups > CRED_NGROUPS_MAX)
		return EINVAL;
	cr = kmem_zalloc(cred_size(ngroups), KM_SLEEP);
	if (cr == NULL)
		return ENOMEM;
	cr->cr_ruid = cr->cr_euid = cr->cr_suid = cr->cr_fsuid = uid;
	cr->cr_rgid = cr->cr_egid = cr->cr_sgid = cr->cr_fsgid = gid;
	if (uid == 0)
		cr->cr_caps = cr->cr_permitted = CRED_CAPS_ALL;
	cr->cr_refs = 1;
	cr->cr_ngroups = ngroups;
	if (ngroups != 0)
		memcpy(cr->cr_groups, groups, ngroups * sizeof(gid_t));
	groups_sort(cr->cr_groups, ngroups);
	*ret_cred = cr;
	return 0;
}

int
cred_dup(const struct cred *cr, struct cred **ret_cred)
{
	struct cred *copy = kmem_alloc(cred_size(cr->cr_ngroups), KM_SLEEP);

	if (copy == NULL)
		return ENOMEM;
	memcpy(copy, cr, cred_size(cr->cr_ngroups));
	copy->cr_refs = 1;
	copy->cr_queued = 0;
	memset(&copy->cr_qsbr, 0, sizeof(copy->cr_qsbr));
	*ret_cred = copy;
	return 0;
}

/* Everything but the groups.  to is not published yet. */
void
cred_copy_ids(struct cred *to, const struct cred *from)
{
	to->cr_ruid = from->cr_ruid;
	to->cr_euid = from->cr_euid;
	to->cr_suid = from->cr_suid;
	to->cr_fsuid = from->cr_fsuid;
	to->cr_rgid = from->cr_rgid;
	to->cr_egid = from->cr_egid;
	to->cr_sgid = from->cr_sgid;
	to->cr_fsgid = from->cr_fsgid;
	to->cr_caps = from->cr_caps;
	to->cr_permitted = from->cr_permitted;
	to->cr_inheritable = from->cr_inheritable;
}

void
cred_hold(struct cred *cr)
{
	atomic_add(&cr->cr_refs, 1);
}

/*
 * All who found it in a proc without a reference have left.  Some of them
 * may have taken one meanwhile; then the last of these comes here again.
 */
static void
cred_settled(struct qsbr_head *qh)
{
	struct cred *cr = container_of(qh, struct cred, cr_qsbr);

	__atomic_store_n(&cr->cr_queued, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&cr->cr_refs, __ATOMIC_SEQ_CST) != 0)
		return;
	if (__atomic_exchange_n(&cr->cr_queued, 1, __ATOMIC_SEQ_CST) == 0)
		kmem_free(cr, cred_size(cr->cr_ngroups));
}

static void
cred_unused(struct cred *cr)
{
	if (__atomic_exchange_n(&cr->cr_queued, 1, __ATOMIC_SEQ_CST) == 0)
		qsbr_call(&cr->cr_qsbr, cred_settled);
}

void
cred_rele(struct cred *cr)
{
	if (cr == NULL)
		return;
	if (__atomic_fetch_sub(&cr->cr_refs, 1, __ATOMIC_SEQ_CST) == 1)
		cred_unused(cr);
}

void
cred_set(struct proc *p, struct cred *cr)
{
	cred_rele(atomic_swap_ar(&p->p_cred, cr));
}

const struct cred *
curcred(void)
{
	return atomic_load_acq(&curproc()->p_cred);
}

bool
cred_capable(const struct cred *cr, int cap)
{
	KASSERT(cap >= 0 && cap <= CAP_LAST_CAP);
	return (cr->cr_caps >> cap & 1) != 0;
}

bool
cred_ingroup(const struct cred *cr, gid_t gid)
{
	unsigned int low = 0, high = cr->cr_ngroups;

	if (gid == cr->cr_fsgid)
		return true;
	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (cr->cr_groups[mid] == gid)
			return true;
		if (cr->cr_groups[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

struct cred *
cred_ofproc(struct proc *p)
{
	struct cred *cr;

	mutex_enter(&p->p_lock);
	cr = p->p_cred;
	cred_hold(cr);
	mutex_exit(&p->p_lock);
	return cr;
}
