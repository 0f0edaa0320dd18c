/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * t_partition.c - disks whose partitions are looked for
 *
 * Tables are written to simulated disks, with this file's own check sums, and
 * what is found is asked of the public interface.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rump/rump.h>
#include <rump/rumpsim.h>

#include <harness.h>

#define DISK	"sim:disk"
#define DEVICE	"/dev/test"
#define MB	(1024 * 1024)

static struct rumpsim_disk *disk;

/* The table of names in /dev grows with them, and stays so. */
#define MANY_TEST(name)	\
	TEST_WITH(name, .ht_flags = HARNESS_BOOT | HARNESS_KEEPS)

static void
poke(uint64_t at, unsigned int bytes, uint64_t v)
{
	uint8_t buf[8];

	for (unsigned int i = 0; i < bytes; i++)
		buf[i] = (uint8_t)(v >> (8 * i));
	NEED(rumpsim_disk_poke(disk, at, buf, bytes) == 0);
}

static uint32_t
crc(uint64_t at, size_t len)
{
	uint32_t c = ~0u;

	while (len-- > 0) {
		uint8_t byte;

		NEED(rumpsim_disk_peek(disk, at++, &byte, 1) == 0);
		c ^= byte;
		for (int i = 0; i < 8; i++)
			c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
	}
	return ~c;
}

/* Registers the disk and says how many partitions it has. */
static unsigned int
scan(void)
{
	struct rump_partinfo pi;
	unsigned int n = 0;

	rumpsim_console_clear();
	NEED(rump_pub_etfs_register(DEVICE, DISK, RUMP_ETFS_BLK) == 0);
	while (n < 1000 && rump_pub_disk_partition(DEVICE, n, &pi) == 0)
		n++;
	return n;
}

static struct rump_partinfo
part(unsigned int index)
{
	struct rump_partinfo pi;

	memset(&pi, 0, sizeof(pi));
	CHECK_EQ("partition", 0, rump_pub_disk_partition(DEVICE, index, &pi));
	return pi;
}

static void
forget(void)
{
	CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
}

static bool
console_says(const char *words)
{
	return strstr(rumpsim_console(), words) != NULL;
}

/* --- MBR -------------------------------------------------------------------- */

static void
mbr_entry(uint64_t record, int slot, uint8_t type, uint32_t start, uint32_t size)
{
	uint64_t at = record * 512 + 446 + 16 * (unsigned int)slot;

	poke(at + 4, 1, type);
	poke(at + 8, 4, start);
	poke(at + 12, 4, size);
	poke(record * 512 + 510, 2, 0xaa55);
}

static void
disk_make(uint64_t size, uint32_t secsize)
{
	NEED(rumpsim_disk_create(DISK, size, secsize, &disk) == 0);
}

MANY_TEST(primary_and_logical_partitions_have_linuxs_numbers)
{
	disk_make(MB, 512);
	poke(440, 4, 0xcafe1234);
	mbr_entry(0, 0, 0x83, 8, 100);
	mbr_entry(0, 3, 0x0f, 200, 1000);
	mbr_entry(200, 0, 0x83, 8, 50);		/* relative to its record */
	mbr_entry(200, 1, 0x05, 300, 100);	/* relative to the first */
	mbr_entry(500, 0, 0x82, 8, 60);
	CHECK_EQ("partitions", 4, scan());
	CHECK_EQ("number", 1, part(0).pi_index);
	CHECK_EQ("number", 4, part(1).pi_index);
	CHECK_EQ("number", 5, part(2).pi_index);
	CHECK_EQ("start", 208 * 512, part(2).pi_start);
	CHECK_EQ("number", 6, part(3).pi_index);
	CHECK_EQ("start", 508 * 512, part(3).pi_start);
	CHECK_EQ("size", 60 * 512, part(3).pi_size);
	CHECK_STR("type", "0x82", part(3).pi_type);
	CHECK_STR("uuid", "cafe1234-06", part(3).pi_uuid);
	CHECK_STR("scheme", "mbr", part(3).pi_scheme);
	forget();
}

MANY_TEST(chains_of_extended_records_end)
{
	static const struct { const char *label; uint32_t next; unsigned int n;
		const char *says; } cases[] = {
		{ "to itself", 0, 2, "leads back" },
		{ "to nowhere", 400, 2, "no extended boot record" },
		{ "beyond the disk", 0xfffffff0, 2, "no extended boot record" },
		{ "good", 300, 3, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		disk_make(MB, 512);
		mbr_entry(0, 0, 0x05, 200, 1000);
		mbr_entry(200, 0, 0x83, 8, 50);
		mbr_entry(200, 1, 0x05, cases[i].next, 100);
		mbr_entry(500, 0, 0x83, 8, 50);
		CHECK_EQ(cases[i].label, cases[i].n, scan());
		CHECK(console_says(cases[i].says));
		forget();
	}
}

MANY_TEST(a_long_chain_is_cut)
{
	disk_make(MB, 512);
	mbr_entry(0, 0, 0x05, 1, 2000);
	for (unsigned int i = 0; i < 1000; i++) {
		mbr_entry(1 + 2 * i, 0, 0x83, 1, 1);
		mbr_entry(1 + 2 * i, 1, 0x05, 2 * (i + 1), 2);
	}
	CHECK_EQ("partitions", 129, scan());
	forget();
}

TEST(what_is_not_inside_the_disk_is_left_out)
{
	disk_make(MB, 512);
	mbr_entry(0, 0, 0x83, 2000, 48);
	mbr_entry(0, 1, 0x83, 2000, 49);
	mbr_entry(0, 2, 0x83, 0xffffffff, 0xffffffff);
	mbr_entry(0, 3, 0x83, 1990, 30);	/* overlaps: only a window */
	CHECK_EQ("partitions", 2, scan());
	CHECK(console_says("partition 2 is not inside"));
	CHECK(console_says("partition 3 is not inside"));
	CHECK_EQ("number", 4, part(1).pi_index);
	forget();
}

/* --- BSD ---------------------------------------------------------------------- */

static void
bsd_label(uint64_t at, uint32_t offset_of_c)
{
	uint16_t sum = 0;

	poke(at, 4, 0x82564557);
	poke(at + 132, 4, 0x82564557);
	poke(at + 40, 4, 512);
	poke(at + 136, 2, 0);
	poke(at + 138, 2, 4);
	for (unsigned int i = 0; i < 4; i++) {
		poke(at + 148 + 16 * i, 4, i == 2 ? 500 : 100);
		poke(at + 152 + 16 * i, 4, offset_of_c + (i == 2 ? 0 : 10 + i));
		poke(at + 160 + 16 * i, 1, 7);
	}
	for (unsigned int i = 0; i < 148 + 64; i += 2) {
		uint8_t two[2];

		NEED(rumpsim_disk_peek(disk, at + i, two, 2) == 0);
		sum ^= (uint16_t)(two[0] | two[1] << 8);
	}
	poke(at + 136, 2, sum);
}

MANY_TEST(disklabels_are_found_on_disks_and_in_slices)
{
	disk_make(MB, 512);
	bsd_label(512, 0);
	CHECK_EQ("bare", 3, scan());
	CHECK_STR("name", "b", part(1).pi_name);
	CHECK_EQ("start", 11 * 512, part(1).pi_start);
	forget();
	for (uint32_t base = 0; base <= 64; base += 64) {
		disk_make(MB, 512);
		mbr_entry(0, 0, 0xa5, 64, 1000);
		bsd_label(65 * 512, base);
		CHECK_EQ("in a slice", 4, scan());
		CHECK_EQ("number", 5, part(1).pi_index);
		CHECK_EQ("relative or not", (64 + 10) * 512, part(1).pi_start);
		forget();
	}
	disk_make(MB, 512);
	bsd_label(512, 0);
	poke(512 + 150, 1, 1);
	CHECK_EQ("damaged", 0, scan());
	CHECK(console_says("disklabel"));
	forget();
}

/* --- GPT ---------------------------------------------------------------------- */

static void
gpt_header(uint64_t secsize, uint64_t nsec, uint64_t lba, uint64_t other,
    uint64_t entlba)
{
	uint64_t at = lba * secsize;

	NEED(rumpsim_disk_poke(disk, at, "EFI PART", 8) == 0);
	poke(at + 8, 4, 0x10000);
	poke(at + 12, 4, 92);
	poke(at + 24, 8, lba);
	poke(at + 32, 8, other);
	poke(at + 40, 8, 10);
	poke(at + 48, 8, nsec - 10);
	poke(at + 72, 8, entlba);
	poke(at + 80, 4, 4);
	poke(at + 84, 4, 128);
	poke(at + 88, 4, crc(entlba * secsize, 512));
	poke(at + 16, 4, 0);
	poke(at + 16, 4, crc(at, 92));
}

static void
gpt_entry(uint64_t at, uint8_t id, uint64_t first, uint64_t last)
{
	poke(at, 1, id);
	poke(at + 16, 1, id);
	poke(at + 32, 8, first);
	poke(at + 40, 8, last);
	poke(at + 56, 2, 'n');
}

/* Two partitions, numbers 1 and 3, in both tables. */
static void
gpt_disk(uint32_t secsize, uint64_t tablesec)
{
	uint64_t nsec = 4 * MB / tablesec;

	disk_make(4 * MB, secsize);
	mbr_entry(0, 0, 0xee, 1, 0xffffffff);
	for (int copy = 0; copy < 2; copy++) {
		uint64_t at = (copy == 0 ? 2 : nsec - 2) * tablesec;

		gpt_entry(at, 0x11, 10, 19);
		gpt_entry(at + 256, 0x33, 20, nsec - 10);
	}
	gpt_header(tablesec, nsec, 1, nsec - 1, 2);
	gpt_header(tablesec, nsec, nsec - 1, 1, nsec - 2);
}

static void
gpt_expect(const char *label, uint64_t tablesec)
{
	CHECK_EQ(label, 2, scan());
	CHECK_EQ(label, 1, part(0).pi_index);
	CHECK_EQ(label, 10 * tablesec, part(0).pi_start);
	CHECK_EQ(label, 10 * tablesec, part(0).pi_size);
	CHECK_EQ(label, 3, part(1).pi_index);
	CHECK_STR(label, "gpt", part(1).pi_scheme);
	CHECK_STR(label, "n", part(1).pi_name);
	CHECK_STR(label, "00000033-0000-0000-0000-000000000000",
	    part(1).pi_uuid);
	forget();
}

TEST(gpt_is_found_with_sectors_of_all_sizes)
{
	gpt_disk(512, 512);
	gpt_expect("512", 512);
	gpt_disk(4096, 4096);
	gpt_expect("4096", 4096);
	gpt_disk(512, 4096);
	gpt_expect("an image of a disk of 4096", 4096);
}

TEST(the_backup_serves_when_the_first_table_is_damaged)
{
	static const struct { const char *label; uint64_t at; const char *says; }
	    cases[] = {
		{ "header", 512 + 40, "the check sum is wrong" },
		{ "entries", 1024 + 40, "its entries is wrong" },
		{ "signature", 512, "backup is used" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		gpt_disk(512, 512);
		poke(cases[i].at, 1, 0x5a);
		gpt_expect(cases[i].label, 512);
		CHECK(console_says(cases[i].says));
		CHECK(console_says("backup is used"));
	}
	gpt_disk(512, 512);
	rumpsim_disk_setbad(disk, 512, 512, EIO);
	gpt_expect("a bad sector", 512);
}

TEST(two_damaged_tables_are_no_table)
{
	gpt_disk(512, 512);
	poke(512 + 40, 1, 0x5a);
	poke(4 * MB - 512 + 40, 1, 0x5a);
	/* What protects a GPT is no partition, as nothing else is known. */
	CHECK(scan() <= 1);
	CHECK(console_says("the check sum is wrong"));
	forget();
}

TEST(gpt_entries_out_of_range_are_left_out)
{
	gpt_disk(512, 512);
	gpt_entry(1024 + 128, 0x22, 9, 20);
	gpt_entry(1024 + 256, 0x33, 30, 20);
	gpt_entry(1024 + 384, 0x44, 15, 25);	/* overlaps the first */
	gpt_header(512, 4 * MB / 512, 1, 4 * MB / 512 - 1, 2);
	CHECK_EQ("partitions", 2, scan());
	CHECK_EQ("number", 4, part(1).pi_index);
	CHECK(console_says("entry 2") && console_says("entry 3"));
	forget();
}

/* --- failures ------------------------------------------------------------------- */

/* A failure may cost partitions, which is said, but nothing else. */
static int
scan_once(void)
{
	int error;

	gpt_disk(512, 512);
	error = rump_pub_etfs_register(DEVICE, DISK, RUMP_ETFS_BLK);
	if (error == 0)
		CHECK_EQ("remove", 0, rump_pub_etfs_remove(DEVICE));
	CHECK_EQ("destroy", 0, rumpsim_disk_destroy(disk));
	return error;
}

TEST(scanning_survives_each_failed_allocation)
{
	fault_sweep(FAULT_MEMORY, scan_once);
}

TEST(scanning_survives_each_failed_read)
{
	fault_sweep(FAULT_IO, scan_once);
}
