/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * list.h - doubly linked rings with the links inside the objects
 *
 * A list is a head node whose neighbours are the last and the first object;
 * an empty list's head points at itself.  A node that is on no list points
 * at itself too, after list_node_init() or list_remove().
 */

#ifndef LIB_LIST_H
#define LIB_LIST_H

#include <sys/types.h>

struct list_node {
	struct list_node *ln_next;
	struct list_node *ln_prev;
};

struct list {
	struct list_node l_head;
};

#define LIST_INITIALIZER(name)	{ { &(name).l_head, &(name).l_head } }

static inline void
list_node_init(struct list_node *n)
{
	n->ln_next = n->ln_prev = n;
}

static inline void
list_init(struct list *l)
{
	list_node_init(&l->l_head);
}

static inline bool
list_empty(const struct list *l)
{
	return l->l_head.ln_next == &l->l_head;
}

static inline bool
list_onlist(const struct list_node *n)
{
	return n->ln_next != n;
}

static inline void
list_insert_after(struct list_node *where, struct list_node *n)
{
	n->ln_prev = where;
	n->ln_next = where->ln_next;
	where->ln_next->ln_prev = n;
	where->ln_next = n;
}

static inline void
list_insert_head(struct list *l, struct list_node *n)
{
	list_insert_after(&l->l_head, n);
}

static inline void
list_insert_tail(struct list *l, struct list_node *n)
{
	list_insert_after(l->l_head.ln_prev, n);
}

static inline void
list_remove(struct list_node *n)
{
	n->ln_prev->ln_next = n->ln_next;
	n->ln_next->ln_prev = n->ln_prev;
	list_node_init(n);
}

static inline struct list_node *
list_first(const struct list *l)
{
	return list_empty(l) ? NULL : l->l_head.ln_next;
}

static inline struct list_node *
list_last(const struct list *l)
{
	return list_empty(l) ? NULL : l->l_head.ln_prev;
}

static inline struct list_node *
list_next(const struct list *l, const struct list_node *n)
{
	return n->ln_next == &l->l_head ? NULL : n->ln_next;
}

/*
 * For lists that are read without the lock under which they change: an object
 * is complete before it is seen, and one that was withdrawn still leads
 * on, until its last reader has left (qsbr.h).
 */
static inline void
list_publish_tail(struct list *l, struct list_node *n)
{
	n->ln_prev = l->l_head.ln_prev;
	n->ln_next = &l->l_head;
	__atomic_store_n(&n->ln_prev->ln_next, n, __ATOMIC_RELEASE);
	l->l_head.ln_prev = n;
}

static inline void
list_publish_before(struct list_node *where, struct list_node *n)
{
	n->ln_prev = where->ln_prev;
	n->ln_next = where;
	__atomic_store_n(&n->ln_prev->ln_next, n, __ATOMIC_RELEASE);
	where->ln_prev = n;
}

static inline void
list_withdraw(struct list_node *n)
{
	__atomic_store_n(&n->ln_prev->ln_next, n->ln_next, __ATOMIC_RELEASE);
	n->ln_next->ln_prev = n->ln_prev;
}

#define LIST_FOREACH_READ(n, l) \
	for ((n) = __atomic_load_n(&(l)->l_head.ln_next, __ATOMIC_ACQUIRE); \
	    (n) != &(l)->l_head; \
	    (n) = __atomic_load_n(&(n)->ln_next, __ATOMIC_ACQUIRE))

/* The body may not remove n, except with the _safe form. */
#define LIST_FOREACH(n, l) \
	for ((n) = (l)->l_head.ln_next; (n) != &(l)->l_head; (n) = (n)->ln_next)
#define LIST_FOREACH_SAFE(n, next, l) \
	for ((n) = (l)->l_head.ln_next, (next) = (n)->ln_next; \
	    (n) != &(l)->l_head; (n) = (next), (next) = (n)->ln_next)

#endif /* LIB_LIST_H */
