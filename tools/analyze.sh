#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang's static analyzer over every file of src/ that a build folder compiles; any finding fails.
# usage: tools/analyze.sh BUILD [FILE...]
set -eu
build=$1
shift
MODEL=$(cd "$(dirname "$0")" && pwd)/analyzer.h
export MODEL
exec python3 - "$build" "$@" <<'PYTHON'
import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

# Off: it takes every memcpy for a danger and asks for functions that glibc lacks.
CHECKERS = ["-Xclang", "-analyzer-disable-checker=security.insecureAPI.DeprecatedOrUnsafeBufferHandling"]
# What the analyzer must not see of a compile command: outputs, dependency files, gcc's own words.
DROP_WITH_ARGUMENT = {"-o", "-MF", "-MQ", "-MT"}
DROP = {"-MD", "-c", "-Werror", "-fstack-protector-strong"}


def command_of(entry):
    words = shlex.split(entry["command"])[1:]
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in DROP_WITH_ARGUMENT:
            skip = True
        elif word not in DROP and not word.startswith(("-fsanitize", "-ftrivial-auto-var-init",
                                                              "-fdiagnostics-color")):
            kept.append(word)
    model = [] if entry["file"].endswith("base/err.c") else ["-include", os.environ["MODEL"]]
    return ["clang", "--analyze", *model, "--analyzer-output", "text", "-Wno-unknown-warning-option",
            "-Wno-unknown-attributes", "-fno-color-diagnostics", *CHECKERS, *kept]


def is_cleaned_up(entry, finding):
    """clang 14 doesn't know the cleanup attribute: what is declared autofree is no leak."""
    m = re.search(r"(?:leak of memory|Potential memory leak).*?'(\w+)'", finding)
    if not m:
        return False
    with open(os.path.join(entry["directory"], entry["file"]), encoding="utf-8") as f:
        return re.search(r"\bauto\w+\b[^;]*\b" + m.group(1) + r"\b", f.read()) is not None


def analyze(entry):
    out = subprocess.run(command_of(entry), cwd=entry["directory"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    lines, start = out.stdout.splitlines(), r"^\S+:\d+:\d+: (?:warning|error|fatal error):"
    begins = [i for i, line in enumerate(lines) if re.match(start, line)] + [len(lines)]
    findings = ["\n".join(lines[a:b]) for a, b in zip(begins, begins[1:])]
    findings = [text for text in findings if not re.match(r"^\d+ warnings? generated", text)]
    return "\n".join(text for text in findings if not is_cleaned_up(entry, text.split("\n")[0]))


build, wanted = sys.argv[1], [os.path.abspath(f) for f in sys.argv[2:]]
with open(build + "/compile_commands.json", encoding="utf-8") as f:
    entries = json.load(f)
seen, todo = set(), []
for entry in entries:
    path = os.path.abspath(os.path.join(entry["directory"], entry["file"]))
    if "/src/" in path and path not in seen and (not wanted or path in wanted):
        seen.add(path)
        todo.append(entry)
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = [text for text in pool.map(analyze, todo) if text]
sys.stdout.write("\n".join(found) + ("\n" if found else ""))
print(f"{len(todo)} files analyzed, {len(found)} with findings", file=sys.stderr)
sys.exit(1 if found else 0)
PYTHON
