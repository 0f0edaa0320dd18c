/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cap_syscalls.c - reading and setting capabilities
 *
 * A set is 64 bits with us.  Clients hand over two words of 32 bits, or one: the header's
 * version says.
 *
 * Locking: p_lock of the proc from reading the old credentials to publishing
 * the new ones.
 *
 * References: capget(2), capabilities(7).
 */

#include <sys/cred.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <sys/copy.h>
#include <sys/errno.h>
#include <sys/lwp.h>
#include <sys/proc.h>

/*
 * Reads the header; *ret_words is how many 32-bit words a set has in its
 * version.  An unknown version is answered with ours, and EINVAL.
 */
static int
caphdr_read(struct __user_cap_header_struct *uhdr,
    struct __user_cap_header_struct *hdr, unsigned int *ret_words)
{
	uint32_t ours = _LINUX_CAPABILITY_VERSION_3;
	int error;

	error = copyin(uhdr, hdr, sizeof(*hdr));
	if (error)
		return error;
	switch (hdr->version) {
	case _LINUX_CAPABILITY_VERSION_1:
		*ret_words = _LINUX_CAPABILITY_U32S_1;
		return 0;
	case _LINUX_CAPABILITY_VERSION_2:
	case _LINUX_CAPABILITY_VERSION_3:
		*ret_words = _LINUX_CAPABILITY_U32S_3;
		return 0;
	default:
		/* The version is its first member. */
		error = copyout(&ours, uhdr, sizeof(ours));
		return error ? error : EINVAL;
	}
}

static void
capdata_fill(const struct cred *cr, struct __user_cap_data_struct *data)
{
	for (unsigned int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(cr->cr_caps >> 32 * i);
		data[i].permitted = (uint32_t)(cr->cr_permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(cr->cr_inheritable >> 32 * i);
	}
}

int
sys_capget(struct lwp *l, struct __user_cap_header_struct *uhdr,
    struct __user_cap_data_struct *udata, long *ret __unused_arg)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_header_struct hdr;
	struct proc *p = l->l_proc;
	unsigned int words;
	struct cred *cr;
	int error;

	error = caphdr_read(uhdr, &hdr, &words);
	if (udata == NULL && (error == 0 || error == EINVAL))
		return 0;		/* only asked for the version */
	if (error)
		return error;
	if (hdr.pid < 0)
		return EINVAL;
	p = hdr.pid == 0 ? NULL : proc_find(hdr.pid);
	if (hdr.pid != 0 && p == NULL)
		return ESRCH;
	cr = cred_ofproc(p != NULL ? p : l->l_proc);
	capdata_fill(cr, data);
	cred_rele(cr);
	if (p != NULL)
		proc_rele(p);
	return copyout(data, udata, words * sizeof(data[0]));
}

struct capsets {
	uint64_t	c_effective, c_permitted, c_inheritable;
};

/* Nothing is gained that was not permitted; see capset(2). */
static int
capsets_check(const struct cred *old, const struct capsets *c)
{
	uint64_t inheritable = old->cr_inheritable | old->cr_permitted;

	if (cred_capable(old, CAP_SETPCAP))
		inheritable = CRED_CAPS_ALL;
	if ((c->c_inheritable & ~inheritable) != 0 ||
	    (c->c_permitted & ~old->cr_permitted) != 0 ||
	    (c->c_effective & ~c->c_permitted) != 0)
		return EPERM;
	return 0;
}

static int
capsets_change_locked(struct proc *p, const struct capsets *c)
    REQUIRES(p->p_lock)
{
	struct cred *cr;
	int error;

	error = capsets_check(p->p_cred, c);
	if (error == 0)
		error = cred_dup(p->p_cred, &cr);
	if (error)
		return error;
	cr->cr_caps = c->c_effective;
	cr->cr_permitted = c->c_permitted;
	cr->cr_inheritable = c->c_inheritable;
	cred_set(p, cr);
	return 0;
}

int
sys_capset(struct lwp *l, struct __user_cap_header_struct *uhdr,
    const struct __user_cap_data_struct *udata, long *ret __unused_arg)
{
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	struct __user_cap_header_struct hdr;
	struct capsets c = { 0, 0, 0 };
	unsigned int words;
	int error;

	error = caphdr_read(uhdr, &hdr, &words);
	if (error)
		return error;
	if (hdr.pid != 0 && hdr.pid != l->l_proc->p_pid && hdr.pid != l->l_lid)
		return EPERM;
	error = copyin(udata, data, words * sizeof(data[0]));
	if (error)
		return error;
	for (unsigned int i = 0; i < words; i++) {
		c.c_effective |= (uint64_t)data[i].effective << 32 * i;
		c.c_permitted |= (uint64_t)data[i].permitted << 32 * i;
		c.c_inheritable |= (uint64_t)data[i].inheritable << 32 * i;
	}
	c.c_effective &= CRED_CAPS_ALL;
	c.c_permitted &= CRED_CAPS_ALL;
	c.c_inheritable &= CRED_CAPS_ALL;
	mutex_enter(&l->l_proc->p_lock);
	error = capsets_change_locked(l->l_proc, &c);
	mutex_exit(&l->l_proc->p_lock);
	return error;
}
