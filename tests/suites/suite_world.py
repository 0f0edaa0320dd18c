# SPDX-License-Identifier: BSD-2-Clause
"""suite_world.py - where a suite runs: on the host, or hijacked by one of the engines

Every world has a folder of the host, for records, and a folder where the suite
works, which is the kernel's in the hijacked ones.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

LIMIT = patience.seconds(60)


class World:
    """On the host alone."""

    name = 'host'

    def __init__(self):
        base = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix='rumpus-suites.', dir=base)
        self.env = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
                    'HOME': self.folder, 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}
        self.work = os.path.join(self.folder, 'work')
        self.open()
        self.env['TMPDIR'] = self.env['SUITE_WORK'] = self.work

    def open(self):
        os.mkdir(self.work)

    def close(self):
        pass

    def server_died(self):
        return False

    def words(self, argv):
        """The command line that runs argv in this world, in self.work."""
        return ['sh', '-c', 'cd "$0" && exec "$@"', self.work, *argv]

    def run(self, argv, limit, output=subprocess.PIPE):
        """(status, output); status None for what had not ended."""
        process = subprocess.Popen(self.words(argv), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, env=self.env, cwd=self.folder,
                                   start_new_session=True)
        try:
            out, _ = process.communicate(timeout=limit)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _ = process.communicate()
            status = None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return status, (out or b'').decode(errors='replace')

    def end(self):
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class ServerWorld(World):
    """A client of a server: files below /rump/tmp, and sockets."""

    def __init__(self, rumpus, engine, local=False):
        self.rumpus = rumpus
        self.engine = engine
        self.local = local
        self.name = 'server-' + engine + ('-local' if local else '')
        super().__init__()

    def open(self):
        self.url = 'unix://' + os.path.join(self.folder, 'kernel')
        self.log = open(os.path.join(self.folder, 'server.log'), 'w+b')
        options = []
        if os.getuid():
            options = ['--map-uid=%d:%d:%d' % (os.getuid(), os.getuid(), os.getgid())]
        self.server = subprocess.Popen([self.rumpus, 'server', '--foreground', '--mount=tmpfs:/tmp',
                                        *options, self.url], stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log, env=self.env,
                                       cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + LIMIT
        while not os.path.exists(os.path.join(self.folder, 'kernel')):
            if self.server.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise RuntimeError('the server does not come: %r' % self.log.read())
            time.sleep(0.01)
        self.work = '/rump/tmp'

    def words(self, argv):
        sockets = ['--socket=all'] if self.local else []
        return [self.rumpus, 'run', '--on', self.url, '--engine', self.engine, *sockets, '--',
                *super().words(argv)]

    def server_died(self):
        return self.server.poll() is not None

    def close(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.log.close()


class InsideWorld(World):
    """A kernel inside of each program."""

    def __init__(self, rumpus, engine):
        self.rumpus = rumpus
        self.engine = engine
        self.name = 'inside-' + engine
        super().__init__()

    def open(self):
        self.work = '/rump/tmp'

    def words(self, argv):
# A directory of this kernel is not known before the program is there.
        return [self.rumpus, 'run', '--path=/rump', '--socket=all', '--net',
                'shm:%s/bus,10.0.0.1/24' % self.folder, '--engine', self.engine, '--', *argv]


MAKERS = {
    'host': lambda rumpus: World(),
    'preload': lambda rumpus: ServerWorld(rumpus, 'preload'),
    'local': lambda rumpus: ServerWorld(rumpus, 'preload', True),
    'trap': lambda rumpus: ServerWorld(rumpus, 'trap'),
    'supervisor': lambda rumpus: ServerWorld(rumpus, 'supervisor'),
    'supervisor-local': lambda rumpus: ServerWorld(rumpus, 'supervisor', True),
    'inside': lambda rumpus: InsideWorld(rumpus, 'preload'),
}
