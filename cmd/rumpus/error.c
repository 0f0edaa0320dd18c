/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * error.c - one way to fail: who, where, what, why, and a code for scripts
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <rump/rump.h>

#include "rumpus.h"

static int noted = EX_DONE;

int
exit_of_errno(int error)
{
	switch (error) {
	case 0:
		return EX_DONE;
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENODATA:
		return EX_NOMATCH;
	case EINVAL:
	case EISDIR:
	case ENAMETOOLONG:
	case EEXIST:
		return EX_USE;
	case EUCLEAN:
	case ENODEV:
	case EBADMSG:
		return EX_BADIMAGE;
	case EOPNOTSUPP:
	case ENOSYS:
	case ENOKEY:
	case ENOPKG:
		return EX_UNSUPPORTED;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return EX_NOSPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return EX_DENIED;
	default:
		return EX_IO;
	}
}

int
complain(const char *where, const char *operation, int error)
{
	int code = exit_of_errno(error);

	fflush(stdout);
	fprintf(stderr, "rumpus: %s: %s: %s\n", where, operation,
	    rump_strerror(error));
	note_failure(code);
	return code;
}

void
warn_text(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "rumpus: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

void
note_failure(int code)
{
	if (noted == EX_DONE)
		noted = code;
}

int
failures(void)
{
	return noted;
}
