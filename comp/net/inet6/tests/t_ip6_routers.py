#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_ip6_routers.py PEER [CASE...] - a host of ours beside real routers

A network name space of the host with a tap in it; radvd or dnsmasq announces, the
host's kernel answers, our kernel at the tap's other end configures itself.  All that
was on the wire is judged by tshark at the end.  Needs root, /dev/net/tun and
the programs; skipped loudly where one of them is missing.
"""

import ctypes
import fcntl
import ipaddress
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
MAC = '02:00:00:00:00:77'
IID = '::ff:fe00:77'                    # the MAC's second bit turned over
PREFIX = '2001:db8:1::'
FAR = '2001:db8:ffff::1'                # not on the link: behind the router
PATIENCE = 30

failed = 0
os.environ['PATH'] += ':/usr/sbin:/sbin'
os.environ['LC_ALL'] = 'C'


def skip(why):
    print('1..0 # SKIP %s' % why)
    print('0 passed, 0 failed, 1 skipped')
    sys.exit(77)


def check(held, text):
    global failed
    if not held:
        failed += 1
        print('# ' + text, flush=True)
    return held


def run(*command, fine=False):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=60, check=False)
    if done.returncode != 0 and not fine:
        raise RuntimeError('%s: %s' % (' '.join(command), done.stdout.decode(errors='replace')))
    return done.stdout.decode(errors='replace')


def address(prefix):
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) |
                                     int(ipaddress.IPv6Address(IID))))


def wait_for(what, condition, patience=PATIENCE):
    """The other side tells nobody: asks until it is so."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return check(False, '%s: not within %d seconds' % (what, patience))
    return True


class Link:
    """A name space with a tap; radvd or dnsmasq; our host; a capture of it all."""

    def __init__(self, work, program):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNET) != 0:
            skip('no name space: %s' % os.strerror(ctypes.get_errno()))
        self.work, self.running = work, []
        self.tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack(
            '16sH22x', b'tap0', IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
        run('ip', 'link', 'set', 'lo', 'up')
        for name in ('all/forwarding', 'tap0/accept_dad', 'tap0/router_solicitations'):
            with open('/proc/sys/net/ipv6/conf/' + name, 'w', encoding='ascii') as file:
                file.write('1' if name == 'all/forwarding' else '0')
        run('ip', '-6', 'addr', 'add', FAR + '/128', 'dev', 'lo')
        run('ip', 'link', 'set', 'tap0', 'up')
        run('ip', '-6', 'addr', 'add', PREFIX + '1/64', 'dev', 'tap0', 'nodad')
        self.pcap = os.path.join(work, 'all.pcap')
        self.capture = self.start('tcpdump', '-i', 'tap0', '-U', '-w', self.pcap)
        wait_for('the capture', lambda: os.path.exists(self.pcap) and
                 os.path.getsize(self.pcap) >= 24)
        self.peer = subprocess.Popen([program, str(self.tap), MAC], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, pass_fds=[self.tap], text=True)

    def start(self, *command):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        self.running.remove(process)

    def tell(self, *words):
        self.peer.stdin.write(' '.join(words) + '\n')
        self.peer.stdin.flush()
        return self.peer.stdout.readline().strip()

    def reaches(self, where):
        return self.tell('ping', where) == 'answered'

    def answers(self, where):
        return ' 0% packet loss' in run('ping', '-6', '-c1', '-W1', where, fine=True)

    def radvd(self, *prefix_options, options=''):
        conf = os.path.join(self.work, 'radvd.conf')
        with open(conf, 'w', encoding='ascii') as file:
            file.write('interface tap0 { AdvSendAdvert on; MinRtrAdvInterval 3; '
                       'MaxRtrAdvInterval 4; AdvDefaultLifetime 60; %s\n'
                       'prefix %s/64 { %s }; };\n'
                       % (options, PREFIX, ' '.join(prefix_options)))
        return self.start('radvd', '-n', '-m', 'stderr', '-C', conf,
                          '-p', os.path.join(self.work, 'radvd.pid'))

    def close(self):
        self.peer.stdin.close()
        self.peer.wait(timeout=30)
        while self.running:
            self.stop(self.running[-1])
        os.close(self.tap)


def case_radvd(link):
    """Address, on-link prefix and default route, and their end."""
    router = link.radvd('AdvOnLink on; AdvAutonomous on;', options='AdvLinkMTU 1400; '
                        'route 2001:db8:99::/48 {}; RDNSS %s1 {};' % PREFIX)
    check(link.tell('auto') == 'done', 'auto')
    ours = address(PREFIX)
    wait_for('the address', lambda: link.answers(ours))
    wait_for('the default route', lambda: link.reaches(FAR))
    check(link.reaches(PREFIX + '1'), 'on link')
    check(link.tell('source', FAR) == ours, 'source: ' + link.tell('source', FAR))
    link.stop(router)                   # its last word: no router any more
    wait_for('the end of the route', lambda: link.tell('source', FAR) ==
             'Network is unreachable')
    check(link.reaches(PREFIX + '1'), 'on link without a router')


def case_privacy(link):
    """Temporary addresses are the source, the public one still answers."""
    check(link.tell('set', 'net.ipv6.conf.all.use_tempaddr', '2') == 'done', 'set')
    link.radvd('AdvOnLink on; AdvAutonomous on;')
    check(link.tell('auto') == 'done', 'auto')
    wait_for('the address', lambda: link.answers(address(PREFIX)))
    wait_for('a temporary one', lambda: link.tell('source', FAR) not in
             (address(PREFIX), 'Network is unreachable'))
    check(link.tell('source', FAR).startswith(PREFIX[:-1]), 'of the prefix')
    check(link.reaches(FAR), 'from the temporary address')


def case_taken(link):
    """The router has the address that we would make: duplicate address detection."""
    run('ip', '-6', 'addr', 'add', address(PREFIX) + '/64', 'dev', 'tap0', 'nodad')
    link.radvd('AdvOnLink on; AdvAutonomous on;')
    check(link.tell('auto') == 'done', 'auto')
    check(link.tell('sleep', '6000') == 'done', 'sleep')
    check(link.tell('source', PREFIX + '1') != address(PREFIX), 'the address is not ours')


def case_dnsmasq(link):
    """Its router advertisements do as well."""
    link.start('dnsmasq', '-k', '-C', '/dev/null', '--port=0', '--interface=tap0',
               '--bind-interfaces', '--enable-ra', '--ra-param=tap0,5,60', '--user=root',
               '--dhcp-range=%s,ra-only,64,1h' % PREFIX,
               '--dhcp-leasefile=' + os.path.join(link.work, 'leases'),
               '--pid-file=' + os.path.join(link.work, 'dnsmasq.pid'))
    check(link.tell('auto') == 'done', 'auto')
    wait_for('the address', lambda: link.answers(address(PREFIX)))
    wait_for('the default route', lambda: link.reaches(FAR))


def case_large(link):
    """Fragments in both directions."""
    link.radvd('AdvOnLink on; AdvAutonomous on;')
    check(link.tell('auto') == 'done', 'auto')
    wait_for('the address', lambda: link.answers(address(PREFIX)))
    for size in (1232, 1500, 5000, 60000):
        out = run('ping', '-6', '-c3', '-i0.2', '-W2', '-s%d' % size, address(PREFIX), fine=True)
        check(' 0% packet loss' in out, 'ping of %d: %s' % (size, out))


def judge(pcap):
    """What a stranger thinks of every packet that we sent."""
    for what, condition in (('malformed', '_ws.malformed'),
                            ('checksum', 'icmpv6.checksum.status == "Bad"'),
                            ('our errors', 'eth.src == %s && _ws.expert.severity == "Error"'
                             % MAC)):
        out = run('tshark', '-o', 'ip.check_checksum:TRUE', '-r', pcap, '-Y', condition)
        lines = [line for line in out.splitlines() if line.strip() and
                 not line.startswith('Running as user')]
        check(not lines, '%s: %s' % (what, ' / '.join(lines)[:500]))


def one(program, name, function):
    """In a process of its own, as it leaves the host's name space."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            with tempfile.TemporaryDirectory(prefix='rumpus-') as work:
                link = Link(work, program)
                try:
                    function(link)
                finally:
                    link.close()
                judge(link.pcap)
            code = 1 if failed else 0
        except Exception as error:              # pylint: disable=broad-except
            print('# %s: %r' % (name, error))
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(pid, 0)
    return status == 0


def main():
    if os.geteuid() != 0 or not os.access('/dev/net/tun', os.W_OK):
        skip('needs root and /dev/net/tun')
    for program in ('radvd', 'dnsmasq', 'tshark', 'tcpdump', 'ip', 'ping'):
        if shutil.which(program) is None:
            skip('no ' + program)
    cases = {name[5:]: function for name, function in globals().items()
             if name.startswith('case_')}
    names = sys.argv[2:] or list(cases)
    passed = 0
    for number, name in enumerate(names, 1):
        held = one(sys.argv[1], name, cases[name])
        passed += held
        print('%sok %d - %s' % ('' if held else 'not ', number, name), flush=True)
    print('1..%d' % len(names))
    print('%d passed, %d failed, 0 skipped' % (passed, len(names) - passed))
    sys.exit(0 if passed == len(names) else 1)


main()
