"""Peers of the daemon that this project did not write, and CoAP by hand for what they cannot say.

`coap` runs libcoap's client. `Session` is OpenSSL's DTLS client, driven through ctypes, for many
messages in one session and for messages that no sane client sends.
"""
import ctypes
import ctypes.util
import os
import re
import socket
import struct
import subprocess

from home import CUID, ROUTER, dots
from suite import Failure

MITIGATE = ".well-known/dots/mitigate"


def path(mid=None, cuid=CUID):
    return f"{MITIGATE}/cuid={cuid}" + ("" if mid is None else f"/mid={mid}")


def scope(**attributes):
    """A scope with the attribute names' underscores as hyphens."""
    return {name.replace("_", "-"): value for name, value in attributes.items()}


def against(target="203.0.113.5/32", source="192.168.1.20/32", port=443, lifetime=600, **more):
    """The scope of most tests: UDP to one port of the victim, from the camera."""
    return scope(
        target_prefix=[target], target_port_range=[{"lower-port": port}], target_protocol=[17],
        lifetime=lifetime, source_prefix=[source], **more)


class Reply:
    """The answer to one request: code such as '2.01', the body, and what the client logged."""

    def __init__(self, code, body, log="", sent=0.0):
        self.code, self.body, self.log, self.sent = code, body, log, sent

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def scopes(self):
        return dots.scopes(self.body)

    def __getitem__(self, attribute):
        return self.scopes[0].get(attribute)


def coap(home, method, where, body=None, identity="telemetry", host=ROUTER, confirmable=False,
         more=(), seconds=5, port=4646):
    """One request by coap-client-openssl in a session of its own."""
    answer = os.path.join(home.work, "answer")
    if os.path.exists(answer):
        os.unlink(answer)
    command = ["coap-client-openssl", "-v", "7", "-B", str(seconds), "-m", method, "-o", answer]
    command += [] if confirmable else ["-N"]
    if identity:
        command += ["-c", f"{home.work}/{identity}.crt", "-j", f"{home.work}/{identity}.key"]
        command += ["-C", f"{home.work}/isp-ca.crt"]
    if body is not None:
        if isinstance(body, dict):
            body = dots.request(body)
        with open(os.path.join(home.work, "body"), "wb") as file:
            file.write(body)
        command += ["-t", "271", "-f", file.name]
    done = home.run("isp", *command, *more, f"coaps://{host}:{port}/{where}", timeout=seconds + 20)
    log = (done.stdout + done.stderr).decode("utf-8", "replace")
    codes = re.findall(r"^v:1 t:[A-Z]+ c:([245]\.\d\d)", log, re.M)
    left = re.search(r"^(\w+ +\d+ [\d:.]+) DEBG .*transmitted after delay", log, re.M)
    sent = float(subprocess.check_output(["date", "-d", left[1], "+%s.%N"])) if left else 0.0
    if os.path.exists(answer):
        with open(answer, "rb") as file:
            got = file.read()
    else:
        got = error_body(log)
    return Reply(codes[-1] if codes else None, got, log, sent)


def error_body(log):
    """The payload of the last 4.xx or 5.xx in libcoap's log, which tells it nowhere else."""
    told = re.findall(
        r"^v:1 t:[A-Z]+ c:[45]\.\d\d .*? :: (?:'(.*)'|binary data length \d+\n<<([0-9a-f]+)>>)$",
        log, re.M)
    return told[-1][0].encode() or bytes.fromhex(told[-1][1]) if told else b""


# CoAP by hand (RFC 7252, Section 3).

CON, NON, ACK, RST = range(4)
METHODS = {"get": 1, "post": 2, "put": 3, "delete": 4}


def option_bytes(options):
    encoded, last = b"", 0
    for number, value in sorted(options, key=lambda one: one[0]):
        nibbles, extended = 0, b""
        for shift, size in ((4, number - last), (0, len(value))):
            if size < 13:
                nibbles |= size << shift
            elif size < 269:
                nibbles, extended = nibbles | 13 << shift, extended + bytes([size - 13])
            else:
                nibbles |= 14 << shift
                extended += struct.pack(">H", size - 269)
        encoded, last = encoded + bytes([nibbles]) + extended + value, number
    return encoded


def message(kind, code, number, token=b"", options=(), payload=b""):
    head = struct.pack(">BBH", 1 << 6 | kind << 4 | len(token), code, number)
    return head + token + option_bytes(options) + (b"\xff" + payload if payload else b"")


def request(method, where, number, body=None, kind=NON, token=b"t", more=()):
    options = [(11, part.encode()) for part in where.split("/")] + list(more)
    if body is not None:
        options.append((12, b"\x01\x0f"))
        body = dots.request(body) if isinstance(body, dict) else body
    return message(kind, METHODS[method], number, token, options, body or b"")


def framed(datagram):
    """The same message as a stream carries it (RFC 8323, Section 3.2)."""
    token = datagram[0] & 15
    rest = datagram[4 + token:]
    size = len(rest)
    nibble, extended = (size, b"") if size < 13 else (13, bytes([size - 13])) if size < 269 else (
        14, struct.pack(">H", size - 269))
    return bytes([nibble << 4 | token]) + extended + datagram[1:2] + datagram[4:4 + token] + rest


class Parsed:
    """A received message's header and payload."""

    def __init__(self, data):
        self.kind, self.number = data[0] >> 4 & 3, struct.unpack(">H", data[2:4])[0]
        self.code = f"{data[1] >> 5}.{data[1] & 31:02}"
        at = 4 + (data[0] & 15)
        self.token = data[4:at]
        self.max_age, option = None, 0
        while at < len(data) and data[at] != 0xFF:
            delta, size = data[at] >> 4, data[at] & 15
            option += delta if delta < 13 else data[at + 1] + 13
            at += 1 + {13: 1, 14: 2}.get(delta, 0)
            if size == 13:
                size, at = data[at] + 13, at + 1
            elif size == 14:
                size, at = struct.unpack(">H", data[at:at + 2])[0] + 269, at + 2
            if option == 14:
                self.max_age = int.from_bytes(data[at:at + size], "big")
            at += size
        self.payload = data[at + 1:]

    @property
    def text(self):
        return self.payload.decode("utf-8", "replace")


def library(name):
    found = ctypes.CDLL(ctypes.util.find_library(name))
    for function in ("DTLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_new_dgram",
                     "BIO_ADDR_new"):
        if hasattr(found, function):
            getattr(found, function).restype = ctypes.c_void_p
    return found


SSL, CRYPTO = library("ssl"), library("crypto")
PEM, VERIFY_PEER = 1, 1  # SSL_FILETYPE_PEM, SSL_VERIFY_PEER
SET_CONNECTED, SET_RECEIVE_TIMEOUT = 32, 33  # BIO_CTRL_DGRAM_...


class Session:
    """A DTLS 1.2 session of OpenSSL's client, usually from the ISP's host to the router."""

    def __init__(self, home, identity="telemetry", host=ROUTER, port=4646, source_port=0, at="isp"):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with home.within(at):
            self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(("", source_port))
        self.socket.connect((host, port))
        self.number, self.buffer = 1, ctypes.create_string_buffer(4096)
        self.context = ctypes.c_void_p(SSL.SSL_CTX_new(ctypes.c_void_p(SSL.DTLS_client_method())))
        if identity:
            certificate, key = (f"{home.work}/{identity}.{end}".encode() for end in ("crt", "key"))
            SSL.SSL_CTX_use_certificate_chain_file(self.context, certificate)
            SSL.SSL_CTX_use_PrivateKey_file(self.context, key, PEM)
        SSL.SSL_CTX_load_verify_locations(self.context, f"{home.work}/isp-ca.crt".encode(), None)
        SSL.SSL_CTX_set_verify(self.context, VERIFY_PEER, None)
        self.ssl = ctypes.c_void_p(SSL.SSL_new(self.context))
        self.bio = ctypes.c_void_p(CRYPTO.BIO_new_dgram(self.socket.fileno(), 0))
        raw = socket.inet_pton(family, host)
        peer = ctypes.c_void_p(CRYPTO.BIO_ADDR_new())
        CRYPTO.BIO_ADDR_rawmake(peer, int(family), raw, len(raw), socket.htons(port))
        CRYPTO.BIO_ctrl(self.bio, SET_CONNECTED, ctypes.c_long(0), peer)
        CRYPTO.BIO_ADDR_free(peer)
        SSL.SSL_set_bio(self.ssl, self.bio, self.bio)
        self.wait(2.0)
        if SSL.SSL_connect(self.ssl) != 1:
            raise Failure("the DTLS handshake failed")

    def wait(self, seconds):
        """How long `receive` waits."""
        span = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000))
        CRYPTO.BIO_ctrl(self.bio, SET_RECEIVE_TIMEOUT, ctypes.c_long(0), span)

    def send(self, data):
        SSL.SSL_write(self.ssl, data, len(data))

    def receive(self):
        """The next message's bytes; None after the wait, or when the session has ended."""
        size = SSL.SSL_read(self.ssl, self.buffer, len(self.buffer))
        return self.buffer.raw[:size] if size > 0 else None

    def exchange(self, data):
        """Sends these bytes and answers the next message that comes, parsed; None for silence."""
        self.send(data)
        answer = self.receive()
        return Parsed(answer) if answer else None

    def ask(self, method, where, body=None, kind=NON, more=()):
        """One request; the answer that belongs to it, parsed; None for silence."""
        self.number = self.number + 1 & 0xFFFF
        token = struct.pack(">H", self.number)
        self.send(request(method, where, self.number, body, kind, token, more))
        while answer := self.receive():
            reply = Parsed(answer)
            if reply.token == token or (reply.kind == RST and reply.number == self.number):
                return reply
        return None

    def close(self):
        SSL.SSL_shutdown(self.ssl)
        SSL.SSL_free(self.ssl)
        SSL.SSL_CTX_free(self.context)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
