/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_cred.c - users, groups, capabilities, limits and the system's names
 *
 * What set*id calls do is compared with the host's kernel, call by call,
 * over seeded random sequences, where the tests run as root.
 */

#include <abi/sysargs.h>
#include <lib/string.h>
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sysinfo.h>
#include <linux/times.h>
#include <linux/utsname.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kvar.h>
#include <sys/proc.h>

#include <harness.h>

#include "hostids.h"
#include "proc_impl.h"

#define BAD	((void *)8)		/* nobody maps this */

static long ret;
static struct cred *saved_cred;

/* Credentials of our own for one test. */
static void
become(uid_t uid, gid_t gid)
{
	struct cred *cr;

	NEED(cred_create(uid, gid, 0, NULL, &cr) == 0);
	if (saved_cred == NULL) {
		saved_cred = curproc()->p_cred;
		cred_hold(saved_cred);
	}
	cred_set(curproc(), cr);
}

static void
become_again(void)
{
	cred_set(curproc(), saved_cred);
	saved_cred = NULL;
}

/* --- set*id against the host --------------------------------------------- */

#define NCALLS	40

static int
ours_make(const struct idcall *c, long *ret_result)
{
	const uint32_t *a = c->ic_arg;
	struct lwp *l = curlwp();

	*ret_result = 0;
	switch (c->ic_op) {
	case IDOP_SETUID:
		return sys_setuid(l, a[0], ret_result);
	case IDOP_SETREUID:
		return sys_setreuid(l, a[0], a[1], ret_result);
	case IDOP_SETRESUID:
		return sys_setresuid(l, a[0], a[1], a[2], ret_result);
	case IDOP_SETFSUID:
		return sys_setfsuid(l, a[0], ret_result);
	case IDOP_SETGID:
		return sys_setgid(l, a[0], ret_result);
	case IDOP_SETREGID:
		return sys_setregid(l, a[0], a[1], ret_result);
	case IDOP_SETRESGID:
		return sys_setresgid(l, a[0], a[1], a[2], ret_result);
	default:
		return sys_setfsgid(l, a[0], ret_result);
	}
}

static void
ours_look(struct idstate *is)
{
	const struct cred *cr = curcred();

	CHECK_EQ("getresuid", 0, sys_getresuid(curlwp(), &is->is_uid[0],
	    &is->is_uid[1], &is->is_uid[2], &ret));
	CHECK_EQ("getresgid", 0, sys_getresgid(curlwp(), &is->is_gid[0],
	    &is->is_gid[1], &is->is_gid[2], &ret));
	is->is_uid[3] = cr->cr_fsuid;
	is->is_gid[3] = cr->cr_fsgid;
	is->is_caps = cr->cr_caps;
	is->is_permitted = cr->cr_permitted;
}

static void
draw_calls(struct idcall *calls, size_t n, uint64_t seed)
{
	static const uint32_t ids[] = { 0, 1, 2, 1000, (uint32_t)-1 };
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		calls[i].ic_op = (enum idop)((x >> 40) % IDOP_N);
		for (unsigned int k = 0; k < 3; k++)
			calls[i].ic_arg[k] =
			    ids[(x >> (43 + 6 * k)) % ARRAY_SIZE(ids)];
	}
}

TEST_WITH(set_id_calls_do_what_the_host_does, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 60)
{
	struct idcall calls[NCALLS];
	struct idstate host[NCALLS + 1], ours = { .is_error = 0 };
	uint64_t mask;

	draw_calls(calls, NCALLS, harness_seed());
	if (!harness_hostids(calls, NCALLS, host))
		SKIP("needs root with CAP_SETUID and CAP_SETGID");
	mask = host[0].is_caps & host[0].is_permitted;
	become(0, 0);
	for (size_t i = 0; i <= NCALLS; i++) {
		bool same;

		if (i > 0)
			ours.is_error = ours_make(&calls[i - 1],
			    &ours.is_result);
		ours_look(&ours);
		same = CHECK_EQ("error", host[i].is_error, ours.is_error);
		same &= CHECK_EQ("result", host[i].is_result, ours.is_result);
		same &= CHECK_MEM("uids", host[i].is_uid, ours.is_uid, 16);
		same &= CHECK_MEM("gids", host[i].is_gid, ours.is_gid, 16);
		same &= CHECK_EQ("effective", host[i].is_caps & mask,
		    ours.is_caps & mask);
		same &= CHECK_EQ("permitted", host[i].is_permitted & mask,
		    ours.is_permitted & mask);
		if (!same) {
			if (i > 0)
				harness_note("call %zu: op %d(%d, %d, %d)", i,
				    calls[i - 1].ic_op,
				    (int)calls[i - 1].ic_arg[0],
				    (int)calls[i - 1].ic_arg[1],
				    (int)calls[i - 1].ic_arg[2]);
			break;
		}
	}
	become_again();
}

TEST(ids_are_copied_out_with_care)
{
	unsigned int id;

	CHECK_EQ("r", EFAULT, sys_getresuid(curlwp(), BAD, &id, &id, &ret));
	CHECK_EQ("e", EFAULT, sys_getresuid(curlwp(), &id, BAD, &id, &ret));
	CHECK_EQ("s", EFAULT, sys_getresgid(curlwp(), &id, &id, BAD, &ret));
}

/* --- groups -------------------------------------------------------------- */

TEST(groups_are_sorted_and_found)
{
	static const gid_t groups[] = { 5000, 3, 77, 3, 4294967294u, 0, 12 };
	static const gid_t sorted[] = { 0, 3, 3, 12, 77, 5000, 4294967294u };
	gid_t got[10] = { 0 };

	become(0, 42);
	CHECK_EQ("set", 0, sys_setgroups(curlwp(), 7, groups, &ret));
	CHECK_EQ("count", 0, sys_getgroups(curlwp(), 0, NULL, &ret));
	CHECK_EQ("count", 7, ret);
	CHECK_EQ("get", 0, sys_getgroups(curlwp(), 10, got, &ret));
	CHECK_EQ("get", 7, ret);
	CHECK_MEM("get", sorted, got, sizeof(sorted));
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		CHECK(cred_ingroup(curcred(), sorted[i]));
	CHECK(cred_ingroup(curcred(), 42));
	CHECK(!cred_ingroup(curcred(), 1));
	CHECK(!cred_ingroup(curcred(), 13));
	CHECK(!cred_ingroup(curcred(), 4294967295u));
	CHECK_EQ("none", 0, sys_setgroups(curlwp(), 0, NULL, &ret));
	CHECK(!cred_ingroup(curcred(), 77));
	become_again();
}

TEST(groups_that_cannot_be_are_refused)
{
	static const gid_t bad[] = { 1, (gid_t)-1 };
	gid_t got[2];

	become(0, 0);
	CHECK_EQ("-1", EINVAL, sys_setgroups(curlwp(), 2, bad, &ret));
	CHECK_EQ("many", EINVAL, sys_setgroups(curlwp(), 65537, bad, &ret));
	CHECK_EQ("wild", EINVAL, sys_setgroups(curlwp(), SIZE_MAX, bad, &ret));
	CHECK_EQ("nowhere", EFAULT, sys_setgroups(curlwp(), 2, BAD, &ret));
	CHECK_EQ("set", 0, sys_setgroups(curlwp(), 1, bad, &ret));
	CHECK_EQ("negative", EINVAL, sys_getgroups(curlwp(), -1, got, &ret));
	CHECK_EQ("nowhere", EFAULT, sys_getgroups(curlwp(), 2, BAD, &ret));
	CHECK_EQ("set", 0, sys_setresuid(curlwp(), 5, 5, 5, &ret));
	CHECK_EQ("user", EPERM, sys_setgroups(curlwp(), 1, bad, &ret));
	become_again();
}

TEST(as_many_groups_as_linux_has)
{
	const size_t n = CRED_NGROUPS_MAX;
	gid_t *groups = kmem_alloc(n * sizeof(gid_t), KM_SLEEP);

	NEED(groups != NULL);
	for (size_t i = 0; i < n; i++)
		groups[i] = (gid_t)(i * 40503 % 65536);
	become(0, 0);
	CHECK_EQ("set", 0, sys_setgroups(curlwp(), n, groups, &ret));
	CHECK_EQ("small", EINVAL, sys_getgroups(curlwp(), 65535, groups, &ret));
	CHECK_EQ("get", 0, sys_getgroups(curlwp(), 65536, groups, &ret));
	for (size_t i = 0; i < n; i++) {
		if (groups[i] != i) {
			CHECK_EQ("sorted", i, groups[i]);
			break;
		}
	}
	become_again();
	kmem_free(groups, n * sizeof(gid_t));
}

static int
change_everything(void)
{
	static const gid_t groups[] = { 9, 8, 7 };
	struct cred *before = curproc()->p_cred;
	int error;

	cred_hold(before);
	error = sys_setgroups(curlwp(), 3, groups, &ret);
	if (error == 0)
		error = sys_setresgid(curlwp(), 5, 6, 7, &ret);
	if (error == 0)
		error = sys_setresuid(curlwp(), 5, 6, 7, &ret);
	if (error == 0)
		CHECK_EQ("uid", 6, curcred()->cr_euid);
	cred_set(curproc(), before);
	return error;
}

TEST(each_refused_allocation_leaves_the_old_ids)
{
	fault_sweep(FAULT_MEMORY, change_everything);
	CHECK_EQ("uid", 0, curcred()->cr_euid);
}

/* --- readers without references ------------------------------------------ */

static uint32_t stop;			/* a */

static void
cred_reader(void *arg __unused_arg)
{
	while (atomic_load_acq(&stop) == 0) {
		const struct cred *cr = atomic_load_acq(&proc_local()->p_cred);

		for (unsigned int i = 0; i < 3; i++) {
			rumpuser_thread_yield();
			if (!CHECK(cr->cr_ruid == cr->cr_rgid &&
			    cr->cr_ruid < 1000))
				return;
		}
		/* Some keep it for longer. */
		cred_hold((struct cred *)(uintptr_t)cr);
		vcpu_yield();
		CHECK(cr->cr_ruid == cr->cr_rgid && cr->cr_ruid < 1000);
		cred_rele((struct cred *)(uintptr_t)cr);
	}
}

TEST_WITH(creds_outlive_those_who_look_at_them, .ht_flags = HARNESS_KERNEL,
    .ht_seeds = 20)
{
	struct kthread *kt[3];

	become(0, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		NEED(kthread_create(cred_reader, NULL, "reader", &kt[i]) == 0);
	for (uid_t i = 0; i < 300; i++) {
		become(i, i);
		if (i % 3 == 0)
			vcpu_yield();
	}
	atomic_store_rel(&stop, 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(kt); i++)
		kthread_join(kt[i]);
	become_again();
}

/* --- capabilities -------------------------------------------------------- */

static int
capget(uint32_t version, int pid, struct __user_cap_data_struct *data,
    uint32_t *ret_version)
{
	struct __user_cap_header_struct hdr = { version, pid };
	int error;

	error = sys_capget(curlwp(), &hdr, data, &ret);
	*ret_version = hdr.version;
	return error;
}

TEST(capget_knows_three_versions)
{
	struct __user_cap_data_struct data[2];
	uint32_t v;

	memset(data, 0xee, sizeof(data));
	CHECK_EQ("1", 0, capget(_LINUX_CAPABILITY_VERSION_1, 0, data, &v));
	CHECK_EQ("1", 0xffffffff, data[0].effective);
	CHECK_EQ("not beyond", 0xeeeeeeee, data[1].effective);
	CHECK_EQ("2", 0, capget(_LINUX_CAPABILITY_VERSION_2, 1, data, &v));
	CHECK_EQ("3", 0, capget(_LINUX_CAPABILITY_VERSION_3, 0, data, &v));
	CHECK_EQ("3", CRED_CAPS_ALL >> 32, data[1].effective);
	CHECK_EQ("3", CRED_CAPS_ALL >> 32, data[1].permitted);
	CHECK_EQ("3", 0, data[0].inheritable);
	CHECK_EQ("unknown", EINVAL, capget(1, 0, data, &v));
	CHECK_EQ("unknown", _LINUX_CAPABILITY_VERSION_3, v);
	CHECK_EQ("asking", 0, capget(1, 0, NULL, &v));
	CHECK_EQ("asking", _LINUX_CAPABILITY_VERSION_3, v);
	CHECK_EQ("nobody", ESRCH, capget(_LINUX_CAPABILITY_VERSION_3, 99999,
	    data, &v));
	CHECK_EQ("negative", EINVAL, capget(_LINUX_CAPABILITY_VERSION_3, -1,
	    data, &v));
	CHECK_EQ("nowhere", EFAULT, sys_capget(curlwp(), BAD, data, &ret));
	CHECK_EQ("nowhere", EFAULT, capget(_LINUX_CAPABILITY_VERSION_3, 0, BAD,
	    &v));
}

static int
capset(int pid, uint64_t eff, uint64_t perm, uint64_t inh)
{
	struct __user_cap_header_struct hdr = { _LINUX_CAPABILITY_VERSION_3,
	    pid };
	struct __user_cap_data_struct data[2] = {
		{ (uint32_t)eff, (uint32_t)perm, (uint32_t)inh },
		{ (uint32_t)(eff >> 32), (uint32_t)(perm >> 32),
		    (uint32_t)(inh >> 32) },
	};

	return sys_capset(curlwp(), &hdr, data, &ret);
}

TEST(capabilities_can_be_given_up_not_gained)
{
	const uint64_t chown = 1ull << CAP_CHOWN, kill = 1ull << CAP_KILL;

	become(0, 0);
	CHECK_EQ("another", EPERM, capset(0 + 99999, 0, 0, 0));
	CHECK_EQ("fewer", 0, capset(0, chown, chown | kill, 0));
	CHECK(cred_capable(curcred(), CAP_CHOWN));
	CHECK(!cred_capable(curcred(), CAP_KILL));
	CHECK_EQ("permitted", 0, capset(1, chown | kill, chown | kill, kill));
	CHECK(cred_capable(curcred(), CAP_KILL));
	CHECK_EQ("dropped", 0, capset(0, chown, chown, 0));
	CHECK_EQ("gained", EPERM, capset(0, chown, chown | kill, 0));
	CHECK_EQ("gained", EPERM, capset(0, chown | kill, chown, 0));
	CHECK_EQ("inherited", EPERM, capset(0, chown, chown,
	    1ull << CAP_SETUID));
	CHECK_EQ("set", EPERM, sys_setuid(curlwp(), 5, &ret));
	become_again();
}

/* --- limits -------------------------------------------------------------- */

static int
prlimit(int pid, int resource, uint64_t cur, uint64_t max)
{
	struct rlimit rl = { cur, max };

	return sys_prlimit64(curlwp(), pid, resource, &rl, NULL, &ret);
}

TEST(limits_are_checked_and_kept)
{
	struct rlimit before, rl;

	CHECK_EQ("get", 0, sys_getrlimit(curlwp(), RLIMIT_NOFILE, &before, &ret));
	CHECK_EQ("set", 0, prlimit(0, RLIMIT_NOFILE, 10, 20));
	CHECK_EQ("soft", 10, proc_rlimit(curproc(), RLIMIT_NOFILE));
	CHECK_EQ("both", 0, sys_prlimit64(curlwp(), 0, RLIMIT_NOFILE, &before,
	    &rl, &ret));
	CHECK_EQ("old", 10, rl.rlim_cur);
	CHECK_EQ("old", 20, rl.rlim_max);
	CHECK_EQ("order", EINVAL, prlimit(0, RLIMIT_NOFILE, 30, 20));
	CHECK_EQ("too many", EPERM, prlimit(0, RLIMIT_NOFILE, 5, 1048577));
	CHECK_EQ("unknown", EINVAL, prlimit(0, RLIM_NLIMITS, 1, 1));
	CHECK_EQ("unknown", EINVAL, prlimit(0, -1, 1, 1));
	CHECK_EQ("nobody", ESRCH, prlimit(99999, RLIMIT_CORE, 1, 1));
	CHECK_EQ("nowhere", EFAULT, sys_setrlimit(curlwp(), 1, BAD, &ret));
	CHECK_EQ("nowhere", EFAULT, sys_getrlimit(curlwp(), 1, BAD, &ret));
	CHECK_EQ("unknown", EINVAL, sys_getrlimit(curlwp(), 77, &rl, &ret));
}

TEST(only_the_capable_raise_a_hard_limit)
{
	CHECK_EQ("lower", 0, prlimit(0, RLIMIT_CORE, 0, 50));
	become(7, 7);
	CHECK_EQ("soft", 0, prlimit(0, RLIMIT_CORE, 50, 50));
	CHECK_EQ("lower", 0, prlimit(0, RLIMIT_CORE, 10, 20));
	CHECK_EQ("raise", EPERM, prlimit(0, RLIMIT_CORE, 10, 21));
	CHECK_EQ("another's", EPERM, sys_prlimit64(curlwp(), 0 + 1,
	    RLIMIT_CORE, NULL, NULL, &ret) == 0 ? EPERM : 0);
	become_again();
	CHECK_EQ("raise", 0, prlimit(0, RLIMIT_CORE, 0, UINT64_MAX));
}

/* --- procs --------------------------------------------------------------- */

static struct proc *
fork_child(void)
{
	struct proc *p;

	NEED(proc_fork(curproc(), 0, &p) == 0);
	return p;
}

TEST(groups_of_procs_follow_posix)
{
	struct proc *a = fork_child(), *b = fork_child();

	CHECK_EQ("leader", EPERM, sys_setpgid(curlwp(), 0, 0, &ret));
	CHECK_EQ("leader", EPERM, sys_setsid(curlwp(), &ret));
	CHECK_EQ("negative", EINVAL, sys_setpgid(curlwp(), 0, -1, &ret));
	CHECK_EQ("nobody", ESRCH, sys_setpgid(curlwp(), 99999, 0, &ret));
	CHECK_EQ("not a child", ESRCH, sys_setpgid(curlwp(), 0 + 99998, 0, &ret));
	CHECK_EQ("no such group", EPERM, sys_setpgid(curlwp(), a->p_pid,
	    b->p_pid, &ret));
	CHECK_EQ("own group", 0, sys_setpgid(curlwp(), a->p_pid, 0, &ret));
	CHECK_EQ("joins", 0, sys_setpgid(curlwp(), b->p_pid, a->p_pid, &ret));
	CHECK_EQ("getpgid", 0, sys_getpgid(curlwp(), b->p_pid, &ret));
	CHECK_EQ("getpgid", a->p_pid, ret);
	CHECK_EQ("getsid", 0, sys_getsid(curlwp(), b->p_pid, &ret));
	CHECK_EQ("getsid", curproc()->p_sid, ret);
	CHECK_EQ("getpgid", ESRCH, sys_getpgid(curlwp(), 99999, &ret));
	CHECK_EQ("prio", 0, sys_getpriority(curlwp(), PRIO_PGRP, a->p_pid, &ret));
	CHECK_EQ("prio", 20, ret);
	CHECK_EQ("prio", ESRCH, sys_getpriority(curlwp(), PRIO_PGRP, b->p_pid,
	    &ret));
	CHECK_EQ("prio", 0, sys_getpriority(curlwp(), PRIO_USER, 0, &ret));
	CHECK_EQ("prio", EINVAL, sys_getpriority(curlwp(), 3, 0, &ret));
	proc_lastlwp(a);
	proc_lastlwp(b);
}

TEST(the_rest_tells_who_is_calling)
{
	struct rusage ru;
	struct tms tms;

	CHECK_EQ("getpid", 0, sys_getpid(curlwp(), &ret));
	CHECK_EQ("getpid", 1, ret);
	CHECK_EQ("getppid", 0, sys_getppid(curlwp(), &ret));
	CHECK_EQ("getppid", 0, ret);
	CHECK_EQ("gettid", 0, sys_gettid(curlwp(), &ret));
	CHECK_EQ("gettid", curlwp()->l_lid, ret);
	CHECK_EQ("self", 0, sys_getrusage(curlwp(), RUSAGE_SELF, &ru, &ret));
	CHECK_EQ("who", EINVAL, sys_getrusage(curlwp(), 5, &ru, &ret));
	CHECK_EQ("nowhere", EFAULT, sys_getrusage(curlwp(), 0, BAD, &ret));
	CHECK_EQ("times", 0, sys_times(curlwp(), &tms, &ret));
	CHECK(ret > 0);
	CHECK_EQ("times", 0, sys_times(curlwp(), NULL, &ret));
	CHECK_EQ("nowhere", EFAULT, sys_times(curlwp(), BAD, &ret));
}

/* --- names --------------------------------------------------------------- */

TEST(names_are_set_by_call_and_by_variable)
{
	static const char longest[] = "0123456789012345678901234567890123456789"
	    "012345678901234567890123";
	struct new_utsname uts;
	char text[80];

	CHECK_EQ("set", 0, sys_sethostname(curlwp(), "alpha", 5, &ret));
	CHECK_EQ("set", 0, sys_setdomainname(curlwp(), "example.orgX", 11, &ret));
	CHECK_EQ("uname", 0, sys_uname(curlwp(), &uts, &ret));
	CHECK_STR("nodename", "alpha", uts.nodename);
	CHECK_STR("domainname", "example.org", uts.domainname);
	CHECK_STR("sysname", "Linux", uts.sysname);
	CHECK_EQ("write", 0, kvar_write("kernel.hostname", "beta\n"));
	CHECK_EQ("uname", 0, sys_uname(curlwp(), &uts, &ret));
	CHECK_STR("nodename", "beta", uts.nodename);
	CHECK_EQ("longest", 0, sys_sethostname(curlwp(), longest, 64, &ret));
	CHECK_EQ("read", 0, kvar_read("kernel.hostname", text, sizeof(text)));
	CHECK_STR("longest", longest, text);
	CHECK_EQ("too long", EINVAL, sys_sethostname(curlwp(), longest, 65,
	    &ret));
	CHECK_EQ("wild", EINVAL, sys_sethostname(curlwp(), longest, SIZE_MAX,
	    &ret));
	CHECK_EQ("nowhere", EFAULT, sys_sethostname(curlwp(), BAD, 5, &ret));
	CHECK_EQ("nowhere", EFAULT, sys_uname(curlwp(), BAD, &ret));
	CHECK_EQ("release", EPERM, kvar_write("kernel.osrelease", "7"));
	become(9, 9);
	CHECK_EQ("user", EPERM, sys_sethostname(curlwp(), "x", 1, &ret));
	become_again();
}

TEST(sysinfo_counts)
{
	struct sysinfo si;

	CHECK_EQ("sysinfo", 0, sys_sysinfo(curlwp(), &si, &ret));
	CHECK(si.procs >= 2);
	CHECK_EQ("unit", 1, si.mem_unit);
	CHECK(si.totalram > si.freeram);
	CHECK_EQ("nowhere", EFAULT, sys_sysinfo(curlwp(), BAD, &ret));
}
