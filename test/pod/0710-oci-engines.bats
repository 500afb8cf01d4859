#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Real engines with rocket-oci as their runtime: podman, buildah and containerd, as Debian has them.
load lib
load oci

# The host's own limits may be below those that engines ask for, and raising them takes a capability.
LIMITS=(--ulimit nofile=1024:1024 --ulimit nproc=1000:1000)

# podman takes no longer path than 50 characters.
engine_store() { echo --root "$STORE/root" --runroot "$STORE/run"; }
podman_() { timeout 50 podman $(engine_store) --cgroup-manager cgroupfs --runtime "$OCI" "$@" 3>&-; }
buildah_() { timeout 50 buildah $(engine_store) "$@" 3>&-; }
ctr_() { timeout 50 ctr -a "$BATS_FILE_TMPDIR/ctd/sock" "$@" 3>&-; }

file_setup()
{
	STORE=$(mktemp -d /tmp/oci.XXXXXX)
	export STORE
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR bundle '.'
	tar -C "$BATS_FILE_TMPDIR/bundle/rootfs" -c . | podman_ import - box >/dev/null
}

test_teardown() { podman_ rm -f -t 0 -a >/dev/null 2>&1 || true; }

file_teardown()
{
	# What engines made above the containers' groups stays theirs.
	find /sys/fs/cgroup -depth \( -path '*/libpod_parent*' -o -path '*/default' \) -type d -exec rmdir {} + 2>/dev/null || true
	awk -v a="$STORE" -v b="$BATS_FILE_TMPDIR" 'index($5, a) == 1 || index($5, b) == 1 { print $5 }' /proc/self/mountinfo |
		sort -r | xargs -r umount -l 2>/dev/null || true
	rm -rf "$STORE" /run/rocket-oci/.seccomp
}

@test "podman run: exit codes of the program, of one that is not there, of one that can't run" {
	run podman_ run "${LIMITS[@]}" --rm --network none box sh -c 'echo $((6 * 7)); exit 7'
	assert_exit 7
	assert_has 42
	run -127 podman_ run "${LIMITS[@]}" --rm --network none box nosuch
	assert_exit 127
	run podman_ run "${LIMITS[@]}" --rm --network none box /bin
	assert_exit 126
	[ -z "$("$OCI" list -q)" ]
}

@test "podman: detached, exec, pause, limits, stop, start, rm" {
	podman_ run "${LIMITS[@]}" -d --name web --network none --pids-limit 50 box sleep 1000
	[ "$("$OCI" list -q | wc -l)" = 1 ]
	run podman_ exec web sh -c 'cat /proc/1/cmdline; exit 4'
	assert_exit 4
	assert_has sleep
	run -127 podman_ exec web nosuch
	assert_exit 127
	podman_ pause web
	[ "$(podman_ inspect -f '{{.State.Status}}' web)" = paused ]
	podman_ unpause web
	[ "$("$OCI" events --stats "$("$OCI" list -q)" | jq .data.pids.limit)" = 50 ]
	podman_ stop -t 0 web
	[ "$(podman_ inspect -f '{{.State.ExitCode}}' web)" = 137 ]
	podman_ start web
	[ "$(podman_ inspect -f '{{.State.Running}}' web)" = true ]
	podman_ rm -f -t 0 web
	[ -z "$("$OCI" list -q)" ]
}

@test "podman: a terminal, input, a user, a read-only root, a user namespace" {
	run podman_ run "${LIMITS[@]}" --rm -t --network none box tty
	assert_has /dev/pts/0
	[ "$(echo hello | podman_ run "${LIMITS[@]}" --rm -i --network none box cat)" = hello ]
	[ "$(podman_ run "${LIMITS[@]}" --rm --network none -u 5:6 box sh -c 'echo $(id -u) $(id -g)')" = "5 6" ]
	run podman_ run "${LIMITS[@]}" --rm --network none --read-only box touch /no
	assert_exit 1
	run podman_ run "${LIMITS[@]}" --rm --network none --uidmap 0:200000:65536 box cat /proc/self/uid_map
	[[ $output =~ 0\ +200000\ +65536 ]]
}

@test "buildah runs the steps of a build in it" {
	printf 'FROM localhost/box\nRUN echo built > /made\n' >"$BATS_TEST_TMPDIR/Containerfile"
	buildah_ build --ulimit nofile=1024:1024 --runtime "$OCI" --isolation oci --network none -t made "$BATS_TEST_TMPDIR"
	[ "$(podman_ run "${LIMITS[@]}" --rm --network none made cat /made)" = built ]
}

@test "containerd: run, exec, pause, kill, delete" {
	mkdir -p "$BATS_FILE_TMPDIR/ctd"
	cat >"$BATS_FILE_TMPDIR/ctd/config.toml" <<-EOF
	version = 2
	root = "$BATS_FILE_TMPDIR/ctd/root"
	state = "$BATS_FILE_TMPDIR/ctd/state"
	disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
		"io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
	[grpc]
	address = "$BATS_FILE_TMPDIR/ctd/sock"
	EOF
	containerd -c "$BATS_FILE_TMPDIR/ctd/config.toml" >"$BATS_FILE_TMPDIR/ctd/log" 2>&1 3>&- &
	local daemon=$! root=$BATS_FILE_TMPDIR/bundle/rootfs
	until_true 20 test -S "$BATS_FILE_TMPDIR/ctd/sock"
	run ctr_ run --rm --rootfs --runc-binary "$OCI" "$root" t1 /bin/sh -c 'echo in; exit 5'
	assert_exit 5
	assert_has in
	ctr_ run -d --rootfs --runc-binary "$OCI" "$root" t2 /bin/sleep 1000
	run ctr_ task exec --exec-id e1 t2 /bin/ps
	assert_has /bin/sleep
	ctr_ task pause t2
	[[ $(ctr_ task ls) = *PAUSED* ]]
	ctr_ task resume t2
	ctr_ task kill -s KILL t2
	until_true 10 sh -c "ctr -a '$BATS_FILE_TMPDIR/ctd/sock' task ls | grep -q STOPPED"
	ctr_ task rm t2 || true
	ctr_ container rm t2
	kill $daemon
	wait $daemon || true
}
