#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rocket debug: tools of another image beside an app, under exactly the app's confinement.
load lib

app() { field "$1" ".apps[] | select(.name == \"$2\") | .$3"; }

@test "debug sees the app's processes, files and network, as the app's user, and leaves nothing" {
	rocket run -d --name bare box --name web -u 1234 --cap-drop ALL --stop-signal KILL -- sh -c 'echo secret >/tmp/mine; exec httpd -f -p 8099 -h /tmp'
	run_rocket debug --image box bare/web sh -c 'id -u; ps | grep httpd; cat /proc/1/root/tmp/mine; wget -qO- http://127.0.0.1:8099/mine; grep -E "CapEff|NoNewPrivs|Seccomp:" /proc/self/status; exit 3'
	assert_exit 3
	assert_has 1234
	assert_has httpd
	assert_has $'secret\nsecret'
	[[ $output =~ CapEff:.0000000000000000 ]]
	[[ $output =~ Seccomp:.2 ]]
	[[ $stderr == *"/proc/1/root"* ]]
	[ "$(field bare '.apps | length')" = 1 ]
	[ "$(app bare web state)" = running ]
	! ls "$ROCKET_DIR"/pods/run/*/debug-*.upper 2>/dev/null
}

@test "debug of an app that does not run, and without an image, say what to do" {
	rocket run -d --name gone box --name a --stop-signal KILL -- sleep 1000
	run_rocket debug gone/a true
	[ "$status" -ne 0 ]
	[[ $stderr == *"--image"* || $stderr == *busybox* ]]
	run_rocket debug --image box gone/nosuch true
	[ "$status" -ne 0 ]
	rocket stop gone
	run_rocket debug --image box gone/a true
	[ "$status" -ne 0 ]
	[[ $stderr == *"does not run"* ]]
}
