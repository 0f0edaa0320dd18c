/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * engine_rule.h - into which programs the library can be preloaded
 *
 * For who starts one (rumpus run), who says what would be (rumpus doctor), and a preloaded program that
 * executes another one.  What set-user-ID means is for each of them to say: the host preloads
 * nothing then.
 */

#ifndef HIJACK_ENGINE_RULE_H
#define HIJACK_ENGINE_RULE_H

#include <stdbool.h>

struct engine_facts {
	bool	 ef_dynamic;	/* has an interpreter, which is glibc's linker */
	bool	 ef_go;		/* makes its system calls itself */
	bool	 ef_caps;	/* has file capabilities that it would get */
};

static inline bool
engine_preloads(const struct engine_facts *ef)
{
	return ef->ef_dynamic && !ef->ef_go && !ef->ef_caps;
}

#endif /* HIJACK_ENGINE_RULE_H */
