# SPDX-License-Identifier: Apache-2.0
"""Images in and out: a Debian layer of about 170 MB, gzip and zstd."""
import os
import resource
import shutil
import subprocess
import time

from .start_rows import podman, rocket

CACHE = os.environ.get("ROCKET_CACHE", "/var/cache/rocket-test")


def layer(bench):
    """The layer as a tar, made once by mmdebstrap: FILE.tar, .tar.gz and .tar.zst."""
    base = os.path.join(CACHE, "layer.tar")
    os.makedirs(CACHE, exist_ok=True)
    if not os.path.exists(base):
        subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "bookworm", base + ".tmp.tar"], check=True)
        os.rename(base + ".tmp.tar", base)
    for end, command in ((".gz", ["gzip", "-6", "-k"]), (".zst", ["zstd", "-q", "-k"])):
        if not os.path.exists(base + end):
            subprocess.run([*command, base], check=True)
    del bench
    return base


def timed(argv, **kw):
    """(wall, CPU) in seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, **kw)
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def docker_archive(bench, tar_gz):
    """The layer as an OCI layout tar that the peers load too."""
    out = bench.path("layer.oci")
    subprocess.run([bench.peers + "/run", "sh", "-c", f"""
        cd {bench.path()} && umoci init --layout layout && umoci new --image layout:x &&
        umoci raw add-layer --image layout:x {tar_gz.removesuffix('.gz')}"""], check=True, capture_output=True)
    subprocess.run(["tar", "-C", bench.path("layout"), "-cf", out, "."], check=True)
    return out


def disk_bytes(path):
    return int(subprocess.run(["du", "-sB1", path], stdout=subprocess.PIPE, text=True, check=True).stdout.split()[0])


def add(bench, group, who, value, unit="s"):
    bench.results.setdefault((group, "unit"), unit)
    bench.results.setdefault((group, who), []).append(value)


def rocket_round(bench, tar):
    store = bench.path("store")
    me = [bench.rocket, "--dir", store]
    for end, word in ((".gz", "gzip"), (".zst", "zstd")):
        wall, cpu = timed([*me, "image", "import", tar + end, "layer"])
        add(bench, f"import {word}, CPU", "rocket image import", cpu)
        add(bench, f"import {word}, wall", "rocket image import", wall)
        add(bench, "on disk beside the tar", "rocket", disk_bytes(store) / os.path.getsize(tar), "ratio")
        remove = timed([*me, "image", "rm", "layer"])[0] + timed([*me, "image", "gc", "--grace-period", "0"])[0]
        add(bench, "remove an image", "rocket image rm, gc", remove)
        shutil.rmtree(store)


def peer_round(bench, tar):
    """podman and skopeo import an OCI archive of the same layer into a fresh root."""
    archive = bench.path("layer.oci")
    if not os.path.exists(archive):
        docker_archive(bench, tar + ".gz")
    inside = ["nsenter", f"--mount={bench.peer_ns}"]
    root = bench.path("pm2")
    both = ["--root", root + "/root", "--runroot", root + "/run"]
    commands = {"podman load": ["podman", *both, "load", "-q", "-i", archive],
                "skopeo to storage": ["skopeo", "copy", "-q", "--insecure-policy", f"oci-archive:{archive}",
                                      f"containers-storage:[overlay@{root}/root+{root}/run]layer:x"]}
    for who, argv in commands.items():
        wall, cpu = timed([*inside, *argv], stderr=subprocess.DEVNULL)
        add(bench, "import gzip, CPU", who, cpu)
        add(bench, "import gzip, wall", who, wall)
        subprocess.run([*inside, "sh", "-c", f"umount -l {root}/root/overlay 2>/dev/null; rm -rf {root}"], check=False)


def run(bench, _timing):
    if bench.only not in "image import remove disk":
        return
    try:
        tar = layer(bench)
        floor = bench.find("import_floor", "bench/import_floor")
        for _ in range(2 if bench.short else 5):
            if floor:
                add(bench, "import gzip, CPU", "floor", timed([floor, tar + ".gz"])[1])
            if bench.rocket:
                rocket_round(bench, tar)
            if bench.peers and not bench.short:
                peer_round(bench, tar)
    except (subprocess.CalledProcessError, OSError) as e:
        bench.note(f"images: {e}")


__all__ = ["run", "podman", "rocket"]
