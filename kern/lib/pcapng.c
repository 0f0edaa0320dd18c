/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * pcapng.c - blocks of a capture file, written
 */

#include <lib/pcapng.h>
#include <lib/string.h>

#define BLOCK_SECTION		0x0a0d0d0au
#define BLOCK_INTERFACE		1
#define BLOCK_STATISTICS	5
#define BLOCK_PACKET		6
#define BYTE_ORDER_MAGIC	0x1a2b3c4du

#define OPT_END			0
#define OPT_SHB_USERAPPL	4
#define OPT_IF_NAME		2
#define OPT_IF_TSRESOL		9
#define OPT_EPB_FLAGS		2
#define OPT_ISB_IFRECV		4
#define OPT_ISB_IFDROP		5

#define TEXT_MAX		100

struct writer {
	uint8_t	*w_buf;
	size_t	 w_len;
};

static void
put(struct writer *w, const void *data, size_t len)
{
	memcpy(w->w_buf + w->w_len, data, len);
	w->w_len += len;
}

static void
put16(struct writer *w, uint16_t value)
{
	put(w, &value, sizeof(value));
}

static void
put32(struct writer *w, uint32_t value)
{
	put(w, &value, sizeof(value));
}

/* A time or a counter: the high half first, in every byte order. */
static void
put_halves(struct writer *w, uint64_t value)
{
	put32(w, (uint32_t)(value >> 32));
	put32(w, (uint32_t)value);
}

static void
put_padding(struct writer *w)
{
	while (w->w_len % 4 != 0)
		w->w_buf[w->w_len++] = 0;
}

static void
put_option(struct writer *w, uint16_t code, const void *data, size_t len)
{
	put16(w, code);
	put16(w, (uint16_t)len);
	put(w, data, len);
	put_padding(w);
}

/* The length stands at both ends of a block. */
static void
block_begin(struct writer *w, uint8_t *buf, uint32_t type)
{
	w->w_buf = buf;
	w->w_len = 0;
	put32(w, type);
	put32(w, 0);
}

static size_t
block_end(struct writer *w)
{
	uint32_t len = (uint32_t)w->w_len + 4;

	put32(w, len);
	memcpy(w->w_buf + 4, &len, sizeof(len));
	return w->w_len;
}

size_t
pcapng_section(uint8_t *buf, const char *appl)
{
	struct writer w;

	block_begin(&w, buf, BLOCK_SECTION);
	put32(&w, BYTE_ORDER_MAGIC);
	put16(&w, 1);
	put16(&w, 0);
	put32(&w, UINT32_MAX);		/* the section's length: */
	put32(&w, UINT32_MAX);		/* not known */
	put_option(&w, OPT_SHB_USERAPPL, appl, strnlen(appl, TEXT_MAX));
	put32(&w, OPT_END);
	return block_end(&w);
}

size_t
pcapng_interface(uint8_t *buf, const char *name, uint16_t link, uint32_t snaplen)
{
	const uint8_t nanoseconds = 9;
	struct writer w;

	block_begin(&w, buf, BLOCK_INTERFACE);
	put16(&w, link);
	put16(&w, 0);
	put32(&w, snaplen);
	put_option(&w, OPT_IF_NAME, name, strnlen(name, TEXT_MAX));
	put_option(&w, OPT_IF_TSRESOL, &nanoseconds, 1);
	put32(&w, OPT_END);
	return block_end(&w);
}

static uint32_t
packet_padded(uint32_t caplen)
{
	return (caplen + 3) & ~3u;
}

size_t
pcapng_packet_head(uint8_t *buf, uint32_t interface, uint64_t time,
    uint32_t caplen, uint32_t len)
{
	uint32_t total = PCAPNG_PACKET_HEAD + packet_padded(caplen) + 12 + 4;
	struct writer w;

	block_begin(&w, buf, BLOCK_PACKET);
	memcpy(buf + 4, &total, sizeof(total));
	put32(&w, interface);
	put_halves(&w, time);
	put32(&w, caplen);
	put32(&w, len);
	return w.w_len;
}

size_t
pcapng_packet_tail(uint8_t *buf, uint32_t caplen, enum pcapng_way way)
{
	struct writer w = { buf, 0 };
	uint32_t flags = way;

	for (; caplen % 4 != 0; caplen++)
		w.w_buf[w.w_len++] = 0;
	put16(&w, OPT_EPB_FLAGS);
	put16(&w, sizeof(flags));
	put32(&w, flags);
	put32(&w, OPT_END);
	put32(&w, PCAPNG_PACKET_HEAD + caplen + 12 + 4);
	return w.w_len;
}

size_t
pcapng_statistics(uint8_t *buf, uint32_t interface, uint64_t time,
    uint64_t received, uint64_t dropped)
{
	struct writer w;

	block_begin(&w, buf, BLOCK_STATISTICS);
	put32(&w, interface);
	put_halves(&w, time);
	put_option(&w, OPT_ISB_IFRECV, &received, sizeof(received));
	put_option(&w, OPT_ISB_IFDROP, &dropped, sizeof(dropped));
	put32(&w, OPT_END);
	return block_end(&w);
}
