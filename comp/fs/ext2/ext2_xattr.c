/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ext2_xattr.c - extended attributes of a file
 *
 * They are looked for in the inode first, then in its block. Each region is
 * visited entry by entry with one function, for a name or for all. A value
 * in an inode of its own is verified against the hashes which that inode
 * and the entry hold of it.
 *
 * Values are copied while the region's block is held, so nothing of it
 * outlives a call.
 */

#include "ext2_impl.h"

#include <lib/crc.h>
#include <lib/string.h>
#include <sys/errno.h>

/* Called for each entry; ENODATA asks for the next one. */
typedef int visit_fn(struct ext2_inode *, const struct ext2_xattr *, void *);

static int
visit_region(struct ext2_inode *ip, const struct ext2_xattrs *xs,
    uint64_t pblk, visit_fn *fn, void *arg)
{
	size_t off = xs->x_first;
	struct ext2_xattr xa;
	struct ext2_why why;
	int error;

	for (;;) {
		error = ext2_xattr_parse(xs, off, &xa, &why);
		if (error == ENODATA)
			return ENODATA;
		if (error)
			return ext2_report(ip->e_m, &why, error, ip->e_ino,
			    pblk);
		error = fn(ip, &xa, arg);
		if (error != ENODATA)
			return error;
		off = xa.e_next;
	}
}

static int
visit_inode(struct ext2_inode *ip, visit_fn *fn, void *arg)
{
	struct ext2_super *sb = &ip->e_m->m_sb;
	struct ext2_xattrs xs;
	struct ext2_why why;
	struct ext2_buf buf;
	const uint8_t *raw;
	int error;

	if (ip->e_di.i_extra_isize == 0)
		return ENODATA;
	error = ext2_inode_raw(ip->e_m, ip->e_ino, &buf, &raw);
	if (error)
		return error;
	error = ext2_xattrs_of_inode(sb, &ip->e_di, raw, sb->s_inode_size,
	    &xs, &why);
	if (error == 0)
		error = visit_region(ip, &xs, buf.b_pblk, fn, arg);
	else if (error != ENODATA)
		ext2_report(ip->e_m, &why, error, ip->e_ino, buf.b_pblk);
	ext2_block_put(ip->e_m, &buf);
	return error;
}

static int
visit_block(struct ext2_inode *ip, visit_fn *fn, void *arg)
{
	uint64_t pblk = ip->e_di.i_file_acl;
	struct ext2fs *m = ip->e_m;
	struct ext2_xattrs xs;
	struct ext2_why why;
	struct ext2_buf buf;
	int error;

	if (pblk == 0)
		return ENODATA;
	error = ext2_block_get(m, "attribute block", ip->e_ino, pblk, &buf);
	if (error)
		return error;
	error = ext2_xattrs_of_block(&m->m_sb, pblk, buf.b_data,
	    m->m_sb.s_blksize, &xs, &why);
	if (error == 0)
		error = visit_region(ip, &xs, pblk, fn, arg);
	else
		ext2_report(m, &why, error, ip->e_ino, pblk);
	ext2_block_put(m, &buf);
	return error;
}

static int
visit_all(struct ext2_inode *ip, visit_fn *fn, void *arg)
{
	int error;

	error = visit_inode(ip, fn, arg);
	if (error == ENODATA)
		error = visit_block(ip, fn, arg);
	return error;
}

/*
 * Does the inode hold the value which the entry speaks of?  The oldest
 * writers (Lustre's) kept no hashes, but named the owner in the time.
 */
static int
value_check(struct ext2_inode *owner, const struct ext2_inode *ea,
    const struct ext2_xattr *xa, const void *value, struct ext2_why *why)
{
	uint32_t hash;

	hash = crc32c(owner->e_m->m_sb.s_csum_seed, value, xa->e_size);
	if (hash == ea->e_di.i_raw_atime) {
		if (ext2_xattr_eahash_ok(xa, hash))
			return 0;
		return ext2_bad(why, "attribute entry", "wrong hash",
		    xa->e_hash);
	}
	if (ea->e_di.i_raw_mtime == owner->e_ino &&
	    ea->e_di.i_generation == owner->e_di.i_generation)
		return 0;
	return ext2_bad(why, "attribute value", "wrong hash", hash);
}

/* The value in inode e_inum, of e_size bytes, to dst. */
static int
value_inode(struct ext2_inode *owner, const struct ext2_xattr *xa, void *dst)
{
	struct ext2fs *m = owner->e_m;
	struct ext2_inode *ea;
	struct ext2_why why;
	int error;

	ea = kmem_alloc(sizeof(*ea), KM_SLEEP);
	if (ea == NULL)
		return ENOMEM;
	error = ext2_inode_init(m, xa->e_inum, ea);
	if (error)
		goto out_mem;
	if ((ea->e_di.i_flags & EXT2_I_EA_INODE) == 0 ||
	    (ea->e_di.i_flags & EXT2_I_INLINE_DATA) != 0 ||
	    !ext2_is(&ea->e_di, EXT2_S_IFREG) ||
	    ea->e_di.i_size != xa->e_size) {
		ext2_bad(&why, "attribute value", "not such an inode",
		    ea->e_di.i_size);
		error = ext2_report(m, &why, EUCLEAN, xa->e_inum, 0);
		goto out_inode;
	}
	error = ext2_copy(ea, 0, dst, xa->e_size);
	if (error)
		goto out_inode;
	error = value_check(owner, ea, xa, dst, &why);
	if (error)
		ext2_report(m, &why, error, xa->e_inum, 0);
out_inode:
	ext2_inode_fini(ea);
out_mem:
	kmem_free(ea, sizeof(*ea));
	return error;
}

/* What getxattr is looking for, and where it shall go. */
struct getting {
	uint8_t		 g_index;
	const char	*g_name;
	size_t		 g_namelen;
	uint8_t		*g_buf;
	size_t		 g_size;	/* 0: only the length is wanted */
	size_t		 g_len;
};

static int
get_acl(struct ext2_inode *ip, const uint8_t *value, size_t len,
    struct getting *g)
{
	struct ext2_why why;
	int error;

	error = ext2_acl_export(value, len, g->g_size == 0 ? NULL : g->g_buf,
	    g->g_size, &g->g_len, &why);
	if (error == EUCLEAN)
		ext2_report(ip->e_m, &why, error, ip->e_ino, 0);
	return error;
}

static int
get_value(struct ext2_inode *ip, const struct ext2_xattr *xa,
    const uint8_t *value, struct getting *g)
{
	if (g->g_index == EXT2_XATTR_ACL_ACCESS ||
	    g->g_index == EXT2_XATTR_ACL_DEFAULT)
		return get_acl(ip, value, xa->e_size, g);
	g->g_len = xa->e_size;
	if (g->g_size == 0)
		return 0;
	if (g->g_size < xa->e_size)
		return ERANGE;
	memcpy(g->g_buf, value, xa->e_size);
	return 0;
}

static int
get_visit(struct ext2_inode *ip, const struct ext2_xattr *xa, void *arg)
{
	struct getting *g = arg;
	struct ext2_why why;
	uint8_t *value;
	int error;

	if (xa->e_index != g->g_index || xa->e_namelen != g->g_namelen ||
	    memcmp(xa->e_name, g->g_name, g->g_namelen) != 0)
		return ENODATA;
	if (xa->e_inum == 0)
		return get_value(ip, xa, xa->e_value, g);

	if (xa->e_size == 0 || xa->e_size > EXT2_XATTR_SIZE_MAX) {
		ext2_bad(&why, "attribute entry", "size out of range",
		    xa->e_size);
		return ext2_report(ip->e_m, &why, EUCLEAN, ip->e_ino, 0);
	}
	value = kmem_alloc(xa->e_size, KM_SLEEP);
	if (value == NULL)
		return ENOMEM;
	error = value_inode(ip, xa, value);
	if (error == 0)
		error = get_value(ip, xa, value, g);
	kmem_free(value, xa->e_size);
	return error == ENODATA ? EUCLEAN : error;
}

int
ext2_getxattr(struct vnode *vp, const char *name, void *buf, size_t size,
    size_t *ret_len)
{
	struct getting g = { .g_buf = buf, .g_size = size };
	int error;

	error = ext2_xattr_index(name, strlen(name), &g.g_index, &g.g_name,
	    &g.g_namelen);
	if (error)
		return error;
	error = visit_all(vnode_ext2(vp), get_visit, &g);
	if (error)
		return error;
	*ret_len = g.g_len;
	return 0;
}

/* Where listxattr writes the names, each with its zero byte. */
struct naming {
	char		*n_buf;
	size_t		 n_size;	/* 0: only the length is wanted */
	size_t		 n_len;
};

static int
list_visit(struct ext2_inode *ip, const struct ext2_xattr *xa, void *arg)
{
	struct naming *n = arg;
	const char *prefix;
	size_t plen, need;
	bool whole;

	(void)ip;
	prefix = ext2_xattr_prefix(xa->e_index, &whole);
	if (prefix == NULL || whole != (xa->e_namelen == 0))
		return ENODATA;
	plen = strlen(prefix);
	need = plen + xa->e_namelen + 1;
	if (n->n_size > 0) {
		if (need > n->n_size - n->n_len)
			return ERANGE;
		memcpy(n->n_buf + n->n_len, prefix, plen);
		memcpy(n->n_buf + n->n_len + plen, xa->e_name,
		    xa->e_namelen);
		n->n_buf[n->n_len + need - 1] = '\0';
	}
	n->n_len += need;
	return ENODATA;
}

int
ext2_listxattr(struct vnode *vp, char *buf, size_t size, size_t *ret_len)
{
	struct naming n = { .n_buf = buf, .n_size = size };
	int error;

	error = visit_inode(vnode_ext2(vp), list_visit, &n);
	if (error == ENODATA)
		error = visit_block(vnode_ext2(vp), list_visit, &n);
	if (error != ENODATA)
		return error;
	*ret_len = n.n_len;
	return 0;
}
