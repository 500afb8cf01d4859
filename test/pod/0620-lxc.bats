#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An LXC container's config becomes a pod that runs; what can't be carried over is named, and fails without --lossy.
load lib

# A container's folder as lxc-create makes it.
container_make()
{
	local dir=$BATS_TEST_TMPDIR/lxc/web
	mkdir -p "$dir/more" "$BATS_TEST_TMPDIR/data"
	cp -a "$BATS_FILE_TMPDIR/image-box/root" "$dir/rootfs"
	echo shared >"$BATS_TEST_TMPDIR/data/f"
	echo "lxc.environment = GREETING=hello" >"$dir/more/10-env.conf"
	cat >"$dir/config" <<-END
	# a container
	lxc.include = $dir/more
	lxc.rootfs.path = dir:$dir/rootfs
	lxc.uts.name = web
	lxc.cap.keep = chown setuid setgid
	lxc.no_new_privs = 1
	lxc.cgroup2.pids.max = 50
	lxc.prlimit.nofile = 100:200
	lxc.sysctl.net.ipv4.ip_default_ttl = 77
	lxc.mount.entry = $BATS_TEST_TMPDIR/data srv/data none bind,ro,create=dir 0 0
	lxc.mount.entry = tmpfs tmp tmpfs size=1m 0 0
	lxc.init.cmd = /bin/sh -c "echo \$GREETING; hostname; cat /srv/data/f /proc/sys/net/ipv4/ip_default_ttl; ulimit -n"
	END
	echo "$dir/config"
}

@test "a container that fits runs as a pod" {
	local config
	config=$(container_make)
	run_rocket convert --from lxc "$config"
	assert_exit 0
	[ -z "$stderr" ]
	echo "$output" >"$BATS_TEST_TMPDIR/pod.yaml"
	# What it says about its image is what a shell understands.
	sed -n 's/^# The image, once: //p' "$BATS_TEST_TMPDIR/pod.yaml" >"$BATS_TEST_TMPDIR/import"
	. "$BATS_TEST_TMPDIR/import"
	run_rocket plan -f "$BATS_TEST_TMPDIR/pod.yaml"
	assert_exit 0
	[[ $output = *'"pids": 50'* || $output = *'"pids":50'* || $output = *'pids: 50'* ]]
	run_rocket run -f "$BATS_TEST_TMPDIR/pod.yaml"
	[[ $stderr != *"can't be id-mapped"* ]] || skip "this kernel maps no ids on tmpfs"
	assert_exit 0
	[ "$(echo $output)" = "hello web shared 77 100" ]
}

@test "what is lost is named with its place, and is an error without --lossy" {
	local config
	config=$(container_make)
	echo "lxc.net.0.type = veth" >>"$config"
	run_rocket convert --from lxc "$config"
	assert_exit 1
	[ -z "$output" ]
	[[ $stderr = *"lost: $config:13: lxc.net.0.type = veth"*"error: 1 settings"*"because:"*"try: rocket convert --from lxc --lossy"* ]]
	run_rocket convert --from lxc --lossy "$config"
	assert_exit 0
	[[ $stderr = *"lost: "*veth* ]]
	[[ $output = *"apps:"* ]]
}

@test "what is no config is refused" {
	echo hello >"$BATS_TEST_TMPDIR/config"
	run_rocket convert --from lxc "$BATS_TEST_TMPDIR/config"
	assert_error 2 "config:1"
	run_rocket convert --from lxc "$BATS_TEST_TMPDIR/none"
	assert_exit 1
	run_rocket convert --from docker x
	assert_error 2 docker
	run_rocket convert --lossy --to systemd x
	assert_error 2 lossy
}
