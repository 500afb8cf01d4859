#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check-pages.sh ROCKET NAME... -- FILE...: every page that `rocket help --list` names is made, none is left over, and
# groff (where there is one) has nothing to say against the files.
rocket=$1
shift
listed=$("$rocket" help --list) || exit 1
made=
while [ "$1" != -- ]; do
	made="$made$1
"
	shift
done
shift
[ "$listed" = "$(printf '%s' "$made")" ] || {
	echo "man/meson.build does not name the pages that rocket help --list names: diff (left: here, right: there)" >&2
	printf "%s\n%s\n" "$made" "$listed" | LC_ALL=C sort | uniq -u >&2
	exit 1
}
for file; do
	[ -s "$file" ] || { echo "$file is empty" >&2; exit 1; }
	command -v groff >/dev/null || continue
	said=$(groff -man -Tutf8 -ww -z "$file" 2>&1)
	[ -z "$said" ] || { echo "$said" >&2; exit 1; }
done
