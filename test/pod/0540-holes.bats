#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Holes that aren't network: paths, sockets, devices, capabilities, setuid programs; and the ledger of them.
load lib

@test "path: read-only unless rw, with the owner's ids" {
	mkdir -p "$BATS_TEST_TMPDIR/site"
	echo page >"$BATS_TEST_TMPDIR/site/index"
	chown 1000:1000 "$BATS_TEST_TMPDIR/site/index"
	run_rocket run --hole "path:$BATS_TEST_TMPDIR/site:/site" box sh -c 'cat /site/index; stat -c %u /site/index; echo x >/site/new'
	assert_exit 1
	[ "${lines[0]}" = page ] && [ "${lines[1]}" = 1000 ]
	[[ $stderr = *"Read-only file system"* ]]
	run_rocket run --hole "path:$BATS_TEST_TMPDIR/site:/site:rw" box sh -c 'echo x >/site/new'
	assert_exit 0
	[ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/site/new")" = 0:0 ]
}

@test "-v is writable as docker's, :ro isn't" {
	mkdir -p "$BATS_TEST_TMPDIR/data"
	run_rocket run -v "$BATS_TEST_TMPDIR/data:/data" box sh -c 'echo x >/data/f'
	assert_exit 0
	[ "$(cat "$BATS_TEST_TMPDIR/data/f")" = x ]
	run_rocket run -v "$BATS_TEST_TMPDIR/data:/data:ro" box sh -c 'echo x >/data/f'
	assert_exit 1
}

@test "a path hole is nosuid and nodev, and a single file works" {
	mkdir -p "$BATS_TEST_TMPDIR/d"
	echo one >"$BATS_TEST_TMPDIR/d/file"
	run_rocket run --hole "path:$BATS_TEST_TMPDIR/d/file:/etc/one" box sh -c 'cat /etc/one; grep " /etc/one " /proc/self/mounts'
	assert_exit 0
	[ "${lines[0]}" = one ]
	[[ ${lines[1]} = *nosuid* && ${lines[1]} = *nodev* ]]
}

@test "a source that isn't there is refused before start" {
	run_rocket run --hole "path:$BATS_TEST_TMPDIR/nowhere:/x" box true
	assert_error 125 nowhere
}

@test "a target that the image made a symlink stays inside the root" {
	IMAGE_EMPTY= image_make linked
	mkdir -p "$BATS_TEST_TMPDIR/src" "$BATS_TEST_TMPDIR/canary"
	echo seen >"$BATS_TEST_TMPDIR/src/f"
	run_rocket run --name setup linked ln -s "$BATS_TEST_TMPDIR/canary" /link
	run_rocket run --hole "path:$BATS_TEST_TMPDIR/src:/tmp/../../../..$BATS_TEST_TMPDIR/canary" linked true
	[ -z "$(ls "$BATS_TEST_TMPDIR/canary")" ]
	! grep -q canary /proc/self/mountinfo
}

@test "socket: a host's socket, and no more of its folder" {
	python3 - "$BATS_TEST_TMPDIR/host.sock" 3>&- <<-'EOF' &
	import socket, sys
	s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(4)
	import os; os.chmod(sys.argv[1], 0o666)
	for _ in range(1):
	    c, _ = s.accept(); c.sendall(b"through\n"); c.close()
	EOF
	local server=$!
	until_true 5 test -S "$BATS_TEST_TMPDIR/host.sock"
	echo private >"$BATS_TEST_TMPDIR/private"
	run_rocket run --hole "socket:$BATS_TEST_TMPDIR/host.sock:/run/host.sock" box sh -c \
		'nc local:/run/host.sock </dev/null; ls /run'
	kill $server 2>/dev/null || true
	[[ $output = *host.sock* && $output != *private* ]]
}

@test "dev: a device, owned by the app's user, and only that one" {
	mknod "$BATS_TEST_TMPDIR/mynull" c 1 3
	chmod 600 "$BATS_TEST_TMPDIR/mynull"
	run_rocket run -u 1000 --device "$BATS_TEST_TMPDIR/mynull:/dev/mine" box sh -c 'echo x >/dev/mine && stat -c "%u %t %T" /dev/mine'
	assert_exit 0
	assert_out "1000 1 3"
}

@test "cap: one capability more inside, refused where it would need the host's" {
	run_rocket run --cap-add NET_ADMIN box grep CapEff /proc/self/status
	assert_has 00000000a80435fb
	run_rocket run --hole cap:sys_time box probe syscall settimeofday
	assert_exit 2
	[[ $stderr = *ns:user* ]]
}

@test "newprivs: setuid works, inside the pod's range" {
	run_rocket run --hole newprivs box grep NoNewPrivs /proc/self/status
	assert_has "NoNewPrivs:	0"
}

@test "holes are listed with why, from manifest and flags" {
	mkdir -p "$BATS_TEST_TMPDIR/pages"
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: ledger
	apps: {web: {image: box, args: [sleep, "1000"]}}
	holes:
	  - in:7850:80@web
	  - {path: pages, to: /pages, app: web, why: the pages}
	EOF
	rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	run_rocket hole list ledger
	assert_exit 0
	assert_has 7850
	assert_has "the pages"
}

@test "a start says one line per hole, unless -q" {
	run_rocket run --hole in:7851:80 box true
	[[ $stderr =~ in.*7851.*80.*this\ host\ only ]]
	run_rocket run -q --hole in:7851:80 box true
	[ "$stderr" = "" ]
}

@test "a hole that is wrong says where, and what is right" {
	run_rocket run --hole inn:80 box true
	assert_error 2 inn
	run_rocket run --hole in:99999 box true
	assert_error 2 99999
	run_rocket run --hole in:80@nobody box true
	assert_error 2 nobody
}

@test "a path hole is read-only where only the mount says so, for enter too" {
	mkdir -p "$BATS_TEST_TMPDIR/ro"
	rocket run -d --name ro --hole "path:$BATS_TEST_TMPDIR/ro:/ro" box sleep 1000
	run_rocket enter ro sh -c 'echo x >/ro/f'
	assert_exit 1
	run_rocket enter ro sh -c 'mount -o remount,rw /ro'
	[ "$status" != 0 ]
}
