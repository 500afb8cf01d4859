# SPDX-License-Identifier: Apache-2.0
# What the tests of rocket-oci load beside lib: bundles from busybox, and the runtime on a state folder of the file's own.
#
#   bundle FILTER [JQ OPTION…]   $BUNDLE: busybox, and the config of `spec` changed by a jq filter
#   oci WORD…                    the runtime                run_oci WORD…       the same under `run`
#   detached WORD…               the same, with no stream of ours left open in what stays
#   refused FILTER TEXT          such a config is refused, the error holds TEXT, and nothing was made
#   nothing_left                 no container, no group
OCI=$ROCKET_BUILD/src/oci/rocket-oci
OCI_ROOT=$BATS_FILE_TMPDIR/oci

oci() { "$OCI" --root "$OCI_ROOT" "$@" 3>&-; }
run_oci() { run --separate-stderr oci "$@"; }
detached() { oci "$@" </dev/null >"$BATS_TEST_TMPDIR/detached" 2>&1 || { cat "$BATS_TEST_TMPDIR/detached" >&2; return 1; }; }

bundle()
{
	local filter=$1 name
	shift
	BUNDLE=$BATS_TEST_TMPDIR/bundle
	rm -rf "$BUNDLE"
	mkdir -p "$BUNDLE"/rootfs/{bin,tmp,proc,sys,dev,etc}
	cp /bin/busybox "$BUNDLE/rootfs/bin/"
	for name in sh true printenv cat echo id test sleep mkdir touch ls wc grep ps tty env kill mount; do
		ln -s busybox "$BUNDLE/rootfs/bin/$name"
	done
	"$OCI" spec -b "$BUNDLE"
	jq "$@" ".process.terminal = false | .process.rlimits = [] | .root.readonly = false | $filter" "$BUNDLE/config.json" \
		>"$BUNDLE/new" && mv "$BUNDLE/new" "$BUNDLE/config.json"
}

stopped() { [ "$(oci state "$1" | jq -r .status)" = stopped ]; }

refused()
{
	bundle "$1"
	run_oci create -b "$BUNDLE" c1
	[ "$status" = 1 ] && [[ $stderr = *"$2"* ]] || { echo "not refused by name: $1" >&2; show_result; return 1; }
	nothing_left
}

nothing_left()
{
	local left
	left=$(oci list -q; find /sys/fs/cgroup -name 'rocket-oci-*' 2>/dev/null)
	[ -z "$left" ] || { echo "left behind: $left" >&2; return 1; }
}

test_teardown()
{
	local id
	for id in $(oci list -q); do oci delete --force "$id" || true; done
}
