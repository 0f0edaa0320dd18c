/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * twin.c - the same system calls on our kernel and on the host's
 */

#include "twin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump.h>

#include <harness.h>

long
twin_raw(struct twin *tw, long nr, const unsigned long args[6])
{
	long result;

	if (!tw->tw_host)
		return rump_syscall_args((unsigned int)nr, args);
	result = syscall(nr, args[0], args[1], args[2], args[3], args[4],
	    args[5]);
	return result == -1 ? -errno : result;
}

long
twin_note(struct twin *tw, const char *label, long value)
{
	NEED(tw->tw_n < TWIN_MAX);
	tw->tw_log[tw->tw_n].label = label;
	tw->tw_log[tw->tw_n].about = tw->tw_about;
	tw->tw_log[tw->tw_n].value = value;
	tw->tw_n++;
	return value;
}

int
twin_fd(struct twin *tw, const char *label, long value)
{
	(void)twin_note(tw, label, value < 0 ? value : 0);
	return (int)value;
}

/* TWIN_LOG names a folder: both records go there, to be compared with diff(1). */
static void
twin_write(const struct twin *tw, const char *dir)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, tw->tw_host ? "host" : "ours");
	f = fopen(path, "w");
	NEED(f != NULL);
	for (size_t i = 0; i < tw->tw_n; i++)
		(void)fprintf(f, "[%s] %s = %ld\n",
		    tw->tw_log[i].about != NULL ? tw->tw_log[i].about : "",
		    tw->tw_log[i].label, tw->tw_log[i].value);
	(void)fclose(f);
}

void
twin_run(void (*script)(struct twin *))
{
	struct twin *host = calloc(1, sizeof(*host));
	struct twin *ours = calloc(1, sizeof(*ours));

	NEED(host != NULL && ours != NULL);
	host->tw_host = true;
	script(host);
	script(ours);
	if (getenv("TWIN_LOG") != NULL) {
		twin_write(host, getenv("TWIN_LOG"));
		twin_write(ours, getenv("TWIN_LOG"));
	}
	for (size_t i = 0; i < host->tw_n && i < ours->tw_n; i++) {
		/* They went different ways: the last result says why. */
		if (!CHECK_STR("call", host->tw_log[i].label,
		    ours->tw_log[i].label))
			break;
		if (!CHECK_EQ(host->tw_log[i].label, host->tw_log[i].value,
		    ours->tw_log[i].value) && host->tw_log[i].about != NULL)
			harness_note("in %s", host->tw_log[i].about);
	}
	CHECK_EQ("calls", host->tw_n, ours->tw_n);
	free(host);
	free(ours);
}
