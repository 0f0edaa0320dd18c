/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diff.h - the same system calls on two kernels
 *
 * A sequence is made from a seed: a list of struct op.  It runs call by call
 * on two sides, our kernel with its tmpfs and the host with its own.  What a
 * call returned and wrote is turned into text, in which everything that may
 * differ (times of now, inode numbers, descriptor numbers) is left out or
 * made equal; the texts must be equal.
 *
 *	op.c	what the calls are and how arguments are invented
 *	side.c	the two kernels, and running one op on one of them
 *	twin.c	the host as its own opponent, to test the test
 *	show.c	text of results and of calls
 *	tree.c	the whole tree as text
 *	main.c	processes, seeds, shrinking
 */

#ifndef DIFF_H
#define DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSLOTS		6		/* descriptors a sequence may hold ... */
#define NDIRSLOTS	2		/* ... the first of them directories, mostly */
#define SIDE_BUF	16384		/* room for each argument */
#define TEXT_MAX	2048
#define OPS_MAX		400

enum arg_kind {
	A_NONE,
	A_FD,		/* slot, or a number below 0 as it is */
	A_DIRECTORY,	/* the same, of a directory if possible */
	A_DIRFD,	/* the same, or AT_FDCWD */
	A_PATH,		/* string, NULL, or a bad address */
	A_TARGET,	/* content of a symbolic link */
	A_STRING,	/* one of a list */
	A_CHOICE,	/* one of a list of numbers */
	A_FLAGS,	/* some of a list of numbers */
	A_OFFSET,
	A_LENGTH,	/* of the buffer before it */
	A_IN,		/* bytes made from the value */
	A_OUT,		/* SIDE_BUF bytes of room */
	A_TIMES,	/* struct timespec[2] out of the value, or NULL */
	A_HOW,		/* struct open_how; the length is the next argument */
	A_IOVIN,	/* three pieces, made from the value */
	A_IOVOUT,
	A_FLOCK,	/* struct flock out of the value */
	A_POLL,		/* struct pollfd of two slots */
	A_FDPAIR,	/* int[2]; two slots are filled */
	A_EPEVENT,	/* struct epoll_event out of the value */
	A_GROUPS,	/* three group numbers */
};

enum result_kind {
	R_NUMBER,	/* printed as it is */
	R_FD,		/* goes to slot op_slot */
	R_SAMEFD,	/* a descriptor that has its slot */
	R_FDPAIR,	/* pipe: op_slot and the next one */
	R_BYTES,	/* so many bytes of the A_OUT argument */
	R_IOV,
	R_STAT,
	R_STATX,
	R_STATFS,
	R_NAMES,	/* NUL-terminated names, in any order */
	R_FLOCK,
	R_POLL,
	R_EPOLL,
	R_INT,		/* an int in the A_OUT argument */
	R_TREE,		/* no call: all that is there */
	R_DIRECTORY,	/* lseek and getdents64 to the end */
};

struct arg_desc {
	enum arg_kind	 ad_kind;
	const void	*ad_list;	/* long[] or char *[] */
	unsigned int	 ad_count;
};

struct op_desc {
	const char	*od_name;
	long		 od_nr;
	unsigned int	 od_weight;
	enum result_kind od_result;
	struct arg_desc	 od_args[6];
	bool		 od_ids;	/* only where ids may be changed */
};

struct op {
	const struct op_desc *op_desc;
	long		 op_value[6];
	char		*op_string[6];	/* owned */
	unsigned int	 op_slot;
	bool		 op_skip;	/* shrinking left it out */
};

/* What one run of a sequence is allowed to do. */
struct rules {
	bool	ru_ids;			/* the host lets us change ids */
	bool	ru_hardlinks;		/* fs.protected_hardlinks is on */
	bool	ru_sticky;		/* some other fs.protected_* is on */
};

/* A generator of numbers, the same everywhere. */
uint64_t rnd_next(uint64_t *state);
unsigned int rnd_below(uint64_t *state, unsigned int n);

extern const struct op_desc op_descs[];
extern const unsigned int op_ndescs;
void	op_generate(struct op *ops, unsigned int n, uint64_t seed,
	    const struct rules *rules);
void	op_free(struct op *ops, unsigned int n);

/* A kernel: call answers a result or -errno. */
struct side {
	const char	*sd_name;
	long		(*sd_call)(long nr, const unsigned long args[6]);
	int		 sd_fd[NSLOTS];
	unsigned char	*sd_buf[6];
	unsigned int	 sd_fallocated;	/* so often fallocate succeeded */
};

/*
 * twin: the host plays our part.  flags: MS_* of both mounts.  ret_why: what
 * is missing here.
 */
bool	side_open(struct side *ours, struct side *host, const char *dir,
	    unsigned long flags, bool twin, const char **ret_why);
bool	twin_open(const char *dir, unsigned long flags);
long	twin_call(long nr, const unsigned long args[6]);

/* Runs op; its outcome as text. */
struct flock;
struct open_how;
struct timespec;
/* What an op's value stands for. */
void	fill_times(struct timespec *ts, long value);	/* two */
void	fill_how(unsigned char *buf, long value, const struct arg_desc *ad);
void	fill_flock(struct flock *fl, long value);

void	side_run(struct side *s, const struct op *op, char text[TEXT_MAX]);

void	show_result(struct side *s, const struct op *op, long ret,
	    char text[TEXT_MAX]);
void	show_call(const struct op *op, char *text, size_t size);
void	show_directory(struct side *s, int fd, char *text, size_t size);

/* The tree below "/" as sorted lines; to be freed. */
char	*tree_text(struct side *s);

#endif /* DIFF_H */
