#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# out:host:PORT, out: holes of apps that stand apart, ns:net and ns:ipc, and what is refused by name.
load lib
load world

file_setup()
{
	world_up forward
	world_serve 80 web
	"$PROBE" serve 8080 host 3>&- >/dev/null 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/host.pid"
}

file_teardown()
{
	kill -9 "$(cat "$BATS_FILE_TMPDIR/host.pid")"
	world_stop_servers
	world_down
}

start() { rocket run -d --name "$1" "${@:2}" box sleep 1000; }
gets() { [[ $(rocket enter "$1" sh -c "nc -w 3 $2 $3 </dev/null" 2>&1) = "$4"* ]]; }
ledger() { rocket hole list "$1" -o json | jq -r "$2"; }

@test "one port of the host, by the name host, without a link" {
	start one --hole out:host:8080
	gets one host 8080 host
	[ "$(rocket enter one ls /sys/class/net | tr '\n' ' ')" = "lo " ]
	[ "$(ledger one '.[0] | "\(.hole) \(.accepted)"')" = "out:host:8080 1" ]
	run rocket enter one probe connect 203.0.113.1 8080
	[[ $output = EACCES* ]]
	run gets one host 80 web
	[ "$status" != 0 ]
	run_rocket hole rm one out:host:8080
	assert_exit 0
	run gets one host 8080 host
	[ "$status" != 0 ]
}

@test "opened while the pod runs; the relay on the host is nobody" {
	start live
	run gets live host 8080 host
	[ "$status" != 0 ]
	rocket hole add live out:host:8080
	gets live host 8080 host
	pid=$(pgrep -x rocket-relay)
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" = 65534 ]
	[ -z "$(awk '/^Cap(Prm|Eff|Inh|Amb)/ && $2 !~ /^0+$/' "/proc/$pid/status")" ]
	run_rocket hole add live out:host:1-5
	assert_error 1 "one by one"
}

@test "an app that stands apart has its own way out" {
	rocket run -d --name two --distance apart --hole out:203.0.113.2:80@box box sleep 1000 --- box --name other sleep 1000
	[ "$(rocket enter two/box probe ask 203.0.113.2 80)" = "web 203.0.113.1" ]
	run rocket enter two/other probe connect 203.0.113.2 80
	[[ $output = EACCES* ]]
	run_rocket hole add two out:203.0.113.2:443
	assert_error 2 apart @box
}

@test "what can't be held to one app is refused, never widened" {
	run_rocket run -d --name wide --hole out:203.0.113.2:80@box box sleep 1000 --- box --name other sleep 1000
	assert_error 125 "shares its network" "whole pod"
	[ "$(nft list tables | grep -c rocket || true)" = 0 ]
}

@test "ns:net is the host's network, and no other hole of it stands beside" {
	run_rocket run --rm --network host box probe ask 127.0.0.1 8080
	assert_out "host 127.0.0.1"
	run_rocket run --rm --hole ns:net box ip -o link
	assert_has wan0
	run_rocket run --rm --hole ns:net --hole in:80 box true
	assert_error 2 "do not go together"
	run_rocket run --rm --hole ns:net --distance apart box true
	assert_error 2 "can't stand apart"
	run_rocket run --rm --hole ns:ipc box true
	assert_exit 0
	[ "$(readlink /proc/self/ns/ipc)" = "$(rocket run --rm --hole ns:ipc box readlink /proc/self/ns/ipc)" ]
	[ "$(readlink /proc/self/ns/ipc)" != "$(rocket run --rm box readlink /proc/self/ns/ipc)" ]
}

@test "what is not built is refused by name" {
	for hole in ns:pid ns:user in:fd:web in:pod:80 dev:vendor.com/class=name; do
		run_rocket run --rm --hole "$hole" box true
		assert_error 2 "can't open"
	done
	run_rocket run --rm --hole out:pod/db:5432 box true
	assert_error 125 "other pods"
}
