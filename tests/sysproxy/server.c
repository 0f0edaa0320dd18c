/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server.c - a kernel that serves, for the tests of clients
 *
 *	sp_server [VARIABLE=VALUE | URL]...
 *
 * Says "ready" on its standard output when it can be reached, and ends when
 * its standard input does.  An 's' there announces the end.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

int
main(int argc, char **argv)
{
	char byte;
	int error;

	error = rump_init();
	for (int i = 1; i < argc && error == 0; i++) {
		char *value = strchr(argv[i], '=');

		if (value == NULL) {
			error = rump_init_server(argv[i]);
			continue;
		}
		*value++ = '\0';
		error = rump_pub_kvar_write(argv[i], value);
	}
	if (error) {
		fprintf(stderr, "sp_server: %s\n", strerror(error));
		return 1;
	}
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0) {
		if (byte == 's' && rump_server_stopping(100) != 0)
			return 1;
	}
	return rump_shutdown() == 0 ? 0 : 1;
}
