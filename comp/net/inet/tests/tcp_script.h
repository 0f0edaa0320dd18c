/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tcp_script.h - packet scripts: a time line of calls and segments
 *
 * A script plays the peer of one socket.  It runs in a name space of its own, whose one
 * interface ends in the script; time is the simulated host's.  A line is
 *
 *	[+MS] VERB ARGUMENTS		# comment
 *
 * +MS counts from the event before (the segment that came last, for "out"); without
 * it the event is now.  "out" waits for it and allows 2 ms or 5 %.
 *
 * Segments, numbers relative to the ISN of who sends them:
 *
 *	in  FLAGS SEQ[+LEN] [OPTION...]		comes from the peer
 *	out FLAGS SEQ[+LEN] [OPTION...]		must be the next that the kernel sends
 *
 * SEQ of an "out" may be * for any.  FLAGS are letters of FSRPAUEC; P is looked at only where it stands, "-" is none.
 *	ack N  win N  mss N  ws N  sackok  ts  nots  tsval N  tsecr N  sack A:B[,C:D..]
 *	urp N  ce  ect (or notect)  tfo (a cookie request) or tfo N (a cookie of N octets)
 *	minwin N	("out": at least)	bad	("in": wrong checksum)
 * tsecr of an "in" is relative to the timestamp that the kernel sent last.
 * What an "out" does not name is not looked at, but its data always is.  Once both
 * sides had "ts" each "in" carries one by itself, which echoes the last one seen.
 *
 * Calls, all non-blocking; "= X" at the end tells the result, by number or errno's name:
 *	socket6  var NAME N  opt NAME N  connect  listen N  accept  write N [oob|more|tfo]
 *	read N [oob|peek]  eof  soerror X  close  shutdown rd|wr|rdwr  poll in|out|hup..
 *	handshake [OPTION..]	connects with these options in the peer's SYN-ACK
 *	server [OPTION..]	listens, is connected to with them, accepts
 * Many round trips at once, with more to send than the window takes:
 *	rounds N MS	all arrives, every second segment is acknowledged
 *	loss MS		a segment is missing, for one round trip more
 *	drop		what was sent so far is not looked at further
 * Others:
 *	wait MS  none MS (nothing is sent)  state NAME  castate NAME  cwnd N  ssthresh N
 *	cwnd N M, ssthresh N M, mss N M	(from N to M)
 *	rto MS  mss N  icmp toobig MTU SEQ  icmp unreach SEQ
 *	count STAT N	so often since the script began
 */

#ifndef TCP_SCRIPT_H
#define TCP_SCRIPT_H

#include <harness.h>

void	tcp_script_run(const char *text);

#define SCRIPT(name, ...)						\
	TEST_WITH(name, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS)	\
	{								\
		tcp_script_run(__VA_ARGS__);				\
	}								\
	_Static_assert(sizeof(#name) > 1, "a script has a name")

#endif /* TCP_SCRIPT_H */
