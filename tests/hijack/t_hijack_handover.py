#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_handover.py RUMPUS STATIC SP_SERVER - from the library to the supervisor

A shell into which the library is preloaded starts programs into which nothing can be, and these
start others.  Each script is run twice: by the host in a folder of its own, and hijacked in a folder
of the kernel; what it says has to be the same.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'rumpus'))

# pylint: disable=wrong-import-position
import rig
from worlds import PYTHON, Worlds, have

STATIC = os.path.abspath(sys.argv.pop(2))
HERE = os.path.dirname(os.path.abspath(__file__))
os.environ['STATIC'] = STATIC


def a_static_program_sees_the_files_of_its_shell():
    have('busybox')
    script = '''
mkdir $R/d; echo hello >$R/d/file
$B ls $R/d; $B cat $R/d/file $R/d/nothing
$B cp $R/d/file $R/d/copy; cmp $R/d/file $R/d/copy && echo alike
cd $R/d; $B pwd; $B ls; $B mv copy moved; ls
(cd ..; $B ls; $B rm d/moved)
$B ls | sort -r; ls | $B wc -l
exit $($B expr 3 + 4)
'''
    with Worlds() as worlds:
        worlds.same('dash', '-c', script, needles=(b'hello', b'alike', b'FOLDER/d\n'))
        worlds.same('bash', '-c', script.replace('mkdir $R/d;', ''))


def it_has_the_descriptors_of_its_shell():
    have('busybox')
    script = '''
echo one two >$R/file
exec 3<$R/file 4>$R/out 5<&3
$B cat <&3; echo rest: $(cat <&5)
$B echo from the static one >&4
$B sh -c 'echo both >&4; cat <$R/file; exec 4>&-; echo gone >&4'
echo from the shell >&4
cat $R/out
exec 4>&- 3<&-
$B cat <&3
$B printf '%s\\n' a b c | while read x; do $B echo "<$x>"; done >$R/list
$B sort -r $R/list
'''
    with Worlds() as worlds:
        worlds.same('bash', '-c', script, needles=(b'from the static one', b'<c>'))


def it_is_the_process_that_was_meant():
    """Its number, parent, group and end are those of the process that executed it."""
    have('busybox')
    script = '''
$B true; echo $?
$B sh -c 'exit 9'; echo $?
$B sh -c 'kill -TERM $$'; echo $?
x=$(sh -c 'echo $$; exec $B sh -c "echo \\$\\$; $B readlink /proc/self/exe >/dev/null"')
set -- $x; [ $1 = $2 ] && echo the same
$B sleep 100 & kill $!; wait $!; echo $?
$B sleep 100 & kill -STOP $!; kill -KILL $!; wait $! 2>/dev/null; echo $?
$B ps -o pid,ppid,comm >/dev/null; echo $?
$B nothing; echo $?
/nowhere/nothing; echo $?
$R/file; echo $?
'''
    with Worlds() as worlds:
        worlds.same('bash', '-c', script, needles=(b'the same\n', b'0\n9\n'))


def children_of_vfork_and_python_are_handed_over():
    have('busybox')
    script = '''
import os, socket, subprocess
r = os.environ["R"]
open(r + "/in", "w").write("from python")
print(subprocess.run(["busybox", "cat", r + "/in"], stdout=subprocess.PIPE).stdout)
with open(r + "/out", "w") as out:
    subprocess.run(["busybox", "echo", "to a file"], stdout=out, check=True)
print(open(r + "/out").read())
f = open(r + "/in")
g = open(r + "/out")
code = "cat <&%d; cat <&%d" % (f.fileno(), g.fileno())
print(subprocess.run(["busybox", "sh", "-c", code], pass_fds=[f.fileno()],
                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
pid = os.posix_spawn("/usr/bin/busybox", ["busybox", "sh", "-c", "cat; exit 4"], os.environ,
                     file_actions=[(os.POSIX_SPAWN_OPEN, 0, r + "/in", os.O_RDONLY, 0)])
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(subprocess.run(["busybox", "pwd"], cwd=r, stdout=subprocess.PIPE).stdout)
try:
    subprocess.run([r + "/in"])
except OSError as e:
    print(e)
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', script, needles=(b'from python', b'4\n'))


def sockets_go_with_it():
    """Listening at the kernel's address, which the host does not have."""
    script = '''
import os, socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
d = s.accept()[0]
s.close()
os.dup2(d.fileno(), 3)
d.close()
child = subprocess.Popen(sys.argv[1:], pass_fds=[3])
os.close(3)
c.sendall(b"question")
answer = b""
while True:
    more = c.recv(100)
    if not more:
        break
    answer += more
print(answer, child.wait())
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-c', script, STATIC, 'answers', needles=(b'question answered',))
        have('busybox')
        worlds.same(PYTHON, '-c', script, 'busybox', 'sh', '-c',
                    'busybox head -c 8 <&3 >&3; echo " by busybox" >&3')


def what_is_closed_on_exec_is_closed_in_the_kernel():
    """Both ends go with those who had them, though a child runs on."""
    have('busybox')
    script = '''
import os, signal, socket
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
d = s.accept()[0]
pid = os.fork()
if pid == 0:
    os.execlp("busybox", "busybox", "sleep", "1000")
d.close()
print(c.recv(10))
os.kill(pid, signal.SIGKILL)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
'''
    with Worlds() as worlds:
        worlds.same(PYTHON, '-u', '-c', script, needles=(b"b''\n-9\n",))


def programs_of_the_kernel_are_handed_over():
    have('busybox')
    script = '''
cp $(command -v busybox) $R/busybox; cp $STATIC $R/static
echo text >$R/file
$R/busybox cat $R/file; (cd $R; ./busybox ls)
printf '#!%s sh\\necho "$0 $1"; cat $R/file; echo "$(pwd)"\\n' $R/busybox >$R/script
printf '#!%s sh\\necho "$0 $1"; cat $R/file\\n' $(command -v busybox) >$R/other
chmod +x $R/script $R/other
$R/script one; $R/other two; cd $R; ./other three
env -i $R/busybox ls
'''
    with Worlds() as worlds:
        worlds.same('dash', '-c', script, needles=(b'FOLDER/script one\ntext\n',))


def supervised_programs_start_dynamic_ones():
    have('busybox')
    script = '''busybox sh -c '
cd $R; echo content >f; /bin/cat f; /usr/bin/python3 -c "
import os
print(open(\\\\"f\\\\").read(), os.getcwd())
"; /bin/sh -c "busybox cat f; exec /bin/ls" | sort' '''
    with Worlds() as worlds:
        worlds.same('bash', '-c', script, needles=(b'content',))


def a_program_of_go_sees_the_kernel():
    have('go', 'bash')
    with Worlds() as worlds:
        program = os.path.join(worlds.folder.name, 'handover')
        build = subprocess.run(['go', 'build', '-o', program, os.path.join(HERE, 'handover.go')],
                               check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               env=dict(os.environ, CGO_ENABLED='0', GO111MODULE='off',
                                        GOCACHE=os.path.join(worlds.folder.name, 'cache'),
                                        GOPATH=os.path.join(worlds.folder.name, 'path')))
        if build.returncode != 0:
            raise rig.Skip('go does not build: %r' % build.stdout[-200:])
        script = 'cd $R; echo data >file; $GO file; echo $?; cat file.copy; $GO $R/nothing; ls'
        worlds.same('bash', '-c', script, env={'GO': program}, needles=(b'"data\\n" <nil>',))
        script = '''
import os, socket, subprocess
s = socket.create_server(("127.0.0.1", 0))
c = socket.create_connection(s.getsockname())
d = s.accept()[0]
s.close()
os.dup2(d.fileno(), 3)
child = subprocess.Popen([os.environ["GO"]], pass_fds=[3])
c.sendall(b"word")
print(c.recv(100), child.wait())
'''
        worlds.same(PYTHON, '-c', script, env={'GO': program}, needles=(b'word of Go',))


def a_musl_program_sees_the_kernel():
    have('musl-gcc')
    with Worlds() as worlds:
        program = os.path.join(worlds.folder.name, 'musl')
        source = ('#include <stdio.h>\nint main(int argc, char **argv) { char b[99]; FILE *f = '
                  'fopen(argv[1], "r"); return f == NULL || fgets(b, 99, f) == NULL ? 1 : '
                  '!printf("musl: %s", b); }\n')
        rig.tool('musl-gcc', '-x', 'c', '-o', program, '-', input=source.encode())
        worlds.same('sh', '-c', 'echo x >$R/file; $P $R/file; echo $?', env={'P': program},
                    needles=(b'musl: x',))


def the_front_stands_where_only_ancestors_may_look():
    """As on hosts with Yama: the program is somebody else's child, and the rest is the same."""
    have('busybox')
    with Worlds() as worlds:
        helper = os.environ.get('RUMPHIJACK_SUPERVISOR') or os.path.join(
            os.path.dirname(rig.RUMPUS), '..', '..', 'client', 'supervisor', 'rumpus-supervise')
        if not os.access(helper, os.X_OK):
            raise rig.Skip('the helper is not beside rumpus')
        env = dict(os.environ, RUMP_SERVER=worlds.url, RUMPHIJACK='path=/rump')
        result = subprocess.run([helper, '--front', 'busybox', 'sh', '-c',
                                 'echo x >/rump/f; cat /rump/f; exit 3'], env=env, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=rig.LIMIT)
        rig.check_eq('front', (3, b'x\n'), (result.returncode, result.stdout))
        process = subprocess.Popen([helper, '--front', 'busybox', 'sleep', '1000'], env=env)
        process.send_signal(signal.SIGTERM)
        rig.check_eq('signal', -signal.SIGTERM, process.wait(rig.LIMIT))
        # Handed over to a front: by a script that is called like the supervisor.
        shim = os.path.join(worlds.folder.name, 'shim')
        with open(shim, 'w', encoding='ascii') as file:
            file.write('#!/bin/sh\nunset LD_PRELOAD\nexec %s --front "$@"\n' % helper)
        os.chmod(shim, 0o755)
        os.environ['RUMPHIJACK_SUPERVISOR'] = shim
        try:
            worlds.same('bash', '-c', 'cd $R; echo a >f; exec 4>o 3<f; $B cat <&3; '
                        '$B echo b >&4; exec 4>&-; $B cat o; $B pwd; $B sh -c "exit 5"; echo $?',
                        needles=(b'a\nb\nFOLDER\n5\n',))
        finally:
            del os.environ['RUMPHIJACK_SUPERVISOR']


def who_reads_the_output_sees_its_end():
    """Neither the supervisor nor anybody else keeps what the program had."""
    have('busybox')
    with Worlds() as worlds:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = subprocess.Popen(worlds.words(
                'sh', '-c', 'busybox sleep 1000 >/dev/null & echo $!; exec busybox echo end'),
                stdin=subprocess.DEVNULL, stdout=theirs)
            theirs.close()
            ours.settimeout(rig.LIMIT)
            said = b''
            while True:
                more = ours.recv(100)
                said += more
                if not more:
                    break
            process.wait(rig.LIMIT)
            rig.check(said.endswith(b'end\n'), 'it said %r' % said)
            os.kill(int(said.split()[0]), signal.SIGKILL)


rig.main([
    a_static_program_sees_the_files_of_its_shell,
    it_has_the_descriptors_of_its_shell,
    it_is_the_process_that_was_meant,
    children_of_vfork_and_python_are_handed_over,
    sockets_go_with_it,
    what_is_closed_on_exec_is_closed_in_the_kernel,
    programs_of_the_kernel_are_handed_over,
    supervised_programs_start_dynamic_ones,
    a_program_of_go_sees_the_kernel,
    a_musl_program_sees_the_kernel,
    the_front_stands_where_only_ancestors_may_look,
    who_reads_the_output_sees_its_end,
])
