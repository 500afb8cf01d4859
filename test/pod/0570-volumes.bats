#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes: the pod's own, named ones that outlive it, and those that an image asks for.
load lib

@test "a volume of the pod lives and dies with it" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: own
	volumes: {data: {}}
	apps: {a: {image: box, mounts: {/data: data}, args: [sh, -c, "echo x >/data/f; cat /data/f"]}}
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_out x
	rocket rm own
	[ -z "$(find "$ROCKET_DIR" -name data -type d -path '*own*')" ]
}

@test "a kept volume outlives pods, and gc" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: keeper
	volumes: {kept: {keep: true}}
	apps: {a: {image: box, mounts: {/data: kept}, args: [sh, -c, "echo x >>/data/f; wc -l </data/f"]}}
	EOF
	run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_out 1
	rocket gc --grace-period 0
	run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_out 2
	run_rocket volume list
	assert_has kept
	run_rocket volume inspect kept
	assert_exit 0
	run_rocket volume rm kept
	assert_exit 0
	run_rocket volume inspect kept
	assert_error 4 kept
}

@test "a kept volume in use can't be removed" {
	rocket run -d --name user -v usedvol:/data box sleep 1000
	run_rocket volume rm usedvol
	[ "$status" != 0 ]
	rocket rm -f user
	rocket volume rm usedvol
}

@test "an image's VOLUME is filled from the image, with its owners" {
	image_make vol 'Volumes={"/home/app":{}}' 'User="app"'
	run_rocket run vol sh -c 'grep -q " /home/app " /proc/self/mounts && stat -c %u /home/app && echo x >/home/app/f && echo written'
	assert_exit 0
	assert_out $'1000\nwritten'
}

@test "volume export and import" {
	rocket run --rm -v moved:/data box sh -c 'echo saved >/data/f'
	rocket volume export moved >"$BATS_TEST_TMPDIR/v.tar"
	rocket volume rm moved
	rocket volume import moved "$BATS_TEST_TMPDIR/v.tar" || rocket volume import moved <"$BATS_TEST_TMPDIR/v.tar"
	run_rocket run --rm -v moved:/data box cat /data/f
	assert_out saved
	rocket volume rm moved
}

@test "volumes keep their owners between pods of different id ranges" {
	rocket run --rm -v owned:/data box sh -c 'echo x >/data/f; chown 1000 /data/f'
	rocket run -d --name shift box sleep 1000
	run_rocket run --rm -v owned:/data box stat -c %u /data/f
	assert_out 1000
	rocket rm -f shift
	rocket volume rm owned
}

@test "gc removes what an import or a removal that was killed has left, and nothing that somebody works on" {
	local volumes=$ROCKET_DIR/volumes
	rocket run --rm -v stays:/data box sh -c 'echo x >/data/f'
	mkdir -p "$volumes/.rm-gone/deep" "$volumes/.new-half" "$volumes/.0badc0de.filling"
	(printf 'x'; sleep 3) | rocket volume import slow 2>/dev/null &
	until_true 5 test -d "$volumes/.new-slow"
	rocket gc
	[ -d "$volumes/.new-slow" ]
	[ "$(ls -A "$volumes" | sort | tr '\n' ' ')" = ".new-slow stays " ]
	wait $! || true
	[ "$(ls -A "$volumes")" = stays ]
	rocket volume rm stays
}
