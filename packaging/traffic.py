#!/usr/bin/env python3
"""Traffic for the home in network namespaces, and the meter that sees it arrive.

    traffic.py meter SOCKET [ADDRESS:PORT]...   count what arrives by its tag; echo what asks for it
    traffic.py send ADDRESS:PORT RATE TAG       send small UDP packets that carry TAG, RATE a second
    traffic.py talk ADDRESS:PORT RATE TAG       the same, and count the echoes; one line at the end
    traffic.py ask SOCKET                       what the meter has seen so far, as JSON
    traffic.py rate SOCKET TAG SECONDS          packets a second with that tag, measured that long
    traffic.py last SOCKET TAG                  when the last packet with that tag arrived

Behind a translator the sources are hidden, so each packet carries its sender's tag: the text up to
the first space of its payload. A tag that ends in "!" is echoed. Times are seconds since 1970 as
the kernel stamped the packet on its arrival, on the one clock that all namespaces share.
"""
import json
import os
import select
import signal
import socket
import struct
import sys
import time

# Of Linux's asm-generic/socket.h, which Python does not name.
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
SIZE = 60  # bytes of payload


def endpoint(text):
    """'203.0.113.5:80' or '[2001:db8::5]:80' as (family, (address, port))."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return family, (host, int(port))


def udp(text, bind):
    family, address = endpoint(text)
    one = socket.socket(family, socket.SOCK_DGRAM)
    if bind:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        one.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        one.bind(address)
        one.setblocking(False)
    else:
        one.connect(address)
    return one


class Meter:
    """Counts packets by tag, with the arrival times of the first and the last."""

    def __init__(self, path, endpoints):
        self.seen = {}
        self.packets = [udp(text, bind=True) for text in endpoints]
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(path)
        self.door.listen(8)

    def run(self):
        while True:
            for ready in select.select(self.packets + [self.door], [], [])[0]:
                if ready is self.door:
                    self.answer()
                else:
                    self.drain(ready)

    def drain(self, one):
        """Counts what waits; False when there may be more."""
        for _ in range(512):
            try:
                data, notes, _, sender = one.recvmsg(2048, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return True
            tag = data.split(b" ", 1)[0].decode("ascii", "replace")
            seconds, nanoseconds = struct.unpack("qq", notes[0][2])
            stamp = seconds + nanoseconds / 1e9
            entry = self.seen.get(tag)
            if entry is None:
                self.seen[tag] = {"packets": 1, "first": stamp, "last": stamp, "port": sender[1]}
            else:
                entry["packets"] += 1
                entry["last"], entry["port"] = stamp, sender[1]
            if tag.endswith("!"):
                try:
                    one.sendto(data, sender)
                except OSError:
                    pass
        return False

    def answer(self):
        # All that has arrived, however late it is counted.
        for one in self.packets:
            while not self.drain(one):
                pass
        caller, _ = self.door.accept()
        caller.sendall(json.dumps(self.seen).encode())
        caller.close()


def ask(path):
    """What the meter has seen: {tag: {"packets", "first", "last", "port"}}; the source's port."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    door.settimeout(5)
    door.connect(path)
    answer = b"".join(iter(lambda: door.recv(65536), b""))
    door.close()
    return json.loads(answer)


def rate(path, tag, seconds):
    """Packets a second that arrive with that tag, measured for that many seconds."""
    before, start = ask(path).get(tag, {}).get("packets", 0), time.monotonic()
    time.sleep(seconds)
    packets = ask(path).get(tag, {}).get("packets", 0) - before
    return packets / (time.monotonic() - start)


def paced(rate):
    """Yields how many packets are due, for ever, in bursts of at most a few tenths of a ms."""
    start, sent = time.monotonic(), 0
    while True:
        due = int((time.monotonic() - start) * rate) - sent
        # What a stalled machine missed is not made up for in one burst.
        if due > rate // 20 + 1:
            start, due = time.monotonic(), 1
            sent = 0
        sent += due
        yield due
        time.sleep(max(0.0001, 1 / rate) if due < 2 else 0.0001)


def send(target, rate, tag):
    one = udp(target, bind=False)
    payload = (tag + " ").encode().ljust(SIZE, b".")
    for due in paced(rate):
        for _ in range(due):
            try:
                one.send(payload)
            except OSError:  # an ICMP error of an earlier packet, or a rule at the sender
                pass


def talk(target, rate, tag):
    """Ends on SIGTERM with a line of JSON: what was sent, what came back, the longest silence."""
    one = udp(target, bind=False)
    one.setblocking(False)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(True))
    sent = echoed = 0
    last, gap = time.monotonic(), 0.0

    def collect():
        nonlocal echoed, last, gap
        while True:
            try:
                one.recv(2048)
            except OSError:
                return
            now = time.monotonic()
            gap, last, echoed = max(gap, now - last), now, echoed + 1

    for due in paced(rate):
        if stop:
            break
        for _ in range(due):
            try:
                one.send(f"{tag}! {sent} ".encode().ljust(SIZE, b"."))
                sent += 1
            except OSError:
                pass
        collect()
    # The last echoes; on a busy machine they take their time.
    for _ in range(300):
        if echoed >= sent:
            break
        time.sleep(0.01)
        collect()
    told = {"sent": sent, "echoed": echoed, "longest_silence": round(gap, 3)}
    print(json.dumps(told), flush=True)


def main(words):
    if len(words) >= 2 and words[0] == "meter":
        if os.path.exists(words[1]):
            os.unlink(words[1])
        Meter(words[1], words[2:]).run()
    elif len(words) == 4 and words[0] in ("send", "talk"):
        (send if words[0] == "send" else talk)(words[1], int(words[2]), words[3])
    elif len(words) == 2 and words[0] == "ask":
        print(json.dumps(ask(words[1])))
    elif len(words) == 4 and words[0] == "rate":
        print(round(rate(words[1], words[2], float(words[3]))))
    elif len(words) == 3 and words[0] == "last":
        print("%.6f" % ask(words[1])[words[2]]["last"])
    else:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
