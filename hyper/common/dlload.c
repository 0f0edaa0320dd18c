/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dlload.c - components as shared libraries
 *
 * A library stays loaded for the life of the process: the kernel has no way
 * to know that nobody runs in it any more.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

/*
 * Tells "there is no such library" from "it lacks something".  The loader
 * has only text for us, "NAME: what: why", in the program's language; the
 * reason of a missing file is strerror(3)'s, in the same language.
 */
static bool
dl_notfound(const char *name, const char *text)
{
	const char *why = strerror(ENOENT);
	size_t namelen = strlen(name), textlen = strlen(text);
	size_t whylen = strlen(why);

	if (strchr(name, '/') != NULL)
		return access(name, F_OK) != 0 && errno == ENOENT;
	return textlen > namelen + whylen &&
	    strncmp(text, name, namelen) == 0 && text[namelen] == ':' &&
	    strcmp(text + textlen - whylen, why) == 0;
}

int
rumpuser_dl_load(const char *name, char *errbuf, size_t errsize)
{
	const char *text;

	if (dlopen(name, RTLD_NOW | RTLD_GLOBAL) != NULL)
		return 0;

	text = dlerror();
	if (text == NULL)
		text = "unknown error";
	if (errsize > 0)
		(void)snprintf(errbuf, errsize, "%s", text);
	return dl_notfound(name, text) ? ENOENT : ENOEXEC;
}
