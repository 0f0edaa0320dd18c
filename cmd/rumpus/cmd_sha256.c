/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * cmd_sha256.c - rumpus sha256: check sums, in the manner of sha256sum(1)
 */

#include <errno.h>
#include <getopt.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>

#include "json_impl.h"
#include "rumpus.h"

static const struct option options[] = {
	{ "json", no_argument, NULL, 'J' }, { "offset", required_argument, NULL, 'O' },
	{ "help", no_argument, NULL, 'H' }, { NULL, 0, NULL, 0 },
};

static bool recursive;

static int
sha256_piece(const void *data, size_t len, void *arg)
{
	sha256_update(arg, len, data);
	return 0;
}

static int
sha256_fd(int fd, char hex[2 * SHA256_DIGEST_SIZE + 1])
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	int error;

	sha256_init(&ctx);
	error = read_pieces(fd, false, sha256_piece, &ctx);
	sha256_digest(&ctx, sizeof(digest), digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return error;
}

static void
sha256_print(const char *path, const char *hex)
{
	if (want_json) {
		json_t *o = json_object();

		json_set_text(o, "path", path);
		json_set_text(o, "sha256", hex);
		json_print(o);
		return;
	}
	printf("%s  ", hex);
	print_name(path);
	putchar('\n');
}

static int
sha256_entry(const struct dent *e, enum walk_when when, void *arg)
{
	const struct location *loc = arg;
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	int fd, error;

	if (when == WALK_LEAVE || !S_ISREG(e->e_st.stx_mode))
		return WALK_GO;
	fd = open_entry(e);
	if (fd < 0) {
		complain(image_name(loc, e->e_path), "open", errno);
		return WALK_GO;
	}
	error = sha256_fd(fd, hex);
	(void)rump_sys_close(fd);
	if (error)
		complain(image_name(loc, e->e_path), "read", error);
	else
		sha256_print(e->e_path, hex);
	return WALK_GO;
}

static void
sha256(const struct location *loc)
{
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	int fd, error;

	if (recursive) {
		union { const struct location *c; struct location *m; } arg = { loc };

		(void)walk(loc, loc->l_path, sha256_entry, arg.m);
		return;
	}
	if (open_location(loc, &fd) != EX_DONE)
		return;
	error = sha256_fd(fd, hex);
	(void)rump_sys_close(fd);
	if (error)
		complain(image_name(loc, loc->l_path), "read", error);
	else
		sha256_print(loc->l_path, hex);
}

int
cmd_sha256(int argc, char **argv)
{
	int opt, code;

	while ((opt = getopt_long(argc, argv, "r", options, NULL)) != -1) {
		if (opt == 'r') {
			recursive = true;
			continue;
		}
		code = usage_option(opt);
		if (code >= 0)
			return code;
	}
	return for_each_location(argc, argv, want_json, sha256);
}
