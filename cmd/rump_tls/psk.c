/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * psk.c - files with keys that both sides have
 *
 *	# a comment
 *	alice:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 *
 * A name, a colon, and 16 to 64 bytes in hexadecimal; a server's file may have many
 * such lines, of a client's the first is used.  Who can read a key is its owner for
 * everybody else, so a file that others can read is refused.
 *
 * References: RFC 8446, 2.2 (pre-shared keys) and 4.2.11; RFC 9257 (how to use external ones).
 */

#include <sys/random.h>
#include <sys/stat.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls.h"

#define KEYS_MAX	1024
#define LINE_MAX_	512
#define NEW_BYTES	32

static int
descriptor_check(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return errno;
	if ((st.st_mode & 077) != 0) {
		say("%s: others may read or write it; chmod 600 takes care of that", path);
		return EACCES;
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		say("%s: belongs to somebody else", path);
		return EACCES;
	}
	return 0;
}

int
secret_check(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), error;

	if (fd == -1) {
		error = errno;
		say("%s: %s", path, strerror(error));
		return error;
	}
	error = descriptor_check(fd, path);
	(void)close(fd);
	return error;
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool
line_parse(char *line, struct psk *k)
{
	char *colon = strchr(line, ':'), *hex = colon != NULL ? colon + 1 : line;
	size_t len = strlen(hex);

	while (len > 0 && isspace((unsigned char)hex[len - 1]))
		len--;
	if (colon == NULL || colon == line || colon - line > PSK_NAMELEN || len % 2 != 0 ||
	    len / 2 < PSK_MIN || len / 2 > PSK_MAX)
		return false;
	*colon = '\0';
	strcpy(k->k_name, line);
	for (size_t i = 0; i < len; i += 2) {
		int high = nibble(hex[i]), low = nibble(hex[i + 1]);

		if (high < 0 || low < 0)
			return false;
		k->k_key[i / 2] = (unsigned char)(high << 4 | low);
	}
	k->k_len = len / 2;
	return true;
}

static int
lines_read(FILE *file, const char *path, struct psk *list, unsigned int *ret_n)
{
	unsigned int n = 0, number = 0;
	char line[LINE_MAX_];

	while (fgets(line, sizeof(line), file) != NULL) {
		number++;
		if (line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0')
			continue;
		if (n == KEYS_MAX || !line_parse(line, &list[n])) {
			/* Not what is in it. */
			say("%s: line %u is not NAME:KEY, with %d to %d bytes in hexadecimal", path,
			    number, PSK_MIN, PSK_MAX);
			return EINVAL;
		}
		n++;
	}
	if (n == 0) {
		say("%s: there is no key in it", path);
		return EINVAL;
	}
	*ret_n = n;
	return 0;
}

int
psk_read(const char *path, struct psk **ret_list, unsigned int *ret_n)
{
	FILE *file = fopen(path, "re");
	struct psk *list;
	int error;

	if (file == NULL) {
		error = errno;
		say("%s: %s", path, strerror(error));
		return error;
	}
	list = calloc(KEYS_MAX, sizeof(*list));
	error = list == NULL ? ENOMEM : descriptor_check(fileno(file), path);
	if (error == 0)
		error = lines_read(file, path, list, ret_n);
	(void)fclose(file);
	if (error)
		free(list);
	else
		*ret_list = list;
	return error;
}

/* A line more, in a file of which nobody else can have seen anything. */
int
psk_make(const char *path, const char *name)
{
	unsigned char key[NEW_BYTES];
	char line[PSK_NAMELEN + 2 * NEW_BYTES + 3];
	int fd, n, error = 0;

	if (name[0] == '\0' || strlen(name) > PSK_NAMELEN || name[0] == '#' ||
	    strpbrk(name, ": \t\n") != NULL) {
		say("'%s' is no name for a key", name);
		return EINVAL;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1) {
		error = errno;
		say("%s: %s", path, strerror(error));
		return error;
	}
	error = descriptor_check(fd, path);
	if (error == 0 && getrandom(key, sizeof(key), 0) != sizeof(key))
		error = EIO;
	n = snprintf(line, sizeof(line), "%s:", name);
	for (size_t i = 0; i < sizeof(key); i++)
		n += snprintf(line + n, sizeof(line) - (size_t)n, "%02x", key[i]);
	line[n++] = '\n';
	if (error == 0 && write(fd, line, (size_t)n) != n)
		error = EIO;
	if (close(fd) == -1 && error == 0)
		error = errno;
	return error;
}
