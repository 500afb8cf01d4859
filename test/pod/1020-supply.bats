# SPDX-License-Identifier: Apache-2.0
# Images from Rocket to Rocket without a network, between registries, and by appc discovery.
load lib
load image
load registry

file_setup()
{
	certs_make "$BATS_FILE_TMPDIR/certs" || return 1
	cd "$BATS_FILE_TMPDIR" || return 1
	layout_make "$PWD/layout" "$PWD/bundle" >/dev/null 2>&1
	registry_start 5000 "$PWD/certs" || return 1
	registry_start 5003 "$PWD/certs" || return 1
	# appc names have no port: the server is the host's own 443.
	python3 "$BATS_TEST_DIRNAME/appc-server.py" 443 "$PWD/certs" >appc.log 2>&1 3>&- &
	registries="$registries $!"
	until_true 10 port_open 443
	echo "$registries" >registries
	skopeo copy -q --dest-cert-dir "$PWD/certs/peers" oci:layout:base docker://localhost:5000/team/app:1
	put_signature
	put_index
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
ask() { curl -sS --cacert "$BATS_FILE_TMPDIR/certs/ca.crt" "$@"; }
digest_at() { ask -I -H 'Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json' \
	"https://localhost:$1/v2/$2/manifests/$3" | tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" { print $2 }'; }

# PORT REPOSITORY FILE: a blob; prints its digest.
put_blob()
{
	local url digest
	digest=sha256:$(sha256sum "$3" | cut -d' ' -f1)
	url=$(ask -X POST -D - -o /dev/null "https://localhost:$1/v2/$2/blobs/uploads/" | tr -d '\r' | awk 'tolower($1) == "location:" { print $2 }')
	ask -X PUT -H 'Content-Type: application/octet-stream' --data-binary "@$3" "$url&digest=$digest"
	echo "$digest"
}

# A signature in the place where cosign 2 puts it. Nobody trusts its key here: it is to travel with the image.
put_signature()
{
	local digest payload empty
	digest=$(digest_at 5000 team/app 1)
	printf '{"critical":{"identity":{"docker-reference":"localhost:5000/team/app"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
		"$digest" >payload
	printf '{}' >empty
	payload=$(put_blob 5000 team/app payload)
	empty=$(put_blob 5000 team/app empty)
	jq -cn --arg p "$payload" --arg e "$empty" --argjson n "$(stat -c %s payload)" '{schemaVersion: 2,
		mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $e, size: 2},
		layers: [{mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", digest: $p, size: $n,
			annotations: {"dev.cosignproject.cosign/signature": "MEUCIQ=="}}]}' >signature
	ask -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary @signature \
		"https://localhost:5000/v2/team/app/manifests/sha256-${digest#sha256:}.sig"
}

# team/multi:1 is an index with that image for this machine.
put_index()
{
	local digest
	skopeo copy -q --src-cert-dir "$PWD/certs/peers" --dest-cert-dir "$PWD/certs/peers" \
		docker://localhost:5000/team/app:1 docker://localhost:5000/team/multi:only
	digest=$(digest_at 5000 team/multi only)
	jq -cn --arg d "$digest" --arg a "$(dpkg --print-architecture)" --argjson n \
		"$(ask -H 'Accept: application/vnd.oci.image.manifest.v1+json' "https://localhost:5000/v2/team/multi/manifests/$digest" | wc -c)" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [{
			mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $n,
			platform: {os: "linux", architecture: $a}}]}' >multi
	ask -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @multi \
		https://localhost:5000/v2/team/multi/manifests/1
}

@test "export --all and import: manifests, configs and signatures are the same there" {
	rkt -q fetch localhost:5000/team/app:1 localhost:5000/team/multi:1
	rkt -q image import "$BATS_FILE_TMPDIR/layout" local
	rkt image export --all "$BATS_TEST_TMPDIR/usb/"
	[ "$(jq '.manifests | length' "$BATS_TEST_TMPDIR/usb/index.json")" = 3 ]
	local there=$BATS_TEST_TMPDIR/there hex
	"$ROCKET" --dir "$there" -q image import "$BATS_TEST_TMPDIR/usb" 3>&-
	[ "$(rkt image list -o json | jq -S '[.[] | {name, digest, id}]')" = \
		"$("$ROCKET" --dir "$there" image list -o json | jq -S '[.[] | {name, digest, id}]')" ]
	hex=$(rkt image inspect localhost:5000/team/app:1 -o json | jq -r '.[0].digest' | cut -d: -f2)
	[ "$(jq -S . "$STORE/images/$hex.artifacts")" = "$(jq -S . "$there/images/$hex.artifacts")" ]
	grep -q '"cosign"' "$there/images/$hex.artifacts"
	[ "$(jq '.artifacts | length' "$there/images/$hex.artifacts")" = 2 ] # and the index
	"$ROCKET" --dir "$there" -q image verify 3>&-
	"$ROCKET" --dir "$there" -q image gc --grace-period 0 3>&-
	"$ROCKET" --dir "$there" -q image verify 3>&-
	# And on, as a tar and by one name.
	"$ROCKET" --dir "$there" image export --all "$BATS_TEST_TMPDIR/all.tar" 3>&-
	rm -rf "$STORE"
	rkt -q fetch "dir:$BATS_TEST_TMPDIR/usb" localhost:5000/team/app:1
	[ "$(rkt image list -o name)" = localhost:5000/team/app:1 ]
	rkt -q image import "$BATS_TEST_TMPDIR/all.tar"
	[ "$(rkt image list -o name | wc -l)" = 3 ]
	# Other tools read it as any layout.
	skopeo inspect "oci:$BATS_TEST_TMPDIR/usb:localhost:5000/team/app:1" >/dev/null
}

@test "an image is found by the digest of its index, and by no name that only claims it" {
	local index other=sha256:$(printf 'a%.0s' {1..64})
	index=$(digest_at 5000 team/multi 1)
	rkt -q fetch "localhost:5000/team/multi@$index"
	[ "$(rkt image inspect "localhost:5000/team/multi@$index" -o json | jq -r '.[0].digest')" = "$(digest_at 5000 team/app 1)" ]
	rkt -q image import "$BATS_FILE_TMPDIR/layout" "$other"
	try image inspect "localhost:5000/team/multi@$other"
	assert_exit 4
}

@test "an export whose original manifest is of another image, or whose signature was changed, is refused" {
	rkt -q fetch localhost:5000/team/app:1
	rkt image export --all "$BATS_TEST_TMPDIR/usb/"
	cp -a "$BATS_TEST_TMPDIR/usb" "$BATS_TEST_TMPDIR/bad"
	jq -c '.config.digest = "sha256:" + ("0" * 64)' "$BATS_TEST_TMPDIR/usb/blobs/sha256/$(rkt image inspect localhost:5000/team/app:1 -o json |
		jq -r '.[0].digest' | cut -d: -f2)" >"$BATS_TEST_TMPDIR/other"
	local hex
	hex=$(sha256sum "$BATS_TEST_TMPDIR/other" | cut -d' ' -f1)
	cp "$BATS_TEST_TMPDIR/other" "$BATS_TEST_TMPDIR/bad/blobs/sha256/$hex"
	jq -c --arg d "sha256:$hex" '.manifests[0].annotations["rocket.manifest.original"] = $d' "$BATS_TEST_TMPDIR/usb/index.json" \
		>"$BATS_TEST_TMPDIR/bad/index.json"
	run --separate-stderr "$ROCKET" --dir "$BATS_TEST_TMPDIR/there" image import "$BATS_TEST_TMPDIR/bad" 3>&-
	assert_error 1 "contradicts itself"
	jq -c '.manifests[0].annotations["rocket.artifacts"] = "../../x"' "$BATS_TEST_TMPDIR/usb/index.json" >"$BATS_TEST_TMPDIR/bad/index.json"
	run --separate-stderr "$ROCKET" --dir "$BATS_TEST_TMPDIR/there" image import "$BATS_TEST_TMPDIR/bad" 3>&-
	assert_error 1 "no digest"
	hex=$(jq -r '.manifests[0].annotations["rocket.artifacts"]' "$BATS_TEST_TMPDIR/usb/index.json" | cut -d: -f2)
	printf ' ' >>"$BATS_TEST_TMPDIR/usb/blobs/sha256/$hex"
	run --separate-stderr "$ROCKET" --dir "$BATS_TEST_TMPDIR/there" image import "$BATS_TEST_TMPDIR/usb" 3>&-
	assert_error 1 "is not what the image says"
}

@test "mirror: an index with its platform and signature, byte for byte, and twice sends nothing" {
	try image mirror -o json localhost:5000/team/app:1 localhost:5003/copy/app:9
	assert_exit 0
	[ "$(jq -r .digest <<<"$output")" = "$(digest_at 5003 copy/app 9)" ]
	[ "$(digest_at 5000 team/app 1)" = "$(digest_at 5003 copy/app 9)" ]
	[ "$(jq -r .signatures <<<"$output")" = 1 ]
	local hex
	hex=$(digest_at 5000 team/app 1)
	[ "$(digest_at 5000 team/app "sha256-${hex#sha256:}.sig")" = "$(digest_at 5003 copy/app "sha256-${hex#sha256:}.sig")" ]
	try image mirror localhost:5000/team/multi:1 localhost:5003/copy/multi:1
	assert_exit 0
	[ "$(digest_at 5000 team/multi 1)" = "$(digest_at 5003 copy/multi 1)" ]
	try image mirror -o json localhost:5000/team/multi:1 localhost:5003/copy/multi:1
	[ "$(jq -r .sent_bytes <<<"$output")" = 0 ]
	rkt -q fetch localhost:5003/copy/multi:1
	# Within one host blobs are mounted.
	try image mirror -o json localhost:5000/team/app:1 localhost:5000/within/app:1
	[ "$(jq -r .sent_bytes <<<"$output")" = 0 ]
	[ -z "$(ls "$STORE/tmp")" ]
	try image mirror localhost:5000/team/none:1 localhost:5003/x:1
	assert_error 4 "404"
	try image mirror app localhost:5003/x:1
	assert_error 2 "no image"
}

# NAME FILE [KEY=JSON…]: an ACI; its root is FILE's folder.
aci_make()
{
	local name=$1 root=$2 out=$3 more=${4-\{\}} work
	work=$(mktemp -d "$BATS_TEST_TMPDIR/aci.XXXXXX")
	cp -a "$root" "$work/rootfs"
	jq -cn --arg n "$name" --argjson m "$more" '{acKind: "ImageManifest", acVersion: "0.8.11", name: $n,
		labels: [{name: "version", value: "1.2"}, {name: "os", value: "linux"}, {name: "arch", value: "amd64"}]} + $m' >"$work/manifest"
	tar -C "$work" --numeric-owner --owner=0 --group=0 -czf "$out" manifest rootfs
}

www() { echo "$BATS_FILE_TMPDIR/certs/www"; }

@test "appc discovery: a template, labels, dependencies with their whitelist, a signature, keys" {
	mkdir -p "$(www)/acis" "$BATS_TEST_TMPDIR/base/etc" "$BATS_TEST_TMPDIR/app/bin"
	printf base >"$BATS_TEST_TMPDIR/base/etc/kept"
	printf base >"$BATS_TEST_TMPDIR/base/etc/dropped"
	cp "$(command -v busybox)" "$BATS_TEST_TMPDIR/app/bin/busybox"
	aci_make localhost/base "$BATS_TEST_TMPDIR/base" "$(www)/acis/base-1.2-linux-amd64.aci"
	aci_make example.com/deep/app "$BATS_TEST_TMPDIR/app" "$(www)/acis/app-1.2-linux-amd64.aci"
	printf -- '-----BEGIN PGP SIGNATURE-----\n' >"$(www)/acis/app-1.2-linux-amd64.aci.asc"
	skip_unless_amd64
	# The name's host must be this one: /etc/hosts of the test's mount namespace says so.
	cp /etc/hosts "$BATS_TEST_TMPDIR/hosts"
	echo "127.0.0.1 appc.test" >>"$BATS_TEST_TMPDIR/hosts"
	mount --bind "$BATS_TEST_TMPDIR/hosts" /etc/hosts
	aci_make appc.test/base "$BATS_TEST_TMPDIR/base" "$(www)/acis/base-1.2-linux-amd64.aci"
	aci_make appc.test/deep/app "$BATS_TEST_TMPDIR/app" "$(www)/acis/app-1.2-linux-amd64.aci" \
		'{"dependencies": [{"imageName": "appc.test/base", "labels": [{"name": "version", "value": "1.2"}]}],
		  "pathWhitelist": ["/bin/busybox", "/etc/kept"]}'
	mkdir -p "$(www)/deep"
	cat >"$(www)/base.html" <<-'END'
		<html><head><meta name="ac-discovery" content="appc.test/base https://appc.test/acis/base-{version}-{os}-{arch}.{ext}"></head></html>
	END
	cat >"$(www)/deep.html" <<-'END'
		<!DOCTYPE html><html><head><!-- <meta name="ac-discovery" content="appc.test http://evil/"> -->
		<META content='appc.test/other https://appc.test/wrong.{ext}' name=ac-discovery />
		<meta name="ac-discovery" content="appc.test/deep https://appc.test/{unknown}.{ext}">
		<meta name="ac-discovery" content="appc.test/deep https://appc.test/acis/app-{version}-{os}-{arch}.{ext}">
		<meta name="ac-discovery-pubkeys" content="appc.test/deep https://appc.test/keys.gpg"></head>
		<body><meta name="ac-discovery" content="appc.test/deep https://appc.test/body.{ext}"></body></html>
	END
	export SSL_CERT_FILE=
	try --insecure-options=tls fetch aci:appc.test/deep/app:1.2
	umount /etc/hosts
	assert_exit 0
	assert_out appc.test/deep/app:1.2
	[[ $stderr = *"https://appc.test/keys.gpg"* ]]
	[ "$(rkt image list -o name | tr '\n' ' ')" = "appc.test/base:1.2 appc.test/deep/app:1.2 " ]
	grep -q '"aci"' "$STORE"/images/*.artifacts
	rkt image extract appc.test/deep/app:1.2 "$BATS_TEST_TMPDIR/out"
	[ -e "$BATS_TEST_TMPDIR/out/etc/kept" ] && [ ! -e "$BATS_TEST_TMPDIR/out/etc/dropped" ]
	rkt image export appc.test/deep/app:1.2 "$BATS_TEST_TMPDIR/again.aci"
	cmp "$BATS_TEST_TMPDIR/again.aci" <(gzip -dc "$(www)/acis/app-1.2-linux-amd64.aci")
	# What was fetched does not run by itself.
	try run --rm appc.test/deep/app:1.2 /bin/busybox true
	assert_exit 5
}

skip_unless_amd64() { [ "$(dpkg --print-architecture)" = amd64 ] || skip "the ACIs are for amd64"; }
