#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the guest's root image, once: a minimal Debian 12 with what the pod tests call and the libraries that
# Rocket's dynamic helpers need. Prints its path. It is read-only for the guests: each run writes to a copy-on-write
# file of its own. Needs mmdebstrap and user-mode-linux; takes about half a minute.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cache=${ROCKET_CACHE:-/var/cache/rocket-test}
packages=bats,busybox-static,jq,iproute2,procps,kmod,uidmap,python3,umoci,attr,uidmap,socat,strace,xz-utils,zstd
packages=$packages,libisal2,libssl3,libzstd1,libjson-c5,libyaml-0-2,liblzma5,libseccomp2,libcmocka0
# What the image is made from names it: a change makes a new one.
key=$(cat "$here/guest-init" "$here/make-root.sh" | sha256sum | cut -c1-16)
image=$cache/uml-$key.img

if [ ! -e "$image" ]; then
	mkdir -p "$cache"
	work=$(mktemp -d "$cache/uml.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	mmdebstrap --quiet --variant=minbase --include="$packages" --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		bookworm "$work/root" >&2
	rm -rf "$work/root/var/lib/apt/lists" "$work/root/var/cache/apt"
	mkdir -p "$work/root/ext" "$work/root/lib/modules"
	cp -a /usr/lib/uml/modules/. "$work/root/lib/modules/"
	install -m 755 "$here/guest-init" "$work/root/guest-init"
	size=$(du -sm "$work/root" | cut -f1)
	mke2fs -q -t ext4 -d "$work/root" "$work/root.img" $((size + size / 4 + 1500))M
	mv "$work/root.img" "$image"
	for old in "$cache"/uml-*.img; do
		[ "$old" = "$image" ] || rm -f "$old"
	done
fi
echo "$image"
