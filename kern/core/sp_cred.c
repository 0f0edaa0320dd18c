/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_cred.c - who a remote client is inside
 *
 * The host vouches for the user of a local client.  The user who runs the
 * server, and the host's root, are user 0 inside, as in a program that has the kernel
 * in itself; everybody else is who he is.  sysproxy.uidmap says otherwise:
 *
 *	HOST:INSIDE[:GROUP] ...		"*" for any host user
 *
 * Whoever comes from elsewhere is nobody (65534), or what "@NAME:", for the name of
 * his key or certificate, or "remote:", for any of them, maps to.
 */

#include "sp_impl.h"

#include <lib/string.h>
#include <sys/boot.h>
#include <sys/cred.h>
#include <sys/errno.h>
#include <sys/kvar.h>
#include <sys/proc.h>

#include "lent.h"

#define MAPS_MAX	64
#define NOBODY		65534u
#define MAP_ANY		UINT64_MAX
#define MAP_REMOTE	(UINT64_MAX - 1)	/* um_name, or all if there is none */
#define NAME_LEN	64

struct uidmap {
	uint64_t um_host;	/* a uid, or MAP_* */
	uid_t	 um_uid;
	gid_t	 um_gid;
	char	 um_name[NAME_LEN];
};

static kmutex_t map_lock = { .m_name = "uidmap" };
static struct uidmap map[MAPS_MAX];	/* map_lock */
static unsigned int nmaps;		/* map_lock */

/* --- the map as text -------------------------------------------------------------- */

static const char *
number(const char *s, uint64_t *ret_n)
{
	uint64_t n = 0;
	const char *at = s;

	for (; *at >= '0' && *at <= '9'; at++) {
		n = n * 10 + (uint64_t)(*at - '0');
		if (n > UINT32_MAX)
			return NULL;
	}
	*ret_n = n;
	return at == s ? NULL : at;
}

static const char *
name(const char *s, char buf[NAME_LEN])
{
	size_t n = 0;

	for (; *s != ':' && *s != '\0' && n < NAME_LEN - 1; s++)
		buf[n++] = *s;
	buf[n] = '\0';
	return n > 0 ? s : NULL;
}

static const char *
who(const char *s, struct uidmap *um)
{
	um->um_name[0] = '\0';
	um->um_host = *s == '*' ? MAP_ANY : MAP_REMOTE;
	if (*s == '*')
		return s + 1;
	if (*s == '@')
		return name(s + 1, um->um_name);
	if (strncmp(s, "remote", 6) == 0)
		return s + 6;
	return number(s, &um->um_host);
}

/* One word; NULL if it makes no sense. */
static const char *
map_word(const char *s, struct uidmap *um)
{
	uint64_t uid, gid;

	s = who(s, um);
	if (s == NULL || *s != ':' || (s = number(s + 1, &uid)) == NULL)
		return NULL;
	gid = uid;
	if (*s == ':' && (s = number(s + 1, &gid)) == NULL)
		return NULL;
	um->um_uid = (uid_t)uid;
	um->um_gid = (gid_t)gid;
	return *s == '\0' || *s == ' ' || *s == ',' ? s : NULL;
}

static int
map_set(const struct kvar *kv __unused_arg, const char *text)
{
	struct uidmap new[MAPS_MAX];
	unsigned int n = 0;

	while (*text != '\0') {
		if (*text == ' ' || *text == ',') {
			text++;
			continue;
		}
		if (n == MAPS_MAX || (text = map_word(text, &new[n])) == NULL)
			return EINVAL;
		n++;
	}
	mutex_enter(&map_lock);
	memcpy(map, new, n * sizeof(new[0]));
	nmaps = n;
	mutex_exit(&map_lock);
	return 0;
}

static int
map_get(const struct kvar *kv __unused_arg, char *buf, size_t size)
{
	size_t at = 0;
	int error = 0;

	if (size > 0)
		buf[0] = '\0';
	mutex_enter(&map_lock);
	for (unsigned int i = 0; i < nmaps && error == 0; i++) {
		const struct uidmap *um = &map[i];
		const char *sep = i > 0 ? " " : "";

		if (um->um_name[0] != '\0')
			error = kvar_printf(buf + at, size - at, "%s@%s:%u:%u", sep,
			    um->um_name, um->um_uid, um->um_gid);
		else if (um->um_host >= MAP_REMOTE)
			error = kvar_printf(buf + at, size - at, "%s%s:%u:%u", sep,
			    um->um_host == MAP_ANY ? "*" : "remote", um->um_uid,
			    um->um_gid);
		else
			error = kvar_printf(buf + at, size - at, "%s%u:%u:%u", sep,
			    (unsigned int)um->um_host, um->um_uid, um->um_gid);
		at += strlen(buf + at);
	}
	mutex_exit(&map_lock);
	return error;
}

static struct kvar cred_kvars[] = {
	{ .kv_name = "sysproxy.uidmap",
	  .kv_about = "who users of the host are inside: HOST:INSIDE[:GROUP] ...",
	  .kv_type = KVAR_FN, .kv_get = map_get, .kv_set = map_set },
	{ .kv_name = "sysproxy.maxclients",
	  .kv_about = "how many remote clients there may be",
	  .kv_type = KVAR_INT, .kv_ptr = &sp_maxclients,
	  .kv_min = 1, .kv_max = 65536 },
	{ .kv_name = "sysproxy.maxthreads",
	  .kv_about = "how many threads of a remote client may make calls",
	  .kv_type = KVAR_INT, .kv_ptr = &sp_maxthreads,
	  .kv_min = 1, .kv_max = SP_NSLOTS },
	{ .kv_name = "sysproxy.maxchannels",
	  .kv_about = "how many threads of all remote clients may make calls",
	  .kv_type = KVAR_INT, .kv_ptr = &sp_maxchannels,
	  .kv_min = 1, .kv_max = 1048576 },
	{ .kv_name = "sysproxy.maxlent",
	  .kv_about = "how many descriptors of the host are taken from each of its users",
	  .kv_type = KVAR_INT, .kv_ptr = &sp_maxlent,
	  .kv_min = 0, .kv_max = 1048576 },
	{ .kv_name = "sysproxy.lent",
	  .kv_about = "descriptors of the host that remote clients have lent now",
	  .kv_type = KVAR_INT, .kv_flags = KVAR_RDONLY, .kv_ptr = &lent_count },
	{ .kv_name = "sysproxy.hellotime",
	  .kv_about = "milliseconds that a connection has to say whose it is",
	  .kv_type = KVAR_INT, .kv_ptr = &sp_hellotime,
	  .kv_min = 1, .kv_max = 60000 },
	{ .kv_name = "sysproxy.channels",
	  .kv_about = "threads of remote clients that make calls now",
	  .kv_type = KVAR_INT, .kv_flags = KVAR_RDONLY, .kv_ptr = &sp_nthreads },
	{ .kv_name = "sysproxy.clients",
	  .kv_about = "remote clients now",
	  .kv_type = KVAR_INT, .kv_flags = KVAR_RDONLY, .kv_ptr = &sp_nclients },
};

int
sp_boot(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(cred_kvars); i++)
		kvar_register(&cred_kvars[i]);
	spuser_boot();
	return 0;
}

/* --- clients ------------------------------------------------------------------------ */

static bool
map_is(const struct uidmap *um, const struct rumpuser_sppeer *peer)
{
	if (peer->sp_local)
		return um->um_host == MAP_ANY || um->um_host == peer->sp_uid;
	return um->um_host == MAP_REMOTE && (um->um_name[0] == '\0' ||
	    strcmp(um->um_name, peer->sp_name) == 0);
}

static bool
map_find(const struct rumpuser_sppeer *peer, uid_t *uid, gid_t *gid)
{
	bool found = false;

	mutex_enter(&map_lock);
	for (unsigned int i = 0; i < nmaps && !found; i++) {
		const struct uidmap *um = &map[i];

		if (!map_is(um, peer))
			continue;
		*uid = um->um_uid;
		*gid = um->um_gid;
		found = true;
	}
	mutex_exit(&map_lock);
	return found;
}

int
spcred_set(const struct spclient *sc, struct proc *p)
{
	const struct rumpuser_sppeer *peer = &sc->sc_peer;
	uid_t uid = NOBODY;
	gid_t gid = NOBODY;
	struct cred *cr;
	int error;

	if (!map_find(peer, &uid, &gid) && peer->sp_local) {
		uid = peer->sp_uid;
		gid = peer->sp_gid;
		if (uid == 0 || uid == param_u64("_RUMPUSER_UID", 0))
			uid = gid = 0;
	}
	error = cred_create(uid, gid, 0, NULL, &cr);
	if (error)
		return error;
	cred_set(p, cr);
	return 0;
}
