/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * name_fd.c - names that mean descriptors, and descriptors whose names are wanted
 *
 * /dev/fd/N, /proc/self/fd/N and their kin lead to what the program has as N, also where that is the
 * kernel's.
 *
 * References: proc(5).
 */

#include "name_impl.h"

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <rump/rump.h>

/*
 * A file that was just made the kernel does not know by its name before somebody looks for it.  What
 * it was made as is a hint what to look for when its name is wanted; it may be torn, or wrong.
 */
#define NHINTS	128

static struct { int h_r; char h_path[252]; } hints[NHINTS];

void
hint_keep(int r, const char *path)
{
	unsigned int i = (unsigned int)r % NHINTS;
	size_t len = 0;

	if (r < 0)
		return;
	hints[i].h_r = -1;
	if (text_add(hints[i].h_path, sizeof(hints[0].h_path) - 1, &len, path))
		hints[i].h_r = r;
}

static void
hint_use(int r)
{
	unsigned int i = (unsigned int)r % NHINTS;
	struct stat st;

	if (hints[i].h_r == r)
		(void)kernel_syscall(SYS_newfstatat, AT_FDCWD, hints[i].h_path, &st, 0);
}

/* --- names of descriptors --------------------------------------------------------- */

/* A number at *text, which moves on; false: there is none. */
static bool
take_number(const char **text, unsigned long *ret_n)
{
	const char *p = *text;
	unsigned long n = 0;

	for (; *p >= '0' && *p <= '9' && n < HIJACK_NFDS * 16UL; p++)
		n = n * 10 + (unsigned long)(*p - '0');
	if (p == *text)
		return false;
	*text = p;
	*ret_n = n;
	return true;
}

/* What follows the name of a folder of our descriptors; NULL: it is none. */
static const char *
descriptor_folder(const char *text)
{
	const char *rest = text_after(text, "/dev/fd/");
	unsigned long n;

	if (rest != NULL)
		return rest;
	text = text_after(text, "/proc/");
	if (text == NULL)
		return NULL;
	rest = text_after(text, "self");
	if (rest == NULL)
		rest = text_after(text, "thread-self");
	if (rest == NULL && take_number(&text, &n) && n == (unsigned long)host_pid())
		rest = text;
	if (rest == NULL)
		return NULL;
	text = text_after(rest, "/task/");
	if (text != NULL && take_number(&text, &n))
		rest = text;
	return text_after(rest, "/fd/");
}

/* /dev/fd/N, /proc/self/fd/N and their kin: the descriptor N of the kernel, or -1. */
int
names_descriptor(const char *text)
{
	static const char *const std[] = { "/dev/stdin", "/dev/stdout", "/dev/stderr" };
	unsigned long n;
	const char *rest;

	if (text[0] != '/' || (text[1] != 'd' && text[1] != 'p'))
		return -1;
	for (unsigned int i = 0; i < 3; i++) {
		if (text_equal(text, std[i]))
			return fdmap_get(i) >= 0 ? (int)i : -1;
	}
	rest = descriptor_folder(text);
	return rest != NULL && take_number(&rest, &n) && *rest == '\0' && fdmap_get(n) >= 0 ? (int)n : -1;
}

/* The name of what the program has as n, as the kernel knows it, into w; false: it has none. */
bool
descriptor_path(int n, struct where *w)
{
	int r = fdmap_get((unsigned long)n);
	long len = kernel_syscall(SYS_fcntl, r, RUMP_F_GETPATH, w->w_text);

	if (len == -ENOENT) {
		hint_use(r);
		len = kernel_syscall(SYS_fcntl, r, RUMP_F_GETPATH, w->w_text);
	}
	if (len < 0)
		return false;
	w->w_kind = WHERE_KERNEL;
	w->w_blanket = path_is_blanket(w->w_text);
	w->w_dirfd = AT_FDCWD;
	w->w_path = w->w_text;
	return true;
}

/* "/proc/self/fd/N/rest", where N is a directory of the kernel, becomes what it means. */
bool
below_descriptor(struct where *w)
{
	const char *text = w->w_text, *rest;
	char more[PATH_ROOM];
	unsigned long n;
	size_t len = 0;

	rest = text[0] == '/' && (text[1] == 'd' || text[1] == 'p') ? descriptor_folder(text) : NULL;
	if (rest == NULL || !take_number(&rest, &n) || *rest != '/' || fdmap_get(n) < 0 ||
	    !text_add(more, sizeof(more), &len, rest) || !descriptor_path((int)n, w))
		return false;
	len = text_len(w->w_text);
	return text_add(w->w_text, sizeof(w->w_text), &len, more);
}

static bool
is_socket(int n)
{
	struct stat st;

	return kernel_syscall(SYS_fstat, fdmap_get((unsigned long)n), &st) == 0 && S_ISSOCK(st.st_mode);
}

/*
 * A descriptor without a name of its own: opening it is having it once more, looking at it is fstat(2).
 * Sockets cannot be opened.
 */
long
by_descriptor(long nr, const unsigned long args[6], int n, bool cloexec, bool *ret_done)
{
	unsigned long r = (unsigned long)fdmap_get((unsigned long)n);
	char none[1] = "";	/* here, where it is ours: the other pointers are the program's */

	*ret_done = true;
	switch (nr) {
	case SYS_open:
	case SYS_openat:
		return is_socket(n) ? -ENXIO : fdmap_dup((unsigned long)n, cloexec);
	case SYS_stat:
		return kernel_call(SYS_fstat, (unsigned long[6]){ r, args[1] });
	case SYS_newfstatat:
		return kernel_call(SYS_newfstatat, (unsigned long[6]){ r, (unsigned long)none, args[2],
		    AT_EMPTY_PATH });
	case SYS_statx:
		return kernel_call(SYS_statx, (unsigned long[6]){ r, (unsigned long)none,
		    args[2] | AT_EMPTY_PATH, args[3], args[4] });
	default:
		*ret_done = false;
		return 0;
	}
}
