#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_signals.py RUMPUS SIGNALS SP_SERVER - signals that come at any instant of a call

SIGNALS is signals.c, which says how often a signal was in vain.  That may happen to it without us, too, so
that it is run by the host as well, and the two are compared.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig

SIGNALS = os.path.abspath(sys.argv.pop(2))
SERVER = os.path.abspath(sys.argv.pop(2))
N = 200
ALLOWED = N // 20       # more than the host: an interrupted scheduler's share
TRIES = 6               # somebody else may have the processors for a while


class Kernel:
    """A server, and the words to run a program with it, or with a kernel inside."""

    def __enter__(self):
        self.folder = rig.tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        url = 'unix://' + os.path.join(self.folder.name, 'kernel')
        self.server = subprocess.Popen([SERVER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        rig.check_eq('server', b'ready\n', self.server.stdout.readline())
        run = [rig.RUMPUS, 'run']
        bus = 'shm:%s,10.0.0.1/24' % os.path.join(self.folder.name, 'bus')
        self.words = {
            'host': [],
            'server': [*run, '--on', url, '--'],
            'trap': [*run, '--on', url, '--engine', 'trap', '--'],
            'inside': [*run, '--net', bus, '--'],
        }
        return self

    def late(self, where, name, count):
        result = subprocess.run([*self.words[where], SIGNALS, name, str(count)], check=False,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, timeout=rig.LIMIT)
        said = result.stdout.decode(errors='replace').strip()
        if result.returncode != 0 or not said.isdecimal():
            raise RuntimeError('%s, %s: code %d, %s' % (where, name, result.returncode, said))
        return int(said)

    def __exit__(self, *args):
        self.server.stdin.close()
        self.server.wait(rig.LIMIT)
        self.server.stdout.close()
        self.folder.cleanup()


def case(name, wheres=('server', 'inside')):
    def test():
        with Kernel() as kernel:
            host = kernel.late('host', name, N)
            for where in wheres:
                late = kernel.late(where, name, N)
                for _ in range(TRIES - 1):
                    if late > host + ALLOWED:
                        late = kernel.late(where, name, N)
                rig.check(late <= host + ALLOWED, '%s: %d of %d in vain, at the host %d'
                          % (where, late, N, host))
    test.__name__ = 'a_signal_at_any_instant_ends_' + name.replace('-', '_')
    return test


def a_restarted_call_goes_on_until_it_is_answered():
    """Nothing is said about when; but it never returns EINTR, and loses nothing."""
    with Kernel() as kernel:
        for where in ('host', 'server', 'inside'):
            rig.check(kernel.late(where, 'read-restarted', N) <= ALLOWED, where + ' is late')
            rig.check_eq(where, 20, kernel.late(where, 'read-restarted-twice', 20))


rig.main([
    case('read', ('server', 'trap', 'inside')),
    *[case(name) for name in ('accept', 'poll', 'poll-mixed', 'select-mixed', 'epoll-mixed')],
    a_restarted_call_goes_on_until_it_is_answered,
])
