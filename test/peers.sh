#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the newest peers that Debian's suites give (crun, runc, podman, bubblewrap, skopeo, umoci) into a
# folder, without touching the system: a private package list, packages unpacked, never installed.
#
#   test/peers.sh         prints the folder (fetches on the first call, about 70 MB)
#   FOLDER/run crun ...   starts a peer; FOLDER/root is the suite's tree, FOLDER/versions names what is in it
#
# ROCKET_CACHE moves the folder, PEER_SUITE picks another suite.
set -eu
suite=${PEER_SUITE:-forky}
cache=${ROCKET_CACHE:-/var/cache/rocket-test}/peers-$suite
packages='crun runc podman conmon catatonit netavark bubblewrap skopeo umoci golang-github-containers-common
	dash util-linux coreutils mount nftables'

# apt with a state of its own: the host's package lists and configuration are neither read nor written.
make_apt_config()
{
	mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/none"
	: >"$work/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" \
		>"$work/sources.list"
	cat >"$work/apt.conf" <<-EOF
	Dir::State "$work"; Dir::State::status "$work/status"; Dir::State::lists "$work/lists";
	Dir::Cache "$work"; Dir::Cache::archives "$work/archives";
	Dir::Etc::sourcelist "$work/sources.list"; Dir::Etc::sourceparts "$work/none"; Dir::Etc::preferencesparts "$work/none";
	Acquire::Languages "none"; APT::Sandbox::User "root"; Debug::NoLocking "1";
	EOF
}

fetch_packages()
{
	export APT_CONFIG="$work/apt.conf"
	apt-get -qq -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false update >&2
	# shellcheck disable=SC2086
	apt-get -qq -y --no-install-recommends --download-only install $packages >&2
	unset APT_CONFIG
}

unpack_packages()
{
	mkdir -p "$work/root/usr/bin" "$work/root/usr/lib" "$work/root/usr/lib64" "$work/root/usr/sbin"
	for dir in bin lib lib64 sbin; do
		ln -s "usr/$dir" "$work/root/$dir"
	done
	for deb in "$work"/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work/root" --keep-directory-symlink --no-same-owner
		dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$work/versions"
	done
}

# Starts a peer in a mount namespace of its own where the suite's /usr lies over the host's, so that programs
# which start each other or themselves (podman, conmon, runc) all find their own loader and libraries. On a
# hybrid host cgroup2 is unmounted there: new peers then see plain v1, which they support.
write_starter()
{
	cat >"$work/run" <<-EOF
	#!/bin/sh
	# usage: run PROGRAM ARG...
	[ "\${1-}" ] || exit 2
	exec unshare -m --propagation private sh -c '
		umount /sys/fs/cgroup/unified 2>/dev/null
		mount --bind $cache/root/etc/ld.so.cache /etc/ld.so.cache &&
		mount --bind $cache/root/usr /usr && exec "\$@"' run "\$@"
	EOF
	chmod 755 "$work/run"
	ldconfig -r "$work/root"
}

if [ ! -e "$cache/versions" ]; then
	mkdir -p "${cache%/*}"
	work=$(mktemp -d "$cache.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	make_apt_config
	fetch_packages
	unpack_packages
	write_starter
	rm -rf "$work/archives" "$work/lists" "$work/none" "$work"/pkgcache.bin "$work"/srcpkgcache.bin
	rm -rf "$cache"
	chmod 755 "$work"
	mv "$work" "$cache"
	trap - EXIT
fi
echo "$cache"
