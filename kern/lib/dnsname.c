/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * dnsname.c - lists of domain names
 *
 * Such names end up in resolver files and in the hands of scripts, hence only
 * letters, digits, hyphens and underscores make up a label.
 */

#include <lib/dnsname.h>

#define LABEL_MAX	63
#define NAME_MAX_WIRE	255

static bool
label_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

/* One label at *off; its text with a dot or blank before it at *n. */
static bool
label_append(const uint8_t *data, size_t len, size_t *off, char before, char *text, size_t size,
    size_t *n)
{
	size_t label = data[(*off)++];

	if (label > LABEL_MAX || label > len - *off || label + 2 > size - *n ||
	    data[*off] == '-')
		return false;
	if (*n > 0)
		text[(*n)++] = before;
	while (label-- > 0) {
		if (!label_char(data[*off]))
			return false;
		text[(*n)++] = (char)data[(*off)++];
	}
	return true;
}

/* One name.  False: there is none, *ret_n is as it was. */
static bool
name_append(const uint8_t *data, size_t len, size_t *off, char *text, size_t size,
    size_t *ret_n)
{
	size_t n = *ret_n, began = *off;
	char before = ' ';

	while (*off < len && data[*off] != 0) {
		if (*off - began > NAME_MAX_WIRE ||
		    !label_append(data, len, off, before, text, size, &n))
			return false;
		before = '.';
	}
	if (*off >= len || *off == began)
		return false;
	(*off)++;
	*ret_n = n;
	return true;
}

void
dnsname_list(const uint8_t *data, size_t len, char *text, size_t size)
{
	size_t off = 0, n = 0;

	while (name_append(data, len, &off, text, size, &n))
		continue;
	text[n] = '\0';
}
