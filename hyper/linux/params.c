/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * params.c - what the host and the environment tell a kernel
 */

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rump/rumpuser.h>

static int
param_put(char *buf, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len >= size)
		return ERANGE;
	memcpy(buf, value, len + 1);
	return 0;
}

static int
param_putnumber(char *buf, size_t size, uint64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return param_put(buf, size, text);
}

/* Those we may run on, which can be fewer than there are. */
static int
param_ncpu(char *buf, size_t size)
{
	cpu_set_t set;
	long n;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		n = CPU_COUNT(&set);
	else
		n = sysconf(_SC_NPROCESSORS_ONLN);
	return param_putnumber(buf, size, n > 0 ? (uint64_t)n : 1);
}

static int
param_hostname(char *buf, size_t size)
{
	struct utsname uts;

	if (uname(&uts) == -1)
		return errno;
	return param_put(buf, size, uts.nodename);
}

static int
param_memsize(char *buf, size_t size)
{
	long pages = sysconf(_SC_PHYS_PAGES), pagesize = sysconf(_SC_PAGESIZE);

	if (pages <= 0 || pagesize <= 0)
		return ENOENT;
	return param_putnumber(buf, size, (uint64_t)pages * (uint64_t)pagesize);
}

static int
param_uid(char *buf, size_t size)
{

	return param_putnumber(buf, size, geteuid());
}

static int
param_nofile(char *buf, size_t size)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return errno;
	return param_putnumber(buf, size, rl.rlim_cur);
}

static int
param_pid(char *buf, size_t size)
{

	return param_putnumber(buf, size, getpid());
}

static int
param_host(char *buf, size_t size)
{

	return param_put(buf, size, "linux");
}

static const struct {
	const char	*name;
	int		(*put)(char *, size_t);
} param_table[] = {
	{ "_RUMPUSER_NCPU",	param_ncpu },
	{ "_RUMPUSER_HOSTNAME",	param_hostname },
	{ "_RUMPUSER_MEMSIZE",	param_memsize },
	{ "_RUMPUSER_HOST",	param_host },
	{ "_RUMPUSER_UID",	param_uid },
	{ "_RUMPUSER_NOFILE",	param_nofile },
	{ "_RUMPUSER_PID",	param_pid },
};

int
rumpuser_getparam(const char *name, char *buf, size_t size)
{
	const char *value;
	size_t i;

	if (name[0] == '_') {
		for (i = 0; i < sizeof(param_table) / sizeof(param_table[0]);
		    i++) {
			if (strcmp(name, param_table[i].name) == 0)
				return param_table[i].put(buf, size);
		}
		return EINVAL;
	}
	value = getenv(name);
	if (value == NULL)
		return ENOENT;
	return param_put(buf, size, value);
}
