#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp, export and volumes as tar: running and stopped apps, owners, streams, and apps that mean harm.
load lib

@test "cp in and out of an exited pod, and it starts with what came in" {
	rocket run --name over box sh -c 'echo first >/made; cat /brought 2>/dev/null || true'
	run_rocket cp over:/made "$BATS_TEST_TMPDIR/made"
	assert_exit 0
	[ "$(cat "$BATS_TEST_TMPDIR/made")" = first ]
	echo brought >"$BATS_TEST_TMPDIR/brought"
	run_rocket cp "$BATS_TEST_TMPDIR/brought" over:/
	assert_exit 0
	run_rocket start -a over
	assert_exit 0
	assert_has brought
}

@test "cp into a prepared pod" {
	rocket prepare --name later box cat /etc/brought
	echo early >"$BATS_TEST_TMPDIR/brought"
	run_rocket cp "$BATS_TEST_TMPDIR/brought" later:/etc/
	assert_exit 0
	run_rocket run-prepared later
	assert_out early
}

@test "what comes in belongs to the app's root, what comes out to the caller" {
	rocket run -d --name own box sh -c 'echo x >/f; chown 1000:1000 /f; chmod 4755 /f; sleep 1000'
	until_true 5 rocket enter own test -u /f
	echo y >"$BATS_TEST_TMPDIR/in"
	chown 1234:1234 "$BATS_TEST_TMPDIR/in"
	rocket cp "$BATS_TEST_TMPDIR/in" own:/tmp/in
	run_rocket enter own stat -c %u:%g /tmp/in
	assert_out 0:0
	rocket cp own:/f "$BATS_TEST_TMPDIR/out"
	[ "$(stat -c %u:%g:%a "$BATS_TEST_TMPDIR/out")" = 0:0:755 ]
	rocket cp -a own:/f "$BATS_TEST_TMPDIR/kept"
	[ "$(stat -c %u:%g:%a "$BATS_TEST_TMPDIR/kept")" = 1000:1000:4755 ]
	rocket cp -a "$BATS_TEST_TMPDIR/kept" own:/back
	run_rocket enter own stat -c %u:%g:%a /back
	assert_out 1000:1000:4755
	echo z >"$BATS_TEST_TMPDIR/far"
	chown 70000 "$BATS_TEST_TMPDIR/far"
	run_rocket cp -a "$BATS_TEST_TMPDIR/far" own:/far
	assert_error 1 far
}

@test "streams: a tar out of one pod is a tar into another" {
	rocket run -d --name from box sh -c 'mkdir -p /t/d && echo a >/t/d/f && ln -s d/f /t/l && sleep 1000'
	rocket run -d --name to box sleep 1000
	until_true 5 rocket enter from test -L /t/l
	rocket cp from:/t - | rocket cp - to:/srv
	run_rocket enter to sh -c 'cat /srv/t/l'
	assert_out a
	rocket cp from:/t/. "$BATS_TEST_TMPDIR/content"
	[ "$(cat "$BATS_TEST_TMPDIR/content/d/f")" = a ]
	mkdir "$BATS_TEST_TMPDIR/there"
	rocket cp from:/t "$BATS_TEST_TMPDIR/there"
	[ "$(cat "$BATS_TEST_TMPDIR/there/t/d/f")" = a ]
}

@test "cp says what is wrong, and makes nothing" {
	rocket run -d --name wrong box sleep 1000
	run_rocket cp wrong:/no/such "$BATS_TEST_TMPDIR/x"
	assert_error 4 /no/such
	run_rocket cp "$BATS_TEST_TMPDIR/none" wrong:/tmp/
	assert_error 4 none
	run_rocket cp "$BATS_TEST_TMPDIR" wrong:/no/dir/
	assert_error 4 /no/dir
	run_rocket cp "$BATS_TEST_TMPDIR" wrong:/etc/passwd
	assert_error 1 /etc/passwd
	run_rocket cp a b
	assert_error 2 POD
	run_rocket cp wrong:/a wrong:/b
	assert_error 2
	run_rocket cp none:/a /tmp/x
	assert_error 4 none
	[ ! -e "$BATS_TEST_TMPDIR/x" ]
	rocket enter wrong test -f /etc/passwd
}

@test "cp while the app swaps a directory and a link to the host's: nothing outside is read or written" {
	mkdir "$BATS_TEST_TMPDIR/canary"
	echo secret >"$BATS_TEST_TMPDIR/canary/secret"
	local canary=$BATS_TEST_TMPDIR/canary i
	rocket run -d --name swap box sh -c "
		mkdir /real && echo inside >/real/secret && ln -s ../../../../../../../..$canary /link && cp -r /real /dir
		while :; do mv -T /dir /away 2>/dev/null; mv -T /link /dir; mv -T /dir /link; mv -T /away /dir; done"
	until_true 5 rocket enter swap test -e /real/secret
	echo planted >"$BATS_TEST_TMPDIR/planted"
	for i in $(seq 30); do
		rm -rf "$BATS_TEST_TMPDIR/got"
		rocket cp swap:/dir "$BATS_TEST_TMPDIR/got" 2>/dev/null || true
		# The link itself may have come, as a link.
		[ -L "$BATS_TEST_TMPDIR/got" ] || if grep -rs '^secret' "$BATS_TEST_TMPDIR/got"; then return 1; fi
		rocket cp "$BATS_TEST_TMPDIR/planted" swap:/dir/planted 2>/dev/null || true
	done
	[ "$(ls "$canary")" = secret ]
	[ "$(cat "$canary/secret")" = secret ]
}

@test "an app's own decompressors and archivers are never run" {
	rocket run -d --name evil box sh -c 'for p in tar gzip xz; do printf "#!/bin/sh\necho ran >/ran\n" >/bin/$p; chmod 755 /bin/$p; done; sleep 1000'
	until_true 5 rocket enter evil test -x /bin/xz
	rocket cp evil:/etc "$BATS_TEST_TMPDIR/etc"
	rocket export evil >"$BATS_TEST_TMPDIR/evil.tar"
	rocket top evil >/dev/null
	rocket diff evil >/dev/null
	run_rocket enter evil test -e /ran
	assert_exit 1
}

@test "export: the image and the changes, with the pod's owners, without what is mounted" {
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOF
	pod: whole
	volumes: {data: {}}
	apps:
	  a:
	    image: box
	    mounts: {/srv: data}
	    args: [sh, -c, "echo x >/srv/f; echo x >/mine; chown 1000:2000 /mine; rm /etc/group; sleep 1000"]
	EOF
	rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml"
	until_true 5 rocket enter whole sh -c '! test -e /etc/group'
	run_rocket export -F "$BATS_TEST_TMPDIR/live.tar" whole
	assert_exit 0
	rocket stop -f whole
	rocket export whole >"$BATS_TEST_TMPDIR/dead.tar"
	local tar
	for tar in live dead; do
		tar --numeric-owner -tvf "$BATS_TEST_TMPDIR/$tar.tar" >"$BATS_TEST_TMPDIR/$tar"
		grep -qE '1000/2000 .* mine$' "$BATS_TEST_TMPDIR/$tar"
		grep -qE '0/0 .* bin/busybox( |$)' "$BATS_TEST_TMPDIR/$tar"
		if grep -E ' (srv/f|etc/group|proc/.|dev/.|sys/.)$' "$BATS_TEST_TMPDIR/$tar"; then return 1; fi
	done
	diff "$BATS_TEST_TMPDIR/live" "$BATS_TEST_TMPDIR/dead"
}

@test "export and image import give a pod that runs the same" {
	rocket run --name base box sh -c 'echo added >/added'
	rocket export base | rocket image import - again
	run_rocket run --rm again /bin/cat /added
	assert_out added
}

@test "a volume's tar may be hostile" {
	local work=$BATS_TEST_TMPDIR/evil
	mkdir -p "$work/a"
	ln -s ../../../../../../etc "$work/a/etc"
	tar -C "$work/a" -cf "$work/v.tar" etc
	mkdir "$work/b" && echo x >"$work/b/etc-planted" && tar -C "$work/b" --transform 's,^,etc/,' -rf "$work/v.tar" etc-planted
	run_rocket volume import hostile "$work/v.tar"
	[ ! -e /etc/etc-planted ]
	rocket volume rm hostile || true
	printf 'no tar at all, of more than a block in length%600s' x >"$work/n.tar"
	run_rocket volume import broken "$work/n.tar"
	assert_error 1
	run_rocket volume inspect broken
	assert_error 4 broken
	[ -z "$(ls -A "$ROCKET_DIR/volumes")" ]
}
