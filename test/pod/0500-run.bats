#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `rocket run` as it is typed: exit codes, output, input, environment, users, and its refusals.
load lib

file_setup()
{
	image_make user 'User="app"' 'WorkingDir="/home/app"' 'Env=["PATH=/bin","GREETING=hello"]' 'Cmd=["sh","-c","echo $GREETING"]'
	image_make entry 'Entrypoint=["/bin/echo","entry"]' 'Cmd=["point"]'
	image_make named 'User="nobody-knows"'
	IMAGE_EMPTY=yes image_make bare 'Cmd=["/bin/probe","fds"]'
}

@test "an app's exit code is run's" {
	run_rocket run box sh -c 'exit 0'
	assert_exit 0
	run_rocket run box sh -c 'exit 37'
	assert_exit 37
}

@test "an app that a signal ended gives 128+n" {
	run_rocket run box sh -c 'sleep 100 & kill -9 $!; wait $!; exit $?'
	assert_exit 137
	run_rocket run --init box probe kill SEGV
	assert_exit 139
}

@test "a program that is not there is 127, one that can't be executed 126" {
	run_rocket run box /bin/no-such-program
	assert_error 127 /bin/no-such-program
	run_rocket run box no-such-program
	assert_error 127 no-such-program
	run_rocket run box /etc/passwd
	assert_error 126 /etc/passwd
	run_rocket run box /etc
	assert_error 126 /etc
}

@test "what Rocket can't do is 125 in three lines" {
	run_rocket run no-such-image true
	assert_error 125 no-such-image
	run_rocket run -u nobody-knows box true
	assert_error 125 nobody-knows
	run_rocket run named true
	assert_error 125 nobody-knows
}

@test "usage errors name the flag and the nearest one" {
	run_rocket run --memroy 64m box true
	assert_error 2 --memroy
	[[ $stderr = *--memory* ]]
}

@test "one app's output is raw, stdout and stderr apart" {
	run_rocket run box sh -c 'printf out; printf err >&2'
	assert_exit 0
	assert_out out
	[ "$stderr" = err ]
}

@test "binary output passes unchanged" {
	head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	rocket run -i box cat <"$BATS_TEST_TMPDIR/data" >"$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
}

@test "several apps' lines carry the app's name" {
	run_rocket run box --name one -- sh -c 'echo from one' --- box --name two -- sh -c 'echo from two; echo bad >&2'
	assert_exit 0
	[[ $output =~ one[^$'\n']*from\ one ]]
	[[ $output =~ two[^$'\n']*from\ two ]]
	[[ $stderr =~ two[^$'\n']*bad ]]
}

@test "without -i stdin is empty, with it a pipe and a file come through" {
	run bash -c "echo hidden | '$ROCKET' --dir '$ROCKET_DIR' run box cat"
	[ "$output" = "" ]
	run bash -c "echo seen | '$ROCKET' --dir '$ROCKET_DIR' run -i box cat"
	[ "$output" = seen ]
	run bash -c "'$ROCKET' --dir '$ROCKET_DIR' run -i box wc -c </etc/hostname"
	[ "$output" -eq "$(wc -c </etc/hostname)" ]
}

@test "flags after the image are the app's, up to the first word that is none" {
	run_rocket run box -e A=1 sh -c 'echo $A'
	assert_out 1
	run_rocket run box ls -d /etc
	assert_out /etc
	run_rocket run box -- ls -d /etc
	assert_out /etc
}

@test "environment: the image's, -e, --env-file, and what every app gets" {
	run_rocket run user
	assert_out hello
	run_rocket run -e GREETING=bye user
	assert_out bye
	printf '# a comment\nGREETING=from a file\n' >"$BATS_TEST_TMPDIR/env"
	run_rocket run --env-file "$BATS_TEST_TMPDIR/env" user
	assert_out "from a file"
	SECRET=x run_rocket run box env
	[[ $output = *container=rocket* && $output = *HOME=/* && $output = *PATH=* && $output = *HOSTNAME=* ]]
	[[ $output != *SECRET* && $output != *BATS* ]]
}

@test "users: by name, number, with a group, and supplementary groups" {
	run_rocket run user id -u
	assert_out 1000
	run_rocket run -u app box id
	assert_has "uid=1000"
	assert_has "2000"
	run_rocket run -u 4321 box id -u
	assert_out 4321
	run_rocket run -u 4321:77 box sh -c 'id -u; id -g'
	assert_out $'4321\n77'
	run_rocket run -u app box sh -c 'echo $HOME'
	assert_out /home/app
	run_rocket run -u 4321 box sh -c 'echo $HOME'
	assert_out /
}

@test "working directory: the image's, -w, and one that is missing is made" {
	run_rocket run user pwd
	assert_out /home/app
	run_rocket run -w /etc box pwd
	assert_out /etc
	run_rocket run -w /made/here box pwd
	assert_out /made/here
}

@test "entrypoint and command" {
	run_rocket run entry
	assert_out "entry point"
	run_rocket run entry words
	assert_out "entry words"
	run_rocket run --entrypoint /bin/echo entry alone
	assert_out alone
}

@test "an image without shell or libraries runs" {
	run_rocket run bare
	assert_exit 0
	assert_out "0 1 2 "
}

@test "run -d prints the id alone and leaves the pod running" {
	run_rocket run -d --name back box sleep 1000
	assert_exit 0
	[[ $output =~ ^[0-9a-f]{32}$ ]]
	phase_is back running
	[ "$(rocket list -q)" = "$output" ]
}

@test "run -d fails where the program can't start, and leaves no running pod" {
	run_rocket run -d box /bin/no-such-program
	assert_error 127 no-such-program
	[ -z "$(rocket list -o json | jq -r '.[] | select(.phase == "running") | .id')" ]
}

@test "--rm leaves nothing, without it the pod is exited" {
	run_rocket run --rm --name gone box true
	assert_exit 0
	run_rocket status gone
	assert_error 4 gone
	run_rocket run --name kept box true
	assert_exit 0
	phase_is kept exited
}

@test "a name is given up by an exited pod, never by a living one" {
	rocket run --name twice box true
	rocket run -d --name twice box sleep 1000
	run_rocket run --name twice box true
	assert_error 125 twice
}

@test "the root can be written, with --read-only it can't" {
	run_rocket run box sh -c 'echo x >/new && cat /new'
	assert_out x
	run_rocket run --read-only box sh -c 'echo x >/new'
	assert_exit 1
	[[ $stderr = *"Read-only file system"* ]]
	run_rocket run --read-only --tmpfs /scratch box sh -c 'echo x >/scratch/new && cat /scratch/new'
	assert_out x
}

@test "two pods of one image don't see each other's files" {
	rocket run -d --name writer box sh -c 'echo mine >/tmp/file; sleep 1000'
	until_true 5 rocket enter writer cat /tmp/file
	run_rocket run box cat /tmp/file
	assert_exit 1
}

@test "hosts, hostname and resolv.conf" {
	run_rocket run --name here --hostname inside box sh -c 'hostname; cat /etc/hostname'
	assert_out $'inside\ninside'
	run_rocket run box --name uno -- cat /etc/hosts
	assert_has "localhost"
	assert_has "::1"
	assert_has "uno"
	run_rocket run --dns 192.0.2.53 box cat /etc/resolv.conf
	assert_has "nameserver 192.0.2.53"
}

@test "a non-root user can log through /dev/stdout and /dev/stderr" {
	run_rocket run user sh -c 'echo one >/dev/stdout; echo two >/dev/stderr; probe reopen'
	assert_exit 0
	assert_out $'one\nreopened'
	[ "$stderr" = two ]
}

@test "TERM to rocket run goes to the app" {
	"$ROCKET" --dir "$ROCKET_DIR" run --name term box probe trap TERM 42 >"$BATS_TEST_TMPDIR/out" 3>&- &
	local me=$! code=0
	until_true 5 grep ready "$BATS_TEST_TMPDIR/out"
	kill -TERM $me
	wait $me || code=$?
	[ "$code" = 42 ]
	grep -q "got TERM" "$BATS_TEST_TMPDIR/out"
}

@test "keys that come in other versions are refused by name" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: later
	apps:
	  web: {image: box, args: [true], apparmor: mine}
	  db: {image: box, args: [true]}
	EOF
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_error 2 apparmor
}
