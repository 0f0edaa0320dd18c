/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_run.c - rumpus run: an unmodified program with another kernel
 *
 * Nothing happens here but preparation: the options become the environment that
 * librumphijack.so reads, the library is to be preloaded, and the program takes our place.
 */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/place.h"
#include "net.h"

#define LIBRARY		"librumphijack.so"

static const struct option options[] = {
	{ "net", required_argument, NULL, 'n' },
	{ "on", required_argument, NULL, 'u' },
	{ "server", required_argument, NULL, 'u' },
	{ "path", required_argument, NULL, 'p' },
	{ "blanket", required_argument, NULL, 'b' },
	{ "socket", required_argument, NULL, 's' },
	{ "fd-from", required_argument, NULL, 'f' },
	{ "verbose", no_argument, NULL, 'v' },
	NET_OPTIONS,
};

struct run {
	char		*r_kernel;	/* options of the kernel, one a line */
	const char	*r_server;
	const char	*r_path, *r_blanket, *r_socket, *r_fdfrom;
	bool		 r_verbose;
};

static char *
join(char *text, const char *separator, const char *a, const char *b, const char *c)
{
	char *joined = NULL;

	if (asprintf(&joined, "%s%s%s%s%s", text != NULL ? text : "", text != NULL ? separator : "", a, b,
	    c) < 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
	free(text);
	return joined;
}

/* An option of the kernel goes on as it came, once it is known to be good. */
static int
kernel_option(struct run *r, int opt)
{
	const char *name = "if", *value = optarg != NULL ? optarg : "";
	int code;

	for (size_t i = 0; opt != 'n' && options[i].name != NULL; i++) {
		if (options[i].val == opt)
			name = options[i].name;
	}
	code = net_option(opt == 'n' ? 0x100 : opt);
	if (code == -1 && opt != 'J')
		r->r_kernel = join(r->r_kernel, "\n", "--", name, "=");
	if (code == -1 && opt != 'J')
		r->r_kernel = join(r->r_kernel, "", value, "", "");
	return code;
}

static int
take_option(struct run *r, int opt)
{
	switch (opt) {
	case 'u':
		r->r_server = optarg;
		return -1;
	case 'p':
		r->r_path = optarg;
		return -1;
	case 'b':
		r->r_blanket = optarg;
		return -1;
	case 's':
		r->r_socket = optarg;
		return -1;
	case 'f':
		r->r_fdfrom = optarg;
		return -1;
	case 'v':
		r->r_verbose = true;
		return -1;
	default:
		return kernel_option(r, opt);
	}
}

/* Where it was installed; or beside a program that was not. */
static int
find_library(char *buf, size_t size)
{
	static const char installed[] = RUMPUS_LIBDIR "/" LIBRARY;
	const char *env = getenv("RUMPHIJACK_LIBRARY");
	char exe[PATH_MAX], *slash;
	ssize_t len;

	if (env != NULL)
		return snprintf(buf, size, "%s", env) < (int)size ? 0 : ENAMETOOLONG;
	if (access(installed, R_OK) == 0)
		return snprintf(buf, size, "%s", installed) < (int)size ? 0 : ENAMETOOLONG;
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len < 0)
		return errno;
	exe[len] = '\0';
	slash = strrchr(exe, '/');
	*slash = '\0';
	if (snprintf(buf, size, "%s/../../client/hijack/" LIBRARY, exe) >= (int)size)
		return ENAMETOOLONG;
	return access(buf, R_OK) == 0 ? 0 : errno;
}

static void
set(const char *name, const char *value)
{
	if (value != NULL ? setenv(name, value, 1) != 0 : unsetenv(name) != 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
}

static char *
policy(const struct run *r)
{
	char *text = NULL;

	text = join(text, ",", "path=", r->r_path != NULL ? r->r_path : "/rump", "");
	if (r->r_blanket != NULL)
		text = join(text, ",", "blanket=", r->r_blanket, "");
	text = join(text, ",", "socket=", r->r_socket != NULL ? r->r_socket : "all:nolocal", "");
	if (r->r_fdfrom != NULL)
		text = join(text, ",", "fdoff=", r->r_fdfrom, "");
	return text;
}

static int
run(const struct run *r, char **argv)
{
	char library[PATH_MAX], *preload = getenv("LD_PRELOAD"), *text;
	int error;

	error = find_library(library, sizeof(library));
	if (error)
		return complain(LIBRARY, "find", error);
	text = policy(r);
	set("RUMPHIJACK", text);
	set("RUMPHIJACK_KERNEL", r->r_kernel);
	set("RUMPHIJACK_VERBOSE", r->r_verbose ? "1" : NULL);
	set("RUMP_SERVER", r->r_server);
	free(text);
	text = join(NULL, "", library, preload != NULL && preload[0] != '\0' ? ":" : "",
	    preload != NULL ? preload : "");
	set("LD_PRELOAD", text);
	free(text);
	execvp(argv[0], argv);
	error = errno;
	warn_text("%s: %s", argv[0], strerror(error));
	return error == ENOENT ? 127 : 126;
}

/* The URL of a server, which may have been named otherwise. */
static int
find_server(struct run *r, char *url, size_t size)
{
	int error = place_url(r->r_server, url, size);

	if (error == EINVAL || error == ENOENT) {
		warn_text("there is no server '%s'; 'rumpus ps' shows them", r->r_server);
		return EX_NOMATCH;
	}
	if (error)
		return complain(r->r_server, "find", error);
	r->r_server = url;
	return EX_DONE;
}

int
cmd_run(int argc, char **argv)
{
	struct run r = { .r_kernel = NULL };
	char url[PATH_MAX];
	int opt, code;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		code = take_option(&r, opt);
		if (code != -1)
			return code;
	}
	if (optind == argc)
		return usage_error("run what?");
	if (r.r_server != NULL && r.r_kernel != NULL)
		return usage_error("--net: the server has its interfaces already");
	code = r.r_server != NULL ? find_server(&r, url, sizeof(url)) : EX_DONE;
	if (code == EX_DONE)
		code = run(&r, argv + optind);
	free(r.r_kernel);
	return code;
}
