# SPDX-License-Identifier: BSD-2-Clause
"""world.py - where the programs of the table run

Each row of the table is a story about real programs: a server here, a client
there, files somewhere.  A story is told in words of a World, and each World tells
it at another place:

    direct      on the host alone: proves that the story itself is right
    server      all are clients of one rump kernel in a server, with files in it
    inside      each program has a kernel of its own; they meet on a bus.  Where
                programs fork, each tree of them has one

A story asks its world for addresses and folders and never names a transport.
"""

import functools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

LIMIT = patience.seconds(60)


class Skip(Exception):
    """The story cannot be told here: a program is missing, or a right."""


class Failed(Exception):
    """The story went otherwise."""


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            raise Skip('%s is not installed' % program)


def check(held, what):
    if not held:
        raise Failed(what)


def check_eq(what, want, got):
    if want != got:
        raise Failed('%s: wanted %.400r, got %.400r' % (what, want, got))


def fresh_port():
    """A number that nobody on the host listens on just now."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@functools.lru_cache(maxsize=None)
def engine_of(rumpus, program):
    """The engine that `rumpus run` picks for a program."""
    path = shutil.which(program)
    if path is None:
        return None
    said = subprocess.run([rumpus, 'doctor', '--json', path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout
    return json.loads(said)['programs'][0]['engine']


class World:
    """On the host alone; the others change what it says."""

    name = 'direct'
    has_fork = True         # programs may fork and go on with the network
    has_files = False       # the kernel keeps files, below self.files

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='rumpus-programs.')
        os.chmod(self.folder, 0o755)
        self.files = os.path.join(self.folder, 'files')     # as programs name it
        self.server_addr = '127.0.0.1'
        self.running = []
        self.engines = set()    # that its programs had
        self.options = ()       # of 'rumpus run', from now on
        self.env = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
                    'HOME': self.folder, 'LC_ALL': 'C.UTF-8', 'TMPDIR': self.folder,
                    'TERM': 'dumb'}
        self.open()

    # What another world is made of.

    def open(self):
        os.mkdir(self.files)

    def close(self):
        pass

    def words(self, side, argv):
        """The command line that runs argv at a side, 'server' or 'client'."""
        return list(argv)

    # What stories are told with.

    def want_tree(self):
        """The children of its programs use the network, too."""

    def host_path(self, name):
        return os.path.join(self.folder, name)

    def host_file(self, name, content):
        path = self.host_path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def start(self, side, argv, stdin=subprocess.DEVNULL, **kwargs):
        """A program that goes on by itself; ended with the world."""
        log = open(self.host_path('log.%d' % len(self.running)), 'w+b')
        process = subprocess.Popen(self.words(side, argv), stdin=stdin, stdout=log, stderr=log,
                                   env=self.env, cwd=self.folder, start_new_session=True,
                                   **kwargs)
        process.log = log
        self.running.append(process)
        return process

    def log_of(self, process):
        process.log.flush()
        with open(process.log.name, 'rb') as file:
            return file.read().decode(errors='replace')

    def run(self, side, argv, status=0, stdin=b'', limit=LIMIT):
        """A program to its end; its output."""
        process = subprocess.Popen(self.words(side, argv), stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.env,
                                   cwd=self.folder, start_new_session=True)
        try:
            out, err = process.communicate(stdin, timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise Failed('%s: nothing in %d s; %.300r %.300r' %
                         (' '.join(argv[:3]), limit, out[-300:], err[-300:])) from None
        if status is not None and process.returncode != status:
            raise Failed('%s: ended with %d: %.300r %.500r' %
                         (' '.join(argv[:3]), process.returncode, out[-300:], err[-500:]))
        return out

    def shell(self, side, script, **kwargs):
        return self.run(side, ['bash', '-ec', script], **kwargs)

    def wait_log(self, process, word, limit=LIMIT):
        """Until the program has said word."""
        deadline = time.monotonic() + limit
        while word not in self.log_of(process):
            if process.poll() is not None:
                raise Failed('ended with %d: %.600s' % (process.returncode, self.log_of(process)))
            if time.monotonic() > deadline:
                raise Failed('never said %r: %.600s' % (word, self.log_of(process)))
            time.sleep(0.02)

    def wait_port(self, process, port, limit=LIMIT):
        """Until something answers at the server's side."""
        deadline = time.monotonic() + limit
        probe = 'import socket,sys\ntry: socket.create_connection((%r, %d), 2).close()\n' \
                'except OSError: sys.exit(9)' % (self.server_addr, port)
        while True:
            code = subprocess.run(self.words('client', ['python3', '-c', probe]), env=self.env,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, timeout=limit,
                                  check=False).returncode
            if code == 0:
                return
            if process is not None and process.poll() is not None:
                raise Failed('ended with %d: %.600s' % (process.returncode, self.log_of(process)))
            if time.monotonic() > deadline:
                raise Failed('no answer at port %d: %.600s' %
                             (port, self.log_of(process) if process else ''))
            time.sleep(0.05)

    def wait_status(self, side, argv, process, limit=LIMIT):
        """Until the program argv succeeds, while process is there."""
        deadline = time.monotonic() + limit
        while subprocess.run(self.words(side, argv), env=self.env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=limit,
                             check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed('%s: never: %.600s' % (' '.join(argv[:3]), self.log_of(process)))
            time.sleep(0.05)

    def stop(self, process, signo=signal.SIGTERM, limit=LIMIT):
        if process.poll() is None:
            process.send_signal(signo)
        try:
            return process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failed('does not end at signal %d' % signo) from None

    def end(self):
        for process in reversed(self.running):
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
            process.log.close()
        self.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class ServerWorld(World):
    """All programs are clients of one server, which keeps the files."""

    name = 'server'
    has_files = True

    def __init__(self, rumpus, engine=None, server_options=()):
        self.rumpus = rumpus
        self.engine = engine
        self.server_options = server_options
        super().__init__()

    def open(self):
        self.url = 'unix://' + self.host_path('kernel')
        self.server = self.start_host([self.rumpus, 'server', '--foreground', '--mount=tmpfs:/tmp',
                                       *self.server_options, self.url])
        self.files = '/rump/tmp'

    def start_host(self, argv):
        log = open(self.host_path('server.log'), 'w+b')
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=self.env, cwd=self.folder, start_new_session=True)
        process.log = log
        deadline = time.monotonic() + LIMIT
        while not os.path.exists(self.host_path('kernel')):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed('the server does not come: %.600s' % self.log_of(process))
            time.sleep(0.01)
        return process

    def words(self, side, argv):
        engine = ['--engine', self.engine] if self.engine else []
        self.engines.add(self.engine or engine_of(self.rumpus, argv[0]))
        return [self.rumpus, 'run', '--on', self.url, *engine, *self.options, '--', *argv]

    def close(self):
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGTERM)
        try:
            self.server.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()
        self.server.log.close()


class InsideWorld(World):
    """Each program has a kernel of its own inside; a bus joins them."""

    name = 'inside'
    has_fork = False

    def __init__(self, rumpus, engine=None):
        self.rumpus = rumpus
        self.engine = engine
        self.clients = 1
        self.tree = []
        super().__init__()

    def want_tree(self):
        self.tree = ['--tree']
        self.has_fork = True

    def open(self):
        os.mkdir(self.files)
        self.server_addr = '10.0.0.1'

    def words(self, side, argv):
        number = 1
        if side != 'server':
            self.clients = self.clients % 250 + 1
            number = self.clients + 1
        engine = ['--engine', self.engine] if self.engine else []
        self.engines.add(self.engine or engine_of(self.rumpus, argv[0]))
        return [self.rumpus, 'run', '--net', 'shm:%s,10.0.0.%d/24' % (self.host_path('bus'), number),
                *engine, *self.tree, '--', *argv]
