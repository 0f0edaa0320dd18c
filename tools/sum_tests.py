#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""sum_tests.py [--also-failed N] TESTLOG.json... - add up what the tests said

A test program that ends with "N passed, N failed, N skipped" counts so; any
other counts as one.  A program that ends badly without having counted a
failure counts as one failure more.  What failed is shown, at the end one line
of the same form is printed, and the exit status is 1 if anything failed or
nothing ran.
"""

import argparse
import json
import os
import re
import sys

SUMMARY = re.compile(r'^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$', re.MULTILINE)
SKIPPED = 77
SHOWN_LINES = 300       # the stacks of a crowd that hangs have room in it


def count(entry):
    result = entry['result']
    found = SUMMARY.findall(entry.get('stdout') or '')
    if found:
        passed, failed, skipped = (int(n or 0) for n in found[-1])
        if result not in ('OK', 'SKIP') and failed == 0:
            failed = 1
        return passed, failed, skipped
    if result == 'SKIP':
        return 0, 0, 1
    return (1, 0, 0) if result == 'OK' else (0, 1, 0)


def interesting(text):
    lines = [line for line in text.splitlines() if not re.match(r'ok \d+ ', line)]
    return lines[-SHOWN_LINES:]


def show(path, entry):
    print(f"-- {os.path.dirname(os.path.dirname(path))}: {entry['name']}: {entry['result']}")
    for stream in ('stdout', 'stderr'):
        for line in interesting(entry.get(stream) or ''):
            print('   ' + line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--also-failed', type=int, default=0)
    parser.add_argument('logs', nargs='*')
    args = parser.parse_args()

    totals = [0, args.also_failed, 0]
    for path in args.logs:
        mine = [0, 0, 0]
        if not os.path.exists(path):  # no test at all
            totals[1] += 1
            continue
        with open(path, encoding='utf-8', errors='replace') as log:
            for line in log:
                entry = json.loads(line)
                counted = count(entry)
                mine = [a + b for a, b in zip(mine, counted)]
                if counted[1] > 0:
                    show(path, entry)
        where = os.path.dirname(os.path.dirname(path))
        print(f'{where}: {mine[0]} ok, {mine[1]} not, {mine[2]} left out')
        totals = [a + b for a, b in zip(totals, mine)]
    print(f'{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped')
    sys.exit(1 if totals[1] > 0 or totals[0] == 0 else 0)


main()
