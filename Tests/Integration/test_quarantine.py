"""Quarantine by the ISP's request, the owner's policy or the owner's command: what passes, what not."""
import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import time

from home import CAMERA, CAMERA6, VICTIM, VICTIM6, section
from lan import (
    CAMERA_MAC, CAMERA_NAME, LAPTOP_MAC, PORTAL, ROUTER4, ROUTER6, connection, devices, dhcp,
    dnsmasq, get, greet, portal, resolve, state, web)
from peers import against, coap, path
from suite import Failure, Late, Skip, expect, expect_between, expect_equal, test, wait_for

MAY = {"may": ["block", "quarantine"]}


def quarantine(home, mid=1, expected="2.01", **more):
    """A PUT that asks for the camera's quarantine by the vendor attribute."""
    reply = coap(home, "put", path(mid), against(**more) | {"cordon:action": 3})
    expect_equal(reply.code, expected, f"PUT of mid {mid} ({reply.text})")
    return reply


def everything(source=f"{CAMERA}/32", **more):
    """The scope of all that a device sends."""
    return {"target-prefix": ["0.0.0.0/0" if "." in source else "::/0"], "source-prefix": [source],
            "lifetime": 600} | more


def refused(home, host, address, port, seconds=2):
    """What a TCP connection fails with and how fast; None when it succeeds."""
    with home.within(host):
        one = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    start = time.monotonic()
    with one:
        one.settimeout(seconds)
        try:
            one.connect((address, port))
        except OSError as error:
            return type(error).__name__, time.monotonic() - start
    return None


def in_log(home):
    """What the log says of devices, without its prefixes; it names them wholly for a developer."""
    found = (line.partition("core: ")[2] for line in home.log().splitlines())
    return [one.replace("device ", "") for one in found if "device " in one]


class Listener:
    """A TCP server in one of the namespaces that accepts and holds what comes."""

    def __init__(self, home, host, address, port):
        with home.within(host):
            self.door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.door.bind((address, port))
        self.door.listen(64)

    def __enter__(self):
        return self.door

    def __exit__(self, *_):
        self.door.close()


class Leaks:
    """Counts at the victim what stems from the camera, whatever it is."""

    def __init__(self, home):
        self.home = home
        rules = f"""table inet leaks {{
          counter v4 {{
          }}
          counter v6 {{
          }}
          chain watch {{
            type filter hook prerouting priority -400;
            ip saddr 198.51.100.2 counter name v4
            ip6 saddr {{ {CAMERA6}, fd00:1::20 }} counter name v6
          }}
        }}
        """
        home.run("victim", "nft", "-f", "-", input=rules.encode(), check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.home.run("victim", "nft", "delete", "table", "inet", "leaks")

    @property
    def packets(self):
        answer = self.home.run("victim", "nft", "-j", "list", "counters", "table", "inet", "leaks")
        return sum(one["counter"]["packets"] for one in json.loads(answer.stdout)["nftables"]
                   if "counter" in one)


@test("a request with cordon:action quarantine puts the device behind the page, v4 and v6, at once")
def by_attribute(home):
    dnsmasq(home)
    web(home)
    home.daemon(client=MAY)
    home.flood("camera", rate=2000)
    home.flood("camera6", f"[{VICTIM6}]:443")
    laptop = home.talk()
    home.arrives("camera")
    home.arrives("camera6")
    reply = quarantine(home)
    time.sleep(0.5)
    for tag in ("camera", "camera6"):
        late = home.seen(tag)["last"] - reply.sent
        expect(late < 0.06, f"the last packet of {tag} came {late * 1000:.1f} ms after the request", Late)
        expect_equal(home.rate(tag), 0, f"packets a second of {tag} after 2.01")
    expect_equal(state(home), "quarantined", "the camera's state")
    expect_equal(devices(home)[LAPTOP_MAC]["state"], "clear", "the laptop's state")
    groups = [mac for mac in devices(home) if int(mac[:2], 16) & 1]
    expect_equal(groups, [], "addresses of no device among the devices")
    expect_equal(home.ctl_json("status")["quarantined"], 1, "quarantined in the status")
    answer = get(home, "camera", "http://example.com/", address=VICTIM)
    expect_equal(answer.status, 302, "a page of the web, from the camera")
    expect_equal(answer.headers["location"], f"http://{ROUTER4}:{PORTAL}/", "where to")
    expect("00:00:20" in portal(home, "camera").text, "the page does not name the device")
    expect_between(80, home.rate("laptop!"), 120, "the laptop's packets a second", Late)
    told = home.talked(laptop)
    expect(told["echoed"] >= told["sent"] - 1, f"the laptop lost packets: {told}")
    got = coap(home, "get", path(1))
    expect_equal((got.code, got["status"]), ("2.05", 2), "GET's code and status")
    expect(got["pkts-dropped"] > 500, f"drops told: {got['pkts-dropped']}", Late)
    one = home.ctl_json("mitigations")["mitigations"][0]
    expect_equal(one["action"], "quarantine", "the mitigation's action")
    expect_equal([d["mac"] for d in one["devices"]], [CAMERA_MAC], "its devices")
    expect_equal(in_log(home), [f"{CAMERA_MAC} is in quarantine"], "what the log says of devices")


@test("quarantine that the client may not ask for is 4.03 and changes nothing")
def not_allowed(home):
    home.daemon()
    quarantine(home, expected="4.03")
    expect_equal(state(home) in ("clear", None), True, "the camera is clear")
    expect_equal(home.counters(), {}, "counters")


@test("a policy section on a hardware address, and agent.action, make a quarantine of a request")
def by_policy(home):
    policy = section("policy", "cameras", {"mac": CAMERA_MAC[:8], "action": "quarantine"})
    daemon = home.daemon(more=policy)
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT, policy")
    expect_equal(state(home), "quarantined", "the camera, by policy")
    expect_equal(coap(home, "put", path(2), against(source="192.168.1.30/32")).code, "2.01", "PUT")
    expect_equal(state(home, LAPTOP_MAC), "blocked", "the laptop, that no policy names")
    daemon.stop()
    home.clear()
    home.daemon(agent={"action": "quarantine"})
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT, agent.action")
    expect_equal(state(home), "quarantined", "the camera, by agent.action")


@test("a request for all outbound traffic of a device can be a quarantine, and counts its drops")
def everything_quarantined(home):
    home.daemon(client=MAY)
    home.flood("camera", rate=2000)
    home.arrives("camera")
    body = everything() | {"cordon:action": 3}
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    time.sleep(0.5)
    expect_equal(home.rate("camera"), 0, "flood packets a second")
    expect(coap(home, "get", path(1))["pkts-dropped"] > 200, "the drops are told", Late)


@test("a block of one IPv6 address follows the device to its other addresses")
def block_follows(home):
    home.daemon()
    home.flood("camera6", f"[{VICTIM6}]:443")
    home.arrives("camera6")
    body = everything(f"{CAMERA6}/128")
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    time.sleep(0.2)
    expect_equal(home.rate("camera6"), 0, "packets a second from the address")
    ip = ["ip", "-6", "address"]
    home.run("camera", *ip, "add", "2001:db8:1::bad/64", "dev", "eth0", "nodad", check=True)
    try:
        # What a device does with a new address before it uses it.
        greet(home, "camera", "2001:db8:1::bad", [ROUTER6])
        time.sleep(1)
        home.run("camera", *ip, "del", f"{CAMERA6}/64", "dev", "eth0")
        home.flood("camera6b", f"[{VICTIM6}]:443")
        time.sleep(0.7)
        expect_equal(home.rate("camera6b"), 0, "packets a second from the new address")
    finally:
        home.run("camera", *ip, "add", f"{CAMERA6}/64", "dev", "eth0")
        home.run("camera", *ip, "del", "2001:db8:1::bad/64", "dev", "eth0")


def frames(home, victim=VICTIM, victim6=VICTIM6, port=443):
    """Frames of the camera, for every way out: UDP and TCP, v4 and v6, many ports."""
    router = home.run("router", "cat", "/sys/class/net/br-lan/address").stdout.decode().strip()
    ether = bytes.fromhex(router.replace(":", "")) + bytes.fromhex(CAMERA_MAC.replace(":", ""))
    pack = socket.inet_pton
    v4 = pack(socket.AF_INET, CAMERA) + pack(socket.AF_INET, victim)
    v6 = pack(socket.AF_INET6, CAMERA6) + pack(socket.AF_INET6, victim6)
    made = []
    for number in range(512):
        source, target = 20000 + number, (443, 53, 80 + number * 7, 8080)[number % 4]
        udp = struct.pack(">HHHH", source, target, 20, 0) + b"x" * 12
        flags = (0x02, 0x10, 0x18)[number % 3]  # SYN, ACK, PSH ACK
        tcp = struct.pack(">HHIIBBHHH", source, port, number, 1, 5 << 4, flags, 1024, 0, 0)
        for protocol, segment in ((17, udp), (6, tcp)):
            segment = with_checksum(protocol, v4, segment)
            head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), number, 0, 64, protocol, 0)
            head = head[:10] + struct.pack(">H", checksum(head + v4)) + v4
            made.append(ether + b"\x08\x00" + head + segment)
            segment = with_checksum(protocol, v6, segment, clear=True)
            head = struct.pack(">IHBB", 6 << 28, len(segment), protocol, 64)
            made.append(ether + b"\x86\xdd" + head + v6 + segment)
    return made


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def with_checksum(protocol, addresses, segment, clear=False):
    at = 6 if protocol == 17 else 16
    segment = segment[:at] + b"\0\0" + segment[at + 2:]
    value = checksum(addresses + struct.pack(">II", len(segment), protocol) + segment)
    return segment[:at] + struct.pack(">H", value) + segment[at + 2:]


@test("C5 after 2.01 not one of a million packets passes: v4, v6, TCP, UDP, new and established")
def no_leak(home):
    home.daemon(client=MAY)
    # Established flows: 20000 + 0 to 443 over UDP, and TCP connections of both families.
    with Listener(home, "victim", VICTIM, 443), Listener(home, "victim", VICTIM6, 443):
        flows = [connection(home, "camera", one, 443) for one in (VICTIM, VICTIM6)]
        with home.within("camera"):
            door = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            door.bind(("eth0", 0))
        made = frames(home)
        with Leaks(home) as leaks, door:
            for frame in made:
                door.send(frame)
            time.sleep(0.2)
            expect(leaks.packets > 500, f"before, {leaks.packets} of {len(made)} packets passed")
            # Against another victim, so that the quarantine alone stops all of it.
            quarantine(home, target="203.0.113.99/32")
            before = leaks.packets
            for number in range(1_000_000 // len(made) + 1):
                for frame in made:
                    door.send(frame)
            for flow in flows:
                with flow, contextlib.suppress(OSError):
                    flow.send(b"still there?")
            time.sleep(0.2)
            expect_equal(leaks.packets - before, 0, "packets that passed after 2.01")


@test("CAP-12 what a quarantined device tries fails fast: TCP is reset, the rest is told to be prohibited")
def fails_fast(home):
    web(home)
    home.daemon(client=MAY)
    with Listener(home, "victim", VICTIM, 443), Listener(home, "victim", VICTIM6, 443):
        flow = connection(home, "camera", VICTIM, 443)
        expect_equal(refused(home, "camera", VICTIM, 443), None, "before")
        quarantine(home)
        for address in (VICTIM, VICTIM6):
            error = refused(home, "camera", address, 443)
            expect(error is not None, f"443 of {address} was reached")
            expect_equal(error[0], "ConnectionRefusedError", f"443 of {address}")
            expect(error[1] < 0.05, f"443 of {address} took {error[1] * 1000:.0f} ms", Late)
        start = time.monotonic()
        with flow:
            flow.send(b"more")
            try:
                expect_equal(flow.recv(1), b"never", "an established flow's data")
            except ConnectionError:
                pass
        expect(time.monotonic() - start < 0.05, "the established flow did not end within 50 ms", Late)
        # The kernel spares each device a few such messages a second, whoever sent the ones before.
        took = next((one for one in (prohibited(home) for _ in range(6)) if one is not None), None)
        expect(took is not None, "UDP failed silently")
        expect(took < 0.05, f"UDP took {took * 1000:.0f} ms to fail", Late)


def prohibited(home):
    """How long a packet to the victim took to be refused; None when nothing came back in a second."""
    with home.within("camera"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with one:
        one.settimeout(1)
        one.connect((VICTIM, 5000))
        start = time.monotonic()
        one.send(b"anybody?")
        try:
            one.recv(1)
        except TimeoutError:
            return None
        except OSError:
            return time.monotonic() - start
    raise Failure("UDP was answered")


@test("CAP-13 a thousand refused packets get a few ICMP errors, not a thousand")
def refusals_are_paced(home):
    home.daemon(client=MAY)
    quarantine(home)
    with home.within("camera"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        errors = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with one, errors:
        errors.settimeout(1)
        for number in range(1000):
            # The first half at once: it uses up what the kernel saved for this address while nothing
            # was refused, which may be nothing after another test. The second half takes longer than
            # the second after which the kernel tells again.
            if number >= 500:
                time.sleep(0.004)
            try:
                one.sendto(b"anybody?", (VICTIM, 5000))
            except OSError:
                pass  # an error for one before it
        count = 0
        try:
            while True:
                count += errors.recv(2048)[20] == 3
        except TimeoutError:
            pass
    expect_between(1, count, 100, "refusals told")


@test("a quarantined device reaches DNS and DHCP of the router within limits, and no other service")
def to_the_router(home):
    dnsmasq(home)
    home.daemon(client=MAY)
    with Listener(home, "router", ROUTER4, 22), Listener(home, "router", ROUTER6, 22):
        expect_equal(refused(home, "camera", ROUTER4, 22), None, "SSH before")
        quarantine(home)
        for address in (ROUTER4, ROUTER6):
            error = refused(home, "camera", address, 22)
            expect_equal(error and error[0], "ConnectionRefusedError", f"SSH of {address}")
        expect_equal(refused(home, "laptop", ROUTER4, 22), None, "SSH from the laptop")
    expect_equal(resolve(home, "camera", "example.com"), VICTIM, "DNS")
    expect_equal(resolve(home, "camera", "example.com", ROUTER6), VICTIM, "DNS over IPv6")
    expect_equal(dhcp(home, "camera", CAMERA_NAME, CAMERA_MAC)["address"],
                 socket.inet_aton(CAMERA), "the address by DHCP")
    answered = sum(resolve(home, "camera", f"n{i}.example", seconds=0.005) is not None
                   for i in range(600))
    expect(answered < 500, f"{answered} of 600 questions in a burst were answered")
    expect_equal(resolve(home, "laptop", "example.com"), VICTIM, "the laptop's DNS meanwhile")


@test("the garden is reached over https only, by prefix")
def garden(home):
    more = section("quarantine", "quarantine", {"garden": [f"{VICTIM}", f"{VICTIM6}"]})
    web(home)
    home.daemon(client=MAY, more=more)
    quarantine(home, target="203.0.113.99/32")
    with Listener(home, "victim", VICTIM, 443), Listener(home, "victim", VICTIM6, 443):
        for address in (VICTIM, VICTIM6):
            expect_equal(refused(home, "camera", address, 443), None, f"https of {address}")
    with Listener(home, "victim", VICTIM, 8443):
        expect(refused(home, "camera", VICTIM, 8443) is not None, "another port was reached")
    answer = get(home, "camera", "http://help.example/", address=VICTIM)
    expect_equal(answer.status, 302, "http of the garden")


@test("a listed adapter places a call from quarantine: SIP and RTP to its prefix, and nothing else")
def voice(home):
    if not shutil.which("sipp"):
        raise Skip("needs sipp of sip-tester: Tests/run installs it")
    more = section("protect", "voice", {
        "mac": [CAMERA_MAC], "prefix": [f"{VICTIM}/32", f"{VICTIM6}/128"],
        "udp": ["5060", "6000-6003"]})
    home.daemon(client=MAY, more=more)
    body = everything() | {"cordon:action": 3}
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    expect_equal(state(home), "quarantined", "the adapter's state")
    home.flood("other", f"{VICTIM}:444", host="camera")
    for family, (here, there) in enumerate(((CAMERA, VICTIM), (f"[{CAMERA6}]", f"[{VICTIM6}]"))):
        home.start("victim", "sipp", "-sn", "uas", "-i", there, "-p", "5060", "-mi", there,
                   "-mp", "6000", "-rtp_echo", "-m", "1", "-nostdin", **QUIET)
        wait_for(lambda: b":5060" in home.run("victim", "ss", "-Hlnu").stdout, 5, "sipp answers")
        # INVITE, 100, 180, 200, ACK; a second later BYE, 200: sipp ends with 0 when all came so.
        call = home.start("camera", "sipp", "-sn", "uac", "-i", here, "-p", "5060", "-m", "1",
                          "-d", "1000", "-timeout", "5", "-nostdin", f"{there}:5060", **QUIET)
        speech = home.talk("speech", f"{there}:6000", host="camera")
        expect_equal(call.wait(15), 0, f"exit status of the call to {there}")
        told = home.talked(speech)
        expect(told["echoed"] >= told["sent"] * 0.5 > 20, f"speech to {there}: {told}")
        wait_for(lambda: b":5060" not in home.run("victim", "ss", "-Hlnu").stdout, 5, "sipp ends")
    expect_equal(home.rate("other"), 0, "other traffic of the adapter")


QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@test("a device that is exempt by its hardware address can't be put into quarantine by anyone")
def exempt(home):
    more = section("protect", "alarm", {"mac": [CAMERA_MAC]})
    home.daemon(client=MAY, more=more)
    reply = quarantine(home, expected="4.09")
    expect(b"" != reply.body, "the conflict is told")
    expect_equal(state(home), "exempt", "the camera's state")
    expect_equal(home.ctl("quarantine", CAMERA_MAC).returncode, 4, "exit code of quarantine")


@test("C4 a changed hardware address with the same address stays in quarantine")
def changed_mac(home):
    home.daemon(client=MAY)
    body = everything() | {"cordon:action": 3}
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    link = ["ip", "link", "set", "eth0", "address"]
    try:
        home.run("camera", *link, "02:00:00:00:00:77", check=True)
        home.flood("camera")
        time.sleep(1)
        expect_equal(home.rate("camera"), 0, "packets a second with another hardware address")
        expect_equal(portal(home, "camera").status, 200, "the page")
    finally:
        home.run("camera", *link, CAMERA_MAC, check=True)
        # A changed address loses the routes that hang on nothing; make sure of them.
        home.run("camera", "ip", "-6", "route", "replace", "default", "via", ROUTER6)


@test("max_quarantined holds: one more is refused with 5.03, and is free")
def too_many(home):
    home.daemon(client=MAY, agent={"max_quarantined": "1"})
    quarantine(home)
    quarantine(home, mid=2, source="192.168.1.30/32", expected="5.03")
    expect(state(home, LAPTOP_MAC) != "quarantined", "the laptop was quarantined")


@test("cordonctl quarantine and release: cut off and free within a second; the ISP is told status 7")
def by_hand(home):
    home.daemon(client=MAY)
    home.flood("camera")
    home.arrives("camera")
    expect_equal(home.ctl("quarantine", CAMERA_MAC).returncode, 0, "exit code of quarantine")
    time.sleep(0.1)
    expect_equal(home.rate("camera"), 0, "packets a second in quarantine")
    expect_equal(state(home), "quarantined", "state")
    expect_equal(home.ctl("release", CAMERA_MAC).returncode, 0, "exit code of release")
    home.arrives("camera", seconds=1)
    expect_equal(home.ctl("release", CAMERA_MAC).returncode, 5, "a second release")
    for command in ("quarantine", "release", "code"):
        expect_equal(home.ctl(command, "nonsense").returncode, 2, f"{command} of no hardware address")
    expect_equal(home.ctl("code", CAMERA_MAC).returncode, 5, "a code for a device that is free")
    quarantine(home)
    expect_equal(home.rate("camera"), 0, "packets a second by request")
    expect_equal(home.ctl("release", CAMERA_MAC).returncode, 0, "release of the ISP's")
    home.arrives("camera", seconds=1)
    got = coap(home, "get", path(1))
    expect_equal((got.code, got["status"]), ("2.05", 7), "what the ISP is told")
    again = coap(home, "put", path(1), against() | {"cordon:action": 3})
    expect_equal(again.code, "4.09", f"a refresh of what was released ({again.text})")
    quarantine(home, mid=2)
    expect_equal(state(home), "quarantined", "after a new request")
    into, out = (f"{CAMERA_MAC} is {where} quarantine" for where in ("in", "out of"))
    expect_equal(in_log(home), [
        into, f"{CAMERA_MAC} is put into quarantine by cordonctl", out,
        f"{CAMERA_MAC} is released by cordonctl", into, out,
        f"{CAMERA_MAC} is released by cordonctl", into], "what the log says of devices")


@test("why says that a device is in quarantine, by address and by hardware address")
def why(home):
    home.daemon(client=MAY)
    quarantine(home)
    for subject in (CAMERA, CAMERA6, CAMERA_MAC):
        answer = home.ctl_json("why", subject)
        expect_equal(answer["state"], "quarantined", f"state of {subject}")
        expect_equal(len(answer["mitigations"]), 1, f"mitigations of {subject}")
    text = home.ctl("why", CAMERA).stdout.decode()
    expect("quarantine" in text, f"why says: {text}")


@test("a DHCP name, its maker and its addresses stand in devices")
def named(home):
    leases = os.path.join(home.work, "leases")
    dnsmasq(home)
    dhcp(home, "camera", CAMERA_NAME, CAMERA_MAC)
    vendors = os.path.join(home.work, "vendors")
    root = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
    made = home.run("router", os.path.join(root, "packaging", "vendors"), vendors)
    expect_equal(made.returncode, 0, f"packaging/vendors: {made.stderr}")
    home.daemon(client=MAY, agent={"leases": leases, "vendors": vendors})
    quarantine(home)
    one = devices(home)[CAMERA_MAC]
    expect_equal(one["name"], CAMERA_NAME, "name")
    expect("hikvision" in one["vendor"].lower(), f"vendor {one['vendor']!r}")
    expect(CAMERA in one["addresses"] and CAMERA6 in one["addresses"], str(one["addresses"]))
    expect_equal(one["releases_left"], 2, "releases left")
    expect(len(one["mitigations"]) == 1 and one["since"], "mitigations and since")
    page = portal(home, "camera").text
    for told in (CAMERA_NAME, "ikvision", "00:00:20", CAMERA):
        expect(told in page, f"the page does not tell {told!r}")


@test("a firewall tool that flushes everything frees no quarantined device")
def flushed(home):
    home.daemon(client=MAY)
    home.flood("camera")
    home.arrives("camera")
    quarantine(home)
    time.sleep(0.2)
    own = home.nft("list", "table", "inet", "router").stdout
    passed = home.seen("camera")["packets"]
    home.nft("flush", "ruleset")
    time.sleep(0.5)
    try:
        expect_equal(home.seen("camera")["packets"], passed, "packets that passed")
        expect_equal(state(home), "quarantined", "state")
    finally:
        # The router's own rules, for the tests after this one.
        home.run("router", "nft", "-f", "-", input=own, check=True)

