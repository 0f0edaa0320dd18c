/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_netns.c - name spaces: settings of their own, who is in which, their end
 */

#include <net/netns.h>

#include <lib/string.h>
#include <net/ifnet.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/ktime.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/random.h>
#include <sys/vcpu.h>

#include <harness.h>

static NETVAR_DEFINE(test_var, "net.test.answer", 42, 0, 100, "a number");

static unsigned int inits, exits, finis;	/* parts of name spaces */
static int fail_at;				/* the n-th init fails */

static int
part_init(struct netns *ns, void **ret_data)
{
	CHECK(ns->ns_ifs.l_head.ln_next != NULL);
	if (fail_at > 0 && --fail_at == 0)
		return EIO;
	inits++;
	*ret_data = kmem_alloc(100, KM_SLEEP);
	return *ret_data == NULL ? ENOMEM : 0;
}

static void
part_exit(struct netns *ns, void *data)
{
	CHECK(data != NULL);
	exits++;
}

static void
part_fini(struct netns *ns, void *data)
{
	CHECK(exits > finis);
	kmem_free(data, 100);
	finis++;
}

static struct netns_ops part = {
	.no_slot = NETNS_SLOT_TEST, .no_name = "test",
	.no_init = part_init, .no_exit = part_exit, .no_fini = part_fini,
};

TEST_WITH(settings_are_those_of_the_name_space, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	struct netns *ns;
	char text[16];

	netvar_register(&test_var);
	CHECK_EQ("first", 42, netvar_get(netns0, &test_var));
	CHECK_EQ("write", 0, kvar_write("net.test.answer", "7"));
	CHECK_EQ("first", 7, netvar_get(netns0, &test_var));
	NEED(netns_create(&ns) == 0);
	CHECK_EQ("new", 42, netvar_get(ns, &test_var));
	netns_enter(curproc(), ns);
	CHECK_EQ("read", 0, kvar_read("net.test.answer", text, sizeof(text)));
	CHECK_STR("text", "42", text);
	CHECK_EQ("write", 0, kvar_write("net.test.answer", "9"));
	CHECK_EQ("new", 9, netvar_get(ns, &test_var));
	CHECK_EQ("first", 7, netvar_get(netns0, &test_var));
	netns_enter(curproc(), netns0);
	netns_rele(ns);
}

TEST_WITH(settings_have_a_range, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	static const char *const wrong[] = {
		"-1", "101", "", "x", "7x", "99999999999", "- 1", "0x10",
	};

	netvar_register(&test_var);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK_EQ(wrong[i], EINVAL, kvar_write("net.test.answer", wrong[i]));
	CHECK_EQ("as it was", 42, netvar_get(netns0, &test_var));
	CHECK_EQ("end", 0, kvar_write("net.test.answer", "100\n"));
	CHECK_EQ("ERANGE", ERANGE, netvar_set(netns0, &test_var, 101));
}

TEST_WITH(a_child_is_in_its_parents_name_space, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	struct netns *ns, *found;
	struct proc *p;
	uint32_t id;

	NEED(netns_create(&ns) == 0);
	id = ns->ns_id;
	netns_enter(curproc(), ns);
	netns_rele(ns);
	CHECK(netns_current() == ns);
	NEED(proc_fork(curproc(), PROC_FORK_CLEARFD, &p) == 0);
	netns_enter(curproc(), netns0);
	found = netns_find(id);
	CHECK(found == ns);
	netns_rele(found);
	CHECK(p->p_slot[PROC_SLOT_NET] == ns);
}

TEST_WITH(parts_come_and_go_with_a_name_space, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	struct netns *ns;
	unsigned int before;

	NEED(netns_register(&part) == 0);
	CHECK_EQ("the first has it", 1, inits);
	before = finis;
	NEED(netns_create(&ns) == 0);
	CHECK_EQ("inits", 2, inits);
	CHECK(netns_data(ns, NETNS_SLOT_TEST) != NULL);
	CHECK(ns->ns_lo != NULL && !if_running(ns->ns_lo));
	netns_rele(ns);
	netns_drain();
	CHECK_EQ("finis", before + 1, finis);
}

TEST_WITH(a_part_that_fails_undoes_the_name_space, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	struct netns *ns = NULL;

	NEED(netns_register(&part) == 0);
	fail_at = 1;
	CHECK_EQ("create", EIO, netns_create(&ns));
	CHECK(ns == NULL);
	CHECK_EQ("inits", 1, inits);
	CHECK_EQ("again", 0, netns_create(&ns));
	netns_rele(ns);
}

static int
come_and_go(void)
{
	struct netns *ns;
	int error;

	error = netns_create(&ns);
	if (error)
		return error;
	netns_rele(ns);
	netns_drain();
	qsbr_barrier();
	return 0;
}

TEST_WITH(creating_a_name_space_without_memory, .ht_flags = HARNESS_SIDE | HARNESS_KEEPS)
{
	/* The first starts the thread that ends them; each seat makes its random generator. */
	for (unsigned int i = 0; i < 8; i++) {
		CHECK_EQ("unhindered", 0, come_and_go());
		(void)random_u64();
	}
	fault_sweep(FAULT_MEMORY, come_and_go);
}
