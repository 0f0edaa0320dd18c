/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * error.c - one way to fail: who, where, what, why, and a code for scripts
 */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <rump/rump.h>

#include "rumpus.h"

const char *program_name = "rumpus";
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
	case EPROTONOSUPPORT:	/* a bus of another version */
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

	note_failure(code);
	/* A reader that has seen enough is no news. */
	if (error == EPIPE)
		return code;
	fflush(stdout);
	fprintf(stderr, "%s: ", program_name);
	print_clean(stderr, where);
	fprintf(stderr, ": %s: %s\n", operation, rump_strerror(error));
	return code;
}

void
warn_text(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	fflush(stdout);
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s: ", program_name);
	print_clean(stderr, len >= 0 ? text : fmt);
	fputc('\n', stderr);
	if (len >= 0)
		free(text);
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
