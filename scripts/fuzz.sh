#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# fuzz.sh [TARGET...] - search for inputs that break a parser
#
# Builds all targets with clang, address and undefined-behaviour sanitizers
# and libFuzzer into build-fuzz/, then runs each for $SECONDS_EACH (60), as the
# least important process.  What it learns stays in build-fuzz/corpus/, what
# breaks something is kept in build-fuzz/found/.  Exit status 1 if anything did.

set -u
cd "$(dirname "$0")/.." || exit 2
seconds=${SECONDS_EACH:-60}
build="build-fuzz"

if [ ! -f $build/build.ninja ]; then
	meson setup $build --native-file tools/clang.ini -Dfuzzers=true -Dsanitize=address \
	    -Ddebug_checks=true >$build.log 2>&1 || { cat $build.log; exit 1; }
fi
ninja -C $build fuzzers >$build.log 2>&1 || { tail -n 40 $build.log; exit 1; }

if [ $# -eq 0 ]; then
	for program in "$build"/fuzz/fuzz_*; do
		[ -f "$program" ] && [ -x "$program" ] && set -- "$@" "$(basename "$program")"
	done
fi

passed=0
failed=0
for target in "$@"; do
	mkdir -p "$build/corpus/$target" "$build/found"
	echo "== $target: $seconds seconds"
	if ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 nice -n 19 "$build/fuzz/$target" \
	    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=65536 \
	    -print_final_stats=1 -artifact_prefix="$build/found/$target-" \
	    "$build/corpus/$target" "fuzz/seeds/$target" >"$build/$target.log" 2>&1 </dev/null; then
		grep -E 'Done|stat::(number_of_executed|peak_rss)' "$build/$target.log"
		passed=$((passed + 1))
	else
		tail -n 40 "$build/$target.log"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
