/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * component.h - how a part of the kernel makes itself known
 *
 * COMPONENT(name, class, init) in one file of a component's folder is all it
 * takes: a constructor announces it when its library is linked or loaded.
 * At boot the init functions run class by class; within a class their order
 * means nothing.  A component that arrives later is started at once.
 */

#ifndef SYS_COMPONENT_H
#define SYS_COMPONENT_H

#include <lib/list.h>
#include <sys/types.h>

/* In the order in which they start. */
enum component_class {
	COMPONENT_KERN,		/* the core's own late parts */
	COMPONENT_VFS,		/* the vfs faction */
	COMPONENT_NET,		/* the net faction */
	COMPONENT_NET_PROTO,	/* protocol families */
	COMPONENT_NET_IF,	/* interface drivers */
	COMPONENT_DEV,		/* the dev faction */
	COMPONENT_DEV_DRIVER,	/* device drivers */
	COMPONENT_FS,		/* file systems */
	COMPONENT_POST,		/* whatever needs all of the above */
	COMPONENT_NCLASSES,
};

struct component {
	const char	*co_name;
	enum component_class co_class;
	int		(*co_init)(void);	/* in kernel context; 0 or errno */
	struct list_node co_link;
	int		 co_state;		/* 0 waiting, 1 started, <0 -errno */
};

/* Callable before boot, from a constructor: takes no kernel lock. */
void	rump_component_register(struct component *co);

/* Loads a library and starts what it brought.  ENOENT, ENOEXEC, its error. */
int	component_load(const char *name);
bool	component_present(const char *name);
int	component_iterate(int (*fn)(const struct component *, void *), void *arg);

#define COMPONENT(name, class, init)					\
	static struct component name##_component = {			\
		.co_name = #name, .co_class = (class), .co_init = (init), \
	};								\
	static void __attribute__((__constructor__, __used__))		\
	name##_component_announce(void)					\
	{								\
		rump_component_register(&name##_component);		\
	}								\
	_Static_assert(sizeof(#name) > 1, "a component has a name")

#endif /* SYS_COMPONENT_H */
