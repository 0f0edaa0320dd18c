/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_cc.c - packet scripts: the curves of congestion control
 *
 * Windows are in segments of 1000 octets.  What they should be is worked out from the
 * RFCs beside each script.
 */

#include "tcp_script.h"

#define FAST "handshake mss 1000 ws 7 sackok\n"
#define SLOW				/* round trips of 400 ms from the first */ \
    "connect\n" "out S 0\n" "+400 in SA 0 ack 1 mss 1000 ws 7 sackok\n" "out A 1 ack 1\n"

/* RFC 5681: twice a round trip, then one segment a round trip, half of it after a loss. */
SCRIPT(newreno_is_a_saw,
    "opt reno 1\n"
    FAST
    "cwnd 10\n"
    "rounds 1 100\n" "cwnd 20\n"
    "rounds 2 100\n" "cwnd 80\n"
    "loss 100\n"
    "castate OPEN\n"
    "ssthresh 40\n" "cwnd 40 41\n"
    "rounds 10 100\n" "cwnd 50 51\n"
    "rounds 10 100\n" "cwnd 60 61\n"
    "loss 100\n"
    "ssthresh 30 31\n" "cwnd 30 32\n");

/*
 * RFC 9438 with W_max 80, cwnd_epoch 56: K = cbrt(24 / 0.4) = 3.9 s.  The curve is
 * flat there and 0.4 * 4^3 = 26 above four seconds later.  Reno would have 67.
 */
SCRIPT(cubic_is_concave_then_convex,
    SLOW
    "rounds 3 400\n" "cwnd 80\n"
    "loss 400\n"
    "ssthresh 56\n" "cwnd 56 57\n"
    "rounds 3 400\n" "cwnd 66 74\n"
    "rounds 6 400\n" "cwnd 79 81\n"
    "rounds 2 400\n" "cwnd 79 82\n"
    "rounds 9 400\n" "cwnd 100 112\n");

/* Section 4.7: a loss below W_max makes it 0.85 * 58 = 49, where the curve is flat now. */
SCRIPT(cubic_makes_room_for_others,
    SLOW
    "rounds 3 400\n" "cwnd 80\n"
    "loss 400\n" "cwnd 56 57\n"
    "loss 400\n"
    "ssthresh 39 42\n"
    "rounds 7 400\n" "cwnd 47 51\n"
    "rounds 1 400\n" "cwnd 47 51\n");

/*
 * Section 4.3: the round trip is short, and 0.4 * (0.2 - 2.5)^3 + 20 = 15 far below what
 * Reno would have: 14 + 9 / 17 a round trip until it is 20, then one more each.
 */
SCRIPT(cubic_is_not_slower_than_reno,
    FAST
    "rounds 1 10\n" "cwnd 20\n"
    "loss 10\n" "cwnd 14 15\n"
    "rounds 11 10\n" "cwnd 19 21\n"
    "rounds 9 10\n" "cwnd 27 30\n");

/* RFC 9406: a round trip of 125 instead of 100 ms, and only a quarter is added each time. */
#define HYSTART(name, ...)						\
	TEST_WITH(name, .ht_flags = HARNESS_KERNEL | HARNESS_KEEPS, .ht_seeds = 5)	\
	{								\
		tcp_script_run(__VA_ARGS__);				\
	}								\
	_Static_assert(sizeof(#name) > 1, "a script has a name")

HYSTART(hystart_slows_down_when_round_trips_grow,
    FAST
    "rounds 2 100\n" "cwnd 40\n"
    "rounds 1 125\n" "cwnd 80\n"		/* its round has old samples as well */
    "rounds 1 125\n" "cwnd 100 125\n"
    "rounds 1 125\n" "cwnd 125 156\n"
    "ssthresh 2147483\n"
    "rounds 5 125\n"
    "ssthresh 200 480\n");

/* ... and goes on as before if they shrink again. */
HYSTART(hystart_takes_a_false_alarm_back,
    FAST
    "rounds 2 100\n" "cwnd 40\n"
    "rounds 2 125\n" "cwnd 100 125\n"
    "rounds 2 95\n" "cwnd 250 500\n"
    "rounds 3 95\n" "cwnd 2000 4000\n"
    "ssthresh 2147483\n");

/* RFC 6937: with ssthresh half of what was in flight every second ACK lets one segment out. */
SCRIPT(prr_sends_in_proportion,
    "opt reno 1\n"
    FAST
    "write 30000\n"
    "out A 1+1000\n" "out A 1001+1000\n" "out A 2001+1000\n" "out A 3001+1000\n"
    "out A 4001+1000\n" "out A 5001+1000\n" "out A 6001+1000\n" "out A 7001+1000\n"
    "out A 8001+1000\n" "out A 9001+1000\n"
    "+100 in A 1 ack 1 sack 1001:4001\n"
    "out A 1+1000\n"
    "ssthresh 5\n"
    "in A 1 ack 1 sack 1001:5001\n"
    "out A 10001+1000\n"
    "in A 1 ack 1 sack 1001:6001\n"
    "none 1\n");

/* RFC 8985 section 6.2: two segments give no three duplicates; a quarter of a round trip does. */
SCRIPT(rack_waits_for_the_reordering_window_only,
    FAST
    "write 2000\n"
    "out A 1+1000\n" "out PA 1001+1000\n"
    "+100 in A 1 ack 1 sack 1001:2001\n"
    "castate DISORDER\n"
    "+25 out A 1+1000\n"
    "castate RECOVERY\n"
    "+100 in A 1 ack 2001\n"
    "castate OPEN\n");

/* RFC 3168 section 6.1.2: a mark counts as a loss, and nothing is sent again. */
SCRIPT(a_mark_reduces_as_a_loss_does,
    "var ecn 1\n"
    "handshake mss 1000 ws 7 sackok ecn\n"
    "rounds 2 100\n" "cwnd 40\n"
    "wait 50\n" "in AE 1 ack 31001\n"
    "ssthresh 28 42\n");
