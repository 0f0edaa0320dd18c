#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""collisions.py BUILD - what we install has only names that are ours

Every global symbol of an installed library begins with rump: a program may
call its own functions as it likes.
"""

import glob
import os

import common

OURS = ('rump_', 'rumpuser_', 'rumpsim_', 'rumpcomp_', 'rumpns_', 'rumphost_', 'rumpclient_')


def main():
    build = common.build_folder()
    findings = set()
    libraries = [path for pattern in ('librump*.a', 'hyper/librump*.a', 'librump*.so',
                                      'hyper/librump*.so', 'client/librumpclient/librump*.a',
                                      'client/librumpclient/librump*.so')
                 for path in glob.glob(os.path.join(build, pattern))]
    for path in sorted(libraries):
        if path.endswith(('_raw.a', '_host.a')):
            continue
        dynamic = ['-D'] if path.endswith('.so') else []
        for name, _ in common.symbols(path, '-g', '--defined-only', *dynamic):
            if not name.startswith(OURS):
                findings.add(f'{os.path.basename(path)} has the global symbol {name}')
    common.finish(sorted(findings))


main()
