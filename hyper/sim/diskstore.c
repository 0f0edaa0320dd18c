/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * diskstore.c - sparse content in memory, cheap to copy
 *
 * Chunks of content hang in a two-level table; what was never written has
 * none.  A copy shares the chunks of its original, and whoever writes to a
 * shared one gets its own first.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk_impl.h"

#define CHUNK_SIZE	((uint64_t)16384)
#define DIR_CHUNKS	((size_t)1024)
#define DIR_SIZE	(CHUNK_SIZE * DIR_CHUNKS)

struct chunk {
	unsigned int	c_refs;
	unsigned char	c_data[CHUNK_SIZE];
};

struct chunkdir {
	struct chunk	*cd_chunks[DIR_CHUNKS];
};

int
diskstore_init(struct diskstore *ds, uint64_t size)
{

	ds->ds_size = size;
	ds->ds_ndirs = (size_t)((size + DIR_SIZE - 1) / DIR_SIZE);
	ds->ds_dirs = calloc(ds->ds_ndirs, sizeof(*ds->ds_dirs));
	return ds->ds_dirs == NULL ? ENOMEM : 0;
}

static void
chunk_rele(struct chunk *c)
{

	if (c != NULL && --c->c_refs == 0)
		free(c);
}

void
diskstore_fini(struct diskstore *ds)
{
	size_t d, i;

	for (d = 0; d < ds->ds_ndirs; d++) {
		if (ds->ds_dirs[d] == NULL)
			continue;
		for (i = 0; i < DIR_CHUNKS; i++)
			chunk_rele(ds->ds_dirs[d]->cd_chunks[i]);
		free(ds->ds_dirs[d]);
	}
	free(ds->ds_dirs);
	ds->ds_dirs = NULL;
	ds->ds_ndirs = 0;
}

int
diskstore_clone(const struct diskstore *ds, struct diskstore *ret_copy)
{
	struct diskstore copy;
	size_t d, i;
	int error;

	error = diskstore_init(&copy, ds->ds_size);
	if (error)
		return error;
	for (d = 0; d < ds->ds_ndirs; d++) {
		if (ds->ds_dirs[d] == NULL)
			continue;
		copy.ds_dirs[d] = malloc(sizeof(*copy.ds_dirs[d]));
		if (copy.ds_dirs[d] == NULL) {
			diskstore_fini(&copy);
			return ENOMEM;
		}
		*copy.ds_dirs[d] = *ds->ds_dirs[d];
		for (i = 0; i < DIR_CHUNKS; i++) {
			if (copy.ds_dirs[d]->cd_chunks[i] != NULL)
				copy.ds_dirs[d]->cd_chunks[i]->c_refs++;
		}
	}
	*ret_copy = copy;
	return 0;
}

static struct chunk *
chunk_at(const struct diskstore *ds, uint64_t off)
{
	const struct chunkdir *cd = ds->ds_dirs[off / DIR_SIZE];

	return cd == NULL ? NULL :
	    cd->cd_chunks[off / CHUNK_SIZE % DIR_CHUNKS];
}

/* One that may be written to. */
static struct chunk *
chunk_own(struct diskstore *ds, uint64_t off)
{
	struct chunkdir **cdp = &ds->ds_dirs[off / DIR_SIZE];
	struct chunk **cp, *c;

	if (*cdp == NULL) {
		*cdp = calloc(1, sizeof(**cdp));
		if (*cdp == NULL)
			return NULL;
	}
	cp = &(*cdp)->cd_chunks[off / CHUNK_SIZE % DIR_CHUNKS];
	if (*cp != NULL && (*cp)->c_refs == 1)
		return *cp;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	if (*cp != NULL) {
		memcpy(c->c_data, (*cp)->c_data, CHUNK_SIZE);
		chunk_rele(*cp);
	}
	c->c_refs = 1;
	*cp = c;
	return c;
}

/* How much of len lies in the chunk at off. */
static size_t
chunk_part(uint64_t off, uint64_t len)
{
	uint64_t room = CHUNK_SIZE - off % CHUNK_SIZE;

	return (size_t)(len < room ? len : room);
}

void
diskstore_read(const struct diskstore *ds, uint64_t off, void *buf, size_t len)
{
	const struct chunk *c;
	unsigned char *p = buf;
	size_t n;

	for (; len > 0; off += n, p += n, len -= n) {
		n = chunk_part(off, len);
		c = chunk_at(ds, off);
		if (c != NULL)
			memcpy(p, c->c_data + off % CHUNK_SIZE, n);
		else
			memset(p, 0, n);
	}
}

int
diskstore_write(struct diskstore *ds, uint64_t off, const void *buf,
    size_t len)
{
	const unsigned char *p = buf;
	struct chunk *c;
	size_t n;

	for (; len > 0; off += n, p += n, len -= n) {
		n = chunk_part(off, len);
		c = chunk_own(ds, off);
		if (c == NULL)
			return ENOMEM;
		memcpy(c->c_data + off % CHUNK_SIZE, p, n);
	}
	return 0;
}

int
diskstore_zero(struct diskstore *ds, uint64_t off, uint64_t len)
{
	struct chunk *c;
	size_t n;

	for (; len > 0; off += n, len -= n) {
		n = chunk_part(off, len);
		if (chunk_at(ds, off) == NULL)
			continue;
		if (n == CHUNK_SIZE) {
			chunk_rele(chunk_at(ds, off));
			ds->ds_dirs[off / DIR_SIZE]->
			    cd_chunks[off / CHUNK_SIZE % DIR_CHUNKS] = NULL;
			continue;
		}
		c = chunk_own(ds, off);
		if (c == NULL)
			return ENOMEM;
		memset(c->c_data + off % CHUNK_SIZE, 0, n);
	}
	return 0;
}

bool
diskstore_nextdata(const struct diskstore *ds, uint64_t off, uint64_t *ret_off,
    uint64_t *ret_len)
{
	uint64_t left;

	for (off -= off % CHUNK_SIZE; off < ds->ds_size; ) {
		if (ds->ds_dirs[off / DIR_SIZE] == NULL) {
			off = (off / DIR_SIZE + 1) * DIR_SIZE;
			continue;
		}
		if (chunk_at(ds, off) != NULL) {
			left = ds->ds_size - off;
			*ret_off = off;
			*ret_len = left < CHUNK_SIZE ? left : CHUNK_SIZE;
			return true;
		}
		off += CHUNK_SIZE;
	}
	return false;
}
