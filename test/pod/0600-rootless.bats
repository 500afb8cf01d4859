#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An ordinary user's pods: what root's pods do, he does, as himself and the ids of /etc/subuid.
load lib
load rootless

pod_of() { echo "$ROCKET_DIR/pods/run/$(rocket status "$1" -o json | jq -r .id)"; }

@test "a pod runs, as root over the user's own ids" {
	run_rocket run --rm box sh -c 'id -u; cat /proc/self/uid_map'
	assert_exit 0
	[ "${lines[0]}" = 0 ]
	run rocket run --rm box sh -c 'cat /proc/self/uid_map | tr -s " "'
	[ "${lines[0]}" = " 0 0 1" ]
	[ "${lines[1]}" = " 1 1 65535" ]
}

@test "on the host the supervisor and the pod's root are the user, others his sub-ids" {
	rocket run -d --name who box --name zero sleep 100 --- box --name app -u app sleep 100
	local supervisor zero app
	supervisor=$(field who .supervisor_pid)
	zero=$(field who '.apps[] | select(.name == "zero").pid')
	app=$(field who '.apps[] | select(.name == "app").pid')
	[ "$(id_of "/proc/$zero")" = "$TESTER_UID:$TESTER_UID" ]
	[ "$(id_of "/proc/$app")" = 300999:300999 ]
	[ "$(awk '/^Uid/ { print $2 }' "/proc/$supervisor/status")" = "$TESTER_UID" ]
	# Neither of its user namespaces is the host's, and the pod's is not the supervisor's.
	[ "$(readlink "/proc/$supervisor/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	[ "$(readlink "/proc/$zero/ns/user")" != "$(readlink "/proc/$supervisor/ns/user")" ]
	# Nothing over the host: its files of root's are nobody's there, and the supplementary groups are the image's.
	run_rocket enter who/app id -G
	assert_out "1000 2000"
}

@test "the walls are root's walls" {
	run rocket run --rm box grep -E '^(NoNewPrivs|Seccomp|CapEff|CapInh|CapAmb):' /proc/self/status
	[[ $output = *"NoNewPrivs:"*1* ]]
	[[ $output = *"Seccomp:"*2* ]]
	[[ $output = *"CapEff:	00000000a80425fb"* ]]
	[[ $output = *"CapInh:	0000000000000000"* ]]
	run_rocket run --rm box sh -c 'unshare -U true'
	[ "$status" -ne 0 ]
	run_rocket run --rm box sh -c 'echo 1 >/proc/sys/kernel/panic || echo 1 >/proc/sysrq-trigger'
	[ "$status" -ne 0 ]
	run_rocket run --rm box sh -c 'mount -t tmpfs none /tmp'
	[ "$status" -ne 0 ]
	# No way out: no network but loopback, and the answer is at once.
	run_rocket run --rm box sh -c 'wget -q -T 5 -O - http://192.0.2.1/'
	[ "$status" -ne 0 ]
	run rocket run --rm box sh -c 'ls /sys/class/net'
	[[ $output = *lo* && $output != *eth* && $output != *wl* ]]
	# The devices are the host's standard ones, and no others can be made.
	run_rocket run --rm box sh -c 'head -c 4 /dev/zero | wc -c; echo x >/dev/null; : <>/dev/full; ls /dev; mknod /tmp/m c 1 1'
	[ "$status" -ne 0 ]
	[[ $output = 4* ]]
	[[ $output != *sda* && $output != *mem* && $output != *kmsg* ]]
}

@test "files keep their owners inside, and lie on the disk as the user's ids" {
	rocket run -d --name files box sleep 100
	rocket enter files sh -c 'echo mine >/srv/root; echo theirs >/srv/app; chown app:extra /srv/app'
	local upper
	upper=$(pod_of files)/box.upper
	[ "$(id_of "$upper/srv/root")" = "$TESTER_UID:$TESTER_UID" ]
	[ "$(id_of "$upper/srv/app")" = 300999:301999 ]
	[ "$(rocket enter files stat -c %u:%g /srv/app /home/app | xargs)" = "1000:2000 1000:1000" ]
	run rocket diff files
	[[ $output = *"A /srv/app"* ]]
}

@test "a removed directory stays removed, and a new one of its name is empty" {
	rocket run -d --name white box sleep 100
	rocket enter white sh -c 'rm -r /home && mkdir /home && rm /etc/group'
	[ -z "$(rocket enter white ls -A /home)" ]
	run rocket diff white
	[[ $output = *"D /home/app"* ]]
	[[ $output = *"D /etc/group"* ]]
	# And over a restart, when the overlay reads its marks again.
	rocket stop -t 0 white
	rocket start white
	[ -z "$(rocket enter white ls -A /home)" ]
	run_rocket enter white ls /etc/group
	[ "$status" -ne 0 ]
}

@test "stop, start, logs, wait, top, stats, export, rm" {
	rocket run -d --name life box --name a sh -c 'echo out; echo err >&2; sleep 100' --- box --name b -u app sleep 100
	log_has life out
	log_has life err
	run rocket top life -o json
	[ "$(jq -c 'map([.app, .uid]) | unique' <<<"$output")" = '[["a",0],["b",1000]]' ]
	run rocket stats life -o json
	[ "$(jq -c 'map([.app, .pids])' <<<"$output")" = '[["a",1],["b",1]]' ]
	rocket enter life/b sh -c 'echo saved >/home/app/file'
	rocket stop -t 0 life
	phase_is life exited
	# An exited pod's root, by the ids inside.
	rocket export life/b >"$BATS_TEST_TMPDIR/b.tar"
	run tar -tv --numeric-owner -f "$BATS_TEST_TMPDIR/b.tar"
	[[ $output = *"1000/1000"*home/app/file* ]]
	rocket start life
	[ "$(rocket enter life/b cat /home/app/file)" = saved ]
	run_rocket rm life
	assert_exit 3
	rocket rm -f life
	run_rocket status life
	assert_exit 4
	[ -z "$(ls -A "$ROCKET_DIR/pods/run" "$ROCKET_DIR/pods/garbage" | grep -v :)" ]
}

@test "an exited pod's files of other ids are removed" {
	run_rocket run --name leave box sh -c 'mkdir -m 700 /srv/d; touch /srv/d/f; chown -R app /srv/d'
	assert_exit 0
	rocket rm leave
	[ -z "$(ls -A "$ROCKET_DIR/pods/run")" ]
}

@test "cp goes in and out, from a running and from an exited pod, with the right owners" {
	rocket run -d --name cp box sleep 100
	as_user sh -c 'echo in >in.txt'
	rocket cp "$TESTER_HOME/in.txt" cp:/srv/
	[ "$(rocket enter cp stat -c %u:%g /srv/in.txt)" = 0:0 ]
	rocket enter cp sh -c 'echo app >/srv/app.txt; chown app:app /srv/app.txt'
	rocket cp cp:/srv/app.txt "$TESTER_HOME/out.txt"
	[ "$(id_of "$TESTER_HOME/out.txt")" = "$TESTER_UID:$TESTER_UID" ]
	rocket stop -t 0 cp
	rocket cp "$TESTER_HOME/in.txt" cp:/srv/again.txt
	[ "$(rocket cp cp:/srv/again.txt - | tar -xO)" = in ]
	rocket export cp >"$BATS_TEST_TMPDIR/cp.tar"
	run tar -tv --numeric-owner -f "$BATS_TEST_TMPDIR/cp.tar"
	[[ $output = *"1000/1000"*srv/app.txt* ]]
}

@test "apps that stand joined end with what they forked" {
	rocket run -d --name join --distance joined box --name a sh -c 'sleep 1000 & sleep 0.2; exit 3' --- box --name b sleep 100
	a_is_over() { [ "$(field join '.apps[] | select(.name == "a").state')" = exited ]; }
	until_true 5 a_is_over
	run rocket top join -o json
	[ "$(jq -c 'map(.app) | unique' <<<"$output")" = '["b"]' ]
}

@test "a name in the pod, shared memory and loopback, as at every distance" {
	rocket run -d --name near box --name web sh -c 'echo shared >/dev/shm/f; nc -l -p 8000 -e echo hello' --- box --name ask sleep 100
	until_true 5 rocket enter near/ask cat /dev/shm/f
	[ "$(rocket enter near/ask nc web 8000)" = hello ]
}

@test "apps that stand apart have their own network, and a link between them carries" {
	cat >"$TESTER_HOME/apart.yaml" <<-END
	pod: apart
	distance: apart
	apps:
	  web: {image: box, args: [sh, -c, "while nc -l -p 8000 -e echo hello; do :; done"]}
	  ask: {image: box, args: [sleep, "100"]}
	links:
	  - "ask -> web: tcp 8000"
	END
	rocket run -d -f "$TESTER_HOME/apart.yaml"
	[ "$(rocket enter apart/web readlink /proc/self/ns/net)" != "$(rocket enter apart/ask readlink /proc/self/ns/net)" ]
	asks() { rocket enter apart/ask nc -w 2 web 8000 </dev/null | grep -q hello; }
	until_true 5 asks
	# Each has a map of its own, and it is the same.
	[ "$(rocket enter apart/web cat /proc/self/uid_map | xargs)" = "0 0 1 1 1 65535" ]
	[ "$(rocket enter apart/ask cat /proc/self/uid_map | xargs)" = "0 0 1 1 1 65535" ]
}

@test "an in: hole brings the client in, and a low port is refused by name" {
	rocket run -d --name hole -p 18080:8000 box sh -c 'while nc -l -p 8000 -e echo hello; do :; done'
	says_hello() { timeout 2 bash -c "cat </dev/tcp/127.0.0.1/$1" | grep -q hello; }
	until_true 5 says_hello 18080
	rocket hole add hole in:18081:8000
	until_true 5 says_hello 18081
	rocket hole rm hole in:18081:8000
	! says_hello 18081
	echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	run_rocket run --rm -p 80:8000 box true
	assert_error 125 80 ip_unprivileged_port_start
}

@test "host paths and volumes: the user's files are root's inside, and stay his" {
	as_user sh -c 'mkdir -p share; echo host >share/f'
	run_rocket run --rm -v "$TESTER_HOME/share:/share" box sh -c 'cat /share/f; stat -c %u /share/f; echo new >/share/new'
	assert_exit 0
	[ "${lines[0]}" = host ]
	[ "${lines[1]}" = 0 ]
	[ "$(id_of "$TESTER_HOME/share/new")" = "$TESTER_UID:$TESTER_UID" ]
	run_rocket run --rm --hole "path:$TESTER_HOME/share:/share" box sh -c 'echo no >/share/f'
	[ "$status" -ne 0 ]
	rocket run --rm -v data:/data box sh -c 'echo kept >/data/f; chown app /data/f'
	[ "$(rocket run --rm -v data:/data box sh -c 'cat /data/f; stat -c %u /data/f' | xargs)" = "kept 1000" ]
	[ "$(rocket volume export data | tar -tv --numeric-owner | awk '/f$/ { print $2 }')" = 1000/0 ]
	rocket volume rm data
	[ ! -e "$ROCKET_DIR/volumes/data" ]
}

@test "what only root can do is refused by name" {
	run_rocket run --rm --hole cap:SYS_ADMIN,ns:user box true
	[ "$status" -ne 0 ]
	run_rocket run --rm -m 64m box true
	[ -e /sys/fs/cgroup/cgroup.controllers ] || assert_error 125 memory "version 2" doctor
	run_rocket run --rm --hole dev:/dev/null:/dev/other:r box true
	assert_error 2 "dev:/dev/null" "ordinary user"
	run_rocket run --rm --hole dev:/dev/null:/dev/other box sh -c 'echo x >/dev/other'
	assert_exit 0
	run_rocket run --rm -u 70000 box true
	assert_error 2 70000 usermod
}

@test "images: tag, list, extract, export and import keep their identity; rm removes unpacked trees" {
	local id
	id=$(rocket image list -o json | jq -r '.[0].id')
	rocket run --rm box true
	[ -n "$(ls "$ROCKET_DIR/trees")" ]
	rocket image export box "$TESTER_HOME/box.oci"
	rocket image import "$TESTER_HOME/box.oci" again
	[ "$(rocket image list -o json | jq -r '[.[].id] | unique | length')" = 1 ]
	[ "$(rocket image list -o json | jq -r '.[0].id')" = "$id" ]
	rocket image export again "$TESTER_HOME/again.oci"
	digest_in() { tar -xOf "$1" index.json | jq -r '.manifests[0].digest'; }
	[ "$(digest_in "$TESTER_HOME/box.oci")" = "$(digest_in "$TESTER_HOME/again.oci")" ]
	rocket image verify box
	rocket image rm again
	rocket image tag box other
	rocket image rm box other
	[ -z "$(ls "$ROCKET_DIR/trees")" ]
	[ -z "$(ls -A "$ROCKET_DIR/dead")" ]
	rocket image import "$BATS_FILE_TMPDIR/image-box/image.tar" box
}

@test "without ranges a pod has one id: images work, owned by root, and other users are refused" {
	user_ids none
	run_rocket run --rm box sh -c 'id -u; stat -c %u:%g /home/app; touch /srv/x; chown 5 /srv/x || echo alone; tr -s " " </proc/self/uid_map'
	assert_exit 0
	[[ $output = $'0\n0:0\nalone\n'" 0 $TESTER_UID 1" || $output = $'0\n0:0\nalone\n'" 0 0 1" ]]
	[[ $stderr = *"one user id"*doctor* ]]
	# It is said once, when the image is unpacked.
	run_rocket run --rm box true
	assert_exit 0
	[ -z "$stderr" ]
	run_rocket run --rm -u app box true
	assert_error 2 "user id 1000" usermod
	rocket run -d --name one -v keep:/data box sh -c 'echo x >/data/f; sleep 100'
	[ "$(rocket enter one id -u)" = 0 ]
	until_true 5 rocket enter one cat /data/f
	rocket cp one:/data/f "$TESTER_HOME/one"
	rocket rm -f one
	rocket volume rm keep
	run as_user "$TESTER_HOME/build/src/cli/rocket" --dir "$ROCKET_DIR" doctor -o json
	[[ $output = *'"id ranges"'*missing*"usermod --add-subuids"* ]]
	user_ids 300000:65536
}

@test "a range that newuidmap refuses is told by its word" {
	# Rocket reads the files by itself; what newuidmap does not agree to is not what they say.
	user_ids 300000:65536
	mount --bind /bin/false /usr/bin/newuidmap
	run_rocket run --rm box true
	umount /usr/bin/newuidmap
	assert_error 125 newuidmap doctor
}

@test "the word that says where a process is counts for nothing elsewhere" {
	# Root's own pods stay root's, whatever the environment says.
	run env ROCKET_ROOTLESS="0 0 1 1 65535" "$TESTER_HOME/build/src/cli/rocket" --dir "$BATS_TEST_TMPDIR/root" plan no-such-image
	[[ $output = *"no-such-image"* ]]
	[ ! -d "$BATS_TEST_TMPDIR/root/trees" ] || [ -z "$(ls -A "$BATS_TEST_TMPDIR/root/trees")" ]
	run env ROCKET_ROOTLESS="0 0 1 1 65535" "$TESTER_HOME/build/src/cli/rocket" doctor
	[[ $output != *"your own half"* ]]
}

@test "an image file is imported and run at once, and a prepared pod starts" {
	cp "$BATS_FILE_TMPDIR/image-box/image.tar" "$TESTER_HOME/box.tar"
	chown "$TESTER": "$TESTER_HOME/box.tar"
	run_rocket run --rm "$TESTER_HOME/box.tar" echo ran
	assert_exit 0
	[ "${lines[-1]}" = ran ]
	local pod
	pod=$(rocket prepare --name later box echo later | tail -1)
	run_rocket run-prepared "$pod"
	assert_out later
}

@test "a pod of one user is none of another's" {
	rocket run -d --name mine box sleep 100
	run setpriv --reuid 4444 --regid 4444 --clear-groups "$TESTER_HOME/build/src/cli/rocket" --dir "$ROCKET_DIR" list
	[ "$status" -ne 0 ]
	# The control socket is for the user and no other, not even one of his own sub-ids.
	[ "$(stat -c %a "$ROCKET_DIR/run")" = 700 ]
}
