/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * name_link.c - the texts of symbolic links
 *
 * What a link of the kernel says is said as the program would say it: absolute ones lead below the prefix.
 *
 * References: symlink(2), readlink(2).
 */

#include "name_impl.h"

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* What a link is to say is text; of it only the prefix is ours. */
long
rule_symlink(long nr, const unsigned long args[6])
{
	unsigned int at = nr == SYS_symlinkat ? 2 : 1;
	char target[PATH_ROOM];
	const char *inner;
	struct where w;
	long ret;

	ret = path_resolve(nr == SYS_symlinkat ? (int)args[1] : AT_FDCWD, args[at], &w);
	if (ret == 0 && w.w_kind == WHERE_KERNEL)
		ret = mem_string(target, args[0], sizeof(target));
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret < 0)
		return ret;
	if (w.w_kind != WHERE_KERNEL) {
		ret = host_args(nr, args);
		if (ret != -ENOENT || !path_through_links(nr == SYS_symlinkat ? (int)args[1] : AT_FDCWD,
		    w.w_text, false, &w))
			return ret;
		ret = mem_string(target, args[0], sizeof(target));
		if (ret < 0)
			return ret;
	}
	inner = w.w_blanket ? NULL : path_strip(target);
	return kernel_syscall(SYS_symlinkat, inner != NULL ? inner : target, w.w_dirfd, w.w_path);
}

/* Of the kernel's links the absolute ones lead to its own root, which is at the prefix. */
static long
readlink_kernel(const struct where *w, unsigned long buf, unsigned long size)
{
	char target[PATH_ROOM], shown[PATH_ROOM];
	long ret;
	size_t len;

	if ((int)size <= 0)
		return -EINVAL;
	ret = kernel_syscall(SYS_readlinkat, w->w_dirfd, w->w_path, target, sizeof(target) - 1);
	if (ret < 0)
		return ret;
	target[ret] = '\0';
	ret = path_show(target, w->w_blanket, shown, sizeof(shown));
	if (ret != 0)
		return ret;
	len = text_len(shown);
	if (len > size)
		len = size;
	return mem_write(buf, shown, len) ? (long)len : -EFAULT;
}

/* What a link of /proc says goes to the program; without a NUL, and cut, as readlink(2) has it. */
static long
link_text(const char *text, unsigned long buf, unsigned long size)
{
	size_t len = text_len(text);

	if ((int)size <= 0)
		return -EINVAL;
	if (len > size)
		len = size;
	return mem_write(buf, text, len) ? (long)len : -EFAULT;
}

/* /proc/self/fd/N of the kernel says what it is. */
static long
readlink_descriptor(int n, unsigned long buf, unsigned long size)
{
	char text[PATH_ROOM] = "";
	struct stat st;
	struct where w;
	size_t len = 0;
	long ret;

	if (descriptor_path(n, &w)) {
		ret = path_show(w.w_text, w.w_blanket, text, sizeof(text));
		return ret != 0 ? ret : link_text(text, buf, size);
	}
	ret = kernel_syscall(SYS_fstat, fdmap_get((unsigned long)n), &st);
	if (ret != 0)
		return ret;
	(void)text_add(text, sizeof(text), &len, S_ISSOCK(st.st_mode) ? "socket:[" :
	    S_ISFIFO(st.st_mode) ? "pipe:[" : "rump:[");
	(void)text_add_number(text, sizeof(text), &len, st.st_ino);
	(void)text_add(text, sizeof(text), &len, "]");
	return link_text(text, buf, size);
}

/* /proc/self/cwd, where that is the kernel's. */
static long
readlink_cwd(unsigned long buf, unsigned long size)
{
	char inner[PATH_ROOM], shown[PATH_ROOM];
	long ret = kernel_syscall(SYS_getcwd, inner, sizeof(inner));

	if (ret >= 0)
		ret = path_show(inner, path_cwd() == CWD_BLANKET, shown, sizeof(shown));
	return ret < 0 ? ret : link_text(shown, buf, size);
}

/* A name of the host that the program did not say like this. */
static long
readlink_host(const char *path, unsigned long buf, unsigned long size)
{
	char target[PATH_ROOM];
	long ret = host_syscall(SYS_readlink, path, target, sizeof(target) - 1);

	if (ret < 0)
		return ret;
	target[ret] = '\0';
	return link_text(target, buf, size);
}

long
rule_readlink(long nr, const unsigned long args[6])
{
	bool at = nr == SYS_readlinkat;
	int dirfd = at ? (int)args[0] : AT_FDCWD, n;
	unsigned long buf = at ? args[2] : args[1], size = at ? args[3] : args[2];
	struct where w;
	long ret;

	ret = path_resolve(dirfd, at ? args[1] : args[0], &w);
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret != 0)
		return ret;
	if (w.w_kind == WHERE_KERNEL)
		return readlink_kernel(&w, buf, size);
	n = kernel_known() ? names_descriptor(w.w_text) : -1;
	if (n >= 0)
		return readlink_descriptor(n, buf, size);
	if (path_cwd() != CWD_HOST && text_equal(w.w_text, "/proc/self/cwd"))
		return readlink_cwd(buf, size);
	ret = w.w_kind == WHERE_HOSTPATH ? readlink_host(w.w_path, buf, size) : host_args(nr, args);
	if (host_lacks(ret, dirfd, w.w_text, false) && path_through_links(dirfd, w.w_text, false, &w))
		return readlink_kernel(&w, buf, size);
	return ret;
}
