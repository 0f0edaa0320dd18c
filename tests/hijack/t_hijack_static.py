#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_static.py RUMPUS STATIC SP_SERVER - programs into which nothing can be loaded

STATIC is static.c, which tests its kernel itself.  The kernel is in SP_SERVER.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig

STATIC = os.path.abspath(sys.argv.pop(2))
SERVER = os.path.abspath(sys.argv.pop(2))
CASES = ['numbers', 'ports', 'forks', 'polls', 'epolls', 'signals', 'masks', 'files', 'pointers',
         'processes', 'hang_ups', 'mappings', 'links']


class Kernel:
    """A server, and programs that are its clients."""

    def __enter__(self):
        self.folder = rig.tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.url = 'unix://' + os.path.join(self.folder.name, 'kernel')
        self.server = subprocess.Popen([SERVER, self.url], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        rig.check_eq('server', b'ready\n', self.server.stdout.readline())
        return self

    def words(self, *words, engine=('--engine', 'supervisor')):
        return [rig.RUMPUS, 'run', '--on', self.url, *engine, '--', *words]

    def run(self, *words, **more):
        return subprocess.run(self.words(*words, **more), check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=rig.LIMIT)

    def __exit__(self, *args):
        self.server.stdin.close()
        rig.check_eq('end of the server', 0, self.server.wait(rig.LIMIT))
        self.server.stdout.close()
        self.folder.cleanup()


def says(want, result):
    rig.check(result.returncode == 0 and result.stdout == want, 'code %d, %.300r, %.300r'
              % (result.returncode, result.stdout, result.stderr))


def case(name):
    def test():
        with Kernel() as kernel:
            says(b'ok %s\n' % name.encode(), kernel.run(STATIC, name))
    test.__name__ = 'a_static_program_has_' + name
    return test


def the_engine_is_found_without_being_told():
    with Kernel() as kernel:
        says(b'ok files\n', kernel.run(STATIC, 'files', engine=()))


def programs_end_as_they_would():
    with Kernel() as kernel:
        rig.check_eq('code', 5, kernel.run(STATIC, 'ports', '5').returncode)
        rig.check_eq('nothing', 127, kernel.run('/nowhere/nothing').returncode)
        if shutil.which('busybox') is None:
            raise rig.Skip('busybox is not here')
        process = subprocess.Popen(kernel.words('busybox', 'sleep', '1000'))
        process.send_signal(signal.SIGTERM)
        rig.check_eq('signal', -signal.SIGTERM, process.wait(rig.LIMIT))


def a_shell_has_pipes_and_files_of_both():
    if shutil.which('busybox') is None:
        raise rig.Skip('busybox is not here')
    script = """mkdir /rump/d && cd /rump/d && echo one two >f && pwd &&
        cat f | busybox tr a-z A-Z >g; cat <g; busybox rm f g; cd / && busybox rmdir /rump/d; exit 3"""
    with Kernel() as kernel:
        result = kernel.run('busybox', 'sh', '-c', script)
        rig.check_eq('output', b'/rump/d\nONE TWO\n', result.stdout)
        rig.check_eq('code', 3, result.returncode)


def programs_of_the_kernel_are_executed():
    if shutil.which('busybox') is None:
        raise rig.Skip('busybox is not here')
    script = """cat /bin/busybox >/rump/busybox && chmod 755 /rump/busybox && cd /rump &&
        printf '#!/rump/busybox sh\\necho script $0 $1\\n' >s && chmod 755 s &&
        printf '#!s one\\n' >t && chmod 755 t && printf '#!/bin/echo told\\n' >u && chmod 755 u &&
        ./busybox echo from the kernel; ./s arg; /rump/t; ./u more; (exec ./busybox sh -c 'echo $0 $((6 * 7))' x)
        ./nothing; echo $?; chmod 644 s; ./s; echo $?"""
    with Kernel() as kernel:
        result = kernel.run('busybox', 'sh', '-c', script)
        rig.check_eq('output', b'from the kernel\nscript ./s arg\nscript s one\ntold ./u more\nx 42\n127\n126\n',
                     result.stdout)


def programs_killed_in_the_kernel_leave_nothing():
    """A listening socket goes with its program, however that ends."""
    if shutil.which('busybox') is None:
        raise rig.Skip('busybox is not here')
    with Kernel() as kernel:
        for _ in range(3):
            process = subprocess.Popen(kernel.words('busybox', 'httpd', '-f', '-p',
                                                    '127.0.0.1:4711', '-h', kernel.folder.name))
            deadline = time.monotonic() + rig.LIMIT
            while kernel.run('busybox', 'wget', '-q', '-O', '-',
                             'http://127.0.0.1:4711/nothing').stderr.find(b'404') < 0:
                rig.check(time.monotonic() < deadline and process.poll() is None,
                          'the server does not come')
            process.kill()
            process.wait(rig.LIMIT)


rig.main([
    *[case(name) for name in CASES],
    the_engine_is_found_without_being_told,
    programs_end_as_they_would,
    a_shell_has_pipes_and_files_of_both,
    programs_of_the_kernel_are_executed,
    programs_killed_in_the_kernel_leave_nothing,
])
