/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * boot.c - from nothing to a running kernel, and back
 *
 * rump_init() runs the phases below in their order on the calling thread,
 * which is lwp 0 of proc 0 meanwhile.  A phase may use what the phases
 * before it have set up, and nothing else.
 *
 *	host	hypercall version, parameters, console
 *	seats	vCPUs and proc 0: from here on locks work
 *	memory	pools, pages, the limit
 *	core	randomness, timers, descriptors, procs, system calls
 *	parts	components, class by class
 *
 * Boot costs little because nothing is made before it is used: threads,
 * magazines and caches come with their first user.
 */

#include <sys/boot.h>

#include <abi/sysargs.h>
#include <lib/string.h>
#include <rump/rump.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/kcontext.h>
#include <sys/log.h>
#include <sys/proc.h>
#include <sys/signal.h>
#include <sys/syscall.h>
#include <sys/vcpu.h>

#include "vcpu_impl.h"

#define VERSION	100	/* 0.1.0 */

enum { BOOT_NEW, BOOT_RUNNING, BOOT_UP, BOOT_FAILED, BOOT_DOWN };

static uint32_t boot_state;		/* a */
static int boot_error;
static struct lwp lwp0;
static kmutex_t hooks_lock;
static struct list hooks = LIST_INITIALIZER(hooks);	/* hooks_lock */


int
rump_getversion(void)
{
	return VERSION;
}

bool
rump_nativeabi_p(void)
{
	return true;
}

static unsigned int
boot_ncpu(void)
{
	uint64_t host, n;

	host = param_u64("_RUMPUSER_NCPU", 1);
	n = param_u64("RUMP_NCPU", host);
	if (n < 1 || n > VCPU_MAX) {
		n = n < 1 ? 1 : VCPU_MAX;
		log_printf(LOG_WARNING, "RUMP_NCPU: %u it shall be",
		    (unsigned int)n);
	}
	return (unsigned int)n;
}

static void
boot_seats(void)
{
	vcpu_boot(boot_ncpu());
	proc0_boot();
	lwp0.l_proc = &proc0;
	lwp0.l_flags = LWP_KERNEL;
	list_node_init(&lwp0.l_link);
	lwp_switch_host(&lwp0);
	vcpu_enter(&lwp0);
}

static int
boot_core(void)
{
	static int (*const phases[])(void) = {
		kmem_boot, random_boot, kvar_boot, timer_boot, fd_boot,
		proc_boot, sp_boot,
	};
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(phases); i++) {
		error = phases[i]();
		if (error) {
			log_printf(LOG_ERR, "boot phase %zu fails, error %d", i,
			    error);
			return error;
		}
	}
	syscall_register(rump_sysent_core, rump_nsysent_core);
	return component_boot();
}

static int
boot(void)
{
	int error;

	error = rumpuser_init(RUMPUSER_VERSION);
	if (error)
		return error;
	log_boot();
	boot_seats();
	mutex_init(&hooks_lock, "shutdown hooks");
	error = boot_core();
	vcpu_leave(&lwp0);
	vcpu_forget(&lwp0);
	lwp_switch_host(NULL);
	return error;
}

int
rump_init(void)
{
	uint32_t state = BOOT_NEW;

	if (atomic_cas_acq(&boot_state, &state, BOOT_RUNNING)) {
		boot_error = boot();
		atomic_store_rel(&boot_state, boot_error ? BOOT_FAILED : BOOT_UP);
		(void)rumpuser_unpark(&boot_state, UINT32_MAX, 0);
		return boot_error;
	}
	while ((state = atomic_load_acq(&boot_state)) == BOOT_RUNNING)
		(void)rumpuser_park(&boot_state, BOOT_RUNNING, 0, RUMPUSER_NOTIME);
	return state == BOOT_DOWN ? ESHUTDOWN : boot_error;
}

void
rump_boot_setverbose(int level)
{
	log_threshold = (int)LOG_WARNING + level;
}

int
rump_boot_setsigmodel(enum rump_sigmodel model)
{
	if (atomic_load_acq(&boot_state) != BOOT_NEW)
		return EBUSY;
	return signal_setmodel(model);
}

void
shutdown_register(struct shutdown_hook *sh)
{
	mutex_enter(&hooks_lock);
	list_insert_head(&hooks, &sh->sh_link);
	mutex_exit(&hooks_lock);
}

int
rump_shutdown(void)
{
	uint32_t state = BOOT_UP;
	struct list_node *n;
	int error;

	error = kcontext_enter();
	if (error)
		return error;
	if (!atomic_cas_acq(&boot_state, &state, BOOT_DOWN)) {
		kcontext_leave();
		return state == BOOT_DOWN ? 0 : ENXIO;
	}
	/* Hooks are added, never taken away; nobody adds any more. */
	LIST_FOREACH(n, &hooks)
		container_of(n, struct shutdown_hook, sh_link)->sh_fn();
	kcontext_leave();
	return 0;
}

int
rump_daemonize_begin(void)
{
	if (atomic_load_acq(&boot_state) != BOOT_NEW)
		return EALREADY;
	return rumpuser_daemonize_begin();
}

int
rump_daemonize_done(int error)
{
	return rumpuser_daemonize_done(error);
}
