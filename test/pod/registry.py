#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that misbehaves on purpose. usage: registry.py PORT OTHER_PORT FOLDER LAYOUT

Serves the OCI layout's image called "1" in every repository; the repository's first part says what it does wrong.
FOLDER has server.crt and server.key, and gets `requests`: a line each, PORT METHOD PATH AUTHORIZATION. OTHER_PORT is
another server with the same content that does nothing wrong, as storage behind a redirect would be.
"""
import hashlib
import http.server
import json
import os
import re
import ssl
import sys
import threading
import time

PORT, OTHER, FOLDER, LAYOUT = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LOCK = threading.Lock()
STATE = {}


def blob(digest):
    with open(os.path.join(LAYOUT, "blobs/sha256", digest.split(":")[1]), "rb") as f:
        return f.read()


with open(os.path.join(LAYOUT, "index.json"), encoding="utf-8") as index:
    TOP = next(m["digest"] for m in json.load(index)["manifests"]
               if m.get("annotations", {}).get("org.opencontainers.image.ref.name") == "1")
GOOD = json.loads(blob(TOP))
LAYERS = [layer["digest"] for layer in GOOD["layers"]]
LARGEST = max(GOOD["layers"], key=lambda layer: layer["size"])["digest"]


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def changed(**keys):
    return json.dumps({**GOOD, **keys}).encode()


def first_layer(**keys):
    return changed(layers=[{**GOOD["layers"][0], **keys}] + GOOD["layers"][1:])


def odd_manifest(kind):
    """(bytes, content type) of a manifest that is not as it should be, or None."""
    entry = {"mediaType": MANIFEST, "digest": TOP, "size": len(blob(TOP))}
    plat = lambda **p: {**entry, "platform": {"os": "linux", **p}}
    index = lambda *m: json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(m)}).encode()
    return {
        "ambiguous": (changed(manifests=[]), MANIFEST),
        "typelie": (blob(TOP), INDEX),
        "schema1": (json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(),
                    "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        "schema1plain": (json.dumps({"schemaVersion": 1, "fsLayers": []}).encode(), "application/json"),
        "traversal": (first_layer(digest="sha256:../../../../etc/passwd"), MANIFEST),
        "upper": (first_layer(digest=LAYERS[0].upper().replace("SHA", "sha")), MANIFEST),
        "sha1": (first_layer(digest="sha1:" + "0" * 40), MANIFEST),
        "negative": (first_layer(size=-1), MANIFEST),
        "toolong": (first_layer(size=GOOD["layers"][0]["size"] - 1), MANIFEST),
        "tooshort": (first_layer(size=GOOD["layers"][0]["size"] + 1), MANIFEST),
        "foreign": (first_layer(digest="sha256:" + "1" * 64, urls=[f"https://localhost:{OTHER}/stolen"]), MANIFEST),
        "nulls": (json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": None, "layers": None}).encode(), MANIFEST),
        "junk": (b"\x00\xff{", MANIFEST),
        "loop": (index(entry), INDEX),
        "other": (index(plat(architecture="s390x")), INDEX),
        "variants": (index(plat(architecture="arm64"), plat(architecture="amd64", variant="v4"),
                           plat(architecture="amd64")), INDEX),
        "indexlie": (index({**entry, "size": 5}), INDEX),
        "huge": (b"[" + b" " * (5 << 20) + b"]", MANIFEST),
    }.get(kind)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self):
        with LOCK, open(os.path.join(FOLDER, "requests"), "a", encoding="utf-8") as f:
            f.write(f"{self.server.server_port} {self.command} {self.path} {self.headers.get('Authorization', '-')}\n")

    def answer(self, status, data=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name.replace("_", "-"), one)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def cut(self):
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()

    # ---- what is asked ----

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.note()
        path = self.path.split("?")[0]
        m = re.fullmatch(r"/v2/([^/]+)(/.*)?/(manifests|blobs|referrers)/([^/]+)", path)
        if path == "/token":
            self.answer(200, json.dumps({"token": "secret-token"}).encode())
        elif path == "/v2/":
            self.answer(200)
        elif not m:
            self.answer(404)
        elif self.server.server_port == OTHER:
            self.blob(m[4]) if m[3] == "blobs" else self.answer(404)
        else:
            self.misbehave(m[1], m[3], m[4])

    def challenge(self, kind):
        """True when the request was answered with a challenge."""
        realm = {
            "auth": f"https://localhost:{PORT}/token",
            "realmhttp": "http://localhost:1/token",
            "realmmeta": "https://169.254.169.254/token",
            "realmother": f"https://127.0.0.1:{OTHER}/token",
            "realmfile": "file:///etc/passwd",
            "realmuser": f"https://evil:x@localhost:{PORT}/token",
            "redirectauth": f"https://localhost:{PORT}/token",
        }.get(kind)
        if not realm or self.headers.get("Authorization") == "Bearer secret-token":
            return False
        self.answer(401, WWW_Authenticate=["Basic realm=x" if kind == "basicfirst" else "Other a=b",
                                           f'Bearer realm="{realm}",service="test",scope="repository:x:pull"'])
        return True

    def misbehave(self, kind, what, which):
        if kind == "endless":
            self.endless_headers()
        elif kind == "circle":
            self.answer(307, Location=self.path)
        elif kind == "tohttp":
            self.answer(307, Location="http://localhost:1/x")
        elif kind == "tometa" and what == "blobs":
            self.answer(307, Location="https://169.254.169.254/x")
        elif kind == "error":
            self.answer(503, json.dumps({"errors": [{"code": "UNAVAILABLE", "message": "\x1b[31mred"}]}).encode())
        elif self.challenge(kind):
            pass
        elif what == "referrers":
            self.answer(404)
        elif what == "manifests":
            self.manifest(kind, which)
        else:
            self.layer(kind, which)

    def manifest(self, kind, which):
        odd = odd_manifest(kind)
        if which.endswith(("sig", "att", "sbom")) or re.fullmatch("sha256-[0-9a-f]{64}", which):
            self.answer(404)
        elif odd and not which.startswith("sha256:"):
            self.answer(200, odd[0], Content_Type=odd[1])
        elif kind == "swap":
            self.answer(200, changed(annotations={"a": "b"}), Content_Type=MANIFEST)
        elif which in ("1", TOP):
            self.answer(200, blob(TOP), Content_Type=MANIFEST)
        else:
            self.answer(404)

    def layer(self, kind, digest):
        data = blob(digest) if re.fullmatch("sha256:[0-9a-f]{64}", digest) and os.path.exists(
            os.path.join(LAYOUT, "blobs/sha256", digest[7:])) else None
        if data is None:
            self.answer(404)
        elif digest not in LAYERS:
            self.answer(200, data)
        elif kind in ("redirect", "redirectauth"):
            self.answer(307, Location=f"https://localhost:{OTHER}{self.path}")
        elif kind == "flip":
            self.answer(200, data[:1000] + bytes([data[1000] ^ 1]) + data[1001:])
        elif kind == "short":
            self.answer(200, data[:-1])
        elif kind == "long":
            self.answer(200, data + b"\0")
        elif kind in ("cut", "cutnorange") or (kind == "dead" and digest == LARGEST):
            self.pieces(kind, digest, data)
        elif kind == "rangelie" and self.headers.get("Range"):
            self.answer(206, data[5:], Content_Range=f"bytes 5-{len(data) - 1}/{len(data)}")
        elif kind == "rangelie":
            self.part(200, data, len(data) // 2)
        elif kind == "slow":
            self.slowly(data)
        else:
            self.blob(digest)

    def blob(self, digest):
        data = blob(digest)
        m = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if m and int(m[1]) < len(data):
            at = int(m[1])
            self.answer(206, data[at:], Content_Range=f"bytes {at}-{len(data) - 1}/{len(data)}")
        else:
            self.answer(200, data)

    def part(self, status, data, n, **headers):
        """The headers of all of data, n bytes of it, and a cut."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:n])
        self.cut()

    def pieces(self, kind, digest, data):
        m = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        at = int(m[1]) if m and kind != "cutnorange" else 0
        with LOCK:
            STATE[digest] = STATE.get(digest, 0) + 1
            times = STATE[digest]
        if kind == "dead" and os.path.exists(os.path.join(FOLDER, "alive")):
            self.blob(digest)
        elif kind == "dead":
            self.part(206 if at else 200, data[at:], len(data) // 2 if not at else 0, Content_Range=f"bytes {at}-{len(data) - 1}/{len(data)}")
        elif times > 4:
            STATE[digest] = 0
            self.blob(digest) if kind == "cut" else self.answer(200, data)
        else:
            n = len(data) // 6 if at or kind == "cut" else len(data) * times // 6
            self.part(206 if at else 200, data[at:], n, Content_Range=f"bytes {at}-{len(data) - 1}/{len(data)}")

    def slowly(self, data):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        step = max(1, len(data) // 20)
        for at in range(0, len(data), step):
            self.wfile.write(data[at:at + step])
            self.wfile.flush()
            time.sleep(0.05)

    def endless_headers(self):
        self.send_response(200)
        try:
            for i in range(10_000_000):
                self.send_header(f"X-Header-{i}", "y" * 1000)
                if i % 50 == 0:
                    self.flush_headers()
        except OSError:
            self.cut()


def serve(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(FOLDER, "server.crt"), os.path.join(FOLDER, "server.key"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


threading.Thread(target=serve, args=(OTHER,), daemon=True).start()
serve(PORT)
