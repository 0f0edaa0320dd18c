#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""list_files.py PATTERN - the files of the tree that match, one a line

With --dirs, the folders they are in.  This is how meson finds components and
manual pages: one that is deleted is gone from the build, and a new one needs
no list to be edited.
"""

import glob
import os
import sys


def main():
    dirs = sys.argv[1] == '--dirs'
    root = os.environ.get('MESON_SOURCE_ROOT', '.')
    for path in sorted(glob.glob(os.path.join(root, sys.argv[-1]))):
        print(os.path.relpath(os.path.dirname(path) if dirs else path, root))


main()
