#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_alike.py RUMPUS SP_SERVER - what a program is told, hijacked, is what the host tells it

Each script runs in a folder of the host and in one of the kernel, and has to say the same.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig
from worlds import PYTHON, Worlds


def descriptors_go_through_local_sockets_of_the_host():
    """Files, sockets and pipes at once; the last copy closes them, wherever it is or was to be."""
    script = '''
import os, socket
r = os.environ["R"]
ours, theirs = socket.socketpair()
pid = os.fork()
if pid == 0:
    ours.close()
    data, fds, flags, _ = socket.recv_fds(theirs, 100, 8)
    f, s, h = fds
    print(data, os.pread(f, 100, 0), os.fstat(f).st_size, flush=True)
    s = socket.socket(fileno=s)
    s.sendall(b"from the receiver")
    os.write(h, b"host ")
    data, fds, flags, _ = socket.recv_fds(theirs, 100, 8)
    print(data, os.get_inheritable(fds[0]), flush=True)
    os._exit(0)
theirs.close()
f = os.open(r + "/sent", os.O_RDWR | os.O_CREAT, 0o600)
os.write(f, b"content")
l = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(l.getsockname())
d = l.accept()[0]
p = os.pipe()
socket.send_fds(ours, [b"take"], [f, d.fileno(), p[1]])
d.close(); os.close(f); os.close(p[1])
print(c.recv(100), os.read(p[0], 10), flush=True)
socket.send_fds(ours, [b"more"], [l.fileno()])
l.close()
os.waitpid(pid, 0)
# the last copy is gone with the receiver
print(c.recv(100))
# never received
a, b = socket.socketpair()
l = socket.create_server(("127.0.0.1", 0))
addr = l.getsockname()
c = socket.create_connection(addr)
d = l.accept()[0]
socket.send_fds(a, [b"x"], [d.fileno()])
d.close()
c.sendall(b"still there")
b.close(); a.close()
try:
    print(c.recv(10))
except ConnectionResetError as e:
    print(e)
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-c', script, needles=(b"b'content'", b"from the receiver"))


rig.main([
    descriptors_go_through_local_sockets_of_the_host,
])
