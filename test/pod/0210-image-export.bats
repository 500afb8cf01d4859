# SPDX-License-Identifier: Apache-2.0
# Images out of the store and in again, here and through other tools: the same digests, the same files.
load lib
load image

setup() { need_tools umoci skopeo setfattr setcap; }

file_setup()
{
	has_tools umoci skopeo setfattr setcap || return 0
	cd "$BATS_FILE_TMPDIR" || return 1
	layout_make "$BATS_FILE_TMPDIR/layout" "$BATS_FILE_TMPDIR/bundle" >/dev/null 2>&1
	# umoci's layers are compressed; this is the same image with plain tars.
	skopeo copy -q --dest-decompress "oci:$BATS_FILE_TMPDIR/layout:base" "dir:$BATS_FILE_TMPDIR/plain"
	skopeo copy -q --dest-oci-accept-uncompressed-layers "dir:$BATS_FILE_TMPDIR/plain" \
		"oci-archive:$BATS_FILE_TMPDIR/plain.tar:plain:1"
	rocket -q image import "$BATS_FILE_TMPDIR/layout" zipped:1 >/dev/null
	rocket -q image import "$BATS_FILE_TMPDIR/plain.tar" plain:1 >/dev/null
}

# A second store, to import into what the first one exported.
again() { "$ROCKET" --dir "$BATS_FILE_TMPDIR/again" "$@"; }
again_digests() { again image inspect "$1" -o json | jq -r '.[0] | .digest, .id, .layers[].diff_id'; }

test_teardown() { rm -rf "$BATS_FILE_TMPDIR/again"; }

@test "plain layers: layout and archive keep the manifest's digest" {
	cd "$BATS_TEST_TMPDIR"
	rocket -q image export plain:1 out.tar
	rocket -q image export plain:1 out/
	again -q image import out.tar a:1
	again -q image import out b:1
	[ "$(again_digests a:1)" = "$(digests_of plain:1)" ]
	[ "$(again_digests b:1)" = "$(digests_of plain:1)" ]
	[ "$(skopeo inspect "oci-archive:$PWD/out.tar" | jq -r .Digest)" = "$(digests_of plain:1 | head -1)" ]
	[ "$(skopeo inspect "oci:$PWD/out" | jq -r .Digest)" = "$(digests_of plain:1 | head -1)" ]
}

@test "the same image gives the same bytes, to a file, a pipe and stdout" {
	cd "$BATS_TEST_TMPDIR"
	rocket -q image export plain:1 one.tar
	rocket -q image export plain:1 - | cmp - one.tar
	rocket -q save plain:1 | cmp - one.tar
	mkfifo pipe
	cmp pipe one.tar &
	rocket -q image export --format oci-archive plain:1 pipe
	wait $!
	again -q image import - piped:1 <one.tar
	[ "$(again_digests piped:1)" = "$(digests_of plain:1)" ]
}

@test "compressed layers: the same config and tars, a new manifest, and it says so" {
	cd "$BATS_TEST_TMPDIR"
	run_rocket image export zipped:1 out.tar -o json
	assert_exit 0
	[ "$(jq -r .exact <<<"$output")" = false ]
	[ "$(jq -r .original_manifest_digest <<<"$output")" = "$(digests_of zipped:1 | head -1)" ]
	[[ $stderr = *"Signatures of the old one do not hold"* ]]
	again -q image import out.tar z:1
	[ "$(again_digests z:1 | tail -n +2)" = "$(digests_of zipped:1 | tail -n +2)" ]
	# Rocket finds the manifest that it came with beside: there it is the same image again.
	[ "$(again_digests z:1 | head -1)" = "$(jq -r .original_manifest_digest <<<"$output")" ]
}

@test "docker-archive: the same config and tars, and skopeo and podman read it" {
	cd "$BATS_TEST_TMPDIR"
	rocket -q image export --format docker-archive zipped:1 out.tar
	again -q image import out.tar
	[ "$(again_digests zipped:1 | tail -n +2)" = "$(digests_of zipped:1 | tail -n +2)" ]
	skopeo copy -q "docker-archive:$PWD/out.tar" "oci:$PWD/back:b"
	umoci unpack --image "$PWD/back:b" bundle >/dev/null 2>&1
	rocket -q image extract zipped:1 root
	"$BATS_TEST_DIRNAME/tree-diff.py" bundle/rootfs root
}

@test "a place that can't be written is refused and nothing is left" {
	mkdir "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here"
	run_rocket image export plain:1 none/out.tar
	assert_error 1 "none/out.tar"
	mkdir full && : >full/file
	run_rocket image export plain:1 full
	assert_error 3 "not empty"
	run_rocket image export --format aci plain:1 out.aci
	assert_error 2 aci
	run_rocket image export --format zip plain:1 out
	assert_error 2 zip
	run_rocket image export plain:2 out
	assert_exit 4
	mkdir small && mount -t tmpfs -o size=256k tmpfs small
	run_rocket image export plain:1 small/out.tar
	assert_error 1 "No space left"
	run_rocket image export plain:1 small/out/
	assert_error 1 "No space left"
	[ -z "$(ls -A small)" ]
	umount small
	rmdir small
	[ "$(find . -mindepth 1 | sort)" = "$(printf './full\n./full/file')" ] || { find .; return 1; }
}

@test "a file that is there is replaced only when the new one is whole" {
	cd "$BATS_TEST_TMPDIR"
	printf old >out.tar
	cp "$ROCKET_DIR/blobs/sha256/$(digests_of plain:1 | sed -n '3s/sha256://p')" kept
	mkdir small && mount -t tmpfs -o size=256k tmpfs small
	printf old >small/out.tar
	run_rocket image export plain:1 small/out.tar
	assert_exit 1
	[ "$(cat small/out.tar)" = old ]
	umount small
	rocket -q image export plain:1 out.tar
	tar tf out.tar >/dev/null
}
