#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Holes of a running pod: opened and closed at once, by themselves, for the next start too; the ledger of them.
load lib

answers() { [ "$("$PROBE" ask "$1" "$2")" = "$3" ] || { echo "$1 $2: $("$PROBE" ask "$1" "$2")" >&2; return 1; }; }
refused() { run "$PROBE" connect 127.0.0.1 "$1"; [[ $output = ECONNREFUSED* ]]; }
relay_pid() { pgrep -x rocket-relay; }
ledger() { rocket hole list "$1" -o json | jq -r "$2"; }

start_web()
{
	rocket run -d --name "$1" "${@:2}" box sh -c 'probe serve 80 web & probe serve 81 other & probe echo 53'
	until_true 5 log_has "$1" listening
}

@test "a hole is opened in a running pod, and listed" {
	start_web web
	refused 7901
	run_rocket hole add web in:7901:80
	assert_exit 0
	[[ $stderr = *7901*80*"this host only"* ]]
	answers 127.0.0.1 7901 "web 127.0.0.1"
	answers ::1 7901 "web ::1"
	[ "$(ledger web '.[0] | .hole + " " + .to + " " + (.accepted | tostring)')" = "in:7901:80 box:80 2" ]
	run_rocket hole list web
	assert_has in:7901:80
	run_rocket status web
	assert_has 7901
	[ "$(rocket list -o json | jq -r '.[0].name')" = web ]
}

@test "opening what is open, and closing twice" {
	start_web twice --hole in:7902:80
	run_rocket hole add twice in:7902:80
	assert_exit 0
	run_rocket hole rm twice in:7902:80
	assert_exit 0
	refused 7902
	run_rocket hole rm twice in:7902:80
	assert_error 4 in:7902:80
	run_rocket hole add twice in:7902:80
	assert_exit 0
	answers 127.0.0.1 7902 "web 127.0.0.1"
}

@test "closing cuts the connections and leaves the others" {
	start_web cut --hole in:7903:80 --hole in:7904:80
	exec 5<>/dev/tcp/127.0.0.1/7903 6<>/dev/tcp/127.0.0.1/7904
	until_true 5 test "$(ledger cut 'map(.connections) | add')" != null
	rocket run -d --name idle --hole in:7905:7 box sh -c 'nc -l -p 7 -w 100 & sleep 1000'
	until_true 5 "$PROBE" connect 127.0.0.1 7905
	run_rocket hole rm cut in:7903
	assert_exit 0
	refused 7903
	answers 127.0.0.1 7904 "web 127.0.0.1"
	exec 5>&- 6>&-
}

@test "a living connection is cut, and its client is told at once" {
	rocket run -d --name living --hole in:7906:7 box sh -c 'echo listening; nc -l -p 7 </dev/zero >/dev/null'
	until_true 5 log_has living listening
	python3 - 7906 "$BATS_TEST_TMPDIR/told" 3>&- <<-'EOF' &
	import socket, sys, time
	for _ in range(50):
	    s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	    try:
	        if s.recv(1): break
	    except ConnectionResetError: pass
	    time.sleep(0.1)
	open(sys.argv[2], "w").write("connected\n")
	try:
	    while s.recv(65536): pass
	    end = "end"
	except ConnectionResetError: end = "reset"
	open(sys.argv[2], "w").write(end + "\n")
	EOF
	until_true 5 grep -q connected "$BATS_TEST_TMPDIR/told"
	[ "$(ledger living '.[0].connections')" = 1 ]
	run_rocket hole rm living in:7906:7
	assert_exit 0
	[[ $stderr = *"1 connection cut"* ]]
	until_true 3 grep -q reset "$BATS_TEST_TMPDIR/told"
}

@test "udp holes come and go as well" {
	start_web udp
	rocket hole add udp in:7907:53/udp
	run "$PROBE" say 127.0.0.1 7907 asked
	assert_out asked
	rocket hole rm udp in:7907
	run "$PROBE" say 127.0.0.1 7907 asked
	[ "$output" != asked ]
}

@test "--for closes it again" {
	start_web timed
	rocket hole add timed --for 2s --why "a look" in:7908:80
	answers 127.0.0.1 7908 "web 127.0.0.1"
	[ "$(ledger timed '.[0].why')" = "a look" ]
	[ "$(ledger timed '.[0].closes')" != null ]
	until_true 5 refused 7908
	[ "$(ledger timed 'length')" = 0 ]
	run_rocket hole add timed --for never in:7908:80
	assert_error 2 never
}

@test "a change holds for this run; with --keep for the next too" {
	start_web kept --hole in:7909:80 --hole in:7910:80
	rocket hole add kept in:7911:80
	rocket hole add kept --keep --why always in:7912:81
	rocket hole rm kept in:7909
	rocket hole rm kept --keep in:7910
	[ "$(ledger kept 'map(.hole) | sort | join(" ")')" = "in:7911:80 in:7912:81" ]
	run_rocket manifest kept
	assert_has 7912:81
	rocket stop -t 1s kept
	rocket start kept
	until_true 5 "$PROBE" ask 127.0.0.1 7912
	[ "$(ledger kept 'map(.hole) | sort | join(" ")')" = "in:7909:80 in:7912:81" ]
	[ "$(ledger kept '.[] | select(.hole == "in:7912:81").why')" = always ]
	answers 127.0.0.1 7912 "other 127.0.0.1"
	refused 7911
	refused 7910
}

@test "port 0 and --hole list say what the kernel picked" {
	start_web zero
	run_rocket hole add zero in:0:80
	[[ $stderr =~ localhost:([0-9]+) ]]
	answers 127.0.0.1 "${BASH_REMATCH[1]}" "web 127.0.0.1"
	[ "$(ledger zero '.[0].from')" = "localhost:${BASH_REMATCH[1]}" ]
}

@test "what can't be: a taken port, an unknown app, a kind that stays, a dead pod, a wrong word" {
	start_web wrong --hole in:7913:80
	start_web other
	run_rocket hole add other in:7913:80
	assert_error 7 7913 rocket-relay
	run_rocket hole add wrong in:7914:80@nobody
	assert_error 4 nobody
	run_rocket hole add wrong path:/srv:/srv
	assert_error 1 "while the pod runs"
	run_rocket hole add wrong inn:80
	assert_error 2 inn
	run_rocket hole add wrong out:internet:80x
	assert_error 2 internet
	rocket stop -t 1s other
	run_rocket hole add other in:7915:80
	assert_error 3 other
	run_rocket hole add nosuch in:7915:80
	assert_error 4 nosuch
}

@test "a relay that dies comes back with its holes" {
	start_web robust --hole in:7916:80 --hole in:0:81
	local port
	port=$(ledger robust '.[1].from' | cut -d: -f2)
	answers 127.0.0.1 "$port" "other 127.0.0.1"
	sleep 5.1
	kill -9 "$(relay_pid)"
	until_true 5 "$PROBE" ask 127.0.0.1 7916
	answers 127.0.0.1 "$port" "other 127.0.0.1"
	run_rocket events
	assert_has relay-restarted
}

@test "the relay is small, unprivileged and goes with its pod" {
	start_web small --hole in:7917:80
	local pid pss
	pid=$(relay_pid)
	pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup")
	echo "relay: $pss kB"
	[ "$pss" -le 60 ]
	grep -q "^NoNewPrivs:.1" "/proc/$pid/status"
	grep -q "^Seccomp:.2" "/proc/$pid/status"
	grep -q "^CapEff:.0000000000003000" "/proc/$pid/status"
	[ -z "$(ls "/proc/$pid/root")" ]
	[ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	kill -9 "$(rocket status small -o json | jq .supervisor_pid)"
	until_true 5 test ! -e "/proc/$pid/exe"
	until_true 5 refused 7917
}
