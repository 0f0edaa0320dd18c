/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_streams_hostile.c - clients that break the rules on a connection
 *
 * They speak the protocol of streams by themselves.  Whatever they do, the
 * next honest client is served, and the server ends without a complaint.
 */

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <asm/unistd.h>
#include <proto/sysproxy.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "start.h"

#define ADDRESS	0x10000000u	/* of no memory of ours; the server does not mind */

struct rawclient {
	int	 rc_control;
	int	 rc_channel;
	uint8_t	 rc_secret[SP_SECRET];
};

static int
raw_connect(const struct spserver *ss)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *name = strchr(ss->ss_url, '@');
	size_t len = strlen(name);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	NEED(fd != -1);
	memcpy(sun.sun_path + 1, name + 1, len - 1);
	NEED(connect(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0);
	return fd;
}

/* The error in the welcome, which must be whole. */
static int
hello(int fd, unsigned int kind, const uint8_t *secret, uint32_t features,
    struct sp_welcome *w)
{
	struct sp_hello h = { .h_magic = SP_MAGIC, .h_version_min = SP_VERSION,
	    .h_version_max = SP_VERSION, .h_kind = kind,
	    .h_features = features, .h_machine = SP_MACHINE,
	    .h_bigendian = SP_BIGENDIAN, .h_wordsize = sizeof(long),
	    .h_pagesize = 4096 };

	if (secret != NULL)
		memcpy(h.h_secret, secret, SP_SECRET);
	NEED(send(fd, &h, sizeof(h), MSG_NOSIGNAL) == sizeof(h));
	NEED(recv(fd, w, sizeof(*w), MSG_WAITALL) == sizeof(*w));
	NEED(w->w_magic == SP_MAGIC);
	return w->w_error;
}

static void
raw_open(const struct spserver *ss, struct rawclient *rc)
{
	struct sp_welcome w;

	rc->rc_control = raw_connect(ss);
	NEED(hello(rc->rc_control, SP_GUEST, NULL, 0, &w) == 0);
	CHECK_EQ("features", 0, w.w_features);
	memcpy(rc->rc_secret, w.w_secret, SP_SECRET);
	rc->rc_channel = raw_connect(ss);
	NEED(hello(rc->rc_channel, SP_CHANNEL, rc->rc_secret, 0, &w) == 0);
}

static void
raw_close(struct rawclient *rc)
{
	close(rc->rc_control);
	close(rc->rc_channel);
}

static void
raw_send(int fd, const void *buf, size_t len)
{
	NEED(send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* An honest client in a process of its own is served. */
static void
honest(const struct spserver *ss)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(rumpclient_connect(ss->ss_url) == 0 &&
		    rump_sys_getpid() > 1 ? 0 : 1);
	NEED(waitpid(pid, &status, 0) == pid);
	CHECK_EQ("an honest client", 0, status);
}

static void
server_start(struct spserver *ss)
{
	NEED(setenv("RUMP_TEST_SCHEME", "unix+stream", 1) == 0);
	spserver_start(ss);
}

/* It was sent away: the server has closed the session. */
static void
check_ended(struct rawclient *rc)
{
	char byte;

	CHECK_EQ("the end", 0, recv(rc->rc_control, &byte, 1, 0));
	raw_close(rc);
}

static long
raw_call(struct rawclient *rc, unsigned int nr)
{
	struct sp_msg m = { .m_type = SP_CALL, .m_nr = nr };

	raw_send(rc->rc_channel, &m, sizeof(m));
	NEED(recv(rc->rc_channel, &m, sizeof(m), MSG_WAITALL) == sizeof(m));
	CHECK_EQ("reply", SP_REPLY, m.m_type);
	CHECK_EQ("bytes", 0, m.m_turn);
	return (long)m.m_arg[0];
}

TEST(a_stranger_gets_no_channel_and_no_bell)
{
	uint8_t secret[SP_SECRET];
	struct sp_welcome w;
	struct rawclient rc;
	struct spserver ss;
	int fd;

	server_start(&ss);
	raw_open(&ss, &rc);
	for (unsigned int i = 0; i < 4; i++) {
		memcpy(secret, rc.rc_secret, SP_SECRET);
		if (i >= 2)
			memset(secret, 0, SP_SECRET);
		else
			secret[15 * i] ^= 1;
		fd = raw_connect(&ss);
		CHECK_EQ("error", ESRCH, hello(fd, i % 2 ? SP_BELL : SP_CHANNEL,
		    secret, 0, &w));
		CHECK_EQ("the end", 0, recv(fd, &w, 1, 0));
		close(fd);
	}
	CHECK(raw_call(&rc, __NR_getpid) > 1);
	raw_close(&rc);
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Who shares memory has no streams, and the other way round. */
TEST(a_session_has_one_kind_of_channel)
{
	struct sp_ctl ctl = { .c_op = SP_SLOT_OPEN, .c_seq = 1 };
	struct sp_welcome w;
	struct rawclient rc;
	struct spserver ss;
	int fd;

	server_start(&ss);
	raw_open(&ss, &rc);
	raw_send(rc.rc_control, &ctl, sizeof(ctl));
	NEED(recv(rc.rc_control, &ctl, sizeof(ctl), MSG_WAITALL) == sizeof(ctl));
	CHECK_EQ("slot", EINVAL, ctl.c_error);
	raw_close(&rc);
	fd = raw_connect(&ss);
	CHECK_EQ("guest", 0, hello(fd, SP_GUEST, NULL, SP_FEATURES, &w));
	CHECK_EQ("no memory at a socket for streams", 0, w.w_features);
	close(fd);
	CHECK_EQ("server", 0, spserver_stop(&ss));
	NEED(setenv("RUMP_TEST_SCHEME", "unix", 1) == 0);
	spserver_start(&ss);
	fd = raw_connect(&ss);
	CHECK_EQ("guest", 0, hello(fd, SP_GUEST, NULL, SP_FEATURES, &w));
	CHECK_EQ("memory", SP_FEATURES, w.w_features);
	rc.rc_channel = raw_connect(&ss);
	CHECK_EQ("channel", ESRCH, hello(rc.rc_channel, SP_CHANNEL, w.w_secret, 0,
	    &w));
	close(rc.rc_channel);
	close(fd);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* What is wrong with a message, and the bytes after it. */
static const struct lie {
	const char	*l_label;
	struct sp_msg	 l_msg;
	struct sp_seg	 l_seg;
	size_t		 l_send;	/* bytes after the message */
} lies[] = {
	{ "too long", { .m_turn = SP_AREA, .m_type = SP_CALL }, { 0 }, 0 },
	{ "much too long", { .m_turn = 0xffffffff, .m_type = SP_CALL }, { 0 }, 0 },
	{ "more than it says", { .m_turn = 0, .m_type = SP_CALL }, { 0 }, 24 },
	{ "segments that did not come", { .m_type = SP_CALL, .m_nsegs = 2 }, { 0 }, 0 },
	{ "too many segments", { .m_turn = 24, .m_type = SP_CALL,
	  .m_nsegs = 0xffff }, { 0 }, 24 },
	{ "a segment beyond what came", { .m_turn = 24, .m_type = SP_CALL,
	  .m_nsegs = 1 }, { .s_addr = ADDRESS, .s_len = 8, .s_off = 24 | SP_SEG_IN },
	  24 },
	{ "one that would be read behind it", { .m_turn = 24, .m_type = SP_CALL,
	  .m_nsegs = 1 }, { .s_addr = ADDRESS, .s_len = 0x20000,
	  .s_off = 0x10000 | SP_SEG_IN | SP_SEG_OUT }, 24 },
	{ "one beyond the area", { .m_turn = 24, .m_type = SP_CALL,
	  .m_nsegs = 1 }, { .s_addr = ADDRESS, .s_len = 0x20000,
	  .s_off = 0x20000 | SP_SEG_OUT }, 24 },
	{ "one of the kernel's addresses", { .m_turn = 24, .m_type = SP_CALL,
	  .m_nsegs = 1 }, { .s_addr = UINT64_MAX - 3, .s_len = 8,
	  .s_off = SP_SEG_OUT }, 24 },
	{ "an answer nobody asked for", { .m_type = SP_ANSWER }, { 0 }, 0 },
	{ "a reply of ours", { .m_type = SP_REPLY }, { 0 }, 0 },
	{ "no type", { .m_type = 77 }, { 0 }, 0 },
};

TEST(messages_that_lie_cost_the_client_its_session)
{
	struct spserver ss;

	server_start(&ss);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		char text[sizeof(struct sp_msg) + sizeof(struct sp_seg)];
		struct sp_msg m = lies[i].l_msg;
		struct rawclient rc;

		m.m_nr = __NR_getpid;
		memcpy(text, &m, sizeof(m));
		memcpy(text + sizeof(m), &lies[i].l_seg, sizeof(struct sp_seg));
		raw_open(&ss, &rc);
		CHECK(raw_call(&rc, __NR_getpid) > 1);
		raw_send(rc.rc_channel, text, sizeof(m) + lies[i].l_send);
		check_ended(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* open(2) with a path that the server asks for; what is wrong with the answer. */
static const struct {
	const char	*a_label;
	struct sp_msg	 a_msg;
	size_t		 a_send;
	bool		 a_served;	/* it is the client's own harm only */
} answers[] = {
	{ "no bytes", { .m_type = SP_ANSWER, .m_arg = { 0, 5 } }, 0, false },
	{ "fewer bytes than it says", { .m_type = SP_ANSWER, .m_turn = 3,
	  .m_arg = { 0, 5 } }, 3, false },
	{ "too many bytes", { .m_type = SP_ANSWER, .m_turn = SP_AREA,
	  .m_arg = { 0, 5 } }, 0, false },
	{ "another call", { .m_type = SP_CALL }, 0, false },
	{ "a length without end", { .m_type = SP_ANSWER, .m_arg = { 0, UINT64_MAX } },
	  0, true },
	{ "a string without an end", { .m_type = SP_ANSWER, .m_turn = 4,
	  .m_arg = { 0, 4 } }, 4, true },
	{ "an error", { .m_type = SP_ANSWER, .m_arg = { 12345, 7 } }, 0, true },
};

TEST(answers_that_lie_are_noticed)
{
	struct spserver ss;

	server_start(&ss);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct sp_msg m = { .m_type = SP_CALL, .m_nr = __NR_chdir,
		    .m_arg = { ADDRESS } };
		char text[sizeof(m) + 8];
		struct rawclient rc;

		raw_open(&ss, &rc);
		raw_send(rc.rc_channel, &m, sizeof(m));
		NEED(recv(rc.rc_channel, &m, sizeof(m), MSG_WAITALL) == sizeof(m));
		CHECK_EQ("asked", SP_COPYINSTR, m.m_type);
		CHECK_EQ("where", ADDRESS, m.m_arg[0]);
		memcpy(text, &answers[i].a_msg, sizeof(m));
		memset(text + sizeof(m), 'x', 8);
		raw_send(rc.rc_channel, text, sizeof(m) + answers[i].a_send);
		if (!answers[i].a_served) {
			check_ended(&rc);
			continue;
		}
		NEED(recv(rc.rc_channel, &m, sizeof(m), MSG_WAITALL) == sizeof(m));
		CHECK_EQ(answers[i].a_label, SP_REPLY, m.m_type);
		CHECK((long)m.m_arg[0] < 0);
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Half a message, and the end: of the channel or of everything. */
TEST(connections_end_at_any_byte)
{
	struct sp_msg m = { .m_type = SP_CALL, .m_nr = __NR_chdir, .m_turn = 64 };
	char text[sizeof(m) + 64] = { 0 };
	struct spserver ss;

	server_start(&ss);
	memcpy(text, &m, sizeof(m));
	for (size_t i = 0; i < sizeof(text); i += 3) {
		struct sp_welcome w;
		struct rawclient rc;

		raw_open(&ss, &rc);
		if (i > 0)
			raw_send(rc.rc_channel, text, i);
		close(rc.rc_channel);
		/* The session lives on. */
		rc.rc_channel = raw_connect(&ss);
		CHECK_EQ("channel", 0, hello(rc.rc_channel, SP_CHANNEL, rc.rc_secret,
		    0, &w));
		CHECK(raw_call(&rc, __NR_getpid) > 1);
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* A byte at a time is slow, not wrong; and nobody else waits for it. */
TEST(a_slow_client_is_served_and_holds_up_nobody)
{
	struct sp_msg m = { .m_type = SP_CALL, .m_nr = __NR_getpid };
	struct rawclient rc, other;
	struct spserver ss;

	server_start(&ss);
	raw_open(&ss, &rc);
	raw_open(&ss, &other);
	for (size_t i = 0; i < sizeof(m); i++) {
		raw_send(rc.rc_channel, (char *)&m + i, 1);
		CHECK(raw_call(&other, __NR_getpid) > 1);
	}
	NEED(recv(rc.rc_channel, &m, sizeof(m), MSG_WAITALL) == sizeof(m));
	CHECK_EQ("reply", SP_REPLY, m.m_type);
	raw_close(&rc);
	raw_close(&other);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Replies that are not read: the server sleeps in the middle of one, for that client alone. */
TEST(a_client_that_does_not_read_holds_up_nobody)
{
	struct { struct sp_msg m; struct sp_seg s; } big = {
		{ .m_type = SP_CALL, .m_nr = __NR_getcwd, .m_nsegs = 1,
		  .m_turn = sizeof(struct sp_seg), .m_arg = { ADDRESS, 4096 } },
		{ .s_addr = ADDRESS, .s_len = 4096, .s_off = 4096 | SP_SEG_OUT },
	};
	struct rawclient rc;
	struct spserver ss;
	int size = 1;

	server_start(&ss);
	for (unsigned int i = 0; i < 8; i++) {
		raw_open(&ss, &rc);
		NEED(setsockopt(rc.rc_channel, SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size)) == 0);
		/* As many as go out without waiting. */
		for (unsigned int k = 0; k < 10000; k++) {
			if (send(rc.rc_channel, &big, sizeof(big), MSG_NOSIGNAL |
			    MSG_DONTWAIT) != sizeof(big))
				break;
		}
		honest(&ss);
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

TEST(random_bytes_harm_nobody)
{
	struct spserver ss;

	server_start(&ss);
	srandom((unsigned int)harness_seed());
	for (unsigned int i = 0; i < 150; i++) {
		struct { struct sp_msg m; uint8_t area[600]; } call;
		unsigned char *p = (unsigned char *)&call;
		struct rawclient rc;

		raw_open(&ss, &rc);
		for (unsigned int k = 0; k < 10; k++) {
			for (size_t b = 0; b < sizeof(call); b++)
				p[b] = (unsigned char)random();
			call.m.m_type = (uint16_t)(k == 0 ? SP_CALL : random() % 4);
			call.m.m_nsegs = (uint16_t)(random() % 8);
			call.m.m_turn = (uint32_t)random() % sizeof(call.area);
			/* Nothing that sleeps or ends the kernel. */
			call.m.m_nr = (uint32_t)random() % 24;
			for (unsigned int s = 0; s < call.m.m_nsegs; s++) {
				struct sp_seg *seg = (struct sp_seg *)(void *)call.area + s;

				seg->s_addr &= 0xffffffffff;
				seg->s_len %= 64;
				seg->s_off = (seg->s_off % 512) & ~4u;
			}
			if (send(rc.rc_channel, &call, sizeof(call.m) +
			    call.m.m_turn, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
				break;
		}
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}
