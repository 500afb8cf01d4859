#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All programs, static, in one directory: copy it anywhere, run ./rocket. The programs find each other beside
# rocket itself, wherever that is.
# usage: bundle.sh BUILD [FOLDER [MESON OPTION…]]       the bundle goes to BUILD, what is on the way to FOLDER
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
build=$1
folder=${2:-$build/bundle}
shift $(($# < 2 ? $# : 2))

"$here/tools/build.sh" "$folder/build" --prefix=/usr -Dprefer_static=true -Dtests=false "$@"
version=$(meson introspect --projectinfo "$folder/build" | sed -n 's/.*"version": "\([^"]*\)".*/\1/p')
case $(readelf -h "$folder/build/src/cli/rocket" | sed -n 's/.*Machine: *//p') in
AArch64) arch=aarch64 ;;
*X86-64) arch=x86_64 ;;
*) arch=$(uname -m) ;;
esac
out=$build/rocket-$version-$arch

rm -rf "$out" "$folder/root"
meson install -C "$folder/build" --no-rebuild --destdir "$folder/root" >"$folder/install.log" 2>&1 ||
	{ cat "$folder/install.log" >&2; exit 1; }
mkdir -p "$out"
cp -p "$folder/root/usr/bin/rocket" "$folder/root/usr/libexec/rocket/"* "$out/"
strip=${STRIP:-strip}
for program in "$out"/*; do
	$strip --strip-unneeded "$program"
	if readelf -l "$program" | grep -q 'INTERP'; then
		echo "$program is not static" >&2
		exit 1
	fi
done
cp "$here/LICENSE" "$out/"
tar -C "$build" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" \
	-cJf "$out.tar.xz" "$(basename "$out")"
echo "$out"
