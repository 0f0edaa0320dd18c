#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""corners.py FOLDER - a tree of all that is seldom met

Whatever the caller and the file system below may not make (device nodes,
trusted attributes, times before 1970) is left out: the tree is described
by walking it, never by what was meant to be in it.
"""

import contextlib
import os
import random
import socket
import stat
import struct
import sys

NS = 10 ** 9


def put(path, data=b'', mode=None):
    with open(path, 'wb') as file:
        file.write(data)
    if mode is not None:
        os.chmod(path, mode)


def noise(seed, size):
    return random.Random(seed).randbytes(size)


def attempt(call, *args, **kwargs):
    with contextlib.suppress(OSError):
        call(*args, **kwargs)
        return True
    return False


def sizes(top):
    """Files of one byte less, as many and one more than so many blocks."""
    os.mkdir(f'{top}/sizes')
    put(f'{top}/sizes/empty')
    for block in (1024, 4096):
        for count in range(1, 6):
            for more in (-1, 0, 1):
                size = block * count + more
                put(f'{top}/sizes/{size}', noise(size, size))
    for size in (1, 2, 59, 60, 61, 95, 96, 97, 100, 127, 128, 150, 152, 156, 160, 161, 200, 800):
        put(f'{top}/sizes/{size}', noise(size, size))
    put(f'{top}/sizes/large', noise(1, 3 * 1024 * 1024 + 17))


def links(top):
    os.mkdir(f'{top}/links')
    for size in (1, 2, 58, 59, 60, 61, 62, 100, 150, 151, 160, 255, 1000, 1020):
        target = ('t' * 50 + '/') * (size // 51 + 1)
        os.symlink(target[:size - 1] + 'z', f'{top}/links/{size}')
    os.symlink('.', f'{top}/links/self')
    os.symlink('loop', f'{top}/links/loop')
    os.symlink(b'odd \xff\n\x01 target', f'{top}/links/odd'.encode())
    put(f'{top}/links/one', b'many names\n')
    for i in range(40):
        os.link(f'{top}/links/one', f'{top}/links/name{i}')
    os.mkdir(f'{top}/links/below')
    os.link(f'{top}/links/one', f'{top}/links/below/elsewhere')


def names(top):
    os.mkdir(f'{top}/names')
    base = f'{top}/names/'.encode()
    for size in (1, 2, 3, 4, 5, 127, 128, 253, 254, 255):
        put(base + b'n' * size, b'%d' % size)
    for byte in [*range(1, 256)]:
        if byte != ord('/'):
            put(base + b'byte-' + bytes([byte]), bytes([byte]))
    for name in ('UPPER', 'upper.', 'ä' * 100, '日本語', '😀', ' ', '...', '-rf', 'a:b', 'x%41'):
        put(base + name.encode(), name.encode())


def depth(top, levels=60):
    """Deeper than PATH_MAX reaches."""
    here = os.open(top, os.O_RDONLY)
    for level in range(levels):
        name = f'level{level:03}-' + 'd' * 90
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    bottom = os.open('bottom', os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=here)
    os.write(bottom, b'here\n')
    os.close(bottom)
    os.close(here)


def holes(top):
    os.mkdir(f'{top}/holes')
    base = f'{top}/holes'
    block = 65536
    cases = {'front': [7], 'middle': [0, 9], 'end': [0], 'many': range(0, 400, 2),
             'pairs': [i for i in range(300) if i % 3 != 2],
             'scattered': sorted(random.Random(5).sample(range(900), 120))}
    for name, blocks in cases.items():
        with open(f'{base}/{name}', 'wb') as file:
            for i in blocks:
                file.seek(i * block)
                file.write(noise(i, 4096) if name in ('many', 'scattered') else noise(i, 700))
            if name in ('end', 'scattered'):
                file.truncate(1000 * block + 5)
    with open(f'{base}/all', 'wb') as file:
        file.truncate(10 * 1024 * 1024 + 1)
    with open(f'{base}/zeros', 'wb') as file:
        file.write(bytes(100000) + b'x' + bytes(100000))
    with open(f'{base}/small-steps', 'wb') as file:
        for i in range(0, 300, 2):
            file.seek(i * 4096)
            file.write(noise(i, 4096))


def huge(path, size):
    """A file that is nearly all hole, with data at its odd places."""
    with open(path, 'wb') as file:
        for at in (0, 4096 * 12, 1 << 20, (1 << 31) - 2048, (1 << 32) + 8192, size - 5000):
            if at < size - 5000:
                file.seek(at)
                file.write(noise(at, 5000))
        file.truncate(size)


def times(top):
    os.mkdir(f'{top}/times')
    moments = {'epoch': 0, 'before': -1, 'y1901': -(1 << 31), 'y1950': -631152000,
               'y2038': (1 << 31) - 1, 'y2038b': 1 << 31, 'y2106': (1 << 32) - 1,
               'y2106b': 1 << 32, 'y2200': 7258118400, 'y2446': 15032385535,
               'year2000': 946684800}
    for name, seconds in moments.items():
        for nsec in (0, 1, 123456789, 999999999):
            path = f'{top}/times/{name}.{nsec}'
            put(path)
            attempt(os.utime, path, ns=(seconds * NS + nsec, seconds * NS + nsec))


def acl(entries):
    """The value of system.posix_acl_*: (tag, permissions, id) ..."""
    return struct.pack('<I', 2) + b''.join(
        struct.pack('<HHI', tag, perm, who) for tag, perm, who in entries)


ACL = [(0x01, 7, 0xffffffff), (0x02, 4, 1000), (0x02, 7, 70000), (0x04, 4, 0xffffffff),
       (0x08, 5, 50), (0x10, 7, 0xffffffff), (0x20, 0, 0xffffffff)]


def attributes(top):
    os.mkdir(f'{top}/attributes')
    base = f'{top}/attributes'

    def make(name, values, directory=False):
        path = f'{base}/{name}'
        if directory:
            os.mkdir(path)
        else:
            put(path, name.encode())
        for attr, value in values.items():
            attempt(os.setxattr, path, attr, value, follow_symlinks=False)

    make('user', {'user.a': b'1'})
    make('empty', {'user.empty': b''})
    make('several', {f'user.attr{i}': noise(i, i) for i in range(12)})
    make('large', {'user.large': noise(3, 600)})
    make('binary', {'user.\u00e9\u00fc': bytes(range(256))})
    make('long-name', {'user.' + 'n' * 200: b'x'})
    make('security', {'security.selinux': b'system_u:object_r:etc_t:s0\0', 'security.x': b'y',
                      'security.capability': bytes.fromhex('0000000200040000000000000000000000000000')})
    make('trusted', {'trusted.overlay.opaque': b'y', 'trusted.t': b'\0\1\2'})
    make('same1', {'user.shared': b'the same' * 30})
    make('same2', {'user.shared': b'the same' * 30})
    make('acl', {'system.posix_acl_access': acl(ACL)})
    make('acl-dir', {'system.posix_acl_access': acl(ACL), 'system.posix_acl_default': acl(ACL)},
         directory=True)
    make('dir', {'user.on-a-directory': b'v'}, directory=True)
    os.symlink('x' * 200, f'{base}/symlink')
    attempt(os.setxattr, f'{base}/symlink', 'trusted.link', b'l', follow_symlinks=False)


def kinds(top):
    os.mkdir(f'{top}/kinds')
    base = f'{top}/kinds'
    os.mkfifo(f'{base}/fifo', 0o640)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
        here = os.getcwd()
        os.chdir(base)      # sun_path is short
        sock.bind('socket')
        os.chdir(here)
    for name, major, minor in (('null', 1, 3), ('small', 255, 255), ('wide', 256, 256),
                               ('max', 0xfff, 0xfffff), ('minor', 8, 1000)):
        attempt(os.mknod, f'{base}/c-{name}', stat.S_IFCHR | 0o600, os.makedev(major, minor))
        attempt(os.mknod, f'{base}/b-{name}', stat.S_IFBLK | 0o660, os.makedev(major, minor))
    for mode in (0, 0o400, 0o777, 0o1777, 0o2755, 0o4755, 0o6755, 0o7777):
        put(f'{base}/mode-{mode:o}')
        os.mkdir(f'{base}/dir-{mode:o}')
        for name in ('mode', 'dir'):
            path = f'{base}/{name}-{mode:o}'
            attempt(os.chown, path, mode * 100, 65535 + mode)
            # What the caller could not look into later is not for him.
            readable = os.geteuid() == 0 or mode & 0o500 == 0o500 or \
                (name == 'mode' and mode & 0o400)
            os.chmod(path, mode if readable else mode | 0o500)


def directories(top, count):
    """Directories of one block and of many."""
    os.mkdir(f'{top}/directories')
    for files, length in ((1, 10), (12, 200), (count // 4, 240), (count, 12)):
        base = f'{top}/directories/{files}x{length}'
        os.mkdir(base)
        for i in range(files):
            name = f'{i:x}-' + 'abcdefghij' * 25
            if i % 10 == 3:
                os.symlink('x', f'{base}/{name[:length]}')
            elif i % 10 == 7 or count < 1000:
                put(f'{base}/{name[:length]}', b'%d' % i)
            elif i % 10 == 0 or i < 10:
                first = f'{base}/{name[:length]}'
                put(first)
            else:
                os.link(first, f'{base}/{name[:length]}')


def make(top, count=300):
    """count: names in the largest directory."""
    os.makedirs(top)
    for part in (sizes, links, names, depth, holes, times, attributes, kinds):
        part(top)
    directories(top, count)


if __name__ == '__main__':
    make(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 300)
