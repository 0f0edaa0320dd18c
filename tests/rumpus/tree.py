# SPDX-License-Identifier: BSD-2-Clause
"""tree.py - a small tree with something of everything, and an image of it"""

import os
import random
import socket

from rig import debugfs, ext4, write

XATTRS = {b'user.colour': b'blue', b'user.bytes': b'\x00\x01\xff', b'user.empty': b''}


def make(top='src'):
    """The tree, the same each time."""
    rand = random.Random(7)
    os.mkdir(top)
    here = os.getcwd()
    os.chdir(top)
    try:
        write('empty')
        write('hello', b'hello\n')
        write('.hidden', b'h')
        write('random', rand.randbytes(300001))
        write('name with space', b'1')
        write(b'line\nfeed', b'2')
        write(b'\xff\xfe not utf-8', b'3')
        write('na\u00efve'.encode(), b'4')
        with open('sparse', 'wb') as file:
            for at in (0, 1 << 20, 3 << 20):
                file.seek(at)
                file.write(rand.randbytes(5000))
            file.truncate(5 << 20)
        os.makedirs('d/e/f')
        write('d/one', b'1' * 1000)
        write('d/e/two', b'2' * 70000)
        write('d/e/f/three', b'3')
        os.mkdir('d/void')
        os.mkdir('a:')
        write('a:/b', b'colon')
        os.link('hello', 'd/hello too')
        os.symlink('d/e/two', 'link')
        os.symlink('nowhere', 'dangling')
        os.symlink('/d/e/two', 'absolute')
        os.symlink('../d', 'd/loop')
        os.mkfifo('fifo')
        dress()
    finally:
        os.chdir(here)
    return top


def dress():
    """Modes and times; directories last, since what is in them changes theirs."""
    os.chmod('hello', 0o640)
    os.chmod('random', 0o755)
    os.chmod('d/one', 0o4755)
    os.chmod('d/void', 0o1777)
    for number, name in enumerate(['hello', 'random', 'empty', 'sparse', 'd/e/two']):
        os.utime(name, (1000000000 + number * 86400, 1100000000 + number * 86400))
    for name in ('d/e/f', 'd/e', 'd', 'a:', 'd/void'):
        os.utime(name, (1200000000, 1300000000))


def image(name, top, *options, megabytes=8):
    """The tree as an image; xattrs are set there, whatever the host can keep."""
    ext4(name, '-d', top, *options, megabytes=megabytes)
    commands = []
    for number, (key, value) in enumerate(XATTRS.items()):
        write('value%d' % number, value)
        commands.append('ea_set -f value%d hello %s' % (number, key.decode()))
        commands.append('ea_set -f value%d d %s' % (number, key.decode()))
    debugfs(name, *commands)
    return name


def add_socket(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


def paths(top):
    """All below top, as they are called in the image: bytes, '/' first."""
    base = os.fsencode(top)
    found = []
    for folder, dirs, files in os.walk(base):
        for name in dirs + files:
            found.append(os.path.join(folder, name)[len(base):])
    return sorted(found)
