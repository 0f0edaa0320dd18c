/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ifkind.c - kinds of interfaces that can be made by name
 *
 * Drivers announce themselves when they start and stay for ever, so what a
 * look-up found may be kept.
 */

#include <net/ifnet.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <linux/if.h>
#include <net/netns.h>
#include <sys/condvar.h>

static struct list kinds = LIST_INITIALIZER(kinds);	/* kinds_lock */
static kmutex_t kinds_lock;
static konce_t kinds_once = ONCE_INITIALIZER;

static int
kinds_init(void)
{
	mutex_init(&kinds_lock, "ifkinds");
	return 0;
}

void
ifkind_register(struct ifkind *ik)
{
	(void)once_run(&kinds_once, kinds_init);
	mutex_enter(&kinds_lock);
	list_insert_tail(&kinds, &ik->ik_link);
	mutex_exit(&kinds_lock);
}

/* A prefix and a number, or a prefix and "%d". */
static bool
name_fits(const char *ifname, const char *prefix)
{
	if (!str_hasprefix(ifname, prefix))
		return false;
	ifname += strlen(prefix);
	if (strcmp(ifname, "%d") == 0)
		return true;
	if (*ifname == '\0')
		return false;
	while (*ifname >= '0' && *ifname <= '9')
		ifname++;
	return *ifname == '\0';
}

static const struct ifkind *
kinds_find(const char *word, bool isname)
{
	const struct ifkind *ik, *found = NULL;
	struct list_node *n;

	(void)once_run(&kinds_once, kinds_init);
	mutex_enter(&kinds_lock);
	LIST_FOREACH(n, &kinds) {
		ik = container_of(n, struct ifkind, ik_link);
		if (isname ? name_fits(word, ik->ik_prefix) : strcmp(word, ik->ik_name) == 0) {
			found = ik;
			break;
		}
	}
	mutex_exit(&kinds_lock);
	return found;
}

const struct ifkind *
ifkind_find(const char *name)
{
	return kinds_find(name, false);
}

const struct ifkind *
ifkind_ofname(const char *ifname)
{
	return kinds_find(ifname, true);
}

int
ifkind_finish(struct netns *ns, struct ifnet *ifp, const char *link)
{
	int error = 0;

	if (link != NULL)
		error = ifp->if_ops->ifo_setlink(ifp, link);
	if (error == 0)
		error = if_attach(ns, ifp);
	if (error)
		if_rele(ifp);
	return error;
}

int
ifkind_create_next(const struct ifkind *ik, const char *link, int *ret_ifnum)
{
	char name[IFNAMSIZ];
	struct ifnet *ifp;
	int error, num = 0;

	(void)snprintf(name, sizeof(name), "%s%%d", ik->ik_prefix);
	error = ik->ik_create(netns_current(), name, link, NULL, &ifp);
	if (error)
		return error;
	for (const char *p = ifp->if_name + strlen(ik->ik_prefix); *p != '\0'; p++)
		num = num * 10 + (*p - '0');
	if_rele(ifp);
	*ret_ifnum = num;
	return 0;
}
