#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""t_syscalls.py - what the generator makes of tables, good and bad

Runs tools/syscalls.py on small tables of its own and looks at what comes out,
and on the real one for what must hold of all its lines.  Prints TAP.
"""

import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.join(HERE, '../../../tools/syscalls.py')
ABI = os.path.join(HERE, '..')

BAD = [     # table, what the message says
    ('core - int f(int)', 'cannot read the argument "int"'),
    ('core - int f(thing_t x)', 'unknown type "thing_t"'),
    ('core - int f(char *x)', 'what is behind the pointer?'),
    ('core - int f(char **x:in)', 'a pointer to a pointer'),
    ('core - int f(const char *x:out)', 'the kernel writes what is const'),
    ('core - int f(char *x:in(n))', 'no argument "n"'),
    ('core - int f(int x:color)', 'unknown kind "color"'),
    ('core - int f(int x, int x)', 'two arguments of one name'),
    ('core - int f(int a, int b, int c, int d, int e, int f, int g)', 'more than six arguments'),
    ('core - word f()', 'unknown kind of result "word"'),
    ('core fast int f()', 'unknown flag'),
    ('mail - int f()', 'unknown faction "mail"'),
    ('core - int f(', 'a parenthesis is open'),
    ('core - int f() => g()', 'no call "g"'),
    ('core - int g(int x)\ncore - int f() => g()', 'g has 1 arguments'),
    ('core nosys int g()\ncore - int f() => g()', 'f is served, g is not'),
    ('core - int f()\ncore - int f()', 'f stands here twice'),
    ('core lib int f()', 'a lib line needs a =>'),
    ('core - int f(int x:flags(colors))', 'nothing is known of "colors"'),
    (' core - int f()', 'nothing to go on from'),
]

GOOD = '''
## Things
vfs   variadic  fd  openat(int dirfd:dirfd, const char *path:path, int flags:flags(open), mode_t mode)
vfs   legacy,variadic  fd  open(const char *path:path, int flags:flags(open), mode_t mode)
	=> openat(AT_FDCWD, path, flags, mode)
net   nosys  int  listen(int fd:fd, int backlog)
core  -  size  read(int fd:fd, void *buf:out(count,ret), size_t count)
core  legacy  int  dup2(int oldfd:fd, int newfd:fd)
'''

results = []


def check(name, held, why=''):
    results.append(held)
    print(f'{"ok" if held else "not ok"} {len(results)} - {name}')
    if not held and why:
        print('\n'.join('# ' + line for line in str(why).splitlines()))


def generate(table, *more):
    """The tool's output by file name, or its message."""
    with tempfile.TemporaryDirectory() as tmp:
        path = os.path.join(tmp, 'table')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(table)
        run = subprocess.run([sys.executable, TOOL, '--table', path, '--flags', os.path.join(ABI, 'sysflags.tbl'),
            '--outdir', os.path.join(tmp, 'out'), *more], capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return run.stderr.replace(path, 'table')
        files = {}
        for folder, _, names in os.walk(os.path.join(tmp, 'out')):
            for name in names:
                with open(os.path.join(folder, name), encoding='utf-8') as f:
                    files[name] = f.read()
        return files


def listed(what):
    run = subprocess.run([sys.executable, TOOL, '--table', os.path.join(ABI, 'syscalls.tbl'), '--list', what],
        capture_output=True, text=True, check=True)
    return run.stdout.split()


def has(text, *lines):
    return all(line in text for line in lines)


def test_bad_tables():
    for table, message in BAD:
        out = generate(table)
        check(f'refused, with its reason: {message}', isinstance(out, str) and message in out and out.startswith('table'),
            out)


def test_good_table():
    out = generate(GOOD)
    check('a handler gets typed arguments', 'int\tsys_read(struct lwp *, int fd, void *buf, size_t count, long *ret);'
        in out['sysargs.h'])
    check('a call that is another one has no handler', 'sys_open(' not in out['sysargs.h'])
    check('its wrapper calls the other', has(out['sysent_vfs.c'], 'sysent_open(',
        'return sys_openat(l, AT_FDCWD, path, flags, mode, ret);'))
    check('what is not served is in no array', 'listen' not in out['sysent_net.c'])
    check('but is described', has(out['sysdesc.c'], '.sd_nr = __NR_listen', '.sd_nosys = 1'))
    check('and public', 'rump_sys_listen(int fd, int backlog);' in out['rump_syscalls.h'])
    check('old calls are used where they exist', has(out['rump_stubs.c'], '#ifdef __NR_open\n', '__NR_openat'))
    check('and are public everywhere if a newer one can stand in', '#ifdef __NR_open\n' not in out['rump_syscalls.h'])
    check('else only where they exist', '#ifdef __NR_dup2\n' in out['rump_syscalls.h'])
    check('nothing is weak', '#pragma weak' not in out['sysent_core.c'])
    weak = generate(GOOD, '--weak')
    check('with --weak every handler is', re.findall(r'#pragma weak (\w+)', weak['sysent_core.c']) == ['sys_read', 'sys_dup2'])
    check('headings reach the public header', '/* Things */' in out['rump_syscalls.h'])


def test_untouched():
    with tempfile.TemporaryDirectory() as tmp:
        command = [sys.executable, TOOL, '--table', os.path.join(ABI, 'syscalls.tbl'), '--outdir', tmp]
        subprocess.run(command, check=True)
        path = os.path.join(tmp, 'abi/sysdesc.c')
        os.utime(path, (1, 1))
        subprocess.run(command, check=True)
        check('what did not change is not written', os.stat(path).st_mtime == 1)


def test_real_table():
    everything, served, nosys = listed('all'), listed('served'), listed('nosys')
    check('a call is served or not', sorted(served + nosys) == sorted(everything))
    check('what has a handler is served', set(listed('handlers')) <= set(served))
    check('no name twice', len(set(everything)) == len(everything))


def test_manual():
    """rump_syscalls(3) lists each public call, in brackets if it is not served."""
    with open(os.path.join(ABI, '../../man/man3/rump_syscalls.3'), encoding='utf-8') as f:
        text = f.read()
    text = text[text.index('.Sh THE CALLS'):text.index('.Sh RETURN VALUES')]
    lines = [line for line in text.splitlines() if re.fullmatch(r'\[?\w+\]?', line)]
    shown = {line.strip('[]'): line.startswith('[') for line in lines}
    sys.path.insert(0, os.path.dirname(TOOL))
    import syscalls         # the generator knows how a lib line finds its call
    calls = syscalls.read_table(os.path.join(ABI, 'syscalls.tbl'))
    real = {c.name: c for c in calls if not c.lib}
    want = {c.name: (real[c.target] if c.lib else c).nosys for c in calls if c.public}
    check('the manual names all public calls, and what is served', shown == want,
        sorted(set(shown.items()) ^ set(want.items())))


def main():
    test_bad_tables()
    test_good_table()
    test_untouched()
    test_real_table()
    test_manual()
    failed = results.count(False)
    print(f'1..{len(results)}')
    print(f'{len(results) - failed} passed, {failed} failed, 0 skipped')
    return 1 if failed else 0


sys.exit(main())
