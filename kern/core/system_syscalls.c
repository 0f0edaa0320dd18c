/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * system_syscalls.c - the system calls about this kernel as a machine:
 * uname(2) and its names, sysinfo(2), getrandom(2)
 *
 * The ABI is Linux's, so that is what uname() says; the release tells which
 * Linux our system calls are like and whose work it is.
 *
 * Locking: names_lock protects the two names.
 */

#include <sys/boot.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <linux/random.h>
#include <linux/sysinfo.h>
#include <linux/utsname.h>
#include <rump/rump.h>
#include <sys/copy.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/kvar.h>
#include <sys/proc.h>
#include <sys/random.h>

#include "kvar_impl.h"

#define UTS_SYSNAME	"Linux"
#define UTS_RELEASE	"6.1.0-rumpus"
#define UTS_VERSION	"#1 Rumpus 0.1.0"
#if defined(__x86_64__)
#define UTS_MACHINE	"x86_64"
#elif defined(__aarch64__)
#define UTS_MACHINE	"aarch64"
#else
#define UTS_MACHINE	"unknown"
#endif

_Static_assert(sizeof(kernel_hostname) == __NEW_UTS_LEN + 1, "uname's field");
_Static_assert(sizeof(kernel_domainname) == __NEW_UTS_LEN + 1, "same");

char kernel_hostname[__NEW_UTS_LEN + 1] = "rumpus";
char kernel_domainname[__NEW_UTS_LEN + 1] = "(none)";

static kmutex_t names_lock = { .m_name = "hostname" };

static int
name_kvar_get(const struct kvar *kv, char *buf, size_t size)
{
	int error;

	mutex_enter(&names_lock);
	error = kvar_printf(buf, size, "%s", (const char *)kv->kv_ptr);
	mutex_exit(&names_lock);
	return error;
}

static int
name_kvar_set(const struct kvar *kv, const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > __NEW_UTS_LEN)
		return EINVAL;
	mutex_enter(&names_lock);
	memset(kv->kv_ptr, 0, __NEW_UTS_LEN + 1);
	memcpy(kv->kv_ptr, text, len);
	mutex_exit(&names_lock);
	return 0;
}

static struct kvar name_kvars[] = {
	{ .kv_name = "kernel.hostname", .kv_about = "name of this system",
	  .kv_type = KVAR_FN, .kv_ptr = kernel_hostname,
	  .kv_get = name_kvar_get, .kv_set = name_kvar_set },
	{ .kv_name = "kernel.domainname", .kv_about = "NIS domain name",
	  .kv_type = KVAR_FN, .kv_ptr = kernel_domainname,
	  .kv_get = name_kvar_get, .kv_set = name_kvar_set },
};

static char uts_ostype[] = UTS_SYSNAME;
static char uts_osrelease[] = UTS_RELEASE;
static char uts_version[] = UTS_VERSION;

static struct kvar uts_kvars[] = {
	{ .kv_name = "kernel.ostype", .kv_about = "what uname -s says",
	  .kv_type = KVAR_STR, .kv_flags = KVAR_RDONLY, .kv_ptr = uts_ostype },
	{ .kv_name = "kernel.osrelease", .kv_about = "what uname -r says",
	  .kv_type = KVAR_STR, .kv_flags = KVAR_RDONLY, .kv_ptr = uts_osrelease },
	{ .kv_name = "kernel.version", .kv_about = "what uname -v says",
	  .kv_type = KVAR_STR, .kv_flags = KVAR_RDONLY, .kv_ptr = uts_version },
};

/* Called by kvar_boot(). */
void
system_boot(void)
{
	(void)param_get("_RUMPUSER_HOSTNAME", kernel_hostname,
	    sizeof(kernel_hostname));
	for (size_t i = 0; i < ARRAY_SIZE(name_kvars); i++)
		kvar_register(&name_kvars[i]);
	for (size_t i = 0; i < ARRAY_SIZE(uts_kvars); i++)
		kvar_register(&uts_kvars[i]);
}

int
sys_uname(struct lwp *l __unused_arg, struct new_utsname *name,
    long *ret __unused_arg)
{
	struct new_utsname uts;

	memset(&uts, 0, sizeof(uts));
	strlcpy(uts.sysname, UTS_SYSNAME, sizeof(uts.sysname));
	strlcpy(uts.release, UTS_RELEASE, sizeof(uts.release));
	strlcpy(uts.version, UTS_VERSION, sizeof(uts.version));
	strlcpy(uts.machine, UTS_MACHINE, sizeof(uts.machine));
	mutex_enter(&names_lock);
	memcpy(uts.nodename, kernel_hostname, sizeof(uts.nodename));
	memcpy(uts.domainname, kernel_domainname, sizeof(uts.domainname));
	mutex_exit(&names_lock);
	return copyout(&uts, name, sizeof(uts));
}

static int
name_set(char *where, const char *uname, size_t len)
{
	char name[__NEW_UTS_LEN + 1];
	int error;

	if (!cred_capable(curcred(), CAP_SYS_ADMIN))
		return EPERM;
	if (len > __NEW_UTS_LEN)
		return EINVAL;
	memset(name, 0, sizeof(name));
	error = copyin(uname, name, len);
	if (error)
		return error;
	mutex_enter(&names_lock);
	memcpy(where, name, sizeof(name));
	mutex_exit(&names_lock);
	return 0;
}

int
sys_sethostname(struct lwp *l __unused_arg, const char *name, size_t len,
    long *ret __unused_arg)
{
	return name_set(kernel_hostname, name, len);
}

int
sys_setdomainname(struct lwp *l __unused_arg, const char *name, size_t len,
    long *ret __unused_arg)
{
	return name_set(kernel_domainname, name, len);
}

static int
proc_counted(struct proc *p __unused_arg, void *arg)
{
	(*(unsigned short *)arg)++;
	return 0;
}

int
sys_sysinfo(struct lwp *l __unused_arg, struct sysinfo *uinfo,
    long *ret __unused_arg)
{
	struct kmem_stats st;
	struct sysinfo info;

	memset(&info, 0, sizeof(info));
	kmem_getstats(&st);
	info.totalram = st.ks_limit != 0 ? st.ks_limit :
	    param_u64("_RUMPUSER_MEMSIZE", 0);
	if (info.totalram > st.ks_pages)
		info.freeram = info.totalram - st.ks_pages;
	info.mem_unit = 1;
	info.uptime = (clock_mono() - (int64_t)proc0.p_start) / NSEC_PER_SEC;
	(void)proc_iterate(proc_counted, &info.procs);
	return copyout(&info, uinfo, sizeof(info));
}

#define RANDOM_CHUNK	512

/* What was copied before a fault counts. */
int
sys_getrandom(struct lwp *l __unused_arg, void *buf, size_t count,
    unsigned int flags, long *ret)
{
	uint8_t chunk[RANDOM_CHUNK];
	size_t done, n;
	int error = 0;

	if ((flags & ~(unsigned int)(GRND_NONBLOCK | GRND_RANDOM |
	    GRND_INSECURE)) != 0 ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
	    (GRND_RANDOM | GRND_INSECURE))
		return EINVAL;
	if (count > INT32_MAX - PAGE_MASK)
		count = INT32_MAX - PAGE_MASK;
	for (done = 0; done < count; done += n) {
		n = count - done < sizeof(chunk) ? count - done : sizeof(chunk);
		random_bytes(chunk, n);
		error = copyout(chunk, (void *)((uintptr_t)buf + done), n);
		if (error)
			break;
		if (vcpu_wanted())
			vcpu_yield();
	}
	memset(chunk, 0, sizeof(chunk));
	__asm__ volatile("" : : "r"(chunk) : "memory");
	if (error && done == 0)
		return error;
	*ret = (long)done;
	return 0;
}
