#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes hostile images into a directory, one file each; the name says what the import must do with it.

  hostile.py DIRECTORY

refused-WORD.tar: exit code 1 or 2, and "because" holds WORD (with spaces for "_"). kept-NAME.tar: imported, and
nothing of it reaches outside of its own root.
"""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

out = sys.argv[1]
DIR, SYM, LNK, CHR, FIFO = tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE


def entry(name, data=b"", type=tarfile.REGTYPE, link="", mode=0o644, pax=None, dev=(0, 0), uid=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.size, info.uid = type, link, mode, len(data), uid
    info.mtime = 1600000000
    info.pax_headers = pax or {}
    info.devmajor, info.devminor = dev
    return info, data


def tar(*entries, format=tarfile.PAX_FORMAT):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=format) as t:
        for info, data in entries:
            t.addfile(info, io.BytesIO(data))
    return b.getvalue()


def write(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def hexof(data):
    return hashlib.sha256(data).hexdigest()


FILE = entry("bin/x", b"#!/bin/sh\n", mode=0o755)


# ---- layers -----------------------------------------------------------------------------------------------

write('refused-has_a_"..".tar', tar(FILE, entry("../../canary", b"x")))
write('refused-"..".tar', tar(FILE, entry("a/../../../canary", b"x")))
write("refused-does_not_exist.tar", tar(FILE, entry("h", type=LNK, link="../../etc/shadow")))
write("refused-which_does_not_exist.tar", tar(FILE, entry("h", type=LNK, link="victim.secret")))
write("refused-root_is_no_directory.tar", tar(entry(".", type=SYM, link="/canary"), FILE))
write("refused-40_symlinks.tar", tar(entry("a", type=SYM, link="b"), entry("b", type=SYM, link="a"), entry("a/x", b"x")))
write("refused-device_0:0.tar", tar(FILE, entry("gone", type=CHR, dev=(0, 0))))
write("refused-names_no_file.tar", tar(FILE, entry(".wh..", b"")))
write("refused-directories_in_each_other.tar", tar(FILE, entry("d/" * 2000 + "f", b"")))
write("refused-more_than_4095.tar", tar(FILE, entry("d" * 100000, b"")))
write("refused-overlap.tar", tar(FILE, entry("s", b"x" * 20, pax={"GNU.sparse.size": "99", "GNU.sparse.map": "0,10,5,10"})))
write("refused-pieces.tar", tar(FILE, entry("s", (b"%d\n" % 2**40).ljust(512, b"1"), pax={
    "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s", "GNU.sparse.realsize": "5"})))
write("refused-two_different_sizes.tar", tar(FILE, entry("f", b"x" * 600, pax={"size": "10"})).replace(b"12 size=600", b"11 size=10\n"))
write("refused-too_large.tar", tar(FILE, entry("etc/passwd", b"x" * (1 << 20) + b"y")))
write("refused-cut_off.tar", tar(FILE, entry("f", b"x" * 5000))[:4000])
write("refused-behind_the_end.tar", tar(FILE) + tar(entry("hidden", b"x")))
write("refused-is_there_twice.tar", tar(entry("manifest", json.dumps({
    "acKind": "ImageManifest", "acVersion": "0.8.0", "name": "a/b"}).encode()), entry("rootfs/a"), entry("rootfs/a")))
write("refused-nothing_else.tar", tar(entry("manifest", json.dumps({
    "acKind": "ImageManifest", "acVersion": "0.8.0", "name": "a/b"}).encode()), entry("rootfs/a"), entry("../x")))

block = bytearray(tar(FILE, format=tarfile.USTAR_FORMAT))
block[148:156] = b"0000000\0"
write("refused-no_image.tar", bytes(block[:512]) + b"\1" * 512)
packed = gzip.compress(tar(FILE, entry("f", os.urandom(100000))), mtime=0)
write("refused-checksum_is_wrong.tar.gz", packed[:50000] + bytes([packed[50000] ^ 1]) + packed[50001:])
write("refused-cut_off.tar.gz", packed[:-3])
write("refused-not_gzip.tar.gz", packed + b"tail")

# 1.2 GB of zeros in 1.3 MB: members of 64 MiB each, the first behind a header that promises them.
big, _ = entry("zeros")
big.size = 20 * (64 << 20)
zeros = gzip.compress(bytes(64 << 20), mtime=0)
write("refused-fill_disks.tar.gz", gzip.compress(big.tobuf(tarfile.GNU_FORMAT), mtime=0) + zeros * 20)

# ---- what looks hostile and stays inside ------------------------------------------------------------------

write("kept-absolute.tar", tar(FILE, entry("/canary/f", b"x")))
write("kept-symlink-then-write.tar", tar(FILE, entry("l", type=SYM, link="/canary"), entry("l/f", b"x"),
                                         entry("up", type=SYM, link="../../../../canary"), entry("up/g", b"x")))
write("kept-symlink-then-chmod.tar", tar(FILE, entry("foo", type=SYM, link="/canary"), entry("foo", type=DIR, mode=0o777,
                                         pax={"SCHILY.xattr.user.a": "b"})))
write("kept-overlay-marks.tar", tar(FILE, entry("d", type=DIR, mode=0o755, pax={"SCHILY.xattr.trusted.overlay.opaque": "y",
                                    "SCHILY.xattr.user.overlay.redirect": "/canary"})))
write("kept-passwd-link.tar", tar(FILE, entry("etc/passwd", type=SYM, link="/canary/file"), entry("etc/group", type=FIFO)))
write("kept-case.tar", tar(FILE, entry("A", b"1"), entry("a", b"2"), entry("\u00e9", b"3"), entry("e\u0301", b"4")))
write("kept-setid.tar", tar(FILE, entry("su", b"x", mode=0o6777), entry("sda", type=tarfile.BLKTYPE, dev=(8, 0), mode=0o666)))


# ---- documents --------------------------------------------------------------------------------------------

def layout(name, layer=None, manifest=None, config=None, index=None, blobs=None, version='{"imageLayoutVersion":"1.0.0"}'):
    """An OCI layout in which anything may be replaced: each argument changes the true document."""
    layer_bytes = layer or tar(FILE)
    conf = {"os": "linux", "architecture": "amd64", "config": {}, "rootfs": {"type": "layers", "diff_ids": [sha(layer_bytes)]}}
    conf = json.dumps(config(conf) if config else conf).encode()
    man = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
           "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha(conf), "size": len(conf)},
           "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": sha(layer_bytes), "size": len(layer_bytes)}]}
    man = manifest(man) if manifest else man
    man = man if isinstance(man, bytes) else json.dumps(man).encode()
    top = {"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": sha(man),
                                              "size": len(man)}]}
    top = json.dumps(index(top) if index else top).encode()
    files = {"blobs/sha256/" + hexof(b): b for b in (conf, man, layer_bytes)}
    files.update(blobs(files) if blobs else {})
    write(name, tar(entry("oci-layout", version.encode()), entry("index.json", top), *(entry(k, v) for k, v in files.items())))


def put(key, value):
    def change(document):
        at = document
        *path, last = key
        for k in path:
            at = at[k]
        at[last] = value
        return document
    return change


layout("kept-layout.tar")
layout("refused-ambiguous.tar", manifest=put(["manifests"], []))
layout("refused-ambiguous:.tar", index=put(["layers"], []))
layout("refused-no_image_to_run.tar", manifest=put(["config", "mediaType"], "application/vnd.chart"))
layout("refused-no_digest.tar", manifest=put(["layers", 0, "digest"], "sha256:../../../../canary/file"))
layout("refused-is_no_digest.tar", index=put(["manifests", 0, "digest"], "sha512:" + "0" * 128))
layout("refused-instead_of.tar", manifest=put(["layers", 0, "size"], 5))
layout("refused-bytes_instead_of.tar", index=put(["manifests", 0, "size"], 7))
layout("refused-have_the_digest.tar", blobs=lambda f: {k: v.replace(b"/bin/sh", b"/bin/ls") for k, v in f.items() if b"/bin/sh" in v})
layout("refused-instead_of_sha256.tar", config=put(["rootfs", "diff_ids", 0], sha(b"")))
layout("refused-layers_and_its_config.tar", config=put(["rootfs", "diff_ids"], []))
layout("refused-given_twice.tar", manifest=lambda m: json.dumps(m)[:-1].encode() + b',"layers":[]}')
layout("refused-no_object.tar", manifest=put(["layers", 0], None))
layout("refused-unknown_type.tar", manifest=put(["layers", 0, "mediaType"], "application/pdf"))
layout("refused-is_incomplete.tar", manifest=put(["layers", 0, "digest"], sha(b"none")))
layout("refused-it_says.tar", version='{"imageLayoutVersion":"7"}')
layout("refused-is_the_limit.tar", manifest=lambda m: json.dumps(m).encode() + b" " * (5 << 20))


def docker(name, manifest, files):
    write(name, tar(*(entry(k, v) for k, v in files.items()), entry("manifest.json", json.dumps(manifest).encode())))


layer = tar(FILE)
conf = json.dumps({"os": "linux", "architecture": "amd64", "config": None, "rootfs": {"type": "layers", "diff_ids": [sha(layer)]}}).encode()
good = {hexof(layer) + ".tar": layer, hexof(conf) + ".json": conf}
docker("kept-docker.tar", [{"Config": hexof(conf) + ".json", "RepoTags": None, "Layers": [hexof(layer) + ".tar"]}], good)
docker("refused-incomplete.tar", [{"Config": "../../../../canary/file", "Layers": []}], good)
docker("refused-it_is_incomplete.tar", [{"Config": hexof(conf) + ".json", "Layers": ["/canary/file"]}], good)
docker("refused-the_layers_that.tar", [{"Config": hexof(conf) + ".json", "Layers": []}], good)
docker("refused-no_list_of_images.tar", None, good)
docker("refused-an_image_is.tar", [None], good)
docker("refused-has_no_Config.tar", [{"Config": None}], good)
docker("refused-its_name_says.tar", [{"Config": "0" * 64 + ".json", "Layers": [hexof(layer) + ".tar"]}],
       {hexof(layer) + ".tar": layer, "0" * 64 + ".json": conf})
write("refused-mean_two_things.tar", tar(entry("manifest.json", b"[]"), entry("./manifest.json", b"[]")))
write("refused-but_no_manifest.json.tar", tar(entry("repositories", b"{}")))
