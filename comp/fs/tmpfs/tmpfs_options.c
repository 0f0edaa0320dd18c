/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * tmpfs_options.c - the mount options of tmpfs, from text and to text
 *
 * No lock, no allocation, no clock: text in, numbers out.
 *
 * References: tmpfs(5).  Options about how the host keeps its memory (huge
 * pages, NUMA policy, swap) are taken and mean nothing here; quota options
 * are refused.
 */

#include "tmpfs_impl.h"

#include <lib/printf.h>
#include <lib/string.h>
#include <sys/errno.h>

#define VALUE_MAX	64

/* One "name=value" or "name" of the list. */
struct option {
	const char	*op_name;
	size_t		 op_len;
	char		 op_value[VALUE_MAX];
	bool		 op_hasvalue;
};

/* Takes one option off *text; false at the end of it. */
static bool
option_next(const char **text, struct option *op, int *ret_error)
{
	const char *s = *text, *value;
	size_t len;

	while (*s == ',')
		s++;
	if (*s == '\0')
		return false;
	op->op_name = s;
	while (*s != '\0' && *s != ',' && *s != '=')
		s++;
	op->op_len = (size_t)(s - op->op_name);
	op->op_hasvalue = *s == '=';
	op->op_value[0] = '\0';
	if (op->op_hasvalue) {
		value = ++s;
		while (*s != '\0' && *s != ',')
			s++;
		len = (size_t)(s - value);
		if (len >= VALUE_MAX)
			*ret_error = EINVAL;
		else
			strlcpy(op->op_value, value, len + 1);
	}
	*text = s;
	return true;
}

static bool
option_is(const struct option *op, const char *name)
{
	return strlen(name) == op->op_len &&
	    memcmp(name, op->op_name, op->op_len) == 0;
}

static int
parse_id(const char *text, uint32_t *ret_id)
{
	uint64_t n = 0;

	if (*text == '\0')
		return EINVAL;
	for (; *text >= '0' && *text <= '9' && n <= UINT32_MAX; text++)
		n = n * 10 + (uint64_t)(*text - '0');
	/* The largest one means "no id". */
	if (*text != '\0' || n >= UINT32_MAX)
		return EINVAL;
	*ret_id = (uint32_t)n;
	return 0;
}

static int
parse_mode(const char *text, mode_t *ret_mode)
{
	uint64_t n = 0;

	if (*text == '\0')
		return EINVAL;
	for (; *text >= '0' && *text <= '7' && n <= UINT32_MAX; text++)
		n = n * 8 + (uint64_t)(*text - '0');
	if (*text != '\0' || n > UINT32_MAX)
		return EINVAL;
	*ret_mode = (mode_t)n & 07777;
	return 0;
}

/* Bytes to pages; "50%" is half of the memory. */
static int
parse_size(char *text, uint64_t memory, uint64_t *ret_pages)
{
	size_t len = strlen(text);
	uint64_t n;
	int error;

	if (len > 0 && text[len - 1] == '%') {
		text[len - 1] = '\0';
		error = str_tou64(text, &n);
		if (error || n > UINT32_MAX)
			return EINVAL;
		n = memory / 100 * n + memory % 100 * n / 100;
	} else {
		error = str_tou64(text, &n);
		if (error)
			return EINVAL;
	}
	*ret_pages = n / PAGE_SIZE + (n % PAGE_SIZE != 0);
	return 0;
}

static int
parse_count(const char *text, uint64_t *ret_n)
{
	/* More than can be counted in bytes of inode space is nonsense. */
	return str_tou64(text, ret_n) != 0 || *ret_n > UINT64_MAX >> 12 ?
	    EINVAL : 0;
}

/* Taken with any value or none. */
static const char *const ignored[] = {
	"huge", "mpol", "inode32", "inode64", "noswap",
};

static int
option_apply(struct option *op, uint64_t memory, struct rumpfs_params *rp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		if (option_is(op, ignored[i]))
			return 0;
	if (!op->op_hasvalue)
		return EINVAL;
	if (option_is(op, "size")) {
		rp->rp_mask |= RUMPFS_P_BLOCKS;
		return parse_size(op->op_value, memory, &rp->rp_blocks);
	}
	if (option_is(op, "nr_blocks")) {
		rp->rp_mask |= RUMPFS_P_BLOCKS;
		return parse_count(op->op_value, &rp->rp_blocks);
	}
	if (option_is(op, "nr_inodes")) {
		rp->rp_mask |= RUMPFS_P_INODES;
		return parse_count(op->op_value, &rp->rp_inodes);
	}
	if (option_is(op, "mode")) {
		rp->rp_mask |= RUMPFS_P_MODE;
		return parse_mode(op->op_value, &rp->rp_mode);
	}
	if (option_is(op, "uid")) {
		rp->rp_mask |= RUMPFS_P_UID;
		return parse_id(op->op_value, &rp->rp_uid);
	}
	if (option_is(op, "gid")) {
		rp->rp_mask |= RUMPFS_P_GID;
		return parse_id(op->op_value, &rp->rp_gid);
	}
	return EINVAL;
}

int
tmpfs_options_parse(const char *text, uint64_t memory,
    struct rumpfs_params *rp)
{
	struct option op;
	int error = 0;

	while (!error && option_next(&text, &op, &error))
		if (!error)
			error = option_apply(&op, memory, rp);
	return error;
}

/* Appends one option. */
static void
show(char *buf, size_t size, const char *name, uint64_t n, const char *unit)
{
	char item[48];

	(void)snprintf(item, sizeof(item), "%s%s=%llu%s",
	    buf[0] != '\0' ? "," : "", name, (unsigned long long)n, unit);
	(void)strlcat(buf, item, size);
}

void
tmpfs_options_show(const struct rumpfs_params *rp, char *buf, size_t size)
{
	char mode[16];

	if (size == 0)
		return;
	buf[0] = '\0';
	if (rp->rp_blocks != rumpfs_default_blocks())
		show(buf, size, "size", rp->rp_blocks * (PAGE_SIZE / 1024),
		    "k");
	if (rp->rp_inodes != rumpfs_default_blocks())
		show(buf, size, "nr_inodes", rp->rp_inodes, "");
	if (rp->rp_mode != TMPFS_MODE) {
		(void)snprintf(mode, sizeof(mode), "%smode=%03o",
		    buf[0] != '\0' ? "," : "", rp->rp_mode);
		(void)strlcat(buf, mode, size);
	}
	if (rp->rp_uid != 0)
		show(buf, size, "uid", rp->rp_uid, "");
	if (rp->rp_gid != 0)
		show(buf, size, "gid", rp->rp_gid, "");
}
