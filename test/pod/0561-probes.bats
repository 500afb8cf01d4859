#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Probes (started, ready, alive), `after`, --wait, hooks beside the running app, and the pod's deadline.
load lib

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
run_manifest() { run_rocket run "$@" -f "$BATS_TEST_TMPDIR/pod.yaml"; }
app() { field "$1" ".apps[] | select(.name == \"$2\") | .$3"; }
app_is() { [ "$(app "$1" "$2" "$3")" = "$4" ]; }
events() { rocket events -o json | jq -r "select(.name == \"$1\") | .event"; }

@test "an app without probes is ready as soon as it runs" {
	run_rocket run -d --name plain box -- sleep 1000
	assert_exit 0
	app_is plain box ready true
}

@test "after waits for ready by exec, and --wait for all" {
	manifest <<-'EOF'
	pod: chain
	volumes: {v: {}}
	apps:
	  web: {image: box, after: [php], args: [sh, -c, "cat /v/log; sleep 1000"], mounts: {/v: v}}
	  php:
	    image: box
	    args: [sh, -c, "sleep 0.5; echo up >/v/log; touch /tmp/ok; sleep 1000"]
	    mounts: {/v: v}
	    ready: {exec: [test, -e, /tmp/ok], every: 10s}
	EOF
	run_manifest -d --wait
	assert_exit 0
	app_is chain php ready true
	app_is chain web state running
	run_rocket logs chain/web
	assert_has up
	[[ $(events chain) == *app-ready* ]]
}

@test "--wait tells why when an app ends before it was ready" {
	run_rocket run -d --wait --name never box --ready "exec:test -e /never" -- sh -c "sleep 0.3; exit 3"
	assert_error 125 "ended before it was ready" "code is 3" "rocket logs"
}

@test "http, tcp: ready when the app answers, unready when it stops doing so" {
	manifest <<-'EOF'
	pod: net
	apps:
	  http:
	    image: box
	    args: [sh, -c, "mkdir /w; echo hi >/w/index.html; httpd -f -p 8081 -h /w"]
	    ready: {http: ":8081/index.html", every: 100ms, failures: 2, headers: {X-Who: rocket}}
	  bad:
	    image: box
	    args: [sh, -c, "mkdir /w; httpd -f -p 8082 -h /w"]
	    ready: {http: ":8082/missing", every: 100ms}
	  tcp: {image: box, args: [nc, -ll, -p, "8083", -e, cat], ready: {tcp: ":8083"}}
	  shut: {image: box, args: [sleep, "1000"], ready: {tcp: ":8084"}}
	EOF
	run_manifest -d
	assert_exit 0
	until_true 5 app_is net http ready true
	until_true 5 app_is net tcp ready true
	app_is net bad ready false
	app_is net shut ready false
	rocket enter net/http rm /w/index.html
	until_true 5 app_is net http ready false
	[[ $(events net) == *app-unready* ]]
}

@test "what a probe meets is no way into the supervisor: a flood and silence are both no answer" {
	manifest <<-'EOF'
	pod: hostile
	apps:
	  flood: {image: box, args: [nc, -ll, -p, "8081", -e, cat, /dev/zero], alive: {http: ":8081/", every: 100ms, failures: 1000}, ready: {http: ":8081/", every: 100ms}}
	  mute: {image: box, args: [nc, -ll, -p, "8082", -e, sleep, "100"], ready: {http: ":8082/", every: 100ms, timeout: 200ms}}
	  text: {image: box, args: [nc, -ll, -p, "8083", -e, echo, "HTTP/1.1 2"], ready: {http: ":8083/", every: 100ms}}
	  grpc: {image: box, args: [nc, -ll, -p, "8084", -e, echo, "HTTP/1.1 400 no"], ready: {grpc: ":8084", every: 100ms}}
	EOF
	run_manifest -d
	assert_exit 0
	sleep 1
	for app in flood mute text grpc; do
		app_is hostile $app ready false
		app_is hostile $app state running
	done
}

@test "alive: who fails is stopped and restarted by its rule, and the event says what it said" {
	run_rocket run -d --name sick box --restart on-failure --ready tcp::1 -- sleep 1000
	assert_exit 0
	manifest <<-'EOF'
	pod: ill
	apps:
	  a:
	    image: box
	    restart: on-failure
	    stop: {signal: KILL}
	    args: [sleep, "1000"]
	    alive: {exec: [sh, -c, "echo I feel bad >&2; exit 1"], every: 50ms, failures: 2}
	EOF
	run_manifest -d
	assert_exit 0
	until_true 5 eval '[ "$(app ill a restarts)" -ge 1 ]'
	[[ $(rocket events -o json) == *"I feel bad"* ]]
}

@test "alive with restart never: the app ends, and not well" {
	manifest <<-'EOF'
	pod: once
	apps:
	  a: {image: box, args: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 0.05; done"], alive: {exec: ["false"], every: 50ms, failures: 1}}
	EOF
	run_manifest
	assert_exit 143
}

@test "started holds the others back, and gives up after its failures" {
	manifest <<-'EOF'
	pod: slow
	apps:
	  a:
	    image: box
	    args: [sh, -c, "sleep 0.6; touch /ok; sleep 1000"]
	    started: {exec: [test, -e, /ok], every: 100ms, failures: 50}
	    alive: {exec: [test, -e, /ok], every: 50ms, failures: 1}
	  b:
	    image: box
	    stop: {signal: KILL}
	    args: [sleep, "1000"]
	    started: {exec: ["false"], every: 50ms, failures: 3}
	EOF
	run_manifest -d
	assert_exit 0
	until_true 5 app_is slow b state exited
	until_true 5 app_is slow a ready true
	app_is slow a restarts 0
}

@test "a probe that hangs is killed at its timeout" {
	run_rocket run -d --name hang box --ready "exec:sleep 77" -- sleep 1000
	assert_exit 0
	sleep 2.5
	[ "$(rocket top hang -o json | grep -c 'sleep 77')" -le 1 ]
	app_is hang box ready false
}

@test "an exec probe runs under the app's confinement, not as the supervisor" {
	manifest <<-'EOF'
	pod: conf
	volumes: {v: {mode: "0777"}}
	apps:
	  a:
	    image: box
	    user: "1234"
	    mounts: {/v: v}
	    args: [sleep, "1000"]
	    ready: {exec: [sh, -c, "id -u >/v/id; grep -E 'CapEff|Seccomp:|NoNewPrivs' /proc/self/status >/v/status; ls -l /proc/self/fd >/v/fds"]}
	EOF
	run_manifest -d --wait
	assert_exit 0
	run_rocket enter conf sh -c "cat /v/id; cat /v/status"
	[ "${lines[0]}" = 1234 ]
	[[ $output =~ CapEff:.0000000000000000 ]]
	[[ $output =~ NoNewPrivs:.1 ]]
	[[ $output =~ Seccomp:.2 ]]
}

@test "hooks beside the app: post_start before ready, pre_stop before the signal" {
	manifest <<-'EOF'
	pod: hooks
	volumes: {v: {}}
	apps:
	  a:
	    image: box
	    mounts: {/v: v}
	    args: [sh, -c, "trap 'echo term >>/v/log; exit 0' TERM; while :; do sleep 0.05; done"]
	    hooks: {post_start: [sh, -c, "sleep 0.2; echo begun >>/v/log"], pre_stop: {exec: [sh, -c, "sleep 0.2; echo leaving >>/v/log"]}, post_stop: [cat, /v/log]}
	EOF
	run_manifest -d --wait
	assert_exit 0
	rocket stop hooks
	run_rocket logs hooks
	[[ $output == *begun*leaving*term* ]]
}

@test "after: cycles, unknown apps and probes of an init are refused before anything starts" {
	manifest <<-'EOF'
	apps:
	  a: {image: box, after: [b]}
	  b: {image: box, after: [c]}
	  c: {image: box, after: [a]}
	EOF
	run_manifest
	assert_error 2 "wait for each other" "a → b → c → a" "pod.yaml:2:"
	manifest <<-'EOF'
	apps:
	  web: {image: box, after: [dba]}
	  db: {image: box}
	EOF
	run_manifest
	assert_error 2 "no such app" "after: [db]"
	manifest <<-'EOF'
	apps:
	  i: {image: box, kind: init, alive: {tcp: ":1"}}
	EOF
	run_manifest
	assert_error 2 "kind init"
}

@test "probes that make no sense are refused with their place" {
	manifest <<-'EOF'
	apps: {a: {image: box, ready: {http: "example.org:80/"}}}
	EOF
	run_manifest
	assert_error 2 "pod.yaml:1:" "asks the app itself"
	manifest <<-'EOF'
	apps: {a: {image: box, ready: {tcp: ":80", http: ":80"}}}
	EOF
	run_manifest
	assert_error 2 "exactly one of"
	manifest <<-'EOF'
	apps: {a: {image: box, ready: {tcp: ":80", periodSeconds: 5}}}
	EOF
	run_manifest
	assert_error 2 "every:"
	run_rocket run box --ready htp::80
	assert_error 2 "no probe" "--ready"
}

@test "a pod with a deadline ends with 124 when it is over" {
	manifest <<-'EOF'
	pod: short
	deadline: 300ms
	apps: {a: {image: box, args: [sleep, "1000"], stop: {signal: KILL}}}
	EOF
	run_manifest
	assert_exit 124
}
