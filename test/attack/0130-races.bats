#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An app that swaps names while Rocket works beside it on the same files.
load attack

swap_image() { evil_image swap "mkdir -p srv/v/d; ln -s $CANARY srv/v/l; ln -s ../../../../../../../../..$CANARY srv/v/r"; }

@test "CVE-2021-30465 CVE-2024-45310: a shared volume whose target is swapped for a link while the next app mounts into it" {
	swap_image
	rocket run -d --name sw -v shared:/v swap sh -c "mkdir -p /v/d; ln -s $CANARY /v/l; evil swap /v d l" >/dev/null
	until_true 5 rocket logs sw
	local i
	for i in $(seq 60); do
		good_order run --rm -v shared:/v -v "extra:/v/d" swap sh -c 'echo x >/v/d/new 2>/dev/null; true'
		good_order run --rm -v shared:/v --tmpfs /v/d/sub swap true
	done
	rocket rm -f sw >/dev/null
	rocket volume rm shared extra >/dev/null
}

@test "CVE-2025-52881: labels and sysctls go to proc itself while a neighbour swaps what is shared" {
	swap_image
	rocket run -d --name sw -v shared:/v swap sh -c "mkdir -p /v/d /v/p/sys; ln -s $CANARY /v/l; evil swap /v d l" >/dev/null
	local i
	printf 'apps: {a: {image: swap, exec: ["true"], sysctls: {net.ipv4.ip_default_ttl: "63"}, mounts: {/v: shared}}}\nvolumes: {shared: {keep: true}}\n' >"$BATS_TEST_TMPDIR/p.yaml"
	for i in $(seq 20); do
		good_order run --rm -f "$BATS_TEST_TMPDIR/p.yaml"
	done
	[ "$(cat /proc/sys/net/ipv4/ip_default_ttl)" != 63 ]
	rocket rm -f sw >/dev/null
	rocket volume rm shared >/dev/null
}

@test "CVE-2025-52565: a terminal's console comes from the pod's own devpts, whatever lies in /dev" {
	evil_image console "mkdir -p dev/pts; ln -s $CANARY/file dev/pts/0; ln -s $CANARY/file dev/console; ln -s $CANARY/file dev/tty"
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' run --rm -it console sh -c 'tty; echo text >/dev/tty; ls -l /dev/console 2>&1'" /dev/null </dev/null
	[ "$status" -eq 0 ]
	[[ $output = */dev/pts/0* ]]
}

@test "CVE-2018-15664 CVE-2019-10152 CVE-2021-41089 CVE-2023-0778: cp, diff and export while names are swapped" {
	swap_image
	rocket run -d --name sw swap sh -c "evil swap /srv/v d l" >/dev/null
	echo new >"$BATS_TEST_TMPDIR/in"
	local i
	for i in $(seq 30); do
		rocket cp "$BATS_TEST_TMPDIR/in" sw:/srv/v/d/in >/dev/null 2>&1 || true
		rocket cp sw:/srv/v/d/file "$BATS_TEST_TMPDIR/out" >/dev/null 2>&1 || true
		! grep -qs "the host" "$BATS_TEST_TMPDIR/out"
	done
	for i in 1 2 3; do
		rocket export sw 2>/dev/null | tar -xO 2>/dev/null | grep -a "the host" && return 1
		rocket diff sw >/dev/null 2>&1 || true
	done
	true
}

@test "CVE-2021-25741: a path hole is the place that it was when it was opened" {
	mkdir -p "$BATS_TEST_TMPDIR/src/sub" "$BATS_TEST_TMPDIR/other"
	echo right >"$BATS_TEST_TMPDIR/src/sub/x"
	rocket run -d --name p --hole "path:$BATS_TEST_TMPDIR/src/sub:/m" box sleep 1000 >/dev/null 2>&1
	mv "$BATS_TEST_TMPDIR/src/sub" "$BATS_TEST_TMPDIR/src/old"
	ln -s "$CANARY" "$BATS_TEST_TMPDIR/src/sub"
	run_rocket enter p cat /m/x
	assert_out right
	run_rocket enter p cat /m/file
	[ "$status" -ne 0 ]
}

@test "pods start, are entered, restarted and removed while their roots are swapped about" {
	swap_image
	local i
	for i in $(seq 10); do
		rocket run -d --name "m$i" --stop-signal KILL swap sh -c 'evil swap /srv/v d l & evil swap /srv/v r l & while :; do mv /tmp /tmp2; mv /tmp2 /tmp; done' >/dev/null
		rocket enter "m$i" true
		rocket restart "m$i"
		timeout 20 "$ROCKET" --dir "$ROCKET_DIR" rm -f "m$i" 3>&-
	done
}

@test "rm -f while a restart waits for its grace: the pod ends and does not come back" {
	rocket run -d --name r box sh -c 'while :; do read -t 1 x; done' >/dev/null
	rocket restart r >/dev/null 2>&1 &
	local restart=$!
	sleep 0.3
	timeout 5 "$ROCKET" --dir "$ROCKET_DIR" rm -f r 3>&-
	if wait $restart; then return 1; fi
	run_rocket status r
	assert_exit 4
}
