# SPDX-License-Identifier: Apache-2.0
# How an image's files reach a pod: one EROFS mount shared by all of its pods where the kernel has it, else a directory.
load lib
load image

file_setup()
{
	layer_make
	small_make small '{"Cmd":["/bin/sh"],"Env":["PATH=/bin"]}'
}

# Mounts below a state folder's run directory.
views() { awk -v d="$1/run/views/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo; }

# Does this kernel mount EROFS from a file where DIR lies?
erofs_serves() { [ -n "$(views "$1")" ]; }

@test "pods of one image share one mount, and the last one takes it away" {
	# The first one keeps its mount to itself.
	rocket run -d -q --name a small -- sh -c 'while :; do sleep 1; done'
	rocket run -d -q --name b small -- sh -c 'while :; do sleep 1; done'
	erofs_serves "$ROCKET_DIR" || skip "this kernel has no file-backed EROFS"
	[ "$(views "$ROCKET_DIR" | wc -l)" = 1 ]
	[[ $(grep -F "$(views "$ROCKET_DIR")" /proc/self/mountinfo) = *" ro,nosuid,nodev"* ]]
	rocket -q rm -f a
	[ "$(views "$ROCKET_DIR" | wc -l)" = 1 ]
	rocket -q rm -f b
	[ "$(views "$ROCKET_DIR" | wc -l)" = 0 ]
	[ -z "$(find "$ROCKET_DIR/run/views" -mindepth 1 ! -name .lock)" ]
}

@test "what killed supervisors left is swept" {
	# The first one keeps its mount to itself, the second one shares.
	rocket run -d -q --name k small -- sh -c 'while :; do sleep 1; done'
	rocket run -d -q --name l small -- sh -c 'while :; do sleep 1; done'
	erofs_serves "$ROCKET_DIR" || skip "this kernel has no file-backed EROFS"
	kill -9 "$(field k .supervisor_pid)" "$(field l .supervisor_pid)"
	until_true 5 phase_is k exited
	until_true 5 phase_is l exited
	rocket -q image gc
	[ "$(views "$ROCKET_DIR" | wc -l)" = 0 ]
}

@test "an image that a pod needs outlives its name" {
	rocket run -d -q --name n small -- sh -c 'while :; do sleep 1; done'
	rocket image tag small kept
	rocket -q image rm small
	rocket -q image rm kept
	rocket -q image gc --grace-period 0
	run_rocket enter n /bin/sh -c 'echo alive'
	assert_out alive
	rocket -q rm -f n
	rocket -q image gc --grace-period 0
	# Of the two images of this file, box is left.
	[ "$(find "$ROCKET_DIR/images" -type f ! -name '*.*' | wc -l)" = 1 ]
	small_make small ''
}

# A store of its own below DIR, where EROFS can't serve: the same image, the same files.
check_directory_form()
{
	local dir=$1
	"$ROCKET" --dir "$dir/r" -q image import "$BATS_FILE_TMPDIR/small.tar" small >/dev/null
	"$ROCKET" --dir "$dir/r" -q image verify small
	"$ROCKET" --dir "$dir/r" -q image extract small "$BATS_TEST_TMPDIR/root"
	rocket -q image extract small "$BATS_TEST_TMPDIR/here"
	"$BATS_TEST_DIRNAME/tree-diff.py" "$BATS_TEST_TMPDIR/root" "$BATS_TEST_TMPDIR/here"
}

@test "a store on tmpfs: the directory form" {
	local dir=$BATS_TEST_TMPDIR/mnt tree
	mkdir "$dir"
	mount -t tmpfs tmpfs "$dir"
	check_directory_form "$dir"
	run --separate-stderr "$ROCKET" --dir "$dir/r" -q run --rm small -- sh -c 'read line </etc/passwd; echo $line'
	assert_out "root:x:0:0::/:/bin/sh"
	tree=$(echo "$dir"/r/trees/*)
	rm -r "$tree"/{dev,proc,sys} "$tree"/etc/{hosts,hostname,resolv.conf}
	"$BATS_TEST_DIRNAME/tree-diff.py" --no-times "$BATS_TEST_TMPDIR/root" "$tree"
	"$ROCKET" --dir "$dir/r" -q image rm small
	[ -z "$(ls -A "$dir/r/trees")" ]
	umount "$dir"
}

@test "a store on overlayfs" {
	local dir=$BATS_TEST_TMPDIR/mnt
	mkdir "$dir" "$BATS_TEST_TMPDIR"/{lower,upper,work}
	mount -t overlay -o "lowerdir=$BATS_TEST_TMPDIR/lower,upperdir=$BATS_TEST_TMPDIR/upper,workdir=$BATS_TEST_TMPDIR/work" \
		overlay "$dir"
	check_directory_form "$dir"
	# No overlay on an overlay, and no id map: the app has a directory of its own, kept over restarts.
	run --separate-stderr "$ROCKET" --dir "$dir/r" -q run --name p small -- \
		sh -c 'read line </etc/passwd; echo $line; echo more >>/etc/passwd; [ -O / ] && echo mine'
	assert_out "$(printf 'root:x:0:0::/:/bin/sh\nmine')"
	[ "$(stat -c %u "$dir"/r/pods/run/*/small.root/bin/sh)" -gt 65535 ]
	"$ROCKET" --dir "$dir/r" -q start p
	until_true 5 grep -q more "$dir"/r/pods/run/*/small.root/etc/passwd
	"$ROCKET" --dir "$dir/r" -q wait p || true
	[ "$(grep -c more "$dir"/r/pods/run/*/small.root/etc/passwd)" = 2 ]
	run --separate-stderr "$ROCKET" --dir "$dir/r" diff p
	assert_error 3 "carries no overlay"
	"$ROCKET" --dir "$dir/r" -q export p | tar t | grep -x '\(./\)*bin/sh'
	"$ROCKET" --dir "$dir/r" -q rm p
	"$ROCKET" --dir "$dir/r" -q image rm small
	umount "$dir"
}
