#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_rumpus_hostile.py RUMPUS [CASE...] - images that mean harm

What rumpus(1) copies from them stays where it was told to go, and nothing
that the image says makes it crash or run for ever.
"""

import os
import random
import shutil

import rig
from rig import MB, check, check_eq, debugfs, good, read, rumpus, write

CRASHES = range(-64, 0)


def plain(top='src', megabytes=4):
    """No check sums, so that patched bytes are believed."""
    return rig.ext4('img', '-d', top, '-O', '^metadata_csum,^has_journal', '-b', '1024',
                    megabytes=megabytes)


def rename_bytes(old, new):
    """Renames in the directory blocks themselves, behind the back of everybody."""
    img = read('img')
    check(old in img and len(old) == len(new), '%r is not in the image' % old)
    write('img', img.replace(old, new))


def fenced(*words):
    """A copy to inside/out, and all that exists elsewhere afterwards."""
    os.makedirs('inside', exist_ok=True)
    before = snapshot()
    result = rumpus(*words, 'inside/out', umask=0o022)
    check(result.returncode not in CRASHES, '%s died: %d' % (words, result.returncode))
    check_eq('outside after %s' % (words,), before, snapshot())
    return result


def snapshot():
    found = {}
    for folder, dirs, files in os.walk('.'):
        if folder == './inside':
            dirs[:] = []
            continue
        for name in dirs + files:
            path = os.path.join(folder, name)
            st = os.lstat(path)
            found[path] = (st.st_mode, st.st_size, st.st_mtime_ns, st.st_nlink)
    found.pop('./inside', None)
    return found


def names_cannot_climb():
    os.mkdir('src')
    for number in range(3):
        write('src/evil%d' % number, b'evil')
    os.mkdir('src/up_dir')
    write('src/up_dir/x', b'evil')
    plain()
    for old, new in ((b'evil0', b'../e0'), (b'evil1', b'/tmp1'), (b'evil2', b'e\x00il2'),
                     (b'up_dir', b'../upd')):
        rename_bytes(old, new)
    for option in ('-a', '-r'):
        result = fenced('cp', option, 'img:/')
        check(result.returncode != 0 and result.stderr, 'nothing was said: %r' % (result,))
        shutil.rmtree('inside', ignore_errors=True)
    for words in (['tar', 'img'], ['ls', '-R', 'img'], ['find', 'img']):
        result = rumpus(*words)
        check(result.returncode not in CRASHES, '%s died' % words)
        check(b'../e0' not in result.stdout and b'../upd' not in result.stdout,
              '%s shows it: %.200r' % (words, result.stdout))


def dot_dot_twice_cannot_climb():
    """A second entry called ".." and one called ".", which lead elsewhere."""
    os.makedirs('src/sub')
    write('src/xx', b'evil')
    write('src/sub/y', b'evil')
    plain()
    rename_bytes(b'xx', b'..')
    rename_bytes(b'y', b'.')
    fenced('cp', '-a', 'img:/')


def a_link_and_a_directory_of_one_name():
    """The link comes first; what is in the directory must not go through it."""
    os.mkdir('src')
    os.symlink('../../target', 'src/aaa')
    os.mkdir('src/bbb')
    write('src/bbb/file', b'evil')
    write('src/bbb/ccc', b'evil')
    plain()
    rename_bytes(b'bbb', b'aaa')
    os.mkdir('target')
    fenced('cp', '-a', 'img:/')
    check_eq('the target', [], os.listdir('target'))
    shutil.rmtree('inside')
    os.mkdir('two')
    os.chdir('two')
    os.mkdir('src')
    os.symlink('../../target', 'src/ccc')
    write('src/ddd', b'evil')
    plain()
    rename_bytes(b'ddd', b'ccc')
    write('target', b'precious')
    fenced('cp', '-a', 'img:/')
    check_eq('the target', b'precious', read('target'))


def a_hard_link_to_what_became_a_link():
    """One inode under two names, of which the first is taken by a link."""
    os.mkdir('src')
    write('src/aaa', b'evil')
    os.symlink('../../target', 'src/bbb')
    os.link('src/aaa', 'src/zzz')
    plain()
    rename_bytes(b'bbb', b'aaa')
    write('target', b'precious')
    fenced('cp', '-a', 'img:/')
    check_eq('the target', b'precious', read('target'))


def links_are_not_followed_in_the_destination():
    """As before, with a destination that was prepared by somebody."""
    os.makedirs('src/d/e')
    write('src/d/e/file', b'evil')
    write('src/file', b'evil')
    plain()
    os.makedirs('inside/out/src')
    os.mkdir('target')
    write('precious', b'precious')
    os.symlink('../../target', 'inside/out/d')
    os.symlink('../../precious', 'inside/out/file')
    result = fenced('cp', '-a', 'img:/d', 'img:/file')
    check(result.returncode != 0, 'nothing was said')
    check_eq('replaced', b'evil', read('inside/out/file'))


def links_do_not_leave_the_image():
    os.makedirs('src/etc')
    write('src/etc/passwd', b'of the image')
    write('secret', b'of the host')
    os.symlink('/etc/passwd', 'src/absolute')
    os.symlink('../../../../etc/passwd', 'src/relative')
    os.symlink(os.path.abspath('secret'), 'src/host')
    os.symlink('/dev/img', 'src/device')
    os.symlink('b', 'src/a')
    os.symlink('a', 'src/b')
    plain()
    for name in ('absolute', 'relative', '/../../etc/passwd'):
        check_eq(name, b'of the image', good('cat', 'img:/' + name))
        good('cp', 'img:/' + name, 'copy')
        check_eq('cp ' + name, b'of the image', read('copy'))
    for name in ('host', 'device', 'a'):
        check_eq(name, (1, b''), (rumpus('cat', 'img:/' + name).returncode,
                                  rumpus('cat', 'img:/' + name).stdout))


def a_directory_within_itself_ends():
    os.makedirs('src/a/b')
    plain()
    debugfs('img', 'link a a/b/again', 'link / a/root')
    for words in (['find', 'img'], ['du', 'img'], ['tree', 'img'], ['tar', 'img']):
        result = rumpus(*words)
        check_eq('code of %s' % words, 4, result.returncode)
        check(b'img:/a/b/again' in result.stderr and b'needs cleaning' in result.stderr, '%s: %r' % (words, result.stderr))
        check(len(result.stdout) < 20000, '%s went round' % words)
    check_eq('ls -R', 4, rumpus('ls', '-R', 'img').returncode)
    fenced('cp', '-a', 'img:/')


def sizes_that_lie_do_not_fill_the_disk():
    """A file of 2^43 bytes in an image of 4 MiB is all hole when it is copied."""
    os.mkdir('src')
    write('src/file', b'x' * 5000)
    plain()
    debugfs('img', 'sif file size 0x3ffffffffff')
    result = fenced('cp', '-a', 'img:/')
    check(result.returncode in (0, 3, 4, 6), 'code %d' % result.returncode)
    if os.path.exists('inside/out/file'):
        check(os.lstat('inside/out/file').st_blocks * 512 < MB, 'it was filled')


def noise_is_survived():
    """Bytes changed all over: any answer will do, but an answer."""
    os.makedirs('src/a/b/c')
    for number in range(20):
        write('src/a/f%d' % number, b'%d' % number * 3000)
        os.symlink('f%d' % number, 'src/a/l%d' % number)
    plain(megabytes=1)
    whole = read('img')
    for seed in range(12):
        rand = random.Random(seed)
        img = bytearray(whole)
        for _ in range(1 << seed % 8):
            at = rand.choice([rand.randrange(1024, 2048), rand.randrange(2048, 40960),
                              rand.randrange(len(img))])
            img[at] = rand.randrange(256)
        write('img', bytes(img))
        for words in (['info', 'img'], ['tar', 'img'], ['stat', 'img:/a/l1'], ['ls', '-lR', 'img']):
            result = rumpus(*words)
            check(0 <= result.returncode <= 7, 'seed %d: %s: %d' % (seed, words, result.returncode))
        fenced('cp', '-a', 'img:/')
        shutil.rmtree('inside', ignore_errors=True)


rig.main([
    names_cannot_climb, dot_dot_twice_cannot_climb, a_link_and_a_directory_of_one_name,
    a_hard_link_to_what_became_a_link, links_are_not_followed_in_the_destination,
    links_do_not_leave_the_image, a_directory_within_itself_ends,
    sizes_that_lie_do_not_fill_the_disk, noise_is_survived,
])
