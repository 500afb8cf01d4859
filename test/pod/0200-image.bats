# SPDX-License-Identifier: Apache-2.0
# The verbs on images that are in the store: list, inspect, tag, rm, gc, tree.
load lib
load image

# Each test begins with these three: one, two (the same layer below another one) and other.
file_setup() { layer_make; }

setup()
{
	small_make one '{"Cmd":["true"]}'
	small_make two '{"Cmd":["false"]}'
	small_make other '{"Cmd":["true"],"Labels":{"a":"b"}}'
}

test_teardown()
{
	local name
	for name in $(rocket image list -o name); do
		[ "$name" = box:latest ] || rocket -q image rm "$name"
	done
}

names() { rocket image list -o name | tr '\n' ' '; }

@test "list shows every name once, sorted, and as JSON" {
	[ "$(names)" = "box:latest one:latest other:latest two:latest " ]
	run_rocket image list
	assert_exit 0
	assert_has "NAME"
	assert_has "imported"
	run_rocket image list one -o json
	[ "$(jq -r '.[0].name + " " + .[0].vouched' <<<"$output")" = "one:latest imported" ]
	[[ $(jq -r '.[0].id' <<<"$output") =~ ^sha256:[0-9a-f]{64}$ ]]
	[ "$(rocket images -o name)" = "$(rocket image list -o name)" ]
}

@test "an image is found by name, tag, id, prefix and digest" {
	local id digest
	id=$(rocket image inspect two -o json | jq -r '.[0].id')
	digest=$(rocket image inspect two -o json | jq -r '.[0].digest')
	for word in two two:latest "$id" "${id#sha256:}" "${id:7:12}" "$digest" "two@$digest" docker.io/library/two library/two; do
		[ "$(rocket image inspect "$word" -o json | jq -r '.[0].id')" = "$id" ]
	done
}

@test "what is not there is said with the nearest name" {
	run_rocket image inspect tow
	assert_error 4 "tow" "two:latest"
	run_rocket image rm nothing-like-it
	assert_error 4 "nothing-like-it"
	run_rocket image inspect "No Name"
	assert_error 2
	run_rocket image inspect two@sha256:../../../etc/passwd
	assert_exit 2
	run_rocket image rm -f nothing-like-it
	assert_exit 0
}

@test "errors as JSON carry the same three lines and the code" {
	run_rocket image inspect tow -o json
	assert_exit 4
	[ "$(jq -r .code <<<"$stderr")" = 4 ]
	[ "$(jq -r 'has("error") and has("because") and has("try")' <<<"$stderr")" = true ]
}

@test "tag adds a name, and moves one" {
	rocket image tag one registry.example.com:5000/team/one:v1
	[ "$(digests_of registry.example.com:5000/team/one:v1)" = "$(digests_of one)" ]
	rocket tag two registry.example.com:5000/team/one:v1
	[ "$(digests_of registry.example.com:5000/team/one:v1)" = "$(digests_of two)" ]
	run_rocket image tag nothing x
	assert_exit 4
	run_rocket image tag one 'A B'
	assert_error 2
}

@test "rm takes the name, then the image, and leaves what others share" {
	rocket image tag one uno
	local before
	before=$(find "$ROCKET_DIR/blobs" -type f | wc -l)
	rocket -q rmi uno
	[ "$(find "$ROCKET_DIR/blobs" -type f | wc -l)" = "$before" ]
	rocket -q image rm one
	# Its manifest and config went; its layer is two's, too.
	[ "$(find "$ROCKET_DIR/blobs" -type f | wc -l)" = $((before - 2)) ]
	rocket image verify two
	run_rocket image inspect one
	assert_exit 4
}

@test "an id with several names needs --force" {
	local id
	rocket image tag one uno
	id=$(rocket image inspect one -o json | jq -r '.[0].id')
	run_rocket image rm "${id:7:12}"
	assert_error 3 "2 names"
	rocket -q image rm --force "${id:7:12}"
	[ "$(names)" = "box:latest other:latest two:latest " ]
}

@test "gc removes what nobody needs, after the grace period" {
	# A name that vanished some other way leaves the content.
	rm "$ROCKET_DIR/refs/other:latest"
	run_rocket image gc -o json
	[ "$(jq .freed_files <<<"$output")" = 0 ]
	run_rocket image gc --grace-period 0 --dry-run -o json
	local would
	would=$(jq .freed_files <<<"$output")
	[ "$would" -ge 4 ]
	run_rocket image gc --grace-period 0 -o json
	[ "$(jq .freed_files <<<"$output")" = "$would" ]
	run_rocket image gc --grace-period 0 -o json
	[ "$(jq .freed_files <<<"$output")" = 0 ]
	rocket image verify
	run_rocket image gc --grace-period soon
	assert_error 2
}

@test "gc waits for who holds the store" {
	flock --shared "$ROCKET_DIR/lock" sleep 1 &
	local holder=$!
	sleep 0.2
	run_rocket image gc
	assert_error 7
	wait "$holder"
	rocket -q image gc
}

@test "tree shows the layers and who shares them" {
	run_rocket image tree one
	assert_has "also in "
	assert_has "two:latest"
	[ "$(rocket image tree one -o json | jq -r '.[0].layers[0].shared_by | index("two:latest") != null')" = true ]
}

@test "the store is closed to others" {
	[ -z "$(find "$ROCKET_DIR" -maxdepth 2 -perm /077 ! -type l ! -path "*/run*")" ]
}

@test "rm and gc work on a full disk" {
	local small=$BATS_TEST_TMPDIR/small
	mkdir "$small"
	mount -t tmpfs -o size=24m tmpfs "$small"
	rocket image export --format oci-archive one "$BATS_TEST_TMPDIR/one.tar"
	"$ROCKET" --dir "$small" -q image import "$BATS_TEST_TMPDIR/one.tar" full >/dev/null
	dd if=/dev/zero of="$small/filler" bs=64k 2>/dev/null || true
	[ "$(df --output=avail "$small" | tail -1)" -eq 0 ]
	"$ROCKET" --dir "$small" image rm full
	"$ROCKET" --dir "$small" image gc --grace-period 0
	[ "$(find "$small/blobs" "$small/views" "$small/trees" "$small/refs" "$small/images" "$small/dead" -type f | wc -l)" = 0 ]
	umount "$small"
}
