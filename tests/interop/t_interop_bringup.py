# SPDX-License-Identifier: BSD-2-Clause
"""t_interop_bringup.py PEER [CASE...] - addresses from a real dnsmasq and a real radvd"""

import os
import threading

import far
import rig
from rig import IP4, options

# The far side has its addresses, ours none.
THEIRS = ('10.77.0.1/24', 'fd77::1/64')


def far_up(b):
    for address in THEIRS:
        b.far.run('ip', 'addr', 'add', address, 'dev', 'tap0')


def dnsmasq(b, *options_):
    server = b.far.start('dnsmasq', '-d', '-C', '/dev/null', '-u', 'root', '-p0', '-i', 'tap0',
                         '--bind-interfaces', '--no-ping', '--log-dhcp',
                         '--dhcp-leasefile=' + os.path.abspath('leases'), *options_)
    far.wait_for('dnsmasq', lambda: b.far.listening(67, '-u') or b.far.listening(547, '-u') or
                 server.poll() is not None)
    if server.poll() is not None:
        raise RuntimeError('dnsmasq: ' + server.stdout.read().decode())
    return server


def lease(b):
    return dict(word.split('=', 1) for word in b.peer.call('lease4', b.ifname))


@options(vnet_hdr=False, configure=False)
def a_lease_from_dnsmasq(b):
    far_up(b)
    b.capture()
    server = dnsmasq(b, '--dhcp-range=10.77.0.50,10.77.0.59,255.255.255.0,120',
                     '--dhcp-option=option:dns-server,10.77.0.9,10.77.0.10',
                     '--dhcp-option=option:domain-name,example.org',
                     '--dhcp-option=option:ntp-server,10.77.0.11',
                     '--dhcp-option=option:classless-static-route,0.0.0.0/0,10.77.0.1,'
                     '192.0.2.0/24,10.77.0.3',
                     '--dhcp-option=option:domain-search,a.example.org,b.example.org',
                     '--dhcp-option-force=option:mtu,1400')
    b.peer.call('dhcp4', b.ifname)
    got = lease(b)
    b.check(got['address'].startswith('10.77.0.5'), got['address'])
    for name, want in (('state', 'bound'), ('gateway', '10.77.0.1'), ('server', '10.77.0.1'),
                       ('dns', '10.77.0.9'), ('ntp', '10.77.0.11'), ('domain', 'example.org'),
                       ('mtu', '1400')):
        b.check_eq(name, want, got[name])
    b.check_eq('resolvers', ['dhcp=10.77.0.9,10.77.0.10/a.example.org,b.example.org'],
               b.peer.call('resolvers', b.ifname))
    address = got['address'].split('/')[0]
    b.far_ping(56, 1, address)
    with open('leases', encoding='ascii') as file:
        b.check(address in file.read(), 'the server knows nothing of it')
    b.peer.call('dhcp4-stop', b.ifname)
    far.wait_for('the release', lambda: address not in open('leases', encoding='ascii').read())
    b.check_eq('none runs', 'ENOENT', b.peer.fails('lease4', b.ifname))
    b.judge()
    b.check('DHCPRELEASE' in b.far.stop(server), 'no release was logged')


@options(configure=False)
def a_lease_is_had_again(b):
    """The same client gets the same address; and it works through the gateway."""
    far_up(b)
    b.far.run('ip', 'addr', 'add', '192.0.2.7/32', 'dev', 'lo')
    dnsmasq(b, '--dhcp-range=10.77.0.50,10.77.0.99,255.255.255.0,1h')
    b.peer.call('dhcp4', b.ifname)
    first = lease(b)['address']
    b.check_eq('by way of the router', '3', b.peer.call('ping', '192.0.2.7', 56, 3)[0])
    b.peer.call('dhcp4-stop', b.ifname)
    b.check_eq('no way', 'ENETUNREACH', b.peer.fails('ping', '192.0.2.7', 56, 1))
    b.peer.call('dhcp4', b.ifname)
    b.check_eq('again', first, lease(b)['address'])


def answer_arp(b, stop, *addresses):
    """Somebody who has those addresses, until stop is readable."""
    sock = b.far.socket(far.socket.AF_PACKET, far.socket.SOCK_RAW, 0x0608)
    sock.bind(('tap0', 0x0806))
    mine = b'\2\0\0\0\0\x99'
    while not far.select.select([sock, stop], [], [])[0].count(stop):
        frame = sock.recv(2000)
        if frame[12:14] == b'\x08\x06' and frame[20:22] == b'\0\1' and frame[38:42] in addresses:
            sock.send(frame[6:12] + mine + frame[12:20] + b'\0\2' + mine + frame[38:42] + frame[22:32])
    sock.close()


@options(configure=False)
def an_address_that_somebody_has_is_declined(b):
    """All but one have an owner, of whom the server does not know."""
    far_up(b)
    stop, us = os.pipe()
    taken = [far.socket.inet_aton('10.77.0.%d' % last) for last in (50,)]
    somebody = threading.Thread(target=answer_arp, args=(b, stop, *taken))
    somebody.start()
    try:
        server = dnsmasq(b, '--dhcp-range=10.77.0.50,10.77.0.52,255.255.255.0,1h',
                         '--dhcp-sequential-ip')
        b.peer.call('dhcp4', b.ifname)
    finally:
        os.close(us)
        somebody.join()
        os.close(stop)
    b.check_eq('the free one', '10.77.0.51/24', lease(b)['address'])
    b.check('DHCPDECLINE' in b.far.stop(server), 'nothing was declined')


RADVD = '''
interface tap0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvLinkMTU 1400;
	%s
	prefix fd88:1:2:3::/64 { AdvOnLink on; AdvAutonomous on; };
	route 2001:db8:5::/48 { };
	RDNSS fd77::53 { };
	DNSSL example.org { };
};
'''


def radvd(b, extra=''):
    b.far.run('ip', 'addr', 'add', 'fd88:1:2:3::1/64', 'dev', 'tap0')
    b.far.run('ip', 'addr', 'add', '2001:db8:9::9/128', 'dev', 'lo')
    b.far.sysctl('net/ipv6/conf/all/forwarding', 1)
    with open('radvd.conf', 'w', encoding='ascii') as file:
        file.write(RADVD % extra)
    server = b.far.start('radvd', '-n', '-m', 'stderr', '-C', os.path.abspath('radvd.conf'),
                         '-p', os.path.abspath('radvd.pid'))
    far.wait_for('radvd', lambda: os.path.exists('radvd.pid') or server.poll() is not None)
    if server.poll() is not None:
        raise RuntimeError('radvd: ' + server.stdout.read().decode())


def source_for(b, there):
    """Our address for packets to there; '' if there is none."""
    fd = b.peer.number_of('socket', 'inet6', 'dgram')
    try:
        b.peer.call('connect', fd, there, 9)
        return b.peer.call('name', fd)[0]
    except rig.PeerError:
        return ''
    finally:
        b.peer.call('close', fd)


@options(vnet_hdr=False, configure=False)
def an_address_by_router_advertisement(b):
    far_up(b)
    b.capture()
    radvd(b)
    b.peer.call('auto6', b.ifname)
    far.wait_for('an address', lambda: source_for(b, '2001:db8:9::9').startswith('fd88:1:2:3:'))
    ours = source_for(b, '2001:db8:9::9')
    b.check_eq('through the router', '3', b.peer.call('ping', '2001:db8:9::9', 56, 3)[0])
    b.far_ping(56, 2, ours)
    b.check_eq('resolvers', ['ra=fd77::53/example.org'], b.peer.call('resolvers', b.ifname))
    b.judge()


def lease6(b):
    try:
        return dict(word.split('=', 1) for word in b.peer.call('lease6', b.ifname))
    except rig.PeerError:
        return {'state': 'none'}


def dnsmasq6(b, *options_):
    return dnsmasq(b, '--enable-ra', '--ra-param=tap0,5,60', *options_,
                   '--dhcp-option=option6:dns-server,[fd77::53]',
                   '--dhcp-option=option6:domain-search,a.example.org,b.example.org',
                   '--dhcp-option=option6:ntp-server,[fd77::123]')


def leases():
    with open('leases', encoding='ascii') as file:
        return file.read()


@options(vnet_hdr=False, configure=False)
def an_ipv6_lease_from_dnsmasq(b):
    """Four messages, an address that answers, and back; all that we said was well formed."""
    far_up(b)
    b.capture()
    server = dnsmasq6(b, '--dhcp-range=fd77::50,fd77::5f,64,2m')
    b.peer.call('kvar', 'net.dhcp6.rapid_commit', 0)
    b.peer.call('dhcp6', b.ifname)
    got = lease6(b)
    b.check(got['address'].startswith('fd77::5'), got['address'])
    for name, want in (('state', 'bound'), ('n', '1'), ('dns', 'fd77::53'), ('ntp', 'fd77::123'),
                       ('search', 'a.example.org,b.example.org')):
        b.check_eq(name, want, got[name])
    b.check(100 <= int(got['valid']) <= 120, 'valid for %s' % got['valid'])
    b.far_ping(56, 2, got['address'])
    b.check(got['address'] in leases(), 'the server knows nothing of it')
    b.peer.call('dhcp6-stop', b.ifname)
    # It answers first and writes its file then.
    far.wait_for('the release', lambda: got['address'] not in leases())
    b.judge()
    log = b.far.stop(server)
    for word in ('DHCPSOLICIT', 'DHCPADVERTISE', 'DHCPREQUEST', 'DHCPREPLY', 'DHCPRELEASE'):
        b.check(word in log, '%s was not logged' % word)


@options(configure=False)
def an_ipv6_lease_is_had_again_and_renewed(b):
    """The same client has the same identity; with RUMPUS_TESTS=large it waits to be renewed, too."""
    far_up(b)
    server = dnsmasq6(b, '--dhcp-range=fd77::50,fd77::ff,64,2m', '--dhcp-rapid-commit')
    b.peer.call('dhcp6', b.ifname)
    first = lease6(b)['address']
    b.peer.call('dhcp6-stop', b.ifname)
    b.peer.call('dhcp6', b.ifname)
    b.check_eq('again', first, lease6(b)['address'])
    if not rig.LARGE:
        return
    # dnsmasq's least lease is two minutes: T1 after one, by its own choice.
    far.wait_for('the renewal', lambda: int(lease6(b)['valid']) < 80, patience=60)
    far.wait_for('more time', lambda: int(lease6(b)['valid']) > 100, patience=60)
    b.check_eq('still', first, lease6(b)['address'])
    b.check('DHCPRENEW' in b.far.stop(server), 'no renewal was logged')


def advertisement(address):
    """Somebody's answer to who probes for his address (RFC 4861 section 4.4), with its sum."""
    ours = far.socket.inet_pton(far.socket.AF_INET6, 'fe80::99')
    everybody = far.socket.inet_pton(far.socket.AF_INET6, 'ff02::1')
    icmp = b'\x88\0\0\0' + b'\x20\0\0\0' + address + b'\2\1\2\0\0\0\0\x99'
    words = ours + everybody + b'\0\0\0\x20' + b'\0\0\0\x3a' + icmp
    total = sum(int.from_bytes(words[i:i + 2], 'big') for i in range(0, len(words), 2))
    total = (total & 0xffff) + (total >> 16)
    total = ~((total & 0xffff) + (total >> 16)) & 0xffff
    return (b'\x33\x33\0\0\0\1' + b'\2\0\0\0\0\x99' + b'\x86\xdd' + b'\x60\0\0\0\0\x20\x3a\xff' +
            ours + everybody + icmp[:2] + total.to_bytes(2, 'big') + icmp[4:])


def answer_nd(b, stop, prefix, taken):
    """Somebody who has the first address of the prefix that is asked for, until stop is readable."""
    sock = b.far.socket(far.socket.AF_PACKET, far.socket.SOCK_RAW, 0xdd86)
    sock.bind(('tap0', 0x86dd))
    while not far.select.select([sock, stop], [], [])[0].count(stop):
        frame = sock.recv(2000)
        if frame[20] != 58 or frame[54] != 135 or not frame[62:78].startswith(prefix):
            continue
        if not taken:
            taken.append(frame[62:78])
        if frame[62:78] == taken[0]:
            sock.send(advertisement(taken[0]))
    sock.close()


@options(configure=False)
def an_ipv6_address_that_somebody_has_is_declined(b):
    """The first that is offered has an owner of whom the server does not know."""
    far_up(b)
    stop, us = os.pipe()
    taken = []
    somebody = threading.Thread(target=answer_nd, args=(b, stop, b'\xfd\x77', taken))
    somebody.start()
    try:
        server = dnsmasq6(b, '--dhcp-range=fd77::50,fd77::51,64,1h')
        b.peer.call('dhcp6', b.ifname)
    finally:
        os.close(us)
        somebody.join()
        os.close(stop)
    b.need(taken, 'no address was probed')
    first = far.socket.inet_ntop(far.socket.AF_INET6, taken[0])
    b.check_eq('the free one', {'fd77::50': 'fd77::51', 'fd77::51': 'fd77::50'}[first],
               lease6(b)['address'])
    b.check('DHCPDECLINE' in b.far.stop(server), 'nothing was declined')


@options(configure=False)
def a_router_says_that_there_are_addresses(b):
    """M flag: nobody asked for it, and the address comes."""
    far_up(b)
    b.far.sysctl('net/ipv6/conf/all/forwarding', 1)
    dnsmasq6(b, '--dhcp-range=fd77::50,fd77::5f,64,1h')
    b.peer.call('auto6', b.ifname)
    far.wait_for('a lease', lambda: lease6(b)['state'] == 'bound')
    b.far_ping(56, 2, lease6(b)['address'])
    b.check_eq('the source', lease6(b)['address'], source_for(b, 'fd77::1'))


@options(configure=False)
def a_router_says_that_there_is_information(b):
    """O flag: addresses of prefixes, resolvers from the server."""
    far_up(b)
    b.far.sysctl('net/ipv6/conf/all/forwarding', 1)
    server = dnsmasq6(b, '--dhcp-range=fd77::,ra-stateless,64,1h')
    b.peer.call('auto6', b.ifname)
    far.wait_for('the information', lambda: lease6(b)['state'] == 'informed')
    got = lease6(b)
    for name, want in (('n', '0'), ('dns', 'fd77::53'), ('ntp', 'fd77::123'),
                       ('search', 'a.example.org,b.example.org')):
        b.check_eq(name, want, got[name])
    b.check('dhcp6=fd77::53/a.example.org,b.example.org' in b.peer.call('resolvers', b.ifname),
            'resolvers: %r' % b.peer.call('resolvers', b.ifname))
    far.wait_for('an address', lambda: source_for(b, 'fd77::1').startswith('fd77::'))
    log = b.far.stop(server)
    b.check('DHCPINFORMATION-REQUEST' in log and 'DHCPSOLICIT' not in log, 'what was asked: ' + log)


rig.main(both=[], once=[
    a_lease_from_dnsmasq, a_lease_is_had_again, an_address_that_somebody_has_is_declined,
    an_address_by_router_advertisement, an_ipv6_lease_from_dnsmasq,
    an_ipv6_lease_is_had_again_and_renewed, an_ipv6_address_that_somebody_has_is_declined,
    a_router_says_that_there_are_addresses, a_router_says_that_there_is_information,
], tools=('ip', 'ss', 'ping', 'tcpdump', 'tshark', 'dnsmasq', 'radvd'))
