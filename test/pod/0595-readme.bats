#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The transcripts of README.md, line by line: what it shows is what comes out.
load lib

# The first image is the one that README.md makes.
file_setup() { rocket image rm box; }

@test "README.md shows what comes out" {
	PATH=${ROCKET%/*}:$PATH run "$BATS_TEST_DIRNAME/transcript.py" "$BATS_TEST_DIRNAME/../../README.md" 3>&-
	assert_exit 0
}
