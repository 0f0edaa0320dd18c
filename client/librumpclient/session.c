/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * session.c - the session of this process
 */

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <hyper/common/tlsfront.h>

#include "client_impl.h"

/* Memory that the server could take away from under us would kill us. */
static bool
region_ok(int memfd)
{
	const long seals = hostcall(SYS_fcntl, (long)memfd, (long)F_GET_SEALS, 0L,
	    0L, 0L, 0L);
	struct stat st;

	return seals > 0 && (seals & F_SEAL_SHRINK) != 0 &&
	    hostcall(SYS_fstat, (long)memfd, &st, 0L, 0L, 0L, 0L) == 0 &&
	    st.st_size >= (off_t)SP_REGIONSIZE;
}

static int
region_map(int memfd, const struct sp_welcome *w)
{
	void *ptr;

	if (memfd == -1 || w->w_nslots == 0 || w->w_nslots > SP_NSLOTS ||
	    !region_ok(memfd))
		return -EPROTO;
	ptr = host_map(SP_REGIONSIZE, memfd);
	if (ptr == NULL)
		return -ENOMEM;
	/* A child has slots of its own, or none. */
	(void)hostcall(SYS_madvise, ptr, (long)SP_REGIONSIZE, (long)MADV_DONTFORK,
	    0L, 0L, 0L);
	session.s_region = ptr;
	session.s_nslots = w->w_nslots;
	return 0;
}

int
session_begin_locked(int fd, const struct sp_hello *hello)
{
	struct sp_welcome w;
	int memfd, error;

	error = hello_exchange(fd, hello, &w, &memfd);
	if (error == 0 && (w.w_features & SP_FEAT_SHM) != 0)
		error = region_map(memfd, &w);
	else
		session.s_region = NULL;
	if (memfd != -1)
		(void)hostcall(SYS_close, (long)memfd, 0L, 0L, 0L, 0L, 0L);
	if (error)
		return error;
	__atomic_store_n(&session.s_fd, fd, __ATOMIC_RELAXED);
	host_fd_ours(fd, true);
	session.s_pid = w.w_pid;
	session.s_stopping = false;
	memcpy(session.s_secret, w.w_secret, sizeof(session.s_secret));
	memcpy(session.s_instance, w.w_instance, sizeof(session.s_instance));
	__atomic_store_n(&session.s_gone, false, __ATOMIC_RELEASE);
	__atomic_store_n(&session.s_generation, session_number(), __ATOMIC_RELEASE);
	return 0;
}

/* A relative path shall mean the same later. */
static int
url_keep(const char *url)
{
	const char *name = url_rest(url, "unix+stream://");
	size_t len = strlen(url), at;
	long n;

	if (name == NULL)
		name = url_rest(url, "unix://");
	if (name == NULL || name[0] == '/' || name[0] == '@') {
		if (len >= sizeof(session.s_url))
			return -ENAMETOOLONG;
		memcpy(session.s_url, url, len + 1);
		return 0;
	}
	at = (size_t)(name - url);
	len -= at;
	memcpy(session.s_url, url, at);
	n = hostcall(SYS_getcwd, session.s_url + at, sizeof(session.s_url) - at,
	    0L, 0L, 0L, 0L);
	if (n < 0)
		return (int)n;
	at += (size_t)n - 1;
	if (len + 2 > sizeof(session.s_url) - at)
		return -ENAMETOOLONG;
	session.s_url[at++] = '/';
	memcpy(session.s_url + at, name, len + 1);
	return 0;
}

/* What the program before an exec left: it is told that we are another one. */
static int
session_resume_locked(int fd)
{
	struct sp_ctl ctl = { .c_op = SP_EXECUTED };
	struct sp_hello hello;
	int error;

	hello_fill(&hello, SP_EXEC);
	error = conn_send(fd, &ctl, sizeof(ctl), -1);
	return error ? error : session_begin_locked(fd, &hello);
}

static int
session_guest_locked(const char *url)
{
	struct sp_hello hello;
	int fd, error;

	fd = connect_url(url);
	if (fd < 0)
		return fd;
	hello_fill(&hello, SP_GUEST);
	error = session_begin_locked(fd, &hello);
	if (error)
		(void)hostcall(SYS_close, (long)fd, 0L, 0L, 0L, 0L, 0L);
	return error;
}

static int
session_open_locked(const char *url)
{
	const char *oldurl;
	int fd, error;

	if (session.s_fd != -1)
		return 0;
	if (!hostcall_foreign && (error = guard_init()) != 0)
		return -error;
	if (session.s_generation == 0)
		retry_environment();
	fd = exec_inherited(&oldurl);
	if (fd >= 0) {
		error = url_keep(oldurl);
		return error ? error : session_resume_locked(fd);
	}
	if (url == NULL)
		return -ENOENT;
	error = url_keep(url);
	return error ? error : session_guest_locked(url);
}

/*
 * A server elsewhere is reached through a process that speaks TLS, which makes a local socket for
 * us and whoever comes after us.
 */
static int
session_front(const char *url, struct tlsfront_ready *ready)
{
	int fd, error;

	error = tlsfront_start("connect", url, ready, &fd);
	if (error)
		return error == ENOENT ? -EPROTONOSUPPORT : -error;
	/* It knows our process. */
	host_close(fd);
	return 0;
}

int
session_open(const char *url)
{
	struct tlsfront_ready ready;
	struct host_room room;
	int error;

	if (url != NULL && url_rest(url, "tcp://") != NULL && session_fd() == -1 &&
	    getenv(EXEC_NAME) == NULL) {
		error = session_front(url, &ready);
		if (error)
			return error;
		url = ready.tr_url;
	}
	rclock_enter(&session.s_lock);
	host_room_enter(&room);
	error = session_open_locked(url);
	host_room_leave(&room);
	rclock_exit(&session.s_lock);
	return error;
}

void
session_lost(uint32_t generation)
{
	rclock_enter(&session.s_lock);
	if (session.s_generation == generation && session.s_fd != -1) {
		host_fd_ours(session.s_fd, false);
		host_close(session.s_fd);
		__atomic_store_n(&session.s_fd, -1, __ATOMIC_RELAXED);
		__atomic_store_n(&session.s_gone, true, __ATOMIC_RELEASE);
	}
	rclock_exit(&session.s_lock);
}
