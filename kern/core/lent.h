/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * lent.h - descriptors of the host as files of the kernel
 */

#ifndef CORE_LENT_H
#define CORE_LENT_H

#include <sys/types.h>

struct file;
struct lender;

/*
 * Whose they are: one for each user of the host.  hold counts one more of his: ETOOMANYREFS, he has
 * got max of them; ENOMEM.
 */
int	lender_hold(uint32_t uid, unsigned int max, struct lender **ret_ln);

/*
 * fd becomes the file's, and is closed with it or, on failure, at once; so goes the count of ln,
 * if that is not NULL.
 */
int	lent_create(int fd, struct lender *ln, struct file **ret_fp);
bool	lent_is(const struct file *fp);
/* The host's; it stays open as long as the caller has a reference. */
int	lent_fd(const struct file *fp);

extern int lent_count;			/* a: there are now, closed ones among them that still close */

#endif /* CORE_LENT_H */
