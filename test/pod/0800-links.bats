#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Distance and links: each kind passes what is declared at every distance, and nothing without it where apps stand apart.
load lib

MATRIX=$ROCKET_BUILD/test/pod/matrix
[ -e "$MATRIX" ] || MATRIX=$ROCKET_BUILD/matrix

file_setup()
{
	PROBE=$MATRIX image_make far # its `probe` is the matrix program
}

manifest() { cat >"$BATS_TEST_TMPDIR/pod.yaml"; }
up() { rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml" "$@" >/dev/null; }

# Two apps that sleep, at a distance, with links.
pair()
{
	local word=$1 link
	shift
	{
		printf 'pod: two\ndistance: %s\nvolumes: {data: {}}\napps:\n' "$word"
		printf '  a: {image: box, args: [sleep, "1000"]}\n  b: {image: box, args: [sleep, "1000"]}\nlinks:%s\n' "$([ $# -gt 0 ] || echo ' []')"
		for link; do printf '  - "%s"\n' "$link"; done
	} | manifest
	up
}

in_app() { rocket enter "two/$1" sh -c "$2"; }

@test "a tcp link: by name, by 127.0.0.1 and by ::1, at every distance; without it nothing" {
	local word name
	for word in joined close apart; do
		pair $word "a -> b: tcp 7000"
		rocket enter two/b probe serve 7000 found >/dev/null 2>&1 &
		for name in b 127.0.0.1 ::1; do
			until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter two/a nc $name 7000 </dev/null | grep -q found"
		done
		# b has no link to a: where they stand apart it does not even know the name.
		if [ $word = apart ]; then
			run_rocket enter two/b grep -w a /etc/hosts
			assert_exit 1
			rocket enter two/a probe serve 7100 found >/dev/null 2>&1 &
			until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter two/a nc 127.0.0.1 7100 </dev/null | grep -q found"
			run_rocket enter two/b nc -w 1 127.77.0.1 7100
			[ "$status" -ne 0 ]
		fi
		rocket rm -f two >/dev/null
	done
}

@test "a link to another port is a relay even between close apps" {
	pair close "a -> b: tcp 7001:7000"
	rocket enter two/b probe serve 7000 found >/dev/null 2>&1 &
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter two/a nc 127.0.0.1 7001 </dev/null | grep -q found"
}

@test "a udp link" {
	pair apart "a -> b: udp 7000"
	rocket enter two/b probe echo 7000 >/dev/null 2>&1 &
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter two/a probe say 127.77.0.2 7000 hello | grep -q hello"
	run_rocket enter two/a probe say 127.0.0.1 7000 again
	assert_has again
}

@test "an app that stands apart has its own user, network, IPC, host name and process table" {
	pair apart
	local kind
	for kind in user net ipc uts pid mnt; do
		[ "$(in_app a "readlink /proc/self/ns/$kind")" != "$(in_app b "readlink /proc/self/ns/$kind")" ] ||
			{ echo "$kind is shared" >&2; return 1; }
	done
	[ "$(in_app a hostname)" = a ]
	[ "$(in_app b 'echo $HOSTNAME')" = b ]
	[ "$(in_app a 'cat /proc/self/uid_map')" = "$(in_app b 'cat /proc/self/uid_map')" ]
}

@test "circles: joined and close apps share a network, each apart app has its own" {
	manifest <<-EOP
	pod: six
	apps:
	  j: {image: box, distance: joined, args: [sleep, "1000"]}
	  c: {image: box, args: [sleep, "1000"]}
	  x: {image: box, distance: apart, args: [sleep, "1000"]}
	  y: {image: box, distance: apart, args: [sleep, "1000"]}
	links: ["c -> x: tcp 7000", "x -> y: tcp 7000"]
	EOP
	run_rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_error 2 "'x' answers at that port itself" "tcp 17000:7000"
	sed -i 's/x -> y: tcp 7000/x -> y: tcp 7001:7000/' "$BATS_TEST_TMPDIR/pod.yaml"
	up
	net() { rocket enter six/$1 readlink /proc/self/ns/net; }
	[ "$(net j)" = "$(net c)" ]
	[ "$(printf '%s\n' "$(net c)" "$(net x)" "$(net y)" | sort -u | wc -l)" = 3 ]
	rocket enter six/y probe serve 7000 from-y >/dev/null 2>&1 &
	rocket enter six/x probe serve 7000 from-x >/dev/null 2>&1 &
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter six/x nc y 7001 </dev/null | grep -q from-y"
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter six/j nc x 7000 </dev/null | grep -q from-x"
	run_rocket enter six/c nc -w 1 y 7000
	[ "$status" -ne 0 ]
}

@test "stdout, stderr and output: a pipe with a right end of file, at every distance" {
	local word
	for word in joined close apart; do
		manifest <<-EOP
		pod: piped
		distance: $word
		exit: all
		apps:
		  w: {image: box, args: [sh, -c, "seq 1 20000; echo oops >&2; sleep 0.2; echo last"]}
		  r: {image: box, args: [sh, -c, "wc -l; echo end"]}
		  e: {image: box, args: [sh, -c, "cat; echo end"]}
		links: ["w -> r: stdout", "w -> e: stderr"]
		EOP
		run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
		assert_exit 0
		assert_has "r | 20001"
		assert_has "e | oops"
		[ "$(grep -c end <<<"$output")" = 2 ]
	done
	manifest <<-EOP
	pod: piped
	apps:
	  w: {image: box, args: [sh, -c, "echo out; echo err >&2"]}
	  r: {image: box, args: [sh, -c, "sort; echo end"]}
	links: ["w -> r: output"]
	EOP
	run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_out $'r | err\nr | out\nr | end'
}

@test "a writer that is restarted does not end its pipe; a reader that is over breaks it" {
	manifest <<-EOP
	pod: piped
	exit: r
	apps:
	  w: {image: box, restart: on-failure, args: [sh, -c, "echo turn; test -e /was || { touch /was; exit 1; }"]}
	  r: {image: box, args: [sh, -c, "grep -c turn"]}
	links: ["w -> r: stdout"]
	EOP
	run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_has 2
	manifest <<-EOP
	pod: piped
	exit: w
	apps:
	  w: {image: box, args: [sh, -c, "yes; echo code $? >&2"]}
	  r: {image: box, args: [head, -n, "2"]}
	links: ["w -> r: stdout"]
	EOP
	run_rocket run --rm -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
}

@test "files and fifo have a direction; ipc shares memory and queues; each only where declared" {
	pair apart "a -> b: files data /data /in" "a -> b: fifo /run/events"
	in_app a 'echo v >/data/x'
	[ "$(in_app b 'cat /in/x')" = v ]
	run_rocket enter two/b touch /in/y
	assert_exit 1
	in_app a 'echo event >/run/events' &
	[ "$(in_app b 'cat /run/events')" = event ]
	run_rocket enter two/b cat /dev/shm/x
	assert_exit 1
	rocket rm -f two >/dev/null
	pair apart "a <-> b: ipc"
	in_app a 'echo shm >/dev/shm/x'
	[ "$(in_app b 'cat /dev/shm/x')" = shm ]
	[ "$(in_app a 'readlink /proc/self/ns/ipc')" = "$(in_app b 'readlink /proc/self/ns/ipc')" ]
	[ "$(in_app a 'readlink /proc/self/ns/net')" != "$(in_app b 'readlink /proc/self/ns/net')" ]
	in_app a 'touch /dev/mqueue/q'
	in_app b 'test -e /dev/mqueue/q'
}

@test "signals: those that are named, and no others" {
	local word
	for word in joined apart; do
		manifest <<-EOP
		pod: two
		distance: $word
		apps:
		  a: {image: box, args: [sleep, "1000"]}
		  b: {image: box, args: [sh, -c, "trap 'echo got HUP' HUP; trap 'echo got USR1' USR1; echo ready; while :; do sleep 0.05; done"]}
		links: ["a -> b: signal HUP"]
		EOP
		up
		until_true 5 log_has two/b ready
		in_app a 'echo USR1 >/run/rocket/signal/b; echo HUP >/run/rocket/signal/b'
		until_true 5 log_has two/b "got HUP"
		! log_has two/b "got USR1"
		rocket events --no-follow 2>/dev/null | grep -q signal-refused || rocket events | grep -q signal-refused
		run_rocket enter two/b ls /run/rocket
		assert_exit 1
		rocket rm -f two >/dev/null
	done
}

@test "unix: a folder where it hides nothing, else a relay; abstract names are relayed apart" {
	local word
	for word in joined close apart; do
		manifest <<-EOP
		pod: two
		distance: $word
		apps:
		  a: {image: far, args: [sleep, "1000"]}
		  b: {image: far, args: [probe, hold]}
		links: ["a -> b: unix /tmp/matrix.sock", "a -> b: unix /srv/x.sock /tmp/matrix.sock", "a -> b: unix @matrix"]
		EOP
		up
		until_true 5 log_has two/b ready
		[ "$(rocket enter two/a probe ask /tmp/matrix.sock)" = open ]
		[ "$(rocket enter two/a probe ask /srv/x.sock)" = open ]
		[ "$(rocket enter two/a probe ask @matrix)" = open ]
		run_rocket enter two/a touch /tmp/no
		assert_exit 1
		run_rocket link list two -o json
		[ "$(jq -r '.[0].way + .[1].way' <<<"$output")" = folderrelay ]
		[ "$(rocket enter two/a probe try | grep -c open)" -ge 2 ]
		rocket restart two/b
		until_true 5 sh -c "[ \$('$ROCKET' --dir '$ROCKET_DIR' enter two/a probe ask /srv/x.sock) = open ]"
		until_true 5 sh -c "[ \$('$ROCKET' --dir '$ROCKET_DIR' enter two/a probe ask @matrix) = open ]"
		rocket rm -f two >/dev/null
	done
}

@test "live: a link is made and removed while the pod runs, kept only when asked" {
	pair apart
	rocket enter two/b probe serve 7000 found >/dev/null 2>&1 &
	run_rocket enter two/a nc -w 1 127.0.0.1 7000
	[ "$status" -ne 0 ]
	rocket link add two a b tcp 7000
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter two/a nc b 7000 </dev/null | grep -q found"
	rocket manifest two | grep -qF '"a -> b: tcp 7000"'
	rocket enter two/a sh -c 'nc b 7000; echo cut' >"$BATS_TEST_TMPDIR/out" </dev/null 2>&1 &
	[ "$(rocket link list two -o json | jq -r '.[0].link')" = "a -> b: tcp 7000" ]
	rocket link rm two a:b:tcp:7000
	run_rocket enter two/a nc -w 1 b 7000
	[ "$status" -ne 0 ]
	run_rocket link rm two a b tcp 7000
	assert_error 4 "has no link"
	run_rocket link add two a b stdout
	assert_error 1 "can't be made while its apps run" --keep
	run_rocket link add two a c tcp 1
	assert_error 4 "no app c"
	rocket link add --keep two a b tcp 7002:7000
	rocket link add --keep two a b output
	rocket stop -t 0 two >/dev/null
	rocket start two >/dev/null
	run_rocket link list two
	assert_has "a -> b: tcp 7002:7000"
	assert_has "a -> b: output"
}

@test "an app that stands apart: holes, enter, cp, top, stats, logs, restart" {
	manifest <<-EOP
	pod: two
	distance: apart
	apps:
	  a: {image: box, args: [sleep, "1000"]}
	  b: {image: box, args: [probe, serve, "7000", found]}
	holes: ["in:17000:7000@b"]
	links: ["a -> b: tcp 7000"]
	EOP
	up
	until_true 5 log_has two/b listening
	timeout 2 cat </dev/tcp/127.0.0.1/17000 | grep -q found
	echo hello >"$BATS_TEST_TMPDIR/x"
	rocket cp "$BATS_TEST_TMPDIR/x" two/b:/x
	[ "$(rocket enter two/b cat /x)" = hello ]
	rocket top two/b | grep -q serve
	rocket stats two -o json >/dev/null
	rocket restart two/b
	until_true 5 sh -c "'$ROCKET' --dir '$ROCKET_DIR' enter two/a nc b 7000 </dev/null | grep -q found"
	timeout 2 cat </dev/tcp/127.0.0.1/17000 | grep -q found
	[ "$(rocket enter two/b hostname)" = b ]
}

@test "contradictions are refused before anything starts, with the fix" {
	manifest <<-EOP
	pod: two
	distance: apart
	apps: {a: {image: box}, b: {image: box}}
	holes: ["in:8080:80"]
	EOP
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_error 2 "does not say which app" "in:8080:80@a"
	run_rocket run --distance close --link a:b:tcp:80 --hole in:8080:80@a box --name a --- box --name b
	assert_error 2 "want the same port 80" "distance: apart"
	run_rocket run --link a:b:pigeon box --name a --- box --name b
	[[ $stderr = *"no kind of link"* ]]
	[ -z "$(pods)" ]
}
