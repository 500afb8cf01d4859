#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The day's verbs, each as it is typed.
load lib

@test "list: only running pods, -a all; -q ids; -o json, yaml, name" {
	rocket run -d --name live box sleep 1000
	rocket run --name dead box true
	run_rocket list
	assert_exit 0
	assert_has live
	run_rocket list -o json
	jq -e '.[] | select(.name == "live") | .phase == "running"' <<<"$output"
	run_rocket list -o name
	assert_has live
	run_rocket ps -q
	[[ ${lines[0]} =~ ^[0-9a-f]{32}$ ]]
	run_rocket list -o yaml
	assert_has "name: live"
}

@test "list of nothing prints nothing but its head, and -q nothing at all" {
	run_rocket list -q
	assert_exit 0
	assert_out ""
	run_rocket list -o json
	assert_out "[]"
}

@test "status: by name, id and unique prefix; 4 for none" {
	local id
	id=$(rocket run -d --name known box sleep 1000)
	run_rocket status known
	assert_exit 0
	assert_has running
	run_rocket status "${id:0:8}" -o json
	[ "$(jq -r .id <<<"$output")" = "$id" ]
	run_rocket inspect known
	assert_exit 0
	run_rocket status unknown-pod
	assert_error 4 unknown-pod
}

@test "enter: exit codes, stdin, user, no shell needed" {
	rocket run -d --name in box sleep 1000
	run_rocket enter in sh -c 'exit 21'
	assert_exit 21
	run_rocket enter in /no/such
	assert_error 127 /no/such
	run_rocket enter in /etc/passwd
	assert_error 126
	run bash -c "echo typed | '$ROCKET' --dir '$ROCKET_DIR' exec -i in cat"
	assert_out typed
	run_rocket enter -u 1000 in id -u
	assert_out 1000
	run_rocket enter -e X=1 -w /etc in sh -c 'echo $X; pwd'
	assert_out $'1\n/etc'
	IMAGE_EMPTY=yes image_make empty 'Cmd=["/bin/probe","ignore","USR2"]'
	rocket run -d --name noshell empty
	run_rocket enter noshell /bin/probe exit 3
	assert_exit 3
	run_rocket enter noshell
	[ "$status" != 0 ]
	[[ $stderr = *"try: rocket"* ]]
}

@test "enter of an exited pod is refused" {
	rocket run --name over box true
	run_rocket enter over true
	assert_error 125 over
}

@test "start runs an exited pod again, the same id and files" {
	local id
	rocket run --name reborn box sh -c 'echo x >>/count; cat /count'
	id=$(field reborn .id)
	run_rocket start reborn
	assert_exit 0
	until_true 5 phase_is reborn exited
	[ "$(field reborn .id)" = "$id" ]
	run_rocket logs reborn
	[ "$(grep -c x <<<"$output")" = 3 ]
}

@test "restart POD and POD/APP" {
	rocket run -d --name both box --name a -- sleep 1000 --- box --name b -- sleep 1000
	local before other
	before=$(field both '.apps[] | select(.name == "a") | .pid')
	other=$(field both '.apps[] | select(.name == "b") | .pid')
	run_rocket restart both/a
	assert_exit 0
	until_true 5 rocket enter both/a true
	[ "$(field both '.apps[] | select(.name == "a") | .pid')" != "$before" ]
	[ "$(field both '.apps[] | select(.name == "b") | .pid')" = "$other" ]
}

@test "prepare and run-prepared" {
	run_rocket prepare --name ready box echo ran
	assert_exit 0
	[[ $output =~ ^[0-9a-f]{32}$ ]]
	phase_is ready prepared
	run_rocket run-prepared ready
	assert_exit 0
	assert_out ran
	run_rocket run-prepared ready
	assert_exit 125
}

@test "rm: refuses the running, -f takes it, twice is 4" {
	rocket run -d --name running box sleep 1000
	run_rocket rm running
	assert_error 3 running
	run_rocket rm -f running
	assert_exit 0
	run_rocket rm running
	assert_error 4 running
	rocket run -d --name m1 box sleep 1000
	rocket run -d --name m2 box sleep 1000
	run_rocket rm -f m1 m2
	assert_exit 0
}

@test "gc keeps what is young, takes what is old, and says what" {
	rocket run --name young box true
	run_rocket gc
	assert_exit 0
	phase_is young exited
	run_rocket gc --grace-period 0
	assert_exit 0
	run_rocket status young
	assert_error 4 young
}

@test "cp: files and trees, both ways, as a stream" {
	rocket run -d --name copied box sleep 1000
	echo content >"$BATS_TEST_TMPDIR/file"
	run_rocket cp "$BATS_TEST_TMPDIR/file" copied:/tmp/file
	assert_exit 0
	run_rocket enter copied cat /tmp/file
	assert_out content
	rocket enter copied sh -c 'mkdir -p /t/sub && echo deep >/t/sub/f && ln -s f /t/sub/l'
	run_rocket cp copied:/t "$BATS_TEST_TMPDIR/t"
	assert_exit 0
	[ "$(cat "$BATS_TEST_TMPDIR/t/sub/f")" = deep ]
	[ "$(readlink "$BATS_TEST_TMPDIR/t/sub/l")" = f ]
	run_rocket cp copied:/no/such "$BATS_TEST_TMPDIR/x"
	[ "$status" != 0 ]
	[ ! -e "$BATS_TEST_TMPDIR/x" ]
}

@test "cp never follows a link out of the root" {
	rocket run -d --name trap box sh -c "ln -s /etc/hostname /abs; ln -s ../../../../../../etc /up; sleep 1000"
	until_true 5 rocket enter trap test -L /up
	run_rocket cp "$BATS_TEST_TMPDIR/../rocket" trap:/up/x
	[ ! -e /etc/x ]
	echo mine >"$BATS_TEST_TMPDIR/mine"
	rocket cp "$BATS_TEST_TMPDIR/mine" trap:/up/planted || true
	[ ! -e /etc/planted ]
}

@test "diff shows what changed, export gives the tree" {
	rocket run --name changed box sh -c 'echo x >/added; rm /etc/group; echo y >>/etc/passwd'
	run_rocket diff changed
	assert_exit 0
	[[ $output =~ A[[:space:]]+/added ]]
	[[ $output =~ D[[:space:]]+/etc/group ]]
	[[ $output =~ C[[:space:]]+/etc/passwd ]]
	rocket export changed >"$BATS_TEST_TMPDIR/out.tar"
	tar -tf "$BATS_TEST_TMPDIR/out.tar" >"$BATS_TEST_TMPDIR/list"
	grep -qE '(^|/)added$' "$BATS_TEST_TMPDIR/list"
	! grep -qE 'etc/group$' "$BATS_TEST_TMPDIR/list"
}

@test "stats, top and events" {
	rocket run -d --name busy box sh -c 'sleep 1000 & sleep 2000'
	run_rocket stats -o json
	jq -e . <<<"$output"
	run_rocket top busy
	assert_exit 0
	assert_has "sleep 2000"
	run_rocket events --since 1m
	assert_exit 0
	assert_has start
	rocket rm -f busy
	run_rocket events --since 1m -o json
	jq -es 'flatten | map(.event) | index("started")' <<<"$output"
}

@test "manifest gives a pod.yaml that runs the same pod" {
	rocket run -d --name orig -e A=1 --hole in:7860:80 -m 64m box --name web -- sh -c 'echo $A; sleep 1000'
	rocket manifest orig >"$BATS_TEST_TMPDIR/pod.yaml"
	grep -q 7860 "$BATS_TEST_TMPDIR/pod.yaml"
	rocket rm -f orig
	run_rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	until_true 5 log_has orig 1
}

@test "plan prints what would be, and changes nothing" {
	run_rocket plan box echo hi
	assert_exit 0
	run_rocket plan -o json -m 64m box echo hi
	jq -e . <<<"$output"
	assert_has 67108864
	[ -z "$(pods)" ]
}

@test "attach to a running app" {
	rocket run -d -i --name att box sh -c 'while read line; do echo "got $line"; done'
	run bash -c "(echo hello; sleep 0.5) | timeout 5 '$ROCKET' --dir '$ROCKET_DIR' attach att"
	assert_has "got hello"
}

@test "df, doctor, version, config, completion, help" {
	run_rocket df
	assert_exit 0
	run_rocket version
	assert_exit 0
	assert_has rocket
	run_rocket config
	assert_exit 0
	run_rocket doctor
	[ "$status" = 0 ] || [ "$status" = 8 ]
	for shell in bash zsh fish; do
		run_rocket completion $shell
		assert_exit 0
	done
	run_rocket completion bash
	bash -n <<<"$output"
	run_rocket run --help
	assert_exit 0
	assert_has --memory
	run_rocket no-such-verb
	assert_error 2 no-such-verb
}

@test "errors as JSON with -o json" {
	run_rocket status -o json no-such-pod
	assert_exit 4
	jq -e '.error and .try and .code == 4' <<<"$stderr"
}

@test "convert to systemd gives a unit that says what it runs" {
	rocket run -d --name unit --restart always box sleep 1000
	run_rocket convert --to systemd unit
	assert_exit 0
	assert_has "[Service]"
	assert_has "ExecStart="
	assert_has "Type=notify"
}

test_teardown() { ! mountpoint -q /etc || umount /etc; }

@test "convert --install writes a unit and a manifest that run the pod" {
	mkdir "$BATS_TEST_TMPDIR/upper" "$BATS_TEST_TMPDIR/work"
	mount -t overlay -o "lowerdir=/etc,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work" none /etc
	rocket run -d --name svc -e A=1 box sh -c 'echo from $A; sleep 1000'
	run_rocket convert --to systemd --install svc
	assert_exit 0
	rocket rm -f svc
	if command -v systemd-analyze >/dev/null; then
		systemd-analyze verify /etc/systemd/system/rocket-svc.service 2>"$BATS_TEST_TMPDIR/said" || true
		if grep rocket-svc "$BATS_TEST_TMPDIR/said" | grep -v "Command 'man"; then return 1; fi
	fi
	# What the unit says, as systemd would start it.
	local line
	line=$(sed -n 's/^ExecStart=//p' /etc/systemd/system/rocket-svc.service)
	eval "$line" >/dev/null 2>&1 3>&- &
	until_true 5 log_has svc "from 1"
	rocket stop -f svc
	wait $! || true
}

@test "two runs at once, twenty at once" {
	local i pids=()
	for i in $(seq 20); do
		"$ROCKET" --dir "$ROCKET_DIR" run --rm box sh -c "exit $i" >/dev/null 2>&1 3>&- &
		pids[i]=$!
	done
	for i in $(seq 20); do
		local code=0
		wait "${pids[i]}" || code=$?
		[ "$code" = "$i" ] || { echo "run $i gave $code" >&2; return 1; }
	done
	[ -z "$(pods)" ]
}

@test "several pods are stopped side by side: their graces pass at the same time" {
	local i
	for i in 1 2 3; do
		rocket run -d --name "side$i" box sh -c 'trap "" TERM; while :; do read -t 1 x; done' >/dev/null
	done
	run_rocket stop -t 1 side1 side2 none side3
	assert_error 4 none
	# Each was asked before the first was over.
	run bash -c "'$ROCKET' --dir '$ROCKET_DIR' events -o json 3>&- | jq -rs 'map(select(.name | tostring | startswith(\"side\"))) | map(select(.event == \"stopping\" or .event == \"exited\")) | map(.event) | join(\" \")'"
	[ "$output" = "stopping stopping stopping exited exited exited" ]
	run_rocket rm side1 side2 side3
	assert_exit 0
}

@test "gc clears away what a pod left in the run folder whose own folder is gone" {
	local id
	id=$(rocket run -d -q box true)
	until_true 5 phase_is "$id" exited
	touch "$ROCKET_DIR/run/$id.ctl" "$ROCKET_DIR/run/$id.status" "$ROCKET_DIR/run/other.ctl"
	rm -rf "$ROCKET_DIR/pods/run/$id"
	rocket gc --grace-period 0
	[ ! -e "$ROCKET_DIR/run/$id.ctl" ] && [ ! -e "$ROCKET_DIR/run/$id.status" ]
	# What it doesn't know, it leaves alone.
	[ -e "$ROCKET_DIR/run/other.ctl" ]
	rm "$ROCKET_DIR/run/other.ctl"
}
