# SPDX-License-Identifier: Apache-2.0
# A fetch that is killed at every change of the file system, or meets a full disk: no half image is visible, nothing that was
# there is lost, and the next one goes on.
load lib
load image
load registry

FAULT=$ROCKET_BUILD/test/fault/faultrun

file_setup()
{
	certs_make "$BATS_FILE_TMPDIR/certs" || return 1
	cd "$BATS_FILE_TMPDIR" || return 1
	layout_make "$PWD/layout" "$PWD/bundle" >/dev/null 2>&1
	registry_start 5000 "$PWD/certs" || return 1
	echo "$registries" >registries
	skopeo copy -q --dest-cert-dir "$PWD/certs/peers" oci:layout:base docker://localhost:5000/small:1
	umoci unpack --image layout:base big >/dev/null 2>&1
	head -c 20000000 /dev/urandom >big/rootfs/noise
	umoci repack --image layout:big big >/dev/null 2>&1
	skopeo copy -q --dest-cert-dir "$PWD/certs/peers" oci:layout:big docker://localhost:5000/big:1
	# An image that is there before, and must stay.
	layer_make
	small_make other '{"Cmd":["true"]}'
}

file_teardown() { registries=$(cat "$BATS_FILE_TMPDIR/registries"); registries_stop; }

setup()
{
	own_settings "$BATS_TEST_TMPDIR"
	export SSL_CERT_FILE=$BATS_FILE_TMPDIR/certs/ca.crt
}

store() { "$ROCKET" --dir "$STORE" -q "$@" 3>&-; }

check_whole()
{
	store image inspect other >/dev/null && store image verify || return 1
	store image gc --grace-period 0 || return 1
	store image inspect other >/dev/null && store image verify
}

@test "fetch, killed at every step" {
	local n total code killed=0 tried=0
	STORE=$BATS_TEST_TMPDIR/base
	store image import "$BATS_FILE_TMPDIR/other.tar" other >/dev/null
	cp -a "$STORE" "$BATS_TEST_TMPDIR/counted"
	"$FAULT" --count "$BATS_TEST_TMPDIR/count" "$ROCKET" --dir "$BATS_TEST_TMPDIR/counted" -q fetch localhost:5000/small:1 >/dev/null 3>&-
	total=$(cat "$BATS_TEST_TMPDIR/count")
	[ "$total" -gt 20 ]
	STORE=$BATS_TEST_TMPDIR/store
	# Every third place: the steps of an import are all met in 0240.
	for ((n = 1 + RANDOM % 3; n <= total; n += 3)); do
		tried=$((tried + 1))
		rm -rf "$STORE"
		cp -a "$BATS_TEST_TMPDIR/base" "$STORE"
		code=0
		"$FAULT" "$n" "$ROCKET" --dir "$STORE" -q fetch localhost:5000/small:1 >/dev/null 2>&1 3>&- || code=$?
		[ $code -ne 137 ] || killed=$((killed + 1))
		[ $((n % 2)) -ne 0 ] || check_whole || { echo "killed at $n of $total"; return 1; }
		store fetch localhost:5000/small:1 >/dev/null
		store image verify
		[ "$(store image list -o name | tr '\n' ' ')" = "localhost:5000/small:1 other:latest " ]
	done
	[ "$killed" -ge $((tried - 3)) ]
}

@test "a full disk: said so, nothing half, what was there stays, and it goes on when there is room" {
	local disk=$BATS_TEST_TMPDIR/disk
	mkdir "$disk"
	mount -t tmpfs -o size=16m tmpfs "$disk"
	STORE=$disk/store
	store image import "$BATS_FILE_TMPDIR/other.tar" other >/dev/null
	run --separate-stderr store fetch localhost:5000/big:1
	assert_error 1 "No space left" "rocket gc"
	[ "$(store image list -o name)" = other:latest ]
	store image verify
	[ -z "$(find "$STORE/tmp" -name 'part.*' -size +1k)" ] || store image gc --grace-period 0
	store image gc --grace-period 0
	mount -o remount,size=64m "$disk"
	store fetch localhost:5000/big:1 >/dev/null
	store image verify
	umount "$disk"
}

@test "df counts what a fetch left, as du does; gc takes it away" {
	STORE=$BATS_TEST_TMPDIR/store
	store fetch localhost:5000/big:1 >/dev/null
	head -c 3000000 /dev/urandom >"$STORE/tmp/part.$(printf '0%.0s' {1..64})"
	local ours du
	ours=$("$ROCKET" --dir "$STORE" df -o json | jq '[.. | .bytes? // empty] | add')
	du=$(du -sB1 "$STORE" | cut -f1)
	echo "df: $ours, du: $du"
	[ "$ours" -gt $((du * 9 / 10)) ] && [ "$ours" -lt $((du * 11 / 10)) ]
	store image gc --grace-period 0
	[ -z "$(ls "$STORE/tmp")" ]
	store image rm localhost:5000/big:1
	store image gc --grace-period 0
	[ -z "$(find "$STORE" -type f ! -name lock ! -name .lock)" ]
}

@test "many fetches of the same at once" {
	local i
	STORE=$BATS_TEST_TMPDIR/store
	for i in 1 2 3 4; do
		store fetch localhost:5000/big:1 --name "n$i" >/dev/null &
	done
	for i in 1 2 3 4; do
		wait -n
	done
	[ "$(store image list -o name | wc -l)" = 4 ]
	store image verify
	[ -z "$(ls "$STORE/tmp")" ]
}
