/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hostids.h - the host kernel's opinion, for t_cred.c: between kernel code
 * and the file with host flags
 */

#ifndef TESTS_HOSTIDS_H
#define TESTS_HOSTIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum idop {
	IDOP_SETUID, IDOP_SETREUID, IDOP_SETRESUID, IDOP_SETFSUID,
	IDOP_SETGID, IDOP_SETREGID, IDOP_SETRESGID, IDOP_SETFSGID,
	IDOP_N
};

struct idcall {
	enum idop	ic_op;
	uint32_t	ic_arg[3];
};

struct idstate {
	int		is_error;
	long		is_result;
	uint32_t	is_uid[4], is_gid[4];	/* real, effective, saved, fs */
	uint64_t	is_caps;		/* effective */
	uint64_t	is_permitted;
};

/*
 * Makes the calls in a child process of user 0 with all ids 0; states[0] is
 * before the first.  False: not possible here.
 */
bool	harness_hostids(const struct idcall *calls, size_t ncalls,
	    struct idstate *states);

#endif /* TESTS_HOSTIDS_H */
