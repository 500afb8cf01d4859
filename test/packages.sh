#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Debian package installs, works and goes away again; the static bundle runs on a root that is read-only and has
# neither package manager nor systemd. Changes the system that it runs on: start it with test/fresh.sh.
set -eu
cd "$(dirname "$0")/.."
[ -e /usr/bin/apt-get ] && [ ! -e /run/systemd/system ] || { echo "start this with test/fresh.sh" >&2; exit 2; }

say() { printf '== %s\n' "$*"; }
# What a command says is of interest only when it fails.
quietly() { local log; log=$("$@" 2>&1) || { printf '%s\nfailed: %s\n' "$log" "$*" >&2; exit 1; }; }

# An image of one program, by hand, and a pod of it. $1: the program to call.
try_pod() {
	local rocket=$1 work=$2
	mkdir -p "$work/recipe"
	printf 'name: try\nfiles: [/bin/cat, {text: "it works\\n", to: /text}]\ncmd: [/bin/cat, /text]\n' >"$work/recipe/recipe.yaml"
	"$rocket" -q build "$work/recipe" >/dev/null
	[ "$("$rocket" run --rm try)" = "it works" ]
	"$rocket" -q image rm try
	"$rocket" -q gc --grace-period 0
}

say "the package"
quietly make deb bundle
before=$(find / -xdev \( -path /proc -o -path /source -o -path /tmp -o -path /var \) -prune -o -print | LC_ALL=C sort)
quietly apt-get -qq -y install --no-install-recommends ./build/rocket_*.deb
dpkg -V rocket
rocket version
[ -e /usr/lib/systemd/system/rocket-gc.timer ]
[ -e /usr/share/bash-completion/completions/rocket ]
[ -s /usr/share/man/man1/rocket.1.gz ]
[ -s /usr/share/man/man5/rocket-recipe.5.gz ]
try_pod rocket /tmp/deb
quietly apt-get -qq -y purge rocket
after=$(find / -xdev \( -path /proc -o -path /source -o -path /tmp -o -path /var \) -prune -o -print | LC_ALL=C sort)
left=$(comm -13 <(echo "$before") <(echo "$after") | grep -v -e '^/etc/ld.so.cache' -e '/libisal' -e '^/usr/share/doc/lib' || :)
[ -z "$left" ] || { echo "the package left behind: $left" >&2; exit 1; }

say "the bundle on a bare, read-only root"
bare=$(mktemp -d)
chmod 755 "$bare"
mkdir -p "$bare"/{opt,proc,sys,dev,tmp,var,run,bin}
cp -r build/rocket-*-"$(uname -m)" "$bare/opt/rocket"
cp /bin/busybox "$bare/bin/busybox" 2>/dev/null || {
	quietly apt-get -qq -y install --no-install-recommends busybox-static
	cp /bin/busybox "$bare/bin/busybox"
}
unshare --mount --propagation private bash -eu -c '
	mount --bind "$1" "$1"
	cd "$1"
	mount -t proc proc proc
	mount --rbind /sys sys
	mount --rbind /dev dev
	for dir in var run tmp; do mount -t tmpfs tmpfs $dir; done
	mkdir tmp/old
	mount -o remount,ro,bind .
	pivot_root . tmp/old
	exec /bin/busybox sh -eu -c "
		busybox() { /bin/busybox \"\$@\"; }
		busybox umount -l /tmp/old
		busybox mkdir -p /tmp/recipe
		echo \"{name: try, files: [/bin/busybox], entrypoint: [/bin/busybox, echo]}\" >/tmp/recipe/recipe.yaml
		/opt/rocket/rocket -q build /tmp/recipe >/dev/null
		[ \"\$(/opt/rocket/rocket run --rm try it works)\" = \"it works\" ]
		/opt/rocket/rocket image export try /tmp/try.tar
		/opt/rocket/rocket -q image import /tmp/try.tar again >/dev/null
		/opt/rocket/rocket image verify again
		/opt/rocket/rocket doctor >/dev/null
	"
' bare "$bare"
rm -rf "$bare"
say "done"
