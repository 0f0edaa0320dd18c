/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sp_set.c - what the thread that serves remote clients waits for
 *
 * A set is an epoll(7) instance with the listening sockets, an eventfd(2)
 * that wakes, and the connections that are watched.
 *
 * A socket in the file system is taken over if nobody answers there any more:
 * the server before us was killed.  A lock beside it would stay behind as
 * well, so two servers that start at the same instant may both try; the bind
 * of one fails then, or the other is not reached any more.
 */

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sp_impl.h"

#define LISTEN_MAX	8
#define LISTEN_BACKLOG	1024
#define EVENTS_MAX	64
#define NSEC_PER_MSEC	1000000

struct listener {
	int		 l_fd;		/* -1: this place is free */
	bool		 l_stream;	/* no shared memory */
	bool		 l_front;	/* another process accepts for us */
	dev_t		 l_dev;		/* of l_path, to know it again */
	ino_t		 l_ino;
	char		 l_path[108];
};

struct rumpuser_spset {
	int		 ss_epoll;
	int		 ss_wakefd;
	int		 ss_spare;	/* given up to refuse somebody; -1 */
	unsigned int	 ss_next;	/* where accept looks first */
	struct listener	 ss_listen[LISTEN_MAX];
};

/* Cookies that no caller has. */
static char cookie_wake, cookie_listen;

static int
set_add(struct rumpuser_spset *set, int fd, void *cookie)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = cookie } };

	return epoll_ctl(set->ss_epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : errno;
}

int
rumpuser_spset_create(struct rumpuser_spset **ret_set)
{
	struct rumpuser_spset *set = calloc(1, sizeof(*set));
	int error;

	if (set == NULL)
		return ENOMEM;
	for (unsigned int i = 0; i < LISTEN_MAX; i++)
		set->ss_listen[i].l_fd = -1;
	set->ss_wakefd = set->ss_spare = -1;
	set->ss_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set->ss_epoll == -1)
		goto fail;
	set->ss_wakefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (set->ss_wakefd == -1)
		goto fail;
	set->ss_spare = fcntl(set->ss_wakefd, F_DUPFD_CLOEXEC, 0);
	error = set_add(set, set->ss_wakefd, &cookie_wake);
	if (error == 0) {
		*ret_set = set;
		return 0;
	}
	errno = error;
fail:
	error = errno;
	rumpuser_spset_destroy(set);
	return error;
}

static void
listener_close(struct listener *l)
{
	struct stat st;

	(void)close(l->l_fd);
	l->l_fd = -1;
	/* Unless another server has taken the name meanwhile. */
	if (l->l_path[0] != '\0' && lstat(l->l_path, &st) == 0 &&
	    st.st_dev == l->l_dev && st.st_ino == l->l_ino)
		(void)unlink(l->l_path);
}

void
rumpuser_spset_unlisten(struct rumpuser_spset *set)
{
	for (unsigned int i = 0; i < LISTEN_MAX; i++) {
		if (set->ss_listen[i].l_fd != -1)
			listener_close(&set->ss_listen[i]);
	}
}

void
rumpuser_spset_destroy(struct rumpuser_spset *set)
{
	rumpuser_spset_unlisten(set);
	if (set->ss_spare != -1)
		(void)close(set->ss_spare);
	if (set->ss_wakefd != -1)
		(void)close(set->ss_wakefd);
	if (set->ss_epoll != -1)
		(void)close(set->ss_epoll);
	free(set);
}

/* Removes a socket at which nobody listens. */
static bool
stale_remove(const struct sp_url *url)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(url->su_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return false;
	stale = connect(fd, (const struct sockaddr *)&url->su_addr,
	    url->su_addrlen) == -1 && errno == ECONNREFUSED;
	(void)close(fd);
	return stale && unlink(url->su_path) == 0;
}

static int
unix_open(const struct sp_url *url, struct listener *l)
{
	const struct sockaddr *sa = (const struct sockaddr *)&url->su_addr;
	struct stat st;
	int error;

	l->l_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->l_fd == -1)
		return errno;
	if (bind(l->l_fd, sa, url->su_addrlen) == -1) {
		error = errno;
		if (error != EADDRINUSE || !stale_remove(url))
			return error;
		if (bind(l->l_fd, sa, url->su_addrlen) == -1)
			return errno;
	}
	if (url->su_path[0] != '\0' && lstat(url->su_path, &st) == 0) {
		l->l_dev = st.st_dev;
		l->l_ino = st.st_ino;
		memcpy(l->l_path, url->su_path, sizeof(l->l_path));
	}
	return listen(l->l_fd, LISTEN_BACKLOG) == 0 ? 0 : errno;
}

/* A socket that is listening already, of whatever family it is. */
static int
inherited_open(const struct sp_url *url, struct listener *l)
{
	int domain, listening;
	socklen_t len = sizeof(domain);

	if (getsockopt(url->su_fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1)
		return errno;
	if (domain != AF_UNIX)
		return EPROTONOSUPPORT;
	len = sizeof(listening);
	if (getsockopt(url->su_fd, SOL_SOCKET, SO_ACCEPTCONN, &listening,
	    &len) == -1)
		return errno;
	if (!listening && listen(url->su_fd, LISTEN_BACKLOG) == -1)
		return errno;
	if (fcntl(url->su_fd, F_SETFL, fcntl(url->su_fd, F_GETFL) |
	    O_NONBLOCK) == -1 || fcntl(url->su_fd, F_SETFD, FD_CLOEXEC) == -1)
		return errno;
	l->l_fd = url->su_fd;
	return 0;
}

static int
front_open(const char *text, const struct sp_url *url, struct listener *l)
{
	char where[128];

	l->l_front = true;
	l->l_fd = url->su_fd;
	return url->su_kind == SP_URL_FRONT ? 0 :
	    rumpuser_spfront_start(text, &l->l_fd, where, sizeof(where));
}

int
rumpuser_spset_listen(struct rumpuser_spset *set, const char *text)
{
	struct listener *l = NULL;
	struct sp_url url;
	int error;

	error = sp_url_parse(text, &url);
	if (error)
		return error;
	for (unsigned int i = 0; i < LISTEN_MAX && l == NULL; i++) {
		if (set->ss_listen[i].l_fd == -1)
			l = &set->ss_listen[i];
	}
	if (l == NULL)
		return EMFILE;
	memset(l, 0, sizeof(*l));
	l->l_fd = -1;
	l->l_stream = url.su_stream;
	if (url.su_kind == SP_URL_TCP || url.su_kind == SP_URL_FRONT)
		error = front_open(text, &url, l);
	else
		error = url.su_kind == SP_URL_FD ? inherited_open(&url, l) :
		    unix_open(&url, l);
	if (error == 0)
		error = set_add(set, l->l_fd, &cookie_listen);
	if (error && l->l_fd != -1)
		listener_close(l);
	return error;
}

/* --- waiting --------------------------------------------------------------------- */

static int
timeout_ms(int64_t deadline)
{
	int64_t now, left;

	if (deadline == RUMPUSER_NOTIME)
		return -1;
	now = rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
	if (deadline <= now)
		return 0;
	left = (deadline - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return left > 3600 * 1000 ? 3600 * 1000 : (int)left;
}

static uint32_t
what_of(uint32_t events)
{
	uint32_t what = 0;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP))
		what |= RUMPUSER_SP_READ;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		what |= RUMPUSER_SP_WRITE;
	return what;
}

static void
wakefd_drain(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof(count)) == -1 && errno == EINTR)
		continue;
}

int
rumpuser_spset_wait(struct rumpuser_spset *set, struct rumpuser_spevent *ev,
    size_t n, int64_t deadline, size_t *ret_n)
{
	struct epoll_event ep[EVENTS_MAX];
	size_t got = 0;
	int count;

	count = epoll_wait(set->ss_epoll, ep,
	    n > EVENTS_MAX ? EVENTS_MAX : (int)n, timeout_ms(deadline));
	if (count == -1 && errno != EINTR)
		return errno;
	if (count == 0)
		return ETIMEDOUT;
	for (int i = 0; i < count; i++) {
		void *cookie = ep[i].data.ptr;

		if (cookie == &cookie_wake) {
			wakefd_drain(set->ss_wakefd);
			continue;
		}
		ev[got].ev_cookie = cookie == &cookie_listen ? NULL : cookie;
		ev[got++].ev_what = what_of(ep[i].events);
	}
	*ret_n = got;
	return 0;
}

void
rumpuser_spset_wake(struct rumpuser_spset *set)
{
	rumpuser_event_signal(set->ss_wakefd);
}

int
rumpuser_spset_watch(struct rumpuser_spset *set, struct rumpuser_spconn *conn,
    void *cookie, uint32_t what)
{
	struct epoll_event ev = { .data = { .ptr = cookie } };
	int op = EPOLL_CTL_MOD;

	if (what == conn->sc_watched)
		return 0;
	if (what & RUMPUSER_SP_READ)
		ev.events |= EPOLLIN;
	if (what & RUMPUSER_SP_WRITE)
		ev.events |= EPOLLOUT;
	if (what == 0)
		op = EPOLL_CTL_DEL;
	else if (conn->sc_watched == 0)
		op = EPOLL_CTL_ADD;
	if (epoll_ctl(set->ss_epoll, op, conn->sc_fd, &ev) == -1)
		return errno;
	conn->sc_watched = what;
	return 0;
}

/* --- who connects ------------------------------------------------------------------ */

static void
peer_unix(int fd, bool stream, struct rumpuser_sppeer *peer)
{
	struct ucred cr;
	socklen_t len = sizeof(cr);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &len) == -1)
		return;
	peer->sp_local = true;
	peer->sp_stream = stream;
	peer->sp_uid = cr.uid;
	peer->sp_own = cr.uid == geteuid();
	peer->sp_gid = cr.gid;
	peer->sp_pid = cr.pid;
	memcpy(peer->sp_text, "local", 6);
}

/* What does not wait says so with each call: channels do wait. */
static int
accept_from(struct listener *l, struct rumpuser_spconn *conn,
    struct rumpuser_sppeer *peer)
{
	int error;

	if (l->l_front) {
		error = sp_front_accept(l->l_fd, &conn->sc_fd, peer);
		if (error == ECONNRESET)
			listener_close(l);
		return error == ECONNRESET ? EAGAIN : error;
	}
	do {
		conn->sc_fd = accept4(l->l_fd, NULL, NULL, SOCK_CLOEXEC);
	} while (conn->sc_fd == -1 && (errno == EINTR || errno == ECONNABORTED));
	if (conn->sc_fd == -1)
		return errno;
	conn->sc_unix = true;
	peer_unix(conn->sc_fd, l->l_stream, peer);
	return 0;
}

/*
 * There is no descriptor for him: he is sent away with the one that was spared
 * for this, or the listening socket would wake us again and again.
 */
static void
accept_refuse(struct rumpuser_spset *set, const struct listener *l)
{
	int fd;

	if (set->ss_spare == -1)
		return;
	(void)close(set->ss_spare);
	fd = accept4(l->l_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd != -1)
		(void)close(fd);
	set->ss_spare = fcntl(set->ss_wakefd, F_DUPFD_CLOEXEC, 0);
}

int
rumpuser_spset_accept(struct rumpuser_spset *set,
    struct rumpuser_spconn **ret_conn, struct rumpuser_sppeer *peer)
{
	struct rumpuser_spconn *conn = calloc(1, sizeof(*conn));
	int error = EAGAIN;

	if (conn == NULL)
		return ENOMEM;
	memset(peer, 0, sizeof(*peer));
	for (unsigned int i = 0; i < LISTEN_MAX; i++) {
		struct listener *l =
		    &set->ss_listen[(set->ss_next + i) % LISTEN_MAX];

		if (l->l_fd == -1)
			continue;
		error = accept_from(l, conn, peer);
		if (error == EAGAIN)
			continue;
		if ((error == EMFILE || error == ENFILE) && !l->l_front)
			accept_refuse(set, l);
		if (error)
			break;
		set->ss_next = (unsigned int)(l - set->ss_listen) + 1;
		*ret_conn = conn;
		return 0;
	}
	free(conn);
	return error;
}
