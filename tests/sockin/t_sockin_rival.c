/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sockin_rival.c - a kernel with sockin and inet does not start
 */

#include <errno.h>
#include <stdio.h>

#include <rump/rump.h>

int
main(void)
{
	int error = rump_init();

	if (error == 0 && !rump_pub_component_present("inet") &&
	    !rump_pub_component_present("inet6"))
		return 77;		/* built without them: no rivals */
	if (error != EEXIST) {
		(void)printf("rump_init: %d instead of %d\n", error, EEXIST);
		return 1;
	}
	return 0;
}
