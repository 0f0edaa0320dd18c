# SPDX-License-Identifier: BSD-2-Clause
"""Images that are spoiled in one way each, and what has to be said of them.

A case is a function (data) that changes the base in its annotation and gives what
`find` has to answer: an exit code, and a pattern for the standard error.
"""

import struct
import zlib

import ext4

EXTENT_MAGIC = 0xf30a
DONE, NOMATCH, IO, BAD, UNSUPPORTED = 0, 1, 3, 4, 5
CASES = {}


def case(base):
    def register(function):
        CASES[function.__name__] = (base, function)
        return function
    return register


def find_inode(fs, kind, test=lambda fs, at: True):
    for ino in range(11, fs.inodes + 1):
        at = fs.inode_at(ino)
        if ext4.le16(fs.data, at) & 0xf000 == kind and test(fs, at):
            return ino
    raise ValueError('no such inode')


def has_depth(fs, at):
    return ext4.le32(fs.data, at + 0x20) & ext4.EXTENTS and ext4.le16(fs.data, at + 0x2e) > 0


def block_of(fs, *kinds):
    return next(b for b, role in fs.roles.items() if role.kind in kinds)


@case('plain')
def extent_index_that_points_to_itself(data):
    fs = ext4.Image(data)
    block = block_of(fs, 'extents')
    struct.pack_into('<HHHH', data, fs.at(block), EXTENT_MAGIC, 1, 84, 1)
    struct.pack_into('<III', data, fs.at(block) + 12, 0, block, 0)
    fs.fix(block)
    return 'sha256', BAD, f'block {block}: extent node: '


@case('plain')
def extent_tree_that_is_too_deep(data):
    fs = ext4.Image(data)
    ino = find_inode(fs, 0x8000, has_depth)
    struct.pack_into('<H', data, fs.inode_at(ino) + 0x2e, 60000)
    fs.fix_inode(ino)
    return 'sha256', BAD, f'inode {ino}: extent node: too deep'


@case('plain')
def index_of_a_directory_that_points_to_its_root(data):
    fs = ext4.Image(data)
    block = block_of(fs, 'htree')
    count = ext4.le16(data, fs.at(block) + 34)
    data[fs.at(block) + 30] = 1     # one level more, which is the root again
    for i in range(count):
        struct.pack_into('<I', data, fs.at(block) + 36 + i * 8, 0)
    fs.fix(block)
    return 'find', (DONE, BAD), ''


@case('plain')
def directory_that_has_its_ancestor_in_it(data):
    fs = ext4.Image(data)
    for block in [b for b, role in fs.roles.items() if role.kind == 'dir' and role.ino > 11]:
        at = fs.at(block)
        if ext4.le32(data, at) == 0:
            continue
        struct.pack_into('<I', data, at + 24, 2)     # what comes after ".."
        fs.fix(block)
    return 'find', (DONE, BAD), ''


@case('ext2')
def all_directories_are_the_root(data):
    fs = ext4.Image(data)
    root = fs.inode_at(2)
    for ino in range(11, fs.inodes + 1):
        at = fs.inode_at(ino)
        if ext4.le16(data, at) & 0xf000 == 0x4000:
            data[at + 0x28:at + 0x64] = data[root + 0x28:root + 0x64]
    return 'find', BAD, 'inode '


@case('ext2')
def block_map_that_names_itself(data):
    fs = ext4.Image(data)
    block = block_of(fs, 'map')
    role = fs.roles[block]
    for i in range(fs.block // 4):
        struct.pack_into('<I', data, fs.at(block) + 4 * i, block)
    at = fs.inode_at(role.ino)
    for slot in (12, 13, 14):
        struct.pack_into('<I', data, at + 0x28 + 4 * slot, block)
    return 'sha256', (DONE, BAD), ''


@case('plain')
def two_files_that_share_their_blocks(data):
    fs = ext4.Image(data)
    files = [ino for ino in range(12, fs.inodes + 1)
             if ext4.le16(data, fs.inode_at(ino)) & 0xf000 == 0x8000]
    first = fs.inode_at(files[0])
    for ino in files[1:]:
        at = fs.inode_at(ino)
        data[at + 0x28:at + 0x64] = data[first + 0x28:first + 0x64]
        fs.fix_inode(ino)
    return 'sha256', DONE, ''


@case('plain')
def symbolic_links_that_lead_to_each_other(data):
    fs = ext4.Image(data)
    ino = find_inode(fs, 0xa000, lambda fs, at: ext4.le32(fs.data, at + 4) < 60)
    at = fs.inode_at(ino)
    struct.pack_into('<I', data, at + 4, 5)
    data[at + 0x28:at + 0x64] = b'short'.ljust(60, b'\0')
    fs.fix_inode(ino)
    return 'cat:/short', NOMATCH, 'symbolic links'


@case('plain')
def superblock_with_two_billion_inodes(data):
    fs = ext4.Image(data)
    struct.pack_into('<I', data, fs.sb, 0x7fffffff)
    fs.fix_super(0, None)
    return 'find', BAD, 'superblock: '


@case('plain')
def superblock_with_more_blocks_than_the_disk(data):
    fs = ext4.Image(data)
    struct.pack_into('<I', data, fs.sb + 4, 0x7fffffff)
    fs.fix_super(0, None)
    return 'find', BAD, 'superblock: '


@case('plain')
def file_of_eight_exbibytes(data):
    fs = ext4.Image(data)
    ino = find_inode(fs, 0x8000, has_depth)
    struct.pack_into('<I', data, fs.inode_at(ino) + 4, 0xffffffff)
    struct.pack_into('<I', data, fs.inode_at(ino) + 0x6c, 0x7fffffff)
    fs.fix_inode(ino)
    return 'find', (DONE, BAD), ''


@case('journal')
def journal_that_is_its_own_first_block(data):
    fs = ext4.Image(data)
    block = block_of(fs, 'journal')
    struct.pack_into('>I', data, fs.at(block) + 0x14, 0)      # its first block
    struct.pack_into('>I', data, fs.at(block) + 0x1c, 0x7fffffff)
    fs.fix(block)
    return 'find', BAD, 'journal'


@case('mbr')
def extended_boot_record_that_leads_to_itself(data):
    start = struct.unpack_from('<I', data, 446 + 2 * 16 + 8)[0] * 512
    struct.pack_into('<BxxxBxxxII', data, start + 446 + 16, 0, 5, 0, 64)
    return 'info', (DONE, BAD), ''


@case('mbr')
def partitions_that_overlap(data):
    for i in range(4):
        struct.pack_into('<BxxxBxxxII', data, 446 + 16 * i, 0, 0x83, 64, len(data) // 512 - 64)
    return 'info', DONE, ''


@case('gpt512')
def partition_table_with_four_billion_entries(data):
    for at in (512, len(data) - 512):
        struct.pack_into('<I', data, at + 80, 0xffffffff)
    for at in (512, len(data) - 512):
        data[at + 16:at + 20] = bytes(4)
        data[at + 16:at + 20] = struct.pack('<I', zlib.crc32(data[at:at + 92]))
    return 'info', (DONE, BAD), 'GPT'


@case('plain')
def directory_without_entries(_data):
    return 'ls:/lost+found', DONE, '^$'


@case('plain')
def journal_in_the_place_of_a_file_system(data):
    fs = ext4.Image(data)
    data[fs.sb + 0x60] |= 8
    fs.fix_super(0, None)
    return 'find', UNSUPPORTED, 'no file system that can be mounted: jbd, unsupported: journal_dev'
