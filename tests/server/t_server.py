#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_server.py RUMPUS SERVER ALLSERVER HALT CLIENTS N - servers from outside, as a plain user sees them"""

import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))
PROGRAMS = sys.argv[2:6]
# Fewer clients: with a sanitizer, which is also a reason not to be locked in.
MANY = int(sys.argv[6])
del sys.argv[2:7]

from rig import LIMIT, RUMPUS, Skip, check, check_eq, ext4, refused, rumpus, write  # noqa: E402
import rig  # noqa: E402

SERVER, ALLSERVER, HALT, CLIENTS = [os.path.abspath(program) for program in PROGRAMS]


def run(*command, **more):
    return subprocess.run([str(c) for c in command], check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT, **more)


def listed(name):
    """What "rumpus ps" says of a server; None: it is not there."""
    for server in json.loads(rumpus('ps', '--json').stdout):
        if server['name'] == name:
            return server
    return None


class Running:
    """A server in the background for the time of a with statement."""

    def __init__(self, *args, program=None, name='t'):
        self.command = [program or ALLSERVER, *args]
        self.name = name
        if name is not None:
            self.command += ['--name=' + name]

    def __enter__(self):
        result = run(*self.command)
        check_eq('code of ' + ' '.join(map(str, self.command)), 0, result.returncode)
        if result.returncode != 0:
            raise RuntimeError(result.stderr.decode())
        self.pid = listed(self.name)['pid'] if self.name else None
        return self

    def __exit__(self, *what):
        if self.name and listed(self.name):
            rumpus('stop', '-k', '-t', '1', self.name)


def folder(name):
    return os.path.join(os.environ['XDG_RUNTIME_DIR'], 'rumpus', name)


def gone(pid):
    """The process is no more, or nobody has asked yet how it ended."""
    for _ in range(500):
        try:
            with open('/proc/%d/stat' % pid, encoding='ascii') as stat:
                dead = stat.read().rsplit(')', 1)[1].split()[0] == 'Z'
            # The first thread may be dead before the others, who keep files open.
            if dead and len(os.listdir('/proc/%d/task' % pid)) == 1:
                return True
        except OSError:
            return True
        select_a_moment()
    return False


def select_a_moment():
    time.sleep(0.01)


def says(code, words, *command, **more):
    result = run(*command, **more)
    what = ' '.join(map(str, command))
    check_eq('code of ' + what, code, result.returncode)
    for word in words.split():
        check(word in result.stderr.decode(), '%s: no "%s" in %r' % (what, word, result.stderr))
    return result


# --- cases -----------------------------------------------------------------------

def wrong_arguments_are_explained():
    says(2, 'URL', ALLSERVER)
    says(2, 'no URL', ALLSERVER, '/tmp/ctl')
    says(2, 'one URL', ALLSERVER, 'unix://a', 'unix://b')
    says(2, 'name of a server', ALLSERVER, '--name=../x')
    says(2, 'component nonsense', ALLSERVER, '-lnonsense', 'unix://a')
    says(2, 'all others', ALLSERVER, '-l', 'net_sockin', 'unix://a')
    says(2, 'at least 4m', ALLSERVER, '-r', '1m', 'unix://a')
    says(2, 'no size', ALLSERVER, '-r', 'lots', 'unix://a')
    says(2, 'processors', ALLSERVER, '-c', '0', 'unix://a')
    says(2, 'key= hostpath=', ALLSERVER, '-d', 'key=/dev/x', 'unix://a')
    says(2, 'which size', ALLSERVER, '-d', 'key=/dev/x,hostpath=img', 'unix://a')
    says(2, 'disklabel', ALLSERVER, '-d', 'key=/dev/x,hostpath=img,size=host,disklabel=a',
         'unix://a')
    says(2, 'size=host', ALLSERVER, '-d', 'key=/dev/x,hostpath=img,size=host,offset=512',
         'unix://a')
    says(2, 'what interface', ALLSERVER, '--net', '12', 'unix://a')
    says(1, 'nowhere.img open', ALLSERVER, '--mount=nowhere.img:/srv', 'unix://a')
    says(2, 'metrics', ALLSERVER, '--metrics=carrier-pigeon', 'unix://a')
    says(2, 'log', ALLSERVER, '--log=diary', 'unix://a')
    says(2, 'usage', ALLSERVER, '--nonsense')
    check_eq('--help', 0, run(ALLSERVER, '--help').returncode)
    check_eq('--help', 0, rumpus('server', '--help').returncode)
    check(not os.path.exists('a'), 'a socket was left behind')


def a_server_by_name_is_started_listed_and_stopped():
    with Running('--mount=tmpfs:/tmp') as server:
        mine = listed('t')
        check_eq('state', 'up', mine['state'])
        check_eq('url', 'unix://' + folder('t') + '/sock', mine['url'])
        check_eq('clients', 0, mine['clients'])
        check(mine['memory']['private'] > 0, 'memory: %r' % mine['memory'])
        with open(folder('t') + '/info.json', encoding='utf-8') as info:
            check_eq('pid in info.json', mine['pid'], json.load(info)['pid'])
        check_eq('mode', 0o700, os.stat(folder('t')).st_mode & 0o777)
        result = rumpus('stop', 't')
        check_eq('stop', 0, result.returncode)
        check(gone(server.pid), 'it is still there')
        check(not os.path.exists(folder('t')), 'its folder is still there')
    check_eq('nobody is listed', None, listed('t'))
    refused(1, 'no server', 'stop', 't')


def a_taken_name_is_refused_and_a_dead_ones_is_not():
    with Running() as server:
        says(2, 'already', ALLSERVER, '--name=t')
        os.kill(server.pid, signal.SIGKILL)
        check(gone(server.pid), 'it cannot be killed')
        check_eq('state', 'dead', listed('t')['state'])
        check(os.path.exists(folder('t') + '/sock'), 'who removed the socket?')
        with Running() as second:
            check(second.pid != server.pid, 'the dead one lives')
            check_eq('state', 'up', listed('t')['state'])
    with Running() as server:
        os.kill(server.pid, signal.SIGKILL)
        check(gone(server.pid), 'it cannot be killed')
        rumpus('ps', '--clean')
        check(not os.path.exists(folder('t')), 'ps --clean left it')
    with Running() as server:
        os.kill(server.pid, signal.SIGKILL)
        check(gone(server.pid), 'it cannot be killed')
        refused(1, 'was dead', 'stop', 't')
        check(not os.path.exists(folder('t')), 'stop left it')


def a_folder_of_somebody_else_is_not_used():
    base = os.path.dirname(folder('x'))
    os.makedirs(base, 0o700, exist_ok=True)
    os.chmod(base, 0o755)
    says(7, 'alone', ALLSERVER, '--name=t')
    os.rmdir(base)
    os.symlink('/tmp', base)
    says(7, 'alone', ALLSERVER, '--name=t')
    os.unlink(base)


def stale_sockets_are_replaced_others_are_not():
    here = os.path.join(os.getcwd(), 'ctl')
    url = 'unix://' + here
    with Running(url):
        says(2, 'running there', ALLSERVER, '--name=u', url)
        check_eq('stop', 0, rumpus('stop', 't').returncode)
        check(not os.path.exists(here), 'the socket is still there')
    with Running(url) as server:
        os.kill(server.pid, signal.SIGKILL)
        check(gone(server.pid), 'it cannot be killed')
        check(os.path.exists(here), 'there is no stale socket')
        with Running(url, name='u'):
            check_eq('url', url, listed('u')['url'])
    write('file', b'precious')
    says(2, 'no socket', ALLSERVER, '--name=v', 'unix://' + os.path.join(os.getcwd(), 'file'))
    check_eq('the file', b'precious', rig.read('file'))


def signals_end_it_orderly():
    for signo in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([ALLSERVER, '-s', '--name=t'], stdin=subprocess.DEVNULL) as server:
            while not listed('t') or listed('t')['state'] != 'up':
                select_a_moment()
            server.send_signal(signo)
            check_eq('code after signal %d' % signo, 0, server.wait(LIMIT))
        check(not os.path.exists(folder('t')), 'its folder is still there')


def clients_use_it():
    with Running('--net=shm:bus,10.0.0.1/24,name=net0', '--mount=tmpfs:/tmp'):
        result = rumpus('ip', '--on=t', '-j', 'addr')
        check_eq('ip --on', 0, result.returncode)
        locals_ = [a['local'] for i in json.loads(result.stdout) for a in i['addr_info']]
        check('10.0.0.1' in locals_, '10.0.0.1 is not among %r' % locals_)
        check_eq('ping --on', 0, rumpus('ping', '--on', 't', '-c1', '10.0.0.1').returncode)
        check_eq('ss --on', 0, rumpus('ss', '-a', '--on=t').returncode)
        check_eq('ip change', 0, rumpus('ip', '--on=t', 'link', 'set', 'lo', 'mtu', '4000').returncode)
        out = rumpus('ip', '--on=t', 'link', 'show', 'lo').stdout.decode()
        check('mtu 4000' in out, 'the mtu is not 4000: %r' % out)
        refused(2, "server's", 'ping', '--on=t', '--if=shm:x', '10.0.0.1')
        # One more host, in a process of its own, on the same bus.
        check_eq('ping from outside', 0, rumpus('ping', '--if=shm:bus,10.0.0.2/24', '-c1',
                                                '10.0.0.1').returncode)
    refused(1, 'no server', 'ip', '--on=t', 'addr')


def heard(monitor, word, *change):
    """What a monitor prints up to a line with word, while change is made again and again.

    It begins to listen at a moment of its own; a change before that it does not see.
    """
    said = b''
    os.set_blocking(monitor.stdout.fileno(), False)
    for _ in range(500):
        for words in change:
            check_eq('change', 0, rumpus('ip', '--on=t', *words).returncode)
        said += monitor.stdout.read() or b''
        if word in said:
            break
        select_a_moment()
    check(word in said, 'the monitor did not say %r but %r' % (word, said))
    return said


def ip_monitor_tells_what_changes():
    addr = ('addr', 'add', '10.1.0.1/24', 'dev', 'lo'), ('addr', 'del', '10.1.0.1/24', 'dev', 'lo')
    route = ('route', 'add', '10.2.0.0/16', 'dev', 'lo'), ('route', 'del', '10.2.0.0/16', 'dev', 'lo')
    rule = ('rule', 'add', 'from', '10.3.0.0/16', 'table', '7', 'pref', '77'), \
           ('rule', 'del', 'from', '10.3.0.0/16', 'table', '7', 'pref', '77')
    neigh = ('neigh', 'add', '10.0.0.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'net0'), \
            ('neigh', 'del', '10.0.0.9', 'dev', 'net0')
    mtu = ('link', 'set', 'lo', 'mtu', '4000'), ('link', 'set', 'lo', 'mtu', '5000')
    with Running('--net=shm:bus,10.0.0.1/24,name=net0'):
        with subprocess.Popen([RUMPUS, 'ip', '--on=t', 'monitor'], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as monitor:
            heard(monitor, b'Deleted 1: lo    inet 10.1.0.1/24 ', *addr)
            heard(monitor, b'local 10.1.0.1 dev lo', *addr)
            heard(monitor, b'Deleted 10.2.0.0/16 dev lo', *route)
            heard(monitor, b'Deleted 77:\tfrom 10.3.0.0/16 lookup 7', *rule)
            heard(monitor, b'10.0.0.9 dev net0 lladdr 02:00:00:00:00:09 PERMANENT', *neigh)
            heard(monitor, b' mtu 5000 ', *mtu)
            monitor.send_signal(signal.SIGINT)
            check_eq('code after SIGINT', 0, monitor.wait(LIMIT))
        # Only routes, as JSON, which is whole at the end.
        with subprocess.Popen([RUMPUS, 'ip', '--on=t', '-j', 'monitor', 'route', 'dev', 'lo'],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as monitor:
            said = heard(monitor, b'"deleted": true', *mtu, *rule, *neigh, *route)
            monitor.send_signal(signal.SIGTERM)
            check_eq('code after SIGTERM', 0, monitor.wait(LIMIT))
            os.set_blocking(monitor.stdout.fileno(), True)
            events = json.loads(said + monitor.stdout.read())
        check_eq('routes', {'10.2.0.0/16'}, {e.get('dst') for e in events})
        check_eq('both ends', {True, None}, {e.get('deleted') for e in events})
        refused(2, 'bananas', 'ip', '--on=t', 'monitor', 'bananas')


def components_are_found_by_name():
    ext4('disk.img')
    here = os.path.join(os.getcwd(), 'ctl')
    with Running('-lrumpfs_ext2', '-l', 'rumpnet_inet', '-d',
                 'key=/dev/d0,hostpath=disk.img,size=host', 'unix://' + here, program=SERVER):
        # Whoever wants the disk for himself finds it locked.
        says(3, 'in use', ALLSERVER, '--name=second', '-d',
             'key=/dev/d0,hostpath=disk.img,size=host')
    with Running('-l', 'librumpnet_inet6.so', '--net=shm:bus,fd00::1/64', '--mount=disk.img:/srv',
                 program=SERVER):
        check_eq('ip --on', 0, rumpus('ip', '--on=t', 'addr').returncode)
    says(2, 'no component nonsense', SERVER, '-lrumpnet_nonsense', '--name=t')
    # The library of a component is not there: it is named.
    result = run(SERVER, '-l', 'net_shmif', '--name=t', env=dict(os.environ))
    check_eq('net_shmif by itself', 0, result.returncode)
    rumpus('stop', 't')


def images_are_mounted():
    os.mkdir('tree')
    write('tree/hello', b'hello\n')
    ext4('disk.img', '-d', 'tree')
    with Running('--mount=disk.img:/srv/www', '--mount=tmpfs:/scratch,size=1m'):
        check_eq('alive', 'up', listed('t')['state'])
    write('noise', b'x' * 100000)
    says(4, 'no file system', ALLSERVER, '--mount=noise:/srv', '--name=t')
    check_eq('nothing is left', None, listed('t'))


def an_interface_is_captured():
    pcapng = b'\x0a\x0d\x0d\x0a'
    with Running('--net=shm:capbus,10.0.0.1/24,capture=cap.pcapng'):
        rumpus('ping', '--on=t', '-c', '1', '-W', '0.1', '10.0.0.77')
    with open('cap.pcapng', 'rb') as file:
        capture = file.read()
    check_eq('begins as pcapng', pcapng, capture[:4])
    check('has the question for the address', bytes([10, 0, 0, 77]) in capture)
    says(2, 'cap.pcapng exists', ALLSERVER, '--net=shm:capbus,10.0.0.1/24,capture=cap.pcapng',
         '--name=t')
    with open('cap.pcapng', 'rb') as file:
        check_eq('is not written over', capture, file.read())


def a_device_gets_the_size_that_it_shall_have():
    with Running('-d', 'key=/dev/d0,hostpath=new.img,size=3m'):
        check_eq('size', 3 << 20, os.stat('new.img').st_size)
    with Running('-d', 'key=/dev/d0,hostpath=new.img,size=2m,offset=4m'):
        check_eq('size', 6 << 20, os.stat('new.img').st_size)


def a_file_has_the_options_too():
    write('lab.conf', b'# a host\nname\tconf\nnet shm:bus,10.0.0.1/24\n\nmount "tmpfs:/with space"\n')
    check_eq('start', 0, run(ALLSERVER, '--config=lab.conf').returncode)
    check_eq('state', 'up', listed('conf')['state'])
    rumpus('stop', 'conf')
    write('bad.conf', b'name x\n\nfrobnicate yes\n')
    says(2, 'frobnicate line 3', ALLSERVER, '--config=bad.conf')
    says(1, 'nowhere.conf', ALLSERVER, '--config=nowhere.conf')


def a_client_can_halt_it():
    with Running() as server:
        check_eq('halt', 0, run(HALT, 't').returncode)
        check(gone(server.pid), 'it is still there')
        check(not os.path.exists(folder('t')), 'its folder is still there')
    check_eq('usage', 2, run(HALT, env={}).returncode)
    check_eq('nobody', 1, run(HALT, 't').returncode)


def systemd_is_told():
    path = os.path.join(os.getcwd(), 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(path)
        notify.settimeout(LIMIT)
        env = dict(os.environ, NOTIFY_SOCKET=path, WATCHDOG_USEC='200000')
        with subprocess.Popen([ALLSERVER, '-s', '--name=t'], env=env) as server:
            check_eq('first word', b'READY=1', notify.recv(100))
            check_eq('then', b'WATCHDOG=1', notify.recv(100))
            server.terminate()
            word = notify.recv(100)
            while word == b'WATCHDOG=1':
                word = notify.recv(100)
            check_eq('last word', b'STOPPING=1', word)
            check_eq('code', 0, server.wait(LIMIT))


def a_socket_of_systemd_is_used():
    path = os.path.join(os.getcwd(), 'activated')
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(8)

        def activate():
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ['LISTEN_FDS'] = '1'
            os.environ['LISTEN_PID'] = str(os.getpid())
            os.execv(ALLSERVER, [ALLSERVER, '-s', '--name=t'])

        pid = os.fork()
        if pid == 0:
            activate()
        while not listed('t') or listed('t')['state'] != 'up':
            select_a_moment()
        check_eq('url', 'unix://' + path, listed('t')['url'])
        check_eq('a client', 0, rumpus('ping', '--on=unix://' + path, '-c1', '127.0.0.1').returncode)
        rumpus('stop', 't')
        check_eq('code', 0, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        check(os.path.exists(path), "systemd's socket was removed")


def its_control_socket_takes_only_lines_it_knows():
    with Running():
        def ask(data):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
                s.settimeout(LIMIT)
                s.connect(folder('t') + '/ctl')
                s.sendall(data)
                answer = b''
                while True:
                    try:
                        more = s.recv(65536)
                    except ConnectionResetError:
                        return answer
                    if not more:
                        return answer
                    answer += more

        check_eq('get', '0', json.loads(ask(b'get kernel.trace\n'))['value'])
        check_eq('get nothing', 2, json.loads(ask(b'get no.such\n'))['errno'])
        check_eq('set', {}, json.loads(ask(b'set kernel.log_level 1\n')))
        check_eq('set nonsense', 22, json.loads(ask(b'set kernel.log_level\n'))['errno'])
        check_eq('nonsense', 22, json.loads(ask(b'\x00\xff{}\n'))['errno'])
        check_eq('endless', b'', ask(b'x' * 5000))
        check('variables' in json.loads(ask(b'stats\n')), 'stats has no variables')
        # More askers at once than it has places for do not end it.
        idle = []
        for _ in range(40):
            s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            s.setblocking(False)
            try:
                s.connect(folder('t') + '/ctl')
            except BlockingIOError:
                pass
            idle.append(s)
        for s in idle:
            s.close()
        check_eq('alive', 'up', listed('t')['state'])


def calls_can_be_watched():
    with Running():
        with subprocess.Popen([RUMPUS, 'trace', '--on=t'], stdout=subprocess.PIPE) as trace:
            os.set_blocking(trace.stdout.fileno(), False)
            text = b''
            for _ in range(200):
                rumpus('ip', '--on=t', 'link')
                text += trace.stdout.read() or b''
                if b'AF_NETLINK' in text:
                    break
            check(b'socket(AF_NETLINK' in text, 'no call was seen: %r' % text[:200])
            trace.kill()
        refused(2, 'process', 'trace', '--on=t', '1')
        refused(1, 'no process', 'trace', '--on=t', '99999')
        out = rumpus('top', '--on=t', '-d', '50ms').stdout.decode()
        check('CALLS/S' in out and 'lo' in out, 'top: %r' % out)
        both = rumpus('top', '--on=t', '--json', '-d', '50ms', '-n', '2').stdout.decode().split('\n')
        check_eq('looks', 2, len([json.loads(look) for look in both if look]))


def counters_are_served():
    with Running('--metrics=unix:prom', '--net=shm:bus,10.0.0.1/24'):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.connect('prom')
            s.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
            text = b''
            while True:
                more = s.recv(65536)
                if not more:
                    break
                text += more
        head, _, body = text.partition(b'\r\n\r\n')
        check(head.startswith(b'HTTP/1.0 200 OK'), 'head: %r' % head)
        check_eq('length', len(body), int(head.rsplit(b'Content-Length: ')[1].split()[0]))
        values = {}
        for line in body.decode().splitlines():
            if not line.startswith('#'):
                key, value = line.rsplit(' ', 1)
                check(key not in values, '%s is there twice' % key)
                values[key] = float(value)
        check('rumpus_interface_rx_bytes_total{interface="shm0"}' in values, 'no interface')
        check(values.get('rumpus_memory_private_bytes', 0) > 0, 'no memory')
    with Running('--metrics=file:prom.txt,1'):
        for _ in range(500):
            if os.path.getsize('prom.txt') > 0:
                break
            select_a_moment()
        check(b'rumpus_up_seconds' in rig.read('prom.txt'), 'nothing in the file')


def a_full_disk_is_told():
    if not os.path.exists('/dev/full'):
        raise Skip('no /dev/full')
    with Running('--metrics=file:/dev/full,1', '--log=file:log'):
        for _ in range(500):
            if os.path.getsize('log') > 0:
                break
            select_a_moment()
        check(b'metrics: write' in rig.read('log'), 'log: %r' % rig.read('log'))
        check_eq('state', 'up', listed('t')['state'])


def the_process_is_locked_in():
    if MANY < 500:
        raise Skip('a sanitizer calls what it likes')
    with Running('--mount=tmpfs:/tmp', '--net=shm:bus,10.0.0.1/24') as server:
        for task in os.listdir('/proc/%d/task' % server.pid):
            with open('/proc/%d/task/%s/status' % (server.pid, task), encoding='ascii') as text:
                status = dict(line.split(':\t', 1) for line in text.read().splitlines()
                              if ':\t' in line)
            check_eq('no new privileges', '1', status['NoNewPrivs'])
            check_eq('seccomp', '2', status['Seccomp'])
        clients = [subprocess.Popen([RUMPUS, 'ping', '--on=t', '-q', '-c20', '-i', '10ms',
                                     '10.0.0.1'], stdout=subprocess.DEVNULL) for _ in range(8)]
        for client in clients:
            check_eq('a client of many', 0, client.wait(LIMIT))
    with Running('--no-lockin') as server:
        with open('/proc/%d/status' % server.pid, encoding='ascii') as status:
            check('Seccomp:\t0' in status.read() or os.path.exists('/.dockerenv'),
                  '--no-lockin locks in')


def five_hundred_clients_are_served():
    with Running('--mount=tmpfs:/tmp') as server:
        result = run(CLIENTS, 'unix://' + folder('t') + '/sock', MANY, 20)
        check_eq('clients: %r' % result.stderr[-300:], 0, result.returncode)
        check(b'%d of %d' % (MANY, MANY) in result.stdout, 'clients: %r' % result.stdout)
        for _ in range(500):
            if listed('t')['clients'] == 0 and len(os.listdir('/proc/%d/fd' % server.pid)) < 50:
                break
            select_a_moment()
        check_eq('left over', 0, listed('t')['clients'])
        check(len(os.listdir('/proc/%d/task' % server.pid)) < 20, 'threads are left over')
        check(len(os.listdir('/proc/%d/fd' % server.pid)) < 50, 'descriptors are left over')


def the_doctor_looks_at_host_and_programs():
    result = rumpus('doctor', '--json')
    check_eq('doctor', 0, result.returncode)
    report = json.loads(result.stdout)
    works = {p['name']: p['works'] for p in report['host']}
    check_eq('memfd', True, works['memfd'])
    check_eq('filters', True, works['seccomp filters'])
    costs = {c['name']: c['ns'] for c in report['costs']}
    check(all(ns is None or 0 <= ns < 1e8 for ns in costs.values()), 'costs: %r' % costs)
    write('script', b'#! /bin/sh -e\nexit 0\n')
    os.chmod('script', 0o755)
    write('nonsense', b'\x7fELF\x02\x01' + b'\xff' * 200)
    os.chmod('nonsense', 0o755)
    programs = json.loads(rumpus('doctor', '--json', './script', sys.executable).stdout)['programs']
    check_eq('script', True, programs[0].get('script_of', '').endswith('/sh'))
    check(programs[1]['engine'].startswith('preload'), 'python: %r' % programs[1])
    refused(1, 'no program', 'doctor', 'certainly-not-there')
    check_eq('nonsense', 0, rumpus('doctor', './nonsense').returncode)
    with open('/bin/true', 'rb') as program:
        whole = program.read()
    for cut in (0, 1, 17, 63, 64, 100, 700, len(whole) // 2):
        write('cut', whole[:cut])
        os.chmod('cut', 0o755)
        check(rumpus('doctor', './cut').returncode in (0, 1, 2, 3), 'cut at %d' % cut)


def main():
    os.environ['XDG_RUNTIME_DIR'] = os.path.join('/tmp', 'rumpus-test-%d' % os.getpid())
    os.mkdir(os.environ['XDG_RUNTIME_DIR'], 0o700)
    try:
        rig.main([
            wrong_arguments_are_explained, a_server_by_name_is_started_listed_and_stopped,
            a_taken_name_is_refused_and_a_dead_ones_is_not, a_folder_of_somebody_else_is_not_used,
            stale_sockets_are_replaced_others_are_not, signals_end_it_orderly, clients_use_it,
            ip_monitor_tells_what_changes,
            components_are_found_by_name, images_are_mounted, an_interface_is_captured,
            a_device_gets_the_size_that_it_shall_have, a_file_has_the_options_too,
            a_client_can_halt_it, systemd_is_told, a_socket_of_systemd_is_used,
            its_control_socket_takes_only_lines_it_knows, calls_can_be_watched,
            counters_are_served, a_full_disk_is_told, the_process_is_locked_in,
            five_hundred_clients_are_served, the_doctor_looks_at_host_and_programs])
    finally:
        subprocess.run(['rm', '-rf', os.environ['XDG_RUNTIME_DIR']], check=False)


main()
