#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# shell.sh - shellcheck over all scripts

cd "$(dirname "$0")/../.." || exit 2
git ls-files -z '*.sh' .ci/run | xargs -0 -r shellcheck &&
    git ls-files -z '*.bash' | xargs -0 -r shellcheck -s bash
