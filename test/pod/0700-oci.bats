#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# rocket-oci by hand: the life of a container of a bundle, what it sees, what is refused, and that nothing stays.
load lib
load oci

@test "a container runs to its end, and its exit code is ours" {
	bundle '.process.args = ["sh", "-c", "echo out; echo err >&2; exit 7"]'
	run_oci run -b "$BUNDLE" c1
	assert_exit 7
	assert_out out
	[ "$stderr" = err ]
	run_oci state c1
	assert_exit 1
	nothing_left
}

@test "create, start, state, kill and delete, each in its order" {
	bundle '.process.args = ["sleep", "1000"]'
	detached create -b "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid" c1
	[ "$(oci state c1 | jq -r .status)" = created ]
	[ "$(oci state c1 | jq -r .pid)" = "$(cat "$BATS_TEST_TMPDIR/pid")" ]
	[ "$(oci state c1 | jq -r .bundle)" = "$BUNDLE" ]
	run_oci create -b "$BUNDLE" c1
	assert_exit 1
	[[ $stderr = *"already exists"* ]]
	run_oci delete c1
	assert_exit 1
	[ "$(oci state c1 | jq -r .status)" = created ]
	oci start c1
	[ "$(oci state c1 | jq -r .status)" = running ]
	run_oci start c1
	assert_exit 1
	[ "$(oci list -q)" = c1 ]
	[ "$(oci ps --format json c1 | jq length)" = 1 ]
	oci kill c1 KILL
	until_true 5 stopped c1
	run_oci kill c1 TERM
	assert_exit 1
	[[ $stderr = *"not running"* ]]
	oci delete c1
	run_oci delete c1
	assert_exit 1
	oci delete --force c1
	nothing_left
}

@test "a program that is not there is told of at create, one that can't run at start" {
	bundle '.process.args = ["nosuch"]'
	run_oci create -b "$BUNDLE" c1
	assert_exit 1
	[[ $stderr = *"executable file not found"* ]]
	bundle '.process.args = ["/bad"]'
	printf '#!/nosuch\n' >"$BUNDLE/rootfs/bad"
	chmod 755 "$BUNDLE/rootfs/bad"
	detached create -b "$BUNDLE" c2
	run_oci start c2
	assert_exit 1
	[[ $stderr = *"interpreter"* ]]
	oci delete --force c2
	nothing_left
}

@test "exec has the container's user, environment, capabilities, filter and groups" {
	bundle '.process.args = ["sleep", "1000"] | .process.user = {uid: 5, gid: 6, additionalGids: [7]} |
		.process.env += ["A=b"] | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
		syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 5}]}'
	detached run -d -b "$BUNDLE" c1
	run_oci exec c1 sh -c 'id -u; id -g; id -G; echo $A; mkdir /tmp/x; grep CapEff /proc/self/status'
	assert_exit 0
	[ "$output" = "5
6
6 7
b
CapEff:	0000000000000000" ]
	[[ $stderr = *"Input/output error"* ]]
	[ "$(oci exec -u 0:0 -e A=c --cwd /proc c1 sh -c 'echo $(id -u) $A $PWD')" = "0 c /proc" ]
	run_oci exec c1 sh -c 'kill -9 $$'
	assert_exit 137
	run_oci exec c1 nosuch
	assert_exit 255
	oci exec -d --pid-file "$BATS_TEST_TMPDIR/pid" c1 sleep 500 </dev/null >/dev/null 2>&1 3>&-
	grep -q 'sleep' "/proc/$(cat "$BATS_TEST_TMPDIR/pid")/cmdline"
	[ "$(oci ps --format json c1 | jq length)" = 2 ]
	oci delete --force c1
	nothing_left
}

@test "pause, resume, update and events" {
	bundle '.process.args = ["sleep", "1000"]'
	detached run -d -b "$BUNDLE" c1
	oci pause c1
	[ "$(oci state c1 | jq -r .status)" = paused ]
	run_oci exec c1 true
	assert_exit 255
	oci resume c1
	[ "$(oci state c1 | jq -r .status)" = running ]
	oci update --pids-limit 77 c1
	[ "$(oci events --stats c1 | jq .data.pids.limit)" = 77 ]
	echo '{"pids": {"limit": 88}}' | oci update -r - c1
	[ "$(oci events --stats c1 | jq .data.pids.limit)" = 88 ]
	oci delete --force c1
	nothing_left
}

@test "with and without a user namespace: root of the container is who the maps say" {
	bundle '.process.args = ["cat", "/proc/self/uid_map"] | .linux.namespaces += [{type: "user"}] |
		.linux.uidMappings = [{containerID: 0, hostID: 300000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	chown -R 300000:300000 "$BUNDLE/rootfs"
	run_oci run -b "$BUNDLE" c1
	assert_exit 0
	read -r inside outside count <<<"$output"
	[ "$inside $outside $count" = "0 300000 65536" ]
	bundle '.process.args = ["cat", "/proc/self/uid_map"]'
	run_oci run -b "$BUNDLE" c1
	read -r inside outside count <<<"$output"
	[ "$outside" = 0 ]
	nothing_left
}

@test "hooks run in their order, with the state on stdin, and one that hangs ends in its time limit" {
	local log=$BATS_TEST_TMPDIR/log hook=$BATS_TEST_TMPDIR/hook
	printf '#!/bin/sh\nread -r all\ncat >>%s.state\necho $1 >>%s\n' "$log" "$log" >"$hook"
	chmod 755 "$hook"
	bundle '.process.args = ["true"] | .hooks = ([["prestart"], ["createRuntime"], ["createContainer"], ["poststart"],
		["poststop"]] | map({(.[0]): [{path: $hook, args: ["hook", .[0]]}]}) | add)' --arg hook "$hook"
	run_oci run -b "$BUNDLE" c1
	assert_exit 0
	[ "$(tr '\n' ' ' <"$log")" = "prestart createRuntime createContainer poststart poststop " ]
	grep -q '"id": "c1"' "$log.state"
	bundle '.process.args = ["true"] | .hooks = {createRuntime: [{path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1}]}'
	run_oci run -b "$BUNDLE" c2
	assert_exit 1
	[[ $stderr = *"killed after 1 seconds"* ]]
	nothing_left
}

@test "what a config must not say is refused before anything is touched, by its field" {
	refused '.process.args = 5' 'process.args'
	refused '.ociVersion = "2.0"' 'ociVersion'
	refused 'del(.root)' 'root.path'
	refused '.linux.namespaces += [{type: "pid"}]' 'linux.namespaces'
	refused '.linux.namespaces += [{type: "nosuch"}]' 'nosuch'
	refused '.linux.sysctl = {"kernel.panic": "1"}' 'kernel.panic'
	refused '.mounts += [{destination: "/x", type: "bind"}]' '/x'
	refused '.process.rlimits += [{type: "RLIMIT_NOFILE", hard: 1, soft: 2}]' 'rlimits'
	refused '.linux.maskedPaths = ["proc"]' 'maskedPaths'
	refused '.linux.seccomp = {defaultAction: "SCMP_ACT_NOSUCH"}' 'seccomp'
	refused '.hooks = {prestart: [{path: "relative"}]}' 'hooks'
	refused '.linux.intelRdt = {closID: "x"}' 'intelRdt'
	refused '.linux.resources.unified = {"../x": "1"}' 'unified'
	refused '.linux.cgroupsPath = "/../x"' 'cgroupsPath'
	# What nobody knows is ignored, as the specification has it.
	bundle '.nosuch = {a: [1, 2.5e3, null]} | .process.nosuch = true | .process.args = ["true"]'
	oci run -b "$BUNDLE" c1
	nothing_left
}

@test "mounts: attributes, recursive attributes, propagation, tmpcopyup, read-only root, masks" {
	mkdir -p "$BATS_TEST_TMPDIR/src/sub"
	bundle '.process.args = ["sh", "-c", "cat /proc/self/mountinfo; cat /etc2/a; touch /no; test -c /proc/keys && echo masked"] |
		.root.readonly = true | .linux.maskedPaths = ["/proc/keys"] |
		.mounts += [{destination: "/ro", type: "bind", source: $src, options: ["rbind", "rro", "nosuid", "noatime"]},
		{destination: "/etc2", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup", "ro", "size=1m"]}]' \
		--arg src "$BATS_TEST_TMPDIR/src"
	mkdir -p "$BUNDLE/rootfs/etc2"
	echo copied >"$BUNDLE/rootfs/etc2/a"
	run_oci run -b "$BUNDLE" c1
	[[ $output = *" /ro ro,nosuid,noatime - "* ]]
	[[ $output = *" /etc2 ro,"*" - tmpfs "* ]]
	[[ $output = *copied* ]]
	[[ $stderr = *"Read-only file system"* ]]
	[[ $output = *masked* ]]
	nothing_left
}

@test "a terminal: over the console socket, and in the foreground" {
	bundle '.process.terminal = true | .process.args = ["sh", "-c", "test -t 0 && tty && echo yes"]'
	run_oci create -b "$BUNDLE" c1
	assert_exit 1
	[[ $stderr = *"console"* ]]
	run script -qec "$OCI --root $OCI_ROOT run -b $BUNDLE c1" /dev/null </dev/null 3>&-
	assert_exit 0
	[[ $output = *yes* ]]
	nothing_left
}

@test "descriptors are the container's only when asked for" {
	bundle '.process.args = ["sh", "-c", "ls /proc/self/fd | wc -l; cat <&4"]'
	run_oci run -b "$BUNDLE" c1
	[[ $stderr = *"Bad file descriptor"* || $stderr = *"bad file descriptor"* ]]
	run bash -c "echo hello >'$BATS_TEST_TMPDIR/in'; '$OCI' --root '$OCI_ROOT' run --preserve-fds 2 -b '$BUNDLE' c2 3</dev/null 4<'$BATS_TEST_TMPDIR/in'"
	[[ $output = *hello* ]]
	nothing_left
}
