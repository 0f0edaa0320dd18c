/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * systrace.c - printing system calls as they happen
 *
 * A call becomes one line on the console, in the form which strace(1) made
 * familiar:
 *
 *	[1.1] openat(AT_FDCWD, "/etc/passwd", O_RDONLY|O_CLOEXEC) = 3
 *	[1.1] read(3, "root:x:0:0:root:/root:/bin/bash"..., 4096) = 1234
 *	[1.1] stat("/x", 0x7ffe41c0) = -1 ENOENT (No such file or directory)
 *
 * with proc and lwp in front.  Arguments are printed on entry as far as they
 * go in; from the first that shows what the call wrote, on exit.  The line is
 * written at once, so lines of threads never mix, and one without its end
 * does not appear: a call that never returns is seen in no trace.
 *
 * All that is known of a call comes from the table (abi/sysdesc.h).  The
 * client's memory is read by copyin() alone and in bounded pieces; what can
 * not be read is printed as its address.  Since a client may change its
 * memory at any time, the trace shows what the decoder saw, which need not
 * be what the kernel saw.
 *
 * Locking: none.  The set of traced calls is an array of words, read and
 * written atomically one by one.
 */

#include <sys/systrace.h>

#include <asm/unistd.h>
#include <lib/errname.h>
#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/component.h>
#include <sys/errno.h>
#include <sys/kvar.h>
#include <sys/log.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/syscall.h>

#include <abi/sysdesc.h>

#include "systrace_impl.h"

#define TRACE_WORDS	(SYSCALL_MAX / 64)
#define RESULT_ROOM	128	/* of the line: long arguments leave it free */

bool systrace_on;		/* some bit of trace_set is set, or there is a tap */
static uint64_t trace_set[TRACE_WORDS];

static bool
trace_wanted(unsigned int nr)
{
	if (nr >= SYSCALL_MAX)
		return (__atomic_load_n(&trace_set[0], __ATOMIC_RELAXED) & 1) != 0;
	return (__atomic_load_n(&trace_set[nr / 64], __ATOMIC_RELAXED) >>
	    (nr % 64) & 1) != 0;
}

/* The line */

/* Arguments from st_next on, as far as this side of the call knows them. */
static void
trace_arguments(struct systrace *st, struct tracebuf *tb,
    const struct traceargs *ta)
{
	const struct sysdesc *sd = st->st_desc;

	tb->tb_size -= RESULT_ROOM;
	for (; st->st_next < sd->sd_nargs; st->st_next++) {
		if (sd->sd_args[st->st_next].sa_kind == SYSARG_UNUSED ||
		    !trace_arg_present(ta, st->st_next))
			continue;
		if (!ta->ta_done && trace_arg_is_result(sd, st->st_next))
			break;
		if (st->st_next > 0)
			trace_printf(tb, ", ");
		trace_arg(tb, ta, st->st_next);
	}
	tb->tb_size += RESULT_ROOM;
}

/* A call which the table does not know: six registers. */
static void
trace_unknown(struct tracebuf *tb, unsigned int nr, const unsigned long *args)
{
	trace_printf(tb, "syscall_%u(", nr);
	for (unsigned int i = 0; i < SYSCALL_NARGS; i++)
		trace_printf(tb, "%s%#lx", i > 0 ? ", " : "", args[i]);
}

static void
trace_result(struct tracebuf *tb, const struct sysdesc *sd, int error, long ret)
{
	if (error != 0)
		trace_printf(tb, ") = -1 %s (%s)", errno_name(error),
		    errno_text(error));
	else if (sd != NULL && sd->sd_ret == SYSRET_MODE)
		trace_printf(tb, ") = %#lo", (unsigned long)ret);
	else
		trace_printf(tb, ") = %ld", ret);
}

/* select says afterwards what is left of the sets and of the time. */
static void
trace_after(struct tracebuf *tb, const struct traceargs *ta)
{
	static const char *const names[] = { "in", "out", "except" };
	const char *sep = " (";

	if (ta->ta_error != 0 || ta->ta_desc == NULL ||
	    ta->ta_desc->sd_nargs < 5 ||
	    ta->ta_desc->sd_args[1].sa_kind != SYSARG_FDSET)
		return;
	for (unsigned int i = 1; i <= 3 && ta->ta_ret > 0; i++) {
		if (ta->ta_args[i] == 0)
			continue;
		trace_printf(tb, "%s%s ", sep, names[i - 1]);
		trace_fdset(tb, ta->ta_args[i], (size_t)(int)ta->ta_args[0]);
		sep = ", ";
	}
	if (ta->ta_args[4] != 0) {
		const struct sysdesc_arg *sa = &ta->ta_desc->sd_args[4];

		trace_printf(tb, "%sleft ", sep);
		trace_elements(tb, sa->sa_type, ta->ta_args[4], sa->sa_size, 1,
		    false);
		sep = ", ";
	}
	if (sep[0] == ',')
		trace_printf(tb, ")");
}

void
systrace_enter(struct systrace *st, struct lwp *l, unsigned int nr,
    const unsigned long *args)
{
	struct tracebuf tb = { st->st_line, sizeof(st->st_line), 0 };
	struct traceargs ta = { .ta_args = args };

	st->st_wanted = trace_wanted(nr);
	st->st_tapped = trace_tapped(l->l_proc);
	if (!st->st_wanted && !st->st_tapped)
		return;
	st->st_desc = ta.ta_desc = rump_sysdesc_find(nr);
	st->st_args = args;
	st->st_nr = nr;
	st->st_next = 0;

	trace_printf(&tb, "[%d.%d] ", (int)l->l_proc->p_pid, (int)l->l_lid);
	if (st->st_desc == NULL) {
		trace_unknown(&tb, nr, args);
	} else {
		trace_printf(&tb, "%s(", sysdesc_name(st->st_desc));
		trace_arguments(st, &tb, &ta);
	}
	st->st_len = tb.tb_len;
}

size_t
trace_finish(struct systrace *st, int error, long ret)
{
	struct tracebuf tb = { st->st_line, sizeof(st->st_line), st->st_len };
	struct traceargs ta = {
		.ta_desc = st->st_desc, .ta_args = st->st_args,
		.ta_done = true, .ta_error = error, .ta_ret = ret,
	};

	if (st->st_desc != NULL)
		trace_arguments(st, &tb, &ta);
	trace_result(&tb, st->st_desc, error, ret);
	trace_after(&tb, &ta);
	st->st_line[tb.tb_len++] = '\n';	/* the NUL's place */
	return tb.tb_len;
}

void
systrace_exit(struct systrace *st, int error, long ret)
{
	size_t len;

	if (!st->st_wanted && !st->st_tapped)
		return;
	len = trace_finish(st, error, ret);
	if (st->st_wanted)
		rumpuser_console_write(st->st_line, len);
	if (st->st_tapped)
		trace_tap_write(curproc(), st->st_line, len);
}

/* Set and taps are changed one at a time by people; who comes second counts both. */
void
trace_switch(void)
{
	uint64_t any = 0;

	for (unsigned int i = 0; i < TRACE_WORDS; i++)
		any |= __atomic_load_n(&trace_set[i], __ATOMIC_RELAXED);
	atomic_store(&systrace_on, any != 0 || trace_taps() > 0);
}

/* Which calls */

static bool
word_is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

static void
set_change(uint64_t *set, unsigned int nr, bool add)
{
	uint64_t bit = (uint64_t)1 << (nr % 64);

	if (nr >= SYSCALL_MAX)
		return;
	if (add)
		set[nr / 64] |= bit;
	else
		set[nr / 64] &= ~bit;
}

/* "all", "%faction" or the name of a call; false: nothing is called so. */
static bool
set_change_word(uint64_t *set, const char *word, size_t len, bool add)
{
	static const char factions[][8] = {
		[SYSFACTION_CORE] = "%core", [SYSFACTION_VFS] = "%vfs",
		[SYSFACTION_NET] = "%net", [SYSFACTION_DEV] = "%dev",
	};
	bool found = false;

	if (word_is(word, len, "all") || word_is(word, len, "1")) {
		memset(set, add ? 0xff : 0, TRACE_WORDS * sizeof(set[0]));
		return true;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(factions); i++)
		found |= word_is(word, len, factions[i]);
	for (unsigned int i = 0; i < rump_nsysdesc; i++) {
		const struct sysdesc *sd = &rump_sysdesc[i];

		if (!word_is(word, len, sysdesc_name(sd)) &&
		    !word_is(word, len, factions[sd->sd_faction]))
			continue;
		set_change(set, sd->sd_nr, add);
		found = true;
	}
	return found;
}

int
systrace_select(const char *text)
{
	uint64_t set[TRACE_WORDS] = { 0 };

	if (strcmp(text, "0") == 0)
		text = "";
	if (text[0] == '!')		/* all but these */
		memset(set, 0xff, sizeof(set));
	while (*text != '\0') {
		const char *comma = strchr(text, ',');
		size_t len = comma != NULL ? (size_t)(comma - text) : strlen(text);
		bool add = text[0] != '!';

		if (len > 0 && !set_change_word(set, text + !add, len - !add, add))
			return EINVAL;
		text += len + (comma != NULL);
	}
	for (unsigned int i = 0; i < TRACE_WORDS; i++)
		__atomic_store_n(&trace_set[i], set[i], __ATOMIC_RELAXED);
	trace_switch();
	return 0;
}

static int
trace_kvar_get(const struct kvar *kv, char *buf, size_t size)
{
	unsigned int wanted = 0;

	for (unsigned int i = 0; i < rump_nsysdesc; i++)
		wanted += trace_wanted(rump_sysdesc[i].sd_nr);
	if (wanted == rump_nsysdesc || wanted == 0)
		return snprintf(buf, size, "%s", wanted == 0 ? "0" : "all") <
		    (int)size ? 0 : ERANGE;

	size_t len = 0;
	for (unsigned int i = 0; i < rump_nsysdesc; i++) {
		if (!trace_wanted(rump_sysdesc[i].sd_nr))
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
		    len > 0 ? "," : "", sysdesc_name(&rump_sysdesc[i]));
		if (len >= size)
			return ERANGE;
	}
	return 0;
}

static int
trace_kvar_set(const struct kvar *kv, const char *text)
{
	return systrace_select(text);
}

static struct kvar trace_kvar = {
	.kv_name = "kernel.trace",
	.kv_about = "system calls that are printed: names, %factions, all, !not",
	.kv_type = KVAR_FN, .kv_get = trace_kvar_get, .kv_set = trace_kvar_set,
};

static int
systrace_init(void)
{
	char text[512];

	kvar_register(&trace_kvar);
	if (!param_get("RUMP_TRACE", text, sizeof(text)))
		return 0;
	if (systrace_select(text) != 0)
		log_printf(LOG_WARNING, "RUMP_TRACE: no such system call in \"%s\"",
		    text);
	return 0;
}

COMPONENT(systrace, COMPONENT_KERN, systrace_init);
