# SPDX-License-Identifier: Apache-2.0
# A small internet for tests of out: holes: `load world` after `load lib`.
#
#   the file's own network ("the host")  ── veth ──  a namespace "world"
#        203.0.113.1   2001:db8:1::1                 203.0.113.2 …, 2001:db8:1::2, 198.51.100.1, 2001:db8:2::1   public
#                                                    10.9.0.1, fd00:9::1                                        private
#
#   world_up [forward]    makes it; with `forward` the host forwards, as one with another engine would
#   world_down
#   in_world COMMAND…     runs there
#   world_serve PORT TEXT       a server on every address of the world that answers TEXT and the client's address
#   world_serve PORT - udp      one that sends datagrams back
WORLD=world

world_up()
{
	unshare --net --mount --kill-child sh -c 'echo $$ >"$0"; exec sleep 100000' "$BATS_FILE_TMPDIR/world.pid" 3>&- &
	WORLD_UNSHARE=$!
	until_true 5 test -s "$BATS_FILE_TMPDIR/world.pid"
	WORLD_PID=$(cat "$BATS_FILE_TMPDIR/world.pid")
	ip link add wan0 type veth peer name eth0 netns "$WORLD_PID"
	ip addr add 203.0.113.1/24 dev wan0
	ip -6 addr add 2001:db8:1::1/64 dev wan0 nodad
	ip link set wan0 up
	in_world sh -c '
		ip link set lo up; ip link set eth0 up
		ip addr add 203.0.113.2/24 dev eth0; ip addr add 203.0.113.3/24 dev eth0
		ip -6 addr add 2001:db8:1::2/64 dev eth0 nodad
		ip addr add 198.51.100.1/32 dev lo; ip addr add 198.51.100.2/32 dev lo; ip addr add 10.9.0.1/32 dev lo
		ip -6 addr add 2001:db8:2::1/128 dev lo; ip -6 addr add fd00:9::1/128 dev lo'
	ip route add default via 203.0.113.2
	ip -6 route add default via 2001:db8:1::2
	# Whatever the real host does: a new network takes that over.
	local on=0
	[ "${1-}" != forward ] || on=1
	echo $on >/proc/sys/net/ipv4/ip_forward
	echo $on >/proc/sys/net/ipv6/conf/all/forwarding
	export WORLD_PID WORLD_UNSHARE
}

world_down()
{
	kill -9 "$WORLD_PID" "$WORLD_UNSHARE" 2>/dev/null
	wait "$WORLD_UNSHARE" 2>/dev/null
	ip link del wan0 2>/dev/null
	echo 0 >/proc/sys/net/ipv4/ip_forward
	echo 0 >/proc/sys/net/ipv6/conf/all/forwarding
}

in_world() { nsenter -t "$WORLD_PID" --net --mount -- "$@"; }

world_serve()
{
	if [ "${3-}" = udp ]; then
		in_world "$PROBE" echo "$1" 3>&- >/dev/null 2>&1 &
	else
		in_world "$PROBE" serve "$1" "$2" 3>&- >/dev/null 2>&1 &
	fi
	until_true 5 world_listens "$1"
}

world_listens() { in_world ss -H -lntu "sport = :$1" | grep -q .; }

world_stop_servers()
{
	in_world sh -c 'for p in $(ss -H -lntup | grep -o "pid=[0-9]*" | cut -d= -f2 | sort -u); do kill -9 $p; done' || true
}
