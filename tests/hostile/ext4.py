# SPDX-License-Identifier: BSD-2-Clause
"""ext4.py - which structure lies where in a sound ext2/3/4 image, and its checksum

Image finds the role of each block once, while the image is sound; fix() makes
the checksums of a block right again after something in it was changed, so that a
lie gets past them.

Reference: "ext4 Data Structures and Algorithms", of Linux's documentation.
"""

import struct

MAGIC = 0xef53
EXTENTS = 0x80000
INDEX = 0x1000
INLINE = 0x10000000
COMPAT_JOURNAL = 0x4
INCOMPAT_META_BG = 0x10
INCOMPAT_64BIT = 0x80
INCOMPAT_CSUM_SEED = 0x2000
ROCOMPAT_GDT_CSUM = 0x10
ROCOMPAT_CSUM = 0x400
JOURNAL_MAGIC = 0xc03b3998


def make_table():
    table = []
    for i in range(256):
        for _ in range(8):
            i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
        table.append(i)
    return table


TABLE = make_table()


def crc32c(crc, data):
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc


def crc16(crc, data):
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xa001 if crc & 1 else 0)
    return crc


def le16(data, at):
    return struct.unpack_from('<H', data, at)[0]


def le32(data, at):
    return struct.unpack_from('<I', data, at)[0]


def be32(data, at):
    return struct.unpack_from('>I', data, at)[0]


class Role:
    """kind: super, groups, inodes, dir, htree, extents, map, xattr, journal, data"""

    def __init__(self, kind, ino=0, generation=0):
        self.kind, self.ino, self.generation = kind, ino, generation


class Image:
    def __init__(self, data, base=0):
        """data: a bytearray; the file system begins at base."""
        self.data, self.base = data, base
        sb = self.sb = base + 1024
        if le16(data, sb + 0x38) != MAGIC:
            raise ValueError('no ext4')
        self.block = 1024 << le32(data, sb + 0x18)
        self.first = le32(data, sb + 0x14)
        self.inodes = le32(data, sb)
        self.blocks = le32(data, sb + 4)
        self.bpg, self.ipg = le32(data, sb + 0x20), le32(data, sb + 0x28)
        self.compat, self.incompat, self.rocompat = struct.unpack_from('<3I', data, sb + 0x5c)
        dynamic = le32(data, sb + 0x4c) >= 1
        self.isize = le16(data, sb + 0x58) if dynamic else 128
        self.desc = le16(data, sb + 0xfe) if self.incompat & INCOMPAT_64BIT else 32
        self.groups = (self.blocks - self.first + self.bpg - 1) // self.bpg
        self.csum = bool(self.rocompat & ROCOMPAT_CSUM)
        self.seed = le32(data, sb + 0x270) if self.incompat & INCOMPAT_CSUM_SEED else \
            crc32c(0xffffffff, data[sb + 0x68:sb + 0x78])
        self.roles = {}
        self.tables = [self.table(group) for group in range(self.groups)]
        self.find_roles()

    def at(self, block):
        return self.base + block * self.block

    def bytes(self, block):
        return self.data[self.at(block):self.at(block) + self.block]

    def desc_at(self, group):
        per = self.block // self.desc
        if self.incompat & INCOMPAT_META_BG:
            first = group // per * per
            block = self.first + first * self.bpg + self.has_super(first)
        else:
            block = self.first + 1 + group // per
        return self.at(block) + group % per * self.desc

    def has_super(self, group):
        if not self.rocompat & 1 or group <= 1:
            return 1
        return int(any(group == n ** e for n in (3, 5, 7) for e in range(1, 20)))

    def table(self, group):
        return le32(self.data, self.desc_at(group) + 8)

    def inode_at(self, ino):
        group, index = divmod(ino - 1, self.ipg)
        return self.at(self.tables[group]) + index * self.isize

    # --- where things are

    def find_roles(self):
        self.roles[1024 // self.block] = Role('super')
        for group in range(self.groups):
            self.roles[(self.desc_at(group) - self.base) // self.block] = Role('groups')
        for ino in range(1, self.inodes + 1):
            at = self.inode_at(ino)
            if le16(self.data, at) == 0 or le16(self.data, at + 0x1a) == 0:
                continue
            self.roles.setdefault((at - self.base) // self.block, Role('inodes'))
            self.find_of_inode(ino, at)

    def find_of_inode(self, ino, at):
        mode, flags = le16(self.data, at) & 0xf000, le32(self.data, at + 0x20)
        generation = le32(self.data, at + 0x64)
        acl = le32(self.data, at + 0x68)
        if acl:
            self.roles[acl] = Role('xattr')
        if flags & INLINE or mode not in (0x4000, 0x8000, 0xa000):
            return
        if mode == 0xa000 and not flags & EXTENTS and le32(self.data, at + 4) < 60:
            return
        if flags & EXTENTS:
            data = list(self.extents(self.data[at + 0x28:at + 0x64], ino, generation))
        else:
            data = list(self.mapped(at, ino, generation))
        for lblk, block in data:
            kind = 'data'
            if mode == 0x4000:
                kind = 'htree' if flags & INDEX and self.is_htree(lblk, block) else 'dir'
            elif ino == 8 and self.compat & COMPAT_JOURNAL:
                kind = 'journal'
            self.roles[block] = Role(kind, ino, generation)

    def extents(self, node, ino, generation):
        count, depth = le16(node, 2), le16(node, 6)
        for i in range(count):
            entry = node[12 + i * 12:24 + i * 12]
            if depth == 0:
                length = le16(entry, 4)
                length -= 32768 if length > 32768 else 0
                for k in range(length):
                    yield le32(entry, 0) + k, le32(entry, 8) + k
            else:
                child = le32(entry, 4)
                self.roles[child] = Role('extents', ino, generation)
                yield from self.extents(self.bytes(child), ino, generation)

    def mapped(self, at, ino, generation):
        slots = struct.unpack_from('<15I', self.data, at + 0x28)
        per = self.block // 4
        for lblk, block in enumerate(slots[:12]):
            if block:
                yield lblk, block
        start = 12
        for depth in (1, 2, 3):
            if slots[11 + depth]:
                yield from self.indirect(slots[11 + depth], depth, start, ino, generation)
            start += per ** depth

    def indirect(self, table, depth, start, ino, generation):
        self.roles[table] = Role('map', ino, generation)
        per = self.block // 4
        for i, block in enumerate(struct.unpack(f'<{per}I', self.bytes(table))):
            if block and depth == 1:
                yield start + i, block
            elif block:
                yield from self.indirect(block, depth - 1, start + i * per ** (depth - 1), ino,
                                         generation)

    def is_htree(self, lblk, block):
        raw = self.bytes(block)
        return lblk == 0 or (le32(raw, 0) == 0 and le16(raw, 4) == self.block)

    # --- checksums

    def put32(self, at, value):
        struct.pack_into('<I', self.data, at, value)

    def fix(self, block):
        """Makes the checksums in this block right."""
        role = self.roles.get(block)
        if role is not None:
            getattr(self, 'fix_' + role.kind)(block, role)

    def fix_data(self, block, role):
        pass

    fix_map = fix_data

    def fix_super(self, _block, _role):
        if self.csum:
            self.put32(self.sb + 0x3fc, crc32c(0xffffffff, self.data[self.sb:self.sb + 0x3fc]))

    def fix_groups(self, block, _role):
        for group in range(self.groups):
            at = self.desc_at(group)
            if (at - self.base) // self.block != block:
                continue
            number = struct.pack('<I', group)
            raw = self.data[at:at + self.desc]
            if self.csum:
                raw[0x1e:0x20] = bytes(2)
                value = crc32c(crc32c(self.seed, number), raw) & 0xffff
            elif self.rocompat & ROCOMPAT_GDT_CSUM:
                value = crc16(0xffff, self.data[self.sb + 0x68:self.sb + 0x78] + number +
                              raw[:0x1e] + raw[0x20:])
            else:
                return
            struct.pack_into('<H', self.data, at + 0x1e, value)

    def inode_seed(self, ino, generation):
        return crc32c(self.seed, struct.pack('<II', ino, generation))

    def fix_inodes(self, block, _role):
        if not self.csum:
            return
        for ino in range(1, self.inodes + 1):
            at = self.inode_at(ino)
            if (at - self.base) // self.block == block and le16(self.data, at) != 0:
                self.fix_inode(ino)

    def fix_inode(self, ino):
        at = self.inode_at(ino)
        raw = self.data[at:at + self.isize]
        wide = self.isize > 128 and le16(raw, 0x80) >= 4
        raw[0x7c:0x7e] = bytes(2)
        if wide:
            raw[0x82:0x84] = bytes(2)
        value = crc32c(self.inode_seed(ino, le32(raw, 0x64)), raw)
        struct.pack_into('<H', self.data, at + 0x7c, value & 0xffff)
        if wide:
            struct.pack_into('<H', self.data, at + 0x82, value >> 16)

    def fix_dir(self, block, role):
        if self.csum:
            raw = self.bytes(block)[:self.block - 12]
            self.put32(self.at(block) + self.block - 4,
                       crc32c(self.inode_seed(role.ino, role.generation), raw))

    def fix_htree(self, block, role):
        raw = self.bytes(block)
        start = 8 if le16(raw, 4) == self.block else 24 + raw[29]
        limit, count = le16(raw, start), le16(raw, start + 2)
        tail = start + limit * 8
        if self.csum and tail + 8 <= self.block and count <= limit:
            value = crc32c(self.inode_seed(role.ino, role.generation), raw[:start + count * 8])
            self.put32(self.at(block) + tail + 4,
                       crc32c(value, raw[tail:tail + 4] + bytes(4)))

    def fix_extents(self, block, role):
        raw = self.bytes(block)
        tail = 12 + le16(raw, 4) * 12
        if self.csum and tail + 4 <= self.block:
            self.put32(self.at(block) + tail,
                       crc32c(self.inode_seed(role.ino, role.generation), raw[:tail]))

    def fix_xattr(self, block, _role):
        if self.csum:
            raw = self.bytes(block)
            raw[16:20] = bytes(4)
            self.put32(self.at(block) + 16, crc32c(crc32c(self.seed, struct.pack('<Q', block)), raw))

    def fix_journal(self, block, _role):
        raw = self.bytes(block)
        if be32(raw, 0) != JOURNAL_MAGIC:
            return
        kind, at = be32(raw, 4), self.at(block)
        if kind in (3, 4):
            raw[0xfc:0x100] = bytes(4)
            if kind == 4 and be32(raw, 0x28) & 0x18:
                struct.pack_into('>I', self.data, at + 0xfc, crc32c(0xffffffff, raw[:1024]))
            return
        seed = self.journal_seed()
        if seed is None:
            return
        if kind in (1, 5):
            value = crc32c(seed, raw[:-4] + bytes(4))
            struct.pack_into('>I', self.data, at + self.block - 4, value)
        elif kind == 2:
            raw[16:20] = bytes(4)
            struct.pack_into('>I', self.data, at + 16, crc32c(seed, raw))

    def journal_seed(self):
        for block, role in self.roles.items():
            raw = self.bytes(block)
            if role.kind == 'journal' and be32(raw, 0) == JOURNAL_MAGIC and be32(raw, 4) == 4:
                return crc32c(0xffffffff, raw[0x30:0x40]) if be32(raw, 0x28) & 0x18 else None
        return None
