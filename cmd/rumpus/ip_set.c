/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * ip_set.c - rumpus ip: what the changes of all nouns have in common
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip_impl.h"

#define NEW_FLAGS	(NLM_F_CREATE | NLM_F_EXCL)

/* "add", "replace", "append", "delete" to type and flags. */
void
ip_verb_flags(const char *verb, uint16_t newtype, uint16_t *ret_type, uint16_t *ret_flags)
{
	*ret_type = newtype;
	*ret_flags = NEW_FLAGS;
	if (strcmp(verb, "replace") == 0)
		*ret_flags = NLM_F_CREATE | NLM_F_REPLACE;
	else if (strcmp(verb, "append") == 0)
		*ret_flags = NLM_F_CREATE | NLM_F_APPEND;
	else if (strcmp(verb, "delete") == 0) {
		*ret_type = (uint16_t)(newtype + 1);	/* rtnetlink.h: NEW, DEL, GET, SET */
		*ret_flags = 0;
	}
}

struct nlc *
ip_client_open(int *ret_code)
{
	struct nlc *c = malloc(sizeof(*c));
	int error = c != NULL ? nlc_open(c, NETLINK_ROUTE) : ENOMEM;

	if (error == 0)
		return c;
	free(c);
	*ret_code = complain("netlink", "open a socket", error);
	return NULL;
}

int
ip_client_finish(struct nlc *c, const char *what, const char *verb)
{
	int error = nlc_talk(c, NULL, NULL), code = EX_DONE;

	if (error)
		code = nlc_fail(c, what, verb, error);
	nlc_close(c);
	free(c);
	return code;
}

void
ip_client_abandon(struct nlc *c)
{
	nlc_close(c);
	free(c);
}

int
ip_wrong_words(const char *object, const char *word)
{
	return usage_error("ip %s: '%s'?", object, word);
}

size_t
ip_addr_len(int family)
{
	return family == AF_INET ? 4 : 16;
}

bool
ip_mac_parse(const char *text, uint8_t mac[6])
{
	unsigned int v[6];
	char rest;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5],
	    &rest) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)v[i];
	return true;
}
