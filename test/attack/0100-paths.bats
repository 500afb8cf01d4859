#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Images whose paths lead out: links where Rocket mounts, writes, makes or changes something while it starts an app.
load attack

# Every place that a start touches inside the root.
places=(dev dev/pts dev/shm dev/null dev/ptmx dev/fd proc sys etc etc/hosts etc/hostname etc/resolv.conf tmp run srv)

# Replaces PLACE of the image by a link to the canary: absolute, and from below.
link_out()
{
	local place=$1 target=$2
	[ -d "$(dirname "$place")" ] || return 0
	rm -rf "${place:?}"
	ln -s "$target" "$place"
}

@test "CVE-2026-41579 CVE-2026-47766 CVE-2019-18837 CVE-2025-54867 CVE-2015-1335 CVE-2024-5154: links where a start mounts" {
	local place target up=../../../../../../../../../..
	for place in "${places[@]}"; do
		for target in "$CANARY" "$up$CANARY" "$CANARY/file" "$CANARY/new"; do
			evil_image links "link_out $place $target"
			good_order run --rm links true
			good_order run --rm -i -t links true </dev/null
			canary_state | diff "$BATS_TEST_TMPDIR/canary.before" -
		done
	done
}

@test "CVE-2025-24965 CVE-2017-1002101 CVE-2020-8557: files that Rocket writes, planted before as something else" {
	local file
	for file in etc/hosts etc/hostname etc/resolv.conf; do
		for plant in "mkfifo $file" "mkdir $file" "ln -s /proc/1/environ $file" "ln -s /dev/zero $file" "mknod $file c 1 5"; do
			evil_image planted "rm -rf $file; $plant"
			good_order run --rm planted true
			[ "$status" -ne 0 ] || {
				run_rocket run --rm planted cat /etc/hosts
				assert_exit 0
				assert_has localhost
			}
		done
	done
}

@test "CVE-2015-3629 CVE-2018-15664: a volume, a tmpfs and a path hole on a link land inside" {
	mkdir "$BATS_TEST_TMPDIR/source"
	echo from-the-hole >"$BATS_TEST_TMPDIR/source/x"
	evil_image mounts "mkdir -p $CANARY srv; ln -s $CANARY srv/out; ln -s ../../../../../../..$CANARY srv/up"
	for at in /srv/out /srv/up /srv/out/folder /srv/out/new; do
		good_order run --rm --hole "path:$BATS_TEST_TMPDIR/source:$at:rw" mounts sh -c "cat $at/x; echo y >$at/y"
		good_order run --rm --tmpfs "$at" mounts sh -c "echo y >$at/y"
		good_order run --rm -v "vol:$at" mounts sh -c "echo y >$at/y"
		canary_state | diff "$BATS_TEST_TMPDIR/canary.before" -
	done
	rocket volume rm vol >/dev/null 2>&1 || true
}

@test "CVE-2015-3631 CVE-2019-16884 CVE-2023-27561: nothing is mounted on or below /proc and /sys" {
	local at
	mkdir "$BATS_TEST_TMPDIR/fake"
	for at in /proc /proc/self /proc/self/attr /proc/sys /sys /sys/fs/cgroup /srv/../proc; do
		run_rocket run --rm -v "$BATS_TEST_TMPDIR/fake:$at" box true
		[ "$status" -ne 0 ]
		run_rocket run --rm --tmpfs "$at" box true
		[ "$status" -ne 0 ]
	done
}

@test "CVE-2019-19921 CVE-2023-28642: /proc and /sys as links, files and volumes of the image" {
	local kind
	for kind in "ln -s /srv proc" "ln -s /srv/../srv/p proc; mkdir -p srv/p" "touch proc" "ln -s . proc"; do
		evil_image noproc "rmdir proc; $kind"
		good_order run --rm noproc sh -c 'grep -q "^proc /proc proc" /proc/self/mounts'
	done
	evil_image volproc : 'Volumes={"/proc":{},"/sys":{},"/proc/self/attr":{}}'
	good_order run --rm volproc sh -c 'grep -q "^proc /proc proc" /proc/self/mounts'
}

@test "CVE-2025-31133 CVE-2025-62161 CVE-2025-62596: /dev/null of the image is a link to what it must not get" {
	evil_image null "ln -sf /proc/sys/kernel/core_pattern dev/null; ln -sf /proc/sysrq-trigger dev/zero"
	run_rocket run --rm null sh -c 'echo "|/evil" >/dev/null; test -c /dev/null; cat /proc/kcore /proc/keys /proc/timer_list | wc -c'
	assert_exit 0
	assert_out 0
	run_rocket run --rm null sh -c 'echo "|/evil" >/proc/sys/kernel/core_pattern'
	[ "$status" -ne 0 ]
}

@test "CVE-2026-55686: a working directory through a link is made inside" {
	evil_image workdir "ln -s $CANARY w; ln -s ../../../../../..$CANARY u" 'WorkingDir="/w/new"'
	good_order run --rm workdir pwd
	good_order run --rm -w /u/other/deep workdir pwd
	good_order run --rm -w "../../../../..$CANARY/x" workdir pwd
}

@test "CVE-2024-21626: a working directory in somebody's descriptors" {
	local n
	for n in 0 3 5 6 7 8 9 10 11 12; do
		run_rocket run --rm -w "/proc/self/fd/$n" box sh -c 'ls -a ../../../../../..; cat /proc/self/cwd/../../../etc/shadow'
		[ "$status" -ne 0 ]
		[[ $output != *"$CANARY"* ]]
		[[ $output != *root:* ]]
	done
	rocket run -d --name held box sleep 1000 >/dev/null
	for n in 3 5 6 7 8 9 10 11 12; do
		run_rocket enter -w "/proc/self/fd/$n" held sh -c 'cat /proc/self/cwd/../../../etc/shadow'
		[ "$status" -ne 0 ]
	done
	run_rocket enter held sh -c 'ls -l /proc/self/fd | grep -c " -> /" ; ls /proc/self/fd | wc -l'
	assert_exit 0
	# 0, 1, 2, and the one that ls reads.
	[ "${lines[1]}" -le 4 ]
}

@test "CVE-2022-23648 CVE-2021-43816 CVE-2020-1726: an image's VOLUME is filled from inside its root only" {
	local place
	evil_image vols "ln -s $CANARY v; ln -s ../../../../../../../..$CANARY u; mkdir d; echo own >d/own" \
		"Volumes={\"/v\":{},\"/u\":{},\"/d\":{},\"/d/../../..$CANARY\":{}}"
	good_order run --rm vols sh -c 'cat /v/file /u/file 2>/dev/null; cat /d/own'
	[[ $output != *"the host"* ]]
	evil_image vols2 "mkdir -p d; ln -s $CANARY/file d/leak; ln $BATS_FILE_TMPDIR/base/etc/passwd d/p" 'Volumes={"/d":{}}'
	run_rocket run --rm vols2 cat /d/leak
	[ "$status" -ne 0 ]
	[[ $output != *"the host"* ]]
}

@test "CVE-2015-3627: the streams that an app gets are not what its image says they are" {
	evil_image streams "ln -sf $CANARY/file dev/stdout; ln -sf $CANARY/file dev/stderr; ln -sf $CANARY/file dev/console"
	run_rocket run --rm streams sh -c 'echo one >/dev/stdout; echo two >/dev/stderr; evil streams'
	assert_exit 0
	assert_has one
}

@test "CVE-2014-9357 CVE-2019-14271 CVE-2022-1227 CVE-2026-41567: programs and libraries of an image run only inside" {
	local work=$BATS_TEST_TMPDIR
	evil_image traps "for p in xz gzip zstd tar ps nsenter unpigz newuidmap sh2; do printf '#!/bin/busybox sh\n/bin/busybox touch $CANARY/run-on-host\n' >bin/\$p.new; chmod 755 bin/\$p.new; rm -f bin/\$p; mv bin/\$p.new bin/\$p; done
		mkdir -p lib/x86_64-linux-gnu; for l in libc.so.6 libnss_files.so.2 libnss_compat.so.2; do echo evil >lib/x86_64-linux-gnu/\$l; done; printf 'passwd: evil\n' >etc/nsswitch.conf; echo /lib/evil.so >etc/ld.so.preload"
	rocket run -d --name trap traps sleep 1000 >/dev/null
	echo data >"$work/in"
	tar -C "$work" -cJf "$work/in.tar.xz" in
	rocket cp "$work/in" trap:/srv/in
	rocket cp trap:/srv/in "$work/out"
	xz -dc "$work/in.tar.xz" | rocket cp - trap:/srv
	rocket top trap >/dev/null
	rocket stats --no-stream trap >/dev/null 2>&1 || rocket stats trap -o json >/dev/null
	rocket status trap >/dev/null
	rocket diff trap >/dev/null
	rocket export trap >"$work/export.tar"
	rocket enter trap true
	cmp "$work/in" "$work/out"
}
