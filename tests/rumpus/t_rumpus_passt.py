#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_rumpus_passt.py RUMPUS [CASE...] - the host's network by way of a real passt(1)

passt is told addresses of its own, so that it matters little what network the host has.  The
gateway's address stands for the host's loopback, where the servers of this test listen.
"""

import hashlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading

import rig
from rig import LIMIT, MB, RUMPUS, check, check_eq, refused, rumpus

OURS, GATEWAY = '10.77.0.2', '10.77.0.1'
WORDS = ['-4', '-i', 'lo', '-a', OURS, '-n', '24', '-g', GATEWAY, '-M', '02:00:00:00:00:01']
AMOUNT = 16 * MB


def link(*more):
    return '--if=passt:%s,dhcp' % ' '.join([*WORDS, *more])


def blob(size):
    return hashlib.shake_128(b'passt').digest(size)


class Server(threading.Thread):
    """One connection on the host's loopback: so many bytes come, then their checksum goes
    back, and as many bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        sock, _ = self.listener.accept()
        with sock, sock.makefile('rb') as file:
            data = file.read(AMOUNT)
            sock.sendall(hashlib.sha256(data).digest() + data)
            sock.recv(1)


class Cat:
    """net cat to the port, with its input kept open: what it prints is read piece by piece."""

    def __init__(self, interface, port, *options):
        self.process = subprocess.Popen(
            [RUMPUS, 'net', 'cat', interface, *options, GATEWAY, str(port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.send_signal(signal.SIGINT)
        self.process.stdin.close()
        try:
            self.process.wait(LIMIT)
        finally:
            self.process.kill()
            self.process.stdout.close()

    def say(self, data):
        left = memoryview(data)
        while left:
            left = left[self.process.stdin.write(left):]

    def hear(self, size):
        data = bytearray()
        while len(data) < size:
            if not select.select([self.process.stdout], [], [], LIMIT)[0]:
                break
            piece = self.process.stdout.read(min(MB, size - len(data)))
            if not piece:
                break
            data += piece
        return bytes(data)


def exchange(interface):
    server, data = Server(), blob(AMOUNT)
    with Cat(interface, server.port) as cat:
        cat.say(data)
        check_eq('what the host got', hashlib.sha256(data).hexdigest(), cat.hear(32).hex())
        check(cat.hear(AMOUNT) == data, 'what came back is something else')


def an_address_comes_by_dhcp():
    result = rumpus('ip', link(), '--json', 'addr', 'show', 'dev', 'virt0')
    check_eq('code', 0, result.returncode)
    virt = json.loads(result.stdout)[0]
    check_eq('address', (OURS, 24), [(a['local'], a['prefixlen'])
                                     for a in virt['addr_info'] if a['family'] == 'inet'][0])
    check_eq('MTU', 65520, virt['mtu'])


def megabytes_pass_both_ways():
    exchange(link())


def a_running_passt_is_named_by_its_socket():
    os.chmod('.', 0o777)			# as root it becomes somebody else
    path = os.path.abspath('socket')
    with running(path):
        exchange('--if=passt:%s,dhcp' % path)


def datagrams_pass_both_ways():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.settimeout(LIMIT)
        server.bind(('127.0.0.1', 0))
        with Cat(link(), server.getsockname()[1], '-u') as cat:
            cat.say(b'question')
            data, whom = server.recvfrom(100)
            check_eq('asked', b'question', data)
            server.sendto(b'answer', whom)
            check_eq('answered', b'answer', cat.hear(6))


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as probe:
        return probe.getsockname()[1]


def the_host_reaches_a_forwarded_port():
    port = free_port()
    with subprocess.Popen([RUMPUS, 'net', 'up', link('-t', '127.0.0.1/%d:80' % port), '--serve=http'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as host:
        try:
            check_eq('it is up', b'up\n', host.stdout.readline())
            with socket.create_connection(('127.0.0.1', port), LIMIT) as sock:
                sock.sendall(b'GET / HTTP/1.0\r\n\r\n')
                check(sock.recv(1000).startswith(b'HTTP/1.'), 'that was no answer of ours')
        finally:
            host.send_signal(signal.SIGINT)
            host.wait(LIMIT)


def what_is_not_there_is_said():
    refused(1, 'passt start', 'ip', '--if=passt,dhcp', 'addr', env={'PATH': '/nowhere'})
    refused(1, 'connect', 'ip', '--if=passt:/nowhere,dhcp', 'addr')


# --- is there one that works here? -----------------------------------------------------

class running:
    """A passt at a path; ready is False if it ended before anybody could connect."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            ['passt', '-f', '-1', *WORDS, '-s', path], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.text, self.ready = '', False
        for line in self.process.stdout:
            self.text += line.decode(errors='replace')
            if 'qrap' in self.text.splitlines()[-1] or 'netdev stream' in self.text:
                self.ready = True
                break
        self.drain = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.drain.start()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.process.kill()
        self.process.wait()
        self.drain.join()
        self.process.stdout.close()


def why_not():
    if shutil.which('passt') is None:
        return 'no passt'
    folder = rig.tempfile.mkdtemp(prefix='rumpus.')
    os.chmod(folder, 0o777)
    try:
        with running(os.path.join(folder, 'socket')) as one:
            return None if one.ready else 'passt does not start: %s' % one.text[-200:].strip()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == '__main__':
    CASES = [an_address_comes_by_dhcp, megabytes_pass_both_ways, datagrams_pass_both_ways,
             a_running_passt_is_named_by_its_socket, the_host_reaches_a_forwarded_port,
             what_is_not_there_is_said]
    WHY = why_not()
    if WHY is not None:
        print('0 passed, 0 failed, %d skipped (%s)' % (len(CASES), WHY))
        sys.exit(77)
    rig.main(CASES)
