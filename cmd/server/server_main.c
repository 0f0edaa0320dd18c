/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_main.c - the steps of a server, from its options to its end
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "lockin.h"
#include "server.h"
#include "server_impl.h"

struct place server_place = { .pl_dirfd = -1 };
double server_started;

/* --- the place ---------------------------------------------------------------------- */

/* A server without a name gets one, so that "rumpus ps" shows it. */
static int
take_place(void)
{
	const char *name = server_options.so_name;
	char number[PLACE_NAMELEN];
	int error;

	(void)snprintf(number, sizeof(number), "rump-%d", (int)getpid());
	error = place_take(name != NULL ? name : number, &server_place);
	if (error == 0)
		return EX_DONE;
	if (name == NULL) {
		server_log(LOG_INFO, "no folder for servers: %s", strerror(error));
		return EX_DONE;
	}
	if (error == EBUSY)
		return usage_error("there is a server '%s' already", name);
	if (error == EPERM) {
		char base[PATH_MAX] = "";

		(void)place_base(false, base, sizeof(base));
		warn_text("%s: not a folder of this user alone", base);
		return EX_DENIED;
	}
	return complain(name, "make a folder", error);
}

static int
write_info(void)
{
	struct textbuf tb = { .tb_text = NULL };
	int error;

	if (server_place.pl_dirfd == -1)
		return EX_DONE;
	text_printf(&tb, "{\"name\": ");
	text_json(&tb, server_place.pl_name);
	text_printf(&tb, ", \"pid\": %d, \"url\": ", (int)getpid());
	text_json(&tb, server_url());
	text_printf(&tb, ", \"started\": %lld}\n", (long long)time(NULL));
	error = tb.tb_bad ? ENOMEM : place_info(&server_place, tb.tb_text, tb.tb_len);
	text_free(&tb);
	return error != 0 ? complain(server_place.pl_path, "write info.json", error) : EX_DONE;
}

/* As many descriptors as the host lets us have: each client takes a few. */
static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

/* --- the lock-in ---------------------------------------------------------------------- */

static int
keep_names(void)
{
	char base[PATH_MAX];

	if (server_place.pl_dirfd != -1) {
		lockin_keep(LOCKIN_FD_PLACE, server_place.pl_path);
		if (place_base(false, base, sizeof(base)) == 0)
			lockin_keep(LOCKIN_FD_BASE, base);
	}
	server_listen_keep();
	return EX_DONE;
}

static int
lock_files(void)
{
	int error;

	if (!server_options.so_lockin)
		return EX_DONE;
	error = server_options.so_landlock ? lockin_files() : 0;
	if (error == EOPNOTSUPP)
		server_log(LOG_INFO, "this host has no Landlock");
	else if (error)
		return complain("Landlock", "restrict", error);
	return EX_DONE;
}

static int
lock_calls(void)
{
	int error;

	if (!server_options.so_lockin)
		return EX_DONE;
	error = lockin_calls();
	if (error)
		(void)complain("seccomp", "install the filter (--no-lockin does without)", error);
	return error != 0 ? EX_UNSUPPORTED : EX_DONE;
}

/* --- start ------------------------------------------------------------------------------ */

static int
boot(void)
{
	int error = 0;

	/* A ring is a way around the filter, and threads serve disks as well. */
	if (server_options.so_lockin)
		error = setenv("RUMPUSER_BIO", "threads", 1) == 0 ? 0 : errno;
	rump_boot_setverbose(server_options.so_verbose);
	if (error == 0)
		error = rump_init();
	return error != 0 ? complain("kernel", "start", error) : EX_DONE;
}

static int
memory_file(void)
{
	server_memory_open();
	server_notify_open();
	return EX_DONE;
}

static int
start(void)
{
	static int (*const steps[])(void) = {
		server_stop_prepare, take_place, server_listen, server_control_listen, write_info,
		server_log_open, metrics_open, memory_file, server_components, server_prepare_disks,
		net_interfaces_prepare, keep_names, lock_files,
		boot, server_devices, server_mounts, net_configure, server_serve,
		server_control_start, lock_calls,
	};
	int code = EX_DONE;

	for (size_t i = 0; code == EX_DONE && i < sizeof(steps) / sizeof(steps[0]); i++)
		code = steps[i]();
	return code;
}

/* --- the end ------------------------------------------------------------------------------ */

static void
remove_names(void)
{
	server_listen_remove();
	if (server_place.pl_dirfd == -1)
		return;
	(void)unlinkat(LOCKIN_FD_PLACE, "sock", 0);
	(void)unlinkat(LOCKIN_FD_PLACE, "ctl", 0);
	(void)unlinkat(LOCKIN_FD_PLACE, "info.json", 0);
	(void)unlinkat(LOCKIN_FD_BASE, server_place.pl_name, AT_REMOVEDIR);
}


static const char *
reason_text(int why, char *buf, size_t size)
{
	if ((why & STOP_SIGNAL) != 0)
		(void)snprintf(buf, size, "signal %d", why & 0xff);
	else
		(void)snprintf(buf, size, "%s", (why & STOP_REBOOT) != 0 ? "reboot(2)" :
		    (why & STOP_ALONE) != 0 ? "alone" : "asked to");
	return buf;
}

static int
stop(int why)
{
	char text[32];
	int error;

	server_log(LOG_NOTICE, "stops: %s", reason_text(why, text, sizeof(text)));
	server_notify("STOPPING=1");
	error = server_shutdown();
	remove_names();
	if (error)
		server_log(LOG_WARNING, "the end was not orderly: %s", rump_strerror(error));
	server_control_stop();
	return error == 0 ? EX_DONE : EX_IO;
}

int
server_main(const struct server_program *sp, int argc, char **argv)
{
	int code, error, why;

	program_name = sp->sp_name;
	server_program = sp;
	server_started = net_seconds();
	code = server_parse(argc, argv);
	if (code != -1)
		return code;
	if (server_options.so_url == NULL && server_options.so_name == NULL &&
	    getenv("LISTEN_FDS") == NULL)
		return usage_error("where do clients find it?  a URL, or --name");
	raise_limits();
	if (!server_options.so_foreground) {
		error = rump_daemonize_begin();
		if (error)
			return complain("background", "go there", error);
	}
	code = start();
	if (code != EX_DONE) {
		/* What was wrong has been said; the parent says that it was. */
		remove_names();
		if (server_place.pl_dirfd != -1)
			place_remove(&server_place);
		_exit(code);
	}
	if (!server_options.so_foreground) {
		(void)rump_daemonize_done(0);
		server_log_detach();
	}
	metrics_start();
	server_notify("READY=1");
	server_log(LOG_NOTICE, "serves %s", server_url());
	why = server_stop_wait();
	code = stop(why);
	/* Threads of clients may still be inside: nothing is torn down under them. */
	_exit(code);
}
