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

# Off: every memcpy is a danger to the first; `rc = rc ?: next()` a dead store to the second; vfork itself a danger to
# the last two, and we use it with care to do exactly what they forbid.
OFF = ("security.insecureAPI.DeprecatedOrUnsafeBufferHandling", "deadcode.DeadStores", "security.insecureAPI.vfork",
       "unix.Vfork")
# What the analyzer must not see of a compile command: outputs, dependency files, gcc's own words.
DROP_WITH_ARGUMENT = {"-o", "-MF", "-MQ", "-MT"}
DROP = {"-MD", "-c", "-Werror", "-fstack-protector-strong"}


def command_of(entry, with_model):
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
    model = ["-include", os.environ["MODEL"]] if with_model else []
    checkers = [word for name in OFF for word in ("-Xclang", "-analyzer-disable-checker=" + name)]
    return ["clang", "--analyze", *model, "--analyzer-output", "text", "-Wno-unknown-warning-option",
            "-Wno-unknown-attributes", "-fno-color-diagnostics", *checkers, *kept]


def is_cleaned_up(entry, finding):
    """clang 14 doesn't know the cleanup attribute: what is declared autofree is no leak."""
    m = re.search(r"(?:leak of memory|Potential memory leak).*?'(\w+)[\w.>-]*'", finding)
    if not m:
        return False
    with open(os.path.join(entry["directory"], entry["file"]), encoding="utf-8") as f:
        return re.search(r"\bauto\w+\b[^;]*\b" + m.group(1) + r"\b", f.read()) is not None


def analyze(entry):
    # err.c defines what the model names, and openssl has an ERR_STATE too: those files go without.
    for with_model in (True, False):
        out = subprocess.run(command_of(entry, with_model), cwd=entry["directory"], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, check=False)
        if not out.returncode:
            break
    lines, start = out.stdout.splitlines(), r"^\S+:\d+:\d+: (?:warning|error|fatal error):"
    begins = [i for i, line in enumerate(lines) if re.match(start, line)] + [len(lines)]
    findings = ["\n".join(lines[a:b]) for a, b in zip(begins, begins[1:])]
    findings = [text for text in findings if not re.match(r"^\d+ warnings? generated", text)]
    return "\n".join(text for text in findings if not is_cleaned_up(entry, text.split("\n")[0]))


build, wanted = sys.argv[1], [os.path.abspath(f) for f in sys.argv[2:]]
with open(build + "/compile_commands.json", encoding="utf-8") as f:
    entries = json.load(f)
seen, todo = set(), []
source = os.path.dirname(os.path.dirname(os.environ["MODEL"])) + "/src/"
for entry in entries:
    path = os.path.abspath(os.path.join(entry["directory"], entry["file"]))
    if path.startswith(source) and path not in seen and (not wanted or path in wanted):
        seen.add(path)
        todo.append(entry)
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    found = [text for text in pool.map(analyze, todo) if text]
sys.stdout.write("\n".join(found) + ("\n" if found else ""))
print(f"{len(todo)} files analyzed, {len(found)} with findings", file=sys.stderr)
sys.exit(1 if found else 0)
PYTHON
