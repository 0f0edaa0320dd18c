#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh [-s SUITE] [CONFIGURATION...] - build and run the tests
#
#	plain	as it is installed
#	address	address and undefined-behaviour sanitizers, debug checks, by clang
#	thread	thread sanitizer, debug checks
#	clang	clang without sanitizers, debug checks
#
# Without a configuration: the first three.  Each has a build folder of its
# own, build-check-NAME, kept from run to run.  The tests that need root run
# when there is root.  The last line adds everything up:
#
#	N passed, N failed, N skipped

set -u
cd "$(dirname "$0")/.." || exit 2

# The limits for whole programs are meant for a machine with nothing else to do, and what it will
# have to do later nobody knows.  A test that hangs is found by a limit of its own (tests/harness).
patience=$(awk -v n="$(nproc)" '{ x = 2 + int($1 / n); print (x > 12 ? 12 : x) }' /proc/loadavg)

suites='--suite user'
if [ "$(id -u)" -eq 0 ]; then
	suites="$suites --suite root"
fi
while getopts s: option; do
	case $option in
	s) suites="--suite $OPTARG" ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || set -- plain address thread

configure() {
	case $1 in
	plain)		set -- "$1" ;;
	address)	set -- "$1" -Dsanitize=address -Ddebug_checks=true --native-file tools/clang.ini ;;
	thread)		set -- "$1" -Dsanitize=thread -Ddebug_checks=true ;;
	clang)		set -- "$1" -Ddebug_checks=true --native-file tools/clang.ini ;;
	*)		echo "check.sh: no configuration $1" >&2; exit 2 ;;
	esac
	dir=build-check-$1
	shift
	[ -f "$dir/build.ninja" ] || meson setup "$dir" "$@" >"$dir.log" 2>&1 ||
	    { cat "$dir.log"; return 1; }
}

logs=
broken=0
for name in "$@"; do
	echo "== check: $name"
	if configure "$name" && ninja -C "$dir" -k 0 >"$dir.log" 2>&1; then
		# Whatever goes wrong, an old log does not speak for this run.
		rm -f "$dir/meson-logs/testlog.json"
		# shellcheck disable=SC2086
		meson test -C "$dir" --no-rebuild $suites --quiet -t "$patience" >"$dir.log" 2>&1 </dev/null
		logs="$logs $dir/meson-logs/testlog.json"
	else
		grep -v '^\[' "$dir.log" | tail -n 60
		echo "== check: $name does not build"
		broken=$((broken + 1))
	fi
done
# shellcheck disable=SC2086
exec python3 tools/sum_tests.py --also-failed "$broken" $logs
