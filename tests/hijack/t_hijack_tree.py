#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_tree.py RUMPUS - a server for one program and what it starts ("rumpus run --tree")

It is there before the program begins, serves all of the tree, and is gone after the last of
them, however that ended: with nobody waiting for it, there is nothing to be left.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig

MOUNT = '--mount=tmpfs:/tmp'


class Tree:
    """A folder for the user's servers, so that those of others are not counted."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.env = {**os.environ, 'XDG_RUNTIME_DIR': self.folder.name, 'LC_ALL': 'C'}

    def command(self, *words):
        return [rig.RUMPUS, 'run', *words]

    def run(self, *words, **more):
        return subprocess.run(self.command(*words), check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env,
                              timeout=rig.LIMIT, **more)

    def start(self, *words, **more):
        return subprocess.Popen(self.command(*words), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, env=self.env, **more)

    def servers(self):
        out = subprocess.run([rig.RUMPUS, 'ps', '--json'], env=self.env, check=True,
                             stdout=subprocess.PIPE).stdout
        return [s for s in json.loads(out) if s['state'] == 'up']

    def gone(self):
        """The server notices by itself; only how soon is the host's affair."""
        for server in self.servers():
            try:
                fd = os.pidfd_open(server['pid'])
            except ProcessLookupError:
                continue
            ended = select.select([fd], [], [], rig.LIMIT)[0]
            os.close(fd)
            if not ended:
                return False
        return not self.servers()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.folder.cleanup()


equal = rig.check_eq


def holds(what, held):
    rig.check(held, what)


def children_share_the_kernel():
    script = 'echo one >/rump/tmp/a; (cat /rump/tmp/a; echo two >>/rump/tmp/a); cat /rump/tmp/a; exit 7'
    with Tree() as tree:
        done = tree.run(MOUNT, '--', 'sh', '-c', script)
        equal('output', (b'one\none\ntwo\n', b'', 7), (done.stdout, done.stderr, done.returncode))
        holds('the server ended', tree.gone())


def who_stays_in_the_background_keeps_the_server():
    # The child has not called the kernel when its parent ends.
    script = 'echo kept >/rump/tmp/a; (read word; cat /rump/tmp/a) <&3 & '
    with Tree() as tree:
        there, here = os.pipe()
        process = tree.start(MOUNT, '--', 'sh', '-c', 'exec 3<&%d; %s' % (there, script),
                             pass_fds=[there])
        os.close(there)
        equal('the shell ended', 0, process.wait(rig.LIMIT))
        equal('servers', 1, len(tree.servers()))
        os.write(here, b'go\n')
        os.close(here)
        equal('what the child found', b'kept\n', process.stdout.read())
        holds('the server ended', tree.gone())


def who_closes_all_descriptors_keeps_the_server():
    script = 'import os, sys; os.closerange(3, 1024); print(sorted(os.listdir("/rump")))'
    with Tree() as tree:
        done = tree.run(MOUNT, '--', '/usr/bin/python3', '-c', script)
        holds('listed: %r' % done.stderr, b"'tmp'" in done.stdout)
        holds('the server ended', tree.gone())


def a_killed_program_leaves_no_server():
    with Tree() as tree:
        process = tree.start(MOUNT, '--', 'sh', '-c', 'echo up; read word </rump/tmp/none; read word')
        equal('said', b'up\n', process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        equal('ended', -signal.SIGKILL, process.wait(rig.LIMIT))
        holds('the server ended', tree.gone())


def a_static_program_gets_one_by_itself():
    if shutil.which('busybox') is None:
        raise rig.Skip('busybox is not here')
    with Tree() as tree:
        done = tree.run('--if', 'shm:%s/bus,10.9.0.1/24' % tree.folder.name, '--', 'busybox', 'ip',
                        'addr', 'show', 'dev', 'shm0')
        holds('address: %r' % done.stderr, b'inet 10.9.0.1/24' in done.stdout)
        holds('the server ended', tree.gone())


def who_one_is_is_the_kernels_with_root():
    here = b'%d %d\n' % (os.getuid(), os.getgid())
    script = 'echo $(id -u) $(id -g)'
    owners = """
cd /rump/tmp && mkdir a && echo x >a/f && chown 12:34 a/f && tar cf t.tar a && rm -r a && tar xf t.tar
stat -c %u:%g a/f
"""
    become = 'import os; os.setgroups([7]); os.setresgid(5, 5, 5); os.setuid(33); print(' \
             'os.getresuid(), os.getresgid(), os.getgroups(), open("/proc/self/status").read().split("Uid:")[1].split()[0])'
    with Tree() as tree:
        equal('without', here, tree.run(MOUNT, '--', 'sh', '-c', script).stdout)
        equal('with', b'0 0\n', tree.run(MOUNT, '--root', '--', 'sh', '-c', script).stdout)
        done = tree.run(MOUNT, '--root', '--', 'sh', '-ec', owners)
        equal('tar keeps owners', (b'12:34\n', b''), (done.stdout, done.stderr))
        done = tree.run(MOUNT, '--root', '--', '/usr/bin/python3', '-c', become)
        equal('it changes there, and not at the host',
              b'(33, 33, 33) (5, 5, 5) [7] %d\n' % os.getuid(), done.stdout)
        if shutil.which('busybox') is not None:
            equal('static', b'0\n', tree.run('--root', '--', 'busybox', 'id', '-u').stdout)


def what_is_wrong_is_said():
    with Tree() as tree:
        done = tree.run('--mount=/nowhere/at/all:/srv', '--', 'true')
        equal('exit status of an image that is not there', 1, done.returncode)
        holds('its name: %r' % done.stderr, b'/nowhere/at/all' in done.stderr)
        done = tree.run('--on=unix:///tmp/x', '--tree', '--', 'true')
        equal('exit status of both', 2, done.returncode)
        done = tree.run(MOUNT, '--', '/nowhere/at/all')
        equal('exit status of no program', 127, done.returncode)
        holds('the server ended', tree.gone())
        done = subprocess.run([rig.RUMPUS, 'server', '--end-with=0', 'unix://@x'], check=False,
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        equal('exit status of no pipe', 2, done.returncode)


rig.main([
    children_share_the_kernel,
    who_stays_in_the_background_keeps_the_server,
    who_closes_all_descriptors_keeps_the_server,
    a_killed_program_leaves_no_server,
    a_static_program_gets_one_by_itself,
    who_one_is_is_the_kernels_with_root,
    what_is_wrong_is_said,
])
