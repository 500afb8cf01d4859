# SPDX-License-Identifier: Apache-2.0
# rocket build: recipes with this host's programs, checked with GNU tar, and the same bytes everywhere.
load lib

setup()
{
	D=$BATS_TEST_TMPDIR/dir
	mkdir -p "$D"
}

test_teardown()
{
	local name
	for name in $(rocket image list -o name); do
		[ "$name" = box:latest ] || rocket -q image rm "$name"
	done
}

recipe() { cat >"$D/recipe.yaml"; }

# The layers' listing as GNU tar sees it: MODE OWNER PATH[ -> TARGET], the last layer only.
listing()
{
	local diff
	diff=$(rocket image inspect "$1" -o json | jq -r '.[0].layers[-1].diff_id')
	tar --numeric-owner -tvf "$ROCKET_DIR/blobs/sha256/${diff#sha256:}" | sed 's/ \+[0-9]\+ [0-9-]\+ [0-9:]\+ / /'
}

digest() { rocket image inspect "$1" -o json | jq -r '.[0].digest'; }

@test "a program of this host runs in an image with just its libraries" {
	recipe <<-END
		name: hello
		files: [/bin/cat, {text: "hello\n", to: /hello}]
		entrypoint: [/bin/cat]
		cmd: [/hello]
	END
	run_rocket build "$D"
	assert_exit 0
	[[ $output =~ ^sha256:[0-9a-f]{64}$ ]]
	[[ $stderr = *"built hello:latest"* ]]
	run_rocket run --rm hello
	assert_exit 0
	assert_out hello
	# Nothing but the program, the loader, libc, links and parents.
	[ "$(listing hello | grep -c '^-')" -eq 4 ]
}

@test "a built image is vouched for by its builder" {
	recipe <<<'{name: a, arch: amd64, files: [{text: x, to: /x}]}'
	rocket -q build "$D"
	rocket image inspect a -o json | jq -e '.[0].vouched | .how == "built" and .who == "root" and (.source | endswith("/recipe.yaml"))'
	rocket image verify a
}

@test "modes, owners, links and texts are as the recipe says" {
	recipe <<-'END'
		name: a
		arch: amd64
		users: {joe: {uid: 101, home: /home/joe}}
		files:
		  - {text: "#!/bin/true\n", to: /bin/x, mode: 04755, owner: joe}
		  - {dir: /data, owner: "7:8", mode: 1777}
		  - {link: /etc/x, to: ../bin/x}
		  - {local: sub, to: /srv, except: ['*.o']}
	END
	mkdir -m 0700 "$D/sub"
	echo 1 >"$D/sub/a.o"
	echo 1 >"$D/sub/b"
	chmod 600 "$D/sub/b"
	rocket -q build "$D"
	run listing a
	[ "$output" = "$(cat <<-'END'
		drwxr-xr-x 0/0 bin/
		-rwsr-xr-x 101/101 bin/x
		drwxrwxrwt 7/8 data/
		drwxr-xr-x 0/0 etc/
		-rw-r--r-- 0/0 etc/group
		-rw-r--r-- 0/0 etc/passwd
		lrwxrwxrwx 0/0 etc/x -> ../bin/x
		drwxr-xr-x 0/0 srv/
		-rw-r--r-- 0/0 srv/b
	END
	)" ]
}

@test "the same inputs give the same digest: other folder, times, umask, user, order" {
	mkdir -p "$D/one" "$BATS_TEST_TMPDIR/elsewhere/two"
	local two=$BATS_TEST_TMPDIR/elsewhere/two
	cat >"$D/one/recipe.yaml" <<-END
		files: [/bin/cat, {local: b, to: /b}, {local: a, to: /a}]
		labels: {x: 1, a: 2}
		cmd: [/bin/cat]
	END
	cat >"$two/recipe.yaml" <<-END
		# The same in another order.
		cmd: [/bin/cat]
		labels: {a: 2, x: 1}
		files: [{local: a, to: /a}, {local: b, to: /b}, /bin/cat]
	END
	for name in a b; do echo "$name" >"$D/one/$name"; done
	(umask 077 && for name in b a; do echo "$name" >"$two/$name"; done)
	touch -d 2001-01-01 "$two"/*
	rocket -q build -t one "$D/one"
	(cd "$two" && TZ=Asia/Tokyo LC_ALL=C.UTF-8 rocket -q build -t two .)
	[ "$(digest one)" = "$(digest two)" ]
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR/elsewhere"
	chown -R 1000 "$two"
	rocket -q build -t three "$two"
	[ "$(digest one)" = "$(digest three)" ]
	# The time is an input.
	SOURCE_DATE_EPOCH=1700000000 rocket -q build -t four "$D/one"
	[ "$(digest one)" != "$(digest four)" ]
	[ "$(rocket image inspect four -o json | jq -r '.[0].config.created')" = 2023-11-14T22:13:20Z ]
}

@test "a tree is searched instead of the host, and never left" {
	local tree=$D/tree
	mkdir -p "$tree/bin" "$tree/etc" "$tree/usr/bin"
	cp "$(command -v busybox)" "$tree/usr/bin/tool"
	ln -s ../../../../../../../../etc/hostname "$tree/etc/escape"
	ln -s /usr/bin/tool "$tree/bin/tool"
	recipe <<<'{name: a, from: tree, files: [/bin/tool, /etc/escape]}'
	rocket -q build "$D"
	listing a | grep -q 'bin/tool -> /usr/bin/tool'
	! listing a | grep -q hostname$
	recipe <<<'{name: a, from: tree, files: [{copy: /etc/escape, to: /x}]}'
	run_rocket build "$D"
	assert_exit 4
	mv "$tree" "$BATS_TEST_TMPDIR/other"
	recipe <<<'{name: b, from: gone, files: [/bin/tool]}'
	rocket -q build --from "$BATS_TEST_TMPDIR/other" "$D"
	[ "$(digest a)" != "$(digest b)" ]
}

@test "a recipe on a base adds one layer and keeps the rest" {
	image_make base 'Env=["PATH=/bin","A=1"]' 'Cmd=["sh"]' 'User="app"'
	recipe <<-'END'
		name: over
		base: base
		users: {joe: {uid: 101}}
		files: [{text: "hi\n", to: /srv/new, owner: joe}, {dir: /home/app, owner: "1000:1000", mode: 0700}]
		env: {A: 2, B: 3}
		user: joe
	END
	rocket -q build "$D"
	run_rocket run --rm over sh -c 'cat /srv/new; id -un; echo $A$B; stat -c %a /srv /home/app; grep -c : /etc/passwd'
	assert_exit 0
	assert_out $'hi\njoe\n23\n755\n700\n4'
	[ "$(rocket image inspect over -o json | jq '.[0].layers | length')" -eq 2 ]
	recipe <<<'{name: same, base: base, env: {C: 4}}'
	rocket -q build "$D"
	[ "$(rocket image inspect same -o json | jq '.[0].layers | length')" -eq 1 ]
}

@test "the result is as other tools want it" {
	command -v skopeo >/dev/null || skip "skopeo is not installed"
	recipe <<<'{name: a, files: [/bin/cat], cmd: [/bin/cat]}'
	rocket -q build "$D"
	rocket -q image export a "$BATS_TEST_TMPDIR/a.oci.tar"
	[ "$(skopeo inspect "oci-archive:$BATS_TEST_TMPDIR/a.oci.tar" | jq -r .Digest)" = "$(digest a)" ]
}

@test "-o json has the documented fields" {
	recipe <<<'{name: a, arch: arm64, files: [{text: x, to: /a/x}]}'
	run_rocket build -o json "$D"
	assert_exit 0
	jq -e '.name == "a:latest" and (.id | startswith("sha256:")) and (.digest | startswith("sha256:")) and
		.files == 2 and .layers == 1 and .size == .layer_size' <<<"$output"
	[ -z "$stderr" ]
}

@test "several folders are built in one call" {
	mkdir "$D/a" "$D/b"
	echo '{name: a, arch: amd64, files: [{text: x, to: /x}]}' >"$D/a/recipe.yaml"
	echo '{name: b, arch: amd64, files: [{text: y, to: /x}]}' >"$D/b/recipe.yaml"
	run_rocket -q build "$D/a" "$D/b"
	assert_exit 0
	[ "$(wc -l <<<"$output")" -eq 2 ]
	run_rocket build -t c "$D/a" "$D/b"
	assert_error 2 "-f and -t are for one folder"
}

@test "what is wrong is said with its place, and leaves nothing" {
	local before
	before=$(find "$ROCKET_DIR" -type f | sort)
	recipe <<<$'name: a\nfiels: [/bin/cat]'
	run_rocket build "$D"
	assert_error 2 "recipe.yaml:2:1" "files"
	recipe <<<$'name: a\nfiles:\n  - /bin/cat\n  - /no/such/file'
	run_rocket build "$D"
	assert_error 4 "recipe.yaml:4:5" "/no/such/file"
	recipe <<<$'files: [/bin/cat]'
	run_rocket build "$D"
	assert_error 2 "no name"
	recipe <<<$'name: a\nfiles: [/bin/cat]\nentrypoint: [/bin/dog]'
	run_rocket build "$D"
	assert_error 4 "/bin/dog"
	recipe <<<$'name: a\nfiles: [/bin/cat]\nuser: nobody'
	run_rocket build "$D"
	assert_error 2 "nobody"
	recipe <<<$'name: a\nfiles: [/dev/null]'
	run_rocket build "$D"
	assert_error 2 "is a device"
	recipe <<<$'name: a\nfiles: [{text: x, to: /x}]'
	run_rocket build "$D"
	assert_error 2 "machine" "arch:"
	recipe <<<$'name: a\nbase: none\nfiles: [/bin/cat]'
	run_rocket build "$D"
	assert_error 4 "none"
	SOURCE_DATE_EPOCH=yesterday run_rocket build "$D"
	assert_error 2 "SOURCE_DATE_EPOCH"
	rm "$D/recipe.yaml"
	run_rocket build "$D"
	assert_error 4 "recipe.yaml"
	[ "$(find "$ROCKET_DIR" -type f | sort)" = "$before" ]
}

@test "a missing library is named with who needs it" {
	mkdir -p "$D/tree/bin"
	cp /bin/cat "$D/tree/bin/cat"
	recipe <<<'{name: a, from: tree, files: [/bin/cat]}'
	run_rocket build "$D"
	assert_error 4 "/bin/cat needs" "ld-linux"
}

@test "a Dockerfile is refused by name" {
	printf 'FROM debian:12\nRUN true\n' >"$D/Dockerfile"
	run_rocket build "$D"
	assert_error 5 "Dockerfile" "RUN"
	cp "$D/Dockerfile" "$D/steps"
	run_rocket build -t x -f "$D/steps" "$D"
	assert_error 5 "is a Dockerfile"
}

@test "nothing of the tree is executed" {
	mkdir -p "$D/tree/bin" "$D/tree/lib64"
	printf '#!/bin/sh\ntouch %s\n' "$D/ran" >"$D/tree/bin/ldd"
	cp "$(command -v busybox)" "$D/tree/bin/tool"
	chmod 755 "$D/tree/bin/ldd"
	recipe <<<'{name: a, from: tree, files: [/bin/tool, /bin/ldd]}'
	PATH=$D/tree/bin:$PATH run_rocket build "$D"
	assert_exit 0
	[ ! -e "$D/ran" ]
	[[ $stderr = *"note: /bin/ldd is a script for /bin/sh"* ]]
}
