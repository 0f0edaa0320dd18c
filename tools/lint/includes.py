#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""includes.py BUILD - who may include what

The compiler's dependency files say what each object really read.  The first
zone of ZONES that matches the source has the prefixes of everything that may
be read; {dir} is the source's folder, {component} its component's folder.
"""

import re
import subprocess

import common

# Paths from the top of the tree; BUILD/ stands for the build folder.
COMPILER = (r'/usr/lib/gcc/.*', r'/usr/lib/llvm-.*/lib/clang/.*', 'tools/freestanding/')
UAPI = ('BUILD/uapi/', '/usr/include/linux/', '/usr/include/asm-generic/',
        r'/usr/include/[^/]*/asm/', '/usr/include/asm/')
FREESTANDING = COMPILER + UAPI
CORE_HEADERS = ('kern/include/lib/', 'kern/include/sys/', 'include/rump/rumpuser.h',
                'BUILD/gen/abi/', 'kern/abi/', 'proto/')
PUBLIC = ('include/rump/', 'BUILD/gen/rump/', '/usr/')

ZONES = [
    (r'kern/lib/tests/', FREESTANDING + CORE_HEADERS + ('kern/lib/', 'tests/harness/harness.h')),
    (r'kern/(core|abi)/tests/',
     FREESTANDING + CORE_HEADERS + ('kern/core/', 'include/rump/', 'tests/harness/harness.h')),
    (r'kern/(vfs|net|dev)/tests/',
     FREESTANDING + CORE_HEADERS + ('kern/{faction}/', 'kern/include/{faction}/', 'include/rump/',
                                    'tests/harness/harness.h')),
    (r'kern/lib/', FREESTANDING + CORE_HEADERS + ('kern/lib/',)),
    (r'(kern/core|kern/abi|BUILD/gen/abi)/',
     FREESTANDING + CORE_HEADERS + ('kern/core/', 'include/rump/rump.h')),
    (r'kern/(vfs|net|dev)/',
     FREESTANDING + CORE_HEADERS + ('kern/{faction}/', 'kern/include/{faction}/',
                                    'include/rump/rump.h', 'include/rump/netconfig.h')),
    (r'comp/[^/]+/[^/]+/host/', PUBLIC + COMPILER + ('{component}/',)),
    (r'comp/[^/]+/[^/]+/tests/',
     FREESTANDING + CORE_HEADERS + ('kern/include/', '{component}/', 'tests/harness/harness.h',
                                    'kern/net/tests/', 'include/rump/', 'BUILD/gen/rump/')),
    (r'comp/[^/]+/[^/]+/',
     FREESTANDING + CORE_HEADERS + ('kern/include/', '{component}/', 'include/rump/rump.h',
                                    'include/rump/dhcp.h')),
    (r'hyper/tests/', PUBLIC + COMPILER + ('hyper/tests/', 'tests/harness/harness.h')),
    (r'hyper/', COMPILER + ('/usr/', 'hyper/common/', '{dir}/', 'include/rump/rumpuser.h',
                            'include/rump/rumpsim.h')),
    (r'client/hijack/', PUBLIC + COMPILER + ('client/hijack/', 'BUILD/gen/abi/', 'cmd/rumpus/',
                                             'hyper/common/guard.h')),
    (r'client/supervisor/', PUBLIC + COMPILER + ('{dir}/', 'client/hijack/', 'BUILD/gen/abi/',
                                                  'client/librumpclient/many.h')),
    (r'client/', PUBLIC + COMPILER + ('{dir}/', 'proto/', 'BUILD/gen/abi/', 'hyper/common/guard.h',
                                      'hyper/common/tlsfront.h')),
    (r'tests/sysproxy/', PUBLIC + COMPILER + ('{dir}/', 'tests/', 'proto/')),
    (r'tests/harness/ktest.c', FREESTANDING + CORE_HEADERS + ('tests/harness/',)),
    # The bus is a library that needs no kernel.
    (r'(tests/shmbus/|cmd/shmif_[a-z]+/|bench/bench_bus)', PUBLIC + COMPILER +
     ('tests/', 'bench/', 'cmd/shmif_', 'comp/net/shmif/', 'kern/include/lib/pcapng.h')),
    (r'tests/server/', PUBLIC + COMPILER + ('tests/', 'cmd/server/')),
    (r'tests/hijack/', PUBLIC + COMPILER + ('tests/', 'client/hijack/')),
    (r'tests/', PUBLIC + COMPILER + ('tests/',)),
    # Programs share what is in these two folders.
    (r'cmd/', PUBLIC + COMPILER + ('cmd/rumpus/', 'cmd/server/', 'BUILD/cmd/', '{dir}/',
                                   'client/hijack/engine_rule.h', 'hyper/common/tlsfront.h')),
    (r'fuzz/', PUBLIC + FREESTANDING + CORE_HEADERS + ('kern/', 'comp/', 'fuzz/',
                                                         'tests/sysproxy/', 'cmd/rump_tls/',
                                                         'hyper/common/', 'hyper/linux/')),
    (r'', PUBLIC + COMPILER + ('{dir}/',)),
]

# Tests written as host code in a folder of kernel tests see what programs see.
HOST_TEST = PUBLIC + COMPILER + ('BUILD/gen/abi/', 'tests/harness/harness.h', 'tests/harness/twin.h',
                                 '{dir}/')


def dependencies(build):
    """(source, [what it read]) of each object; the source comes first."""
    out = subprocess.run(['ninja', '-C', build, '-t', 'deps'], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    for block in out.split('\n\n'):
        lines = [line.strip() for line in block.splitlines()]
        if len(lines) < 2 or '.o:' not in lines[0]:
            continue
        yield lines[0].split('.o:')[0], lines[1:]


def name_of(build, path):
    name = common.relative(build, path)
    inside = common.relative(build, '.')
    return 'BUILD' + name[len(inside):] if name.startswith(inside + '/') else name


def allowed(zone, name):
    source_dir = name.rsplit('/', 1)[0]
    parts = name.split('/')
    names = {'dir': source_dir, 'component': '/'.join(parts[:3]),
             'faction': parts[1] if len(parts) > 1 else ''}
    return [prefix.replace('{dir}', names['dir']).replace('{component}', names['component'])
            .replace('{faction}', names['faction']) for prefix in zone]


def zone_of(name, read):
    if '/tests/' in name and '/usr/include/features.h' in read:
        return HOST_TEST
    for pattern, zone in ZONES:
        if re.match(pattern, name):
            return zone
    raise AssertionError(name)


def main():
    build = common.build_folder()
    findings = set()
    for _, paths in dependencies(build):
        source, *read = [name_of(build, path) for path in paths]
        prefixes = allowed(zone_of(source, read), source)
        for path in read:
            if not any(re.match(prefix, path) for prefix in prefixes):
                findings.add(f'{source} includes {path}')
    common.finish(sorted(findings))


main()
