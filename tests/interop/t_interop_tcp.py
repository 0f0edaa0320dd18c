# SPDX-License-Identifier: BSD-2-Clause
"""t_interop_tcp.py PEER [CASE...] - our TCP against the host's, and its programs"""

import errno
import os
import struct
import time

import far
import rig
from peer import PeerError
from rig import IP4, MB, MSG_OOB, POLLIN, POLLOUT, POLLPRI, POLLHUP, SOL_SOCKET, options

BULK = 1024 * MB if rig.LARGE else 64 * MB
LOSSY = 64 * MB if rig.LARGE else 4 * MB
SO_RCVBUF, SO_ERROR, SO_OOBINLINE = 8, 4, 10


# --- whole files ------------------------------------------------------------------------

def bytes_to_socat(b, size=BULK):
    crc = rig.make_file('data', size)
    server = b.serve(5001, 'socat', '-u', b.ip.socat('TCP') + '-LISTEN:5001,reuseaddr',
                     'OPEN:out,creat,trunc')
    fd = b.connected(5001)
    b.check_eq('sent', [str(size), str(crc)], b.peer.call('sendfile', fd, os.path.abspath('data'),
                                                          timeout=4 * far.PATIENCE))
    b.peer.call('shutdown', fd, 'wr')
    server.wait(far.PATIENCE)
    b.check_eq('their end', ['0', '0'], b.peer.call('recvall', fd))
    b.check_eq('what came', crc, rig.crc_of('out'))


def bytes_from_socat(b, size=BULK):
    crc = rig.make_file('data', size)
    b.serve(5002, 'socat', '-u', 'OPEN:data', b.ip.socat('TCP') + '-LISTEN:5002,reuseaddr')
    fd = b.connected(5002)
    b.check_eq('what came', [str(size), str(crc)], b.peer.call('recvall', fd, timeout=4 * far.PATIENCE))


def bytes_from_nc_to_our_listener(b):
    crc = rig.make_file('data', BULK)
    listener = b.listener(5003)
    with open('data', 'rb') as data:
        client = b.far.start('nc', '-N', b.ip.ours, '5003', stdin=data)
        fd = b.peer.number_of('accept', listener)
        b.check_eq('what came', [str(BULK), str(crc)], b.peer.call('recvall', fd, timeout=4 * far.PATIENCE))
    b.peer.call('close', fd)
    b.check_eq('nc', 0, client.wait(far.PATIENCE))


def curl_fetches_from_us(b):
    crc = rig.make_file('data', BULK)
    listener = b.listener(80)
    client = b.far.start('curl', '-sS', '-g', '-o', 'out', 'http://%s/x' % b.ip.url(b.ip.ours))
    fd = b.peer.number_of('accept', listener)
    b.peer.call('httpd', fd, os.path.abspath('data'), timeout=4 * far.PATIENCE)
    b.check_eq('curl', 0, client.wait(far.PATIENCE))
    b.check_eq('what came', crc, rig.crc_of('out'))


def we_fetch_from_pythons_server(b):
    rig.make_file('data', 4 * MB)
    b.serve(8000, 'python3', '-m', 'http.server', '8000', '--bind', b.ip.theirs)
    fd = b.connected(8000)
    b.peer.call('http', fd, '/data')
    length, _ = b.peer.call('recvall', fd)
    b.check(4 * MB < int(length) < 4 * MB + 1000, 'length %s' % length)


def both_directions_at_once(b):
    crc = rig.make_file('data', 16 * MB)
    b.serve(5004, 'socat', b.ip.socat('TCP') + '-LISTEN:5004,reuseaddr', 'EXEC:cat')
    fd = b.connected(5004)
    back = b.peer.start('recvall', fd)
    b.peer.call('sendfile', fd, os.path.abspath('data'))
    b.peer.call('shutdown', fd, 'wr')
    b.check_eq('echo', [str(16 * MB), str(crc)], back.result(60))


# --- bad links ----------------------------------------------------------------------------

def lossy(b, text):
    b.peer.call('conditions', b.ifname, text)
    bytes_to_socat(b, LOSSY)
    bytes_from_socat(b, LOSSY)


def through_loss_of_a_tenth(b):
    lossy(b, 'loss=10%,seed=1')


def through_reordering_of_a_tenth(b):
    lossy(b, 'reorder=10%,delay=2ms,seed=2')


def through_duplication_of_a_tenth(b):
    lossy(b, 'duplicate=10%,seed=3')


def through_all_of_it(b):
    lossy(b, 'loss=3%,reorder=5%,duplicate=5%,corrupt=1%,delay=1ms,jitter=1ms,seed=4')


@options(vnet_hdr=False)
def without_offloads(b):
    bytes_to_socat(b, 16 * MB)
    bytes_from_socat(b, 16 * MB)


@options(mtu=9000)
def with_large_frames(b):
    bytes_to_socat(b, 16 * MB)
    bytes_from_socat(b, 16 * MB)


@options(mtu=65521)
def with_the_largest_frames(b):
    bytes_to_socat(b, 16 * MB)
    bytes_from_socat(b, 16 * MB)


@options(mtu=68, vnet_hdr=False)
def with_the_smallest_frames(b):
    bytes_to_socat(b, MB // 32)
    bytes_from_socat(b, MB // 32)


# --- how connections end --------------------------------------------------------------------

@options(vnet_hdr=False)
def half_closed_by_us(b):
    b.capture()
    fd, sock = b.pair_by_us()
    b.peer.call('send', fd, '6869', 0)
    b.peer.call('shutdown', fd, 'wr')
    b.check_eq('then the end', [b'hi', b''], [sock.recv(100), sock.recv(100)])
    sock.sendall(b'still here')
    b.check_eq('the other direction', b'still here'.hex(), b.peer.call('recv', fd, 100, 0)[0])
    sock.close()
    b.check_eq('their end', [], b.peer.call('recv', fd, 100, 0))
    b.check_eq('no more', 'EPIPE', b.peer.fails('send', fd, '6869', 0x4000))
    b.peer.call('close', fd)
    b.judge()


@options(vnet_hdr=False)
def half_closed_by_them(b):
    b.capture()
    fd, sock = b.pair_by_them()
    sock.sendall(b'hi')
    sock.shutdown(far.socket.SHUT_WR)
    b.check_eq('data', b'hi'.hex(), b.peer.call('recv', fd, 100, 0)[0])
    b.check_eq('end', [], b.peer.call('recv', fd, 100, 0))
    b.check(int(b.peer.call('poll', fd, POLLIN | POLLOUT | 0x2000, 0)[0]) & 0x2000, 'no POLLRDHUP')
    b.peer.call('send', fd, '6279', 0)
    b.check_eq('the other direction', b'by', sock.recv(100))
    b.peer.call('close', fd)
    b.check_eq('our end', b'', sock.recv(100))
    b.judge()


def reset_by_them(b):
    fd, sock = b.pair_by_us()
    sock.setsockopt(SOL_SOCKET, far.socket.SO_LINGER, struct.pack('ii', 1, 0))
    reading = b.peer.start('recv', fd, 100, 0)
    sock.close()
    try:
        reading.result(20)
        b.check(False, 'a reset went unnoticed')
    except PeerError as error:
        b.check_eq('reading', 'ECONNRESET', error.args[0])
    b.check_eq('then', [], b.peer.call('recv', fd, 100, 0))
    b.check_eq('writing', 'EPIPE', b.peer.fails('send', fd, '6869', 0x4000))


def reset_by_us(b):
    fd, sock = b.pair_by_them()
    b.peer.call('linger', fd, 0)
    b.peer.call('close', fd)
    try:
        sock.recv(1)
        b.check(False, 'no reset came')
    except OSError as error:
        b.check_eq('reading', errno.ECONNRESET, error.errno)


def closed_with_unread_data_is_reset(b):
    fd, sock = b.pair_by_them()
    sock.sendall(b'never read')
    b.check(int(b.peer.call('poll', fd, POLLIN, 5000)[0]) & POLLIN, 'nothing came')
    b.peer.call('close', fd)
    try:
        sock.recv(1)
        b.check(False, 'no reset came')
    except OSError as error:
        b.check_eq('reading', errno.ECONNRESET, error.errno)


def closed_by_both_at_once(b):
    """Often enough that the two FINs cross now and then."""
    for _ in range(50):
        fd, sock = b.pair_by_us()
        closing = b.peer.start('close', fd)
        sock.close()
        closing.result()


@options(vnet_hdr=False)
def opened_by_both_at_once(b):
    """Both bind and connect to each other's port, until SYNs have crossed."""
    b.capture()
    crossed = 0
    for attempt in range(60):
        ours, theirs = 30000 + attempt, 31000 + attempt
        fd = b.socket()
        sock = b.far_socket()
        sock.bind((b.ip.theirs, theirs))
        sock.setblocking(False)
        b.peer.call('bind', fd, b.ip.ours, ours)
        b.peer.call('nonblock', fd)
        # Ours meets nobody and is refused, unless theirs is on its way: so both repeat.
        start = b.peer.start('connect', fd, b.ip.theirs, theirs)
        sock.connect_ex((b.ip.ours, ours))
        try:
            start.result(10)
        except PeerError:
            pass
        events = int(b.peer.call('poll', fd, POLLOUT, 1000)[0])
        if events & POLLOUT and not events & POLLHUP:
            crossed += 1
            sock.setblocking(True)
            sock.settimeout(10)
            sock.sendall(b'x')
            b.check(int(b.peer.call('poll', fd, POLLIN, 5000)[0]) & POLLIN, 'nothing came')
            b.check_eq('data', '78', b.peer.call('recv', fd, 10, 0)[0])
        sock.close()
        b.peer.call('close', fd)
        if crossed >= 3:
            break
    b.judge()
    if crossed == 0:
        raise rig.Skip('no two SYNs crossed')


# --- windows, urgent data ------------------------------------------------------------------------

def a_closed_window_opens_again(b):
    """They do not read: we stop; they read: all arrives."""
    size = MB
    crc = rig.make_file('data', size)
    listener = b.far_socket()
    listener.setsockopt(SOL_SOCKET, SO_RCVBUF, 4096)
    listener.bind((b.ip.theirs, 0))
    listener.listen(1)
    fd = b.connected(listener.getsockname()[1])
    sock, _ = listener.accept()
    sending = b.peer.start('sendfile', fd, os.path.abspath('data'))
    far.wait_for('a full window', lambda: int(b.peer.call('poll', fd, POLLOUT, 300)[0]) & POLLOUT == 0)
    b.check(not sending.done(), 'it was all taken by nobody')
    got, total = 0, 0
    while total < size:
        piece = sock.recv(MB)
        if not piece:
            break
        got, total = rig.zlib.crc32(piece, got), total + len(piece)
    b.check_eq('all came', (size, crc), (total, got))
    sending.result()


def our_closed_window_opens_again(b):
    size = MB
    data = os.urandom(size)
    fd, sock = b.pair_by_us()
    b.peer.call('setopt', fd, SOL_SOCKET, SO_RCVBUF, 4096)
    sock.setblocking(False)
    sent = 0
    idle = time.monotonic()
    while sent < size and time.monotonic() < idle + 1:
        try:
            sent += sock.send(data[sent:sent + MB])
            idle = time.monotonic()
        except BlockingIOError:
            far.select.select([], [sock], [], 0.1)
    b.check(sent < size, 'we took it all without reading')
    reading = b.peer.start('recvall', fd, size)
    sock.setblocking(True)
    sock.settimeout(far.PATIENCE)
    sock.sendall(data[sent:])
    b.check_eq('all came', [str(size), str(rig.zlib.crc32(data))], reading.result())


def urgent_data_from_them(b):
    fd, sock = b.pair_by_us()
    sock.send(b'abc')
    sock.send(b'!', MSG_OOB)
    b.check(int(b.peer.call('poll', fd, POLLPRI, 5000)[0]) & POLLPRI, 'no POLLPRI')
    b.check_eq('urgent', b'!'.hex(), b.peer.call('recv', fd, 1, MSG_OOB)[0])
    sock.send(b'def')
    far.wait_for('six bytes', lambda: len(b.peer.call('recv', fd, 100, rig.MSG_PEEK)[0]) >= 6)
    first = b.peer.call('recv', fd, 100, 0)[0]
    b.check_eq('up to the mark', b'abc'.hex(), first)
    b.check_eq('behind it', b'def'.hex(), b.peer.call('recv', fd, 100, 0)[0])


def urgent_data_from_us(b):
    fd, sock = b.pair_by_us()
    b.peer.call('send', fd, b'abc'.hex(), 0)
    b.peer.call('send', fd, b'!'.hex(), MSG_OOB)
    _, _, urgent = far.select.select([], [], [sock], 5)
    b.check(urgent, 'nothing urgent came')
    b.check_eq('urgent', b'!', sock.recv(1, MSG_OOB))
    b.check_eq('the rest', b'abc', sock.recv(100))


# --- who is not there ------------------------------------------------------------------------------

def a_closed_port_refuses(b):
    fd = b.socket()
    b.check_eq('connect', 'ECONNREFUSED', b.peer.fails('connect', fd, b.ip.theirs, 9))
    sock = b.far_socket()
    b.check_eq('theirs', errno.ECONNREFUSED, sock.connect_ex((b.ip.ours, 9)))


def a_host_that_is_not_there_is_unreachable(b):
    fd = b.socket()
    b.check_eq('connect', 'EHOSTUNREACH', b.peer.fails('connect', fd, b.ip.nobody, 9))


def a_filtered_port_is_reported(b):
    """What their router says of a way it does not know."""
    b.peer.call('gateway', b.ip.theirs)
    b.far.sysctl('net/ipv%d/%s' % (b.ip.number, 'ip_forward' if b.ip.number == 4 else
                                   'conf/all/forwarding'), 1)
    b.far.run('ip', '-%d' % b.ip.number, 'route', 'add', 'prohibit',
              '192.0.2.0/24' if b.ip.number == 4 else '2001:db8::/32')
    there = '192.0.2.1' if b.ip.number == 4 else '2001:db8::1'
    want = 'EHOSTUNREACH' if b.ip.number == 4 else 'EACCES'
    b.check_eq('prohibited', want, b.peer.fails('connect', b.socket(), there, 9))


# --- many ---------------------------------------------------------------------------------------------

FAR_ECHO = '''
import asyncio, socket, sys
async def serve(reader, writer):
    while True:
        data = await reader.read(4096)
        if not data:
            break
        writer.write(data)
    writer.close()
async def main():
    server = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]), backlog=4096)
    await server.serve_forever()
asyncio.run(main())
'''

FAR_MANY = '''
import asyncio, sys
host, port, count, at_once = sys.argv[1], *map(int, sys.argv[2:5])
async def one(sem):
    async with sem:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        writer.close()
        await writer.wait_closed()
async def main():
    sem = asyncio.Semaphore(at_once)
    await asyncio.gather(*(one(sem) for _ in range(count)))
asyncio.run(main())
print("done")
'''


def many_ready(b):
    b.far.sysctl('net/ipv4/tcp_max_syn_backlog', 8192)
    b.far.sysctl('net/core/somaxconn', 8192)
    b.far.sysctl('net/ipv4/ip_local_port_range', '2000 65000')


def ten_thousand_by_us(b):
    many_ready(b)
    b.serve(7001, 'python3', '-c', FAR_ECHO, b.ip.theirs, '7001')
    b.check_eq('answered', '10000', b.peer.call('many', b.ip.theirs, 7001, 10000, 100, timeout=4 * far.PATIENCE)[0])


def five_thousand_of_ours_at_once(b):
    many_ready(b)
    b.serve(7002, 'python3', '-c', 'import resource; resource.setrlimit('
            'resource.RLIMIT_NOFILE, (20000, 20000))\n' + FAR_ECHO, b.ip.theirs, '7002')
    b.check_eq('answered', '5000', b.peer.call('many', b.ip.theirs, 7002, 5000, 5000, 'hold',
                                              timeout=4 * far.PATIENCE)[0])


def ten_thousand_by_them(b):
    many_ready(b)
    listener = b.listener(7003, 4096)
    serving = b.peer.start('echo', listener, 10000)
    out = b.far.run('python3', '-c', FAR_MANY, b.ip.ours, '7003', '10000', '200', timeout=4 * far.PATIENCE)
    b.check('done' in out, out[-500:])
    b.check_eq('bytes', '10000', serving.result(60)[0])


rig.main(
    both=[
        bytes_to_socat, bytes_from_socat, bytes_from_nc_to_our_listener, curl_fetches_from_us,
        we_fetch_from_pythons_server, both_directions_at_once, through_loss_of_a_tenth,
        through_reordering_of_a_tenth, through_duplication_of_a_tenth, through_all_of_it,
        without_offloads, with_large_frames, with_the_largest_frames,
        half_closed_by_us, half_closed_by_them, reset_by_them,
        reset_by_us, closed_with_unread_data_is_reset, closed_by_both_at_once,
        opened_by_both_at_once, a_closed_window_opens_again, our_closed_window_opens_again,
        urgent_data_from_them, urgent_data_from_us, a_closed_port_refuses,
        a_host_that_is_not_there_is_unreachable, a_filtered_port_is_reported,
        ten_thousand_by_us, five_thousand_of_ours_at_once, ten_thousand_by_them,
    ],
    once=[with_the_smallest_frames])
