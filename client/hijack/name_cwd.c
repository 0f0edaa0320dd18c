/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * name_cwd.c - the directory that a process is in, and what else concerns the file systems as a whole
 *
 * References: chdir(2), getcwd(3), umask(2), sync(2), mount(2).
 */

#include "name_impl.h"

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>

long
rule_chdir(long nr, const unsigned long args[6])
{
	struct where w;
	long ret;

	ret = path_resolve(AT_FDCWD, args[0], &w);
	if (path_unreadable(ret))
		return host_args(nr, args);
	if (ret != 0)
		return ret;
	if (w.w_kind == WHERE_HOST && policy.po_exists)
		(void)path_through_links(AT_FDCWD, w.w_text, true, &w);
	path_cwd_keep();
	if (w.w_kind != WHERE_KERNEL) {
		ret = w.w_kind == WHERE_HOSTPATH ? host_syscall(SYS_chdir, w.w_path) : host_args(nr, args);
		if (ret == 0)
			path_setcwd(CWD_HOST);
		if (ret != -ENOENT || !path_through_links(AT_FDCWD, w.w_text, true, &w))
			return ret;
	}
	ret = kernel_syscall(SYS_chdir, w.w_path);
	if (ret == 0)
		path_setcwd(w.w_blanket ? CWD_BLANKET : CWD_PREFIX);
	return ret;
}

long
rule_fchdir(long nr, const unsigned long args[6])
{
	int32_t entry = fdmap_entry(args[0]);
	long ret;

	if (entry == FDMAP_HIDDEN)
		return -EBADF;
	path_cwd_keep();
	ret = entry > 0 ? kernel_syscall(SYS_fchdir, entry - 1) : host_args(nr, args);
	if (ret == 0)
		path_setcwd(entry <= 0 ? CWD_HOST : policy.po_prefixlen > 0 ? CWD_PREFIX : CWD_BLANKET);
	return ret;
}

long
rule_getcwd(long nr, const unsigned long args[6])
{
	char inner[PATH_ROOM], shown[PATH_ROOM];
	size_t len;
	long ret;

	if (path_cwd() == CWD_HOST)
		return host_args(nr, args);
	ret = kernel_syscall(SYS_getcwd, inner, sizeof(inner));
	if (ret < 0)
		return ret;
	ret = path_show(inner, path_cwd() == CWD_BLANKET, shown, sizeof(shown));
	if (ret != 0)
		return ret;
	len = text_len(shown) + 1;
	if (len > args[1])
		return -ERANGE;
	return mem_write(args[0], shown, len) ? (long)len : -EFAULT;
}

/* Both shall make files alike. */
long
rule_umask(long nr, const unsigned long args[6])
{
	if (backend != NULL)
		path_umask_keep(kernel_call(SYS_umask, args));
	return host_args(nr, args);
}

long
rule_sync(long nr, const unsigned long args[6])
{
	if (backend != NULL)
		(void)kernel_call(SYS_sync, args);
	return host_args(nr, args);
}

/* mount: the place says whose; the source is a name there, or none at all. */
long
rule_mount(long nr, const unsigned long args[6])
{
	unsigned long kargs[6];
	char source[PATH_ROOM];
	const char *inner;
	struct where w;
	long ret;

	ret = path_resolve(AT_FDCWD, args[1], &w);
	if (ret != 0 || w.w_kind != WHERE_KERNEL)
		return host_args(nr, args);
	mem_copy(kargs, args, sizeof(kargs));
	kargs[1] = (unsigned long)w.w_path;
	if (args[0] != 0 && mem_string(source, args[0], sizeof(source)) >= 0) {
		inner = path_strip(source);
		kargs[0] = (unsigned long)(inner != NULL ? inner : source);
	}
	return kernel_call(SYS_mount, kargs);
}
