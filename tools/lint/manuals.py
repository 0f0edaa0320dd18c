#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""manuals.py BUILD - what we offer has a manual, and the other way round

Public functions are those declared in include/rump/; the generated
rump_sys_*() are described together in rump_syscalls(3).  Commands are the
folders of cmd/, components those of comp/.  A page is for the names in its
NAME section (.Nm), and mandoc finds nothing to say about it.
"""

import os
import re
import subprocess

import common

FUNCTION = re.compile(r'^[a-z][^;{}#]*?\b(\w+)\s*\(', re.MULTILINE)


def without_comments(text):
    text = re.sub(r'/\*.*?\*/', ' ', text, flags=re.DOTALL)
    text = re.sub(r'^\s*#(?:[^\n\\]|\\.|\\\n)*', '', text, flags=re.MULTILINE)
    text = re.sub(r'extern "C" \{', '', text)
    # Structures, enumerations and inline bodies, innermost braces first.
    while re.search(r'\{[^{}]*\}', text):
        text = re.sub(r'\{[^{}]*\}', ';', text)
    return re.sub(r'__attribute__\s*\(\(.*?\)\)(?=\s*[;(])', '', text, flags=re.DOTALL)


def public_functions():
    names = set()
    for header in common.files_in_git('include/rump/*.h'):
        with open(os.path.join(common.ROOT, header), encoding='utf-8') as source:
            for declaration in without_comments(source.read()).split(';'):
                match = re.search(r'\b(\w+)\s*\(', declaration)
                if match and 'typedef' not in declaration:
                    names.add((match.group(1), header))
    return names


def names_of(page):
    with open(os.path.join(common.ROOT, page), encoding='utf-8') as text:
        found = re.search(r'^\.Sh NAME$(.*?)^\.Sh', text.read(), re.MULTILINE | re.DOTALL)
    return re.findall(r'^\.Nm (\S+)', found.group(1), re.MULTILINE) if found else []


def folders(pattern):
    return sorted({tuple(path.split('/')[:-1])
                   for path in common.files_in_git(pattern) if path.endswith('meson.build')})


def main():
    findings = []
    pages = {page: names_of(page) for page in common.files_in_git('man/man*/*.[1-9]')}
    in_section = {}
    for page, names in pages.items():
        section = page.rsplit('.', 1)[1]
        for name in names:
            in_section.setdefault(section, {})[name] = page
        if os.path.basename(page).rsplit('.', 1)[0] not in names:
            findings.append(f'{page}: its own name is not in its NAME section')

    functions = public_functions()
    for name, header in sorted(functions):
        if name not in in_section.get('3', {}):
            findings.append(f'{header}: {name}() has no manual page')
    libraries = {name for name, _, _, _ in common.manifest(common.build_folder())}
    known = {name for name, _ in functions} | libraries | {'rump_syscalls', 'rump_sys_*'}
    known |= {os.path.basename(header)[:-2] for header in common.files_in_git('include/rump/*.h')}
    known |= {f'rump{parts[1]}' for parts in folders('client/*/meson.build')}
    for name, page in sorted(in_section.get('3', {}).items()):
        if name not in known:
            findings.append(f'{page}: describes {name}, which is not public')

    commands = {parts[1] for parts in folders('cmd/*/meson.build')}
    described = {**in_section.get('1', {}), **in_section.get('8', {})}
    findings += [f'cmd/{name} has no manual page' for name in sorted(commands - set(described))]
    findings += [f'{page}: there is no command {name}' for name, page in sorted(described.items())
                 if name not in commands and name.split('-')[0] not in commands]

    components = {f'rump{parts[1]}_{parts[2]}' for parts in folders('comp/*/*/meson.build')
                  if len(parts) == 3}
    drivers = in_section.get('4', {})
    findings += [f'the component {name} has no manual page (section 4)'
                 for name in sorted(components - set(drivers))]
    # So may a faction, and a driver of its own: files kern/*/NAME_*.c.
    parts_of_kern = {os.path.basename(path).split('_')[0]
                     for path in common.files_in_git('kern/*/*_*.c')} | \
        {'rump' + faction for faction in ('vfs', 'net', 'dev')}
    # And so may a faction: rumpvfs is kern/vfs/vfs_component.c.
    parts_of_kern |= {'rump' + os.path.basename(path)[:-len('_component.c')]
                      for path in common.files_in_git('kern/*/*_component.c')}
    findings += [f'{page}: there is no component {name}' for name, page in sorted(drivers.items())
                 if name not in components | parts_of_kern]

    for page in pages:
        out = subprocess.run(['mandoc', '-T', 'lint', '-W', 'warning', page], cwd=common.ROOT,
                             check=False, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT).stdout
        findings += out.splitlines()
    common.finish(findings)


main()
