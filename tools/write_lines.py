#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""write_lines.py FILE LINE... - a text file out of its lines, for meson"""

import sys

with open(sys.argv[1], 'w', encoding='utf-8') as out:
    out.writelines(line + '\n' for line in sys.argv[2:])
