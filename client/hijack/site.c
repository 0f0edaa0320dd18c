/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * site.c - the objects of a process whose call sites are rewritten
 *
 * Called when the program starts and after each dlopen(3).  Not rewritten: our own
 * libraries, whose calls are meant for the host, and the vDSO.
 */

#include "site.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "host.h"

#define MAXPLANS	4096		/* of one object */
#define MAXSEEN		512

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t seen[MAXSEEN];
static size_t nseen;

static bool
seen_before(uintptr_t base)
{
	for (size_t i = 0; i < nseen; i++) {
		if (seen[i] == base)
			return true;
	}
	if (nseen < MAXSEEN)
		seen[nseen++] = base;
	return nseen == MAXSEEN;
}

static bool
ours(const struct dl_phdr_info *info)
{
	const char *name = strrchr(info->dlpi_name, '/');

	name = name != NULL ? name + 1 : info->dlpi_name;
	return strncmp(name, "librumphijack", 13) == 0 || strncmp(name, "librumpclient", 13) == 0 ||
	    strncmp(name, "linux-vdso", 10) == 0;
}

static void
object_read(const struct dl_phdr_info *info, struct object *o)
{
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uint8_t *at = (uint8_t *)(info->dlpi_addr + ph->p_vaddr);

		if (ph->p_type == PT_GNU_EH_FRAME) {
			o->o_ehhdr = at;
			o->o_ehlen = ph->p_memsz;
		} else if (ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0) {
			o->o_text = at;
			o->o_len = ph->p_memsz;
		}
	}
}

static bool
is_vdso(const struct dl_phdr_info *info)
{
	return strncmp(info->dlpi_name, "linux-vdso", 10) == 0;
}

static void
note_range(const struct dl_phdr_info *info, struct site_counts *counts)
{
	for (unsigned int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		uintptr_t low = info->dlpi_addr + ph->p_vaddr, high = low + ph->p_memsz;

		if (ph->p_type != PT_LOAD)
			continue;
		if (counts->sc_low == 0 || low < counts->sc_low)
			counts->sc_low = low;
		if (high > counts->sc_high)
			counts->sc_high = high;
	}
}

struct pass {
	struct plan	*p_plans;
	struct site_counts *p_counts;
};

static int
object_rewrite(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct pass *pass = arg;
	struct object o = { .o_name = info->dlpi_name };
	unsigned int refused;
	size_t n, done;

	(void)size;
	object_read(info, &o);
	if (o.o_text != NULL && info->dlpi_name[0] != '\0' && !is_vdso(info))
		note_range(info, pass->p_counts);
	if (o.o_text == NULL || seen_before((uintptr_t)o.o_text) || ours(info))
		return 0;
	refused = pass->p_counts->sc_refused;
	n = site_plan(&o, pass->p_plans, MAXPLANS, pass->p_counts);
	done = site_patch(&o, pass->p_plans, n);
	pass->p_counts->sc_rewritten += (unsigned int)done;
	pass->p_counts->sc_refused += (unsigned int)(n - done);
	if (info->dlpi_name[0] == '\0')
		pass->p_counts->sc_program = pass->p_counts->sc_refused - refused;
	return 0;
}

void
site_rewrite_loaded(struct site_counts *counts)
{
	struct pass pass = { .p_counts = counts };
	size_t len = MAXPLANS * sizeof(struct plan);
	long mem;

	mem = host_syscall(SYS_mmap, 0, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (host_failed(mem))
		return;
	pass.p_plans = (struct plan *)mem;
	(void)pthread_mutex_lock(&lock);
	(void)dl_iterate_phdr(object_rewrite, &pass);
	(void)pthread_mutex_unlock(&lock);
	(void)host_syscall(SYS_munmap, mem, len);
}
