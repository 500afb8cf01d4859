#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Closed means closed: no route out, an answer at once, loopback inside. And what `in:` holes let in.
load lib

# The host of the test: its loopback, and an address that isn't loopback on an interface of the test's own.
file_setup()
{
	# What the kernel has: user-mode-linux knows neither veth nor dummy links.
	ip link add name wan type veth peer name wan-far 2>/dev/null || ip link add name wan type dummy 2>/dev/null ||
		ip tuntap add name wan mode tap
	ip addr add 198.51.100.1/24 dev wan
	ip addr add 2001:db8::1/64 dev wan nodad
	ip link set wan up
	! ip link show wan-far >/dev/null 2>&1 || ip link set wan-far up
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
	"$PROBE" serve 7711 host 3>&- &
	local server=$!
	until_true 3 "$PROBE" ask 127.0.0.1 7711
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
	run_rocket run --exit client box --name server probe serve 80 served \
		--- box --name client sh -c 'until probe ask 127.0.0.1 80; do sleep 0.1; done'
	assert_exit 0
	assert_has served
}

@test "two apps that want the same port at close are refused before start, naming both" {
	run_rocket run box --name one --hole in:7820:80 true --- box --name two --hole in:7821:80 true
	[ "$status" != 0 ]
	[[ $stderr = *one* && $stderr = *two* && $stderr = *80* ]]
}

@test "low ports and ping work inside without privilege" {
	run_rocket run -u 1000 box sh -c 'probe serve 80 bound & sleep 0.2; probe ask 127.0.0.1 80'
	assert_has bound
	run_rocket run -u 1000 box probe ping 127.0.0.1
	assert_exit 0
	assert_out answered
}

answers() { [ "$("$PROBE" ask "$1" "$2")" = "$3" ] || { echo "$1 $2: $("$PROBE" ask "$1" "$2")" >&2; return 1; }; }

@test "in: opens a port on both loopbacks, and nowhere else" {
	rocket run -d --name web --hole in:7801:80 box probe serve 80 web
	until_true 5 "$PROBE" ask 127.0.0.1 7801
	answers 127.0.0.1 7801 "web 127.0.0.1"
	answers ::1 7801 "web ::1"
	run "$PROBE" connect 198.51.100.1 7801
	[[ $output = ECONNREFUSED* ]]
	run "$PROBE" connect 2001:db8::1 7801
	[[ $output = ECONNREFUSED* ]]
}

@test "in: on an address, and on any" {
	rocket run -d --name addr --hole in:198.51.100.1:7802:80 box probe serve 80 addr
	until_true 5 "$PROBE" ask 198.51.100.1 7802
	answers 198.51.100.1 7802 "addr 198.51.100.1"
	run "$PROBE" connect 127.0.0.1 7802
	[[ $output = ECONNREFUSED* ]]
	rocket run -d --name any --hole in:any:7803:80 box probe serve 80 any
	until_true 5 "$PROBE" ask 198.51.100.1 7803
	answers 127.0.0.1 7803 "any 127.0.0.1"
	answers 2001:db8::1 7803 "any 2001:db8::1"
	rocket run -d --name six --hole 'in:[2001:db8::1]:7804:80' box probe serve 80 six
	until_true 5 "$PROBE" ask 2001:db8::1 7804
	run "$PROBE" connect 127.0.0.1 7804
	[[ $output = ECONNREFUSED* ]]
}

@test "a range of ports" {
	rocket run -d --name range --hole in:7840-7842:90 box sh -c 'probe serve 90 a & probe serve 91 b & probe serve 92 c'
	until_true 5 "$PROBE" ask 127.0.0.1 7842
	answers 127.0.0.1 7841 "b 127.0.0.1"
	answers 127.0.0.1 7842 "c 127.0.0.1"
}

@test "port 0 lets the kernel pick and is printed" {
	run_rocket run -d --name picked --hole in:0:80 box probe serve 80 picked
	[[ $stderr =~ :([0-9]+) ]]
	local port=${BASH_REMATCH[1]}
	until_true 5 "$PROBE" ask 127.0.0.1 "$port"
	run_rocket hole list picked
	assert_has "$port"
}

@test "-p is sugar for a hole and is listed as one" {
	rocket run -d --name sugar -p 7804:80 box probe serve 80 sugar
	until_true 5 "$PROBE" ask 127.0.0.1 7804
	run_rocket hole list sugar
	assert_has 7804
}

@test "a port that is taken is named, before anything starts" {
	"$PROBE" serve 7805 taken 3>&- &
	local server=$!
	until_true 3 "$PROBE" ask 127.0.0.1 7805
	run_rocket run --hole in:7805:80 box true
	kill $server
	assert_error 125 7805
}

@test "udp comes in and the answer goes back" {
	rocket run -d --name udp --hole in:7806:53/udp box probe echo 53
	until_true 5 log_has udp listening
	run "$PROBE" say 127.0.0.1 7806 asked
	assert_out asked
	run "$PROBE" say ::1 7806 asked6
	assert_out asked6
}

@test "a web page through a hole, many at a time, with a body each way" {
	rocket run -d --name bulk --hole in:7811:80 box sh -c 'nc -l -p 80 >/got; sha256sum /got; sleep 1000'
	head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/body"
	until_true 5 rocket enter bulk sh -c 'grep -q ":0050 " /proc/net/tcp /proc/net/tcp6'
	python3 -c 'import socket, sys; s = socket.create_connection(("127.0.0.1", 7811)); s.sendall(open(sys.argv[1], "rb").read()); s.close()' "$BATS_TEST_TMPDIR/body"
	until_true 10 log_has bulk "$(sha256sum <"$BATS_TEST_TMPDIR/body" | cut -d' ' -f1)"
}

@test "with an open in: hole the way out stays shut" {
	rocket run -d --name shut --hole in:7808:80 box sleep 1000
	run_rocket enter shut probe connect 198.51.100.1 80
	[[ $output = EACCES* ]]
	run_rocket enter shut probe connect 127.0.0.1 7808
	[[ $output = ECONNREFUSED* ]]
}

@test "a client of an app that doesn't listen gets an end at once" {
	rocket run -d --name deaf --hole in:7809:80 box sleep 1000
	run timeout 2 "$PROBE" ask 127.0.0.1 7809
	assert_exit 1
}

@test "after the pod the port is free" {
	rocket run -d --name brief --hole in:7810:80 box sleep 1000
	rocket rm -f brief
	run "$PROBE" connect 127.0.0.1 7810
	[[ $output = ECONNREFUSED* ]]
}

@test "holes that this build can't open are refused by name" {
	local hole
	for hole in in:pod:80 in:fd:web ns:pid; do
		run_rocket run --hole "$hole" box true
		assert_error 2 "$hole"
	done
	run_rocket run --hole out:pod/other:80 box true
	assert_error 125 out:pod/other:80
}
