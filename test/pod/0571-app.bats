#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A pod that changes: apps added, stopped, started and removed while the others go on, and apply.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
app() { field "$1" ".apps[] | select(.name == \"$2\") | .$3"; }
app_is() { [ "$(app "$1" "$2" "$3")" = "$4" ]; }

@test "app add, stop, start, rm: the others go on, and names are known" {
	rocket run -d --name live box --name a --stop-signal KILL -- sleep 1000
	local pid
	pid=$(app live a pid)
	printf top >"$BATS_TEST_TMPDIR/token"
	run_rocket app add live box --name b --stop-signal KILL -e X=1 --secret "token=$BATS_TEST_TMPDIR/token" --hole in:7571:80 -- sh -c 'cat /run/secrets/token; echo $X; sleep 1000'
	assert_exit 0
	until_true 5 app_is live b state running
	until_true 5 eval 'rocket logs live/b | grep -q 1'
	run_rocket logs live/b
	assert_has top
	[[ $(rocket enter live/a cat /etc/hosts) == *b* ]]
	[[ $(rocket hole list live) == *7571* ]]
	run_rocket app stop live/b
	assert_exit 0
	app_is live b state exited
	run_rocket app start live/b
	assert_exit 0
	until_true 5 app_is live b state running
	run_rocket app rm live/b
	assert_exit 0
	[ "$(field live '.apps | length')" = 1 ]
	[[ $(rocket hole list live) != *7571* ]]
	[ "$(app live a pid)" = "$pid" ]
	run_rocket app add live box --name b --stop-signal KILL -- sleep 1000
	assert_exit 0
	app_is live b state running
	rocket stop live
	rocket start live
	until_true 5 app_is live b state running
}

@test "what can't be added or removed is refused" {
	rocket run -d --name firm box --name a --stop-signal KILL -- sleep 1000
	run_rocket app add firm box --name a -- true
	assert_error 2 "has an app a already"
	run_rocket app rm firm/a
	assert_error 2 "only app"
	run_rocket app add firm box --hostname x -- true
	assert_error 2
	run_rocket app add nosuch box
	assert_error 4
	run_rocket app add firm nosuchimage --name z
	[ "$status" -ne 0 ]
	rocket stop firm
	run_rocket app add firm box --name c
	assert_error 3 "does not run"
}

@test "an added app that ends does not end the pod; a removed one does not hold it" {
	rocket run -d --name mix box --name a --stop-signal KILL -- sleep 1000
	rocket app add mix box --name once -- true
	until_true 5 app_is mix once state exited
	app_is mix a state running
	rocket app rm mix/once
	rocket app stop mix/a
	run_rocket wait mix
	[ "$(field mix .phase)" = exited ]
}

@test "apply shows the changes, makes the fewest, and then has nothing to do" {
	manifest <<-'EOF'
	pod: app
	apps:
	  a: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}
	  b: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}
	  c: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}
	holes: [in:7572:80@a]
	EOF
	rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	local a b
	a=$(app app a pid) b=$(app app b pid)
	run_rocket apply -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	[[ $stderr == *"is as"* ]]
	manifest <<-'EOF'
	pod: app
	apps:
	  a: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}
	  b: {image: box, args: [sleep, "1000"], stop: {signal: KILL}, env: {NEW: one}}
	  d: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}
	holes: [in:7573:80@a]
	EOF
	run_rocket apply -n -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	[[ $stderr == *"- app c"* && $stderr == *"~ app b"*env* && $stderr == *"+ app d"* && $stderr == *"- hole in:"*7572* && $stderr == *"+ hole in:"*7573* ]]
	[ "$(app app b pid)" = "$b" ]
	run_rocket apply -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	[ "$(app app a pid)" = "$a" ]
	[ "$(app app b pid)" != "$b" ]
	[ "$(rocket enter app/b sh -c 'echo $NEW')" = one ]
	[ "$(field app '[.apps[].name] | sort | join(",")')" = a,b,d ]
	run_rocket apply -f "$BATS_TEST_TMPDIR/pod.yaml"
	[[ $stderr == *"is as"* ]]
	sed -i '1a hostname: other' "$BATS_TEST_TMPDIR/pod.yaml"
	run_rocket apply -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_error 3 hostname "rocket run -d -f"
}
