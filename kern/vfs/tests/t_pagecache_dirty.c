/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_pagecache_dirty.c - writing through the page cache, and reading past it
 *
 * The object is an array of bytes; what po_write brought is in it, what is
 * dirty is not yet.
 */

#include <lib/hash.h>
#include <lib/string.h>
#include <sys/errno.h>
#include <sys/kmem.h>
#include <sys/kvar.h>
#include <sys/uio.h>

#include "pagecache_impl.h"

#include <harness.h>

#define DISK_SIZE	(1024 * 1024)

struct disk {
	struct pgobj	*di_po;
	uint8_t		*di_bytes;
	unsigned int	 di_nreads, di_nwrites;
	int		 di_error;	/* of writes */
	const void	*di_direct;	/* what po_direct gives, if not NULL */
};

static int
disk_read(struct pgobj *po, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	struct disk *di = po->po_arg;

	di->di_nreads++;
	for (size_t i = 0; i < iovcnt; i++) {
		CHECK(off + iov[i].iov_len <= DISK_SIZE);
		memcpy(iov[i].iov_base, di->di_bytes + off, iov[i].iov_len);
		off += iov[i].iov_len;
	}
	return 0;
}

static int
disk_write(struct pgobj *po, uint64_t off, const struct rumpuser_iov *iov,
    size_t iovcnt)
{
	struct disk *di = po->po_arg;

	di->di_nwrites++;
	if (di->di_error)
		return di->di_error;
	for (size_t i = 0; i < iovcnt; i++) {
		CHECK(off + iov[i].iov_len <= DISK_SIZE);
		memcpy(di->di_bytes + off, iov[i].iov_base, iov[i].iov_len);
		off += iov[i].iov_len;
	}
	return 0;
}

static int
disk_direct(struct pgobj *po, uint64_t off, uint64_t len,
    const void **ret_data, uint64_t *ret_len)
{
	struct disk *di = po->po_arg;

	if (di->di_direct == NULL)
		return EOPNOTSUPP;
	*ret_data = di->di_direct;
	*ret_len = len < 1000 ? len : 1000;
	return 0;
}

static const struct pgobj_ops disk_ops = {
	.po_read = disk_read, .po_write = disk_write,
	.po_direct = disk_direct,
};
static const struct pgobj_ops rom_ops = { .po_read = disk_read };

static int
disk_open(struct disk *di, const struct pgobj_ops *ops)
{
	memset(di, 0, sizeof(*di));
	di->di_bytes = kmem_zalloc(DISK_SIZE, KM_SLEEP);
	if (di->di_bytes == NULL)
		return ENOMEM;
	for (size_t i = 0; i < DISK_SIZE; i++)
		di->di_bytes[i] = (uint8_t)hash_u64(i);
	if (pgobj_create(ops, di, &di->di_po) != 0) {
		kmem_free(di->di_bytes, DISK_SIZE);
		return ENOMEM;
	}
	return 0;
}

static void
disk_close(struct disk *di)
{
	pgobj_destroy(di->di_po);
	kmem_free(di->di_bytes, DISK_SIZE);
}

static int
disk_pwrite(struct disk *di, uint64_t off, void *buf, size_t len)
{
	struct rumpuser_iov iov;
	struct uio uio;

	uio_init_buf(&uio, &iov, buf, len, off, UIO_WRITE, UIO_KERNEL);
	return pgobj_write(di->di_po, &uio);
}

static int
disk_uread(struct disk *di, uint64_t off, void *ubuf, size_t len,
    size_t *ret_got)
{
	struct rumpuser_iov iov;
	struct uio uio;
	int error;

	uio_init_buf(&uio, &iov, ubuf, len, off, UIO_READ, UIO_USER);
	error = pgobj_read(di->di_po, &uio, DISK_SIZE, NULL);
	*ret_got = len - uio.uio_resid;
	return error;
}

TEST(what_is_written_is_read_and_reaches_the_object_when_flushed)
{
	struct disk di;
	uint8_t want[9000], got[9000];

	NEED(disk_open(&di, &disk_ops) == 0);
	memcpy(want, di.di_bytes + 3000, sizeof(want));
	memset(want + 1000, 0xab, 6000);
	CHECK_EQ("write", 0, disk_pwrite(&di, 4000, want + 1000, 6000));
	CHECK_EQ("read", 0, pgobj_copyout(di.di_po, 3000, got, sizeof(got)));
	CHECK_MEM("old and new", want, got, sizeof(want));
	CHECK_EQ("not there yet", 0, di.di_nwrites);
	CHECK_EQ("flush", 0, pgobj_flush(di.di_po, 0, UINT64_MAX));
	CHECK_MEM("there", want, di.di_bytes + 3000, sizeof(want));
	CHECK(di.di_nwrites > 0);
	di.di_nwrites = 0;
	CHECK_EQ("flush", 0, pgobj_flush(di.di_po, 0, UINT64_MAX));
	CHECK_EQ("clean", 0, di.di_nwrites);
	disk_close(&di);
}

TEST(only_the_range_is_flushed)
{
	struct disk di;
	uint8_t byte = 1;

	NEED(disk_open(&di, &disk_ops) == 0);
	di.di_bytes[100] = di.di_bytes[500000] = 0;
	CHECK_EQ("write", 0, disk_pwrite(&di, 100, &byte, 1));
	CHECK_EQ("write", 0, disk_pwrite(&di, 500000, &byte, 1));
	CHECK_EQ("flush", 0, pgobj_flush(di.di_po, 499999, 2));
	CHECK_EQ("in it", 1, di.di_bytes[500000]);
	CHECK_EQ("before it", 0, di.di_bytes[100]);
	disk_close(&di);
}

TEST(what_could_not_be_flushed_stays_dirty)
{
	struct disk di;
	uint8_t byte = 1;

	NEED(disk_open(&di, &disk_ops) == 0);
	di.di_bytes[7] = 0;
	CHECK_EQ("write", 0, disk_pwrite(&di, 7, &byte, 1));
	di.di_error = EIO;
	CHECK_EQ("fails", EIO, pgobj_flush(di.di_po, 0, UINT64_MAX));
	pgobj_invalidate(di.di_po, 0, UINT64_MAX);
	di.di_error = 0;
	CHECK_EQ("again", 0, pgobj_flush(di.di_po, 0, UINT64_MAX));
	CHECK_EQ("there", 1, di.di_bytes[7]);
	disk_close(&di);
}

TEST(dirty_folios_are_not_evicted)
{
	struct disk di;
	uint8_t byte = 1, got = 0;

	CHECK_EQ("limit", 0, kvar_write("vfs.pagecache.limit", "65536"));
	NEED(disk_open(&di, &disk_ops) == 0);
	di.di_bytes[7] = 0;
	CHECK_EQ("write", 0, disk_pwrite(&di, 7, &byte, 1));
	for (uint64_t off = 65536; off < DISK_SIZE; off += 4096)
		CHECK_EQ("read", 0, pgobj_copyout(di.di_po, off, &got, 1));
	CHECK(di.di_po->po_npages <= 32);
	CHECK_EQ("read", 0, pgobj_copyout(di.di_po, 7, &got, 1));
	CHECK_EQ("kept", 1, got);
	disk_close(&di);
}

TEST(an_object_without_writing_is_read_only)
{
	struct disk di;
	uint8_t byte = 1;

	NEED(disk_open(&di, &rom_ops) == 0);
	CHECK_EQ("write", EROFS, disk_pwrite(&di, 7, &byte, 1));
	CHECK_EQ("flush", 0, pgobj_flush(di.di_po, 0, UINT64_MAX));
	disk_close(&di);
}

TEST(what_can_be_read_in_place_takes_no_folio)
{
	static uint8_t content[1000], buf[5000];
	struct disk di;
	size_t got;

	NEED(disk_open(&di, &disk_ops) == 0);
	memset(content, 0x77, sizeof(content));
	di.di_direct = content;
	CHECK_EQ("read", 0, disk_uread(&di, 10, buf, sizeof(buf), &got));
	CHECK_EQ("all", sizeof(buf), got);
	CHECK_EQ("first", 0x77, buf[0]);
	CHECK_EQ("last", 0x77, buf[sizeof(buf) - 1]);
	CHECK_EQ("no folio", 0, di.di_po->po_npages);
	CHECK_EQ("no read", 0, di.di_nreads);
	disk_close(&di);
}

TEST(folios_are_preferred_to_what_lies_in_place)
{
	static uint8_t content[1000], buf[10];
	uint8_t byte = 0x33;
	struct disk di;
	size_t got;

	NEED(disk_open(&di, &disk_ops) == 0);
	di.di_direct = content;
	CHECK_EQ("write", 0, disk_pwrite(&di, 12, &byte, 1));
	CHECK_EQ("read", 0, disk_uread(&di, 10, buf, sizeof(buf), &got));
	CHECK_EQ("what was written", 0x33, buf[2]);
	disk_close(&di);
}

TEST(faults_in_place_are_told_apart)
{
	static uint8_t content[1000], buf[10];
	union { uintptr_t n; void *p; } nowhere = { .n = 64 };
	struct disk di;
	size_t got;

	NEED(disk_open(&di, &disk_ops) == 0);
	di.di_direct = content;
	CHECK_EQ("the client's", EFAULT, disk_uread(&di, 0, nowhere.p, 10,
	    &got));
	CHECK_EQ("nothing", 0, got);
	di.di_direct = nowhere.p;
	CHECK_EQ("the object's", EIO, disk_uread(&di, 0, buf, 10, &got));
	CHECK_EQ("nothing", 0, got);
	disk_close(&di);
}

static int
write_some(void)
{
	uint8_t buf[5000];
	struct disk di;
	int error;

	error = disk_open(&di, &disk_ops);
	if (error)
		return error;
	memset(buf, 1, sizeof(buf));
	error = disk_pwrite(&di, 100, buf, sizeof(buf));
	if (!error)
		error = disk_pwrite(&di, 700000, buf, sizeof(buf));
	if (!error)
		error = pgobj_flush(di.di_po, 0, UINT64_MAX);
	disk_close(&di);
	return error;
}

TEST(writing_through_survives_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, write_some);
}
