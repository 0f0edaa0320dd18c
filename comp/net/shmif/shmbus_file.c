/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * shmbus_file.c - a bus file: its geometry, made, opened and checked
 *
 * Six numbers in the header say where everything is.  They are copied and
 * checked once, when the file is opened, and the copy is all we use: what
 * happens to the header later changes nothing for us.
 */

#include <lib/string.h>
#include <sys/errno.h>

#include "host/shmbus_host.h"
#include "shmbus_impl.h"

#define SHMBUS_NPORTS		256
#define SHMBUS_RINGLEN		1024
#define SHMBUS_NSMALL		512
#define SHMBUS_SMALLSIZE	2048
#define SHMBUS_NLARGE		32
#define SHMBUS_LARGESIZE	(65536 + 512)

static uint64_t
round_page(uint64_t n)
{
	return (n + PAGE_MASK) & ~(uint64_t)PAGE_MASK;
}

static bool
powerof2(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

static bool
geometry_ok(const struct shmbus_geometry *geo)
{
	if (geo->sg_nports == 0 || geo->sg_nports > SHMBUS_PORTS_MAX)
		return false;
	if (!powerof2(geo->sg_ringlen) || geo->sg_ringlen < 8 ||
	    geo->sg_ringlen > 65536)
		return false;
	if (geo->sg_nsmall > SHMBUS_BUFS_MAX || geo->sg_nlarge > SHMBUS_BUFS_MAX ||
	    geo->sg_nsmall + geo->sg_nlarge > SHMBUS_BUFS_MAX)
		return false;
	/* A large buffer takes any frame, so that one size may be missing. */
	if (geo->sg_nlarge == 0 || geo->sg_largesize % 64 != 0 ||
	    geo->sg_largesize < SHMBUS_DATA + SHMBUS_FRAME_MAX ||
	    geo->sg_largesize > 1 << 20)
		return false;
	return geo->sg_smallsize % 64 == 0 && geo->sg_smallsize >= 128 &&
	    geo->sg_smallsize <= 65536;
}

/* Where everything is.  Nothing here can overflow: see geometry_ok(). */
static void
lay_out(struct shmbus *bus)
{
	const struct shmbus_geometry *geo = &bus->sb_geo;

	bus->sb_nbucket = 1;
	while (bus->sb_nbucket < geo->sg_nports)
		bus->sb_nbucket *= 2;
	bus->sb_ringshift = (uint32_t)__builtin_ctz(geo->sg_ringlen);
	bus->sb_portoff = round_page(sizeof(struct shmbus_header) +
	    (uint64_t)bus->sb_nbucket * SHMBUS_BUCKET * sizeof(uint64_t));
	bus->sb_smalloff = round_page(sizeof(struct shmbus_ctl) +
	    (uint64_t)geo->sg_ringlen * sizeof(uint64_t));
	bus->sb_largeoff = round_page(bus->sb_smalloff +
	    (uint64_t)geo->sg_nsmall * geo->sg_smallsize);
	bus->sb_stride = round_page(bus->sb_largeoff +
	    (uint64_t)geo->sg_nlarge * geo->sg_largesize);
	bus->sb_size = bus->sb_portoff + geo->sg_nports * bus->sb_stride;
}

static uint32_t
or_usual(uint32_t given, uint32_t usual)
{
	return given != 0 ? given : usual;
}

int
shmbus_format(const struct shmbus_geometry *geo,
    struct shmbus_header *ret_header)
{
	static const struct shmbus_geometry none;
	struct shmbus bus;

	if (geo == NULL)
		geo = &none;
	bus.sb_geo.sg_nports = or_usual(geo->sg_nports, SHMBUS_NPORTS);
	bus.sb_geo.sg_ringlen = or_usual(geo->sg_ringlen, SHMBUS_RINGLEN);
	bus.sb_geo.sg_nsmall = or_usual(geo->sg_nsmall, SHMBUS_NSMALL);
	bus.sb_geo.sg_smallsize = or_usual(geo->sg_smallsize, SHMBUS_SMALLSIZE);
	bus.sb_geo.sg_nlarge = or_usual(geo->sg_nlarge, SHMBUS_NLARGE);
	bus.sb_geo.sg_largesize = or_usual(geo->sg_largesize, SHMBUS_LARGESIZE);
	if (!geometry_ok(&bus.sb_geo))
		return EINVAL;
	lay_out(&bus);

	memset(ret_header, 0, sizeof(*ret_header));
	ret_header->sh_magic = SHMBUS_MAGIC;
	ret_header->sh_version = SHMBUS_VERSION;
	ret_header->sh_nports = bus.sb_geo.sg_nports;
	ret_header->sh_ringlen = bus.sb_geo.sg_ringlen;
	ret_header->sh_nsmall = bus.sb_geo.sg_nsmall;
	ret_header->sh_smallsize = bus.sb_geo.sg_smallsize;
	ret_header->sh_nlarge = bus.sb_geo.sg_nlarge;
	ret_header->sh_largesize = bus.sb_geo.sg_largesize;
	ret_header->sh_filesize = bus.sb_size;
	return 0;
}

int
shmbus_adopt(struct shmbus *bus, int fd, void *base, uint64_t size)
{
	struct shmbus_header *h = base;
	struct shmbus found;

	if (size < sizeof(*h) || atomic_load(&h->sh_magic) != SHMBUS_MAGIC)
		return EINVAL;
	if (atomic_load(&h->sh_version) != SHMBUS_VERSION)
		return EPROTONOSUPPORT;
	memset(&found, 0, sizeof(found));
	found.sb_geo.sg_nports = atomic_load(&h->sh_nports);
	found.sb_geo.sg_ringlen = atomic_load(&h->sh_ringlen);
	found.sb_geo.sg_nsmall = atomic_load(&h->sh_nsmall);
	found.sb_geo.sg_smallsize = atomic_load(&h->sh_smallsize);
	found.sb_geo.sg_nlarge = atomic_load(&h->sh_nlarge);
	found.sb_geo.sg_largesize = atomic_load(&h->sh_largesize);
	if (!geometry_ok(&found.sb_geo))
		return EINVAL;
	lay_out(&found);
	if (found.sb_size != atomic_load(&h->sh_filesize) || found.sb_size > size)
		return EINVAL;
	found.sb_fd = fd;
	found.sb_base = base;
	*bus = found;
	return 0;
}

int
shmbus_open(struct shmbus *bus, const char *path, bool create,
    const struct shmbus_geometry *geo)
{
	struct shmbus_header header;
	uint64_t size;
	void *base;
	int error, fd;

	error = shmbus_format(geo, &header);
	if (error)
		return error;
	error = rumpcomp_shmbus_open(path, create, &header,
	    header.sh_filesize, &fd, &size);
	if (error)
		return error;
	error = rumpcomp_shmbus_map(fd, size, &base);
	if (error)
		goto fail_fd;
	error = shmbus_adopt(bus, fd, base, size);
	if (error)
		goto fail_map;
	/* All of it, or nothing: what was mapped is what is unmapped. */
	if (bus->sb_size != size) {
		error = EINVAL;
		goto fail_map;
	}
	return 0;

fail_map:
	rumpcomp_shmbus_unmap(base, size);
fail_fd:
	rumpcomp_shmbus_close(fd);
	return error;
}

void
shmbus_close(struct shmbus *bus)
{
	rumpcomp_shmbus_unmap(bus->sb_base, bus->sb_size);
	rumpcomp_shmbus_close(bus->sb_fd);
}

struct shmbus_ctl *
shmbus_ctl(const struct shmbus *bus, uint32_t port)
{
	return shmbus_ctl_of(bus, port);
}
