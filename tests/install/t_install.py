#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_install.py BUILD HELLO.c - what is installed is enough for a stranger

Installs into a temporary folder and builds the example from there, with
nothing but the compiler and pkg-config: shared, static, and as a program that
loads its file system later.
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

results = {'passed': 0, 'failed': 0}


def check(what, held, detail=''):
    results['passed' if held else 'failed'] += 1
    if not held:
        print(f'# {what}: {detail}')


def run(*command, env=None):
    return subprocess.run(command, check=False, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)


def pkg_config(prefix, *args):
    folder = glob.glob(os.path.join(prefix, '**', 'pkgconfig'), recursive=True)[0]
    env = dict(os.environ, PKG_CONFIG_PATH=folder)
    result = run('pkg-config', f'--define-variable=prefix={prefix}', *args, env=env)
    check('pkg-config ' + ' '.join(args), result.returncode == 0, result.stdout)
    return result.stdout.split(), os.path.dirname(folder)


def build_and_run(how, compiler, source, prefix, *extra, static=False):
    flags, libdir = pkg_config(prefix, '--cflags', '--libs', *(['--static'] if static else []),
                               'rumpvfs')
    if static:
        for library in glob.glob(os.path.join(libdir, '*.so*')):
            os.unlink(library)
    program = os.path.join(prefix, 'hello-' + how)
    result = run(*compiler, source, '-o', program, *flags, *extra)
    check(f'{how}: compile', result.returncode == 0, result.stdout)
    result = run(program, env=dict(os.environ, LD_LIBRARY_PATH=libdir)) \
        if result.returncode == 0 else result
    check(f'{how}: run', result.stdout == 'hello from the other kernel\n',
          repr(result.stdout))


def main():
    build, source = sys.argv[1:]
    compiler = os.environ.get('CC', 'cc').split()
    tmp = tempfile.mkdtemp()
    try:
        result = run('meson', 'install', '-C', build, '--no-rebuild', '--destdir', tmp)
        check('install', result.returncode == 0, result.stdout[-500:])
        headers = glob.glob(os.path.join(tmp, '**', 'include', 'rump', 'rump.h'), recursive=True)
        prefix = os.path.dirname(os.path.dirname(os.path.dirname(headers[0])))
        for header in sorted(glob.glob(os.path.join(prefix, 'include', 'rump', '*.h'))):
            result = run(*compiler, '-std=c11', '-Wall', '-Wextra', '-Werror', '-fsyntax-only',
                         '-I', os.path.join(prefix, 'include'), '-x', 'c', header)
            check(os.path.basename(header), result.returncode == 0, result.stdout)
        build_and_run('shared', compiler, source, prefix)
        build_and_run('static', compiler, source, prefix, static=True)
        pages = glob.glob(os.path.join(prefix, 'share', 'man', 'man3', 'rump_init.3'))
        check('rump_init(3) is found', len(pages) == 1)
    finally:
        shutil.rmtree(tmp)
    print(f"{results['passed']} passed, {results['failed']} failed")
    sys.exit(1 if results['failed'] else 0)


main()
