/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * param.c - what the environment says about how to run
 *
 * Parameters are the host's environment variables (RUMP_NCPU ...) and, with
 * a leading underscore, the host's own answers.  Usable from the first phase
 * of boot on.  A value that cannot be understood is reported once on the
 * console and counts as not set; who must not go on with a default
 * (RUMP_MEMLIMIT) reads the text with param_get() and decides itself.
 */

#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/boot.h>
#include <sys/log.h>

bool
param_get(const char *name, char *buf, size_t size)
{
	return rumpuser_getparam(name, buf, size) == 0;
}

uint64_t
param_u64(const char *name, uint64_t dflt)
{
	char text[64];
	uint64_t value;

	if (!param_get(name, text, sizeof(text)) || text[0] == '\0')
		return dflt;
	if (str_tou64(text, &value) != 0) {
		log_printf(LOG_ERR, "%s=%s is not a number (digits and one of "
		    "k, m, g, t); taking %llu", name, text,
		    (unsigned long long)dflt);
		return dflt;
	}
	return value;
}
