/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * component.c - the registry of what this kernel is made of
 *
 * Constructors put components on the list before boot, or, for libraries
 * loaded later, from within component_load().  The list only grows.  It is
 * guarded by a spin word because constructors run where no kernel lock may
 * be taken; starting is serialised by component_lock.
 */

#include <sys/component.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/log.h>
#include <sys/mutex.h>
#include <sys/vcpu.h>

#define STATE_WAITING	0
#define STATE_STARTED	1

static struct list components = LIST_INITIALIZER(components);	/* list_word */
static uint32_t list_word;
static kmutex_t component_lock;
static bool booted;				/* component_lock */

static void
list_enter(void)
{
	uint32_t free = 0;

	while (!atomic_cas_acq(&list_word, &free, 1)) {
		free = 0;
		cpu_relax();
	}
}

static void
list_exit(void)
{
	atomic_store_rel(&list_word, 0);
}

void
rump_component_register(struct component *co)
{
	list_enter();
	list_insert_tail(&components, &co->co_link);
	list_exit();
}

/* The first of a class that waits to be started. */
static struct component *
component_waiting(enum component_class class)
{
	struct component *found = NULL;
	struct list_node *n;

	list_enter();
	LIST_FOREACH(n, &components) {
		struct component *co = container_of(n, struct component, co_link);

		if (co->co_class == class && co->co_state == STATE_WAITING) {
			found = co;
			break;
		}
	}
	list_exit();
	return found;
}

/* Starts all that wait, class by class; the first error ends it. */
static int
component_start_locked(void)
{
	struct component *co;
	int error;

	for (int c = 0; c < COMPONENT_NCLASSES; c++) {
		while ((co = component_waiting((enum component_class)c)) != NULL) {
			error = co->co_init();
			co->co_state = error ? -error : STATE_STARTED;
			if (error) {
				log_printf(LOG_ERR, "component %s: does not "
				    "start, error %d", co->co_name, error);
				return error;
			}
			log_printf(LOG_DEBUG, "component %s: started",
			    co->co_name);
		}
	}
	return 0;
}

int
component_boot(void)
{
	int error;

	mutex_init(&component_lock, "component");
	mutex_enter(&component_lock);
	error = component_start_locked();
	booted = error == 0;
	mutex_exit(&component_lock);
	return error;
}

int
component_load(const char *name)
{
	char why[160] = "";
	int error;

	mutex_enter(&component_lock);
	vcpu_block_begin();
	error = rumpuser_dl_load(name, why, sizeof(why));
	vcpu_block_end();
	if (error)
		log_printf(LOG_WARNING, "component %s: not loaded: %s", name,
		    why[0] != '\0' ? why : "no such library");
	else if (booted)
		error = component_start_locked();
	mutex_exit(&component_lock);
	return error;
}

bool
component_present(const char *name)
{
	struct list_node *n;
	bool found = false;

	list_enter();
	LIST_FOREACH(n, &components) {
		const struct component *co =
		    container_of(n, struct component, co_link);

		if (strcmp(co->co_name, name) == 0 &&
		    co->co_state == STATE_STARTED) {
			found = true;
			break;
		}
	}
	list_exit();
	return found;
}

int
component_iterate(int (*fn)(const struct component *, void *), void *arg)
{
	struct list_node *n;
	int result = 0;

	/* Entries stay, and new ones go to the end: no lock while fn runs. */
	LIST_FOREACH(n, &components) {
		result = fn(container_of(n, struct component, co_link), arg);
		if (result != 0)
			break;
	}
	return result;
}
