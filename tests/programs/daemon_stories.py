# SPDX-License-Identifier: BSD-2-Clause
"""daemon_stories.py - more servers and tools of networks, each with a client that is not ours"""

import shutil
import subprocess
import time

from net_stories import BLOB, web
from world import LIMIT, Failed, Skip, check, check_eq, fresh_port, need


def haproxy(w):
    """In front of python3's web server it is a server and a client; alone, a server."""
    need('haproxy', 'curl')
    alone = w.name == 'inside'
    behind = web(w)[1] if not alone else fresh_port()
    port = fresh_port()
    config = w.host_file('haproxy.cfg', """
defaults
    mode http
    timeout client 20s
    timeout server 20s
    timeout connect 20s
frontend f
    bind %s:%d
    default_backend b
    http-request return status 200 content-type text/plain string own if { path /own }
backend b
    server s %s:%d
""" % (w.server_addr, port, w.server_addr, behind))
    process = w.start('server', [shutil.which('haproxy'), '-db', '-f', config])
    w.wait_port(process, port)
    url = 'http://%s:%d' % (w.server_addr, port)
    check_eq('its own', b'own', w.run('client', ['curl', '-sS', '--fail', url + '/own']))
    if alone:
        w.run('client', ['curl', '-sS', '--fail', url + '/blob'], status=22)
        return
    check_eq('through it', BLOB, w.run('client', ['curl', '-sS', '--fail', url + '/blob']))


def lighttpd(w):
    need('lighttpd', 'ab')
    w.host_file('web/blob', BLOB)
    port = fresh_port()
    config = w.host_file('lighttpd.conf', """
server.document-root = "%s"
server.port = %d
server.bind = "%s"
""" % (w.host_path('web'), port, w.server_addr))
    process = w.start('server', [shutil.which('lighttpd'), '-D', '-f', config])
    w.wait_port(process, port)
    out = w.run('client', ['ab', '-q', '-k', '-n', '200', '-c', '10', 'http://%s:%d/blob' %
                           (w.server_addr, port)]).decode()
    check('Complete requests:      200\n' in out and 'Failed requests:        0\n' in out, out)


def openssl(w):
    need('openssl', 'curl')
    port = fresh_port()
    key, cert = w.host_path('key.pem'), w.host_path('cert.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out',
                    cert, '-days', '2', '-subj', '/CN=lab'], check=True, stdin=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    process = w.start('server', ['openssl', 's_server', '-accept', '%s:%d' % (w.server_addr, port),
                                 '-key', key, '-cert', cert, '-www'])
    w.wait_port(process, port)
    out = w.run('client', ['curl', '-sS', '--cacert', cert, '--connect-to', 'lab::%s:%d' %
                           (w.server_addr, port), 'https://lab/'])
    check(b'TLSv1.3' in out, out)


def bird(w):
    """Two routers learn each other's routes by OSPF; raw sockets, multicast, netlink."""
    need('bird', 'birdc')
    if w.name != 'inside':
        raise Skip('two kernels are wanted')
    for i, route in ((1, '192.0.2.0/24'), (2, '198.51.100.0/24')):
        config = w.host_file('bird%d.conf' % i, """
log stderr all;
router id 10.0.0.%d;
protocol device {}
protocol kernel { ipv4 { export all; }; }
protocol static { ipv4; route %s blackhole; }
protocol ospf { ipv4 { export all; }; area 0 { interface "shm0" { hello 1; dead 4; wait 2; }; }; }
""" % (i, route))
        w.start('server' if i == 1 else 'client', [shutil.which('bird'), '-f', '-c', config, '-s',
                                                   w.host_path('ctl%d' % i)])
    deadline = time.monotonic() + LIMIT
    for i, learned in ((1, b'198.51.100.0/24'), (2, b'192.0.2.0/24')):
        out = b''
        while learned not in out:
            if time.monotonic() > deadline:
                raise Failed('router %d does not learn %r: %.300r' % (i, learned, out))
            time.sleep(0.1)
            out = subprocess.run(['birdc', '-s', w.host_path('ctl%d' % i), 'show', 'route'],
                                 capture_output=True, check=False, stdin=subprocess.DEVNULL).stdout
        check(b'ospf1' in out, out)


def nmap(w):
    need('nmap')
    _, port, _ = web(w)
    closed = fresh_port()
    out = w.run('client', ['nmap', '-sT', '-Pn', '-n', '-p', '%d,%d' % (port, closed),
                           w.server_addr]).decode()
    check('%d/tcp open' % port in out.replace('  ', ' ') and '%d/tcp closed' % closed in out, out)


STORIES = [
    ('haproxy', haproxy), ('lighttpd, ab', lighttpd), ('openssl, curl over TLS', openssl),
    ('bird, OSPF between two', bird), ('nmap', nmap),
]
