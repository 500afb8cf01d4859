#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Users, groups and capabilities: what an image and a caller write as a user never becomes more than they wrote.
load attack

# USER of an image and of `enter -u` gives IDS (uid:gid), or is refused.
user_is()
{
	local user=$1 want=$2
	evil_image asuser "printf 'root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n1000abc:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n-1:x:0:0::/:/bin/sh\n0x3e8:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n' >etc/passwd; printf 'root:x:0:\n5:x:0:\napp:x:1000:\n' >etc/group" \
		"User=$(jq -cn --arg u "$user" '$u')"
	run_rocket run --rm asuser sh -c 'echo $(id -u):$(id -g)'
	if [ "$want" = refused ]; then
		[ "$status" -ne 0 ] && [ -z "$output" ] && [[ $stderr = error:* ]] || { show_result; return 1; }
	else
		assert_out "$want" || return 1
	fi
}

@test "CVE-2016-3697 CVE-2018-9862: digits are a number, never a name of the image's passwd" {
	user_is 1000 1000:1000
	user_is 1001 1001:0
	user_is 1000:1000 1000:1000
	user_is 1000:5 1000:5
	user_is app 1000:1000
}

@test "CVE-2026-46680 CVE-2024-40635: a user beyond the range is refused, never wrapped to 0" {
	local user
	for user in 4294967296 4294967295 2147483648 65536000000 -1 1000:99999999999 1000:-1 18446744073709551616 1000:4294967296; do
		user_is "$user" refused
	done
}

@test "CVE-2026-30892: enter -u gives exactly that user, or an error" {
	local user
	evil_image users "printf 'root:x:0:0::/:/bin/sh\n1000:x:0:0::/:/bin/sh\n1000abc:x:0:0::/:/bin/sh\n' >etc/passwd"
	rocket run -d --name u users sleep 1000 >/dev/null
	run_rocket enter -u 1000 u sh -c 'echo $(id -u):$(id -g)'
	assert_out 1000:0
	run_rocket enter -u 1000:1001 u sh -c 'echo $(id -u):$(id -g)'
	assert_out 1000:1001
	for user in : :5 1000: 0x3e8 -1 4294967296 99999999999 '1000:' '1000:x' ' 1000' '1000 '; do
		run_rocket enter -u "$user" u sh -c 'echo $(id -u):$(id -g)'
		[ "$status" -ne 0 ]
		[[ $output != 0:* ]]
	done
	# An odd name is a name like any other.
	run_rocket enter -u 1000abc u id -u
	assert_out 0
}

@test "CVE-2026-47262 CVE-2025-4437 CVE-2024-9676: passwd and group may be endless, pipes, devices or links out" {
	local file plant
	for file in etc/passwd etc/group; do
		for plant in "rm $file; mkfifo $file" "rm $file; ln -s /dev/zero $file" "rm $file; ln -s $CANARY/file $file" \
			"rm $file; mkdir $file" "rm $file; ln -s /proc/self/mem $file" \
			"rm $file; head -c 4000000 /dev/zero | tr '\\0' x >$file" "rm $file; mknod $file c 1 5"; do
						# Too large is refused with the import already.
			evil_image big "$plant" 'User="app:extra"' || continue
			(ulimit -v 600000; timeout 20 "$ROCKET" --dir "$ROCKET_DIR" run --rm big id 3>&- >"$BATS_TEST_TMPDIR/out" 2>&1) && status=0 || status=$?
			[ "$status" -ne 124 ] && [ "$status" -lt 128 ] || { echo "$plant: $status" >&2; cat "$BATS_TEST_TMPDIR/out" >&2; return 1; }
			! grep -q "the host" "$BATS_TEST_TMPDIR/out"
		done
	done
}

@test "CVE-2026-47262: a passwd of gigabytes in a hole costs bounded memory and time" {
	truncate -s 8G "$BATS_TEST_TMPDIR/huge"
	evil_image app2 : 'User="app"'
	rocket run -d --name h app2 sh -c 'rm /etc/passwd; dd if=/dev/zero of=/etc/passwd bs=1 count=1 seek=3G 2>/dev/null; sleep 1000' >/dev/null 2>&1 || true
	(ulimit -v 600000; timeout 20 "$ROCKET" --dir "$ROCKET_DIR" enter -u app h id 3>&- >"$BATS_TEST_TMPDIR/out" 2>&1) && status=0 || status=$?
	[ "$status" -ne 124 ] && [ "$status" -lt 128 ]
}

@test "CVE-2016-8867 CVE-2022-24769 CVE-2022-29162 and kin: no inheritable and no ambient capability, run and enter" {
	local user
	for user in root app; do
		evil_image caps : "User=\"$user\""
		run_rocket run --rm --name "c$user" caps grep -E 'Cap(Inh|Amb)' /proc/self/status
		assert_out $'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000'
		rocket run -d --name "d$user" --cap-drop CHOWN caps sleep 1000 >/dev/null
		for as in 0 1000; do
			run_rocket enter -u $as "d$user" grep -E 'Cap(Inh|Amb)' /proc/self/status
			assert_out $'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000'
		done
	done
}

@test "CVE-2018-10856 CVE-2021-20188: a user that isn't root has no capability" {
	run_rocket run --rm -u 1000 box grep -E 'Cap(Prm|Eff)' /proc/self/status
	assert_out $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000'
	rocket run -d --name n box sleep 1000 >/dev/null
	run_rocket enter -u 1000 n grep -E 'Cap(Prm|Eff)' /proc/self/status
	assert_out $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000'
}

@test "CVE-2022-2989 CVE-2022-2990 CVE-2022-2995 CVE-2022-36109 CVE-2023-25173: groups are exactly those written down" {
	evil_image groups : 'User="app"'
	run_rocket run --rm groups id -G
	assert_out "1000 2000"
	run_rocket run --rm -u 1000:1000 groups id -G
	assert_out "1000"
	run_rocket run --rm groups grep Groups: /proc/self/status
	[[ $output = *1000* ]]
	# The primary group can't be laid down to get past a group's "no".
	evil_image deny 'echo secret >srv/no; chown 0:1000 srv/no; chmod 0604 srv/no' 'User="app"'
	run_rocket run --rm deny sh -c 'cat /srv/no; evil setgroups; cat /srv/no'
	[[ $output != *secret* ]]
	rocket run -d --name g deny sleep 1000 >/dev/null
	run_rocket enter g sh -c 'id -G; cat /srv/no'
	[[ $output != *secret* ]]
	assert_has "1000 2000"
}

@test "CVE-2019-10144 CVE-2019-10145 CVE-2019-10147: what enter starts is confined like the app" {
	local line='grep -E "^(Cap|Seccomp|NoNewPrivs)" /proc/self/status; cat /proc/self/uid_map /proc/self/gid_map /proc/self/limits; cat /proc/self/oom_score_adj; sed "s/:.*://" /proc/self/cgroup'
	rocket run -d --name same --cap-drop CHOWN --memory 64m --pids 50 box sh -c "{ $line; } >/tmp/own; sleep 1000" >/dev/null
	until_true 5 rocket enter same test -s /tmp/own
	run_rocket enter same sh -c "{ $line; } | diff - /tmp/own"
	assert_exit 0
	for ns in user net ipc uts pid mnt cgroup; do
		[ "$(rocket enter same readlink /proc/self/ns/$ns)" = "$(rocket enter same readlink /proc/1/ns/$ns)" ]
	done
}

@test "CVE-2014-6408 CVE-2026-53488: labels and annotations of an image never loosen anything" {
	evil_image labels : 'Labels={"coreos.com/rkt/stage1/run":"/bin/evil","io.kubernetes.cri.untrusted":"x","dev.rocket.privileged":"true","dev.rocket.caps":"all","io.containerd.runc.v2.group":"x","org.systemd.property.ExecStart":"/bin/evil","run.oci.hooks.stderr":"/x","security.opt":"seccomp=unconfined"}'
	run_rocket run --rm labels sh -c 'grep -E "^(NoNewPrivs|Seccomp|CapEff):" /proc/self/status'
	assert_out $'CapEff:\t00000000a80425fb\nNoNewPrivs:\t1\nSeccomp:\t2'
}

@test "CVE-2020-14370 CVE-2021-3602 CVE-2026-57231: no variable of the host or of another pod gets in" {
	export SECRET=of-the-host LD_PRELOAD_TEST=x
	evil_image vars : 'Env=["PATH=/bin","SECRET","*","LD_*","=x","PATH"]'
	good_order run --rm vars env
	[[ $output != *of-the-host* ]]
	rocket run --rm -e PRIVATE=one box env >/dev/null
	run_rocket run --rm box env
	[[ $output != *PRIVATE* ]] && [[ $output != *of-the-host* ]]
	rocket run -d --name v -e OWN=1 box sleep 1000 >/dev/null
	run_rocket enter v env
	assert_has OWN=1
	[[ $output != *of-the-host* ]]
}

@test "CVE-2022-4318 CVE-2026-23953: newlines and colons in names, variables and host names make no line of a file" {
	run_rocket run --rm --hostname $'a\nevil 127.0.0.1' box true
	[ "$status" -ne 0 ]
	evil_image home : "User=\"1234\"" 'Env=["HOME=/x\nroot2::0:0::/:/bin/sh","PATH=/bin"]'
	good_order run --rm home cat /etc/passwd /etc/hosts
	[[ $output != *root2* ]]
	run_rocket run --rm --name $'a\nb' box true
	[ "$status" -ne 0 ]
	run_rocket run --rm box --name 'x y' true
	[ "$status" -ne 0 ]
}
