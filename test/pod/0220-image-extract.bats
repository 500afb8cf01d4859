# SPDX-License-Identifier: Apache-2.0
# extract: the same files as other tools' own unpack gives, for images that other tools made.
load lib
load image

setup() { need_tools umoci skopeo setfattr setcap; }

file_setup()
{
	has_tools umoci skopeo setfattr setcap || return 0
	cd "$BATS_FILE_TMPDIR" || return 1
	layout_make "$BATS_FILE_TMPDIR/layout" "$BATS_FILE_TMPDIR/bundle" >/dev/null 2>&1
	rm -rf bundle
	umoci unpack --image "$BATS_FILE_TMPDIR/layout:base" bundle >/dev/null 2>&1
	rocket -q image import layout umoci >/dev/null
}

same() { "$BATS_TEST_DIRNAME/tree-diff.py" "$@"; }

@test "an image by umoci: owner, mode, time, xattrs, hard links, whiteouts" {
	rocket -q image extract umoci "$BATS_TEST_TMPDIR/root"
	same "$BATS_FILE_TMPDIR/bundle/rootfs" "$BATS_TEST_TMPDIR/root"
}

@test "the same through skopeo, with zstd, and as a docker-archive" {
	cd "$BATS_TEST_TMPDIR"
	skopeo copy -q --dest-compress-format zstd "oci:$BATS_FILE_TMPDIR/layout:base" "oci-archive:$PWD/zstd.tar:z"
	skopeo copy -q "oci:$BATS_FILE_TMPDIR/layout:base" "docker-archive:$PWD/docker.tar:d:1"
	rocket -q image import zstd.tar zstd >/dev/null
	rocket -q image import docker.tar docker >/dev/null
	rocket -q image extract zstd zstd
	rocket -q image extract docker docker
	same "$BATS_FILE_TMPDIR/bundle/rootfs" zstd
	same "$BATS_FILE_TMPDIR/bundle/rootfs" docker
}

@test "an image by buildah" {
	command -v buildah >/dev/null || skip "buildah is not installed"
	cd "$BATS_TEST_TMPDIR"
	tree_make tree
	local work mount
	export STORAGE_DRIVER=vfs
	buildah() { command buildah --root "$BATS_TEST_TMPDIR/s" --runroot "$BATS_TEST_TMPDIR/r" "$@"; }
	work=$(buildah from scratch)
	mount=$(buildah mount "$work")
	cp -a tree/. "$mount/"
	buildah umount "$work"
	buildah config --cmd /bin/sh "$work"
	buildah commit -q "$work" "oci:$PWD/made:b"
	buildah rm "$work"
	umoci unpack --image "$PWD/made:b" bundle >/dev/null 2>&1
	rocket -q image import made buildah >/dev/null
	rocket -q image extract buildah root
	same bundle/rootfs root
}

@test "the view that pods mount has the same files, and mount points beside" {
	cd "$BATS_TEST_TMPDIR"
	rocket -q image extract umoci root
	run_rocket run -q --rm umoci -- /bin/busybox cat /etc/conf.d/second
	assert_exit 0
	assert_out second
}

@test "a directory that is not empty is refused, or merged with --force" {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p root/etc/conf.d root/bin/sh
	printf mine >root/mine
	printf mine >root/etc/conf.d/hello
	ln -s "$BATS_TEST_TMPDIR/outside" root/usr
	mkdir outside
	run_rocket image extract umoci root
	assert_error 3 "not empty"
	[ "$(find root | wc -l)" = 8 ]
	rocket -q image extract --force umoci root
	[ "$(cat root/mine)" = mine ]
	[ -z "$(ls -A outside)" ]
	touch -r root before
	rm root/mine
	touch -r before root
	same "$BATS_FILE_TMPDIR/bundle/rootfs" root
}

@test "into an empty directory; where the disk is full nothing stays" {
	cd "$BATS_TEST_TMPDIR"
	mkdir root small
	rocket -q image extract umoci root/
	same "$BATS_FILE_TMPDIR/bundle/rootfs" root
	mount -t tmpfs -o size=512k tmpfs small
	run_rocket image extract umoci small
	assert_error 1 "No space left"
	run_rocket image extract umoci small/new
	assert_error 1 "No space left"
	[ -z "$(ls -A small)" ]
	umount small
	run_rocket image extract umoci none/new
	assert_error 1 none
}

@test "an ordinary user gets the files without owners and devices, and is told" {
	# Below the tests' own folder nobody else may go.
	local place
	place=$(mktemp -d /tmp/rocket-user.XXXXXX)
	chmod 0777 "$place"
	rocket -q image export umoci "$place/out.tar"
	chmod 0644 "$place/out.tar"
	as_user() { setpriv --reuid 65534 --regid 65534 --clear-groups "$ROCKET" --dir "$place/dir" "$@" 3>&-; }
	run as_user -q image import "$place/out.tar" umoci
	[ "$status" -eq 0 ]
	run --separate-stderr as_user image extract umoci "$place/root"
	[ "$status" -eq 0 ]
	[[ $stderr = *"left out"* ]]
	[ "$(cat "$place/root/etc/conf.d/second")" = second ]
	[ "$(stat -c %u "$place/root/etc/conf.d/hello")" = 65534 ]
	rm -rf "$place"
}
