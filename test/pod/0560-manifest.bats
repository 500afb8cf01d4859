#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `run -f pod.yaml`: the keys of the manifest at work, and what is wrong in it said with its place.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
run_manifest() { run_rocket run "$@" -f "$BATS_TEST_TMPDIR/pod.yaml"; }

@test "one pod with most keys" {
	manifest <<-'EOF'
	pod: full
	hostname: fullhost
	exit: main
	labels: {team: blue}
	limits: {pids: 500}
	volumes: {data: {}}
	hosts: ["192.0.2.7 seven"]
	apps:
	  main:
	    image: box
	    args: [sh, -c, "hostname; id -u; pwd; echo $A; cat /etc/hosts; echo $TZ; ls -d /data; umask"]
	    env: {A: "yes"}
	    user: "1000:1000"
	    groups: [2000]
	    workdir: /tmp
	    mounts: {/data: data, /scratch: tmpfs 1Mi}
	    limits: {memory: 64Mi, cpus: 0.5, pids: 100}
	    read_only: true
	    tz: UTC
	    rlimits: {nofile: 512}
	    stop: {signal: INT, grace: 1s}
	    labels: {role: main}
	  side: {image: box, args: [sleep, "1000"], restart: always}
	EOF
	run_manifest
	assert_exit 0
	assert_has fullhost
	assert_has 1000
	assert_has /tmp
	assert_has yes
	assert_has "192.0.2.7"
	assert_has UTC
	assert_has /data
	assert_has 0022
}

@test "exec replaces entrypoint and command, args the command alone" {
	image_make entry 'Entrypoint=["/bin/echo","entry"]' 'Cmd=["point"]'
	manifest <<-'EOF'
	pod: words
	apps:
	  a: {image: entry, args: [one]}
	  b: {image: entry, exec: [/bin/echo, two]}
	EOF
	run_manifest
	assert_has "entry one"
	[[ $output != *"entry two"* ]]
	assert_has two
}

@test "rlimits and sysctls of the pod's namespaces" {
	manifest <<-'EOF'
	pod: kernel
	apps:
	  a:
	    image: box
	    sysctls: {net.core.somaxconn: "77"}
	    rlimits: {nofile: 512, core: 0}
	    args: [sh, -c, "ulimit -n; ulimit -c; cat /proc/sys/net/core/somaxconn"]
	EOF
	run_manifest
	assert_out $'512\n0\n77'
}

@test "a sysctl of the whole host is refused" {
	manifest <<-'EOF'
	pod: bad
	apps: {a: {image: box, sysctls: {kernel.core_pattern: "|/x"}, args: ["true"]}}
	EOF
	run_manifest
	assert_error 2 kernel.core_pattern
}

@test "hooks run inside the app's confinement, before and after" {
	manifest <<-'EOF'
	pod: hooked
	apps:
	  a:
	    image: box
	    hooks: {pre_start: [sh, -c, "echo before >/file; id -u"], post_stop: [sh, -c, "echo after"]}
	    args: [cat, /file]
	EOF
	run_manifest
	assert_exit 0
	assert_has before
}

@test "an unknown key is refused with its place and the nearest" {
	manifest <<-'EOF'
	pod: bad
	apps:
	  web:
	    image: box
	    memroy: 3
	EOF
	run_manifest
	assert_error 2 pod.yaml:5:5 memroy
}

@test "a key given twice, a wrong type, a wrong unit: each with its place" {
	manifest <<-'EOF'
	pod: bad
	pod: worse
	apps: {a: {image: box}}
	EOF
	run_manifest
	assert_error 2 pod.yaml:2
	manifest <<-'EOF'
	pod: bad
	apps: {a: {image: box, limits: {memory: [1]}}}
	EOF
	run_manifest
	assert_error 2 pod.yaml:2
	manifest <<-'EOF'
	pod: bad
	apps: {a: {image: box, limits: {memory: 64x}}}
	EOF
	run_manifest
	assert_error 2 pod.yaml:2 64x
}

@test "other vocabularies are understood in the error" {
	local word other
	while read -r word other; do
		printf 'pod: bad\napps:\n  a:\n    image: box\n    %s: [x]\n' "$word" >"$BATS_TEST_TMPDIR/pod.yaml"
		run_manifest
		assert_error 2 "$word" "$other"
	done <<-EOF
	depends_on after
	environment env
	command exec
	volumes mounts
	ports holes
	EOF
}

@test "names that mean something else can't be an app's" {
	local name
	for name in all first host pod internet lan; do
		printf 'pod: bad\napps: {%s: {image: box}}\n' "$name" >"$BATS_TEST_TMPDIR/pod.yaml"
		run_manifest
		assert_error 2 "$name"
	done
}

@test "keys of other versions are refused by name" {
	local key value
	while read -r key value; do
		printf 'pod: bad\napps:\n  a:\n    image: box\n    %s: %s\n' "$key" "$value" >"$BATS_TEST_TMPDIR/pod.yaml"
		run_manifest
		assert_error 2 "$key"
	done <<-EOF
	apparmor mine
	selinux mine
	EOF
}

@test "with -f, --hole adds and the other flags replace" {
	manifest <<-'EOF'
	pod: flags
	hostname: one
	apps: {a: {image: box, args: [hostname]}}
	EOF
	run_manifest --hostname two --name other
	assert_exit 0
	assert_out two
}

@test "broken YAML and JSON give three lines with a place" {
	printf 'pod: [unclosed\n' >"$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest
	assert_error 2 pod.yaml
	printf '{"pod": "x", "apps": {"a": {"image": "box"' >"$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest
	assert_error 2 pod.yaml
	head -c 5000 /dev/urandom >"$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest
	assert_error 2 pod.yaml
	: >"$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest
	assert_error 2 pod.yaml
}

@test "a JSON manifest is the same manifest" {
	printf '{"pod": "json", "apps": {"a": {"image": "box", "args": ["echo", "read"]}}}' >"$BATS_TEST_TMPDIR/pod.yaml"
	run_manifest
	assert_out read
}

@test "app flags before the first of several images are refused with the fix" {
	run_rocket run -e A=1 box true --- box true
	assert_error 2 -e
}
