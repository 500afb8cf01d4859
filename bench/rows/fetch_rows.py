# SPDX-License-Identifier: Apache-2.0
"""A fetch from a registry on loopback (Debian's docker-registry, without TLS for all): the layer of image_rows, gzip."""
import os
import shutil
import socket
import subprocess
import time

from .image_rows import add, layer, timed

PORT = 5127
NAME = f"127.0.0.1:{PORT}/bench/layer:1"


def start_registry(bench):
    """The registry as a process, or None when it is not installed."""
    program = shutil.which("docker-registry")
    if not program:
        bench.note("fetch: docker-registry is not installed")
        return None
    config = bench.path("registry.yml")
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n"
                f"storage: {{filesystem: {{rootdirectory: {bench.path('registry')}}}}}\nhttp: {{addr: '127.0.0.1:{PORT}'}}\n")
    process = subprocess.Popen([program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            return process
        except OSError:
            time.sleep(0.05)
    process.kill()
    raise OSError("docker-registry does not start")


def fill_registry(bench, tar):
    subprocess.run(["sh", "-c", f"""
        cd {bench.path()} && umoci init --layout fetched && umoci new --image fetched:x &&
        umoci raw add-layer --image fetched:x {tar} &&
        skopeo copy -q --insecure-policy --dest-tls-verify=false oci:fetched:x docker://{NAME}"""], check=True, capture_output=True)


def fetch_round(bench):
    store = bench.path("fetch-store")
    wall, cpu = timed([bench.rocket, "--dir", store, "--insecure-options=http", "-q", "fetch", NAME])
    add(bench, "fetch from loopback, wall", "rocket fetch", wall)
    add(bench, "fetch from loopback, CPU", "rocket fetch", cpu)
    shutil.rmtree(store)


def peer_round(bench):
    inside = ["nsenter", f"--mount={bench.peer_ns}"]
    root = bench.path("pm3")
    both = ["--root", root + "/root", "--runroot", root + "/run"]
    commands = {"podman pull": ["podman", *both, "pull", "-q", "--tls-verify=false", NAME],
                "skopeo to storage": ["skopeo", "copy", "-q", "--insecure-policy", "--src-tls-verify=false", f"docker://{NAME}",
                                      f"containers-storage:[overlay@{root}/root+{root}/run]layer:x"]}
    for who, argv in commands.items():
        wall, cpu = timed([*inside, *argv], stderr=subprocess.DEVNULL)
        add(bench, "fetch from loopback, wall", who, wall)
        add(bench, "fetch from loopback, CPU", who, cpu)
        subprocess.run([*inside, "sh", "-c", f"umount -l {root}/root/overlay 2>/dev/null; rm -rf {root}"], check=False)


def run(bench, _timing):
    if bench.only not in "fetch from a registry" or not bench.rocket:
        return
    registry = None
    try:
        registry = start_registry(bench)
        if not registry:
            return
        fill_registry(bench, layer(bench))
        for _ in range(2 if bench.short else 5):
            fetch_round(bench)
            if bench.peers and not bench.short:
                peer_round(bench)
    except (subprocess.CalledProcessError, OSError) as e:
        bench.note(f"fetch: {e}")
    finally:
        if registry:
            registry.kill()
            registry.wait()
