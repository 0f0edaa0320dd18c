#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_programs.py RUMPUS SERVER RAW - programs of other people, hijacked

With a kernel inside of them each is a host of its own on a bus with "rumpus net up" and with the
others.  With a server they share its files and sockets, and have children.
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
SERVER = os.path.abspath(sys.argv.pop(2))
RAW = os.path.abspath(sys.argv.pop(2))
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


class Server:
    """A kernel that serves, and programs that see its files below /rump."""

    def __init__(self):
        self.folder = rig.tempfile.TemporaryDirectory()
        os.chmod(self.folder.name, 0o755)
        self.url = 'unix://' + os.path.join(self.folder.name, 'ctl')
        self.server = subprocess.Popen([SERVER, self.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.server.stdout.readline()

    def command(self, *words):
        return [rig.RUMPUS, 'run', '--server', self.url, '--path', '/rump', '--', *words]

    def run(self, *words, **more):
        return subprocess.run(self.command(*words), check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=rig.LIMIT, **more)

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()
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


def what_was_written_before_the_end_arrives():
    """The kernel ends with its program, but not before the peer has all of it and knows."""
    server = """
import socket
# Little room, so that most waits at the sender.
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.bind(("10.0.0.3", 7000)); s.listen(); print("ready", flush=True)
c, _ = s.accept(); c.settimeout(20); total = 0
while True:
    got = c.recv(512)
    if not got: break
    total += len(got)
print(total, flush=True)
"""
    client = """
import os, socket
s = socket.create_connection(("10.0.0.3", 7000))
s.setblocking(False); sent = 0
try:
    while True: sent += s.send(bytes(65536))
except BlockingIOError: pass
os.write(1, b"%d\\n" % sent); os._exit(0)
"""
    with Bus() as bus:
        process = bus.start(bus.command('10.0.0.3', PYTHON, '-c', server), 'ready')
        sent = bus.run('10.0.0.2', PYTHON, '-c', client).stdout
        rig.check_eq('octets', sent, process.stdout.readline())


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


def asyncio_waits_for_both_kernels():
    script = '''
import asyncio
async def main():
    async def shout(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
    await asyncio.start_server(shout, "127.0.0.1", 7777)
    async def ask(i):
        reader, writer = await asyncio.open_connection("127.0.0.1", 7777)
        writer.write(b"hello%d\\n" % i)
        answer = await reader.readline()
        writer.close()
        return answer
    print(sorted(await asyncio.gather(*[ask(i) for i in range(5)])))
    child = await asyncio.create_subprocess_exec("echo", "child", stdout=asyncio.subprocess.PIPE)
    print(await child.communicate())
asyncio.run(main())
'''
    want = (b"[b'HELLO0\\n', b'HELLO1\\n', b'HELLO2\\n', b'HELLO3\\n', b'HELLO4\\n']\n"
            b"(b'child\\n', None)\n")
    with Bus() as bus, Server() as server:
        says('inside', want, bus.run('10.0.0.2', PYTHON, '-c', script))
        says('server', want, server.run(PYTHON, '-c', script))


def signals_end_and_restart_calls():
    script = '''
import signal, socket, time
listener = socket.create_server(("127.0.0.1", 0))
a = socket.create_connection(listener.getsockname())
b = listener.accept()[0]
signal.signal(signal.SIGALRM, lambda s, f: a.sendall(b"from the handler"))
signal.setitimer(signal.ITIMER_REAL, 0.05)
print(b.recv(100))
def out(s, f):
    raise TimeoutError
signal.signal(signal.SIGALRM, out)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    b.recv(100)
except TimeoutError:
    print("timeout")
count = 0
def tick(s, f):
    global count
    count += 1
signal.signal(signal.SIGALRM, tick)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
while count < 200:
    a.sendall(b"x" * 1000)
    got = 0
    while got < 1000:
        got += len(b.recv(1000))
signal.setitimer(signal.ITIMER_REAL, 0)
print("calm")
'''
    want = b"b'from the handler'\ntimeout\ncalm\n"
    with Bus() as bus, Server() as server:
        says('inside', want, bus.run('10.0.0.2', PYTHON, '-c', script))
        says('server', want, server.run(PYTHON, '-c', script))


def bad_pointers_are_efault():
    script = '''
import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s = sock.fileno()
bad = ctypes.c_void_p(16)
for call in (lambda: libc.bind(s, bad, 16), lambda: libc.open(bad, 0), lambda: libc.poll(bad, 1, 0),
             lambda: libc.sendmsg(s, bad, 0), lambda: libc.getsockname(s, bad, bad)):
    print(call(), errno.errorcode[ctypes.get_errno()])
'''
    want = b'-1 EFAULT\n' * 5
    with Bus() as bus, Server() as server:
        says('inside', want, bus.run('10.0.0.2', PYTHON, '-c', script, options=('--path', '/rump')))
        says('server', want, server.run(PYTHON, '-c', script))


def files_are_mapped_moved_and_linked():
    script = '''
import mmap, os, shutil, socket, threading
p = "/rump/tmp/file"
open(p, "wb").write(b"a" * 10000)
f = open(p, "r+b")
m = mmap.mmap(f.fileno(), 0)
m[5000:5003] = b"XYZ"
m.flush()
print(open(p, "rb").read()[4999:5004])
m[0:2] = b"QQ"
m.close()
print(open(p, "rb").read(3))
m = mmap.mmap(f.fileno(), 0, mmap.MAP_PRIVATE)
m[0:1] = b"P"
print(m[:3], open(p, "rb").read(1))
h = open("data", "wb+")
h.write(os.urandom(300000))
h.flush()
listener = socket.create_server(("127.0.0.1", 0))
a = socket.create_connection(listener.getsockname())
b = listener.accept()[0]
got = bytearray()
def read():
    while len(got) < 300000:
        got.extend(b.recv(65536))
t = threading.Thread(target=read)
t.start()
at = 0
while at < 300000:
    at += os.sendfile(a.fileno(), h.fileno(), at, 300000 - at)
t.join()
h.seek(0)
print(got == h.read())
os.symlink("/rump/tmp", "link")
print(os.path.getsize("link/file"))
os.symlink("/rump/tmp/file", "/rump/tmp/link")
print(os.readlink("/rump/tmp/link"), os.path.getsize("/rump/tmp/link"))
try:
    os.rename(p, "moved")
except OSError as e:
    print(e.strerror)
shutil.move(p, "moved")
print(os.path.getsize("moved"), os.path.exists(p))
os.chdir("/rump/tmp")
print(os.getcwd(), os.path.exists("../../etc/passwd"), os.path.exists("../etc/passwd"))
os.chdir("../..")
print(os.getcwd())
'''
    want = (b"b'aXYZa'\nb'QQa'\nb'PQa' b'Q'\nTrue\n10000\n/rump/tmp/file 10000\n"
            b"Invalid cross-device link\n10000 False\n/rump/tmp True False\n/\n")
    with Bus() as bus, Server() as server:
        says('inside', want, bus.run('10.0.0.2', PYTHON, '-c', script, options=('--path', '/rump')))
        os.unlink('link')
        says('server', want, server.run(PYTHON, '-c', script))


def shell_scripts_work_on_the_files_of_a_server():
    script = '''
set -e
mkdir -p /rump/t
cd /rump/t
for i in 1 2 3 4 5; do echo "line $i" > f$i; done
find . -type f | sort | xargs cat | grep -c line
cat f* > all
sort -r all | head -1
tar cf x.tar f*
mkdir u
tar xf x.tar -C u
diff -r u/f1 f1 && echo same
(cd u; exec 3< f2; read x <&3; echo $x; pwd)
cp -r u v
rm -r u
echo *
ln -s f1 l
cat l
readlink -f l
cat ../../etc/passwd | grep -c ^root:
cp /bin/echo /rump/t/e
./e from the kernel
printf '#!/bin/sh\\necho script $0 $1\\n' > s
chmod +x s
./s one
echo end > "$(pwd)/z"; cat z
'''
    want = b'''5
line 5
same
line 2
/rump/t/u
all f1 f2 f3 f4 f5 v x.tar
line 1
/rump/t/f1
1
from the kernel
script ./s one
end
'''
    for shell in ('bash', 'dash'):
        have(shell)
        with Server() as server:
            says(shell, want, server.run(shell, '-c', script))


def descriptors_come_along_to_children():
    script = '''
import os, socket, subprocess, sys
a, b = os.pipe()
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
d = s.accept()[0]
keep, lose = c.fileno(), d.fileno()
os.set_inheritable(keep, True)
code = "import os, sys\\nos.write(%d, b'child')\\ntry:\\n os.write(%d, b'x')\\nexcept OSError as e:\\n print(e.strerror)" % (keep, lose)
subprocess.run([sys.executable, "-c", code], close_fds=False)
print(d.recv(10))
pid = os.fork()
if pid == 0:
    c.sendall(b"fork")
    os._exit(3)
print(d.recv(10), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
f = open("/rump/tmp/out", "w")
subprocess.run(["sh", "-c", "echo one; echo two >&2"], stdout=f, stderr=f)
print(repr(open("/rump/tmp/out").read()))
'''
    want = b"Bad file descriptor\nb'child'\nb'fork' 3\n'one\\ntwo\\n'\n"
    with Server() as server:
        says('python', want, server.run(PYTHON, '-c', script))


def instructions_of_the_program_itself_trap():
    with Server() as server:
        os.environ['RUMPHIJACK_VERBOSE'] = '1'
        result = server.run('sh', '-c', 'exec %s /rump/tmp/raw' % RAW)
        del os.environ['RUMPHIJACK_VERBOSE']
        rig.check_eq('output', b'write 5\nread 5 hello\nthread hello\nchild hello\nend 7\n', result.stdout)
        plain = subprocess.run([RAW, 'raw'], check=False, stdout=subprocess.PIPE)
        rig.check_eq('output, not hijacked', plain.stdout, result.stdout)


def the_trap_engine_serves_any_program():
    os.environ['RUMPHIJACK_ENGINE'] = 'trap'
    try:
        asyncio_waits_for_both_kernels()
        shell_scripts_work_on_the_files_of_a_server()
    finally:
        del os.environ['RUMPHIJACK_ENGINE']


def local_sockets_of_the_kernel_pass_its_descriptors():
    script = '''
import array, os, socket
path = "/rump/tmp/local"
s = socket.socket(socket.AF_UNIX)
s.bind(path)
s.listen()
print(os.path.exists(path))
c = socket.socket(socket.AF_UNIX)
c.connect(path)
d = s.accept()[0]
f = os.open("/rump/tmp/sent", os.O_RDWR | os.O_CREAT)
os.write(f, b"content")
socket.send_fds(c, [b"take"], [f])
os.close(f)
data, fds, flags, _ = socket.recv_fds(d, 100, 4)
print(data, len(fds), os.pread(fds[0], 100, 0), flush=True)
socket.send_fds(c, [b"take"], [1])
data, fds, flags, _ = socket.recv_fds(d, 100, 4)
os.write(fds[0], b"the host's own\\n")
'''
    want = b"True\nb'take' 1 b'content'\nthe host's own\n"
    with Server() as server:
        result = subprocess.run(
            [rig.RUMPUS, 'run', '--server', server.url, '--path', '/rump', '--socket', 'all', '--', PYTHON,
             '-c', script], check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=rig.LIMIT)
        says('python', want, result)


def names_are_asked_of_the_network_of_the_kernel():
    script = '''
import os, socket, threading
os.makedirs("/rump/etc", exist_ok=True)
open("/rump/etc/resolv.conf", "w").write("nameserver 127.0.0.1\\n")
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
def answer():
    while True:
        query, who = server.recvfrom(512)
        end = query.index(b"\\0", 12) + 5
        reply = query[:2] + b"\\x81\\x80" + query[4:6] + b"\\0\\1\\0\\0\\0\\0" + query[12:end]
        if query[end - 3] == 1:
            reply += b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\x0a\\1\\2\\3"
        else:
            reply = reply[:6] + b"\\0\\0" + reply[8:]
        server.sendto(reply, who)
threading.Thread(target=answer, daemon=True).start()
print(socket.getaddrinfo("host.example", 80, socket.AF_INET, socket.SOCK_STREAM)[0][4])
'''
    with Server() as server:
        says('python', b"('10.1.2.3', 80)\n", server.run(PYTHON, '-c', script))
def children_wait_with_bells_of_their_own():
    script = """
import os, select, socket
def wait(s, r):
    p = select.poll(); p.register(s, select.POLLIN); p.register(r, select.POLLIN)
    return len(p.poll(20000))
r, w = os.pipe()
a, b = socket.create_server(("127.0.0.1", 0)), socket.socket()
b.connect(a.getsockname()); c = a.accept()[0]
os.write(w, b"x"); print(wait(c, r), os.read(r, 1)); print(select.select([c, r], [], [], 0.01)[0])
ready, go = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(go, b"y")
    os._exit(wait(c, r) + 10 * (c.recv(5) == b"after"))
os.read(ready, 1); b.sendall(b"after")
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    with Server() as server:
        says('python', b"1 b'x'\n[]\n11\n", server.run(PYTHON, '-c', script))


def programs_shut_themselves_in():
    """As sshd does: a filter that forbids sendmsg(2), with which a thread is announced."""
    script = """
import ctypes, os, socket, struct, threading
a, b = socket.create_server(("127.0.0.1", 0)), socket.socket()
b.connect(a.getsockname()); c = a.accept()[0]
def shut():
    code = [(0x20, 0, 0, 0), (0x15, 0, 1, 46), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
    text = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
    prog = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(code), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, prog) == 0, ctypes.get_errno()
    c.sendall(b"from inside")
t = threading.Thread(target=shut); t.start(); t.join()
print(b.recv(20))
"""
    if os.uname().machine != 'x86_64':
        raise rig.Skip('the filter is made of numbers of x86-64')
    with Server() as server:
        says('python', b"b'from inside'\n", server.run(PYTHON, '-c', script))


def names_go_down_to_the_prefix_one_by_one():
    script = """
import os
root = os.open("/", os.O_PATH | os.O_DIRECTORY)
os.mkdir("rump/tmp/one", dir_fd=root)
rump = os.open("rump", os.O_PATH | os.O_DIRECTORY, dir_fd=root)
os.mkdir("tmp/two", dir_fd=rump)
os.chdir("/"); os.mkdir("rump/tmp/three")
try: os.mkdir("rump", dir_fd=root)
except OSError as error: print(error.strerror)
print(sorted(os.listdir("/rump/tmp")))
"""
    with Server() as server:
        says('python', b"File exists\n['one', 'three', 'two']\n", server.run(PYTHON, '-c', script))





rig.main([
    names_are_asked_of_the_network_of_the_kernel,
    local_sockets_of_the_kernel_pass_its_descriptors,
    instructions_of_the_program_itself_trap,
    the_trap_engine_serves_any_program,
    children_wait_with_bells_of_their_own,
    programs_shut_themselves_in,
    names_go_down_to_the_prefix_one_by_one,
    asyncio_waits_for_both_kernels,
    signals_end_and_restart_calls,
    bad_pointers_are_efault,
    files_are_mapped_moved_and_linked,
    shell_scripts_work_on_the_files_of_a_server,
    descriptors_come_along_to_children,
    curl_fetches_a_page,
    wget_fetches_a_page,
    nc_and_socat_carry_a_request,
    python_serves_curl_a_large_file,
    what_was_written_before_the_end_arrives,
    threads_of_python_fetch_at_once,
    a_refused_connection_is_said,
    a_shell_starts_programs,
])
