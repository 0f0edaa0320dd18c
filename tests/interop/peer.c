/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * peer.c - reads lines, runs verbs, writes replies
 */

#include <sys/resource.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "peer.h"

#define DESCRIPTORS	60000

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

void
reply(struct job *j, const char *fmt, ...)
{
	size_t len = strlen(j->j_reply);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(j->j_reply + len, sizeof(j->j_reply) - len, fmt, ap);
	va_end(ap);
}

const char *
arg(const struct job *j, unsigned int n)
{
	return n + 2 < j->j_nwords ? j->j_word[n + 2] : "";
}

long
arg_num(const struct job *j, unsigned int n)
{
	return strtol(arg(j, n), NULL, 0);
}

/* "%N" behind an IPv6 address is an interface of our kernel, by number. */
socklen_t
addr_parse(const char *text, long port, struct sockaddr_storage *ret_ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ret_ss;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret_ss;
	char copy[INET6_ADDRSTRLEN + 16], *percent;

	memset(ret_ss, 0, sizeof(*ret_ss));
	(void)snprintf(copy, sizeof(copy), "%s", text);
	if (inet_pton(AF_INET, copy, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons((uint16_t)port);
		return sizeof(*sin);
	}
	percent = strchr(copy, '%');
	if (percent != NULL) {
		*percent = '\0';
		sin6->sin6_scope_id = (uint32_t)strtoul(percent + 1, NULL, 10);
	}
	if (inet_pton(AF_INET6, copy, &sin6->sin6_addr) != 1)
		return 0;
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons((uint16_t)port);
	return sizeof(*sin6);
}

void
addr_format(const struct sockaddr_storage *ss, char *text, size_t size)
{
	const struct sockaddr_in *sin = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	char host[INET6_ADDRSTRLEN] = "-";

	if (ss->ss_family == AF_INET)
		(void)inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
	else if (ss->ss_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
	(void)snprintf(text, size, "%s %u", host,
	    ss->ss_family == AF_INET6 ? ntohs(sin6->sin6_port) : ntohs(sin->sin_port));
}

static uint32_t crc_table[256];

static void
crc_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 8; bit++)
			c = (c & 1) != 0 ? c >> 1 ^ 0xedb88320 : c >> 1;
		crc_table[i] = c;
	}
}

uint32_t
crc32_add(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	crc = ~crc;
	while (len-- > 0)
		crc = crc >> 8 ^ crc_table[(uint8_t)crc ^ *p++];
	return ~crc;
}

/* --- lines ------------------------------------------------------------------------- */

static const struct verb *
verb_find(const char *name)
{
	static const struct verb *const tables[] = {
		verbs_conf, verbs_socket, verbs_stream, verbs_ping,
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct verb *v = tables[i]; v->v_name != NULL; v++) {
			if (strcmp(v->v_name, name) == 0)
				return v;
		}
	}
	return NULL;
}

static void
job_split(struct job *j)
{
	char *save = NULL;
	char *word = strtok_r(j->j_line, " \n", &save);

	while (word != NULL && j->j_nwords < PEER_WORDS - 1) {
		j->j_word[j->j_nwords++] = word;
		word = strtok_r(NULL, " \n", &save);
	}
}

static void *
job_run(void *jobp)
{
	struct job *j = jobp;
	const struct verb *v = verb_find(j->j_word[1]);
	int error = ENOSYS;

	if (v != NULL)
		error = j->j_nwords < v->v_least + 2 ? EINVAL : v->v_run(j);
	(void)pthread_mutex_lock(&out_lock);
	if (error == 0)
		(void)printf("%s ok %s\n", j->j_word[0], j->j_reply);
	else
		(void)printf("%s err %s\n", j->j_word[0], rump_errname(error));
	(void)fflush(stdout);
	(void)pthread_mutex_unlock(&out_lock);
	free(j->j_line);
	free(j);
	return NULL;
}

static void
job_start(const char *line)
{
	struct job *j = calloc(1, sizeof(*j));
	pthread_t thread;

	if (j == NULL || (j->j_line = strdup(line)) == NULL)
		abort();
	job_split(j);
	if (j->j_nwords < 2) {
		free(j->j_line);
		free(j);
		return;
	}
	if (pthread_create(&thread, NULL, job_run, j) != 0)
		abort();
	(void)pthread_detach(thread);
}

int
main(void)
{
	struct rlimit rl = { DESCRIPTORS, DESCRIPTORS };
	char line[4096];
	int error;

	crc_init();
	error = rump_init();
	if (error) {
		(void)fprintf(stderr, "rump_init: %s\n", rump_strerror(error));
		return 1;
	}
	if (rump_sys_setrlimit(RLIMIT_NOFILE, &rl) != 0) {
		perror("setrlimit");
		return 1;
	}
	while (fgets(line, sizeof(line), stdin) != NULL)
		job_start(line);
	/* Threads may sleep for ever in the kernel: the script has left us. */
	_Exit(0);
}
