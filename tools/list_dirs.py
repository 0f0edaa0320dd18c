#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""list_dirs.py ROOT - the folders two levels below ROOT that have a meson.build

This is all that finds components, so a folder that is deleted is gone from
the build, and a new one needs no list to be edited.
"""

import glob
import os
import sys


def main():
    root = os.path.join(os.environ.get('MESON_SOURCE_ROOT', '.'), sys.argv[1])
    top = os.path.dirname(root) or '.'
    for path in sorted(glob.glob(os.path.join(root, '*', '*', 'meson.build'))):
        print(os.path.relpath(os.path.dirname(path), top))


main()
