/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * hello.c - a file in a kernel of one's own
 *
 *	cc hello.c -o hello $(pkg-config --cflags --libs rumpvfs)
 *
 * Nothing of this is seen by the host: the kernel, its root directory and the
 * file in it are memory of this process.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rump_syscalls.h>

static int
complain(const char *what)
{
	fprintf(stderr, "hello: %s: %s\n", what, strerror(errno));
	return 1;
}

int
main(void)
{
	static const char text[] = "hello from the other kernel\n";
	char buf[sizeof(text)];
	int error, fd;

	error = rump_init();
	if (error != 0) {
		errno = error;
		return complain("rump_init");
	}
	fd = rump_sys_open("/hello", O_CREAT | O_RDWR, 0644);
	if (fd == -1)
		return complain("/hello");
	if (rump_sys_write(fd, text, sizeof(text)) != sizeof(text))
		return complain("write");
	if (rump_sys_pread64(fd, buf, sizeof(buf), 0) != sizeof(buf))
		return complain("pread");
	if (rump_sys_close(fd) == -1)
		return complain("close");
	fputs(buf, stdout);
	return rump_shutdown() == 0 ? 0 : 1;
}
