#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_death.py RUMPUS SERVER - hijacked programs whose server is killed

By each engine, at many an instant, with calls that spin, sleep, copy and poll: the program is told
by an error, goes on, and ends by itself.
"""

import os
import random
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))
SERVER = os.path.abspath(sys.argv[2])
del sys.argv[2]

# pylint: disable=wrong-import-position
import rig

LARGE = 'large' in os.environ.get('RUMPUS_TESTS', '')
ROUNDS = 30 if LARGE else 2
LIMIT = rig.LIMIT

# What a program does until its kernel is gone: then it says so, and that it has a host.
BEGIN = """
import os, select, socket, sys, threading
def end():
    with open('/proc/self/comm') as host:
        print('goes on', host.read().strip() != '', flush=True)
    os._exit(0)
os.stat('/rump')
print('ready', flush=True)
"""
DOINGS = {
    'spins': BEGIN + """
try:
    while True: os.stat('/rump')
except OSError: end()
""",
    'sleeps': BEGIN + """
try:
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
    s.accept()
except OSError: end()
""",
    'copies': BEGIN + """
data = b'x' * 1000000
try:
    fd = os.open('/rump/file-%d' % os.getpid(), os.O_RDWR | os.O_CREAT)
    while True:
        os.pwrite(fd, data, 0); os.pread(fd, len(data), 0)
except OSError: end()
""",
    'polls': BEGIN + """
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))
    r, w = os.pipe()
    p = select.poll(); p.register(s, select.POLLIN); p.register(r, select.POLLIN)
    while True:
        p.poll(200); s.getsockname()
except OSError: end()
""",
    'epolls': BEGIN + """
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))
    r, w = os.pipe()
    e = select.epoll(); e.register(s, select.EPOLLIN); e.register(r, select.EPOLLIN)
    while True:
        e.poll(0.2); s.getsockname()
except OSError: end()
""",
    'threads': BEGIN + """
def work():
    try:
        while True: os.stat('/rump')
    except OSError: pass
for i in range(3): threading.Thread(target=work).start()
for t in threading.enumerate():
    if t is not threading.current_thread(): t.join()
end()
""",
}


class Server:
    def __init__(self, url):
        self.process = subprocess.Popen([SERVER, url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        rig.check_eq('server', b'ready\n', self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def killed(engine):
    chance = random.Random(4)
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(ROUNDS):
            url = 'unix://%s/ctl%d' % (folder, turn)
            server = Server(url)
            programs = {}
            for name, text in DOINGS.items():
                programs[name] = subprocess.Popen(
                    [rig.RUMPUS, 'run', '--on', url, '--engine', engine, '--', '/usr/bin/python3',
                     '-c', text], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT)
            # Each has begun, is nearly there, or has been at work for a while.
            for program in programs.values():
                program.first = program.stdout.readline()
            time.sleep(chance.random() * 0.1)
            server.kill()
            for name, program in programs.items():
                try:
                    said = program.first + program.communicate(timeout=LIMIT)[0]
                except subprocess.TimeoutExpired:
                    said = b'hangs'
                    program.kill()
                    program.communicate()
                rig.check_eq('%s, %s, round %d' % (engine, name, turn),
                             (0, b'ready\ngoes on True\n'), (program.returncode, said))


def preloaded_programs_go_on():
    killed('preload')


def trapped_programs_go_on():
    killed('trap')


def supervised_programs_go_on():
    killed('supervisor')


rig.main([
    preloaded_programs_go_on,
    trapped_programs_go_on,
    supervised_programs_go_on,
])
