#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_ext2_odd.py DUMP [NAME...] - what mkfs.ext4 does not make

Times of all ages, features that are refused, files that are, damage.
"""

import os
import re
import zlib

import images
from images import block_size, check, debugfs, differences, dump, run, write


def test_times(work):
    """mke2fs -d has no nanoseconds and 32 bits; Linux and debugfs have more."""
    image = work.make('times', '', 16, tree=False)
    write(os.path.join(work.path, 'file'), b'x')
    want = {}
    commands = []
    for number, (sec, nsec) in enumerate([
            (0, 1), (-1, 0), (-2**31, 999999999), (2**31 - 1, 5), (2**31, 123456789),
            (2**32 - 1, 0), (2**32, 1), (7258118400, 7), (15032385535, 999999999)]):
        extra = (nsec << 2) | ((sec - ((sec + 2**31) % 2**32 - 2**31)) >> 32) & 3
        commands += ['write %s/file f%d' % (work.path, number),
                     'sif f%d mtime @0x%x' % (number, sec & 0xffffffff),
                     'sif f%d mtime_extra 0x%x' % (number, extra)]
        want['/f%d' % number] = 'mtime=%d.%09d' % (sec, nsec)
    debugfs(image, *commands)
    ours, _ = dump(image)
    for path, word in want.items():
        check(word in ours.get(path, []), 'times: %s is not %s but %s'
              % (path, word, ' '.join(ours.get(path, ['missing']))[:200]))


def test_refusals(work):
    for name, field, bit, word in (
            ('compression', 'feature_incompat', 0x1, 'compression'),
            ('future', 'feature_incompat', 0x80000000, 'FEATURE_I31')):
        image = work.make(name, '', 16, tree=False)
        out = run('dumpe2fs', '-h', image).stdout
        check('Filesystem features' in out, name)
        with open(image, 'r+b') as file:
            file.seek(1024 + 0x60)
            bits = int.from_bytes(file.read(4), 'little') | bit
            file.seek(1024 + 0x60)
            file.write(bits.to_bytes(4, 'little'))
        ours, console = dump(image)
        check(ours == {'mount': ['error.mount=95']}, '%s: %s %s' % (name, field, ours))
        check(word in console, '%s is not named: %s' % (name, console))


def test_single_files(work):
    image = work.make('single', '-O encrypt,verity,casefold', 16, tree=False)
    write(os.path.join(work.path, 'file'), b'secret')
    debugfs(image, 'write %s/file plain' % work.path, 'write %s/file encrypted' % work.path,
            'write %s/file verity' % work.path, 'mkdir dir', 'write %s/file dir/x' % work.path,
            'sif encrypted flags 0x80800', 'sif verity flags 0x180000', 'sif dir flags 0x80800')
    ours, console = dump(image)
    check('crc=%08x' % zlib.crc32(b'secret') in ours['/plain'], 'the plain file')
    check('error.open=126' in ours['/encrypted'], 'encrypted: %s' % ours['/encrypted'])
    check('size=6' in ours['/encrypted'], 'attributes of the encrypted file')
    check('error.open=95' in ours['/verity'], 'verity: %s' % ours['/verity'])
    check(not any(p.startswith('/dir/') for p in ours), 'an encrypted directory was listed')
    check('encrypted' in console and 'fs-verity' in console, 'the console: ' + console)


def test_lost_superblock(work):
    image = work.make('lost', '-b 1024', 32)
    whole, _ = dump(image)
    with open(image, 'r+b') as file:
        file.seek(1024)
        file.write(bytes(1024))
    ours, console = dump(image)
    check(ours == {'mount': ['error.mount=22']}, 'lost: %s' % ours)
    hint = re.search(r'sb=(\d+)', console)
    if check(hint is not None, 'no hint at a copy: ' + console):
        ours, console = dump(image, options=hint.group(0))
        differences('lost', ours, whole)


def test_damage(work):
    """Each structure broken: an error, and one line that names it."""
    cases = [
        ('inode', 'imap /hello', '(?:block|located at block) (\\d+)', 0x200),
        ('directory block', 'bmap / 0', r'^(\d+)$', 100),
    ]
    for what, command, pattern, offset in cases:
        image = work.make('damage', '-I 1024', 96)
        size = block_size(image)
        out = debugfs(image, command).stdout
        found = re.findall(pattern, out, re.MULTILINE)
        if not check(found, 'debugfs said: ' + out[-200:]):
            continue
        with open(image, 'r+b') as file:
            file.seek(int(found[-1]) * size + offset)
            byte = file.read(1)[0]
            file.seek(int(found[-1]) * size + offset)
            file.write(bytes([byte ^ 1]))
        ours, console = dump(image)
        text = ' '.join(w for words in ours.values() for w in words)
        check('=117' in text, 'no EUCLEAN for a broken %s' % what)
        check(re.search(r'ext4: image: inode \d+, block %s: %s: wrong checksum'
                        % (found[-1], what), console), 'no line for %s: %s' % (what, console))


def test_options(work):
    image = work.make('options', '', 16, tree=False)
    for options, want in (('ro,errors=remount-ro,data=ordered,acl', None), ('', None),
                          ('nonsense', 22), ('sb=x', 22), ('ro,,noload', None),
                          ('sb=99999999999999999999', 22), ('sb=18014398509481983', 22),
                          ('x' * 100, 22)):
        ours, _ = dump(image, options=options)
        got = ours.get('mount')
        check(got == (want and ['error.mount=%d' % want]), 'options %s: %s' % (options, got))


def test_truncated(work):
    """The part that is there is read, the rest is an error."""
    image = work.make('truncated', '', 96)
    whole, _ = dump(image)
    for mib in (60, 20, 5, 1):
        os.truncate(image, mib << 20)
        ours, console = dump(image)
        check('the device ends' in console, 'truncated to %d: %s' % (mib, console[-200:]))
        text = ' '.join(w for words in ours.values() for w in words)
        if ours.get('mount') is None:
            check(any(ours.get(path) == words for path, words in whole.items()),
                  'truncated to %d: nothing was read' % mib)
        check(ours == whole or 'cannot be read' in console or '=117' in text,
              'truncated to %d: no error' % mib)
    os.truncate(image, 1500)
    ours, console = dump(image)
    check(ours == {'mount': ['error.mount=22']}, 'truncated to 1500: %s' % ours)


def all_found(name, ours, console, count):
    """An index that was not followed rightly would lose names."""
    lost = [path for path, words in ours.items() if any(w.startswith('error.') for w in words)]
    check(not lost, '%s: %d names are lost, %s' % (name, len(lost), lost[:3]))
    check(len(ours) >= count, '%s: %d of %d names' % (name, len(ours), count))
    check('ext4' not in console, '%s: %s' % (name, console))


def test_unsigned_hash(work):
    """A directory that was indexed where char is unsigned."""
    names = os.path.join(work.path, 'names', 'many')
    os.makedirs(names)
    for i in range(500):
        write(os.fsencode('%s/\u00e9t\u00e9-%04d-\u65e5\u672c' % (names, i)), b'')
    image = work.image('unsigned')
    with open(image, 'wb') as file:
        file.truncate(16 << 20)
    run('mkfs.ext4', '-q', '-F', '-b', '1024', '-d', os.path.dirname(names), image)
    debugfs(image, 'set_super_value flags 2')
    run('e2fsck', '-fyD', image)
    check('Indirect levels' in debugfs(image, 'htree /many').stdout, 'it has no index')
    ours, console = dump(image)
    all_found('unsigned', ours, console, 500)


def test_three_levels(work):
    """large_dir: only Linux makes indexes that deep."""
    image = work.make('levels', '-b 1024 -O large_dir,^has_journal -N 60000', 256, tree=False)
    point = work.mount(image, 'rw')
    if point is None:
        print('# skipped: Linux does not mount it')
        return
    os.mkdir(point + '/d')
    for i in range(50000):
        write('%s/d/%06d%s' % (point, i, 'n' * 240), b'')
    work.unmount(point)
    levels = re.search(r'Indirect levels: (\d)', debugfs(image, 'htree /d').stdout)
    check(levels and levels.group(1) == '2', 'its index is not of three levels')
    ours, console = dump(image)
    all_found('levels', ours, console, 50000)


images.main([
    ('times', test_times),
    ('refusals', test_refusals),
    ('single_files', test_single_files),
    ('lost_superblock', test_lost_superblock),
    ('damage', test_damage),
    ('options', test_options),
    ('truncated', test_truncated),
    ('unsigned_hash', test_unsigned_hash),
], [
    ('three_levels', test_three_levels),
])
