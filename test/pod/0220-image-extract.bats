# SPDX-License-Identifier: Apache-2.0
# extract: the same files as other tools' own unpack gives, for images that other tools made.
load lib
load image

file_setup()
{
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
	run rocket run --rm umoci -- /bin/busybox cat /etc/conf.d/second
	[ "$output" = second ]
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
	rm root/mine
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
	cd "$BATS_TEST_TMPDIR"
	chmod 755 "$BATS_TEST_TMPDIR"
	rocket -q image export umoci out.tar
	chmod 644 out.tar
	mkdir -m 0777 user
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$ROCKET" --dir "$PWD/user/dir" image import out.tar umoci
	assert_exit 0
	run --separate-stderr setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$ROCKET" --dir "$PWD/user/dir" image extract umoci "$PWD/user/root"
	assert_exit 0
	[[ $stderr = *"left out"* ]]
	[ "$(cat user/root/etc/conf.d/second)" = second ]
	[ "$(stat -c %u user/root/etc/conf.d/hello)" = 65534 ]
	chmod -R u+rwX user
}
