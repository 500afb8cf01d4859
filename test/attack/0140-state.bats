#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What lies on the host while pods run, and what an app can make Rocket's own processes do: state, logs, streams, memory.
load attack

as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }

@test "CVE-2021-41091 CVE-2021-41103 CVE-2024-25621 CVE-2021-21284: nobody else gets into the state" {
	evil_image setuid 'cp bin/busybox srv/su; chmod 4755 srv/su'
	rocket run -d --name s setuid sh -c 'cp /bin/busybox /tmp/su; chmod 4755 /tmp/su; sleep 1000' >/dev/null
	until_true 5 rocket enter s test -u /tmp/su
	[ -z "$(as_nobody find "$ROCKET_DIR" -type f 2>/dev/null)" ]
	[ -z "$(as_nobody find "$ROCKET_DIR" -mindepth 2 2>/dev/null)" ]
	# Were it reached, its owner is an id of the pod's range, never the host's root.
	[ "$(find "$ROCKET_DIR" -perm -4000 -user 0 -type f -not -path '*/trees/*' | wc -l)" -eq 0 ]
	[ -z "$(find "$ROCKET_DIR" -maxdepth 1 -perm /022)" ]
}

@test "CVE-2021-25743 CVE-2026-53489: what an app writes can't drive the terminal of who reads its logs" {
	rocket run -d --name esc box sh -c 'printf "\033]0;owned\007\033[2Jclear\n\033[?1049h\n\x9b31mred\n"; sleep 1000' >/dev/null
	until_true 5 log_has esc clear
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' logs esc" /dev/null </dev/null
	[ "$status" -eq 0 ]
	[[ $output != *$'\033]0;'* ]] && [[ $output != *$'\033[2J'* ]] && [[ $output != *$'\033[?1049h'* ]]
	run_rocket list
	[[ $output != *$'\033'* ]]
}

@test "CVE-2025-0750: a log's place is the pod's own, whatever is planted there" {
	rocket prepare --name plant box sh -c 'echo logged' >/dev/null 2>&1 || skip "prepare takes no name"
	local dir
	dir=$(find "$ROCKET_DIR/pods/prepared" -mindepth 1 -maxdepth 1 | head -1)
	ln -s "$CANARY/file" "$dir/box.log"
	good_order run-prepared plant
}

@test "CVE-2022-31030 CVE-2022-1708 CVE-2022-23471 CVE-2025-64329 CVE-2019-14891: floods and stalled readers cost the supervisor nothing" {
	evil_image flood :
	local pid before after i
	rocket run -d --name f flood sh -c 'evil flood 400000 "a line of some length that fills the log quite quickly"; head -c 20000000 /dev/zero; sleep 1000' >/dev/null
	pid=$(field f .supervisor 2>/dev/null || true)
	[[ $pid =~ ^[0-9]+$ ]] || pid=$(rocket status f -o json | jq -r '.. | objects | .supervisor_pid? // empty' | head -1)
	[[ $pid =~ ^[0-9]+$ ]] || pid=$(pgrep -f "rocket-supervise" | head -1)
	before=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
	for i in $(seq 40); do
		rocket logs --tail 1 f >/dev/null
		timeout 0.05 "$ROCKET" --dir "$ROCKET_DIR" attach f >/dev/null 2>&1 3>&- </dev/null || true
	done
	rocket enter f evil flood 100000 "into a pipe that nobody reads for long" | head -1 >/dev/null || true
	after=$(awk '/VmRSS/ { print $2 }' "/proc/$pid/status")
	[ "$after" -le $((before + 400)) ] || { echo "resident: $before then $after kB" >&2; return 1; }
	[ "$(ls "/proc/$pid/fd" | wc -l)" -lt 60 ]
	# The log is bounded, too.
	[ "$(du -sk "$ROCKET_DIR/pods/run" | cut -f1)" -le 40000 ]
}

@test "CVE-2019-11245: a root refused once is refused at every start" {
	evil_image asroot : 'User="root"'
	printf 'apiVersion: v1\nkind: Pod\nmetadata: {name: nr}\nspec:\n  restartPolicy: Never\n  containers:\n  - {name: a, image: asroot, command: ["true"], securityContext: {runAsNonRoot: true}}\n' >"$BATS_TEST_TMPDIR/p.yaml"
	local i
	for i in 1 2; do
		run_rocket run -f "$BATS_TEST_TMPDIR/p.yaml"
		[ "$status" -ne 0 ]
	done
}

@test "CVE-2024-9341 CVE-2025-9566: host folders for FIPS, subscriptions or resolv.conf are never mounted through an image's links" {
	evil_image fips "mkdir -p etc/crypto-policies; ln -s $CANARY etc/crypto-policies/back-ends; ln -s $CANARY etc/system-fips; mkdir -p run; ln -s $CANARY run/secrets"
	run_rocket run --rm fips sh -c 'ls /etc/crypto-policies/back-ends/ /run/secrets/ 2>/dev/null; cat /etc/system-fips/file 2>/dev/null; true'
	assert_exit 0
	assert_out ""
}

@test "CVE-2024-0132 CVE-2025-23266 CVE-2025-23359: an image's variables reach no program of the host" {
	evil_image preload "printf x >srv/x.so" 'Env=["PATH=/bin:/srv","LD_PRELOAD=/proc/self/cwd/x.so","LD_LIBRARY_PATH=/srv","GCONV_PATH=/srv","LD_AUDIT=/srv/x.so"]' 'WorkingDir="/srv"'
	run_rocket run --rm -p 0:80 preload true
	assert_exit 0
	[[ $stderr != *"ld.so"* ]]
	rocket run -d --name pre preload sleep 1000 >/dev/null
	local pid
	for pid in $(pgrep -f 'rocket-(supervise|reaper|relay)'); do
		! tr '\0' '\n' <"/proc/$pid/environ" 2>/dev/null | grep -q '^LD_'
	done
}

@test "an app that keeps its streams, forks away and closes leaves nothing and holds up nothing" {
	evil_image keep :
	rocket run -d --name k keep sh -c 'evil full-close 100000' >/dev/null
	rocket enter k true
	timeout 15 "$ROCKET" --dir "$ROCKET_DIR" rm -f k 3>&-
	rocket run -d --name two keep --name a evil hand-out x --- keep --name b evil take-over x >/dev/null
	until_true 10 log_has two/b "taken over" || until_true 5 log_has two "taken over"
	timeout 15 "$ROCKET" --dir "$ROCKET_DIR" rm -f two 3>&-
}
