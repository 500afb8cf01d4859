#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the transcripts of a document and compares what comes out with what stands there.

    transcript.py FILE            a line for each difference, and exit code 1 when there is one
    transcript.py --write FILE    puts what came out into the document instead

A block that opens with "```yaml PATH" becomes a file; in a "```console" block "# COMMAND" is run, as root, by a shell,
in an empty directory. All blocks run in order. What differs from run to run (ids, times, sizes, process numbers, the
width of columns) is masked on both sides.
"""
import os
import re
import subprocess
import sys
import tempfile
import time

MASKS = [
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\b[0-9a-f]{12,64}\b", "ID"),
    (r"\b\d+ (milli)?(second|minute)s?\b", "AGE"),
    (r"\b[\d.]+ [KM]iB\b", "SIZE"),
    (r"(127\.0\.0\.1\]):\d+", r"\1:PORT"),
    (r"(Failed to connect to \S+ port \d+).*", r"\1"),
    (r"^ *\d+ (?=ps |\S*rocket-reaper|/bin/)", "PID "),
    (r"^(\w+) +\d+ +(\d+) +(\d+) +[SR] +[\d.]+m?s", r"\1 PID \2 \3 STATE CPU"),
    (r"[ \t]+", " "),
]


def mask(line):
    for pattern, word in MASKS:
        line = re.sub(pattern, word, line)
    return line.strip()


def blocks(lines):
    """Gives (info string, first line, line after the last) of each fenced block."""
    begin = None
    for n, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if begin is None:
            begin = n
        else:
            yield lines[begin][3:].strip(), begin + 1, n
            begin = None


def run(command, folder):
    done = subprocess.run(["bash", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return done.stdout.splitlines()


def run_block(lines, folder):
    """Gives what the block's lines should be."""
    out = []
    for line in lines:
        if line.startswith("# "):
            out += [line] + run(line[2:], folder)
            # People type more slowly than an app needs to listen.
            time.sleep(0.3 if "-d" in line or "start" in line else 0)
    return out


def main():
    write, path = "--write" in sys.argv, sys.argv[-1]
    with open(path, encoding="utf-8") as f:
        lines = f.read().splitlines()
    differences, result, done = 0, [], 0
    with tempfile.TemporaryDirectory() as folder:
        for info, begin, end in list(blocks(lines)):
            result += lines[done:begin]
            block, done = lines[begin:end], end
            if info.startswith("yaml "):
                target = os.path.join(folder, info.split()[1])
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "w", encoding="utf-8") as f:
                    f.write("\n".join(block) + "\n")
            seen = run_block(block, folder) if info == "console" else block
            result += seen
            if list(map(mask, seen)) != list(map(mask, block)):
                differences += 1
                print(f"{path}:{begin}: the transcript is not what comes out:", *seen, sep="\n    ")
    if write:
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(result + lines[done:]) + "\n")
    return 1 if differences and not write else 0


sys.exit(main())
