/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_plp.c - packet scripts: sizes of segments that are found by trying (RFC 4821)
 *
 * The path takes 1500 octets to begin with: 1460 of text, of which a connection that
 * tries uses 1024 at first.
 */

#include "tcp_script.h"

#define SACK	"ws 7 sackok"
/* The first window is out, in segments of 1024; two of them have arrived. */
#define BEGUN(options) \
    "var mtu_probing 2\n" \
    "handshake mss 1460 " options "\n" \
    "mss 1024\n" \
    "write 40000\n" \
    "out A 1+1024\n" "out A 1025+1024\n" "out A 2049+1024\n" "out A 3073+1024\n" \
    "out A 4097+1024\n" "out A 5121+1024\n" "out A 6145+1024\n" "out A 7169+1024\n" \
    "out A 8193+1024\n" "out A 9217+1024\n" \
    "none 10\n" \
    "+90 in A 1 ack 2049\n"
/* The probe, and what the window takes behind it. */
#define PROBED(options) \
    BEGUN(options) \
    "out A 10241+1460\n" \
    "out A 11701+1024\n" "out A 12725+1024\n"

SCRIPT(who_does_not_ask_for_it_sends_what_the_link_takes,
    "var mtu_probing 1\n"
    "handshake mss 1460 " SACK "\n"
    "mss 1460\n");

SCRIPT(a_larger_segment_that_arrives_is_the_size_from_then_on,
    PROBED(SACK)
    "mss 1024\n"
    "+100 in A 1 ack 10241\n"
    "drop\n"
    "mss 1024\n"
    "in A 1 ack 11701\n"
    "mss 1460\n"
    "castate OPEN\n"
    "count MTUPSUCCESS 1\n"
    "count MTUPFAIL 0\n");

SCRIPT(a_larger_segment_that_is_sacked_has_arrived,
    PROBED(SACK)
    "in A 1 ack 2049 sack 10241:11701\n"
    "mss 1460\n"
    "count MTUPSUCCESS 1\n");

SCRIPT(a_larger_segment_that_is_lost_is_no_congestion,
    PROBED(SACK)
    "cwnd 12\n"
    "+100 in A 1 ack 10241\n"
    "drop\n"
    "cwnd 20\n"
    "in A 1 ack 10241 sack 11701:12725\n"
    "in A 1 ack 10241 sack 11701:13749\n"
    "drop\n"
    "in A 1 ack 10241 sack 11701:14773\n"
    "out A 10241+1024\n"
    "out A 11265+436\n"
    "castate DISORDER\n"
    "cwnd 20\n"
    "mss 1024\n"
    "count MTUPSUCCESS 0\n"
    "count MTUPFAIL 1\n"
    "count SACKRECOVERY 0\n");

SCRIPT(without_sack_three_duplicates_say_the_same,
    PROBED("ws 7")
    "+100 in A 1 ack 10241\n"
    "drop\n"
    "in A 1 ack 10241\n"
    "in A 1 ack 10241\n"
    "drop\n"
    "in A 1 ack 10241\n"
    "out A 10241+1024\n"
    "out A 11265+436\n"
    "cwnd 20\n"
    "count MTUPFAIL 1\n"
    "count RENORECOVERY 0\n");

SCRIPT(other_losses_beside_it_are_congestion,
    PROBED(SACK)
    "+100 in A 1 ack 9217\n"
    "drop\n"
    "in A 1 ack 9217 sack 11701:14773\n"
    "castate RECOVERY\n"
    "count MTUPFAIL 0\n"
    "count SACKRECOVERY 1\n");

SCRIPT(no_probe_goes_before_there_is_room_for_ten_others,
    "var mtu_probing 2\n"
    "handshake mss 1460 " SACK "\n"
    "write 40000\n"
    "drop\n"
    "none 50\n"
    "in A 1 ack 1025\n"
    "out A 10241+1460\n");

SCRIPT(no_probe_goes_where_nothing_would_follow_it,
    "var mtu_probing 2\n"
    "handshake mss 1460 " SACK "\n"
    "write 15000\n"
    "drop\n"
    "+100 in A 1 ack 2049\n"
    "out A 10241+1024\n"
    "out A 11265+1024\n");

/* Peers that take more than the path; what is tried is lost, then half of the doubt is. */
SCRIPT(the_search_halves_what_is_in_doubt,
    PROBED(SACK)
    "+100 in A 1 ack 10241\n"
    "drop\n"
    "in A 1 ack 10241 sack 11701:14773\n"
    "drop\n"
    "+100 in A 1 ack 14773\n"
    "rounds 2 100\n"
    "mss 1351\n"
    "count MTUPFAIL 1\n"
    "count MTUPSUCCESS 2\n");

SCRIPT(the_search_ends_at_the_largest_that_passes,
    PROBED(SACK)
    "+100 in A 1 ack 11701\n"
    "mss 1460\n"
    "rounds 8 100\n"
    "mss 1460\n"
    "count MTUPSUCCESS 1\n"
    "count MTUPFAIL 0\n");

SCRIPT(what_did_not_pass_is_tried_again_after_the_interval,
    "var probe_interval 1\n"
    "var probe_threshold 436\n"
    PROBED("sackok")
    "+100 in A 1 ack 10241\n"
    "drop\n"
    "in A 1 ack 10241 sack 11701:14773\n"
    "drop\n"
    "+100 in A 1 ack 14773\n"
    "rounds 5 100\n"
    "mss 1024\n"
    "rounds 10 100\n"
    "mss 1460\n"
    "count MTUPFAIL 1\n"
    "count MTUPSUCCESS 1\n");

SCRIPT(a_router_that_finds_the_probe_too_big_ends_the_doubt,
    PROBED(SACK)
    "icmp toobig 1300 10241\n"
    "out A 10241+1024\n"
    "out A 11265+436\n"
    "castate OPEN\n"
    "mss 1024\n"
    "+100 in A 1 ack 14773\n"
    "rounds 2 100\n"
    "mss 1260\n"
    "count SACKRECOVERY 0\n");

SCRIPT(a_timeout_says_nothing_about_the_probe,
    "var early_retrans 0\n"
    PROBED(SACK)
    "+300 out A 2049+1024\n"
    "castate LOSS\n"
    "count MTUPFAIL 0\n"
    "mss 1024\n");

SCRIPT(behind_a_black_hole_larger_ones_are_tried_from_below,
    "var early_retrans 0\n"
    "var mtu_probing 1\n"
    "handshake mss 1460 sackok\n"
    "write 1460\n"
    "out PA 1+1460\n"
    "+300 out PA 1+1460\n"
    "+600 out PA 1+1460\n"
    "+1200 out A 1+1024\n"
    "count MTUPFAIL 1\n"
    "in A 1 ack 1025\n"
    "out PA 1025+436\n"
    "+100 in A 1 ack 1461\n"
    "rounds 20 100\n"
    "mss 1452 1460\n"
    "count MTUPFAIL 1\n");

#define TOLD \
    "var mtu_probing 1\n" \
    "var probe_interval 30\n" \
    "handshake mss 1460 " SACK "\n" \
    "write 1460\n" \
    "out PA 1+1460\n" \
    "icmp toobig 1200 1\n" \
    "out A 1+1160\n" \
    "out PA 1161+300\n" \
    "+100 in A 1 ack 1461\n"

SCRIPT(what_icmp_told_holds_as_long_as_the_route_knows_it,
    TOLD
    "wait 100000\n"
    "rounds 5 100\n"
    "mss 1160\n"
    "count MTUPSUCCESS 0\n");

SCRIPT(a_path_that_grew_again_is_found,
    TOLD
    "wait 650000\n"
    "rounds 5 100\n"
    "mss 1460\n"
    "count MTUPSUCCESS 1\n");
