/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rights.h - descriptors in messages (rights.c), and the messages (sockmsg.c)
 */

#ifndef HIJACK_RIGHTS_H
#define HIJACK_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define RIGHTS_MAX	253		/* in a message (unix(7)) */
#define CONTROL_ROOM	4096		/* more ancillary data than anybody sends */

/* The host carries the call out as the program made it. */
#define CALL_OF_HOST	(-0x7100000000000000L)

#ifdef HIJACK_SUPERVISOR
#define HOST_SENDS_EACH	false
#else
#define HOST_SENDS_EACH	true
#endif

/* What was made for the sake of a message, and goes when that has been sent. */
struct rights {
	unsigned int	 ri_n;
	int		 ri_fd[RIGHTS_MAX];
};

/* Is there any descriptor in control data? */
bool	rights_any(const unsigned char *control, size_t len);

/* To the kernel: numbers of the program become its own.  -errno; rights_lent() in any case. */
long	rights_lend(unsigned char *control, size_t len, struct rights *ri);
void	rights_lent(struct rights *ri);
/*
 * From the kernel: the other way.  The new length; shorter than it was, and *ret_cut, if the program has
 * no numbers left.
 */
size_t	rights_take(unsigned char *control, size_t len, bool cloexec, bool *ret_cut);

/* The same through the host: those of the kernel are packed. */
long	rights_pack(unsigned char *control, size_t len, struct rights *ri);
void	rights_packed(struct rights *ri);
void	rights_unpack(unsigned char *control, size_t len, bool cloexec);

/*
 * The address at addr as the kernel knows it, in to if it is another: a name below the prefix
 * loses it.  *ret_len: its length then.
 */
const void *sock_address(unsigned long addr, unsigned long len, struct sockaddr_un *to,
	    unsigned long *ret_len);

#endif /* HIJACK_RIGHTS_H */
