/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_url.c - where a server listens
 *
 *	unix://PATH	a socket in the file system, absolute or not
 *	unix://@NAME	an abstract socket
 *	unix+stream://	the same, for clients that share no memory with us
 *	tcp://HOST:PORT	by a process that speaks TLS; front://N: that is there already
 *	fd://N		a socket that whoever started us has bound; also fd+stream://
 */

#include <sys/un.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sp_impl.h"

static int
url_unix(const char *name, struct sp_url *url)
{
	struct sockaddr_un *sun = (struct sockaddr_un *)(void *)&url->su_addr;
	size_t len = strlen(name);

	if (len == 0 || (name[0] == '@' && len == 1))
		return EINVAL;
	if (len >= sizeof(sun->sun_path))
		return ENAMETOOLONG;
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, name, len + 1);
	url->su_kind = SP_URL_UNIX;
	if (name[0] == '@') {
		sun->sun_path[0] = '\0';
		url->su_addrlen = (socklen_t)(offsetof(struct sockaddr_un,
		    sun_path) + len);
	} else {
		memcpy(url->su_path, name, len + 1);
		url->su_addrlen = (socklen_t)sizeof(*sun);
	}
	return 0;
}

static int
url_fd(const char *digits, int kind, struct sp_url *url)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(digits, &end, 10);
	if (end == digits || *end != '\0' || errno != 0 || fd < 0 ||
	    fd > 0x7fffffff)
		return EINVAL;
	url->su_kind = kind;
	url->su_fd = (int)fd;
	return 0;
}

int
sp_url_parse(const char *text, struct sp_url *url)
{
	memset(url, 0, sizeof(*url));
	url->su_fd = -1;
	if (strncmp(text, "unix://", 7) == 0)
		return url_unix(text + 7, url);
	if (strncmp(text, "unix+stream://", 14) == 0) {
		url->su_stream = true;
		return url_unix(text + 14, url);
	}
	if (strncmp(text, "fd+stream://", 12) == 0) {
		url->su_stream = true;
		return url_fd(text + 12, SP_URL_FD, url);
	}
	if (strncmp(text, "fd://", 5) == 0)
		return url_fd(text + 5, SP_URL_FD, url);
	if (strncmp(text, "front://", 8) == 0)
		return url_fd(text + 8, SP_URL_FRONT, url);
	if (strncmp(text, "tcp://", 6) == 0) {
		url->su_kind = SP_URL_TCP;
		return 0;
	}
	return strstr(text, "://") != NULL ? EPROTONOSUPPORT : EINVAL;
}
