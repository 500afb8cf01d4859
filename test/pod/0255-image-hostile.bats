# SPDX-License-Identifier: Apache-2.0
# Archives and documents that were made to break out, to fill up or to mean two things (hostile.py): three lines and
# an exit code, nothing outside touched, nothing half-made inside.
load lib

file_setup()
{
	mkdir "$BATS_FILE_TMPDIR/hostile"
	"$BATS_TEST_DIRNAME/hostile.py" "$BATS_FILE_TMPDIR/hostile"
	# What none of them may change.
	mkdir -m 0750 /canary
	echo untouched >/canary/file
	chmod 0640 /canary/file
}

file_teardown() { rm -rf /canary; }

# Also the times: nothing was changed and changed back.
canary() { find /canary -printf '%p %m %U %T@ %C@\n' | sort; cat /canary/file; }

store() { "$ROCKET" --dir "$BATS_TEST_TMPDIR/store" -q "$@" 3>&-; }

# "refused-bad_size.tar.gz" -> "bad size"
word_of() { basename "$1" | sed 's/\.tar\(\.gz\)*$//; s/^refused-//; s/_/ /g'; }

check_refused()
{
	local file=$1
	run --separate-stderr store image import "$file" x
	[ "$status" -eq 1 ] || [ "$status" -eq 2 ] || [ "$status" -eq 4 ] || { echo "$file: exit code $status"; return 1; }
	[[ $stderr = error:* ]] && [[ $stderr = *$'\n'because:*$'\n'try:* ]] || { echo "$file: $stderr"; return 1; }
	[[ $stderr = *"$(word_of "$file")"* ]] || { echo "$file: $stderr"; return 1; }
	[ -z "$(find "$BATS_TEST_TMPDIR/store" -type f ! -name lock)" ] || { echo "$file left something"; return 1; }
}

@test "what must be refused is, with its reason, and leaves nothing" {
	local before file n=0
	before=$(canary)
	for file in "$BATS_FILE_TMPDIR"/hostile/refused-*; do
		check_refused "$file"
		n=$((n + 1))
	done
	[ "$n" -ge 40 ]
	[ "$(canary)" = "$before" ]
}

@test "the same from a stream" {
	local before file
	before=$(canary)
	for file in "$BATS_FILE_TMPDIR"/hostile/refused-*; do
		run --separate-stderr store image import - x < <(cat "$file")
		[ "$status" -ne 0 ] && [ "$status" -lt 8 ] || { echo "$file: exit code $status"; return 1; }
		[ -z "$(find "$BATS_TEST_TMPDIR/store" -type f ! -name lock)" ] || { echo "$file left something"; return 1; }
	done
	[ "$(canary)" = "$before" ]
}

@test "what stays inside is kept there, in the view and unpacked" {
	local before file name
	before=$(canary)
	for file in "$BATS_FILE_TMPDIR"/hostile/kept-*; do
		name=$(basename "$file" .tar)
		store image import "$file" "$name" >/dev/null
		store image extract "$name" "$BATS_TEST_TMPDIR/$name"
		[ "$(canary)" = "$before" ] || { echo "$name reached outside"; return 1; }
	done
	cd "$BATS_TEST_TMPDIR"
	[ -f kept-absolute/canary/f ]
	[ -f kept-symlink-then-write/canary/f ] && [ -f kept-symlink-then-write/canary/g ]
	[ -d kept-symlink-then-chmod/foo ] && [ ! -L kept-symlink-then-chmod/foo ]
	[ -z "$(getfattr -d -m - kept-overlay-marks/d 2>/dev/null)" ]
	[ "$(cat kept-case/A kept-case/a)" = 12 ]
	[ "$(stat -c %a kept-setid/su)" = 6777 ]
	# Accounts are the image's own regular files or nothing.
	[ -z "$(find store/images -name '*.passwd' -size +0)" ]
	store image verify
}

@test "a bomb is refused before it fills the disk, with little memory" {
	local peak
	run /usr/bin/env time -f %M -o "$BATS_TEST_TMPDIR/peak" "$ROCKET_BUILD/src/libexec/rocket-import" --dir "$BATS_TEST_TMPDIR/store" \
		-q --name x "$BATS_FILE_TMPDIR/hostile/refused-fill_disks.tar.gz"
	[ "$status" -eq 1 ]
	peak=$(tail -n 1 "$BATS_TEST_TMPDIR/peak")
	[ "$peak" -lt 65536 ] || { echo "$peak kB"; return 1; }
}

@test "a damaged layer twice at once fails in seconds and frees the lock" {
	local file="$BATS_FILE_TMPDIR/hostile/refused-checksum_is_wrong.tar.gz" one two
	store image import "$file" a 2>/dev/null &
	one=$!
	store image import "$file" b 2>/dev/null &
	two=$!
	! wait "$one"
	! wait "$two"
	store image gc
}

@test "no bit of a document flipped makes rocket-import crash" {
	local n code
	cp "$BATS_FILE_TMPDIR/hostile/kept-layout.tar" "$BATS_TEST_TMPDIR/flipped.tar"
	for n in $(seq 512 37 4000); do
		python3 - "$BATS_TEST_TMPDIR/flipped.tar" "$BATS_FILE_TMPDIR/hostile/kept-layout.tar" "$n" <<-'P'
			import sys
			b = bytearray(open(sys.argv[2], "rb").read())
			n = int(sys.argv[3])
			b[n] ^= 1 << n % 8
			open(sys.argv[1], "wb").write(b)
		P
		code=0
		store image import "$BATS_TEST_TMPDIR/flipped.tar" x >/dev/null 2>&1 || code=$?
		[ "$code" -lt 8 ] || { echo "byte $n: exit code $code"; return 1; }
	done
}
