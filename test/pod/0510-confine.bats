#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The boundary from inside: ids, capabilities, filter, mounts, devices, kernel interfaces. What `enter` starts must be
# confined just the same, so every check runs in both.
load lib

file_setup()
{
	image_make plain 'User="app"'
}

test_teardown() { rm -f "$BATS_TEST_TMPDIR/out"; }

# Runs a shell line as an app and by enter in a running one; both outputs must be equal. Sets $output.
in_both()
{
	local first
	run_rocket run box sh -c "$1"
	first=$output
	[ -n "$(pods)" ] && rocket status held >/dev/null 2>&1 || rocket run -d --name held box sleep 1000
	run_rocket enter held sh -c "$1"
	# The host's ids differ between the two pods.
	output=$(sed -E 's/(gid|uid)=[0-9]+/\1=ID/g' <<<"$output")
	[ "$output" = "$(sed -E 's/(gid|uid)=[0-9]+/\1=ID/g' <<<"$first")" ] || { printf 'run: %s\nenter: %s\n' "$first" "$output" >&2; return 1; }
}

@test "root in the pod is an unprivileged range on the host" {
	run_rocket run box sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u'
	read -r inside outside count <<<"${lines[0]}"
	[ "$inside" = 0 ] && [ "$outside" -ge 65536 ] && [ $((outside % 65536)) = 0 ] && [ "$count" -ge 65536 ]
	read -r inside outside count <<<"${lines[1]}"
	[ "$inside" = 0 ] && [ "$outside" -ge 65536 ]
	[ "${lines[2]}" = 0 ]
}

@test "two pods have two id ranges, outside /etc/subuid" {
	rocket run -d --name a box sleep 1000
	rocket run -d --name b box sleep 1000
	local a b start count
	a=$(rocket enter a cat /proc/self/uid_map | awk '{ print $2 }')
	b=$(rocket enter b cat /proc/self/uid_map | awk '{ print $2 }')
	[ "$a" != "$b" ]
	while IFS=: read -r _ start count; do
		[ "$a" -ge $((start + count)) ] || [ $((a + 65536)) -le "$start" ]
	done </etc/subuid
}

@test "no_new_privs, a seccomp filter, and the 14 capabilities" {
	in_both 'grep -E "^(NoNewPrivs|Seccomp|Cap(Eff|Prm|Bnd|Inh|Amb)):" /proc/self/status'
	assert_has "NoNewPrivs:	1"
	assert_has "Seccomp:	2"
	assert_has "CapEff:	00000000a80425fb"
	assert_has "CapBnd:	00000000a80425fb"
	assert_has "CapInh:	0000000000000000"
	assert_has "CapAmb:	0000000000000000"
}

@test "a user that isn't root has no capability" {
	run_rocket run plain grep CapEff /proc/self/status
	assert_has "0000000000000000"
}

@test "capabilities can be dropped one by one and all" {
	run_rocket run --cap-drop NET_RAW box grep CapEff /proc/self/status
	assert_has "00000000a80405fb"
	run_rocket run --cap-drop all box grep -E 'Cap(Eff|Bnd)' /proc/self/status
	[ "$(grep -c 0000000000000000 <<<"$output")" = 2 ]
}

@test "the filter's answers" {
	local call expected
	while read -r call expected; do
		run_rocket run box probe syscall "$call"
		[ "$output" = "$expected" ] || { echo "$call: $output, not $expected" >&2; return 1; }
	done <<-EOF
	clone3 ENOSYS
	unshare-user EPERM
	clone-user EPERM
	io_uring_setup EPERM
	keyctl EPERM
	add_key EPERM
	unknown ENOSYS
	EOF
}

@test "powers over the host are refused" {
	local call
	for call in reboot settimeofday init_module bpf mount; do
		run_rocket run box probe syscall $call
		[ "$output" = EPERM ] || { echo "$call: $output" >&2; return 1; }
	done
}

@test "the filter can be left out, and a profile can be given" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: open
	apps: {a: {image: box, seccomp: none, args: [grep, "Seccomp:", /proc/self/status]}}
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_has "Seccomp:	0"
}

@test "namespaces of its own, all of them" {
	local kind
	in_both 'true'
	for kind in mnt pid net ipc uts cgroup user; do
		[ "$(rocket enter held readlink /proc/self/ns/$kind)" != "$(readlink /proc/self/ns/$kind)" ] ||
			{ echo "shares $kind with the host" >&2; return 1; }
	done
}

@test "the app is pid 1 and sees only its own" {
	run_rocket run box sh -c 'echo $$; ls -d /proc/[0-9]* | wc -l'
	[ "${lines[0]}" = 1 ]
	[ "${lines[1]}" -le 3 ]
}

@test "with init it isn't pid 1" {
	run_rocket run --init box sh -c 'echo $$'
	[ "$output" != 1 ]
}

@test "kernel interfaces are masked and read-only" {
	in_both '
		for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug; do
			[ -e $f ] && { [ -d $f ] || head -c 1 $f 2>/dev/null | wc -c; }
		done | sort -u
		for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/sys/vm/drop_caches /proc/irq/default_smp_affinity; do
			[ -e $f ] && (echo 1 >$f) 2>/dev/null && echo "written: $f"
		done
		ls /sys/firmware 2>/dev/null
		(echo x >/sys/kernel/uevent_helper) 2>/dev/null && echo "sysfs written"
		true'
	assert_out 0
}

@test "proc, sys and the cgroup tree are mounted as they must be" {
	in_both 'grep -E " /(proc|sys|sys/fs/cgroup|dev|dev/shm|dev/pts|dev/mqueue) " /proc/self/mounts | sort'
	[[ $output =~ \ /proc\ proc\ rw,nosuid,nodev,noexec ]]
	[[ $output =~ \ /sys\ sysfs\ ro,nosuid,nodev,noexec ]]
	[[ $output =~ \ /dev/shm\ tmpfs\ rw,nosuid,nodev,noexec ]]
	[[ $output =~ \ /dev/pts\ devpts\ rw,nosuid,noexec ]]
	run_rocket run box sh -c 'mkdir /sys/fs/cgroup/x 2>&1'
	assert_exit 1
}

@test "only the standard devices are there" {
	in_both 'ls /dev | tr "\n" " "; for d in null zero full random urandom tty; do [ -c /dev/$d ] || echo no $d; done'
	[[ $output != *"no "* ]]
	local name
	for name in $output; do
		case $name in
		console | core | fd | full | mqueue | null | ptmx | pts | random | shm | stderr | stdin | stdout | tty | \
			urandom | zero) ;;
		*) echo "unexpected: /dev/$name" >&2; return 1 ;;
		esac
	done
	in_both 'echo x >/dev/null && head -c 4 /dev/zero | wc -c; head -c 8 /dev/urandom | wc -c; echo x >/dev/full 2>&1'
	assert_has 4
}

@test "device nodes can't be made or opened" {
	run_rocket run box sh -c 'mknod /tmp/sda b 8 0 && head -c 1 /tmp/sda'
	[ "$status" != 0 ]
	run_rocket run box sh -c 'mknod /tmp/mem c 1 1 && head -c 1 /tmp/mem'
	[ "$status" != 0 ]
}

@test "no descriptor of the host leaks in" {
	exec 7</etc/hostname 8>"$BATS_TEST_TMPDIR/out"
	in_both 'probe fds'
	assert_out "0 1 2 "
	exec 7<&- 8>&-
}

@test "no mount of the host is visible" {
	in_both 'awk "{ print \$5 }" /proc/self/mountinfo | sort -u'
	local line
	for line in "${lines[@]}"; do
		case $line in
		/ | /proc | /proc/* | /sys | /sys/* | /dev | /dev/* | /etc/hosts | /etc/hostname | /etc/resolv.conf) ;;
		*) echo "unexpected mount: $line" >&2; return 1 ;;
		esac
	done
}

@test "/proc/self/exe of the entered process is no program of the host" {
	rocket run -d --name held2 box sleep 1000
	run_rocket enter held2 readlink /proc/1/exe
	assert_out /bin/sleep
	run_rocket enter held2 sh -c 'for p in /proc/[0-9]*; do readlink $p/exe; done | sort -u'
	local line
	for line in "${lines[@]}"; do
		[[ $line = /bin/* ]] || { echo "seen: $line" >&2; return 1; }
	done
}

@test "enter has the app's limits, groups and oom score" {
	rocket run -d --name bound --pids 50 -m 64m box sleep 1000
	run_rocket enter bound cat /proc/self/cgroup
	local entered=$output
	run_rocket enter bound cat /proc/1/cgroup
	[ "$entered" = "$output" ] || { diff <(echo "$entered") <(echo "$output") >&2; return 1; }
	run_rocket enter bound sh -c 'diff /proc/1/limits /proc/self/limits && cmp /proc/1/oom_score_adj /proc/self/oom_score_adj'
	assert_exit 0
}

@test "setuid programs gain nothing" {
	run_rocket run plain sh -c 'id -u; /bin/su -c id 2>&1; true'
	[ "${lines[0]}" = 1000 ]
	[[ $output != *uid=0* ]]
}

@test "the boundary holds at every distance" {
	local word
	for word in close joined; do
		run_rocket run --distance $word box sh -c 'grep -E "^(NoNewPrivs|Seccomp|CapEff):" /proc/self/status'
		assert_has "NoNewPrivs:	1"
		assert_has "Seccomp:	2"
		assert_has "CapEff:	00000000a80425fb"
	done
}
