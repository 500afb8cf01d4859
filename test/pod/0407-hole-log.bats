#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What hit the wall: hole log, hole suggest, the line in the foreground, and learning.
load lib
load world

file_setup()
{
	world_up forward
	world_serve 80 web
	world_serve 443 tls
	in_world dnsmasq --no-daemon --no-resolv --no-hosts --conf-file=/dev/null --user=root --pid-file= --port=53 \
		--host-record=api.example,203.0.113.2 --host-record=other.example,198.51.100.1 3>&- >/dev/null 2>&1 &
	until_true 5 world_listens 53
	echo "nameserver 203.0.113.2" >"$BATS_FILE_TMPDIR/resolv.conf"
	mount --bind "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf
}

file_teardown()
{
	umount /etc/resolv.conf
	world_stop_servers
	world_down
}

start() { rocket run -d --name "$1" "${@:2}" box sleep 1000; }
try() { rocket enter "$1" probe connect "$2" "$3" >/dev/null; }
log() { rocket hole log "$1" -o json | jq -r "$2"; }

@test "who, what, how often, and what opens it" {
	start who
	try who 203.0.113.2 80
	try who 203.0.113.2 80
	try who 2001:db8:1::2 443
	run rocket enter who probe sendto 198.51.100.1 53
	[ "$(log who '.[] | select(.to == "203.0.113.2") | "\(.app) \(.program) \(.port)/\(.protocol) \(.count) \(.hole)"')" = \
		"box probe 80/tcp 2 out:203.0.113.2:80" ]
	[ "$(log who '.[] | select(.port == 443).hole')" = "out:[2001:db8:1::2]:443" ]
	[ "$(log who '.[] | select(.port == 53).hole')" = "out:198.51.100.1:53/udp" ]
	run_rocket hole log who
	assert_has "rocket hole add who out:203.0.113.2:80"
	assert_has "203.0.113.2 port 80/tcp"
	# Loopback is the pod's own.
	try who 127.0.0.1 9 || true
	[ "$(log who 'map(select(.to == "127.0.0.1")) | length')" = 0 ]
}

@test "the command that is shown opens it, and it leaves the log" {
	start opens
	try opens 203.0.113.2 80
	hole=$(log opens '.[0].hole')
	rocket hole add opens "$hole"
	[ "$(rocket enter opens probe ask 203.0.113.2 80)" = "web 203.0.113.1" ]
	[ "$(log opens length)" = 0 ]
	# What passed is no refusal after the hole is closed either.
	rocket hole rm opens "$hole"
	[ "$(log opens length)" = 0 ]
	try opens 203.0.113.2 80
	[ "$(log opens '.[0].count')" = 1 ]
}

@test "names: a closed pod's, and those without a hole" {
	start names
	run rocket enter names nslookup api.example
	[ "$(log names '.[0] | "\(.to) \(.hole)"')" = "names out:NAME:PORT" ]
	rocket hole add names out:api.example:80
	run rocket enter names nslookup other.example
	[ "$(log names '.[] | select(.name == "other.example").hole')" = out:other.example:PORT ]
	run rocket enter names nslookup api.example
	try names 203.0.113.2 443
	[ "$(log names '.[] | select(.port == 443) | "\(.name) \(.hole)"')" = "api.example out:api.example:443" ]
}

@test "suggest: as flags and as YAML, each once" {
	start hint
	try hint 203.0.113.2 80
	try hint 198.51.100.1 443
	try hint 203.0.113.2 80
	run_rocket hole suggest hint
	assert_exit 0
	assert_has "--hole 'out:203.0.113.2:80'"
	assert_has "  - 'out:198.51.100.1:443'"
	[ "$(rocket hole suggest hint -o json | jq -r '.holes | sort | join(" ")')" = "out:198.51.100.1:443 out:203.0.113.2:80" ]
	run_rocket hole suggest nobody
	assert_error 4 nobody
	rocket stop -t 0s hint
	run_rocket hole log hint
	assert_error 3 hint
}

@test "in the foreground the person sees one line" {
	run_rocket run --name seen box sh -c 'sleep 0.2; probe connect 203.0.113.2 80; probe connect 203.0.113.2 80'
	[[ $output = EACCES*EACCES* ]]
	[ "$(grep -c 'out:203.0.113.2:80' <<<"$stderr")" = 1 ]
	[[ $stderr = *"box (probe) tried to reach 203.0.113.2 port 80/tcp   rocket hole add seen out:203.0.113.2:80"* ]]
	run_rocket run -q --rm box sh -c 'sleep 0.2; probe connect 203.0.113.2 80'
	[[ $stderr != *out:203* ]]
}

@test "learning lets everything out but host, LAN and metadata, and leaves the suggestion" {
	run_rocket run --rm --learn box sh -c 'sleep 0.2; nslookup api.example >/dev/null; probe ask 203.0.113.2 80
		probe ask 198.51.100.1 443; probe connect 10.9.0.1 80; probe connect 169.254.169.254 80'
	[[ $output = "web 203.0.113.1"*"tls 203.0.113.1"*EACCES*EACCES* ]]
	[[ $stderr = *learning* ]]
	[[ $stderr = *"learned: "*"--hole 'out:api.example:80'"* ]]
	[[ $stderr = *"--hole 'out:198.51.100.1:443'"* ]]
}
