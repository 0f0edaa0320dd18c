/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nlshow.h - messages of rtnetlink as lines of text, to be compared
 *
 * What two kernels cannot agree on (numbers of interfaces, random addresses, times) is shown
 * by name or as being there.
 */

#ifndef NETLINK_NLSHOW_H
#define NETLINK_NLSHOW_H

#include "nltest.h"

/* Interfaces of the two hosts have different numbers: known by these names. */
struct nlnames {
	uint32_t	 n_index[4];
	const char	*n_name[4];
};

/* A line in static storage of its own for each call, or NULL: not to be compared. */
const char *nlshow(const struct nlmsghdr *nh, const struct nlnames *names);

#endif /* NETLINK_NLSHOW_H */
