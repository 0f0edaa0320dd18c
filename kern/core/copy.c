/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * copy.c - memory of clients, and buffers for paths
 *
 * A local client's pointer is copied through the host, which catches the
 * fault of a bad one.  A remote client's goes through its vmops.
 */

#include <sys/copy.h>

#include <linux/limits.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/proc.h>

int
copyin(const void *uaddr, void *kaddr, size_t len)
{
	const struct proc *p = curproc();

	if (likely(p->p_vm == NULL))
		return rumpuser_copy(kaddr, uaddr, len);
	return p->p_vm->vm_copyin(p->p_vmcookie, uaddr, kaddr, len);
}

int
copyout(const void *kaddr, void *uaddr, size_t len)
{
	const struct proc *p = curproc();

	if (likely(p->p_vm == NULL))
		return rumpuser_copy(uaddr, kaddr, len);
	return p->p_vm->vm_copyout(p->p_vmcookie, kaddr, uaddr, len);
}

int
copyinstr(const char *uaddr, char *kaddr, size_t max, size_t *ret_len)
{
	const struct proc *p = curproc();
	size_t len;
	int error;

	if (likely(p->p_vm == NULL))
		error = rumpuser_copystr(kaddr, uaddr, max, &len);
	else
		error = p->p_vm->vm_copyinstr(p->p_vmcookie, uaddr, kaddr, max,
		    &len);
	if (error == 0 && ret_len != NULL)
		*ret_len = len;
	return error;
}

char *
path_buf_get(void)
{
	return kmem_alloc(PATH_MAX, KM_SLEEP);
}

void
path_buf_put(char *path)
{
	kmem_free(path, PATH_MAX);
}

int
copyin_path(const char *upath, char **ret_path)
{
	char *path = path_buf_get();
	size_t len;
	int error;

	if (path == NULL)
		return ENOMEM;
	error = copyinstr(upath, path, PATH_MAX, &len);
	if (error == 0 && len == 1)
		error = ENOENT;
	if (error) {
		path_buf_put(path);
		return error;
	}
	*ret_path = path;
	return 0;
}
