/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * sim_impl.h - inside the simulated host
 *
 * The baton
 *	One simulated thread runs at a time: it holds the baton, and whatever
 *	is not marked otherwise in this folder belongs to who holds it.  No
 *	locks are needed.  The baton passes from hand to hand inside
 *	sched.c; if all are outside or waiting for a signal, it lies free.
 */

#ifndef HYPER_SIM_IMPL_H
#define HYPER_SIM_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpsim.h>

/* --- random numbers (rng.c) ---------------------------------------------- */

/* One stream a use, so that one more draw for one leaves the others alone. */
struct simrng {
	uint64_t	sr_state;
};

void		simrng_seed(struct simrng *rng, uint64_t seed, uint64_t stream);
uint64_t	simrng_next(struct simrng *rng);
uint64_t	simrng_below(struct simrng *rng, uint64_t n);	/* n > 0 */
bool		simrng_permille(struct simrng *rng, unsigned int chance);

enum { SIMRNG_SCHED, SIMRNG_RANDOM, SIMRNG_BIO, SIMRNG_CUT };

/* --- threads and time (sched.c, thread.c) -------------------------------- */

enum simthread_state {
	SIMTHREAD_RUNNING,	/* holds the baton */
	SIMTHREAD_RUNNABLE,	/* waits for it */
	SIMTHREAD_PARKED,	/* waits for a word, a time or a join */
	SIMTHREAD_OUTSIDE,	/* waits for the host, or is new */
	SIMTHREAD_DEAD,		/* waits for who joins it */
};

/*
 * Field key:	c  constant since it entered		b  the baton
 *		a  atomic operations only		s  the thread itself
 */
struct simthread {
	uint32_t		 st_turn;	/* a: 1: it has the baton */
	uint32_t		 st_arriving;	/* a: stands in sim.arrivals */
	struct simthread	*st_arrival;	/* next there */
	enum simthread_state	 st_state;	/* b */
	unsigned int		 st_id;		/* c: in order of appearance */
	bool			 st_adopted;	/* c: not made by us */
	bool			 st_detached;	/* c */
	bool			 st_internal;	/* c: the simulation's own */
	char			 st_name[32];	/* c */
	struct simthread	*st_prev;	/* b: all threads */
	struct simthread	*st_next;	/* b */

	const uint32_t		*st_word;	/* s: parked on, or NULL */
	const struct simthread	*st_joins;	/* s: waits for its end */
	int			 st_parkflags;	/* s */
	int64_t			 st_deadline;	/* s */
	int			 st_result;	/* b: of the park */
	struct simthread	*st_joiner;	/* b */

	pthread_t		 st_pthread;	/* for who joins */
	void			(*st_fn)(void *);	/* c */
	void			 *st_arg;	/* c */
	void			(*st_exitfn)(void *);	/* s */
	void			 *st_exitarg;	/* s */
};

/* The caller, as a thread inside the simulation, which it may become here. */
struct simthread *sim_self(void);

/*
 * What a thread does, for the trace; also how long it takes.  sim_point() is
 * where the seed may let others run.
 */
enum simop {
	SIMOP_PARK, SIMOP_UNPARK, SIMOP_YIELD, SIMOP_PREEMPT, SIMOP_CREATE, SIMOP_JOIN,
	SIMOP_END, SIMOP_OPEN, SIMOP_CLOSE, SIMOP_READ, SIMOP_WRITE,
	SIMOP_SYNC, SIMOP_DISCARD, SIMOP_BIO, SIMOP_BIODONE, SIMOP_MEMORY,
	SIMOP_RANDOM, SIMOP_FAULT, SIMOP_SWITCH, SIMOP_LEAVE, SIMOP_ENTER,
};

void	sim_trace(enum simop op, uint64_t detail);
void	sim_point(enum simop op, uint64_t detail);

/* Sleeps; 0, ETIMEDOUT or EINTR as rumpuser_park(), never spuriously. */
int	sim_sleep(const uint32_t *word, int flags, int64_t deadline);
unsigned int sim_wake(const uint32_t *word, unsigned int n);

int64_t	sim_now(void);
void	sim_tick(int64_t ns);
struct simrng *sim_rng(int stream);

/* For thread.c. */
bool	sched_add(struct simthread *t);		/* appears, runnable */
void	sched_remove(struct simthread *t);	/* never ran */
void	sched_enter(struct simthread *t);	/* from outside, waits */
void	sched_wait(struct simthread *t);	/* for its first turn */
void	sched_leave(struct simthread *t);
void	sched_join(struct simthread *self, struct simthread *t);
void	sched_end(struct simthread *t);		/* gives the baton up for good */
void	sched_fork_child(struct simthread *self);
bool	sched_alone(void);			/* no other thread lives */
void	sched_reset(uint64_t seed);		/* a run begins */

int	simthread_create(void (*fn)(void *), void *arg, const char *name,
	    bool internal, struct simthread **ret_thread);
uint64_t simthread_count(void);

/* --- the rest ------------------------------------------------------------ */

/* Counts a hypercall of the kind: the errno it has to fail with, or 0. */
int	sim_fault(enum rumpsim_kind kind);
void	fault_reset(void);

uint64_t simfd_count(void);
void	simfd_counted(int by);		/* descriptors of other kinds */
bool	simsp_close(int fd);		/* false: not one of sp.c's */
void	simbio_fork_child(void);
void	simconsole_dump(void);

/* Writes to the standard error and ends the process. */
void	sim_die(const char *fmt, ...)
	    __attribute__((__noreturn__, __format__(__printf__, 1, 2)));

#endif /* HYPER_SIM_IMPL_H */
