#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_programs.py RUMPUS - programs of other people with a kernel inside of them

Each is a host of its own on a bus with "rumpus net up" and with the others.
"""

import hashlib
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig

PYTHON = '/usr/bin/python3'
HELLO = b"hello from a kernel of one's own\n"


def have(program):
    if shutil.which(program) is None:
        raise rig.Skip(program + ' is not here')


class Bus:
    """A wire in a folder of its own, with a rumpus host at 10.0.0.1."""

    def __init__(self, serve='http'):
        self.folder = rig.tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.bus = os.path.join(self.folder.name, 'bus')
        self.started = []
        self.up = self.start([rig.RUMPUS, 'net', 'up', '--if', 'shm:%s,10.0.0.1/24' % self.bus,
                              '--serve=' + serve], 'up')

    def start(self, command, word, **more):
        """A program that runs until the end, and has said the word."""
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, **more)
        self.started.append(process)
        said = b''
        while word.encode() not in said:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError('%s said only %r' % (command, said))
            said += line
        return process

    def command(self, address, *words, options=()):
        return [rig.RUMPUS, 'run', '--net', 'shm:%s,%s/24' % (self.bus, address), *options, '--',
                *words]

    def run(self, address, *words, options=(), **more):
        more.setdefault('stdin', subprocess.DEVNULL)
        if 'input' in more:
            del more['stdin']
        return subprocess.run(self.command(address, *words, options=options), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=rig.LIMIT,
                              **more)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait()
            process.stdout.close()
        self.folder.cleanup()


def says(what, want, result):
    rig.check(result.returncode == 0 and result.stdout == want, '%s: code %d, %.300r, %.300r'
              % (what, result.returncode, result.stdout, result.stderr))


def curl_fetches_a_page():
    have('curl')
    with Bus() as bus:
        says('curl', HELLO, bus.run('10.0.0.2', 'curl', '-s', 'http://10.0.0.1/'))


def wget_fetches_a_page():
    have('wget')
    with Bus() as bus:
        says('wget', HELLO, bus.run('10.0.0.2', 'wget', '-q', '-O', '-', 'http://10.0.0.1/'))


def nc_and_socat_carry_a_request():
    request = b'GET / HTTP/1.0\r\n\r\n'
    with Bus() as bus:
        for words in (('nc', '-N', '10.0.0.1', '80'), ('socat', '-', 'TCP:10.0.0.1:80')):
            have(words[0])
            result = bus.run('10.0.0.2', *words, input=request)
            rig.check(result.stdout.endswith(HELLO), '%s: %r %r'
                      % (words[0], result.stdout, result.stderr))


def python_serves_curl_a_large_file():
    have('curl')
    with Bus() as bus:
        data = os.urandom(1 << 20) * 20
        with open(os.path.join(bus.folder.name, 'large'), 'wb') as file:
            file.write(data)
        bus.start(bus.command('10.0.0.3', PYTHON, '-u', '-m', 'http.server', '8080'), 'Serving',
                  cwd=bus.folder.name)
        result = bus.run('10.0.0.2', 'curl', '-s', 'http://10.0.0.3:8080/large')
        rig.check_eq('checksum', hashlib.sha256(data).hexdigest(),
                     hashlib.sha256(result.stdout).hexdigest())


def threads_of_python_fetch_at_once():
    with Bus() as bus:
        script = '''
import threading, urllib.request
got = []
def fetch():
    got.append(urllib.request.urlopen("http://10.0.0.1/").read())
threads = [threading.Thread(target=fetch) for _ in range(6)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(got), len(set(got)))
'''
        says('threads', b'6 1\n', bus.run('10.0.0.2', PYTHON, '-c', script))


def a_refused_connection_is_said():
    have('curl')
    with Bus() as bus:
        result = bus.run('10.0.0.2', 'curl', '-s', 'http://10.0.0.1:81/')
        rig.check_eq('code of curl', 7, result.returncode)


def a_shell_starts_programs():
    with Bus() as bus:
        result = bus.run('10.0.0.2', 'sh', '-c',
                         'x=$(echo a b | tr a c); echo $x; (exit 3); echo $?')
        says('sh', b'c b\n3\n', result)


rig.main([
    curl_fetches_a_page,
    wget_fetches_a_page,
    nc_and_socat_carry_a_request,
    python_serves_curl_a_large_file,
    threads_of_python_fetch_at_once,
    a_refused_connection_is_said,
    a_shell_starts_programs,
])
