#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Configures the build folder (again, when the options changed) and builds it, quietly when all goes well.
# usage: build.sh FOLDER [MESON OPTION…]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$1
shift

mkdir -p "$folder"
log=$folder/build.log
if [ "$(cat "$folder/options" 2>/dev/null)" != "$*" ] || [ ! -e "$folder/build.ninja" ]; then
	# Not --wipe: meson would keep the options of before.
	[ ! -e "$folder/meson-private" ] || rm -rf "$folder"
	mkdir -p "$folder"
	meson setup "$@" "$folder" "$here" >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
	printf '%s' "$*" >"$folder/options"
fi
ninja -C "$folder" >"$log" 2>&1 || { grep -E -A 30 '^FAILED|ERROR' "$log" | grep -v '^\[' >&2; exit 1; }
