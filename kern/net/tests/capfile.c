/* SPDX-License-Identifier: BSD-2-Clause */

#include "capfile.h"

#include <stdio.h>
#include <unistd.h>

static char path[64];

const char *
harness_capture_path(void)
{
	if (path[0] == '\0') {
		(void)snprintf(path, sizeof(path), "/tmp/t_capture.%d", (int)getpid());
		(void)unlink(path);
	}
	return path;
}

size_t
harness_capture_read(void *buf, size_t size)
{
	FILE *f = fopen(harness_capture_path(), "r");
	size_t n = f != NULL ? fread(buf, 1, size, f) : 0;

	if (f != NULL)
		(void)fclose(f);
	(void)unlink(path);
	return n;
}
