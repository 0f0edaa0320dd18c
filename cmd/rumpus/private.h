/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * private.h - a server for one program and whatever that starts
 *
 * It runs in the background and ends by itself, with the program and whatever that left
 * running.
 */

#ifndef RUMPUS_PRIVATE_H
#define RUMPUS_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#define PRIVATE_MAXWORDS	64

struct private_server {
	const char	*ps_word[PRIVATE_MAXWORDS + 1];	/* options of rumpus-server(1) */
	size_t		 ps_nwords;
};

/* The word has to live until private_start().  False: too many. */
bool	private_word(struct private_server *ps, const char *word);
/*
 * Starts it, for this process and what will execute in its place; the URL is where it
 * is found.  An exit code, after a message.
 */
int	private_start(const struct private_server *ps, char *url, size_t size);

#endif /* RUMPUS_PRIVATE_H */
