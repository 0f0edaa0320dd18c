/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * random.c - the entropy of a host where nothing happens by chance
 */

#include <rump/rumpuser.h>

#include "sim_impl.h"

int
rumpuser_getrandom(void *buf, size_t len, size_t *ret_got)
{
	unsigned char *p = buf;
	size_t i;
	int error;

	(void)sim_self();
	error = sim_fault(RUMPSIM_RANDOM);
	if (error)
		return error;
	sim_trace(SIMOP_RANDOM, len);
	for (i = 0; i < len; i++)
		p[i] = (unsigned char)simrng_next(sim_rng(SIMRNG_RANDOM));
	*ret_got = len;
	return 0;
}
