# SPDX-License-Identifier: Apache-2.0
# What the tests of images share, beside lib.bash: a tree worth unpacking, and images of it by other tools.

has_tools()
{
	local tool
	for tool; do
		command -v "$tool" >/dev/null || return 1
	done
}

# Skips a test where other people's tools are missing, as in the small guest.
need_tools()
{
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

# A tree with all that layers can hold: owners, modes, times, xattrs, hard links, symlinks, FIFO, device, set-id bits.
tree_make()
{
	local root=$1
	mkdir -p "$root"/{bin,etc/conf.d,usr/lib,var/empty,tmp}
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	ln "$root/bin/busybox" "$root/bin/cat"
	printf 'root:x:0:0::/:/bin/sh\n' >"$root/etc/passwd"
	printf 'hello\n' >"$root/etc/conf.d/hello"
	printf 'gone\n' >"$root/etc/conf.d/gone"
	ln -s ../conf.d/hello "$root/etc/conf.d/link"
	ln -s /etc/conf.d "$root/usr/lib/absolute"
	: >"$root/usr/lib/empty"
	chown 1000:2000 "$root/etc/conf.d/hello"
	chown -h 33:33 "$root/etc/conf.d/link"
	chmod 4755 "$root/bin/busybox"
	chmod 0500 "$root/var/empty"
	chmod 1777 "$root/tmp"
	setfattr -n user.note -v remark "$root/etc/conf.d/hello"
	setcap cap_net_bind_service+ep "$root/usr/lib/empty"
	mkfifo -m 0620 "$root/var/fifo"
	mknod -m 0640 "$root/var/null" c 1 3
	truncate -s 70000 "$root/usr/lib/zeros"
	touch -h -d '2021-03-04 05:06:07.123456789' "$root/etc/conf.d/link"
	touch -d '2020-02-03 04:05:06.5' "$root/etc/conf.d/hello"
	touch -d '2019-01-01' "$root/etc/conf.d" "$root/etc" "$root"
}

# An OCI layout LAYOUT:base of two layers by umoci: the second changes, removes and adds.
layout_make()
{
	local layout=$1 bundle=$2
	umoci init --layout "$layout"
	umoci new --image "$layout:base"
	umoci unpack --image "$layout:base" "$bundle"
	tree_make "$bundle/rootfs"
	umoci repack --refresh-bundle --image "$layout:base" "$bundle"
	rm "$bundle/rootfs/etc/conf.d/gone"
	printf 'second\n' >"$bundle/rootfs/etc/conf.d/second"
	rm -r "$bundle/rootfs/var/empty"
	chmod 0711 "$bundle/rootfs/usr"
	umoci repack --image "$layout:base" "$bundle"
	umoci config --image "$layout:base" --config.cmd /bin/sh --config.env A=b --config.user 1000:1000
}

# The digests of an image's manifest, config and layers, one a line.
digests_of() { rocket image inspect "$1" -o json | jq -r '.[0] | .digest, .id, .layers[].diff_id'; }

# LAYER: the tar of a small root, the same for all images of a file that are made of it.
layer_make()
{
	mkdir -p "$BATS_FILE_TMPDIR/layer/bin" "$BATS_FILE_TMPDIR/layer/etc"
	cp "$(command -v busybox)" "$BATS_FILE_TMPDIR/layer/bin/sh"
	printf 'root:x:0:0::/:/bin/sh\n' >"$BATS_FILE_TMPDIR/layer/etc/passwd"
	tar -C "$BATS_FILE_TMPDIR/layer" --numeric-owner --sort=name -cf "$BATS_FILE_TMPDIR/layer.tar" .
}

# NAME as a docker-archive NAME.tar in the file's folder, of that layer and a config, imported.
small_make()
{
	local name=$1 config=$2 work=$BATS_FILE_TMPDIR/small-$1
	if [ ! -e "$work" ]; then
		mkdir -p "$work"
		cp "$BATS_FILE_TMPDIR/layer.tar" "$work/layer.tar"
		image_pack "$name" "$work" "$config"
		mv "$work/image.tar" "$BATS_FILE_TMPDIR/$name.tar"
	else
		rocket -q image import "$BATS_FILE_TMPDIR/$name.tar" "$name" >/dev/null
	fi
}
