# SPDX-License-Identifier: BSD-2-Clause
"""file_stories.py - programs whose files are in the kernel"""

import os
import shutil
import signal
import subprocess

from net_stories import git_repo
from world import LIMIT, Skip, check, check_eq, fresh_port, need


def files(w):
    if w.name == 'inside':
        raise Skip('files of a kernel inside end with their program')
    return w.files


def busybox_files(w):
    need('busybox')
    at = files(w)
    w.run('client', ['busybox', 'mkdir', '-p', at + '/d/e'])
    check_eq('another sees it', b'e\n', w.run('client', ['ls', at + '/d']))
    w.run('client', ['busybox', 'dd', 'if=/dev/zero', 'of=%s/d/e/f' % at, 'bs=4096', 'count=10'])
    out = w.run('client', ['busybox', 'find', at + '/d', '-type', 'f', '-size', '40960c'])
    check_eq('found', '%s/d/e/f\n' % at, out.decode())
    out = w.run('client', ['busybox', 'ls', '-l', at + '/d/e'])
    check(b'40960' in out and b' f\n' in out, out)
    w.run('client', ['busybox', 'rm', '-r', at + '/d'])
    w.run('client', ['busybox', 'ls', at + '/d'], status=1)


def git_tmpfs(w):
    git_repo(w)
    at = files(w) + '/here'
    w.run('client', ['git', 'clone', '-q', w.host_path('web/repo.git'), at])
    w.shell('client', 'cd %s && echo more >>f1 && git add f1 && git commit -qm third && git gc -q' % at)
    check_eq('log', b'third\nsecond\nfirst\n', w.run('client', ['git', '-C', at, 'log', '--format=%s']))
    check_eq('clean', b'', w.run('client', ['git', '-C', at, 'status', '--short']))


def rsync_local(w):
    need('rsync')
    at = files(w)
    for i in range(30):
        w.host_file('tree/%d/file' % i, 'x%d' % i * 100)
    w.run('client', ['rsync', '-a', w.host_path('tree'), at])
    out = w.run('client', ['rsync', '-ai', '--checksum', w.host_path('tree'), at])
    check_eq('nothing left to do', b'', out)
    w.run('client', ['rsync', '-a', at + '/tree/', w.host_path('back')])
    subprocess.run(['diff', '-r', w.host_path('tree'), w.host_path('back')], check=True)


def tar(w):
    at = files(w)
    for i in range(30):
        w.host_file('tree/%d/file' % i, 'y%d' % i * 1000)
    os.symlink('0/file', w.host_path('tree/link'))
    subprocess.run(['tar', '-cf', w.host_path('t.tar'), '-C', w.folder, 'tree'], check=True)
    w.run('client', ['tar', '-xf', w.host_path('t.tar'), '-C', at])
    w.run('client', ['tar', '-czf', w.host_path('u.tgz'), '-C', at, 'tree'])
    os.mkdir(w.host_path('out'))
    subprocess.run(['tar', '-xzf', w.host_path('u.tgz'), '-C', w.host_path('out')], check=True)
    subprocess.run(['diff', '-r', w.host_path('tree'), w.host_path('out/tree')], check=True)


def vim(w):
    need('vim')
    at = files(w)
    w.shell('client', 'printf "one\\ntwo\\nthree\\n" >%s/t' % at)
    w.run('client', ['vim', '-N', '-u', 'NONE', '-es', '-c', '%s/two/zwei/', '-c', 'normal Gofour',
                     '-c', 'wq', at + '/t'])
    check_eq('text', b'one\nzwei\nthree\nfour\n', w.run('client', ['cat', at + '/t']))


def sqlite(w):
    need('sqlite3')
    db = files(w) + '/db'
    out = w.run('client', ['sqlite3', db, 'PRAGMA journal_mode=WAL; CREATE TABLE t(n);'
                           'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT 5000)'
                           'INSERT INTO t SELECT x FROM c; SELECT sum(n) FROM t;'])
    check_eq('mode and sum', b'wal\n12502500\n', out)
    out = w.run('client', ['sqlite3', db, 'DELETE FROM t WHERE n % 2; PRAGMA integrity_check;'
                           'SELECT count(*) FROM t;'])
    check_eq('another process', b'ok\n2500\n', out)


def postgres(w):
    pg = '/usr/lib/postgresql'
    if not os.path.isdir(pg):
        raise Skip('postgres is not installed')
    if os.getuid() == 0:
        raise Skip('postgres does not run as root')
    bindir = os.path.join(pg, sorted(os.listdir(pg))[-1], 'bin')
    at = files(w)
    data = at + '/pg'
    w.run('client', [bindir + '/initdb', '-D', data, '-A', 'trust', '-U', 'u', '--no-sync'], limit=180)
    port = str(fresh_port())
    process = w.start('server', [bindir + '/postgres', '-D', data, '-p', port, '-k', '', '-c',
                                 'listen_addresses=' + w.server_addr, '-c', 'fsync=off',
                                 '-c', 'shared_buffers=16MB'])
    w.wait_log(process, 'ready to accept connections')
    to = ['-h', w.server_addr, '-p', port, '-U', 'u']
    w.run('client', [bindir + '/pgbench', *to, '-i', '-q', 'postgres'], limit=120)
    out = w.run('client', [bindir + '/pgbench', *to, '-c', '2', '-t', '50', 'postgres'], limit=120)
    check(b'100/100' in out, out)
    check_eq('orderly end', 0, w.stop(process, signal.SIGINT, 60))


# It insists on not being user 0, who it would be inside.
postgres.server_options = ['--map-uid=%d:%d:%d' % (os.getuid(), os.getuid(), os.getgid())]


SCRIPT = r"""
cd "$1"
i=0; while [ $i -lt 20 ]; do echo "line $i" >>log; i=$((i + 1)); done
grep -c 'line 1' log
sort -r log | head -n 3 | tr a-z A-Z >up; cat up
{ echo err >&2; echo out; } >both 2>&1; cat both
exec 5>five; echo five >&5; exec 5>&-; cat <five
cat <<END | wc -c
here $(pwd | wc -c >/dev/null; echo doc)
END
(cd /; ls >/dev/null); pwd | sed 's,.*/,,'
mkdir -p a/b && mv log a/b/ && ls a/b && [ -f a/b/log ] && ln -s b/log a/l && wc -l <a/l
rm -r a up both five; ls | wc -l
x=$(echo sub | tee copy); echo $x; cat copy; rm copy
trap 'echo bye' EXIT
"""

SAID = b"""11
LINE 9
LINE 8
LINE 7
err
out
five
9
work
log
20
0
sub
sub
bye
"""


def script_by(shell):
    def story(w):
        need(shell)
        at = files(w) + '/work'
        w.run('client', ['mkdir', '-p', at])
        w.host_file('script', SCRIPT)
        check_eq('what it said', SAID, w.run('client', [shell, '-e', w.host_path('script'), at]))
    return story


def find_sort_xargs(w):
    at = files(w)
    w.shell('client', 'for d in x y z; do mkdir -p %s/$d; for i in 1 2 3; do echo $d$i >%s/$d/$i; done; '
            'done' % (at, at))
    out = w.shell('client', 'find %s -type f | sort | xargs -n 2 cat | tr "\\n" " "' % at)
    check_eq('in order', b'x1 x2 x3 y1 y2 y3 z1 z2 z3 ', out)
    out = w.shell('client', 'cd %s && grep -rl y2 . && find . -name 3 -exec rm {} + && '
                  'find . -type f | wc -l' % at)
    check_eq('grep and rm', b'./y/2\n6\n', out)


def make(w):
    need('make', 'gcc')
    at = files(w)
    w.host_file('src/Makefile', 'prog: a.o b.o c.o\n\tgcc -o $@ $^\n%.o: %.c h.h\n\tgcc -c -O1 -o $@ $<\n')
    w.host_file('src/h.h', 'int a(void); int b(void);\n')
    w.host_file('src/a.c', '#include "h.h"\nint a(void) { return 40; }\n')
    w.host_file('src/b.c', '#include "h.h"\nint b(void) { return 2; }\n')
    w.host_file('src/c.c', '#include <stdio.h>\n#include "h.h"\nint main(void) '
                '{ printf("%d\\n", a() + b()); return 0; }\n')
    w.run('client', ['cp', '-r', w.host_path('src'), at])
    w.run('client', ['make', '-s', '-j2', '-C', at + '/src'], limit=120)
    check_eq('it runs', b'42\n', w.run('client', [at + '/src/prog']))
    check(b'up to date' in w.run('client', ['make', '-C', at + '/src']), 'times')


def strace(w):
    need('strace')
    out = w.run('client', ['strace', '-f', '-o', w.host_path('trace'), 'ls', files(w)])
    check_eq('empty', b'', out)
    with open(w.host_path('trace'), encoding='utf-8', errors='replace') as file:
        check('exit_group(0)' in file.read() or 'exited with 0', 'the trace ends')


def gdb(w):
    need('gdb')
    at = files(w)
    w.shell('client', 'echo seen >%s/t' % at)
    out = w.run('client', ['gdb', '-q', '-batch', '-nx', '-iex', 'set debuginfod enabled off', '-ex',
                           'run', '--args', 'cat', at + '/t'])
    check(b'seen' in out and b'exited normally' in out, out)


def coreutils(w):
    at = files(w)
    w.host_file('data', bytes(range(256)) * 1000)
    w.run('client', ['cp', '-a', w.host_path('data'), at])
    w.run('client', ['cmp', w.host_path('data'), at + '/data'])
    sums = [w.run('client', ['sha256sum', path]).split()[0] for path in (w.host_path('data'), at + '/data')]
    check_eq('sums', sums[0], sums[1])
    w.run('client', ['truncate', '-s', '10', at + '/data'])
    check_eq('size', b'10\n', w.run('client', ['stat', '-c', '%s', at + '/data']))
    w.run('client', ['ln', '-s', 'data', at + '/l'])
    check_eq('link', (at + '/data\n').encode(), w.run('client', ['realpath', at + '/l']))
    w.run('client', ['mv', at + '/data', w.host_path('moved')])
    check_eq('across the border', 10, os.path.getsize(w.host_path('moved')))
    w.run('client', ['rm', at + '/l'])
    check_eq('nothing', b'', w.run('client', ['ls', '-A', at]))


def python_files(w):
    at = files(w)
    out = w.run('client', ['python3', '-c', """
import os, sys, mmap, tempfile, shutil, subprocess
os.chdir(sys.argv[1]); os.makedirs('p/q')
with open('p/f', 'w') as f: f.write('hello\\n' * 1000)
with open('p/f', 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0); m[0:5] = b'HELLO'; m.flush(); m.close()
print(open('p/f').readline().strip(), os.path.getsize('p/f'), sorted(os.listdir('p')))
print(os.getcwd() == sys.argv[1], [e.name for e in os.scandir('p') if e.is_dir()])
print(subprocess.run(['wc', '-l'], stdin=open('p/f'), capture_output=True, text=True).stdout.strip())
os.rename('p/f', 'p/q/g'); shutil.rmtree('p'); print(os.listdir('.'))
""", at])
    check_eq('said', "HELLO 6000 ['f', 'q']\nTrue ['q']\n1000\n[]\n", out.decode())


def image_shell(w):
    """Not a program of Debian's: "rumpus sh" with a few of them in it."""
    need('mkfs.ext4', 'grep', 'find')
    if w.name != 'server':
        raise Skip('it has a server of its own')
    w.host_file('tree/etc/name', 'value\n')
    w.host_file('tree/blob', bytes(range(256)) * 500)
    image = w.host_path('disk.img')
    subprocess.run(['mkfs.ext4', '-q', '-F', '-d', w.host_path('tree'), image, '16M'], check=True,
                   env=w.env, stdin=subprocess.DEVNULL)

    def inside(*argv, status=0, stdin=b''):
        done = subprocess.run([w.rumpus, 'sh', image, *argv], input=stdin, capture_output=True,
                              env={**w.env, 'SHELL': '/bin/bash'}, cwd=w.folder, timeout=LIMIT, check=False)
        check_eq('status of %s: %.300r' % (argv, done.stderr), status, done.returncode)
        return done.stdout

    check_eq('grep', b'/image/etc/name:value\n', inside('grep', '-r', 'value', '/image'))
    check_eq('find', b'/image/blob\n', inside('find', '/image', '-size', '+100k', '-type', 'f'))
    inside('cmp', '/image/blob', w.host_path('tree/blob'))
    check_eq('the user\'s shell', b'/image\nvalue\n', inside(stdin=b'pwd; cat etc/name; exit 3', status=3))
    # mke2fs has kept the owner of what it copied.
    check_eq('the owner in the image', b'%d\n' % os.getuid(), inside('stat', '-c', '%u', '/image/etc'))
    inside('touch', '/image/new', status=1)
    check_eq('nothing is left', [], [n for n in os.listdir(w.folder) if n.startswith('rumpus-sh')])


STORIES = [
    ('rumpus sh', image_shell), ('coreutils', coreutils), ('busybox, static', busybox_files), ('git on tmpfs', git_tmpfs),
    ('rsync', rsync_local), ('tar', tar), ('vim', vim), ('sqlite3, WAL', sqlite),
    ('postgres, pgbench', postgres), ('bash', script_by('bash')), ('dash', script_by('dash')),
    ('find, sort, xargs, grep', find_sort_xargs), ('make -j2, gcc', make), ('strace', strace),
    ('gdb', gdb), ('python3 on files', python_files),
]
