#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command (default: make demo) on a copy of the source in a Debian 12 that was just made: minbase, no
# compiler, no make. Shows that the README's two commands hold, and that nothing stays behind: no process, no mount,
# no control group. Root; the root file system is made once and kept in $ROCKET_CACHE.
# usage: fresh.sh [COMMAND ARG…]
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cache=${ROCKET_CACHE:-/var/cache/rocket-test}
root=$cache/debian-12

if [ ! -e "$root/etc/debian_version" ]; then
	mkdir -p "$cache"
	rm -rf "$root" "$root.new"
	mmdebstrap --quiet --variant=minbase --include=ca-certificates bookworm "$root.new"
	mv "$root.new" "$root"
fi
work=$(mktemp -d "$cache/fresh.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/source"
# What is tracked or new and not ignored, as it stands.
git -C "$here" ls-files -z --cached --others --exclude-standard |
	(cd "$here" && xargs -0 ls -d 2>/dev/null | tar -c --no-recursion -T - ) | tar -x -C "$work/source"
cp -L /etc/resolv.conf "$work/resolv.conf" 2>/dev/null || :
[ $# -gt 0 ] || set -- make demo

# The namespaces end with the command, so nothing can outlive it; what would have, is looked for before.
unshare --mount --pid --fork --propagation private bash -eu -c '
	work=$1 root=$2; shift 2
	mkdir -p "$work/upper" "$work/work" "$work/new"
	mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" overlay "$work/new"
	cd "$work/new"
	mount -t proc proc proc
	mount --rbind /sys sys
	mount --rbind /dev dev
	mount -t tmpfs tmpfs run
	mount -t tmpfs tmpfs tmp
	mkdir -p source var/lib/rocket tmp/old
	mount --bind "$work/source" source
	[ ! -s "$work/resolv.conf" ] || cp "$work/resolv.conf" etc/resolv.conf
	# Proxies and mirrors of this host hold there, too.
	cp -r /etc/apt/apt.conf.d/. etc/apt/apt.conf.d/
	rm -rf etc/apt/sources.list*
	cp -r /etc/apt/sources.list* etc/apt/
	pivot_root . tmp/old
	umount -l /tmp/old
	cd /source
	export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
	apt-get -qq update
	apt-get -qq -y install --no-install-recommends make >/dev/null 2>&1
	before=$(cat /proc/self/mounts)
	status=0
	"$@" || status=$?
	left=$(for dir in /proc/[0-9]*; do
		pid=${dir#/proc/}
		[ "$pid" -eq 1 ] || [ "$pid" -eq $$ ] || [ ! -s "$dir/cmdline" ] || tr "\0" " " <"$dir/cmdline"
	done 2>/dev/null)
	[ -z "$left" ] || { echo "processes left: $left" >&2; status=1; }
	[ "$before" = "$(cat /proc/self/mounts)" ] || { echo "mounts left" >&2; diff <(echo "$before") /proc/self/mounts >&2; status=1; }
	exit $status
' fresh "$work" "$root" "$@"
