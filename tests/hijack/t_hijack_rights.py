#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_rights.py RUMPUS SP_SERVER - descriptors of both kernels in messages of either

Each script runs on the host, and with its local sockets in a kernel; it has to say the same.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig
from worlds import PYTHON, Worlds

ENGINES = ('preload', 'trap', 'supervisor')

HELP = '''
import array, fcntl, os, select, socket, sys
ROOM = socket.CMSG_SPACE(253 * 4)
def pack(fds):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
def unpack(anc):
    fds = array.array("i")
    for level, kind, data in anc:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS), (level, kind)
        fds.frombytes(data[:len(data) // 4 * 4])
    return list(fds)
def send(s, data, *fds):
    return s.sendmsg([data], pack(fds))
def recv(s, room=ROOM, flags=0):
    data, anc, flags, _ = s.recvmsg(100, room, flags)
    return data, unpack(anc), flags
'''


def alike(script, engines=ENGINES, inside=True, needles=()):
    """The same on the host, hijacked by each engine, and with a kernel inside."""
    with Worlds() as worlds:
        words = (PYTHON, '-u', '-c', HELP + script)
        for engine in engines:
            worlds.same(*words, needles=needles, engine=engine, options=('--socket', 'all'))
        if inside:
            worlds.same(*words, needles=needles, options=('--socket', 'all'), inside=True)


def a_message_brings_descriptors_of_both_in_order():
    alike('''
a, b = socket.socketpair()
p = os.pipe()
inet = socket.socket()
null = open("/dev/null", "w")
send(a, b"first", p[0], inet.fileno(), null.fileno(), a.fileno(), p[1])
send(a, b"second", p[1])
os.close(p[0]); os.close(p[1])
data, fds, flags = recv(b)
print(data, len(fds), flags)
s = socket.socket(fileno=fds[1])
print(s.family, s.type)
s = socket.socket(fileno=fds[3])
print(s.family, s.type)
print(os.path.samestat(os.fstat(fds[2]), os.fstat(null.fileno())))
os.write(fds[4], b"through the pipe")
print(os.read(fds[0], 100))
data, more, flags = recv(b)
os.write(more[0], b"again")
print(data, os.read(fds[0], 100))
os.close(fds[4]); os.close(more[0])
print(os.read(fds[0], 100))
''', needles=(b'through the pipe',))


def one_is_looked_at_again_and_again():
    alike('''
a, b = socket.socketpair()
p = os.pipe()
inet = socket.socket()
send(a, b"x", p[1], inet.fileno())
os.close(p[1])
seen = []
for i in range(3):
    data, fds, flags = recv(b, flags=socket.MSG_PEEK)
    print(data, len(fds), flags)
    seen += fds
print(len(set(seen)))
for fd in seen:
    os.close(fd)
print(select.select([p[0]], [], [], 0)[0])
data, fds, flags = recv(b)
os.write(fds[0], b"still open")
os.close(fds[0])
print(os.read(p[0], 100), os.read(p[0], 100))
''')


def what_has_no_room_is_closed_and_said():
    alike('''
import resource
a, b = socket.socketpair()
p = os.pipe()
q = os.pipe()
inet = socket.socket()
send(a, b"x", p[1], inet.fileno(), q[1])
os.close(p[1]); os.close(q[1])
data, fds, flags = recv(b, socket.CMSG_LEN(8))
print(data, len(fds), bool(flags & socket.MSG_CTRUNC), os.read(q[0], 10))
os.close(fds[0])
print(os.read(p[0], 10))
# none at all
p = os.pipe()
send(a, b"y", p[1])
os.close(p[1])
print(b.recvmsg(10)[:3], os.read(p[0], 10))
# no numbers left
p = os.pipe()
q = os.pipe()
send(a, b"z", p[1], inet.fileno(), q[1], p[1])
os.close(p[1]); os.close(q[1])
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
free = os.dup(0)
os.close(free)
taken = []
while True:
    fd = os.dup(0)
    taken.append(fd)
    if len(taken) == 20:
        break
resource.setrlimit(resource.RLIMIT_NOFILE, (taken[-1] + 1, limit[1]))
os.close(taken[3]); os.close(taken[7])
data, fds, flags = recv(b)
resource.setrlimit(resource.RLIMIT_NOFILE, limit)
print(data, [f in (taken[3], taken[7]) for f in fds], bool(flags & socket.MSG_CTRUNC))
print(os.read(q[0], 10))
os.close(fds[0])
print(os.read(p[0], 10))
send(a, b"and on it goes", 0)
data, fds, flags = recv(b)
print(data, len(fds), flags)
''')


def close_on_exec_is_as_the_receiver_says():
    alike('''
a, b = socket.socketpair()
inet = socket.socket()
for flags in (0, socket.MSG_CMSG_CLOEXEC):
    send(a, b"x", 0, inet.fileno())
    data, fds, told = recv(b, flags=flags)
    print([fcntl.fcntl(fd, fcntl.F_GETFD) for fd in fds], told == flags)
''')


def what_is_never_received_is_closed():
    alike('''
a, b = socket.socketpair()
p = os.pipe()
send(a, b"x", p[1], socket.socket().fileno())
os.close(p[1])
b.close()
print(os.read(p[0], 10))
# in a ring
p = os.pipe()
a, b = socket.socketpair()
c, d = socket.socketpair()
send(a, b"x", p[1], d.fileno())
send(c, b"y", b.fileno())
os.close(p[1])
# the end of a socket has the others looked at: those come last that do end
for s in (b, d, a, c):
    s.close()
print(os.read(p[0], 10))
''')


def a_child_uses_what_its_parent_got():
    alike('''
a, b = socket.socketpair()
p = os.pipe()
q = os.pipe()
pid = os.fork()
if pid == 0:
    a.close()
    os.close(p[0]); os.close(p[1]); os.close(q[0])
    data, fds, flags = recv(b)
    os.write(fds[0], b"from the child")
    os.write(q[1], data)
    send(b, b"back", fds[1], q[1])
    os._exit(0)
b.close()
os.close(q[1])
f = open("/dev/null")
send(a, b"to the child", p[1], f.fileno())
os.close(p[1])
print(os.read(p[0], 100), os.read(q[0], 100))
data, fds, flags = recv(a)
print(data, os.path.samestat(os.fstat(fds[0]), os.fstat(f.fileno())))
os.waitpid(pid, 0)
print(os.read(p[0], 100))
os.close(fds[1])
print(os.read(q[0], 100))
''', inside=False, needles=(b'from the child',))


def errors_are_those_of_the_host():
    alike('''
a, b = socket.socketpair()
def attempt(*fds):
    try:
        print(send(a, b"x", *fds))
    except OSError as e:
        print(e.strerror)
attempt(0, 777)
attempt(777)
attempt(-1)
attempt(a.fileno(), 777)
attempt(*[0] * 253)
print(len(recv(b)[1]))
attempt(*[0] * 254)
p = os.pipe()
os.close(p[1])
attempt(p[1])
b.setblocking(False)
try:
    recv(b)
except OSError as e:
    print(e.strerror)
''')


def descriptors_of_python_go_to_its_other_processes():
    """multiprocessing sends them by sendmsg(2), its resource sharer over a socket with a name."""
    with Worlds() as worlds:
        script = '''
import multiprocessing, os, socket, tempfile
from multiprocessing import connection, reduction
def child(conn):
    s = conn.recv()
    s.sendall(b"a socket of the parent's ")
    s.close()
    fd = reduction.recv_handle(conn)
    os.write(fd, b"and its pipe")
    os.close(fd)
if __name__ == "__main__":
    tempfile.tempdir = os.environ["R"]
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe()
    p = context.Process(target=child, args=(there,))
    p.start()
    l = socket.create_server(("127.0.0.1", 0))
    c = socket.create_connection(l.getsockname())
    d = l.accept()[0]
    here.send(d)
    d.close()
    said = b""
    while True:
        more = c.recv(100)
        if not more:
            break
        said += more
    print(said)
    r, w = os.pipe()
    reduction.send_handle(here, w, p.pid)
    os.close(w)
    print(os.read(r, 100))
    p.join()
    print(p.exitcode, os.read(r, 100))
'''
        path = os.path.join(worlds.host, 'sharer.py')
        with open(path, 'w', encoding='ascii') as to:
            to.write(script)
        worlds.same(PYTHON, path, needles=(b"a socket of the parent's", b'and its pipe'),
                    options=('--socket', 'all'))


def several_messages_at_once_bring_them():
    """sendmmsg(2) and recvmmsg(2), through sockets of the kernel and of the host."""
    script = '''
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_char_p), ("len", ctypes.c_size_t)]
class mmsghdr(ctypes.Structure):
    _fields_ = [("name", ctypes.c_void_p), ("namelen", ctypes.c_uint),
        ("iov", ctypes.POINTER(iovec)), ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p), ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int), ("pad", ctypes.c_int), ("len", ctypes.c_uint)]
class control(ctypes.Structure):
    _fields_ = [("len", ctypes.c_size_t), ("level", ctypes.c_int), ("type", ctypes.c_int),
        ("fd", ctypes.c_int * 2)]
def vector(n, fds=None):
    v = (mmsghdr * n)()
    keep = []
    for i in range(n):
        room = ctypes.create_string_buffer(b"message %d" % i, 20)
        iov = iovec(ctypes.cast(room, ctypes.c_char_p), 20)
        c = control(24, socket.SOL_SOCKET, socket.SCM_RIGHTS, (ctypes.c_int * 2)(*fds) if fds else (-1, -1))
        keep += [room, iov, c]
        v[i].iov, v[i].iovlen = ctypes.pointer(iov), 1
        v[i].control, v[i].controllen = ctypes.addressof(c), 24
    return v, keep
for make in (lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM),
             lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)):
    a, b = make()
    p = os.pipe()
    inet = socket.socket()
    v, keep = vector(3, (p[1], inet.fileno()))
    print(libc.sendmmsg(a.fileno(), v, 3, 0), [m.len for m in v])
    os.close(p[1])
    v, keep = vector(4)
    print(libc.recvmmsg(b.fileno(), v, 4, socket.MSG_DONTWAIT, None))
    for i in range(3):
        c = keep[3 * i + 2]
        print(v[i].len, v[i].controllen, v[i].flags, c.len, c.fd[0] >= 0, c.fd[1] >= 0)
        os.write(c.fd[0], b"pipe %d " % i)
        print(socket.socket(fileno=c.fd[1]).family)
        os.close(c.fd[0])
    print(os.read(p[0], 100), os.read(p[0], 100))
    v, keep = vector(2, (777, 0))
    print(libc.sendmmsg(a.fileno(), v, 2, 0), os.strerror(ctypes.get_errno()))
'''
    alike(script, needles=(b'pipe 2',))
    with Worlds() as worlds:
        # the host's sockets bring the kernel's
        for engine in ('preload', 'trap'):
            worlds.same(PYTHON, '-u', '-c', HELP + script, engine=engine)


rig.main([
    a_message_brings_descriptors_of_both_in_order,
    one_is_looked_at_again_and_again,
    what_has_no_room_is_closed_and_said,
    close_on_exec_is_as_the_receiver_says,
    what_is_never_received_is_closed,
    a_child_uses_what_its_parent_got,
    errors_are_those_of_the_host,
    descriptors_of_python_go_to_its_other_processes,
    several_messages_at_once_bring_them,
])
