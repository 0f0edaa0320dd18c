/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sequence.c - sequences of calls on sockets and processes, and what became of them, as text
 *
 *	sequence DIR SEED SEQUENCES CALLS
 *
 * As replay.c does for files.  What a call says must not depend on how fast bytes travel: so
 * what was sent is waited for, and sockets are looked at when nothing is under way.  A child
 * goes on with a few calls of its own while its parent waits.  Numbers of ports are not told.
 *
 * It is linked statically as well, with another C library where there is one.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NSLOTS	10
#define ROOM	(8u << 20)
#define PATIENCE 5000		/* ms; nothing takes so long that works */

enum kind { NONE, LISTENER, PAIR, UDP, LOCAL, FRESH, FILE_, NKINDS };

/* What we know of a descriptor: enough not to wait for what does not come. */
struct slot {
	enum kind	 s_kind;
	int		 s_fd;
	int		 s_peer;	/* PAIR, LOCAL: its slot, -1 */
	bool		 s_out, s_in;	/* may still send, receive */
};

static struct slot slots[NSLOTS];
static uint64_t state;
static char *text;			/* shared with children */
static size_t *used;
static int epoll_fd;

static unsigned int
pick(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(state >> 33) % n;
}

static void __attribute__((__format__(__printf__, 1, 2)))
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	*used += (size_t)vsnprintf(text + *used, ROOM - *used, fmt, ap);
	va_end(ap);
}

static long
said(const char *what, unsigned int slot, long ret)
{
	if (ret < 0)
		say("%s(%u) -> %s\n", what, slot, strerror(errno));
	else
		say("%s(%u) -> %ld\n", what, slot, ret);
	return ret;
}

static int
slot_of(enum kind kind)
{
	unsigned int from = pick(NSLOTS);

	for (unsigned int i = 0; i < NSLOTS; i++) {
		unsigned int at = (from + i) % NSLOTS;

		if (slots[at].s_kind == kind)
			return (int)at;
	}
	return -1;
}

static void
take(int at, enum kind kind, int fd, int peer)
{
	slots[at] = (struct slot){ kind, fd, peer, true, true };
}

static void
drop(int at)
{
	int peer = slots[at].s_peer;

	if ((slots[at].s_kind == PAIR || slots[at].s_kind == LOCAL) && peer >= 0) {
		slots[peer].s_peer = -1;
		slots[peer].s_out = false;
	}
	slots[at].s_kind = NONE;
}

/* --- making them --------------------------------------------------------------------- */

static struct sockaddr_in
loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void
op_socket(void)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_STREAM | SOCK_CLOEXEC, SOCK_SEQPACKET, 77 };
	int at = slot_of(NONE), fd;

	if (at < 0)
		return;
	fd = socket(AF_INET, types[pick(5)], 0);
	if (said("socket", (unsigned int)at, fd < 0 ? -1 : 0) == 0)
		take(at, FRESH, fd, -1);
}

static void
op_listen(void)
{
	struct sockaddr_in sin = loopback();
	int at = slot_of(pick(6) > 0 ? FRESH : PAIR);

	if (at < 0)
		return;
	if (slots[at].s_kind != FRESH || pick(4) > 0)
		(void)said("bind", (unsigned int)at, bind(slots[at].s_fd, (void *)&sin, sizeof(sin)));
	if (said("listen", (unsigned int)at, listen(slots[at].s_fd, 5)) == 0)
		slots[at].s_kind = LISTENER;
}

static void
op_connect(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int l = slot_of(LISTENER), a = slot_of(NONE), b, fd, on = 1;

	if (l < 0 || a < 0)
		return;
	fd = socket(AF_INET, SOCK_STREAM, 0);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)getsockname(slots[l].s_fd, (void *)&sin, &len);
	if (said("connect", (unsigned int)l, connect(fd, (void *)&sin, len)) != 0) {
		close(fd);
		return;
	}
	take(a, PAIR, fd, -1);
	b = slot_of(NONE);
	fd = accept4(slots[l].s_fd, NULL, NULL, pick(2) ? SOCK_CLOEXEC : 0);
	if (b < 0 || fd < 0) {
		say("accept: %s\n", fd < 0 ? strerror(errno) : "no slot");
		close(fd);
		close(slots[a].s_fd);
		slots[a].s_kind = NONE;
		return;
	}
	take(b, PAIR, fd, a);
	slots[a].s_peer = b;
}

static void
op_local(void)
{
	int at = slot_of(NONE), other, sv[2];

	if (at < 0)
		return;
	slots[at].s_kind = LOCAL;
	other = slot_of(NONE);
	slots[at].s_kind = NONE;
	if (other < 0 || said("socketpair", (unsigned int)at, socketpair(AF_UNIX, SOCK_STREAM, 0, sv)) != 0)
		return;
	take(at, LOCAL, sv[0], other);
	take(other, LOCAL, sv[1], at);
}

static void
op_udp(void)
{
	struct sockaddr_in sin = loopback();
	socklen_t len = sizeof(sin);
	int at = slot_of(NONE), fd;

	if (at < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	(void)bind(fd, (void *)&sin, len);
	(void)getsockname(fd, (void *)&sin, &len);
	/* To itself, for half of them. */
	if (pick(2))
		(void)said("connect", (unsigned int)at, connect(fd, (void *)&sin, len));
	take(at, UDP, fd, -1);
}

static void
op_file(const char *dir)
{
	int at = slot_of(NONE), fd;
	char name[256], bytes[600];

	if (at < 0)
		return;
	(void)snprintf(name, sizeof(name), "%s/f%u", dir, pick(3));
	fd = open(name, O_RDWR | O_CREAT | (pick(3) ? 0 : O_EXCL) | (pick(3) ? 0 : O_APPEND), 0644);
	if (said("open", (unsigned int)at, fd < 0 ? -1 : 0) != 0)
		return;
	memset(bytes, 'a' + (int)pick(26), sizeof(bytes));
	(void)said("write", (unsigned int)at, write(fd, bytes, 1 + pick(sizeof(bytes))));
	take(at, FILE_, fd, -1);
}

/* --- using them ------------------------------------------------------------------------- */

/* What was sent is there: data or the end. */
static bool
comes(int at)
{
	struct pollfd pfd = { .fd = slots[at].s_fd, .events = POLLIN };

	if (poll(&pfd, 1, PATIENCE) == 1)
		return true;
	say("nothing came to %d\n", at);
	return false;
}

static void
receive(int at, size_t len)
{
	char buf[512] = "";
	struct iovec iov[2] = { { buf, 3 }, { buf + 3, sizeof(buf) - 3 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	size_t done = 0;
	long n = 0;

	if (!comes(at))
		return;
	if (pick(4) == 0)
		(void)said("peek", (unsigned int)at, recv(slots[at].s_fd, buf, 1, MSG_PEEK) > 0);
	while (done < len) {
		switch (pick(3)) {
		case 0:
			n = recvmsg(slots[at].s_fd, &m, 0);
			break;
		case 1:
			n = readv(slots[at].s_fd, iov, 2);
			break;
		default:
			n = read(slots[at].s_fd, buf, sizeof(buf));
			break;
		}
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	say("received(%d) %zu %c%c %s\n", at, done, buf[0] ? buf[0] : '.', buf[1] ? buf[1] : '.',
	    n < 0 ? strerror(errno) : "");
}

static void
op_exchange(void)
{
	int a = slot_of(pick(2) ? PAIR : LOCAL), b;
	char bytes[512];
	size_t len = 1 + pick(sizeof(bytes));
	long n;

	if (a < 0 || !slots[a].s_out || (b = slots[a].s_peer) < 0 || !slots[b].s_in)
		return;
	memset(bytes, 'A' + (int)pick(26), sizeof(bytes));
	n = pick(2) ? write(slots[a].s_fd, bytes, len) : send(slots[a].s_fd, bytes, len, MSG_NOSIGNAL);
	if (said("send", (unsigned int)a, n) > 0)
		receive(b, (size_t)n);
}

static void
op_datagram(void)
{
	struct sockaddr_in sin;
	socklen_t len = sizeof(sin);
	int at = slot_of(UDP);
	long n;

	if (at < 0)
		return;
	(void)getsockname(slots[at].s_fd, (void *)&sin, &len);
	if (pick(3) == 0)
		n = send(slots[at].s_fd, "datagram", 8, 0);
	else
		n = sendto(slots[at].s_fd, "datagram", 8, 0, (void *)&sin, len);
	if (said("sendto", (unsigned int)at, n) > 0)
		receive(at, 1);
}

static void
op_shutdown(void)
{
	int at = slot_of(pick(2) ? PAIR : LOCAL), peer;
	char byte;

	/* One that was never connected remembers it in Linux, and its children when it listens do. */
	if (at < 0)
		return;
	peer = slots[at].s_peer;
	if (said("shutdown", (unsigned int)at, shutdown(slots[at].s_fd, SHUT_WR)) != 0 || peer < 0)
		return;
	slots[at].s_out = slots[peer].s_in = false;
	if (comes(peer))
		(void)said("end", (unsigned int)peer, read(slots[peer].s_fd, &byte, 1));
}

static void
op_options(void)
{
	static const struct { int level, name; } options[] = {
		{ SOL_SOCKET, SO_REUSEADDR }, { SOL_SOCKET, SO_KEEPALIVE }, { SOL_SOCKET, SO_TYPE },
		{ SOL_SOCKET, SO_DOMAIN }, { SOL_SOCKET, SO_ERROR }, { SOL_SOCKET, SO_ACCEPTCONN },
		{ IPPROTO_TCP, TCP_NODELAY }, { IPPROTO_TCP, TCP_KEEPIDLE }, { IPPROTO_IP, IP_TTL },
		{ IPPROTO_IP, IP_TOS }, { SOL_SOCKET, 9999 }, { 9999, 1 },
	};
	int at = (int)pick(NSLOTS), value = (int)pick(3), which = (int)pick(12);
	socklen_t len = pick(8) ? sizeof(value) : 1;

	if (slots[at].s_kind == NONE)
		return;
	if (pick(2))
		say("%d ", which), (void)said("setsockopt", (unsigned int)at, setsockopt(slots[at].s_fd,
		    options[which].level, options[which].name, &value, len));
	len = sizeof(value);
	say("%d ", which);
	if (said("getsockopt", (unsigned int)at, getsockopt(slots[at].s_fd, options[which].level,
	    options[which].name, &value, &len)) == 0)
		say("  %d of %u\n", value, len);
}

/* What is not for that kind of descriptor, or wrong about it. */
static void
op_wrong(void)
{
	struct sockaddr_in sin = loopback();
	socklen_t len = sizeof(sin);
	unsigned int at = pick(NSLOTS);
	int fd = slots[at].s_kind == NONE ? 900 : slots[at].s_fd;
	char byte;

	if (slots[at].s_kind == LISTENER || slots[at].s_kind == FILE_) {
		(void)said("getpeername", at, getpeername(fd, (void *)&sin, &len));
		(void)said("send", at, send(fd, "x", 1, MSG_NOSIGNAL));
		return;
	}
	switch (pick(6)) {
	case 0:
		(void)said("lseek", at, lseek(fd, 0, SEEK_CUR));
		break;
	case 1:
		(void)said("recv", at, recv(fd, &byte, 1, MSG_DONTWAIT));
		break;
	case 2:
		(void)said("accept", at, accept(fd, NULL, NULL));
		break;
	case 3:
		(void)said("getsockname", at, getsockname(fd, (void *)8, &len));
		break;
	case 4:
		(void)said("ftruncate", at, ftruncate(fd, 0));
		break;
	default:
		(void)said("bind", at, bind(fd, (void *)&sin, 3));
		break;
	}
}

static void
op_dup(void)
{
	int from = (int)pick(NSLOTS), to = 60 + 2 * from, fd;

	if (slots[from].s_kind == NONE)
		return;
	to += slots[from].s_fd == to;
	switch (pick(5)) {
	case 0:
		fd = dup(slots[from].s_fd);
		break;
	case 1:
		fd = dup2(slots[from].s_fd, to);
		break;
	case 2:
		fd = dup3(slots[from].s_fd, to, O_CLOEXEC);
		break;
	case 3:
		fd = fcntl(slots[from].s_fd, F_DUPFD, 40);
		break;
	default:
		(void)said("getfd", (unsigned int)from, fcntl(slots[from].s_fd, F_GETFD));
		(void)said("getfl", (unsigned int)from, fcntl(slots[from].s_fd, F_GETFL));
		(void)said("nonblock", (unsigned int)from, fcntl(slots[from].s_fd, F_SETFL, O_NONBLOCK));
		(void)said("getfl", (unsigned int)from, fcntl(slots[from].s_fd, F_GETFL));
		(void)fcntl(slots[from].s_fd, F_SETFL, 0);
		return;
	}
	if (said("dup", (unsigned int)from, fd < 0 ? -1 : 0) != 0)
		return;
	/* The other one goes: the new one is it. */
	(void)said("close", (unsigned int)from, close(slots[from].s_fd));
	slots[from].s_fd = fd;
}

static void
op_close(void)
{
	int at = (int)pick(NSLOTS), peer;
	bool told;

	if (slots[at].s_kind == NONE)
		return;
	peer = slots[at].s_kind == PAIR || slots[at].s_kind == LOCAL ? slots[at].s_peer : -1;
	told = peer >= 0 && slots[peer].s_in;
	(void)said("close", (unsigned int)at, close(slots[at].s_fd));
	drop(at);
	if (told && comes(peer))
		receive(peer, 1);
	if (peer >= 0)
		slots[peer].s_in = false;
}

/* --- waiting ------------------------------------------------------------------------------ */

static void
op_poll(void)
{
	struct pollfd fds[NSLOTS];
	struct timeval none = { 0 };
	fd_set in, out;
	int max = 0;

	FD_ZERO(&in);
	FD_ZERO(&out);
	for (unsigned int i = 0; i < NSLOTS; i++) {
		/* Of a socket that ends, the moment matters. */
		bool calm = slots[i].s_kind != NONE && (slots[i].s_kind != PAIR || slots[i].s_peer >= 0);

		fds[i] = (struct pollfd){ .fd = calm ? slots[i].s_fd : -1, .events = POLLIN | POLLOUT };
		if (!calm)
			continue;
		FD_SET(slots[i].s_fd, &in);
		FD_SET(slots[i].s_fd, &out);
		max = slots[i].s_fd > max ? slots[i].s_fd : max;
	}
	(void)said("poll", 0, poll(fds, NSLOTS, 0));
	for (unsigned int i = 0; i < NSLOTS; i++)
		say(" %x", fds[i].revents & 0xffff);
	say("\n");
	(void)said("select", 0, select(max + 1, &in, &out, NULL, &none));
	for (unsigned int i = 0; i < NSLOTS; i++)
		say(" %d%d", fds[i].fd >= 0 && FD_ISSET(fds[i].fd, &in), fds[i].fd >= 0 && FD_ISSET(fds[i].fd, &out));
	say("\n");
}

static void
op_epoll(void)
{
	unsigned int at = pick(NSLOTS), ready[NSLOTS] = { 0 };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | (pick(2) ? EPOLLET : 0), .data.u32 = at };
	struct epoll_event got[NSLOTS];
	int n;

	if (slots[at].s_kind == NONE || (slots[at].s_kind == PAIR && slots[at].s_peer < 0))
		return;
	if (said("epoll_add", at, epoll_ctl(epoll_fd, EPOLL_CTL_ADD, slots[at].s_fd, &ev)) != 0)
		return;
	for (unsigned int round = 0; round < 2; round++) {
		n = epoll_wait(epoll_fd, got, NSLOTS, 0);
		for (int i = 0; i < n; i++)
			ready[got[i].data.u32] = got[i].events;
		say("epoll_wait %d %x\n", n, ready[at]);
	}
	(void)said("epoll_again", at, epoll_ctl(epoll_fd, EPOLL_CTL_ADD, slots[at].s_fd, &ev));
	(void)said("epoll_del", at, epoll_ctl(epoll_fd, EPOLL_CTL_DEL, slots[at].s_fd, NULL));
}

/* --- moving data and descriptors -------------------------------------------------------------- */

static void
op_sendfile(void)
{
	int from = slot_of(FILE_), to = slot_of(pick(2) ? PAIR : LOCAL);
	off_t off = (off_t)pick(300);
	long n;

	if (from < 0 || to < 0 || !slots[to].s_out || slots[to].s_peer < 0 || !slots[slots[to].s_peer].s_in)
		return;
	n = sendfile(slots[to].s_fd, slots[from].s_fd, &off, 1 + pick(400));
	if (said("sendfile", (unsigned int)from, n) > 0)
		receive(slots[to].s_peer, (size_t)n);
	say("  off %ld\n", (long)off);
}

static void
op_map(void)
{
	int at = slot_of(FILE_);
	struct stat st;
	char *map;

	if (at < 0 || fstat(slots[at].s_fd, &st) != 0)
		return;
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, pick(2) ? MAP_SHARED : MAP_PRIVATE, slots[at].s_fd, 0);
	if (said("mmap", (unsigned int)at, map == MAP_FAILED ? -1 : 0) != 0)
		return;
	say("  %ld bytes, %c\n", (long)st.st_size, map[0]);
	map[0] = 'a' + (char)pick(26);
	(void)said("munmap", (unsigned int)at, munmap(map, 4096));
	if (pread(slots[at].s_fd, &(char){ 0 }, 1, 0) == 1) {
		char first;

		(void)!pread(slots[at].s_fd, &first, 1, 0);
		say("  now %c\n", first);
	}
}

/* A descriptor goes through a local socket, and the copy takes its place. */
static void
op_pass(void)
{
	union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct iovec iov = { (char[1]){ 'r' }, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
	    .msg_controllen = sizeof(control) };
	int via = slot_of(LOCAL), what = slot_of(pick(2) ? PAIR : FILE_), fd;

	if (via < 0 || what < 0 || !slots[via].s_out || slots[via].s_peer < 0 || !slots[slots[via].s_peer].s_in)
		return;
	control.align = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS,
	    .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(&control.align), &slots[what].s_fd, sizeof(int));
	if (said("pass", (unsigned int)what, sendmsg(slots[via].s_fd, &m, 0)) != 1)
		return;
	m.msg_controllen = sizeof(control);
	if (said("get", (unsigned int)what, recvmsg(slots[slots[via].s_peer].s_fd, &m,
	    pick(2) ? MSG_CMSG_CLOEXEC : 0)) != 1 || m.msg_controllen == 0)
		return;
	memcpy(&fd, CMSG_DATA(&control.align), sizeof(int));
	(void)said("close", (unsigned int)what, close(slots[what].s_fd));
	slots[what].s_fd = fd;
}

/* --- sequences ------------------------------------------------------------------------------- */

static void	calls(const char *dir, unsigned int n, bool child);

/* It leaves sockets as they are, for its parent still has them. */
static void
op_fork(const char *dir)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		calls(dir, 1 + pick(6), true);
		_exit((int)pick(50));
	}
	(void)waitpid(pid, &status, 0);
	say("child -> %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	(void)pick(7);
}

static void
one(const char *dir, bool child)
{
	switch (pick(child ? 9 : 18)) {
	case 0: op_exchange(); break;
	case 1: op_datagram(); break;
	case 2: op_options(); break;
	case 3: op_wrong(); break;
	case 4: op_poll(); break;
	case 5: op_sendfile(); break;
	case 6: op_map(); break;
	case 7: op_pass(); break;
	case 8: op_dup(); break;
	case 9: op_socket(); break;
	case 10: op_listen(); break;
	case 11: case 12: op_connect(); break;
	case 13: op_local(); break;
	case 14: op_udp(); break;
	case 15: op_file(dir); break;
	case 16: pick(2) ? op_shutdown() : op_close(); break;
	default: pick(2) ? op_fork(dir) : op_epoll(); break;
	}
}

static void
calls(const char *dir, unsigned int n, bool child)
{
	for (unsigned int i = 0; i < n; i++)
		one(dir, child);
}

static void
sequence(const char *base, uint64_t seed, unsigned int n)
{
	char dir[128];

	state = seed * 0x9e3779b97f4a7c15ULL;
	(void)snprintf(dir, sizeof(dir), "%s/%lu", base, (unsigned long)seed);
	if (mkdir(dir, 0755) != 0)
		exit(2);
	say("seed %lu\n", (unsigned long)seed);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	calls(dir, n, false);
	for (int i = 0; i < NSLOTS; i++) {
		if (slots[i].s_kind != NONE)
			close(slots[i].s_fd);
		slots[i].s_kind = NONE;
	}
	close(epoll_fd);
}

int
main(int argc, char **argv)
{
	if (argc != 5)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	text = mmap(NULL, ROOM + sizeof(*used), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (text == MAP_FAILED)
		return 2;
	used = (size_t *)(void *)(text + ROOM);
	for (unsigned long i = 0; i < strtoul(argv[3], NULL, 0); i++)
		sequence(argv[1], strtoull(argv[2], NULL, 0) + i, (unsigned int)strtoul(argv[4], NULL, 0));
	(void)!write(1, text, *used);
	return 0;
}
