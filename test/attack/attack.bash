# SPDX-License-Identifier: Apache-2.0
# What every attack test loads, beside the pod tests' lib:
#
#   evil_image NAME SCRIPT [K=V…]   an image of busybox, `probe` and `evil`; SCRIPT runs in its root before it is packed
#   $CANARY                         a folder of the host with a file and a folder; setup makes it, teardown compares it:
#                                   names, bytes, modes, owners, times
#   same_everywhere                 the host's own files that attacks like to write, compared with what they were
load ../pod/lib

EVIL=$ROCKET_BUILD/test/attack/evil
[ -e "$EVIL" ] || EVIL=$ROCKET_BUILD/evil

file_setup()
{
	local applet base=$BATS_FILE_TMPDIR/base
	mkdir -p "$base"/{bin,etc,proc,dev,sys,tmp,srv,home/app,run}
	cp "$(command -v busybox)" "$PROBE" "$EVIL" "$base/bin/"
	for applet in $(busybox --list | grep -v '^busybox$'); do
		ln "$base/bin/busybox" "$base/bin/$applet"
	done
	chmod 1777 "$base/tmp"
	chown 1000:1000 "$base/home/app"
	printf 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n' >"$base/etc/passwd"
	printf 'root:x:0:\napp:x:1000:\nextra:x:2000:app\n' >"$base/etc/group"
	attack_setup
}

# For files to replace.
attack_setup() { :; }

setup()
{
	CANARY=$BATS_TEST_TMPDIR/canary
	mkdir -p "$CANARY/folder"
	chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	printf 'the host, do not touch\n' >"$CANARY/file"
	chmod 0640 "$CANARY/file"
	canary_state >"$BATS_TEST_TMPDIR/canary.before"
	host_state >"$BATS_TEST_TMPDIR/host.before"
}

test_teardown()
{
	canary_state | diff "$BATS_TEST_TMPDIR/canary.before" - >&2 || { echo "the canary is not what it was" >&2; return 1; }
	host_state | diff "$BATS_TEST_TMPDIR/host.before" - >&2 || { echo "the host is not what it was" >&2; return 1; }
}

canary_state()
{
	find "$CANARY" -printf '%P %y %m %U %G %s %T@\n' | LC_ALL=C sort
	sha256sum "$CANARY/file"
}

host_state()
{
	cat /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname
	sha256sum "$ROCKET_BUILD"/src/cli/rocket "$ROCKET_BUILD"/src/libexec/rocket-{supervise,reaper,relay}
	stat -c '%n %F %a %u %g' /etc /etc/passwd /etc/shadow /dev/null /dev/ptmx /dev /proc /sys
}

evil_image()
{
	local name=$1 script=$2 work=$BATS_FILE_TMPDIR/image-$1 config='{"Env":["PATH=/bin"],"Cmd":["sh"]}' pair
	shift 2
	rm -rf "$work"
	mkdir -p "$work"
	cp -al "$BATS_FILE_TMPDIR/base" "$work/root"
	rm -rf "$work/root/etc"
	cp -a "$BATS_FILE_TMPDIR/base/etc" "$work/root/etc"
	(cd "$work/root" && eval "$script") || return 1
	for pair; do
		config=$(jq -c --argjson v "${pair#*=}" ".${pair%%=*} = \$v" <<<"$config")
	done
	tar -C "$work/root" --numeric-owner --sort=name -cf "$work/layer.tar" .
	image_pack "$name" "$work" "$config"
}

# Does `run` either work or refuse, but in good order: no signal, no hang, no code of the program's own making.
good_order()
{
	run_rocket "$@"
	[ "$status" -eq 0 ] || [[ $'\n'$stderr =~ $'\n'error:\ [^$'\n']+$'\n'because: ]] || { show_result; return 1; }
}
