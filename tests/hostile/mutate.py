# SPDX-License-Identifier: BSD-2-Clause
"""The ways in which an image is spoiled.

Each mutation is a function (data, fs, rng) that changes the bytearray and gives a text
which says what was done.  fs is an ext4.Image of the data before; None for a
disk with partitions.  After those of FIXABLE the checksums may be made right.
"""

import struct

import disks
import ext4

# Values which break arithmetic.
ODD32 = (0, 1, 2, 0x7f, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff)
ODD16 = (0, 1, 2, 7, 8, 11, 12, 0x7f, 0xff, 0x7fff, 0x8000, 0xfffc, 0xffff)
COUNTS = {   # offsets of 32-bit numbers in the superblock
    'inodes': 0, 'blocks': 4, 'reserved': 8, 'free blocks': 0xc, 'free inodes': 0x10,
    'first block': 0x14, 'block size': 0x18, 'cluster size': 0x1c, 'blocks a group': 0x20,
    'clusters a group': 0x24, 'inodes a group': 0x28, 'first inode': 0x54, 'journal inode': 0xe0,
    'last orphan': 0xe8, 'flags': 0x160, 'first meta_bg': 0x104, 'blocks high': 0x150,
    'orphan file': 0x280, 'checksum seed': 0x270, 'revision': 0x4c, 'creator': 0x48}
SHORTS = {'inode size': 0x58, 'descriptor size': 0xfe, 'magic': 0x38, 'reserved gdt': 0xce,
          'flex': 0x174, 'log of orphans': 0x178, 'hash': 0xfc}


def blocks_of(fs, *kinds):
    return [block for block, role in fs.roles.items() if role.kind in kinds]


METADATA = ('super', 'groups', 'inodes', 'dir', 'htree', 'extents', 'map', 'xattr', 'journal')


def pick_block(fs, rng):
    """Each kind of structure as often as any other, however many blocks it has."""
    kind = rng.choice([k for k in METADATA if blocks_of(fs, k)])
    blocks = blocks_of(fs, kind)
    if kind == 'journal':
        blocks = [b for b in blocks if ext4.be32(fs.bytes(b), 0) == ext4.JOURNAL_MAGIC] or blocks
    return rng.choice(blocks)


def used_part(fs, block, rng):
    """An offset where something is, most of the time."""
    raw = fs.bytes(block)
    used = [at for at in range(0, fs.block, 4) if any(raw[at:at + 4])]
    return rng.choice(used) if used and rng.random() < 0.9 else rng.randrange(0, fs.block, 4)


def flip_bits(data, fs, rng):
    done = []
    for _ in range(rng.choice((1, 1, 1, 2, 5))):
        block = pick_block(fs, rng)
        at = fs.at(block) + used_part(fs, block, rng) + rng.randrange(4)
        data[at] ^= 1 << rng.randrange(8)
        done.append((block, at))
    return [b for b, _ in done], 'bits at ' + ', '.join(f'{at:#x}' for _, at in done)


def odd_numbers(data, fs, rng):
    block = pick_block(fs, rng)
    at = fs.at(block) + used_part(fs, block, rng)
    if rng.random() < 0.5:
        value = rng.choice(ODD32)
        struct.pack_into(rng.choice('<>') + 'I', data, at, value)
    else:
        value = rng.choice(ODD16)
        at += rng.choice((0, 2))
        struct.pack_into('<H', data, at, value)
    return [block], f'{value:#x} at {at:#x}'


def zero_block(data, fs, rng):
    block = pick_block(fs, rng)
    data[fs.at(block):fs.at(block) + fs.block] = bytes(fs.block)
    return [], f'zeroes in block {block}'


def fill_block(data, fs, rng):
    block = pick_block(fs, rng)
    data[fs.at(block):fs.at(block) + fs.block] = rng.randbytes(fs.block)
    return [block], f'noise in block {block}'


def point_at(data, fs, rng):
    """A number becomes that of another structure, or of its own: loops."""
    block = pick_block(fs, rng)
    other = rng.choice((block, pick_block(fs, rng), pick_block(fs, rng)))
    at = fs.at(block) + used_part(fs, block, rng)
    struct.pack_into('<I', data, at, other)
    return [block], f'block number {other} at {at:#x}'


def swap_blocks(data, fs, rng):
    one, two = pick_block(fs, rng), pick_block(fs, rng)
    raw = fs.bytes(one)
    data[fs.at(one):fs.at(one) + fs.block] = fs.bytes(two)
    data[fs.at(two):fs.at(two) + fs.block] = raw
    return [one, two], f'blocks {one} and {two} swapped'


def super_lies(data, fs, rng):
    names = []
    for _ in range(rng.choice((1, 1, 2))):
        if rng.random() < 0.75:
            name = rng.choice(list(COUNTS))
            value = rng.choice((*ODD32, ext4.le32(data, fs.sb + COUNTS[name]) * 2 & 0xffffffff,
                                ext4.le32(data, fs.sb + COUNTS[name]) + 1 & 0xffffffff))
            struct.pack_into('<I', data, fs.sb + COUNTS[name], value)
        else:
            name = rng.choice(list(SHORTS))
            value = rng.choice((*ODD16, 32, 64, 128, 256, 1024))
            struct.pack_into('<H', data, fs.sb + SHORTS[name], value)
        names.append(f'{name} {value:#x}')
    return blocks_of(fs, 'super'), 'superblock: ' + ', '.join(names)


def feature_lies(data, fs, rng):
    at = fs.sb + rng.choice((0x5c, 0x60, 0x64))
    data[at + rng.randrange(3)] ^= 1 << rng.randrange(8)
    return blocks_of(fs, 'super'), f'a feature at {at:#x}'


def inodes_in_use(fs):
    return [ino for ino in range(1, fs.inodes + 1)
            if ext4.le16(fs.data, fs.inode_at(ino)) and ext4.le16(fs.data, fs.inode_at(ino) + 0x1a)]


def inode_lies(data, fs, rng):
    """Sizes, modes, flags, maps: a field of an inode in use."""
    ino = rng.choice([i for i in inodes_in_use(fs) if i == 2 or i >= 8])
    at = fs.inode_at(ino)
    name, off, form, values = rng.choice((
        ('size', 4, '<I', ODD32), ('size high', 0x6c, '<I', ODD32),
        ('mode', 0, '<H', [t << 12 | 0o644 for t in range(16)]),
        ('flags', 0x20, '<I', [1 << b for b in range(32)]), ('links', 0x1a, '<H', ODD16),
        ('attributes', 0x68, '<I', [*ODD32, *fs.roles]), ('extra size', 0x80, '<H', ODD16),
        ('sectors', 0x1c, '<I', ODD32), ('map', 0x28 + rng.randrange(15) * 4, '<I', [*ODD32, *fs.roles]),
        ('extents', 0x28 + rng.choice((0, 2, 4, 6)), '<H', ODD16)))
    if name == 'extra size' and fs.isize == 128:
        name, off = 'links', 0x1a
    value = rng.choice(values)
    if name == 'flags':
        value ^= ext4.le32(data, at + 0x20)
    struct.pack_into(form, data, at + off, value)
    return [(at - fs.base) // fs.block], f'inode {ino}: {name} {value:#x}'


def share_blocks(data, fs, rng):
    """Two inodes have the same map: files overlap, directories are each other."""
    one, two = (rng.choice([i for i in inodes_in_use(fs) if i == 2 or i > 10]) for _ in 'ab')
    a, b = fs.inode_at(one), fs.inode_at(two)
    data[b + 0x28:b + 0x64] = data[a + 0x28:a + 0x64]
    if rng.random() < 0.5:
        struct.pack_into('<I', data, b + 0x20, ext4.le32(data, a + 0x20))
    return [(b - fs.base) // fs.block], f'inode {two} has the map of {one}'


def entry_lies(data, fs, rng):
    """An entry of a directory names another inode: ancestors, itself, nobody."""
    block = rng.choice(blocks_of(fs, 'dir', 'htree') or [pick_block(fs, rng)])
    raw, at, places = fs.bytes(block), 0, []
    while at + 8 <= fs.block and ext4.le16(raw, at + 4) >= 8:
        places.append(at)
        at += ext4.le16(raw, at + 4)
    at = fs.at(block) + rng.choice(places or [0])
    what = rng.randrange(4)
    if what < 2:
        value = rng.choice((2, fs.roles[block].ino, 0, 8, 11, 12, 13, fs.inodes, fs.inodes + 1,
                            0xffffffff, rng.randrange(fs.inodes)))
        struct.pack_into('<I', data, at, value)
    elif what == 2:
        value = rng.choice((0, 4, 7, 8, 12, 13, fs.block, fs.block - 4, 0xffff, 0xfffc))
        struct.pack_into('<H', data, at + 4, value)
    else:
        value = rng.choice((0, 255, rng.randrange(256)))
        data[at + 6] = value
        data[at + 8 + rng.randrange(4)] = rng.choice(b'/\0.')
    return [block], f'entry at {at:#x}: {("inode", "inode", "length", "name")[what]} {value:#x}'


def truncate(data, fs, rng):
    """At the end of a structure, within it, or anywhere."""
    if fs is None:
        cut = rng.choice((0, 1, 511, 512, 513, 1024, 17408, len(data) - 512, rng.randrange(len(data))))
    else:
        block = pick_block(fs, rng)
        cut = rng.choice((fs.at(block), fs.at(block) + fs.block, fs.at(block) + 512,
                          fs.at(block) + rng.randrange(fs.block), rng.randrange(len(data))))
    del data[cut:]
    return [], f'cut at {cut}'


FIXABLE = (flip_bits, odd_numbers, fill_block, point_at, swap_blocks, super_lies, feature_lies,
           inode_lies, inode_lies, share_blocks, entry_lies, entry_lies)
PLAIN = (zero_block, truncate)


def spoil(data, fs, rng):
    """What was done, after it was."""
    change = rng.choice(FIXABLE + PLAIN)
    changed, text = change(data, fs, rng)
    if change in FIXABLE and rng.random() < 0.8:
        for block in changed:
            fs.fix(block)
        text += ', checksums made right'
    return text


def spoil_disk(data, places, sector, rng):
    """places: where the partition tables are.  sector: of a GPT, or 0."""
    done = []
    if rng.random() < 0.15:
        return truncate(data, None, rng)[1]
    for _ in range(rng.choice((1, 1, 2, 4))):
        start, size = rng.choice(places)
        used = [at for at in range(start, start + size) if data[at]] or [start]
        at = rng.choice(used)
        what = rng.randrange(4)
        if what == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            at &= ~3
            struct.pack_into('<I', data, at, rng.choice(ODD32))
        elif what == 2:
            at &= ~7
            struct.pack_into('<Q', data, at, rng.choice(
                (0, 1, 2, 1 << 63, (1 << 64) - 1, len(data) // 512, rng.randrange(len(data)))))
        else:
            other = rng.choice(places)
            data[start:start + min(size, other[1])] = data[other[0]:other[0] + min(size, other[1])]
        done.append(f'{at:#x}')
    if sector and rng.random() < 0.7:
        disks.gpt_fix(data, len(data), sector)
        done.append('checksums made right')
    return 'changes at ' + ', '.join(done)
