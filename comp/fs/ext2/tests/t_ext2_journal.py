#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_ext2_journal.py DUMP [NAME...] - journals that were not replayed

debugfs writes transactions; and, where we may mount, Linux does, and a copy is
taken of the image while it is mounted, as if the plug was pulled. Linux then
replays the copy, which has to give what we have shown without touching it.
"""

import os
import random
import re
import shutil
import zlib

import images
from images import block_size, check, debugfs, differences, digest, dump, run, write


def test_journal_debugfs(work, name, options):
    """Transactions of debugfs: a block, its second copy, one revoked."""
    image = work.make(name, options, 32, tree=False)
    size = block_size(image)
    blocks = {}
    for letter in 'abcd':
        path = os.path.join(work.path, 'file')
        write(path, letter.encode() * size)
        debugfs(image, 'write %s file_%s' % (path, letter))
        out = debugfs(image, 'bmap file_%s 0' % letter).stdout
        blocks[letter] = int(re.findall(r'^(\d+)', out, re.MULTILINE)[-1])

    def journal(*words):
        return ['jo'] + list(words) + ['jc']
    new = os.path.join(work.path, 'new')
    commands = []
    for text, letters in ((b'1', 'abc'), (b'2', 'b'), (b'\xc0\x3b\x39\x98', 'd')):
        path = new + letters
        write(path, (text * size)[:size])
        commands += journal('jw -b %s %s' % (','.join(str(blocks[c]) for c in letters), path))
        if len(letters) > 1:
            with open(path, 'wb') as file:
                file.write((text * size)[:size] * len(letters))
    commands += journal('jw -r %d' % blocks['c'])
    out = debugfs(image, *commands)
    features = run('dumpe2fs', '-h', image).stdout
    if 'needs_recovery' not in features:
        check(False, '%s: debugfs made no journal: %s' % (name, out.stderr[-200:]))
        return
    before = digest(image)
    ours, console = dump(image, verbose='1')
    check(digest(image) == before, name + ': the image was changed')
    expected = {'a': b'1', 'b': b'2', 'c': b'c', 'd': b'\xc0\x3b\x39\x98'}
    for letter, text in expected.items():
        word = 'crc=%08x' % zlib.crc32((text * size)[:size])
        check(word in ours.get('/file_' + letter, []), '%s: file_%s is not %s: %s; %s'
              % (name, letter, text, ' '.join(ours.get('/file_' + letter, ['missing'])),
                 console[-200:]))
    ours, _ = dump(image, options='noload')
    for letter in 'abcd':
        word = 'crc=%08x' % zlib.crc32(letter.encode() * size)
        check(word in ours.get('/file_' + letter, []), '%s: noload shows file_%s replayed'
              % (name, letter))


def be_busy(point):
    """Work that leaves copies, revocations and escapes in the journal."""
    rand = random.Random(3)

    def sync(path):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
    os.mkdir(point + '/a')
    for i in range(800):
        write(point + '/a/f%d' % i, b'x%d' % i)
    sync(point + '/a')
    for i in range(0, 800, 2):
        os.unlink(point + '/a/f%d' % i)
    for i in range(30):
        os.mkdir(point + '/d%d' % i)
        for j in range(20):
            write(point + '/d%d/%s%d' % (i, 'n' * 100, j), rand.randbytes(3000))
    sync(point + '/d3')
    for i in range(0, 30, 3):
        shutil.rmtree(point + '/d%d' % i)
    for i in range(20):
        path = point + '/data%d' % i
        write(path, (b'\xc0\x3b\x39\x98' + rand.randbytes(4092)) * 10)
        sync(path)
    for i in range(0, 20, 4):
        os.unlink(point + '/data%d' % i)
    os.setxattr(point + '/data1', 'user.z', b'1' * 500)
    sync(point + '/data1')
    write(point + '/not_committed', b'no')


def test_journal_linux(work, name, options, mkfs):
    """Pull the plug of a mounted file system; Linux replays a copy."""
    image = work.make(name, mkfs, 64, tree=False)
    point = work.mount(image, 'commit=300' + options)
    if point is None:
        print('# skipped %s: Linux does not mount it' % name)
        return
    be_busy(point)
    copy = image + '.copy'
    shutil.copyfile(image, copy)
    work.unmount(point)
    before = digest(copy)
    ours, console = dump(copy, verbose='1')
    check('replayed' in console, name + ': nothing was replayed: ' + console[-200:])
    check(digest(copy) == before, name + ': the image was changed')
    theirs = work.linux(copy)
    if check(theirs is not None, name + ': Linux does not replay it'):
        differences(name, ours, theirs)
    os.unlink(copy)


images.main([
    ('journal_v3', test_journal_debugfs, 'journal_v3', ''),
    ('journal_1k', test_journal_debugfs, 'journal_1k', '-b 1024 -O ^64bit'),
    ('journal_plain', test_journal_debugfs, 'journal_plain', '-O ^metadata_csum,^64bit'),
], [(name, test_journal_linux, name, options, mkfs) for name, options, mkfs in (
    ('crash', '', ''),
    ('crash_1k', '', '-b 1024'),
    ('crash_plain', '', '-O ^metadata_csum'),
    ('crash_csum_v1', ',journal_checksum', '-O ^metadata_csum'),
    ('crash_data', ',data=journal', ''),
    ('crash_data_1k', ',data=journal', '-b 1024 -O ^64bit,^metadata_csum'),
    ('crash_ext3', '', '-t ext3'),
    ('crash_inline', '', '-O inline_data,orphan_file -b 2048'))])
