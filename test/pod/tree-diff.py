#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Are two directory trees the same? Prints each difference and gives 1 if there was one.

  tree-diff.py [--no-times] A B

Compared: names, types, modes, owners, device numbers, link targets, content, times of modification to the
nanosecond, extended attributes, and which names are hard links of one file.
"""
import hashlib
import os
import stat
import sys


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def xattrs(path):
    return {n: os.getxattr(path, n, follow_symlinks=False) for n in os.listxattr(path, follow_symlinks=False)}


def describe(path, times):
    st = os.lstat(path)
    facts = {"type": stat.S_IFMT(st.st_mode), "owner": (st.st_uid, st.st_gid), "xattrs": xattrs(path)}
    if not stat.S_ISLNK(st.st_mode):
        facts["mode"] = oct(stat.S_IMODE(st.st_mode))
    if times:
        facts["mtime"] = st.st_mtime_ns
    if stat.S_ISREG(st.st_mode):
        facts["size"] = st.st_size
        facts["content"] = digest(path)
    if stat.S_ISLNK(st.st_mode):
        facts["target"] = os.readlink(path)
    if stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
        facts["device"] = st.st_rdev
    return facts, (st.st_ino if st.st_nlink > 1 and not stat.S_ISDIR(st.st_mode) else None)


def read(root, times):
    tree, inodes = {}, {}
    for here, dirs, files in os.walk(root):
        for name in ["."] if here == root else []:
            tree["."] = describe(root, times)[0]
        for name in dirs + files:
            path = os.path.join(here, name)
            shown = os.path.relpath(path, root)
            tree[shown], inode = describe(path, times)
            if inode:
                inodes.setdefault(inode, []).append(shown)
    for names in inodes.values():
        for name in names:
            tree[name]["links"] = sorted(names)
    return tree


def main():
    args = sys.argv[1:]
    times = "--no-times" not in args
    a, b = (read(root, times) for root in args if not root.startswith("--"))
    differences = 0
    for path in sorted(a.keys() | b.keys()):
        if path not in a or path not in b:
            print(f"{path}: only in the {'first' if path in a else 'second'}")
            differences += 1
            continue
        for fact in sorted(a[path].keys() | b[path].keys()):
            if a[path].get(fact) != b[path].get(fact):
                print(f"{path}: {fact}: {a[path].get(fact)} and {b[path].get(fact)}")
                differences += 1
    print(f"{len(a)} entries, {differences} differences")
    return 1 if differences else 0


sys.exit(main())
