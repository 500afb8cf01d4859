#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# out: holes by name: only names with a hole are answered, what is answered can be reached and nothing else, and what an
# answer may be is judged outside the pod.
load lib
load world

file_setup()
{
	world_up forward
	world_serve 80 web
	world_serve 443 tls
	# Real names of a real server; bad.example lies, alias.example leads on, rebind.example points into the LAN.
	in_world dnsmasq --no-daemon --no-resolv --no-hosts --conf-file=/dev/null --user=root --pid-file= --port=53 \
		--host-record=api.example,203.0.113.2,2001:db8:1::2 --host-record=other.example,198.51.100.1 \
		--host-record=www.sub.example,198.51.100.2 --cname=alias.example,other.example --host-record=rebind.example,10.9.0.1 \
		--host-record=meta.example,169.254.169.254 --host-record=self.example,127.0.0.1 --local-ttl=7 \
		3>&- >/dev/null 2>&1 &
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
get() { rocket enter "$1" sh -c "nc -w 3 $2 $3 </dev/null" 2>&1; }
gets() { [[ $(get "$1" "$2" "$3") = "$4"* ]] || { echo "$2 $3: $(get "$1" "$2" "$3")" >&2; return 1; }; }
asks() { [ "$(rocket enter "$1" probe ask "$2" "$3" 2>&1)" = "$4" ]; }
refused() { run rocket enter "$1" probe connect "$2" "$3"; [[ $output = EACCES* ]] || { echo "$2 $3: $output" >&2; return 1; }; }
# What a real resolver's client sees, asked from outside the image: dig in the pod's network.
dig_in() { nsenter -t "$(field "$1" '.apps[0].pid')" --net -- dig +time=3 +tries=1 "@127.77.255.53" "${@:2}"; }

@test "a name, its addresses in both families, and no other name" {
	start name --hole out:api.example:80
	gets name api.example 80 "web "
	[ "$(dig_in name +short api.example A)" = 203.0.113.2 ]
	[ "$(dig_in name +short api.example AAAA)" = 2001:db8:1::2 ]
	asks name 2001:db8:1::2 80 "web 2001:db8:1::1"
	refused name 203.0.113.2 443
	[[ $(dig_in name other.example) = *"status: REFUSED"* ]]
	[[ $(dig_in name api.example.evil.org) = *"status: REFUSED"* ]]
	refused name 198.51.100.1 80
	run get name other.example 80
	[[ $output != *web* ]]
}

@test "the wall is closed until the name was asked for" {
	start asked --hole out:api.example:80
	refused asked 203.0.113.2 80
	dig_in asked +short api.example >/dev/null
	asks asked 203.0.113.2 80 "web 203.0.113.1"
}

@test "a suffix is every name below it, and not the name itself" {
	start suffix --hole out:.sub.example:80
	gets suffix www.sub.example 80 "web 203.0.113.1"
	[[ $(dig_in suffix sub.example) = *"status: REFUSED"* ]]
	[[ $(dig_in suffix notsub.example) = *"status: REFUSED"* ]]
}

@test "a chain counts by the name that was asked for" {
	start chain --hole out:alias.example:80
	gets chain alias.example 80 "web 203.0.113.1"
	[[ $(dig_in chain other.example) = *"status: REFUSED"* ]]
}

@test "public names do not lead into the LAN, to the host or to metadata" {
	start rebind --hole 'out:.example:80'
	for name in rebind meta self; do
		[[ $(dig_in rebind "$name.example") = *"status: REFUSED"* ]]
	done
	refused rebind 10.9.0.1 80
	refused rebind 169.254.169.254 80
	rocket hole add rebind out:lan
	gets rebind rebind.example 80 "web 203.0.113.1"
	[[ $(dig_in rebind meta.example) = *"status: REFUSED"* ]]
}

@test "other kinds of question, and what is no question" {
	start kinds --hole out:api.example:80
	[[ $(dig_in kinds api.example TXT) = *"status: NOERROR"*"ANSWER: 0"* ]]
	[[ $(dig_in kinds missing.api.example) = *"status: REFUSED"* ]]
	[[ $(dig_in kinds -x 203.0.113.2) = *"status: REFUSED"* ]]
	printf 'rubbish' | nsenter -t "$(field kinds '.apps[0].pid')" --net -- socat -t 0.2 - UDP:127.77.255.53:53 >/dev/null
	[ "$(dig_in kinds +short api.example)" = 203.0.113.2 ]
}

@test "opened and closed while the pod runs" {
	start live
	[ "$(pgrep -c rocket-resolve || true)" = 0 ]
	run get live api.example 80
	[[ $output != *web* ]]
	rocket hole add live out:api.example:80
	gets live api.example 80 "web "
	rocket hole add live out:other.example:443
	gets live other.example 443 "tls 203.0.113.1"
	rocket hole rm live out:api.example:80
	[[ $(dig_in live api.example) = *"status: REFUSED"* ]]
	refused live 203.0.113.2 80
	gets live other.example 443 "tls 203.0.113.1"
}

@test "the resolver is nobody, has an empty root and no capability" {
	start jail --hole out:api.example:80
	pid=$(pgrep -x rocket-resolve)
	[ "$(awk '/^Cap(Prm|Eff|Inh|Amb)/ && $2 !~ /^0+$/' "/proc/$pid/status")" = "" ]
	[ "$(awk '/^Seccomp:/ { print $2 }' "/proc/$pid/status")" = 2 ]
	[ "$(awk '/^NoNewPrivs:/ { print $2 }' "/proc/$pid/status")" = 1 ]
	[ -z "$(ls "/proc/$pid/root/")" ]
	kill -9 "$pid"
	until_true 5 eval '! pgrep -x rocket-resolve'
	refused jail 198.51.100.1 80
}
