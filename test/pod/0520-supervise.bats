#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The supervisor is the pod: restarts, stops, zombies, exit codes, memory's end, and its own death.
load lib

@test "exit: all gives the first failed app's code in manifest order" {
	run_rocket run box --name ok -- true --- box --name late -- sh -c 'sleep 0.3; exit 3' --- box --name soon -- sh -c 'exit 5'
	assert_exit 3
}

@test "exit: first ends the pod with the first app" {
	run_rocket run --exit first box --name quick -- sh -c 'exit 4' --- box --name slow --stop-signal KILL -- sleep 1000
	assert_exit 4
}

@test "exit: NAME ends the pod with that app and gives its code" {
	run_rocket run --exit main box --name side --stop-signal KILL -- sleep 1000 --- box --name main -- sh -c 'sleep 0.2; exit 6'
	assert_exit 6
}

@test "every app's exit code is kept" {
	run_rocket run --name codes box --name a -- sh -c 'exit 7' --- box --name b -- true
	[ "$(field codes '.apps[] | select(.name == "a") | .exit_code')" = 7 ]
	[ "$(field codes '.apps[] | select(.name == "b") | .exit_code')" = 0 ]
	run_rocket wait codes
	assert_exit 7
	run_rocket wait codes/b
	assert_exit 0
}

@test "wait waits, from several places at once" {
	rocket run -d --name waited box sh -c 'sleep 0.5; exit 9'
	rocket wait waited >/dev/null &
	local other=$! code=0
	run_rocket wait waited
	assert_exit 9
	wait $other || code=$?
	[ "$code" = 9 ]
}

@test "restart on-failure restarts what failed, not what ended well" {
	run_rocket run --name again --restart on-failure box sh -c 'echo x >>/count; [ $(wc -l </count) -ge 3 ]'
	assert_exit 0
	[ "$(field again '.apps[0].restarts')" = 2 ]
}

@test "restart always restarts until stopped, and doesn't hold the pod" {
	rocket run -d --name forever --restart always box sh -c 'sleep 0.05'
	until_true 10 sh -c "[ \$('$ROCKET' --dir '$ROCKET_DIR' status forever -o json | jq '.apps[0].restarts') -ge 2 ]"
	run_rocket stop forever
	assert_exit 0
	phase_is forever exited
	run_rocket run --name holds box --name main -- true \
		--- box --name side --restart always --stop-timeout 1s -- probe ignore TERM
	assert_exit 0
}

@test "restarts back off" {
	rocket run -d --name hasty --restart always box false
	sleep 4
	local n
	n=$(field hasty '.apps[0].restarts')
	[ "$n" -ge 1 ] && [ "$n" -le 8 ]
}

@test "never is the default" {
	run_rocket run --name once box sh -c 'echo x; exit 1'
	assert_exit 1
	assert_out x
}

@test "stop sends the app's signal" {
	rocket run -d --name quits --stop-signal QUIT box probe trap QUIT 0
	until_true 5 log_has quits ready
	run_rocket stop quits
	assert_exit 0
	log_has quits "got QUIT"
}

@test "the image's StopSignal holds where nothing else was said" {
	image_make usr1 'StopSignal="SIGUSR1"'
	rocket run -d --name images usr1 probe trap USR1 0
	until_true 5 log_has images ready
	rocket stop images
	log_has images "got USR1"
}

@test "what ignores the signal is killed after its grace" {
	rocket run -d --name stubborn --stop-timeout 1s box probe ignore TERM
	until_true 5 log_has stubborn ready
	local start=$EPOCHREALTIME
	run_rocket stop stubborn
	assert_exit 0
	local took=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	[ "$took" -ge 900 ] && [ "$took" -lt 5000 ]
	[ "$(field stubborn '.apps[0].exit_code')" = 137 ]
}

@test "apps stop in reverse order of the manifest" {
	rocket run -d --name order box --name one -- probe trap TERM 0 --- box --name two -- probe trap TERM 0 \
		--- box --name three -- probe trap TERM 0
	until_true 5 sh -c "[ \$('$ROCKET' --dir '$ROCKET_DIR' logs order | grep -c ready) = 3 ]"
	rocket stop order
	local ended
	ended=$(field order '.apps | sort_by(.finished) | map(.name) | join(" ")')
	[ "$ended" = "three two one" ]
}

@test "stop of an exited pod is done already, of none is 4" {
	rocket run --name over box true
	run_rocket stop over
	assert_exit 0
	run_rocket stop no-such-pod
	assert_error 4 no-such-pod
}

@test "kill sends any signal, by name and number" {
	rocket run -d --name hup box probe trap HUP 12
	until_true 5 log_has hup ready
	run_rocket kill -s HUP hup
	assert_exit 0
	run_rocket wait hup
	assert_exit 12
	rocket run -d --name nine box sleep 1000
	rocket kill -s 9 nine
	run_rocket wait nine
	assert_exit 137
}

@test "zombies don't stay, at each distance and with init" {
	local pod flags
	for flags in "--init" "--distance joined"; do
		pod=z${flags//[^a-z]/}
		rocket run -d --name "$pod" $flags box probe orphans 20
		until_true 5 log_has "$pod" orphaned
		sleep 0.3
		run_rocket enter "$pod" sh -c 'grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l'
		[ "$output" = 0 ] || { echo "$flags: $output zombies" >&2; return 1; }
	done
}

@test "the end of memory is shown as such" {
	run_rocket run --name hungry -m 32m box probe eat 256
	assert_exit 137
	[ "$(field hungry '.apps[0].oom_killed')" = true ]
	run_rocket status hungry
	[[ ${output,,} = *oom* || ${output,,} = *memory* ]]
}

supervisor_of() { field "$1" .supervisor_pid; }

nobody_in_another_namespace()
{
	local ns
	for ns in /proc/[0-9]*/ns/user; do
		[ "$(readlink "$ns")" = "$(readlink /proc/self/ns/user)" ] || [ ! -e "$ns" ] || return 1
	done
}

@test "a supervisor killed with -9 takes its apps with it, whatever they did" {
	rocket run -d --name doomed box sh -c 'probe ignore TERM & setsid sleep 1000 & setsid setsid sh -c "sleep 1000 & sleep 1000" & wait'
	until_true 5 log_has doomed ready
	local pid app
	pid=$(supervisor_of doomed)
	app=$(field doomed '.apps[0].pid')
	[ -d "/proc/$app" ]
	kill -9 "$pid"
	until_true 5 nobody_in_another_namespace
	until_true 2 phase_is doomed exited
}

@test "after such a death gc leaves no trace" {
	local id shared
	# On a disk: tmpfs maps ids since Linux 6.3 only.
	shared=$(mktemp -d -p /var/tmp)
	rocket run -d --name trace --pids 100 -v "$shared:/mnt" --hole in:7830:80 box sleep 1000
	id=$(field trace .id)
	kill -9 "$(supervisor_of trace)"
	until_true 5 phase_is trace exited
	run_rocket gc --grace-period 0
	assert_exit 0
	[ -z "$(find /sys/fs/cgroup -type d -name "*$id*")" ]
	[ -z "$(find "$ROCKET_DIR" -name "*$id*")" ]
	! grep -q "$id" /proc/self/mountinfo
	rmdir "$shared"
	run "$PROBE" connect 127.0.0.1 7830
	[[ $output = ECONNREFUSED* ]]
}

@test "a supervisor killed in the middle of a start loses nothing" {
	local i
	for i in 1 2 3 4 5 6; do
		"$ROCKET" --dir "$ROCKET_DIR" run -d --name "mid$i" box sleep 1000 >/dev/null 2>&1 3>&- &
		local pid=$!
		sleep "0.00$i"
		kill -9 $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
	done
	rm_all
	run_rocket gc --grace-period 0
	assert_exit 0
	run_rocket run --rm box true
	assert_exit 0
}

@test "the supervisor holds no descriptor too many over restarts" {
	rocket run -d --name fds --restart always --stop-signal KILL box sleep 1000
	local pid before
	pid=$(supervisor_of fds)
	before=$(ls "/proc/$pid/fd" | wc -l)
	for _ in 1 2 3; do
		rocket restart fds
		until_true 5 rocket enter fds true
		rocket logs fds >/dev/null
	done
	[ "$(ls "/proc/$pid/fd" | wc -l)" -le $((before + 1)) ]
}

@test "pause stops every process, unpause lets them go on" {
	rocket run -d --name frozen box sh -c 'while :; do echo x; sleep 0.05; done'
	until_true 5 log_has frozen x
	run_rocket pause frozen
	assert_exit 0
	local before after
	sleep 0.2
	before=$(rocket logs frozen | wc -l)
	sleep 0.4
	after=$(rocket logs frozen | wc -l)
	[ "$before" = "$after" ]
	run_rocket unpause frozen
	assert_exit 0
	until_true 3 sh -c "[ \$('$ROCKET' --dir '$ROCKET_DIR' logs frozen | wc -l) -gt $after ]"
	rocket pause frozen
	run_rocket rm -f frozen
	assert_exit 0
}
