/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sysproxy_hostile.c - clients that break the rules
 *
 * They speak the protocol by themselves, and whatever they do, the next honest
 * client is served.
 */

#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <asm/unistd.h>
#include <proto/sysproxy.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "harness.h"
#include "raw.h"
#include "start.h"
#include "watch.h"

TEST(hellos_that_make_no_sense_are_refused)
{
	struct sp_hello good, h;
	struct spserver ss;
	int fd;

	spserver_start(&ss);
	hello_good(&good);
	for (unsigned int i = 0; i < 6; i++) {
		h = good;
		switch (i) {
		case 0: h.h_magic++; break;
		case 1: h.h_version_min = SP_VERSION + 1; h.h_version_max = 9; break;
		case 2: h.h_machine ^= 0xff; break;
		case 3: h.h_kind = 99; break;
		case 4: h.h_kind = SP_FORK; break;
		case 5: h.h_kind = SP_EXEC; break;
		}
		fd = raw_connect(&ss);
		CHECK(hello_say(fd, &h, NULL) > 0);
		CHECK_EQ("the end", 0, recv(fd, &h, sizeof(h), 0));
		close(fd);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Half a hello, and the end of the process; many of them. */
TEST(clients_that_go_early_leave_nothing)
{
	struct sp_hello h;
	struct spserver ss;

	spserver_start(&ss);
	hello_good(&h);
	for (unsigned int i = 0; i < 2000; i++) {
		int fd = raw_connect(&ss);

		(void)send(fd, &h, i % (sizeof(h) + 1), MSG_NOSIGNAL);
		close(fd);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* The server ends the connection of who lies; the others do not notice. */
TEST(segments_that_lie_cost_the_client_its_session)
{
	static const struct sp_seg lies[] = {
		{ .s_addr = 4096, .s_len = SP_AREA + 1, .s_off = SP_SEG_IN },
		{ .s_addr = 4096, .s_len = 16, .s_off = SP_AREA | SP_SEG_IN },
		{ .s_addr = 4096, .s_len = 0xffffffff, .s_off = 0xfffffff8 | 3 },
		{ .s_addr = UINT64_MAX - 3, .s_len = 16, .s_off = 3 },
	};
	struct spserver ss;
	char byte;

	spserver_start(&ss);
	for (unsigned int i = 0; i < ARRAY_SIZE(lies) + 2; i++) {
		struct rawclient rc;
		struct sp_msg *m;

		raw_open(&ss, &rc);
		m = &rc.rc_slot->sl_msg;
		m->m_type = SP_CALL;
		m->m_nr = __NR_getcwd;
		m->m_nsegs = 1;
		if (i < ARRAY_SIZE(lies))
			memcpy(rc.rc_area, &lies[i], sizeof(lies[i]));
		else if (i == ARRAY_SIZE(lies))
			m->m_nsegs = 0xffff;
		else
			m->m_type = 77;
		raw_give(&rc);
		CHECK_EQ("the end", 0, recv(rc.rc_fd, &byte, 1, 0));
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Random words in the slot and random requests beside it, then the end. */
TEST(random_words_harm_nobody)
{
	struct spserver ss;

	spserver_start(&ss);
	srandom((unsigned int)harness_seed());
	for (unsigned int i = 0; i < 100; i++) {
		struct rawclient rc;

		raw_open(&ss, &rc);
		for (unsigned int k = 0; k < 20; k++) {
			struct sp_ctl ctl;
			unsigned char *p = (unsigned char *)&ctl;

			for (size_t b = 0; b < sizeof(ctl); b++)
				p[b] = (unsigned char)random();
			ctl.c_op = (uint32_t)random() % 12;
			if (ctl.c_op == SP_EXECUTED)
				ctl.c_op = 8;
			(void)send(rc.rc_fd, &ctl, sizeof(ctl), MSG_NOSIGNAL |
			    MSG_DONTWAIT);
			for (size_t b = 4; b < sizeof(struct sp_msg); b++)
				((unsigned char *)rc.rc_slot)[b] =
				    (unsigned char)random();
			for (size_t b = 0; b < 256; b++)
				rc.rc_area[b] = (unsigned char)random();
			rc.rc_slot->sl_msg.m_type = (uint16_t)(random() % 4);
			rc.rc_slot->sl_msg.m_nsegs = (uint16_t)(random() % 12);
			/* Nothing that sleeps or ends the kernel. */
			rc.rc_slot->sl_msg.m_nr = (uint32_t)random() % 24;
			raw_give(&rc);
		}
		raw_close(&rc);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}

/* Busy children of which each is killed wherever it happens to be. */
TEST_WITH(clients_killed_anywhere_leave_nothing, .ht_flags = HARNESS_SIDE,
    .ht_seconds = 60)
{
	struct spserver ss;
	int status;

	spserver_start(&ss);
	for (unsigned int i = 0; i < 200; i++) {
		int ready[2];
		pid_t pid;
		char c;

		NEED(pipe(ready) == 0);
		pid = fork();
		if (pid == 0) {
			char buf[4096] = { 0 };
			int fd[2];

			if (write(ready[1], "r", 1) != 1 ||
			    rumpclient_connect(ss.ss_url) != 0)
				_exit(1);
			for (;;) {
				(void)rump_sys_pipe(fd);
				(void)rump_sys_write(fd[1], buf, sizeof(buf));
				(void)rump_sys_read(fd[0], buf, sizeof(buf));
				(void)rump_sys_close(fd[0]);
				(void)rump_sys_close(fd[1]);
			}
		}
		NEED(read(ready[0], &c, 1) == 1);
		wait_a_while(i * 37 % 50 * 100);
		kill(pid, SIGKILL);
		NEED(waitpid(pid, &status, 0) == pid);
		close(ready[0]);
		close(ready[1]);
	}
	honest(&ss);
	CHECK_EQ("server", 0, spserver_stop(&ss));
}
