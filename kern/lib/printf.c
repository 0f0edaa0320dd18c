/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * printf.c - formatting into a bounded buffer
 *
 * vsnprintf() walks the format; a conversion is first read into a struct
 * spec (pure parsing), then its text is made by one function a kind and put
 * out by field_put(), which alone knows about width and padding.  There is
 * no allocation and no lock, so that panic() and the console can use it in
 * whatever state the kernel is.
 *
 * What is beyond the buffer is counted but not written; a width costs time
 * only for what is written.  A conversion that is not ours is copied as it
 * stands.
 */

#include <lib/printf.h>
#include <lib/string.h>
#include <limits.h>

struct out {
	char	*o_buf;
	size_t	 o_size;		/* of o_buf, with room for the NUL */
	size_t	 o_len;			/* put so far, written or not */
};

enum arg_size { ARG_HH, ARG_H, ARG_INT, ARG_L, ARG_LL, ARG_Z, ARG_J, ARG_T };

struct spec {
	bool		 s_left;	/* - */
	bool		 s_zero;	/* 0 */
	bool		 s_alt;		/* # */
	char		 s_sign;	/* '+', ' ' or 0 */
	size_t		 s_width;
	bool		 s_hasprec;
	size_t		 s_prec;
	enum arg_size	 s_size;
	char		 s_conv;
};

/* va_list may be an array type; a struct makes it pass by reference. */
struct args {
	va_list	 a_ap;
};

static void
out_bytes(struct out *o, const char *s, size_t len)
{
	if (o->o_len < o->o_size) {
		size_t room = o->o_size - o->o_len;

		memcpy(o->o_buf + o->o_len, s, len < room ? len : room);
	}
	o->o_len += len;
}

static void
out_pad(struct out *o, char c, size_t len)
{
	if (o->o_len < o->o_size) {
		size_t room = o->o_size - o->o_len;

		memset(o->o_buf + o->o_len, c, len < room ? len : room);
	}
	o->o_len += len;
}

/* prefix, zeroes and body, in a field of the width that the spec wants. */
static void
field_put(struct out *o, const struct spec *s, const char *prefix,
    size_t zeroes, const char *body, size_t len)
{
	size_t plen = strlen(prefix);
	size_t total = plen + zeroes + len;
	size_t pad = s->s_width > total ? s->s_width - total : 0;

	if (!s->s_left)
		out_pad(o, ' ', pad);
	out_bytes(o, prefix, plen);
	out_pad(o, '0', zeroes);
	out_bytes(o, body, len);
	if (s->s_left)
		out_pad(o, ' ', pad);
}

static void
number_put(struct out *o, const struct spec *s, uint64_t value,
    unsigned int base, const char *prefix)
{
	const char *digits = s->s_conv == 'X' ?
	    "0123456789ABCDEF" : "0123456789abcdef";
	char buf[24];			/* 2^64 has 22 octal digits */
	size_t pos = sizeof(buf), len, zeroes = 0, plen = strlen(prefix);

	for (; value != 0; value /= base)
		buf[--pos] = digits[value % base];
	if (pos == sizeof(buf) && !(s->s_hasprec && s->s_prec == 0))
		buf[--pos] = '0';
	len = sizeof(buf) - pos;

	if (s->s_hasprec) {
		zeroes = s->s_prec > len ? s->s_prec - len : 0;
	} else if (s->s_zero && !s->s_left && s->s_width > plen + len) {
		zeroes = s->s_width - plen - len;
	}
	/* The alternative octal form is one digit more, unless it is zero. */
	if (s->s_alt && base == 8 && zeroes == 0 &&
	    (len == 0 || buf[pos] != '0'))
		zeroes = 1;
	field_put(o, s, prefix, zeroes, buf + pos, len);
}

static int64_t
arg_signed(struct args *a, enum arg_size size)
{
	switch (size) {
	case ARG_HH:
		return (signed char)va_arg(a->a_ap, int);
	case ARG_H:
		return (short)va_arg(a->a_ap, int);
	case ARG_INT:
		return va_arg(a->a_ap, int);
	default:			/* all others have 64 bits */
		return va_arg(a->a_ap, int64_t);
	}
}

static uint64_t
arg_unsigned(struct args *a, enum arg_size size)
{
	switch (size) {
	case ARG_HH:
		return (unsigned char)va_arg(a->a_ap, unsigned int);
	case ARG_H:
		return (unsigned short)va_arg(a->a_ap, unsigned int);
	case ARG_INT:
		return va_arg(a->a_ap, unsigned int);
	default:
		return va_arg(a->a_ap, uint64_t);
	}
}

static void
signed_put(struct out *o, const struct spec *s, int64_t value)
{
	const char *prefix = s->s_sign == '+' ? "+" : s->s_sign == ' ' ? " " : "";
	uint64_t abs = (uint64_t)value;

	if (value < 0) {
		prefix = "-";
		abs = -abs;
	}
	number_put(o, s, abs, 10, prefix);
}

static void
hex_put(struct out *o, const struct spec *s, uint64_t value)
{
	const char *prefix = "";

	if (s->s_alt && value != 0)
		prefix = s->s_conv == 'X' ? "0X" : "0x";
	number_put(o, s, value, 16, prefix);
}

static void
string_put(struct out *o, const struct spec *s, const char *str)
{
	size_t len;

	if (str == NULL)
		str = "(null)";
	len = s->s_hasprec ? strnlen(str, s->s_prec) : strlen(str);
	field_put(o, s, "", 0, str, len);
}

/* A width or precision: digits, or * for the next argument. */
static const char *
spec_number(const char *p, struct args *a, int *ret_value)
{
	int value = 0;

	if (*p == '*') {
		*ret_value = va_arg(a->a_ap, int);
		return p + 1;
	}
	for (; *p >= '0' && *p <= '9'; p++) {
		if (value < INT_MAX / 10 - 1)
			value = value * 10 + (*p - '0');
	}
	*ret_value = value;
	return p;
}

static const char *
spec_flags(const char *p, struct spec *s)
{
	for (;; p++) {
		switch (*p) {
		case '-':
			s->s_left = true;
			break;
		case '0':
			s->s_zero = true;
			break;
		case '#':
			s->s_alt = true;
			break;
		case '+':
			s->s_sign = '+';
			break;
		case ' ':
			if (s->s_sign == 0)
				s->s_sign = ' ';
			break;
		default:
			return p;
		}
	}
}

static const char *
spec_size(const char *p, struct spec *s)
{
	static const struct { char c; enum arg_size one, two; } sizes[] = {
		{ 'h', ARG_H, ARG_HH }, { 'l', ARG_L, ARG_LL },
		{ 'z', ARG_Z, ARG_Z }, { 'j', ARG_J, ARG_J },
		{ 't', ARG_T, ARG_T },
	};

	s->s_size = ARG_INT;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (*p != sizes[i].c)
			continue;
		s->s_size = sizes[i].one;
		p++;
		if (*p == sizes[i].c && sizes[i].two != sizes[i].one) {
			s->s_size = sizes[i].two;
			p++;
		}
		break;
	}
	return p;
}

/* p is behind the %; returns what follows the conversion letter. */
static const char *
spec_parse(const char *p, struct args *a, struct spec *s)
{
	int value;

	memset(s, 0, sizeof(*s));
	p = spec_flags(p, s);
	p = spec_number(p, a, &value);
	if (value < 0) {
		s->s_left = true;
		s->s_width = -(size_t)value;
	} else {
		s->s_width = (size_t)value;
	}
	if (*p == '.') {
		p = spec_number(p + 1, a, &value);
		s->s_hasprec = value >= 0;
		s->s_prec = value >= 0 ? (size_t)value : 0;
	}
	p = spec_size(p, s);
	s->s_conv = *p;
	return *p == '\0' ? p : p + 1;
}

/* False if the conversion is not ours; then no argument was taken. */
static bool
spec_put(struct out *o, const struct spec *s, struct args *a)
{
	struct spec pointer;
	char c;

	switch (s->s_conv) {
	case 'd': case 'i':
		signed_put(o, s, arg_signed(a, s->s_size));
		return true;
	case 'u':
		number_put(o, s, arg_unsigned(a, s->s_size), 10, "");
		return true;
	case 'x': case 'X':
		hex_put(o, s, arg_unsigned(a, s->s_size));
		return true;
	case 'o':
		number_put(o, s, arg_unsigned(a, s->s_size), 8, "");
		return true;
	case 'c':
		c = (char)va_arg(a->a_ap, int);
		field_put(o, s, "", 0, &c, 1);
		return true;
	case 's':
		string_put(o, s, va_arg(a->a_ap, const char *));
		return true;
	case 'p':
		pointer = *s;
		number_put(o, &pointer,
		    (uintptr_t)va_arg(a->a_ap, void *), 16, "0x");
		return true;
	case '%':
		out_bytes(o, "%", 1);
		return true;
	default:
		return false;
	}
}

int
vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .o_buf = buf, .o_size = size };
	struct args a;

	va_copy(a.a_ap, ap);
	while (*fmt != '\0') {
		const char *start = fmt;
		struct spec s;

		while (*fmt != '\0' && *fmt != '%')
			fmt++;
		out_bytes(&o, start, (size_t)(fmt - start));
		if (*fmt == '\0')
			break;
		start = fmt;
		fmt = spec_parse(fmt + 1, &a, &s);
		if (!spec_put(&o, &s, &a))
			out_bytes(&o, start, (size_t)(fmt - start));
	}
	va_end(a.a_ap);

	if (size > 0)
		buf[o.o_len < size ? o.o_len : size - 1] = '\0';
	return o.o_len <= INT_MAX ? (int)o.o_len : INT_MAX;
}

int
snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
