#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Mounts a view of a store as Rocket does: EROFS over the tars that its recipe names, without a loop device.

  mount-view.py STORE VIEW TARGET
"""
import ctypes
import json
import os
import sys

FSOPEN, FSCONFIG, FSMOUNT, MOVE_MOUNT = 430, 431, 432, 429
SET_STRING, CREATE = 1, 6
libc = ctypes.CDLL(None, use_errno=True)


def call(number, *args):
    r = libc.syscall(number, *args)
    if r < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"system call {number}")
    return r


store, view, target = sys.argv[1:]
index = os.path.abspath(f"{store}/views/{view}.erofs")
with open(index, "rb") as f:
    f.read()
with open(f"{store}/views/{view}.tars") as f:
    tars = [t["blob"] for t in json.load(f)["tars"]]
fs = call(FSOPEN, b"erofs", 1)
call(FSCONFIG, fs, SET_STRING, b"source", index.encode(), 0)
for tar in tars:
    path = os.path.abspath(f"{store}/blobs/{tar[:6]}/{tar[7:]}")
    call(FSCONFIG, fs, SET_STRING, b"device", path.encode(), 0)
call(FSCONFIG, fs, CREATE, None, None, 0)
mount = call(FSMOUNT, fs, 1, 1)
call(MOVE_MOUNT, mount, b"", -100, os.path.abspath(target).encode(), 4)
