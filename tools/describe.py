#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""describe.py BUILD - the parts of the kernel: what they are, need and weigh"""

import os
import sys


ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir)


def count_lines(sources):
    total = 0
    for source in sources:
        with open(os.path.join(ROOT, source), encoding='utf-8') as text:
            total += sum(1 for _ in text)
    return total


def main():
    build = sys.argv[1]
    print(f"{'library':<18} {'files':>5} {'lines':>6}  {'needs':<12} about")
    with open(os.path.join(build, 'kernel-libs.tsv'), encoding='utf-8') as manifest:
        for line in manifest:
            name, about, needs, sources = line.rstrip('\n').split('\t')
            sources = sources.split()
            print(f"{'lib' + name:<18} {len(sources):>5} {count_lines(sources):>6}"
                  f"  {needs or '-':<12} {about}")


main()
