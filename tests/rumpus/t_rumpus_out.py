#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_rumpus_out.py RUMPUS [CASE...] - what rumpus cp and rumpus tar take out

Copies and archives are compared with the tree that the image was made of.
"""

import io
import os
import stat
import tarfile

import rig
import tree
from rig import check, check_eq, good, read, refused, rumpus, tool, write


def both():
    top = tree.make()
    return top, tree.image('img', top)


def compare(want, got, keep, setid):
    """One file and its copy; keep: modes and times are to be the same, setid: those bits too."""
    a, b = os.lstat(want), os.lstat(got)
    if not check_eq('type of %r' % got, stat.S_IFMT(a.st_mode), stat.S_IFMT(b.st_mode)):
        return
    if stat.S_ISREG(a.st_mode):
        check(read(want) == read(got), 'content of %r' % got)
    if stat.S_ISLNK(a.st_mode):
        check_eq('target', os.readlink(want), os.readlink(got))
        return
    if keep:
        mode = stat.S_IMODE(a.st_mode)
        if not setid:
            mode &= ~(stat.S_ISUID | stat.S_ISGID)
        check_eq('mode of %r' % got, oct(mode), oct(stat.S_IMODE(b.st_mode)))
        # mke2fs -d keeps times to the second, and access times not at all.
        check_eq('mtime of %r' % got, a.st_mtime_ns // 10**9, b.st_mtime_ns // 10**9)


def compare_trees(top, copy, keep=True, setid=rig.ROOT):
    check_eq('names', tree.paths(top), [p for p in tree.paths(copy) if p != b'/lost+found'])
    for path in tree.paths(top):
        if os.path.lexists(os.fsencode(copy) + path):
            compare(os.fsencode(top) + path, os.fsencode(copy) + path, keep, setid)


def cp_a_keeps_all():
    top, img = both()
    good('cp', '-a', img + ':/', 'out')
    compare_trees(top, 'out')
    check_eq('hard links', os.stat('out/hello').st_ino, os.stat('out/d/hello too').st_ino)
    check_eq('owner', os.getuid(), os.stat('out/hello').st_uid)


def cp_a_keeps_holes():
    top, img = both()
    good('cp', '-a', img + ':/sparse', 'copy')
    check(read('copy') == read(top + '/sparse'), 'content')
    check_eq('size', 5 << 20, os.stat('copy').st_size)
    with open(top + '/sparse', 'rb') as file:
        try:
            holes = os.lseek(file.fileno(), 0, os.SEEK_HOLE) < 5 << 20
        except OSError:
            holes = False
    if not holes:
        raise rig.Skip('no holes on this host')
    check(os.stat('copy').st_blocks * 512 < 200000, 'blocks: %d' % os.stat('copy').st_blocks)


def cp_a_keeps_xattrs():
    _, img = both()
    write('probe')
    try:
        os.setxattr('probe', 'user.x', b'1')
    except OSError as error:
        raise rig.Skip('no xattrs here: %s' % error) from error
    good('cp', '-a', img + ':/', 'out')
    for name in ('out/hello', 'out/d'):
        found = {os.fsencode(k): os.getxattr(name, k) for k in os.listxattr(name)
                 if k.startswith('user.')}
        check_eq(name, tree.XATTRS, found)


def cp_a_keeps_nodes_and_owners_as_root():
    if not rig.ROOT:
        raise rig.Skip('not root')
    os.mkdir('src')
    os.mknod('src/chr', 0o20640, os.makedev(7, 3000))
    write('src/owned')
    os.chown('src/owned', 1234, 70000)
    os.symlink('x', 'src/link')
    os.chown('src/link', 7, 8, follow_symlinks=False)
    os.chmod('src/owned', 0o6711)
    rig.ext4('img', '-d', 'src')
    good('cp', '-a', 'img:/', 'out')
    st = os.stat('out/owned')
    check_eq('owned', (1234, 70000, 0o6711), (st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)))
    st = os.lstat('out/link')
    check_eq('link', (7, 8), (st.st_uid, st.st_gid))
    st = os.lstat('out/chr')
    check_eq('node', (os.makedev(7, 3000), 0o20640), (st.st_rdev, st.st_mode))


def cp_r_copies_what_is_there():
    top, img = both()
    os.umask(0o077)
    try:
        good('cp', '-r', img + ':/d', 'out')
    finally:
        os.umask(0o022)
    compare_trees(top + '/d', 'out', keep=False)
    check_eq('less the umask', 0o700, stat.S_IMODE(os.stat('out/one').st_mode))
    check(os.stat('out/one').st_mtime > 1400000000, 'its time is now')
    check(os.stat('out/hello too').st_nlink == 1, 'a link without -a')


def cp_p_keeps_mode_and_times():
    top, img = both()
    good('cp', '-p', img + ':/hello', img + ':/random', '.')
    compare(top + '/hello', 'hello', True, rig.ROOT)
    compare(top + '/random', 'random', True, rig.ROOT)


def cp_chooses_names_as_cp_does():
    _, img = both()
    os.mkdir('into')
    good('cp', img + ':/hello', 'into')
    check_eq('into a directory', b'hello\n', read('into/hello'))
    good('cp', img + ':/hello', 'into/other')
    check_eq('a new name', b'hello\n', read('into/other'))
    good('cp', '-r', img + ':/d/e', 'into')
    check_eq('a directory into one', 70000, os.stat('into/e/two').st_size)
    os.mkdir('up')
    good('cp', '-r', img + ':/d/e/..', 'up')
    check_eq('dot dot', 1000, os.stat('up/one').st_size)
    good('cp', '-r', img, 'into')
    check_eq('the root', b'h', read('into/.hidden'))
    good('cp', '-r', img + ':/d/', 'slash')
    check_eq('a slash', 1000, os.stat('slash/one').st_size)
    refused(2, 'directory', 'cp', img + ':/hello', img + ':/random', 'nowhere')
    refused(1, 'nowhere', 'cp', img + ':/hello', 'nowhere/at/all')
    refused(2, 'without -r', 'cp', img + ':/d', 'some')
    check(not os.path.exists('some'), 'a directory without -r')
    refused(1, '/none', 'cp', img + ':/none', 'into')


def cp_follows_a_link_that_is_named():
    """As cp(1) does, unless it is to recurse or to keep links."""
    top, img = both()
    good('cp', img + ':/link', 'copy')
    check(not os.path.islink('copy') and read('copy') == read(top + '/d/e/two'), 'plain')
    good('cp', '-a', img + ':/link', 'same')
    check_eq('-a', 'd/e/two', os.readlink('same'))


def cp_replaces_and_writes_through_nothing():
    _, img = both()
    write('precious', b'precious')
    os.symlink('precious', 'copy')
    good('cp', img + ':/hello', 'copy')
    check_eq('the copy', (False, b'hello\n'), (os.path.islink('copy'), read('copy')))
    check_eq('what the link led to', b'precious', read('precious'))
    os.mkdir('out')
    os.mkdir('away')
    os.symlink('../away', 'out/d')
    check(rumpus('cp', '-r', img + ':/d', 'out').returncode != 0, 'a link for a directory')
    check_eq('away', [], os.listdir('away'))


# --- tar ----------------------------------------------------------------------

def tar_holds_the_tree():
    top, img = both()
    out = good('tar', img)
    os.mkdir('out')
    write('all.tar', out)
    tool('tar', '-xpf', 'all.tar', '-C', 'out')
    compare_trees(top, 'out', setid=True)
    check_eq('hard links', os.stat('out/hello').st_ino, os.stat('out/d/hello too').st_ino)
    with tarfile.open(fileobj=io.BytesIO(out)) as archive:
        first = archive.getmember('hello')
        check_eq('owner', (os.lstat(top + '/hello').st_uid, 0o640, 1100000000),
                 (first.uid, first.mode & 0o7777, first.mtime))
        check('SCHILY.xattr.user.colour' in first.pax_headers, 'xattrs: %s' % first.pax_headers)


def tar_writes_to_a_file():
    _, img = both()
    good('tar', '-f', 'd.tar', img + ':/d/e')
    with tarfile.open('d.tar') as archive:
        check_eq('names', {'.', 'f', 'f/three', 'two'}, set(archive.getnames()))
    check(len(read('d.tar')) % 512 == 0, 'whole blocks')
    check_eq('one file', b'hello\n', tarfile.open(fileobj=io.BytesIO(
        good('tar', img + ':/hello'))).extractfile('hello').read())


def tar_keeps_holes():
    _, img = both()
    out = good('tar', img + ':/sparse')
    check(len(out) < 100000, 'an archive of %d bytes' % len(out))


rig.main([
    cp_a_keeps_all, cp_a_keeps_holes, cp_a_keeps_xattrs, cp_a_keeps_nodes_and_owners_as_root,
    cp_r_copies_what_is_there, cp_p_keeps_mode_and_times, cp_chooses_names_as_cp_does,
    cp_follows_a_link_that_is_named, cp_replaces_and_writes_through_nothing, tar_holds_the_tree,
    tar_writes_to_a_file, tar_keeps_holes,
])
