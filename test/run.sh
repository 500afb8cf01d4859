#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Everything that tests Rocket. `test/run.sh` is what fits in minutes, `test/run.sh long` adds the rest.
#
#   stage     what                                                                            build
#   build     Rocket with its tests, as it ships and under ASan and UBSan                     check, asan
#   rules     include law, lengths, nesting; shell syntax                                     -
#   unit      the unit tests and the fuzz corpora, both builds                                check, asan
#   fuzz      each fuzz target for a few seconds (long: a minute)                             fuzz
#   pod       test/pod and test/attack on this host                                           check
#   guest     test/pod in a user-mode-linux guest: cgroup v2, every capability                check
#   analyze   clang's static analyzer over src/                                               check
#   fresh     in a Debian 12 that was just made: the demo; package and bundle (long: the      their own
#             tests, too, and the unit tests of an arm64 build under emulation)
#
# STAGES="pod guest" runs only those, BUILD moves the build folders, PODS picks files of test/pod by a pattern.
# The last line is `N passed, N failed, N skipped`; the exit code is 1 when anything failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
long=${1-}
build=${BUILD:-$root/build}
all="build rules unit fuzz pod guest analyze fresh"
stages=${STAGES:-$all}
# In the guest the short set: what touches cgroups, namespaces, mounts. Long: all of it.
# Its kernel has no IPv6, which the tests of the network want, and one processor without hurry.
guest_pods='0[56][123]0*'
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
passed=0 failed=0 skipped=0

say() { printf '%s\n' "$*"; }

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); say "FAILED: $1"; [ -z "${2-}" ] || sed 's/^/    /' "$2" | tail -"${3:-40}"; }
skip() { skipped=$((skipped + 1)); say "skipped: $1"; }

# One thing that passes or fails as a whole: step NAME COMMAND…
step()
{
	local name=$1
	shift
	if "$@" >"$out/log" 2>&1; then
		pass
		return 0
	fi
	fail "$name" "$out/log"
	return 1
}

# Counts TAP. Failed tests are shown with what they said.
count_tap()
{
	local line show=
	while IFS= read -r line; do
		case $line in
		"ok "*"# skip"*) show=; skip "$1: ${line#ok * }" ;;
		"ok "*) show=; pass ;;
		"not ok "*) show=yes; fail "$1: ${line#not ok * }" ;;
		"#"*) [ -z "$show" ] || say "    $line" ;;
		esac
	done <"$2"
}

stage_build()
{
	step "build" "$root/tools/build.sh" "$build/check" -Dtests=true || return 1
	step "build with sanitizers" "$root/tools/build.sh" "$build/asan" -Dtests=true -Db_sanitize=address,undefined
}

stage_rules()
{
	local script
	step "rules of the source" "$root/tools/check-source.py"
	for script in $(grep -rlE '^#!/bin/(ba)?sh' "$root"/{test,tools,bench,demo,packaging,.ci} 2>/dev/null); do
		if head -1 "$script" | grep -q bash; then
			step "syntax of ${script#"$root"/}" bash -n "$script"
		else
			step "syntax of ${script#"$root"/}" sh -n "$script"
		fi
	done
}

# meson's own log has a line of JSON a test.
count_meson()
{
	local name result log=$2/meson-logs/testlog.json
	while IFS=$'\t' read -r name result; do
		case $result in
		OK | EXPECTEDFAIL) pass ;;
		SKIP) skip "$1: $name" ;;
		*)
			jq -r --arg n "$name" 'select(.name == $n) | .stdout // "", .stderr // ""' "$log" >"$out/log"
			fail "$1: $name ($result)" "$out/log"
			;;
		esac
	done < <(jq -r '[.name, .result] | @tsv' "$log")
}

stage_unit()
{
	local kind
	for kind in check asan; do
		rm -f "$build/$kind/meson-logs/testlog.json"
		ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
			meson test -C "$build/$kind" --no-rebuild >"$out/meson" 2>&1
		if [ -s "$build/$kind/meson-logs/testlog.json" ]; then
			count_meson "unit ($kind)" "$build/$kind"
		else
			fail "unit tests ($kind) ran" "$out/meson"
		fi
	done
}

stage_fuzz()
{
	"$here/fuzz/run.sh" -t "${FUZZ_SECONDS:-$([ -n "$long" ] && echo 60 || echo 5)}" -b "$build/fuzz" >"$out/fuzz" 2>&1 ||
		grep -q '^not ok' "$out/fuzz" || fail "fuzz targets ran" "$out/fuzz"
	while IFS= read -r line; do
		case $line in
		"ok "*) pass ;;
		"not ok "*) fail "fuzz: ${line#not ok }" ;;
		"#"*) say "    $line" ;;
		esac
	done <"$out/fuzz"
}

# The files of test/pod and test/attack that a pattern names.
pod_files() { find "$here/pod" "$here/attack" -name "$1.bats" | sort; }

stage_pod()
{
	if [ "$(id -u)" -ne 0 ]; then
		skip "pod tests: they need root"
		return
	fi
	# shellcheck disable=SC2086
	ROCKET_BUILD=$build/check "$here/pod/run" $(pod_files "${PODS:-[0-9]*}") >"$out/tap" 2>&1
	grep -q '^1\.\.' "$out/tap" || fail "pod tests ran to their end" "$out/tap"
	count_tap pod "$out/tap"
}

stage_guest()
{
	local set=$guest_pods code
	if ! command -v linux.uml >/dev/null; then
		skip "guest: user-mode-linux is not installed (it exists for x86-64 only)"
		return
	fi
	[ -z "$long" ] || set='[0-9]*'
	{ echo "export BATS_TEST_TIMEOUT=$([ -n "$long" ] && echo 1200 || echo 120)"; printf '"%s"/run' "$here/pod"; pod_files "${PODS:-$set}" | tr "\n" " " | sed "s/^/ /"; echo; } >"$out/job"
	ROCKET_BUILD=$build/check "$here/uml/run.sh" -t "$([ -n "$long" ] && echo 10800 || echo 900)" "$out/job" \
		>"$out/tap" 2>"$out/err"
	code=$?
	grep -q '^1\.\.' "$out/tap" || { cat "$out/tap" "$out/err" >"$out/log"; fail "guest ran to its end ($code)" "$out/log"; }
	count_tap guest "$out/tap"
	if [ -n "$long" ]; then
		ROCKET_BUILD=$build/check "$here/uml/powercut.sh" 20 >"$out/tap" 2>"$out/err" || true
		count_tap "power cut" "$out/tap"
	fi
}

stage_analyze() { step "static analysis" "$root/tools/analyze.sh" "$build/check"; }

stage_fresh()
{
	if [ "$(id -u)" -ne 0 ]; then
		skip "fresh: it needs root"
		return
	fi
	step "make demo on a fresh Debian" "$here/fresh.sh" make demo
	step "package and bundle on a fresh Debian" "$here/fresh.sh" test/packages.sh
	if [ -n "$long" ]; then
		step "make check on a fresh Debian" "$here/fresh.sh" env STAGES="build rules unit fuzz pod" make check
		step "arm64" make -C "$root" cross-arm64
	fi
}

# One stage in a process of its own, with what it says and its counts in files: stages can go side by side.
start_stage()
{
	mkdir -p "$out/$1"
	(
		out=$out/$1 passed=0 failed=0 skipped=0
		from=$SECONDS
		say "== $1"
		"stage_$1"
		say "   $((SECONDS - from)) s"
		echo "$passed $failed $skipped" >"$out/count"
	) >"$out/$1/said" 2>&1 &
	started+=("$1:$!")
}

# Shows them in the order in which they were started. A stage that died failed.
finish_stages()
{
	local one p f s
	for one in "${started[@]}"; do
		wait "${one#*:}"
		cat "$out/${one%%:*}/said"
		p=0 f=1 s=0
		[ ! -s "$out/${one%%:*}/count" ] || read -r p f s <"$out/${one%%:*}/count"
		passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	done
	started=()
}

begin=$SECONDS
started=()
# Groups run one after the other, the stages of a group side by side: one of them waits a lot.
for group in build rules unit,fuzz pod,analyze guest,fresh; do
	for stage in ${group//,/ }; do
		[[ " $stages " != *" $stage "* ]] || start_stage "$stage"
	done
	finish_stages
	# Without a build nothing else makes sense.
	[ "$group" != build ] || [ "$failed" -eq 0 ] || break
done
say "took $((SECONDS - begin)) s"
say "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
