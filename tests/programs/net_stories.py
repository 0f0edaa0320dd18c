# SPDX-License-Identifier: BSD-2-Clause
"""net_stories.py - programs that talk to each other over the kernel's network"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess

from world import LIMIT, Failed, Skip, check, check_eq, fresh_port, need

BLOB = bytes(range(256)) * 4096         # 1 MiB


def web(w, content=BLOB, program=None):
    """python3's web server with one file; (process, port, URL)."""
    w.host_file('web/blob', content)
    port = fresh_port()
    process = w.start('server', program or ['python3', '-u', '-m', 'http.server', '--bind',
                                            w.server_addr, '--directory', w.host_path('web'),
                                            str(port)])
    w.wait_port(process, port)
    return process, port, 'http://%s:%d/blob' % (w.server_addr, port)


def curl(w):
    need('curl')
    _, port, url = web(w)
    check_eq('bytes', BLOB, w.run('client', ['curl', '-sS', '--fail', url]))
    w.run('client', ['curl', '-sS', '--fail', url + '.none'], status=22)
    out = w.run('client', ['curl', '-sS', '-Z', '-o', '/dev/null', '-w', '%{http_code} ',
                           url, '-o', '/dev/null', url, '-o', '/dev/null', url])
    check_eq('three at a time', b'200 200 200 ', out)
    w.run('client', ['curl', '-sS', 'http://%s:%d/' % (w.server_addr, fresh_port())], status=7)


def wget(w):
    need('wget')
    _, _, url = web(w)
    check_eq('bytes', BLOB, w.run('client', ['wget', '-q', '-O', '-', url]))


def nc(w):
    need('nc')
    port = str(fresh_port())
    server = w.start('server', ['sh', '-c', 'nc -N -l %s %s </dev/null >got' %
                                (w.server_addr, port)] if w.has_fork else
                     ['nc', '-N', '-l', w.server_addr, port])
    done = 0
    for _ in range(200):
        try:
            w.run('client', ['nc', '-N', w.server_addr, port], stdin=BLOB)
            done = 1
            break
        except Failed:
            if server.poll() is not None:
                break
    check_eq('a client came through', 1, done)
    check_eq('the server ended', 0, server.wait(LIMIT))
    if w.has_fork:
        with open(w.host_path('got'), 'rb') as file:
            got = file.read()
    else:
        with open(server.log.name, 'rb') as file:
            got = file.read()
    check_eq('bytes', hashlib.sha256(BLOB).hexdigest(), hashlib.sha256(got).hexdigest())


def socat(w):
    need('socat')
    port = str(fresh_port())
    fork = ',fork' if w.has_fork else ''
    server = w.start('server', ['socat', 'TCP-LISTEN:%s,bind=%s,reuseaddr%s' %
                                (port, w.server_addr, fork), 'PIPE'])
    if w.has_fork:
        w.wait_port(server, int(port))
        for _ in range(3):
            check_eq('echo', b'hello\n', w.run('client', ['socat', '-t', '5', '-', 'TCP:%s:%s' %
                                                          (w.server_addr, port)], stdin=b'hello\n'))
    else:
        out = w.run('client', ['socat', '-t', '5', '-', 'TCP:%s:%s,retry=100,interval=0.05' %
                               (w.server_addr, port)], stdin=b'hello\n')
        check_eq('echo', b'hello\n', out)


def sshd_up(w):
    need('sshd', 'ssh', 'ssh-keygen')
    try:
        user = pwd.getpwuid(os.getuid())
    except KeyError:
        raise Skip('this user has no name') from None
    if user.pw_shell.endswith(('nologin', 'false')):
        raise Skip('%s may not log in' % user.pw_name)
    w.want_tree()
    if os.getuid() == 0:
        os.makedirs('/run/sshd', exist_ok=True)
    key, hostkey = w.host_path('key'), w.host_path('hostkey')
    for path in (key, hostkey):
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', path], check=True,
                       stdin=subprocess.DEVNULL)
    shutil.copy(key + '.pub', w.host_path('authorized'))
    port = fresh_port()
    config = w.host_file('sshd_config', """
Port %d
ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
""" % (port, w.server_addr, hostkey, w.host_path('authorized')))
    process = w.start('server', [shutil.which('sshd'), '-D', '-e', '-f', config])
    w.wait_port(process, port)
    options = ['-F', '/dev/null', '-i', key, '-o', 'StrictHostKeyChecking=no', '-o',
               'UserKnownHostsFile=' + w.host_path('known'), '-o', 'LogLevel=ERROR', '-o',
               'BatchMode=yes']
    return user.pw_name, port, options


def ssh(w):
    user, port, options = sshd_up(w)
    out = w.run('client', ['ssh', *options, '-p', str(port), '%s@%s' % (user, w.server_addr),
                           'echo $((6*7)); id -un; echo $SSH_CONNECTION'])
    lines = out.decode().split('\n')
    check_eq('what the shell said', ['42', user], lines[:2])
    check(w.server_addr in lines[2], out)


def ssh_shared(w):
    """The second client hands its descriptors to the first, through a local socket."""
    if w.name == 'inside':
        raise Skip('two kernels have no local socket in common')
    user, port, options = sshd_up(w)
    w.options = ('--socket', 'all')
    words = ['ssh', *options, '-S', os.path.join(w.files, 'control'), '-p', str(port)]
    to = '%s@%s' % (user, w.server_addr)
    master = w.start('client', [*words, '-M', '-N', to])
    w.wait_status('client', [*words, '-O', 'check', to], master)
    for i in range(2):
        out = w.run('client', [*words, to, 'cat; echo $((6*7)); echo $SSH_CONNECTION >&2; exit 3'],
                    stdin=b'word %d\n' % i, status=3)
        check_eq('through the first', b'word %d\n42\n' % i, out)
    # Nobody can log in any more, but for those who are in.
    shutil.move(w.host_path('authorized'), w.host_path('nobody'))
    check_eq('no other way', b'', w.run('client', [*words, '-S', 'none', to, 'echo in'], status=255))
    check_eq('still in', b'in\n', w.run('client', [*words, to, 'echo in']))
    w.run('client', [*words, '-O', 'exit', to])
    check_eq('end of the first', 255, master.wait(20))


def scp(w):
    user, port, options = sshd_up(w)
    w.host_file('from', BLOB)
    w.run('client', ['scp', *options, '-P', str(port), w.host_path('from'),
                     '%s@%s:%s' % (user, w.server_addr, w.host_path('to'))])
    with open(w.host_path('to'), 'rb') as file:
        check_eq('bytes', BLOB, file.read())


def nginx(w):
    need('nginx', 'curl')
    workers = 4 if w.has_fork else 1
    w.host_file('web/blob', BLOB)
    port = fresh_port()
    config = """
daemon off; master_process %s; worker_processes %d; pid %s/nginx.pid; error_log stderr notice;
events { worker_connections 256; }
http {
    access_log off; keepalive_timeout 30; sendfile on; default_type application/octet-stream;
    client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f;
    uwsgi_temp_path %s/u; scgi_temp_path %s/s;
    server { listen %s:%d; root %s; location = /word { return 200 "%%s\\n"; } }
}
""" % (('on' if w.has_fork else 'off', workers) + (w.folder,) * 6 + (w.server_addr, port,
       w.host_path('web')))
    user = '' if os.getuid() else 'user root;'
    path = w.host_file('nginx.conf', user + config % 'first')
    process = w.start('server', [shutil.which('nginx'), '-p', w.folder, '-e', 'stderr', '-c', path])
    w.wait_port(process, port)
    url = 'http://%s:%d' % (w.server_addr, port)
    check_eq('bytes', BLOB, w.run('client', ['curl', '-sS', '--fail', url + '/blob']))
    out = w.run('client', ['curl', '-sS', '-w', '%{num_connects} ', url + '/word', url + '/word'])
    check_eq('kept alive', b'first\n1 first\n0 ', out)
    if w.has_fork:
        check(w.log_of(process).count('start worker process ') >= workers, 'four workers')
        w.host_file('nginx.conf', user + config % 'second')
        process.send_signal(signal.SIGHUP)
        for _ in range(100):
            out = w.run('client', ['curl', '-sS', url + '/word'])
            if out == b'second\n':
                break
        check_eq('after the reload', b'second\n', out)
    check_eq('orderly end', 0, w.stop(process, signal.SIGQUIT))


def redis(w):
    need('redis-server', 'redis-cli', 'redis-benchmark')
    port = str(fresh_port())
    process = w.start('server', ['redis-server', '--bind', w.server_addr, '--port', port,
                                 '--save', '', '--protected-mode', 'no', '--dir', w.folder])
    w.wait_log(process, 'Ready to accept connections')
    at = ['-h', w.server_addr, '-p', port]
    check_eq('set', b'OK\n', w.run('client', ['redis-cli', *at, 'set', 'k', 'v']))
    check_eq('get', b'v\n', w.run('client', ['redis-cli', *at, 'get', 'k']))
    for pipeline in ('1', '16'):
        out = w.run('client', ['redis-benchmark', *at, '-t', 'get,set', '-n', '5000', '-c', '20',
                               '-P', pipeline, '--csv'])
        check(b'"SET"' in out and b'"GET"' in out, out)


def memcached(w):
    need('memcached', 'python3')
    port = fresh_port()
    user = [] if os.getuid() else ['-u', 'root']
    process = w.start('server', ['memcached', '-l', w.server_addr, '-p', str(port), '-U', '0', *user])
    w.wait_port(process, port)
    out = w.run('client', ['python3', '-c', """
import socket
s = socket.create_connection((%r, %d))
f = s.makefile('rwb')
f.write(b'set k 0 0 5\\r\\nhello\\r\\nget k\\r\\nquit\\r\\n'); f.flush()
print(f.read().decode(), end='')
""" % (w.server_addr, port)])
    check_eq('answers', b'STORED\r\nVALUE k 0 5\r\nhello\r\nEND\r\n', out)


def python_http(w):
    _, _, url = web(w)
    out = w.run('client', ['python3', '-c', 'import urllib.request,hashlib;'
                           'print(hashlib.sha256(urllib.request.urlopen(%r).read()).hexdigest())' % url])
    check_eq('checksum', hashlib.sha256(BLOB).hexdigest(), out.decode().strip())


ASYNC_SERVER = """
import asyncio, sys
async def serve(r, w):
    while line := await r.readline():
        w.write(line[::-1].strip() + b'\\n'); await w.drain()
    w.close()
async def main():
    s = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]))
    print('ready', flush=True)
    async with s: await s.serve_forever()
asyncio.run(main())
"""

ASYNC_CLIENT = """
import asyncio, sys
async def one(i):
    r, w = await asyncio.open_connection(sys.argv[1], int(sys.argv[2]))
    for n in range(10):
        w.write(b'%d-%d\\n' % (i, n)); await w.drain()
        assert await r.readline() == (b'%d-%d' % (i, n))[::-1] + b'\\n'
    w.close(); await w.wait_closed()
async def main():
    await asyncio.gather(*(one(i) for i in range(50)))
    p = await asyncio.create_subprocess_exec('/bin/echo', 'child', stdout=asyncio.subprocess.PIPE) \\
        if len(sys.argv) > 3 else None
    if p: assert (await p.communicate())[0] == b'child\\n'
    print('fine')
asyncio.run(main())
"""


def python_asyncio(w):
    port = str(fresh_port())
    process = w.start('server', ['python3', '-c', ASYNC_SERVER, w.server_addr, port])
    w.wait_log(process, 'ready')
    more = ['fork'] if w.has_fork else []
    check_eq('50 connections', b'fine\n', w.run('client', ['python3', '-c', ASYNC_CLIENT,
                                                           w.server_addr, port, *more]))


FORKING = """
import socketserver, os, sys
class H(socketserver.StreamRequestHandler):
    def handle(self):
        self.wfile.write(b'%d %s' % (os.getpid(), self.rfile.readline()))
class S(socketserver.ForkingTCPServer): allow_reuse_address = True
s = S((sys.argv[1], int(sys.argv[2])), H)
print('ready', os.getpid(), flush=True)
s.serve_forever(0.1)
"""


def python_forking(w):
    w.want_tree()
    port = fresh_port()
    process = w.start('server', ['python3', '-c', FORKING, w.server_addr, str(port)])
    w.wait_log(process, 'ready')
    seen = set()
    for i in range(5):
        out = w.run('client', ['python3', '-c', 'import socket;s=socket.create_connection((%r,%d));'
                               's.sendall(b"n%d\\n");print(s.makefile().read(),end="")' %
                               (w.server_addr, port, i)])
        pid, word = out.split()
        check_eq('word', b'n%d' % i, word)
        seen.add(pid)
    check_eq('a process each', 5, len(seen))


def node(w):
    need('node', 'curl')
    port = fresh_port()
    w.host_file('s.js', """
const http = require('http');
http.createServer((q, r) => { let n = 0; q.on('data', d => n += d.length);
  q.on('end', () => r.end('node ' + q.url + ' ' + n + '\\n')); }
).listen(%d, '%s', () => console.log('ready'));
""" % (port, w.server_addr))
    process = w.start('server', ['node', w.host_path('s.js')])
    w.wait_log(process, 'ready')
    out = w.run('client', ['curl', '-sS', '--data-binary', '@-', 'http://%s:%d/x' %
                           (w.server_addr, port)], stdin=BLOB)
    check_eq('answer', b'node /x %d\n' % len(BLOB), out)


GO = """
package main

import ("fmt"; "io"; "net/http"; "os")

func main() {
	if os.Args[1] == "serve" {
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "go %s %d\\n", r.URL.Path, n)
		})
		fmt.Println("ready")
		panic(http.ListenAndServe(os.Args[2], nil))
	}
	r, err := http.Get("http://" + os.Args[2] + "/y")
	if err != nil { panic(err) }
	b, _ := io.ReadAll(r.Body)
	fmt.Print(string(b))
}
"""


def go_build(w, binary):
    need('go')
    os.makedirs(w.cache, exist_ok=True)
    source = w.host_file('go/main.go', GO)
    made = subprocess.run(['go', 'build', '-o', binary + '.new', source], stdin=subprocess.DEVNULL,
                          env={**w.env, 'CGO_ENABLED': '0', 'GOCACHE': os.path.join(w.cache, 'gocache'),
                               'GOFLAGS': '-mod=mod', 'GO111MODULE': 'off',
                               'GOTELEMETRY': 'off'}, capture_output=True, check=False)
    check_eq('go build: %.300r' % made.stderr, 0, made.returncode)
    os.rename(binary + '.new', binary)


def go_http(w):
    binary = os.path.join(w.cache, 'gohttp-' + hashlib.sha256(GO.encode()).hexdigest()[:16])
    if not os.path.exists(binary):
        go_build(w, binary)
    port = fresh_port()
    at = '%s:%d' % (w.server_addr, port)
    process = w.start('server', [binary, 'serve', at])
    w.wait_port(process, port)
    check_eq('answer', b'go /y 0\n', w.run('client', [binary, 'get', at]))


def busybox_net(w):
    need('busybox')
    w.host_file('web/blob', BLOB)
    port = fresh_port()
    process = w.start('server', ['busybox', 'httpd', '-f', '-p', '%s:%d' % (w.server_addr, port),
                                 '-h', w.host_path('web')])
    w.wait_port(process, port)
    out = w.run('client', ['busybox', 'wget', '-q', '-O', '-', 'http://%s:%d/blob' %
                           (w.server_addr, port)])
    check_eq('bytes', BLOB, out)


def iperf3(w):
    need('iperf3')
    port = str(fresh_port())
    process = w.start('server', ['iperf3', '-s', '-B', w.server_addr, '-p', port, '--forceflush'])
    w.wait_log(process, 'Server listening')
    for words in (['-n', '16M'], ['-n', '16M', '-R'], ['-n', '8M', '-P', '3'],
                  ['-u', '-b', '100M', '-n', '4M']):
        out = w.run('client', ['iperf3', '-c', w.server_addr, '-p', port, '-J', *words])
        check(b'"error"' not in out and b'sum' in out, '%s: %.300r' % (words, out[-300:]))


def dns(w):
    need('dnsmasq', 'dig')
    w.want_tree()
    port = str(fresh_port())
    process = w.start('server', ['dnsmasq', '-k', '--no-resolv', '--no-hosts', '--conf-file=/dev/null',
                                 '--listen-address=' + w.server_addr, '--bind-interfaces', '-p', port,
                                 '--address=/box.example/192.0.2.7', '--user=', '--pid-file=',
                                 '--log-facility=-', '--log-queries'])
    w.wait_log(process, 'started')
    for words in ([], ['+tcp']):
        out = w.run('client', ['dig', '@' + w.server_addr, '-p', port, '+short', '+time=5', *words,
                               'box.example'])
        check_eq('address', b'192.0.2.7\n', out)


def git_repo(w):
    need('git')
    # Inside, a plain user is 0 and owns what he makes as such; git compares that with his own number.
    config = w.host_file('gitconfig', '[safe]\n\tdirectory = *\n')
    w.env.update(GIT_CONFIG_GLOBAL=config, GIT_CONFIG_SYSTEM='/dev/null', GIT_AUTHOR_NAME='a',
                 GIT_AUTHOR_EMAIL='a@b', GIT_COMMITTER_NAME='a', GIT_COMMITTER_EMAIL='a@b')
    script = """
mkdir -p web && cd web && git init -q -b main src && cd src
for i in $(seq 40); do echo $i >f$i; done
git add . && git commit -q -m first && seq 5000 >big && git add . && git commit -q -m second
cd .. && git clone -q --bare src repo.git && cd repo.git && git update-server-info
"""
    subprocess.run(['bash', '-ec', script], cwd=w.folder, env=w.env, check=True,
                   stdin=subprocess.DEVNULL)


def git_http(w):
    git_repo(w)
    _, _, url = web(w)
    target = w.files + '/clone' if w.has_files else w.host_path('clone')
    w.want_tree()
    w.run('client', ['git', 'clone', '-q', url.replace('/blob', '/repo.git'), target])
    out = w.run('client', ['git', '-C', target, 'log', '--format=%s'])
    check_eq('log', b'second\nfirst\n', out)
    check_eq('nothing changed', b'', w.run('client', ['git', '-C', target, 'status', '--short']))


def rsync_ssh(w):
    need('rsync')
    user, port, options = sshd_up(w)
    w.host_file('tree/a/blob', BLOB)
    w.host_file('tree/b', 'text')
    w.run('client', ['rsync', '-a', '-e', 'ssh %s -p %d' % (' '.join(options), port),
                     w.host_path('tree') + '/', '%s@%s:%s/' % (user, w.server_addr,
                                                               w.host_path('copy'))])
    with open(w.host_path('copy/a/blob'), 'rb') as file:
        check_eq('bytes', BLOB, file.read())


def ip(w):
    need('ip')
    out = w.run('client', ['ip', '-o', 'addr', 'show', 'dev', 'lo'])
    check(b'127.0.0.1/8' in out, out)
    if w.name != 'direct':
        w.run('client', ['ip', 'route', 'add', 'blackhole', '203.0.113.0/24'])
        if w.has_files:
            check(b'blackhole 203.0.113.0/24' in w.run('client', ['ip', 'route']), 'route')
    check(b'LOOPBACK' in w.run('client', ['ip', '-d', '-s', 'link']), 'link')


def ss(w):
    need('ss')
    port = fresh_port()
    if w.name == 'inside':
        raise Skip('a kernel with one program has no others to show')
    process = w.start('server', ['nc', '-l', w.server_addr, str(port)])
    for _ in range(100):
        out = w.run('client', ['ss', '-tlnH'])
        if b':%d' % port in out:
            break
    check(b':%d' % port in out, out)
    w.stop(process)


def tcpdump(w):
    need('tcpdump')
    if w.name == 'direct' and os.getuid() != 0:
        raise Skip('the host lets only root see packets')
    if w.name == 'inside':
        raise Skip('a kernel with one program has nobody to watch')
    _, _, url = web(w)
    process = w.start('client', ['tcpdump', '-n', '-i', 'lo', '-c', '5', '-w', w.host_path('cap'),
                                 *(['-Z', 'root'] if os.getuid() == 0 else []), 'tcp'])
    w.wait_log(process, 'listening on lo')
    w.run('client', ['curl', '-sS', '--fail', '-o', '/dev/null', url])
    check_eq('it saw five', 0, process.wait(LIMIT))
    out = w.run('direct', ['tcpdump', '-n', '-r', w.host_path('cap')]) if w.name == 'direct' else \
        subprocess.run(['tcpdump', '-n', '-r', w.host_path('cap')], capture_output=True, check=True,
                       stdin=subprocess.DEVNULL).stdout
    check(b'Flags [S]' in out, out)


def preload_forbidden(program):
    """Does it get rights that its caller has not?  Then nothing is loaded into it."""
    path = os.path.realpath(shutil.which(program))
    mode = os.stat(path).st_mode
    return mode & 0o6000 != 0 or 'security.capability' in os.listxattr(path)


def ping(w):
    need('ping')
    words = ['-c', '2', '-i', '0.2', w.server_addr]
    if w.name == 'inside':
        _, _, _ = web(w)
    if w.name != 'direct' and preload_forbidden('ping'):
        if w.name == 'inside':
            raise Skip('ping has rights of its own, which forbid preloading')
        words = [w.rumpus, 'ping', '--on', w.url, *words]
        out = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL,
                             timeout=LIMIT, env=w.env).stdout
    else:
        out = w.run('client', ['ping', *words])
    check(b'2 received' in out, out)


STORIES = [
    ('curl', curl), ('wget', wget), ('nc', nc), ('socat', socat), ('ssh, sshd', ssh),
    ('ssh, shared', ssh_shared), ('scp', scp), ('nginx', nginx), ('redis', redis), ('memcached', memcached), ('python3 http.server', python_http),
    ('python3 asyncio', python_asyncio), ('python3 socketserver, forking', python_forking),
    ('node', node), ('Go http, static', go_http), ('busybox httpd, wget', busybox_net),
    ('iperf3', iperf3), ('dnsmasq, dig', dns), ('git clone over http', git_http),
    ('rsync over ssh', rsync_ssh), ('ip', ip), ('ss', ss), ('tcpdump', tcpdump), ('ping', ping),
]
