#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a machine can check, over every C file of the tree (or those given):

  include law    a folder of src/ includes only folders before it in the flow; json-c and libyaml only in base/
  license        every source file says SPDX-License-Identifier: Apache-2.0 in its first two lines
  opening        every C file but the unit tests opens with a comment on what it is for
  length         no function is longer than a screen (LONGEST lines)
  nesting        no control statement stands deeper than DEEPEST
  banned         calls that can't be used safely

Prints FILE:LINE: RULE: what, and exits with 1 when there was anything. `--functions` prints the lengths instead.
"""
import os
import re
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FLOW = ("base image store trust registry pod boundary net supervise observe report build cri cli oci libexec").split()
LONGEST, DEEPEST = 60, 3
ONLY_BASE = ("json-c/", "json.h", "yaml.h")
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|system|popen|mktemp|tmpnam|alloca|atoi|atol|rand)\(")
# The measuring and probing programs take only our own words.
BANNED_FREE = ("bench/", "test/")
CONTROL = re.compile(r"^(\t+)(?:} )?(?:if|for|while|do|switch|else)\b")


def c_files(args):
    if args:
        return [os.path.relpath(os.path.abspath(a), ROOT) for a in args]
    found = []
    for top in ("src", "test", "bench", "tools"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            found += [os.path.relpath(os.path.join(folder, n), ROOT) for n in names if n.endswith((".c", ".h"))]
    return sorted(found)


def check_includes(path, lines):
    parts = path.split("/")
    if parts[0] != "src":
        return
    rank = FLOW.index(parts[1])
    for n, line in enumerate(lines, 1):
        m = re.match(r'#include ([<"])([^>"]+)[>"]', line)
        if not m:
            continue
        target = m.group(2)
        if m.group(1) == "<":
            if parts[1] != "base" and (target.startswith(ONLY_BASE[0]) or target in ONLY_BASE[1:]):
                yield n, "include law", f"<{target}> is base/'s alone"
            continue
        folder = target.split("/")[0] if "/" in target else parts[1]
        if folder not in FLOW:
            yield n, "include law", f'"{target}" is no folder of the flow'
        elif FLOW.index(folder) > rank:
            yield n, "include law", f"{parts[1]}/ comes before {folder}/"


def check_opening(path, lines):
    if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:2]):
        yield 1, "license", "no SPDX line"
    rest = [line for line in lines if "SPDX" not in line and line.strip()]
    if not path.startswith("test/unit/") and (not rest or not rest[0].startswith("/*")):
        yield 2, "opening", "no comment on what the file is for"


def check_banned(path, lines):
    if path.startswith(BANNED_FREE):
        return
    for n, line in enumerate(lines, 1):
        code = re.sub(r'"(?:[^"\\]|\\.)*"|/\*.*?\*/|//.*', "", line)
        if code.lstrip().startswith("*"):
            continue
        m = BANNED.search(code)
        if m:
            yield n, "banned", m.group(1)


def check_nesting(_path, lines):
    """By indentation, which clang-format guarantees: a control statement at N tabs is nested N deep."""
    for n, line in enumerate(lines, 1):
        m = CONTROL.match(line)
        if m and len(m.group(1)) > DEEPEST + 1:
            yield n, "nesting", f"{len(m.group(1))} deep"


def functions(paths):
    """(file, line, name, length) of every function, by universal-ctags."""
    full = [os.path.join(ROOT, p) for p in paths if p.endswith(".c")]
    out = subprocess.run(["ctags", "-x", "--c-kinds=f", "--_xformat=%F\t%n\t%N\t%{end}", *full], text=True,
                         stdout=subprocess.PIPE, check=True)
    for line in out.stdout.splitlines():
        path, start, name, end = line.split("\t")
        if end.isdigit():
            yield os.path.relpath(path, ROOT), int(start), name, int(end) - int(start) + 1


def print_functions(paths):
    found = sorted(functions(paths), key=lambda f: -f[3])
    lengths = sorted(f[3] for f in found)
    print(f"{len(found)} functions, median {statistics.median(lengths):.0f} lines, "
          f"p99 {lengths[int(len(lengths) * .99)]}, longest {lengths[-1]}")
    for path, line, name, length in found[:25]:
        print(f"{length:5} {path}:{line} {name}")


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    paths = c_files(args)
    if "--functions" in sys.argv:
        print_functions(paths)
        return 0
    found = []
    for path in paths:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            lines = f.read().split("\n")
        for check in (check_includes, check_opening, check_banned, check_nesting):
            found += [(path, n, rule, what) for n, rule, what in check(path, lines)]
    found += [(path, line, "length", f"{name} has {length} lines, more than {LONGEST}")
              for path, line, name, length in functions(paths) if length > LONGEST]
    for path, n, rule, what in sorted(found):
        print(f"{path}:{n}: {rule}: {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
