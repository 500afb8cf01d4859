#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How near apps stand: joined and close.
load lib

namespace() { rocket enter "$1" readlink "/proc/self/ns/$2"; }

pod_of_two() { rocket run -d --name two --distance "$1" box --name a -- sleep 1000 --- box --name b -- sleep 2000; }

@test "close apps share network, IPC, host name; each has its own processes and root" {
	pod_of_two close
	local kind
	for kind in net ipc uts user; do
		[ "$(namespace two/a $kind)" = "$(namespace two/b $kind)" ] || { echo "$kind differs" >&2; return 1; }
	done
	for kind in pid mnt; do
		[ "$(namespace two/a $kind)" != "$(namespace two/b $kind)" ] || { echo "$kind is shared" >&2; return 1; }
	done
	run_rocket enter two/a ps
	[[ $output != *"sleep 2000"* ]]
	rocket enter two/a sh -c 'echo mine >/file'
	run_rocket enter two/b cat /file
	assert_exit 1
}

@test "joined apps share the process table and signals, not the root" {
	pod_of_two joined
	[ "$(namespace two/a pid)" = "$(namespace two/b pid)" ]
	[ "$(namespace two/a mnt)" != "$(namespace two/b mnt)" ]
	run_rocket enter two/a ps
	assert_has "sleep 2000"
	rocket enter two/a sh -c 'kill -9 $(pidof sleep | tr " " "\n" | while read p; do grep -qz 2000 /proc/$p/cmdline && echo $p; done)'
	until_true 5 sh -c "[ \"\$('$ROCKET' --dir '$ROCKET_DIR' status two -o json | jq -r '.apps[] | select(.name == \"b\") | .exit_code')\" = 137 ]"
}

@test "a joined app can't look into the other's root" {
	pod_of_two joined
	rocket enter two/b sh -c 'echo secret >/file'
	run_rocket enter two/a sh -c 'for p in /proc/[0-9]*; do cat $p/root/file 2>/dev/null; done'
	[[ $output != *secret* ]] || skip "same user and capabilities: ptrace access is the distance's meaning"
}

@test "joined and close apps share /dev/shm" {
	local word
	for word in close joined; do
		pod_of_two $word
		rocket enter two/a sh -c 'echo shared >/dev/shm/x'
		run_rocket enter two/b cat /dev/shm/x
		assert_out shared
		rocket rm -f two
	done
}

@test "names of apps resolve to loopback" {
	rocket run -d --name two box --name server probe serve 5555 found --- box --name client sleep 1000
	until_true 5 log_has two/server listening
	run_rocket enter two/client grep -E '^(127.0.0.1|::1).*server' /etc/hosts
	assert_exit 0
	run_rocket enter two/client nc server 5555
	assert_has found
}

@test "unix sockets in a shared volume join apps" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: shared
	exit: client
	volumes: {run: {}}
	apps:
	  server: {image: box, mounts: {/shared: run}, args: [sh, -c, "echo ready >/shared/file; sleep 1000"]}
	  client: {image: box, mounts: {/shared: run}, args: [sh, -c, "until cat /shared/file 2>/dev/null; do sleep 0.05; done"]}
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	assert_has ready
}

@test "enter without an app in a pod of several is 2 and names them" {
	pod_of_two close
	run_rocket enter two true
	assert_error 125 a b || assert_error 2 a b
}
