/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * capture.h - what passes an interface, into a pcapng file of the host
 */

#ifndef NET_CAPTURE_H
#define NET_CAPTURE_H

#include <net/ifnet.h>
#include <sys/types.h>

/*
 * Starts one: a new file, or a pipe or device that there is.  snaplen: bytes of a
 * packet at most, 0: all.  EEXIST: there is such a file.  ENOMEM, the host's.
 * No locks held.
 */
int	capture_start(struct ifnet *ifp, const char *path, uint32_t snaplen);

/* Ends all of an interface; when it returns the files are complete.  May sleep.  ENOENT. */
int	capture_stop(struct ifnet *ifp);

#endif /* NET_CAPTURE_H */
