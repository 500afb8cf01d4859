# SPDX-License-Identifier: Apache-2.0
# Killed at every change of the file system that a command makes, the store shows the old or the new, never
# half an image; the next command works; gc leaves nothing.
load lib
load image

FAULT=$ROCKET_BUILD/test/fault/faultrun

file_setup()
{
	cd "$BATS_FILE_TMPDIR" || return 1
	layer_make
	small_make small '{"Cmd":["true"]}'
	rocket -q image rm small
	# Of the same layer, and of another one.
	small_make sharing '{"Cmd":["false"]}'
	printf more >layer/more
	tar -C layer --numeric-owner --sort=name -cf layer.tar .
	small_make other '{"Cmd":["true"]}'
	rocket -q image rm sharing other
}

store() { "$ROCKET" --dir "$STORE" -q "$@" 3>&-; }

# How many times a command changes the file system.
count_calls()
{
	"$FAULT" --count "$BATS_TEST_TMPDIR/count" "$@" >/dev/null 3>&-
	cat "$BATS_TEST_TMPDIR/count"
}

# Runs a command that is killed at its n-th change; counts how often it came to that in $killed.
kill_at()
{
	local code=0
	"$FAULT" "$@" >/dev/null 2>&1 3>&- || code=$?
	[ $code -ne 137 ] || killed=$((killed + 1))
}

# Threads make the count differ by a few from run to run; nearly all attempts must have hit.
check_killed()
{
	[ "$killed" -ge $(($1 - 4)) ] || { echo "killed $killed times of $1"; return 1; }
}

# What is listed is whole, and a sweep leaves what the list needs.
check_whole()
{
	local names
	names=$(store image list -o name) || return 1
	if [ -n "$names" ]; then
		store image verify || return 1
	fi
	store image gc --grace-period 0 || return 1
	[ "$(store image list -o name)" = "$names" ] || return 1
	if [ -n "$names" ]; then
		store image verify
	else
		[ -z "$(find "$STORE" -type f ! -name lock ! -name .lock)" ] || { find "$STORE" -type f; return 1; }
	fi
}

@test "import, killed at every step" {
	local n total killed=0
	STORE=$BATS_TEST_TMPDIR/counted
	total=$(count_calls "$ROCKET" --dir "$STORE" -q image import "$BATS_FILE_TMPDIR/small.tar" small)
	[ "$total" -gt 20 ]
	STORE=$BATS_TEST_TMPDIR/store
	for ((n = 1; n <= total; n++)); do
		rm -rf "$STORE"
		kill_at "$n" "$ROCKET" --dir "$STORE" -q image import "$BATS_FILE_TMPDIR/small.tar" small
		check_whole || { echo "killed at $n of $total"; return 1; }
		store image import "$BATS_FILE_TMPDIR/small.tar" small >/dev/null
		[ "$(store image list -o name)" = small:latest ]
		store image verify
	done
	check_killed "$total"
}

@test "import over an image of the same name and another: old or new" {
	local n total old killed=0
	STORE=$BATS_TEST_TMPDIR/base
	store image import "$BATS_FILE_TMPDIR/small.tar" name >/dev/null
	old=$(store image inspect name -o json | jq -r '.[0].id')
	cp -a "$STORE" "$BATS_TEST_TMPDIR/counted"
	total=$(count_calls "$ROCKET" --dir "$BATS_TEST_TMPDIR/counted" -q image import "$BATS_FILE_TMPDIR/other.tar" name)
	for ((n = 1; n <= total; n += 1)); do
		STORE=$BATS_TEST_TMPDIR/store
		rm -rf "$STORE"
		cp -a "$BATS_TEST_TMPDIR/base" "$STORE"
		kill_at "$n" "$ROCKET" --dir "$STORE" -q image import "$BATS_FILE_TMPDIR/other.tar" name
		check_whole || { echo "killed at $n of $total"; return 1; }
		[ "$(store image list -o name)" = name:latest ]
		store image import "$BATS_FILE_TMPDIR/other.tar" name >/dev/null
		[ "$(store image inspect name -o json | jq -r '.[0].id')" != "$old" ]
	done
	check_killed "$total"
}

@test "rm and gc, killed at every step" {
	local n total verb killed
	STORE=$BATS_TEST_TMPDIR/base
	store image import "$BATS_FILE_TMPDIR/small.tar" small >/dev/null
	store image import "$BATS_FILE_TMPDIR/sharing.tar" other >/dev/null
	for verb in "rm small" "gc --grace-period 0"; do
		rm -rf "$BATS_TEST_TMPDIR/counted"
		cp -a "$BATS_TEST_TMPDIR/base" "$BATS_TEST_TMPDIR/counted"
		[ "$verb" = "rm small" ] || rm "$BATS_TEST_TMPDIR/counted/refs/small:latest"
		total=$(count_calls "$ROCKET" --dir "$BATS_TEST_TMPDIR/counted" -q image $verb)
		[ "$total" -gt 5 ]
		killed=0
		for ((n = 1; n <= total; n++)); do
			STORE=$BATS_TEST_TMPDIR/store
			rm -rf "$STORE"
			cp -a "$BATS_TEST_TMPDIR/base" "$STORE"
			[ "$verb" = "rm small" ] || rm "$STORE/refs/small:latest"
			kill_at "$n" "$ROCKET" --dir "$STORE" -q image $verb
			check_whole || { echo "$verb killed at $n of $total"; return 1; }
			store image inspect other >/dev/null
			store image rm -f small
			store image rm other
			store image gc --grace-period 0
			[ -z "$(find "$STORE" -type f ! -name lock ! -name .lock)" ]
		done
		check_killed "$total"
	done
}

@test "verify --repair, killed at every step" {
	local n total view killed=0
	STORE=$BATS_TEST_TMPDIR/base
	store image import "$BATS_FILE_TMPDIR/small.tar" small >/dev/null
	view=views/$(store image inspect small -o json | jq -r '.[0].view').erofs
	printf X | dd of="$STORE/$view" bs=1 seek=1300 conv=notrunc 2>/dev/null
	cp -a "$STORE" "$BATS_TEST_TMPDIR/counted"
	total=$(count_calls "$ROCKET" --dir "$BATS_TEST_TMPDIR/counted" -q image verify --repair)
	for ((n = 1; n <= total; n++)); do
		STORE=$BATS_TEST_TMPDIR/store
		rm -rf "$STORE"
		cp -a "$BATS_TEST_TMPDIR/base" "$STORE"
		kill_at "$n" "$ROCKET" --dir "$STORE" -q image verify --repair
		store image verify --repair
		store image verify
	done
	check_killed "$total"
}

@test "many imports, removals and sweeps at once" {
	local i
	STORE=$BATS_TEST_TMPDIR/store
	for i in 1 2 3 4; do
		(
			for j in 1 2 3 4 5; do
				store image import "$BATS_FILE_TMPDIR/small.tar" "n$i:$j" >/dev/null || exit 1
				store image inspect "n$i:$j" >/dev/null || exit 1
				store image rm "n$i:$((j - 1))" 2>/dev/null || [ "$j" = 1 ] || exit 1
				store image gc --grace-period 0 2>/dev/null || [ $? = 7 ] || exit 1
			done
		) &
	done
	for i in 1 2 3 4; do
		wait -n
	done
	[ "$(store image list -o name | wc -l)" = 4 ]
	store image verify
	store image rm n1:5 n2:5 n3:5 n4:5
	store image gc --grace-period 0
	[ -z "$(find "$STORE" -type f ! -name lock ! -name .lock)" ]
}
