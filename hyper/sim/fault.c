/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fault.c - hypercalls that fail because they were told to
 *
 * A hypercall counts for its own kind and for the groups it is in, and fails
 * if that makes it the n-th of any of them.
 */

#include "sim_impl.h"

/* All: the baton. */
static struct simfault {
	uint64_t	sf_count;	/* hypercalls in this run */
	uint64_t	sf_in;		/* fails when it gets to 1; 0: never */
	int		sf_error;
	bool		sf_sticky;	/* and from then on */
	uint64_t	sf_failed;	/* since it was armed */
} simfault[RUMPSIM_NKINDS];

static int
fault_count(enum rumpsim_kind kind)
{
	struct simfault *sf = &simfault[kind];

	sf->sf_count++;
	if (sf->sf_in == 0)
		return 0;
	if (sf->sf_in > 1) {
		sf->sf_in--;
		return 0;
	}
	if (!sf->sf_sticky)
		sf->sf_in = 0;
	sf->sf_failed++;
	return sf->sf_error;
}

int
sim_fault(enum rumpsim_kind kind)
{
	int any, error, io = 0;

	error = fault_count(kind);
	if (kind >= RUMPSIM_READ && kind <= RUMPSIM_SUBMIT)
		io = fault_count(RUMPSIM_IO);
	any = fault_count(RUMPSIM_ANY);
	if (error == 0)
		error = io != 0 ? io : any;
	if (error != 0)
		sim_trace(SIMOP_FAULT, (uint64_t)kind << 32 | (uint32_t)error);
	return error;
}

void
fault_reset(void)
{
	int i;

	for (i = 0; i < RUMPSIM_NKINDS; i++)
		simfault[i] = (struct simfault){ .sf_count = 0 };
}

static void
fault_arm(enum rumpsim_kind kind, uint64_t nth, int error, bool sticky)
{
	struct simfault *sf = &simfault[kind];

	(void)sim_self();
	sf->sf_in = error != 0 ? nth : 0;
	sf->sf_error = error;
	sf->sf_sticky = sticky;
	sf->sf_failed = 0;
}

void
rumpsim_fail(enum rumpsim_kind kind, uint64_t nth, int error)
{

	fault_arm(kind, nth, error, false);
}

void
rumpsim_fail_from(enum rumpsim_kind kind, uint64_t nth, int error)
{

	fault_arm(kind, nth, error, true);
}

uint64_t
rumpsim_count(enum rumpsim_kind kind)
{

	(void)sim_self();
	return simfault[kind].sf_count;
}

uint64_t
rumpsim_failed(enum rumpsim_kind kind)
{

	(void)sim_self();
	return simfault[kind].sf_failed;
}
