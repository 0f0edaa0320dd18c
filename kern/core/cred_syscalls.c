/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cred_syscalls.c - the system calls about users and groups
 *
 * Users and groups have four ids each, and the calls have the same rules for
 * both; so a rule is a pure function over a struct ids, and ids_change()
 * does the rest: a copy of the credentials, the rule, for users what
 * capabilities(7) says about losing and gaining user 0, and publishing.
 *
 * Locking: p_lock of the proc from reading the old credentials to publishing
 * the new ones.
 *
 * References: setuid(2), setreuid(2), setresuid(2), setfsuid(2),
 * getgroups(2), capabilities(7); those about capabilities: cap_syscalls.c.
 */

#include <sys/cred.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/lwp.h>
#include <sys/proc.h>

#define ID_NONE		((uint32_t)-1)	/* leave as it is */

/* What user 0 may do to files, and another file system user may not. */
#define CAPS_FS	(1ULL << CAP_CHOWN | 1ULL << CAP_DAC_OVERRIDE |		\
		 1ULL << CAP_DAC_READ_SEARCH | 1ULL << CAP_FOWNER |	\
		 1ULL << CAP_FSETID | 1ULL << CAP_LINUX_IMMUTABLE |	\
		 1ULL << CAP_MAC_OVERRIDE | 1ULL << CAP_MKNOD)

enum idkind { ID_USER, ID_GROUP };

struct ids {
	uint32_t	i_r, i_e, i_s, i_fs;
};

/* want: the call's arguments, in their order. */
typedef int idrule_fn(struct ids *ids, const uint32_t *want, bool capable);

/* --- rules --------------------------------------------------------------- */

static int
rule_set(struct ids *ids, const uint32_t *want, bool capable)
{
	uint32_t id = want[0];

	if (id == ID_NONE)
		return EINVAL;
	if (capable)
		ids->i_r = ids->i_s = id;
	else if (id != ids->i_r && id != ids->i_s)
		return EPERM;
	ids->i_e = ids->i_fs = id;
	return 0;
}

static int
rule_setre(struct ids *ids, const uint32_t *want, bool capable)
{
	uint32_t r = want[0], e = want[1];
	struct ids old = *ids;

	if (r != ID_NONE) {
		if (r != old.i_r && r != old.i_e && !capable)
			return EPERM;
		ids->i_r = r;
	}
	if (e != ID_NONE) {
		if (e != old.i_r && e != old.i_e && e != old.i_s && !capable)
			return EPERM;
		ids->i_e = e;
	}
	if (r != ID_NONE || (e != ID_NONE && e != old.i_r))
		ids->i_s = ids->i_e;
	ids->i_fs = ids->i_e;
	return 0;
}

static bool
id_allowed(const struct ids *ids, uint32_t id)
{
	return id == ID_NONE || id == ids->i_r || id == ids->i_e ||
	    id == ids->i_s;
}

static bool
id_same(uint32_t want, uint32_t is)
{
	return want == ID_NONE || want == is;
}

/* A call that changes nothing leaves the file system's id alone too. */
static int
rule_setres(struct ids *ids, const uint32_t *want, bool capable)
{
	if (id_same(want[0], ids->i_r) && id_same(want[1], ids->i_e) &&
	    id_same(want[1], ids->i_fs) && id_same(want[2], ids->i_s))
		return 0;
	if (!capable && !(id_allowed(ids, want[0]) &&
	    id_allowed(ids, want[1]) && id_allowed(ids, want[2])))
		return EPERM;
	if (want[0] != ID_NONE)
		ids->i_r = want[0];
	if (want[1] != ID_NONE)
		ids->i_e = want[1];
	if (want[2] != ID_NONE)
		ids->i_s = want[2];
	ids->i_fs = ids->i_e;
	return 0;
}

static int
rule_setfs(struct ids *ids, const uint32_t *want, bool capable)
{
	if (want[0] == ID_NONE)
		return EINVAL;
	if (!capable && want[0] != ids->i_fs && !id_allowed(ids, want[0]))
		return EPERM;
	ids->i_fs = want[0];
	return 0;
}

/* --- applying them ------------------------------------------------------- */

static struct ids
ids_get(const struct cred *cr, enum idkind kind)
{
	if (kind == ID_USER)
		return (struct ids){ cr->cr_ruid, cr->cr_euid, cr->cr_suid,
		    cr->cr_fsuid };
	return (struct ids){ cr->cr_rgid, cr->cr_egid, cr->cr_sgid,
	    cr->cr_fsgid };
}

static void
ids_put(struct cred *cr, enum idkind kind, const struct ids *ids)
{
	if (kind == ID_USER) {
		cr->cr_ruid = ids->i_r;
		cr->cr_euid = ids->i_e;
		cr->cr_suid = ids->i_s;
		cr->cr_fsuid = ids->i_fs;
	} else {
		cr->cr_rgid = ids->i_r;
		cr->cr_egid = ids->i_e;
		cr->cr_sgid = ids->i_s;
		cr->cr_fsgid = ids->i_fs;
	}
}

/* capabilities(7), "Effect of user ID changes on capabilities", 1 to 3. */
static void
caps_follow(struct cred *cr, const struct ids *old, const struct ids *new)
{
	bool had_root = old->i_r == 0 || old->i_e == 0 || old->i_s == 0;
	bool has_root = new->i_r == 0 || new->i_e == 0 || new->i_s == 0;

	if (had_root && !has_root)
		cr->cr_permitted = cr->cr_caps = 0;
	if (old->i_e == 0 && new->i_e != 0)
		cr->cr_caps = 0;
	if (old->i_e != 0 && new->i_e == 0)
		cr->cr_caps = cr->cr_permitted;
}

/* The same, 4: setfsuid(2) moves the capabilities about files. */
static void
caps_follow_fs(struct cred *cr, const struct ids *old, const struct ids *new)
{
	if (old->i_fs == 0 && new->i_fs != 0)
		cr->cr_caps &= ~CAPS_FS;
	if (old->i_fs != 0 && new->i_fs == 0)
		cr->cr_caps |= cr->cr_permitted & CAPS_FS;
}

static int
ids_apply(struct cred *cr, enum idkind kind, idrule_fn *rule,
    const uint32_t *want)
{
	struct ids old = ids_get(cr, kind), new = old;
	int error;

	error = rule(&new, want,
	    cred_capable(cr, kind == ID_USER ? CAP_SETUID : CAP_SETGID));
	if (error)
		return error;
	ids_put(cr, kind, &new);
	if (kind == ID_USER && rule == rule_setfs)
		caps_follow_fs(cr, &old, &new);
	else if (kind == ID_USER)
		caps_follow(cr, &old, &new);
	return 0;
}

static bool
cred_same_ids(const struct cred *a, const struct cred *b)
{
	return a->cr_ruid == b->cr_ruid && a->cr_euid == b->cr_euid &&
	    a->cr_suid == b->cr_suid && a->cr_fsuid == b->cr_fsuid &&
	    a->cr_rgid == b->cr_rgid && a->cr_egid == b->cr_egid &&
	    a->cr_sgid == b->cr_sgid && a->cr_fsgid == b->cr_fsgid &&
	    a->cr_caps == b->cr_caps && a->cr_permitted == b->cr_permitted &&
	    a->cr_inheritable == b->cr_inheritable;
}

static int
ids_change_locked(struct proc *p, enum idkind kind, idrule_fn *rule,
    const uint32_t *want) REQUIRES(p->p_lock)
{
	struct cred *cr;
	int error;

	error = cred_dup(p->p_cred, &cr);
	if (error)
		return error;
	error = ids_apply(cr, kind, rule, want);
	/* Some calls that change nothing leave even the object: see f_cred. */
	if (error || ((rule == rule_setres || rule == rule_setfs) &&
	    cred_same_ids(cr, p->p_cred))) {
		cred_rele(cr);
		return error;
	}
	cred_set(p, cr);
	return 0;
}

static int
ids_change(struct lwp *l, enum idkind kind, idrule_fn *rule, uint32_t a,
    uint32_t b, uint32_t c)
{
	const uint32_t want[3] = { a, b, c };
	struct proc *p = l->l_proc;
	int error;

	mutex_enter(&p->p_lock);
	error = ids_change_locked(p, kind, rule, want);
	mutex_exit(&p->p_lock);
	return error;
}

int
sys_setuid(struct lwp *l, unsigned int uid, long *ret __unused_arg)
{
	return ids_change(l, ID_USER, rule_set, uid, 0, 0);
}

int
sys_setgid(struct lwp *l, unsigned int gid, long *ret __unused_arg)
{
	return ids_change(l, ID_GROUP, rule_set, gid, 0, 0);
}

int
sys_setreuid(struct lwp *l, unsigned int ruid, unsigned int euid,
    long *ret __unused_arg)
{
	return ids_change(l, ID_USER, rule_setre, ruid, euid, 0);
}

int
sys_setregid(struct lwp *l, unsigned int rgid, unsigned int egid,
    long *ret __unused_arg)
{
	return ids_change(l, ID_GROUP, rule_setre, rgid, egid, 0);
}

int
sys_setresuid(struct lwp *l, unsigned int ruid, unsigned int euid,
    unsigned int suid, long *ret __unused_arg)
{
	return ids_change(l, ID_USER, rule_setres, ruid, euid, suid);
}

int
sys_setresgid(struct lwp *l, unsigned int rgid, unsigned int egid,
    unsigned int sgid, long *ret __unused_arg)
{
	return ids_change(l, ID_GROUP, rule_setres, rgid, egid, sgid);
}

/* These two cannot fail: they return what was, changed or not. */
int
sys_setfsuid(struct lwp *l, unsigned int uid, long *ret)
{
	*ret = curcred()->cr_fsuid;
	(void)ids_change(l, ID_USER, rule_setfs, uid, 0, 0);
	return 0;
}

int
sys_setfsgid(struct lwp *l, unsigned int gid, long *ret)
{
	*ret = curcred()->cr_fsgid;
	(void)ids_change(l, ID_GROUP, rule_setfs, gid, 0, 0);
	return 0;
}

/* --- reading ------------------------------------------------------------- */

int
sys_getuid(struct lwp *l __unused_arg, long *ret)
{
	*ret = curcred()->cr_ruid;
	return 0;
}

int
sys_geteuid(struct lwp *l __unused_arg, long *ret)
{
	*ret = curcred()->cr_euid;
	return 0;
}

int
sys_getgid(struct lwp *l __unused_arg, long *ret)
{
	*ret = curcred()->cr_rgid;
	return 0;
}

int
sys_getegid(struct lwp *l __unused_arg, long *ret)
{
	*ret = curcred()->cr_egid;
	return 0;
}

static int
ids_copyout(enum idkind kind, unsigned int *r, unsigned int *e,
    unsigned int *s)
{
	struct ids ids = ids_get(curcred(), kind);
	int error;

	error = copyout(&ids.i_r, r, sizeof(*r));
	if (error == 0)
		error = copyout(&ids.i_e, e, sizeof(*e));
	if (error == 0)
		error = copyout(&ids.i_s, s, sizeof(*s));
	return error;
}

int
sys_getresuid(struct lwp *l __unused_arg, unsigned int *ruid,
    unsigned int *euid, unsigned int *suid, long *ret __unused_arg)
{
	return ids_copyout(ID_USER, ruid, euid, suid);
}

int
sys_getresgid(struct lwp *l __unused_arg, unsigned int *rgid,
    unsigned int *egid, unsigned int *sgid, long *ret __unused_arg)
{
	return ids_copyout(ID_GROUP, rgid, egid, sgid);
}

/* --- supplementary groups ------------------------------------------------ */

int
sys_getgroups(struct lwp *l, int size, unsigned int *list, long *ret)
{
	struct cred *cr;
	int error = 0;

	if (size < 0)
		return EINVAL;
	cr = cred_ofproc(l->l_proc);
	if (size != 0 && (unsigned int)size < cr->cr_ngroups)
		error = EINVAL;
	else if (size != 0)
		error = copyout(cr->cr_groups, list,
		    cr->cr_ngroups * sizeof(gid_t));
	if (error == 0)
		*ret = cr->cr_ngroups;
	cred_rele(cr);
	return error;
}

/* Publishes a cred that is old's in all but the groups. */
static int
groups_set(struct proc *p, const gid_t *groups, unsigned int n)
{
	struct cred *cr;
	int error;

	error = cred_create(0, 0, n, groups, &cr);
	if (error)
		return error;
	mutex_enter(&p->p_lock);
	cred_copy_ids(cr, p->p_cred);
	cred_set(p, cr);
	mutex_exit(&p->p_lock);
	return 0;
}

int
sys_setgroups(struct lwp *l, size_t size, const unsigned int *list,
    long *ret __unused_arg)
{
	unsigned int n = (unsigned int)size;	/* Linux takes an int */
	gid_t *groups;
	int error;

	if (!cred_capable(curcred(), CAP_SETGID))
		return EPERM;
	if (n > CRED_NGROUPS_MAX)
		return EINVAL;
	groups = kmem_alloc(n * sizeof(gid_t), KM_SLEEP);
	if (groups == NULL)
		return ENOMEM;
	error = copyin(list, groups, n * sizeof(gid_t));
	for (unsigned int i = 0; error == 0 && i < n; i++) {
		if (groups[i] == ID_NONE)
			error = EINVAL;
	}
	if (error == 0)
		error = groups_set(l->l_proc, groups, n);
	kmem_free(groups, n * sizeof(gid_t));
	return error;
}
