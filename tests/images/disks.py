# SPDX-License-Identifier: BSD-2-Clause
"""Partition tables, written by hand so that each field can be a lie.

Parts are (start, length) in sectors.  Everything happens in a bytearray, or
any other thing that takes slices.
"""

import struct
import uuid
import zlib

LINUX = uuid.UUID('0fc63daf-8483-4772-8e79-3d69d8477de4')
ENTRIES, ENTRY = 128, 128


def guid(number):
    return uuid.UUID(int=0x1234567890abcdef1234567890ab0000 + number)


def mbr_entry(kind, start, count, active=0):
    return struct.pack('<B3sB3sII', active, b'\xfe\xff\xff', kind, b'\xfe\xff\xff', start, count)


def put_table(disk, at, entries):
    disk[at + 446:at + 510] = b''.join(entries).ljust(64, b'\0')
    disk[at + 510:at + 512] = b'\x55\xaa'


def gpt_header(sector, here, other, entries_at, size, crc):
    sectors = size // sector
    span = ENTRIES * ENTRY // sector
    raw = struct.pack('<8sIIIIQQQQ16sQIII', b'EFI PART', 0x10000, 92, 0, 0, here, other, 2 + span,
                      sectors - span - 2, guid(0).bytes_le, entries_at, ENTRIES, ENTRY, crc)
    return raw[:16] + struct.pack('<I', zlib.crc32(raw)) + raw[20:]


def gpt(disk, size, parts, sector=512):
    span, sectors = ENTRIES * ENTRY // sector, size // sector
    entries = b''.join(
        struct.pack('<16s16sQQQ72s', LINUX.bytes_le, guid(i + 1).bytes_le, start,
                    start + length - 1, 0, f'part-{i + 1}'.encode('utf-16-le'))
        for i, (start, length) in enumerate(parts)).ljust(ENTRIES * ENTRY, b'\0')
    crc = zlib.crc32(entries)
    put_table(disk, 0, [mbr_entry(0xee, 1, min(sectors - 1, 0xffffffff))])
    disk[sector:sector + 92] = gpt_header(sector, 1, sectors - 1, 2, size, crc)
    disk[2 * sector:(2 + span) * sector] = entries
    last = (sectors - 1) * sector
    disk[last:last + 92] = gpt_header(sector, sectors - 1, 1, sectors - 1 - span, size, crc)
    disk[last - span * sector:last] = entries


def gpt_fix(disk, size, sector=512):
    """Makes the checksums right, wherever the headers say the entries are."""
    for at in (sector, size // sector * sector - sector):
        length, count, entry = (struct.unpack_from('<I', disk, at + o)[0] for o in (12, 80, 84))
        where = struct.unpack_from('<Q', disk, at + 72)[0] * sector
        if count * entry <= 1 << 20 and where + count * entry <= size:
            disk[at + 88:at + 92] = struct.pack(
                '<I', zlib.crc32(disk[where:where + count * entry]))
        if 92 <= length <= sector:
            disk[at + 16:at + 20] = bytes(4)
            disk[at + 16:at + 20] = struct.pack('<I', zlib.crc32(disk[at:at + length]))


def mbr(disk, primary, logical=()):
    """Logical partitions each have a sector of their own before them."""
    entries = [mbr_entry(0x83, start, length, 0x80 if i == 0 else 0)
               for i, (start, length) in enumerate(primary)]
    if logical:
        first = logical[0][0] - 1
        end = max(start + length for start, length in logical)
        entries.append(mbr_entry(0x05, first, end - first))
        for i, (start, length) in enumerate(logical):
            table = [mbr_entry(0x83, 1, length)]
            if i + 1 < len(logical):
                after, count = logical[i + 1]
                table.append(mbr_entry(0x05, after - 1 - first, count + 1))
            put_table(disk, (start - 1) * 512, table)
    put_table(disk, 0, entries)


def bsd(disk, parts):
    """A disk without anything but a label, in sector 1."""
    raw = bytearray(512)
    struct.pack_into('<IHH', raw, 0, 0x82564557, 4, 0)
    struct.pack_into('<IIIIII', raw, 40, 512, 63, 16, 100, 1008, 0x100000)
    struct.pack_into('<IHH', raw, 132, 0x82564557, 0, len(parts))
    for i, (start, length) in enumerate(parts):
        struct.pack_into('<IIIBBH', raw, 148 + i * 16, length, start, 1024, 17, 8, 0)
    total = 0
    for (word,) in struct.iter_unpack('<H', raw[:148 + len(parts) * 16]):
        total ^= word
    struct.pack_into('<H', raw, 136, total)
    disk[512:1024] = raw
