# SPDX-License-Identifier: BSD-2-Clause
"""rig.py - cases, and the bench on which each runs: a far side and a kernel of ours

	python3 t_x.py PEER [CASE...]

A case is a function of a bench; cases that are in FAMILIES run once over IPv4 and
once over IPv6.  Each gets a fresh name space, tap and kernel, and a temporary
folder to be in.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zlib

import far
from peer import Peer, PeerError   # noqa: F401, also for the cases

PROGRAM = os.path.abspath(sys.argv[1])
LARGE = os.environ.get('RUMPUS_TESTS') == 'large'
MB = 1 << 20

SOL_SOCKET, SO_REUSEADDR = 1, 2
POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP = 1, 2, 4, 8, 16
MSG_OOB, MSG_PEEK, MSG_DONTWAIT = 1, 2, 0x40


class Skip(Exception):
    """Raised by a case that this host does not allow."""


class Failed(Exception):
    """Raised by need()."""


class Family:
    """Addresses of both ends in one family."""

    def __init__(self, number, word, theirs, ours, prefix, nobody):
        self.number, self.word, self.prefix = number, word, prefix
        self.theirs, self.ours, self.nobody = theirs, ours, nobody

    def url(self, address):
        return address if self.number == 4 else '[%s]' % address

    def socat(self, what):
        return what + str(self.number)

    @property
    def any(self):
        return '0.0.0.0' if self.number == 4 else '::'


IP4 = Family(4, 'inet', '10.77.0.1', '10.77.0.2', 24, '10.77.0.99')
IP6 = Family(6, 'inet6', 'fd77::1', 'fd77::2', 64, 'fd77::99')


class Bench:
    """Both ends.  seen: what they sent is captured, and judged at the end."""

    def __init__(self, family, vnet_hdr=True, mtu=1500, configure=True):
        self.ip = family
        self.failed = []
        self.seen = None
        self.mtu = mtu
        self.far = far.Far(vnet_hdr)
        self.peer = None
        try:
            self.far.configure(*(['%s/%d' % (f.theirs, f.prefix) for f in (IP4, IP6)
                                   if f.number == 4 or mtu >= 1280] if configure else []), mtu=mtu)
            self.peer = Peer(PROGRAM, self.far.tap)
            self.ifname = self.peer.call('link', 'fd=%d' % self.far.tap)[0]
            if mtu != 1500:
                self.peer.call('mtu', self.ifname, mtu)
            if configure:
                self.peer.call('kvar', 'net.ipv6.conf.all.dad_transmits', 0)
                self.peer.call('addr', self.ifname, family.ours, family.prefix)
                self.peer.call('up', self.ifname)
                self.settle()
        except BaseException:
            self.close()
            raise

    def settle(self):
        """Until the address has passed duplicate address detection, and the way is known."""
        far.wait_for('the first ping', lambda: self.far.run(
            'ping', '-c1', '-W1', self.ip.ours, check=False).find(' 0% packet loss') >= 0)

    # --- what holds ----------------------------------------------------------------

    def check(self, held, text):
        if not held:
            self.failed.append(text)
            print('# ' + text, flush=True)
        return held

    def check_eq(self, what, want, got):
        return self.check(want == got, '%s: wanted %.300r, got %.300r' % (what, want, got))

    def need(self, held, text):
        if not self.check(held, text):
            raise Failed(text)

    # --- what is done often -----------------------------------------------------------

    def far_ping(self, size, count, address=None):
        """One by one: ping waits for the last of several twice a round trip, no longer."""
        for i in range(count):
            out = self.far.run('ping', '-c1', '-W10', '-s', str(size), address or self.ip.ours,
                               check=False)
            if not self.check(' 0% packet loss' in out, '%d bytes, %d: %s' % (size, i, out[-200:])):
                return

    def socket(self, kind='stream'):
        return self.peer.number_of('socket', self.ip.word, kind)

    def listener(self, port, backlog=128):
        fd = self.socket()
        self.peer.call('setopt', fd, SOL_SOCKET, SO_REUSEADDR, 1)
        self.peer.call('bind', fd, self.ip.any, port)
        self.peer.call('listen', fd, backlog)
        return fd

    def connected(self, port):
        fd = self.socket()
        self.peer.call('connect', fd, self.ip.theirs, port)
        return fd

    def far_socket(self, kind=far.socket.SOCK_STREAM):
        family = far.socket.AF_INET if self.ip.number == 4 else far.socket.AF_INET6
        sock = self.far.socket(family, kind)
        sock.settimeout(far.PATIENCE)
        return sock

    def far_listener(self, port=0, backlog=128):
        sock = self.far_socket()
        sock.setsockopt(far.socket.SOL_SOCKET, far.socket.SO_REUSEADDR, 1)
        sock.bind((self.ip.theirs, port))
        sock.listen(backlog)
        return sock

    def pair_by_us(self):
        """A connection that we open: our descriptor, their socket."""
        listener = self.far_listener()
        fd = self.connected(listener.getsockname()[1])
        sock, _ = listener.accept()
        sock.settimeout(far.PATIENCE)
        listener.close()
        return fd, sock

    def pair_by_them(self, port=7000):
        listener = self.listener(port)
        accept = self.peer.start('accept', listener)
        sock = self.far_socket()
        sock.connect((self.ip.ours, port))
        fd = int(accept.result()[0])
        self.peer.call('close', listener)
        return fd, sock

    def serve(self, port, *command):
        """A server of theirs, once it listens."""
        process = self.far.start(*command)
        far.wait_for(command[0], lambda: self.far.listening(port) or process.poll() is not None)
        return process

    def capture(self):
        """From now on what we send is written down."""
        self.seen = os.path.abspath('seen.pcap')
        process = self.far.start('tcpdump', '--immediate-mode', '-Q', 'in', '-i', 'tap0', '-U', '-s', '0', '-w', self.seen)
        while b'listening on' not in process.stdout.readline():
            if process.poll() is not None:
                raise RuntimeError('tcpdump ended')
        self.tcpdump = process

    def judge(self):
        """No packet of ours is malformed or has a wrong sum, says tshark."""
        self.far.stop(self.tcpdump)
        judge_file(self, self.seen, at_least=1)

    def close(self):
        try:
            if self.peer is not None:
                self.check(self.peer.close(), 'our kernel ended badly')
        finally:
            self.far.close()


SUMS = ['-o', 'ip.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE']
BAD = ('_ws.malformed || _ws.expert.severity == error || ip.checksum.status == 0 || '
       'tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || '
       'icmpv6.checksum.status == 0')


def tshark(*args):
    result = subprocess.run(['tshark', '-n', *args], check=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    return result.stdout.decode(errors='replace').splitlines()


def judge_file(bench, path, at_least):
    packets = len(tshark('-r', path))
    bench.check(packets >= at_least, '%s has %d packets' % (path, packets))
    for line in tshark('-r', path, *SUMS, '-Y', BAD):
        bench.check(False, 'tshark objects to: ' + line)


# --- files ----------------------------------------------------------------------------

def make_file(name, size):
    """Bytes that do not repeat soon; their checksum."""
    crc, block = 0, os.urandom(MB)
    with open(name, 'wb') as file:
        for at in range(0, size, MB):
            piece = (block[at % 997:] + block[:at % 997])[:size - at]
            file.write(piece)
            crc = zlib.crc32(piece, crc)
    return crc


def crc_of(name):
    crc = 0
    with open(name, 'rb') as file:
        while True:
            piece = file.read(MB)
            if not piece:
                return crc
            crc = zlib.crc32(piece, crc)


# --- running -----------------------------------------------------------------------------

def run_case(number, case, family):
    options = dict(getattr(case, 'options', {}))
    name = case.__name__ + ('_ipv%d' % family.number if family else '')
    here, folder = os.getcwd(), tempfile.mkdtemp(prefix='rumpus-interop.')
    os.chmod(folder, 0o755)
    os.chdir(folder)
    began = time.monotonic()
    bench = None
    failed = []
    try:
        bench = Bench(family or IP4, **options)
        case(bench)
    except Skip as why:
        print('ok %d - %s # SKIP %s' % (number, name, why), flush=True)
        return 'skipped'
    except Exception as error:                      # pylint: disable=broad-except
        failed.append('%s: %r' % (name, error))
        print('# ' + '\n# '.join(traceback.format_exc().splitlines()[-6:]), flush=True)
    finally:
        if bench is not None:
            failed += bench.failed
            bench.failed = []
            bench.close()
            failed += bench.failed
        os.chdir(here)
        shutil.rmtree(folder, ignore_errors=True)
    print('%s %d - %s (%.1f s)' % ('not ok' if failed else 'ok', number, name,
                                   time.monotonic() - began), flush=True)
    return 'failed' if failed else 'passed'


def options(**words):
    """Of the bench on which a case runs."""
    def mark(case):
        case.options = words
        return case
    return mark


def missing_tools(tools):
    return [tool for tool in tools if shutil.which(tool) is None]


def main(both, once=(), tools=('ip', 'ss', 'ping', 'tcpdump', 'tshark', 'socat', 'nc', 'curl')):
    wanted = sys.argv[2:]
    plan = [(case, family) for case in both for family in (IP4, IP6)] + [(case, None) for case in once]
    plan = [(c, f) for c, f in plan if not wanted or any(re.fullmatch(
        w, c.__name__ + ('_ipv%d' % f.number if f else '')) for w in wanted)]
    why = far.usable()
    missing = missing_tools(tools)
    if why is None and missing:
        why = 'no ' + ', '.join(missing)
    if why is not None:
        print('0 passed, 0 failed, %d skipped (%s)' % (len(plan), why))
        sys.exit(77)
    results = [run_case(i + 1, case, family) for i, (case, family) in enumerate(plan)]
    count = {word: results.count(word) for word in ('passed', 'failed', 'skipped')}
    print('%(passed)d passed, %(failed)d failed, %(skipped)d skipped' % count)
    sys.exit(1 if count['failed'] else 0)
