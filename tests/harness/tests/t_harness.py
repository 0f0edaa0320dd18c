#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_harness.py SAMPLE - the harness tells right from wrong

Runs the program made of sample.c, whose tests are named after what must
become of them.  The one that hangs runs twice, until its time is up and until
the harness is told to end: where its threads are has to be said both times.
"""

import re
import signal
import subprocess
import sys

REASONS = {
    'fails_check': 'does not hold: 1 + 1 == 3',
    'fails_number': 'want 3 (0x3), got 2 (0x2)',
    'fails_string': 'got  "(null)"',
    'fails_bytes': 'differs from byte 2 of 3 on',
    'fails_need': 'needed, and does not hold',
    'fails_crash': 'killed by signal 9',
    'fails_exit': 'exit status 5',
    'fails_too_slow': '# took too long',
    'fails_deadlock': 'deadlock',
    'fails_leak': 'left things behind',
    'fails_third_seed': 'with seed 3',
    'fails_sweep_with_wrong_error': 'returned error 22',
    'fails_sweep_that_leaks': 'left things behind',
    'fails_fresh_sweep_that_leaks': 'with failure 2 of the sweep',
}

WHERE = ('# here it hangs', 'second_hangs+0x', 'fails_too_slow+0x')    # two threads that hang


def unsaid(what, wanted, text):
    return [f'{what}: no "{words}"' for words in wanted if words not in text]


def ended_from_outside():
    """What is wrong with how it ends a test that hangs when it is told to."""
    process = subprocess.Popen([sys.argv[1], '-t', '1000', 'fails_too_slow'], text=True,
                               stdout=subprocess.PIPE)
    said = [process.stdout.readline()]
    process.send_signal(signal.SIGTERM)
    said += process.stdout.readlines()
    bad = unsaid('ended from outside', WHERE + ('told to end by signal 15', 'was ended from outside',
                                                '0 passed, 1 failed, 0 skipped'), ''.join(said))
    if process.wait() != 1:
        bad.append(f'ended from outside: exit status {process.returncode}')
    return bad


def main():
    result = subprocess.run(sys.argv[1:], check=False, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)
    lines = result.stdout.splitlines()
    counts = {'passes': 0, 'fails': 0, 'skips': 0}
    bad = []
    said = []
    for line in lines:
        said.append(line)
        match = re.match(r'(ok|not ok) \d+ - (\w+)(.*)', line)
        if not match:
            continue
        verdict, name, rest = match.groups()
        kind = name.split('_')[0]
        counts[kind] += 1
        skipped = '# SKIP' in rest
        if (verdict == 'not ok') != (kind == 'fails') or skipped != (kind == 'skips'):
            bad.append(line)
        if name in REASONS and REASONS[name] not in '\n'.join(said):
            bad.append(f'{name}: the output does not say "{REASONS[name]}"')
        if name == 'fails_too_slow':
            bad += unsaid(name, WHERE, ''.join(said))
        said = []
    want = f"{counts['passes']} passed, {counts['fails']} failed, {counts['skips']} skipped"
    if lines[-1] != want:
        bad.append(f'last line: want "{want}", got "{lines[-1]}"')
    if result.returncode != 1:
        bad.append(f'exit status {result.returncode}')
    if set(REASONS) - {re.sub(r'.* - (\w+).*', r'\1', line) for line in lines}:
        bad.append('not all tests ran')
    bad += ended_from_outside()
    print('\n'.join(bad))
    print(f'{sum(counts.values()) - len(bad)} passed, {len(bad)} failed')
    sys.exit(1 if bad else 0)


main()
