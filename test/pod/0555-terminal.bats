#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# -it: a terminal with its size, its resizes, its signals; driven through a pty as a person would.
load lib

# Runs `rocket WORDS` on a pty of 30 rows and 90 columns. Stdin of this function is the script, a step a line:
#   expect TEXT · send TEXT (with \r and \x03) · resize ROWS COLUMNS · code N
on_pty()
{
	cat >"$BATS_TEST_TMPDIR/script"
	python3 - "$BATS_TEST_TMPDIR/script" "$ROCKET" --dir "$ROCKET_DIR" "$@" 3>&- <<-'EOF'
	import fcntl, os, pty, select, struct, sys, termios, time
	def size(fd, rows, cols):
	    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
	pid, fd = pty.fork()
	if pid == 0:
	    size(0, 30, 90)
	    os.execv(sys.argv[2], sys.argv[2:])
	seen = b""
	def read(wait):
	    global seen
	    if not select.select([fd], [], [], wait)[0]:
	        return False
	    try:
	        got = os.read(fd, 65536)
	    except OSError:
	        got = b""
	    seen += got
	    return bool(got)
	def expect(text):
	    global seen
	    end = time.time() + 8
	    while text.encode() not in seen:
	        if time.time() > end:
	            sys.exit(f"expected {text!r}, saw {seen!r}")
	        read(0.2)
	    seen = seen[seen.index(text.encode()) + len(text):]
	status = None
	for line in open(sys.argv[1], encoding="utf-8"):
	    verb, _, rest = line.rstrip("\n").strip().partition(" ")
	    if verb == "expect":
	        expect(rest)
	    elif verb == "send":
	        os.write(fd, rest.encode().decode("unicode_escape").encode("latin-1"))
	    elif verb == "resize":
	        size(fd, *map(int, rest.split()))
	    elif verb == "code":
	        end = time.time() + 8
	        while time.time() < end:
	            read(0.05)
	            done, status = os.waitpid(pid, os.WNOHANG)
	            if done:
	                break
	        else:
	            sys.exit(f"did not end; saw {seen!r}")
	        if os.waitstatus_to_exitcode(status) != int(rest):
	            sys.exit(f"exit code {os.waitstatus_to_exitcode(status)}, not {rest}; saw {seen!r}")
	EOF
}

@test "a shell on a terminal: prompt, job, exit code" {
	on_pty run -it box sh <<-'EOF'
	expect #
	send tty; echo $TERM\r
	expect /dev/
	send exit 5\r
	code 5
	EOF
}

@test "the terminal has its size, and follows it" {
	# With --init, since the kernel spares a pid 1 the signals that it does not handle.
	on_pty run -it --init box probe size <<-'EOF'
	expect size 30 90
	resize 50 120
	expect size 50 120
	send \x03
	code 130
	EOF
}

@test "Ctrl-C reaches the app, and only the app" {
	on_pty run -it box sh -c 'trap "echo caught; exit 3" INT; echo go; while :; do sleep 0.1; done' <<-'EOF'
	expect go
	send \x03
	expect caught
	code 3
	EOF
}

@test "enter -it, with resize" {
	rocket run -d --name shell box sleep 1000
	on_pty enter -it shell probe size <<-'EOF'
	expect size 30 90
	resize 24 80
	expect size 24 80
	send \x03
	code 130
	EOF
}

@test "the terminal's settings are put back" {
	on_pty run -it box true <<-'EOF'
	code 0
	EOF
	run script -qec "stty -a >'$BATS_TEST_TMPDIR/before'; '$ROCKET' --dir '$ROCKET_DIR' run -it box true; stty -a >'$BATS_TEST_TMPDIR/after'" /dev/null
	cmp "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
}

@test "the app can't type into the caller's terminal" {
	run script -qec "'$ROCKET' --dir '$ROCKET_DIR' run -it box sh -c 'readlink /proc/self/fd/0; cat /proc/1/stat | cut -d\" \" -f7'" /dev/null
	[[ $output = */dev/pts/* || $output = */dev/console* ]]
	local mine
	mine=$(script -qec tty /dev/null | tr -d '\r')
	[ -n "$mine" ]
	! grep -q "$mine " <<<"$output "
}

@test "-t without a terminal is refused or harmless, and says which" {
	run_rocket run -t box sh -c 'test -t 1 && echo terminal'
	if [ "$status" = 0 ]; then
		assert_has terminal
	else
		assert_error 125 terminal
	fi
}
