/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * place.h - where servers of one user live, by name
 *
 *	$XDG_RUNTIME_DIR/rumpus/NAME/	or /tmp/rumpus-UID/NAME/
 *		sock		clients
 *		ctl		"rumpus ps" and friends
 *		info.json	what does not change while it runs
 *
 * The folders are the user's own, mode 0700: whoever else made them in /tmp is refused.
 * A living server holds flock(2) on its folder; what has no lock is a dead one's
 * and may be cleared away.
 */

#ifndef RUMP_SERVER_PLACE_H
#define RUMP_SERVER_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PLACE_NAMELEN	32

struct place {
	char	 pl_name[PLACE_NAMELEN + 1];
	char	 pl_path[PATH_MAX];
	int	 pl_dirfd;	/* -1: not open */
};

/* Letters, digits, "._-", not beginning with a dot or a dash. */
bool	place_name_ok(const char *name);
/* The folder of all servers; made if make.  An errno; EPERM: it is not ours. */
int	place_base(bool make, char *buf, size_t size);
/*
 * take: the folder for a new server, made and locked.  EBUSY: the name is taken.
 * open: an existing one.  ENOENT.
 */
int	place_take(const char *name, struct place *ret_pl);
int	place_open(const char *name, struct place *ret_pl);
bool	place_alive(const struct place *pl);
/* Removes the folder and what is in it. */
void	place_remove(struct place *pl);
void	place_close(struct place *pl);
/* Removes what a dead server left; false: it lives. */
bool	place_clear(struct place *pl);
/* Calls fn for each until non-zero. */
int	place_iterate(int (*fn)(struct place *, void *), void *arg);
/* Writes info.json; the errno tells a full disk. */
int	place_info(const struct place *pl, const char *text, size_t len);

/* "lab", "unix:///tmp/ctl" ...: what a client connects to.  ENOENT: no such name. */
int	place_url(const char *on, char *buf, size_t size);

/* A connection to the control socket.  ECONNREFUSED: it is dead. */
int	place_connect(const struct place *pl, int *ret_fd);
/* Sends a line, and hands each piece of the answer to fn until non-zero. */
int	place_ask(const struct place *pl, const char *request,
	    int (*fn)(const char *, size_t, void *), void *arg);
/* The same, all of it in memory; free(3). */
int	place_asktext(const struct place *pl, const char *request, char **ret_text);

#endif /* RUMP_SERVER_PLACE_H */
