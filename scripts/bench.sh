#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# bench.sh BUILD [NAME...] - run the benchmarks, all or those named

set -u
cd "$(dirname "$0")/.." || exit 2
build=${1:-build}
[ $# -eq 0 ] || shift

if [ $# -eq 0 ]; then
	for program in "$build"/bench/bench_*; do
		[ -f "$program" ] && [ -x "$program" ] && set -- "$@" "$(basename "$program")"
	done
fi
status=0
for name in "$@"; do
	echo "== $name"
	"$build/bench/$name" </dev/null || status=1
done
exit $status
