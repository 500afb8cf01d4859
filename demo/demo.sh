#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three images by hand from Debian's own nginx, redis and busybox; one pod; one hole; one page, twice. Prints
# the five commands that it runs. Everything lies below STATE and is gone at the end, unless KEEP=1.
# usage: demo.sh BUILD STATE
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1 state=$2
PATH=$build/src/cli:$PATH
export ROCKET_DIR=$state/rocket

cleanup() {
	status=$?
	trap - EXIT
	if [ "${KEEP-}" = 1 ] && [ $status -eq 0 ]; then
		echo
		echo "The pod is up: $url"
		echo "Look at it with: ROCKET_DIR=$ROCKET_DIR $build/src/cli/rocket list"
		echo "Remove it with:  make demo-clean"
	else
		"$here/clean.sh" "$build" "$state"
	fi
	exit $status
}

# Shows a command as a person would type it, and runs it.
show() {
	printf '\n\033[1m$ %s\033[0m\n' "$*"
	"$@"
}

free_port() {
	local port
	for port in {8080..8180}; do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
	done
	echo "no free port from 8080 to 8180" >&2
	return 1
}

# The first answers come when all three apps are up.
fetch() {
	local tries
	for tries in {1..100}; do
		curl --silent --fail --max-time 5 "$url" && return
		sleep 0.1
	done
	echo "no page from $url" >&2
	rocket logs demo >&2 || true
	return 1
}

"$here/clean.sh" "$build" "$state" # of an earlier KEEP=1
trap cleanup EXIT
mkdir -p "$state"
echo "Unpacking Debian's nginx, redis and busybox into a directory (nothing is installed) …"
"$here/tree.sh" "$state/debian" "$state/packages"
port=$(free_port)
url=http://127.0.0.1:$port/
cd "$here"

show rocket build --from "$state/debian" nginx redis counter
show rocket run -d -f pod.yaml
show rocket hole add demo "in:$port:80@web"
show rocket hole list demo

echo
echo "The page, through the hole, twice (curl $url):"
first=$(fetch)
second=$(fetch)
echo "$first" | tail -n 1
echo "$second" | tail -n 1
case $first:$second in
*"fetched 1 times"*:*"fetched 2 times"*) ;;
*) echo "the counter did not count" >&2; exit 1 ;;
esac
[ "${KEEP-}" = 1 ] || show rocket stop demo
