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


TARGETS = {
    "OCI bundle, run to exit": [
        Ratio("rocket-oci run", 1.15, "floor"), Ratio("rocket-oci run", 0.7, "crun")],
    "from a stored image, run to exit": [
        Ratio("rocket run --rm", 1.4, "floor"), Ratio("rocket run --rm", 1 / 18, "podman run (no network)")],
    "enter a running app": [
        Ratio("rocket enter", 1.5, "floor"), Ratio("rocket enter", 0.45, "crun exec")],
    "pod of 3, up": [Most("rocket run -d", 6), Ratio("rocket run -d", 1 / 28, "podman kube play")],
    "pod of 3, whole life of three true": [Ratio("rocket run --rm", 1.5, "floor")],
    "pod of 3, stopped and removed": [Most("rocket rm -f", 4)],
    "idle pods, started, each": [Most("rocket run -d", 4)],
    "idle pods, removed, each": [Most("rocket rm -f", 1)],
    "helpers of a pod of 3, PSS": [Most("rocket", 100)],
    "kernel memory of a pod of 3, without the tasks of its apps": [Most("rocket", 400)],
    "import gzip, CPU": [Ratio("rocket image import", 1.15, "floor")],
    "import gzip, wall": [Ratio("rocket image import", 0.2, "podman load", "skopeo to storage", name="best peer")],
    "import zstd, CPU": [Ratio("rocket image import", 1.2, "floor")],
    "remove an image": [Most("rocket image rm, gc", 0.02 + 0.2 * 0.17)],
    "on disk beside the tar": [Most("rocket", 1.01)],
}
