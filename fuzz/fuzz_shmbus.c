/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * fuzz_shmbus.c - a bus on which somebody writes what he likes
 *
 * Two participants on a small bus in memory do what the input says, byte by
 * byte; between their steps other bytes of the input are written somewhere
 * into the file.
 */

#include <lib/bytes.h>
#include <lib/string.h>
#include <sys/types.h>

#include "shmbus.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILE_MAX	(1 << 19)

static uint8_t file[FILE_MAX] __aligned_to(4096);
static uint8_t memory[2][4096] __aligned_to(CACHE_LINE);
static uint8_t copy[SHMBUS_FRAME_MAX];

static struct side {
	struct shmbus	 s_bus;
	struct shmbus_port *s_port;
	struct shmbus_rx s_held;
	bool		 s_holds;
} sides[2];

/* The next bytes of the input. */
struct input {
	const uint8_t	*i_data;
	size_t		 i_len;
};

static uint32_t
next(struct input *in, unsigned int bytes)
{
	uint32_t value = 0;

	for (; bytes > 0 && in->i_len > 0; bytes--, in->i_len--)
		value = value << 8 | *in->i_data++;
	return value;
}

static bool
start(void)
{
	const struct shmbus_geometry geo = { .sg_nports = 3, .sg_ringlen = 8,
	    .sg_nsmall = 6, .sg_smallsize = 128, .sg_nlarge = 1 };
	struct shmbus_header *h = (struct shmbus_header *)(void *)file;

	memset(file, 0, sizeof(file));
	if (shmbus_format(&geo, h) != 0 || h->sh_filesize > sizeof(file))
		return false;
	for (unsigned int i = 0; i < 2; i++) {
		struct side *s = &sides[i];

		memset(s, 0, sizeof(*s));
		if (shmbus_adopt(&s->s_bus, -1, file, sizeof(file)) != 0 ||
		    shmbus_port_size(&s->s_bus) > sizeof(memory[i]) ||
		    shmbus_claim(&s->s_bus, memory[i], 0x100 * (i + 1) + 2, "fuzz", i,
		    &s->s_port) != 0)
			return false;
	}
	return true;
}

/* Mostly near what matters: the first bytes of everything. */
static void
scribble(struct input *in)
{
	const struct shmbus *bus = &sides[0].s_bus;
	uint32_t kind = next(in, 1), at = next(in, 2);
	uint64_t off = at;

	if ((kind & 3) == 1)
		off = bus->sb_portoff + (kind >> 2 & 1) * bus->sb_stride + at % 512;
	else if ((kind & 3) == 2)
		off = bus->sb_portoff + (kind >> 2 & 1) * bus->sb_stride + 4096 + at % 64;
	else if ((kind & 3) == 3)
		off = bus->sb_portoff + (kind >> 2 & 1) * bus->sb_stride + bus->sb_smalloff +
		    at % 6 * 128 + at / 6 % 40;
	for (uint32_t n = 1 + (kind >> 4 & 7); n > 0; n--) {
		if (off < sizeof(file))
			file[off++] = (uint8_t)next(in, 1);
	}
}

static void
send(struct side *s, struct input *in)
{
	uint8_t frame[200] = { 0x02, (uint8_t)next(in, 1) };
	struct shmbus_meta meta = { .sm_len = 14 + next(in, 1) % 180 };
	struct shmbus_iov iov = { frame, meta.sm_len };

	frame[0] = (uint8_t)next(in, 1);
	frame[6] = (uint8_t)next(in, 1);
	(void)shmbus_send(s->s_port, &meta, &iov, 1);
	shmbus_flush(s->s_port);
}

static void
receive(struct side *s, bool hold)
{
	struct shmbus_rx rx;

	if (!shmbus_peek(s->s_port, &rx))
		return;
	memcpy(copy, rx.sr_data, rx.sr_meta.sm_len);
	if (!hold || s->s_holds) {
		(void)shmbus_take(s->s_port, &rx);
		return;
	}
	if (!shmbus_hold(s->s_port, &rx))
		return;
	s->s_held = rx;
	s->s_holds = true;
}

static void
step(struct input *in)
{
	uint32_t what = next(in, 1);
	struct side *s = &sides[what & 1];

	switch (what >> 1 & 7) {
	case 0:
	case 1:
		scribble(in);
		break;
	case 2:
		send(s, in);
		break;
	case 3:
		receive(s, (what & 0x80) != 0);
		break;
	case 4:
		if (s->s_holds)
			shmbus_release(s->s_port, &s->s_held);
		s->s_holds = false;
		break;
	case 5:
		if (shmbus_arm(s->s_port))
			shmbus_disarm(s->s_port);
		break;
	case 6:
		(void)shmbus_room(s->s_port, next(in, 2));
		break;
	case 7:
		shmbus_promisc(s->s_port, (what & 0x80) != 0);
		(void)shmbus_setmac(s->s_port, 0x100 * next(in, 1) + 2);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (!start())
		__builtin_trap();
	while (in.i_len > 0)
		step(&in);
	return 0;
}
