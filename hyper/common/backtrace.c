/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * backtrace.c - the calling thread's stack, on the console
 *
 * Called when the kernel is in trouble, so it takes no memory and no lock of
 * ours.  Names come from the dynamic symbol tables; what is static shows as
 * an offset into its object, which addr2line(1) resolves.
 */

#include <dlfcn.h>
#include <execinfo.h>
#include <stdio.h>

#include <rump/rumpuser.h>

#define BACKTRACE_MAX	64

void
rumpuser_backtrace(void)
{
	void *pc[BACKTRACE_MAX];
	char line[256];
	Dl_info info;
	int i, n, len;

	n = backtrace(pc, BACKTRACE_MAX);
	for (i = 1; i < n; i++) {	/* 0 is this function */
		if (dladdr(pc[i], &info) == 0)
			len = snprintf(line, sizeof(line), "  #%d %p\n", i,
			    pc[i]);
		else if (info.dli_sname != NULL)
			len = snprintf(line, sizeof(line),
			    "  #%d %p %s+0x%zx (%s)\n", i, pc[i],
			    info.dli_sname,
			    (size_t)((char *)pc[i] - (char *)info.dli_saddr),
			    info.dli_fname);
		else
			len = snprintf(line, sizeof(line),
			    "  #%d %p (%s+0x%zx)\n", i, pc[i], info.dli_fname,
			    (size_t)((char *)pc[i] - (char *)info.dli_fbase));
		if (len >= (int)sizeof(line)) {
			len = sizeof(line) - 1;
			line[len - 1] = '\n';
		}
		if (len > 0)
			rumpuser_console_write(line, (size_t)len);
	}
}
