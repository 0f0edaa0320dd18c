# SPDX-License-Identifier: BSD-2-Clause
"""worlds.py - the same program on the host and hijacked

A test that imports this has RUMPUS and SP_SERVER as its arguments, besides others of its own.
"""

import os
import shutil
import subprocess
import sys

import rig

SERVER = os.path.abspath(sys.argv.pop())
PYTHON = '/usr/bin/python3'
INSIDE = '/rump/folder'


class Worlds:
    """A folder of the host and one of a kernel, and programs in either."""

    def __enter__(self):
        self.folder = rig.tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.host = os.path.join(self.folder.name, 'folder')
        os.mkdir(self.host)
        self.url = 'unix://' + os.path.join(self.folder.name, 'kernel')
        self.server = subprocess.Popen([SERVER, self.url], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        rig.check_eq('server', b'ready\n', self.server.stdout.readline())
        self.run('mkdir', INSIDE)
        return self

    def words(self, *words, engine=None, options=(), inside=False):
        where = [] if inside else ['--on', self.url]
        engine = ['--engine', engine] if engine else []
        return [rig.RUMPUS, 'run', *where, *engine, *options, '--', *words]

    def run(self, *words, engine=None, options=(), inside=False, **more):
        more.setdefault('stdin', subprocess.DEVNULL)
        return subprocess.run(self.words(*words, engine=engine, options=options, inside=inside),
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=rig.LIMIT, **more)

    # pylint: disable=too-many-arguments
    def same(self, *words, env=None, needles=(), engine=None, options=(), inside=False):
        """What it says hijacked, which is what it says here."""
        said = []
        for folder in (self.host, INSIDE):
            more = dict(os.environ, R=folder, B='busybox', **(env or {}))
            if folder == self.host:
                result = subprocess.run(words, check=False, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        timeout=rig.LIMIT, env=more)
            else:
                result = self.run(*words, env=more, engine=engine, options=options, inside=inside)
            said.append((result.returncode, result.stdout.replace(folder.encode(), b'FOLDER')))
        rig.check_eq('what it says', said[0], said[1])
        for needle in needles:
            rig.check(needle in said[0][1], 'it does not say %r but %r' % (needle, said[0][1]))

    def __exit__(self, *args):
        self.server.stdin.close()
        rig.check_eq('end of the server', 0, self.server.wait(rig.LIMIT))
        self.server.stdout.close()
        self.folder.cleanup()


def have(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise rig.Skip(program + ' is not here')
