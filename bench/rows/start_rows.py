# SPDX-License-Identifier: Apache-2.0
"""Start, exit, enter: one app and pods of three."""
import json
import os
import subprocess

from targets import IN_PROCESS

TRUE, IDLE = "/bin/true", "/bin/idle"
KUBE = """apiVersion: v1
kind: Pod
metadata: {name: bench}
spec:
  restartPolicy: Never
  containers:
"""


def floor_flags(bench):
    """The floor's flags for each kind of row: the same namespaces, root, mounts and cgroup as what it stands beside."""
    v2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
    if v2:
        os.makedirs("/sys/fs/cgroup/rocket-bench", exist_ok=True)
    cgroup = ["--cg", "/sys/fs/cgroup/rocket-bench"] if v2 else ["--cg1"]
    common = ["--root", bench.path("root"), "--up", bench.path("up"), "--volatile", "--caps", "--lo",
              "--seccomp", bench.path("filter"), *cgroup]
    return {"oci": ["--ns", "mpniuc", "--oci", *common],
            "image": ["--ns", "mpniucU", "--idmap", "--oci", *common]}


def rocket(bench, *words):
    return [bench.rocket, "--dir", bench.path("rocket"), *words]


def podman(bench, *words):
    return ["podman", "--root", bench.path("pm/root"), "--runroot", bench.path("pm/run"),
            "--cgroup-manager=cgroupfs", "--log-level=error", *words]


def make_bundles(bench):
    """Three bundles: `true`, `idle`, and `idle` in the network of a path filled in later."""
    spec = json.loads(subprocess.run([bench.peers + "/run", "sh", "-c",
                                      f"cd {bench.path()} && rm -f config.json && crun spec && cat config.json"],
                                     capture_output=True, text=True, check=True).stdout)
    for name, program in (("true", TRUE), ("idle", IDLE)):
        spec["process"].update(terminal=False, args=[program])
        spec["root"] = {"path": bench.path("root"), "readonly": False}
        spec["linux"]["cgroupsPath"] = "/rocket-bench/" + name
        os.makedirs(bench.path("bundle-" + name))
        with open(bench.path("bundle-" + name, "config.json"), "w", encoding="ascii") as f:
            json.dump(spec, f)


def make_images(bench):
    if bench.peers:
        out = bench.in_peers(*podman(bench, "import", "-q", bench.path("root.tar"), "localhost/bench"))
        if out.returncode:
            bench.note("podman import: " + out.stderr.strip())
        with open(bench.path("kube.yaml"), "w", encoding="ascii") as f:
            f.write(KUBE + "".join(
                f"  - {{name: a{i}, image: localhost/bench, imagePullPolicy: Never, command: [{IDLE}]}}\n"
                for i in range(3)))
    if bench.rocket:
        out = subprocess.run(rocket(bench, "image", "import", bench.path("root.tar"), "bench"),
                             capture_output=True, text=True, check=False)
        if out.returncode:
            bench.note("rocket image import: " + " | ".join(out.stderr.strip().splitlines()))


def oci_rows(bench):
    run = ["--root", bench.path("state")]
    rows = [("floor", None, [["time", "x", bench.tool("floor"), "run", *floor_flags(bench)["oci"], "--", TRUE]]),
            ("nspawn", None, [["time", "x", "systemd-nspawn", "-q", "--register=no", "--keep-unit", "-D",
                               bench.path("root"), TRUE]])]
    if bench.peers:
        for name in ("crun", "runc"):
            rows.append((name, bench.peer_ns, [["time", "x", name, *run, "run", "-b", bench.path("bundle-true"), "b"]]))
        rows.append(("bwrap", bench.peer_ns, [["time", "x", "bwrap", "--bind", bench.path("root"), "/", "--proc",
                                               "/proc", "--dev", "/dev", "--unshare-all", TRUE]]))
    oci = bench.find("src/libexec/rocket-oci")
    if oci:
        rows.append(("rocket-oci run", None, [["time", "x", oci, *run, "run", "-b", bench.path("bundle-true"), "r"]]))
    return rows


def image_rows(bench):
    rows = [("spawn, no container", None, [["time", "x", bench.path("root") + TRUE]]),
            ("floor", None, [["time", "x", bench.tool("floor"), "run", *floor_flags(bench)["image"], "--", TRUE]])]
    if bench.rocket:
        rows.append(("rocket run --rm", None, [["time", "x", *rocket(bench, "run", "-q", "--rm", "bench", TRUE)]]))
    if bench.peers:
        rows.append(("podman run (no network)", bench.peer_ns, [[
            "time", "x", *podman(bench, "run", "--rm", "--network", "none", "--cgroup-parent=/rocket-bench",
                                 "localhost/bench", TRUE)]]))
    return rows


def enter_rows(bench):
    floor = bench.tool("floor")
    flags = floor_flags(bench)["image"]
    safe = ["--ns", "mpniucU", "--caps", "--seccomp", bench.path("filter")]
    hold = ["hold", floor, "hold", *flags, "--", IDLE]
    rows = [("floor", None, [hold, ["time", "x", floor, "enter", "$H", *safe, "--", TRUE]]),
            ("nsenter", None, [hold, ["time", "x", "nsenter", "-t", "$H", "-a", TRUE]])]
    if bench.rocket:
        rows.append(("rocket enter", None, [
            ["do", *rocket(bench, "run", "-q", "-d", "--name", "enter", "bench", IDLE)],
            ["time", "x", *rocket(bench, "enter", "enter", TRUE)],
            ["do", *rocket(bench, "rm", "-f", "enter")]]))
    if bench.peers:
        for name in ("crun", "runc"):
            me = [name, "--root", bench.path("state")]
            rows.append((name + " exec", bench.peer_ns, [
                ["do", *me, "run", "-d", "-b", bench.path("bundle-idle"), "e"], ["time", "x", *me, "exec", "e", TRUE],
                ["do", *me, "delete", "-f", "e"]]))
        rows.append(("podman exec", bench.peer_ns, [
            ["do", *podman(bench, "run", "-d", "--name", "e", "--network", "none", "--cgroup-parent=/rocket-bench",
                           "localhost/bench", IDLE)],
            ["time", "x", *podman(bench, "exec", "e", TRUE)], ["do", *podman(bench, "rm", "-f", "-t", "0", "e")]]))
    return rows


def three(bench, program):
    """The words of a pod of three apps of one image."""
    words = []
    for i in range(3):
        words += ["---"] * (i > 0) + ["bench", "--name", f"a{i}", program]
    return words


def pod_rows(bench):
    """up and rm in one row each: the same pod. The floor measures both inside its own process."""
    rows = [("floor", None, [["own", "up,rm", bench.tool("floor"), "pod", *floor_flags(bench)["image"], "--", IDLE]])]
    if bench.rocket:
        rows.append(("rocket", None, [
            ["time", "up", *rocket(bench, "run", "-q", "-d", "--name", "three", *three(bench, IDLE))],
            ["time", "rm", *rocket(bench, "rm", "-f", "three")]]))
    if bench.peers:
        crun = ["crun", "--root", bench.path("state")]
        rows.append(("crun, three runs", bench.peer_ns, [
            ["time", "up", "sh", "-c", " && ".join(
                " ".join(crun) + f" run -d -b {bench.path('bundle-idle')} p{i}" for i in range(3))],
            ["time", "rm", "sh", "-c", "; ".join(" ".join(crun) + f" delete -f p{i}" for i in range(3))]]))
        rows.append(("podman kube play", bench.peer_ns, [
            ["time", "up", *podman(bench, "kube", "play", "-q", "--network", "none", bench.path("kube.yaml"))],
            ["time", "rm", *podman(bench, "kube", "down", bench.path("kube.yaml"))]]))
    return rows


def life_rows(bench):
    rows = [("floor", None, [["time", "x", bench.tool("floor"), "life", *floor_flags(bench)["image"], "--", TRUE]])]
    if bench.rocket:
        rows.append(("rocket run --rm", None, [["time", "x", *rocket(bench, "run", "-q", "--rm", *three(bench, TRUE))]]))
    if bench.peers:
        rows.append(("crun, three runs", bench.peer_ns, [["time", "x", "sh", "-c", "; ".join(
            f"crun --root {bench.path('state')} run -b {bench.path('bundle-true')} l{i}" for i in range(3))]]))
    return rows


def show_timing(bench):
    """Where a start's time goes, by Rocket's own word: the run with the median sum of a few."""
    if not bench.rocket or bench.only not in "timing of a run":
        return
    for words in (["bench", TRUE], three(bench, TRUE)):
        tables = []
        for _ in range(7):
            out = subprocess.run(rocket(bench, "run", "-q", "--rm", "--timing", *words), capture_output=True, text=True,
                                 check=False)
            lines = out.stderr.splitlines()
            tables.append((float(lines[-1].split()[1]) if len(lines) > 2 else 0, out.stderr))
        bench.tables.append("rocket run --rm --timing, " + ("one app" if len(words) == 2 else "three apps") + "\n" +
                            sorted(tables)[len(tables) // 2][1])


GROUPS = [("OCI bundle, run to exit", oci_rows), ("from a stored image, run to exit", image_rows),
          ("enter a running app", enter_rows), ("pod of 3, whole life of three true", life_rows)]


def run(bench, timing):
    if bench.peers:
        make_bundles(bench)
    make_images(bench)
    rounds = 7 if bench.short else 30
    for group, rows in GROUPS:
        if bench.only in group:
            for (who, _), values in timing(bench, rows(bench), rounds).items():
                bench.results[group, who] = values
    group = "from a stored image, after a quiet time"
    if bench.only in group:
        for (who, _), values in timing(bench, image_rows(bench), 10, warm=0).items():
            bench.results[group, who] = values
    if bench.only in "pod of 3, up, stopped and removed":
        names = {"rocket": ("rocket run -d", "rocket rm -f"), "floor": (IN_PROCESS, IN_PROCESS)}
        for (who, label), values in timing(bench, pod_rows(bench), min(rounds, 15)).items():
            group = "pod of 3, up" if label == "up" else "pod of 3, stopped and removed"
            bench.results[group, names.get(who, (who, who))[label == "rm"]] = values
    show_timing(bench)
