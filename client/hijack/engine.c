/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * engine.c - can our library be loaded into a program?
 *
 * Not into one that is linked statically, or by another linker than glibc's, and in one of Go it
 * would not see the calls.  Such a program is executed under a supervisor (exec.c).
 * One that is set-user-ID is not: the supervisor could not leave it the other user's rights, without
 * which it makes no sense.
 *
 * It is the same judgement as that of "rumpus doctor".  A file is believed nothing.
 *
 * References: elf(5), execve(2) "Interpreter scripts", capabilities(7).
 */

#include "engine_rule.h"
#include "exec.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "hijack.h"

#define MAXSCRIPTS	4	/* one behind the other, as Linux allows */
#define MAXPHDRS	32

bool
exec_script_line(char *head, long len, char **ret_interp, char **ret_arg)
{
	char *p = head + 2, *end;

	if (len < 3 || head[0] != '#' || head[1] != '!')
		return false;
	head[len] = '\0';
	for (end = p; *end != '\n' && *end != '\0'; end++)
		continue;
	*end = '\0';
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	*ret_interp = p;
	while (*p != '\0' && *p != ' ' && *p != '\t')
		p++;
	if (*p != '\0')
		*p++ = '\0';
	while (*p == ' ' || *p == '\t')
		p++;
	*ret_arg = *p != '\0' ? p : NULL;
	return **ret_interp != '\0';
}

static bool
fetch(int fd, void *to, size_t len, uint64_t off)
{
	return host_syscall(SYS_pread64, fd, to, len, off) == (long)len;
}

/* Of glibc there are ld-linux-x86-64.so.2 and ld-linux.so.2, wherever they lie. */
static bool
linker_is_glibc(int fd, const Elf64_Phdr *ph)
{
	char name[128];
	size_t len = ph->p_filesz < sizeof(name) - 1 ? ph->p_filesz : sizeof(name) - 1;

	if (!fetch(fd, name, len, ph->p_offset))
		return false;
	name[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		if (text_after(name + i, "ld-linux") != NULL)
			return true;
	}
	return false;
}

/* Go's linker leaves a note of the owner "Go" in each program. */
static bool
note_is_go(int fd, const Elf64_Phdr *ph)
{
	char owner[4];

	return ph->p_filesz >= 16 && fetch(fd, owner, sizeof(owner), ph->p_offset + 12) &&
	    owner[0] == 'G' && owner[1] == 'o' && owner[2] == '\0';
}

static bool
has_capabilities(int fd)
{
	return host_syscall(SYS_geteuid, 0) != 0 &&
	    host_syscall(SYS_fgetxattr, fd, "security.capability", NULL, 0) > 0;
}

static bool
elf_wants(int fd, const Elf64_Ehdr *eh)
{
	struct engine_facts ef = { .ef_dynamic = false };
	Elf64_Phdr ph;

	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return false;
	for (unsigned int i = 0; i < eh->e_phnum && i < MAXPHDRS; i++) {
		if (!fetch(fd, &ph, sizeof(ph), eh->e_phoff + (uint64_t)i * sizeof(ph)))
			return false;
		if (ph.p_type == PT_INTERP)
			ef.ef_dynamic = linker_is_glibc(fd, &ph);
		else if (ph.p_type == PT_NOTE)
			ef.ef_go = ef.ef_go || note_is_go(fd, &ph);
	}
	ef.ef_caps = has_capabilities(fd);
	return !engine_preloads(&ef);
}

/* A file of the host; its interpreter, if it is a script, goes to interp. */
static bool
file_wants(int fd, char *interp, size_t size, bool *ret_again)
{
	_Alignas(8) char head[256];
	struct stat st;
	size_t len = 0;
	char *name, *arg;
	long n;

	*ret_again = false;
	if (host_syscall(SYS_fstat, fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & (S_ISUID | S_ISGID)) != 0)
		return false;
	n = host_syscall(SYS_pread64, fd, head, sizeof(head) - 1, 0);
	if (n >= (long)sizeof(Elf64_Ehdr) && head[0] == 0x7f && head[1] == 'E' && head[2] == 'L' &&
	    head[3] == 'F')
		return elf_wants(fd, (const Elf64_Ehdr *)(const void *)head);
	*ret_again = n > 0 && exec_script_line(head, n, &name, &arg) &&
	    text_add(interp, size, &len, name);
	return false;
}

bool
exec_wants_supervisor(int dirfd, const char *path, bool nofollow)
{
	char interp[256], own[64] = "/proc/self/fd/";
	size_t len = text_len(own);
	bool wants, again = true;
	long fd;

	if (path[0] == '\0') {
		(void)text_add_number(own, sizeof(own), &len, (unsigned long)dirfd);
		path = own;
	}
	for (unsigned int i = 0; again && i <= MAXSCRIPTS; i++) {
		/* A FIFO would have us wait. */
		fd = host_syscall(SYS_openat, dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY |
		    (nofollow ? O_NOFOLLOW : 0));
		if (fd < 0)
			return false;
		interp[0] = '\0';
		wants = file_wants((int)fd, interp, sizeof(interp), &again);
		(void)host_syscall(SYS_close, fd);
		if (wants)
			return true;
		path = interp;
		dirfd = AT_FDCWD;
		nofollow = false;
	}
	return false;
}
