/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * kvar.c - named variables
 *
 * A variable belongs to who registers it and stays registered while its
 * owner lives.  The list is kept in the order of names, so that a walk over
 * a prefix is a walk over neighbours; there are some hundreds at most and
 * nobody reads them on a fast path.
 *
 * Locking
 *	kvars_lock protects the list and is held while a value is read or
 *	written, hence a variable's owner may unregister it at any time.
 *	kv_get and kv_set may sleep but not touch variables.
 *	Numbers themselves are read and written atomically.
 */

#include <sys/kvar.h>

#include <stdarg.h>

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/atomic.h>
#include <sys/boot.h>
#include <sys/errno.h>
#include <sys/kassert.h>
#include <sys/mutex.h>

#include "kvar_impl.h"

static kmutex_t kvars_lock = { .m_name = "kvars" };
static struct list kvars = LIST_INITIALIZER(kvars);	/* by name */
/* The last that came: many who follow each other are neighbours.  kvars_lock. */
static struct list_node *kvars_hint = &kvars.l_head;

int
kvar_boot(void)
{
	kvar_register(&log_kvar);
	kvar_register(&qsbr_kvar);
	system_boot();
	return 0;
}

static struct kvar *
kvar_of(struct list_node *n)
{
	return container_of(n, struct kvar, kv_link);
}

static bool
kvar_before(const struct kvar *kv, struct list_node *n)
{
	int order = strcmp(kv->kv_name, kvar_of(n)->kv_name);

	KASSERTMSG(order != 0, "%s registered twice", kv->kv_name);
	return order < 0;
}

void
kvar_register(struct kvar *kv)
{
	struct list_node *n;

	KASSERT(strlen(kv->kv_name) <
	    sizeof(((struct kvar_copy *)NULL)->kc_name));
	mutex_enter(&kvars_lock);
	n = kvars_hint;
	while (n != &kvars.l_head && kvar_before(kv, n))
		n = n->ln_prev;
	while (n->ln_next != &kvars.l_head && !kvar_before(kv, n->ln_next))
		n = n->ln_next;
	list_insert_after(n, &kv->kv_link);
	kvars_hint = &kv->kv_link;
	mutex_exit(&kvars_lock);
}

void
kvar_unregister(struct kvar *kv)
{
	mutex_enter(&kvars_lock);
	if (kvars_hint == &kv->kv_link)
		kvars_hint = kv->kv_link.ln_prev;
	list_remove(&kv->kv_link);
	mutex_exit(&kvars_lock);
}

static struct kvar *
kvar_find_locked(const char *name) REQUIRES(kvars_lock)
{
	struct list_node *n;

	LIST_FOREACH(n, &kvars) {
		if (strcmp(kvar_of(n)->kv_name, name) == 0)
			return kvar_of(n);
	}
	return NULL;
}

int
kvar_printf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return (size_t)len < size ? 0 : ERANGE;
}

static int
kvar_get(const struct kvar *kv, char *buf, size_t size)
{
	switch (kv->kv_type) {
	case KVAR_INT:
		return kvar_printf(buf, size, "%d",
		    atomic_load((int *)kv->kv_ptr));
	case KVAR_U64:
		return kvar_printf(buf, size, "%llu", (unsigned long long)
		    atomic_load((uint64_t *)kv->kv_ptr));
	case KVAR_COUNTER:
		return kvar_printf(buf, size, "%llu", (unsigned long long)
		    counter_read(kv->kv_ptr));
	case KVAR_STR:
		return kvar_printf(buf, size, "%s", (const char *)kv->kv_ptr);
	case KVAR_FN:
		return kv->kv_get(kv, buf, size);
	default:
		return EINVAL;
	}
}

/* What an editor or echo(1) leaves at the end does not count. */
static size_t
text_len(const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == ' '))
		len--;
	return len;
}

static int
text_number(const char *text, bool *ret_negative, uint64_t *ret_value)
{
	bool negative = text[0] == '-';
	size_t len;
	char buf[32];
	int error;

	if (negative)
		text++;
	len = text_len(text);
	if (len >= sizeof(buf))
		return EINVAL;
	memcpy(buf, text, len);
	buf[len] = '\0';
	error = str_tou64(buf, ret_value);
	*ret_negative = negative;
	return error == ERANGE ? EINVAL : error;
}

static int
kvar_set_int(struct kvar *kv, const char *text)
{
	bool negative;
	uint64_t value;
	int64_t v;
	int error;

	error = text_number(text, &negative, &value);
	if (error)
		return error;
	if (value > (uint64_t)INT32_MAX + (negative ? 1 : 0))
		return EINVAL;
	v = negative ? -(int64_t)value : (int64_t)value;
	if (kv->kv_max > kv->kv_min && (v < kv->kv_min || v > kv->kv_max))
		return EINVAL;
	atomic_store((int *)kv->kv_ptr, (int)v);
	return 0;
}

static int
kvar_set_u64(struct kvar *kv, const char *text)
{
	bool negative;
	uint64_t value;
	int error;

	error = text_number(text, &negative, &value);
	if (error || negative)
		return EINVAL;
	atomic_store((uint64_t *)kv->kv_ptr, value);
	return 0;
}

static int
kvar_set_str(struct kvar *kv, const char *text)
{
	size_t len = text_len(text);

	if (len >= kv->kv_size)
		return EINVAL;
	memcpy(kv->kv_ptr, text, len);
	memset((char *)kv->kv_ptr + len, 0, kv->kv_size - len);
	return 0;
}

static int
kvar_set(struct kvar *kv, const char *text)
{
	if ((kv->kv_flags & KVAR_RDONLY) != 0)
		return EPERM;
	switch (kv->kv_type) {
	case KVAR_INT:
		return kvar_set_int(kv, text);
	case KVAR_U64:
		return kvar_set_u64(kv, text);
	case KVAR_STR:
		return kvar_set_str(kv, text);
	case KVAR_FN:
		return kv->kv_set != NULL ? kv->kv_set(kv, text) : EPERM;
	default:
		return EPERM;
	}
}

int
kvar_read(const char *name, char *buf, size_t size)
{
	struct kvar *kv;
	int error = ENOENT;

	mutex_enter(&kvars_lock);
	kv = kvar_find_locked(name);
	if (kv != NULL)
		error = kvar_get(kv, buf, size);
	mutex_exit(&kvars_lock);
	return error;
}

int
kvar_write(const char *name, const char *text)
{
	struct kvar *kv;
	int error = ENOENT;

	mutex_enter(&kvars_lock);
	kv = kvar_find_locked(name);
	if (kv != NULL)
		error = kvar_set(kv, text);
	mutex_exit(&kvars_lock);
	return error;
}

int
kvar_iterate(const char *prefix, int (*fn)(const struct kvar *, void *),
    void *arg)
{
	struct list_node *n;
	int result = 0;

	mutex_enter(&kvars_lock);
	LIST_FOREACH(n, &kvars) {
		if (!str_hasprefix(kvar_of(n)->kv_name, prefix))
			continue;
		result = fn(kvar_of(n), arg);
		if (result != 0)
			break;
	}
	mutex_exit(&kvars_lock);
	return result;
}

int
kvar_next(const char *prefix, struct kvar_copy *kc)
{
	struct list_node *n;
	int error = ENOENT;

	mutex_enter(&kvars_lock);
	LIST_FOREACH(n, &kvars) {
		const struct kvar *kv = kvar_of(n);

		if (strcmp(kv->kv_name, kc->kc_name) <= 0 ||
		    !str_hasprefix(kv->kv_name, prefix))
			continue;
		strlcpy(kc->kc_name, kv->kv_name, sizeof(kc->kc_name));
		strlcpy(kc->kc_about, kv->kv_about != NULL ? kv->kv_about : "",
		    sizeof(kc->kc_about));
		error = 0;
		break;
	}
	mutex_exit(&kvars_lock);
	return error;
}
