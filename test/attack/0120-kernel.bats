#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The kernel's own interfaces: proc, sys, cgroups, keys, namespaces, terminals, and processes of ours seen from inside.
load attack

@test "CVE-2015-3630 CVE-2017-16539 CVE-2018-10892 CVE-2018-20699: interfaces of the whole host are masked or read-only" {
	run_rocket run --rm box sh -c '
		for f in /proc/kcore /proc/keys /proc/timer_list /proc/timer_stats /proc/latency_stats /proc/sched_debug /proc/kmsg; do
			[ ! -e $f ] || [ -z "$(head -c 1 $f 2>/dev/null)" ] || echo "$f can be read"
		done
		for d in /proc/acpi /proc/asound /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do
			[ ! -e $d ] || [ -z "$(ls $d)" ] || echo "$d is not empty"
		done
		for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches \
			/proc/sys/fs/binfmt_misc/register /proc/irq/default_smp_affinity /proc/fs/nfsd /proc/bus/pci /sys/kernel/uevent_helper \
			/sys/kernel/mm/transparent_hugepage/enabled /sys/module/kernel/parameters/panic /proc/mtrr; do
			[ ! -f $f ] || ! echo x 2>/dev/null >$f || echo "$f can be written"
		done
		mount -o remount,rw /proc/sys 2>/dev/null && echo "remounted"
		umount /proc/sys /proc/kcore /proc/keys 2>/dev/null && echo "unmounted"
		true'
	assert_exit 0
	assert_out ""
}

@test "CVE-2022-0811 CVE-2024-3154: a sysctl is one name and one value, and only of the pod's namespaces" {
	local bad
	for bad in 'kernel.shm_rmid_forced=1+kernel.core_pattern=|/x' 'kernel.core_pattern=|/x' 'net.ipv4.ip_forward=1/../../kernel/core_pattern' \
		'net/../kernel/core_pattern=x' 'kernel.modprobe=/x' 'vm.drop_caches=1' $'net.ipv4.ip_forward=1\nkernel.x=1' 'net.=1' 'net..ipv4=1'; do
		printf 'apps:\n  a:\n    image: box\n    sysctls: {%s: %s}\n' "$(jq -cn --arg k "${bad%%=*}" '$k')" "$(jq -cn --arg v "${bad#*=}" '$v')" >"$BATS_TEST_TMPDIR/pod.yaml"
		run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
		[ "$status" -ne 0 ] || { echo "$bad" >&2; return 1; }
	done
}

@test "CVE-2022-0492: no cgroup can be mounted or its release agent set, no namespace made" {
	run_rocket run --rm box sh -c '
		mkdir /tmp/c
		mount -t cgroup -o memory x /tmp/c 2>/dev/null && echo "mounted v1"
		mount -t cgroup2 x /tmp/c 2>/dev/null && echo "mounted v2"
		unshare -UrC mount -t cgroup -o rdma x /tmp/c 2>/dev/null && echo "in a namespace of its own"
		unshare -Ur true 2>/dev/null && echo "user namespace"
		unshare -m true 2>/dev/null && echo "mount namespace"
		find /sys/fs/cgroup -name release_agent 2>/dev/null
		for f in $(find /sys/fs/cgroup -name cgroup.procs 2>/dev/null); do echo 1 2>/dev/null >$f && echo "$f"; done
		true'
	assert_exit 0
	assert_out ""
}

@test "CVE-2025-47291: limits hold although the pod has a user namespace of its own" {
	rocket run -d --name lim --pids 12 --memory 32m box sh -c '(for i in $(seq 40); do sleep 100 & done); while :; do read -t 100 x; done' >/dev/null 2>&1
	until_true 5 log_has lim "can't fork"
	[ "$(rocket top lim -o json | jq '[.. | objects | select(has("pid"))] | length')" -le 12 ]
	run_rocket run --rm --memory 16m box sh -c 'x=$(head -c 100000000 /dev/zero | tr "\0" x); echo survived'
	[[ $output != *survived* ]]
}

@test "CVE-2016-10124 CVE-2017-5226: nothing is typed into the caller's terminal" {
	evil_image type :
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' run --rm -it type evil sti 'touch $CANARY/typed
'; sleep 0.3" /dev/null </dev/null
	[ ! -e "$CANARY/typed" ]
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' run --rm -i type evil sti 'touch $CANARY/typed
'; sleep 0.3" /dev/null </dev/null
	[ ! -e "$CANARY/typed" ]
	rocket run -d --name t type sleep 1000 >/dev/null
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' enter t evil sti 'touch $CANARY/typed
'; sleep 0.3" /dev/null </dev/null
	[ ! -e "$CANARY/typed" ]
}

@test "CVE-2019-5736: no program of ours can be had through /proc while pods start and are entered" {
	evil_image catch "rm bin/id; printf '#!/proc/self/exe\n' >bin/id; chmod 755 bin/id; mkdir -p lib; echo x >etc/ld.so.preload"
	rocket run -d --name c catch sh -c 'evil watch 4 >/tmp/seen; sleep 1000' >/dev/null
	local i
	until_true 5 rocket enter c grep -q watching /tmp/seen
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		rocket enter c true || true
		rocket enter c id >/dev/null 2>&1 || true
		rocket enter c /proc/self/exe >/dev/null 2>&1 || true
	done
	until_true 8 rocket enter c grep -q watched /tmp/seen
	run_rocket enter c sh -c 'grep -v "^watch" /tmp/seen | grep -v "got exe /memfd\|got open exe E" | head'
	[[ $output != *"open exe OK"* ]] || { show_result; return 1; }
	run_rocket run --rm catch id
	[ "$status" -ne 0 ]
}

@test "CVE-2016-9962: what enters can't be traced and holds nothing of the host" {
	evil_image trace :
	# With the power to trace inside the pod, too.
	rocket run -d --name tr --cap-add SYS_PTRACE trace sh -c 'evil watch 4 >/tmp/seen; sleep 1000' >/dev/null 2>&1 ||
		rocket run -d --name tr trace sh -c 'evil watch 4 >/tmp/seen; sleep 1000' >/dev/null
	until_true 5 rocket enter tr grep -q watching /tmp/seen
	local i
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		rocket enter tr true
	done
	until_true 8 rocket enter tr grep -q watched /tmp/seen
	run_rocket enter tr grep -E '^got (root|cwd|fd|mem|attached)' /tmp/seen
	[ -z "$output" ] || { show_result; return 1; }
}

@test "CVE-2016-8649 CVE-2015-1334: enter trusts no /proc of the app" {
	run_rocket run -d --name fake box sh -c 'mount -t tmpfs x /proc 2>/dev/null; mount --bind /tmp /proc 2>/dev/null; umount -l /proc 2>/dev/null; sleep 1000'
	assert_exit 0
	run_rocket enter fake grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status
	assert_out $'NoNewPrivs:\t1\nSeccomp:\t2'
}

@test "CVE-2016-5195 CVE-2022-0185 CVE-2022-0847: the calls that kernel attacks begin with are shut" {
	evil_image calls 'echo data >srv/file'
	run_rocket run --rm calls sh -c 'evil keys; unshare -U true 2>&1 | head -1'
	assert_exit 0
	[[ $output != *OK* ]]
	run_rocket run --rm calls evil socket 0 16 17 40 38 44
	assert_exit 0
	[[ $output != *"40 OK"* ]] && [[ $output != *"38 OK"* ]] && [[ $output != *"44 OK"* ]]
	rocket image verify calls >/dev/null
}

@test "CVE-2020-13401: a pod takes no router's word" {
	run_rocket run --rm box sh -c 'cat /proc/sys/net/ipv6/conf/all/accept_ra /proc/sys/net/ipv6/conf/default/accept_ra 2>/dev/null; cat /proc/sys/net/ipv4/conf/all/route_localnet'
	assert_exit 0
	[ "${lines[-1]}" = 0 ]
	run_rocket run --rm box sh -c 'ip addr | grep -c "^[0-9]"'
	assert_out 1
}

@test "CVE-2020-15257: a pod with the host's network finds no abstract socket of ours" {
	run_rocket run --rm --network host box cat /proc/net/unix
	if [ "$status" -eq 0 ]; then
		! grep -E '@.*(rocket|relay|ctl)' <<<"$output"
	fi
	run grep -E '@.*rocket' /proc/net/unix
	[ -z "$output" ]
}

@test "CVE-2021-43784 CVE-2022-47952: no setuid program, and no list of ours overflows" {
	local i holes=
	[ -z "$(find "$ROCKET_BUILD/src" -perm /6000 -type f)" ]
	for i in $(seq 1 1500); do
		printf -- '- "in:%d:80@a"\n' $((20000 + i))
	done >"$BATS_TEST_TMPDIR/holes"
	{ echo 'apps: {a: {image: box, exec: ["true"]}}'; echo 'holes:'; cat "$BATS_TEST_TMPDIR/holes"; } >"$BATS_TEST_TMPDIR/pod.yaml"
	good_order run --rm -q -f "$BATS_TEST_TMPDIR/pod.yaml"
	printf 'apps: {a: {image: box, exec: ["true"], env: {X: "%s"}}}\n' "$(head -c 200000 /dev/zero | tr '\0' x)" >"$BATS_TEST_TMPDIR/pod.yaml"
	good_order run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
}
