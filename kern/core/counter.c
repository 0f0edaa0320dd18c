/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * counter.c - counters with a line for each vCPU
 *
 * Only the holder of a seat writes its line, so adding needs no atomic
 * operation; reading sums the lines and may miss what is being added.
 */

#include <sys/kvar.h>

#include <sys/atomic.h>
#include <sys/lwp.h>

void
counter_register(struct counter *ct)
{
	kvar_register(&ct->ct_var);
}

void
counter_add(struct counter *ct, uint64_t n)
{
	uint64_t *line = &ct->ct_cpu[curlwp()->l_cpu->vc_index].n;

	atomic_store(line, *line + n);
}

uint64_t
counter_read(const struct counter *ct)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < vcpu_count; i++)
		sum += atomic_load(&ct->ct_cpu[i].n);
	return sum;
}
