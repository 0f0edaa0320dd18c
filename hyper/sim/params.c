/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * params.c - what the simulated host tells a kernel
 *
 * A value that was set stands before the environment's and the host's own.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpuser.h>

#include "sim_impl.h"

struct simparam {
	struct simparam	*sp_next;
	char		*sp_value;	/* NULL: not set, ENOENT */
	char		 sp_name[];
};

static struct simparam *simparams;	/* the baton */

static const struct {
	const char	*name;
	const char	*value;
} param_table[] = {
	{ "_RUMPUSER_NCPU",	"2" },
	{ "_RUMPUSER_HOSTNAME",	"sim" },
	{ "_RUMPUSER_MEMSIZE",	"268435456" },
	{ "_RUMPUSER_HOST",	"sim" },
	{ "_RUMPUSER_UID",	"0" },
	{ "_RUMPUSER_NOFILE",	"4096" },
	{ "_RUMPUSER_PID",	"0" },
};
#define NPARAMS	(sizeof(param_table) / sizeof(param_table[0]))

static struct simparam **
param_find(const char *name)
{
	struct simparam **spp;

	for (spp = &simparams; *spp != NULL; spp = &(*spp)->sp_next) {
		if (strcmp((*spp)->sp_name, name) == 0)
			break;
	}
	return spp;
}

static int
param_default(const char *name, const char **ret_value)
{
	size_t i;

	if (name[0] != '_') {
		*ret_value = getenv(name);
		return *ret_value != NULL ? 0 : ENOENT;
	}
	for (i = 0; i < NPARAMS; i++) {
		if (strcmp(name, param_table[i].name) == 0) {
			*ret_value = param_table[i].value;
			return 0;
		}
	}
	return EINVAL;
}

int
rumpuser_getparam(const char *name, char *buf, size_t size)
{
	const struct simparam *sp;
	const char *value;
	int error;

	(void)sim_self();
	sp = *param_find(name);
	if (sp != NULL) {
		value = sp->sp_value;
		if (value == NULL)
			return ENOENT;
	} else {
		error = param_default(name, &value);
		if (error)
			return error;
	}
	if (strlen(value) >= size)
		return ERANGE;
	(void)strcpy(buf, value);
	return 0;
}

int
rumpsim_setparam(const char *name, const char *value)
{
	struct simparam *sp, **spp;
	char *copy = NULL;

	(void)sim_self();
	if (value != NULL) {
		copy = strdup(value);
		if (copy == NULL)
			return ENOMEM;
	}
	spp = param_find(name);
	sp = *spp;
	if (sp == NULL) {
		sp = malloc(sizeof(*sp) + strlen(name) + 1);
		if (sp == NULL) {
			free(copy);
			return ENOMEM;
		}
		(void)strcpy(sp->sp_name, name);
		sp->sp_next = NULL;
		*spp = sp;
	} else {
		free(sp->sp_value);
	}
	sp->sp_value = copy;
	return 0;
}

void
rumpsim_clearparam(const char *name)
{
	struct simparam *sp, **spp;

	(void)sim_self();
	if (name == NULL) {
		while (simparams != NULL)
			rumpsim_clearparam(simparams->sp_name);
		return;
	}
	spp = param_find(name);
	sp = *spp;
	if (sp != NULL) {
		*spp = sp->sp_next;
		free(sp->sp_value);
		free(sp);
	}
}
