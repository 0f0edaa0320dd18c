/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script.c - runs packet scripts
 *
 * The interpreter is one loop over lines; each verb is a function on struct
 * script, found in a table.  After the script the socket is closed, two minutes pass, and
 * nothing of TCP may be left.
 */

#include "tcp_script_impl.h"

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/condvar.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/qsbr.h>

static struct script the;

uint8_t
script_octet(uint32_t at)
{
	return (uint8_t)(at * 7 + at / 251);
}

void
script_complain(struct script *s, const char *what, int64_t want, int64_t got)
{
	char text[200];

	snprintf(text, sizeof(text), "line %u: %s", s->s_line, what);
	if (!CHECK_EQ(text, want, got))
		s->s_failed = true;
}

/* --- words and numbers --------------------------------------------------------------- */

static bool
next_line(struct script *s)
{
	size_t n = 0;
	char *p;

	if (*s->s_text == '\0')
		return false;
	s->s_line++;
	while (*s->s_text != '\0' && *s->s_text != '\n') {
		NEED(n < sizeof(s->s_buf) - 1);
		s->s_buf[n++] = *s->s_text++;
	}
	if (*s->s_text == '\n')
		s->s_text++;
	s->s_buf[n] = '\0';
	p = strchr(s->s_buf, '#');
	if (p != NULL)
		*p = '\0';
	s->s_nwords = 0;
	for (p = s->s_buf; *p != '\0';) {
		while (*p == ' ' || *p == '\t')
			*p++ = '\0';
		if (*p == '\0')
			break;
		NEED(s->s_nwords < MAXWORDS - 1);
		s->s_word[s->s_nwords++] = p;
		while (*p != '\0' && *p != ' ' && *p != '\t')
			p++;
	}
	s->s_word[s->s_nwords] = NULL;
	return true;
}

uint32_t
script_number(const char **pp)
{
	uint32_t v = 0;
	bool minus = **pp == '-';

	if (minus)
		(*pp)++;
	if (**pp < '0' || **pp > '9') {
		harness_note("line %u: a number is missing at \"%s\"", the.s_line, *pp);
		NEED(!"a number");
	}
	while (**pp >= '0' && **pp <= '9')
		v = v * 10 + (uint32_t)(*(*pp)++ - '0');
	return minus ? 0 - v : v;
}

uint32_t
script_arg(const struct script *s, unsigned int i)
{
	const char *p = s->s_word[i];

	NEED(i < s->s_nwords);
	return script_number(&p);
}

bool
script_is(const struct script *s, unsigned int i, const char *word)
{
	return i < s->s_nwords && strcmp(s->s_word[i], word) == 0;
}

static const struct { const char *name; int value; } errnos[] = {
	{ "EAGAIN", EAGAIN }, { "EPIPE", EPIPE }, { "ECONNRESET", ECONNRESET },
	{ "ECONNREFUSED", ECONNREFUSED }, { "ETIMEDOUT", ETIMEDOUT },
	{ "EINPROGRESS", EINPROGRESS }, { "EALREADY", EALREADY }, { "EISCONN", EISCONN },
	{ "ENOTCONN", ENOTCONN }, { "EINVAL", EINVAL }, { "EHOSTUNREACH", EHOSTUNREACH },
	{ "ENETUNREACH", ENETUNREACH }, { "EADDRINUSE", EADDRINUSE },
	{ "EADDRNOTAVAIL", EADDRNOTAVAIL }, { "ECONNABORTED", ECONNABORTED },
};

int
script_errno(const char *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(errnos); i++) {
		if (strcmp(w, errnos[i].name) == 0)
			return -errnos[i].value;
	}
	return (int)script_number(&w);
}

int
script_wanted(struct script *s, int otherwise)
{
	for (unsigned int i = 1; i + 1 < s->s_nwords; i++) {
		if (script_is(s, i, "=")) {
			s->s_nwords = i;
			return script_errno(s->s_word[i + 1]);
		}
	}
	return otherwise;
}

/* --- time --------------------------------------------------------------------------- */

void
script_sleep(struct script *s, int64_t then, bool sent)
{
	mutex_enter(&s->s_lock);
	while (clock_mono() < then && !(sent && s->s_sent.pq_head != NULL))
		(void)cv_timedwait(&s->s_cv, &s->s_lock, then);
	mutex_exit(&s->s_lock);
}

void
script_at_time(struct script *s)
{
	if (s->s_plus > 0)
		script_sleep(s, s->s_last + s->s_plus, false);
	s->s_last = clock_mono();
}

/* --- shorthands ------------------------------------------------------------------------------------ */

/* The words behind the verb, as text. */
static void
rest_of(const struct script *s, char *buf, size_t size)
{
	buf[0] = '\0';
	for (unsigned int i = 1; i < s->s_nwords; i++) {
		if (script_is(s, i, "ecn"))
			continue;
		strlcat(buf, s->s_word[i], size);
		strlcat(buf, " ", size);
	}
}

/* Both sides had it in their SYNs. */
static bool
has_word(const struct script *s, const char *word)
{
	for (unsigned int i = 1; i < s->s_nwords; i++) {
		if (script_is(s, i, word))
			return true;
	}
	return false;
}

static void
do_handshake(struct script *s)
{
	char rest[160], text[400];
	bool ts = has_word(s, "ts"), ecn = has_word(s, "ecn");

	rest_of(s, rest, sizeof(rest));
	snprintf(text, sizeof(text), "connect\nout %s 0\n", ecn ? "SEC" : "S");
	script_run_text(s, text);
	s->s_ts = ts;
	snprintf(text, sizeof(text), "+100 in %s 0 ack 1 %s\nout A 1 ack 1\n",
	    ecn ? "SAE" : "SA", rest);
	script_run_text(s, text);
}

static void
do_server(struct script *s)
{
	char rest[160], text[400];

	rest_of(s, rest, sizeof(rest));
	s->s_ts = has_word(s, "ts");
	if (s->s_lso == NULL)
		script_run_text(s, "listen 5\n");
	snprintf(text, sizeof(text), "in S 0 %s\nout SA 0 ack 1\n", rest);
	script_run_text(s, text);
	script_run_text(s, "+100 in A 1 ack 1\naccept\n");
}

/* --- the loop ---------------------------------------------------------------------------------------- */

static const struct { const char *verb; void (*fn)(struct script *); } verbs[] = {
	{ "in", do_in }, { "out", do_out }, { "connect", do_connect }, { "listen", do_listen },
	{ "accept", do_accept }, { "write", do_write }, { "read", do_read }, { "eof", do_eof },
	{ "soerror", do_soerror }, { "close", do_close }, { "shutdown", do_shutdown },
	{ "opt", do_opt }, { "var", do_var }, { "wait", do_wait }, { "none", do_none },
	{ "state", do_look }, { "castate", do_look }, { "cwnd", do_look },
	{ "ssthresh", do_look }, { "rto", do_look }, { "mss", do_look }, { "poll", do_poll },
	{ "icmp", do_icmp }, { "handshake", do_handshake }, { "server", do_server },
	{ "skip", do_skip }, { "rounds", do_rounds }, { "loss", do_loss },
	{ "drop", do_drop }, { "count", do_count },
};

static void
run_line(struct script *s)
{
	const char *p;

	s->s_plus = -1;
	if (s->s_nwords == 0)
		return;
	if (s->s_word[0][0] == '+') {
		p = s->s_word[0] + 1;
		s->s_plus = script_number(&p) * MS;
		s->s_nwords--;
		memmove(s->s_word, s->s_word + 1, (s->s_nwords + 1) * sizeof(s->s_word[0]));
	}
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (script_is(s, 0, verbs[i].verb)) {
			verbs[i].fn(s);
			return;
		}
	}
	harness_note("line %u: what is \"%s\"?", s->s_line, s->s_word[0]);
	NEED(!"a known verb");
}

void
script_run_text(struct script *s, const char *text)
{
	const char *after = s->s_text;
	unsigned int line = s->s_line;

	s->s_text = text;
	while (!s->s_failed && next_line(s)) {
		s->s_line = line;
		run_line(s);
	}
	s->s_text = after;
	s->s_line = line;
}

void
tcp_script_run(const char *text)
{
	struct script *s = &the;

	memset(s, 0, sizeof(*s));
	mutex_init(&s->s_lock, "script");
	cv_init(&s->s_cv, "script");
	script_net_begin(s);
	script_count_begin(s);
	s->s_lport = LPORT;
	s->s_text = text;
	s->s_last = clock_mono();
	while (!s->s_failed && next_line(s))
		run_line(s);
	script_close_socket(&s->s_so);
	script_close_socket(&s->s_lso);
	/* Whatever is under way ends by itself. */
	s->s_last = clock_mono();
	s->s_plus = 3600 * 1000 * MS;
	script_at_time(s);
	qsbr_barrier();
	CHECK_EQ("connections left", 0, pool_outstanding(&tcp_pool));
	if_detach(s->s_ifp);
	if_rele(s->s_ifp);
	packetq_drop(&s->s_sent);
	netns_rele(s->s_ns);
	netns_drain();
}
