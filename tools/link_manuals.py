#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""link_manuals.py PAGES MANDIR - install a link for each further name of a page

So that man(1) finds rump_shutdown(3), which rump(3) describes.
"""

import glob
import os
import re
import sys


def names_of(page):
    with open(page, encoding='utf-8') as text:
        found = re.search(r'^\.Sh NAME$(.*?)^\.Sh', text.read(), re.MULTILINE | re.DOTALL)
    return re.findall(r'^\.Nm (\S+)', found.group(1), re.MULTILINE) if found else []


def main():
    pages, mandir = sys.argv[1:]
    prefix = os.environ.get('MESON_INSTALL_DESTDIR_PREFIX', '/usr/local')
    for page in sorted(glob.glob(os.path.join(pages, 'man*', '*.[1-9]'))):
        base, section = os.path.basename(page).rsplit('.', 1)
        folder = os.path.join(prefix, mandir, 'man' + section)
        for name in names_of(page):
            if name == base or '*' in name:
                continue
            link = os.path.join(folder, f'{name}.{section}')
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink(os.path.basename(page), link)


main()
