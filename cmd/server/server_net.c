/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_net.c - what interfaces will open, looked at before the lock-in
 */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "lockin.h"
#include "server.h"

/* An empty file becomes a bus, or a capture, when somebody comes to use it. */
static int
make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);

	if (fd == -1)
		return complain(path, "open", errno);
	close(fd);
	lockin_allow(path, LOCKIN_READ | LOCKIN_WRITE);
	return EX_DONE;
}

int
net_interfaces_prepare(void)
{
	int code = EX_DONE;
	size_t n;
	const struct netif *ni = net_interfaces(&n);

	for (size_t i = 0; code == EX_DONE && i < n; i++) {
		if (ni[i].ni_link != NULL && strncmp(ni[i].ni_kind, "shm", 3) == 0)
			code = make_file(ni[i].ni_link);
		else if (strcmp(ni[i].ni_kind, "passt") == 0)
			server_options.so_landlock = false;	/* a program of its own, with files */
		else
			lockin_allow("/dev/net/tun", LOCKIN_READ | LOCKIN_WRITE | LOCKIN_DEVICE);
		if (code == EX_DONE && ni[i].ni_capture != NULL)
			code = make_file(ni[i].ni_capture);
	}
	return code;
}
