# SPDX-License-Identifier: BSD-2-Clause
"""images.py - making images, and telling what a tree or a mount has in it

The tests that import this are given the program of ext2_dump.c as their first
argument. Lines are compared as {path: [word]}, see there.
"""

import hashlib
import os
import random
import re
import socket
import stat
import shutil
import subprocess
import sys
import tempfile
import zlib

DUMP = sys.argv[1]
os.environ['PATH'] += ':/usr/sbin:/sbin'
ROOT = os.geteuid() == 0

FAILED = []


def check(held, text):
    if not held:
        FAILED.append(text)
        print('# ' + text)
    return held


def run(*command, **more):
    return subprocess.run(command, check=False, text=True, errors='surrogateescape',
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


# --- the tree -----------------------------------------------------------------

def write(name, content):
    with open(name, 'wb') as file:
        file.write(content)


def make_content(rand):
    write('empty', b'')
    write('hello', b'hello')
    for size in (59, 60, 61, 100, 150, 4096, 123457):
        write('size%d' % size, rand.randbytes(size))
    write('big', rand.randbytes(3 << 20))
    with open('sparse', 'wb') as file:
        for at in (0, 5000, 1 << 20, 20 << 20, (40 << 20) + 777):
            file.seek(at)
            file.write(rand.randbytes(3000))
        file.truncate(50 << 20)
    with open('fragments', 'wb') as file:
        for i in range(400):
            file.seek(i * 50000)
            file.write(rand.randbytes(100))
    with open('hole', 'wb') as file:
        file.truncate(1 << 33)


def make_names():
    for length in (1, 59, 60, 61, 150, 900):
        os.symlink('s' * length, 'link%d' % length)
    os.makedirs('empty_dir')
    os.makedirs('few')
    for i in range(5):
        write('few/%d' % i, b'%d' % i)
    os.makedirs('many')
    for i in range(1500):
        write('many/file-number-%06d-%s' % (i, 'z' * (i % 40)), b'')
    os.makedirs('long')
    for i in range(300):
        write('long/%s%s' % ('%03d' % i * 80, 'x' * 15), b'')
    os.makedirs('utf8')
    for name in ('na\u00efve', '\u65e5\u672c\u8a9e', '\u00e9' * 100):
        write(os.fsencode('utf8/' + name), name.encode())
    os.makedirs('/'.join(['deep'] + ['n%d' % i for i in range(30)]))
    os.link('hello', 'hard_link')
    os.link('hello', 'few/hard_link')


def make_kinds():
    os.mkfifo('fifo')
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind('socket')
    if ROOT:
        os.mknod('chr', 0o20644, os.makedev(5, 1))
        os.mknod('blk', 0o60600, os.makedev(259, 70000))
        os.mknod('chr_large', 0o20644, os.makedev(1000, 3))
        write('owned', b'')
        os.chown('owned', 70000, 80000)
        os.chmod('owned', 0o6755)
    os.chmod('empty_dir', 0o1777)
    os.utime('few', ns=(10**18 + 5, 10**18 + 7))
    write('old', b'')
    os.utime('old', ns=(-86400 * 3650 * 10**9, -10**9))


def set_xattr(name, key, value):
    """What the host's file system refuses is not part of the tree."""
    try:
        os.setxattr(name, key, value, follow_symlinks=False)
    except OSError:
        pass


def make_xattrs(rand):
    write('xattr_small', b'')
    set_xattr('xattr_small', 'user.a', b'1')
    set_xattr('xattr_small', 'user.none', b'')
    set_xattr('xattr_small', 'trusted.t', b'tt')
    set_xattr('xattr_small', 'security.s', b'sss')
    # user::rw-, user:1234:r--, group::r--, group:77:r--, mask::r--, other::---
    set_xattr('xattr_small', 'system.posix_acl_access', bytes.fromhex(
        '02000000' '01000600ffffffff' '02000400d2040000' '04000400ffffffff'
        '080004004d000000' '10000400ffffffff' '20000000ffffffff'))
    write('xattr_inline', b'z' * 100)
    set_xattr('xattr_inline', 'user.a', b'1')
    write('xattr_large', b'content')
    set_xattr('xattr_large', 'user.large', rand.randbytes(600))
    for i in range(5):
        set_xattr('xattr_large', 'user.%d' % i, b'value%d' % i * 10)


def make_tree(path):
    os.makedirs(path)
    here = os.getcwd()
    os.chdir(path)
    rand = random.Random(5)
    make_content(rand)
    make_names()
    make_kinds()
    make_xattrs(rand)
    os.chdir(here)


# --- the same lines as ext2_dump.c --------------------------------------------

def escape(raw):
    return ''.join(chr(c) if 32 < c < 127 and c not in b'\\=' else '\\x%02x' % c for c in raw)


def seconds(ns):
    return '%d.%09d' % (ns // 10**9, ns % 10**9)


def content_words(path, size):
    fd = os.open(path, os.O_RDONLY)
    words = []
    if size <= 1 << 32:
        crc = 0
        while True:
            piece = os.read(fd, 1 << 20)
            if not piece:
                break
            crc = zlib.crc32(piece, crc)
        words.append('crc=%08x' % crc)
    text = ''
    off = 0
    while off < size:
        try:
            data = os.lseek(fd, off, os.SEEK_DATA)
            off = os.lseek(fd, data, os.SEEK_HOLE)
        except OSError:
            break
        text += '%d-%d,' % (data, off)
    os.close(fd)
    return words + ['map=' + text]


def xattr_words(path):
    words = []
    for name in sorted(os.fsencode(n) for n in os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, name, follow_symlinks=False)
        words.append('xattr.%s=%d:%08x' % (escape(name), len(value), zlib.crc32(value)))
    return words


def file_words(path):
    st = os.lstat(path)
    words = ['ino=%d' % st.st_ino, 'mode=%o' % st.st_mode, 'nlink=%d' % st.st_nlink,
             'uid=%d' % st.st_uid, 'gid=%d' % st.st_gid, 'atime=' + seconds(st.st_atime_ns),
             'mtime=' + seconds(st.st_mtime_ns), 'ctime=' + seconds(st.st_ctime_ns)]
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        words.append('rdev=%d:%d' % (os.major(st.st_rdev), os.minor(st.st_rdev)))
    if not stat.S_ISDIR(st.st_mode):
        words += ['size=%d' % st.st_size, 'blocks=%d' % st.st_blocks]
    words += xattr_words(path)
    if stat.S_ISLNK(st.st_mode):
        words.append('target=' + escape(os.readlink(path)))
    if stat.S_ISREG(st.st_mode):
        words += content_words(path, st.st_size)
    return words


def tree_lines(root):
    """{path: words}, as lines_of() makes from what the program prints."""
    found = {}

    def visit(path, shown):
        found[escape(shown)] = file_words(path)
        if stat.S_ISDIR(os.lstat(path).st_mode):
            for name in os.listdir(path):
                visit(path + b'/' + name, shown + b'/' + name)
    visit(os.fsencode(root), b'')
    return found


def lines_of(text):
    found = {}
    for line in text.splitlines():
        path, *words = line.split(' ')
        # The content of a directory has a line of its own when it fails.
        if not words[0].startswith('error.'):
            check(path not in found, 'listed twice: ' + path)
        found[path] = found.get(path, []) + words
    return found


def dump(image, options='', verbose=''):
    result = run(DUMP, '-o', options, image, env=dict(os.environ, RUMP_VERBOSE=verbose or '0'))
    if not check(result.returncode == 0, 'the program ended with %d: %s'
                 % (result.returncode, result.stderr[-500:])):
        return {}, result.stderr
    return lines_of(result.stdout), result.stderr


# --- comparing ----------------------------------------------------------------

def differences(name, ours, theirs):
    count = 0
    for path in sorted(set(ours) | set(theirs)):
        mine, other = ours.get(path), theirs.get(path)
        if mine == other:
            continue
        count += 1
        if count <= 3:
            left = [w for w in mine or [] if w not in (other or [])]
            right = [w for w in other or [] if w not in (mine or [])]
            check(False, '%s: %s: we say %s, expected %s'
                  % (name, path or '/', ' '.join(left)[:300] or '-',
                     ' '.join(right)[:300] or '-'))
    return count


def coarse_map(text, unit):
    """A map rounded to whole blocks."""
    runs = []
    for run_text in text.split(',')[:-1]:
        data, hole = (int(n) for n in run_text.split('-'))
        data, hole = data // unit * unit, (hole + unit - 1) // unit * unit
        if runs and runs[-1][1] >= data:
            runs[-1][1] = hole
        else:
            runs.append([data, hole])
    return runs


def normal(lines, unit, options):
    """Only what mke2fs -d takes over from a tree.

    With inline_data it forgets the hole at the end of a file.
    """
    left_out = ['', 'statfs', '/lost+found']
    if 'inline_data' in options:
        left_out += ['/sparse', '/hole']
    found = {}
    for path, words in lines.items():
        if path in left_out:
            continue
        kept = []
        directory = any(w.startswith('mode=4') for w in words)
        for word in words:
            key, _, value = word.partition('=')
            if key in ('ino', 'blocks', 'atime', 'ctime') or (directory and key == 'nlink'):
                continue
            if key == 'mtime':
                value = value.split('.')[0]
            if key == 'map':
                value = coarse_map(value, unit)
            kept.append('%s=%s' % (key, value))
        found[path] = kept
    return found


# --- images -------------------------------------------------------------------

class Work:
    """A folder with a tree and images in it."""

    def __init__(self, path):
        self.path = path
        self.tree = os.path.join(path, 'tree')
        make_tree(self.tree)
        self.mounts = ROOT and self.can_mount()

    def can_mount(self):
        if run('mkfs.ext4', '-q', '-F', self.image('probe'), '4M').returncode != 0:
            return False
        point = self.mount(self.image('probe'))
        if point is None:
            return False
        self.unmount(point)
        return True

    def image(self, name):
        return os.path.join(self.path, name + '.img')

    def make(self, name, options, mib, tree=True):
        image = self.image(name)
        if os.path.exists(image):
            os.unlink(image)
        with open(image, 'wb') as file:
            file.truncate(mib << 20)
        if '-b ' not in options:
            options += ' -b 4096'
        result = run('mkfs.ext4', '-q', '-F', *options.split(),
                     *(['-d', self.tree] if tree else []), image, stdin=subprocess.DEVNULL)
        if result.returncode != 0:
            print('# skipped %s: mkfs.ext4: %s' % (name, result.stderr.strip()[-100:]))
            return None
        return image

    def mount(self, image, options='ro'):
        point = tempfile.mkdtemp(dir=self.path)
        device = run('losetup', '-f', '--show', image).stdout.strip()
        if device and run('mount', '-t', 'ext4', '-o', options, device, point).returncode == 0:
            run('losetup', '-d', device)        # when it is unmounted
            return point
        if device:
            run('losetup', '-d', device)
        return None

    @staticmethod
    def unmount(point):
        run('umount', point)
        os.rmdir(point)

    def linux(self, image):
        """What Linux shows of the image, or None."""
        if not self.mounts:
            return None
        point = self.mount(image)
        if point is None:
            return None
        found = tree_lines(point)
        vfs = os.statvfs(point)
        found['statfs'] = ['bsize=%d' % vfs.f_bsize, 'blocks=%d' % vfs.f_blocks,
                           'bfree=%d' % vfs.f_bfree, 'bavail=%d' % vfs.f_bavail,
                           'files=%d' % vfs.f_files, 'ffree=%d' % vfs.f_ffree]
        self.unmount(point)
        return found


def digest(image):
    with open(image, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest() \
            if hasattr(hashlib, 'file_digest') else hashlib.sha256(file.read()).hexdigest()


def debugfs(image, *commands):
    return run('debugfs', '-w', '-f', '-', image, input='\n'.join(commands) + '\n')


def block_size(image):
    out = run('dumpe2fs', '-h', image).stdout
    size = int(re.search(r'Block size: +(\d+)', out).group(1))
    cluster = re.search(r'Cluster size: +(\d+)', out)
    return max(size, int(cluster.group(1)) if cluster else 0)


# --- running ------------------------------------------------------------------

def main(tests, mounted_tests):
    """Each test is a name, a function and its arguments behind the Work."""
    if any(shutil.which(tool) is None for tool in ('mkfs.ext4', 'debugfs', 'dumpe2fs')):
        print('mkfs.ext4 is not installed')
        sys.exit(77)
    only = sys.argv[2:]
    failed = 0
    with tempfile.TemporaryDirectory(prefix='ext2_images.') as path:
        work = Work(path)
        if work.mounts:
            tests = tests + mounted_tests
        else:
            print('# without the right to mount, Linux is not asked')
        tests = [t for t in tests if not only or t[0] in only]
        for number, (name, test, *args) in enumerate(tests, 1):
            FAILED.clear()
            test(work, *args)
            print('%sok %d - %s' % ('not ' if FAILED else '', number, name), flush=True)
            failed += bool(FAILED)
    print('1..%d' % len(tests))
    print('%d passed, %d failed, 0 skipped' % (len(tests) - failed, failed))
    sys.exit(failed != 0)
