# SPDX-License-Identifier: BSD-2-Clause
"""ring_program.py VERSION - a program with a packet ring, which hears what it says on lo

It asks in each way there is whether the ring has something; whatever differs from
packet(7) ends it.  So it can also be run as root on Linux itself.
"""

import mmap
import os
import select
import socket
import struct
import sys

SOL_PACKET = 263
RX_RING, STATISTICS, VERSION, HDRLEN, RESERVE = 5, 6, 10, 11, 12
ETH_P_ALL = 3
BLOCK, BLOCKS, FRAME = 65536, 4, 2048
FRAMES = BLOCK // FRAME * BLOCKS


def check(held, *what):
    if not held:
        raise SystemExit('failed: %r' % (what,))


def refused(error, sock, option, value):
    try:
        sock.setsockopt(SOL_PACKET, option, value)
    except OSError as e:
        check(e.errno == error, option, value, e)
        return
    check(False, option, value, 'was taken')


class Ring:
    def __init__(self, version, reserve=0):
        self.version = version
        self.at = 0
        self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(SOL_PACKET, VERSION, version)
        refused(22, self.sock, VERSION, 3)
        self.sock.setsockopt(SOL_PACKET, RESERVE, reserve)
        refused(22, self.sock, RX_RING, struct.pack('7I', BLOCK, BLOCKS, FRAME - 1, FRAMES, 60, 0, 0))
        refused(22, self.sock, RX_RING, struct.pack('7I', BLOCK, BLOCKS, FRAME, FRAMES + 1, 60, 0, 0))
        refused(22, self.sock, RX_RING, struct.pack('7I', 1000, BLOCKS, FRAME, FRAMES, 60, 0, 0))
        refused(22, self.sock, RX_RING, bytes(8))
        self.sock.setsockopt(SOL_PACKET, RX_RING,
                             struct.pack('7I', BLOCK, BLOCKS, FRAME, FRAMES, 60, 0, 0))
        refused(16, self.sock, VERSION, version)
        refused(16, self.sock, RESERVE, reserve)
        check(self.sock.getsockopt(SOL_PACKET, VERSION) == version, 'version')
        check(self.sock.getsockopt(SOL_PACKET, RESERVE) == reserve, 'reserve')
        try:
            mmap.mmap(self.sock.fileno(), BLOCK)
            check(False, 'a part was mapped')
        except OSError as e:
            check(e.errno == 22, 'a part', e)
        self.mem = mmap.mmap(self.sock.fileno(), BLOCK * BLOCKS)
        self.sock.bind(('lo', ETH_P_ALL))

    def frames(self):
        """Each frame as (status, length, data, offset of the data, of the payload, second)."""
        while True:
            at = self.at * FRAME
            if self.version == 0:
                status, length, snap, mac, net, sec, _ = struct.unpack_from('QIIHHII', self.mem, at)
            else:
                status, length, snap, mac, net, sec, _ = struct.unpack_from('IIIHHII', self.mem, at)
            if status == 0:
                return
            yield status, length, self.mem[at + mac:at + mac + snap], mac, net, sec
            struct.pack_into('Q' if self.version == 0 else 'I', self.mem, at, 0)
            self.at = (self.at + 1) % FRAMES

    def blocks(self):
        while True:
            at = self.at * BLOCK
            version, _, status, count, off, length = struct.unpack_from('6I', self.mem, at)
            if status == 0:
                return
            check(version == 2 and count > 0, 'block', version, count)
            off += at
            for i in range(count):
                following, sec, _, snap, full, flags, mac, net = \
                    struct.unpack_from('6IHH', self.mem, off)
                check(off + mac + snap <= at + length <= at + BLOCK, 'end of', i)
                yield flags, full, self.mem[off + mac:off + mac + snap], mac, net, sec
                check((following == 0) == (i == count - 1), 'next of', i, following)
                off += following
            struct.pack_into('I', self.mem, at + 8, 0)
            self.at = (self.at + 1) % BLOCKS

    def packets(self):
        return self.blocks() if self.version == 2 else self.frames()

    def statistics(self):
        size = 12 if self.version == 2 else 8
        return struct.unpack('%dI' % (size // 4), self.sock.getsockopt(SOL_PACKET, STATISTICS, size))


def asking(how, sock):
    """A function that says whether there is something, within some milliseconds."""
    if how == 'select':
        return lambda ms: select.select([sock], [], [], ms / 1000)[0]
    if how == 'epoll':
        ep = select.epoll()
        ep.register(sock, select.EPOLLIN)
        return lambda ms: ep.poll(ms / 1000)
    po = select.poll()
    po.register(sock, select.POLLIN)
    if how == 'mixed':
        po.register(PIPE[0], select.POLLIN)
    return po.poll


PIPE = os.pipe()


def hears_all_in_order(version, how, reserve):
    ring = Ring(version, reserve)
    ready = asking(how, ring.sock)
    check(not ready(0), 'ready at first')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(('127.0.0.1', 0))
        sent, seen = 0, []
        for turn in range(20):
            for _ in range(turn):
                udp.sendto(struct.pack('I', sent) + bytes(sent * 7 % 1300), udp.getsockname())
                udp.recv(2000)
                sent += 1
            while len(seen) < 2 * sent:
                check(ready(20000), 'nothing comes', len(seen), sent)
                for status, length, data, mac, net, sec in ring.packets():
                    check(status & 1 and length == len(data), status, length, len(data))
                    check(net - mac == 14 and (net - reserve) % 16 == 0 and mac >= reserve, mac, net)
                    check(sec > 1000000000, sec)
                    seen.append(struct.unpack_from('I', data, 42)[0])
        # Going out, and coming in.
        check(seen == [n for n in range(sent) for _ in (0, 1)], 'order', seen)
        check(ring.statistics()[:2] == (2 * sent, 0), 'statistics')
        check(ring.statistics()[:2] == (0, 0), 'statistics, again')
        check(not ready(0), 'ready at last')
        # Of what has no room the oldest is kept.
        for n in range(2 * FRAMES):
            udp.sendto(struct.pack('I', n) + bytes(900), udp.getsockname())
            udp.recv(2000)
        check(ready(20000), 'full')
        seen = [struct.unpack_from('I', packet[2], 42)[0] for packet in ring.packets()]
        check(len(seen) > 20 and seen == [n // 2 for n in range(len(seen))], 'full', seen)
    ring.mem.close()
    ring.sock.close()


def makes_it_anew(version):
    ring = Ring(version)
    ring.mem.close()
    ring.sock.setsockopt(SOL_PACKET, RX_RING, bytes(28))
    ring.sock.setsockopt(SOL_PACKET, VERSION, 1)
    ring.sock.setsockopt(SOL_PACKET, RX_RING, struct.pack('7I', 4096, 2, 4096, 2, 0, 0, 0))
    mmap.mmap(ring.sock.fileno(), 8192).close()
    ring.sock.close()


for i, way in enumerate(('poll', 'mixed', 'select', 'epoll')):
    hears_all_in_order(int(sys.argv[1]) - 1, way, 32 * i)
makes_it_anew(int(sys.argv[1]) - 1)
print('heard')
