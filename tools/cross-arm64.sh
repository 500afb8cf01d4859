#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds Rocket for arm64 on another machine, runs its unit tests under qemu's user emulation, and makes the
# static bundle. The libraries are Debian's, unpacked into a folder: apt works with a state of its own, and
# the host neither learns another architecture nor gets a package installed.
# usage: cross-arm64.sh BUILD
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
build=$1
work=$build/arm64
sysroot=$work/sysroot
packages="libc6 libc6-dev linux-libc-dev libcrypt1 libcrypt-dev libgcc-s1 libjson-c5 libjson-c-dev libyaml-0-2 libyaml-dev
	libisal2 libisal-dev libseccomp2 libseccomp-dev libzstd1 libzstd-dev liblzma5 liblzma-dev libssl3 libssl-dev zlib1g zlib1g-dev
	libcmocka0 libcmocka-dev"

# apt with its own lists for arm64, and with an empty system.
arm64_apt() {
	apt-get -q -o Dir::State="$work/apt/state" -o Dir::Cache="$work/apt/cache" \
		-o Dir::State::status=/dev/null -o APT::Architecture=arm64 -o APT::Architectures::=arm64 \
		-o APT::Sandbox::User=root -o Debug::NoLocking=1 "$@"
}

unpack_libraries() {
	[ "$(cat "$sysroot.done" 2>/dev/null)" != "$packages" ] || return 0
	rm -rf "$work/apt" "$sysroot"
	mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/debs" "$sysroot"
	arm64_apt update >"$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; exit 1; }
	(cd "$work/debs" && arm64_apt download $packages >>"$work/apt.log" 2>&1) || { cat "$work/apt.log" >&2; exit 1; }
	for deb in "$work"/debs/*.deb; do
		dpkg -x "$deb" "$sysroot"
	done
	rm -rf "$work/apt" "$work/debs"
	printf '%s' "$packages" >"$sysroot.done"
}

# openat2(2) came to qemu's user emulation in 9.2; an older one is replaced by that of a later suite, unpacked.
qemu_knows_openat2() {
	"$1" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | {
		read -r major minor && [ "$major" -gt 9 ] || { [ "${major:-0}" -eq 9 ] && [ "$minor" -ge 2 ]; }
	}
}

fetch_qemu() {
	mirror=$(apt-get indextargets --format '$(SITE)' | grep -m 1 '/debian$' || :)
	[ -n "$mirror" ] || { echo "apt knows no Debian mirror to take a newer qemu from" >&2; exit 1; }
	rm -rf "$work/apt" "$work/qemu"
	mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/qemu" "$work/apt/none"
	printf 'deb [signed-by=%s] %s trixie main\n' /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" \
		>"$work/apt/sources.list"
	set -- -q -o Dir::Etc::sourcelist="$work/apt/sources.list" -o Dir::Etc::sourceparts="$work/apt/none" \
		-o Dir::State="$work/apt/state" -o Dir::Cache="$work/apt/cache" -o Dir::State::status=/dev/null \
		-o APT::Sandbox::User=root -o Debug::NoLocking=1
	(apt-get "$@" update && cd "$work/qemu" && apt-get "$@" download qemu-user) >"$work/apt.log" 2>&1 ||
		{ cat "$work/apt.log" >&2; exit 1; }
	dpkg -x "$work"/qemu/*.deb "$work/qemu"
	rm -rf "$work/apt" "$work"/qemu/*.deb
	ln -sf qemu-aarch64 "$work/qemu/usr/bin/qemu-aarch64-static"
}

mkdir -p "$work"
unpack_libraries
if [ -e "$work/qemu/usr/bin/qemu-aarch64" ]; then
	PATH=$work/qemu/usr/bin:$PATH
elif ! qemu_knows_openat2 qemu-aarch64-static; then
	fetch_qemu
	PATH=$work/qemu/usr/bin:$PATH
fi
export PATH
printf "[constants]\nsysroot = '%s'\n" "$sysroot" >"$work/constants.txt"
cross="--cross-file=$work/constants.txt --cross-file=$here/cross/arm64.txt"

"$here/tools/build.sh" "$work/check" $cross -Dtests=true
meson test -C "$work/check" --no-rebuild --timeout-multiplier 10 >"$work/test.log" 2>&1 || {
	grep -E 'FAIL|TIMEOUT|ERROR' "$work/test.log" >&2
	echo "see $work/check/meson-logs/testlog.txt" >&2
	exit 1
}
grep -E '^(Ok|Skipped):' "$work/test.log"
STRIP=aarch64-linux-gnu-strip "$here/packaging/bundle.sh" "$build" "$work/bundle" $cross
