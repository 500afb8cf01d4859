# SPDX-License-Identifier: Apache-2.0
# Killed at every change of the file system that run, rm and gc make: no pod is lost, the next command works, and gc
# leaves nothing.
load lib
load image

FAULT=$ROCKET_BUILD/test/fault/faultrun

file_setup()
{
	layer_make
	small_make small '{"Cmd":["/bin/sh"],"Env":["PATH=/bin"]}'
}

count_calls()
{
	"$FAULT" --count "$BATS_TEST_TMPDIR/count" "$@" >/dev/null 2>&1 3>&- || true
	cat "$BATS_TEST_TMPDIR/count"
}

# Everything that a pod leaves on this little host.
left_over()
{
	find "$ROCKET_DIR/pods" -mindepth 2 ! -path '*/names'
	find "$ROCKET_DIR/ids" "$ROCKET_DIR"/run -mindepth 1 2>/dev/null | grep -vE '/(events|empty|views|names|ids|index|lock|\.lock)$'
	awk -v d="$ROCKET_DIR" 'index($5, d) == 1 { print "mount " $5 }' /proc/self/mountinfo
	find /sys/fs/cgroup -mindepth 2 -type d -path '*rocket/*' 2>/dev/null
}

check_clean()
{
	rocket list >/dev/null || return 1
	rm_all || return 1
	rocket gc --grace-period 0 >/dev/null 2>&1 || return 1
	[ -z "$(left_over)" ] || { left_over; return 1; }
}

@test "run, killed at every step, with all of its processes" {
	local n total
	total=$(count_calls "$ROCKET" --dir "$ROCKET_DIR" -q run --name p small -- sh -c 'echo x >/file')
	rm_all
	[ "$total" -gt 30 ]
	for ((n = 1; n <= total; n++)); do
		"$FAULT" "$n" "$ROCKET" --dir "$ROCKET_DIR" -q run --name p small -- sh -c 'echo x >/file' >/dev/null 2>&1 3>&- || true
		# Whatever is left of it, the name is free for the next one.
		run_rocket run -q --rm --name p small -- sh -c 'echo again'
		[ "$output" = again ] || { echo "killed at $n of $total"; show_result; return 1; }
		check_clean || { echo "killed at $n of $total"; return 1; }
	done
}

@test "run, its own process killed alone at every step" {
	local n total
	total=$(count_calls "$ROCKET" --dir "$ROCKET_DIR" -q run --name p small -- sh -c 'echo x >/file')
	rm_all
	for ((n = 1; n <= total; n += 3)); do
		timeout 20 "$FAULT" --one "$n" "$ROCKET" --dir "$ROCKET_DIR" -q run --name p small -- sh -c 'echo x >/file' \
			>/dev/null 2>&1 3>&- || [ $? -ne 124 ] || { echo "hangs when killed at $n"; return 1; }
		check_clean || { echo "killed at $n of $total"; return 1; }
	done
}

@test "rm, killed at every step: the pod is there or gone" {
	local n total
	rocket -q run --name p small -- sh -c 'echo x >/file'
	total=$(count_calls "$ROCKET" --dir "$ROCKET_DIR" rm p)
	[ "$total" -gt 3 ]
	for ((n = 1; n <= total; n++)); do
		rocket -q run --name p small -- sh -c 'echo x >/file'
		"$FAULT" "$n" "$ROCKET" --dir "$ROCKET_DIR" rm p >/dev/null 2>&1 3>&- || true
		run_rocket rm p
		[ "$status" -eq 0 ] || [ "$status" -eq 4 ] || { echo "killed at $n of $total"; show_result; return 1; }
		check_clean || { echo "killed at $n of $total"; return 1; }
	done
}

@test "gc, killed at every step" {
	local n total
	rocket -q run --name p small -- sh -c 'echo x >/file'
	total=$(count_calls "$ROCKET" --dir "$ROCKET_DIR" gc --grace-period 0)
	[ "$total" -gt 3 ]
	for ((n = 1; n <= total; n++)); do
		rocket -q run --name p small -- sh -c 'echo x >/file'
		"$FAULT" "$n" "$ROCKET" --dir "$ROCKET_DIR" gc --grace-period 0 >/dev/null 2>&1 3>&- || true
		check_clean || { echo "killed at $n of $total"; return 1; }
	done
}

@test "prepare, killed at every step: prepared or nothing" {
	local n total
	total=$(count_calls "$ROCKET" --dir "$ROCKET_DIR" -q prepare --name p small -- sh -c 'echo ran')
	rm_all
	for ((n = 1; n <= total; n++)); do
		"$FAULT" "$n" "$ROCKET" --dir "$ROCKET_DIR" -q prepare --name p small -- sh -c 'echo ran' >/dev/null 2>&1 3>&- || true
		if [ -n "$(pods)" ]; then
			run_rocket run-prepared "$(pods)"
			assert_has ran || { echo "killed at $n of $total"; return 1; }
		fi
		check_clean || { echo "killed at $n of $total"; return 1; }
	done
}
