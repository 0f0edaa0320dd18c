/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * doctor_binary.c - what kind of program a file is, as far as that decides how its system
 * calls can be had
 *
 * A file is believed nothing: offsets are checked against its size.
 *
 * References: elf(5), capabilities(7) "File capabilities", execve(2) "Interpreter scripts".
 */

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../../client/hijack/engine_rule.h"
#include "doctor.h"

#define SCRIPTS_MAX	4	/* one behind the other, as Linux allows */

#if defined(__x86_64__)
#define MACHINE		EM_X86_64
#else
#define MACHINE		EM_AARCH64
#endif

struct image {
	const unsigned char *i_base;
	size_t		 i_size;
};

static bool
fetch(const struct image *im, uint64_t off, void *to, size_t len)
{
	if (off > im->i_size || len > im->i_size - off)
		return false;
	memcpy(to, im->i_base + off, len);
	return true;
}

/* Go's linker leaves a note of the owner "Go" in each program. */
static void
look_at_segment(const struct image *im, const Elf64_Phdr *ph, struct binary *b)
{
	char owner[16];

	if (ph->p_type == PT_INTERP) {
		size_t len = ph->p_filesz < sizeof(b->b_interp) - 1 ? ph->p_filesz :
		    sizeof(b->b_interp) - 1;

		b->b_dynamic = true;
		if (fetch(im, ph->p_offset, b->b_interp, len))
			b->b_interp[len] = '\0';
		b->b_glibc = strstr(b->b_interp, "ld-linux") != NULL;
	} else if (ph->p_type == PT_NOTE && ph->p_filesz >= 16 &&
	    fetch(im, ph->p_offset + 12, owner, 4)) {
		b->b_go = b->b_go || memcmp(owner, "Go\0", 3) == 0;
	}
}

static void
look_at_section(const struct image *im, const Elf64_Shdr *sh, const Elf64_Shdr *names,
    struct binary *b)
{
	char name[14] = "";

	if (fetch(im, names->sh_offset + sh->sh_name, name, sizeof(name)))
		b->b_go = b->b_go || memcmp(name, ".go.buildinfo", 13) == 0;
}

static void
look_at_elf(const struct image *im, struct binary *b)
{
	Elf64_Shdr sh, names;
	Elf64_Phdr ph;
	Elf64_Ehdr eh;

	if (!fetch(im, 0, &eh, sizeof(eh)) || memcmp(eh.e_ident, ELFMAG, SELFMAG) != 0)
		return;
	b->b_elf = true;
	b->b_native = eh.e_ident[EI_CLASS] == ELFCLASS64 && eh.e_machine == MACHINE;
	if (!b->b_native)
		return;
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		if (fetch(im, eh.e_phoff + (uint64_t)i * sizeof(ph), &ph, sizeof(ph)))
			look_at_segment(im, &ph, b);
	}
	if (eh.e_shstrndx >= eh.e_shnum ||
	    !fetch(im, eh.e_shoff + (uint64_t)eh.e_shstrndx * sizeof(names), &names, sizeof(names)))
		return;
	for (unsigned int i = 0; i < eh.e_shnum; i++) {
		if (fetch(im, eh.e_shoff + (uint64_t)i * sizeof(sh), &sh, sizeof(sh)))
			look_at_section(im, &sh, &names, b);
	}
}

/* "#!/bin/sh -e": the interpreter takes the place of the file. */
static bool
look_at_script(const struct image *im, struct binary *b)
{
	char line[256] = "", *word;
	size_t len = im->i_size < sizeof(line) - 1 ? im->i_size : sizeof(line) - 1;

	if (len < 3 || memcmp(im->i_base, "#!", 2) != 0)
		return false;
	memcpy(line, im->i_base, len);
	word = line + 2 + strspn(line + 2, " \t");
	word[strcspn(word, " \t\n")] = '\0';
	if (word[0] != '/')
		return false;
	b->b_script = true;
	(void)snprintf(b->b_path, sizeof(b->b_path), "%s", word);
	return true;
}

static int
look(struct binary *b, bool *ret_again)
{
	int fd = open(b->b_path, O_RDONLY | O_CLOEXEC), error = 0;
	struct image im = { .i_size = 0 };
	struct stat st;
	void *base;

	*ret_again = false;
	if (fd == -1)
		return errno;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode) || (st.st_mode & 0111) == 0)
		error = EACCES;
	else if (st.st_size == 0)
		error = ENOEXEC;
	if (error == 0) {
		b->b_setid = (st.st_mode & (S_ISUID | S_ISGID)) != 0;
		b->b_caps = fgetxattr(fd, "security.capability", NULL, 0) > 0;
		base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		error = base == MAP_FAILED ? errno : 0;
	}
	if (error == 0) {
		im = (struct image){ base, (size_t)st.st_size };
		*ret_again = look_at_script(&im, b);
		if (!*ret_again)
			look_at_elf(&im, b);
		munmap(base, im.i_size);
	}
	close(fd);
	return error;
}

int
doctor_binary(const char *path, struct binary *ret_b)
{
	bool again = true;
	int error = 0;

	memset(ret_b, 0, sizeof(*ret_b));
	if (strlen(path) >= sizeof(ret_b->b_path))
		return ENAMETOOLONG;
	strcpy(ret_b->b_path, path);
	for (int i = 0; again && error == 0; i++)
		error = i == SCRIPTS_MAX ? ELOOP : look(ret_b, &again);
	if (error == 0 && !ret_b->b_elf)
		error = ENOEXEC;
	return error;
}

const char *
doctor_engine(const struct binary *b, bool filters, bool notify, const char **ret_why)
{
	const struct engine_facts ef = { .ef_dynamic = b->b_dynamic && b->b_glibc, .ef_go = b->b_go,
	    .ef_caps = b->b_caps };

	if (!b->b_native) {
		*ret_why = "it is a program for another machine";
		return "none";
	}
	if (!b->b_setid && engine_preloads(&ef)) {
		*ret_why = filters ? "it is linked with glibc at run time; calls that it makes itself are "
		    "trapped" : "it is linked with glibc at run time; calls that it makes itself are missed";
		return filters ? "preload+trap" : "preload";
	}
	if (notify) {
		*ret_why = b->b_setid ? "it is set-user-ID: nothing is preloaded, and it runs without "
		    "the other user's rights" : b->b_caps ? "it has file capabilities: nothing is "
		    "preloaded, and it runs without them" : b->b_go ? "Go makes its system calls itself" :
		    !b->b_dynamic ? "it is linked statically" : "its C library is not glibc";
		return "supervisor";
	}
	*ret_why = "nothing can be preloaded, and this host has no seccomp notification";
	return "none";
}
