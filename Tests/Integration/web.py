"""The World Wide Web of the tests: one server at the victim's address that answers for every name.

    web.py ADDRESS...      port 80 of these: what each system's probe gets when it is online
                           port 443 and others are tests' own business

A page it serves says "the Internet", so that a test sees where it came out.
"""
import http.server
import socket
import sys
import threading

# (path, host prefix or none) -> status, headers, body: what the real ones answer (2026).
ONLINE = {
    "/generate_204": (204, {}, b""),
    "/gen_204": (204, {}, b""),
    "/hotspot-detect.html": (
        200, {"Content-Type": "text/html"},
        b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>"),
    "/connecttest.txt": (200, {"Content-Type": "text/plain"}, b"Microsoft Connect Test"),
    "/redirect": (302, {"Location": "http://go.microsoft.com/fwlink/?LinkID=219472"}, b""),
    "/canonical.html": (
        200, {"Content-Type": "text/html"},
        b'<meta http-equiv="refresh" content="0;url=https://support.mozilla.org/kb/captive-portal"/>'),
    "/success.txt": (200, {"Content-Type": "text/plain"}, b"success\n"),
    "/check_network_status.txt": (
        200, {"Content-Type": "text/plain", "X-NetworkManager-Status": "online"},
        b"NetworkManager is online\n"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, headers, body = ONLINE.get(
            self.path.split("?")[0],
            (200, {"Content-Type": "text/html"},
             b"<!doctype html><html lang=en><title>Out</title><h1>the Internet</h1></html>"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, 80), Handler)


def main(addresses):
    servers = [Server(one) for one in addresses]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
