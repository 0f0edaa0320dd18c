#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_shmif_tools.py DUMPBUS PCAPIN - captures go onto a bus and come off it again"""

import json
import os
import signal
import struct
import subprocess
import sys
import tempfile

DUMPBUS, PCAPIN = sys.argv[1:3]
FOLDER = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
passed = failed = 0


def check(name, held):
    global passed, failed
    passed, failed = passed + bool(held), failed + (not held)
    print('ok' if held else 'not ok', '-', name)


def frames():
    out = []
    for n in range(300):
        size = (60, 61, 62, 63, 1514, 9014, 65535)[n % 7]
        head = b'\xff' * 6 + b'\x02\0\0\0\0\x09' + b'\x88\xb5'
        out.append(head + bytes((n + i) % 256 for i in range(size - 14)))
    return out


def pcap(order, magic, link=1):
    data = struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 262144, link)
    for n, frame in enumerate(frames()):
        data += struct.pack(order + 'IIII', 1000 + n, n, len(frame), len(frame)) + frame
    return data


def block(order, kind, body):
    body += b'\0' * (-len(body) % 4)
    size = struct.pack(order + 'I', len(body) + 12)
    return struct.pack(order + 'I', kind) + size + body + size


def pcapng(order):
    data = block(order, 0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1))
    data += block(order, 1, struct.pack(order + 'HHI', 1, 0, 0))
    data += block(order, 4, b'something that is to be skipped')
    for n, frame in enumerate(frames()):
        if n % 2:
            data += block(order, 3, struct.pack(order + 'I', len(frame)) + frame)
        else:
            data += block(order, 6, struct.pack(order + 'IIIII', 0, 0, n, len(frame), len(frame))
                          + frame)
    return data


def read_pcapng(data):
    """The packets of what the tool writes; asserts that it is well formed."""
    out, off = [], 0
    while off < len(data):
        kind, size = struct.unpack_from('<II', data, off)
        assert size % 4 == 0 and struct.unpack_from('<I', data, off + size - 4)[0] == size
        if kind == 6:
            caplen, length = struct.unpack_from('<II', data, off + 20)
            out.append((data[off + 28:off + 28 + caplen], length))
        off += size
    return out


def ports(bus):
    result = subprocess.run([DUMPBUS, '-p', '--json', bus], capture_output=True, check=False)
    return json.loads(result.stdout)['ports'] if result.returncode == 0 else []


def watcher(bus, *options):
    """Starts one that writes to bus.out; nobody has to read while it runs."""
    with open(bus + '.out', 'wb') as out:
        process = subprocess.Popen([DUMPBUS, *options, '-w', '-', bus], stdout=out,
                                   stderr=subprocess.DEVNULL)
    while not any(port['promiscuous'] for port in ports(bus)):
        assert process.poll() is None
    return process


def result_of(process, bus):
    process.wait()
    with open(bus + '.out', 'rb') as file:
        return read_pcapng(file.read())


def cross(tmp, name, data):
    bus, path = os.path.join(tmp, 'bus'), os.path.join(tmp, 'in')
    with open(path, 'wb') as file:
        file.write(data)
    process = watcher(bus, '-c', '300')
    sent = subprocess.run([PCAPIN, path, bus], capture_output=True, check=False)
    out = result_of(process, bus)
    check(f'{name} is sent', sent.returncode == 0 and b'300 frames sent' in sent.stderr)
    check(f'{name} arrives', [frame for frame, _ in out] == frames())


def refused(tmp, name, data, status):
    path, bus = os.path.join(tmp, 'bad'), os.path.join(tmp, 'bus')
    with open(path, 'wb') as file:
        file.write(data)
    result = subprocess.run([PCAPIN, path, bus], capture_output=True, check=False)
    check(f'{name}: exit {status}', result.returncode == status and result.stderr)


def main():
    with tempfile.TemporaryDirectory(dir=FOLDER) as tmp:
        bus = os.path.join(tmp, 'bus')
        cross(tmp, 'pcap', pcap('<', 0xa1b2c3d4))
        cross(tmp, 'pcap with nanoseconds of another byte order', pcap('>', 0xa1b23c4d))
        cross(tmp, 'pcapng', pcapng('<'))
        cross(tmp, 'pcapng of another byte order', pcapng('>'))

        process = watcher(bus, '-s', '100')
        with open(os.path.join(tmp, 'in'), 'wb') as file:
            file.write(pcap('<', 0xa1b2c3d4))
        subprocess.run([PCAPIN, os.path.join(tmp, 'in'), bus], capture_output=True, check=True)
        while ports(bus)[0]['rx_frames'] < 300:
            pass
        process.send_signal(signal.SIGINT)
        out = result_of(process, bus)
        check('frames are cut', [(len(f), n) for f, n in out] ==
              [(min(len(f), 100), len(f)) for f in frames()])
        check('a signal ends it in good order', process.returncode == 0 and ports(bus) == [])

        process = watcher(bus)
        process.kill()
        process.wait()
        check('a killed one is shown as dead', [p['state'] for p in ports(bus)] == ['dead'])

        whole = pcapng('<')
        refused(tmp, 'an empty file', b'', 4)
        refused(tmp, 'text', b'this is no capture file at all', 4)
        refused(tmp, 'a file that ends early', pcap('<', 0xa1b2c3d4)[:-5], 4)
        refused(tmp, 'a block that ends early', whole[:-5], 4)
        refused(tmp, 'another link', pcap('<', 0xa1b2c3d4, 105), 0)
        for arguments, status in (([], 2), (['-x'], 2), (['/nowhere', bus], 3)):
            result = subprocess.run([PCAPIN, *arguments], capture_output=True, check=False)
            check(f'pcapin {arguments}: exit {status}', result.returncode == status)
        with open(os.path.join(tmp, 'text'), 'wb') as file:
            file.write(b'text')
        result = subprocess.run([DUMPBUS, os.path.join(tmp, 'text')], capture_output=True, check=False)
        check('what is no bus is refused', result.returncode == 4)
    print(f'{passed} passed, {failed} failed, 0 skipped')
    sys.exit(failed != 0)


main()
