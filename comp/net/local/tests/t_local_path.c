/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_path.c - sockets with names in the file system answer as the host's
 *
 * Both kernels have a /tmp; the names in it have this process's number.  The vfs keeps what
 * it knows of names for a while, hence HARNESS_KEEPS.
 */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <harness.h>
#include <twin.h>

/* A % stands for this process's number. */
static socklen_t
path(struct sockaddr_un *un, const char *text)
{
	size_t before = strcspn(text, "%");

	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	if (text[before] == '%')
		snprintf(un->sun_path, sizeof(un->sun_path), "%.*s%d%s", (int)before, text,
		    (int)getpid(), text + before + 1);
	else
		snprintf(un->sun_path, sizeof(un->sun_path), "%s", text);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un->sun_path));
}

static void
note_name(struct twin *tw, int fd, bool peer)
{
	struct sockaddr_un un;
	socklen_t len = sizeof(un);
	long sum = 0;

	memset(&un, 0, sizeof(un));
	if (peer)
		CALL(tw, getpeername, A(fd), A(&un), A(&len));
	else
		CALL(tw, getsockname, A(fd), A(&un), A(&len));
	twin_note(tw, "length", len);
	for (size_t i = 0; i < sizeof(un.sun_path); i++)
		sum = sum * 31 + un.sun_path[i];
	twin_note(tw, "name", sum);
}

static void
path_script(struct twin *tw)
{
	struct sockaddr_un un, other;
	struct stat st;
	socklen_t len, olen;
	int a, b, c, fd;

	len = path(&un, "/tmp/rumpus-path-%");
	a = FD(tw, socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	b = FD(tw, socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	c = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CALL(tw, connect, A(b), A(&un), len);
	CALL(tw, umask, 027);
	CALL(tw, bind, A(a), A(&un), len);
	CALL(tw, bind, A(b), A(&un), len);
	CALL(tw, umask, 022);
	note_name(tw, a, false);
	CALL(tw, newfstatat, AT_FDCWD, A(un.sun_path), A(&st), 0);
	twin_note(tw, "mode", st.st_mode);
	CALL(tw, open, A(un.sun_path), O_RDWR, 0);
	CALL(tw, connect, A(b), A(&un), len);
	CALL(tw, listen, A(a), 3);
	CALL(tw, connect, A(c), A(&un), len);
	CALL(tw, sendto, A(c), A("x"), 1, 0, A(&un), len);
	CALL(tw, connect, A(b), A(&un), len + 1);
	note_name(tw, b, true);
	fd = FD(tw, accept4, A(a), 0, 0, 0);
	note_name(tw, fd, false);
	CALL(tw, close, A(fd));
	/* The name goes, the socket stays; the name comes back as something else. */
	CALL(tw, unlink, A(un.sun_path));
	CALL(tw, close, A(b));
	b = FD(tw, socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CALL(tw, connect, A(b), A(&un), len);
	fd = FD(tw, open, A(un.sun_path), O_RDWR | O_CREAT, 0644);
	CALL(tw, connect, A(b), A(&un), len);
	CALL(tw, close, A(fd));
	CALL(tw, unlink, A(un.sun_path));
	CALL(tw, bind, A(b), A(&un), len);
	CALL(tw, close, A(b));
	b = FD(tw, socket, AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CALL(tw, connect, A(b), A(&un), len);
	CALL(tw, unlink, A(un.sun_path));
	/* Places where nothing can be. */
	olen = path(&other, "/tmp/rumpus-no-%/x");
	CALL(tw, connect, A(b), A(&other), olen);
	CALL(tw, bind, A(b), A(&other), olen);
	olen = path(&other, "/tmp/rumpus-no-%/");
	CALL(tw, bind, A(b), A(&other), olen);
	olen = path(&other, "/tmp");
	CALL(tw, bind, A(b), A(&other), olen);
	CALL(tw, connect, A(b), A(&other), olen);
	olen = path(&other, "/");
	CALL(tw, bind, A(b), A(&other), olen);
	memset(other.sun_path, 'x', sizeof(other.sun_path));
	memcpy(other.sun_path, "/tmp/", 5);
	CALL(tw, connect, A(b), A(&other), sizeof(other));
	CALL(tw, bind, A(b), A(&other), sizeof(other));
	note_name(tw, b, false);
	other.sun_path[sizeof(other.sun_path) - 1] = '\0';
	CALL(tw, unlink, A(other.sun_path));
	CALL(tw, close, A(a));
	CALL(tw, close, A(b));
	CALL(tw, close, A(c));
	/* The one of 108 bytes. */
	memset(&un, 'x', sizeof(un));
	{
		char full[120];

		memset(full, 0, sizeof(full));
		memset(full, 'x', 108);
		memcpy(full, "/tmp/", 5);
		CALL(tw, unlink, A(full));
	}
}

TEST_WITH(names_in_the_file_system_work_as_on_the_host,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(path_script);
}

/* A symbolic link is followed to connect, and in the way of bind. */
static void
link_script(struct twin *tw)
{
	struct sockaddr_un un, link;
	socklen_t len, llen;
	char dir[64];
	int a, b;

	len = path(&un, "/tmp/rumpus-target-%");
	llen = path(&link, "/tmp/rumpus-link-%");
	snprintf(dir, sizeof(dir), "/tmp/rumpus-dir-%d", (int)getpid());
	a = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	b = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CALL(tw, symlink, A(un.sun_path), A(link.sun_path));
	CALL(tw, bind, A(a), A(&link), llen);
	CALL(tw, bind, A(a), A(&un), len);
	CALL(tw, connect, A(b), A(&link), llen);
	CALL(tw, write, A(b), A("through"), 7);
	note_name(tw, b, true);
	CALL(tw, mkdir, A(dir), 0755);
	CALL(tw, chdir, A(dir));
	CALL(tw, close, A(b));
	b = FD(tw, socket, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	len = path(&un, "here");
	CALL(tw, bind, A(b), A(&un), len);
	note_name(tw, b, false);
	CALL(tw, connect, A(a), A(&un), len);
	CALL(tw, chdir, A("/"));
	CALL(tw, connect, A(a), A(&un), len);
	CALL(tw, close, A(a));
	CALL(tw, close, A(b));
	len = path(&un, "/tmp/rumpus-dir-%/here");
	CALL(tw, unlink, A(un.sun_path));
	CALL(tw, rmdir, A(dir));
	CALL(tw, unlink, A(link.sun_path));
	len = path(&un, "/tmp/rumpus-target-%");
	CALL(tw, unlink, A(un.sun_path));
}

TEST_WITH(links_and_relative_names_work_as_on_the_host,
    .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(link_script);
}
