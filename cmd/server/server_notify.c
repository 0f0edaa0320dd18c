/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_notify.c - telling systemd how it goes
 *
 * A datagram to the socket that NOTIFY_SOCKET names; the protocol is stable and a few
 * lines, so no library is asked.  The socket is opened before the lock-in.
 *
 * References: sd_notify(3), sd_watchdog_enabled(3).
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../rumpus/net.h"
#include "server.h"

static int notify_fd = -1;
static unsigned int watchdog_ms;

static void
watchdog_read(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long n;

	if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid()))
		return;
	/* Half of what is allowed, as the manual advises. */
	if (net_number(usec, 3600UL * 1000000, &n) && n >= 2000)
		watchdog_ms = (unsigned int)(n / 2000);
}

void
server_notify_open(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;

	if (len < 2 || len >= sizeof(sun.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd == -1)
		return;
	if (connect(notify_fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) != 0) {
		server_log(4, "NOTIFY_SOCKET=%s: %s", path, strerror(errno));
		close(notify_fd);
		notify_fd = -1;
		return;
	}
	watchdog_read();
}

void
server_notify(const char *text)
{
	if (notify_fd != -1)
		(void)send(notify_fd, text, strlen(text), MSG_NOSIGNAL);
}

unsigned int
server_notify_watchdog(void)
{
	return notify_fd != -1 ? watchdog_ms : 0;
}
