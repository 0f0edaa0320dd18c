/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * bus.c - a bus of one's own, and frames whose content can be checked
 *
 * Behind the addresses a frame carries length and seed; the rest follows
 * from the seed.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../comp/net/shmif/host/shmbus_host.h"
#include "bus.h"

static char path[64];

const char *
bus_path(void)
{
	if (path[0] == '\0') {
		(void)snprintf(path, sizeof(path), "%s/t_shmbus.%d",
		    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		    (int)getpid());
		(void)unlink(path);
	}
	return path;
}

void
bus_remove(void)
{
	(void)unlink(bus_path());
}

int
station_join(struct station *st, uint64_t mac,
    const struct shmbus_geometry *geo)
{
	void *memory;
	int error;

	error = shmbus_open(&st->st_bus, bus_path(), true, geo);
	if (error)
		return error;
	memory = aligned_alloc(64,
	    (shmbus_port_size(&st->st_bus) + 63) / 64 * 64);
	if (memory == NULL)
		abort();
	error = shmbus_claim(&st->st_bus, memory, mac, "test",
	    (uint32_t)getpid(), &st->st_port);
	if (error) {
		free(memory);
		shmbus_close(&st->st_bus);
	}
	return error;
}

void
station_leave(struct station *st)
{
	shmbus_leave(st->st_port);
	free(st->st_port);
	shmbus_close(&st->st_bus);
}

void
station_die(struct station *st)
{
	free(st->st_port);
	shmbus_close(&st->st_bus);
}

static void
fill(uint8_t *data, size_t len, unsigned int seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ULL + len;

	for (size_t i = 0; i < len; i++) {
		if (i % 8 == 0)
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		data[i] = (uint8_t)(x >> (i % 8 * 8));
	}
}

static void
put_mac(uint8_t *to, uint64_t mac)
{
	for (unsigned int i = 0; i < 6; i++)
		to[i] = (uint8_t)(mac >> 8 * i);
}

int
station_send(struct station *st, uint64_t to, size_t len, unsigned int seed)
{
	const struct shmbus_meta meta = {
		.sm_len = (uint32_t)len, .sm_flags = 1, .sm_gso_type = 2,
		.sm_hdr_len = 54, .sm_gso_size = 1448, .sm_csum_start = 34,
		.sm_csum_offset = 16,
	};
	uint8_t *frame = malloc(len);
	struct shmbus_iov iov[2];
	int error;

	if (frame == NULL || len < 20)
		abort();
	put_mac(frame, to);
	put_mac(frame + 6, st->st_port->sp_mac);
	memcpy(frame + 12, &(uint32_t){ (uint32_t)len }, 4);
	memcpy(frame + 16, &seed, 4);
	fill(frame + 20, len - 20, seed);
	iov[0] = (struct shmbus_iov){ frame, seed % 20 };
	iov[1] = (struct shmbus_iov){ frame + seed % 20, len - seed % 20 };
	error = shmbus_send(st->st_port, &meta, iov, 2);
	free(frame);
	return error;
}

static int
frame_check(const uint8_t *frame, size_t len)
{
	uint8_t *want = malloc(len);
	uint32_t said;
	unsigned int seed;
	int same;

	if (want == NULL)
		abort();
	memcpy(&said, frame + 12, 4);
	memcpy(&seed, frame + 16, 4);
	fill(want, len - 20, seed);
	same = said == len && memcmp(want, frame + 20, len - 20) == 0;
	free(want);
	return same ? (int)seed : -2;
}

int
station_recv(struct station *st, size_t *ret_len)
{
	struct shmbus_rx rx;
	int seed = -2;

	if (!shmbus_peek(st->st_port, &rx))
		return -1;
	if (rx.sr_meta.sm_len >= 20 && rx.sr_meta.sm_flags == 1 &&
	    rx.sr_meta.sm_gso_type == 2 && rx.sr_meta.sm_hdr_len == 54 &&
	    rx.sr_meta.sm_gso_size == 1448 &&
	    rx.sr_meta.sm_csum_start == 34 && rx.sr_meta.sm_csum_offset == 16)
		seed = frame_check(rx.sr_data, rx.sr_meta.sm_len);
	if (ret_len != NULL)
		*ret_len = rx.sr_meta.sm_len;
	return shmbus_take(st->st_port, &rx) ? seed : -3;
}

unsigned int
station_drain(struct station *st)
{
	unsigned int n = 0;

	for (int seed; (seed = station_recv(st, NULL)) != -1; )
		n += seed != -3;
	return n;
}
