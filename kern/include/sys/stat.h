/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * stat.h - what stat(2) tells, for all kinds of files
 *
 * Inside the kernel attributes travel as struct statx; the older struct stat
 * is made from it where a call wants one.
 */

#ifndef SYS_STAT_H
#define SYS_STAT_H

#include <asm/stat.h>
#include <linux/stat.h>
#include <sys/types.h>

/* Device numbers under which the kernel's own nameless files are seen. */
#define STAT_DEV_PIPE	dev_make(0, 12)
#define STAT_DEV_ANON	dev_make(0, 13)
#define STAT_DEV_SOCKET	dev_make(0, 8)

void	stat_from_statx(const struct statx *sx, struct stat *st);

/* What fchmod(2) and fchown(2) change of a file without a name. */
struct anonattr {
	mode_t		 aa_mode;	/* a: with its type */
	uid_t		 aa_uid;	/* a */
	gid_t		 aa_gid;	/* a */
};

/* By the rules for the caller's credentials: EPERM. */
int	anonattr_chmod(struct anonattr *aa, mode_t mode);
int	anonattr_chown(struct anonattr *aa, uid_t uid, gid_t gid);
/* NEEDSWORK: allowed or not, but not kept: a pipe's times are its birth's. */
int	anonattr_utimes(struct anonattr *aa);

/*
 * A file without a name that belongs to its opener: mode, one link, blocks of
 * a page, and when (ns) for all its times; 0: whenever.
 */
struct file;
void	statx_anon(const struct file *fp, dev_t dev, ino_t ino, mode_t mode,
	    int64_t when, struct statx *sx);

#endif /* SYS_STAT_H */
