#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_rumpus.py RUMPUS [CASE...] - what rumpus(1) tells about an image

Each command that looks is compared with the tree the image was made of, and
with the host's own tools run on that tree.
"""

import hashlib
import json
import os
import stat
import uuid

import rig
import tree
from rig import check, check_eq, good, read, refused, rumpus, tool, write

ENTRY_KEYS = {'path', 'type', 'mode', 'uid', 'gid', 'size', 'blocks', 'nlink', 'ino', 'mtime',
              'atime', 'ctime', 'btime'}
TYPES = {stat.S_IFREG: 'file', stat.S_IFDIR: 'directory', stat.S_IFLNK: 'symlink',
         stat.S_IFIFO: 'fifo'}


def both():
    """A tree and its image."""
    top = tree.make()
    return top, tree.image('img', top)


def lines(out):
    return out.split(b'\n')[:-1]


def shown(name):
    """A name as JSON has it."""
    return name.decode(errors='replace')


def visible(top, folder):
    names = [n for n in os.listdir(os.path.join(os.fsencode(top), folder))
             if not n.startswith(b'.')]
    return sorted(names)


# --- ls -----------------------------------------------------------------------

def ls_shows_the_names():
    top, img = both()
    want = sorted(visible(top, b'') + [b'lost+found'])
    check_eq('ls', b'\n'.join(want) + b'\n', good('ls', img))
    check_eq('ls -1', b'\n'.join(want) + b'\n', good('ls', '-1', img))
    check_eq('ls -r', b'\n'.join(want[::-1]) + b'\n', good('ls', '-r', img))
    for option in ('-a', '-A'):
        check_eq('ls ' + option, b'\n'.join(sorted(want + [b'.hidden'])) + b'\n',
                 good('ls', option, img))
    check_eq('ls -U', sorted(b'\n'.join(want).split(b'\n')), sorted(lines(good('ls', '-U', img))))
    check_eq('ls of a directory', [b'e', b'hello too', b'loop', b'one', b'void'],
             lines(good('ls', img + ':/d')))
    check_eq('ls of a file', [b'/d/one'], lines(good('ls', img + ':/d/one')))
    check_eq('ls -d', [b'/d'], lines(good('ls', '-d', img + ':/d')))


def ls_sorts():
    top, img = both()
    files = ['hello', 'random', 'empty', 'sparse']
    out = [line.decode(errors='replace') for line in lines(good('ls', '-t', img))]
    want = sorted(files, key=lambda n: -os.stat(os.path.join(top, n)).st_mtime)
    check_eq('-t', want, [n for n in out if n in files])
    out = [line.decode(errors='replace') for line in lines(good('ls', '-S', img))]
    check_eq('-S', ['sparse', 'random', 'hello', 'empty'], [n for n in out if n in files])
    out = [line.decode(errors='replace') for line in lines(good('ls', '-Sr', img))]
    check_eq('-Sr', ['empty', 'hello', 'random', 'sparse'], [n for n in out if n in files])


def ls_long_shows_modes_and_sizes():
    top, img = both()
    rows = {}
    for line in lines(good('ls', '-l', img + ':/d')):
        words = line.decode().split(None, 7)
        rows[words[7].split(' -> ')[0]] = words
    for name in ('one', 'e', 'loop', 'void'):
        st = os.lstat(os.path.join(top, 'd', name))
        if not check(name in rows, name + ' is missing'):
            continue
        check_eq('mode of ' + name, stat.filemode(st.st_mode), rows[name][0])
        check_eq('links of ' + name, st.st_nlink, int(rows[name][1]))
        if not stat.S_ISDIR(st.st_mode):
            check_eq('size of ' + name, st.st_size, int(rows[name][4]))
    check_eq('day', ['2004-11-11', '11:33'], good('ls', '-l', img + ':/empty').decode().split()[5:7])
    check('loop -> ../d' in good('ls', '-l', img + ':/d').decode(), 'no target of a link')
    check(b' 5.0M ' in good('ls', '-lh', img + ':/sparse'), 'ls -h')
    check_eq('ls -i', json.loads(good('ls', '--json', img + ':/hello'))[0]['ino'],
             int(good('ls', '-i', img + ':/hello').split()[0]))


def ls_recurses():
    top, img = both()
    out = good('ls', '-R', img + ':/d')
    check_eq('-R', b'/d:\ne\nhello too\nloop\none\nvoid\n\n/d/e:\nf\ntwo\n\n/d/e/f:\nthree\n\n'
             b'/d/void:\n', out)
    found = {e['path'] for e in json.loads(good('ls', '-R', '--json', img))}
    want = {shown(p) for p in tree.paths(top)} | {'/lost+found'}
    check_eq('-R --json', want, found)


def ls_of_several_has_headings():
    _, img = both()
    out = good('ls', img + ':/d/e', img + ':/a:')
    check_eq('headings', b'/d/e:\nf\ntwo\n\n/a::\nb\n', out)


# --- stat and JSON ------------------------------------------------------------

def json_entries_agree_with_the_tree():
    top, img = both()
    entries = {e['path']: e for e in json.loads(good('find', img, '--json'))}
    for path in tree.paths(top):
        st = os.lstat(os.fsencode(top) + path)
        entry = entries.get(shown(path))
        if not check(entry is not None, '%r is missing' % path):
            continue
        check(ENTRY_KEYS <= set(entry), '%r lacks %s' % (path, ENTRY_KEYS - set(entry)))
        check_eq('type', TYPES[stat.S_IFMT(st.st_mode)], entry['type'])
        check_eq('mode', '%04o' % stat.S_IMODE(st.st_mode), entry['mode'])
        check_eq('owner', (st.st_uid, st.st_gid), (entry['uid'], entry['gid']))
        check_eq('links of %r' % path, st.st_nlink, entry['nlink'])
        if stat.S_ISREG(st.st_mode):
            check_eq('size', st.st_size, entry['size'])
        if stat.S_ISLNK(st.st_mode):
            check_eq('target', os.readlink(os.path.join(top, path.decode()[1:])), entry['target'])
    check_eq('mtime', '2004-11-09T11:33:20.000000000Z', entries['/hello']['mtime'])


def stat_tells_all():
    _, img = both()
    text = good('stat', img + ':/hello').decode()
    for word in ('File: /hello', 'Type: file', 'Size: 6', 'Access: 0640/-rw-r-----', 'Links: 2',
                 'Modified: 2004-11-09T11:33:20.000000000Z', 'Born: ', 'Xattr: user.colour=blue',
                 'Xattr: user.bytes=\\x00\\x01\\xff', 'Xattr: user.empty=\n'):
        check(word in text, 'no "%s" in %r' % (word, text))
    text = good('stat', img + ':/link').decode()
    check('/link -> d/e/two' in text and 'symlink' in text, 'a link: %r' % text)
    both_of_them = json.loads(good('stat', '--json', img + ':/hello', img + ':/link'))
    check_eq('two', ['/hello', '/link'], [e['path'] for e in both_of_them])
    check_eq('xattrs', {'user.colour': 'blue', 'user.bytes': '\\x00\\x01\\xff', 'user.empty': ''},
             both_of_them[0].get('xattrs'))


# --- content ------------------------------------------------------------------

def cat_prints_files():
    top, img = both()
    for name in ('hello', 'random', 'sparse', 'empty', 'd/e/two', 'd/hello too', 'link'):
        check(read(os.path.join(top, name)) == good('cat', img + ':/' + name), name)
    check_eq('a link from the root', 70000, len(good('cat', img + ':/absolute')))
    check_eq('two', b'hello\n3', good('cat', img + ':/hello', img + ':/d/e/f/three'))
    check_eq('bytes', b'3', good('cat', b'%s:/\xff\xfe not utf-8' % img.encode()))
    check_eq('//', b'3', good('cat', img + '://d//e/../e/f/./three'))


def sha256_agrees():
    top, img = both()
    want = {}
    for path in tree.paths(top):
        name = os.fsencode(top) + path
        if os.path.isfile(name) and not os.path.islink(name):
            want[path] = hashlib.sha256(read(name)).hexdigest()
    out = json.loads(good('sha256', '-r', '--json', img))
    check_eq('all', {shown(p): s for p, s in want.items()}, {e['path']: e['sha256'] for e in out})
    check_eq('one', ('%s  /random\n' % want[b'/random']).encode(), good('sha256', img + ':/random'))


# --- find ---------------------------------------------------------------------

FIND = [
    ['-name', '*o*'], ['-iname', 'HELLO*'], ['-type', 'f'], ['-type', 'd'], ['-type', 'l'],
    ['-type', 'p'], ['-type', 'l,p'], ['-size', '+1k'], ['-size', '-2'], ['-size', '1000c'],
    ['-size', '+1M'], ['-perm', '640'], ['-perm', '-111'], ['-links', '2'], ['-links', '+1'],
    ['-empty', '-type', 'f'], ['-empty', '-type', 'd'], ['!', '-name', '*o*'],
    ['-not', '-type', 'd', '-size', '+0'], ['-maxdepth', '1'],
    ['-mindepth', '2', '-type', 'f'], ['-mindepth', '1', '-maxdepth', '2'], ['-mtime', '+3000', '-type', 'f'],
    ['-mtime', '-100', '-type', 'f'], ['-uid', str(os.getuid())], ['-gid', '12345'],
]


def find_agrees_with_find():
    """Sizes of directories are each file system's own: those are left out."""
    top, img = both()
    for test in FIND:
        words = ['!', '-type', 'd'] if '-size' in test else []
        theirs = tool('find', '.', *test, *words, '-print0', cwd=top)
        result = rumpus('find', img, *test, *words, '-print0')
        drop = {b'/', b'/lost+found', b''}
        want = {p[1:] for p in theirs.split(b'\0')} - drop
        ours = set(result.stdout.split(b'\0'))
        check_eq('find ' + ' '.join(test), sorted(want), sorted(ours - drop))
        check_eq('code', 0 if ours - {b''} else 1, result.returncode)


def find_prints_as_asked():
    _, img = both()
    check_eq('-path', [b'/d/e/two'], lines(good('find', img, '-path', '*/e/t*')))
    check_eq('below', [b'/d/e/f', b'/d/e/f/three'], sorted(lines(good('find', img + ':/d/e/f'))))
    ino = json.loads(good('stat', '--json', img + ':/random'))[0]['ino']
    check_eq('-inum', [b'/random'], lines(good('find', img, '-inum', str(ino))))
    words = good('find', img, '-name', 'link', '-ls').decode().split()
    check_eq('-ls', ('lrwxrwxrwx', '/link -> d/e/two'), (words[1], ' '.join(words[-3:])))
    check_eq('--json of nothing', [], json.loads(rumpus('find', img, '-name', 'none', '--json').stdout))


# --- du, df, tree -------------------------------------------------------------

def apparent(top, path):
    """Sizes of files, each inode once."""
    seen = {}
    for name in tree.paths(os.path.join(top, path)) or [b'']:
        st = os.lstat(os.fsencode(os.path.join(top, path)) + name)
        if not stat.S_ISDIR(st.st_mode):
            seen[st.st_ino] = st.st_size
    return sum(seen.values())


def du_adds_up():
    top, img = both()
    check_eq('-sb', '%d\t/\n' % apparent(top, ''), good('du', '-sb', img).decode())
    rows = dict(reversed(line.split('\t')) for line in good('du', '-b', img + ':/d').decode()
                .splitlines())
    for path in ('d', 'd/e', 'd/e/f', 'd/void'):
        check_eq('du -b ' + path, str(apparent(top, path)), rows.get('/' + path))
    check_eq('-d 1', {'/d', '/d/e', '/d/void'},
             {line.split('\t')[1] for line in good('du', '-d', '1', img + ':/d').decode().splitlines()})
    check_eq('-d 0', 1, len(lines(good('du', '-d', '0', img + ':/d'))))
    found = {e['path']: e['bytes'] for e in json.loads(good('du', '-ab', '--json', img + ':/d'))}
    check_eq('-a', 70000, found.get('/d/e/two'))
    blocks = {e['path']: e['bytes'] for e in json.loads(good('du', '-a', '--json', img))}
    check(blocks['/sparse'] < 100000, 'holes take no space: %d' % blocks['/sparse'])
    check(blocks['/random'] >= 300001, 'blocks of random: %d' % blocks['/random'])
    used = sum(e['blocks'] * 512 for e in {e['ino']: e for e in json.loads(
        good('find', img, '--json'))}.values())
    check_eq('sum of blocks', used, blocks['/'])


def df_agrees_with_dumpe2fs():
    _, img = both()
    head = dict(line.split(':', 1) for line in tool('dumpe2fs', '-h', img).decode().splitlines()
                if ':' in line)
    row = json.loads(good('df', '--json', img))[0]
    check_eq('type', 'ext4', row['type'])
    check_eq('inodes', int(head['Inode count']), row['files'])
    check_eq('free inodes', int(head['Free inodes']), row['files_free'])
    size = int(head['Block size'])
    check_eq('free', int(head['Free blocks']) * size, row['free'])
    check(0 < row['size'] <= int(head['Block count']) * size, 'size %d' % row['size'])
    words = good('df', img).decode().splitlines()[1].split()
    check_eq('columns', [img, 'ext4', str(row['size'] // 1024)], words[:3])
    words = good('df', '-i', img).decode().splitlines()[1].split()
    check_eq('df -i', [str(row['files']), str(row['files'] - row['files_free'])], words[2:4])
    check('M' in good('df', '-h', img).decode().splitlines()[1], 'df -h')


def tree_draws():
    _, img = both()
    out = good('tree', img + ':/d')
    want = {b'/d', b'|-- e', b'|   |-- f', b'|   |   |-- three', b'|   |-- two', b'|-- hello too',
            b'|-- loop -> ../d', b'|-- one', b'|-- void', b'', b'3 directories, 5 files'}
    check_eq('tree', want, set(lines(out)))
    check(b'three' not in good('tree', '-L', '2', img + ':/d'), '-L 2')
    check_eq('-d', {b'/d', b'|-- e', b'|   |-- f', b'|-- void', b'', b'3 directories, 0 files'},
             set(lines(good('tree', '-d', img + ':/d'))))
    check(b'.hidden' in good('tree', '-a', img) and b'.hidden' not in good('tree', img), '-a')
    check_eq('json', {'/d/e', '/d/e/f', '/d/e/f/three', '/d/e/two'},
             {e['path'] for e in json.loads(good('tree', '--json', img + ':/d/e'))})


# --- locations ----------------------------------------------------------------

LABELS = {1: 'first', 2: 'second', 5: 'fifth', 6: 'sixth'}


def part_image(number):
    folder = 'part%d' % number
    os.mkdir(folder)
    write(folder + '/which', b'%d' % number)
    return rig.ext4('p%d' % number, '-d', folder, '-L', LABELS[number], '-U',
                    str(uuid.UUID(int=number)), megabytes=2)


def gpt_disk(name='gpt.img'):
    script = ('label: gpt\nstart=2048, size=4096, name="boot", uuid=%s\n'
              'start=8192, size=4096, name="the root", attrs=LegacyBIOSBootable, uuid=%s\n'
              % (uuid.UUID(int=0xa1), uuid.UUID(int=0xa2)))
    return rig.disk(name, 8, script, {2048: part_image(1), 8192: part_image(2)})


def partitions_of_a_gpt_are_found():
    img = gpt_disk()
    for want, names in ((b'1', ['1', 'boot', 'first', str(uuid.UUID(int=1)), str(uuid.UUID(int=0xa1))]),
                        (b'2', ['2', 'the root', 'second', str(uuid.UUID(int=2)),
                                str(uuid.UUID(int=0xa2)).upper()])):
        for name in names:
            check_eq(name, want, good('cat', '%s:%s:/which' % (img, name)))
    refused(1, 'there are 1 (boot) 2 (the root)', 'ls', img + ':3')
    refused(1, 'say which partition', 'ls', img)
    refused(2, 'empty partition name', 'ls', img + ':')
    found = json.loads(good('info', '--json', img))
    check_eq('size', (8 << 20, 512), (found['size'], found['sector']))
    check_eq('partitions', [(1, 'gpt', 2048 * 512, 2 << 20, 'boot', False),
                            (2, 'gpt', 8192 * 512, 2 << 20, 'the root', True)],
             [(p['number'], p['scheme'], p['start'], p['size'], p['name'], p['bootable'])
              for p in found['partitions']])
    check_eq('labels', ['first', 'second'], [p['filesystem']['label'] for p in found['partitions']])
    for key in ('type', 'uuid', 'size', 'free', 'files', 'files_free', 'blocksize', 'state',
                'features'):
        check(key in found['partitions'][0]['filesystem'], 'no ' + key)
    check('extent' in found['partitions'][0]['filesystem']['features'], 'features')
    text = good('info', img).decode()
    check('"boot"' in text and 'ext4 "second"' in text, text)
    check_eq('df', ['%s:%d' % (img, n) for n in (1, 2)],
             [e['source'] for e in json.loads(good('df', '--json', img))])


def partitions_of_an_mbr_are_found():
    script = ('label: dos\nlabel-id: 0x12345678\nstart=2048, size=4096, type=83, bootable\n'
              'start=8192, size=20480, type=5\nstart=10240, size=4096, type=83\n'
              'start=16384, size=4096, type=83\n')
    img = rig.disk('mbr.img', 16, script, {2048: part_image(1), 10240: part_image(5),
                                           16384: part_image(6)})
    for number in (1, 5, 6):
        for name in (str(number), LABELS[number], '12345678-%02x' % number):
            check_eq(name, b'%d' % number, good('cat', '%s:%s:/which' % (img, name)))
    refused(4, 'no file system', 'ls', img + ':2')
    found = json.loads(good('info', '--json', img))['partitions']
    check_eq('numbers', [(1, '0x83', True), (2, '0x05', False), (5, '0x83', False),
                         (6, '0x83', False)],
             [(p['number'], p['type'], p['bootable']) for p in found])


def one_partition_needs_no_name():
    img = rig.disk('one.img', 4, 'label: dos\nstart=2048, size=4096, type=83\n',
                   {2048: part_image(1)})
    check_eq('the only one', b'1', good('cat', img + ':/which'))


def names_with_colons_are_understood():
    _, img = both()
    for name in ('a:b.img', 'a:1'):
        os.symlink(img, name)
        check_eq(name, b'hello\n', good('cat', name + ':/hello'))
    os.mkdir('dir:')
    os.link(img, 'dir:/disk')
    check_eq('a folder with a colon', b'hello\n', good('cat', 'dir:/disk:/hello'))
    check_eq('a path with a colon', b'colon', good('cat', img + ':/a:/b'))
    check_eq('both', b'colon', good('cat', 'dir:/disk:/a:/b'))
    gpt = gpt_disk('gpt:disk')
    check_eq('and a partition', b'2', good('cat', gpt + ':2:/which'))
    check_eq('in a folder', b'2', good('cat', os.path.abspath(gpt) + ':second:/which'))


def offsets_are_heeded():
    gpt_disk()
    for offset in ('1048576', '0x100000', '1024k', '1m'):
        check_eq(offset, b'1', good('cat', '--offset=' + offset, 'gpt.img:/which'))
    check_eq('find', [b'/which'], lines(good('find', '--offset', '4m', 'gpt.img', '-name', 'which')))
    check_eq('tar', True, len(good('tar', '--offset=4m', 'gpt.img')) > 512)
    refused(2, 'beyond the end', 'ls', '--offset=1g', 'gpt.img')
    for offset in ('', 'x', '-1', ' -1', '1q', '1kk', '99999999999999999999', '17592186044416t'):
        refused(2, '--offset', 'ls', '--offset=' + offset, 'gpt.img')


def the_image_stays_as_it_is():
    _, img = both()
    before, st = hashlib.sha256(read(img)).digest(), os.stat(img)
    for command in (['ls', '-lR'], ['find'], ['sha256', '-r'], ['tree'], ['du'], ['df'], ['info']):
        good(*command, img)
    good('cp', '-a', img + ':/', 'out')
    check(before == hashlib.sha256(read(img)).digest(), 'its content changed')
    check_eq('times', st.st_mtime_ns, os.stat(img).st_mtime_ns)


def the_image_is_opened_for_reading_only():
    if rig.shutil.which('strace') is None:
        raise rig.Skip('no strace')
    _, img = both()
    try:
        tool('strace', '-f', '-qq', '-o', 'trace', '-e', 'trace=open,openat,openat2,creat', rig.RUMPUS,
             'cat', img + ':/hello')
    except RuntimeError as error:
        raise rig.Skip('strace does not run: %.80s' % error) from error
    opens = [line for line in read('trace').decode().splitlines() if '"%s"' % img in line]
    check(opens, 'it was never opened')
    for line in opens:
        check('O_RDONLY' in line and 'O_RDWR' not in line and 'O_WRONLY' not in line, line)


rig.main([
    ls_shows_the_names, ls_sorts, ls_long_shows_modes_and_sizes, ls_recurses,
    ls_of_several_has_headings, json_entries_agree_with_the_tree, stat_tells_all, cat_prints_files,
    sha256_agrees, find_agrees_with_find, find_prints_as_asked, du_adds_up,
    df_agrees_with_dumpe2fs, tree_draws, partitions_of_a_gpt_are_found,
    partitions_of_an_mbr_are_found, one_partition_needs_no_name, names_with_colons_are_understood,
    offsets_are_heeded, the_image_stays_as_it_is, the_image_is_opened_for_reading_only,
])
