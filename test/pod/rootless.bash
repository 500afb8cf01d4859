# SPDX-License-Identifier: Apache-2.0
# Pod tests as an ordinary user: `load lib`, then `load rootless`. The user is made in the file's own view of /etc, so
# that the host's accounts stay as they are; all of it goes with the file.
#
#   rocket, run_rocket        as that user, on a state folder of his own
#   as_user COMMAND…          anything else as him
#   user_ids none|RANGE       rewrites his lines of /etc/subuid and /etc/subgid (RANGE: FIRST:COUNT)
TESTER=tester TESTER_UID=4321

setup_file()
{
	[ "$(readlink /proc/self/ns/pid)" = "$(readlink /proc/1/ns/pid)" ] && [ -n "${GROUP-}" ] || {
		echo "start pod tests with test/pod/run" >&2
		return 1
	}
	make_user
	user_setup
	export ROCKET_DIR=$TESTER_HOME/rocket
	image_make box
	file_setup
}

teardown_file()
{
	local failed=0
	rm_all
	file_teardown
	rocket gc --grace-period 0 >/dev/null || failed=1
	check_no_garbage || failed=1
	user_teardown || failed=1
	umount "$TESTER_HOME/build" && umount /etc || failed=1
	return $failed
}

# For files to replace: before he does anything, and after all.
user_setup() { :; }
user_teardown() { :; }

make_user()
{
	local part=$BATS_FILE_TMPDIR
	export TESTER_HOME=$BATS_FILE_TMPDIR/home
	# His way to his home, and to the programs, wherever the build folder lies.
	while [ "$part" != /tmp ] && [ "$part" != / ]; do
		chmod o+x "$part"
		part=${part%/*}
		part=${part:-/}
	done
	mkdir -p "$BATS_FILE_TMPDIR"/etc/{upper,work} "$TESTER_HOME/build"
	mount -t overlay -o "lowerdir=/etc,upperdir=$BATS_FILE_TMPDIR/etc/upper,workdir=$BATS_FILE_TMPDIR/etc/work" overlay /etc
	sed -i "/^$TESTER:/d" /etc/subuid /etc/subgid 2>/dev/null || true
	useradd -u "$TESTER_UID" -U -M -d "$TESTER_HOME" -s /bin/sh "$TESTER"
	user_ids 300000:65536
	chown "$TESTER": "$TESTER_HOME" "$TESTER_HOME/build"
	mount --bind "$ROCKET_BUILD" "$TESTER_HOME/build"
}

user_ids()
{
	sed -i "/^$TESTER:/d" /etc/subuid /etc/subgid
	[ "$1" = none ] || for file in /etc/subuid /etc/subgid; do
		echo "$TESTER:$1" >>"$file"
	done
}

as_user()
{
	setpriv --reuid "$TESTER_UID" --regid "$TESTER_UID" --init-groups \
		env -C "$TESTER_HOME" -i HOME="$TESTER_HOME" USER="$TESTER" PATH="$PATH" "$@" 3>&-
}

rocket()
{
	as_user "$TESTER_HOME/build/src/cli/rocket" --dir "$ROCKET_DIR" "$@"
}

# His half of the host hides nothing from the tests: they look as root.
id_of() { stat -c %u:%g "$1"; }
