/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * policy.c - RUMPHIJACK: what of a program goes to the kernel
 *
 *	module,module,...
 *	path=/PREFIX		the kernel's root appears there
 *	blanket=/A:/B		names that begin so are the kernel's as they are
 *	socket=[all:]NAME:...	families; "noNAME" takes one away
 *	vfs=[all:]NAME:...	nfssvc, getvfsstat, fhcalls
 *	fdoff=N			descriptors of the kernel get numbers from N on
 *	sysctl[=y|n]		kernel variables: /proc/sys of the kernel
 *	ids[=y|n]		who the program is, is who it is in the kernel
 *
 * Names may be cut as long as they are not ambiguous.  Unset, the text is
 * "path=/rump,socket=all:nolocal"; an empty one hijacks nothing.
 *
 * Manual: rumphijack(3).
 */

#include "hijack.h"

#include <sys/socket.h>

struct policy policy;

/* One word of a text: up to a separator. */
struct word {
	const char	*w_text;
	size_t		 w_len;
};

static struct word
word_next(const char **at, char separator)
{
	struct word w = { .w_text = *at };

	while (w.w_text[w.w_len] != '\0' && w.w_text[w.w_len] != separator)
		w.w_len++;
	*at = w.w_text + w.w_len;
	if (**at == separator)
		(*at)++;
	return w;
}

/* w is name, or a beginning of it. */
static bool
word_is(struct word w, const char *name)
{
	if (w.w_len == 0)
		return false;
	for (size_t i = 0; i < w.w_len; i++) {
		if (name[i] == '\0' || name[i] != w.w_text[i])
			return false;
	}
	return true;
}

static bool
bad(const char *what, struct word w)
{
	char text[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < w.w_len && len + 1 < sizeof(text); i++)
		text[len++] = w.w_text[i];
	text[len] = '\0';
	host_complain(what, text);
	return false;
}

/* --- sockets ------------------------------------------------------------------------ */

static const struct { const char *name; int family; } families[] = {
	{ "local", AF_UNIX }, { "unix", AF_UNIX }, { "inet", AF_INET }, { "inet6", AF_INET6 },
	{ "netlink", AF_NETLINK }, { "route", AF_NETLINK }, { "packet", AF_PACKET },
	{ "link", AF_PACKET },
};

#define NFAMILIES	(sizeof(families) / sizeof(families[0]))

/* What the kernel may have; others are the host's even with "all". */
static void
socket_all(void)
{
	for (size_t i = 0; i < NFAMILIES; i++)
		policy.po_family[families[i].family] = true;
}

static bool
socket_word(struct word w)
{
	struct word bare = w;
	bool on = true;

	if (word_is(w, "all") && w.w_len == 3) {
		socket_all();
		return true;
	}
	if (w.w_len > 2 && w.w_text[0] == 'n' && w.w_text[1] == 'o') {
		bare.w_text += 2;
		bare.w_len -= 2;
		on = false;
	}
	for (size_t i = 0; i < NFAMILIES; i++) {
		if (word_is(bare, families[i].name)) {
			policy.po_family[families[i].family] = on;
			return true;
		}
	}
	return bad("no family of sockets", w);
}

bool
policy_socket(int family)
{
	return (unsigned int)family < sizeof(policy.po_family) && policy.po_family[family];
}

/* --- the other modules ------------------------------------------------------------------ */

static bool
word_copy(struct word w, char *to, size_t size)
{
	if (w.w_len >= size)
		return false;
	mem_copy(to, w.w_text, w.w_len);
	to[w.w_len] = '\0';
	return true;
}

static bool
path_value(struct word w)
{
	/* "//" is a prefix that no name has by accident. */
	bool slashes = w.w_len == 2 && w.w_text[0] == '/' && w.w_text[1] == '/';

	if (w.w_len < 2 || w.w_text[0] != '/' || (w.w_text[w.w_len - 1] == '/' && !slashes) ||
	    !word_copy(w, policy.po_prefix, sizeof(policy.po_prefix)))
		return bad("path= wants an absolute name without a slash at its end", w);
	policy.po_prefixlen = w.w_len;
	return true;
}

static bool
blanket_value(struct word w)
{
	const char *at = w.w_text, *end = w.w_text + w.w_len;

	while (at < end) {
		if (*at != '/' || at + 1 == end || at[1] == ':')
			return bad("blanket= wants absolute names", w);
		while (at < end && *at != ':')
			at++;
		at++;
	}
	return word_copy(w, policy.po_blanket, sizeof(policy.po_blanket)) || bad("blanket= is too long", w);
}

static bool
vfs_word(struct word w)
{
	static const char *const names[] = { "nfssvc", "getvfsstat", "fhcalls" };
	bool found = word_is(w, "all") && w.w_len == 3;

	for (size_t i = 0; i < 3; i++) {
		if ((word_is(w, "all") && w.w_len == 3) || word_is(w, names[i]))
			found = policy.po_vfs[i] = true;
	}
	return found || bad("vfs= knows no", w);
}

static bool
number_value(struct word w, unsigned int *ret_n)
{
	unsigned int n = 0;

	for (size_t i = 0; i < w.w_len; i++) {
		if (w.w_text[i] < '0' || w.w_text[i] > '9' || n > HIJACK_NFDS)
			return bad("fdoff= wants a number of a descriptor", w);
		n = n * 10 + (unsigned int)(w.w_text[i] - '0');
	}
	if (w.w_len == 0 || n < 3 || n >= HIJACK_NFDS)
		return bad("fdoff= wants a number of a descriptor", w);
	*ret_n = n;
	return true;
}

static bool
yes_value(struct word w, bool *ret_yes)
{
	if (w.w_len != 0 && w.w_text[0] != 'y' && w.w_text[0] != 'n')
		return bad("neither y nor n", w);
	*ret_yes = w.w_len == 0 || w.w_text[0] == 'y';
	return true;
}

/* Values are lists with colons, which fn gets word by word. */
static bool
list_value(struct word w, bool (*fn)(struct word))
{
	char text[512];
	const char *at = text;

	if (!word_copy(w, text, sizeof(text)))
		return bad("too long", w);
	while (*at != '\0') {
		if (!fn(word_next(&at, ':')))
			return false;
	}
	return true;
}

static bool
module(struct word w)
{
	struct word name = w, value = { .w_text = "" };

	for (size_t i = 0; i < w.w_len; i++) {
		if (w.w_text[i] == '=') {
			name.w_len = i;
			value = (struct word){ w.w_text + i + 1, w.w_len - i - 1 };
			break;
		}
	}
	if (word_is(name, "path"))
		return path_value(value);
	if (word_is(name, "blanket"))
		return blanket_value(value);
	if (word_is(name, "socket"))
		return list_value(value, socket_word);
	if (word_is(name, "vfs"))
		return list_value(value, vfs_word);
	if (word_is(name, "fdoff"))
		return number_value(value, &policy.po_fdoff);
	/*
	 * NEEDSWORK: this and vfs= have no effect.  On Linux they would be names below /proc/sys and
	 * /proc/mounts, that is files which the kernel would have to make.
	 */
	if (word_is(name, "sysctl"))
		return yes_value(value, &policy.po_sysctl);
	if (word_is(name, "ids"))
		return yes_value(value, &policy.po_ids);
	return bad("RUMPHIJACK knows no", name);
}

bool
policy_parse(const char *text)
{
	while (*text != '\0') {
		if (!module(word_next(&text, ',')))
			return false;
	}
	return true;
}
