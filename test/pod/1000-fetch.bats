# SPDX-License-Identifier: Apache-2.0
# fetch, push, login, logout and run with Debian's docker-registry, TLS and a password, and skopeo and podman beside:
# the same digests both ways. What hostile registries do is in 1010.
load lib
load image
load registry

file_setup()
{
	certs_make "$BATS_FILE_TMPDIR/certs" || return 1
	cd "$BATS_FILE_TMPDIR" || return 1
	layout_make "$PWD/layout" "$PWD/bundle" >/dev/null 2>&1
	registry_start 5000 "$PWD/certs" auth || return 1
	registry_start 5003 "$PWD/certs" || return 1
	echo "$registries" >registries
	skopeo copy -q --dest-creds user:pass --dest-cert-dir "$PWD/certs/peers" oci:layout:base docker://localhost:5000/team/app:1
	skopeo copy -q --dest-cert-dir "$PWD/certs/peers" oci:layout:base docker://localhost:5003/mirror/team/app:1
	skopeo copy -q --dest-cert-dir "$PWD/certs/peers" --format v2s2 oci:layout:base docker://localhost:5003/docker/app:1
}

file_teardown() { registries=$(cat "$BATS_FILE_TMPDIR/registries"); registries_stop; }

setup()
{
	own_settings "$BATS_TEST_TMPDIR"
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/certs/ca.crt
	STORE=$BATS_TEST_TMPDIR/store
}

rkt() { "$ROCKET" --dir "$STORE" "$@" 3>&-; }
try() { run --separate-stderr rkt "$@"; }
digest_of() { rkt image inspect "$1" -o json | jq -r '.[0].digest'; }
skopeo_digest() { skopeo inspect --creds user:pass --cert-dir "$BATS_FILE_TMPDIR/certs/peers" "docker://$1" | jq -r .Digest; }

# FILE: an auth file with the right password.
auth_file()
{
	mkdir -p "$(dirname "$1")"
	printf '{"auths":{"localhost:5000":{"auth":"%s"}}}' "$(printf 'user:pass' | base64)" >"$1"
}

@test "without a login nobody gets in; login tries it and keeps it where podman looks; logout forgets" {
	try fetch localhost:5000/team/app:1
	assert_error 6 "localhost:5000" "rocket login localhost:5000"
	try login -u user --password-stdin localhost:5000 <<<wrong
	assert_error 6 "does not take"
	[ ! -e "$XDG_RUNTIME_DIR/containers/auth.json" ]
	try login -u user --password-stdin localhost:5000 <<<pass
	assert_exit 0
	[ "$(stat -c %a "$XDG_RUNTIME_DIR/containers/auth.json")" = 600 ]
	[ "$(skopeo inspect --cert-dir "$BATS_FILE_TMPDIR/certs/peers" docker://localhost:5000/team/app:1 | jq -r .Digest)" = \
		"$(skopeo_digest localhost:5000/team/app:1)" ]
	try -q fetch localhost:5000/team/app:1
	assert_out localhost:5000/team/app:1
	[ "$(digest_of localhost:5000/team/app:1)" = "$(skopeo_digest localhost:5000/team/app:1)" ]
	rkt -q image verify
	rkt logout localhost:5000
	try logout localhost:5000
	assert_error 4 "no login"
	try fetch localhost:5000/team/app:1
	assert_exit 6
	try login -u user --password-stdin localhost:1 <<<x
	assert_exit 6
	try login -u user --password-stdin 'not a host' <<<x
	assert_error 2 "no registry"
}

@test "credentials of podman, of docker, of a given file, of a helper" {
	auth_file "$XDG_CONFIG_HOME/containers/auth.json"
	rkt -q fetch localhost:5000/team/app:1
	rm "$XDG_CONFIG_HOME/containers/auth.json"
	try fetch localhost:5000/team/app:1
	assert_exit 6
	auth_file "$HOME/.docker/config.json"
	rkt -q fetch localhost:5000/team/app:1
	rm "$HOME/.docker/config.json"
	auth_file "$BATS_TEST_TMPDIR/own.json"
	rkt -q fetch --auth-file "$BATS_TEST_TMPDIR/own.json" localhost:5000/team/app:1
	mkdir "$BATS_TEST_TMPDIR/bin"
	cat >"$BATS_TEST_TMPDIR/bin/docker-credential-test" <<-'END'
		#!/bin/sh
		read -r host
		[ "$1 $host" = "get localhost:5000" ] && echo '{"Username":"user","Secret":"pass"}'
	END
	chmod +x "$BATS_TEST_TMPDIR/bin/docker-credential-test"
	mkdir -p "$HOME/.docker"
	echo '{"credHelpers":{"localhost:5000":"test"}}' >"$HOME/.docker/config.json"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH rkt -q fetch localhost:5000/team/app:1
	echo '{"credsStore":"../evil"}' >"$HOME/.docker/config.json"
	try fetch localhost:5000/team/app:1
	assert_error 2 "no name of a helper"
}

@test "a layer that is there is not fetched, across names, formats and registries" {
	rkt -q image import "$BATS_FILE_TMPDIR/layout" local
	try fetch -o json localhost:5003/mirror/team/app:1
	assert_exit 0
	[ "$(jq .fetched_bytes <<<"$output")" = 0 ]
	try fetch -o json localhost:5003/docker/app:1
	assert_exit 0
	[ "$(jq .fetched_bytes <<<"$output")" = 0 ]
	[ "$(rkt image list -o name | wc -l)" = 3 ]
	rm -rf "$STORE"
	try fetch -o json localhost:5003/docker/app:1
	[ "$(jq .fetched_bytes <<<"$output")" -gt 0 ]
	try fetch -o json localhost:5003/docker/app:1
	[ "$(jq -r .was_there <<<"$output")" = true ]
}

@test "by digest; a tag and a digest that disagree" {
	local digest
	digest=$(skopeo_digest localhost:5003/docker/app:1)
	rkt -q fetch "localhost:5003/docker/app@$digest"
	[ "$(digest_of "localhost:5003/docker/app@$digest")" = "$digest" ]
	try fetch "localhost:5003/docker/app@sha256:$(printf '0%.0s' {1..64})"
	assert_error 4 "404"
	try fetch localhost:5003/docker/app@sha256:123
	assert_error 2 "no digest"
	try fetch https://localhost:5003/docker/app
	assert_error 2 "no scheme"
	try fetch localhost:5003/docker/app:none localhost:5003/x
	assert_error 4 "has no none"
}

@test "registries.conf: mirrors, a location, blocked, short names by alias and by search" {
	cat >"$CONTAINERS_REGISTRIES_CONF" <<-'END'
		unqualified-search-registries = ["localhost:5003/none", "localhost:5003/mirror/team"]
		[aliases]
		"short" = "localhost:5003/docker/app"
		[[registry]]
		prefix = "gone.example.com"
		location = "localhost:1"
		[[registry.mirror]]
		location = "localhost:2/x"
		[[registry.mirror]]
		location = "localhost:5003/mirror"
		[[registry]]
		prefix = "moved.example.com/a"
		location = "localhost:5003/docker"
		[[registry]]
		prefix = "*.evil.example.com"
		blocked = true
	END
	rkt -q fetch gone.example.com/team/app:1 moved.example.com/a/app:1 short:1 app:1
	[ "$(rkt image list -o name | sort | tr '\n' ' ')" = \
		"gone.example.com/team/app:1 localhost:5003/docker/app:1 localhost:5003/mirror/team/app:1 moved.example.com/a/app:1 " ]
	try fetch www.evil.example.com/x
	assert_error 5 "blocked" "*.evil.example.com"
	try fetch nothing:1
	assert_exit 4
	echo 'prefix = [' >"$CONTAINERS_REGISTRIES_CONF"
	try fetch short:1
	assert_error 2 "registries.conf:2:1"
	: >"$CONTAINERS_REGISTRIES_CONF"
	try fetch short:1
	assert_error 2 "short name" "docker.io/library/short:1"
}

@test "certificates: of certs.d for this host alone; a registry that wants to know who we are" {
	unset SSL_CERT_FILE
	try fetch localhost:5003/docker/app:1
	assert_error 6 "certificate"
	mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/localhost:5003"
	cp "$BATS_FILE_TMPDIR/certs/ca.crt" "$XDG_CONFIG_HOME/containers/certs.d/localhost:5003/"
	rkt -q fetch localhost:5003/docker/app:1
	try fetch localhost:5000/team/app:1
	assert_error 6 "certificate"
	sed "s,addr: .127.0.0.1:5003,addr: \"127.0.0.1:5004,; s,tls: {,tls: {clientcas: [$BATS_FILE_TMPDIR/certs/ca.crt]\, ," "$BATS_FILE_TMPDIR/certs/5003.yml" \
		>"$BATS_TEST_TMPDIR/mutual.yml"
	docker-registry serve "$BATS_TEST_TMPDIR/mutual.yml" >/dev/null 2>&1 3>&- &
	registries=$!
	until_true 10 port_open 5004
	mkdir -p "$XDG_CONFIG_HOME/containers/certs.d/localhost:5004"
	cp "$BATS_FILE_TMPDIR/certs/ca.crt" "$XDG_CONFIG_HOME/containers/certs.d/localhost:5004/"
	try fetch localhost:5004/docker/app:1
	assert_exit 6
	cp "$BATS_FILE_TMPDIR/certs/server.crt" "$XDG_CONFIG_HOME/containers/certs.d/localhost:5004/we.cert"
	try fetch localhost:5004/docker/app:1
	assert_error 1 "has no key"
	cp "$BATS_FILE_TMPDIR/certs/server.key" "$XDG_CONFIG_HOME/containers/certs.d/localhost:5004/we.key"
	rkt -q fetch localhost:5004/docker/app:1
	registries_stop
}

@test "through a proxy, but not to whom no_proxy names" {
	python3 "$BATS_TEST_DIRNAME/proxy.py" 5009 "$BATS_TEST_TMPDIR/proxied" 3>&- &
	registries=$!
	until_true 10 port_open 5009
	https_proxy=http://127.0.0.1:5009 rkt -q fetch localhost:5003/docker/app:1
	grep -q "CONNECT localhost:5003" "$BATS_TEST_TMPDIR/proxied"
	: >"$BATS_TEST_TMPDIR/proxied"
	https_proxy=http://127.0.0.1:5009 no_proxy=localhost rkt -q fetch localhost:5003/docker/app:1
	[ ! -s "$BATS_TEST_TMPDIR/proxied" ]
	registries_stop
}

@test "progress: a line a layer off a terminal, redrawn on one, nothing with -q" {
	try fetch localhost:5003/mirror/team/app:1
	assert_exit 0
	[ "$(grep -c ": layer [0-9a-f]\{12\} " <<<"$stderr")" = 2 ]
	[[ $stderr != *$'\x1b'* ]]
	rm -rf "$STORE"
	try -q fetch localhost:5003/mirror/team/app:1
	[ -z "$stderr" ]
	rm -rf "$STORE"
	script -qec "$ROCKET --dir $STORE fetch localhost:5003/mirror/team/app:1" /dev/null >"$BATS_TEST_TMPDIR/tty"
	grep -q "layers done" "$BATS_TEST_TMPDIR/tty"
}

@test "what the helper may do: write the store, connect, read no other file, start nothing" {
	need_tools strace
	strace -f -qq -e trace=execve,capset,prctl,seccomp,connect -o "$BATS_TEST_TMPDIR/trace" \
		"$ROCKET" --dir "$STORE" -q fetch localhost:5003/docker/app:1 3>&-
	# Privileges are gone before the first connection, and nothing is executed after it; rocket judges what came then.
	awk '/PR_SET_SECCOMP/ && !first { gone = NR } /connect\(.*AF_INET/ && !first { first = NR }
		/execve\(/ && !/rocket-verify/ && first { bad = 1 }
		END { exit !(gone && first && gone < first && !bad) }' "$BATS_TEST_TMPDIR/trace"
}

@test "push: exact where the registry has the layers, mounted from another repository, skopeo and podman read it" {
	auth_file "$XDG_RUNTIME_DIR/containers/auth.json"
	rkt -q fetch localhost:5000/team/app:1
	try push -o json localhost:5000/team/app:1 localhost:5000/other/app:2
	assert_exit 0
	[ "$(jq -r .exact <<<"$output")" = true ]
	[ "$(jq -r .sent_bytes <<<"$output")" = 0 ]
	[ "$(skopeo_digest localhost:5000/other/app:2)" = "$(digest_of localhost:5000/team/app:1)" ]
	for how in gzip zstd none; do
		try push -o json --compression $how localhost:5000/team/app:1 "localhost:5003/push/$how:1"
		assert_exit 0
		[ "$(jq -r .exact <<<"$output")" = false ]
		skopeo copy -q --src-cert-dir "$BATS_FILE_TMPDIR/certs/peers" "docker://localhost:5003/push/$how:1" "dir:$BATS_TEST_TMPDIR/$how"
		[ "$(jq -r .config.digest "$BATS_TEST_TMPDIR/$how/manifest.json")" = "$(rkt image inspect localhost:5000/team/app:1 -o json | jq -r '.[0].id')" ]
	done
	# The same tar compresses to the same bytes: the second time nothing is sent.
	try push -o json localhost:5000/team/app:1 localhost:5003/push/gzip:2
	[ "$(jq -r .layers_there <<<"$output")" = 2 ]
	try push localhost:5000/team/app:1 nohost
	assert_error 2 "no host"
	try push nothing localhost:5003/x:1
	assert_error 4 "nothing"
	try push localhost:5000/team/app:1 localhost:1/x:1
	assert_exit 6
	try push --compression lz4 localhost:5000/team/app:1 localhost:5003/x:1
	assert_error 2 "no compression"
}

@test "dir:, oci: and archives are imported; what is typed wrong is said" {
	rkt -q fetch "oci:$BATS_FILE_TMPDIR/layout:base" --name a
	rkt -q fetch "dir:$BATS_FILE_TMPDIR/layout" base --name b
	tar -C "$BATS_FILE_TMPDIR/layout" -cf "$BATS_TEST_TMPDIR/l.tar" .
	rkt -q fetch "oci-archive:$BATS_TEST_TMPDIR/l.tar" --name c
	[ "$(rkt image list -o name | tr '\n' ' ')" = "a:latest b:latest c:latest " ]
	try fetch oci:/nonexistent
	assert_error 4 "no such file"
	try fetch --platform linux/arm64 "oci:$BATS_FILE_TMPDIR/layout:base"
	assert_error 2 "--platform"
}

@test "run fetches what is missing, asks again with --pull always, and never with never" {
	try run --rm --pull never localhost:5003/docker/app:1 true
	assert_exit 125
	try --insecure-options=image run --rm localhost:5003/docker/app:1 /bin/busybox echo hello
	assert_exit 0
	assert_out hello
	try run --rm localhost:5003/docker/app:1 true
	assert_exit 5
	[[ $stderr = *"rocket trust"* ]]
	skopeo copy -q --src-cert-dir "$BATS_FILE_TMPDIR/certs/peers" --dest-cert-dir "$BATS_FILE_TMPDIR/certs/peers" --format oci \
		docker://localhost:5003/docker/app:1 docker://localhost:5003/moving/app:1
	rkt -q fetch localhost:5003/moving/app:1
	local before
	before=$(digest_of localhost:5003/moving/app:1)
	skopeo copy -q --src-cert-dir "$BATS_FILE_TMPDIR/certs/peers" --dest-cert-dir "$BATS_FILE_TMPDIR/certs/peers" --format v2s2 \
		docker://localhost:5003/docker/app:1 docker://localhost:5003/moving/app:1
	try --insecure-options=image run --rm localhost:5003/moving/app:1 /bin/busybox true
	[ "$(digest_of localhost:5003/moving/app:1)" = "$before" ]
	try --insecure-options=image run --rm --pull always localhost:5003/moving/app:1 /bin/busybox true
	assert_exit 0
	[ "$(digest_of localhost:5003/moving/app:1)" != "$before" ]
}

@test "a flipped bit in a stored layer: verify finds it, a fetch repairs it" {
	rkt -q fetch localhost:5003/docker/app:1
	local layer
	layer=$STORE/blobs/sha256/$(rkt image inspect localhost:5003/docker/app:1 -o json | jq -r '.[0].layers[0].diff_id' | cut -d: -f2)
	printf X | dd of="$layer" bs=1 seek=5000 conv=notrunc 2>/dev/null
	try image verify
	assert_exit 8
	[[ $output$stderr = *localhost:5003/docker/app:1* ]]
	rkt -q fetch localhost:5003/docker/app:1
	rkt -q image verify
}
