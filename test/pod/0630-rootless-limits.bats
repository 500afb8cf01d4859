#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ordinary user's limits: where a control group of version 2 is his, they hold; anywhere else they are refused by name.
load lib
load rootless

hierarchy() { [ -e /sys/fs/cgroup/cgroup.controllers ] && echo /sys/fs/cgroup || echo /sys/fs/cgroup/unified; }
is_v2() { [ "$(hierarchy)" = /sys/fs/cgroup ]; }
needs_v2() { is_v2 || skip "this host's controllers are of version 1, which no user can be given"; }

# What systemd does for Delegate=yes: a group that belongs to the user, and his processes in a leaf of it.
user_setup()
{
	local given=$(hierarchy)/given
	mkdir -p "$given/shell"
	[ ! -s "$given/cgroup.controllers" ] || sed 's/[^ ]*/+&/g' "$given/cgroup.controllers" >"$given/cgroup.subtree_control"
	chown "$TESTER": "$given" "$given"/cgroup.{procs,threads,subtree_control} "$given/shell" "$given/shell/cgroup.procs"
}

user_teardown()
{
	find "$(hierarchy)/given" -depth -type d -exec rmdir {} +
}

as_user()
{
	local group=${IN_GROUP-$(hierarchy)/given/shell}
	(
		[ -z "$group" ] || echo $BASHPID >"$group/cgroup.procs"
		exec setpriv --reuid "$TESTER_UID" --regid "$TESTER_UID" --init-groups env -C "$TESTER_HOME" -i \
			HOME="$TESTER_HOME" USER="$TESTER" PATH="$PATH" "$@" 3>&-
	)
}

@test "without a group of his own a user's pod runs, and a limit is refused" {
	IN_GROUP= run_rocket run --rm box true
	assert_exit 0
	IN_GROUP= run_rocket run --rm -m 64m box true
	assert_error 125 memory rocket
	IN_GROUP= run_rocket run --rm --pids 100 box true
	assert_error 125 pids
	IN_GROUP= rocket run -d --name free box sleep 100
	IN_GROUP= run_rocket pause free
	assert_error 1 "control group"
}

@test "in a group of his own a pod has groups, and is paused" {
	local pod
	rocket run -d --name mine box sh -c 'while :; do date +%N >>/srv/now; done'
	pod=$(rocket status mine -o json | jq -r .id)
	[ -d "$(hierarchy)/given/rocket-$pod/box" ]
	[ -n "$(cat "$(hierarchy)/given/rocket-$pod/box/cgroup.procs")" ]
	# Where overlay can't serve (a tmpfs before Linux 6.6), the app has a root of its own.
	now() { cat "$ROCKET_DIR/pods/run/$pod"/box.*/srv/now 2>/dev/null; }
	has_begun() { [ -n "$(now)" ]; }
	until_true 5 has_begun
	rocket pause mine
	local before after
	before=$(now | wc -c)
	sleep 0.3
	after=$(now | wc -c)
	[ "$before" -gt 0 ]
	[ "$before" = "$after" ]
	rocket unpause mine
	rocket rm -f mine
	[ ! -e "$(hierarchy)/given/rocket-$pod" ]
}

@test "memory, pids and cpus hold" {
	needs_v2
	run_rocket run --rm -m 64m box probe eat 200
	assert_exit 137
	run_rocket run --rm --pids 20 box probe forks 100
	[ "$output" -ge 10 ] && [ "$output" -lt 20 ]
	run_rocket run --rm --cpus 0.2 box probe spin 2
	awk -v got="$output" 'BEGIN { exit !(got > 0.1 && got < 0.8) }'
	rocket run -d --name all -m 64m --cpu-shares 512 box sleep 100
	[ "$(cat /sys/fs/cgroup/given/rocket-*/box/memory.max)" = 67108864 ]
	[ "$(cat /sys/fs/cgroup/given/rocket-*/box/pids.max)" = 4096 ]
	run rocket enter all cat /proc/self/cgroup
	[ "$output" = 0::/ ]
	[ "$(rocket stats all -o json | jq '.[0].memory_limit_bytes')" = 67108864 ]
}

@test "a controller that was not handed down is refused by name" {
	is_v2 || {
		run_rocket run --rm -m 64m box true
		assert_error 125 memory "version 2"
		return
	}
	echo -memory >/sys/fs/cgroup/given/cgroup.subtree_control
	echo -memory >/sys/fs/cgroup/cgroup.subtree_control
	run_rocket run --rm -m 64m box true
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	assert_error 125 memory "handed down"
}

@test "the pod can't write to its groups" {
	needs_v2
	run_rocket run --rm box sh -c 'echo max >/sys/fs/cgroup/pids.max'
	[ "$status" -ne 0 ]
	run_rocket run --rm box sh -c 'mkdir /sys/fs/cgroup/more'
	[ "$status" -ne 0 ]
}
