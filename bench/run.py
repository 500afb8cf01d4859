#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rocket beside its peers, in one interleaved run.

  bench/run.py --bin BUILD [--short] [--only WORD] [--json FILE]

BUILD is a meson build folder with Rocket and the measuring programs in it (`ninja all bench`). The peers are the
newest that Debian's suites give (test/peers.sh). Every round runs each row once, so a machine that drifts drifts
for all alike; what is printed is the median, its ratio to the floor and to the best peer, the target, and whether
it was met. The floor (floor.c) does the kernel work that the row needs and nothing else.

Runs as root, in a mount namespace of its own; makes cgroups below rocket-bench and removes them.
"""
import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from rows import fetch_rows, image_rows, link_rows, memory_rows, start_rows  # noqa: E402
from targets import TARGETS  # noqa: E402


class Bench:
    """Where everything lies: programs, the scratch folder, the peers' namespace."""

    def __init__(self, args):
        self.short, self.only = args.short, args.only
        self.build = os.path.abspath(args.bin)
        self.work = tempfile.mkdtemp(prefix="rocket-bench.", dir=args.tmp)
        os.chmod(self.work, 0o755)  # a mapped root must get through
        self.notes = []
        self.tables = []
        self.results = {}
        self.peers = None
        self.peer_holder = None
        self.rocket = self.find("src/cli/rocket")

    def find(self, *names):
        for name in names:
            path = os.path.join(self.build, name)
            if os.path.exists(path):
                return path
        return None

    def tool(self, name):
        path = self.find(name, "bench/" + name)
        if not path:
            sys.exit(f"bench: {name} is not built; try: ninja -C {self.build} bench")
        return path

    def path(self, *parts):
        return os.path.join(self.work, *parts)

    def note(self, text):
        self.notes.append(text)

    def start_peers(self):
        """The folder of the peers, and a process that keeps their mount namespace."""
        out = subprocess.run([HERE + "/../test/peers.sh"], stdout=subprocess.PIPE, text=True, check=False)
        if out.returncode:
            self.note("no peers: test/peers.sh failed (is there a network?)")
            return
        self.peers = out.stdout.strip()
        self.peer_holder = subprocess.Popen([self.peers + "/run", "sh", "-c", "echo ready; exec sleep 1000000"],
                                            stdout=subprocess.PIPE, text=True)
        self.peer_holder.stdout.readline()

    @property
    def peer_ns(self):
        return f"/proc/{self.peer_holder.pid}/ns/mnt" if self.peer_holder else None

    def in_peers(self, *argv, **kw):
        return subprocess.run(["nsenter", f"--mount={self.peer_ns}", *argv], check=False, text=True,
                              capture_output=True, cwd="/", **kw)

    def close(self):
        if self.peer_holder:
            self.peer_holder.kill()
            self.peer_holder.wait()
        subprocess.run(["sh", "-c", f"""
            awk -v d='{self.work}/' 'index($5, d) == 1 {{print $5}}' /proc/self/mountinfo | sort -r |
                while read -r m; do umount -l "$m"; done
            for d in /sys/fs/cgroup/*/rocket-bench /sys/fs/cgroup/rocket-bench; do
                [ -d "$d" ] && find "$d" -depth -type d -exec rmdir {{}} +
            done; true"""], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.work, ignore_errors=True)


def own_namespace():
    """Mounts of a run must not outlive it: once more, in a private mount namespace."""
    if os.environ.get("ROCKET_BENCH_NS"):
        return
    os.environ["ROCKET_BENCH_NS"] = "1"
    os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])


def make_root(bench):
    """The tree that every row runs: one static program under two names, and what nspawn insists on."""
    root = bench.path("root")
    for name in ("bin", "proc", "dev", "sys", "etc", "tmp", "usr/lib", "run", "var"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(bench.tool("idle"), root + "/bin/idle")
    os.link(root + "/bin/idle", root + "/bin/true")
    shutil.copy(bench.tool("flow"), root + "/bin/flow")
    for name, text in (("etc/os-release", "ID=bench\n"), ("etc/passwd", "root:x:0:0::/:/bin/true\n")):
        with open(os.path.join(root, name), "w", encoding="ascii") as f:
            f.write(text)
    subprocess.run(["tar", "-C", root, "-cf", bench.path("root.tar"), "."], check=True)
    # The floor's upper layers lie on the disk that pods' lie on; Rocket's run directory on a tmpfs, as /run is.
    os.makedirs(bench.path("up"))
    os.makedirs(bench.path("rocket/run"))
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", bench.path("rocket/run")], check=True)
    with open(bench.path("filter"), "wb") as f:
        subprocess.run([bench.tool("floor"), "filter"], stdout=f, check=True)


def describe(bench):
    floor = bench.tool("floor")
    print(f"# {platform.release()}, {os.cpu_count()} cpus, load {os.getloadavg()[0]:.1f}, "
          f"cgroup {'v2' if os.path.exists('/sys/fs/cgroup/cgroup.controllers') else 'v1 or hybrid'}")
    if bench.peers:
        with open(bench.peers + "/versions", encoding="ascii") as f:
            versions = dict(line.split() for line in f)
        names = ("crun", "runc", "podman", "bubblewrap")
        print("# peers:", ", ".join(f"{n} {versions[n]}" for n in names if n in versions))
    for flags in start_rows.floor_flags(bench).values():
        out = subprocess.run([floor, "flags", *flags], stdout=subprocess.PIPE, text=True, check=True)
        print("# floor", " ".join(out.stdout.split()).replace(bench.work, "WORK"))


def run_timing(bench, rows, rounds, warm=1):
    """Rows are (name, namespace, steps). Gives {(row, label): [ms]}; a row that fails alone is noted and left out."""
    good = []
    for row in rows:
        out = timing(bench, [row], 1, 0)
        if out.returncode:
            last = (out.stderr.strip().splitlines() or ["?"])
            bench.note(f"{row[0]}: not measured: " + " | ".join(last[-3:]))
        else:
            good.append(row)
    samples = {}
    if good:
        out = timing(bench, good, rounds, warm)
        if out.returncode:
            bench.note("timing: " + out.stderr.strip().splitlines()[-1])
        for line in out.stdout.splitlines():
            row, label, us = line.split("\t")
            samples.setdefault((row, label), []).append(float(us) / 1000)
    return samples


def timing(bench, rows, rounds, warm):
    lines = []
    for name, ns, steps in rows:
        lines.append("\t".join(filter(None, ["row", name, ns])))
        lines += ["\t".join(step) for step in steps]
    return subprocess.run([bench.tool("timing"), str(rounds), str(warm)], input="\n".join(lines) + "\n",
                          capture_output=True, text=True, check=False, cwd=bench.work)


def print_table(bench):
    """One block a group: each measured thing, its ratio to the floor, then the targets."""
    groups = {}
    for (group, who), values in bench.results.items():
        groups.setdefault(group, {})[who] = values
    met = missed = unmeasured = 0
    for group, by_who in groups.items():
        unit = by_who.pop("unit", "ms")
        floor = statistics.median(by_who["floor"]) if "floor" in by_who else None
        print(f"\n{group} ({unit})")
        for who, values in by_who.items():
            m = statistics.median(values)
            ratio = f"{m / floor:6.2f} x floor" if floor else ""
            print(f"  {who:<28}{m:10.3f}  min {min(values):9.3f}  n {len(values):<4}{ratio}")
        for target in TARGETS.get(group, ()):
            state = check_target(target, by_who)
            met, missed, unmeasured = met + (state == "met"), missed + (state == "NOT MET"), \
                unmeasured + (state not in ("met", "NOT MET"))
            print(f"  target: {target.text:<44} {state} {target.detail(by_who)}")
    for text in bench.tables:
        print("\n" + text.rstrip())
    for text in bench.notes:
        print("note:", text)
    print(f"\n{met} targets met, {missed} not met, {unmeasured} not measured")
    return missed


def check_target(target, by_who):
    value = target.evaluate(by_who)
    if value is None:
        return "not measured"
    return "met" if value else "NOT MET"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--bin", required=True, help="the meson build folder")
    p.add_argument("--short", action="store_true", help="few rounds, no slow rows")
    p.add_argument("--only", default="", help="only groups whose name holds this word")
    p.add_argument("--json", help="write the samples there")
    p.add_argument("--tmp", default=None, help="where scratch files go (a disk, not tmpfs)")
    args = p.parse_args()
    if os.geteuid():
        sys.exit("bench: needs root; try: sudo make bench")
    own_namespace()
    bench = Bench(args)
    try:
        make_root(bench)
        bench.start_peers()
        describe(bench)
        begin = time.monotonic()
        for module in (start_rows, memory_rows, image_rows, fetch_rows, link_rows):
            module.run(bench, run_timing)
        missed = print_table(bench)
        print(f"took {time.monotonic() - begin:.0f} s")
        if args.json:
            with open(args.json, "w", encoding="ascii") as f:
                json.dump({f"{g} / {w}": v for (g, w), v in bench.results.items()}, f, indent=1)
    finally:
        bench.close()
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
