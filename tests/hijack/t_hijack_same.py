#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_same.py RUMPUS REPLAY SERVER SEQUENCE STATIC - calls have the same outcome hijacked and not

Sequences of system calls, made from seeds, run on a tmpfs of the host and, hijacked, on
one of the kernel; what each call returned and wrote has to be the same text.  REPLAY makes those
on files, SEQUENCE those on sockets and processes, STATIC the same and is linked statically.
"""

import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'harness'))
import patience  # noqa: E402

RUMPUS, REPLAY, SERVER, SEQUENCE, STATIC = (os.path.abspath(a) for a in sys.argv[1:6])
SEED = os.environ.get('HIJACK_SEED', '1')
SEQUENCES = os.environ.get('HIJACK_SEQUENCES', '60')
CALLS = '120'
LIMIT = patience.seconds(60)
ENGINES = ['preload', 'trap', 'supervisor']


def replay(command, folder):
    with tempfile.NamedTemporaryFile() as file:
        run = subprocess.run([*command, REPLAY, folder, SEED, SEQUENCES, CALLS, file.name], check=False,
                             timeout=LIMIT, stderr=subprocess.PIPE)
        return run.returncode, file.read().decode(errors='replace').splitlines(), run.stderr.decode()


def compare(name, want, got):
    code, lines, errors = got
    if code != 0 or errors:
        print('# %s: code %d, %s' % (name, code, errors))
        return False
    for left, right in zip(want, lines):
        if left != right:
            print('# %s\n#   host: %s\n#   ours: %s' % (name, left, right))
            return False
    if len(want) != len(lines):
        print('# %s: %d lines of %d' % (name, len(lines), len(want)))
    return len(want) == len(lines)


def with_server(engine, folder, run):
    """With a kernel of its own in a server: what sequences leave is not seen by the next."""
    url = 'unix://' + tempfile.mktemp(dir=folder)
    with subprocess.Popen([SERVER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        result = run([RUMPUS, 'run', '--server', url, '--engine', engine, '--path', '/rump',
                      '--socket', 'all', '--'])
        server.stdin.close()
    return result


def sequences(program, folder):
    """Runs them after the words of a command."""
    def run(command):
        done = subprocess.run([*command, program, folder, SEED, str(int(SEQUENCES) // 4), CALLS], check=False,
                              timeout=LIMIT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        return done.returncode, done.stdout.decode(errors='replace').splitlines(), done.stderr.decode()
    return run


def same_sequences(engine, folder):
    program = STATIC if engine == 'supervisor' else SEQUENCE
    with tempfile.TemporaryDirectory(dir=folder) as here:
        code, want, errors = sequences(program, here)([])
    if code != 0 or len(want) < 100:
        print('# on the host: code %d, %s' % (code, errors))
        return False
    return compare('sockets, ' + engine, want, with_server(engine, folder, sequences(program, '/rump/tmp')))


def main():
    os.environ.pop('RUMP_SERVER', None)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        results = [same_sequences(engine, folder) for engine in ENGINES]
        code, want, errors = replay([], '/rump/tmp')
        if code == 77:
            print('# files: %s' % errors.strip())
        else:
            results.append(compare('kernel inside', want, replay([RUMPUS, 'run', '--path', '/rump', '--'],
                                                                 '/rump/tmp')))
            for engine in ENGINES:
                results.append(compare(engine, want, with_server(
                    engine, folder, lambda command: replay(command, '/rump/tmp'))))
    print('%d passed, %d failed, %d skipped, %d calls on files each'
          % (sum(results), len(results) - sum(results), 7 - len(results), len(want)))
    sys.exit(0 if all(results) else 1)


main()
