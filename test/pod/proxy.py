#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A proxy that knows CONNECT alone. usage: proxy.py PORT FILE   (FILE gets a line a request)"""
import select
import socket
import sys
import threading


def carry(a, b):
    while True:
        for s in select.select([a, b], [], [])[0]:
            data = s.recv(65536)
            if not data:
                return
            (b if s is a else a).sendall(data)


def serve(client):
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(4096)
    line = head.split(b"\r\n")[0].decode()
    with open(sys.argv[2], "a", encoding="utf-8") as log:
        log.write(line + "\n")
    host, port = line.split()[1].rsplit(":", 1)
    with socket.create_connection((host, int(port))) as server:
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        carry(client, server)
    client.close()


open(sys.argv[2], "w", encoding="utf-8").close()
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
