/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * rule_exec.c - programs that live in the kernel
 *
 * They are copied to memory of the host, as in a program in which we are (hijack/exec.c), and executed
 * from there by the thread that asked for it, taken by the hand: its call becomes
 * execveat(2) of a descriptor of ours.  Of a script the first line is read here, and its interpreter
 * told the name that the program knows.
 *
 * References: execve(2), execveat(2), memfd_create(2).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../hijack/exec.h"
#include "hand.h"
#include "supervisor.h"

#define MAXSCRIPTS	4
#define MAXWORDS	65536
#define CHUNK		65536

/* What is to be executed. */
struct exec {
	unsigned long	 x_argv, x_envp;
	int		 x_fd;		/* ours: the program */
	unsigned int	 x_nwords;	/* that come before argv[1], instead of argv[0] */
	char		*x_word[2 * MAXSCRIPTS + 1];
};

/* --- the program -------------------------------------------------------------------- */

/* The kernel's r into a file of the host's memory. */
static long
copy_out(int r)
{
	char buf[CHUNK];
	int fd = memfd_create("rump", MFD_CLOEXEC);
	long n = 1;

	if (fd < 0)
		return -errno;
	while (n > 0) {
		n = kernel_syscall(SYS_read, r, buf, sizeof(buf));
		if (n > 0 && write(fd, buf, (size_t)n) != n)
			n = -ENOMEM;
	}
	if (n == 0)
		return fd;
	(void)close(fd);
	return n;
}

static long	find(struct exec *x, int dirfd, const char *path, unsigned int scripts);

/* Its words are put in front of those that are there. */
static long
find_interpreter(struct exec *x, const char *script, const char *interp, const char *arg,
    unsigned int scripts)
{
	const char *word[3] = { interp, arg != NULL ? arg : script, arg != NULL ? script : NULL };
	unsigned int n = arg != NULL ? 3 : 2;

	if (scripts == MAXSCRIPTS)
		return -ELOOP;
	/* The name of the script stands for itself. */
	if (x->x_nwords > 0) {
		free(x->x_word[0]);
		memmove(x->x_word, x->x_word + 1, --x->x_nwords * sizeof(x->x_word[0]));
	}
	memmove(x->x_word + n, x->x_word, x->x_nwords * sizeof(x->x_word[0]));
	for (unsigned int i = 0; i < n; i++)
		x->x_word[i] = strdup(word[i]);
	x->x_nwords += n;
	for (unsigned int i = 0; i < n; i++) {
		if (x->x_word[i] == NULL)
			return -ENOMEM;
	}
	return find(x, AT_FDCWD, interp, scripts + 1);
}

/* A script is told its name as it was called; relative to a descriptor it has none. */
static long
script_name(const struct where *w, char *buf, size_t size)
{
	if (w->w_path[0] == '/')
		return path_show(w->w_path, w->w_blanket, buf, size);
	if (w->w_dirfd != AT_FDCWD || w->w_path[0] == '\0')
		return -ENOENT;
	(void)snprintf(buf, size, "%s", w->w_path);
	return 0;
}

static long
find_opened(struct exec *x, const struct where *w, int r, unsigned int scripts)
{
	char head[256], name[PATH_ROOM], *interp, *arg;
	struct stat st;
	long ret;

	ret = kernel_syscall(SYS_fstat, r, &st);
	if (ret == 0 && !S_ISREG(st.st_mode))
		ret = -EACCES;
	if (ret == 0)
		ret = kernel_syscall(SYS_pread64, r, head, sizeof(head) - 1, 0);
	if (ret < 0)
		return ret;
	if (exec_script_line(head, ret, &interp, &arg)) {
		ret = script_name(w, name, sizeof(name));
		return ret != 0 ? ret : find_interpreter(x, name, interp, arg, scripts);
	}
	ret = copy_out(r);
	if (ret < 0)
		return ret;
	x->x_fd = (int)ret;
	return 0;
}

static long
find_in_kernel(struct exec *x, const struct where *w, unsigned long flags, unsigned int scripts)
{
	long ret, r;

	ret = kernel_syscall(SYS_faccessat2, w->w_dirfd, w->w_path, X_OK,
	    AT_EACCESS | (flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)));
	if (ret != 0)
		return ret;
	r = (flags & AT_EMPTY_PATH) != 0 && w->w_path[0] == '\0' ?
	    kernel_syscall(SYS_fcntl, w->w_dirfd, F_DUPFD, 0) :
	    kernel_syscall(SYS_openat, w->w_dirfd, w->w_path, O_RDONLY);
	if (r < 0)
		return r;
	ret = find_opened(x, w, (int)r, scripts);
	(void)kernel_syscall(SYS_close, r);
	return ret;
}

/* An interpreter, wherever it is. */
static long
find(struct exec *x, int dirfd, const char *path, unsigned int scripts)
{
	struct where w;
	long ret = path_resolve_text(dirfd, path, &w);

	if (ret != 0)
		return ret;
	if (w.w_kind == WHERE_KERNEL)
		return find_in_kernel(x, &w, 0, scripts);
	x->x_fd = w.w_path[0] == '/' ? open(w.w_path, O_RDONLY | O_CLOEXEC) : -1;
	return x->x_fd < 0 ? -ENOENT : 0;
}

/* --- its arguments --------------------------------------------------------------------- */

/* One piece of memory with the new words, and the vector that begins with them. */
struct block {
	unsigned long	*b_vector;	/* at the beginning */
	size_t		 b_len;
};

/* Those from argv[1] on; false: unreadable. */
static bool
read_rest(unsigned long argv, unsigned long *to, size_t *ret_n)
{
	unsigned long word = 1;
	size_t n = 0;

	if (argv == 0 || !mem_read(&word, argv, sizeof(word)))
		return argv == 0;
	while (word != 0) {
		argv += sizeof(word);
		if (n == MAXWORDS || !mem_read(&word, argv, sizeof(word)))
			return false;
		if (word != 0)
			to[n++] = word;
	}
	*ret_n = n;
	return true;
}

static long
block_make(const struct exec *x, struct block *b, size_t *ret_nrest)
{
	size_t room = 0;

	for (unsigned int i = 0; i < x->x_nwords; i++)
		room += strlen(x->x_word[i]) + 1;
	*b = (struct block){ .b_len = (x->x_nwords + MAXWORDS + 1) * sizeof(long) + room };
	b->b_vector = mem_get(b->b_len);
	if (b->b_vector == NULL)
		return -ENOMEM;
	*ret_nrest = 0;
	return read_rest(x->x_argv, b->b_vector + x->x_nwords, ret_nrest) ? 0 : -EFAULT;
}

/* Its addresses are those at base. */
static size_t
block_finish(const struct exec *x, struct block *b, size_t nrest, unsigned long base)
{
	size_t at = (x->x_nwords + nrest + 1) * sizeof(long), len;

	b->b_vector[x->x_nwords + nrest] = 0;
	for (unsigned int i = 0; i < x->x_nwords; i++) {
		len = strlen(x->x_word[i]) + 1;
		b->b_vector[i] = base + at;
		memcpy((char *)b->b_vector + at, x->x_word[i], len);
		at += len;
	}
	return at;
}

/* --- doing it ------------------------------------------------------------------------------ */

/* Memory of the program for its new arguments: the address of their vector. */
static long
give_words(struct hand *h, const struct exec *x, struct block *b, size_t nrest)
{
	unsigned long args[6] = { 0, b->b_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1UL };
	long base = hand_call(h, SYS_mmap, args);

	if (host_failed(base))
		return base;
	return hand_write(h, (unsigned long)base, b->b_vector,
	    block_finish(x, b, nrest, (unsigned long)base)) ? base : -EFAULT;
}

static void
by_hand(struct hand *h, const struct exec *x, struct block *b, size_t nrest, long n, unsigned long nothing)
{
	unsigned long args[6] = { (unsigned long)n, nothing, x->x_argv, x->x_envp, AT_EMPTY_PATH };
	unsigned long close_args[6] = { (unsigned long)n };
	long ret, base = 0;

	if (x->x_nwords > 0) {
		base = give_words(h, x, b, nrest);
		args[2] = (unsigned long)base;
	}
	ret = host_failed(base) ? base : hand_call(h, SYS_execveat, args);
	if (ret == 0) {
		hand_leave(h);
		return;
	}
	(void)hand_call(h, SYS_close, close_args);
	if (base > 0) {
		unsigned long munmap_args[6] = { (unsigned long)base, b->b_len };

		(void)hand_call(h, SYS_munmap, munmap_args);
	}
	hand_return(h, ret);
}

/* nothing: the address of an empty string there. */
static long
become(const struct exec *x, unsigned long nothing)
{
	struct block b = { .b_vector = NULL };
	struct hand h;
	size_t nrest = 0;
	long ret = 0, n;

	if (x->x_nwords > 0)
		ret = block_make(x, &b, &nrest);
	n = ret != 0 ? ret : visit_give(x->x_fd, -1, true);
	if (n >= 0) {
		__atomic_store_n(&visit->v_target->t_handtid, (pid_t)visit->v_call.pid, __ATOMIC_RELEASE);
		ret = hand_take(&h);
		if (ret == 0)
			by_hand(&h, x, &b, nrest, n, nothing);
		__atomic_store_n(&visit->v_target->t_handtid, 0, __ATOMIC_RELEASE);
	}
	if (b.b_vector != NULL)
		mem_put(b.b_vector, b.b_len);
	return n < 0 ? n : ret;
}

static long
kernel_exec(const struct where *w, unsigned long path, unsigned long argv, unsigned long envp,
    unsigned long flags)
{
	struct exec x = { .x_argv = argv, .x_envp = envp, .x_fd = -1 };
	char text[PATH_ROOM];
	long ret = find_in_kernel(&x, w, flags, 0);

	if (ret == 0)
		ret = mem_string(text, path, sizeof(text));
	if (ret >= 0)
		ret = become(&x, path + (unsigned long)ret);
	if (x.x_fd >= 0)
		(void)close(x.x_fd);
	for (unsigned int i = 0; i < x.x_nwords; i++)
		free(x.x_word[i]);
	return ret;
}

static bool
ours(void)
{
	return __atomic_load_n(&visit->v_target->t_handtid, __ATOMIC_ACQUIRE) == (pid_t)visit->v_call.pid;
}

/* What is closed on exec is gone afterwards; if it fails, nothing is. */
static long
rule_exec(long nr, const unsigned long args[6])
{
	bool at = nr == SYS_execveat;
	int dirfd = at ? (int)args[0] : AT_FDCWD;
	struct where w;
	long ret = -EFAULT;

	if (!ours()) {
		birth_meet(visit->v_target, (pid_t)visit->v_call.pid);
		(void)mmap_flush_target(visit->v_target);
		ret = path_resolve(dirfd, at ? args[1] : args[0], &w);
	}
	if (ret == 0 && w.w_kind == WHERE_HOST && host_lacks(CALL_GOES_ON, dirfd, w.w_text, true))
		(void)path_through_links(dirfd, w.w_text, true, &w);
	__atomic_store_n(&visit->v_target->t_execs, true, __ATOMIC_RELEASE);
	if (ret != 0 || w.w_kind != WHERE_KERNEL)
		return CALL_GOES_ON;
	return at ? kernel_exec(&w, args[1], args[2], args[3], args[4]) :
	    kernel_exec(&w, args[0], args[1], args[2], 0);
}

void
exec_rules(void)
{
	dispatch_set(SYS_execve, HIJACK_LOOK, rule_exec);
	dispatch_set(SYS_execveat, HIJACK_LOOK, rule_exec);
}
