#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""threadsafety.py BUILD - clang's thread safety analysis over kern/ and comp/

The locks that a function REQUIRES, ACQUIRES and RELEASES are what it says.
"""

import subprocess

import common

OPTIONS = ['-Wthread-safety', '-Werror=thread-safety-analysis',
           '-Wno-unknown-warning-option', '-Qunused-arguments']


def for_clang(command, resource):
    """gcc's own headers make room for clang's."""
    words = common.syntax_command(command, 'clang')
    return [resource if '/lib/gcc/' in word else word for word in words]


def main():
    build = common.build_folder()
    resource = subprocess.run(['clang', '-print-file-name=include'], check=True, text=True,
                              stdout=subprocess.PIPE).stdout.strip()
    findings = []
    for source, command in sorted(common.compile_commands(build).items()):
        if not source.startswith(('kern/', 'comp/')) or '/tests/' in source or \
                not source.endswith('.c'):
            continue
        path = f'{common.ROOT}/{source}'
        result = subprocess.run(for_clang(command, resource) + OPTIONS + [path], cwd=build,
                                check=False, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT)
        if result.returncode != 0 or 'thread-safety' in result.stdout:
            findings += [line for line in result.stdout.splitlines()
                         if 'warning:' in line or 'error:' in line]
    common.finish(findings)


main()
