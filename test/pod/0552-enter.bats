#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What `enter` starts is the supervisor's: its life beside the app's, whoever goes first.
load lib

in_pod() { rocket top -o json "$1" | jq -r '.[].command' | grep -c "$2"; }

wait_for()
{
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}

code=0

@test "signals reach the program, and its end is enter's" {
	rocket run -d --name sig box sleep 1000
	rocket enter sig sh -c 'trap "exit 9" TERM; echo up; while :; do sleep 0.05; done' >"$BATS_TEST_TMPDIR/out" &
	wait_for grep -q up "$BATS_TEST_TMPDIR/out"
	kill -TERM "$(pgrep -f -- "--dir $ROCKET_DIR enter sig")"
	code=0; wait $! || code=$?
	[ "$code" = 9 ]
}

@test "who enters and is killed leaves the program running; the pod's end takes it along" {
	rocket run -d --name orphan box sleep 1000
	rocket enter orphan sleep 2000 &
	wait_for in_pod orphan 'sleep 2000'
	kill -KILL "$(pgrep -f -- "--dir $ROCKET_DIR enter orphan")"
	wait $! || true
	sleep 0.2
	in_pod orphan 'sleep 2000'
	run_rocket rm -f orphan
	assert_exit 0
}

@test "the end of the app, of its reaper and of the pod end what was entered" {
	rocket run -d --name both box --init sleep 1000 --- box --name other --init sleep 1000
	rocket enter both/box sleep 2000 &
	wait_for in_pod both 'sleep 2000'
	run_rocket stop -t 1s both/box
	assert_exit 0
	code=0; wait $! || code=$?
	[ "$code" = 137 ]
	rocket enter both/other sleep 2000 &
	wait_for in_pod both 'sleep 2000'
	run_rocket rm -f both
	assert_exit 0
	code=0; wait $! || code=$?
	[ "$code" = 137 ]
}

@test "a paused pod refuses, and goes on" {
	rocket run -d --name still box sleep 1000
	rocket pause still
	run_rocket enter still true
	assert_error 125 paused
	rocket unpause still
	run_rocket enter still true
	assert_exit 0
}

@test "arguments longer than a packet, several apps, no such app" {
	local long
	long=$(head -c 100000 /dev/zero | tr '\0' x)
	rocket run -d --name two box --name a sleep 1000 --- box --name b sleep 1000
	run_rocket enter two/a sh -c 'echo ${#1}' sh "$long"
	assert_out 100000
	run_rocket enter two true
	assert_error 2 "several apps"
	run_rocket enter two/c true
	assert_error 125 "a, b"
}

@test "run --timing names the steps on stderr, prepare refuses it" {
	run_rocket run -q --rm --timing box true
	assert_exit 0
	assert_out ""
	[[ $stderr = *"root put together"*"executed"*"pod removed"* ]]
	run_rocket run -d --timing --name timed box sleep 1000
	[[ ${lines[0]} =~ ^[0-9a-f]{32}$ ]]
	[[ $stderr = *executed* ]]
	run_rocket prepare --timing box true
	assert_error 2 --timing
}
