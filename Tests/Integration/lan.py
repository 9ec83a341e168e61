"""What a home has beside Cordon: dnsmasq at the router, a DHCP client, a web outside, HTTP by hand."""
import os
import re
import shutil
import socket
import struct
import sys
import time

from home import VICTIM, VICTIM6
from suite import Failure, wait_for

ROUTER4, ROUTER6 = "192.168.1.1", "2001:db8:1::1"
CAMERA_MAC, LAPTOP_MAC = "44:19:b6:00:00:20", "3c:22:fb:00:00:30"
CAMERA_NAME = "garage-cam"
PORTAL = 8646


def resolver_files(home, *hosts):
    """What `ip netns exec` lays over /etc: these hosts ask the router."""
    for host in hosts:
        folder = f"/etc/netns/{home.name}-{host}"
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "resolv.conf"), "w") as file:
            file.write(f"nameserver {ROUTER4}\n")


def no_resolver_files(home, *hosts):
    for host in hosts:
        shutil.rmtree(f"/etc/netns/{home.name}-{host}", ignore_errors=True)


def dnsmasq(home, *more):
    """dnsmasq for the LAN: DHCP with fixed addresses, and each name there is leads to the victim."""
    leases = os.path.join(home.work, "leases")
    open(leases, "a").close()
    process = home.start(
        "router", "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
        "--no-hosts", "--user=root", "--interface=br-lan", "--bind-interfaces", "--except-interface=lo",
        "--dhcp-range=192.168.1.20,192.168.1.40,1h", "--dhcp-authoritative", "--no-ping",
        f"--dhcp-host={CAMERA_MAC},192.168.1.20", f"--dhcp-host={LAPTOP_MAC},192.168.1.30",
        f"--dhcp-leasefile={leases}", "--pid-file=", f"--address=/#/{VICTIM}",
        f"--address=/#/{VICTIM6}", *more)
    wait_for(lambda: resolve(home, "laptop", "example.com") is not None, 5, "dnsmasq answers")
    return process


def web(home):
    """The Internet's web server, at the victim."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "web.py")
    process = home.start("victim", sys.executable, path, VICTIM, VICTIM6)

    def answers():
        with home.within("victim"), socket.socket() as one:
            return one.connect_ex((VICTIM, 80)) == 0
    wait_for(answers, 15, "the web answers")
    return process


def resolve(home, host, name, server=ROUTER4, seconds=0.5, identifier=7):
    """The IPv4 address of a name by one UDP question; nil when no answer came."""
    question = struct.pack(">HHHHHH", identifier, 0x0100, 1, 0, 0, 0)
    question += b"".join(bytes([len(p)]) + p.encode() for p in name.split(".")) + b"\0\0\1\0\1"
    with home.within(host):
        one = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET,
                            socket.SOCK_DGRAM)
    with one:
        one.settimeout(seconds)
        try:
            one.connect((server, 53))
            one.send(question)
            answer = one.recv(512)
        except OSError:
            return None
    return socket.inet_ntoa(answer[-4:])


def dhcp(home, host, name, mac):
    """One DHCP exchange; answers the options of the ACK by number."""
    with home.within(host):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        one.bind(("", 68))
        one.settimeout(3)
        offer = exchange(one, mac, 1, name)
        return exchange(one, mac, 3, name, offer)


def exchange(one, mac, kind, name, offer=None):
    options = {53: bytes([kind]), 12: name.encode(), 55: bytes([1, 3, 6, 114])}
    if offer:
        options |= {50: offer["address"], 54: offer[54]}
    packet = struct.pack(">BBBBIHH", 1, 1, 6, 0, 0x12345678, 0, 0x8000) + bytes(16)
    packet += bytes.fromhex(mac.replace(":", "")).ljust(16, b"\0") + bytes(192) + b"\x63\x82\x53\x63"
    packet += b"".join(bytes([code, len(value)]) + value for code, value in options.items()) + b"\xff"
    one.sendto(packet, ("255.255.255.255", 67))
    while True:
        answer = one.recv(1500)
        if answer[4:8] == b"\x12\x34\x56\x78" and answer[0] == 2:
            break
    found, at = {"address": answer[16:20]}, 240
    while answer[at] != 255:
        if answer[at]:
            found[answer[at]] = answer[at + 2:at + 2 + answer[at + 1]]
            at += answer[at + 1]
            at += 2
        else:
            at += 1
    return found


def dhcp6(home, host, mac, option):
    """One option of the answer to a DHCPv6 information request; None when it has none."""
    with home.within(host):
        one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        interface = socket.if_nametoindex("eth0")
    with one:
        one.bind(("::", 546))
        one.settimeout(3)
        client = struct.pack(">HHHH", 1, 10, 3, 1) + bytes.fromhex(mac.replace(":", ""))
        wanted = struct.pack(">HHHHHH", 6, 2, option, 8, 2, 0)
        one.sendto(b"\x0b\x12\x34\x56" + client + wanted, ("ff02::1:2", 547, 0, interface))
        answer = one.recv(1500)
    at = 4
    while at < len(answer):
        code, length = struct.unpack_from(">HH", answer, at)
        if code == option:
            return answer[at + 4:at + 4 + length]
        at += 4 + length
    return None


def greet(home, host, source=None, routers=(ROUTER4, ROUTER6)):
    """The router hears of a host: a packet to it makes both ask who the other is."""
    for router in routers:
        with home.within(host):
            one = socket.socket(socket.AF_INET6 if ":" in router else socket.AF_INET,
                                socket.SOCK_DGRAM)
        with one:
            if source:
                one.bind((source, 0))
            one.connect((router, 9))
            one.send(b"hello")
    time.sleep(0.1)


class Answer:
    """One HTTP answer: status, headers (names in lower case), body; how long it took."""

    def __init__(self, data, seconds):
        self.data, self.seconds = data, seconds
        head, _, self.body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        match = re.fullmatch(rb"HTTP/1\.[01] (\d{3})( [^\r\n]*)?", lines[0])
        self.status = int(match[1]) if match else 0
        pairs = [line.decode("latin-1").split(":", 1) for line in lines[1:]]
        self.headers = {pair[0].lower(): pair[1].strip() for pair in pairs}

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")


def connection(home, host, address, port, seconds=5):
    with home.within(host):
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    one.settimeout(seconds)
    one.connect((address, port))
    return one


def raw(home, host, data, address=ROUTER4, port=PORTAL, seconds=5):
    """What comes back for these bytes until the connection ends; empty when it just ends."""
    start = time.monotonic()
    got = b""
    with connection(home, host, address, port, seconds) as one:
        try:
            one.sendall(data)
            while True:
                part = one.recv(65536)
                if not part:
                    break
                got += part
        except ConnectionError:
            pass
        except TimeoutError:
            raise Failure(f"no end of the answer to {data[:60]!r} within {seconds} s") from None
    return Answer(got, time.monotonic() - start)


def get(home, host, url, address=None, port=None, method="GET", headers=None, body=b""):
    """An HTTP request to the URL's host, or to another address: what a browser would get."""
    match = re.fullmatch(r"http://(\[[^]]+\]|[^:/]+)(?::(\d+))?(/.*)?", url)
    name, where = match[1], match[3] or "/"
    address = address or name.strip("[]")
    port = port or int(match[2] or 80)
    shown = name + (f":{match[2]}" if match[2] else "")
    headers = {"Host": shown, "Connection": "close"} | (headers or {})
    if body:
        headers["Content-Length"] = str(len(body))
    head = f"{method} {where} HTTP/1.1\r\n" + "".join(
        f"{key}: {value}\r\n" for key, value in headers.items() if value is not None)
    return raw(home, host, (head + "\r\n").encode() + body, address, port)


def portal(home, host, path="/", address=ROUTER4, **more):
    """A request for the page itself."""
    shown = f"[{address}]" if ":" in address else address
    return get(home, host, f"http://{shown}:{PORTAL}{path}", **more)


def devices(home):
    """What `cordonctl devices` says, by hardware address."""
    return {one["mac"]: one for one in home.ctl_json("devices")["devices"]}


def state(home, mac=CAMERA_MAC):
    return devices(home).get(mac, {}).get("state")


def rooms_memory(pid):
    """Private dirty memory in bytes."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        fields = dict(line.split(":", 1) for line in file.readlines()[1:])
    return int(fields["Private_Dirty"].split()[0]) * 1024


