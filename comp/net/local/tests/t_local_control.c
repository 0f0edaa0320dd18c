/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_control.c - control data: files and credentials travel as on the host
 */

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <harness.h>
#include <twin.h>

static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
static const char *const type_names[] = { "stream", "dgram", "seqpacket" };

union control {
	struct cmsghdr	cm;
	unsigned char	bytes[1200];
};

/* Sends text with n copies of fd. */
static long
send_fds(struct twin *tw, int so, const char *text, int fd, size_t n)
{
	union control c;
	struct iovec iov = { (void *)(uintptr_t)text, strlen(text) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	memset(&c, 0, sizeof(c));
	c.cm.cmsg_len = CMSG_LEN(n * sizeof(int));
	c.cm.cmsg_level = SOL_SOCKET;
	c.cm.cmsg_type = SCM_RIGHTS;
	for (size_t i = 0; i < n; i++)
		memcpy(CMSG_DATA(&c.cm) + i * sizeof(int), &fd, sizeof(int));
	return CALL(tw, sendmsg, A(so), A(&mh), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Records all that recvmsg says; closes what came; returns how many did. */
static int
recv_all(struct twin *tw, int so, size_t len, size_t room, int flags)
{
	union control c;
	char buf[64];
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = room };
	int came = 0, fd;
	long n;

	memset(&c, 0, sizeof(c));
	memset(buf, 0, sizeof(buf));
	n = CALL(tw, recvmsg, A(so), A(&mh), A(flags | MSG_DONTWAIT));
	if (n < 0)
		return 0;
	for (long i = 0; i < n && i < (long)sizeof(buf); i++)
		twin_note(tw, "byte", buf[i]);
	twin_note(tw, "flags", mh.msg_flags);
	twin_note(tw, "control length", (long)mh.msg_controllen);
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(&mh); cm != NULL; cm = CMSG_NXTHDR(&mh, cm)) {
		twin_note(tw, "length", (long)cm->cmsg_len);
		twin_note(tw, "type", cm->cmsg_type);
		if (cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= cm->cmsg_len; i++) {
			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
			twin_note(tw, "close on exec", twin_raw(tw, SYS_fcntl,
			    TWIN_ARGS(A(fd), F_GETFD)));
			twin_note(tw, "closed", twin_raw(tw, SYS_close, TWIN_ARGS(A(fd))));
			came++;
		}
	}
	return came;
}

static void
rights_script(struct twin *tw)
{
	static const size_t rooms[] = { 0, 8, 15, 16, 17, 19, 20, 21, 23, 24, 27, 28, 32, 1200 };
	int sv[2], p[2];

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		NEED(twin_raw(tw, SYS_socketpair, TWIN_ARGS(AF_UNIX, A(types[t]), 0, A(sv))) == 0);
		NEED(twin_raw(tw, SYS_pipe2, TWIN_ARGS(A(p), 0)) == 0);
		for (size_t r = 0; r < ARRAY_SIZE(rooms); r++) {
			send_fds(tw, sv[0], "abcd", p[1], 3);
			recv_all(tw, sv[1], 8, rooms[r], r % 2 ? MSG_CMSG_CLOEXEC : 0);
		}
		send_fds(tw, sv[0], "abcd", p[1], 2);
		send_fds(tw, sv[0], "efgh", p[1], 1);
		send_fds(tw, sv[0], "ijkl", p[1], 0);
		send_fds(tw, sv[0], "mnop", p[1], 1);
		recv_all(tw, sv[1], 2, 100, MSG_PEEK);
		recv_all(tw, sv[1], 6, 100, MSG_PEEK);
		recv_all(tw, sv[1], 2, 100, 0);
		recv_all(tw, sv[1], 8, 100, 0);
		recv_all(tw, sv[1], 64, 100, 0);
		recv_all(tw, sv[1], 64, 100, 0);
		recv_all(tw, sv[1], 64, 100, 0);
		send_fds(tw, sv[0], "x", 999, 1);
		send_fds(tw, sv[0], "x", p[0], 254);
		send_fds(tw, sv[0], "", p[0], 1);
		recv_all(tw, sv[1], 64, 1200, 0);
		recv_all(tw, sv[1], 64, 1200, 0);
		/* The pipe ends when the last message that carries its end is gone. */
		send_fds(tw, sv[0], "x", p[1], 1);
		CALL(tw, close, A(p[1]));
		CALL(tw, fcntl, A(p[0]), F_SETFL, O_NONBLOCK);
		CALL(tw, read, A(p[0]), A(&p[1]), 1);
		CALL(tw, close, A(sv[1]));
		CALL(tw, read, A(p[0]), A(&p[1]), 1);
		CALL(tw, close, A(sv[0]));
		CALL(tw, close, A(p[0]));
	}
}

TEST(files_travel_as_on_the_host)
{
	twin_run(rights_script);
}

static void
many_script(struct twin *tw)
{
	int sv[2];

	NEED(twin_raw(tw, SYS_socketpair, TWIN_ARGS(AF_UNIX, SOCK_DGRAM, 0, A(sv))) == 0);
	send_fds(tw, sv[0], "x", sv[0], 253);
	recv_all(tw, sv[1], 64, 1200, 0);
	CALL(tw, close, A(sv[0]));
	CALL(tw, close, A(sv[1]));
}

/* The table of descriptors grows, and stays so. */
TEST_WITH(as_many_files_travel_as_on_the_host, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	twin_run(many_script);
}

static void
malformed_script(struct twin *tw)
{
	union control c;
	struct iovec iov = { (void *)(uintptr_t) "abc", 3 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c };
	int sv[2];

	NEED(twin_raw(tw, SYS_socketpair, TWIN_ARGS(AF_UNIX, SOCK_DGRAM, 0, A(sv))) == 0);
	for (int level = 0; level < 2; level++)
		for (int type = 0; type < 6; type++)
			for (size_t len = 0; len < 40; len += 5)
				for (size_t all = 0; all < 48; all += 7) {
					memset(&c, 0, sizeof(c));
					c.cm.cmsg_len = len;
					c.cm.cmsg_level = level;
					c.cm.cmsg_type = type;
					mh.msg_controllen = all;
					if (len >= CMSG_LEN(4) && type == SCM_RIGHTS)
						memset(CMSG_DATA(&c.cm), 0xff, 24);
					CALL(tw, sendmsg, A(sv[0]), A(&mh), MSG_DONTWAIT);
					recv_all(tw, sv[1], 9, 100, 0);
				}
	mh.msg_controllen = 8;
	mh.msg_control = (void *)8;
	CALL(tw, sendmsg, A(sv[0]), A(&mh), MSG_DONTWAIT);
	mh.msg_controllen = 1UL << 40;
	CALL(tw, sendmsg, A(sv[0]), A(&mh), MSG_DONTWAIT);
	CALL(tw, sendmsg, A(sv[0]), 8, MSG_DONTWAIT);
	mh.msg_controllen = 0;
	mh.msg_iovlen = 1025;
	CALL(tw, sendmsg, A(sv[0]), A(&mh), MSG_DONTWAIT);
	mh.msg_iovlen = 1;
	mh.msg_namelen = (socklen_t)-1;
	mh.msg_name = &c;
	CALL(tw, sendmsg, A(sv[0]), A(&mh), MSG_DONTWAIT);
	CALL(tw, sendmsg, A(sv[0]), A(&mh), 0x80000000UL);
	CALL(tw, close, A(sv[0]));
	CALL(tw, close, A(sv[1]));
}

TEST(malformed_control_data_is_refused_as_on_the_host)
{
	twin_run(malformed_script);
}

/* Who sends is not the same on both: that credentials came is compared, and whose. */
static void
recv_creds(struct twin *tw, int so, size_t len)
{
	union control c;
	char buf[64];
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = sizeof(c) };
	struct ucred uc;
	long pid, n;

	memset(&c, 0, sizeof(c));
	n = CALL(tw, recvmsg, A(so), A(&mh), MSG_DONTWAIT);
	if (n < 0)
		return;
	pid = twin_raw(tw, SYS_getpid, TWIN_ARGS(0));
	twin_note(tw, "flags", mh.msg_flags);
	twin_note(tw, "control length", (long)mh.msg_controllen);
	if (mh.msg_controllen < CMSG_LEN(sizeof(uc)))
		return;
	memcpy(&uc, CMSG_DATA(&c.cm), sizeof(uc));
	twin_note(tw, "credentials", c.cm.cmsg_type);
	twin_note(tw, "no pid", uc.pid == 0);
	twin_note(tw, "own pid", uc.pid == pid);
	twin_note(tw, "own uid", uc.uid == twin_raw(tw, SYS_getuid, TWIN_ARGS(0)));
	twin_note(tw, "nobody", uc.uid == 65534);
}

static void
send_creds(struct twin *tw, int so, int dpid, int duid)
{
	union control c;
	struct iovec iov = { (void *)(uintptr_t) "cred", 4 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c,
	    .msg_controllen = CMSG_SPACE(sizeof(struct ucred)) };
	struct ucred uc = {
		.pid = (pid_t)twin_raw(tw, SYS_getpid, TWIN_ARGS(0)) + dpid,
		.uid = (uid_t)twin_raw(tw, SYS_getuid, TWIN_ARGS(0)) + (uid_t)duid,
		.gid = (gid_t)twin_raw(tw, SYS_getgid, TWIN_ARGS(0)),
	};

	memset(&c, 0, sizeof(c));
	c.cm.cmsg_len = CMSG_LEN(sizeof(uc));
	c.cm.cmsg_level = SOL_SOCKET;
	c.cm.cmsg_type = SCM_CREDENTIALS;
	memcpy(CMSG_DATA(&c.cm), &uc, sizeof(uc));
	CALL(tw, sendmsg, A(so), A(&mh), MSG_DONTWAIT);
}

static void
cred_script(struct twin *tw)
{
	int sv[2], one = 1;
	struct ucred uc;
	socklen_t len = sizeof(uc);

	for (size_t t = 0; t < ARRAY_SIZE(types); t++) {
		tw->tw_about = type_names[t];
		NEED(twin_raw(tw, SYS_socketpair, TWIN_ARGS(AF_UNIX, A(types[t]), 0, A(sv))) == 0);
		CALL(tw, write, A(sv[0]), A("early"), 5);
		CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_PASSCRED, A(&one), sizeof(one));
		CALL(tw, write, A(sv[0]), A("late"), 4);
		send_creds(tw, sv[0], 0, 0);
		CALL(tw, write, A(sv[0]), A("last"), 4);
		for (int i = 0; i < 5; i++)
			recv_creds(tw, sv[1], 60);
		send_creds(tw, sv[0], 3000000, 0);
		recv_creds(tw, sv[1], 60);
		CALL(tw, getsockopt, A(sv[0]), SOL_SOCKET, SO_PEERCRED, A(&uc), A(&len));
		twin_note(tw, "peer", uc.pid == twin_raw(tw, SYS_getpid, TWIN_ARGS(0)));
		CALL(tw, close, A(sv[0]));
		CALL(tw, close, A(sv[1]));
	}
}

TEST(credentials_travel_as_on_the_host)
{
	twin_run(cred_script);
}
