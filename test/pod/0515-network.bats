#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Closed means closed: no route out, an answer at once, loopback inside. And what `in:` holes let in.
load lib

# The host of the test: its loopback, and an address that isn't loopback on an interface of the test's own.
file_setup()
{
	ip link add name wan type veth peer name wan-far
	ip addr add 198.51.100.1/24 dev wan
	ip addr add 2001:db8::1/64 dev wan nodad
	ip link set wan up
	ip link set wan-far up
}

file_teardown() { ip link del wan; }

@test "connecting anywhere outside is refused at once, in both families" {
	local address
	for address in 198.51.100.1 192.0.2.1 8.8.8.8 10.0.0.1 169.254.169.254 2001:db8::1 fe80::1; do
		run_rocket run box probe connect "$address" 80
		[[ $output =~ ^(EACCES|ENETUNREACH|EINVAL|EHOSTUNREACH)\ ([0-9]+)us$ ]] || { echo "$address: $output" >&2; return 1; }
		[ "${BASH_REMATCH[2]}" -lt 100000 ]
	done
	run_rocket run box probe connect 8.8.8.8 443
	[[ $output = EACCES* ]]
	run_rocket run box probe connect 2001:db8::1 443
	[[ $output = EACCES* ]]
}

@test "a datagram goes nowhere either" {
	run_rocket run box probe sendto 198.51.100.1 53
	[[ $output = EACCES* ]]
}

@test "the host's loopback isn't the pod's" {
	busybox nc -ll -p 7711 -e true 3>&- &
	local server=$!
	until_true 3 busybox nc -z 127.0.0.1 7711
	run_rocket run box probe connect 127.0.0.1 7711
	kill $server
	[[ $output = ECONNREFUSED* ]]
}

@test "inside only lo, and it is up" {
	run_rocket run box sh -c 'ls /sys/class/net; ip -o addr show lo'
	[ "${lines[0]}" = lo ]
	assert_has 127.0.0.1
	assert_has ::1
}

@test "apps of a pod meet on loopback" {
	run_rocket run --exit client box --name server -- busybox nc -l -p 80 -e echo served \
		--- box --name client -- sh -c 'until busybox nc 127.0.0.1 80 2>/dev/null; do sleep 0.1; done'
	assert_exit 0
	assert_has served
}

@test "two apps that want the same port at close are refused before start, naming both" {
	run_rocket run box --name first --hole in:7820:80 -- true --- box --name second --hole in:7821:80 -- true
	assert_error 125 first second 80
}

@test "low ports and ping work inside without privilege" {
	run_rocket run -u 1000 box sh -c 'busybox nc -l -p 80 -e true & sleep 0.2; busybox nc -z 127.0.0.1 80 && echo bound'
	assert_has bound
	run_rocket run -u 1000 box busybox ping -c 1 -W 2 127.0.0.1
	assert_exit 0
}

serve() { echo "busybox nc -ll -p $1 -e sh -c 'echo \"from $2\"'"; }

@test "in: opens a port on both loopbacks, and nowhere else" {
	rocket run -d --name web --hole in:7801:80 box sh -c "$(serve 80 web)"
	until_true 5 grep -q web <(busybox nc 127.0.0.1 7801)
	[ "$(busybox nc 127.0.0.1 7801 </dev/null)" = "from web" ]
	run "$PROBE" connect ::1 7801
	[[ $output = connected* ]]
	run "$PROBE" connect 198.51.100.1 7801
	[[ $output = ECONNREFUSED* ]]
}

@test "in: on an address, and on any" {
	rocket run -d --name addr --hole in:198.51.100.1:7802:80 box sh -c "$(serve 80 addr)"
	until_true 5 "$PROBE" connect 198.51.100.1 7802
	[ "$(busybox nc 198.51.100.1 7802 </dev/null)" = "from addr" ]
	run "$PROBE" connect 127.0.0.1 7802
	[[ $output = ECONNREFUSED* ]]
	rocket run -d --name any --hole in:any:7803:80 box sh -c "$(serve 80 any)"
	[ "$(busybox nc 198.51.100.1 7803 </dev/null)" = "from any" ]
	[ "$(busybox nc 127.0.0.1 7803 </dev/null)" = "from any" ]
}

@test "port 0 lets the kernel pick and is printed" {
	rocket run -d --name picked --hole in:0:80 box sh -c "$(serve 80 picked)"
	local port
	port=$(rocket hole list picked -o json | jq -r '.[] | select(.hole | startswith("in:")) | .port')
	[ "$port" -gt 1023 ]
	until_true 5 busybox nc -z 127.0.0.1 "$port"
}

@test "-p is sugar for a hole and is listed as one" {
	rocket run -d --name sugar -p 7804:80 box sh -c "$(serve 80 sugar)"
	until_true 5 busybox nc -z 127.0.0.1 7804
	run_rocket hole list sugar
	assert_has 7804
}

@test "a port that is taken is named, before anything starts" {
	busybox nc -ll -p 7805 -e true 3>&- &
	local server=$!
	until_true 3 busybox nc -z 127.0.0.1 7805
	run_rocket run --hole in:7805:80 box true
	kill $server
	assert_error 125 7805
}

@test "udp comes in and the answer goes back" {
	rocket run -d --name udp --hole in:7806:53/udp box busybox nc -u -ll -p 53 -e cat
	sleep 0.3
	run bash -c 'echo asked | timeout 2 busybox nc -u -w 1 127.0.0.1 7806'
	[[ $output = asked* ]]
}

@test "the app sees the client's real address" {
	rocket run -d --name seen --hole in:198.51.100.1:7807:80 box sh -c \
		"busybox nc -ll -p 80 -e sh -c 'busybox netstat -tn | grep :80'"
	until_true 5 "$PROBE" connect 198.51.100.1 7807
	run busybox nc 198.51.100.1 7807 </dev/null
	assert_has 198.51.100.1
}

@test "with an open in: hole the way out stays shut" {
	rocket run -d --name shut --hole in:7808:80 box sleep 1000
	run_rocket enter shut probe connect 198.51.100.1 80
	[[ $output = EACCES* ]]
	run_rocket enter shut probe connect 127.0.0.1 7808
	[[ $output = ECONNREFUSED* ]]
}

@test "a client of an app that doesn't listen gets a reset at once" {
	rocket run -d --name deaf --hole in:7809:80 box sleep 1000
	run timeout 2 busybox nc 127.0.0.1 7809 </dev/null
	[ "$status" != 124 ]
}

@test "after the pod the port is free" {
	rocket run -d --name brief --hole in:7810:80 box sleep 1000
	rocket rm -f brief
	run "$PROBE" connect 127.0.0.1 7810
	[[ $output = ECONNREFUSED* ]]
}

@test "holes that this build can't open are refused by name" {
	local hole
	for hole in in:pod:80 out:example.com:443 out:internet; do
		run_rocket run --hole "$hole" box true
		assert_error 125 "$hole"
	done
}
