/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * textbuf.c - text that grows, and JSON strings in it
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "../rumpus/rumpus.h"
#include "server.h"

static bool
text_room(struct textbuf *tb, size_t need)
{
	size_t room = tb->tb_room != 0 ? tb->tb_room : 1024;
	char *more;

	while (room - tb->tb_len < need)
		room *= 2;
	if (room == tb->tb_room)
		return true;
	more = realloc(tb->tb_text, room);
	if (more == NULL) {
		tb->tb_bad = true;
		return false;
	}
	tb->tb_text = more;
	tb->tb_room = room;
	return true;
}

void
text_printf(struct textbuf *tb, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0 || tb->tb_bad || !text_room(tb, (size_t)len + 1))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(tb->tb_text + tb->tb_len, (size_t)len + 1, fmt, ap);
	va_end(ap);
	tb->tb_len += (size_t)len;
}

void
text_json(struct textbuf *tb, const char *s)
{
	size_t n;

	text_printf(tb, "\"");
	for (; *s != '\0'; s += n) {
		n = utf8_len(s);
		if (n == 0) {
			n = 1;
			text_printf(tb, "\\ufffd");
		} else if (*s == '"' || *s == '\\') {
			text_printf(tb, "\\%c", *s);
		} else if (n == 1 && (unsigned char)*s < ' ') {
			text_printf(tb, "\\u%04x", (unsigned int)(unsigned char)*s);
		} else {
			text_printf(tb, "%.*s", (int)n, s);
		}
	}
	text_printf(tb, "\"");
}

void
text_free(struct textbuf *tb)
{
	free(tb->tb_text);
	*tb = (struct textbuf){ .tb_text = NULL };
}
