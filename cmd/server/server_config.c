/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_config.c - a file instead of a long command line
 *
 * A line is an option's word and its value, exactly as on the command line without
 * the dashes:
 *
 *	# a host with a disk
 *	name	lab
 *	net	shm:/tmp/bus,10.0.0.1/24
 *	mount	disk.img:2:/srv
 *
 * A format of its own, since there is nothing else to say than options: nobody has to
 * learn a second vocabulary, and no library parses it.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../rumpus/net_impl.h"
#include "server.h"

#define LINE_MAX_BYTES	4096

/* -1: go on. */
static int
config_line(char *line)
{
	char *words[4];
	int n = net_words(line, words, 4);

	if (n == 0)
		return -1;
	if (n < 0 || n > 2)
		return usage_error("more than an option and its value; quotes hold words together");
	if (strncmp(words[0], "--", 2) == 0)
		words[0] += 2;
	return server_option_named(words[0], n == 2 ? words[1] : NULL);
}

int
server_config(const char *path)
{
	char line[LINE_MAX_BYTES];
	int code = -1, number = 0;
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return complain(path, "open", errno);
	while (code == -1 && fgets(line, sizeof(line), file) != NULL) {
		number++;
		if (strchr(line, '\n') == NULL && !feof(file))
			code = usage_error("a line of more than %d bytes", LINE_MAX_BYTES - 2);
		else
			code = config_line(line);
	}
	if (code == -1 && ferror(file))
		code = complain(path, "read", errno);
	else if (code != -1)
		warn_text("%s: line %d", path, number);
	fclose(file);
	return code;
}
