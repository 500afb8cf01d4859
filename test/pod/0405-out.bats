#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# out: holes by address, network, internet and lan, in both families: what is declared passes, nothing else does. The
# "internet" is a network namespace behind the file's own, which stands for a host that forwards.
load lib
load world

file_setup()
{
	world_up forward
	world_serve 80 web
	world_serve 443 tls
	world_serve 53 - udp
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
ask() { rocket enter "$1" probe ask "$2" "$3" 2>&1; }
asks() { [ "$(ask "$1" "$2" "$3")" = "$4" ] || { echo "$2 $3: $(ask "$1" "$2" "$3")" >&2; return 1; }; }
# At once, with a plain error: the second word is the time.
refused()
{
	run rocket enter "$1" probe connect "$2" "$3"
	[[ $output =~ ^EACCES\ ([0-9]+)us$ && ${BASH_REMATCH[1]} -lt 20000 ]] || { echo "$2 $3: $output" >&2; return 1; }
}
links() { ip -o link | grep -c ' rkt' || true; }
tables() { nft list tables | grep -c rocket- || true; }
ledger() { rocket hole list "$1" -o json | jq -r "$2"; }

@test "a pod without out: holes has no link and no table" {
	start none
	[ "$(rocket enter none ls /sys/class/net | tr '\n' ' ')" = "lo " ]
	[ "$(tables) $(links)" = "0 0" ]
	refused none 203.0.113.2 80
	refused none 2001:db8:1::2 80
}

nothing_left() { [ "$(tables) $(links)" = "0 0" ]; }

@test "one address, one port" {
	start one --hole out:203.0.113.2:80
	asks one 203.0.113.2 80 "web 203.0.113.1"
	refused one 203.0.113.2 443
	refused one 203.0.113.3 80
	refused one 198.51.100.1 80
	refused one 2001:db8:1::2 80
	[ "$(tables) $(links)" = "1 1" ]
	rocket rm -f one
	# The kernel takes a namespace's devices apart in its own time.
	until_true 5 nothing_left
}

@test "IPv6" {
	start six --hole 'out:[2001:db8:2::1]:80'
	asks six 2001:db8:2::1 80 "web 2001:db8:1::1"
	refused six 2001:db8:1::2 80
	refused six 2001:db8:2::1 443
	refused six 203.0.113.2 80
}

@test "networks, ranges of ports, every port" {
	start nets --hole out:198.51.100.0/24:80-90 --hole 'out:[2001:db8:2::/64]:*'
	asks nets 198.51.100.1 80 "web 203.0.113.1"
	asks nets 198.51.100.2 80 "web 203.0.113.1"
	refused nets 198.51.100.1 443
	refused nets 203.0.113.2 80
	asks nets 2001:db8:2::1 443 "tls 2001:db8:1::1"
	refused nets 2001:db8:1::2 443
}

@test "udp and icmp are holes of their own" {
	start udp --hole out:203.0.113.2:53/udp --hole 'out:203.0.113.3:*/icmp' --hole 'out:[2001:db8:1::2]:*/icmp'
	run rocket enter udp probe say 203.0.113.2 53 hello
	assert_out hello
	run rocket enter udp probe sendto 203.0.113.3 53
	[[ $output = EACCES* ]]
	refused udp 203.0.113.2 53
	[ "$(rocket enter udp probe ping 203.0.113.3)" = answered ]
	[ "$(rocket enter udp probe ping 2001:db8:1::2)" = answered ]
	[ "$(rocket enter udp probe ping 203.0.113.2)" = EACCES ]
}

@test "internet is every public address, lan every private one, and neither is the host" {
	start net --hole out:internet
	asks net 203.0.113.2 80 "web 203.0.113.1"
	asks net 198.51.100.1 443 "tls 203.0.113.1"
	asks net 2001:db8:2::1 80 "web 2001:db8:1::1"
	[ "$(rocket enter net probe say 203.0.113.2 53 hello)" = hello ]
	refused net 10.9.0.1 80
	refused net fd00:9::1 80
	refused net 169.254.169.254 80
	[[ $(ask net 203.0.113.1 8080) != host* ]]
	[[ $(ask net 2001:db8:1::1 8080) != host* ]]
	start lan --hole out:lan
	asks lan 10.9.0.1 80 "web 203.0.113.1"
	asks lan fd00:9::1 80 "web 2001:db8:1::1"
	refused lan 203.0.113.2 80
	refused lan 169.254.169.254 80
}

@test "no network leads to the host, to another pod or to metadata" {
	rocket run -d --name other --hole out:203.0.113.2:80 box probe serve 80 other
	start wide --hole 'out:0.0.0.0/0:*' --hole 'out:[::/0]:*'
	asks wide 203.0.113.2 80 "web 203.0.113.1"
	asks wide 10.9.0.1 80 "web 203.0.113.1"
	peer=$(rocket enter other sh -c 'ip -4 -o addr show out0' | grep -o '198[0-9.]*' | head -1)
	own=$(rocket enter wide sh -c 'ip -4 -o addr show out0' | grep -o '198[0-9.]*' | head -1)
	gateway=${own%.*}.$((${own##*.} - 1))
	for to in 203.0.113.1 2001:db8:1::1 "$peer" "$gateway"; do
		for port in 80 8080; do
			run ask wide "$to" $port
			[[ $output =~ ^(EACCES|EHOSTUNREACH|ECONNREFUSED) ]] || { echo "$to: $output" >&2; false; }
		done
	done
	run ask wide 169.254.169.254 80
	[[ $output =~ ^(EACCES|EHOSTUNREACH) ]]
}

@test "nothing comes in by the link: not from the host, not from the world" {
	rocket run -d --name shut --hole out:internet box probe serve 80 mine
	addr=$(rocket enter shut sh -c 'ip -4 -o addr show out0' | grep -o '198[0-9.]*' | head -1)
	run "$PROBE" connect "$addr" 80
	[[ $output != connected* ]]
	in_world ip route add "$addr" via 203.0.113.1
	run in_world timeout 1 "$PROBE" connect "$addr" 80
	[[ $output != connected* ]]
	in_world ip route del "$addr"
}

@test "opened and closed while the pod runs; a closed one cuts its connections" {
	start live
	refused live 203.0.113.2 80
	run_rocket hole add live out:203.0.113.2:80
	assert_exit 0
	[[ $stderr = *"203.0.113.2"* ]]
	asks live 203.0.113.2 80 "web 203.0.113.1"
	[ "$(ledger live '.[0] | "\(.hole) \(.accepted)"')" = "out:203.0.113.2:80 1" ]
	in_world socat TCP-LISTEN:7,reuseaddr EXEC:cat 3>&- >/dev/null 2>&1 &
	until_true 5 world_listens 7
	rocket hole add live out:203.0.113.3:7
	rocket enter live sh -c 'mkfifo /tmp/in; sleep 1000 >/tmp/in & nc 203.0.113.3 7 </tmp/in; echo over >/tmp/over' 3>&- >/dev/null 2>&1 &
	until_true 5 eval '[ "$(ledger live ".[] | select(.hole == \"out:203.0.113.3:7\").connections")" = 1 ]'
	run_rocket hole rm live out:203.0.113.3:7
	assert_exit 0
	[[ $stderr = *"1 connection cut"* ]]
	until_true 3 rocket enter live test -e /tmp/over
	until_true 3 eval '! pgrep -x socat'
	refused live 203.0.113.3 7
	asks live 203.0.113.2 80 "web 203.0.113.1"
	run_rocket hole rm live out:203.0.113.2:80
	assert_exit 0
	refused live 203.0.113.2 80
}

@test "the ledger asks the kernel; what dies is cleaned by the kernel" {
	start killed --hole out:203.0.113.2:80
	[ "$(tables) $(links)" = "1 1" ]
	kill -9 "$(rocket status killed -o json | jq .supervisor_pid)"
	until_true 5 eval '[ "$(tables) $(links)" = "0 0" ]'
	rocket gc --grace-period 0
}

@test "the host's own rules and knobs stay as they were" {
	before=$(sysctl -a 2>/dev/null | grep -E '^net' | grep -vE 'rkt|nf_conntrack_(count|max)|netdev_rss|neigh' | sort | md5sum)
	start same --hole out:internet
	[ "$before" = "$(sysctl -a 2>/dev/null | grep -E '^net' | grep -vE 'rkt|nf_conntrack_(count|max)|netdev_rss|neigh' | sort | md5sum)" ]
	rocket rm -f same
	[ -z "$(nft list ruleset)" ]
}
