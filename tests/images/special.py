# SPDX-License-Identifier: BSD-2-Clause
"""What a kind of mke2fs is not: journals to replay, sizes, partitions, refusals."""

import json
import os
import shutil
import struct
import sys

import corners
import disks
import manifest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'hostile'))
import ext4  # noqa: E402

ENOKEY, EOPNOTSUPP = 126, 95
UNSUPPORTED = 5


def mke2fs(bench, name, source, size, *args):
    image = bench.path(name)
    done = bench.run('mke2fs', '-q', '-F', *args, *(['-d', source] if source else []), image, size)
    if done.returncode:
        bench.results.check(f'{name}: make it', [done.stdout])
    return image


def small_source(bench):
    source = bench.path('small')
    if not os.path.isdir(source):
        os.mkdir(source)
        corners.put(source + '/hello', b'hello\n')
        os.mkdir(source + '/etc')
        corners.put(source + '/etc/os-release', b'NAME=test\n' * 300)
        corners.links(source)
        corners.sizes(source)
    return source


# --- sizes

def huge_files(bench):
    source = bench.path('huge')
    os.mkdir(source)
    corners.huge(source + '/huge', 20 << 30)
    walked = bench.host(source, '-z')
    for name, block, args in (('huge-4k', 4096, ('-t', 'ext4')), ('huge-1k', 1024, ('-t', 'ext4')),
                              ('huge-64k', 65536, ('-t', 'ext4')), ('huge-ext3', 4096, ('-t', 'ext3')),
                              ('huge-cluster', 4096, ('-t', 'ext4', '-O', 'bigalloc'))):
        image = mke2fs(bench, name, source, '128M', '-b', str(block), *args)
        ours = bench.rump(image)
        bench.results.check(f'{name}: a file of 20 GiB', [ours.stderr] * bool(ours.stderr) +
                            manifest.against_source(walked, ours, block))
        if bench.loop and block <= 4096:
            bench.compare_host(name, image, ours)
        os.unlink(image)


def large_image(bench):
    source = small_source(bench)
    walked = bench.host(source, '-z')
    image = mke2fs(bench, 'large-image', source, '80G', '-t', 'ext4', '-J', 'size=4', '-N', '80000',
                   '-E', 'lazy_itable_init=1')
    ours = bench.rump(image)
    bench.results.check('an image of 80 GiB', manifest.against_source(walked, ours, 4096))
    os.unlink(image)


# --- partitions

def part_texts(bench, disk, where, path='/hello'):
    done = bench.run(bench.rumpus, 'cat', f'{disk}{where}:{path}')
    return [] if done.returncode == 0 and 'hello\n' in done.stdout else \
        [f'{where}: {done.returncode}: {done.stdout}']


def partitions(bench):
    source = small_source(bench)
    image = mke2fs(bench, 'part.img', source, '8M', '-t', 'ext4', '-L', 'system', '-b', '1024')
    with open(image, 'rb') as file:
        part = file.read()
    disk = bench.path('disk.img')
    for name, sector in (('gpt', 512), ('gpt-4k', 4096)):
        data = bytearray(3 * len(part))
        per = len(part) // sector
        disks.gpt(data, len(data), [(per // 2, per), (per // 2 + per, per)], sector)
        data[len(part) // 2:len(part) // 2 + 2 * len(part)] = part * 2
        with open(disk, 'wb') as file:
            file.write(data)
        differences = []
        for where in (':1', ':2', ':part-2', f':{disks.guid(2)}', f':{disks.guid(1)}'.upper()):
            differences += part_texts(bench, disk, where)
        info = json.loads(bench.run(bench.rumpus, 'info', '--json', disk).stdout)
        if [p['name'] for p in info['partitions']] != ['part-1', 'part-2']:
            differences.append(str(info['partitions']))
        bench.results.check(f'{name}: partitions by number, name and UUID', differences)
        # The first header is gone: the one at the end serves.
        with open(disk, 'r+b') as file:
            file.seek(sector)
            file.write(bytes(sector))
        bench.results.check(f'{name}: the backup', part_texts(bench, disk, ':2'))
    data = bytearray(5 * len(part))
    size = len(part) // 512
    disks.mbr(data, [(64, size), (64 + size, size)],
              [(128 + 2 * size, size), (192 + 3 * size, size)])
    for start in (64, 64 + size, 128 + 2 * size, 192 + 3 * size):
        data[start * 512:start * 512 + len(part)] = part
    with open(disk, 'wb') as file:
        file.write(data)
    differences = []
    for where in (':1', ':2', ':5', ':6', ':system'):
        differences += part_texts(bench, disk, where)
    bench.results.check('mbr: primary and logical partitions', differences)
    done = bench.run(bench.rumpus, 'cat', '--offset', str(64 * 512), f'{disk}:/hello')
    bench.results.check('--offset', [] if done.stdout == 'hello\n' else [done.stdout])
    os.unlink(disk)


# --- journals

def changes(old, new, block):
    """Blocks of the second image that differ, but not that of the superblock."""
    with open(old, 'rb') as a, open(new, 'rb') as b:
        number = 0
        while was := a.read(block):
            now = b.read(block)
            if now != was and number > 1024 // block:
                yield number, now
            number += 1


def journals(bench):
    """A change that only the journal has must be seen, and the image be left alone."""
    source = small_source(bench)
    for name, options, args in (
            ('ext3', '', ('-t', 'ext3')), ('ext4', '', ('-t', 'ext4')),
            ('v3', ' -c -v 3', ('-t', 'ext4')), ('v2', ' -c -v 2', ('-t', 'ext4')),
            ('1k', ' -c -v 3', ('-t', 'ext4', '-b', '1024')),
            ('32bit', '', ('-t', 'ext4', '-O', '^64bit,^metadata_csum', '-b', '2048')),
            ('64k', ' -c -v 3', ('-t', 'ext4', '-b', '65536')),
            ('fast-commit', '', ('-t', 'ext4', '-O', 'fast_commit'))):
        size = '320M' if name == '64k' else '24M'
        image = mke2fs(bench, f'journal-{name}.img', source, size, *args)
        changed, commands = image + '.changed', image + '.commands'
        shutil.copy(image, changed)
        for command in ('symlink later target', 'rm hello', 'sif etc/os-release mode 0100600',
                        'ln etc/os-release again', 'mkdir newdir', f'write {commands} newdir/new'):
            if command.startswith('write'):
                corners.put(commands, corners.noise(9, 30000))
            bench.run('debugfs', '-w', '-R', command, changed)
        with open(image, 'rb') as file:
            file.seek(1024 + 24)
            block = 1024 << struct.unpack('<I', file.read(4))[0]
        blocks = list(changes(image, changed, block))
        corners.put(changed + '.old', b'\xa5' * block * len(blocks))
        corners.put(changed + '.new', b''.join(data for _, data in blocks))
        numbers = ','.join(str(number) for number, _ in blocks)
        # First lies, which are revoked or overtaken; then what holds.
        corners.put(commands, (f'jo{options}\njw -b {numbers} {changed}.old\njw -r {numbers}\n'
                               f'jw -b {numbers} {changed}.old\njw -b {numbers} {changed}.new\n'
                               'jc\n').encode())
        said = bench.run('debugfs', '-w', '-f', commands, image).stdout
        before = bench.sha256(image)
        ours, want = bench.rump(image), bench.rump(changed)
        differences = [] if './later' in want.at else ['nothing was changed']
        differences += [said] if 'rror' in said else []
        differences += manifest.exactly(want, ours, (), ('the changed copy', 'the replayed image'))
        bench.results.check(f'journal {name}: {len(blocks)} blocks replayed', differences)
        bench.results.check(f'journal {name}: the image is untouched',
                            [] if bench.sha256(image) == before else ['it is not'])
        done = bench.run('e2fsck', '-y', '-E', 'journal_only', image)
        replayed = bench.rump(image)
        bench.results.check(f'journal {name}: as e2fsck replays it', [done.stdout] *
                            (done.returncode > 1) + manifest.exactly(
                                replayed, ours, (), ('e2fsck', 'us')))
        for path in (image, changed, changed + '.old', changed + '.new', commands):
            os.unlink(path)


# --- what the host's kernel wrote

def write_tree(top):
    corners.make(top + '/corners', 150)
    fd = os.open(top + '/unwritten', os.O_CREAT | os.O_RDWR)
    os.write(fd, b'begin')
    os.posix_fallocate(fd, 0, 300000)
    os.pwrite(fd, b'middle', 100000)
    os.close(fd)
    for i in range(200):
        corners.put(f'{top}/gone{i}', corners.noise(i, 3000))


def dirty(bench):
    """Images copied while they were mounted, beside what the host's kernel replays."""
    for name, options, args in (
            ('ordered', '', ('-t', 'ext4')), ('data-journal', ',data=journal', ('-t', 'ext4')),
            ('ext3', '', ('-t', 'ext3')), ('1k', ',data=journal', ('-t', 'ext4', '-b', '1024')),
            ('no-csum', '', ('-t', 'ext4', '-O', '^metadata_csum,^64bit')),
            ('checksum', ',journal_checksum', ('-t', 'ext4', '-O', '^metadata_csum')),
            ('async', ',journal_async_commit,data=writeback', ('-t', 'ext4')),
            ('orphan-file', '', ('-t', 'ext4', '-O', 'orphan_file,inline_data')),
            ('bigalloc', '', ('-t', 'ext4', '-O', 'bigalloc,ea_inode,large_dir')),
            ('inode-128', '', ('-t', 'ext4', '-I', '128')),
            ('old', ',data=journal', ('-t', 'ext3', '-b', '1024', '-I', '128')),
            ('fast-commit', '', ('-t', 'ext4', '-O', 'fast_commit')),
            ('quota', '', ('-t', 'ext4', '-O', 'quota'))):
        image = mke2fs(bench, f'dirty-{name}.img', None, '96M', *args)
        copies = [image + '.early', image + '.late']
        with bench.mounted(image, 'rw' + options) as at:
            if at is None:
                bench.results.skip(f'dirty {name}', 'the host cannot mount it')
                continue
            write_tree(at)
            os.sync()
            bench.run('cp', '--sparse=always', image, copies[0])
            # Blocks of directories become those of files, which revokes them.
            shutil.rmtree(at + '/corners/directories')
            with open(at + '/gone0', 'rb') as orphan:
                for i in range(0, 200, 2):
                    os.unlink(f'{at}/gone{i}')
                for i in range(20):
                    corners.put(f'{at}/reused{i}', corners.noise(i, 50000))
                    file = os.open(f'{at}/reused{i}', os.O_RDONLY)
                    os.fsync(file)
                    os.close(file)
                bench.run('cp', '--sparse=always', image, copies[1])
                orphan.read(1)
        for when, copy in zip(('early', 'late'), copies):
            ours = bench.rump(copy)
            said = bench.run(bench.rumpus, 'info', copy).stdout
            if 'fast commits' in ours.stderr:       # not read yet, and said so
                bench.results.check(f'dirty {name} {when}: refused', [] if name == 'fast-commit'
                                    and not ours.at else [ours.stderr])
                continue
            with bench.mounted(copy, 'rw,noatime') as at:       # or it cannot replay
                if at is None:
                    bench.results.skip(f'dirty {name} {when}', 'the host cannot mount it')
                    continue
                theirs = bench.host(at)
            bench.results.check(
                f'dirty {name} {when}{", with a journal" if "replay" in said else ""}: '
                f'{len(ours.at)} objects as the host replays it',
                [ours.stderr] * bool(ours.stderr) + manifest.exactly(theirs, ours))
            os.unlink(copy)
        os.unlink(image)


# --- what is refused

def refusals(bench):
    source = small_source(bench)
    for bit, want in ((0x80000000, 'FEATURE_I31'), (0x800, 'FEATURE_I11'), (0x1, 'compression')):
        image = mke2fs(bench, 'unknown.img', source, '8M', '-t', 'ext4')
        with open(image, 'rb') as file:
            data = bytearray(file.read())
        fs = ext4.Image(data)
        struct.pack_into('<I', data, fs.sb + 0x60, fs.incompat | bit)
        fs.fix_super(0, None)
        with open(image, 'wb') as file:
            file.write(data)
        done = bench.run(bench.rumpus, 'ls', image + ':/')
        bench.results.check(
            f'incompatible feature {bit:#x} is refused by name',
            [] if done.returncode == UNSUPPORTED and want in done.stdout
            else [f'{done.returncode}: {done.stdout}'])
        os.unlink(image)
    for flag, feature, errno in ((0x800, 'encrypt', ENOKEY), (0x100000, 'verity', EOPNOTSUPP)):
        image = mke2fs(bench, 'flag.img', source, '8M', '-t', 'ext4', '-O', feature)
        bench.run('debugfs', '-w', '-R', f'sif hello flags {0x80000 | flag:#x}', image)
        ours = bench.rump(image)
        found = ours.at['./hello']
        differences = [] if found.get('!open') == str(errno) else [str(found)]
        if int(found['attr'].split('/')[0], 16) & flag != flag:
            differences.append('statx does not say so: ' + found['attr'])
        done = bench.run(bench.rumpus, 'cat', image + ':/hello')
        if done.returncode != UNSUPPORTED or feature[:6] not in done.stdout:
            differences.append(f'{done.returncode}: {done.stdout}')
        if ours.at['./etc/os-release'].get('!open'):
            differences.append('other files cannot be read')
        bench.results.check(f'{feature}: the file is told apart and refused', differences)
        os.unlink(image)


# --- read-only

WRITERS = ('write,pwrite64,pwritev,pwritev2,ftruncate,fallocate,copy_file_range,sendfile,splice,'
           'mmap,io_uring_register,io_uring_setup,openat,openat2,open,truncate,ioctl')


def joined(lines):
    """strace's lines, with those put together that another thread's came between."""
    begun = {}
    for line in lines:
        pid, _, text = line.partition(' ')
        if text.rstrip().endswith('<unfinished ...>'):
            begun[pid] = text.rsplit('<unfinished', 1)[0]
        elif ' resumed>' in text:
            yield pid + ' ' + begun.pop(pid, '') + text.split(' resumed>', 1)[1]
        else:
            yield line
    for pid, text in begun.items():
        yield pid + ' ' + text


def read_only(bench):
    """The image is opened for reading, and no call that could write names it."""
    if shutil.which('strace') is None:
        bench.results.skip('no write reaches the image', 'no strace')
        return
    source = small_source(bench)
    image = mke2fs(bench, 'traced.img', source, '8M', '-t', 'ext4')
    trace, out = bench.path('trace'), bench.path('out')
    done = bench.run('strace', '-f', '-y', '-s', '0', '-e', 'trace=' + WRITERS, '-o', trace,
                     bench.rumpus, 'cp', '-a', image + ':/', out)
    if 'ptrace' in done.stdout:
        bench.results.skip('no write reaches the image', 'the host does not let us trace')
        return
    with open(trace, encoding='utf-8', errors='replace') as file:
        named = [line for line in joined(file) if 'traced.img' in line]
    opened = [line for line in named if 'open' in line]
    differences = [] if opened else [done.stdout, 'it was never opened']
    differences += [line for line in opened if 'O_RDONLY' not in line or 'O_RDWR' in line]
    differences += [line for line in named if line not in opened and
                    not ('mmap(' in line and 'PROT_WRITE' not in line) and 'ioctl(' not in line]
    bench.results.check('no write reaches the image', differences)
    os.unlink(image)
    shutil.rmtree(out)


def try_all(bench):
    partitions(bench)
    journals(bench)
    refusals(bench)
    read_only(bench)
    huge_files(bench)
    large_image(bench)
