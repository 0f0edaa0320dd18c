/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * exec.c - the program becomes another one
 *
 * The new program finds its descriptors by their placeholders (fdmap.c), and the server by what the
 * backend puts into the environment.  What makes us be loaded again is added where a program
 * cleans the environment of its children (sshd, env -i); the directory, where it is the
 * kernel's.
 *
 * A program that lives in the kernel is copied to memory of the host (memfd) and executed from
 * there.  Of a script the host could not tell its interpreter the name, so the first line is
 * read here.
 *
 * A program that cannot be preloaded into (engine.c) is executed by rumpus-supervise, which takes our place
 * for a moment: it makes a supervisor of what we have in the kernel, and then becomes the program, with
 * the same number.
 *
 * In a child of vfork(2) all memory is the parent's: nothing is kept but on the stack, or mapped and
 * given back.
 *
 * References: execve(2), memfd_create(2).
 */

#include "hijack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/stat.h>

#include "exec.h"
#include "path.h"

#define MAXSCRIPTS	4		/* interpreters that are scripts */
#define CHUNK		65536
#define NKEPT		8
#define ENV_ROOM	320
#define LIBRARY		"librumphijack.so"

/* Variables of ours, as they were at start; "" is none. */
static char kept[NKEPT][1024];
static unsigned int nkept;
static char supervisor[PATH_ROOM];

struct exec {
	int		 x_dirfd;
	unsigned long	 x_path;	/* addresses, in the program */
	unsigned long	 x_argv;
	unsigned long	 x_envp;
	unsigned long	 x_flags;
	unsigned int	 x_scripts;
};

void
exec_keep(const char *variable)
{
	size_t len = 0;

	if (nkept == NKEPT)
		return;
	if (text_add(kept[nkept], sizeof(kept[0]), &len, variable))
		nkept++;
}

void
exec_supervisor(const char *path)
{
	size_t len = 0;

	if (!text_add(supervisor, sizeof(supervisor), &len, path))
		supervisor[0] = '\0';
}

/* --- environment ---------------------------------------------------------------------------- */

/* A variable's name with the '='. */
static size_t
name_len(const char *variable)
{
	size_t n = 0;

	while (variable[n] != '=' && variable[n] != '\0')
		n++;
	return n;
}

static bool
same_name(const char *a, const char *b)
{
	size_t n = name_len(a);

	if (n != name_len(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (a[i] != b[i])
			return false;
	}
	return true;
}

static size_t
vector_len(unsigned long const *v)
{
	size_t n = 0;

	if (v != NULL) {
		while (v[n] != 0)
			n++;
	}
	return n;
}

/* env, with ours behind it, into out, which has room for all. */
static void
env_build(unsigned long const *env, char *const extra[], unsigned int nextra, unsigned long *out)
{
	size_t n = 0;
	bool has;

	for (size_t i = 0; env != NULL && env[i] != 0; i++) {
		has = false;
		for (unsigned int k = 0; k < nextra; k++)
			has = has || same_name((const char *)env[i], extra[k]);
		if (!has)
			out[n++] = env[i];
	}
	for (unsigned int k = 0; k < nextra; k++)
		out[n++] = (unsigned long)extra[k];
	/* Kept ones only where the program threw them away. */
	for (unsigned int k = 0; k < nkept; k++) {
		has = false;
		for (size_t i = 0; env != NULL && env[i] != 0; i++)
			has = has || same_name((const char *)env[i], kept[k]);
		for (unsigned int i = 0; i < nextra; i++)
			has = has || same_name(extra[i], kept[k]);
		if (!has)
			out[n++] = (unsigned long)kept[k];
	}
	out[n] = 0;
}

/* --- the call itself ---------------------------------------------------------------------------- */

/* What an exec is made with, other than what the program said. */
struct vectors {
	unsigned long	*v_env, *v_argv;
	char		 v_ticket[ENV_ROOM];	/* the backend's */
	char		 v_cwd[32];
	char		 v_preload[1024];
	char		 v_number[16];
	long		 v_fd;			/* what the supervisor is to execute, -1 */
};

/* LD_PRELOAD without us, who must not be in the supervisor, nor in what it starts. */
static void
without_us(unsigned long const *env, char *buf, size_t size)
{
	const char *at = NULL, *end, *name;
	size_t len = 0;

	for (size_t i = 0; env != NULL && env[i] != 0 && at == NULL; i++)
		at = text_after((const char *)env[i], "LD_PRELOAD=");
	(void)text_add(buf, size, &len, "LD_PRELOAD=");
	while (at != NULL && *at != '\0') {
		for (name = end = at; *end != ':' && *end != ' ' && *end != '\0'; end++)
			name = *end == '/' ? end + 1 : name;
		if (text_after(name, LIBRARY) == NULL) {
			for (; at < end && len + 2 < size; at++)
				buf[len++] = *at;
			buf[len++] = ':';
			buf[len] = '\0';
		}
		at = *end != '\0' ? end + 1 : end;
	}
}

/* "supervisor --file PATH", or "--descriptor N" where there is no path, and the arguments. */
static long
supervised_argv(const struct exec *x, struct vectors *v)
{
	static const char file[] = "--file", descriptor[] = "--descriptor";
	unsigned long const *argv = (unsigned long const *)x->x_argv;
	size_t n = vector_len(argv), len = 0;

	v->v_argv[0] = (unsigned long)supervisor;
	if (x->x_dirfd == AT_FDCWD || *(const char *)x->x_path == '/') {
		v->v_argv[1] = (unsigned long)file;
		v->v_argv[2] = x->x_path;
	} else {
		v->v_fd = *(const char *)x->x_path == '\0' ?
		    host_syscall(SYS_fcntl, x->x_dirfd, F_DUPFD, 0) :
		    host_syscall(SYS_openat, x->x_dirfd, x->x_path, O_PATH);
		if (v->v_fd < 0)
			return v->v_fd;
		(void)text_add_number(v->v_number, sizeof(v->v_number), &len, (unsigned long)v->v_fd);
		v->v_argv[1] = (unsigned long)descriptor;
		v->v_argv[2] = (unsigned long)v->v_number;
	}
	for (size_t i = 0; i < n; i++)
		v->v_argv[i + 3] = argv[i];
	v->v_argv[n + 3] = 0;
	return 0;
}

/* It takes over our connection, as any program of ours would, and is one with what it starts. */
static long
supervised_exec(const struct exec *x, struct vectors *v)
{
	long ret = supervised_argv(x, v);

	if (ret == 0)
		ret = host_syscall(SYS_execve, supervisor, v->v_argv, v->v_env);
	if (v->v_fd >= 0)
		(void)host_syscall(SYS_close, v->v_fd);
	return ret;
}

/* Of what the supervisor could not do, its own exec must not make a success. */
static bool
may_execute(const struct exec *x)
{
	return host_syscall(SYS_faccessat2, x->x_dirfd, x->x_path, 1 /* X_OK */,
	    AT_EACCESS | (x->x_flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))) == 0;
}

static long
exec_with(const struct exec *x, struct vectors *v, bool supervised)
{
	char *extra[3];
	unsigned int nextra = 0;
	size_t len = 0;
	long ret = 0;

	v->v_ticket[0] = v->v_cwd[0] = v->v_preload[0] = v->v_number[0] = '\0';
	v->v_fd = -1;
	if (backend != NULL && backend->b_exec_env != NULL)
		ret = -backend->b_exec_env(self.s_vfork, v->v_ticket, sizeof(v->v_ticket));
	if (ret != 0)
		return ret;
	if (v->v_ticket[0] != '\0')
		extra[nextra++] = v->v_ticket;
	if (path_cwd() != CWD_HOST) {
		(void)text_add(v->v_cwd, sizeof(v->v_cwd), &len, "RUMPHIJACK_CWD=");
		(void)text_add_number(v->v_cwd, sizeof(v->v_cwd), &len, (unsigned long)path_cwd());
		extra[nextra++] = v->v_cwd;
	}
	if (supervised) {
		without_us((unsigned long const *)x->x_envp, v->v_preload, sizeof(v->v_preload));
		extra[nextra++] = v->v_preload;
	}
	env_build((unsigned long const *)x->x_envp, extra, nextra, v->v_env);
	ret = supervised ? supervised_exec(x, v) :
	    host_syscall(SYS_execveat, x->x_dirfd, x->x_path, x->x_argv, v->v_env, x->x_flags);
	if (v->v_ticket[0] != '\0' && backend->b_exec_failed != NULL)
		backend->b_exec_failed(self.s_vfork, v->v_ticket);
	return ret;
}

static long
host_exec(const struct exec *x)
{
	size_t nenv = vector_len((unsigned long const *)x->x_envp) + NKEPT + 4;
	size_t nargv = vector_len((unsigned long const *)x->x_argv) + 4;
	size_t bytes = (nenv + nargv) * sizeof(long);
	unsigned long fast[512];
	bool supervised;
	struct vectors v;
	long ret;

	/* Shells try one directory after the other: spare the server those. */
	if ((x->x_flags & AT_EMPTY_PATH) == 0) {
		ret = host_syscall(SYS_faccessat, x->x_dirfd, x->x_path, 0);
		if (ret != 0)
			return ret;
	}
	supervised = supervisor[0] != '\0' && exec_wants_supervisor(x->x_dirfd,
	    (const char *)x->x_path, (x->x_flags & AT_SYMLINK_NOFOLLOW) != 0) && may_execute(x);
	if (!self.s_vfork)
		mmap_flush();
	v.v_env = nenv + nargv > 512 ? mem_get(bytes) : fast;
	if (v.v_env == NULL)
		return -ENOMEM;
	v.v_argv = v.v_env + nenv;
	ret = exec_with(x, &v, supervised);
	if (v.v_env != fast)
		mem_put(v.v_env, bytes);
	return ret;
}

/* --- programs of the kernel -------------------------------------------------------------------------- */

static long
write_all(int fd, const char *buf, long len)
{
	long n;

	while (len > 0) {
		n = host_syscall(SYS_write, fd, buf, len);
		if (n < 0)
			return n;
		buf += n;
		len -= n;
	}
	return 0;
}

/* The kernel's r into a file of the host's memory: its descriptor. */
static long
copy_out(int r, unsigned int flags)
{
	long fd = host_syscall(SYS_memfd_create, "rump", flags), n;
	char *buf;

	if (fd < 0)
		return fd;
	buf = mem_get(CHUNK);
	n = buf == NULL ? -ENOMEM : 1;
	while (n > 0) {
		n = kernel_syscall(SYS_read, r, buf, CHUNK);
		if (n > 0 && write_all((int)fd, buf, n) != 0)
			n = -ENOMEM;
	}
	if (buf != NULL)
		mem_put(buf, CHUNK);
	if (n < 0) {
		(void)host_syscall(SYS_close, fd);
		return n;
	}
	return fd;
}

static long	do_exec(const struct exec *x);

/* The interpreter with the script's name, as the program knows it. */
static long
exec_script(const struct exec *x, const char *script, char *interp, char *arg)
{
	unsigned long const *argv = (unsigned long const *)x->x_argv;
	size_t n = vector_len(argv), bytes = (n + 4) * sizeof(*argv), at = 0;
	unsigned long fast[256], *out = fast;
	struct exec y = *x;
	long ret;

	if (n + 4 > 256) {
		out = mem_get(bytes);
		if (out == NULL)
			return -ENOMEM;
	}
	out[at++] = (unsigned long)interp;
	if (arg != NULL)
		out[at++] = (unsigned long)arg;
	out[at++] = (unsigned long)script;
	for (size_t i = 1; i < n; i++)
		out[at++] = argv[i];
	out[at] = 0;
	y.x_dirfd = AT_FDCWD;
	y.x_path = (unsigned long)interp;
	y.x_argv = (unsigned long)out;
	y.x_flags = 0;
	y.x_scripts++;
	ret = y.x_scripts > MAXSCRIPTS ? -ELOOP : do_exec(&y);
	if (out != fast)
		mem_put(out, bytes);
	return ret;
}

/* A script is told its name as it was called; relative to a descriptor it has none. */
static long
script_name(const struct where *w, char *buf, size_t size)
{
	size_t len = 0;

	if (w->w_path[0] == '/')
		return path_show(w->w_path, w->w_blanket, buf, size);
	if (w->w_dirfd != AT_FDCWD || w->w_path[0] == '\0')
		return -ENOENT;
	return text_add(buf, size, &len, w->w_path) ? 0 : -ENAMETOOLONG;
}

static long
exec_opened(const struct exec *x, const struct where *w, int r)
{
	char head[256], name[PATH_ROOM], *interp, *arg;
	struct exec y = *x;
	struct stat st;
	long ret, fd;

	ret = kernel_syscall(SYS_fstat, r, &st);
	if (ret == 0 && !S_ISREG(st.st_mode))
		ret = -EACCES;
	if (ret == 0)
		ret = kernel_syscall(SYS_pread64, r, head, sizeof(head) - 1, 0);
	if (ret < 0)
		return ret;
	if (exec_script_line(head, ret, &interp, &arg)) {
		ret = script_name(w, name, sizeof(name));
		return ret != 0 ? ret : exec_script(x, name, interp, arg);
	}
	fd = copy_out(r, MFD_CLOEXEC);
	if (fd < 0)
		return fd;
	y.x_dirfd = (int)fd;
	y.x_path = (unsigned long)"";
	y.x_flags = AT_EMPTY_PATH;
	ret = host_exec(&y);
	(void)host_syscall(SYS_close, fd);
	return ret;
}

static long
kernel_exec(const struct exec *x, const struct where *w)
{
	long ret, r;

	ret = kernel_syscall(SYS_faccessat2, w->w_dirfd, w->w_path, 1 /* X_OK */,
	    AT_EACCESS | (x->x_flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)));
	if (ret != 0)
		return ret;
	r = (x->x_flags & AT_EMPTY_PATH) != 0 && w->w_path[0] == '\0' ?
	    kernel_syscall(SYS_fcntl, w->w_dirfd, F_DUPFD, 0) :
	    kernel_syscall(SYS_openat, w->w_dirfd, w->w_path, O_RDONLY);
	if (r < 0)
		return r;
	ret = exec_opened(x, w, (int)r);
	(void)kernel_syscall(SYS_close, r);
	return ret;
}

static long
do_exec(const struct exec *x)
{
	struct exec y = *x;
	struct where w;
	long ret;

	ret = path_resolve(x->x_dirfd, x->x_path, &w);
	if (ret != 0)
		return ret;
	if (w.w_kind == WHERE_KERNEL)
		return kernel_exec(x, &w);
	if (w.w_kind == WHERE_HOSTPATH) {
		y.x_dirfd = AT_FDCWD;
		y.x_path = (unsigned long)w.w_path;
	}
	ret = host_exec(&y);
	if (ret == -ENOENT && path_through_links(x->x_dirfd, w.w_text, true, &w))
		return kernel_exec(x, &w);
	return ret;
}

static long
rule_execve(long nr, const unsigned long args[6])
{
	struct exec x = { .x_dirfd = AT_FDCWD, .x_path = args[0], .x_argv = args[1],
	    .x_envp = args[2] };

	if (nr == SYS_execveat)
		x = (struct exec){ .x_dirfd = (int)args[0], .x_path = args[1], .x_argv = args[2],
		    .x_envp = args[3], .x_flags = args[4] };
	return do_exec(&x);
}

void
exec_rules(void)
{
	dispatch_set(SYS_execve, HIJACK_LOOK, rule_execve);
	dispatch_set(SYS_execveat, HIJACK_LOOK, rule_execve);
}
