/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_handshake.c - packet scripts: connections begin
 */

#include "tcp_script.h"

SCRIPT(an_active_open_offers_all_options,
    "connect\n"
    "out S 0 mss 1460 sackok ts ws\n"
    "+50 in SA 0 ack 1 mss 1460 sackok ws 7 ts\n"
    "out A 1 ack 1 ts\n"
    "state ESTABLISHED\n"
    "connect = 0\n"
    "connect = EISCONN\n"
    "poll out\n");

SCRIPT(a_passive_open_answers_what_it_was_offered,
    "listen 5\n"
    "accept = EAGAIN\n"
    "in S 0 mss 1400 sackok ws 7 ts\n"
    "out SA 0 ack 1 mss 1460 sackok ts ws\n"
    "accept = EAGAIN\n"
    "+10 in A 1 ack 1 ts\n"
    "accept\n"
    "state ESTABLISHED\n"
    "mss 1388\n");

SCRIPT(a_peer_without_options_gets_none,
    "listen 5\n"
    "in S 0\n"
    "out SA 0 ack 1 mss 1460 nots\n"
    "in A 1 ack 1\n"
    "accept\n"
    "mss 536\n"
    "write 100\n"
    "out PA 1+100 nots\n");

SCRIPT(a_syn_is_repeated_with_doubled_pauses,
    "var syn_retries 3\n"
    "connect\n"
    "out S 0\n"
    "+1000 out S 0\n"
    "+2000 out S 0\n"
    "+4000 out S 0\n"
    "none 7500\n"
    "wait 1000\n"
    "soerror ETIMEDOUT\n"
    "state CLOSED\n");

SCRIPT(a_syn_ack_is_repeated_with_doubled_pauses,
    "var synack_retries 2\n"
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "+1000 out SA 0 ack 1\n"
    "+2000 out SA 0 ack 1\n"
    "none 20000\n"
    "accept = EAGAIN\n");

SCRIPT(a_refused_connection_says_so,
    "connect\n"
    "out S 0\n"
    "in RA 0 ack 1\n"
    "connect = ECONNREFUSED\n"
    "state CLOSED\n");

SCRIPT(a_reset_that_does_not_acknowledge_our_syn_is_ignored,
    "connect\n"
    "out S 0\n"
    "in R 0\n"
    "in RA 0 ack 5\n"
    "state SYN_SENT\n"
    "in SA 0 ack 1 mss 1460\n"
    "out A 1 ack 1\n"
    "state ESTABLISHED\n");

SCRIPT(an_ack_of_what_was_not_sent_is_reset_in_syn_sent,
    "connect\n"
    "out S 0\n"
    "in SA 0 ack 9\n"
    "out R 9\n"
    "state SYN_SENT\n");

SCRIPT(both_may_open_at_once,
    "connect\n"
    "out S 0\n"
    "in S 0 mss 1460 ws 7 sackok\n"
    "out SA 0 ack 1\n"
    "state SYN_RECEIVED\n"
    "in SA 0 ack 1 mss 1460 ws 7 sackok\n"
    "state ESTABLISHED\n"
    "connect = 0\n"
    "write 10\n"
    "out PA 1+10 ack 1\n");

SCRIPT(data_with_the_completing_ack_is_read,
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in PA 1+100 ack 1\n"
    "out A 1 ack 101\n"
    "accept\n"
    "read 100\n");

SCRIPT(a_lost_completing_ack_is_made_good_by_data,
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "+500 in PA 1+10 ack 1\n"
    "out A 1 ack 11\n"
    "accept\n"
    "read 10\n");

SCRIPT(a_wrong_completing_ack_is_reset,
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in A 1 ack 77\n"
    "out R 77\n"
    "accept = EAGAIN\n"
    "in A 1 ack 1\n"
    "accept\n");

SCRIPT(a_reset_ends_a_request,
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in R 1\n"
    "none 5000\n"
    "accept = EAGAIN\n");

SCRIPT(a_repeated_syn_gets_its_syn_ack_again,
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "+200 in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in A 1 ack 1\n"
    "accept\n");

SCRIPT(segments_for_nobody_are_reset,
    "in S 0\n"
    "out RA 0 ack 1\n"
    "in A 5 ack 9\n"
    "out R 9\n"
    "in FA 5+10 ack 9\n"
    "out R 9\n"
    "in R 5\n"
    "none 100\n");

SCRIPT(garbage_is_dropped,
    "listen 5\n"
    "in S 0 mss 1460 bad\n"
    "in SF 0 mss 1460\n"
    "in - 0\n"
    "none 100\n");

SCRIPT(deferred_accept_waits_for_data,
    "opt defer 5\n"
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in A 1 ack 1\n"
    "accept = EAGAIN\n"
    "+100 in PA 1+5 ack 1\n"
    "out A 1 ack 6\n"
    "accept\n"
    "read 5\n");

SCRIPT(a_full_accept_queue_drops_what_completes,
    "listen 0\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in A 1 ack 1\n"
    "none 100\n"
    "accept\n"
    "state ESTABLISHED\n");

SCRIPT(a_listener_tells_the_bound_that_was_set,
    "opt maxseg 700\n"
    "listen 4\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1 mss 700\n"
    "in A 1 ack 1\n"
    "accept\n"
    "write 2000\n"
    "out A 1+700\n"
    "out A 701+700\n");
