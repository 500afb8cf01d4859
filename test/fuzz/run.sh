#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target: each for SECONDS from its corpus and what earlier runs found, under ASan and UBSan.
#
#   test/fuzz/run.sh [-t SECONDS] [-b BUILD] [TARGET...]      default: 600 seconds each, build/fuzz
#
# New inputs go to BUILD/corpus/TARGET, what crashes to BUILD/crash-TARGET-…; prints "ok TARGET" or "not ok TARGET".
set -u
here=$(cd "$(dirname "$0")" && pwd)
seconds=600 build=$here/../../build/fuzz
while getopts t:b: option; do
	case $option in
	t) seconds=$OPTARG ;;
	b) build=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))

CC=clang "$here/../../tools/build.sh" "$build" -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false || exit 1
build=$(cd "$build" && pwd)
[ $# -gt 0 ] || set -- $(cd "$build/test/fuzz" && ls | sed -n 's/^fuzz_\([^.]*\)$/\1/p')

run_target()
{
	seeds=$here/corpus/$1 found=$build/corpus/$1 log=$build/fuzz-$1.log
	mkdir -p "$found"
	[ -d "$seeds" ] || { echo "not ok $1: no seed corpus in test/fuzz/corpus/$1"; return 1; }
	if "$build/test/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=1024 \
		-print_final_stats=1 -artifact_prefix="$build/crash-$1-" "$found" "$seeds" >"$log" 2>&1; then
		echo "ok $1 $(sed -n 's/^stat::number_of_executed_units: *\([0-9]*\)/(\1 inputs)/p' "$log")"
		return 0
	fi
	echo "not ok $1"
	grep -aE 'ERROR|SUMMARY|runtime error|Test unit written|^    #[0-9] ' "$log" | head -15 | sed 's/^/# /'
	return 1
}

# As many at a time as there are processors.
failed=0
running=0
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for target; do
	(run_target "$target" >"$results/$target.out" || touch "$results/$target.failed") &
	running=$((running + 1))
	[ $((running % $(nproc))) -ne 0 ] || wait
done
wait
cat "$results"/*.out
ls "$results"/*.failed >/dev/null 2>&1 && failed=1
exit $failed
