#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Distance and links of an ordinary user's pods: the same words, the same ways.
load lib
load rootless

user_setup() { user_ids 100000:65536; }

@test "apart: tcp, pipe, signal and ipc links" {
	run_rocket run -d --name two --distance apart --link a:b:tcp:7000 --link b:a:signal:HUP --link a:b:ipc \
		box --name a sh -c "trap 'echo got HUP' HUP; echo ready; while :; do sleep 0.05; done" --- box --name b probe serve 7000 found
	assert_exit 0
	until_true 5 log_has two/b listening
	run_rocket enter two/a nc b 7000
	assert_has found
	[ "$(rocket enter two/a readlink /proc/self/ns/net)" != "$(rocket enter two/b readlink /proc/self/ns/net)" ]
	until_true 5 log_has two/a ready
	rocket enter two/b sh -c 'echo HUP >/run/rocket/signal/a'
	until_true 5 log_has two/a "got HUP"
	rocket enter two/a sh -c 'echo shm >/dev/shm/x'
	[ "$(rocket enter two/b cat /dev/shm/x)" = shm ]
	run_rocket run --rm --distance apart --link a:b:stdout box --name a echo through --- box --name b cat
	assert_has through
}
