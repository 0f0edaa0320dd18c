#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_images.py WALK_HOST WALK_RUMP RUMPUS [NAME...] - what we read is what is there

Puts a tree into an image with each set of features that mke2fs knows, and
compares what we read of it with the source.  `rumpus cp -a` copies the tree out
again, which has to give the same.

By itself it takes the tree of corners.py.  With RUMPUS_TESTS=large in the
environment it takes more than 20,000 files of this machine as well and, where
there is root and a loop device, compares with what the host's kernel sees on
its own mount of each image, and reads images that the host's kernel wrote and
did not finish.  NAME picks kinds, 'special' or 'dirty'.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile

import corners
import features
import manifest
import special

LARGE = 'large' in os.environ.get('RUMPUS_TESTS', '').split(',')
LARGE_FILES = 20000
LARGE_FROM = ('/etc', '/var/lib/dpkg', '/usr/share/zoneinfo', '/usr/lib/python3', '/usr/share/terminfo',
              '/usr/lib/python3.11', '/usr/include', '/usr/share/perl', '/usr/share/perl5',
              '/usr/share/bash-completion', '/usr/share/icons', '/usr/share/doc', '/usr/share/man')
COPIED = ('ext4', 'ext3', 'block-64k', 'inline', 'everything')


class Results:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, what, differences):
        """differences: a list of texts, empty if all is well."""
        if differences:
            self.failed += 1
            print(f'not ok {self.total()} - {what}\n#   {manifest.short(differences)}', flush=True)
        else:
            self.passed += 1
            print(f'ok {self.total()} - {what}', flush=True)
        return not differences

    def skip(self, what, why):
        self.skipped += 1
        print(f'ok {self.total()} - {what} # SKIP {why}', flush=True)

    def total(self):
        return self.passed + self.failed + self.skipped


class Bench:
    """The programs, a folder to work in, and the results so far."""

    def __init__(self, walk_host, walk_rump, rumpus, folder):
        self.walk_host, self.walk_rump, self.rumpus = walk_host, walk_rump, rumpus
        self.folder = folder
        self.results = Results()
        self.loop = LARGE and os.geteuid() == 0 and can_mount(folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def host(self, folder, *options):
        return manifest.Walk(self.walk_host, *options, folder)

    def rump(self, image, *where):
        return manifest.Walk(self.walk_rump, image, *map(str, where))

    def run(self, *command):
        return run(*command)

    def sha256(self, path):
        return sha256(path)

    def compare_host(self, name, image, ours):
        compare_host(self, name, image, ours)

    @contextlib.contextmanager
    def mounted(self, image, options='ro'):
        """None if the host cannot."""
        at = self.path('mnt')
        os.makedirs(at, exist_ok=True)
        done = run('mount', '-o', 'loop,' + options, image, at)
        try:
            yield None if done.returncode else at
        finally:
            if done.returncode == 0:
                run('umount', at)


def run(*command, data=None):
    return subprocess.run(command, check=False, input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors='replace',
                          env=dict(os.environ, LC_ALL='C', MKE2FS_SYNC='0',
                                   PATH=os.environ['PATH'] + ':/usr/sbin:/sbin'))


def can_mount(folder):
    image = os.path.join(folder, 'probe.img')
    at = os.path.join(folder, 'probe')
    os.mkdir(at)
    done = run('mke2fs', '-q', '-t', 'ext4', image, '8M').returncode or \
        run('mount', '-o', 'loop,ro', image, at).returncode
    if done == 0:
        run('umount', at)
    os.unlink(image)
    return done == 0


def sha256(path):
    digest = hashlib.sha256()
    with open(path, 'rb') as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def make_image(kind, source, image, size):
    """Differences, if it cannot be made."""
    done = run(*kind.command(image, source, size))
    if done.returncode:
        return [f'mke2fs: {done.stdout.strip()}']
    for command in kind.after:
        done = run(*(word.format(image) for word in command))
        if done.returncode > 1:
            return [f'{command[0]}: {done.stdout.strip()}']
    return []


def as_copied(walk, ours):
    """What is left of a walk if it is compared with a copy.  ours: of the image."""
    for path in [p for p in walk.at if p.endswith('/kinds/socket')]:     # cp leaves sockets
        del walk.at[path]
    for path in ('.', manifest.LOST_FOUND):
        walk.at.pop(path, None)
    for path, fields in walk.at.items():
        if path.endswith('/kinds'):
            del fields['entries']
        if manifest.is_dir(fields):
            del fields['nlink'], fields['size']
        if os.geteuid() == 0:
            continue
        # What only root can set.
        mode = int(fields['mode'], 8)
        if ours and mode & 0o170000 in (0o100000, 0o040000):
            fields['mode'] = f'{mode & ~0o6000:o}'
        for key in [k for k in fields if k.startswith('x:') and not k.startswith('x:user.')]:
            del fields[key]
    return walk


def compare_copy(bench, kind, image, ours):
    """rumpus cp -a gives back what the image has."""
    out = bench.path('copy')
    shutil.rmtree(out, ignore_errors=True)
    os.mkdir(out)
    done = run(bench.rumpus, 'cp', '-a', f'{image}:/', out + '/tree')
    differences = [] if done.returncode == 0 else [f'exit status {done.returncode}: {done.stdout}']
    skip = {'ino', 'blocks', 'blksize', 'attr', 'ctime', 'btime', 'atime', 'map'}
    if os.geteuid() != 0:
        skip |= {'uid', 'gid'}
    differences += manifest.exactly(as_copied(ours, True),
                                    as_copied(bench.host(out + '/tree'), False),
                                    skip, ('the image', 'the copy'))
    bench.results.check(f'{kind.name}: rumpus cp -a gives the same tree', differences)
    run('chmod', '-R', 'u+rwx', out)
    shutil.rmtree(out, ignore_errors=True)


def compare_host(bench, name, image, ours):
    with bench.mounted(image) as at:
        if at is None:
            bench.results.skip(f'{name}: as the host sees it', 'the host cannot mount it')
            return
        theirs = bench.host(at)
    bench.results.check(f'{name}: as the host sees it', manifest.exactly(theirs, ours))


def try_kind(bench, kind, source, walked, size, copy):
    image = bench.path(f'{kind.name}.img')
    broken = make_image(kind, source, image, size)
    if broken:
        bench.results.check(f'{kind.name}: make it', broken)
        return
    before = sha256(image) if copy else None
    ours = bench.rump(image)
    differences = [] if ours.code == 0 and not ours.stderr else [ours.stderr]
    differences += manifest.against_source(walked, ours, kind.block or block_size(image),
                                           kind.xattrs, kind.inline)
    bench.results.check(f'{kind.name}: {len(ours.at)} objects as in the source', differences)
    if bench.loop and kind.host:
        compare_host(bench, kind.name, image, ours)
    if copy:
        compare_copy(bench, kind, image, ours)
        bench.results.check(f'{kind.name}: the image is untouched',
                            [] if sha256(image) == before else ['its SHA-256 is another'])
    os.unlink(image)


def block_size(image):
    with open(image, 'rb') as file:
        file.seek(1024 + 24)
        return 1024 << int.from_bytes(file.read(4), 'little')


def large_source(folder):
    """Real files, with their links, until there are enough."""
    os.mkdir(folder)
    for top in LARGE_FROM:
        if os.path.isdir(top) and sum(len(files) for _, _, files in os.walk(folder)) < LARGE_FILES:
            os.makedirs(folder + os.path.dirname(top), exist_ok=True)
            run('cp', '-a', '--sparse=always', top, folder + top)
    corners.make(folder + '/corners', 4000)


def try_kinds(bench, kinds):
    source = bench.path('source')
    if LARGE:
        large_source(source)
    else:
        corners.make(source)
    walked = bench.host(source, '-z')
    print(f'# {len(walked.at)} objects in the source')
    if LARGE:
        files = sum(1 for fields in walked.at.values() if not manifest.is_dir(fields))
        bench.results.check(f'{files} files in the source',
                            [f'less than {LARGE_FILES}'] if files < LARGE_FILES else [])
    for kind in kinds:
        small = 192 if '64k' in kind.name else 96
        size = f'{small * 16 if LARGE else small}M'
        try_kind(bench, kind, source, walked, size, kind.name in COPIED)


def main():
    walk_host, walk_rump, rumpus, *names = sys.argv[1:]
    folder = tempfile.mkdtemp(prefix='images-', dir=os.environ.get('RUMPUS_TMP'))
    try:
        bench = Bench(walk_host, walk_rump, rumpus, folder)
        kinds = [k for k in features.KINDS if not names or k.name in names]
        if kinds:
            try_kinds(bench, kinds)
        if not names or 'special' in names:
            special.try_all(bench)
        if bench.loop and (not names or 'dirty' in names):
            special.dirty(bench)
    finally:
        run('umount', os.path.join(folder, 'mnt'))
        shutil.rmtree(folder, ignore_errors=True)
    r = bench.results
    print(f'{r.passed} passed, {r.failed} failed, {r.skipped} skipped')
    sys.exit(1 if r.failed else 0)


main()
