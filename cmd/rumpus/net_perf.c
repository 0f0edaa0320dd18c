/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * net_perf.c - rumpus net perf: how fast
 *
 * The client connects and says in one line what it wants: "bulk", "reverse" or "rr",
 * with the size of a message.  For bulk the receiver counts, since bytes in a send buffer
 * have gone nowhere yet, and the client is told the sum at the end.
 */

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "json_impl.h"
#include "net.h"

static const struct option options[] = {
	{ "rr", no_argument, NULL, 'x' },
	{ "reverse", no_argument, NULL, 'r' },
	NET_OPTIONS,
};

#define PERF_PORT	5201
#define MAXSTREAMS	64
#define MAXLEN		(1 << 20)
#define HELLO		32		/* bytes of the first line, padded with NULs */

enum mode { BULK, REVERSE, RR };
static const char *const mode_words[] = { "bulk", "reverse", "rr" };

struct perf {
	bool		 p_server;
	int		 p_family;
	enum mode	 p_mode;
	unsigned long	 p_port, p_len, p_streams, p_count;	/* count: 0: until stopped */
	double		 p_seconds;
	struct sockaddr_storage p_to;
	socklen_t	 p_tolen;
};

struct stream {
	const struct perf *s_perf;
	pthread_t	 s_thread;
	int		 s_fd;
	uint64_t	 s_bytes, s_trips;
	double		 s_seconds;
	int		 s_error;
};

static int
send_all(int fd, const char *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = rump_sys_send(fd, buf, len, MSG_NOSIGNAL);
		if (n == -1)
			return errno;
	}
	return 0;
}

static int
receive_all(int fd, char *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = rump_sys_recv(fd, buf, len, MSG_WAITALL);
		if (n <= 0)
			return n == 0 ? ECONNRESET : errno;
	}
	return 0;
}

/* To the end of the stream. */
static int
drain(int fd, char *buf, size_t len, uint64_t *ret_bytes)
{
	uint64_t bytes = 0;
	ssize_t n;

	while ((n = rump_sys_recv(fd, buf, len, 0)) > 0)
		bytes += (uint64_t)n;
	*ret_bytes = bytes;
	return n == -1 ? errno : 0;
}

static int
fill(int fd, const char *buf, size_t len, double seconds, uint64_t *ret_bytes)
{
	double end = net_seconds() + seconds;
	int error = 0;

	while (error == 0 && !net_stopped() && net_seconds() < end) {
		error = send_all(fd, buf, len);
		*ret_bytes += error == 0 ? len : 0;
	}
	(void)rump_sys_shutdown(fd, SHUT_WR);
	return error;
}

static void
no_delay(int fd)
{
	int one = 1;

	(void)rump_sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

/* --- the server's side ---------------------------------------------------------------- */

static void
serve_rr(int fd, char *buf, size_t len)
{
	no_delay(fd);
	while (receive_all(fd, buf, len) == 0 && send_all(fd, buf, len) == 0)
		continue;
}

static void *
serve_one(void *arg)
{
	char hello[HELLO + 1] = "", word[16], *buf = malloc(MAXLEN);
	int fd = (int)(intptr_t)arg;
	uint64_t bytes = 0;
	size_t len = 0;
	double seconds = 0;

	if (buf != NULL && receive_all(fd, hello, HELLO) == 0 &&
	    sscanf(hello, "%15s %zu %lf", word, &len, &seconds) == 3 && len > 0 && len <= MAXLEN &&
	    seconds >= 0 && seconds < 1e6) {
		memset(buf, 'x', len);
		if (strcmp(word, "rr") == 0) {
			serve_rr(fd, buf, len);
		} else if (strcmp(word, "reverse") == 0) {
			(void)fill(fd, buf, len, seconds, &bytes);
			(void)drain(fd, buf, len, &bytes);
		} else if (drain(fd, buf, len, &bytes) == 0) {
			(void)send_all(fd, (const char *)&bytes, sizeof(bytes));
		}
	}
	rump_sys_close(fd);
	free(buf);
	return NULL;
}

static int
perf_serve(const struct perf *p)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)p->p_port) };
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons((uint16_t)p->p_port) };
	bool v6 = p->p_family == AF_INET6;
	unsigned long served = 0;
	pthread_t thread;
	int fd, conn, one = 1;

	fd = rump_sys_socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
	if (fd == -1)
		return net_fail("perf", "open a socket");
	(void)rump_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (rump_sys_bind(fd, v6 ? (struct sockaddr *)&any6 : (struct sockaddr *)&any,
	    v6 ? sizeof(any6) : sizeof(any)) == -1 || rump_sys_listen(fd, MAXSTREAMS) == -1)
		return net_fail("perf", "listen");
	fputs("listening\n", stderr);
	while (!net_stopped() && (p->p_count == 0 || served < p->p_count)) {
		if (net_wait(fd, POLLIN, -1) == 0)
			continue;
		conn = rump_sys_accept(fd, NULL, NULL);
		if (conn == -1)
			continue;
		if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)conn) != 0) {
			rump_sys_close(conn);
			continue;
		}
		served++;
		if (p->p_count != 0 && served == p->p_count)
			pthread_join(thread, NULL);
		else
			pthread_detach(thread);
	}
	rump_sys_close(fd);
	return EX_DONE;
}

/* --- the client's side ------------------------------------------------------------------- */

static int
stream_rr(struct stream *s, char *buf)
{
	size_t len = s->s_perf->p_len;
	double end = net_seconds() + s->s_perf->p_seconds;
	int error = 0;

	no_delay(s->s_fd);
	while (error == 0 && !net_stopped() && net_seconds() < end) {
		error = send_all(s->s_fd, buf, len);
		if (error == 0)
			error = receive_all(s->s_fd, buf, len);
		s->s_trips += error == 0;
	}
	s->s_bytes = s->s_trips * len;
	return error;
}

static int
stream_run(struct stream *s, char *buf)
{
	const struct perf *p = s->s_perf;
	char hello[HELLO] = "";
	double begin;
	int error;

	(void)snprintf(hello, sizeof(hello), "%s %lu %.3f", mode_words[p->p_mode], p->p_len,
	    p->p_seconds);
	error = send_all(s->s_fd, hello, sizeof(hello));
	if (error)
		return error;
	begin = net_seconds();
	if (p->p_mode == RR) {
		error = stream_rr(s, buf);
	} else if (p->p_mode == REVERSE) {
		error = drain(s->s_fd, buf, p->p_len, &s->s_bytes);
	} else {
		error = fill(s->s_fd, buf, p->p_len, p->p_seconds, &s->s_bytes);
		/* What arrived, and that it has: the time ends with the answer. */
		if (error == 0)
			error = receive_all(s->s_fd, (char *)&s->s_bytes, sizeof(s->s_bytes));
	}
	s->s_seconds = net_seconds() - begin;
	return error;
}

static void *
stream_main(void *arg)
{
	struct stream *s = arg;
	char *buf = malloc(MAXLEN);

	if (buf == NULL) {
		s->s_error = ENOMEM;
		return NULL;
	}
	memset(buf, 'x', s->s_perf->p_len);
	s->s_error = stream_run(s, buf);
	free(buf);
	return NULL;
}

static void
report(const struct perf *p, const struct stream *s)
{
	double seconds = 0, rate;
	uint64_t bytes = 0, trips = 0;
	json_t *o;

	for (unsigned long i = 0; i < p->p_streams; i++) {
		bytes += s[i].s_bytes;
		trips += s[i].s_trips;
		seconds = s[i].s_seconds > seconds ? s[i].s_seconds : seconds;
	}
	rate = seconds > 0 ? (double)bytes / seconds : 0;
	if (want_json) {
		json_begin();
		o = json_object();
		json_set_text(o, "mode", mode_words[p->p_mode]);
		json_set_number(o, "streams", p->p_streams);
		json_set_number(o, "bytes", bytes);
		json_object_set_new(o, "seconds", json_real(seconds));
		json_object_set_new(o, "bytes_per_second", json_real(rate));
		if (p->p_mode == RR) {
			json_set_number(o, "trips", trips);
			json_object_set_new(o, "trip_us", json_real(trips > 0 ?
			    seconds * 1e6 * (double)p->p_streams / (double)trips : 0));
		}
		json_print(o);
		json_end();
	} else if (p->p_mode == RR) {
		printf("%llu round trips of %lu bytes in %.2f s: %.0f a second, %.2f us each\n",
		    (unsigned long long)trips, p->p_len, seconds,
		    seconds > 0 ? (double)trips / seconds : 0,
		    trips > 0 ? seconds * 1e6 * (double)p->p_streams / (double)trips : 0);
	} else {
		printf("%llu bytes in %.2f s: %.3f GB/s, %.2f Gbit/s\n", (unsigned long long)bytes,
		    seconds, rate / 1e9, rate * 8 / 1e9);
	}
}

static int
perf_client(const struct perf *p, const char *host)
{
	static struct stream s[MAXSTREAMS];
	unsigned long n = 0;
	int code = EX_DONE;

	memset(s, 0, sizeof(s));
	for (; n < p->p_streams && code == EX_DONE; n++) {
		s[n].s_perf = p;
		s[n].s_fd = rump_sys_socket(p->p_to.ss_family, SOCK_STREAM, 0);
		if (s[n].s_fd == -1 ||
		    rump_sys_connect(s[n].s_fd, (const struct sockaddr *)&p->p_to, p->p_tolen) == -1)
			code = net_fail(host, "connect");
		else if (pthread_create(&s[n].s_thread, NULL, stream_main, &s[n]) != 0)
			code = complain("perf", "start a thread", EAGAIN);
		if (code != EX_DONE)
			break;
	}
	for (unsigned long i = 0; i < n; i++) {
		pthread_join(s[i].s_thread, NULL);
		if (s[i].s_error != 0 && code == EX_DONE)
			code = complain(host, "transfer", s[i].s_error);
	}
	for (unsigned long i = 0; i < p->p_streams; i++) {
		if (s[i].s_perf != NULL && s[i].s_fd != -1)
			rump_sys_close(s[i].s_fd);
	}
	if (code == EX_DONE)
		report(p, s);
	return code;
}

static int
perf_option(struct perf *p, int opt)
{
	bool good = true;

	switch (opt) {
	case '4':
	case '6':
		p->p_family = opt == '4' ? AF_INET : AF_INET6;
		break;
	case 's':
		p->p_server = true;
		break;
	case 'r':
		p->p_mode = REVERSE;
		break;
	case 'x':
		p->p_mode = RR;
		break;
	case 'c':
		good = net_number(optarg, 1000000, &p->p_count);
		break;
	case 't':
		good = net_duration(optarg, &p->p_seconds);
		break;
	case 'P':
		good = net_number(optarg, MAXSTREAMS, &p->p_streams) && p->p_streams > 0;
		break;
	case 'p':
		good = net_number(optarg, 65535, &p->p_port) && p->p_port > 0;
		break;
	case 'l':
		good = net_number(optarg, MAXLEN, &p->p_len) && p->p_len > 0;
		break;
	default:
		return net_option(opt);
	}
	return good ? -1 : usage_error("-%c: '%s' makes no sense", opt, optarg);
}

int
net_perf(int argc, char **argv)
{
	static struct perf p;
	int opt, code;

	p = (struct perf){ .p_port = PERF_PORT, .p_streams = 1, .p_seconds = 3 };
	while ((opt = getopt_long(argc, argv, "46src:t:P:p:l:", options, NULL)) != -1) {
		code = perf_option(&p, opt);
		if (code != -1)
			return code;
	}
	if (p.p_len == 0)
		p.p_len = p.p_mode == RR ? 1 : 131072;
	if (optind != argc - (p.p_server ? 0 : 1))
		return usage_error("perf: an address, or -s");
	code = net_boot();
	if (code == EX_DONE && p.p_server)
		code = perf_serve(&p);
	else if (code == EX_DONE) {
		code = net_target(argv[optind], (uint16_t)p.p_port, p.p_family, &p.p_to, &p.p_tolen);
		if (code == EX_DONE)
			code = perf_client(&p, argv[optind]);
	}
	note_failure(code);
	return code == EX_DONE ? finish_output() : code;
}
