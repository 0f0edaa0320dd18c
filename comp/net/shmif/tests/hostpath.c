/* SPDX-License-Identifier: BSD-2-Clause */

#include "hostpath.h"

#include <stdio.h>
#include <unistd.h>

static char path[64];

const char *
harness_bus_path(void)
{
	if (path[0] == '\0') {
		(void)snprintf(path, sizeof(path), "%s/t_shmif.%d",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		    (int)getpid());
		(void)unlink(path);
	}
	return path;
}

void
harness_bus_remove(void)
{
	(void)unlink(harness_bus_path());
}

int
harness_bus_truncate(void)
{
	return truncate(harness_bus_path(), 0);
}
