#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Debian's own nginx, redis and busybox with the libraries that they need, and unpacks them into one
# directory tree. Nothing is installed, no maintainer script runs, the host's package database is not
# touched: apt is told of an empty system, and of what it would install, only programs and libraries are taken.
# usage: tree.sh TREE CACHE
set -eu
tree=$1 cache=$2

[ -e "$tree.done" ] && exit 0
mkdir -p "$cache"
rm -rf "$tree.new"
mkdir -p "$tree.new"

packages=$(apt-get -q -o Dir::State::status=/dev/null -o APT::Install-Recommends=false \
	-o Debug::NoLocking=1 --print-uris install nginx redis-server busybox |
	sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p" |
	grep -E '^(lib|zlib|nginx|redis|busybox)' | grep -v perl)
[ -n "$packages" ] || { echo "apt knows no nginx, redis-server, busybox: run apt-get update" >&2; exit 1; }

# apt-get download checks each package against the signed index.
(cd "$cache" && apt-get -q -o APT::Sandbox::User=root download $packages >/dev/null)
for deb in "$cache"/*.deb; do
	dpkg -x "$deb" "$tree.new"
done
rm -rf "$tree"
mv "$tree.new" "$tree"
touch "$tree.done"
