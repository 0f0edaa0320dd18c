#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# format.sh - whether all C files have the house's format

cd "$(dirname "$0")/../.." || exit 2
git ls-files -z '*.c' '*.h' | xargs -0 -r python3 tools/format.py --check
