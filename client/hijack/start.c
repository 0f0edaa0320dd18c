/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * start.c - what happens before main()
 *
 *	RUMPHIJACK		the policy, see policy.c
 *	RUMP_SERVER		the kernel is there; else it is loaded into this process
 *	RUMPHIJACK_ENGINE	"preload" or "trap", instead of what is needed
 *	RUMPHIJACK_VERBOSE	says on standard error what was rewritten
 *	RUMPHIJACK_SUPERVISOR	rumpus-supervise, if it is not where it is installed
 *
 * The library is loaded by LD_PRELOAD.  Its constructor reads the policy, finds what an exec
 * left, and rewrites the call sites; the kernel comes with the first call that is
 * its own, so that programs which make none pay nothing for it.
 */

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec.h"
#include "hijack.h"
#include "path.h"
#include "site.h"
#include "symbol.h"
#include "trap.h"

#define POLICY_DEFAULT	"path=/rump,socket=all:nolocal"

const struct backend *backend;
static pthread_mutex_t backend_lock = PTHREAD_MUTEX_INITIALIZER;
static bool backend_failed;
static bool has_rules;			/* hijack_start() was here */
static char server_url[512];

/*
 * What is loaded later is looked through, too.  A library's constructor may be faster than ours: what it
 * loads waits until there are rules to look by.
 */
__attribute__((__visibility__("default"))) void *
dlopen(const char *name, int flags)
{
	static void *(*libc_dlopen)(const char *, int);
	struct site_counts counts = { 0 };
	void *lib;

	if (libc_dlopen == NULL)
		*(void **)&libc_dlopen = dlsym(RTLD_NEXT, "dlopen");
	lib = libc_dlopen(name, flags);
	if (lib != NULL && has_rules && self.s_depth == 0)
		site_rewrite_loaded(&counts);
	return lib;
}

const struct backend *
kernel_backend(void)
{
	const struct backend *b = __atomic_load_n(&backend, __ATOMIC_ACQUIRE);
	bool started = false;

	if (b != NULL || backend_failed)
		return b;
	self.s_depth++;
	(void)pthread_mutex_lock(&backend_lock);
	if (backend == NULL && !backend_failed) {
		if (server_url[0] != '\0')
			backend_failed = backend_server_start(server_url, &b) != 0;
		else
			backend_failed = backend_inside_start(&b) != 0;
		if (!backend_failed)
			__atomic_store_n(&backend, b, __ATOMIC_RELEASE);
		started = !backend_failed;
	}
	b = backend;
	(void)pthread_mutex_unlock(&backend_lock);
	self.s_depth--;
	if (started)
		process_limits();
	return b;
}

static const char *
setting(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; env != NULL && *env != NULL; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=')
			return *env + len + 1;
	}
	return NULL;
}

/* What has to be in the environment of those we start. */
static void
keep_environment(char **env)
{
	static const char *const prefixes[] = { "LD_PRELOAD=", "RUMPHIJACK=", "RUMPHIJACK_KERNEL=",
	    "RUMPHIJACK_LIBRARY=", "RUMPHIJACK_ENGINE=", "RUMPHIJACK_SUPERVISOR=", "RUMPHIJACK_HOLD=",
	    "RUMP_SERVER=" };

	for (; env != NULL && *env != NULL; env++) {
		for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
			if (strncmp(*env, prefixes[i], strlen(prefixes[i])) == 0)
				exec_keep(*env);
		}
	}
}

/* Who takes those programs that we cannot be in. */
static void
find_supervisor(char **env)
{
	const char *path = setting(env, "RUMPHIJACK_SUPERVISOR");

	if (path == NULL)
		path = RUMPUS_LIBEXEC "/rumpus-supervise";
	if (server_url[0] != '\0' && access(path, X_OK) == 0)
		exec_supervisor(path);
}

/* A pipe that keeps the server up as long as we live: daemons would close it. */
static void
hold_server(const char *text)
{
	struct stat st;
	int fd = text != NULL ? atoi(text) : 0;

	if (fd > STDERR_FILENO && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		fdmap_mark(fd);
}

/* An exec left a proc of the kernel to us: its directory and descriptors. */
static void
take_over(char **env)
{
	const char *where = setting(env, "RUMPHIJACK_CWD");
	bool was_client = setting(env, "RUMPCLIENT__EXEC") != NULL;

	if (server_url[0] == '\0' || (!was_client && where == NULL && !fdmap_inherited()))
		return;
	if (kernel_backend() == NULL)
		return;
	if (where != NULL)
		path_setcwd(where[0] == '2' ? CWD_BLANKET : CWD_PREFIX);
	fdmap_inherit();
	(void)unsetenv("RUMPHIJACK_CWD");
}

/* The trap engine is for programs with sites of their own that could not be rewritten, or on request. */
static void
start_trap(const char *engine, const struct site_counts *counts)
{
	bool wanted = engine != NULL && strcmp(engine, "trap") == 0;
	int error;

	if (engine != NULL ? !wanted : counts->sc_program == 0)
		return;
	error = trap_start(counts->sc_low, counts->sc_high);
	if (error && wanted)
		host_complain("the host does not dispatch system calls", strerror(error));
}

__attribute__((__constructor__)) static void
hijack_start(int argc, char **argv, char **env)
{
	const char *text = setting(env, "RUMPHIJACK"), *engine;
	struct site_counts counts = { 0 };

	(void)argc;
	(void)argv;
	if (!policy_parse(text != NULL ? text : POLICY_DEFAULT))
		_Exit(127);
	text = setting(env, "RUMP_SERVER");
	if (text != NULL)
		(void)snprintf(server_url, sizeof(server_url), "%s", text);
	policy.po_exists = policy.po_prefixlen > 2 && access(policy.po_prefix, F_OK) == 0;
	fdmap_init(policy.po_fdoff);
	call_init();
	hold_server(setting(env, "RUMPHIJACK_HOLD"));
	symbol_start();
	keep_environment(env);
	find_supervisor(env);
	take_over(env);
	engine = setting(env, "RUMPHIJACK_ENGINE");
	if (engine == NULL || strcmp(engine, "preload") != 0)
		trap_prepare();
	has_rules = true;
	site_rewrite_loaded(&counts);
	start_trap(engine, &counts);
	if (setting(env, "RUMPHIJACK_VERBOSE") != NULL)
		fprintf(stderr, "rumphijack: %u system call instructions: %u rewritten, %u always "
		    "the host's, %u left%s\n", counts.sc_found, counts.sc_rewritten,
		    counts.sc_host, counts.sc_refused, trap_armed ? ", which trap" : "");
}
