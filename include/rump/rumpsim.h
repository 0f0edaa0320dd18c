/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpsim.h - steering the simulated host
 *
 * Linked with librumpuser_sim instead of librumpuser, a kernel runs on a
 * host where nothing happens by chance: one thread runs at a time and a seed
 * decides which, time is virtual and jumps when everybody sleeps, the n-th
 * hypercall of a kind fails on demand, and disks lose their power.  The same
 * seed gives the same run.
 *
 * Threads
 *	rumpuser_thread_create() makes simulated threads.  Any other thread
 *	becomes one by its first hypercall.  A simulated thread runs until
 *	it blocks in a hypercall or the seed takes its turn away in one, so
 *	it must not wait for another one by other means than hypercalls: if
 *	it has to (pthread_join, a pipe of the host), it says rumpsim_leave()
 *	before and rumpsim_enter() after.
 *
 *	If all threads are parked without a deadline, nothing can ever happen
 *	again: their names are printed and the process ends with
 *	RUMPSIM_EXIT_DEADLOCK.
 *
 * All functions may be called by simulated threads only (calling one makes
 * the caller one), except where noted.  Like rumpuser.h the header needs
 * only the compiler's own headers.  Results are 0 or a positive Linux errno.
 *
 * Manual: rumpsim(3).
 */

#ifndef RUMP_RUMPSIM_H
#define RUMP_RUMPSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- a run --------------------------------------------------------------- */

/*
 * Calls fn(arg) as a simulated thread and returns its result.  Everything
 * that chance decides is decided by the seed from here on; counters, faults
 * and the trace start anew, and if no other simulated thread lives, so does
 * the clock.  Threads that live on when fn returns take part in the next run.
 * A program that never calls this runs with the seed in the environment's
 * RUMPSIM_SEED, or 1.
 */
int	rumpsim_run(uint64_t seed, int (*fn)(void *), void *arg);

/* A hash over all decisions and hypercalls so far: equal for equal runs. */
uint64_t rumpsim_trace(void);

/*
 * How often the seed interferes, of 1000 chances: takes a turn away where
 * the thread could have gone on; lets a park return for no reason.
 */
void	rumpsim_setswitch(unsigned int permille);	/* 125 at first */
void	rumpsim_setspurious(unsigned int permille);	/* 16 at first */

/* The caller waits for the host outside the simulation, or is back. */
void	rumpsim_leave(void);
void	rumpsim_enter(void);

#define RUMPSIM_EXIT_DEADLOCK	86

/* Lets virtual time pass without sleeping (ns > 0). */
void	rumpsim_advance(int64_t ns);

/*
 * Sets a parameter of rumpuser_getparam(), of the host's or over the
 * environment's; NULL makes it unset (ENOENT).
 */
int	rumpsim_setparam(const char *name, const char *value);

/* Restores a parameter's own value; all for NULL. */
void	rumpsim_clearparam(const char *name);

/*
 * What was written to the console since the start or rumpsim_console_clear(),
 * NUL-terminated, valid until the next write to it.  With RUMPSIM_VERBOSE in
 * the environment, or after rumpsim_console_echo(true), it appears on the
 * standard error as well.
 */
const char *rumpsim_console(void);
void	rumpsim_console_clear(void);
void	rumpsim_console_echo(bool on);

/* --- failures ------------------------------------------------------------ */

enum rumpsim_kind {
	RUMPSIM_MEMORY,		/* malloc, pages_map */
	RUMPSIM_READ,		/* iovread, a BIO_READ being done */
	RUMPSIM_WRITE,		/* iovwrite, a BIO_WRITE being done */
	RUMPSIM_FLUSH,		/* syncfd, a BIO_FLUSH being done */
	RUMPSIM_DISCARD,	/* discard, a BIO_DISCARD being done */
	RUMPSIM_SUBMIT,		/* bio: the request is refused */
	RUMPSIM_OPEN,		/* open */
	RUMPSIM_THREAD,		/* thread_create */
	RUMPSIM_RANDOM,		/* getrandom */
	RUMPSIM_PEER,		/* connections of remote clients: spset_*, spconn_*, spturn_own */
	RUMPSIM_IO,		/* any from READ to SUBMIT */
	RUMPSIM_ANY,		/* any of the above */
	RUMPSIM_NKINDS
};

/*
 * The nth hypercall of the kind from now (1: the next one) fails with error,
 * once, without having any effect.  nth == 0: none does any more.  One
 * failure can be armed per kind, and they are independent of each other.
 */
void	rumpsim_fail(enum rumpsim_kind kind, uint64_t nth, int error);

/* The same, and so do all that follow it. */
void	rumpsim_fail_from(enum rumpsim_kind kind, uint64_t nth, int error);

/* How many hypercalls of the kind there were in this run. */
uint64_t rumpsim_count(enum rumpsim_kind kind);

/* How many failures happened since rumpsim_fail() or _fail_from(). */
uint64_t rumpsim_failed(enum rumpsim_kind kind);

/* --- what the kernel holds ----------------------------------------------- */

struct rumpsim_usage {
	uint64_t	su_mallocs;	/* pieces of rumpuser_malloc() memory */
	uint64_t	su_malloc_bytes;
	uint64_t	su_maps;	/* pieces of rumpuser_pages_map() memory */
	uint64_t	su_map_bytes;
	uint64_t	su_fds;		/* open descriptors */
	uint64_t	su_threads;	/* threads alive, or not joined yet */
	uint64_t	su_serial;	/* of the latest piece of memory */
};

/* What is held now. */
void	rumpsim_usage(struct rumpsim_usage *ret_usage);

/*
 * True if the same is held now as when *before was taken.  If not, says on
 * the standard error what is not, with the origin of each piece of memory
 * that was taken since and not freed.
 */
bool	rumpsim_usage_check(const struct rumpsim_usage *before);

/* --- disks --------------------------------------------------------------- */

/*
 * A disk lives in memory and is opened by its name, which begins with
 * "sim:", like a block device of the host.  It has a volatile write cache:
 * what is written can be read at once, but only a flush makes it last.
 * Every write, discard, barrier and flush is recorded in order.
 */
struct rumpsim_disk;

/* EINVAL: bad name, size or sector size; EEXIST; ENOMEM. */
int	rumpsim_disk_create(const char *name, uint64_t size, uint32_t secsize,
	    struct rumpsim_disk **ret_disk);
int	rumpsim_disk_destroy(struct rumpsim_disk *disk);	/* EBUSY: open */

/* Content without a trace: not recorded, counted, delayed or failed. */
int	rumpsim_disk_peek(struct rumpsim_disk *disk, uint64_t off, void *buf,
	    size_t len);
int	rumpsim_disk_poke(struct rumpsim_disk *disk, uint64_t off,
	    const void *buf, size_t len);

/* The same from and to a whole file of the host. */
int	rumpsim_disk_load(struct rumpsim_disk *disk, const char *path);
int	rumpsim_disk_save(struct rumpsim_disk *disk, const char *path);

/*
 * The record has points 0 (its beginning) to rumpsim_disk_points().  A cut
 * makes a new disk as it would be found after the power failed right after
 * that point: everything completed before the last flush began is there; of
 * what came later, any subset that the barriers allow is, chosen by the seed,
 * sector by sector.  forget starts a new record with everything stable.
 */
size_t	rumpsim_disk_points(struct rumpsim_disk *disk);
int	rumpsim_disk_cut(struct rumpsim_disk *disk, size_t point,
	    uint64_t seed, const char *name, struct rumpsim_disk **ret_disk);
void	rumpsim_disk_forget(struct rumpsim_disk *disk);

/* The nth operation of the kind (READ to DISCARD) on this disk from now. */
void	rumpsim_disk_fail(struct rumpsim_disk *disk, enum rumpsim_kind kind,
	    uint64_t nth, int error);

/* From now on, reads and writes that touch the range fail; len 0: none. */
void	rumpsim_disk_setbad(struct rumpsim_disk *disk, uint64_t off,
	    uint64_t len, int error);

/* Virtual time that each operation takes, at least; 0 at first. */
void	rumpsim_disk_setlatency(struct rumpsim_disk *disk, int64_t read,
	    int64_t write, int64_t flush);

struct rumpsim_diskstats {
	uint64_t	sd_reads;
	uint64_t	sd_read_bytes;
	uint64_t	sd_writes;
	uint64_t	sd_write_bytes;
	uint64_t	sd_flushes;
	uint64_t	sd_discards;
};

void	rumpsim_disk_stats(struct rumpsim_disk *disk,
	    struct rumpsim_diskstats *ret_stats);

/* --- remote clients ------------------------------------------------------ */

/*
 * The client's end of a connection to a kernel that listens, at whatever URL.
 * What the client says is sysproxy(7), or not.  Nothing here sleeps, is
 * counted or fails on demand; the kernel has looked at it when its threads have
 * run, see rumpsim_settle().
 */
struct rumpsim_client;

/* uid: who connects.  ECONNREFUSED, ENOMEM. */
int	rumpsim_client_connect(uint32_t uid, struct rumpsim_client **ret_client);
/* How much there was room for; fd: a descriptor comes along. */
size_t	rumpsim_client_send(struct rumpsim_client *rc, const void *buf,
	    size_t len, bool fd);
size_t	rumpsim_client_recv(struct rumpsim_client *rc, void *buf, size_t len);
bool	rumpsim_client_ended(const struct rumpsim_client *rc);	/* by the kernel */
/* What came along with the last welcome, or NULL; it stays until the close. */
void	*rumpsim_client_memory(const struct rumpsim_client *rc);
void	rumpsim_client_close(struct rumpsim_client *rc);

/* Lets the others run until all of them sleep.  The clock does not jump. */
void	rumpsim_settle(void);

#ifdef __cplusplus
}
#endif

#endif /* RUMP_RUMPSIM_H */
