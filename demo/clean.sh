#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stops and removes the demo's pod, its images and its folder. Quiet when there is nothing.
# usage: clean.sh BUILD STATE
set -eu
build=$1 state=$2
export ROCKET_DIR="$state/rocket"

if [ -d "$ROCKET_DIR" ] && [ -x "$build/src/cli/rocket" ]; then
	for pod in $("$build/src/cli/rocket" list -q); do
		"$build/src/cli/rocket" rm -f "$pod" >/dev/null
	done
	"$build/src/cli/rocket" gc -q --grace-period 0
fi
rm -rf "$state/rocket" "$state/debian" "$state/debian.done" "$state/debian.new" "$state/packages"
rmdir "$state" 2>/dev/null || :
