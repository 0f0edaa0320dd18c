/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * inside.c - the door of librumphijack_kernel.so
 *
 * The library is the whole kernel, its host, and what "rumpus net up" does to
 * configure one.  We may be called in the middle of a program that is reading its own
 * options, so getopt(3) and its variables are left alone.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/netconfig.h>
#include <rump/rump.h>
#include <rump/rump_syscalls.h>

#include "inside.h"
#include "net.h"

int	__real_pthread_create(pthread_t *ret_thread, const pthread_attr_t *attr,
	    void *(*fn)(void *), void *arg);
int	__wrap_pthread_create(pthread_t *ret_thread, const pthread_attr_t *attr,
	    void *(*fn)(void *), void *arg);

static void (*mark_thread)(void);

/* --- what the configuration wants of the program it is a part of ------------------- */

const struct command *current_command;

int
usage_error(const char *fmt, ...)
{
	va_list ap;

	fputs("rumphijack: RUMPHIJACK_KERNEL: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return EX_USE;
}

int
usage_option(int opt)
{
	return usage_error("option %d", opt);
}

/* --- threads ----------------------------------------------------------------------------- */

struct starting {
	void		*(*st_fn)(void *);
	void		*st_arg;
};

static void *
thread_main(void *arg)
{
	struct starting st = *(struct starting *)arg;

	mark_thread();
	free(arg);
	return st.st_fn(st.st_arg);
}

/* All threads that are made by code of this library. */
int
__wrap_pthread_create(pthread_t *ret_thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	struct starting *st = malloc(sizeof(*st));
	int error;

	if (st == NULL)
		return EAGAIN;
	*st = (struct starting){ fn, arg };
	error = __real_pthread_create(ret_thread, attr, thread_main, st);
	if (error)
		free(st);
	return error;
}

/* --- start ---------------------------------------------------------------------------------- */

/* "--NAME=VALUE" or "--NAME". */
static int
take_word(char *word)
{
	static const struct option options[] = { NET_OPTIONS };
	char *value = strchr(word, '=');
	char *saved = optarg;
	int code = EX_USE;

	if (strncmp(word, "--", 2) != 0)
		return usage_error("'%s' is no option", word);
	if (value != NULL)
		*value++ = '\0';
	for (size_t i = 0; options[i].name != NULL; i++) {
		if (strcmp(word + 2, options[i].name) != 0)
			continue;
		if ((options[i].has_arg == required_argument) != (value != NULL))
			break;
		optarg = value;
		code = net_option(options[i].val);
		optarg = saved;
		return code == -1 ? EX_DONE : code;
	}
	return usage_error("what is '%s'?", word);
}

/* A word a line. */
static int
take_options(void)
{
	const char *env = getenv("RUMPHIJACK_KERNEL");
	char *text, *next, *word;
	int code = EX_DONE;

	if (env == NULL)
		return EX_DONE;
	next = text = strdup(env);
	while (code == EX_DONE && (word = strsep(&next, "\n")) != NULL) {
		if (word[0] != '\0')
			code = take_word(word);
	}
	free(text);
	return code;
}

/* --- name servers --------------------------------------------------------------------------- */

/* What interfaces were told of becomes the kernel's resolv.conf (resolv.conf(5)). */
static void
write_resolvers(void)
{
	struct rump_resolvers list[16];
	char text[4096];
	size_t n = 0, len = 0;
	int fd;

	if (rump_pub_netconfig_resolvers(NULL, list, 16, &n) != 0 || n == 0)
		return;
	for (size_t i = 0; i < n && i < 16; i++) {
		for (uint32_t k = 0; k < list[i].rrv_naddrs && len < sizeof(text) - 512; k++)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "nameserver %s\n",
			    list[i].rrv_address[k]);
		if (list[i].rrv_search[0] != '\0' && len < sizeof(text) - 512)
			len += (size_t)snprintf(text + len, sizeof(text) - len, "search %s\n",
			    list[i].rrv_search);
	}
	(void)rump_sys_mkdir("/etc", 0755);
	fd = rump_sys_open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd == -1)
		return;
	(void)rump_sys_write(fd, text, len);
	(void)rump_sys_close(fd);
}

static const struct inside table = {
	.in_call = rump_syscall_args,
	.in_poll_arm = rump_pub_poll_arm,
	.in_unbind = rump_pub_unbind,
	.in_lend = rump_pub_lend,
	.in_lent = rump_pub_lent,
	.in_interrupt = rump_pub_lwproc_interrupt,
	.in_interrupt_clear = rump_pub_lwproc_interrupt_clear,
	.in_linger = linger,
};

const struct inside *
rump_hijack_inside(void (*thread_is_kernel)(void))
{
	int error;

	mark_thread = thread_is_kernel;
	if (take_options() != EX_DONE)
		return NULL;
	if (getenv("RUMP_VERBOSE") == NULL)
		rump_boot_setverbose(-1);
	error = rump_init();
	if (error) {
		fprintf(stderr, "rumphijack: the kernel does not start: %s\n", strerror(error));
		return NULL;
	}
	if (net_configure() != EX_DONE)
		return NULL;
	write_resolvers();
	return &table;
}
