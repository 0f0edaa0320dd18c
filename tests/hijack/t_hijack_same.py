#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_hijack_same.py RUMPUS REPLAY SERVER - calls have the same outcome hijacked and not

Sequences of system calls, made from seeds, run on a tmpfs of the host and, hijacked, on
one of the kernel; what each call returned and wrote has to be the same text.
"""

import os
import subprocess
import sys
import tempfile

RUMPUS, REPLAY, SERVER = (os.path.abspath(a) for a in sys.argv[1:4])
SEED = os.environ.get('HIJACK_SEED', '1')
SEQUENCES = os.environ.get('HIJACK_SEQUENCES', '60')
CALLS = '120'
LIMIT = 100
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


def by_engine(engine, folder):
    """With a kernel of its own in a server: what sequences leave is not seen by the next."""
    url = 'unix://' + os.path.join(folder, engine)
    with subprocess.Popen([SERVER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        result = replay([RUMPUS, 'run', '--server', url, '--engine', engine, '--path', '/rump', '--'],
                        '/rump/tmp')
        server.stdin.close()
    return result


def main():
    os.environ.pop('RUMP_SERVER', None)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        code, want, errors = replay([], '/rump/tmp')
        if code == 77:
            print('0 passed, 0 failed, 2 skipped (%s)' % errors.strip())
            sys.exit(77)
        results = [compare('kernel inside', want, replay([RUMPUS, 'run', '--path', '/rump', '--'], '/rump/tmp'))]
        for engine in ENGINES:
            results.append(compare(engine, want, by_engine(engine, folder)))
    print('%d passed, %d failed, 0 skipped, %d calls each'
          % (sum(results), len(results) - sum(results), len(want)))
    sys.exit(0 if all(results) else 1)


main()
