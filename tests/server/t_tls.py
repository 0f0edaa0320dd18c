#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_tls.py RUMPUS ALLSERVER TLS - servers and clients over TCP, friends and strangers"""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))
ALLSERVER, TLS = [os.path.abspath(program) for program in sys.argv[2:4]]
del sys.argv[2:4]

from rig import LIMIT, RUMPUS, Skip, check, check_eq, rumpus, write  # noqa: E402
import rig  # noqa: E402

CREDENTIALS = ('PSK', 'CERT', 'KEY', 'CA')


def run(*command, **more):
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([str(c) for c in command], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=LIMIT, **more)


class Server:
    """One at a port of its own for the time of a with statement."""

    def __init__(self, *args, host='127.0.0.1'):
        self.args = args
        self.host = host

    def __enter__(self):
        # Its log says where it is; it is there as soon as it says so.
        self.process = subprocess.Popen(
            [ALLSERVER, '-s', '-v', '--mount', 'tmpfs:/tmp', *self.args, 'tcp://%s:0' % self.host],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = ''
        while 'serves tcp://' not in line:
            line = self.process.stderr.readline()
            if line == '':
                raise RuntimeError('the server did not start')
        self.url = line[line.index('tcp://'):].split()[0]
        self.port = int(self.url.rsplit(':', 1)[1])
        return self

    def __exit__(self, *what):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=LIMIT)

    def run(self, *args, url=None):
        """A program as a client, hijacked; its result."""
        return run(RUMPUS, 'run', '--on', url or self.url, *args)

    def served(self, *credentials):
        """An honest client is."""
        result = self.run(*credentials, '--', 'ls', '/rump')
        check_eq('code of an honest client (%r)' % result.stderr, 0, result.returncode)

    def stranger(self):
        sock = socket.create_connection(('127.0.0.1', self.port))
        sock.settimeout(LIMIT)
        return sock


def key(name, *names):
    for who in names or ('client',):
        check_eq('newkey', 0, run(TLS, 'newkey', name, who).returncode)
    return os.path.abspath(name)


def ended(sock):
    """The other side has ended it, whatever it said before."""
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


# --- keys -------------------------------------------------------------------------------

def nobody_is_served_without_proof():
    result = run(ALLSERVER, '-s', 'tcp://127.0.0.1:0')
    check(result.returncode != 0 and b'--tls-psk' in result.stderr, 'server: %r' % result.stderr)
    with Server('--tls-psk', key('k')) as server:
        result = server.run('--', 'true')
        check(result.returncode != 0 and b'--tls-psk' in result.stderr, 'client: %r' % result.stderr)
        result = rumpus('ss', '--on', server.url)
        check(result.returncode != 0, 'rumpus ss')


def who_has_the_key_is_served():
    with Server('--tls-psk', key('k')) as server:
        mine = ('--tls-psk', os.path.abspath('k'))
        result = server.run(*mine, '--', 'sh', '-c',
                            'echo hello > /rump/tmp/a && cat /rump/tmp/a | tr a-z A-Z')
        check_eq('output (%r)' % result.stderr, b'HELLO\n', result.stdout)
        result = server.run(*mine, '--', 'stat', '-c', '%u:%g', '/rump/tmp/a')
        check_eq('nobody', b'65534:65534\n', result.stdout)
        check_eq('rumpus ss', 0, rumpus('ss', '-a', '--on', server.url, *mine).returncode)


def children_and_programs_after_exec_are_clients():
    script = 'for i in 1 2 3 4 5 6 7 8; do (echo $i > /rump/tmp/$i; exec cat /rump/tmp/$i) & done; wait'
    with Server('--tls-psk', key('k')) as server:
        result = server.run('--tls-psk', 'k', '--', 'sh', '-c', script)
        check_eq('numbers (%r)' % result.stderr, b'12345678',
                 b''.join(sorted(result.stdout.split())))


def large_files_arrive_whole():
    data = bytes(range(256)) * 40000
    write('large', data)
    with Server('--tls-psk', key('k')) as server:
        result = server.run('--tls-psk', 'k', '--', 'sh', '-c',
                            'cp large /rump/tmp/large && cat /rump/tmp/large')
        check(result.stdout == data, 'what came back (%r)' % result.stderr[:200])


def names_and_addresses_of_both_kinds():
    with Server('--tls-psk', key('k')) as server:
        result = server.run('--tls-psk', 'k', '--', 'true', url='tcp://localhost:%d' % server.port)
        check_eq('by name', 0, result.returncode)
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(('::1', 0))
    except OSError as error:
        raise Skip('no IPv6: %s' % error) from error
    with Server('--tls-psk', os.path.abspath('k'), host='[::1]') as server:
        result = server.run('--tls-psk', 'k', '--', 'true')
        check_eq('at %s' % server.url, 0, result.returncode)
    for url in ('tcp://nowhere', 'tcp://:1', 'tcp://::1:5', 'tcp://a:b', 'tcp://[::1', 'tcp://1.2.3.4:'):
        result = run(RUMPUS, 'run', '--on', url, '--tls-psk', 'k', '--', 'true')
        check(result.returncode != 0 and b'tcp://' in result.stderr, '%s: %r' % (url, result.stderr))


def names_of_keys_are_users_inside():
    key('k', 'alice', 'bob', 'carol')
    with open('k', encoding='ascii') as both:
        lines = both.read().split()
    for line in lines:
        write(line.split(':')[0], (line + '\n').encode())
        os.chmod(line.split(':')[0], 0o600)
    with Server('--tls-psk', os.path.abspath('k'), '--map-uid', '@alice:1000:100,@bob:0') as server:
        for name, want in (('alice', b'1000:100\n'), ('bob', b'0:0\n'), ('carol', b'65534:65534\n')):
            result = server.run('--tls-psk', name, '--', 'sh', '-c',
                                'echo > /rump/tmp/%s; stat -c %%u:%%g /rump/tmp/%s' % (name, name))
            check_eq('%s (%r)' % (name, result.stderr), want, result.stdout)


def files_that_others_can_read_are_refused():
    key('k')
    os.chmod('k', 0o640)
    result = run(ALLSERVER, '-s', '--tls-psk', 'k', 'tcp://127.0.0.1:0')
    check(result.returncode != 0 and b'chmod' in result.stderr, 'server: %r' % result.stderr)
    result = run(RUMPUS, 'run', '--on', 'tcp://127.0.0.1:1', '--tls-psk', 'k', '--', 'true')
    check(result.returncode != 0 and b'chmod' in result.stderr, 'client: %r' % result.stderr)
    for content in (b'', b'# nothing\n', b'nocolon\n', b':0011223344556677\n', b'a:001122334455667\n',
                    b'a:00112233445566778899aabbccddee\n', b'a:' + b'00' * 65 + b'\n', b'a:' + b'xy' * 16 + b'\n',
                    b'x' * 64 + b':' + b'00' * 16 + b'\n', b'a' * 10000):
        write('bad', content)
        os.chmod('bad', 0o600)
        result = run(RUMPUS, 'run', '--on', 'tcp://127.0.0.1:1', '--tls-psk', 'bad', '--', 'true')
        check(result.returncode != 0 and b'bad' in result.stderr, '%r: %r' % (content, result.stderr))
        check(content == b'' or content[:20] not in result.stderr, 'the key is told')


def who_has_another_key_is_not_served():
    key('k', 'alice')
    key('other', 'alice')
    key('unknown', 'mallory')
    with Server('--tls-psk', os.path.abspath('k')) as server:
        for wrong in ('other', 'unknown'):
            result = server.run('--tls-psk', wrong, '--', 'true')
            check(result.returncode != 0 and b'prove' in result.stderr,
                  '%s: %r' % (wrong, result.stderr))
        server.served('--tls-psk', 'k')


# --- strangers --------------------------------------------------------------------------

def words_that_are_not_tls_end_the_connection():
    hello = bytes.fromhex('16030100c8010000c40303') + bytes(64)
    with Server('--tls-psk', key('k')) as server:
        for words in (b'GET / HTTP/1.1\r\n\r\n', b'RUSP' + bytes(124), bytes(1000), b'\xff' * 1000,
                      b'\x16\x03\x01\xff\xff' + bytes(70000)):
            with server.stranger() as sock:
                try:
                    sock.sendall(words)
                except (ConnectionResetError, BrokenPipeError):
                    pass
                check(ended(sock), 'the end of %r' % words[:8])
        # A handshake that stops anywhere.
        for length in range(0, len(hello), 5):
            with server.stranger() as sock:
                sock.sendall(hello[:length])
        server.served('--tls-psk', 'k')


def older_versions_are_refused():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with Server('--tls-psk', key('k')) as server:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.maximum_version = version
            refused = False
            try:
                with server.stranger() as sock, context.wrap_socket(sock):
                    pass
            except (ssl.SSLError, ConnectionResetError):
                refused = True
            check(refused, '%s without a key' % version)
        server.served('--tls-psk', 'k')


def silent_strangers_keep_nobody_out():
    with Server('--tls-psk', key('k')) as server:
        socks = [server.stranger() for _ in range(300)]
        server.served('--tls-psk', 'k')
        check(ended(socks[0]), 'the first makes room')
        for sock in socks:
            sock.close()
        server.served('--tls-psk', 'k')


# --- certificates ------------------------------------------------------------------------

def openssl(*args):
    if shutil.which('openssl') is None:
        raise Skip('openssl(1) is not there')
    result = run('openssl', *args)
    check_eq('openssl %s: %r' % (args[0], result.stderr), 0, result.returncode)


def authority(name):
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
            '-keyout', name + '.key', '-out', name + '.pem', '-subj', '/CN=' + name)


def certificate(ca, name, extension=''):
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout',
            name + '.key', '-out', name + '.csr', '-subj', '/CN=' + name)
    write(name + '.ext', extension.encode())
    openssl('x509', '-req', '-in', name + '.csr', '-CA', ca + '.pem', '-CAkey', ca + '.key', '-days', '2',
            '-CAcreateserial', '-extfile', name + '.ext', '-out', name + '.pem')
    os.chmod(name + '.key', 0o600)


def with_certificate(name, ca='ca'):
    words = []
    for option, file in (('cert', name + '.pem'), ('key', name + '.key'), ('ca', ca + '.pem')):
        words += ['--tls-' + option, os.path.abspath(file)]
    return words


def certificates_prove_who_both_are():
    authority('ca')
    authority('evil')
    certificate('ca', 'server', 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
    certificate('ca', 'elsewhere', 'subjectAltName=IP:127.0.0.2\n')
    certificate('ca', 'alice')
    certificate('evil', 'mallory', 'subjectAltName=IP:127.0.0.1\n')
    with Server(*with_certificate('server'), '--map-uid', '@alice:1000') as server:
        result = server.run(*with_certificate('alice'), '--', 'sh', '-c',
                            'echo > /rump/tmp/a; stat -c %u /rump/tmp/a')
        check_eq('alice (%r)' % result.stderr, b'1000\n', result.stdout)
        result = server.run(*with_certificate('alice'), '--', 'true',
                            url='tcp://localhost:%d' % server.port)
        check_eq('by name (%r)' % result.stderr, 0, result.returncode)
        for wrong, ca in (('mallory', 'ca'), ('alice', 'evil')):
            result = server.run(*with_certificate(wrong, ca), '--', 'true')
            check(result.returncode != 0, '%s, who believes %s, is served' % (wrong, ca))
        result = server.run('--tls-psk', key('k'), '--', 'true')
        check(result.returncode != 0, 'a key is no certificate')
        server.served(*with_certificate('alice'))
    for name in ('elsewhere', 'mallory'):
        with Server(*with_certificate(name)) as server:
            result = server.run(*with_certificate('alice'), '--', 'true')
            check(result.returncode != 0 and b'prove' in result.stderr, 'the server is %s: %r' % (name, result.stderr))
    os.chmod('alice.key', 0o644)
    result = run(RUMPUS, 'run', '--on', 'tcp://127.0.0.1:1', *with_certificate('alice'), '--', 'true')
    check(b'chmod' in result.stderr, 'a key that others can read: %r' % result.stderr)
    for missing in range(3):
        words = with_certificate('server')
        del words[2 * missing:2 * missing + 2]
        result = run(ALLSERVER, '-s', *words, 'tcp://127.0.0.1:0')
        check(result.returncode != 0 and b'belong together' in result.stderr, 'without %d: %r' % (missing, result.stderr))


# --- ends ---------------------------------------------------------------------------------

def a_killed_server_ends_its_clients_calls():
    program = 'echo ready; exec cat /rump/tmp/fifo'
    with Server('--tls-psk', key('k')) as server:
        server.run('--tls-psk', 'k', '--', 'mkfifo', '/rump/tmp/fifo')
        client = subprocess.Popen([RUMPUS, 'run', '--on', server.url, '--tls-psk', 'k', '--', 'sh', '-c', program],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check_eq('ready', b'ready\n', client.stdout.readline())
        server.process.kill()
        client.communicate(timeout=LIMIT)
        check(client.returncode != 0, 'it has heard of it')


def clients_killed_anywhere_leave_nothing():
    with Server('--tls-psk', key('k')) as server:
        for n in range(12):
            client = subprocess.Popen(
                [RUMPUS, 'run', '--on', server.url, '--tls-psk', 'k', '--', 'sh', '-c',
                 'while :; do echo x; echo x > /rump/tmp/$$; cat /rump/tmp/$$; done'],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            for _ in range(n):
                client.stdout.readline()
            client.kill()
            client.communicate(timeout=LIMIT)
        server.served('--tls-psk', 'k')


def main():
    for name in CREDENTIALS:
        os.environ.pop('RUMP_TLS_' + name, None)
    os.environ['RUMP_TLS_PROGRAM'] = TLS
    os.environ['XDG_RUNTIME_DIR'] = os.path.join('/tmp', 'rumpus-tls-%d' % os.getpid())
    os.mkdir(os.environ['XDG_RUNTIME_DIR'], 0o700)
    try:
        rig.main([
            nobody_is_served_without_proof, who_has_the_key_is_served,
            children_and_programs_after_exec_are_clients, large_files_arrive_whole,
            names_and_addresses_of_both_kinds, names_of_keys_are_users_inside,
            files_that_others_can_read_are_refused, who_has_another_key_is_not_served,
            words_that_are_not_tls_end_the_connection, older_versions_are_refused,
            silent_strangers_keep_nobody_out, certificates_prove_who_both_are,
            a_killed_server_ends_its_clients_calls, clients_killed_anywhere_leave_nothing])
    finally:
        subprocess.run(['rm', '-rf', os.environ['XDG_RUNTIME_DIR']], check=False)


main()
