/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pub.c - public functions over services of the core: each enters the
 * kernel, does one thing, and leaves
 */

#include <rump/rump.h>

#include <lib/errname.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kcontext.h>
#include <sys/kvar.h>

const char *
rump_strerror(int error)
{
	return errno_text(error);
}

const char *
rump_errname(int error)
{
	return errno_name(error);
}

int
rump_pub_component_load(const char *library)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = component_load(library);
	kcontext_leave();
	return error;
}

bool
rump_pub_component_present(const char *name)
{
	return component_present(name);
}

int
rump_pub_kvar_read(const char *name, char *buf, size_t size)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = kvar_read(name, buf, size);
	kcontext_leave();
	return error;
}

int
rump_pub_kvar_write(const char *name, const char *text)
{
	int error = kcontext_enter();

	if (error)
		return error;
	error = kvar_write(name, text);
	kcontext_leave();
	return error;
}

/*
 * fn is the program's and may call us again, so it runs outside the kernel,
 * on copies: the variable may be gone by then.
 */
int
rump_pub_kvar_iterate(const char *prefix,
    int (*fn)(const char *name, const char *about, void *arg), void *arg)
{
	struct kvar_copy kc = { .kc_name = "" };
	int error, result;

	for (;;) {
		error = kcontext_enter();
		if (error)
			return error;
		error = kvar_next(prefix, &kc);
		kcontext_leave();
		if (error)
			return error == ENOENT ? 0 : error;
		result = fn(kc.kc_name, kc.kc_about, arg);
		if (result != 0)
			return result;
	}
}
