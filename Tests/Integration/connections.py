"""The router's table of connections, filled and emptied by netlink messages made by hand."""
import os
import socket
import struct

from home import ROUTER, VICTIM
from suite import Failure

NEW, DELETE = 0x100, 0x102  # NFNL_SUBSYS_CTNETLINK; IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_DELETE
REQUEST, ACK, CREATE = 1, 4, 0x400


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def nested(kind, *values):
    return attribute(0x8000 | kind, b"".join(values))


def message(kind, flags, body=b""):
    return struct.pack("=IHHIIBBH", 20 + len(body), kind, flags, 1, 0, 2, 0, 0) + body


def ways(source, source_port, target, target_port):
    """The tuple of packets of UDP from there to there: their addresses, their ports."""
    return (
        nested(1, attribute(1, socket.inet_aton(source)), attribute(2, socket.inet_aton(target))),
        nested(2, attribute(1, b"\x11"), attribute(2, struct.pack(">H", source_port)),
               attribute(3, struct.pack(">H", target_port))))


def connection(index):
    """One of many of the laptop's connections to others, translated as masquerade does."""
    port, target = 1024 + index % 60000, f"203.0.112.{index // 60000}"
    return message(NEW, REQUEST | CREATE, nested(1, *ways("192.168.1.30", port, target, 443))
                   + nested(2, *ways(target, 443, ROUTER, port))
                   + attribute(7, struct.pack(">I", 300)) + attribute(3, struct.pack(">I", 0xE)))


def door(home):
    with home.within("router"):
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    one.settimeout(5)
    return one


def settled(one, sent):
    """Sends a message that asks for an acknowledgement, and waits for it."""
    one.send(sent)
    while True:
        kind, error = struct.unpack_from("=4xH10xi", one.recv(8192))
        if kind == 2:
            if error:
                raise Failure(f"connections: {os.strerror(-error)}")
            return


def flush(home):
    """The router tracks no connection any more."""
    with door(home) as one:
        settled(one, message(DELETE, REQUEST | ACK))


def fill(home, count):
    """The router tracks so many connections more, none of them to the victim."""
    with door(home) as one:
        for start in range(0, count, 200):
            batch = [connection(index) for index in range(start, min(start + 200, count))]
            one.send(b"".join(batch[:-1]))
            last = batch[-1]
            settled(one, last[:6] + struct.pack("=H", REQUEST | CREATE | ACK) + last[8:])


def count(home):
    """How many connections the router tracks."""
    told = home.run("router", "cat", "/proc/sys/net/netfilter/nf_conntrack_count").stdout
    return int(told)


def tracked(home, port=443):
    """How many connections to that port of the victim the router tracks."""
    told = home.run("router", "cat", "/proc/net/nf_conntrack").stdout.decode()
    return sum(f"dst={VICTIM}" in line and f"dport={port} " in line for line in told.splitlines())


def begun(home, source):
    """Whether the router tracks a connection of that device to the victim."""
    told = home.run("router", "cat", "/proc/net/nf_conntrack").stdout.decode()
    return any(f"src={source} dst={VICTIM}" in line for line in told.splitlines())
