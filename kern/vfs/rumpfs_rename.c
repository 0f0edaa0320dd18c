/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpfs_rename.c - moving names of files in memory
 *
 * Looks at everything and allocates first (rumpfs_rename_check), then moves
 * (the commit functions), which cannot fail.  An entry that only changes its
 * name keeps its cookie, so that a listing in progress shows it once; one
 * that replaces another takes that one's place.
 *
 * References: rename(2), renameat2(2).
 */

#include <lib/string.h>
#include <linux/fs.h>

#include "rumpfs_impl.h"

struct rumpfs_move {
	struct rumpfs_node *mv_fdn, *mv_tdn;	/* from and to */
	struct rumpfs_ent *mv_fre;		/* what moves */
	struct rumpfs_ent *mv_tre;		/* what is there, or NULL */
	struct rumpfs_ent *mv_new;		/* the new name, if none is there */
	struct rumpfs_ent *mv_hole;		/* left behind: RENAME_WHITEOUT */
	struct rumpfs_node *mv_whiteout;
	struct timespec64 mv_now;
};

/* A directory went from one parent to another. */
static void
rumpfs_reparent(struct rumpfs_node *rn, struct rumpfs_node *from,
    struct rumpfs_node *to)
{
	if (rn->rn_type != VDIR || from == to)
		return;
	rn->rn_dir.rd_parent = to;
	atomic_store(&from->rn_nlink, from->rn_nlink - 1);
	atomic_store(&to->rn_nlink, to->rn_nlink + 1);
}

static void
rumpfs_exchange_commit(struct rumpfs_move *mv)
{
	struct rumpfs_node *frn = mv->mv_fre->re_node;
	struct rumpfs_node *trn = mv->mv_tre->re_node;

	mv->mv_fre->re_node = trn;
	mv->mv_tre->re_node = frn;
	rumpfs_reparent(frn, mv->mv_fdn, mv->mv_tdn);
	rumpfs_reparent(trn, mv->mv_tdn, mv->mv_fdn);
	rumpfs_node_changed(trn, false, &mv->mv_now);
}

/* The whiteout takes the place that the moved entry leaves. */
static void
rumpfs_whiteout_commit(struct rumpfs_move *mv)
{
	rumpfs_dir_insert(mv->mv_fdn, mv->mv_hole, mv->mv_whiteout);
	rumpfs_node_linkup(mv->mv_whiteout);
	vnode_publish(mv->mv_whiteout->rn_vnode);
	vnode_rele(mv->mv_whiteout->rn_vnode);
}

static void
rumpfs_move_commit(struct rumpfs_move *mv)
{
	struct rumpfs_node *rn = mv->mv_fre->re_node, *old;

	if (mv->mv_tre != NULL) {
		old = mv->mv_tre->re_node;
		rumpfs_dir_remove(mv->mv_fdn, mv->mv_fre);
		rumpfs_ent_destroy(mv->mv_fre);
		mv->mv_tre->re_node = rn;
		rumpfs_reparent(rn, mv->mv_fdn, mv->mv_tdn);
		rumpfs_node_dropname(old, &mv->mv_now);
	} else if (mv->mv_fdn == mv->mv_tdn) {
		rumpfs_dir_replace(mv->mv_fdn, mv->mv_fre, mv->mv_new);
		rumpfs_ent_destroy(mv->mv_fre);
	} else {
		rumpfs_dir_remove(mv->mv_fdn, mv->mv_fre);
		rumpfs_ent_destroy(mv->mv_fre);
		rumpfs_dir_insert(mv->mv_tdn, mv->mv_new, rn);
		rumpfs_reparent(rn, mv->mv_fdn, mv->mv_tdn);
	}
	if (mv->mv_whiteout != NULL)
		rumpfs_whiteout_commit(mv);
}

static int
rumpfs_whiteout_prepare(struct rumpfs_move *mv, const struct cname *fcn)
{
	struct vattr va = { .va_type = VCHR };	/* device 0/0 */
	int error;

	error = rumpfs_ent_create(fcn, &mv->mv_hole);
	if (error)
		return error;
	error = rumpfs_node_create(mv->mv_fdn->rn_rf, &va, NULL,
	    &mv->mv_now, &mv->mv_whiteout);
	if (error) {
		rumpfs_ent_destroy(mv->mv_hole);
		mv->mv_hole = NULL;
	}
	return error;
}

static int
rumpfs_rename_check(struct rumpfs_move *mv, const struct cname *fcn,
    struct rumpfs_node *frn, const struct cname *tcn,
    struct rumpfs_node *trn, unsigned int flags)
{
	int error = 0;

	mv->mv_fre = rumpfs_dir_find(mv->mv_fdn, fcn);
	if (mv->mv_fre == NULL || mv->mv_fre->re_node != frn)
		return ENOENT;
	mv->mv_tre = rumpfs_dir_find(mv->mv_tdn, tcn);
	if ((mv->mv_tre != NULL ? mv->mv_tre->re_node : NULL) != trn)
		return ENOENT;
	if (flags & RENAME_EXCHANGE)
		return trn == NULL ? ENOENT : 0;
	if (trn != NULL && (flags & RENAME_NOREPLACE))
		return EEXIST;
	if (trn != NULL && trn->rn_type == VDIR && trn->rn_dir.rd_count != 0)
		return ENOTEMPTY;
	if (mv->mv_tdn->rn_nlink == 0)
		return ENOENT;		/* a removed directory */
	if (frn->rn_type == VDIR && trn == NULL &&
	    mv->mv_tdn->rn_nlink >= RUMPFS_LINK_MAX)
		return EMLINK;

	if (trn == frn)
		return 0;

	if (trn == NULL)
		error = rumpfs_ent_create(tcn, &mv->mv_new);
	if (!error && (flags & RENAME_WHITEOUT)) {
		error = rumpfs_whiteout_prepare(mv, fcn);
		if (error && mv->mv_new != NULL)
			rumpfs_ent_destroy(mv->mv_new);
	}
	return error;
}

int
rumpfs_rename(struct vnode *fdvp, const struct cname *fcn, struct vnode *fvp,
    struct vnode *tdvp, const struct cname *tcn, struct vnode *tvp,
    unsigned int flags)
{
	struct rumpfs_move mv = { .mv_fdn = rumpfs_node(fdvp),
		.mv_tdn = rumpfs_node(tdvp), .mv_now = rumpfs_now() };
	struct rumpfs_node *frn = rumpfs_node(fvp);
	struct rumpfs_node *trn = tvp != NULL ? rumpfs_node(tvp) : NULL;
	int error;

	error = rumpfs_rename_check(&mv, fcn, frn, tcn, trn, flags);
	if (error)
		return error;
	if (frn == trn)
		return 0;	/* two names of one file: nothing happens */

	if (flags & RENAME_EXCHANGE)
		rumpfs_exchange_commit(&mv);
	else
		rumpfs_move_commit(&mv);
	rumpfs_node_changed(mv.mv_fdn, true, &mv.mv_now);
	if (mv.mv_tdn != mv.mv_fdn)
		rumpfs_node_changed(mv.mv_tdn, true, &mv.mv_now);
	rumpfs_node_changed(frn, false, &mv.mv_now);
	return 0;
}
