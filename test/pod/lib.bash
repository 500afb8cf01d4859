# SPDX-License-Identifier: Apache-2.0
# What every pod test loads: `load lib`. Tests run the real `rocket` on a state folder of their own, through
# test/pod/run, which gives each file a little host and checks afterwards that nothing was left there.
#
#   rocket WORD…            the program, on the test's state folder
#   run_rocket WORD…        the same under bats' `run`: sets $status, $output, $stderr
#   assert_exit N           the code; shows everything otherwise
#   assert_out TEXT         stdout is exactly that        assert_has TEXT      stdout holds it
#   assert_error CODE TEXT… that exit code, and three lines on stderr (error, because, try) that hold each TEXT
#   until_true SECONDS CMD… waits for it
#   field POD KEY           one field of `rocket status POD -o json`, a jq path
#   image_make NAME [K=V…]  an image from busybox and the probe (keys below)
bats_require_minimum_version 1.5.0

ROCKET=${ROCKET_BUILD:?the build folder}/src/cli/rocket
PROBE=$ROCKET_BUILD/test/pod/probe
[ -e "$PROBE" ] || PROBE=$ROCKET_BUILD/probe

setup_file()
{
	[ "$(readlink /proc/self/ns/pid)" = "$(readlink /proc/1/ns/pid)" ] && [ -n "${GROUP-}" ] || {
		echo "start pod tests with test/pod/run" >&2
		return 1
	}
	export ROCKET_DIR=$BATS_FILE_TMPDIR/rocket
	image_make box
	file_setup
}

teardown_file()
{
	rm_all
	file_teardown
	rocket gc --grace-period 0 >/dev/null || return 1
	check_no_garbage
}

teardown()
{
	# A failed test shows what the pods say before they go.
	if [ -z "${BATS_TEST_COMPLETED-}" ] && [ -z "${BATS_TEST_SKIPPED-}" ]; then
		show_pods
	fi
	test_teardown
	rm_all
}

# For files to replace.
file_setup() { :; }
file_teardown() { :; }
test_teardown() { :; }

rocket()
{
	# fd 3 is bats' own; a pod must not keep it open.
	"$ROCKET" --dir "$ROCKET_DIR" "$@" 3>&-
}

run_rocket()
{
	run --separate-stderr rocket "$@"
}

pods() { rocket list -q 2>/dev/null; }

rm_all()
{
	local pod
	for pod in $(pods); do
		rocket rm -f "$pod" >/dev/null || return 1
	done
}

show_pods()
{
	local pod
	rocket list >&2 || true
	for pod in $(pods); do
		echo "-- status and logs of $pod" >&2
		rocket status "$pod" >&2 || true
		rocket logs "$pod" 2>&1 | tail -20 >&2 || true
	done
}

# After gc nothing of a pod may be left in the state folder or in the run folder.
check_no_garbage()
{
	local left
	left=$(find "$ROCKET_DIR" -path '*/pods/*/*' -o -path '*/ids/*' -o -name '*.ctl' | grep -v '/lock$' || true)
	[ -z "$left" ] || { echo "left behind: $left" >&2; return 1; }
}

show_result()
{
	printf 'status %s\nstdout: %s\nstderr: %s\n' "$status" "$output" "${stderr-}" >&2
}

assert_exit()
{
	[ "$status" -eq "$1" ] || { echo "expected exit code $1" >&2; show_result; return 1; }
}

assert_out()
{
	[ "$output" = "$1" ] || { echo "expected on stdout: $1" >&2; show_result; return 1; }
}

assert_has()
{
	[[ $output = *"$1"* ]] || { echo "expected in stdout: $1" >&2; show_result; return 1; }
}

assert_error()
{
	local code=$1 text
	shift
	assert_exit "$code" || return 1
	[[ $stderr =~ ^error:\ [^$'\n']+$'\n'because:\ [^$'\n']+$'\n'try:\ [^$'\n']+$ ]] ||
		{ echo "expected three lines: error, because, try" >&2; show_result; return 1; }
	for text; do
		[[ $stderr = *"$text"* ]] || { echo "expected in the error: $text" >&2; show_result; return 1; }
	done
}

until_true()
{
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || { echo "waited in vain for: $*" >&2; return 1; }
		sleep 0.05
	done
}

field() { rocket status "$1" -o json | jq -r "$2"; }

phase_is() { [ "$(field "$1" .phase)" = "$2" ]; }

log_has() { rocket logs "$1" 2>&1 | grep -qF -- "$2"; }

# An image by hand: a docker-archive of one layer with busybox, its applets, and the probe. Keys of the config are
# given as JSON: image_make web 'User="app"' 'ExposedPorts={"80/tcp":{}}' 'Cmd=["sh"]'
image_make()
{
	local name=$1 work=$BATS_FILE_TMPDIR/image-$1 applet config='{"Env":["PATH=/bin"],"Cmd":["sh"]}' pair
	shift
	mkdir -p "$work/root"/{bin,etc,proc,dev,sys,tmp,srv,home/app,run}
	if [ "${IMAGE_EMPTY-}" = yes ]; then
		rm -rf "$work/root/bin"/*
	else
		cp "$(command -v busybox)" "$work/root/bin/busybox"
		for applet in $(busybox --list | grep -v '^busybox$'); do
			ln "$work/root/bin/busybox" "$work/root/bin/$applet"
		done
	fi
	cp "$PROBE" "$work/root/bin/probe"
	chmod 1777 "$work/root/tmp"
	chown 1000:1000 "$work/root/home/app"
	printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\nbin:x:2:2::/bin:/bin/sh\n' \
		>"$work/root/etc/passwd"
	printf 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n' >"$work/root/etc/group"
	for pair; do
		config=$(jq -c --argjson v "${pair#*=}" ".${pair%%=*} = \$v" <<<"$config")
	done
	tar -C "$work/root" --numeric-owner --sort=name -cf "$work/layer.tar" .
	image_pack "$name" "$work" "$config"
}

# A docker-archive from WORK/layer.tar and a config, imported as NAME.
image_pack()
{
	local name=$1 work=$2 config=$3 diff
	diff=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
	jq -cn --argjson c "$config" --arg d "sha256:$diff" --arg a "$(dpkg --print-architecture)" \
		'{architecture: $a, os: "linux", config: $c, rootfs: {type: "layers", diff_ids: [$d]}}' >"$work/config.json"
	jq -cn --arg n "$name:latest" '[{Config: "config.json", RepoTags: [$n], Layers: ["layer.tar"]}]' \
		>"$work/manifest.json"
	tar -C "$work" -cf "$work/image.tar" manifest.json config.json layer.tar
	rocket image import "$work/image.tar" "$name" >/dev/null
}
