/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * console.c - what the kernel said, kept for the test to look at
 */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "sim_impl.h"

#define CONSOLE_MAX	((size_t)16 << 20)	/* a kernel gone mad */
#define DUMP_MAX	((size_t)16 << 10)

/* All: the baton. */
static char *console_text;		/* console_len bytes and a NUL */
static size_t console_len;
static size_t console_size;
static enum { ECHO_UNKNOWN, ECHO_ON, ECHO_OFF } console_echo;

static void
console_put(const char *buf, size_t len)
{
	ssize_t n;

	for (; len > 0; buf += n, len -= (size_t)n) {
		n = write(STDERR_FILENO, buf, len);
		if (n <= 0)
			break;
	}
}

static bool
console_grow(size_t need)
{
	size_t size = console_size;
	char *text;

	if (need <= size)
		return true;
	if (need > CONSOLE_MAX)
		return false;
	while (size < need)
		size = size * 2 + 4096;
	text = realloc(console_text, size);
	if (text == NULL)
		return false;
	console_text = text;
	console_size = size;
	return true;
}

void
rumpuser_console_write(const char *buf, size_t len)
{

	(void)sim_self();
	if (console_echo == ECHO_UNKNOWN)
		console_echo = getenv("RUMPSIM_VERBOSE") != NULL ? ECHO_ON :
		    ECHO_OFF;
	if (console_echo == ECHO_ON)
		console_put(buf, len);
	if (console_grow(console_len + len + 1)) {
		memcpy(console_text + console_len, buf, len);
		console_len += len;
		console_text[console_len] = '\0';
	}
}

/* The end, in case of trouble, unless it was seen already. */
void
simconsole_dump(void)
{
	size_t skip = console_len > DUMP_MAX ? console_len - DUMP_MAX : 0;

	if (console_echo != ECHO_ON && console_len > 0)
		console_put(console_text + skip, console_len - skip);
}

const char *
rumpsim_console(void)
{

	(void)sim_self();
	return console_len > 0 ? console_text : "";
}

void
rumpsim_console_clear(void)
{

	(void)sim_self();
	console_len = 0;
	if (console_text != NULL)
		console_text[0] = '\0';
}

void
rumpsim_console_echo(bool on)
{

	(void)sim_self();
	console_echo = on ? ECHO_ON : ECHO_OFF;
}
