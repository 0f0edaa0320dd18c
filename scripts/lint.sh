#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# lint.sh [CHECK...] - what a machine can judge (STYLE.md, "What a machine checks")
#
# Each check is a program in tools/lint/ that looks at the build in $BUILD.
# The last line adds up: N passed, N failed

set -u
cd "$(dirname "$0")/.." || exit 2
build=${BUILD:-build}
[ $# -gt 0 ] || set -- undefined includes needs collisions headers threadsafety format manuals shell

about() {
	case $1 in
	undefined)	echo 'kernel code wants nothing but hypercalls and mem*' ;;
	includes)	echo 'includes stay inside the fence' ;;
	needs)		echo 'libraries link with what they declare' ;;
	collisions)	echo 'installed symbols are in our name space' ;;
	headers)	echo 'every header compiles alone' ;;
	threadsafety)	echo 'locks are held as declared' ;;
	format)		echo 'the format is the house'"'"'s' ;;
	manuals)	echo 'manuals and what they describe match' ;;
	shell)		echo 'shellcheck is silent' ;;
	esac
}

passed=0
failed=0
for check in "$@"; do
	case $check in
	format | shell)	output=$(sh "tools/lint/$check.sh" 2>&1) ;;
	*)		output=$(python3 "tools/lint/$check.py" "$build" 2>&1) ;;
	esac
	status=$?
	if [ "$status" -eq 0 ]; then
		echo "ok: $check: $(about "$check")"
		passed=$((passed + 1))
	else
		echo "not ok: $check: $(about "$check")"
		printf '%s\n' "$output" | sed 's/^/    /'
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
