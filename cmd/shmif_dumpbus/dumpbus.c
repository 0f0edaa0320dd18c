/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dumpbus.c - shows what goes over a bus, or who is on it
 *
 * It joins the bus with a port that wants to see everything, and writes
 * what it sees as pcapng: into a file, or into a pipe, as it comes.
 *
 * Manual: shmif_dumpbus(1).
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "lib/pcapng.h"
#include "ports.h"
#include "summary.h"
#include "tool.h"

#define OUT_SIZE	(1 << 20)
#define FRAME_ROOM	(PCAPNG_PACKET_HEAD + SHMBUS_FRAME_MAX + PCAPNG_PACKET_TAIL)

static struct options {
	const char	*o_bus;
	const char	*o_file;	/* NULL: text on a terminal */
	unsigned long	 o_count;	/* 0: no end */
	uint32_t	 o_snaplen;	/* 0: all */
	bool		 o_ports;
	bool		 o_json;
} opt;

static struct output {
	int		 out_fd;
	size_t		 out_used;
	uint8_t		 out_buf[OUT_SIZE];
} out;

static void __attribute__((__noreturn__))
usage(int status)
{
	(void)fprintf(status == TOOL_DONE ? stdout : stderr,
	    "usage: shmif_dumpbus [-c COUNT] [-s SNAPLEN] [-w FILE] BUS\n"
	    "       shmif_dumpbus -p [--json] BUS\n"
	    "Shows what goes over the bus in the file BUS.\n"
	    "  -c COUNT    stop after so many frames\n"
	    "  -s SNAPLEN  write at most so many bytes of each\n"
	    "  -w FILE     write pcapng to FILE, - for standard output\n"
	    "  -p          show who is on the bus instead\n"
	    "      --json  ... for programs\n");
	exit(status);
}

static unsigned long
number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || n > max) {
		(void)fprintf(stderr, "shmif_dumpbus: not a number: %s\n", text);
		exit(TOOL_USAGE);
	}
	return n;
}

static void
parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { "json", no_argument, NULL, 'j' },
		{ "ports", no_argument, NULL, 'p' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:hps:w:", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt.o_count = number(optarg, UINT32_MAX);
			break;
		case 'h':
			usage(TOOL_DONE);
		case 'j':
			opt.o_json = true;
			break;
		case 'p':
			opt.o_ports = true;
			break;
		case 's':
			opt.o_snaplen = (uint32_t)number(optarg, UINT32_MAX);
			break;
		case 'w':
			opt.o_file = optarg;
			break;
		default:
			usage(TOOL_USAGE);
		}
	}
	if (argc - optind != 1 || (opt.o_json && !opt.o_ports))
		usage(TOOL_USAGE);
	opt.o_bus = argv[optind];
	/* Nobody wants to read that. */
	if (opt.o_file == NULL && !isatty(STDOUT_FILENO))
		opt.o_file = "-";
}

/* --- the file ---------------------------------------------------------------- */

static void
out_open(void)
{
	out.out_fd = STDOUT_FILENO;
	if (strcmp(opt.o_file, "-") != 0)
		out.out_fd = open(opt.o_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (out.out_fd < 0)
		tool_fail(opt.o_file, "create", errno);
}

static void
out_flush(void)
{
	size_t done = 0;

	while (done < out.out_used) {
		ssize_t n = write(out.out_fd, out.out_buf + done, out.out_used - done);

		if (n < 0 && errno == EINTR)
			continue;
		/* Its reader has seen enough. */
		if (n < 0 && errno == EPIPE)
			exit(TOOL_DONE);
		if (n < 0)
			tool_fail(opt.o_file, "write", errno);
		done += (size_t)n;
	}
	out.out_used = 0;
}

static void
out_begin(void)
{
	out_open();
	out.out_used = pcapng_section(out.out_buf, "shmif_dumpbus");
	out.out_used += pcapng_interface(out.out_buf + out.out_used, opt.o_bus,
	    PCAPNG_LINK_ETHERNET, opt.o_snaplen);
	out_flush();
}

/* A checksum that its sender left open is finished in the copy. */
static void
finish_checksum(const struct shmbus_meta *sm, uint8_t *data)
{
	size_t start = sm->sm_csum_start, field = start + sm->sm_csum_offset;
	uint32_t sum = 0;

	/* Of a segment that is yet to be cut there is none. */
	if ((sm->sm_flags & 1) == 0 || sm->sm_gso_type != 0 || field + 2 > sm->sm_len)
		return;
	for (size_t i = start; i < sm->sm_len; i += 2) {
		sum += (uint32_t)data[i] << 8;
		if (i + 1 < sm->sm_len)
			sum += data[i + 1];
	}
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = sum == 0xffff ? 0xffff : ~sum & 0xffff;
	data[field] = (uint8_t)(sum >> 8);
	data[field + 1] = (uint8_t)sum;
}

static void
out_frame(const struct shmbus_rx *rx, int64_t time)
{
	uint32_t len = rx->sr_meta.sm_len, caplen = len;
	uint8_t *block;

	if (OUT_SIZE - out.out_used < FRAME_ROOM)
		out_flush();
	if (opt.o_snaplen != 0 && caplen > opt.o_snaplen)
		caplen = opt.o_snaplen;
	block = out.out_buf + out.out_used;
	memcpy(block + PCAPNG_PACKET_HEAD, rx->sr_data, len);
	finish_checksum(&rx->sr_meta, block + PCAPNG_PACKET_HEAD);
	out.out_used += pcapng_packet_head(block, 0, (uint64_t)time, caplen, len);
	out.out_used += caplen + pcapng_packet_tail(block + PCAPNG_PACKET_HEAD + caplen,
	    caplen, PCAPNG_UNKNOWN);
}

/* --- watching ------------------------------------------------------------------ */

/* One frame, in whatever form is wanted. */
static void
show(const struct shmbus_rx *rx)
{
	int64_t time = rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL);
	uint8_t head[SHMBUS_FRAME_MIN];

	if (opt.o_file != NULL) {
		out_frame(rx, time);
		return;
	}
	memcpy(head, rx->sr_data, sizeof(head));
	summary_print(time, head, rx->sr_meta.sm_len);
}

static void
watch(struct tool_port *tp)
{
	unsigned long seen = 0;
	struct shmbus_rx rx;

	while (!tool_over) {
		while (!tool_over && shmbus_peek(tp->tp_port, &rx)) {
			if (!shmbus_hold(tp->tp_port, &rx))
				continue;
			show(&rx);
			shmbus_release(tp->tp_port, &rx);
			if (++seen == opt.o_count)
				tool_over = true;
		}
		if (opt.o_file != NULL)
			out_flush();
		if (!tool_over)
			tool_sleep(tp, false);
	}
	if (opt.o_file != NULL) {
		out.out_used = pcapng_statistics(out.out_buf, 0,
		    (uint64_t)rumpuser_clock_gettime(RUMPUSER_CLOCK_WALL), seen, 0);
		out_flush();
	}
	(void)fprintf(stderr, "%lu frames\n", seen);
}

int
main(int argc, char **argv)
{
	struct tool_port tp;

	tool_name = "shmif_dumpbus";
	parse(argc, argv);
	if (opt.o_ports) {
		int error = shmbus_open(&tp.tp_bus, opt.o_bus, false, NULL);

		if (error)
			tool_fail(opt.o_bus, "open", error);
		ports_print(&tp.tp_bus, opt.o_json);
		shmbus_close(&tp.tp_bus);
		return TOOL_DONE;
	}
	if (opt.o_file != NULL)
		out_begin();
	tool_join(&tp, opt.o_bus, true);
	tool_catch(&tp);
	shmbus_promisc(tp.tp_port, true);
	watch(&tp);
	tool_leave(&tp);
	return TOOL_DONE;
}
