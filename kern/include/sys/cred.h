/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cred.h - who a proc is
 *
 * A cred is immutable once it is published in a proc; changing an id copies
 * it.  References are counted; readers of p_cred on their own proc use
 * curcred() without one, as it is freed through qsbr.
 */

#ifndef SYS_CRED_H
#define SYS_CRED_H

#include <linux/capability.h>
#include <sys/qsbr.h>
#include <sys/types.h>

struct proc;

#define CRED_NGROUPS_MAX	65536

#define CRED_CAPS_ALL		((2ULL << CAP_LAST_CAP) - 1)

struct cred {
	uid_t		 cr_ruid, cr_euid, cr_suid, cr_fsuid;
	gid_t		 cr_rgid, cr_egid, cr_sgid, cr_fsgid;
	uint64_t	 cr_caps;	/* effective capabilities, a bit each */
	uint64_t	 cr_permitted;	/* may be made effective */
	uint64_t	 cr_inheritable;
	unsigned int	 cr_refs;	/* a */
	uint32_t	 cr_queued;	/* a: cr_qsbr is in use */
	unsigned int	 cr_ngroups;
	struct qsbr_head cr_qsbr;
	gid_t		 cr_groups[];	/* sorted */
};

int	cred_create(uid_t uid, gid_t gid, unsigned int ngroups,
	    const gid_t *groups, struct cred **ret_cred);
int	cred_dup(const struct cred *cr, struct cred **ret_cred);
void	cred_copy_ids(struct cred *to, const struct cred *from);
void	cred_hold(struct cred *cr);
void	cred_rele(struct cred *cr);
struct cred *cred_ofproc(struct proc *p);	/* referenced */

/* Replaces p's; consumes the reference. */
void	cred_set(struct proc *p, struct cred *cr);

/* Valid until the caller may sleep; take a hold beyond that. */
const struct cred *curcred(void);

bool	cred_capable(const struct cred *cr, int cap);	/* CAP_* */
bool	cred_ingroup(const struct cred *cr, gid_t gid);	/* fsgid or groups */

#endif /* SYS_CRED_H */
