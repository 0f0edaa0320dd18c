/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tool.h - what the tools of the bus share: a port of their own, and manners
 */

#ifndef SHMIF_TOOL_H
#define SHMIF_TOOL_H

#include <shmbus.h>

/* As all of ours: 2 is for usage. */
enum tool_exit {
	TOOL_DONE = 0, TOOL_USAGE = 2, TOOL_IO = 3, TOOL_BADFILE = 4, TOOL_NOSPACE = 6,
	TOOL_PERMISSION = 7,
};

extern const char *tool_name;		/* set first */

/* Says what could not be done with which file, and exits accordingly. */
void	tool_fail(const char *path, const char *what, int error)
	    __attribute__((__noreturn__));

struct tool_port {
	struct shmbus	 tp_bus;
	struct shmbus_port *tp_port;
};

/* Takes part, with an address of its own; exits if that fails. */
void	tool_join(struct tool_port *tp, const char *path, bool create);
void	tool_leave(struct tool_port *tp);

/* From here on SIGINT, SIGTERM and SIGHUP set tool_over and end a sleep. */
void	tool_catch(struct tool_port *tp);
extern volatile bool tool_over;

/*
 * Sleeps until something comes in, it is over, or, if shmbus_room() has just
 * said no, there is room.
 */
void	tool_sleep(struct tool_port *tp, bool for_room);

#endif /* SHMIF_TOOL_H */
