#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Apps of the kinds init and sidecar: who starts when, and what their end means.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
run_manifest() { run_rocket run "$@" -f "$BATS_TEST_TMPDIR/pod.yaml"; }

@test "inits run one after the other and end before the others start" {
	manifest <<-'EOF'
	pod: order
	volumes: {v: {}}
	apps:
	  main: {image: box, args: [cat, /v/log], mounts: {/v: v}}
	  one: {image: box, kind: init, args: [sh, -c, "sleep 0.2; echo one >>/v/log"], mounts: {/v: v}}
	  two: {image: box, kind: init, args: [sh, -c, "echo two >>/v/log"], mounts: {/v: v}}
	EOF
	run_manifest
	assert_exit 0
	[[ $output =~ one$'\n'.*two ]]
}

@test "an init that fails ends the pod with its code, and nothing else starts" {
	manifest <<-'EOF'
	pod: broken
	apps:
	  main: {image: box, args: [echo, started]}
	  one: {image: box, kind: init, args: [sh, -c, "exit 7"]}
	EOF
	run_manifest
	assert_exit 7
	[[ $output != *started* ]]
	run_manifest -d
	assert_error 125 "before all its apps were started" "code is 7"
}

@test "an init that is restarted on failure is waited for" {
	manifest <<-'EOF'
	pod: again
	volumes: {v: {}}
	apps:
	  one: {image: box, kind: init, restart: on-failure, args: [sh, -c, "test -e /v/x || { touch /v/x; exit 1; }"], mounts: {/v: v}}
	  main: {image: box, args: [echo, started]}
	EOF
	run_manifest
	assert_exit 0
	assert_has started
}

@test "a sidecar runs beside the others and does not hold the pod" {
	manifest <<-'EOF'
	pod: side
	volumes: {v: {}}
	apps:
	  main: {image: box, args: [sh, -c, "until [ -e /v/up ]; do sleep 0.05; done; echo seen"], mounts: {/v: v}}
	  side: {image: box, kind: sidecar, restart: always, args: [sh, -c, "touch /v/up; sleep 1000"], mounts: {/v: v}, stop: {signal: KILL}}
	  one: {image: box, kind: init, args: [sh, -c, "until [ -e /v/up ]; do sleep 0.05; done"], mounts: {/v: v}}
	EOF
	run_manifest
	assert_exit 0
	assert_has seen
}

@test "a pod whose init still runs can be stopped" {
	manifest <<-'EOF'
	pod: slow
	apps:
	  one: {image: box, kind: init, args: [sleep, "1000"], stop: {signal: KILL}}
	  main: {image: box, args: [echo, started]}
	EOF
	local starter
	rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml" >/dev/null 2>&1 &
	starter=$!
	until_true 5 phase_is slow running
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' status slow -o json | jq -e '.apps[] | select(.name == \"one\") | .state == \"running\"'"
	rocket stop slow
	! wait "$starter"
	phase_is slow exited
}
