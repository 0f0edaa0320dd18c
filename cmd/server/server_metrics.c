/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_metrics.c - what a server counts, as JSON and for Prometheus
 *
 * All numbers of the kernel have names already (rump-kvars(7)); here they are walked
 * and renamed: "net.snmp.Tcp.OutSegs" becomes rumpus_net_snmp_tcp_outsegs.  Interfaces
 * and clients come on top.
 *
 *	--metrics=unix:PATH		a socket that answers, also as HTTP
 *	--metrics=file:PATH[,SECONDS]	a file that is written anew (for a collector)
 *
 * References: Prometheus "Text-based format" 0.0.4.
 */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rump.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "server.h"
#include "server_impl.h"

#define FILE_PERIOD	15

static int metrics_socket = -1, metrics_file = -1;
static unsigned long metrics_period;
static double metrics_next;
static atomic_bool metrics_ready;

/* --- JSON -------------------------------------------------------------------------- */

static bool
is_number(const char *text)
{
	const char *at = text + (text[0] == '-');

	return at[0] != '\0' && strspn(at, "0123456789") == strlen(at) &&
	    (at[0] != '0' || at[1] == '\0');
}

static uint64_t
kvar_number(const char *name)
{
	char value[64];

	return rump_pub_kvar_read(name, value, sizeof(value)) == 0 ? strtoull(value, NULL, 10) : 0;
}

static unsigned int
count_procs(unsigned int *ret_threads, uint64_t *ret_calls)
{
	struct rump_procinfo pi = { .pi_pid = 0 };
	unsigned int n = 0;

	*ret_threads = 0;
	*ret_calls = 0;
	while (rump_pub_proc_next(pi.pi_pid, &pi) == 0) {
		*ret_calls += pi.pi_calls;
		if (!pi.pi_remote)
			continue;
		*ret_threads += pi.pi_threads;
		n++;
	}
	return n;
}

unsigned int
metrics_clients(void)
{
	unsigned int threads;
	uint64_t calls;

	return count_procs(&threads, &calls);
}

static void
json_head(struct textbuf *tb)
{
	struct server_memory sm = { 0, 0 };
	unsigned int clients, threads;
	uint64_t calls;

	clients = count_procs(&threads, &calls);
	(void)server_memory(&sm);
	text_printf(tb, "{\"name\": ");
	text_json(tb, server_place.pl_name);
	text_printf(tb, ", \"pid\": %d, \"url\": ", (int)getpid());
	text_json(tb, server_url());
	text_printf(tb, ", \"uptime\": %.3f, \"clients\": %u, \"client_threads\": %u, \"calls\": %llu",
	    net_seconds() - server_started, clients, threads, (unsigned long long)calls);
	text_printf(tb, ", \"memory\": {\"private\": %llu, \"resident\": %llu, \"kernel\": %llu}",
	    (unsigned long long)sm.sm_private, (unsigned long long)sm.sm_resident,
	    (unsigned long long)kvar_number("memory.used"));
}

void
metrics_info(struct textbuf *tb)
{
	json_head(tb);
	text_printf(tb, "}\n");
}

static void
json_procs(struct textbuf *tb)
{
	struct rump_procinfo pi = { .pi_pid = 0 };
	const char *separator = "";

	text_printf(tb, ", \"procs\": [");
	while (rump_pub_proc_next(pi.pi_pid, &pi) == 0) {
		text_printf(tb, "%s{\"pid\": %d, \"ppid\": %d, \"uid\": %u, \"threads\": %u, "
		    "\"files\": %u, \"calls\": %llu, \"remote\": %s, \"age\": %.3f, \"comm\": ",
		    separator, pi.pi_pid, pi.pi_ppid, pi.pi_uid, pi.pi_threads, pi.pi_files,
		    (unsigned long long)pi.pi_calls, pi.pi_remote ? "true" : "false",
		    (double)pi.pi_age / 1e9);
		text_json(tb, pi.pi_comm);
		text_printf(tb, "}");
		separator = ", ";
	}
	text_printf(tb, "]");
}

static void
json_interface(const struct iface_counters *ic, void *arg)
{
	struct textbuf *tb = arg;

	text_printf(tb, "%s{\"name\": ", ic->ic_first ? "" : ", ");
	text_json(tb, ic->ic_name);
	text_printf(tb, ", \"up\": %s, \"mtu\": %u", ic->ic_up ? "true" : "false", ic->ic_mtu);
	for (size_t i = 0; i < IFACE_NCOUNTERS; i++)
		text_printf(tb, ", \"%s\": %llu", iface_counter_names[i],
		    (unsigned long long)ic->ic_count[i]);
	text_printf(tb, "}");
}

static int
json_kvar(const char *name, const char *about, void *arg)
{
	struct textbuf *tb = arg;
	char value[1024];

	if (rump_pub_kvar_read(name, value, sizeof(value)) != 0)
		return 0;
	text_printf(tb, "%s", tb->tb_text[tb->tb_len - 1] == '{' ? "" : ", ");
	text_json(tb, name);
	text_printf(tb, ": ");
	if (is_number(value))
		text_printf(tb, "%s", value);
	else
		text_json(tb, value);
	return tb->tb_bad;
}

void
metrics_json(struct textbuf *tb)
{
	json_head(tb);
	json_procs(tb);
	text_printf(tb, ", \"interfaces\": [");
	iface_iterate(json_interface, tb);
	text_printf(tb, "], \"variables\": {");
	if (!tb->tb_bad)
		(void)rump_pub_kvar_iterate("", json_kvar, tb);
	text_printf(tb, "}}\n");
}

/* --- Prometheus ----------------------------------------------------------------------- */

static void
prometheus_value(struct textbuf *tb, const char *name, const char *type, const char *about,
    double value)
{
	text_printf(tb, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, about, name, type, name,
	    value);
}

static int
prometheus_kvar(const char *name, const char *about, void *arg)
{
	struct textbuf *tb = arg;
	char value[64], renamed[160] = "rumpus_";
	size_t n = strlen(renamed);

	if (rump_pub_kvar_read(name, value, sizeof(value)) != 0 || !is_number(value))
		return 0;
	for (; *name != '\0' && n < sizeof(renamed) - 1; name++)
		renamed[n++] = isalnum((unsigned char)*name) ?
		    (char)tolower((unsigned char)*name) : '_';
	renamed[n] = '\0';
	text_printf(tb, "# HELP %s %s\n# TYPE %s untyped\n%s %s\n", renamed, about, renamed, renamed,
	    value);
	return tb->tb_bad;
}

static void
prometheus_interface(const struct iface_counters *ic, void *arg)
{
	struct textbuf *tb = arg;

	for (size_t i = 0; i < IFACE_NCOUNTERS; i++)
		text_printf(tb, "rumpus_interface_%s_total{interface=\"%s\"} %llu\n",
		    iface_counter_names[i], ic->ic_name, (unsigned long long)ic->ic_count[i]);
}

void
metrics_prometheus(struct textbuf *tb)
{
	struct server_memory sm;
	unsigned int clients, threads;
	uint64_t calls;

	clients = count_procs(&threads, &calls);
	prometheus_value(tb, "rumpus_up_seconds", "gauge", "Seconds since the server started.",
	    net_seconds() - server_started);
	prometheus_value(tb, "rumpus_clients", "gauge", "Processes of clients.", clients);
	prometheus_value(tb, "rumpus_client_threads", "gauge", "Threads of clients.", threads);
	prometheus_value(tb, "rumpus_calls", "gauge", "System calls of procs that live.",
	    (double)calls);
	if (server_memory(&sm)) {
		prometheus_value(tb, "rumpus_memory_private_bytes", "gauge",
		    "Memory that is this process's alone.", (double)sm.sm_private);
		prometheus_value(tb, "rumpus_memory_resident_bytes", "gauge", "Resident memory.",
		    (double)sm.sm_resident);
	}
	iface_iterate(prometheus_interface, tb);
	(void)rump_pub_kvar_iterate("", prometheus_kvar, tb);
}

/* --- where it goes ------------------------------------------------------------------- */

static int
open_socket(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int error = 0;

	if (strlen(path) >= sizeof(sun.sun_path) || path[0] == '\0')
		return usage_error("--metrics: '%s' is no path of a socket", path);
	strcpy(sun.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path);
	metrics_socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (metrics_socket == -1 ||
	    bind(metrics_socket, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
	    listen(metrics_socket, 16) != 0)
		error = errno;
	return error != 0 ? complain(path, "listen", error) : EX_DONE;
}

static int
open_file(char *path)
{
	char *comma = strrchr(path, ',');

	metrics_period = FILE_PERIOD;
	if (comma != NULL && net_number(comma + 1, 86400, &metrics_period) && metrics_period > 0)
		*comma = '\0';
	metrics_file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644);
	return metrics_file == -1 ? complain(path, "open", errno) : EX_DONE;
}

int
metrics_open(void)
{
	char *where = server_options.so_metrics;

	if (where == NULL)
		return EX_DONE;
	if (strncmp(where, "unix:", 5) == 0)
		return open_socket(where + 5);
	if (strncmp(where, "file:", 5) == 0)
		return open_file(where + 5);
	return usage_error("--metrics=%s: unix:PATH or file:PATH", where);
}

int
metrics_fd(void)
{
	return metrics_socket;
}

/* A browser's or collector's request is not looked at: there is one thing to say. */
void
metrics_answer(struct textbuf *tb)
{
	struct textbuf body = { .tb_text = NULL };

	metrics_prometheus(&body);
	text_printf(tb, "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n", body.tb_len);
	if (body.tb_len > 0)
		text_printf(tb, "%s", body.tb_text);
	tb->tb_bad = tb->tb_bad || body.tb_bad;
	text_free(&body);
}

/* Not before what goes wrong can be told in the right place. */
void
metrics_start(void)
{
	metrics_ready = true;
}

int
metrics_wait(void)
{
	double left = metrics_next - net_seconds();

	if (metrics_file == -1)
		return -1;
	if (!metrics_ready)
		return 20;
	return left > 0 ? (int)(left * 1000) + 1 : 0;
}

/* The new text over the old one, then the rest is cut off. */
void
metrics_tick(void)
{
	struct textbuf tb = { .tb_text = NULL };
	static bool complained;

	if (metrics_file == -1 || !metrics_ready || net_seconds() < metrics_next)
		return;
	metrics_next = net_seconds() + (double)metrics_period;
	metrics_prometheus(&tb);
	if (!tb.tb_bad && (pwrite(metrics_file, tb.tb_text, tb.tb_len, 0) != (ssize_t)tb.tb_len ||
	    ftruncate(metrics_file, (off_t)tb.tb_len) != 0) && !complained) {
		server_log(LOG_ERR, "metrics: write: %s", strerror(errno));
		complained = true;
	}
	text_free(&tb);
}
