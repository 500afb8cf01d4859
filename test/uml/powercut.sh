#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Pulls the plug: a user-mode-linux guest imports, removes and sweeps images on a disk of its own and is killed in
# the midst of it. Killing it loses what the guest had not synced, as a power cut does; what its disk had taken
# stays. After each cut the next boot must find every image that an import had reported, whole, and gc must
# leave nothing else.
#
#   ROCKET_BUILD=FOLDER test/uml/powercut.sh [CUTS]      prints TAP
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${ROCKET_BUILD:?the build folder}"
ROCKET_BUILD=$(cd "$ROCKET_BUILD" && pwd)
cuts=${1:-5}
image=$("$here/make-root.sh") || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/rocket-cut.XXXXXX")
guest=
stop_guest()
{
	kill -9 -- "-$guest" 2>/dev/null
	wait "$guest" 2>/dev/null
	while pgrep -g "$guest" >/dev/null; do
		sleep 0.05
	done
	guest=
}
cleanup()
{
	[ -z "$guest" ] || stop_guest
	rm -rf "$work"
}
trap cleanup EXIT

# Two images of two layers each, one of them shared.
make_images()
{
	local n
	mkdir -p "$work/base" "$work/top"
	cp "$(command -v busybox)" "$work/base/sh"
	tar -C "$work/base" --numeric-owner -cf "$work/base.tar" .
	for n in 1 2; do
		head -c 300000 /dev/urandom >"$work/top/file"
		tar -C "$work/top" --numeric-owner -cf "$work/top.tar" .
		jq -cn --arg a "sha256:$(sha256sum <"$work/base.tar" | cut -c1-64)" --arg b "sha256:$(sha256sum <"$work/top.tar" | cut -c1-64)" \
			'{architecture: "amd64", os: "linux", config: {}, rootfs: {type: "layers", diff_ids: [$a, $b]}}' >"$work/config.json"
		echo '[{"Config":"config.json","RepoTags":null,"Layers":["base.tar","top.tar"]}]' >"$work/manifest.json"
		tar -C "$work" -cf "$work/image$n.tar" manifest.json config.json base.tar top.tar
	done
}

# Starts the guest in the background with the job on stdin; $guest is its pid.
boot()
{
	{
		echo "export ROCKET_BUILD='$ROCKET_BUILD'"
		echo "echo begun >/ext/begun"
		cat
	} >"$work/job"
	start_guest
	# One that never comes as far as the job (seen under memory pressure) gets a second chance.
	wait_for_job || { stop_guest; start_guest; wait_for_job; }
}

wait_for_job()
{
	for _ in {1..300}; do
		[ -e "$work/begun" ] && return 0
		kill -0 "$guest" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

start_guest()
{
	rm -f "$work/code" "$work/begun" "$work/cow"
	# A session of its own: the guest is several processes, and all of them must go at once.
	TMPDIR=$work setsid linux.uml mem=512M umid="cut-$$" uml_dir="$work/" ubd0="$work/cow,$image" ubd1="$work/disk.img" \
		root=/dev/ubda rw con=null con0=null,fd:1 loglevel=1 init=/guest-init ext="$work" \
		share="$ROCKET_BUILD" now="$(date +%s)" </dev/null >"$work/console" 2>"$work/kernel" &
	guest=$!
}

wait_guest()
{
	local end=$((SECONDS + 120))
	while kill -0 "$guest" 2>/dev/null && [ $SECONDS -lt $end ]; do
		sleep 0.1
	done
	stop_guest
	[ "$(cat "$work/code" 2>/dev/null)" = 0 ]
}

make_images
mke2fs -q -t ext4 "$work/disk.img" 200M >&2
echo "1..$cuts"
failed=0
for ((cut = 1; cut <= cuts; cut++)); do
	: >"$work/names"
	# What is in the list must be there after the cut: it is written, outside, when the import has come back.
	boot <<-'JOB'
		mkdir -p /data && mount /dev/ubdb /data || exit 1
		rocket() { "$ROCKET_BUILD/src/cli/rocket" --dir /data/r -q "$@"; }
		i=0
		while :; do
			i=$((i + 1))
			rocket image import /ext/image$((i % 2 + 1)).tar n$i >/dev/null || exit 1
			echo n$i:latest >>/ext/names
			if [ $i -gt 2 ]; then
				sed -i /n$((i - 2)):/d /ext/names
				rocket image rm n$((i - 2)) || exit 1
			fi
			rocket image gc --grace-period 0 || exit 1
		done
	JOB
	[ -e "$work/begun" ] || { echo "not ok $cut the guest starts"; tail -20 "$work/console" | sed 's/^/# /'; exit 1; }
	sleep "$((RANDOM % 3)).$((RANDOM % 10))"
	stop_guest
	cp "$work/names" "$work/expected"
	boot <<-'JOB'
		mkdir -p /data && mount /dev/ubdb /data || exit 1
		rocket() { "$ROCKET_BUILD/src/cli/rocket" --dir /data/r -q "$@"; }
		rocket image list -o name >/ext/have || exit 2
		for name in $(cat /ext/expected); do
			grep -qx "$name" /ext/have || { echo "lost $name"; exit 3; }
		done
		[ ! -s /ext/have ] || rocket image verify || exit 4
		rocket image import /ext/image1.tar again >/dev/null || exit 5
		for name in $(rocket image list -o name); do
			rocket image rm $name || exit 6
		done
		rocket image gc --grace-period 0 || exit 7
		[ -z "$(find /data/r -type f ! -name lock ! -name .lock)" ] || { find /data/r -type f; exit 8; }
		umount /data
	JOB
	if wait_guest; then
		echo "ok $cut cut $cut: $(wc -l <"$work/expected") images expected, $(wc -l <"$work/have") found"
	else
		echo "not ok $cut cut $cut: code $(cat "$work/code" 2>/dev/null)"
		sed 's/^/# /' "$work/console" | tail -20
		failed=1
	fi
done
exit $failed
