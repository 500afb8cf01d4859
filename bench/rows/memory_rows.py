# SPDX-License-Identifier: Apache-2.0
"""Many idle pods: time to start and remove each, memory of their helpers and of the kernel."""
import os
import subprocess
import time

from targets import IN_PROCESS

from .start_rows import IDLE, floor_flags, rocket, three

KEYS = ("SUnreclaim", "KernelStack", "PageTables", "Percpu")


def kernel_kb():
    """What the kernel holds and can't give back. Settles first: namespaces are freed by workers."""
    time.sleep(1)
    with open("/proc/meminfo", encoding="ascii") as f:
        return sum(int(line.split()[1]) for line in f if line.split(":")[0] in KEYS)


def tasks_kb(bench, n):
    """Kernel memory of one idle process outside any pod."""
    before = kernel_kb()
    procs = [subprocess.Popen([bench.path("root") + IDLE]) for _ in range(n)]
    each = (kernel_kb() - before) / n
    for p in procs:
        p.kill()
    for p in procs:
        p.wait()
    return each


def pss_of(pids):
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def helpers(before):
    """The processes that came since and aren't the apps themselves."""
    found = []
    for pid in set(filter(str.isdigit, os.listdir("/proc"))) - before:
        try:
            name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        except OSError:
            continue
        if name.startswith("rocket"):
            found.append(pid)
    return found


def start_pods(bench, n, words):
    for i in range(n):
        subprocess.run(rocket(bench, "run", "-q", "-d", "--name", f"idle{i}", *words), check=True,
                       stdout=subprocess.DEVNULL)


def remove_pods(bench, n):
    subprocess.run(rocket(bench, "rm", "-f", *(f"idle{i}" for i in range(n))), check=True, stdout=subprocess.DEVNULL)


def measure_many(bench, timing, n, rounds):
    """n pods of one app are started one after the other and removed by one command; the floor beside, in its process."""
    floor = ["own", "up,rm", bench.tool("floor"), "pod", "--apps", "1", *floor_flags(bench)["image"], "--", IDLE]
    up = [["time", "up", *rocket(bench, "run", "-q", "-d", "--name", f"idle{i}", "bench", IDLE)] for i in range(n)]
    rows = [("floor", None, [floor] * (n // 5)),
            ("rocket", None, [*up, ["time", "rm", *rocket(bench, "rm", "-f", *(f"idle{i}" for i in range(n)))]])]
    for (who, label), values in timing(bench, rows, rounds, warm=0).items():
        group = "idle pods, started, each" if label == "up" else "idle pods, removed, each"
        name = IN_PROCESS if who == "floor" else "rocket run -d" if label == "up" else "rocket rm -f"
        bench.results[group, name] = [v / n for v in values] if name == "rocket rm -f" else values


def measure_memory(bench, n):
    task = tasks_kb(bench, 60)
    processes = set(filter(str.isdigit, os.listdir("/proc")))
    before = kernel_kb()
    start_pods(bench, n, three(bench, IDLE))
    kernel = (kernel_kb() - before) / n - 3 * task
    pss = pss_of(helpers(processes)) / n
    remove_pods(bench, n)
    group = "helpers of a pod of 3, PSS"
    bench.results[group, "unit"] = "kB, mean of many pods"
    bench.results[group, "rocket"] = [pss]
    group = "kernel memory of a pod of 3, without the tasks of its apps"
    bench.results[group, "unit"] = "kB, mean of many pods"
    bench.results[group, "rocket"] = [kernel]


def run(bench, timing):
    if not bench.rocket or bench.only not in "idle pods memory":
        return
    measure_many(bench, timing, 20 if bench.short else 100, 1 if bench.short else 3)
    n = 10 if bench.short else 30
    try:
        measure_memory(bench, n)
    except (subprocess.CalledProcessError, OSError) as e:
        bench.note(f"memory of pods: {e}")
        subprocess.run(rocket(bench, "rm", "-f", *(f"idle{i}" for i in range(n))), check=False, stderr=subprocess.DEVNULL)
