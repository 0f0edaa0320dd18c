/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_sp_users.c - a user at his limit, and others who are not
 *
 * On the simulated host, where a test can be any user: each limit is reached by one,
 * who is told so, while another does the same as if he were alone.  What is
 * given back can be had again.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <asm/unistd.h>
#include <rump/rump.h>

#include "harness.h"
#include "sppeer.h"

#define GREEDY	1000
#define OTHER	1001
#define MANY	80	/* more than may be silent */

#define P(x)	((unsigned long)(x))

/* The variables of this kernel, as they were. */
static const char *const names[] = { "sysproxy.usermaxclients", "sysproxy.usermaxchannels",
	"sysproxy.usermaxfds", "sysproxy.usermaxparcels" };
static const char *const usual[] = { "0", "0", "0", "1024" };

static void
set(const char *name, const char *value)
{
	CHECK_EQ(name, 0, rump_pub_kvar_write(name, value));
}

static void
begin(void)
{
	NEED(rump_init_server("unix://@users") == 0);
}

static void
end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		set(names[i], usual[i]);
	set("sysproxy.maxclients", "4096");
	set("sysproxy.maxchannels", "16384");
	rumpsim_settle();
	rumpsim_advance(200 * 1000000);
	rumpsim_settle();
}

/* How many of n clients come in; the others are told want. */
static unsigned int
clients_in(struct sppeer *p, unsigned int n, uint32_t uid, int want)
{
	unsigned int in = 0;

	for (unsigned int i = 0; i < n; i++) {
		int error = sppeer_connect(&p[in], uid, SP_GUEST, NULL);

		if (error == 0)
			in++;
		else
			CHECK_EQ("told", want, error);
	}
	return in;
}

static void
clients_out(struct sppeer *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		sppeer_close(&p[i]);
	rumpsim_settle();
}

TEST(a_user_has_so_many_clients_and_others_theirs)
{
	struct sppeer mine[6], theirs[3];

	begin();
	set("sysproxy.usermaxclients", "3");
	CHECK_EQ("mine", 3, clients_in(mine, 6, GREEDY, EAGAIN));
	CHECK_EQ("theirs", 3, clients_in(theirs, 3, OTHER, 0));
	/* One goes, one comes. */
	clients_out(&mine[2], 1);
	CHECK_EQ("another", 1, clients_in(&mine[2], 2, GREEDY, EAGAIN));
	clients_out(mine, 3);
	clients_out(theirs, 3);
	CHECK_EQ("again", 3, clients_in(mine, 4, GREEDY, EAGAIN));
	clients_out(mine, 3);
	end();
}

TEST(a_user_leaves_a_quarter_of_all_places_to_others)
{
	struct sppeer mine[8], theirs[2];

	begin();
	set("sysproxy.maxclients", "8");
	CHECK_EQ("mine", 6, clients_in(mine, 8, GREEDY, EAGAIN));
	CHECK_EQ("theirs", 2, clients_in(theirs, 2, OTHER, 0));
	clients_out(mine, 6);
	clients_out(theirs, 2);
	end();
}

/* Slots are told EAGAIN by the reply of a control connection. */
static unsigned int
slots_in(struct sppeer *p, unsigned int n)
{
	unsigned int in = 0, slot;

	for (unsigned int i = 0; i < n; i++) {
		int error = sppeer_slot(p, &slot);

		if (error == 0)
			in++;
		else
			CHECK_EQ("told", EAGAIN, error);
	}
	return in;
}

TEST(threads_of_all_clients_of_a_user_are_counted_together)
{
	struct sppeer mine[2], theirs;

	begin();
	set("sysproxy.usermaxchannels", "5");
	NEED(clients_in(mine, 2, GREEDY, 0) == 2 && clients_in(&theirs, 1, OTHER, 0) == 1);
	CHECK_EQ("first", 4, slots_in(&mine[0], 4));
	CHECK_EQ("second", 1, slots_in(&mine[1], 4));
	CHECK_EQ("theirs", 5, slots_in(&theirs, 6));
	sppeer_bye(&mine[0], 0);
	CHECK_EQ("one more", 1, slots_in(&mine[1], 4));
	clients_out(mine, 2);
	clients_out(&theirs, 1);
	end();
}

/* An exec has no need for room: the client is the same one. */
TEST(a_user_at_his_limit_may_execute_programs)
{
	struct sp_ctl ctl = { .c_op = SP_EXECUTED };
	struct sppeer mine[3];
	struct sp_hello h;

	begin();
	set("sysproxy.usermaxclients", "2");
	NEED(clients_in(mine, 3, GREEDY, EAGAIN) == 2);
	for (unsigned int i = 0; i < 5; i++) {
		sppeer_hello(&h, SP_EXEC);
		NEED(rumpsim_client_send(mine[0].p_client, &ctl, sizeof(ctl), false) ==
		    sizeof(ctl));
		CHECK_EQ("exec", 0, sppeer_greet(&mine[0], &h));
		CHECK_EQ("no other", 0, clients_in(&mine[2], 1, GREEDY, EAGAIN));
	}
	clients_out(mine, 1);
	CHECK_EQ("but now", 1, clients_in(mine, 1, GREEDY, EAGAIN));
	clients_out(mine, 2);
	end();
}

static unsigned int
bells_in(struct sppeer *p, unsigned int n)
{
	unsigned int in = 0;

	for (unsigned int i = 0; i < n; i++) {
		struct sp_ctl ctl = { .c_op = SP_BIND };
		int error = sppeer_ctl(p, &ctl, true);

		if (error == 0)
			in++;
		else
			CHECK_EQ("told", EMFILE, error);
	}
	return in;
}

TEST(what_a_user_costs_in_descriptors_is_bounded)
{
	struct sppeer mine[2], theirs;
	struct sp_ctl ctl = { .c_op = SP_UNBIND, .c_arg = 0 };

	begin();
	/* A connection and a region each, and bells. */
	set("sysproxy.usermaxfds", "10");
	NEED(clients_in(mine, 2, GREEDY, 0) == 2 && clients_in(&theirs, 1, OTHER, 0) == 1);
	CHECK_EQ("mine", 5, bells_in(&mine[0], 5));
	CHECK_EQ("mine, too", 1, bells_in(&mine[1], 5));
	CHECK_EQ("theirs", 8, bells_in(&theirs, 9));
	CHECK_EQ("unbind", 0, sppeer_ctl(&mine[0], &ctl, false));
	CHECK_EQ("one more", 1, bells_in(&mine[1], 2));
	clients_out(mine, 2);
	CHECK_EQ("again", 2, clients_in(mine, 2, GREEDY, 0));
	clients_out(mine, 2);
	clients_out(&theirs, 1);
	end();
}

static unsigned int
parcels_in(struct sppeer *p, unsigned int slot, long fd, unsigned int n)
{
	uint8_t secret[SP_SECRET];
	unsigned int in = 0;

	for (unsigned int i = 0; i < n; i++) {
		long error = sppeer_call(p, slot, SP_NR_SEND, P(fd), P(secret), 0);

		if (error == 0)
			in++;
		else
			CHECK_EQ("told", -ETOOMANYREFS, error);
	}
	return in;
}

TEST(files_under_way_of_a_user_are_bounded)
{
	struct sppeer p[3];	/* two of his, one of another */
	unsigned int slot[3];
	long fd[3];

	begin();
	set("sysproxy.usermaxparcels", "4");
	NEED(clients_in(p, 2, GREEDY, 0) == 2 && clients_in(&p[2], 1, OTHER, 0) == 1);
	for (unsigned int i = 0; i < 3; i++) {
		NEED(sppeer_slot(&p[i], &slot[i]) == 0);
		fd[i] = sppeer_call(&p[i], slot[i], __NR_eventfd2, 0, 0, 0);
		NEED(fd[i] >= 0);
	}
	CHECK_EQ("mine", 3, parcels_in(&p[0], slot[0], fd[0], 3));
	CHECK_EQ("mine, too", 1, parcels_in(&p[1], slot[1], fd[1], 3));
	CHECK_EQ("theirs", 4, parcels_in(&p[2], slot[2], fd[2], 5));
	/* They depend on who sent them. */
	clients_out(&p[0], 1);
	rumpsim_settle();
	CHECK_EQ("three more", 3, parcels_in(&p[1], slot[1], fd[1], 5));
	clients_out(&p[1], 2);
	end();
}

/* Of those who say nothing, the one goes who has the most such connections. */
TEST(a_crowd_of_silent_connections_does_not_push_out_another_users)
{
	struct rumpsim_client *crowd[MANY], *slow;
	struct sp_welcome w;
	struct sppeer quick;
	struct sp_hello h;

	begin();
	NEED(rumpsim_client_connect(OTHER, &slow) == 0);
	rumpsim_settle();
	for (unsigned int i = 0; i < MANY; i++) {
		NEED(rumpsim_client_connect(GREEDY, &crowd[i]) == 0);
		rumpsim_settle();
	}
	CHECK(rumpsim_client_ended(crowd[0]));
	CHECK(!rumpsim_client_ended(crowd[MANY - 1]));
	CHECK_EQ("who speaks comes in", 1, clients_in(&quick, 1, OTHER, 0));
	sppeer_hello(&h, SP_GUEST);
	CHECK_EQ("hello", sizeof(h), rumpsim_client_send(slow, &h, sizeof(h), false));
	rumpsim_settle();
	CHECK_EQ("welcome", sizeof(w), rumpsim_client_recv(slow, &w, sizeof(w)));
	CHECK_EQ("error", 0, w.w_error);
	rumpsim_client_close(slow);
	sppeer_close(&quick);
	for (unsigned int i = 0; i < MANY; i++)
		rumpsim_client_close(crowd[i]);
	end();
}
