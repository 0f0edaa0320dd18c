/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * devsw.h - where device nodes meet devices
 *
 * The vfs has nodes with numbers, the dev faction has drivers; this switch in
 * the core joins them.  A driver registers a range of minors of a major; the
 * vfs opens by type and number and gets a file.
 */

#ifndef SYS_DEVSW_H
#define SYS_DEVSW_H

#include <lib/list.h>
#include <sys/types.h>

struct file;

struct devsw {
	const char	*d_name;
	bool		 d_block;	/* a block device */
	uint32_t	 d_major;
	uint32_t	 d_minor_first, d_minor_last;
	/* Makes the open file for a node; flags are O_*.  ENXIO, EROFS.. */
	int		(*d_open)(dev_t dev, unsigned int flags, struct file **ret_fp);
	struct list_node d_link;
};

int	devsw_register(struct devsw *d);	/* EEXIST */
void	devsw_unregister(struct devsw *d);
int	devsw_open(bool block, dev_t dev, unsigned int flags,
	    struct file **ret_fp);		/* ENXIO */

/*
 * Nodes that appear in /dev by themselves: the dev faction announces, the
 * vfs faction, if there is one, makes and removes them (also those announced
 * before it started).
 */
struct devnode {
	char		 dn_name[64];	/* relative to /dev */
	bool		 dn_block;
	dev_t		 dn_dev;
	mode_t		 dn_mode;	/* permission bits */
	struct list_node dn_link;
};

int	devnode_announce(struct devnode *dn);
void	devnode_withdraw(struct devnode *dn);

struct devnode_ops {
	int	(*dno_add)(const struct devnode *dn);
	void	(*dno_remove)(const struct devnode *dn);
};
void	devnode_listen(const struct devnode_ops *ops);	/* by the vfs, once */

#endif /* SYS_DEVSW_H */
