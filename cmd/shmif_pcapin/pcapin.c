/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pcapin.c - puts the frames of a capture file on a bus
 *
 * They go out as fast as their receivers take them, or with -t at the
 * distances they were captured at.
 *
 * Manual: shmif_pcapin(1).
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpuser.h>

#include "capread.h"
#include "tool.h"

#define LINK_ETHERNET	1

static struct options {
	const char	*o_file;
	const char	*o_bus;
	bool		 o_timed;
} opt;

static struct counts {
	unsigned long	 c_sent;
	unsigned long	 c_cut;		/* not all of it is in the file */
	unsigned long	 c_other;	/* of another link, or of no good length */
} counts;

static void __attribute__((__noreturn__))
usage(int status)
{
	(void)fprintf(status == TOOL_DONE ? stdout : stderr,
	    "usage: shmif_pcapin [-t] FILE BUS\n"
	    "Sends the frames of the pcap or pcapng file FILE over the bus in the file BUS.\n"
	    "  -t  at the distances they were captured at\n");
	exit(status);
}

static void
parse(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "ht", longs, NULL)) != -1) {
		switch (c) {
		case 'h':
			usage(TOOL_DONE);
		case 't':
			opt.o_timed = true;
			break;
		default:
			usage(TOOL_USAGE);
		}
	}
	if (argc - optind != 2)
		usage(TOOL_USAGE);
	opt.o_file = argv[optind];
	opt.o_bus = argv[optind + 1];
}

/* All of the file; it is ours alone, so that nobody changes what was checked. */
static void *
file_read(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t room = 1 << 16, len = 0;
	uint8_t *data = NULL, *more;
	ssize_t n = 1;

	if (fd < 0)
		tool_fail(path, "open", errno);
	while (n > 0) {
		more = realloc(data, room);
		if (more == NULL)
			tool_fail(path, "read", ENOMEM);
		data = more;
		while ((n = read(fd, data + len, room - len)) > 0) {
			len += (size_t)n;
			if (len == room)
				break;
		}
		room *= 2;
	}
	if (n < 0)
		tool_fail(path, "read", errno);
	(void)close(fd);
	*ret_len = len;
	return data;
}

/* What is sent to all comes to us, too. */
static void
drain(struct tool_port *tp)
{
	struct shmbus_rx rx;

	while (shmbus_peek(tp->tp_port, &rx))
		(void)shmbus_take(tp->tp_port, &rx);
}

/* Waits until it is time for a frame that was captured at when. */
static void
keep_time(struct tool_port *tp, int64_t when)
{
	static int64_t start, first;
	int64_t now = rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);

	if (first == 0) {
		first = when;
		start = now;
	}
	while (!tool_over && now < start + (when - first)) {
		if (shmbus_arm(tp->tp_port)) {
			if (!tool_over)
				(void)shmbus_sleep(tp->tp_port, true, start + (when - first));
			shmbus_disarm(tp->tp_port);
		}
		drain(tp);
		now = rumpuser_clock_gettime(RUMPUSER_CLOCK_MONO);
	}
}

static void
send_frame(struct tool_port *tp, const struct capread_frame *cf)
{
	const struct shmbus_meta meta = { .sm_len = cf->cf_caplen };
	const struct shmbus_iov iov = { cf->cf_data, cf->cf_caplen };
	int error;

	if (opt.o_timed && cf->cf_time != 0)
		keep_time(tp, cf->cf_time);
	for (;;) {
		drain(tp);
		error = shmbus_send(tp->tp_port, &meta, &iov, 1);
		if (error != ENOBUFS || tool_over)
			break;
		shmbus_flush(tp->tp_port);
		if (!shmbus_room(tp->tp_port, cf->cf_caplen))
			tool_sleep(tp, true);
	}
	if (error == 0)
		counts.c_sent++;
	else
		counts.c_other++;
	if (opt.o_timed || counts.c_sent % 64 == 0)
		shmbus_flush(tp->tp_port);
}

static int
send_all(struct tool_port *tp, struct capread *cr)
{
	struct capread_frame cf;
	int error = 0;

	while (!tool_over && (error = capread_next(cr, &cf)) == 0) {
		if (cf.cf_caplen < cf.cf_len)
			counts.c_cut++;
		else if (cf.cf_link != LINK_ETHERNET)
			counts.c_other++;
		else
			send_frame(tp, &cf);
	}
	shmbus_flush(tp->tp_port);
	return error == ENOENT ? 0 : error;
}

int
main(int argc, char **argv)
{
	struct tool_port tp;
	struct capread cr;
	size_t len;
	void *data;
	int error;

	tool_name = "shmif_pcapin";
	parse(argc, argv);
	data = file_read(opt.o_file, &len);
	error = capread_open(&cr, data, len);
	if (error)
		tool_fail(opt.o_file, "read", error);
	tool_join(&tp, opt.o_bus, false);
	tp.tp_port->sp_foreign = true;
	tool_catch(&tp);
	error = send_all(&tp, &cr);
	(void)fprintf(stderr, "%lu frames sent, %lu cut ones and %lu of another kind left out\n",
	    counts.c_sent, counts.c_cut, counts.c_other);
	tool_leave(&tp);
	free(data);
	if (error)
		tool_fail(opt.o_file, "read", error);
	return TOOL_DONE;
}
