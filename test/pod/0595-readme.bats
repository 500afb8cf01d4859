#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The transcripts of README.md, line by line: what it shows is what comes out. And the names in ARCHITECTURE.md.
load lib

# The first image is the one that README.md makes.
file_setup() { rocket image rm box; }

@test "README.md shows what comes out" {
	PATH=${ROCKET%/*}:$PATH run "$BATS_TEST_DIRNAME/transcript.py" "$BATS_TEST_DIRNAME/../../README.md" 3>&-
	assert_exit 0
}

@test "ARCHITECTURE.md names functions that exist" {
	local root=$BATS_TEST_DIRNAME/../.. pair file function
	for pair in $(grep -o '`[a-z]*/[a-z_0-9-]*\.[ch]:[a-z_0-9]*()`' "$root/ARCHITECTURE.md" | tr -d '`()' | sort -u); do
		file=${pair%:*} function=${pair#*:}
		grep -qE "^[a-z].*\b$function\(" "$root/src/$file" || { echo "no $function() in src/$file" >&2; return 1; }
	done
}
