/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_run.c - rumpus run: an unmodified program with another kernel
 *
 * Nothing happens here but preparation: the options become the environment that
 * librumphijack.so reads, the library is to be preloaded, and the program takes our place.  Where
 * nothing can be preloaded, rumpus-supervise does.  A kernel inside serves one process; trees of
 * them, static programs and those who want disks get a server of their own.
 */

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hyper/common/tlsfront.h>

#include "../server/place.h"
#include "doctor.h"
#include "net.h"
#include "private.h"

#define LIBRARY		"librumphijack.so"
#define SUPERVISOR	"rumpus-supervise"

enum { OPT_PSK = 0x200, OPT_CERT, OPT_KEY, OPT_CA };

static const struct option options[] = {
	{ "net", required_argument, NULL, 'n' },
	{ "on", required_argument, NULL, 'u' },
	{ "server", required_argument, NULL, 'u' },
	{ "path", required_argument, NULL, 'p' },
	{ "blanket", required_argument, NULL, 'b' },
	{ "socket", required_argument, NULL, 's' },
	{ "fd-from", required_argument, NULL, 'f' },
	{ "tree", no_argument, NULL, 't' },
	{ "root", no_argument, NULL, 'r' },
	{ "mount", required_argument, NULL, 'm' },
	{ "map-uid", required_argument, NULL, 'm' },
	{ "engine", required_argument, NULL, 'e' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "tls-psk", required_argument, NULL, OPT_PSK },
	{ "tls-cert", required_argument, NULL, OPT_CERT },
	{ "tls-key", required_argument, NULL, OPT_KEY },
	{ "tls-ca", required_argument, NULL, OPT_CA },
	NET_OPTIONS,
};

struct run {
	char		*r_kernel;	/* options of the kernel, one a line */
	const char	*r_server;
	const char	*r_path, *r_blanket, *r_socket, *r_fdfrom, *r_engine;
	struct private_server r_private;	/* what it is to have besides interfaces */
	bool		 r_tree, r_root;
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

static void
set(const char *name, const char *value)
{
	if (value != NULL ? setenv(name, value, 1) != 0 : unsetenv(name) != 0) {
		warn_text("out of memory");
		exit(EX_IO);
	}
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

/* What only a server can have goes on as it came, too. */
static int
server_word(struct run *r, const char *name, const char *value)
{
	r->r_tree = true;
	if (!private_word(&r->r_private, join(NULL, "", "--", name, "")) ||
	    !private_word(&r->r_private, value))
		return usage_error("more than %d options for the server", PRIVATE_MAXWORDS);
	return -1;
}

static int
take_option(struct run *r, int opt, const char *name)
{
	switch (opt) {
	case 't':
		r->r_tree = true;
		return -1;
	case 'r':
		r->r_root = true;
		return -1;
	case 'm':
		return server_word(r, name, optarg);
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
	case 'e':
		r->r_engine = optarg;
		return -1;
	case 'v':
		r->r_verbose = true;
		return -1;
	case OPT_PSK:
		set("RUMP_TLS_PSK", optarg);
		return -1;
	case OPT_CERT:
		set("RUMP_TLS_CERT", optarg);
		return -1;
	case OPT_KEY:
		set("RUMP_TLS_KEY", optarg);
		return -1;
	case OPT_CA:
		set("RUMP_TLS_CA", optarg);
		return -1;
	default:
		return kernel_option(r, opt);
	}
}

/* Where it was installed; or beside a program that was not. */
static int
find_part(const char *installed, const char *env, const char *built, char *buf, size_t size)
{
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
	if (snprintf(buf, size, "%s/../../client/%s", exe, built) >= (int)size)
		return ENAMETOOLONG;
	return access(buf, R_OK) == 0 ? 0 : errno;
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
	if (r->r_root)
		text = join(text, ",", "ids", "", "");
	return text;
}

/* The program's place in PATH; as it is if there is none. */
static void
find_program(const char *name, char *buf, size_t size)
{
	const char *path = getenv("PATH"), *end;

	(void)snprintf(buf, size, "%s", name);
	for (; strchr(name, '/') == NULL && path != NULL; path = *end == ':' ? end + 1 : NULL) {
		end = strchrnul(path, ':');
		(void)snprintf(buf, size, "%.*s/%s", (int)(end - path), path, name);
		if (access(buf, X_OK) == 0)
			return;
	}
}

static bool
wants_supervisor(const struct run *r, const char *program)
{
	char path[PATH_MAX];
	struct binary b;
	const char *why;

	if (r->r_engine != NULL)
		return strcmp(r->r_engine, "supervisor") == 0;
	find_program(program, path, sizeof(path));
	return doctor_binary(path, &b) == 0 &&
	    strcmp(doctor_engine(&b, true, true, &why), "supervisor") == 0;
}

/* Only who is hijacked can execute a program that lives in the kernel. */
static void
exec_inside(char **argv)
{
	static char env[] = "env";
	size_t n = 0;
	char **words;

	while (argv[n] != NULL)
		n++;
	words = calloc(n + 2, sizeof(words[0]));
	if (words == NULL)
		return;
	words[0] = env;
	memcpy(words + 1, argv, n * sizeof(argv[0]));
	execvp(words[0], words);
	free(words);
}

static int
start(const char *file, char **argv)
{
	int error;

	execvp(file, argv);
	error = errno;
	/* env(1) would take a '=' for a variable. */
	if (error == ENOENT && file[0] == '/' && strchr(file, '=') == NULL)
		exec_inside(argv);
	warn_text("%s: %s", file, strerror(error));
	return error == ENOENT ? 127 : 126;
}

static int
run_supervised(const struct run *r, char **argv)
{
	char helper[PATH_MAX];
	int error;

	error = find_part(RUMPUS_LIBEXEC "/" SUPERVISOR, getenv("RUMPHIJACK_SUPERVISOR"),
	    "supervisor/" SUPERVISOR, helper, sizeof(helper));
	if (error)
		return complain(SUPERVISOR, "find", error);
	/* It takes its own name's place in front of the arguments: cmd_run() has been there. */
	argv[-1] = helper;
	return start(helper, argv - 1);
}

static int
run_preloaded(const struct run *r, char **argv)
{
	char library[PATH_MAX], helper[PATH_MAX], *preload = getenv("LD_PRELOAD"), *text;
	int error;

	error = find_part(RUMPUS_LIBDIR "/" LIBRARY, getenv("RUMPHIJACK_LIBRARY"), "hijack/" LIBRARY,
	    library, sizeof(library));
	if (error)
		return complain(LIBRARY, "find", error);
	set("RUMPHIJACK_ENGINE", r->r_engine);
	text = join(NULL, "", library, preload != NULL && preload[0] != '\0' ? ":" : "",
	    preload != NULL ? preload : "");
	set("LD_PRELOAD", text);
	free(text);
	/* For those that it starts. */
	if (find_part(RUMPUS_LIBEXEC "/" SUPERVISOR, getenv("RUMPHIJACK_SUPERVISOR"),
	    "supervisor/" SUPERVISOR, helper, sizeof(helper)) == 0)
		set("RUMPHIJACK_SUPERVISOR", helper);
	return start(argv[0], argv);
}

/* The options of the kernel become those of a server, which are the same. */
static int
own_server(struct run *r, char *url, size_t size)
{
	char *rest = r->r_kernel, *word;
	int code;

	while ((word = strsep(&rest, "\n")) != NULL) {
		if (!private_word(&r->r_private, word))
			return usage_error("more than %d options for the server", PRIVATE_MAXWORDS);
	}
	code = private_start(&r->r_private, url, size);
	r->r_server = url;
	free(r->r_kernel);
	r->r_kernel = NULL;
	return code;
}

static int
run(struct run *r, char **argv)
{
	bool supervised = wants_supervisor(r, argv[0]);
	char *text, url[PATH_MAX];
	int code = EX_DONE;

	if (r->r_server == NULL && (r->r_tree || supervised))
		code = own_server(r, url, sizeof(url));
	if (code != EX_DONE)
		return code;
	text = policy(r);
	set("RUMPHIJACK", text);
	set("RUMPHIJACK_KERNEL", r->r_kernel);
	set("RUMPHIJACK_VERBOSE", r->r_verbose ? "1" : NULL);
	set("RUMP_SERVER", r->r_server);
	free(text);
	return supervised ? run_supervised(r, argv) : run_preloaded(r, argv);
}

/*
 * A server elsewhere: the process that speaks TLS is started here, so that the program
 * need not, and becomes that of whoever takes our place.
 */
static int
find_remote(char *url, size_t size)
{
	struct tlsfront_ready ready;
	int error, fd;

	error = tlsfront_start("connect", url, &ready, &fd);
	if (error == ENOENT)
		return complain("rump_tls", "find", error);
	if (error) {
		warn_text("%s: cannot be reached", url);
		return error == EACCES ? EX_DENIED : EX_IO;
	}
	close(fd);
	(void)snprintf(url, size, "%s", ready.tr_url);
	return EX_DONE;
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
	return strncmp(url, "tcp://", 6) == 0 ? find_remote(url, size) : EX_DONE;
}

int
cmd_run(int argc, char **argv)
{
	struct run r = { .r_kernel = NULL };
	char url[PATH_MAX];
	int opt, code, at = 0;

	while ((opt = getopt_long(argc, argv, "+", options, &at)) != -1) {
		code = take_option(&r, opt, options[at].name);
		if (code != -1)
			return code;
	}
	if (optind == argc)
		return usage_error("run what?");
	if (r.r_engine != NULL && strcmp(r.r_engine, "preload") != 0 &&
	    strcmp(r.r_engine, "trap") != 0 && strcmp(r.r_engine, "supervisor") != 0)
		return usage_error("engines are preload, trap and supervisor, not '%s'", r.r_engine);
	if (r.r_server != NULL && r.r_kernel != NULL)
		return usage_error("--net: the server has its interfaces already");
	if (r.r_server != NULL && r.r_tree)
		return usage_error("--tree, --mount and --map-uid are for a server of one's own");
	code = r.r_server != NULL ? find_server(&r, url, sizeof(url)) : EX_DONE;
	if (code == EX_DONE)
		code = run(&r, argv + optind);
	free(r.r_kernel);
	return code;
}
