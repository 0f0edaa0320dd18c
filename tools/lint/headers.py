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
    ('include/rump/', ('tests/harness/main.c',)),
    ('tests/harness/', ('tests/harness/main.c',)),
    ('fuzz/fuzz_ext2.h', ('fuzz/fuzz_ext2_super.c',)),
    ('fuzz/fuzz_net.h', ('fuzz/fuzz_net.c',)),
    ('comp/', ('kern/core/',)),
    ('proto/', ('client/librumpclient/', 'kern/core/')),
]


def commands_of_tests(folder, commands):
    """The sources in a folder of tests; which of them a header is for is not known."""
    return [command for source, command in sorted(commands.items())
            if os.path.dirname(source) == folder]


def command_for(header, commands):
    beside = (os.path.dirname(header) + '/', os.path.dirname(os.path.dirname(header)) + '/')
    places = beside if '/tests/' in header else next(
        (like for prefix, like in LIKE if header.startswith(prefix)), beside)
    for place in places:
        for source, command in sorted(commands.items()):
            if source.startswith(place) and source.endswith('.c'):
                return command
    return None


def compile_alone(build, path, command):
    """What the compiler has to say, nothing if it compiles."""
    with tempfile.NamedTemporaryFile('w', suffix='.c') as alone:
        alone.write(f'#include "{path}"\n#include "{path}"\nstruct header_is_alone;\n')
        alone.flush()
        result = subprocess.run(common.syntax_command(command) + [alone.name], cwd=build,
                                check=False, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
    return result.stdout if result.returncode != 0 else ''


def main():
    build = common.build_folder()
    commands = common.compile_commands(build)
    findings = []
    for header in common.files_in_git('*.h'):
        if header.startswith('tools/freestanding/'):
            continue
        folder = os.path.dirname(header)
        tries = commands_of_tests(folder, commands) if folder.endswith('/tests') else \
            [command_for(header, commands)]
        if not tries or tries[0] is None:
            findings.append(f'{header}: no source beside it tells how to compile it')
            continue
        path = os.path.join(common.ROOT, header)
        trouble = [compile_alone(build, path, command) for command in tries]
        if all(trouble):
            findings += [f'{header}: {line}' for line in trouble[0].splitlines()[:4]]
    common.finish(findings)


main()
