#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every other limit and isolator: each lands in the kernel's own file, on version 1, hybrid and 2, or is refused by name.
load lib

is_v2() { [ -e /sys/fs/cgroup/cgroup.controllers ]; }

# knob POD V1-HIERARCHY/FILE V2-FILE: what the kernel holds for the app "box".
knob()
{
	local group
	group=rocket-$(rocket status "$1" -o json | jq -r .id)/box
	if is_v2; then
		cat "/sys/fs/cgroup/$group/$3"
	else
		cat "/sys/fs/cgroup/${2%%/*}/$group/${2#*/}"
	fi
}

has_knob() { if is_v2; then grep -qw "$2" /sys/fs/cgroup/cgroup.controllers; else [ -d "/sys/fs/cgroup/$1" ]; fi; }

@test "memory request and swap, cpu shares, cpuset" {
	rocket run -d --name m -m 64m --memory-reservation 32m --cpu-shares 512 --cpuset-cpus 0 --cpuset-mems 0 box sleep 100 ||
		{ has_knob cpuset cpuset && return 1; rocket run -d --name m -m 64m --memory-reservation 32m --cpu-shares 512 box sleep 100; }
	[ "$(knob m memory/memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(knob m memory/memory.soft_limit_in_bytes memory.low)" = 33554432 ]
	if is_v2; then
		[ "$(knob m - cpu.weight)" = 20 ]
	else
		[ "$(knob m cpu/cpu.shares -)" = 512 ]
	fi
	! has_knob cpuset cpuset || [ "$(knob m cpuset/cpuset.cpus cpuset.cpus)" = 0 ]
	! has_knob cpuset cpuset || [ "$(knob m cpuset/cpuset.mems cpuset.mems)" = 0 ]
	run_rocket run --rm --memory-swap 10m box true
	assert_error 2 --memory-swap
	run_rocket run --rm --cpuset-cpus 1-0 box true
	assert_error 2 1-0
	run_rocket run --rm --cpuset-cpus 4000 box true
	assert_error 125 cpuset
}

@test "devices are limited by name and by number" {
	local disk
	disk=$(awk '$4 ~ /^(vda|sda|nvme0n1|ubda)$/ { print $1 ":" $2 " " $4; exit }' /proc/partitions)
	[ -n "$disk" ] || skip "no disk that could be limited"
	has_knob blkio io || {
		run_rocket run --rm --device-read-bps "${disk% *}:1m" box true
		assert_error 125 io
		return
	}
	rocket run -d --name io --device-read-bps "${disk% *}:1m" --device-write-iops "${disk% *}:100" box sleep 100
	if is_v2; then
		[ "$(knob io - io.max)" = "${disk% *} rbps=1048576 wbps=max riops=max wiops=100" ]
	else
		[ "$(knob io blkio/blkio.throttle.read_bps_device -)" = "${disk% *} 1048576" ]
		[ "$(knob io blkio/blkio.throttle.write_iops_device -)" = "${disk% *} 100" ]
	fi
	run_rocket run --rm --device-read-bps /dev/null:1m box true
	assert_error 2 /dev/null "block device"
	run_rocket run --rm --device-read-bps /etc/passwd:1m box true
	assert_error 2 /etc/passwd
}

@test "huge pages" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: huge
	apps: {box: {image: box, args: [sleep, "100"], limits: {hugepages: {2Mi: 8Mi}}}}
	EOF
	if grep -qsw hugetlb /sys/fs/cgroup/cgroup.controllers /sys/fs/cgroup/unified/cgroup.controllers; then
		rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
		[ "$(cat /sys/fs/cgroup/{unified/,}rocket-*/box/hugetlb.2MB.max 2>/dev/null)" = 8388608 ]
	elif [ -d /sys/fs/cgroup/hugetlb ]; then
		rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	else
		run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
		assert_error 125 hugepages
	fi
	sed -i 's/8Mi/3Mi/' "$BATS_TEST_TMPDIR/pod.yaml"
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_error 2 "2MB" pod.yaml:2
}

@test "a control file by the kernel's own name" {
	if is_v2; then
		rocket run -d --name file --cgroup-conf memory.high=60000000 box sleep 100
		[ "$(knob file - memory.high)" = 59998208 ]
	else
		rocket run -d --name file --cgroup-conf memory.swappiness=10 box sleep 100
		[ "$(knob file memory/memory.swappiness -)" = 10 ]
	fi
	run rocket manifest file
	[[ $output = *'files:'*'"memory.'* ]]
	run_rocket run --rm --cgroup-conf memory.no_such=1 box true
	assert_error 125 memory.no_such
	run_rocket run --rm --cgroup-conf cgroup.kill=1 box true
	assert_error 2 cgroup.kill
	run_rocket run --rm --cgroup-conf ../memory.high=1 box true
	assert_error 2 memory.high
	run_rocket run --rm --cgroup-conf memory.max=1 box true
	assert_error 2 memory.max "'memory'"
}

@test "resource limits, OOM score, groups" {
	run_rocket run --rm --ulimit nofile=100:200 --ulimit core=0 --oom-score-adj 77 --group-add 77 box \
		sh -c 'ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; id -G'
	assert_exit 0
	[ "$(echo $output)" = "100 200 0 77 0 77" ]
	run_rocket run --rm --ulimit nofile=200:100 box true
	assert_error 2 nofile
	run_rocket run --rm --oom-score-adj 1001 box true
	assert_error 2 1001
	run_rocket run --rm --ulimit nosuch=1 box true
	assert_error 2 nosuch
}

@test "sysctls of the pod's IPC and network reach the kernel, others are refused" {
	run_rocket run --rm --sysctl net.ipv4.ip_default_ttl=99 box cat /proc/sys/net/ipv4/ip_default_ttl
	assert_out 99
	# Before Linux 6.10 only the host's root may set those of an IPC namespace: then that is said.
	run_rocket run --rm --sysctl kernel.shmmax=123456 --sysctl fs.mqueue.msg_max=7 box \
		sh -c 'cat /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max'
	if [ "$status" -eq 0 ]; then
		[ "$(echo $output)" = "123456 7" ]
	else
		assert_error 125 "the sysctl kernel.shmmax"
	fi
	[ "$(cat /proc/sys/kernel/shmmax)" != 123456 ]
	run_rocket run --rm --sysctl kernel.panic=1 box true
	assert_error 2 kernel.panic
}

@test "seccomp by docker's flag" {
	run rocket run --rm --security-opt seccomp=unconfined box grep Seccomp: /proc/self/status
	[[ $output = *"Seccomp:"*0 ]]
	run_rocket run --rm --security-opt label=disable box true
	assert_error 2 label=disable
}
