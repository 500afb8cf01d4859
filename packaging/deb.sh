#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes a binary Debian package from an installation into an empty directory. The dependencies are those of
# the programs as they were linked here: the package is for the Debian release that it was built on.
# usage: deb.sh BUILD
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
build=$1
root=$build/deb/root

"$here/tools/build.sh" "$build/deb/build" --prefix=/usr -Dtests=false
rm -rf "$root"
meson install -C "$build/deb/build" --no-rebuild --destdir "$root" >"$build/deb/install.log" 2>&1 ||
	{ cat "$build/deb/install.log" >&2; exit 1; }
find "$root/usr/bin" "$root/usr/libexec" -type f | while read -r program; do
	strip --strip-unneeded "$program" 2>/dev/null || :
done

version=$(meson introspect --projectinfo "$build/deb/build" | sed -n 's/.*"version": "\([^"]*\)".*/\1/p')
arch=$(dpkg --print-architecture)

# Which packages hold the libraries that the programs name.
libraries() {
	find "$root/usr" -type f -perm -100 -exec readelf -d {} + 2>/dev/null |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u
}
depends() {
	for library in $(libraries); do
		dpkg -S "*/$library" 2>/dev/null | sed -n 's/^\([^:]*\).*/\1/p' | head -n 1
	done | sort -u | while read -r package; do
		printf '%s (>= %s), ' "$package" \
			"$(dpkg-query -W -f '${Version}' "$package" | sed 's/^\([0-9]*:\)\{0,1\}\([0-9]*\.[0-9]*\).*/\1\2/')"
	done | sed 's/, $//'
}

doc=$root/usr/share/doc/rocket
mkdir -p "$root/DEBIAN" "$doc"
cp "$here/packaging/debian/copyright" "$doc/copyright"
for script in postinst prerm; do
	install -m 0755 "$here/packaging/debian/$script" "$root/DEBIAN/$script"
done
find "$root/usr/share/man" -type f -name '*.[0-9]' -exec gzip -9n {} + 2>/dev/null || :
size=$(du -sk "$root/usr" | cut -f1)
sed -e "s/@version@/$version/; s/@arch@/$arch/; s/@size@/$size/; s/@depends@/$(depends)/" \
	"$here/packaging/debian/control" | grep -v '^#' >"$root/DEBIAN/control"
(cd "$root" && find usr -type f -exec md5sum {} + | LC_ALL=C sort -k 2 >DEBIAN/md5sums)

package=$build/rocket_${version}_$arch.deb
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct 2>/dev/null || echo 0)}
export SOURCE_DATE_EPOCH
dpkg-deb --root-owner-group -Zxz --build "$root" "$package" >/dev/null
echo "$package"
