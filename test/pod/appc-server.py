#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A web server with appc discovery. usage: appc-server.py PORT FOLDER   (FOLDER: server.crt, server.key, and www/ with files;
a page asked for with ac-discovery=1 is www/PATH.html)"""
import functools
import http.server
import os
import ssl
import sys


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def translate_path(self, path):
        if "ac-discovery=1" in path:
            path = path.split("?")[0].rstrip("/") + ".html"
        return super().translate_path(path)


server = http.server.ThreadingHTTPServer(
    ("127.0.0.1", int(sys.argv[1])), functools.partial(Handler, directory=os.path.join(sys.argv[2], "www")))
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(sys.argv[2], "server.crt"), os.path.join(sys.argv[2], "server.key"))
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
