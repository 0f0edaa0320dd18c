/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tool.c - a port of the bus for a tool
 */

#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

const char *tool_name;
volatile bool tool_over;

/* For the handler, which rings our own bell. */
static struct tool_port *caught;

static enum tool_exit
exit_of(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return TOOL_PERMISSION;
	case ENOSPC:
	case EDQUOT:
		return TOOL_NOSPACE;
	case EINVAL:
	case EPROTONOSUPPORT:
		return TOOL_BADFILE;
	default:
		return TOOL_IO;
	}
}

void
tool_fail(const char *path, const char *what, int error)
{
	const char *why = strerror(error);

	if (error == EINVAL)
		why = "is something else, or damaged";
	else if (error == EPROTONOSUPPORT)
		why = "is of another version";
	(void)fprintf(stderr, "%s: %s: %s: %s\n", tool_name, path, what, why);
	exit(exit_of(error));
}

void
tool_join(struct tool_port *tp, const char *path, bool create)
{
	uint64_t mac = 0;
	size_t got = 0;
	void *memory;
	int error;

	error = shmbus_open(&tp->tp_bus, path, create, NULL);
	if (error)
		tool_fail(path, "open", error);
	memory = aligned_alloc(64, (shmbus_port_size(&tp->tp_bus) + 63) / 64 * 64);
	if (memory == NULL)
		tool_fail(path, "open", ENOMEM);
	error = rumpuser_getrandom(&mac, sizeof(mac), &got);
	if (error)
		tool_fail(path, "random address", error);
	/* Local, and nobody's group. */
	mac = (mac & 0xfffffffffcULL) << 8 | 0x02;
	error = shmbus_claim(&tp->tp_bus, memory, mac, tool_name,
	    (uint32_t)getpid(), &tp->tp_port);
	if (error == ENOSPC) {
		(void)fprintf(stderr, "%s: %s: all %u ports are taken\n", tool_name,
		    path, tp->tp_bus.sb_geo.sg_nports);
		exit(TOOL_NOSPACE);
	}
	if (error)
		tool_fail(path, "join", error);
}

void
tool_leave(struct tool_port *tp)
{
	shmbus_leave(tp->tp_port);
	free(tp->tp_port);
	shmbus_close(&tp->tp_bus);
}

static void
handler(int signo)
{
	tool_over = true;
	if (caught != NULL)
		shmbus_ring(&caught->tp_bus, caught->tp_port->sp_index);
}

void
tool_catch(struct tool_port *tp)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = handler };

	caught = tp;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)sigaction(signals[i], &sa, NULL);
}

void
tool_sleep(struct tool_port *tp, bool for_room)
{
	if (!shmbus_arm(tp->tp_port))
		return;
	/* What changes after this look rings, and the bell is armed. */
	if (!tool_over && (!for_room || shmbus_hungry(tp->tp_port)))
		(void)shmbus_sleep(tp->tp_port, true, for_room ?
		    rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO) + SHMBUS_PATIENCE :
		    RUMPUSER_NOTIME);
	shmbus_disarm(tp->tp_port);
}
