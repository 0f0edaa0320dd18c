/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * path.c - whose file a name means
 *
 * The kernel's tree hangs at the prefix (path=/rump) like a mounted image: /rump/etc is its /etc, ".." of
 * its root is the directory that /rump is in, and getcwd(2) says /rump/etc.  Absolute symbolic links in it
 * lead to its own root, so that an image makes sense in itself; read, they say /rump/... .  Blankets
 * are names that are the kernel's as they are.
 *
 * Most names are judged by their first bytes.  The rest of the truth is in the
 * host's symbolic links and in "..": the host is asked first, and when it finds nothing the
 * name is walked step by step (path_through_links).  If the host happens to have the prefix, that
 * says nothing, and every name is walked.
 *
 * References: path_resolution(7).
 */

#include "path.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "hijack.h"

#define MAXLINKS	40

/* --- text --------------------------------------------------------------------------------- */

/* Absolute names may begin with more slashes than they need, and with "/./". */
static const char *
skip_nothing(const char *text)
{
	for (;;) {
		if (text[0] == '/' && text[1] == '/')
			text++;
		else if (text[0] == '/' && text[1] == '.' && (text[2] == '/' || text[2] == '\0'))
			text += 2;
		else
			return text;
	}
}

const char *
path_strip(const char *text)
{
	const char *rest;

	if (policy.po_prefixlen == 0)
		return NULL;
	if (text_equal(policy.po_prefix, "//")) {
		rest = text_after(text, "//");
		return rest != NULL ? text + 1 : NULL;
	}
	rest = text_after(skip_nothing(text), policy.po_prefix);
	if (rest == NULL || (*rest != '/' && *rest != '\0'))
		return NULL;
	return *rest == '/' ? rest : "/";
}

bool
path_is_blanket(const char *text)
{
	const char *at = policy.po_blanket, *t;

	while (*at != '\0') {
		for (t = text; *at != '\0' && *at != ':' && *at == *t; at++)
			t++;
		if (*at == '\0' || *at == ':')
			return true;
		while (*at != '\0' && *at != ':')
			at++;
		if (*at == ':')
			at++;
	}
	return false;
}

/* The length of the component at text. */
static size_t
component(const char *text)
{
	size_t n = 0;

	while (text[n] != '/' && text[n] != '\0')
		n++;
	return n;
}

static bool
has_dotdot(const char *text)
{
	size_t n;

	while (*text != '\0') {
		n = component(text);
		if (n == 2 && text[0] == '.' && text[1] == '.')
			return true;
		text += n;
		while (*text == '/')
			text++;
	}
	return false;
}

static bool
text_set(char *buf, size_t size, const char *a, const char *b)
{
	size_t len = 0;

	buf[0] = '\0';
	return text_add(buf, size, &len, a) && text_add(buf, size, &len, b);
}

long
path_show(const char *kernel, bool blanket, char *buf, size_t size)
{
	if (blanket || policy.po_prefixlen == 0 || kernel[0] != '/')
		return text_set(buf, size, kernel, "") ? 0 : -ENAMETOOLONG;
	if (text_equal(policy.po_prefix, "//"))
		return text_set(buf, size, "/", kernel) ? 0 : -ENAMETOOLONG;
	return text_set(buf, size, policy.po_prefix, kernel[1] == '\0' ? "" : kernel) ? 0 : -ENAMETOOLONG;
}

/* --- the border from inside ------------------------------------------------------------------ */

static bool
is_root(int dirfd, const char *path)
{
	struct stat st, root;

	return kernel_syscall(SYS_newfstatat, dirfd, path[0] != '\0' ? path : ".", &st, 0) == 0 &&
	    kernel_syscall(SYS_newfstatat, AT_FDCWD, "/", &root, 0) == 0 &&
	    st.st_dev == root.st_dev && st.st_ino == root.st_ino;
}

/*
 * A name of the kernel with "..": where one of them is applied to the root the way leads out.
 * The rest then goes to buf, as the host's.
 */
static bool
leads_out(const struct where *w, char *buf, size_t size)
{
	char before[PATH_ROOM];
	const char *path = w->w_path;
	size_t at = 0, n, len = 0;

	while (path[at] == '/')
		at++;
	while (path[at] != '\0') {
		n = component(path + at);
		if (n == 2 && path[at] == '.' && path[at + 1] == '.') {
			mem_copy(before, path, at);
			before[at] = '\0';
			if (is_root(w->w_dirfd, before))
				break;
		}
		at += n;
		while (path[at] == '/')
			at++;
	}
	if (path[at] == '\0')
		return false;
	buf[0] = '\0';
	return text_add(buf, size, &len, policy.po_prefix) && text_add(buf, size, &len, "/../") &&
	    text_add(buf, size, &len, path + at + 2);
}

/* "/a/rump/../x" is "/a/x": the prefix has no links that count. */
static void
drop_prefix(char *buf, size_t size, const char *text)
{
	const char *rest = text + policy.po_prefixlen + 3;
	char parent[sizeof(policy.po_prefix)];
	size_t len = policy.po_prefixlen;

	mem_copy(parent, policy.po_prefix, len + 1);
	while (len > 0 && parent[len - 1] != '/')
		len--;
	parent[len] = '\0';
	while (*rest == '/')
		rest++;
	(void)text_set(buf, size, parent, rest);
}

/* --- judging --------------------------------------------------------------------------------- */

static void
judge_absolute(struct where *w)
{
	const char *inner = path_strip(w->w_text);

	if (inner != NULL) {
		w->w_kind = WHERE_KERNEL;
		/* Names lie in w_text, all of them: a supervisor knows them by that. */
		if (inner < w->w_text || inner >= w->w_text + sizeof(w->w_text)) {
			(void)text_set(w->w_text, sizeof(w->w_text), inner, "");
			inner = w->w_text;
		}
		w->w_path = inner;
	} else if (policy.po_blanket[0] != '\0' && path_is_blanket(w->w_text)) {
		w->w_kind = WHERE_KERNEL;
		w->w_blanket = true;
	}
}

static long
judge_relative(int dirfd, struct where *w)
{
	int32_t entry;

	if (dirfd == AT_FDCWD) {
		if (path_cwd() != CWD_HOST) {
			w->w_kind = WHERE_KERNEL;
			w->w_blanket = path_cwd() == CWD_BLANKET;
		}
		return 0;
	}
	entry = fdmap_entry((unsigned long)dirfd);
	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	if (entry > 0) {
		w->w_kind = WHERE_KERNEL;
		w->w_dirfd = entry - 1;
	}
	return 0;
}

/* A descriptor's name at the host; false: it has none. */
static bool
host_name(int dirfd, char *buf, size_t size)
{
	char link[48] = "";
	size_t len = 0;
	long n;

	(void)text_add(link, sizeof(link), &len, host_proc());
	(void)text_add(link, sizeof(link), &len, dirfd == AT_FDCWD ? "/cwd" : "/fd/");
	if (dirfd != AT_FDCWD)
		(void)text_add_number(link, sizeof(link), &len, (unsigned long)dirfd);
	n = host_syscall(SYS_readlink, link, buf, size - 1);
	if (n <= 0 || buf[0] != '/')
		return false;
	buf[n] = '\0';
	return true;
}

/* Does text begin as a part of the prefix does? */
static bool
like_prefix(const char *text)
{
	size_t n = component(text), m;

	for (const char *p = policy.po_prefix; *p == '/'; p += m) {
		for (m = 0, p++; m < n && p[m] == text[m];)
			m++;
		if (m == n && n > 0 && component(p) == n)
			return true;
		m = component(p);
	}
	return false;
}

bool
path_may_be_prefix(const char head[2])
{
	const char *p = policy.po_prefix;

	while (*p == '/') {
		p++;
		if (p[0] == head[0] && (p[1] == head[1] ||
		    ((p[1] == '/' || p[1] == '\0') && (head[1] == '/' || head[1] == '\0'))))
			return true;
		p += component(p);
	}
	return false;
}

/*
 * "rump/x" where the host's directory is "/": programs go down one by one, and what they make there
 * must not be made at the host.
 */
static void
make_absolute(int dirfd, struct where *w)
{
	char name[PATH_ROOM];
	size_t len;

	if (policy.po_prefixlen < 2 || !like_prefix(w->w_text) ||
	    (dirfd == AT_FDCWD ? path_cwd() != CWD_HOST :
	    fdmap_entry((unsigned long)dirfd) != FDMAP_HOST) || !host_name(dirfd, name, sizeof(name)))
		return;
	len = text_len(name);
	if ((len == 1 || text_add(name, sizeof(name), &len, "/")) &&
	    text_add(name, sizeof(name), &len, w->w_text) && path_strip(name) != NULL)
		(void)text_set(w->w_text, sizeof(w->w_text), name, "");
}

/* w_text is there. */
static long
judge(int dirfd, struct where *w)
{
	char out[PATH_ROOM];
	bool crossed = false;
	long ret = 0;

	if (w->w_text[0] != '/')
		make_absolute(dirfd, w);
	for (;;) {
		w->w_kind = WHERE_HOST;
		w->w_blanket = false;
		w->w_dirfd = AT_FDCWD;
		w->w_path = w->w_text;
		if (w->w_text[0] == '/')
			judge_absolute(w);
		else
			ret = judge_relative(dirfd, w);
		if (ret != 0 || w->w_kind != WHERE_KERNEL || w->w_blanket || policy.po_prefixlen == 0 ||
		    !has_dotdot(w->w_path) || !leads_out(w, out, sizeof(out)))
			break;
		drop_prefix(w->w_text, sizeof(w->w_text), out);
		crossed = true;
	}
	if (ret == 0 && crossed && w->w_kind == WHERE_HOST)
		w->w_kind = WHERE_HOSTPATH;
	return ret;
}

long
path_resolve(int dirfd, unsigned long addr, struct where *w)
{
	long len = mem_string(w->w_text, addr, sizeof(w->w_text));

	return len < 0 ? len : judge(dirfd, w);
}

long
path_resolve_text(int dirfd, const char *text, struct where *w)
{
	if (!text_set(w->w_text, sizeof(w->w_text), text, ""))
		return -ENAMETOOLONG;
	return judge(dirfd, w);
}

/* --- the border from outside ------------------------------------------------------------------ */

/* A walk over the host's names: what was walked, free of links, and what is to come. */
struct hostwalk {
	char		 hw_done[PATH_ROOM];
	size_t		 hw_len;
	char		 hw_todo[PATH_ROOM];
	unsigned int	 hw_links;
};

static bool
walk_base(int dirfd, struct hostwalk *hw)
{
	if (!host_name(dirfd, hw->hw_done, sizeof(hw->hw_done)))
		return false;
	hw->hw_len = text_len(hw->hw_done);
	if (hw->hw_len == 1)
		hw->hw_len = 0;
	return true;
}

/* The prefix begins with what was walked. */
static bool
on_the_way(const struct hostwalk *hw)
{
	const char *rest = text_after(policy.po_prefix, hw->hw_done);

	return rest != NULL && (*rest == '/' || *rest == '\0');
}

/* Puts what a link says before what is to come.  False: too long. */
static bool
walk_link(struct hostwalk *hw, size_t parent, const char *target)
{
	char todo[PATH_ROOM];
	size_t len = 0;

	todo[0] = '\0';
	if (++hw->hw_links > MAXLINKS || !text_add(todo, sizeof(todo), &len, target) ||
	    !text_add(todo, sizeof(todo), &len, "/") || !text_add(todo, sizeof(todo), &len, hw->hw_todo))
		return false;
	mem_copy(hw->hw_todo, todo, len + 1);
	hw->hw_len = target[0] == '/' ? 0 : parent;
	hw->hw_done[hw->hw_len] = '\0';
	return true;
}

/* Takes the next component off; its length, 0: there is none. */
static size_t
walk_next(struct hostwalk *hw, char *name)
{
	const char *t = hw->hw_todo;
	size_t n;

	while (*t == '/')
		t++;
	n = component(t);
	if (n == 0 || n > 255)
		return 0;
	mem_copy(name, t, n);
	name[n] = '\0';
	t += n;
	(void)mem_move(hw->hw_todo, t, text_len(t) + 1);
	return n;
}

static bool
nothing_left(const struct hostwalk *hw)
{
	const char *t = hw->hw_todo;

	while (*t == '/')
		t++;
	return *t == '\0';
}

/* One step; true: the walk is over, and *ret_in says whether it came to the prefix. */
static bool
walk_step(struct hostwalk *hw, bool follow, bool *ret_in)
{
	char name[256], target[PATH_ROOM];
	size_t n = walk_next(hw, name), parent = hw->hw_len;
	long len;

	*ret_in = false;
	if (n == 0)
		return true;
	if (n == 1 && name[0] == '.')
		return false;
	if (n == 2 && name[0] == '.' && name[1] == '.') {
		while (hw->hw_len > 0 && hw->hw_done[--hw->hw_len] != '/')
			continue;
		hw->hw_done[hw->hw_len] = '\0';
		return false;
	}
	if (!text_add(hw->hw_done, sizeof(hw->hw_done), &hw->hw_len, "/") ||
	    !text_add(hw->hw_done, sizeof(hw->hw_done), &hw->hw_len, name))
		return true;
	if (text_equal(hw->hw_done, policy.po_prefix)) {
		*ret_in = true;
		return true;
	}
	len = host_syscall(SYS_readlink, hw->hw_done, target, sizeof(target) - 1);
	if (len > 0 && (follow || !nothing_left(hw))) {
		target[len] = '\0';
		return !walk_link(hw, parent, target);
	}
	return len < 0 && len != -EINVAL && !on_the_way(hw);
}

/* Is it worth the walk?  Not if the directory is there and has no such entry. */
static bool
worth_it_from(int dirfd, const char *text)
{
	char parent[PATH_ROOM], target[8];
	size_t len = text_len(text);
	long ret;

	if (host_syscall(SYS_readlinkat, dirfd, text, target, sizeof(target)) > 0)
		return true;
	while (len > 0 && text[len - 1] == '/')
		len--;
	while (len > 0 && text[len - 1] != '/')
		len--;
	if (len == 0)
		return true;
	mem_copy(parent, text, len);
	parent[len] = '\0';
	ret = host_syscall(SYS_faccessat, dirfd, parent, 0);
	/* The parent may be the one the prefix is in. */
	return ret != 0 || has_dotdot(text);
}

static bool
worth_it(int dirfd, const char *text)
{
	int from = text[0] == '/' ? AT_FDCWD : host_from(dirfd);
	bool worth = worth_it_from(from, text);

	if (from != AT_FDCWD)
		host_return(from);
	return worth;
}

bool
path_through_links(int dirfd, const char *text, bool follow, struct where *w)
{
	struct hostwalk hw;
	size_t len = 0;
	bool in;

	if (policy.po_prefixlen < 2 || text[0] == '\0' || (text[0] != '/' && dirfd != AT_FDCWD &&
	    fdmap_entry((unsigned long)dirfd) != FDMAP_HOST) ||
	    (!policy.po_exists && !worth_it(dirfd, text)))
		return false;
	hw.hw_links = 0;
	hw.hw_len = 0;
	hw.hw_done[0] = '\0';
	if (text[0] != '/' && !walk_base(dirfd, &hw))
		return false;
	hw.hw_todo[0] = '\0';
	if (!text_add(hw.hw_todo, sizeof(hw.hw_todo), &len, text))
		return false;
	while (!walk_step(&hw, follow, &in))
		continue;
	return in && text_set(w->w_text, sizeof(w->w_text), policy.po_prefix, hw.hw_todo) &&
	    judge(AT_FDCWD, w) == 0 && w->w_kind == WHERE_KERNEL;
}
