#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""needs.py BUILD - a library links with what it says it needs, and no other

The shared libraries are linked with -z defs, so nothing is missing; here what
the dynamic section of each names is held against its manifest.
"""

import os
import re
import subprocess

import common

ALWAYS = {'librumpuser.so.0', 'libc.so.6', 'ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1'}
SANITIZERS = re.compile(r'lib(asan|ubsan|tsan)\.so')


def needed(path):
    out = subprocess.run(['readelf', '-d', '-W', path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return set(re.findall(r'\(NEEDED\).*\[(.*?)\]', out))


def main():
    build = common.build_folder()
    findings = []
    for name, _, needs, _ in common.manifest(build):
        path = os.path.join(build, f'lib{name}.so')
        allowed = ALWAYS | {'librump.so.0'} | {f'librump{need}.so.0' for need in needs}
        for library in sorted(needed(path)):
            if library not in allowed and not SANITIZERS.match(library):
                findings.append(f'lib{name}.so links with {library}, which it does not declare')
        undefined = [symbol for symbol, _ in common.symbols(path, '-D', '-u')
                     if symbol.startswith('rumpns_')]
        offered = set()
        for other in ['rump'] + ['rump' + need for need in needs]:
            offered |= {symbol for symbol, _ in
                        common.symbols(os.path.join(build, f'lib{other}.so'), '-D',
                                       '--defined-only')}
        findings += [f'lib{name}.so wants {symbol}, which nothing it needs has'
                     for symbol in undefined if symbol not in offered]
    common.finish(findings)


main()
