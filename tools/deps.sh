#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what a target needs and the host lacks, with apt; says nothing and asks nobody when all is there.
# usage: deps.sh build|check|demo|bench|package|cross…
set -eu

build="gcc libc6-dev meson ninja-build pkg-config musl-tools libseccomp-dev libjson-c-dev libyaml-dev libisal-dev libzstd-dev
	liblzma-dev libssl-dev zlib1g-dev libcurl4-openssl-dev"
check="libcmocka-dev bats jq python3 clang clang-tools libclang-rt-14-dev busybox-static curl xz-utils zstd
	bzip2 skopeo umoci buildah podman containerd uidmap erofs-utils mmdebstrap e2fsprogs user-mode-linux socat iproute2 nftables passt dnsmasq-base bind9-dnsutils
	procps attr libcap2-bin bsdextrautils docker-registry apache2-utils openssl gnupg gpgv strace nginx-light nodejs postgresql tzdata"
demo="curl ca-certificates"
bench="crun runc podman systemd-container bubblewrap docker-registry"
package="xz-utils"
cross="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static"

# Other distributions bring the same things under other names: check for the tools and go on.
if ! command -v dpkg-query >/dev/null; then
	for tool in cc meson ninja pkg-config; do
		command -v $tool >/dev/null || { echo "$tool is missing, and this is no Debian: install it" >&2; exit 1; }
	done
	exit 0
fi

want=
for set in "$@"; do
	case $set in
	build) want="$want $build" ;;
	check) want="$want $check" ;;
	demo) want="$want $demo" ;;
	bench) want="$want $bench" ;;
	package) want="$want $package" ;;
	cross) want="$want $cross" ;;
	*) echo "usage: deps.sh build|check|demo|bench|package|cross…" >&2; exit 2 ;;
	esac
done

missing=
for package in $want; do
	dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "these packages are missing:$missing" >&2
	echo "run: sudo apt-get install$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A package must not start its service just because a test needs its program.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
	policy=/usr/sbin/policy-rc.d
	trap 'rm -f "$log" "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
fi
apt_install() {
	apt-get install -q -y --no-install-recommends $missing >"$log" 2>&1
}
# The lists may be old or absent: update them only when installing fails with those that are there.
apt_install || { apt-get update -q >>"$log" 2>&1 && apt_install; } || { cat "$log" >&2; exit 1; }
