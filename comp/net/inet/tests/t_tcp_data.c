/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_data.c - packet scripts: data in both directions, ACKs, windows
 */

#include "tcp_script.h"

#define PEER	"handshake mss 1460 ws 7 sackok ts\n"
#define PLAIN	"handshake mss 1460\n"

SCRIPT(nagle_holds_the_second_small_segment,
    PLAIN
    "write 100\n"
    "out PA 1+100\n"
    "write 100\n"
    "write 50\n"
    "none 50\n"
    "in A 1 ack 101\n"
    "out PA 101+150\n"
    "in A 1 ack 251\n");

SCRIPT(nodelay_lets_it_go,
    PLAIN
    "opt nodelay 1\n"
    "write 100\n"
    "out PA 1+100\n"
    "write 100\n"
    "out PA 101+100\n"
    "in A 1 ack 201\n");

SCRIPT(full_segments_do_not_wait,
    PLAIN
    "write 3000\n"
    "out A 1+1460\n"
    "out A 1461+1460\n"
    "out PA 2921+80\n"
    "in A 1 ack 3001\n");

SCRIPT(cork_holds_what_is_not_full_for_200_ms,
    PLAIN
    "opt cork 1\n"
    "write 100\n"
    "write 100\n"
    "none 150\n"
    "+50 out PA 1+200\n"
    "in A 1 ack 201\n"
    "write 2000\n"
    "out A 201+1460\n"
    "opt cork 0\n"
    "out PA 1661+540\n"
    "in A 1 ack 2201\n");

SCRIPT(msg_more_is_a_cork_for_one_write,
    PLAIN
    "write 100 more\n"
    "none 100\n"
    "write 20\n"
    "out PA 1+120\n"
    "in A 1 ack 121\n");

SCRIPT(acks_are_delayed_by_40_ms,
    PLAIN
    "opt quickack 0\n"
    "in PA 1+100 ack 1\n"
    "+40 out A 1 ack 101\n"
    "read 100\n"
    "wait 1000\n"
    "in PA 101+10 ack 1\n"
    "+40 out A 1 ack 111\n");

SCRIPT(every_second_full_segment_is_acknowledged_at_once,
    PLAIN
    "in A 1+1460 ack 1\n"
    "out A 1 ack 1461\n"
    "opt quickack 0\n"
    "in A 1461+1460 ack 1\n"
    "none 10\n"
    "in A 2921+1460 ack 1\n"
    "out A 1 ack 4381\n");

SCRIPT(an_answer_carries_the_ack,
    PLAIN
    "opt quickack 0\n"
    "in PA 1+100 ack 1\n"
    "read 100\n"
    "+20 write 10\n"
    "out PA 1+10 ack 101\n"
    "none 100\n"
    "in A 101 ack 11\n");

SCRIPT(who_reads_all_and_does_not_answer_acknowledges_at_once,
    PLAIN
    "opt quickack 0\n"
    "in PA 1+100 ack 1\n"
    "+40 out A 1 ack 101\n"
    "read 100\n"
    "wait 100\n"
    "in PA 101+20 ack 1\n"
    "read 10\n"
    "none 10\n"
    "read 10\n"
    "out A 1 ack 121\n");

SCRIPT(a_young_connection_acknowledges_at_once,
    PLAIN
    "in A 1+500 ack 1\n"
    "out A 1 ack 501\n"
    "in A 501+500 ack 1\n"
    "out A 1 ack 1001\n");

SCRIPT(windows_are_scaled_by_what_the_syns_said,
    "connect\n"
    "out S 0 ws\n"
    "in SA 0 ack 1 win 1000 mss 1000 ws 3\n"		/* not scaled in a SYN */
    "out A 1 ack 1\n"
    "write 20000\n"
    "out A 1+1000\n"
    "none 100\n"
    "in A 1 ack 1001 win 250\n"				/* 2000 octets */
    "out A 1001+1000\n"
    "out A 2001+1000\n"
    "none 100\n"
    "in A 1 ack 3001 win 125\n"
    "out A 3001+1000\n"
    "none 50\n");

SCRIPT(nothing_is_scaled_for_who_did_not_offer,
    "connect\n"
    "out S 0 ws\n"
    "in SA 0 ack 1 win 2000 mss 1000\n"
    "out A 1 ack 1 win 65535\n"
    "write 20000\n"
    "out A 1+1000\n"
    "out A 1001+1000\n"
    "none 100\n");

SCRIPT(a_closed_window_is_probed_with_growing_pauses,
    PLAIN
    "in A 1 ack 1 win 0\n"
    "write 5000\n"
    "+300 out A 0 ack 1\n"
    "in A 1 ack 1 win 0\n"
    "+600 out A 0 ack 1\n"
    "in A 1 ack 1 win 0\n"
    "+1200 out A 0 ack 1\n"
    "in A 1 ack 1 win 5000\n"
    "out A 1+1460\n"
    "out A 1461+1460\n"
    "out A 2921+1460\n"
    "out PA 4381+620\n"
    "in A 1 ack 5001\n");

SCRIPT(silly_windows_are_not_filled,
    PLAIN
    "in A 1 ack 1 win 100\n"
    "write 5000\n"
    "none 200\n"
    "+100 out A 0 ack 1\n"
    "in A 1 ack 1 win 1460\n"
    "out A 1+1460\n");

SCRIPT(our_window_closes_and_opens_again,
    "opt rcvbuf 4096\n"
    "handshake mss 1460\n"
    "in A 1+1460 ack 1\n"
    "out A 1 ack 1461\n"
    "in A 1461+1460 ack 1\n"
    "out A 1 ack 2921\n"
    "in A 2921+1176 ack 1\n"
    "out A 1 ack 4097 win 0\n"
    "wait 1000\n"
    "in A 4097+1 ack 1\n"				/* a probe with data */
    "out A 1 ack 4097 win 0\n"
    "read 4096\n"
    "out A 1 ack 4097 minwin 2000\n"
    "in A 4097+100 ack 1\n"
    "out A 1 ack 4197\n"
    "read 100\n");

SCRIPT(a_probe_of_one_before_the_window_is_answered,
    PLAIN
    "in A 0 ack 1\n"
    "out A 1 ack 1\n"
    "+10 in A 0 ack 1\n"
    "none 400\n"
    "+500 in A 0 ack 1\n"
    "out A 1 ack 1\n");

SCRIPT(timestamps_are_echoed,
    PEER
    "in PA 1+10 ack 1 tsval 5000000\n"
    "out A 1 ack 11 tsecr 5000000\n"
    "in PA 21+10 ack 1 tsval 5000009\n"			/* out of order: not echoed */
    "out A 1 ack 11 tsecr 5000000 sack 21:31\n"
    "in PA 11+10 ack 1 tsval 5000010\n"
    "out A 1 ack 31 tsecr 5000010\n"
    "read 30\n");

SCRIPT(paws_drops_what_is_old,
    PEER
    "in PA 1+10 ack 1 tsval 5000000\n"
    "out A 1 ack 11\n"
    "in PA 11+10 ack 1 tsval 4999999\n"
    "out A 1 ack 11 tsecr 5000000\n"
    "in PA 11+10 ack 1 tsval 5000000\n"
    "out A 1 ack 21\n"
    "read 20\n"
    "in R 21 tsval 1\n"					/* a RST is exempt */
    "state CLOSED\n"
    "read 10 = ECONNRESET\n");

SCRIPT(the_timestamp_clock_may_wrap,
    PEER
    "in PA 1+10 ack 1 tsval 2147483640\n"
    "out A 1 ack 11\n"
    "in PA 11+10 ack 1 tsval 2147483660\n"
    "out A 1 ack 21 tsecr 2147483660\n"
    "in PA 21+10 ack 1 tsval 4294967290\n"
    "out A 1 ack 31\n"
    "in PA 31+10 ack 1 tsval 5\n"
    "out A 1 ack 41 tsecr 5\n"
    "read 40\n");

SCRIPT(segments_out_of_order_are_put_right_and_reported,
    PEER
    "in A 101+100 ack 1\n"
    "out A 1 ack 1 sack 101:201\n"
    "in A 301+100 ack 1\n"
    "out A 1 ack 1 sack 301:401,101:201\n"
    "in A 501+100 ack 1\n"
    "out A 1 ack 1 sack 501:601,301:401,101:201\n"
    "in A 201+100 ack 1\n"
    "out A 1 ack 1 sack 101:401,501:601\n"
    "in A 1+100 ack 1\n"
    "out A 1 ack 401 sack 501:601\n"
    "in A 401+100 ack 1\n"
    "out A 1 ack 601\n"
    "read 600\n");

SCRIPT(what_comes_twice_is_told_in_a_dsack,
    PEER
    "in A 1+100 ack 1\n"
    "out A 1 ack 101\n"
    "in A 1+100 ack 1\n"
    "out A 1 ack 101 sack 1:101\n"
    "in A 201+100 ack 1\n"
    "out A 1 ack 101 sack 201:301\n"
    "in A 201+100 ack 1\n"
    "out A 1 ack 101 sack 201:301,201:301\n"
    "in A 51+100 ack 1\n"
    "out A 1 ack 151 sack 51:101,201:301\n"
    "read 150\n");

SCRIPT(overlaps_are_cut,
    PLAIN
    "in A 51+100 ack 1\n"
    "out A 1 ack 1\n"
    "in A 101+200 ack 1\n"
    "out A 1 ack 1\n"
    "in A 1+400 ack 1\n"
    "out A 1 ack 401\n"
    "read 400\n"
    "in A 301+200 ack 1\n"
    "out A 1 ack 501\n"
    "read 100\n");

SCRIPT(urgent_data_is_taken_out_of_line,
    PLAIN
    "in PA 1+3 ack 1\n"
    "out A 1 ack 4\n"
    "in PAU 4+1 ack 1 urp 1\n"
    "out A 1 ack 5\n"
    "poll in out pri\n"
    "in PA 5+3 ack 1\n"
    "out A 1 ack 8\n"
    "read 10 = 3\n"
    "read 1 oob\n"
    "read 1 oob = EINVAL\n"
    "skip 1\n"
    "read 10 = 3\n");

SCRIPT(urgent_data_stays_in_line_if_wanted,
    PLAIN
    "opt oobinline 1\n"
    "in PA 1+3 ack 1\n"
    "out A 1 ack 4\n"
    "in PAU 4+4 ack 1 urp 1\n"
    "out A 1 ack 8\n"
    "read 10 = 3\n"
    "read 10 = 4\n"
    "read 1 oob = EINVAL\n");

SCRIPT(an_urgent_write_points_behind_its_octet,
    PLAIN
    "write 5\n"
    "out PA 1+5\n"
    "write 1 oob\n"
    "out PAU 6+1 urp 1\n"
    "in A 1 ack 7\n"
    "write 2\n"
    "out PA 7+2\n"
    "in A 1 ack 9\n");

SCRIPT(maxseg_bounds_both_directions,
    "opt maxseg 1000\n"
    "connect\n"
    "out S 0 mss 1000\n"
    "in SA 0 ack 1 mss 1460\n"
    "out A 1 ack 1\n"
    "write 1500\n"
    "out A 1+1000\n"
    "out PA 1001+500\n");

SCRIPT(a_peek_takes_nothing,
    PLAIN
    "in PA 1+10 ack 1\n"
    "out A 1 ack 11\n"
    "read 5 peek\n"
    "read 100 peek = 10\n"
    "read 10\n"
    "read 1 = EAGAIN\n");

SCRIPT(idle_connections_are_probed_when_asked,
    PLAIN
    "opt keepidle 10\n"
    "opt keepintvl 5\n"
    "opt keepcnt 2\n"
    "opt keepalive 1\n"
    "+10000 out A 0 ack 1\n"
    "in A 1 ack 1\n"
    "+10000 out A 0 ack 1\n"
    "+5000 out A 0 ack 1\n"
    "+5000 out RA 1 ack 1\n"
    "soerror ETIMEDOUT\n");

SCRIPT(a_user_timeout_ends_it,
    PLAIN
    "opt usertimeout 3000\n"
    "write 100\n"
    "out PA 1+100\n"
    "+300 out PA 1+100\n"
    "+600 out PA 1+100\n"
    "+1200 out PA 1+100\n"
    "wait 2500\n"
    "soerror ETIMEDOUT\n"
    "state CLOSED\n");

SCRIPT(fewer_unsent_octets_make_it_writable,
    PLAIN
    "opt notsent 1000\n"
    "in A 1 ack 1 win 0\n"
    "write 500\n"
    "poll out\n"
    "write 600\n"
    "poll\n"
    "write 10 = EAGAIN\n");
