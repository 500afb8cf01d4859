# SPDX-License-Identifier: Apache-2.0
# import: every transport and compression gives the same image; names, several images, platforms, ACIs; and what
# rocket-import may do while it reads. Hostile images are in 0255.
load lib
load image

file_setup()
{
	cd "$BATS_FILE_TMPDIR" || return 1
	layout_make "$PWD/layout" "$PWD/bundle" >/dev/null 2>&1
	rm -rf bundle
	umoci unpack --image layout:base bundle >/dev/null 2>&1
	tar -C bundle/rootfs --xattrs --xattrs-include='*' --numeric-owner --sort=name -cf rootfs.tar .
	tar -C layout -cf layout.tar .
	skopeo copy -q oci:layout:base docker-archive:docker.tar:example.com/made/it:2
}

test_teardown()
{
	local name
	for name in $(rocket image list -o name); do
		[ "$name" = box:latest ] || rocket -q image rm "$name"
	done
}

id_of() { rocket image inspect "$1" -o json | jq -r '.[0].id'; }
diff_ids_of() { rocket image inspect "$1" -o json | jq -c '[.[0].layers[].diff_id]'; }
store_files() { find "$ROCKET_DIR"/{blobs,views,images,refs,from,tmp} -type f | sort; }

@test "an OCI layout is the same as directory, tar, compressed tar and stream" {
	cd "$BATS_FILE_TMPDIR"
	rocket -q image import layout one >/dev/null
	rocket -q image import layout.tar two >/dev/null
	rocket -q image import - three <layout.tar >/dev/null
	cat layout.tar | rocket -q image import - four >/dev/null
	gzip -c layout.tar | rocket -q image import - five >/dev/null
	zstd -q -c layout.tar >"$BATS_TEST_TMPDIR/six.bin"
	rocket -q image import "$BATS_TEST_TMPDIR/six.bin" six >/dev/null
	[ "$(rocket image inspect one two three four five six -o json | jq -r '.[] | .digest' | sort -u | wc -l)" = 1 ]
	[ "$(rocket image inspect one -o json | jq -r '.[0].digest')" = "$(jq -r .manifests[0].digest layout/index.json)" ]
}

@test "a docker-archive has the config and layers of the layout, from a file and from a stream" {
	cd "$BATS_FILE_TMPDIR"
	rocket -q image import layout oci >/dev/null
	rocket -q image import docker.tar file >/dev/null
	cat docker.tar | rocket -q image import - stream >/dev/null
	[ "$(diff_ids_of file)" = "$(diff_ids_of oci)" ]
	[ "$(diff_ids_of stream)" = "$(diff_ids_of oci)" ]
	[ "$(id_of file)" = "$(id_of stream)" ]
}

@test "a root file system is the same image by every compression" {
	cd "$BATS_FILE_TMPDIR"
	rocket -q image import rootfs.tar plain >/dev/null
	gzip -c rootfs.tar | rocket -q image import - gzip >/dev/null
	{ head -c 5000 rootfs.tar | gzip; tail -c +5001 rootfs.tar | gzip; } | rocket -q image import - members >/dev/null
	zstd -q -c rootfs.tar | rocket -q image import - zstd >/dev/null
	xz -c rootfs.tar | rocket -q image import - xz >/dev/null
	[ "$(rocket image inspect plain gzip members zstd xz -o json | jq -r '.[] | .digest' | sort -u | wc -l)" = 1 ]
	bzip2 -c rootfs.tar >"$BATS_TEST_TMPDIR/b"
	run_rocket image import "$BATS_TEST_TMPDIR/b" b
	assert_error 1 bzip2
}

@test "the view that is mounted has the files of the other tool's unpack" {
	cd "$BATS_FILE_TMPDIR"
	local view mount=$BATS_TEST_TMPDIR/m name
	mkdir "$mount"
	rocket -q image import layout oci >/dev/null
	rocket -q image import rootfs.tar plain >/dev/null
	for name in oci plain; do
		view=$(jq -r .view "$ROCKET_DIR/images/$(rocket image inspect "$name" -o json | jq -r '.[0].digest' | cut -c 8-)")
		"$BATS_TEST_DIRNAME/mount-view.py" "$ROCKET_DIR" "$view" "$mount" || skip "this kernel mounts no EROFS from files"
		# cp leaves nothing out; the places that Rocket added are marked.
		mkdir "$BATS_TEST_TMPDIR/$name"
		cp -a "$mount/." "$BATS_TEST_TMPDIR/$name/"
		find "$mount" -depth | while IFS= read -r path; do
			[ -z "$(getfattr -h -n trusted.rocket.synthetic --only-values "$path" 2>/dev/null)" ] ||
				rm -rf "$BATS_TEST_TMPDIR/$name/${path#"$mount"}"
		done
		touch -d "@$(stat -c %.9Y "$mount/etc")" "$BATS_TEST_TMPDIR/$name/etc"
		touch -d "@$(stat -c %.9Y "$mount")" "$BATS_TEST_TMPDIR/$name"
		umount "$mount"
		"$BATS_TEST_DIRNAME/tree-diff.py" bundle/rootfs "$BATS_TEST_TMPDIR/$name"
	done
}

@test "what is there is not read again" {
	cd "$BATS_FILE_TMPDIR"
	rocket -q image import layout one >/dev/null
	cp -a layout "$BATS_TEST_TMPDIR/changed"
	# The compressed bytes of the layers are gone, their sizes are right: what they were is known.
	local blob
	for blob in $(jq -r '.layers[].digest' "layout/blobs/sha256/$(jq -r .manifests[0].digest layout/index.json | cut -c 8-)"); do
		truncate -s 0 "$BATS_TEST_TMPDIR/changed/blobs/sha256/${blob#sha256:}"
		truncate -s "$(stat -c %s "layout/blobs/sha256/${blob#sha256:}")" "$BATS_TEST_TMPDIR/changed/blobs/sha256/${blob#sha256:}"
	done
	rocket -q image import "$BATS_TEST_TMPDIR/changed" again >/dev/null
	[ "$(id_of again)" = "$(id_of one)" ]
	rocket -q image verify again
}

@test "names: given, the image's own, made from the file, and none" {
	cd "$BATS_FILE_TMPDIR"
	run_rocket -q image import docker.tar
	assert_exit 0
	assert_out example.com/made/it:2
	run_rocket -q image import layout
	assert_out layout:base
	cp rootfs.tar "$BATS_TEST_TMPDIR/My_Root.v2.tar.gz"
	run_rocket -q image import "$BATS_TEST_TMPDIR/My_Root.v2.tar.gz"
	assert_out my_root.v2:latest
	run_rocket -q image import docker.tar other/name:tag
	assert_out other/name:tag
	run_rocket image import - <rootfs.tar
	assert_error 2 NAME
	run_rocket image import rootfs.tar 'Not A Name'
	assert_exit 2
	run_rocket image import rootfs.tar named -o json
	[ "$(jq -r .name <<<"$output")" = named:latest ]
	[ "$(jq -r .id <<<"$output")" = "$(id_of named)" ]
}

@test "several images in one archive" {
	cd "$BATS_FILE_TMPDIR"
	cp -a layout "$BATS_TEST_TMPDIR/two"
	umoci tag --image "$BATS_TEST_TMPDIR/two:base" next
	umoci config --image "$BATS_TEST_TMPDIR/two:next" --config.cmd other
	run_rocket -q image import "$BATS_TEST_TMPDIR/two"
	assert_exit 0
	assert_has two:base
	assert_has two:next
	[ "$(id_of two:base)" != "$(id_of two:next)" ]
	run_rocket image import "$BATS_TEST_TMPDIR/two" one-name
	assert_error 2 "2 images" ":base, :next"
	run_rocket image inspect one-name
	assert_exit 4
	rocket -q image import --ref next "$BATS_TEST_TMPDIR/two" chosen >/dev/null
	[ "$(id_of chosen)" = "$(id_of two:next)" ]
	run_rocket image import --ref nothing "$BATS_TEST_TMPDIR/two" chosen
	assert_error 4 nothing
}

@test "an index: the manifest for this machine, or a refusal that says what there is" {
	cd "$BATS_TEST_TMPDIR"
	cp -a "$BATS_FILE_TMPDIR/layout" many
	local top=many/index.json inner size
	top=$(jq -c '.manifests[0] | del(.annotations)' "$BATS_FILE_TMPDIR/layout/index.json")
	inner=$(jq -nc --argjson m "$top" '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
		$m + {digest: ("sha256:" + "0" * 64), platform: {os: "linux", architecture: "mips"}},
		$m + {platform: {os: "linux", architecture: "'"$(go_arch)"'"}}]}')
	index_write many "$inner"
	rocket -q image import many many >/dev/null
	rocket -q image import "$BATS_FILE_TMPDIR/layout" plain >/dev/null
	[ "$(id_of many)" = "$(id_of plain)" ]
	index_write many "$(jq -c '.manifests |= .[0:1]' <<<"$inner")"
	run_rocket image import many foreign
	assert_error 4 "not for this machine" "linux/mips"
}

go_arch()
{
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

# LAYOUT's index.json becomes one entry: this index.
index_write()
{
	local digest
	digest=$(printf %s "$2" | sha256sum | cut -d' ' -f1)
	printf %s "$2" >"$1/blobs/sha256/$digest"
	jq -nc --arg d "sha256:$digest" --argjson n "$(printf %s "$2" | wc -c)" '{schemaVersion: 2, manifests: [
		{mediaType: "application/vnd.oci.image.index.v1+json", digest: $d, size: $n}]}' >"$1/index.json"
}

# An ACI NAME.aci with this manifest from the folder NAME.
aci_make()
{
	printf %s "$2" >"$1/manifest"
	tar -C "$1" --numeric-owner --sort=name -cf "$1.aci" manifest rootfs
}

@test "ACIs: dependencies, whitelist, the owner of a file as user, the image ID" {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p base/rootfs/{etc,lib/real} app/rootfs/lib/link
	echo base >base/rootfs/etc/base
	echo cut >base/rootfs/etc/cut
	ln -s real base/rootfs/lib/link
	echo mine >app/rootfs/lib/link/mine
	echo x >app/rootfs/x
	chown 33:44 app/rootfs/x
	aci_make base '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/base",
		"labels":[{"name":"version","value":"1.0"}]}'
	aci_make app '{"acKind":"ImageManifest","acVersion":"0.8.11","name":"example.com/app",
		"app":{"exec":["/x"],"user":"/x","group":"0","isolators":[{"name":"resource/memory","value":{"limit":"1G"}}]},
		"dependencies":[{"imageName":"example.com/base","labels":[{"name":"version","value":"1.0"}]}],
		"pathWhitelist":["/x","/lib/link/mine","/etc/base"]}'
	run_rocket image import app.aci
	assert_error 4 "example.com/base"
	rocket -q image import base.aci >/dev/null
	run_rocket image import app.aci
	assert_exit 0
	assert_out example.com/app:latest
	[[ $stderr = *"resource/memory"* ]]
	[ "$(id_of example.com/app)" = "sha512-$(sha512sum app.aci | cut -d' ' -f1)" ]
	gzip -k app.aci
	rocket -q image import app.aci.gz again >/dev/null
	[ "$(id_of again)" = "$(id_of example.com/app)" ]
	[ "$(rocket image inspect again -o json | jq -r '.[0].config.user')" = 33:0 ]
	rocket -q image extract again root
	[ "$(cat root/etc/base root/lib/link/mine root/x)" = "$(printf 'base\nmine\nx')" ]
	[ ! -e root/etc/cut ] && [ ! -L root/lib/link ] && [ ! -e root/lib/real ]
	rocket -q image verify
	# What the dependency became another image of: refused, not mixed.
	sed -i 's/"1.0"/"1.1"/' base/manifest
	aci_make base "$(cat base/manifest)"
	rocket -q image import base.aci example.com/base:1.0 >/dev/null
	run_rocket image import app.aci third
	assert_error 4 "other labels"
}

@test "no image: said what it is and what would be one" {
	cd "$BATS_TEST_TMPDIR"
	: >empty
	echo text >text
	mkdir folder
	local what
	for what in empty text folder; do
		run_rocket image import "$what" x
		assert_error 2 "$what is no image"
	done
	run_rocket image import nothing x
	assert_error 4 nothing
	run_rocket image import /dev/null x
	assert_error 2 "is empty"
}

@test "while it reads, rocket-import has no privilege, and sees the store alone" {
	cd "$BATS_TEST_TMPDIR"
	mkfifo pipe
	"$ROCKET" --dir "$ROCKET_DIR" -q image import pipe slow >/dev/null 3>&- &
	local importer=$!
	exec 9>pipe
	head -c 300000 "$BATS_FILE_TMPDIR/rootfs.tar" >&9
	until_true 5 grep -q '^Seccomp:.*2' "/proc/$importer/status"
	grep -q '^NoNewPrivs:.*1' "/proc/$importer/status"
	grep -q '^CapEff:.*0000000000000000' "/proc/$importer/status"
	grep -q '^CapPrm:.*0000000000000000' "/proc/$importer/status"
	grep -q 'Max core file size *0 ' "/proc/$importer/limits"
	tail -c +300001 "$BATS_FILE_TMPDIR/rootfs.tar" >&9
	exec 9>&-
	wait "$importer"
	rocket -q image verify slow
}

@test "two imports of the same at once, and one that is cut off, leave one whole image" {
	cd "$BATS_FILE_TMPDIR"
	head -c $(($(stat -c %s docker.tar) / 2)) docker.tar >"$BATS_TEST_TMPDIR/cut.tar"
	local one two
	rocket -q image import docker.tar same >/dev/null &
	one=$!
	rocket -q image import docker.tar same >/dev/null &
	two=$!
	run_rocket image import "$BATS_TEST_TMPDIR/cut.tar" cut
	assert_exit 1
	wait $one
	wait $two
	rocket -q image verify same
	run_rocket image inspect cut
	assert_exit 4
	rocket -q image gc
}
