/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * log.c - the console, and the end
 *
 * A line is formatted on the caller's stack and written by one hypercall, so
 * that lines of different threads do not mix; there is no lock and no
 * allocation, hence log_printf() works with any lock held, before boot and
 * inside panic().  Names out of images and packets end up in these lines:
 * what is not printable is escaped, so that nobody's terminal is driven by a
 * directory entry.
 *
 * panic() is for a kernel that contradicts itself.  It prints where it is,
 * who holds the seats, and the stack, then ends the process.  A second panic
 * on the way ends it at once.
 */

#include <stdarg.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <rump/rumpuser.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/kassert.h>
#include <sys/ktime.h>
#include <sys/kvar.h>
#include <sys/log.h>
#include <sys/lwp.h>
#include <sys/proc.h>
#include <sys/vcpu.h>

#include "kvar_impl.h"

#define LOG_LINE	512		/* formatted text, cut beyond */
#define LOG_LIMIT_SPAN	(10 * NSEC_PER_SEC)

int log_threshold = LOG_WARNING;

struct kvar log_kvar = {
	.kv_name = "kernel.log_level",
	.kv_about = "console shows lines up to this: 0 errors, 1 warnings, 2 notes, 3 debugging",
	.kv_type = KVAR_INT,
	.kv_ptr = &log_threshold,
	.kv_min = LOG_ERR,
	.kv_max = LOG_DEBUG,
};

static int panicking;			/* a */

/* RUMP_VERBOSE: 0 is warnings. */
void
log_boot(void)
{
	char text[8];

	if (param_get("RUMP_VERBOSE", text, sizeof(text))) {
		if (strcmp(text, "-1") == 0)
			log_threshold = LOG_ERR;
		else if (text[0] >= '0' && text[0] <= '9' && text[1] == '\0')
			log_threshold = text[0] < '2' ?
			    LOG_WARNING + (text[0] - '0') : LOG_DEBUG;
		else
			log_printf(LOG_ERR, "RUMP_VERBOSE=%s is not -1, 0, 1 "
			    "or 2", text);
	}
}

/* Writes text as one line; size is that of line, all of it usable. */
static void
log_line(const char *text, char *line, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text != '\0' && n + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < ' ' && c != '\t') || c == 0x7f) {
			line[n++] = '\\';
			line[n++] = 'x';
			line[n++] = hex[c >> 4];
			line[n++] = hex[c & 15];
		} else {
			line[n++] = (char)c;
		}
	}
	line[n++] = '\n';
	rumpuser_console_write(line, n);
}

static void
log_vprintf(const char *prefix, const char *fmt, va_list ap)
	    __printflike(2, 0);

static void
log_vprintf(const char *prefix, const char *fmt, va_list ap)
{
	char text[LOG_LINE], line[LOG_LINE + LOG_LINE / 4];
	size_t plen = strlcpy(text, prefix, sizeof(text));
	int len;

	len = vsnprintf(text + plen, sizeof(text) - plen, fmt, ap);
	if ((size_t)len >= sizeof(text) - plen)
		memcpy(text + sizeof(text) - 4, "...", 4);
	else if (len > 0 && text[plen + (size_t)len - 1] == '\n')
		text[plen + (size_t)len - 1] = '\0';
	log_line(text, line, sizeof(line));
}

void
log_printf(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if ((int)level > atomic_load(&log_threshold))
		return;
	va_start(ap, fmt);
	log_vprintf("", fmt, ap);
	va_end(ap);
}

/*
 * Callers race for the struct on purpose: the worst that comes of it is a
 * line more or less.
 */
bool
log_allowed(struct log_limit *ll, unsigned int burst)
{
	int64_t now = clock_mono();
	int64_t since = atomic_load(&ll->ll_since);
	unsigned int dropped;

	if (since == 0 || now - since >= LOG_LIMIT_SPAN) {
		atomic_store(&ll->ll_since, now != 0 ? now : 1);
		atomic_store(&ll->ll_count, 0u);
		dropped = atomic_swap_ar(&ll->ll_dropped, 0u);
		if (dropped != 0)
			log_printf(LOG_WARNING, "(%u such lines were not "
			    "shown)", dropped);
	}
	if (atomic_add(&ll->ll_count, 1) < burst)
		return true;
	atomic_add(&ll->ll_dropped, 1);
	return false;
}

static void
panic_line(const char *fmt, ...) __printflike(1, 2);

static void
panic_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_vprintf("  ", fmt, ap);
	va_end(ap);
}

/* Reads without locks and may be lied to; it follows as little as it can. */
static void
panic_state(void)
{
	struct lwp *l = curlwp();
	unsigned int i, n = vcpu_count <= VCPU_MAX ? vcpu_count : VCPU_MAX;

	if (l == NULL)
		panic_line("in a thread without lwp");
	else
		panic_line("in lwp %d \"%.16s\" of proc %d, vcpu %d", l->l_lid,
		    l->l_name, l->l_proc != NULL ? l->l_proc->p_pid : -1,
		    l->l_cpu != NULL ? (int)l->l_cpu->vc_index : -1);
	for (i = 0; i < n; i++) {
		const struct vcpu *vc = &vcpu_table[i];
		uint64_t word = atomic_load(&vc->vc_word);

		panic_line("vcpu %u: %s, generation %llu, lwp %#llx, %llu system "
		    "calls", i, (word & 1) == 0 ? "left" : "held",
		    (unsigned long long)(word >> 1),
		    (unsigned long long)atomic_load(&vc->vc_owner),
		    (unsigned long long)atomic_load(&vc->vc_syscalls));
	}
}

static void __noreturn
vpanic(const char *fmt, va_list ap) __printflike(1, 0);

static void __noreturn
vpanic(const char *fmt, va_list ap)
{
	if (atomic_swap_ar(&panicking, 1) == 0) {
		log_vprintf("panic: ", fmt, ap);
		panic_state();
		rumpuser_backtrace();
	}
	rumpuser_exit(RUMPUSER_EXIT_PANIC);
}

void
panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vpanic(fmt, ap);
}

void
kassert_fail(const char *expr, const char *file, int line, const char *func)
{
	panic("assertion \"%s\" failed: %s:%d, %s()", expr, file, line, func);
}
