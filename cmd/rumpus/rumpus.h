/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rumpus.h - what the subcommands of rumpus(1) share
 *
 * A subcommand is a function with main's arguments that returns an exit
 * code.  It opens an image, which boots the kernel inside this process and
 * mounts the chosen file system read-only, and works on it through
 * rump_sys_*().  What a plain user could not do on the host, it can do here:
 * inside the image it is uid 0.
 */

#ifndef RUMPUS_H
#define RUMPUS_H

#include <sys/stat.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, the same for all subcommands; see rumpus(1). */
enum {
	EX_DONE		= 0,
	EX_NOMATCH	= 1,	/* differs, or nothing found */
	EX_USE		= 2,
	EX_IO		= 3,
	EX_BADIMAGE	= 4,
	EX_UNSUPPORTED	= 5,
	EX_NOSPACE	= 6,
	EX_DENIED	= 7,
};

struct command {
	const char	*c_name;
	const char	*c_args;	/* for --help */
	const char	*c_about;
	int		(*c_main)(int argc, char **argv);
	const char	*c_help;	/* options, a line each */
};

extern const struct command *current_command;
extern const char *program_name;	/* in front of messages: "rumpus" */
int	usage_error(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
/* Handles --help and bad options of getopt: an exit code, or -1 to go on. */
int	usage_option(int opt);

/* --- errors (error.c) -------------------------------------------------------- */

int	exit_of_errno(int error);

/*
 * "rumpus: WHERE: OPERATION: cause" on stderr; returns the exit code for the
 * errno.  The worst code seen is kept by note_failure().
 */
int	complain(const char *where, const char *operation, int error);
void	warn_text(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));
void	note_failure(int code);
int	failures(void);			/* the first noted code, or EX_DONE */

/* --- images (image.c) --------------------------------------------------------- */

struct location {
	char	*l_image;		/* host path */
	char	*l_part;		/* NULL: none given */
	char	*l_path;		/* inside; always absolute */
	char	*l_text;		/* "image:part", for messages */
};

struct image_options {
	uint64_t io_offset;		/* bytes into the host file */
	bool	 io_hasoffset;
};
extern struct image_options image_options;

/* --offset N[kmgt]; EX_USE or EX_DONE. */
int	image_set_offset(const char *text);

int	location_parse(const char *text, struct location *ret_loc);
void	location_free(struct location *loc);

/* Boots the kernel and makes the image its disk, /dev/img.  An exit code. */
int	image_attach(const char *image);
/* Also chooses the partition, mounts it and makes it the root directory. */
int	image_open(const struct location *loc);
/* The same for a second location, which must be of the same file system. */
bool	location_same_fs(const struct location *a, const struct location *b);
/* The device of the partition that loc names, or of the only one.  A code. */
int	image_choose(const char *disk, const struct location *loc, char *dev, size_t size);
/* Finds out what file system dev has, and mounts it read-only.  A code. */
int	image_mount(const char *dev, const struct location *loc, const char *where);
/* "/dev/img" or "/dev/img2" as chosen. */
const char *image_device(void);
/* Kernel path of a path inside; free(3). */
char	*image_path(const char *path);
/* "image:part:path", for messages; static storage. */
const char *image_name(const struct location *loc, const char *path);

/* --- walking (walk.c) ------------------------------------------------------------ */

struct dent {
	int		 e_dirfd;	/* kernel descriptor of the directory */
	const char	*e_name;	/* in it */
	const char	*e_path;	/* as the user sees it */
	const char	*e_rel;		/* relative to the start: "" for itself */
	unsigned int	 e_depth;	/* 0: the start */
	struct statx	 e_st;
};

enum walk_when { WALK_ENTRY, WALK_LEAVE };	/* LEAVE: a directory is done */
enum { WALK_GO = 0, WALK_PRUNE = -1, WALK_STOP = -2 };

typedef int walk_fn(const struct dent *e, enum walk_when when, void *arg);

/*
 * Calls fn for path inside the image and all below it, a directory before its content
 * and once more after it.  Problems are complained of and noted, and the
 * walk goes on.  Memory does not grow with the size of a directory.
 */
int	walk(const struct location *loc, const char *path, walk_fn *fn, void *arg);

/* Entries of an open directory: name and DT_*; stops at non-zero. */
int	read_dir(int fd, int (*fn)(const char *name, unsigned char dtype, void *arg),
	    void *arg);

/* --- output (fmt.c, json.c) --------------------------------------------------------- */

void	fmt_mode(uint16_t mode, char buf[11]);
void	fmt_time(const struct statx_timestamp *ts, char *buf, size_t size);	/* ISO, UTC */
void	fmt_size(uint64_t bytes, char *buf, size_t size);		/* "1.5G" */
const char *fmt_type(uint16_t mode);		/* "file", "directory" .. */
/* Length of the well-formed UTF-8 sequence at s, 0 if there is none. */
size_t	utf8_len(const char *s);
/* Prints s; to a terminal, with what it would act on replaced by '?'. */
void	print_clean(FILE *to, const char *s);
void	print_name(const char *s);		/* to stdout */
int	finish_output(void);		/* flush stdout: a code */

extern bool want_json;
void	json_begin(void);
void	json_entry(const struct dent *e, const char *link);
void	json_end(void);
char	*json_bytes(const char *s);	/* invalid UTF-8 as U+FFFD; free(3) */

/* Target of a symbolic link, NULL on failure; free(3). */
char	*read_link(int dirfd, const char *name, uint64_t size);

struct progress {
	uint64_t	 p_total;	/* bytes, 0: unknown */
	uint64_t	 p_done;
	uint64_t	 p_files;
	double		 p_start, p_last;
	bool		 p_on;		/* stderr is a terminal */
};
void	progress_begin(struct progress *p, uint64_t total);
void	progress_add(struct progress *p, uint64_t bytes);
void	progress_end(struct progress *p);

/* --- arguments (args.c) -------------------------------------------------------- */

int	depth_option(const char *text, long *ret_depth);	/* EX_USE, EX_DONE */
/* For what getopt does not parse: --help is among the words. */
bool	wants_help(int argc, char **argv);
bool	too_deep(unsigned int depth, long limit);	/* limit < 0: never */
/*
 * Opens each location from optind on and runs fn on it, between the brackets of
 * a JSON array if json is set.  An exit code.
 */
int	for_each_location(int argc, char **argv, bool json,
	    void (*fn)(const struct location *));

/* A set of inode numbers; *isp NULL is empty.  add: true if it was not in. */
struct inoset;
bool	inoset_add(struct inoset **isp, uint64_t ino);
void	inoset_free(struct inoset *is);

/* --- helpers (helper.c) ---------------------------------------------------------------- */

/* Another program takes our place; an exit code if that fails. */
int	run_helper(const char *name, char **argv);
bool	wants_server(int argc, char **argv);

/* --- subcommands ------------------------------------------------------------------------ */

int	cmd_info(int argc, char **argv);
int	cmd_ls(int argc, char **argv);
int	cmd_cat(int argc, char **argv);
int	cmd_cp(int argc, char **argv);
int	cmd_find(int argc, char **argv);
int	cmd_stat(int argc, char **argv);
int	cmd_du(int argc, char **argv);
int	cmd_df(int argc, char **argv);
int	cmd_tree(int argc, char **argv);
int	cmd_sha256(int argc, char **argv);
int	cmd_tar(int argc, char **argv);

/* Reads a file of the image piece by piece; NULL data is a hole of len bytes. */
typedef int piece_fn(const void *data, size_t len, void *arg);
int	read_pieces(int fd, bool holes, piece_fn *fn, void *arg);
int	open_entry(const struct dent *e);	/* kernel descriptor, or -1 */
int	open_location(const struct location *loc, int *ret_fd);	/* a code */

#endif /* RUMPUS_H */
