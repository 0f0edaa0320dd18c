/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * errname.h - error numbers for people
 *
 * Both take an errno of either sign and never return NULL: "EUNKNOWN" and
 * "Unknown error" stand for what has no name.  0 is "0" and "Success".
 */

#ifndef LIB_ERRNAME_H
#define LIB_ERRNAME_H

const char *errno_name(int error);	/* "ENOENT" */
const char *errno_text(int error);	/* "No such file or directory" */

#endif /* LIB_ERRNAME_H */
