#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""component_table.py OUT [NAME:APART:NEED,...]... - the declared needs of components as C"""

import sys


def main():
    out, *entries = sys.argv[1:]
    lines = ['/* Made by component_table.py from the meson.build of each component. */', '',
             'struct component_entry {', '\tconst char\t*ce_name, *ce_needs;',
             '\tbool\t\t ce_linked;\t/* a faction: in every server */',
             '\tbool\t\t ce_apart;\t/* not in one kernel with others */', '};', '',
             'static const struct component_entry component_table[] = {']
    for entry in entries:
        name, apart, needs = entry.split(':')
        if not name:
            continue
        lines.append('\t{ "%s", "%s", %s, %s },' % (
            name, needs.replace(',', ' '), 'false' if '_' in name else 'true',
            'true' if apart == 'true' else 'false'))
    lines += ['};', '']
    with open(out, 'w', encoding='utf-8') as text:
        text.write('\n'.join(lines))


main()
