/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_loss.c - packet scripts: what is lost, what only seems so, and how fast we
 * go on
 */

#include "tcp_script.h"

/* 10 segments of 1000 octets are out, the round trip is 100 ms. */
#define TEN(options) \
    "handshake mss 1000 " options "\n" \
    "write 10000\n" \
    "out A 1+1000\n" "out A 1001+1000\n" "out A 2001+1000\n" "out A 3001+1000\n" \
    "out A 4001+1000\n" "out A 5001+1000\n" "out A 6001+1000\n" "out A 7001+1000\n" \
    "out A 8001+1000\n" "out PA 9001+1000\n"
#define SACK	"ws 7 sackok"

SCRIPT(the_first_window_is_ten_segments,
    "handshake mss 1000 " SACK "\n"
    "cwnd 10\n"
    "write 30000\n"
    "out A 1+1000\n" "out A 1001+1000\n" "out A 2001+1000\n" "out A 3001+1000\n"
    "out A 4001+1000\n" "out A 5001+1000\n" "out A 6001+1000\n" "out A 7001+1000\n"
    "out A 8001+1000\n" "out A 9001+1000\n"
    "none 50\n"
    "in A 1 ack 2001\n"				/* slow start: two for each */
    "out A 10001+1000\n"
    "out A 11001+1000\n"
    "cwnd 12\n");

SCRIPT(a_hole_is_filled_after_three_later_segments_arrived,
    TEN(SACK)
    "+100 in A 1 ack 1 sack 1001:2001\n"
    "castate DISORDER\n"
    "in A 1 ack 1 sack 1001:3001\n"
    "none 10\n"
    "in A 1 ack 1 sack 1001:4001\n"
    "out A 1+1000\n"
    "castate RECOVERY\n"
    "ssthresh 7\n"
    "in A 1 ack 1 sack 1001:10001\n"
    "+100 in A 1 ack 10001\n"
    "castate OPEN\n"
    "cwnd 7\n");

SCRIPT(all_holes_are_filled_in_one_round_trip,
    TEN(SACK)
    "+100 in A 1 ack 1 sack 1001:2001\n"
    "in A 1 ack 1 sack 3001:4001,1001:2001\n"
    "in A 1 ack 1 sack 9001:10001,3001:4001,1001:2001\n"
    "out A 1+1000\n"
    "castate RECOVERY\n"
    "in A 1 ack 1 sack 7001:8001,9001:10001,3001:4001,1001:2001\n"
    "out A 2001+1000\n"
    "+100 in A 1 ack 2001 sack 7001:8001,9001:10001,3001:4001\n"
    "out A 4001+1000\n"
    "out A 5001+1000\n"
    "castate RECOVERY\n");

SCRIPT(three_duplicate_acks_do_it_without_sack,
    TEN("")
    "+100 in A 1 ack 1\n"
    "in A 1 ack 1\n"
    "none 10\n"
    "in A 1 ack 1\n"
    "out A 1+1000\n"
    "castate RECOVERY\n"
    "ssthresh 7\n"
    "+100 in A 1 ack 4001\n"			/* partial: the next hole */
	    "out A 4001+1000\n"
    "+100 in A 1 ack 10001\n"
    "castate OPEN\n");

SCRIPT(limited_transmit_sends_new_data_for_the_first_two,
    TEN(SACK)
    "write 5000\n"
    "none 10\n"
    "+80 in A 1 ack 1 sack 1001:2001\n"
    "out A 10001+1000\n"
    "in A 1 ack 1 sack 1001:3001\n"
    "out A 11001+1000\n");

SCRIPT(a_timeout_starts_again_from_one_segment,
    "var early_retrans 0\n"
    "var frto 0\n"
    TEN(SACK)
    "+300 out A 1+1000\n"
    "castate LOSS\n"
    "cwnd 1\n"
    "ssthresh 7\n"
    "+600 out A 1+1000\n"
    "+1200 out A 1+1000\n"
    "+100 in A 1 ack 1001\n"
    "cwnd 2\n"
    "out A 1001+1000\n"
    "out A 2001+1000\n"
    "+100 in A 1 ack 3001\n"
    "cwnd 4\n"
    "out A 3001+1000\n" "out A 4001+1000\n" "out A 5001+1000\n" "out A 6001+1000\n"
    "+100 in A 1 ack 10001\n"
    "castate OPEN\n");

SCRIPT(the_tail_is_probed_before_the_timeout,
    TEN(SACK)
    "+202 out PA 9001+1000\n"			/* two round trips */
	      "in A 1 ack 9001 sack 9001:10001\n"
    "in A 1 ack 10001\n"
    "castate OPEN\n");

SCRIPT(a_probe_that_repaired_the_tail_counts_as_congestion,
    TEN(SACK)
    "+100 in A 1 ack 9001\n"
    "+300 out PA 9001+1000\n"
    "+100 in A 1 ack 10001\n"
    "write 1000\n"
    "out PA 10001+1000\n"
    "+100 in A 1 ack 11001\n"
    "ssthresh 7\n");

SCRIPT(a_probe_that_was_not_needed_costs_nothing,
    TEN(SACK)
    "+100 in A 1 ack 9001\n"
    "+300 out PA 9001+1000\n"
    "+100 in A 1 ack 10001 sack 9001:10001\n"
    "write 1000\n"
    "out PA 10001+1000\n"
    "+100 in A 1 ack 11001\n"
    "ssthresh 2147483\n");

SCRIPT(a_dsack_for_all_that_was_resent_undoes_it,
    TEN(SACK)
    "+100 in A 1 ack 1 sack 1001:4001\n"
    "out A 1+1000\n"
    "castate RECOVERY\n"
    "+10 in A 1 ack 4001\n"
    "+90 in A 1 ack 4001 sack 1:1001\n"
    "castate OPEN\n"
    "cwnd 10\n");

SCRIPT(an_old_timestamp_shows_that_it_was_only_late,
    "handshake mss 1012 ts " SACK "\n"
    "write 4000\n"
    "out A 1+1000\n" "out A 1001+1000\n" "out A 2001+1000\n" "out PA 3001+1000\n"
    "+100 in A 1 ack 1 sack 1001:4001\n"
    "out A 1+1000\n"
    "castate RECOVERY\n"
    "+10 in A 1 ack 4001 tsecr -50\n"
    "castate OPEN\n"
    "cwnd 10\n");

SCRIPT(reordering_is_allowed_for_once_it_was_seen,
    TEN(SACK)
    "+100 in A 1 ack 1 sack 1001:2001\n"
    "in A 1 ack 2001\n"				/* the first came late */
	      "in A 1 ack 2001 sack 3001:4001\n"
    "in A 1 ack 2001 sack 3001:6001\n"
    "none 20\n"
    "+5 out A 2001+1000\n"			/* a quarter of a round trip later */
	      "castate RECOVERY\n");

SCRIPT(originals_after_a_timeout_undo_it,
    "var early_retrans 0\n"
    TEN(SACK)
    "+300 out A 1+1000\n"
    "castate LOSS\n"
    "+50 in A 1 ack 2001\n"
    "castate OPEN\n"
    "cwnd 10\n");

SCRIPT(frto_tries_new_data_first,
    "var early_retrans 0\n"
    TEN(SACK)
    "write 3000\n"
    "none 10\n"
    "+290 out A 1+1000\n"
    "castate LOSS\n"
    "+50 in A 1 ack 1001\n"
    "out A 10001+1000\n"
    "out A 11001+1000\n"
    "+50 in A 1 ack 1001 sack 10001:11001\n"	/* they overtook: losses are real */
				      "out A 1001+1000\n"
    "castate LOSS\n");

SCRIPT(ecn_is_agreed_upon_and_obeyed_once_a_round_trip,
    "var ecn 1\n"
    "handshake mss 1000 ws 7 sackok ecn\n"
    "write 4000\n"
    "out A 1+1000 ect\n" "out A 1001+1000 ect\n" "out A 2001+1000 ect\n"
    "out PA 3001+1000 ect\n"
    "+100 in AE 1 ack 1001\n"
    "castate CWR\n"
    "ssthresh 7\n"
    "in AE 1 ack 2001\n"
    "ssthresh 7\n"
    "write 1000\n"
    "out PAC 4001+1000 ect\n"
    "in A 1 ack 5001\n"
    "castate OPEN\n"
    "cwnd 7\n");

SCRIPT(marks_are_echoed_until_cwr_comes,
    "listen 5\n"
    "in SEC 0 mss 1000\n"
    "out SAE 0 ack 1\n"
    "in A 1 ack 1\n"
    "accept\n"
    "in PA 1+10 ack 1 ce\n"
    "out AE 1 ack 11\n"
    "in PA 11+10 ack 1\n"
    "out AE 1 ack 21\n"
    "in PAC 21+10 ack 1\n"
    "out A 1 ack 31\n"
    "read 30\n"
    "write 2000\n"
    "out A 1+1000 ect\n"
    "out PA 1001+1000 ect\n"
    "+10 in AE 31 ack 1001\n"
    "castate CWR\n"
    "write 100\n"
    "out PAC 2001+100 ect\n");

SCRIPT(who_takes_sacks_back_is_not_trusted,
    "var early_retrans 0\n"
    "var frto 0\n"
    TEN(SACK)
    "+100 in A 1 ack 1 sack 1001:2001\n"
    "in A 1 ack 1001\n"
    "+300 out A 1001+1000\n"
    "castate LOSS\n");

SCRIPT(acks_of_nothing_are_challenged_and_do_no_harm,
    TEN(SACK)
    "+10 in A 1 ack 20001\n"
    "out A 10001 ack 1\n"
    "in A 1 ack 20001\n"
    "in A 1 ack 1 sack 15001:16001\n"
    "in A 1 ack 1 sack 5001:4001\n"
    "castate OPEN\n"
    "none 50\n"
    "in A 1 ack 10001\n");

SCRIPT(a_lost_retransmission_is_found_by_what_was_sent_after_it,
    TEN(SACK)
    "write 10000\n"
    "none 10\n"
    "+90 in A 1 ack 1 sack 1001:4001\n"
    "out A 1+1000\n"
    "in A 1 ack 1 sack 1001:8001\n"
    "out A 10001+1000\n"
    "out A 11001+1000\n"
    "out A 12001+1000\n"
    "out A 13001+1000\n"
    "+100 in A 1 ack 1 sack 1001:8001,10001:12001\n"
    "out A 1+1000\n");

SCRIPT(the_reno_window_is_halved,
    "opt reno 1\n"
    TEN(SACK)
    "+100 in A 1 ack 1 sack 1001:4001\n"
    "out A 1+1000\n"
    "ssthresh 5\n");

SCRIPT(too_big_makes_segments_smaller_and_sends_them_again,
    "handshake mss 1460 ws 7 sackok\n"
    "write 2920\n"
    "out A 1+1460\n"
    "out PA 1461+1460\n"
    "icmp toobig 1000 1\n"
    "mss 960\n"
    "out A 1+960\n"
    "out A 961+960\n"
    "out A 1921+960\n"
    "out PA 2881+40\n"
    "in A 1 ack 2921\n"
    "cwnd 15\n");				/* as many octets as before */

SCRIPT(too_big_for_what_is_not_under_way_is_ignored,
    "handshake mss 1460 ws 7 sackok\n"
    "write 1460\n"
    "out PA 1+1460\n"
    "icmp toobig 600 5000\n"
    "mss 1460\n"
    "icmp toobig 20 1\n"			/* less than anybody may ask for */
    "mss 512\n");

SCRIPT(an_unreachable_peer_ends_what_is_being_made_and_no_more,
    "connect\n"
    "out S 0\n"
    "icmp unreach 0\n"
    "soerror EHOSTUNREACH\n"
    "state CLOSED\n");

SCRIPT(an_established_connection_outlives_unreachability,
    "handshake mss 1460\n"
    "write 10\n"
    "out PA 1+10\n"
    "icmp unreach 1\n"
    "state ESTABLISHED\n"
    "in A 1 ack 11\n");

SCRIPT(silence_about_full_segments_makes_them_smaller,
    "var early_retrans 0\n"
    "var mtu_probing 1\n"
    "handshake mss 1460\n"
    "write 1460\n"
    "out PA 1+1460\n"
    "+300 out PA 1+1460\n"
    "+600 out PA 1+1460\n"
    "+1200 out A 1+1024\n"
    "in A 1 ack 1025\n"
    "out PA 1025+436\n");

SCRIPT(a_pause_takes_the_window_back,
    TEN(SACK)
    "+100 in A 1 ack 10001\n"
    "cwnd 20\n"
    "wait 20000\n"
    "write 1000\n"
    "out PA 10001+1000\n"
    "cwnd 10\n");
