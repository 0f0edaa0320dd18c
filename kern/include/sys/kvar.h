/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kvar.h - named kernel variables and counters
 *
 * Every tunable and statistic has a dotted name ("kernel.hostname",
 * "vfs.namecache.hits"); /proc/sys and the tools read them from here.
 *
 * Counters are per vCPU: adding is a plain add on a line of one's own;
 * reading sums up.
 */

#ifndef SYS_KVAR_H
#define SYS_KVAR_H

#include <lib/list.h>
#include <sys/types.h>
#include <sys/vcpu.h>

enum kvar_type { KVAR_INT, KVAR_U64, KVAR_STR, KVAR_COUNTER, KVAR_FN };

#define KVAR_RDONLY	0x01

struct kvar {
	const char	*kv_name;
	const char	*kv_about;	/* one line, for people */
	enum kvar_type	 kv_type;
	unsigned int	 kv_flags;
	void		*kv_ptr;	/* the int, uint64_t, char[], struct counter */
	size_t		 kv_size;	/* KVAR_STR: size of the array */
	int		 kv_min, kv_max; /* KVAR_INT: accepted range, if max > min */
	/* KVAR_FN: text form; set may be NULL. */
	int		(*kv_get)(const struct kvar *, char *buf, size_t size);
	int		(*kv_set)(const struct kvar *, const char *text);
	struct list_node kv_link;
};

void	kvar_register(struct kvar *kv);
void	kvar_unregister(struct kvar *kv);
/* Text form.  ENOENT, ERANGE (too small), EPERM, EINVAL. */
int	kvar_read(const char *name, char *buf, size_t size);
int	kvar_write(const char *name, const char *text);
int	kvar_iterate(const char *prefix, int (*fn)(const struct kvar *, void *),
	    void *arg);

/* The first with the prefix whose name comes after kc's.  ENOENT: none. */
struct kvar_copy {
	char	kc_name[128];
	char	kc_about[256];
};
int	kvar_next(const char *prefix, struct kvar_copy *kc);

/* For kv_get: ERANGE if it does not fit. */
int	kvar_printf(char *buf, size_t size, const char *fmt, ...) __printflike(3, 4);

struct counter {
	struct kvar	 ct_var;
	struct {
		uint64_t n;
	} __aligned_to(CACHE_LINE) ct_cpu[VCPU_MAX];
};

#define COUNTER_DEFINE(sym, name, about) \
	struct counter sym = { .ct_var = { .kv_name = (name), \
		.kv_about = (about), .kv_type = KVAR_COUNTER, \
		.kv_flags = KVAR_RDONLY, .kv_ptr = &(sym) } }

void	counter_register(struct counter *ct);
void	counter_add(struct counter *ct, uint64_t n);	/* in kernel context */
uint64_t counter_read(const struct counter *ct);

#endif /* SYS_KVAR_H */
