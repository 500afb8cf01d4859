#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every channel between every pair of distances, to the host and to a second pod, against the table in docs/distances.md.
load lib

DOC=$BATS_TEST_DIRNAME/../../docs/distances.md
MATRIX=$ROCKET_BUILD/test/pod/matrix
[ -e "$MATRIX" ] || MATRIX=$ROCKET_BUILD/matrix

file_setup()
{
	cp "$MATRIX" "$BATS_FILE_TMPDIR/matrix"
	PROBE=$MATRIX image_make far
}

# The programs of an image have fixed names: far has the matrix program where others have the probe.
matrix() { rocket enter "$1" probe "$2"; }

pod_of_six()
{
	cat >"$BATS_TEST_TMPDIR/pod.yaml" <<-EOP
	pod: $1
	apps:
	  j1: {image: far, distance: joined, args: [sleep, "1000"]}
	  j2: {image: far, distance: joined, args: [sleep, "1000"]}
	  c1: {image: far, args: [sleep, "1000"]}
	  c2: {image: far, args: [sleep, "1000"]}
	  a1: {image: far, distance: apart, args: [sleep, "1000"]}
	  a2: {image: far, distance: apart, args: [sleep, "1000"]}
	EOP
	rocket run -d -f "$BATS_TEST_TMPDIR/pod.yaml" >/dev/null
}

hold()
{
	matrix "$1" hold >"$BATS_TEST_TMPDIR/hold" 2>&1 &
	held=$!
	until_true 10 grep -q ready "$BATS_TEST_TMPDIR/hold" || { cat "$BATS_TEST_TMPDIR/hold" >&2; return 1; }
}

release()
{
	rocket enter "$1" killall matrix-held
	wait "$held" || true
}

# One column of the table: "tcp open" lines.
column()
{
	awk -F' *[|] *' -v c="$1" '/^[|] channel/ { for (i = 3; i < NF; i++) if ($i == c) at = i; next }
		at && /^[|]-/ { next } at && !/^[|]/ { exit } at { print $2, $at }' "$DOC"
}

# What the prober found is what the page says, line by line.
compare()
{
	local want
	want=$(column "$1")
	[ "$(wc -l <<<"$want")" -ge 19 ] || { echo "no column $1 in $DOC" >&2; return 1; }
	diff <(echo "$want") - >&2 || { echo "differs from the table: $1" >&2; return 1; }
}

@test "between the apps of a pod" {
	pod_of_six six
	hold six/j2
	matrix six/j1 try | compare joined–joined
	release six/j2
	hold six/c2
	matrix six/j1 try | compare joined–close
	matrix six/c1 try | compare close–close
	matrix six/a1 try | compare close–apart
	release six/c2
	hold six/a2
	matrix six/c1 try | compare close–apart
	matrix six/j1 try | compare joined–apart
	matrix six/a1 try | compare apart–apart
	release six/a2
}

@test "to the host" {
	pod_of_six six
	"$BATS_FILE_TMPDIR/matrix" hold >"$BATS_TEST_TMPDIR/hold" 3>&- &
	local app
	held=$!
	until_true 10 grep -q ready "$BATS_TEST_TMPDIR/hold"
	for app in j1 c1 a1; do
		matrix six/$app try | compare "to the host" || { kill $held; return 1; }
	done
	kill $held
	wait $held || true
}

@test "to another pod" {
	pod_of_six six
	local app
	for app in joined close apart; do
		rocket run -d --name far --distance $app far -- sleep 1000 >/dev/null
		hold far
		matrix six/a1 try | compare "to another pod"
		matrix six/c1 try | compare "to another pod"
		release far
		rocket rm -f far >/dev/null
	done
}
