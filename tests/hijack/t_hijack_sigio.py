#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_sigio.py RUMPUS SP_SERVER - programs that are told by signals, hijacked and not"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig
import worlds

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'sigio_program.py')
SAID = b"""urgent: SIGURG
owner: True
data: SIGIO
read: b'one'
data: the signal of choice
read: b'two'
the end: the signal of choice
read: b''
nobody: ESRCH
"""


def said(words, env=None):
    result = subprocess.run([*words, worlds.PYTHON, PROGRAM], check=False, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=rig.LIMIT,
                            env=env)
    return (result.returncode, result.stdout)


def the_host_tells_what_we_think():
    rig.check_eq('said', (0, SAID), said([]))


def a_server_tells_its_clients():
    with worlds.Worlds() as world:
        rig.check_eq('said', (0, SAID), said(world.words()))


def the_engine_makes_no_difference():
    with worlds.Worlds() as world:
        rig.check_eq('said', (0, SAID), said([rig.RUMPUS, 'run', '--on', world.url, '--engine',
                                              'trap', '--']))


def a_kernel_inside_tells_its_program():
    with rig.tempfile.TemporaryDirectory() as folder:
        bus = 'shm:%s,10.0.0.1/24' % os.path.join(folder, 'bus')
        rig.check_eq('said', (0, SAID), said([rig.RUMPUS, 'run', '--net', bus, '--']))


def a_server_that_locked_itself_in_can_tell_too():
    with rig.tempfile.TemporaryDirectory() as folder:
        bus = 'shm:%s,10.0.0.1/24' % os.path.join(folder, 'bus')
        env = {**os.environ, 'XDG_RUNTIME_DIR': folder}
        rig.check_eq('said', (0, SAID), said([rig.RUMPUS, 'run', '--tree', '--net', bus, '--'], env))


rig.main([the_host_tells_what_we_think, a_server_tells_its_clients,
          the_engine_makes_no_difference, a_kernel_inside_tells_its_program,
          a_server_that_locked_itself_in_can_tell_too])
