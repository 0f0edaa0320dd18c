# SPDX-License-Identifier: BSD-2-Clause
"""t_interop_ip.py PEER [CASE...] - our IP, ICMP and UDP against the host's"""

import errno
import os
import re
import zlib

import far
import rig
from rig import IP4, POLLIN, options

SIZES = (0, 1, 56, 1400, 1472, 1473, 9000, 65000)


def datagram(length):
    """What peer_socket.c sends as that many bytes."""
    return bytes((i * 7 + i // 256) & 255 for i in range(length))


# --- ping -------------------------------------------------------------------------------

@options(vnet_hdr=False)
def we_ping_in_all_sizes(b):
    b.capture()
    for size in SIZES:
        b.check_eq('%d bytes' % size, '5', b.peer.call('ping', b.ip.theirs, size, 5)[0])
    b.judge()


@options(vnet_hdr=False)
def they_ping_in_all_sizes(b):
    b.capture()
    for size in SIZES:
        b.far_ping(size, 5)
    b.judge()


def pings_flood(b):
    out = b.far.run('ping', '-f', '-c5000', '-W10', '-s', '1000', b.ip.ours, check=False)
    answered = re.search(r'(\d+) received', out)
    b.check(answered and int(answered.group(1)) >= 4998, out[-200:])


def with_mtu(mtu, **more):
    def mark(case):
        case.options = dict(mtu=mtu, **more)
        case.__name__ = '%s_%d' % (case.__name__, mtu)
        return case
    return mark


def ping_both_ways(b, sizes):
    for size in sizes:
        b.check_eq('%d bytes' % size, '2', b.peer.call('ping', b.ip.theirs, size, 2)[0])
        b.far_ping(size, 2)


@with_mtu(1280)
def pings_at_mtu(b):
    ping_both_ways(b, (56, 1232, 1233, 1252, 1253, 20000))


@with_mtu(9000)
def pings_at_large_mtu(b):
    ping_both_ways(b, (56, 8952, 8953, 8972, 8973, 65000))


@with_mtu(65521)
def pings_at_largest_mtu(b):
    ping_both_ways(b, (56, 60000, 65000))


@with_mtu(68, vnet_hdr=False)
def pings_at_smallest_mtu(b):
    """Linux itself has no buffers for the many fragments of larger ones."""
    ping_both_ways(b, (8, 40, 41, 56, 200))
    b.check_eq('9000 bytes', '2', b.peer.call('ping', b.ip.theirs, 9000, 2)[0])


@with_mtu(576, vnet_hdr=False)
def pings_at_small_mtu(b):
    ping_both_ways(b, (8, 548, 549, 1000, 30000))


# --- UDP ---------------------------------------------------------------------------------

@options(vnet_hdr=False)
def datagrams_both_ways(b):
    b.capture()
    fd = b.socket('dgram')
    b.peer.call('bind', fd, b.ip.any, 6000)
    sock = b.far_socket(far.socket.SOCK_DGRAM)
    sock.bind((b.ip.theirs, 6001))
    for length in (0, 1, 1000, 1452, 1472, 1473, 20000, 65507 if b.ip.number == 4 else 65527):
        sent, crc = b.peer.call('sendto', fd, length, b.ip.theirs, 6001)
        data, who = sock.recvfrom(70000)
        b.check_eq('to them', (length, int(crc), (b.ip.ours, 6000)),
                   (int(sent), zlib.crc32(data), who[:2]))
        b.check_eq('bytes', datagram(length), data)
        sock.sendto(data, (b.ip.ours, 6000))
        got = b.peer.call('recvfrom', fd)
        b.check_eq('from them', [str(length), crc, b.ip.theirs, '6001'], got)
    b.judge()


def socat_echoes_datagrams(b):
    b.far.start('socat', b.ip.socat('UDP') + '-LISTEN:6002', 'EXEC:cat')
    far.wait_for('socat', lambda: b.far.listening(6002, '-u'))
    fd = b.socket('dgram')
    b.peer.call('connect', fd, b.ip.theirs, 6002)
    for i in range(20):
        b.peer.call('send', fd, '%04x' % i, 0)
        b.check_eq('echo', '%04x' % i, b.peer.call('recv', fd, 100, 0)[0])


def a_closed_port_is_reported(b):
    fd = b.socket('dgram')
    b.peer.call('connect', fd, b.ip.theirs, 9)
    b.peer.call('send', fd, '00', 0)
    b.check(int(b.peer.call('poll', fd, POLLIN, 5000)[0]) & 8, 'no POLLERR')
    b.check_eq('error', 'ECONNREFUSED', b.peer.fails('recv', fd, 10, rig.MSG_DONTWAIT))
    sock = b.far_socket(far.socket.SOCK_DGRAM)
    sock.connect((b.ip.ours, 9))
    sock.send(b'x')
    try:
        sock.recv(10)
        b.check(False, 'something came')
    except OSError as error:
        b.check_eq('theirs', errno.ECONNREFUSED, error.errno)


# --- captures of ours -------------------------------------------------------------------------

@options(vnet_hdr=False)
def our_capture_is_sound(b):
    """What we write down ourselves, of both directions, can be read by tshark."""
    b.peer.call('capture', b.ifname, os.path.abspath('own.pcapng'))
    b.peer.call('ping', b.ip.theirs, 3000, 3)
    fd, sock = b.pair_by_us()
    sock.sendall(b'x' * 10000)
    b.check_eq('length', '10000', b.peer.call('recvall', fd, 10000)[0])
    sock.close()
    b.peer.call('close', fd)
    b.peer.call('capture', b.ifname)
    lines = rig.tshark('-r', 'own.pcapng')
    b.check(len(lines) > 15, '%d packets' % len(lines))
    for line in rig.tshark('-r', 'own.pcapng', '-Y', '_ws.malformed'):
        b.check(False, 'malformed: ' + line)


# --- taps by name -----------------------------------------------------------------------------------

@options(configure=False)
def a_tap_is_opened_by_its_name(b):
    """One that a root made to last, for a process that is in its name space."""
    b.far.run('ip', 'tuntap', 'add', 'dev', 'tap1', 'mode', 'tap', 'vnet_hdr')
    b.far.run('ip', 'addr', 'add', '10.78.0.1/24', 'dev', 'tap1')
    b.far.run('ip', 'link', 'set', 'tap1', 'up')
    other = b.far.inside(rig.Peer, rig.PROGRAM)
    try:
        ifname = other.call('link', 'tap=tap1')[0]
        other.call('addr', ifname, '10.78.0.2', 24)
        b.check_eq('ping', '3', other.call('ping', '10.78.0.1', 56, 3)[0])
    finally:
        b.check(other.close(), 'it ended badly')


rig.main(
    both=[
        we_ping_in_all_sizes, they_ping_in_all_sizes, pings_flood, pings_at_mtu,
        pings_at_large_mtu, pings_at_largest_mtu, datagrams_both_ways, socat_echoes_datagrams,
        a_closed_port_is_reported, our_capture_is_sound,
    ],
    once=[pings_at_smallest_mtu, pings_at_small_mtu, a_tap_is_opened_by_its_name])
