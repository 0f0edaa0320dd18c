#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""make_bases.py TESTS FOLDER - the disks that t_hostile and fuzz_disk_* spoil

Small file systems and partition tables, made by the usual tools from fixed
seeds.  Beside each NAME.img is NAME.roles: a line `KIND BLOCK INODE
GENERATION` for each block that is worth changing; its first line has the size
of blocks and the seed of the checksums (0: there are none).
"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path[:0] = [os.path.join(sys.argv[1], name) for name in ('images', 'hostile')]

import corners  # noqa: E402
import disks  # noqa: E402
import ext4  # noqa: E402

UUID = '5eed5eed-0000-4000-8000-0123456789ab'
EXT4 = ('-t', 'ext4')
KINDS = {
    'plain': (512, *EXT4, '-O', '^has_journal'),
    'nocsum': (512, *EXT4, '-O', '^has_journal,^metadata_csum,inline_data,ea_inode'),
    'inline': (512, *EXT4, '-O', '^has_journal,inline_data,ea_inode,casefold,large_dir',
               '-E', 'encoding=utf8'),
    'ext2': (512, '-t', 'ext2'),
    'journal': (3072, *EXT4, '-J', 'size=1'),
    'journal-old': (3072, '-t', 'ext3', '-J', 'size=1'),
}


def run(*command):
    env = dict(os.environ, PATH=os.environ['PATH'] + ':/usr/sbin:/sbin', SOURCE_DATE_EPOCH='1700000000',
               E2FSPROGS_FAKE_TIME='1700000000')
    done = subprocess.run(command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, env=env, stdin=subprocess.DEVNULL)
    if done.returncode > 1:
        raise SystemExit(f'{command}: {done.stdout}')


def make_source(top):
    os.mkdir(top)
    os.mkdir(top + '/big')
    for i in range(40):
        corners.put(f'{top}/big/{i:02}-' + 'n' * 40, b'%d' % i)
    os.mkdir(top + '/dir')
    corners.put(top + '/dir/small', b'hello\n')
    corners.put(top + '/four', corners.noise(1, 4000))
    corners.put(top + '/attr', b'a')
    with open(top + '/holes', 'wb') as file:
        for i in range(12):
            file.seek(i * 8192)
            file.write(b'x' * 1024)
    with open(top + '/far', 'wb') as file:
        file.seek(300 * 1024)
        file.write(b'y')
    os.symlink('dir/small', top + '/short')
    os.symlink('t' * 200, top + '/long')
    for path in ('/attr', '/dir'):
        for attr, value in (('user.a', b'1'), ('user.large', b'v' * 300)):
            corners.attempt(os.setxattr, top + path, attr, value)


def make_ext4(folder, name, source, size, *args):
    image = f'{folder}/{name}.img'
    run('mke2fs', '-q', '-F', '-b', '1024', '-N', '96', '-U', UUID, *args, '-d', source, image,
        f'{size}k')
    run('tune2fs', '-E', 'hash_alg=half_md4', '-U', UUID, image)
    run('e2fsck', '-f', '-y', '-D', image)
    return image


def make_dirty(image, spare, options):
    """Blocks of a changed copy become a transaction in the journal."""
    shutil.copy(image, spare)
    run('debugfs', '-w', '-R', 'symlink later somewhere-else', spare)
    with open(image, 'rb') as old, open(spare, 'rb') as new:
        number = 0
        changed = []
        while was := old.read(1024):
            now = new.read(1024)
            if was != now and number > 1:
                changed.append((number, now))
            number += 1
    with open(spare + '.blocks', 'wb') as out:
        out.write(b''.join(now for _, now in changed))
    commands = spare + '.cmd'
    with open(commands, 'w', encoding='ascii') as out:
        for last in (False, True):
            out.write(f'jo{options}\njw -b ' + ','.join(str(n) for n, _ in changed) + f' {spare}.blocks\n')
            if not last:
                out.write(f'jw -r {changed[-1][0]} {spare}.blocks\n')
            out.write('jc\n')
    run('debugfs', '-w', '-f', commands, image)


def write_roles(path, data):
    image = ext4.Image(data)
    with open(path, 'w', encoding='ascii') as out:
        out.write(f'{image.block} {image.seed if image.csum else 0} {image.isize} {image.ipg} '
                  f'{image.tables[0]} {image.desc}\n')
        for block, role in sorted(image.roles.items()):
            if any(image.bytes(block)) and role.kind != 'data':
                out.write(f'{role.kind} {block} {role.ino} {role.generation}\n')


def make_disks(folder, part):
    sectors = len(part) // 512
    tables = {}
    for sector in (512, 4096):
        disk = bytearray(3 * len(part))
        per = len(part) // sector
        parts = [(per // 2, per), (per // 2 + per, per)]
        disks.gpt(disk, len(disk), parts, sector)
        tables[f'gpt{sector}'] = (disk, sector, parts, 2 + 16384 // sector)
    disk = bytearray(5 * len(part))
    primary = [(64, sectors), (64 + sectors, sectors)]
    logical = [(128 + 2 * sectors, sectors), (192 + 3 * sectors, sectors)]
    disks.mbr(disk, primary, logical)
    tables['mbr'] = (disk, 512, primary + logical, 1)
    disk = bytearray(3 * len(part))
    disks.bsd(disk, [(64, sectors), (64 + sectors, sectors)])
    tables['bsd'] = (disk, 512, [(64, sectors)], 2)
    for name, (disk, sector, parts, head) in tables.items():
        for start, _ in parts:
            disk[start * sector:start * sector + len(part)] = part
        with open(f'{folder}/{name}.img', 'wb') as out:
            out.write(disk)
        blocks = sorted({at // 1024 for at in range(0, min(head, 8) * sector, 1024)} |
                        {len(disk) // 1024 - 1, len(disk) // 1024 - 4, len(disk) // 1024 - 17} |
                        ({(start - 1) // 2 for start, _ in parts} if name == 'mbr' else set()))
        with open(f'{folder}/{name}.roles', 'w', encoding='ascii') as out:
            out.write(f'1024 {sector if name.startswith("gpt") else 0} 0 0 0 0\n')
            for block in blocks:
                out.write(f'table {block} 0 0\n')


def main():
    folder = sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        make_source(tmp + '/source')
        for name, (size, *args) in KINDS.items():
            image = make_ext4(tmp, name, tmp + '/source', size, *args)
            if 'journal' in name:
                make_dirty(image, tmp + '/spare', ' -c -v 3' if name == 'journal' else '')
            with open(image, 'rb') as file:
                data = bytearray(file.read())
            write_roles(f'{folder}/{name}.roles', data)
            shutil.copy(image, f'{folder}/{name}.img')
        os.mkdir(tmp + '/tiny')
        corners.put(tmp + '/tiny/file', b'hello\n')
        run('mke2fs', '-q', '-F', '-b', '1024', '-N', '16', '-U', UUID, '-t', 'ext2', '-d',
            tmp + '/tiny', tmp + '/tiny.img', '64k')
        with open(tmp + '/tiny.img', 'rb') as file:
            make_disks(folder, file.read().ljust(64 * 1024, b'\0'))
    with open(folder + '/stamp', 'w', encoding='ascii'):
        pass


main()
