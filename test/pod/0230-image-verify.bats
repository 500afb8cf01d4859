# SPDX-License-Identifier: Apache-2.0
# verify: every changed byte is found, and said with the images that it hits; --repair mends what can be mended.
load lib
load image

file_setup() { layer_make; }

setup()
{
	small_make left '{"Cmd":["true"]}'
	small_make right '{"Cmd":["false"]}'
}

test_teardown()
{
	rocket -q image rm -f left right
	rocket -q image gc --grace-period 0
}

layer_of() { echo "$ROCKET_DIR/blobs/sha256/$(digests_of "$1" | sed -n '3s/sha256://p')"; }
view_of() { echo "$ROCKET_DIR/views/$(rocket image inspect "$1" -o json | jq -r '.[0].view').erofs"; }

# One bit of a byte in the middle.
flip()
{
	local at byte
	at=$(($(stat -c %s "$1") / 2))
	byte=$(dd if="$1" bs=1 skip="$at" count=1 2>/dev/null | od -An -tu1)
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$at" conv=notrunc 2>/dev/null
}

@test "what is whole is good" {
	run_rocket image verify left right
	assert_exit 0
	[[ $stderr = *"good: left:latest"* ]]
	[ "$(rocket image verify -o json | jq -r 'map(.good) | all')" = true ]
}

@test "a changed layer hits all images that have it" {
	flip "$(layer_of left)"
	run_rocket image verify left right
	assert_exit 8
	[[ $stderr = *damaged*left:latest,\ right:latest* ]]
	# The same bit once more: whole again.
	flip "$(layer_of left)"
	rocket -q image verify
}

@test "a changed view, config or manifest hits its image alone" {
	rocket image tag right other
	flip "$ROCKET_DIR/blobs/sha256/$(digests_of left | sed -n '2s/sha256://p')"
	run_rocket image verify left right -o json
	assert_exit 8
	[ "$(jq -r '.[] | select(.good | not) | .name' <<<"$output")" = left:latest ]
	flip "$ROCKET_DIR/blobs/sha256/$(digests_of left | sed -n '2s/sha256://p')"
	flip "$ROCKET_DIR/blobs/sha256/$(digests_of right | sed -n '1s/sha256://p')"
	run_rocket image verify left right -o json
	[ "$(jq -r '.[] | select(.good | not) | .name' <<<"$output")" = right:latest ]
	flip "$ROCKET_DIR/blobs/sha256/$(digests_of right | sed -n '1s/sha256://p')"
	rocket image rm -f other
}

@test "a view is built anew" {
	flip "$(view_of left)"
	run_rocket image verify left
	assert_exit 8
	rocket -q image verify --repair left
	rocket -q image verify left
	rm "$(view_of left)"
	run_rocket image verify left
	assert_exit 8
	rocket -q image verify --repair left
	rocket -q image verify left
}

@test "a damaged layer is taken away, and an import brings it again" {
	flip "$(layer_of left)"
	run_rocket image verify --repair left
	assert_exit 8
	[ ! -e "$(layer_of left)" ]
	small_make left '{"Cmd":["true"]}'
	rocket -q image verify
}

@test "verify of what is not there" {
	run_rocket image verify nothing
	assert_exit 4
}
