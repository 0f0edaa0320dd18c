#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""undefined.py BUILD - kernel code wants nothing but hypercalls and mem*

All kernel objects of all libraries, before any renaming, are linked into one;
what is still undefined then is what the kernel wants from outside.
"""

import glob
import os
import subprocess
import tempfile

import common

ALLOWED = {'memcpy', 'memmove', 'memset', 'memcmp', '_GLOBAL_OFFSET_TABLE_',
           '__tls_get_addr',                    # thread-local storage
           '__cpu_model', '__cpu_indicator_init',       # what this CPU can do
           '__udivti3', '__umodti3', '__divti3', '__modti3', '__muloti4',
           '__popcountdi2', '__popcountsi2', '__clzti2', '__ctzti2'}
ALLOWED_PREFIXES = ('rumpuser_', 'rumpcomp_',
                    '__asan_', '__ubsan_', '__tsan_', '__sanitizer_', '__sancov_')


def main():
    build = common.build_folder()
    archives = sorted(glob.glob(os.path.join(build, 'librump*_raw.a')))
    if not archives:
        common.finish(['no kernel archive in ' + build])
    with tempfile.TemporaryDirectory() as tmp:
        joined = os.path.join(tmp, 'kernel.o')
        subprocess.run(['ld', '-r', '-o', joined, '--whole-archive', *archives], check=True)
        wanted = sorted({name for name, _ in common.symbols(joined, '-u')})
        common.finish([f'kernel code wants {name}' for name in wanted
                       if name not in ALLOWED and not name.startswith(ALLOWED_PREFIXES)])


main()
