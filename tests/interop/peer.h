/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * peer.h - a kernel of ours that does what a script says, line by line
 *
 * A line on standard input is a tag, a verb and words; it runs on a thread of its own,
 * and ends with a line on standard output:
 *
 *	TAG ok WORDS...
 *	TAG err NAME		EPIPE, ECONNRESET ...
 *
 * So a script can have a call sleep in the kernel while it looks elsewhere.  Verbs are as close
 * to system calls as makes sense: what they mean together is written in Python.
 */

#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PEER_WORDS	16

/* One line on its way. */
struct job {
	char		*j_line;		/* words point into it */
	char		*j_word[PEER_WORDS];	/* tag, verb, arguments; NULL-terminated */
	unsigned int	 j_nwords;
	char		 j_reply[8192];
};

/* A verb: 0 and j_reply, or an errno.  The number of arguments is checked. */
struct verb {
	const char	*v_name;
	unsigned int	 v_least;
	int		(*v_run)(struct job *);
};

extern const struct verb verbs_conf[], verbs_socket[], verbs_stream[], verbs_ping[];

void	reply(struct job *j, const char *fmt, ...) __attribute__((__format__(__printf__, 2, 3)));
const char *arg(const struct job *j, unsigned int n);	/* after the verb, from 0; "" if none */
long	arg_num(const struct job *j, unsigned int n);
/* Address as text, port or scope's port: the length.  0: not an address. */
socklen_t addr_parse(const char *text, long port, struct sockaddr_storage *ret_ss);
void	addr_format(const struct sockaddr_storage *ss, char *text, size_t size);
uint32_t crc32_add(uint32_t crc, const void *data, size_t len);	/* as zlib's */

#endif /* PEER_H */
