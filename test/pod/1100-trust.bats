# SPDX-License-Identifier: Apache-2.0
# What is fetched runs when somebody who is trusted signed it, when a rule says so, or when it is pinned; and else not. The
# registry is Debian's docker-registry on loopback; signatures are Rocket's, cosign's (where it is installed) and gpg's.
load lib
load registry

P=5100

file_setup()
{
	need_tools docker-registry skopeo openssl gpg gpgv
	certs_make "$BATS_FILE_TMPDIR/certs" || return 1
	cd "$BATS_FILE_TMPDIR" || return 1
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/certs/ca.crt
	registry_start $P "$PWD/certs"
	echo "$registries" >registries
	for key in one two; do
		openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $key.pem 2>/dev/null
		openssl pkey -in $key.pem -pubout -out $key.pub
	done
	export GNUPGHOME=$BATS_FILE_TMPDIR/gnupg
	mkdir -m 700 "$GNUPGHOME"
	gpg --batch --quiet --passphrase '' --quick-gen-key one@example.com ed25519 sign 0 2>/dev/null
	gpg --armor --export one@example.com >gpg.pub
	gpgconf --kill all
	own_settings "$PWD"
	rocket -q push box localhost:$P/plain/box:1 >/dev/null
	rocket -q push --sign one.pem box localhost:$P/team/box:1 >/dev/null
}

need_tools() { local t; for t; do command -v "$t" >/dev/null || skip "$t is not installed"; done; }

file_teardown() { registries=$(cat "$BATS_FILE_TMPDIR/registries"); registries_stop; }

setup()
{
	own_settings "$BATS_TEST_TMPDIR"
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/certs/ca.crt GNUPGHOME=$BATS_FILE_TMPDIR/gnupg
	cd "$BATS_FILE_TMPDIR"
	STORE=$BATS_TEST_TMPDIR/store
	mkdir "$BATS_TEST_TMPDIR/containers"
	mount --bind "$BATS_TEST_TMPDIR/containers" /etc/containers
	policy '{"default":[{"type":"insecureAcceptAnything"}]}'
}

test_teardown()
{
	umount /etc/containers
	gpgconf --kill all
}

policy() { echo "$1" >/etc/containers/policy.json; }
here() { "$ROCKET" --dir "$STORE" "$@" 3>&-; }
run_here() { run --separate-stderr here "$@"; }
runs() { run_here run --rm "$@" -- echo ran && assert_exit 0 && assert_out ran; }
judged() { here image inspect "$1" | jq -r ".[0].judged[] | select(.name == \"$1\") | $2"; }

@test "what nobody vouches for is fetched and does not run; a pin lets exactly it run" {
	run_here fetch localhost:$P/plain/box:1
	assert_exit 0
	[[ $stderr = *"will not run: no rule covers localhost:$P/plain (policy: /etc/containers/policy.json, default)"* ]]
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_error 5 "localhost:$P/plain/box:1 is not signed by anyone you trust" "no rule covers localhost:$P/plain" \
		"rocket trust add --digest localhost:$P/plain/box:1"
	run_here --insecure-options=image run --rm localhost:$P/plain/box:1 -- echo ran
	assert_out ran
	run_here trust add --digest localhost:$P/plain/box:1
	assert_exit 0
	[[ $stderr = *"exactly sha256:"* ]]
	id=$output
	runs localhost:$P/plain/box:1
	[ "$(judged localhost:$P/plain/box:1 .how)" = pinned ]
	[ "$(here trust list -o json | jq -r '.[0] | .kind + " " + .who + " " + (.added | .[0:2])')" = "pin root 20" ]
	here -q trust rm "$id"
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_error 5
	# Under a name of this host it is the same image.
	here image tag localhost:$P/plain/box:1 mine
	run_here run --rm mine -- echo ran
	assert_error 5
}

@test "fetch --trust pins what came; run fetches and asks the same question" {
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_exit 5
	run_here fetch --trust localhost:$P/plain/box:1
	assert_exit 0
	[[ $stderr = *"trusted from now on: localhost:$P/plain/box"*"exactly sha256:"*"pinned by pin"* ]]
	runs localhost:$P/plain/box:1
	# Built or imported here: no question.
	rocket image export box "$BATS_TEST_TMPDIR/box.tar"
	here -q image import "$BATS_TEST_TMPDIR/box.tar" own >/dev/null
	runs own
}

@test "a key bound to names: signed by push --sign in both layouts, and by nobody else" {
	here -q trust add one.pub --prefix localhost:$P/team >/dev/null
	run_here fetch localhost:$P/team/box:1
	assert_exit 0
	[[ $stderr = *"signed by rule"*"SHA256:"* ]]
	runs localhost:$P/team/box:1
	[ "$(here image inspect localhost:$P/team/box:1 | jq -r '[.[0].artifacts[].kind] | sort | join(" ")')" = "bundle cosign" ]
	[ "$(judged localhost:$P/team/box:1 .key)" = "$(here trust list -o json | jq -r '.[0].fingerprint')" ]
	# The image of another repository is not covered; one that is not signed is refused.
	here -q fetch localhost:$P/plain/box:1 >/dev/null
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_error 5 "no rule covers localhost:$P/plain"
	here -q trust add one.pub --prefix localhost:$P/plain >/dev/null
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_error 5 "the signature is for localhost:$P/team/box" "for localhost:$P/plain"
	# The key goes, and what it vouched for does not run any longer; another key does not help.
	here -q trust rm "$(here trust list -o json | jq -r ".[] | select(.for == \"localhost:$P/team\") | .id")"
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	assert_error 5 "no rule covers localhost:$P/team"
	here -q trust add two.pub --prefix localhost:$P >/dev/null
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	assert_error 5 "none of its signatures is by the key"
}

@test "image and signatures copied to another repository do not satisfy that repository's rule" {
	digest=$(skopeo inspect docker://localhost:$P/team/box:1 --format '{{.Digest}}')
	for tag in 1 "${digest/:/-}.sig" "${digest/:/-}"; do
		skopeo --insecure-policy copy -q --all "docker://localhost:$P/team/box:$tag" "docker://localhost:$P/copied/box:$tag"
	done
	here -q trust add one.pub --prefix localhost:$P >/dev/null
	runs localhost:$P/team/box:1
	here -q fetch localhost:$P/copied/box:1 >/dev/null
	run_here run --rm localhost:$P/copied/box:1 -- echo ran
	assert_error 5 "the signature is for localhost:$P/team/box, not for this name"
	# The same digest is here under both names, and each name keeps its answer.
	runs localhost:$P/team/box:1
}

@test "cosign verifies what Rocket signs, and Rocket what cosign signs" {
	need_tools cosign
	export COSIGN_PASSWORD=secret
	local digest
	digest=$(skopeo inspect docker://localhost:$P/team/box:1 --format '{{.Digest}}')
	for bundle in true false; do
		cosign verify --key one.pub --insecure-ignore-tlog --new-bundle-format=$bundle localhost:$P/team/box@"$digest"
	done
	run -1 cosign verify --key two.pub --insecure-ignore-tlog localhost:$P/team/box@"$digest"
	[ -e cosign.key ] || cosign generate-key-pair
	rocket -q push box localhost:$P/cosign/box:1 >/dev/null
	digest=$(skopeo inspect docker://localhost:$P/cosign/box:1 --format '{{.Digest}}')
	here -q trust add cosign.pub --prefix localhost:$P/cosign >/dev/null
	for bundle in false true; do
		cosign sign -y --key cosign.key --tlog-upload=false --use-signing-config=false --new-bundle-format=$bundle \
			localhost:$P/cosign/box@"$digest"
		here -q image rm -f localhost:$P/cosign/box:1 2>/dev/null || true
		here -q gc --grace-period 0 >/dev/null
		runs localhost:$P/cosign/box:1
	done
	# cosign's own locked key signs here.
	rocket -q push --sign cosign.key box localhost:$P/cosign/signed:1 >/dev/null
	digest=$(skopeo inspect docker://localhost:$P/cosign/signed:1 --format '{{.Digest}}')
	cosign verify --key cosign.pub --insecure-ignore-tlog localhost:$P/cosign/signed@"$digest"
	COSIGN_PASSWORD=wrong run_rocket push --sign cosign.key box localhost:$P/cosign/signed:2
	assert_exit 5
}

@test "policy.json is obeyed" {
	here -q fetch localhost:$P/team/box:1 >/dev/null
	policy '{"default":[{"type":"reject"}],"transports":{"docker":{"localhost:'$P'/team":[{"type":"insecureAcceptAnything"}]}}}'
	runs localhost:$P/team/box:1
	[ "$(judged localhost:$P/team/box:1 .how)" = accepted ]
	policy '{"default":[{"type":"insecureAcceptAnything"}],"transports":{"docker":{"localhost:'$P'/team":[{"type":"reject"}]}}}'
	here -q trust add --digest localhost:$P/team/box:1 >/dev/null
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	assert_error 5 "the policy rejects it (policy: /etc/containers/policy.json, docker:localhost:$P/team)"
	here -q trust rm "$(here trust list -q)"
	policy '{"default":[{"type":"reject"}],"transports":{"docker":{"localhost:'$P'":[{"type":"sigstoreSigned","keyPath":"'$PWD'/one.pub","signedIdentity":{"type":"matchRepository"}}]}}}'
	runs localhost:$P/team/box:1
	[[ $(judged localhost:$P/team/box:1 .rule) = "/etc/containers/policy.json, docker:localhost:$P" ]]
	# The key's file changes, and nothing else.
	cp two.pub "$BATS_TEST_TMPDIR/k.pub"
	policy '{"default":[{"type":"reject"}],"transports":{"docker":{"localhost:'$P'":[{"type":"sigstoreSigned","keyPath":"'$BATS_TEST_TMPDIR'/k.pub","signedIdentity":{"type":"matchRepository"}}]}}}'
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	assert_error 5 "none of its signatures is by the key"
	cp one.pub "$BATS_TEST_TMPDIR/k.pub"
	runs localhost:$P/team/box:1
	policy '{"default":[{"type":"ofTheFuture"}]}'
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	assert_error 5 "'ofTheFuture', an unknown type"
	policy '{"default":[{"type":"sigstoreSigned","fulcio":{"caPath":"/x"}}]}'
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	assert_error 5 "keyless certificates (fulcio), which Rocket can't check"
	policy '{"default":['
	run_here run --rm localhost:$P/team/box:1 -- echo ran
	[ "$status" -ne 0 ]
	[[ $stderr = *"/etc/containers/policy.json"* ]]
	run_here trust list
	assert_error 2 "/etc/containers/policy.json"
}

@test "OpenPGP: gpg signs, gpgv checks, by policy and by a rule" {
	here -q fetch localhost:$P/plain/box:1 >/dev/null
	here -q image sign --key gpg:one@example.com localhost:$P/plain/box:1
	policy '{"default":[{"type":"reject"}],"transports":{"docker":{"localhost:'$P'":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"'$PWD'/gpg.pub"}]}}}'
	runs localhost:$P/plain/box:1
	[ "$(judged localhost:$P/plain/box:1 '.how + " " + .layout')" = "signed openpgp" ]
	policy '{"default":[{"type":"reject"}]}'
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_error 5 "the policy rejects it"
	here -q trust add gpg.pub --prefix localhost:$P/plain >/dev/null
	runs localhost:$P/plain/box:1
	# Signed for another name.
	here -q image rm -f localhost:$P/plain/box:1
	here -q gc --grace-period 0 >/dev/null
	here -q fetch localhost:$P/plain/box:1 >/dev/null
	here -q image sign --key gpg:one@example.com --as localhost:$P/other/box:1 localhost:$P/plain/box:1
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	assert_error 5 "the signature is for localhost:$P/other/box:1, not for this name"
}

@test "skopeo accepts Rocket's OpenPGP signature, and its policy the same key" {
	local d=$BATS_TEST_TMPDIR/dir
	here -q fetch --trust localhost:$P/plain/box:1 >/dev/null 2>&1
	here -q image sign --key gpg:one@example.com localhost:$P/plain/box:1
	# The layout of `skopeo copy … dir:`, with the signature put where it belongs.
	skopeo --insecure-policy copy -q docker://localhost:$P/plain/box:1 "dir:$d"
	blob=$(here image inspect localhost:$P/plain/box:1 | jq -r '.[0].artifacts[] | select(.kind == "openpgp") | .digest')
	cp "$STORE/blobs/${blob/:/\/}" "$d/signature-1"
	echo '{"default":[{"type":"signedBy","keyType":"GPGKeys","keyPath":"'$PWD'/gpg.pub","signedIdentity":{"type":"exactReference","dockerReference":"localhost:'$P'/plain/box:1"}}]}' >"$BATS_TEST_TMPDIR/p.json"
	skopeo --policy "$BATS_TEST_TMPDIR/p.json" copy -q --remove-signatures "dir:$d" "oci:$BATS_TEST_TMPDIR/out:1"
	printf x >>"$d/manifest.json"
	run -1 skopeo --policy "$BATS_TEST_TMPDIR/p.json" copy -q --remove-signatures "dir:$d" "oci:$BATS_TEST_TMPDIR/out2:1"
}

@test "rules: what is not clear is refused; what others installed is masked" {
	run_here trust add one.pub
	assert_error 2 "--prefix"
	run_here trust add --prefix localhost:$P
	assert_error 2 "a KEY"
	run_here trust add one.pem --prefix localhost:$P
	assert_error 2 "private key"
	run_here trust add /etc/passwd --prefix localhost:$P
	assert_error 2 "no public key"
	run_here trust add nothing.pub --prefix localhost:$P
	[ "$status" -ne 0 ]
	run_here trust add --digest nothing:1
	assert_exit 4
	run_here trust rm ffffff
	assert_error 4
	# The host's own rules: an /etc over the real one.
	mkdir "$BATS_TEST_TMPDIR/etc"
	mount -t tmpfs tmpfs "$BATS_TEST_TMPDIR/etc"
	mkdir "$BATS_TEST_TMPDIR"/etc/{upper,work}
	here -q trust add --any --prefix localhost:$P >/dev/null
	id=$(here trust list -q)
	mount -t overlay -o "lowerdir=/etc,upperdir=$BATS_TEST_TMPDIR/etc/upper,workdir=$BATS_TEST_TMPDIR/etc/work" overlay /etc
	mkdir -p /etc/rocket/trust.d
	mv "$STORE/trust/$id" /etc/rocket/trust.d/
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	first=$output
	here -q trust rm "$id"
	run_here run --rm localhost:$P/plain/box:1 -- echo ran
	umount /etc
	umount "$BATS_TEST_TMPDIR/etc"
	[ "$first" = ran ]
	assert_error 5
}

@test "what was built stays built when an export of it comes back" {
	mkdir "$BATS_TEST_TMPDIR/src"
	echo '{name: made, arch: amd64, files: [{text: x, to: /x}]}' >"$BATS_TEST_TMPDIR/src/recipe.yaml"
	here -q build "$BATS_TEST_TMPDIR/src" >/dev/null
	here image export made "$BATS_TEST_TMPDIR/made.tar"
	here -q image import "$BATS_TEST_TMPDIR/made.tar" again >/dev/null
	[ "$(here image list -o json | jq -r '[.[].vouched] | unique | join(" ")')" = built ]
}
