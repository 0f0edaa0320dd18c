# SPDX-License-Identifier: BSD-2-Clause
"""common.py - what the checks of `make lint` share

A check is a program that is given the build folder, prints what it finds, one
finding a line, and exits with 1 if there was any.
"""

import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), os.pardir, os.pardir))


def build_folder():
    return os.path.realpath(sys.argv[1])


def finish(findings):
    for finding in findings:
        print(finding)
    sys.exit(1 if findings else 0)


def manifest(build):
    """The kernel libraries: name, about, [needs], [sources]."""
    with open(os.path.join(build, 'kernel-libs.tsv'), encoding='utf-8') as lines:
        for line in lines:
            name, about, needs, sources = line.rstrip('\n').split('\t')
            yield name, about, needs.split(), sources.split()


def symbols(path, *options):
    """(name, type) of the symbols nm lists."""
    out = subprocess.run(['nm', '-P', *options, path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        words = line.split()
        if len(words) >= 2 and not line.endswith(':'):
            yield words[0], words[1]


def relative(build, path):
    """A path as seen from the top of the tree, absolute if outside of it."""
    real = os.path.normpath(os.path.join(build, path))
    return os.path.relpath(real, ROOT) if real.startswith(ROOT + '/') else real


def compile_commands(build):
    """{source, relative to the tree: its command as a list}"""
    with open(os.path.join(build, 'compile_commands.json'), encoding='utf-8') as text:
        entries = json.load(text)
    return {relative(entry['directory'], entry['file']): shlex.split(entry['command'])
            for entry in entries}


def syntax_command(command, compiler=None):
    """A compile command without its input and outputs, only for looking."""
    if 'ccache' in command[0]:
        command = command[1:]
    words = [compiler or command[0]]
    skip = False
    for word in command[1:]:
        if skip:
            skip = False
        elif word in ('-o', '-c', '-MF', '-MQ'):
            skip = True
        elif word not in ('-MD', '-fdiagnostics-color=always'):
            words.append(word)
    return words + ['-fsyntax-only']


def files_in_git(*patterns):
    out = subprocess.run(['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard',
                          *patterns], cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout
    return sorted(path for path in out.split('\0')
                  if path and os.path.exists(os.path.join(ROOT, path)))
