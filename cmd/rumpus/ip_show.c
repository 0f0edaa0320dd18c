/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_show.c - rumpus ip: what there is
 *
 * The kernel dumps, we print what matches: see ip_show_*.c for each noun.  argv[0] is the verb.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip_impl.h"

void
ip_lladdr_text(const struct rtattr *rta, char *buf, size_t size)
{
	const uint8_t *p = RTA_DATA(rta);
	size_t n = RTA_PAYLOAD(rta), at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < n && at + 4 < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%02x", i > 0 ? ":" : "", p[i]);
}

void
ip_addr_text(int family, const struct rtattr *rta, char *buf, size_t size)
{
	uint8_t bytes[16] = { 0 };
	size_t n = RTA_PAYLOAD(rta);

	memcpy(bytes, RTA_DATA(rta), n < sizeof(bytes) ? n : sizeof(bytes));
	netaddr_text(family, bytes, buf, size);
}

void
ip_print_json(json_t *o)
{
	if (ipctx.x_deleted)
		json_object_set_new(o, "deleted", json_true());
	json_print(o);
}

void
ip_print_deleted(void)
{
	if (ipctx.x_deleted)
		fputs("Deleted ", stdout);
}

/* Words of the request that all "show"s have. */
int
ip_show_words(int argc, char **argv, struct show *s)
{
	const char *value;
	int code;

	memset(s, 0, sizeof(*s));
	s->s_family = ipctx.x_family;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "up") == 0) {
			s->s_up = true;
			continue;
		}
		if (strcmp(argv[i], "table") == 0) {
			value = ip_value(argc, argv, &i);
			if (value == NULL || ip_table(value, &s->s_table) != EX_DONE)
				return EX_USE;
			continue;
		}
		value = strcmp(argv[i], "dev") == 0 ? ip_value(argc, argv, &i) : argv[i];
		if (value == NULL)
			return EX_USE;
		code = ip_device(value, &s->s_index);
		if (code != EX_DONE)
			return code;
	}
	return EX_DONE;
}

/* A dump of type, each message to fn. */
int
ip_dump(uint16_t type, const void *hdr, size_t len, void (*fn)(const struct nlmsghdr *, void *),
    void *arg)
{
	struct nlc *c = malloc(sizeof(*c));
	int error = c != NULL ? nlc_open(c, NETLINK_ROUTE) : ENOMEM, code = EX_DONE;

	if (error) {
		free(c);
		return complain("netlink", "open a socket", error);
	}
	nlc_begin(c, type, NLM_F_DUMP, hdr, len);
	error = nlc_talk(c, fn, arg);
	if (error)
		code = nlc_fail(c, "ip", "list", error);
	nlc_close(c);
	free(c);
	return code;
}

int
ip_dump_shown(uint16_t type, const void *hdr, size_t len,
    void (*fn)(const struct nlmsghdr *, void *), struct show *s)
{
	int code;

	if (want_json)
		json_begin();
	code = ip_dump(type, hdr, len, fn, s);
	if (want_json)
		json_end();
	return code;
}
