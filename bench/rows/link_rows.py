# SPDX-License-Identifier: Apache-2.0
"""Links between the apps of a pod: a relayed TCP connection beside loopback, a pipe beside a shell's. In turns, so that a
machine that drifts drifts for all."""
import re
import subprocess

from .start_rows import rocket

GROUP_TCP, GROUP_PIPE = "TCP between two apps of a pod", "a pipe between two apps of a pod"
FLOW, PORT = "/bin/flow", "5000"


def number(argv, shell=False):
    """What `flow` said, out of a pod's lines or bare."""
    out = subprocess.run(argv, capture_output=True, text=True, check=False, shell=shell, timeout=120)
    found = re.search(r"(\d+\.\d+)\s*$", out.stdout)
    if out.returncode or not found:
        raise OSError(" | ".join(out.stderr.strip().splitlines()) or "no figure came out")
    return float(found.group(1))


def add(bench, group, who, value):
    bench.results.setdefault((group, "unit"), "ms a GiB")
    bench.results.setdefault((group, who), []).append(value)


def tcp(bench, distance, mib):
    return number(rocket(bench, "run", "-q", "--rm", "--distance", distance, "--exit", "sink", "--link",
                         f"pour:sink:tcp:{PORT}", "bench", "--name", "sink", FLOW, "sink", PORT,
                         "---", "bench", "--name", "pour", FLOW, "pour", PORT, mib))


def pipe(bench, mib):
    return number(rocket(bench, "run", "-q", "--rm", "--distance", "apart", "--exit", "in", "--link", "out:in:stdout",
                         "bench", "--name", "in", FLOW, "in", "---", "bench", "--name", "out", FLOW, "out", mib))


def run(bench, _timing):
    if bench.only not in "links between apps" or not bench.rocket:
        return
    flow, mib = bench.tool("flow"), "2048"
    try:
        for _ in range(3 if bench.short else 9):
            add(bench, GROUP_TCP, "loopback (close)", tcp(bench, "close", mib))
            add(bench, GROUP_TCP, "rocket link (apart)", tcp(bench, "apart", mib))
            add(bench, GROUP_PIPE, "shell pipe", number(f"{flow} out {mib} | {flow} in", shell=True))
            add(bench, GROUP_PIPE, "rocket link", pipe(bench, mib))
    except (OSError, subprocess.SubprocessError) as e:
        bench.note(f"links: {e}")
