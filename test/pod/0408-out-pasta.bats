#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The way out where the host does not forward, or where another's rules may drop: pasta, with the same holes, the same
# refusals and the same ledger. Needs pasta (package passt) and a TUN device.
load lib
load world

file_setup()
{
	world_up
	world_serve 80 web
	world_serve 443 tls
	in_world dnsmasq --no-daemon --no-resolv --no-hosts --conf-file=/dev/null --user=root --pid-file= --port=53 \
		--host-record=api.example,203.0.113.2 3>&- >/dev/null 2>&1 &
	until_true 5 world_listens 53
	echo "nameserver 203.0.113.2" >"$BATS_FILE_TMPDIR/resolv.conf"
	mount --bind "$BATS_FILE_TMPDIR/resolv.conf" /etc/resolv.conf
	"$PROBE" serve 8080 host 3>&- >/dev/null 2>&1 &
	echo $! >"$BATS_FILE_TMPDIR/host.pid"
}

file_teardown()
{
	kill -9 "$(cat "$BATS_FILE_TMPDIR/host.pid")"
	umount /etc/resolv.conf
	world_stop_servers
	world_down
}

test_teardown() { echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding; nft flush ruleset; }

pastas() { pgrep -fc 'pasta --foreground' || true; }
start() { rocket run -d --name "$1" "${@:2}" box sleep 1000; }
ask() { rocket enter "$1" probe ask "$2" "$3" 2>&1; }
refused() { run rocket enter "$1" probe connect "$2" "$3"; [[ $output = EACCES* ]] || { echo "$2 $3: $output" >&2; return 1; }; }

@test "a host that does not forward: the same holes by pasta, and nothing of the host is changed" {
	start plain --hole out:203.0.113.2:80 --hole out:api.example:443
	[ "$(ask plain 203.0.113.2 80)" = "web 203.0.113.1" ]
	refused plain 203.0.113.3 80
	refused plain 203.0.113.2 443
	rocket enter plain nslookup api.example >/dev/null || true
	[ "$(ask plain 203.0.113.2 443)" = "tls 203.0.113.1" ]
	[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 0 ]
	[ -z "$(nft list ruleset)" ]
	[ "$(ip -o link | grep -c rkt || true)" = 0 ]
	[ "$(pastas)" = 1 ]
	rocket rm -f plain
	until_true 3 eval '[ "$(pastas)" = 0 ]'
}

@test "IPv6 by pasta" {
	start six --hole 'out:[2001:db8:1::2]:80'
	[ "$(ask six 2001:db8:1::2 80)" = "web 2001:db8:1::1" ]
	refused six 2001:db8:2::1 80
}

@test "by pasta neither the host nor its loopback is reached" {
	start host --hole 'out:0.0.0.0/0:*'
	[ "$(ask host 203.0.113.2 80)" = "web 203.0.113.1" ]
	for to in 203.0.113.1 127.0.0.1 169.254.1.1; do
		[[ $(ask host $to 8080) != host* ]]
	done
}

@test "another engine's rules that may drop lead to pasta, and are not touched" {
	echo 1 >/proc/sys/net/ipv4/ip_forward
	echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	nft add table ip filter
	nft add chain ip filter FORWARD '{ type filter hook forward priority 0; policy drop; }'
	before=$(nft list ruleset)
	start docker --hole out:203.0.113.2:80
	[ "$(ask docker 203.0.113.2 80)" = "web 203.0.113.1" ]
	[ "$(pastas)" = 1 ]
	[ "$(nft list ruleset)" = "$before" ]
	rocket rm -f docker
	nft flush ruleset
	start alone --hole out:203.0.113.2:80
	[ "$(ask alone 203.0.113.2 80)" = "web 203.0.113.1" ]
	[ "$(pastas)" = 0 ]
}

@test "closing cuts, and what is killed leaves no pasta" {
	start cut --hole out:203.0.113.2:80
	rocket hole rm cut out:203.0.113.2:80
	refused cut 203.0.113.2 80
	kill -9 "$(rocket status cut -o json | jq .supervisor_pid)"
	until_true 5 eval '[ "$(pastas)" = 0 ] && ! pgrep rocket-reaper'
	rocket gc --grace-period 0
}
