/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_tcp_end.c - packet scripts: connections end, well or not
 */

#include "tcp_script.h"

#define PLAIN	"handshake mss 1460\n"
#define TS	"handshake mss 1460 ts\n"

SCRIPT(we_close_first,
    PLAIN
    "close\n"
    "out FA 1 ack 1\n"
    "in A 1 ack 2\n"
    "+100 in FA 1 ack 2\n"
    "out A 2 ack 2\n"
    "+1000 in FA 1 ack 2\n"			/* our ACK was lost */
    "out A 2 ack 2\n"
    "wait 61000\n"
    "in FA 1 ack 2\n"				/* TIME-WAIT is over */
    "out R 2\n");

SCRIPT(the_peer_closes_first,
    PLAIN
    "in FA 1 ack 1\n"
    "out A 1 ack 2\n"
    "state CLOSE_WAIT\n"
    "eof\n"
    "write 10\n"
    "out PA 1+10 ack 2\n"
    "in A 2 ack 11\n"
    "shutdown wr\n"
    "out FA 11 ack 2\n"
    "state LAST_ACK\n"
    "in A 2 ack 12\n"
    "state CLOSED\n");

SCRIPT(half_closed_the_other_half_goes_on,
    PLAIN
    "write 5\n"
    "out PA 1+5\n"
    "shutdown wr\n"
    "out FA 6\n"
    "state FIN_WAIT_1\n"
    "write 5 = EPIPE\n"
    "in A 1 ack 7\n"
    "state FIN_WAIT_2\n"
    "in PA 1+100 ack 7\n"
    "+40 out A 7 ack 101\n"
    "read 100\n"
    "in FA 101 ack 7\n"
    "out A 7 ack 102\n"
    "eof\n");

SCRIPT(both_may_close_at_once,
    PLAIN
    "shutdown wr\n"
    "out FA 1\n"
    "in FA 1 ack 1\n"
    "out A 2 ack 2\n"
    "state CLOSING\n"
    "in A 2 ack 2\n"
    "state CLOSED\n"				/* in TIME-WAIT, without us */
    "+100 in FA 1 ack 2\n"
    "out A 2 ack 2\n");

SCRIPT(fin_rides_on_the_last_data,
    PLAIN
    "write 100 more\n"
    "shutdown wr\n"
    "out FPA 1+100\n"
    "in A 1 ack 102\n"
    "state FIN_WAIT_2\n");

SCRIPT(data_and_fin_in_one_segment,
    PLAIN
    "in FPA 1+50 ack 1\n"
    "out A 1 ack 52\n"
    "read 100 = 50\n"
    "eof\n"
    "state CLOSE_WAIT\n");

SCRIPT(a_fin_out_of_order_waits,
    PLAIN
    "in FA 51+50 ack 1\n"
    "out A 1 ack 1\n"
    "read 1 = EAGAIN\n"
    "in A 1+50 ack 1\n"
    "out A 1 ack 101\n"
    "in FA 51+50 ack 1\n"
    "out A 1 ack 102\n"
    "read 100\n"
    "eof\n");

SCRIPT(a_lost_fin_is_sent_again,
    PLAIN
    "shutdown wr\n"
    "out FA 1\n"
    "+300 out FA 1\n"
    "in A 1 ack 2\n"
    "state FIN_WAIT_2\n");

SCRIPT(a_reset_ends_it,
    PLAIN
    "in RA 1 ack 1\n"
    "state CLOSED\n"
    "read 1 = ECONNRESET\n"
    "write 1 = EPIPE\n"
    "eof\n");

SCRIPT(a_reset_after_fin_is_a_broken_pipe,
    PLAIN
    "in FA 1 ack 1\n"
    "out A 1 ack 2\n"
    "in R 2\n"
    "soerror EPIPE\n"
    "state CLOSED\n");

SCRIPT(a_reset_in_the_window_is_asked_again,
    PLAIN
    "in R 100\n"
    "out A 1 ack 1\n"
    "state ESTABLISHED\n"
    "in R 100\n"				/* not twice in half a second */
    "none 100\n"
    "in R 70000\n"				/* outside: nothing at all */
    "none 100\n"
    "+600 in R 1\n"
    "state CLOSED\n");

SCRIPT(a_syn_in_the_window_is_challenged,
    PLAIN
    "in S 10 mss 1460\n"
    "out A 1 ack 1\n"
    "state ESTABLISHED\n"
    "+600 in SA 10 ack 1\n"
    "out A 1 ack 1\n"
    "state ESTABLISHED\n");

SCRIPT(closing_with_unread_data_resets,
    PLAIN
    "in PA 1+10 ack 1\n"
    "out A 1 ack 11\n"
    "close\n"
    "out RA 1 ack 11\n");

SCRIPT(a_linger_of_nothing_resets,
    PLAIN
    "opt linger 0\n"
    "write 10\n"
    "out PA 1+10\n"
    "close\n"
    "out RA 11\n");

SCRIPT(data_for_a_closed_socket_is_reset,
    PLAIN
    "close\n"
    "out FA 1\n"
    "in A 1 ack 2\n"
    "in PA 1+10 ack 2\n"
    "out RA 2\n");

SCRIPT(an_orphan_does_not_wait_for_ever_for_fin,
    PLAIN
    "close\n"
    "out FA 1\n"
    "in A 1 ack 2\n"
    "+61000 in FA 1 ack 2\n"
    "out R 2\n");

SCRIPT(linger2_says_how_long,
    PLAIN
    "opt linger2 5\n"
    "close\n"
    "out FA 1\n"
    "in A 1 ack 2\n"
    "+4000 in A 1 ack 2\n"
    "none 10\n"
    "+1200 in FA 1 ack 2\n"
    "out R 2\n");

SCRIPT(closing_before_it_is_open_forgets_it,
    "connect\n"
    "out S 0\n"
    "close\n"
    "in SA 0 ack 1\n"
    "out R 1\n");

SCRIPT(closing_a_listener_resets_who_waits,
    "listen 5\n"
    "in S 0 mss 1460\n"
    "out SA 0 ack 1\n"
    "in A 1 ack 1\n"
    "close\n"
    "out RA 1 ack 1\n"
    "in S 0 mss 1460\n"
    "out RA * ack 1\n");

SCRIPT(a_later_timestamp_opens_anew_over_time_wait,
    "opt reuseaddr 1\n"
    "server mss 1460 ts\n"
    "shutdown wr\n"
    "out FA 1\n"
    "in FA 1 ack 2\n"
    "out A 2 ack 2\n"
    "+10 in S 5 mss 1460 ts\n"			/* older number, later time */
    "out SA 65539 ack 6\n");

SCRIPT(a_higher_number_opens_anew_over_time_wait,
    "opt reuseaddr 1\n"
    "server mss 1460\n"
    "shutdown wr\n"
    "out FA 1\n"
    "in FA 1 ack 2\n"
    "out A 2 ack 2\n"
    "+10 in S 1 mss 1460\n"			/* not higher */
    "out A 2 ack 2\n"
    "+600 in S 100000 mss 1460\n"
    "out SA 65539 ack 100001\n");

SCRIPT(a_reset_ends_time_wait,
    PLAIN
    "shutdown wr\n"
    "out FA 1\n"
    "in FA 1 ack 2\n"
    "out A 2 ack 2\n"
    "in R 2\n"
    "in FA 1 ack 2\n"
    "out R 2\n");

SCRIPT(retries_end,
    "var retries2 3\n"
    PLAIN
    "write 1\n"
    "out PA 1+1\n"
    "+300 out PA 1+1\n"
    "+600 out PA 1+1\n"
    "+1200 out PA 1+1\n"
    "none 2300\n"
    "wait 300\n"
    "soerror ETIMEDOUT\n"
    "eof\n");

SCRIPT(cookies_complete_a_handshake_without_memory,
    "var syncookies 2\n"
    "listen 5\n"
    "in S 0 mss 1300 ws 7 sackok ts\n"
    "out SA 0 ack 1 mss 1460 sackok ts ws\n"
    "none 3000\n"				/* nobody remembers to repeat it */
    "in A 1 ack 1 ts\n"
    "accept\n"
    "mss 1208\n"				/* 1220 is the nearest below */
    "in PA 1+10 ack 1 ts\n"
    "out A 1 ack 11 ts\n"
    "read 10\n");

SCRIPT(what_is_no_cookie_is_reset,
    "var syncookies 2\n"
    "listen 5\n"
    "in S 0 mss 1300\n"
    "out SA 0 ack 1 mss 1460 nots\n"
    "in A 1 ack 2\n"
    "out R 2\n"
    "in A 2 ack 1\n"				/* for another ISN of the peer */
    "out R 1\n"
    "accept = EAGAIN\n");

SCRIPT(cookies_expire,
    "var syncookies 2\n"
    "listen 5\n"
    "in S 0 mss 1300\n"
    "out SA 0 ack 1\n"
    "+200000 in A 1 ack 1\n"
    "out R 1\n"
    "accept = EAGAIN\n");

SCRIPT(a_fast_open_client_asks_for_a_cookie_and_uses_it,
    "write 100 tfo = EINPROGRESS\n"
    "out S 0 tfo 0\n"
    "in SA 0 ack 1 mss 1460 tfo 10\n"
    "out A 1 ack 1\n"
    "opt linger 0\n"
    "close\n"
    "out RA 1\n"
    "write 100 tfo\n"
    "out S 0+100 tfo 10\n"
    "in SA 0 ack 101 mss 1460\n"
    "out A 101 ack 1\n"
    "write 10\n"
    "out PA 101+10\n"
    "in A 1 ack 111\n");

SCRIPT(data_of_a_fast_open_that_was_not_taken_goes_again,
    "write 100 tfo = EINPROGRESS\n"
    "out S 0 tfo 0\n"
    "in SA 0 ack 1 mss 1460 tfo 8\n"
    "out A 1 ack 1\n"
    "opt linger 0\n"
    "close\n"
    "out RA 1\n"
    "write 100 tfo\n"
    "out S 0+100 tfo 8\n"
    "in SA 0 ack 1 mss 1460\n"
    "out PA 1+100 ack 1\n"
    "in A 1 ack 101\n");

SCRIPT(a_fast_open_server_gives_cookies,
    "var fastopen 3\n"
    "opt fastopen 5\n"
    "listen 5\n"
    "in S 0 mss 1460 tfo\n"
    "out SA 0 ack 1 tfo 8\n"
    "in A 1 ack 1\n"
    "accept\n"
    "state ESTABLISHED\n");

SCRIPT(a_fast_open_server_takes_data_with_a_good_cookie,
    "var fastopen 3\n"
    "opt fastopen 5\n"
    "listen 5\n"
    "in S 0 mss 1460 tfo\n"
    "out SA 0 ack 1 tfo 8\n"
    "in R 1\n"
    "in S 0+100 mss 1460 tfo 8\n"
    "out SA * ack 101\n"
    "accept\n"
    "state SYN_RECEIVED\n"
    "read 100\n");

SCRIPT(a_fast_open_server_is_not_fooled,
    "var fastopen 3\n"
    "opt fastopen 5\n"
    "listen 5\n"
    "in S 0+100 mss 1460 tfo 8\n"		/* a cookie of somebody's own */
    "out SA 0 ack 1 tfo 8\n"
    "accept = EAGAIN\n");
