#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Logs: both streams apart, times, following, selecting, rotating; and reading the pod of several apps.
load lib

@test "logs of an exited and of a running pod, the streams apart" {
	rocket run --name old box sh -c 'echo out; echo err >&2'
	run_rocket logs old
	assert_exit 0
	assert_has out
	[[ $output$stderr = *err* ]]
	rocket run -d --name new box sh -c 'echo here; sleep 1000'
	until_true 5 log_has new here
}

@test "lines on disk are Kubernetes' CRI format" {
	rocket run --name cri box sh -c 'echo full; printf part; echo err >&2'
	local file
	file=$(find "$ROCKET_DIR" -name '*.log' | head -1)
	grep -qE '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+) stdout F full$' "$file"
	grep -qE ' stdout [FP] part$' "$file"
	grep -qE ' stderr F err$' "$file"
}

@test "--tail and --since" {
	rocket run --name ten box sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo line$i; done'
	run_rocket logs --tail 3 ten
	assert_out $'line8\nline9\nline10'
	run_rocket logs --tail 0 ten
	assert_out ""
	rocket run --name since box sh -c 'echo early; sleep 1.5; echo late'
	run_rocket logs --since 1s since
	assert_out late
	run_rocket logs --since 1h since
	assert_out $'early\nlate'
}

@test "-f follows until the pod ends" {
	rocket run -d --name live box sh -c 'for i in 1 2 3; do echo tick$i; sleep 0.3; done'
	run timeout 10 "$ROCKET" --dir "$ROCKET_DIR" logs -f live
	assert_exit 0
	assert_out $'tick1\ntick2\ntick3'
}

@test "several apps: prefixed together, plain one by one" {
	rocket run --name both box --name a -- echo from-a --- box --name b -- echo from-b
	run_rocket logs both
	[[ $output =~ a[^$'\n']*from-a && $output =~ b[^$'\n']*from-b ]]
	run_rocket logs both/b
	assert_out from-b
}

@test "a line of megabytes comes back whole" {
	rocket run --name long box sh -c 'head -c 3000000 /dev/zero | tr "\0" x; echo'
	[ "$(rocket logs long | tr -d '\n' | wc -c)" = 3000000 ]
	[ "$(rocket logs long | wc -l)" = 1 ]
}

@test "logs rotate by size and keep a bounded number of files" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: rotate
	apps:
	  a:
	    image: box
	    args: [sh, -c, "i=0; while [ \$i -lt 60000 ]; do echo a line of some length number \$i; i=\$((i+1)); done"]
	    logs: {size: 256Ki, files: 3}
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	local files
	files=$(find "$ROCKET_DIR" -name 'a.log*' | wc -l)
	[ "$files" -ge 2 ] && [ "$files" -le 3 ]
	[ "$(find "$ROCKET_DIR" -name 'a.log*' -size +300k | wc -l)" = 0 ]
	run_rocket logs --tail 1 rotate
	assert_out "a line of some length number 59999"
}

@test "a reader that stops reading doesn't stop the app" {
	rocket run -d --name deaf box sh -c 'head -c 2000000 /dev/zero | tr "\0" "y" | fold -w 100; echo done >/finished; sleep 1000'
	"$ROCKET" --dir "$ROCKET_DIR" logs -f deaf 3>&- | sleep 3 &
	until_true 10 rocket enter deaf cat /finished
	wait $!
	# Without a reader it ends, though the app has nothing more to say.
	until_true 5 sh -c "! pgrep -f 'logs -f [d]eaf'"
}

@test "control characters in a log are not played to a terminal" {
	rocket run --name evil box printf 'a\033]0;title\007b\n'
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' logs evil" /dev/null
	[[ $output != *$'\033]0;'* ]]
	[ "$(rocket logs evil | od -An -c | tr -d ' \n')" = 'a033]0;title\ab\n' ]
}
