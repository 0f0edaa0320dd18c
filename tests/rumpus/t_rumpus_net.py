#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_rumpus_net.py RUMPUS [CASE...] - hosts on a bus, each a process, none of them root

One "net up" answers; what others do to it is looked at from outside.
"""

import json
import os
import signal
import struct
import subprocess

import rig
from rig import LIMIT, RUMPUS, check, check_eq, good, refused, rumpus

HOST = '10.0.0.1'


class Up:
    """A host on ./bus that answers until it is told to end."""

    def __init__(self, *args, address=HOST + '/24'):
        self.process = subprocess.Popen(
            [RUMPUS, 'net', 'up', '--if', 'shm:bus,' + address, *args],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def __enter__(self):
        check_eq('it is up', b'up\n', self.process.stdout.readline())
        return self

    def __exit__(self, *what):
        self.process.send_signal(signal.SIGINT)
        try:
            check_eq('ended by Ctrl-C', 0, self.process.wait(LIMIT))
        finally:
            self.process.kill()
            self.process.stdout.close()


def bus(n):
    return '--if=shm:bus,10.0.0.%d/24' % n


def as_json(*args):
    return json.loads(good(*args, '--json'))


def a_file_that_is_no_bus_is_bad_data():
    """Not a mistake on the command line; and it is left as it was."""
    good('ip', '--if=shm:bus', 'addr')
    with open('bus', 'rb') as file:
        head = bytearray(file.read(4096))
    other = bytearray(head)
    other[4:8] = b'\xff\xff\xff\x7f'
    for name, content, code, said in (('text', b'hello', 4, 'no bus'), ('noise', os.urandom(9000), 4, 'no bus'),
                                      ('cut', bytes(head), 4, 'no bus'),
                                      ('future', bytes(other), 5, 'connect')):
        with open(name, 'wb') as file:
            file.write(content)
        for command in (('ping', HOST), ('ip', 'addr')):
            refused(code, said, command[0], '--if=shm:%s,10.0.0.9/24' % name, *command[1:])
        with open(name, 'rb') as file:
            check(file.read() == content, name + ' was changed')
    refused(1, 'nowhere', 'ip', '--if=shm:/nowhere/bus', 'addr')


def help_is_everywhere():
    for command in ('net', 'ping', 'traceroute', 'ip', 'ss', 'capture'):
        out = good(command, '--help').decode()
        check('usage: rumpus %s' % command in out and '--if' in out, '%s: %s' % (command, out))


def wrong_usage_is_2():
    refused(2, 'what', 'net')
    refused(2, 'nonsense', 'net', 'nonsense')
    refused(2, 'whom', 'ping')
    refused(2, 'no address', 'ping', 'localhost')
    refused(2, 'makes no sense', 'ping', '-c', '0', '127.0.0.1')
    refused(2, 'belongs to', 'ping', '--mtu=1500', '127.0.0.1')
    refused(2, '10.0.0.1/33', 'ip', '--if=shm:bus,10.0.0.1/33', 'addr')
    refused(2, 'what kind', 'ip', '--if=:bus', 'addr')
    refused(5, 'no driver', 'ip', '--if=quux:x', 'addr')
    refused(2, 'knows no', 'ip', 'nonsense')
    refused(2, 'knows no', 'ip', 'addr', 'nonsense')
    refused(2, 'loss', 'ip', '--if=shm:bus', '--loss=lots', 'addr')
    refused(1, 'none0', 'ip', 'addr', 'show', 'dev', 'none0')


def a_host_is_alone_without_interfaces():
    links = as_json('ip', 'addr')
    check_eq('links', ['lo'], [link['ifname'] for link in links])
    check_eq('address', '127.0.0.1', links[0]['addr_info'][0]['local'])
    out = as_json('ping', '-c', '2', '-i', '0.01', '127.0.0.1')
    check_eq('answers', [1, 2], [line['seq'] for line in out[:2]])
    check_eq('sum', (2, 2, 0), (out[2]['sent'], out[2]['received'], out[2]['loss']))


def two_processes_ping_each_other():
    with Up():
        out = as_json('ping', bus(2), '-c', '3', '-i', '0.01', HOST)
        check_eq('received', 3, out[-1]['received'])
        out = good('ping', bus(2), '-c', '2', '-i', '0.01', '-s', '20000', HOST).decode()
        check('20008 bytes' in out and '0% lost' in out, out)
        result = rumpus('ping', bus(2), '-c', '1', '-W', '0.1', '10.0.0.77')
        check_eq('nobody', 1, result.returncode)
        hops = as_json('traceroute', bus(2), HOST)
        check_eq('one hop', HOST, hops[0]['probes'][0]['from'])


def services_answer_over_tcp_and_udp():
    text = os.urandom(300000).hex().encode()
    with Up('--serve'):
        run = subprocess.run([RUMPUS, 'net', 'cat', bus(2), HOST, '7'], input=text, timeout=LIMIT,
                             stdout=subprocess.PIPE, check=False)
        check_eq('echo', (0, True), (run.returncode, run.stdout == text))
        with subprocess.Popen([RUMPUS, 'net', 'cat', '-u', '-w', '0.3', bus(3), HOST, '7'], bufsize=0,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as cat:
            cat.stdin.write(b'one datagram')
            check_eq('udp echo', b'one datagram', cat.stdout.read(100))
            cat.stdin.close()       # from here on it waits for more, but not long
            check_eq('code', 0, cat.wait(LIMIT))
        run = subprocess.run([RUMPUS, 'net', 'cat', bus(4), HOST, '80'], timeout=LIMIT,
                             input=b'GET / HTTP/1.0\r\n\r\n', stdout=subprocess.PIPE, check=False)
        check(run.stdout.startswith(b'HTTP/1.0 200 ') and run.stdout.endswith(b'own\n'),
              repr(run.stdout))
        refused(3, 'refused', 'net', 'cat', bus(5), HOST, '4444')


def a_listener_gets_what_is_sent():
    data = os.urandom(1 << 20)
    with open('got', 'wb') as got, subprocess.Popen(
            [RUMPUS, 'net', 'cat', bus(1), '-l', '5000'], stdin=subprocess.DEVNULL, stdout=got,
            stderr=subprocess.PIPE) as listener:
        try:
            check_eq('ready', b'listening\n', listener.stderr.readline())
            run = subprocess.run([RUMPUS, 'net', 'cat', bus(2), HOST, '5000'], input=data,
                                 timeout=LIMIT, stdout=subprocess.PIPE, check=False)
            check_eq('sent', 0, run.returncode)
            check_eq('ended', 0, listener.wait(LIMIT))
        finally:
            listener.kill()
    check(rig.read('got') == data, 'not what was sent')


def perf_measures():
    with subprocess.Popen([RUMPUS, 'net', 'perf', bus(1), '-s', '-c', '3'],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as server:
        try:
            check_eq('ready', b'listening\n', server.stderr.readline())
            for words in ([], ['-r'], ['--rr']):
                out = as_json('net', 'perf', bus(2), '-t', '0.2', *words, HOST)[0]
                check(out['bytes'] > 0 and out['seconds'] >= 0.1, repr(out))
                check('--rr' not in words or out['trips'] > 0, repr(out))
            check_eq('ended', 0, server.wait(LIMIT))
        finally:
            server.kill()


def ip_changes_and_lists():
    with open('commands', 'w', encoding='utf-8') as file:
        file.write("""
ip link set shm0 mtu 1400
ip addr add 10.5.0.1/16 dev shm0
ip route add 192.168.0.0/16 via 10.5.0.9 metric 7
ip route add blackhole 203.0.113.0/24
ip route add 198.51.100.0/24 nexthop via 10.5.0.2 weight 2 nexthop via 10.5.0.3
ip neigh add 10.5.0.9 lladdr 02:00:00:00:00:09 dev shm0
ip rule add from 10.5.0.0/16 pref 100 table 50
ip -j addr show dev shm0
ip -j route
ip -j neigh
ip -j rule
ip -j route get 192.168.7.7
ip route delete 192.168.0.0/16
ip route flush table main dev shm0
ip rule flush
ip neigh flush
ip addr flush dev shm0
ip -j -4 addr show dev shm0
ip -j route
ip -j neigh
ip -j rule
ip route flush
ip route get 192.168.7.7
""")
    with open('commands', 'rb') as commands:
        run = subprocess.run([RUMPUS, 'net', 'up', '--if', 'shm:bus', '-i'], stdin=commands,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=LIMIT,
                             check=False)
    check('unreachable' in run.stderr.decode(), 'the last one: %r' % run.stderr)
    decoder, text, lists = json.JSONDecoder(), run.stdout.decode(), []
    while text.strip():
        value, end = decoder.raw_decode(text.strip())
        lists.append(value)
        text = text.strip()[end:]
    check_eq('lists', 9, len(lists))
    addrs, routes, neighs, rules, got = lists[:5]
    no_addrs, few_routes, no_neighs, few_rules = lists[5:]
    check_eq('addresses after flush', [], no_addrs[0].get('addr_info', []))
    check_eq('routes after flush', ['203.0.113.0/24'], [route['dst'] for route in few_routes])
    check_eq('the last address took the neighbours', [], no_neighs)
    check_eq('rules after flush', [0], [rule['priority'] for rule in few_rules])
    check_eq('mtu', 1400, addrs[0]['mtu'])
    check_eq('address', ['10.5.0.1'], [a['local'] for a in addrs[0]['addr_info']
                                       if a['family'] == 'inet'])
    by_dst = {route['dst']: route for route in routes}
    check_eq('gateway', ('10.5.0.9', 7), (by_dst['192.168.0.0/16']['gateway'],
                                          by_dst['192.168.0.0/16']['metric']))
    check_eq('blackhole', 'blackhole', by_dst['203.0.113.0/24']['type'])
    check_eq('hops', [2, 1], [hop['weight'] for hop in by_dst['198.51.100.0/24']['nexthops']])
    check_eq('neighbour', ('02:00:00:00:00:09', 'PERMANENT'),
             (neighs[0]['lladdr'], neighs[0]['state']))
    check_eq('rules', [0, 100, 32766, 32767], [rule['priority'] for rule in rules])
    check_eq('get', ('10.5.0.9', 'shm0', '10.5.0.1'),
             (got[0]['gateway'], got[0]['dev'], got[0]['prefsrc']))


def ss_lists_what_listens():
    lists = good('net', 'up', '--serve=echo,http', '-i', stdout=subprocess.PIPE)
    check_eq('silent', b'', lists)
    run = subprocess.run([RUMPUS, 'net', 'up', '--serve=echo,http', '-i'], check=False,
                         input=b'ss -tl --json\nss -ul --json\n', stdout=subprocess.PIPE,
                         timeout=LIMIT)
    decoder = json.JSONDecoder()
    tcp, end = decoder.raw_decode(run.stdout.decode())
    udp = json.loads(run.stdout.decode()[end:])
    check('0.0.0.0:7' in [s['local'] for s in tcp], repr(tcp))
    check('0.0.0.0:80' in [s['local'] for s in tcp], repr(tcp))
    check_eq('states', {'LISTEN'}, {s['state'] for s in tcp})
    check('0.0.0.0:7' in [s['local'] for s in udp], repr(udp))


def blocks(data):
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from('<II', data, at)
        check_eq('length at both ends', length, struct.unpack_from('<I', data, at + length - 4)[0])
        yield kind, data[at:at + length]
        at += length


def a_capture_is_pcapng():
    with Up():
        with subprocess.Popen([RUMPUS, 'capture', '--if', 'shm:bus', '-c', '4', '-w', 'file'],
                              stderr=subprocess.PIPE) as listener:
            while listener.poll() is None:      # it may take a while until it listens
                good('ping', bus(2), '-c', '1', '-q', HOST)
            check_eq('code', 0, listener.returncode)
    kinds = [kind for kind, _ in blocks(rig.read('file'))]
    check_eq('blocks', [0x0a0d0d0a, 1] + [6] * 4, kinds)


def conditions_hold():
    with Up():
        out = as_json('ping', bus(2), '--delay=30ms', '-c', '3', '-i', '0.01', HOST)
        check(min(line['ms'] for line in out[1:-1]) >= 29.5, repr(out))
        result = rumpus('ping', bus(3), '--loss=100%', '-c', '2', '-i', '0.01', '-W', '0.1', HOST)
        check_eq('all lost', 1, result.returncode)


if __name__ == '__main__':
    rig.main([help_is_everywhere, wrong_usage_is_2, a_file_that_is_no_bus_is_bad_data, a_host_is_alone_without_interfaces,
              two_processes_ping_each_other, services_answer_over_tcp_and_udp,
              a_listener_gets_what_is_sent, perf_measures, ip_changes_and_lists,
              ss_lists_what_listens, a_capture_is_pcapng, conditions_hold])
