#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""headers.py BUILD - every header compiles alone, with the flags of its place

Twice in a row even, for its guard.
"""

import os
import subprocess
import tempfile

import common

# Where a header is: the folder of a source with the right flags.
LIKE = [
    ('kern/include/vfs/', ('kern/vfs/', 'kern/core/')),
    ('kern/include/dev/', ('kern/dev/', 'kern/core/')),
    ('kern/include/net/', ('kern/net/', 'kern/core/')),
    ('kern/include/', ('kern/core/', 'kern/lib/')),
    ('comp/', ('kern/core/',)),
    ('include/rump/', ('tests/harness/main.c',)),
    ('tests/harness/', ('tests/harness/main.c',)),
]


def command_for(header, commands):
    places = next((like for prefix, like in LIKE if header.startswith(prefix)),
                  (os.path.dirname(header) + '/', os.path.dirname(os.path.dirname(header)) + '/'))
    for place in places:
        for source, command in sorted(commands.items()):
            if source.startswith(place) and source.endswith('.c'):
                return command
    return None


def main():
    build = common.build_folder()
    commands = common.compile_commands(build)
    findings = []
    for header in common.files_in_git('*.h'):
        if header.startswith('tools/freestanding/'):
            continue
        command = command_for(header, commands)
        if command is None:
            findings.append(f'{header}: no source beside it tells how to compile it')
            continue
        path = os.path.join(common.ROOT, header)
        with tempfile.NamedTemporaryFile('w', suffix='.c') as alone:
            alone.write(f'#include "{path}"\n#include "{path}"\nstruct header_is_alone;\n')
            alone.flush()
            result = subprocess.run(common.syntax_command(command) + [alone.name], cwd=build,
                                    check=False, text=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT)
        if result.returncode != 0:
            findings += [f'{header}: {line}' for line in result.stdout.splitlines()[:4]]
    common.finish(findings)


main()
