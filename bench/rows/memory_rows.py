# SPDX-License-Identifier: Apache-2.0
"""Many idle pods: time to start and remove each, memory of their helpers and of the kernel."""
import os
import subprocess
import time

from .start_rows import IDLE, rocket, three

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
    begin = time.monotonic()
    for i in range(n):
        subprocess.run(rocket(bench, "run", "-q", "-d", "--name", f"idle{i}", *words), check=True,
                       stdout=subprocess.DEVNULL)
    return (time.monotonic() - begin) * 1000 / n


def remove_pods(bench, n):
    begin = time.monotonic()
    subprocess.run(rocket(bench, "rm", "-f", *(f"idle{i}" for i in range(n))), check=True, stdout=subprocess.DEVNULL)
    return (time.monotonic() - begin) * 1000 / n


def measure_many(bench, n):
    bench.results["idle pods, started, each", "rocket run -d"] = [start_pods(bench, n, ["bench", IDLE])]
    bench.results["idle pods, removed, each", "rocket rm -f"] = [remove_pods(bench, n)]


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


def run(bench, _timing):
    if not bench.rocket or bench.only not in "idle pods memory":
        return
    for measure, n in ((measure_many, 20 if bench.short else 100), (measure_memory, 10 if bench.short else 30)):
        try:
            measure(bench, n)
        except (subprocess.CalledProcessError, OSError) as e:
            bench.note(f"{measure.__name__}: {e}")
            subprocess.run(rocket(bench, "rm", "-f", *(f"idle{i}" for i in range(n))), check=False,
                           stderr=subprocess.DEVNULL)
