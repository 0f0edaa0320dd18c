#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""kobj.py - make one kernel object out of many, in the kernel's name space

    kobj.py -o OUT.o [--archive OUT.a] [--host HOST.a] [--keep PREFIX]... RAW.a
    kobj.py --hypercalls ...
    kobj.py --client ...

The objects in RAW.a are linked with `ld -r`.  Every global symbol, defined or
wanted, gets the prefix rumpns_, so that the plain names in the source never
meet those of a program or of its C library.  What keeps its name:

    rump_*, rumpuser_*, rumpcomp_*   the public doors
    memcpy memmove memset memcmp     what a compiler may call by itself
    __* and _GLOBAL_OFFSET_TABLE_    the compiler's run time

A kernel object which wants a libc function therefore wants rumpns_thatfunction,
which nobody has: the link fails and names it.  Objects in HOST.a (the libc-like
stubs, a component's host/ folder) are joined after the renaming, untouched.

With --hypercalls the objects are a host: they want the C library's names as
they are, and what they define themselves and is no hypercall becomes
rumphost_*.  With --client they are a library for clients: what they define and is
neither rumpclient_* nor a stub becomes rumpclient_i_*.
"""

import argparse
import os
import subprocess
import sys
import tempfile

KEEP = ('rump_', 'rumpuser_', 'rumpcomp_', 'rumpsim_', '__', '_GLOBAL_OFFSET_TABLE_')
KEEP_EXACT = {'memcpy', 'memmove', 'memset', 'memcmp'}
KERNEL_PREFIX = 'rumpns_'
HOST_PREFIX = 'rumphost_'
CLIENT_KEEP = ('rumpclient_', 'rump_sys_')
CLIENT_PREFIX = 'rumpclient_i_'


def run(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    if result.returncode != 0:
        sys.exit(f"kobj.py: {' '.join(command)}: exit status {result.returncode}")


def global_symbols(nm, path, *options):
    out = subprocess.run([nm, '-g', '-P', *options, path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return sorted({line.split()[0] for line in out.splitlines() if line.strip()})


def keeps_name(name, keep):
    return name in KEEP_EXACT or \
        name.startswith(KEEP + (KERNEL_PREFIX, HOST_PREFIX) + tuple(keep))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('-o', dest='out', required=True)
    parser.add_argument('--archive')
    parser.add_argument('--host')
    parser.add_argument('--keep', action='append', default=[])
    parser.add_argument('--ld', default='ld')
    parser.add_argument('--nm', default='nm')
    parser.add_argument('--objcopy', default='objcopy')
    parser.add_argument('--ar', default='ar')
    parser.add_argument('--hypercalls', action='store_true')
    parser.add_argument('--client', action='store_true')
    parser.add_argument('raw')
    args = parser.parse_args()
    prefix = HOST_PREFIX if args.hypercalls else CLIENT_PREFIX if args.client else KERNEL_PREFIX
    which = ['--defined-only'] if args.hypercalls or args.client else []

    with tempfile.TemporaryDirectory(dir=os.path.dirname(args.out) or '.') as tmp:
        joined = os.path.join(tmp, 'joined.o')
        renamed = os.path.join(tmp, 'renamed.o')
        names = os.path.join(tmp, 'names')
        run(args.ld, '-r', '-o', joined, '--whole-archive', args.raw)
        with open(names, 'w', encoding='ascii') as table:
            for name in global_symbols(args.nm, joined, *which):
                if not (name.startswith(CLIENT_KEEP) if args.client else
                        keeps_name(name, args.keep)):
                    table.write(f'{name} {prefix}{name}\n')
        run(args.objcopy, f'--redefine-syms={names}', joined, renamed)
        if args.host:
            run(args.ld, '-r', '-o', args.out, renamed, '--whole-archive', args.host)
        else:
            os.replace(renamed, args.out)
    if args.archive:
        if os.path.exists(args.archive):
            os.unlink(args.archive)
        run(args.ar, 'rcsD', args.archive, args.out)


main()
