/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * symbols.c - the functions of a running program, by address
 *
 * /proc/PID/maps says which file is executed at which address, proc(5); the
 * file's symbol table is read in place, elf(5).  Files that are not there any
 * more, or are no ELF of this machine's word size, have no names.
 */

#include <sys/mman.h>
#include <sys/stat.h>

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols.h"

#define MAX_MAPS	128

/* An executable mapping. */
struct range {
	uint64_t	 m_start, m_end, m_offset;
	char		 m_path[256];
	const uint8_t	*m_file;	/* NULL: cannot be read */
	size_t		 m_size;
};

struct symbols {
	struct range	 sy_map[MAX_MAPS];
	unsigned int	 sy_n;
};

static void
range_read(struct range *m)
{
	struct stat st;
	void *file;
	int fd = open(m->m_path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (size_t)st.st_size >= sizeof(ElfW(Ehdr))) {
		file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file != MAP_FAILED) {
			m->m_file = file;
			m->m_size = (size_t)st.st_size;
		}
	}
	close(fd);
}

struct symbols *
symbols_open(pid_t pid)
{
	struct symbols *sy = calloc(1, sizeof(*sy));
	char path[32], line[512], modes[8];
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	maps = fopen(path, "re");
	if (sy == NULL || maps == NULL) {
		if (maps != NULL)
			fclose(maps);
		free(sy);
		return NULL;
	}
	while (sy->sy_n < MAX_MAPS && fgets(line, sizeof(line), maps) != NULL) {
		struct range *m = &sy->sy_map[sy->sy_n];

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &m->m_start,
		    &m->m_end, modes, &m->m_offset, m->m_path) != 5 || modes[2] != 'x')
			continue;
		range_read(m);
		sy->sy_n++;
	}
	fclose(maps);
	return sy;
}

void
symbols_close(struct symbols *sy)
{
	for (unsigned int i = 0; sy != NULL && i < sy->sy_n; i++) {
		if (sy->sy_map[i].m_file != NULL)
			munmap((void *)(uintptr_t)sy->sy_map[i].m_file, sy->sy_map[i].m_size);
	}
	free(sy);
}

/* A piece of the file; NULL if it is not all there. */
static const void *
piece(const struct range *m, uint64_t offset, uint64_t size)
{
	if (m->m_file == NULL || offset > m->m_size || size > m->m_size - offset)
		return NULL;
	return m->m_file + offset;
}

/* Where the file wanted the byte at this offset to be; false if in no segment. */
static bool
file_address(const struct range *m, const ElfW(Ehdr) *e, uint64_t offset, uint64_t *ret_address)
{
	const ElfW(Phdr) *ph = piece(m, e->e_phoff, (uint64_t)e->e_phnum * sizeof(*ph));

	for (unsigned int i = 0; ph != NULL && i < e->e_phnum; i++) {
		if (ph[i].p_type == PT_LOAD && offset >= ph[i].p_offset &&
		    offset - ph[i].p_offset < ph[i].p_filesz) {
			*ret_address = offset - ph[i].p_offset + ph[i].p_vaddr;
			return true;
		}
	}
	return false;
}

/* Looks through one table of symbols. */
static bool
table_find(const struct range *m, const ElfW(Shdr) *table, const ElfW(Shdr) *names,
    uint64_t address, const char **ret_name, uint64_t *ret_offset)
{
	const ElfW(Sym) *sym = piece(m, table->sh_offset, table->sh_size);
	const char *text = piece(m, names->sh_offset, names->sh_size);

	if (sym == NULL || text == NULL || names->sh_size == 0 || text[names->sh_size - 1] != '\0')
		return false;
	for (uint64_t i = 0; i < table->sh_size / sizeof(*sym); i++) {
		/* ELF32_ST_TYPE() is the same. */
		if (ELF64_ST_TYPE(sym[i].st_info) == STT_FUNC && address > sym[i].st_value &&
		    address - sym[i].st_value <= sym[i].st_size && sym[i].st_name < names->sh_size) {
			*ret_name = text + sym[i].st_name;
			*ret_offset = address - sym[i].st_value;
			return true;
		}
	}
	return false;
}

/* In the full table, or, in libraries without it, among what they export. */
static bool
file_find(const struct range *m, uint64_t offset, const char **ret_name, uint64_t *ret_offset,
    bool *ret_full)
{
	const ElfW(Ehdr) *e = piece(m, 0, sizeof(*e));
	const ElfW(Shdr) *sh, *table = NULL;
	uint64_t address;

	*ret_full = false;
	if (e == NULL || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) ||
	    !file_address(m, e, offset, &address))
		return false;
	sh = piece(m, e->e_shoff, (uint64_t)e->e_shnum * sizeof(*sh));
	for (unsigned int i = 0; sh != NULL && i < e->e_shnum; i++) {
		if (sh[i].sh_link >= e->e_shnum)
			continue;
		if (sh[i].sh_type == SHT_SYMTAB ||
		    (sh[i].sh_type == SHT_DYNSYM && table == NULL))
			table = &sh[i];
	}
	if (table == NULL)
		return false;
	*ret_full = table->sh_type == SHT_SYMTAB;
	return table_find(m, table, &sh[table->sh_link], address, ret_name, ret_offset);
}

bool
symbols_find(struct symbols *sy, uint64_t address, const char **ret_name, uint64_t *ret_offset)
{
	for (unsigned int i = 0; sy != NULL && i < sy->sy_n; i++) {
		const struct range *m = &sy->sy_map[i];
		uint64_t offset = address - m->m_start + m->m_offset;
		bool full;

		if (address < m->m_start || address >= m->m_end)
			continue;
		if (file_find(m, offset, ret_name, ret_offset, &full))
			return true;
		*ret_name = m->m_path;
		*ret_offset = offset;
		return !full;
	}
	return false;
}
