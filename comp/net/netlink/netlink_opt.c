/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * netlink_opt.c - options of SOL_NETLINK
 */

#include "netlink_impl.h"

#include <lib/string.h>
#include <linux/netlink.h>
#include <sys/errno.h>

static const struct {
	int		 name;
	uint32_t	 flag;
} flag_options[] = {
	{ NETLINK_PKTINFO, NKF_PKTINFO },
	{ NETLINK_BROADCAST_ERROR, NKF_BCAST_ERROR },
	{ NETLINK_NO_ENOBUFS, NKF_NO_ENOBUFS },
	{ NETLINK_LISTEN_ALL_NSID, NKF_ALL_NSID },
	{ NETLINK_CAP_ACK, NKF_CAP_ACK },
	{ NETLINK_EXT_ACK, NKF_EXT_ACK },
	{ NETLINK_GET_STRICT_CHK, NKF_STRICT },
};

static uint32_t
option_flag(int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_options); i++) {
		if (flag_options[i].name == name)
			return flag_options[i].flag;
	}
	return 0;
}

static int
membership(struct nlsock *nk, uint32_t group, bool join)
{
	uint64_t bit;

	if (group == 0 || group > NL_MAXGROUP ||
	    (nk->nk_family != NULL && group > nk->nk_family->nf_ngroups))
		return EINVAL;
	bit = 1ULL << (group - 1);
	return nltable_setgroups(nk, join ? bit : 0, bit);
}

int
netlink_setopt(struct socket *so, int level, int name, const void *val, socklen_t len)
{
	struct nlsock *nk = so->so_pcb;
	uint32_t value, flag = option_flag(name);

	if (level != SOL_NETLINK)
		return ENOPROTOOPT;
	if (len < sizeof(value))
		return EINVAL;
	memcpy(&value, val, sizeof(value));
	if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP)
		return membership(nk, value, name == NETLINK_ADD_MEMBERSHIP);
	if (flag == 0)
		return ENOPROTOOPT;
	if (value != 0)
		__atomic_fetch_or(&nk->nk_flags, flag, __ATOMIC_RELAXED);
	else
		__atomic_fetch_and(&nk->nk_flags, ~flag, __ATOMIC_RELAXED);
	return 0;
}

static int
list_memberships(struct nlsock *nk, void *val, socklen_t *len)
{
	uint64_t groups;
	socklen_t room = *len;

	mutex_enter(&nk->nk_nn->nn_lock);
	groups = nk->nk_groups;
	mutex_exit(&nk->nk_nn->nn_lock);
	*len = sizeof(groups);
	memcpy(val, &groups, room < sizeof(groups) ? room & ~3u : sizeof(groups));
	return 0;
}

int
netlink_getopt(struct socket *so, int level, int name, void *val, socklen_t *len)
{
	struct nlsock *nk = so->so_pcb;
	uint32_t flag = option_flag(name);
	int value;

	if (level != SOL_NETLINK)
		return ENOPROTOOPT;
	if (name == NETLINK_LIST_MEMBERSHIPS)
		return list_memberships(nk, val, len);
	if (flag == 0)
		return ENOPROTOOPT;
	if (*len < sizeof(value))
		return EINVAL;
	value = nlsock_flag(nk, flag) ? 1 : 0;
	memcpy(val, &value, sizeof(value));
	*len = sizeof(value);
	return 0;
}
