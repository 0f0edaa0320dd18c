#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_alike.py RUMPUS ENDING SP_SERVER - what a program is told, hijacked, is what the host tells it

Each script runs in a folder of the host and in one of the kernel, and has to say the same.
"""

import os
import subprocess
import sys

ENDING = os.path.abspath(sys.argv.pop(2))
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


def copies_of_a_descriptor_are_several_to_epoll():
    script = '''
import os, select, socket
l = socket.create_server(("127.0.0.1", 0))
a = socket.create_connection(l.getsockname())
b = l.accept()[0]
p = os.pipe()
ep = select.epoll()
n2 = os.dup(b.fileno())
n3 = os.dup(n2)
ep.register(b.fileno(), select.EPOLLIN)
ep.register(n2, select.EPOLLIN | select.EPOLLOUT)
names = {b.fileno(): "first", n2: "second", n3: "third", p[0]: "pipe"}
def show(events):
    print(sorted((names[fd], e) for fd, e in events))
for n in (b.fileno(), n2, n3):
    try:
        ep.register(n, select.EPOLLIN)
        print("new")
    except OSError as e:
        print(e.strerror)
ep.register(p[0], select.EPOLLIN)
a.sendall(b"x")
select.select([n3], [], [])
show(ep.poll(1))
ep.modify(n2, select.EPOLLIN)
ep.unregister(n3)
try:
    ep.modify(n3, select.EPOLLIN)
except OSError as e:
    print(e.strerror)
show(ep.poll(1))
os.close(n2)
show(ep.poll(1))
b.recv(1)
show(ep.poll(0))
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', script, needles=(b"('third', 1)",))


def a_child_goes_on_with_its_parents_epoll_and_rests():
    script = '''
import os, resource, select, socket
l = socket.create_server(("127.0.0.1", 0))
a = socket.create_connection(l.getsockname())
b = l.accept()[0]
p = os.pipe()
names = {b.fileno(): "first", p[0]: "pipe"}
def show(events):
    print(sorted((names[fd], e) for fd, e in events), flush=True)
ep2 = select.epoll()
ep2.register(b.fileno(), select.EPOLLIN)
ep2.register(p[0], select.EPOLLIN)
show(ep2.poll(0))
q = os.pipe()
pid = os.fork()
if pid == 0:
    for i in range(3):
        show(ep2.poll(-1))
        print(b.recv(1) if i != 1 else os.read(p[0], 1), flush=True)
        os.write(q[1], b"k")
    used = resource.getrusage(resource.RUSAGE_SELF)
    before = used.ru_utime + used.ru_stime
    show(ep2.poll(0.5))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("at rest" if used.ru_utime + used.ru_stime - before < 0.1 else "busy", flush=True)
    os._exit(0)
a.sendall(b"1")
os.read(q[0], 1)
os.write(p[1], b"2")
os.read(q[0], 1)
a.sendall(b"3")
os.waitpid(pid, 0)
# The parent hears, too.
pid = os.fork()
if pid == 0:
    a.sendall(b"4")
    os._exit(0)
show(ep2.poll(-1))
print(b.recv(1))
os.waitpid(pid, 0)
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', script, needles=(b"at rest", b"b'4'"))


# Below /proc/self/fd and its kin; also of a file that nobody has looked for, and one that was renamed.
NAMES = '''
import os, socket, stat
r = os.environ["R"]
os.mkdir(r + "/dir")
f = os.open(r + "/dir/file", os.O_RDWR | os.O_CREAT)
os.write(f, b"content")
d = os.open(r + "/dir", os.O_RDONLY | os.O_DIRECTORY)
s = socket.create_server(("127.0.0.1", 0))
for fd in (f, d):
    for form in ("/proc/self/fd/%d", "/dev/fd/%d", "/proc/%d/fd/%%d" % os.getpid(),
                 "/proc/self/task/%d/fd/%%d" % os.getpid(), "/proc/thread-self/fd/%d"):
        name = form % fd
        print(os.readlink(name), os.path.realpath(name), os.stat(name).st_ino == os.fstat(fd).st_ino,
              stat.S_ISLNK(os.lstat(name).st_mode), os.access(name, os.R_OK), os.path.exists(name))
link = os.readlink("/proc/self/fd/%d" % s.fileno())
print(link == "socket:[%d]" % os.fstat(s.fileno()).st_ino)
try:
    os.open("/dev/fd/%d" % s.fileno(), os.O_RDONLY)
except OSError as e:
    print(e.strerror)
# A new description, with an offset of its own.
g = os.open("/proc/self/fd/%d" % f, os.O_RDONLY)
print(os.read(g, 3), os.read(f, 10), os.lseek(f, 0, os.SEEK_CUR))
try:
    os.write(g, b"x")
except OSError as e:
    print(e.strerror)
print(os.listdir("/proc/self/fd/%d" % d), os.path.exists("/proc/self/fd/%d/file" % d))
os.truncate("/dev/fd/%d" % f, 4)
os.chmod("/proc/self/fd/%d" % f, 0o600)
st = os.fstat(f)
print(st.st_size, oct(st.st_mode))
os.rename(r + "/dir/file", r + "/moved")
print(os.readlink("/proc/self/fd/%d" % f))
os.dup2(f, 0)
os.lseek(0, 0, os.SEEK_SET)
print(open("/dev/stdin").read(), os.readlink("/proc/self/fd/0"))
print(sorted(set(os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)) & {r + "/moved", r + "/dir"}))
os.chdir(r + "/dir")
print(os.readlink("/proc/self/cwd"))
b = os.open(r, os.O_RDONLY)
os.close(b)
print(os.path.exists("/proc/self/fd/%d" % b))
print(os.readlink(r + "/../../../../../../dev/fd"))
'''


def names_of_descriptors_lead_to_what_they_are():
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', NAMES, needles=(b'FOLDER/dir/file FOLDER/dir/file True', b'FOLDER/moved'))


def names_of_descriptors_lead_there_under_a_supervisor():
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', NAMES, engine='supervisor',
                    needles=(b'FOLDER/dir/file FOLDER/dir/file True', b'FOLDER/moved'))


def shared_mappings_agree_with_calls_and_with_each_other():
    """At once in a process, at msync(2) with others."""
    script = '''
import mmap, os
r = os.environ["R"]
p = r + "/mapped"
f = os.open(p, os.O_RDWR | os.O_CREAT)
os.write(f, b"." * 20000)
m = mmap.mmap(f, 20000)
m[5000:5005] = b"HELLO"
# This process's calls and its mappings agree at once.
print(os.pread(f, 7, 4999))
os.lseek(f, 5002, 0)
print(os.read(f, 3), os.readv(f, [bytearray(2)]))
os.pwrite(f, b"by pwrite", 9000)
print(m[8999:9010])
os.lseek(f, 12000, 0)
os.write(f, b"by write")
os.writev(f, [b" and", b" writev"])
print(m[11999:12021])
m[12000:12002] = b"BY"
os.pwrite(f, b"partly", 12010)
print(os.pread(f, 20, 12000), m[12000:12020])
n = mmap.mmap(os.open(p, os.O_RDWR), 20000)
print(n[5000:5005])
# Another process's, at msync.
down, up = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    g = os.open(p, os.O_RDWR)
    o = mmap.mmap(g, 20000)
    os.read(down[0], 1)
    o.flush()
    print(o[100:105], o[15000:15003], os.pread(g, 5, 100), flush=True)
    o[200:205] = b"child"
    o.flush()
    os.pwrite(g, b"c-write", 300)
    os.write(up[1], b"x")
    os._exit(0)
m[100:105] = b"first"
m[15000:15003] = b"abc"
m.flush()
os.write(down[1], b"x")
os.read(up[0], 1)
m.flush()
print(m[200:205], m[300:307], m[100:105])
os.waitpid(pid, 0)
m.close()
os.ftruncate(f, 100)
print(os.fstat(f).st_size, os.pread(f, 200, 0) == b"." * 100)
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', script, needles=(b"b'first' b'abc' b'first'",))


def threads_do_not_see_how_their_process_ends():
    """What it has open is closed in the kernel first, which none of its threads is told."""
    with Worlds() as worlds:
        for engine in ('preload', 'trap', 'supervisor'):
            for _ in range(10):
                words = [rig.RUMPUS, 'run', '--on', worlds.url, '--engine', engine, '--', ENDING]
                result = subprocess.run(words, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, timeout=rig.LIMIT)
                rig.check_eq('its end, by ' + engine, (7, b''), (result.returncode, result.stdout))


rig.main([
    descriptors_go_through_local_sockets_of_the_host,
    copies_of_a_descriptor_are_several_to_epoll,
    a_child_goes_on_with_its_parents_epoll_and_rests,
    names_of_descriptors_lead_to_what_they_are,
    names_of_descriptors_lead_there_under_a_supervisor,
    shared_mappings_agree_with_calls_and_with_each_other,
    threads_do_not_see_how_their_process_ends,
])
