/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_component.c - components by name, with what they need
 *
 * The build knows what each library needs and writes it into a table (component_table.h),
 * so libraries are loaded in an order that works, whatever order they were asked
 * for in.  Libraries are loaded before the kernel boots: it starts what is there, class
 * by class.  Names are forgiving: "rumpnet_inet", "net_inet", "librumpnet_inet.so" and a path
 * mean what one expects.
 *
 * They are looked for in RUMP_MODULEBASE, beside librump.so, and then where the host
 * looks for libraries.
 */

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "component_table.h"
#include "server.h"

#define NCOMPONENTS	(sizeof(component_table) / sizeof(component_table[0]))

static bool loaded[NCOMPONENTS];

/* "librumpnet_inet.so.0" -> "net_inet"; "rumpvfs" -> "vfs". */
static void
plain_name(const char *name, char *buf, size_t size)
{
	const char *slash = strrchr(name, '/'), *dot;

	if (slash != NULL)
		name = slash + 1;
	if (strncmp(name, "lib", 3) == 0)
		name += 3;
	if (strncmp(name, "rump", 4) == 0)
		name += 4;
	dot = strstr(name, ".so");
	(void)snprintf(buf, size, "%.*s", dot != NULL ? (int)(dot - name) : 64, name);
}

static const struct component_entry *
component_find(const char *name)
{
	char plain[65];

	plain_name(name, plain, sizeof(plain));
	for (size_t i = 0; i < NCOMPONENTS; i++) {
		if (strcmp(component_table[i].ce_name, plain) == 0)
			return &component_table[i];
	}
	return NULL;
}

bool
server_component_known(const char *name, char *ret_name, size_t size)
{
	const struct component_entry *ce = component_find(name);

	if (ce != NULL)
		(void)snprintf(ret_name, size, "%s", ce->ce_name);
	return ce != NULL;
}

/* The folder of librump.so, or "" if there is no such file. */
static void
kernel_folder(char *buf, size_t size)
{
	char *slash;
	Dl_info info;

	buf[0] = '\0';
	if (dladdr((void *)(uintptr_t)rump_init, &info) == 0 || info.dli_fname == NULL)
		return;
	(void)snprintf(buf, size, "%s", info.dli_fname);
	slash = strrchr(buf, '/');
	if (slash != NULL)
		*slash = '\0';
	else
		buf[0] = '\0';
}

static int
library_load(const char *library)
{
	const char *base = getenv("RUMP_MODULEBASE"), *text;
	char folder[PATH_MAX], path[PATH_MAX + 80];
	char file[80];

	(void)snprintf(file, sizeof(file), "librump%s.so.0", library);
	kernel_folder(folder, sizeof(folder));
	for (int i = 0; i < 2; i++) {
		const char *in = i == 0 ? base : folder;

		if (in == NULL || in[0] == '\0')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", in, file);
		if (access(path, R_OK) == 0 && dlopen(path, RTLD_NOW | RTLD_GLOBAL) != NULL)
			return EX_DONE;
	}
	if (dlopen(file, RTLD_NOW | RTLD_GLOBAL) != NULL)
		return EX_DONE;
	text = dlerror();
	warn_text("component %s: %s", library, text != NULL ? text : "does not load");
	return EX_UNSUPPORTED;
}

static int
entry_load(const struct component_entry *ce)
{
	char needs[128], *next = needs, *word;
	int code = EX_DONE;

	if (loaded[ce - component_table])
		return EX_DONE;
	loaded[ce - component_table] = true;
	(void)snprintf(needs, sizeof(needs), "%s", ce->ce_needs);
	while (code == EX_DONE && (word = strsep(&next, " ")) != NULL) {
		const struct component_entry *need = word[0] != '\0' ? component_find(word) : NULL;

		if (need != NULL)
			code = entry_load(need);
		if (code != EX_DONE)
			warn_text("component %s: needs %s", ce->ce_name, word);
	}
	if (code != EX_DONE || server_program->sp_whole)
		return code;
	/* What the program was linked with has to be found as well, and is. */
	return ce->ce_linked ? EX_DONE : library_load(ce->ce_name);
}

int
server_component_load(const char *name)
{
	const struct component_entry *ce = component_find(name);
	const char *text;

	if (ce != NULL && strchr(name, '/') == NULL) {
		if (server_program->sp_whole && ce->ce_apart)
			return usage_error("component %s cannot be in a kernel with all others; "
			    "rump_server(1) can load it", ce->ce_name);
		return entry_load(ce);
	}
	if (strchr(name, '/') == NULL) {
		char plain[65];

		/* Somebody else's, perhaps: a library that the host finds. */
		plain_name(name, plain, sizeof(plain));
		if (!server_program->sp_whole && library_load(plain) == EX_DONE)
			return EX_DONE;
		return usage_error("there is no component '%s'", name);
	}
	if (server_program->sp_whole)
		return usage_error("'%s': this program has all components in it", name);
	if (dlopen(name, RTLD_NOW | RTLD_GLOBAL) != NULL)
		return EX_DONE;
	text = dlerror();
	warn_text("%s", text != NULL ? text : name);
	return access(name, F_OK) != 0 ? complain(name, "load", errno) : EX_UNSUPPORTED;
}

/* What an interface of a kind takes. */
static int
load_for_interfaces(void)
{
	static const struct { const char *kind, *component; } kinds[] = {
		{ "shm", "net_shmif" }, { "shmif", "net_shmif" }, { "tap", "net_virtif" },
		{ "virt", "net_virtif" }, { "virtif", "net_virtif" }, { "wire", "net_wire" },
	};
	int code = EX_DONE;
	bool four = false, six = false, dhcp = false;
	size_t n;
	const struct netif *ni = net_interfaces(&n);

	if (n == 0)
		return EX_DONE;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; code == EX_DONE && k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (strcmp(kinds[k].kind, ni[i].ni_kind) == 0)
				code = server_component_load(kinds[k].component);
		}
		dhcp = dhcp || ni[i].ni_dhcp;
		six = six || ni[i].ni_auto;
		for (unsigned int a = 0; a < ni[i].ni_naddrs; a++) {
			four = four || ni[i].ni_addr[a].na_family == AF_INET;
			six = six || ni[i].ni_addr[a].na_family == AF_INET6;
		}
	}
	/* A host has both families, local sockets and netlink, as on Linux. */
	if (code == EX_DONE)
		code = server_component_load(dhcp ? "net_dhcp" : "net_inet");
	if (code == EX_DONE)
		code = server_component_load(six || !four ? "net_inet6" : "net_inet");
	if (code == EX_DONE)
		code = server_component_load("net_netlink");
	return code == EX_DONE ? server_component_load("net_local") : code;
}

static int
load_for_mounts(void)
{
	const struct server_options *so = &server_options;
	int code = EX_DONE;

	for (size_t i = 0; code == EX_DONE && i < so->so_nmounts; i++)
		code = server_component_load(strncmp(so->so_mount[i], "tmpfs:", 6) == 0 ?
		    "fs_tmpfs" : "fs_ext2");
	return code;
}

int
server_components(void)
{
	const struct server_options *so = &server_options;
	int code = EX_DONE;

	for (size_t i = 0; code == EX_DONE && i < so->so_ncomponents; i++)
		code = server_component_load(so->so_component[i]);
	if (code == EX_DONE)
		code = load_for_interfaces();
	return code == EX_DONE ? load_for_mounts() : code;
}
