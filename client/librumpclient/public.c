/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * public.c - the functions with the C library's manners
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client_impl.h"

static int
result(int error)
{
	if (error == 0)
		return 0;
	errno = -error;
	return -1;
}

int
rumpclient_connect(const char *url)
{
	return result(session_open(url));
}

int
rumpclient_init(void)
{
	return rumpclient_connect(getenv("RUMP_SERVER"));
}

int
rumpclient_syscall(int nr, const void *data, size_t datalen, long retval[2])
{
	unsigned long args[6] = { 0 };
	long n;

	if (datalen > sizeof(args))
		return EINVAL;
	memcpy(args, data, datalen);
	n = rumpclient_syscall_args((unsigned int)nr, args);
	if ((unsigned long)n > -4096UL)
		return (int)-n;
	retval[0] = n;
	retval[1] = 0;
	return 0;
}

pid_t
rumpclient_getpid(void)
{
	pid_t pid;

	rclock_enter(&session.s_lock);
	pid = session.s_fd == -1 ? 0 : session.s_pid;
	rclock_exit(&session.s_lock);
	return pid;
}

bool
rumpclient_fault(void *context)
{
	return guard_fault(1, context);
}

const struct rumpclient_memory *client_memory;

void
rumpclient_setmemory(const struct rumpclient_memory *memory)
{
	client_memory = memory;
}
