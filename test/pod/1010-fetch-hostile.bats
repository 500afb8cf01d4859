# SPDX-License-Identifier: Apache-2.0
# Registries that misbehave: what comes is refused with a reason and leaves nothing, what is cut goes on, and credentials go
# nowhere but where they belong. The registry is registry.py.
load lib
load image
load registry

file_setup()
{
	certs_make "$BATS_FILE_TMPDIR/certs" || return 1
	cd "$BATS_FILE_TMPDIR" || return 1
	umoci init --layout layout
	umoci new --image layout:1
	umoci unpack --image layout:1 bundle >/dev/null 2>&1
	mkdir -p bundle/rootfs/bin bundle/rootfs/etc
	cp "$(command -v busybox)" bundle/rootfs/bin/sh
	printf 'root:x:0:0::/:/bin/sh\n' >bundle/rootfs/etc/passwd
	umoci repack --refresh-bundle --image layout:1 bundle >/dev/null 2>&1
	head -c 6000000 /dev/urandom >bundle/rootfs/noise
	umoci repack --image layout:1 bundle >/dev/null 2>&1
	umoci config --image layout:1 --config.cmd /bin/sh
	bad_registry_start 5001 5002 "$PWD/certs" "$PWD/layout"
	echo "$registries" >registries
}

file_teardown() { registries=$(cat "$BATS_FILE_TMPDIR/registries"); registries_stop; }

setup()
{
	own_settings "$BATS_TEST_TMPDIR"
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/certs/ca.crt
	: >"$BATS_FILE_TMPDIR/certs/requests"
	rm -f "$BATS_FILE_TMPDIR/certs/alive"
	STORE=$BATS_TEST_TMPDIR/store
}

fetch() { run --separate-stderr "$ROCKET" --dir "$STORE" "$@" 3>&-; }

requests() { cat "$BATS_FILE_TMPDIR/certs/requests"; }

# REPOSITORY CODE TEXT…: refused with these words, and nothing of the image is there.
refused()
{
	fetch -q fetch "localhost:5001/$1/x:1"
	assert_error "${@:2}" || return 1
	[ -z "$("$ROCKET" --dir "$STORE" image list -o name)" ] || return 1
	[ -z "$(find "$STORE/refs" "$STORE/images" -type f)" ]
}

good()
{
	fetch -q fetch "localhost:5001/$1/x:1"
	assert_exit 0 || return 1
	"$ROCKET" --dir "$STORE" -q image verify
}

@test "a good one is fetched, whole" {
	good fine
	[ "$("$ROCKET" --dir "$STORE" image list -o name)" = localhost:5001/fine/x:1 ]
	[ -z "$(ls "$STORE/tmp")" ]
}

@test "documents: ambiguous, of another type, of schema 1, too large, no JSON (CVE-2021-41190, CVE-2021-21285)" {
	refused ambiguous 1 "ambiguous"
	refused typelie 1 ""
	refused schema1 1 "schema 1" "obsolete"
	refused schema1plain 1 "schema 1" "obsolete"
	refused huge 6 "4194304 bytes"
	refused nulls 1 "config"
	refused junk 1 ""
	refused indexlie 1 "5"
}

@test "digests that are none never become paths or addresses (CVE-2024-3727)" {
	refused traversal 1 "no digest"
	refused upper 1 "no digest"
	refused sha1 1 "no digest"
	refused negative 1 "size"
	requests | grep passwd && return 1
	return 0
}

@test "layers: flipped, too short, too long, of another size than the manifest says" {
	refused flip 1 "layer sha256:" "is not what the image says"
	refused short 6 ""
	refused long 1 "more than its"
	refused toolong 1 "more than its"
	refused tooshort 6 ""
	[ -z "$(find "$STORE/blobs" -type f -size +2000k)" ]
}

@test "a manifest that is not the one asked for by digest" {
	local digest
	digest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "1") | .digest' \
		"$BATS_FILE_TMPDIR/layout/index.json")
	fetch fetch "localhost:5001/swap/x@$digest"
	assert_error 1 "something else than was asked for" "$digest"
}

@test "platforms: none that fits is refused with what there is; of variants the plain one" {
	refused other 4 "s390x" "--platform"
	fetch -q fetch --platform linux/amd64 localhost:5001/variants/x:1
	assert_exit 0
	fetch fetch --platform windows localhost:5001/variants/x:1
	assert_error 4 "linux/windows"
	fetch fetch --platform a/b/c/d localhost:5001/variants/x:1
	assert_error 2 "no platform"
}

@test "endless headers, redirects in circles, errors with escape codes" {
	refused endless 6 "headers"
	refused circle 6 "circles"
	refused error 6 "503"
	[[ $stderr != *$'\x1b'* ]]
}

@test "no server leads from https to http, or to the metadata of a cloud (CVE-2020-15157)" {
	refused tohttp 6 "without TLS"
	refused tometa 6 "own network"
}

@test "a layer that is cut comes on from where it was, with and without ranges" {
	good cut
	requests | grep -c blobs | { read -r n; [ "$n" -gt 6 ]; }
	rm -rf "$STORE"
	good cutnorange
	rm -rf "$STORE"
	good slow
}

@test "a range that is another one is refused" {
	refused rangelie 6 "another part"
}

@test "the next run goes on from what arrived" {
	local layer size before
	refused dead 6 ""
	[ -n "$(find "$STORE/tmp" -name 'part.*' -size +1000k)" ]
	: >"$BATS_FILE_TMPDIR/certs/requests"
	touch "$BATS_FILE_TMPDIR/certs/alive"
	fetch fetch -o json localhost:5001/dead/x:1
	assert_exit 0
	[ "$(jq .fetched_bytes <<<"$output")" -lt 4000000 ]
	"$ROCKET" --dir "$STORE" -q image verify
	[ -z "$(ls "$STORE/tmp")" ]
}

@test "a part that was damaged meanwhile does no harm" {
	refused dead 6 ""
	local part
	part=$(find "$STORE/tmp" -name 'part.*' -size +1000k)
	printf X | dd of="$part" bs=1 seek=500000 conv=notrunc 2>/dev/null
	touch "$BATS_FILE_TMPDIR/certs/alive"
	good dead
}

@test "killed in the middle: what was whole is not fetched again" {
	refused dead 6 ""
	# The small layer is whole, and keeps its name.
	[ "$(find "$STORE/blobs" -type f | wc -l)" = 1 ]
	touch "$BATS_FILE_TMPDIR/certs/alive"
	: >"$BATS_FILE_TMPDIR/certs/requests"
	good dead
	[ "$(requests | grep -c "blobs/")" = 2 ] # config, and the other layer
}

login()
{
	printf '{"auths":{"localhost:5001":{"auth":"%s"}}}' "$(printf 'user:pass' | base64)" \
		>"$XDG_CONFIG_HOME/containers/auth.json"
}

@test "a token by Bearer, with the password for the realm alone" {
	login
	good auth
	requests | grep "GET /token?" | grep -q "service=test.*Basic "
	requests | grep "/v2/" | grep "Basic " && return 1
	requests | grep -q "blobs/.*Bearer secret-token"
}

@test "credentials don't follow a redirect to another origin (CVE-2021-41092 and kin)" {
	login
	good redirectauth
	requests | grep -q "^5001 .*Bearer secret-token"
	requests | grep -q "^5002 GET"
	requests | grep "^5002" | grep -v ' -$' && return 1
	return 0
}

@test "hostile realms: without TLS, of a metadata service, of another host, no URL (CVE-2026-48978 and kin)" {
	login
	refused realmhttp 6 "without TLS"
	refused realmmeta 6 "own network"
	refused realmfile 6 "neither https nor http"
	refused realmuser 6 "user name"
	good realmother
	# Another host than the registry's gives a token, perhaps; our password it does not see.
	requests | grep -q "^5002 GET /token"
	requests | grep "Basic " && return 1
	return 0
}

@test "a layer's own addresses are not followed" {
	login
	refused foreign 4 "has no sha256:1111"
	requests | grep stolen && return 1
	return 0
}

@test "nothing is taken from a server with a certificate that nobody knows, unless the user says so" {
	unset SSL_CERT_FILE
	refused fine 6 "certificate" "certs.d/localhost:5001/ca.crt"
	fetch -q --insecure-options=tls fetch localhost:5001/fine/x:1
	assert_exit 0
}
