#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_ring.py RUMPUS - packet sockets with a ring that the program maps"""

import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'ring_program.py')


def command(folder, address, *words):
    return [rig.RUMPUS, 'run', '--net', 'shm:%s/bus,%s/24' % (folder, address), '--', *words]


def hears(version):
    with tempfile.TemporaryDirectory() as folder:
        result = subprocess.run(command(folder, '10.0.0.1', '/usr/bin/python3', PROGRAM, str(version)),
                                check=False, stdin=subprocess.DEVNULL, timeout=rig.LIMIT,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        rig.check_eq('what it said', (0, b'heard\n'), (result.returncode, result.stdout))


def version_1_hears():
    hears(1)


def version_2_hears():
    hears(2)


def version_3_hears():
    hears(3)


def tcpdump_sees_a_neighbour():
    if shutil.which('tcpdump') is None:
        raise rig.Skip('tcpdump is not here')
    with tempfile.TemporaryDirectory() as folder:
        for options in ((), ('--immediate-mode',)):
            dump = subprocess.Popen(
                command(folder, '10.0.0.2', 'tcpdump', '-n', '-l', '-e', '-c', '2', '-i', 'any',
                        *options, *(('-Z', 'root') if os.getuid() == 0 else ()), 'icmp'),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            said = b''
            while b'listening on' not in said:
                line = dump.stdout.readline()
                rig.check(line != b'', 'tcpdump said only %r' % said)
                said += line
            subprocess.run([rig.RUMPUS, 'ping', '--if', 'shm:%s/bus,10.0.0.1/24' % folder,
                            '-c', '1', '10.0.0.2'], check=True, stdin=subprocess.DEVNULL,
                           timeout=rig.LIMIT, stdout=subprocess.DEVNULL)
            said += dump.stdout.read()
            rig.check_eq('code', 0, dump.wait(rig.LIMIT))
            dump.stdout.close()
            for word in (b'10.0.0.1 > 10.0.0.2: ICMP echo request', b'shm0  Out',
                         b'10.0.0.2 > 10.0.0.1: ICMP echo reply'):
                rig.check(word in said, '%r is not in %r' % (word, said))


rig.main([
    version_1_hears,
    version_2_hears,
    version_3_hears,
    tcpdump_sees_a_neighbour,
])
