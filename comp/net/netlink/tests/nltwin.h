/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * nltwin.h - the same netlink requests to two kernels, each in a fresh name space
 */

#ifndef NETLINK_NLTWIN_H
#define NETLINK_NLTWIN_H

#include <twin.h>

#include "nlshow.h"

/* Interfaces: lo, and the two ends of a cable, all up. */
struct nltwin {
	struct twin	*w_tw;
	struct nltest	 w_nl;
	struct nltest	 w_monitor;
	struct nlnames	 w_names;
	uint32_t	 w_lo, w_v0, w_v1;
	bool		 w_sorted;	/* the order of notices does not matter */
};

/* In storage of its own for the whole run. */
struct nltwin *nltwin_open(struct twin *tw);
void	nltwin_close(struct nltwin *w);

/* Sends what was built in w_nl; errno, answers and notices are noted. */
int	nltwin_talk(struct nltwin *w, const char *about);
/* The same, of a dump: in an order of its own. */
int	nltwin_dump(struct nltwin *w, const char *about);
/* What the groups were told since. */
void	nltwin_notices(struct nltwin *w);
/* Joins a group with the monitor. */
void	nltwin_join(struct nltwin *w, int group);
const char *nltwin_veth(const struct nltwin *w);

#define NLTWIN(name)							\
	static void name##_script(struct twin *);			\
	TEST_WITH(name, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)	\
	{								\
		twin_run(name##_script);				\
	}								\
	static void name##_script(struct twin *tw)

#endif /* NETLINK_NLTWIN_H */
