#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""format.py [--check] FILE... - apply the house's format, or say what differs

clang-format proposes, this file disposes:
  - White space inside a line that has a tab in it, and what follows such a
    place in macros, is alignment done by hand: it stays.
  - Where a line is broken stays, too; the end of a file and trailing blanks
    are mended.
Lines of more than LIMIT columns are reported and not mended.
"""

import argparse
import difflib
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

LIMIT = 110
LIMIT_TESTS = 160       # tables of cases

# Good names in C which clang-format takes for what they are in C++.
CXX_WORDS = re.compile(rb'\b(and|or|not|xor|new|delete|class|this|try|catch|template|private|'
                       rb'public|protected|using|namespace|operator|virtual|friend)\b')


def replacements(path, data):
    disguised = CXX_WORDS.sub(lambda match: match.group().title(), data)
    out = subprocess.run(['clang-format', '--style=file', '--output-replacements-xml',
                          '--assume-filename=' + path], input=disguised, check=True,
                         stdout=subprocess.PIPE).stdout
    for item in ElementTree.fromstring(out).iter('replacement'):
        yield int(item.get('offset')), int(item.get('length')), (item.text or '').encode()


def in_macro(data, offset):
    """Whether the line is part of a #define: those are laid out by hand."""
    start = data.rfind(b'\n', 0, offset) + 1
    while start > 1 and data[:start - 1].endswith(b'\\'):
        start = data.rfind(b'\n', 0, start - 1) + 1
    return data[start:].lstrip().startswith(b'#')


def is_layout(data, offset, length, text):
    """Whether the author's own layout is better kept than the proposal."""
    old = data[offset:offset + length]
    at_line_start = offset == 0 or data[offset - 1:offset] == b'\n' or b'\n' in old
    if in_macro(data, offset):
        return True
    if (b'\n' in old) != (b'\n' in text):
        return True                     # a break: the author's
    if data[offset - 1:offset] == b'*':
        return True                     # the star of a return type
    if b'\n' in old:
        return is_continuation(data, offset + length) or old.count(b'\n') != text.count(b'\n')
    if at_line_start:
        return is_continuation(data, offset)
    if b'\t' in old or b'\t' in text:
        return True                     # alignment by tabs
    if not text and data[offset - 1:offset] in (b'&', b'*'):
        return True                     # taken for a declaration: "new & MASK"
    if data[offset + length:offset + length + 1] in (b';', b')'):
        return True                     # for (;; ) and the like
    start = data.rfind(b'\n', 0, offset) + 1
    if data[start:offset].lstrip().startswith(b':'):
        return True                     # operands of assembly
    return len(old) > 1 or len(text) > 1    # alignment by spaces, as in tables


def is_continuation(data, offset):
    """Whether the line at offset goes on with what the one before began."""
    start = data.rfind(b'\n', 0, offset) + 1
    before = data[:offset].rstrip()
    if re.match(rb'\t+    \S', data[start:start + 80]):
        return True                     # four spaces say so themselves
    return not before.endswith((b';', b'{', b'}', b':', b'*/', b')', b'else', b'do'))


def formatted(path, data):
    result = bytearray()
    done = 0
    for offset, length, text in replacements(path, data):
        if is_layout(data, offset, length, text):
            continue
        result += data[done:offset] + text
        done = offset + length
    result += data[done:]
    lines = [line.rstrip() for line in bytes(result).split(b'\n')]
    while lines and not lines[-1]:
        lines.pop()
    return b'\n'.join(lines) + b'\n'


def too_long(path, data):
    limit = LIMIT_TESTS if 'tests/' in path else LIMIT
    for number, line in enumerate(data.decode('utf-8', 'replace').split('\n'), 1):
        if len(line.expandtabs(8)) > limit:
            print(f'{path}:{number}: {len(line.expandtabs(8))} columns')
            yield number


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--check', action='store_true')
    parser.add_argument('files', nargs='+')
    args = parser.parse_args()
    bad = 0
    for path in args.files:
        with open(path, 'rb') as source:
            old = source.read()
        new = formatted(path, old)
        bad += len(list(too_long(path, new)))
        if new == old:
            continue
        if args.check:
            bad += 1
            sys.stdout.writelines(difflib.unified_diff(
                old.decode().splitlines(True), new.decode().splitlines(True), path,
                path + ' as formatted', n=1))
        else:
            with open(path, 'wb') as target:
                target.write(new)
    sys.exit(1 if bad else 0)


main()
