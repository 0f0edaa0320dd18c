#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_harness.py SAMPLE - the harness tells right from wrong

Runs the program made of sample.c, whose tests are named after what must
become of them.
"""

import re
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
    'fails_too_slow': 'took too long',
    'fails_deadlock': 'deadlock',
    'fails_leak': 'left things behind',
    'fails_third_seed': 'with seed 3',
    'fails_sweep_with_wrong_error': 'returned error 22',
    'fails_sweep_that_leaks': 'left things behind',
    'fails_fresh_sweep_that_leaks': 'with failure 2 of the sweep',
}


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
        said = []
    want = f"{counts['passes']} passed, {counts['fails']} failed, {counts['skips']} skipped"
    if lines[-1] != want:
        bad.append(f'last line: want "{want}", got "{lines[-1]}"')
    if result.returncode != 1:
        bad.append(f'exit status {result.returncode}')
    if set(REASONS) - {re.sub(r'.* - (\w+).*', r'\1', line) for line in lines}:
        bad.append('not all tests ran')
    print('\n'.join(bad))
    print(f'{sum(counts.values()) - len(bad)} passed, {len(bad)} failed')
    sys.exit(1 if bad else 0)


main()
