#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits really limit: memory, pids, cpus, tmpfs sizes, open files; on cgroup v1, hybrid and v2 alike.
load lib

@test "memory" {
	run_rocket run -m 64m box probe eat 200
	assert_exit 137
	rocket run -d --name fits -m 64m box probe eat 16
	until_true 5 log_has fits eaten
	phase_is fits running
}

@test "pids, and 4096 by default" {
	run_rocket run --pids 20 box probe forks 100
	[ "$output" -ge 10 ] && [ "$output" -lt 20 ]
	run_rocket run box probe forks 4200
	[ "$output" -gt 3900 ] && [ "$output" -lt 4096 ]
}

@test "cpus" {
	run_rocket run --cpus 0.2 box probe spin 2
	awk -v got="$output" 'BEGIN { exit !(got > 0.1 && got < 0.8) }'
}

@test "limits of the whole pod hold its apps together" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: together
	limits: {memory: 64Mi}
	apps:
	  a: {image: box, args: [probe, eat, "48"]}
	  b: {image: box, args: [probe, eat, "48"]}
	exit: first
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 137
}

@test "a tmpfs has its size" {
	run_rocket run --tmpfs /small:size=1m box sh -c 'dd if=/dev/zero of=/small/f bs=64k count=32'
	[ "$status" != 0 ]
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: small
	apps: {a: {image: box, mounts: {/small: tmpfs 1Mi}, args: [sh, -c, "dd if=/dev/zero of=/small/f bs=64k count=32"]}}
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	[ "$status" != 0 ]
	[[ $stderr = *"No space left"* ]]
}

@test "/dev/shm is 64Mi" {
	run_rocket run box sh -c 'df -m /dev/shm | tail -1'
	[[ $output =~ [[:space:]]64[[:space:]] ]]
}

@test "open files: 1024 soft" {
	run_rocket run box sh -c 'ulimit -n'
	assert_out 1024
}

@test "a limit that can't be enforced is refused, not forgotten" {
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		skip "this host has every controller"
	fi
	# A folder in the hierarchy's place: what is written there limits nothing.
	mount -t tmpfs none /sys/fs/cgroup/pids
	run_rocket run --pids 10 box true
	umount /sys/fs/cgroup/pids
	assert_error 125 pids
}

@test "stats shows what is used" {
	rocket run -d --name used -m 64m box probe eat 20
	until_true 5 log_has used eaten
	run_rocket stats -o json used
	assert_exit 0
	[ "$(jq -r '.. | .memory_bytes? // empty' <<<"$output" | head -1)" -ge 20000000 ]
}
