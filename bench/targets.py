# SPDX-License-Identifier: Apache-2.0
"""What Rocket must reach, a table: group -> targets. A target compares Rocket's median with another row's, or with
a number."""
import statistics


class Ratio:
    """`who` at most `factor` times the median of `other` (the best of several)."""

    def __init__(self, who, factor, *others, name=None):
        self.who, self.factor, self.others = who, factor, others
        self.text = f"{who} <= {factor:.3g} x {name or ' or '.join(others)}"

    def values(self, rows):
        best = [statistics.median(rows[o]) for o in self.others if o in rows]
        if self.who not in rows or not best:
            return None
        return statistics.median(rows[self.who]), min(best)

    def evaluate(self, rows):
        v = self.values(rows)
        return None if v is None else v[0] <= self.factor * v[1]

    def detail(self, rows):
        v = self.values(rows)
        return "" if v is None or not v[1] else f"({v[0] / v[1]:.3f})"


class Most:
    """`who` at most this many of the group's unit."""

    def __init__(self, who, limit):
        self.who, self.limit = who, limit
        self.text = f"{who} <= {limit:g}"

    def evaluate(self, rows):
        return statistics.median(rows[self.who]) <= self.limit if self.who in rows else None

    def detail(self, rows):
        return f"({statistics.median(rows[self.who]):.3f})" if self.who in rows else ""


class MostOr:
    """`who` at most this many ms, which were measured in a quiet moment of the development machine, or at most `factor`
    times the floor's figure of the same run, which drifts with the machine. Both are printed."""

    def __init__(self, who, limit, factor, floor):
        self.who, self.limit, self.factor, self.floor = who, limit, factor, floor
        self.text = f"{who} <= {limit:g} ms or {factor:g} x {floor}"

    def values(self, rows):
        if self.who not in rows:
            return None
        floor = statistics.median(rows[self.floor]) if self.floor in rows else None
        return statistics.median(rows[self.who]), floor

    def evaluate(self, rows):
        v = self.values(rows)
        return None if v is None else v[0] <= self.limit or (v[1] is not None and v[0] <= self.factor * v[1])

    def detail(self, rows):
        v = self.values(rows)
        return "" if v is None else f"({v[0]:.3f} ms" + (f", {v[0] / v[1]:.3f} x)" if v[1] else ")")


IN_PROCESS = "floor (in-process)"
TARGETS = {
    "OCI bundle, run to exit": [
        Ratio("rocket-oci run", 1.15, "floor"), Ratio("rocket-oci run", 0.7, "crun")],
    "from a stored image, run to exit": [
        Ratio("rocket run --rm", 1.4, "floor"), Ratio("rocket run --rm", 1 / 18, "podman run (no network)")],
    "enter a running app": [
        Ratio("rocket enter", 1.5, "floor"), Ratio("rocket enter", 0.45, "crun exec")],
    "pod of 3, up": [MostOr("rocket run -d", 6, 2.0, IN_PROCESS), Ratio("rocket run -d", 1 / 28, "podman kube play")],
    "pod of 3, whole life of three true": [Ratio("rocket run --rm", 1.5, "floor")],
    "pod of 3, stopped and removed": [MostOr("rocket rm -f", 4, 2.5, IN_PROCESS)],
    "idle pods, started, each": [MostOr("rocket run -d", 4, 2.0, IN_PROCESS)],
    "idle pods, removed, each": [MostOr("rocket rm -f", 1, 1 / 0.6, IN_PROCESS)],
    "TCP between two apps of a pod": [Ratio("rocket link (apart)", 1 / 0.6, "loopback (close)")],
    "a pipe between two apps of a pod": [Ratio("rocket link", 1 / 0.98, "shell pipe")],
    "helpers of a pod of 3, PSS": [Most("rocket", 100)],
    "kernel memory of a pod of 3, without the tasks of its apps": [Most("rocket", 400)],
    "import gzip, CPU": [Ratio("rocket image import", 1.15, "floor")],
    "import gzip, wall": [Ratio("rocket image import", 0.2, "podman load", "skopeo to storage", name="best peer")],
    "import zstd, CPU": [Ratio("rocket image import", 1.2, "floor")],
    "fetch from loopback, wall": [Ratio("rocket fetch", 0.2, "podman pull", "skopeo to storage", name="best peer")],
    "remove an image": [Most("rocket image rm, gc", 0.02 + 0.2 * 0.17)],
    "on disk beside the tar": [Most("rocket", 1.01)],
}
