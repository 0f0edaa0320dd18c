/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * server_listen.c - the socket that clients connect to
 *
 * A Unix socket is bound here, before there is a kernel: its name is free or it is
 * not, and what a dead server left is told from what belongs to a living one.  The
 * kernel gets the listening descriptor.  So does systemd's, when the server was started
 * because somebody connected (LISTEN_FDS).  For tcp:// a process is started that speaks TLS
 * (rump_tls(1)), and the kernel gets the socket between the two.
 *
 * References: unix(7), sd_listen_fds(3).
 */

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <rump/rump.h>
#include <rump/rumpuser.h>

#include "../rumpus/net.h"
#include "../rumpus/rumpus.h"
#include "lockin.h"
#include "server.h"
#include "server_impl.h"

#define BACKLOG		512
#define LISTEN_FIRST	3		/* SD_LISTEN_FDS_START */

static int listen_fd = -1, listen_front = -1;
static char listen_url[sizeof(struct sockaddr_un) + PATH_MAX];
static bool listen_stream;		/* no memory is shared with clients */
static char listen_name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];	/* to remove */

const char *
server_url(void)
{
	return listen_url;
}

/* Does somebody answer there? */
static bool
socket_alive(const struct sockaddr_un *sun, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd == -1)
		return true;		/* cannot know: keep off */
	alive = connect(fd, (const struct sockaddr *)sun, len) == 0 || errno == EAGAIN;
	close(fd);
	return alive;
}

/* What is left of a server that is no more goes; anything else stays. */
static int
socket_clear(const struct sockaddr_un *sun, socklen_t len)
{
	struct stat st;

	if (lstat(sun->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return EEXIST;
	if (socket_alive(sun, len))
		return EADDRINUSE;
	return unlink(sun->sun_path) == 0 || errno == ENOENT ? 0 : errno;
}

static int
socket_bind(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	socklen_t sunlen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	mode_t mask;
	int error = 0;

	if (len == 0 || len >= sizeof(sun.sun_path))
		return usage_error("'%s' is too long for a socket, %zu bytes at most", path,
		    sizeof(sun.sun_path) - 1);
	memcpy(sun.sun_path, path, len);
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	else
		error = socket_clear(&sun, ++sunlen);
	if (error == EADDRINUSE)
		return usage_error("%s: a server is running there", path);
	if (error == EEXIST)
		return usage_error("%s: is there, and is no socket", path);
	if (error)
		return complain(path, "clear away", error);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listen_fd == -1)
		return complain(path, "make a socket", errno);
	mask = umask(0177);		/* for its owner; chmod(1) opens it to others */
	if (bind(listen_fd, (struct sockaddr *)&sun, sunlen) != 0)
		error = errno;
	(void)umask(mask);
	if (error == 0 && path[0] != '@')
		strcpy(listen_name, path);
	if (error == 0 && listen(listen_fd, BACKLOG) != 0)
		error = errno;
	if (error == EADDRINUSE)
		return usage_error("%s: a server is running there", path);
	return error != 0 ? complain(path, "listen", error) : EX_DONE;
}

/* One listening stream socket from systemd.  False: it gave none. */
static bool
socket_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int listening = 0, type = 0;
	socklen_t len = sizeof(int);

	if (pid == NULL || fds == NULL || strtol(pid, NULL, 10) != getpid() ||
	    strtol(fds, NULL, 10) < 1)
		return false;
	if (getsockopt(LISTEN_FIRST, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) != 0 ||
	    getsockopt(LISTEN_FIRST, SOL_SOCKET, SO_TYPE, &type, &len) != 0 || listening == 0 ||
	    type != SOCK_STREAM) {
		warn_text("descriptor %d is no listening stream socket", LISTEN_FIRST);
		return false;
	}
	if (strtol(fds, NULL, 10) > 1)
		warn_text("of %s sockets the first is used", fds);
	(void)fcntl(LISTEN_FIRST, F_SETFD, FD_CLOEXEC);
	(void)fcntl(LISTEN_FIRST, F_SETFL, O_NONBLOCK);
	(void)unsetenv("LISTEN_FDS");
	listen_fd = LISTEN_FIRST;
	return true;
}

/* "unix://sock" becomes a path from the root: a daemon's folder is another one. */
static int
absolute_path(const char *path, char *buf, size_t size)
{
	char here[PATH_MAX];
	int n;

	if (path[0] == '/' || path[0] == '@')
		n = snprintf(buf, size, "%s", path);
	else if (getcwd(here, sizeof(here)) == NULL)
		return errno;
	else
		n = snprintf(buf, size, "%s/%s", here, path);
	return n >= 0 && (size_t)n < size ? 0 : ENAMETOOLONG;
}

static const char *
unix_rest(const char *url)
{
	if (strncmp(url, "unix://", 7) == 0)
		return url + 7;
	listen_stream = strncmp(url, "unix+stream://", 14) == 0;
	return listen_stream ? url + 14 : NULL;
}

/* Beside it who has the name of a server finds a local socket, as always. */
static int
listen_tcp(const char *url)
{
	char path[PATH_MAX];
	int error;

	error = rumpuser_spfront_start(url, &listen_front, listen_url, sizeof(listen_url));
	if (error == ENOENT)
		return usage_error("'%s': rump_tls(1) is not there", url);
	if (error) {
		warn_text("%s: cannot be served", url);
		return error == EACCES ? EX_DENIED : error == EINVAL ? EX_USE : EX_IO;
	}
	if (server_place.pl_dirfd == -1)
		return EX_DONE;
	return snprintf(path, sizeof(path), "%s/sock", server_place.pl_path) < (int)sizeof(path) ?
	    socket_bind(path) : complain(url, "listen", ENAMETOOLONG);
}

int
server_listen(void)
{
	const char *url = server_options.so_url, *rest = NULL;
	char path[PATH_MAX];
	int error;

	if (socket_inherited()) {
		struct sockaddr_un sun = { .sun_family = 0 };
		socklen_t len = sizeof(sun) - 1;

		(void)getsockname(listen_fd, (struct sockaddr *)&sun, &len);
		(void)snprintf(listen_url, sizeof(listen_url), "%s%s", sun.sun_family == AF_UNIX ?
		    "unix://" : url != NULL ? url : "fd://3", sun.sun_family == AF_UNIX ?
		    sun.sun_path : "");
		return EX_DONE;
	}
	if (url == NULL) {
		if (server_place.pl_dirfd == -1)
			return usage_error("where do clients find it?  a URL, or --name");
		error = snprintf(path, sizeof(path), "%s/sock", server_place.pl_path) <
		    (int)sizeof(path) ? 0 : ENAMETOOLONG;
	} else if ((rest = unix_rest(url)) != NULL) {
		error = absolute_path(rest, path, sizeof(path));
	} else if (strncmp(url, "tcp://", 6) == 0) {
		return listen_tcp(url);
	} else {
		(void)snprintf(listen_url, sizeof(listen_url), "%s", url);
		return EX_DONE;
	}
	if (error)
		return complain(url, "listen", error);
	(void)snprintf(listen_url, sizeof(listen_url), "unix%s://%s", listen_stream ? "+stream" : "",
	    path);
	return socket_bind(path);
}

/* Its folder stays within reach after the lock-in, for this one removal. */
void
server_listen_keep(void)
{
	char *slash = strrchr(listen_name, '/');

	if (slash == NULL || server_options.so_url == NULL)
		return;
	*slash = '\0';
	lockin_keep(LOCKIN_FD_URL, listen_name[0] != '\0' ? listen_name : "/");
	*slash = '/';
}

void
server_listen_remove(void)
{
	const char *slash = strrchr(listen_name, '/');

	/* Before the lock-in this is enough, afterwards it does nothing. */
	if (listen_name[0] != '\0' && unlink(listen_name) == 0)
		return;
	if (slash != NULL && server_options.so_url != NULL)
		(void)unlinkat(LOCKIN_FD_URL, slash + 1, 0);
}



/* Those who are inside get the time that was said to leave by themselves. */
int
server_shutdown(void)
{
	double end = net_seconds() + (double)server_options.so_stoptime;
	char names[512];
	unsigned int n;

	(void)rump_server_stopping((unsigned int)server_options.so_stoptime);
	while ((n = metrics_clients()) > 0 && net_seconds() < end && !server_stop_again(20))
		continue;
	if (n > 0 && rump_server_clients(names, sizeof(names)) == 0)
		server_log(LOG_NOTICE, "%u clients are cut off: %s", n, names);
	return rump_shutdown();
}

int
server_serve(void)
{
	char url[32], front[32];
	int error = 0;

	(void)snprintf(front, sizeof(front), "front://%d", listen_front);
	(void)snprintf(url, sizeof(url), "fd%s://%d", listen_stream ? "+stream" : "", listen_fd);
	if (listen_front != -1)
		error = rump_init_server(front);
	if (error == 0 && (listen_fd != -1 || listen_front == -1))
		error = rump_init_server(listen_fd != -1 ? url : listen_url);
	if (error == EPROTONOSUPPORT || error == EINVAL)
		return usage_error("'%s': unix://PATH, unix://@NAME or tcp://HOST:PORT", listen_url);
	return error != 0 ? complain(listen_url, "serve", error) : EX_DONE;
}
