#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `make bench`: builds Rocket and the measuring programs as they ship, then bench/run.py. Options go to it.
# BUILD moves the build folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD:-$here/../build}/bench
"$here/../tools/build.sh" "$build" -Dtests=false --buildtype=debugoptimized
ninja -C "$build" bench >"$build/bench.log" 2>&1 || { grep -v '^\[' "$build/bench.log" >&2; exit 1; }
exec python3 -B "$here/run.py" --bin "$build" "$@"
