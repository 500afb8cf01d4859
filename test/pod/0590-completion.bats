#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Completion as the shells ask for it, and the scripts in the shells that are there.
load lib

setup()
{
	rocket prepare --name alone box true >/dev/null
	rocket prepare --name both box --name a true --- box --name b true >/dev/null
}

# The shells sort for themselves.
words() { run bash -c '"$@" | sort' - "$ROCKET" --dir "$ROCKET_DIR" completion words -- "$@"; }

@test "pods, apps, images and volumes by name" {
	words rm ""
	assert_out $'alone\nboth'
	words logs ""
	assert_out $'alone\nboth\nboth/a\nboth/b'
	words image rm ""
	assert_out "box:latest"
	words run ""
	assert_out "box:latest"
	words volume rm ""
	assert_out ""
}

@test "--dir on the command line is where names come from" {
	run bash -c '"$@" | sort' - "$ROCKET" completion words -- --dir "$ROCKET_DIR" rm ""
	assert_out $'alone\nboth'
}

@test "bash: verbs, options, values behind '=' and ':'" {
	cat >"$BATS_TEST_TMPDIR/ask" <<-'EOF'
	source <(rocket completion bash)
	compopt() { :; }
	ask()
	{
		COMP_LINE=$1 COMP_POINT=${#1}
		COMP_WORDS=($(sed 's/\([=:]\)/ \1 /g' <<<"$1"))
		[[ $1 != *' ' ]] || COMP_WORDS+=('')
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
		_rocket
		echo "${COMPREPLY[*]}"
	}
	ask "rocket versi"
	ask "rocket list --phase=r"
	ask "rocket --dir $ROCKET_DIR image rm box:la"
	ask "rocket logs both/"
	EOF
	mkdir "$BATS_TEST_TMPDIR/bin"
	ln -s "$ROCKET" "$BATS_TEST_TMPDIR/bin/rocket"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH run bash "$BATS_TEST_TMPDIR/ask"
	assert_out $'version\nrunning\nlatest\nboth/a both/b'
}

@test "zsh and fish take their scripts" {
	local shell any=no
	for shell in zsh fish; do
		command -v $shell >/dev/null || continue
		any=yes
		rocket completion $shell >"$BATS_TEST_TMPDIR/script"
		$shell -n "$BATS_TEST_TMPDIR/script"
	done
	[ $any = yes ] || skip "neither zsh nor fish is installed"
}
