#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a job in a user-mode-linux guest: a Debian 12 kernel with cgroup v2, every controller and every capability,
# booted in two seconds without any privilege here. Gives the job's output and its exit code.
#
#   test/uml/run.sh [-t SECONDS] [-s DIR:DIR...] JOB [ARG...]
#
# JOB is a shell script. The folders of -s (default: the source tree and, with ROCKET_BUILD set, that build folder)
# lie in the guest at the same paths; ROCKET_BUILD is set there too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
limit=600 shares=$source_dir${ROCKET_BUILD:+:$(cd "$ROCKET_BUILD" && pwd)}
while getopts t:s: option; do
	case $option in
	t) limit=$OPTARG ;;
	s) shares=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { echo "usage: run.sh [-t SECONDS] [-s DIR:DIR...] JOB [ARG...]" >&2; exit 2; }

quote() { printf "'%s' " "$(printf %s "$1" | sed "s/'/'\\\\''/g")"; }

image=$("$here/make-root.sh")
work=$(mktemp -d "${TMPDIR:-/tmp}/rocket-uml.XXXXXX")
trap 'rm -rf "$work"' EXIT
{
	[ -z "${ROCKET_BUILD-}" ] || printf 'export ROCKET_BUILD=%s\n' "$(quote "$(cd "$ROCKET_BUILD" && pwd)")"
	printf 'set --'
	job=$1
	shift
	for word; do printf ' %s' "$(quote "$word")"; done
	printf '\n'
	cat "$job"
} >"$work/job"

boot()
{
	code=0
	TMPDIR=$work timeout -k 5 "$limit" linux.uml mem=1500M umid="rocket-$$" uml_dir="$work/" \
		ubd0="$work/cow,$image" root=/dev/ubda rw con=null con0=null,fd:1 loglevel=1 init=/guest-init \
		ext="$work" share="$shares" now="$(date +%s)" </dev/null >"$work/console" 2>"$work/kernel" || code=$?
}

boot
# A guest that never came as far as the job (seen under memory pressure) gets a second chance.
grep -q '^@@ job' "$work/console" || boot
# The kernel's own lines stand around the job's; the console ends its lines with CR LF.
tr -d '\r' <"$work/console" | awk '/^@@ end$/ { exit } in_job; /^@@ job$/ { in_job = 1 }'
if [ -s "$work/code" ]; then
	exit "$(cat "$work/code")"
fi
echo "uml: the guest ended without a result (status $code)" >&2
tail -20 "$work/kernel" >&2
exit 125
