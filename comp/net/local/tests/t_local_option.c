/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_local_option.c - options of SOL_SOCKET answer as the host's kernel does
 *
 * Every number of an option is set to a row of values and read back, with
 * room of all sizes, on each type of local socket, TCP and UDP.
 */

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <rump/rump.h>

#include <harness.h>
#include <twin.h>

#define NOWHERE		A(8)

static const struct {
	int		 family, type;
	const char	*name;
} kinds[] = {
	{ AF_UNIX, SOCK_STREAM, "local stream" },
	{ AF_UNIX, SOCK_DGRAM, "local dgram" },
	{ AF_UNIX, SOCK_SEQPACKET, "local seqpacket" },
	{ AF_INET, SOCK_STREAM, "tcp" },
	{ AF_INET, SOCK_DGRAM, "udp" },
	{ AF_INET6, SOCK_STREAM, "tcp6" },
	{ AF_INET6, SOCK_DGRAM, "udp6" },
};

/*
 * What depends on the machine, or needs another test: sizes of buffers by
 * the host's own limits, cookies, memory in use, eBPF and what the host was
 * built without.
 */
static bool
skipped(int name)
{
	switch (name) {
	case SO_COOKIE: case SO_NETNS_COOKIE: case SO_MEMINFO:
	case SO_RCVBUFFORCE: case SO_SNDBUFFORCE:
	case SO_ATTACH_BPF: case SO_ATTACH_REUSEPORT_EBPF:
	case SO_RESERVE_MEM: case SO_PEERSEC: case SO_WIFI_STATUS:
	case SO_PEERCRED: case SO_PEERGROUPS: case SO_BINDTODEVICE:
	case SO_TXTIME: case 78: case 79: case 80:	/* the last are of device memory */
		return true;
	}
	return false;
}

/* TCP has buffers of its own sizes, and limits that depend on them. */
static bool
of_tcp(int name, size_t kind)
{
	return kinds[kind].family != AF_UNIX && kinds[kind].type == SOCK_STREAM &&
	    (name == SO_SNDBUF || name == SO_RCVBUF || name == SO_RCVLOWAT);
}

static void
note_words(struct twin *tw, const unsigned char *buf, size_t len)
{
	long word;

	for (size_t i = 0; i < len; i += sizeof(word)) {
		memcpy(&word, buf + i, sizeof(word));
		twin_note(tw, "word", word);
	}
}

static void
get_all_sizes(struct twin *tw, int fd, int name)
{
	unsigned char buf[64];
	socklen_t len;

	for (socklen_t room = 0; room <= 40; room += room < 9 ? 1 : 7) {
		memset(buf, 0xaa, sizeof(buf));
		len = room;
		if (CALL(tw, getsockopt, A(fd), SOL_SOCKET, A(name), A(buf), A(&len)) < 0)
			continue;
		twin_note(tw, "length", len);
		note_words(tw, buf, 40);
	}
	len = (socklen_t)-1;
	CALL(tw, getsockopt, A(fd), SOL_SOCKET, A(name), A(buf), A(&len));
	len = 4;
	CALL(tw, getsockopt, A(fd), SOL_SOCKET, A(name), NOWHERE, A(&len));
	CALL(tw, getsockopt, A(fd), SOL_SOCKET, A(name), A(buf), NOWHERE);
}

static int current_name;
static size_t current_kind;
static char about_text[64];

static void
about(int name, const char *type)
{
	snprintf(about_text, sizeof(about_text), "option %d of %s", name, type);
}

static void
fresh_script(struct twin *tw)
{
	int fd = FD(tw, socket, A(kinds[current_kind].family),
	    A(kinds[current_kind].type), 0);

	tw->tw_about = about_text;
	get_all_sizes(tw, fd, current_name);
	CALL(tw, close, A(fd));
}

/* The sizes of buffers depend on settings: ours become the host's. */
static void
settings_of_the_host(void)
{
	static const char *const names[] = { "rmem_default", "rmem_max", "wmem_default",
	    "wmem_max" };
	char path[128], name[64], text[32];
	FILE *f;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/proc/sys/net/core/%s", names[i]);
		f = fopen(path, "r");
		NEED(f != NULL && fgets(text, sizeof(text), f) != NULL);
		fclose(f);
		text[strcspn(text, "\n")] = '\0';
		snprintf(name, sizeof(name), "net.core.%s", names[i]);
		CHECK_EQ(name, 0, rump_pub_kvar_write(name, text));
	}
}

TEST_WITH(options_of_a_fresh_socket_read_as_on_the_host, .ht_flags = HARNESS_SIDE,
    .ht_seconds = 60)
{
	settings_of_the_host();
	for (current_name = 0; current_name < 90; current_name++)
		for (current_kind = 0; current_kind < ARRAY_SIZE(kinds); current_kind++) {
			if (skipped(current_name) || of_tcp(current_name, current_kind))
				continue;
			about(current_name, kinds[current_kind].name);
			twin_run(fresh_script);
		}
}

static void
set_script(struct twin *tw)
{
	static const int values[] = { 0, 1, 2, 7, -1, -2, 100, 65535, INT32_MIN,
	    INT32_MAX, 0x80 };
	int fd = FD(tw, socket, A(kinds[current_kind].family),
	    A(kinds[current_kind].type), 0);
	unsigned char buf[16];
	socklen_t len;

	tw->tw_about = about_text;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		for (socklen_t size = 0; size <= 16; size += 4) {
			memset(buf, 0, sizeof(buf));
			memcpy(buf, &values[i], sizeof(int));
			CALL(tw, setsockopt, A(fd), SOL_SOCKET, A(current_name), A(buf), size);
			len = sizeof(buf);
			memset(buf, 0, sizeof(buf));
			CALL(tw, getsockopt, A(fd), SOL_SOCKET, A(current_name), A(buf), A(&len));
			twin_note(tw, "length", len);
			note_words(tw, buf, sizeof(buf));
		}
	CALL(tw, setsockopt, A(fd), SOL_SOCKET, A(current_name), NOWHERE, 4);
	CALL(tw, setsockopt, A(fd), SOL_SOCKET, A(current_name), NOWHERE, A(-1));
	CALL(tw, close, A(fd));
}

/* Filters are pointers, and sizes are as large as the host's settings are. */
static bool
not_an_integer(int name)
{
	return skipped(name) || name == SO_ATTACH_FILTER ||
	    name == SO_ATTACH_REUSEPORT_CBPF;
}

TEST_WITH(options_are_set_as_on_the_host, .ht_flags = HARNESS_SIDE, .ht_seconds = 60)
{
	settings_of_the_host();
	for (current_name = 0; current_name < 90; current_name++)
		for (current_kind = 0; current_kind < ARRAY_SIZE(kinds); current_kind++) {
			if (not_an_integer(current_name) || of_tcp(current_name, current_kind))
				continue;
			about(current_name, kinds[current_kind].name);
			twin_run(set_script);
		}
}

static void
filter_script(struct twin *tw)
{
	struct sock_filter pass[] = { { BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 },
	    { BPF_RET | BPF_A, 0, 0, 0 } };
	struct sock_filter some[] = { { BPF_LD | BPF_B | BPF_ABS, 0, 0, 0 },
	    { BPF_JMP | BPF_JEQ, 0, 1, 'a' }, { BPF_RET, 0, 0, 3 }, { BPF_RET, 0, 0, 0 } };
	struct sock_filter wild[] = { { BPF_JMP | BPF_JA, 0, 0, 1 }, { BPF_RET, 0, 0, 0 } };
	struct sock_fprog prog = { 2, pass };
	char buf[32];
	socklen_t len;
	int sv[2], one = 1;

	CALL(tw, socketpair, AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, A(sv));
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_DETACH_FILTER, A(&one), 4);
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), 4);
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	prog = (struct sock_fprog){ 0, pass };
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	prog = (struct sock_fprog){ 5000, pass };
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	prog = (struct sock_fprog){ 2, NULL };
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	prog = (struct sock_fprog){ 2, (void *)8 };
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	prog = (struct sock_fprog){ 2, wild };
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	prog = (struct sock_fprog){ 4, some };
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	CALL(tw, write, A(sv[0]), A("beta"), 4);
	CALL(tw, write, A(sv[0]), A(""), 0);
	CALL(tw, write, A(sv[0]), A("alpha"), 5);
	CALL(tw, write, A(sv[0]), A("ab"), 2);
	for (int i = 0; i < 3; i++)
		CALL(tw, recvfrom, A(sv[1]), A(buf), sizeof(buf), 0, 0, 0);
	for (socklen_t room = 0; room < 6; room++) {
		len = room;
		CALL(tw, getsockopt, A(sv[1]), SOL_SOCKET, SO_GET_FILTER, A(&some), A(&len));
		twin_note(tw, "length", len);
	}
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_LOCK_FILTER, A(&one), 4);
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_DETACH_FILTER, A(&one), 4);
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_ATTACH_FILTER, A(&prog), sizeof(prog));
	one = 0;
	CALL(tw, setsockopt, A(sv[1]), SOL_SOCKET, SO_LOCK_FILTER, A(&one), 4);
	CALL(tw, close, A(sv[0]));
	CALL(tw, close, A(sv[1]));
}

TEST(filters_are_taken_and_run_as_on_the_host)
{
	twin_run(filter_script);
}
