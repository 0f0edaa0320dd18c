/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * doctor.h - between the parts of rumpus doctor
 */

#ifndef RUMPUS_DOCTOR_H
#define RUMPUS_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_WHY	160

struct probe {
	const char	*p_name;
	const char	*p_for;		/* what it is good for */
	/* In a child: 0 or an errno; may write the details. */
	int		(*p_try)(char *why, size_t size);
};

struct finding {
	int	 f_error;		/* 0: it works */
	char	 f_why[DOCTOR_WHY];
};

/* doctor_probe.c: each is really tried, in a process of its own. */
extern const struct probe doctor_probes[];
extern const size_t doctor_nprobes;
void	doctor_try(const struct probe *p, struct finding *ret_f);

/* doctor_cost.c: nanoseconds of one crossing; negative: not to be had here. */
enum cost { COST_CALL, COST_FUNCTION, COST_TRAP, COST_DISPATCH, COST_NOTIFY, COST_PTRACE, NCOSTS };
extern const char *const doctor_cost_names[NCOSTS];
double	doctor_cost(enum cost which);

/* doctor_binary.c */
struct binary {
	bool	 b_script;		/* b_interp runs it */
	bool	 b_elf, b_dynamic, b_glibc, b_go, b_native;
	bool	 b_setid, b_caps;
	char	 b_path[512];		/* what will run: the program, or the script's */
	char	 b_interp[256];
};
/* An errno. */
int	doctor_binary(const char *path, struct binary *ret_b);

/* Which engine it gets, and why. */
const char *doctor_engine(const struct binary *b, bool filters, bool notify, const char **ret_why);

#endif /* RUMPUS_DOCTOR_H */
