"""Looking through the NAT: the ISP names the home's public address, and the device is found."""
import contextlib
import os
import signal
import socket
import struct
import sys
import time

import connections
from home import CAMERA, ROUTER, VICTIM, section, traffic
from lan import CAMERA_MAC, CAMERA_NAME, LAPTOP_MAC, ROUTER4, ROUTER6, greet
from peers import against, coap, path, scope
from suite import Late, expect, expect_between, expect_equal, test, wait_for

PUBLIC = f"{ROUTER}/32"


def attack(source=PUBLIC, **more):
    return against(source=source, **more)


def from_port(port, **more):
    return attack(**more) | {"source-port-range": [{"lower-port": port}]}


def put(home, body, mid=1):
    reply = coap(home, "put", path(mid), body)
    expect_equal(reply.code, "2.01", f"PUT ({reply.text})")
    return reply


def both(home):
    """Camera and laptop send to one address and port of the victim."""
    home.flood("camera")
    home.flood("laptop", host="laptop")
    home.arrives("camera")
    home.arrives("laptop")


def found(home):
    """{hardware address: how it was found} of the one mitigation."""
    told = home.ctl_json("mitigations")["mitigations"]
    expect_equal(len(told), 1, "mitigations")
    return {one["mac"]: one["found"] for one in told[0]["devices"]}


def elements(home, name):
    """How many elements a set or map of Cordon's table has."""
    told = home.nft("list", "map", "inet", "cordon", name)
    if told.returncode != 0:
        told = home.nft("list", "set", "inet", "cordon", name)
    return told.stdout.decode().count("expires") if told.returncode == 0 else 0


def start(home, **settings):
    """A daemon, and a router that tracks no connection of an earlier test."""
    connections.flush(home)
    return home.daemon(**settings)


@test("CH-NAT-01 a request with the translated source port stops the camera and not the laptop")
def by_port(home):
    start(home)
    both(home)
    reply = put(home, from_port(home.seen("camera")["port"]))
    time.sleep(0.2)
    expect(home.seen("camera")["last"] - reply.sent < 0.1, "later than 100 ms", Late)
    expect_equal(home.rate("camera"), 0, "packets a second of the camera")
    expect(home.rate("laptop") > 400, "the laptop was stopped as well", Late)
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")


@test("CH-NAT-04 a new flow of the camera from another port is stopped as well, and the laptop's not")
def new_port(home):
    start(home)
    both(home)
    put(home, from_port(home.seen("camera")["port"]))
    home.flood("camera2")
    home.flood("laptop2", host="laptop")
    home.arrives("laptop2")
    time.sleep(0.2)
    expect_equal(home.rate("camera2"), 0, "packets a second of the camera's new flow")


@test("CH-NAT-02 a request without ports stops both, and both stay stopped; a third flow passes")
def without_ports(home):
    start(home)
    both(home)
    reply = put(home, attack())
    time.sleep(0.2)
    for name in ("camera", "laptop"):
        expect(home.seen(name)["last"] - reply.sent < 0.1, f"{name} later than 100 ms", Late)
        expect_equal(home.rate(name), 0, f"packets a second of {name}")
    expect_equal(found(home), {CAMERA_MAC: "conntrack", LAPTOP_MAC: "conntrack"}, "devices")
    home.flood("other", f"{VICTIM}:444", host="laptop")
    home.arrives("other")
    time.sleep(1.5)
    for name in ("camera", "laptop"):
        expect_equal(home.rate(name), 0, f"packets a second of {name} later")


@test("CH-NAT-03 no flow at the time: the wide rule shrinks within a second to who is seen sending")
def seen(home):
    start(home)
    home.flood("warm", f"{VICTIM}:444")
    home.arrives("warm")
    put(home, attack())
    passed = home.seen("camera")["packets"]
    expect_equal(found(home), {}, "devices before anybody sends")
    expect_equal(elements(home, "d4_0_32_pd"), 1, "elements of the wide map")
    home.flood("camera")
    wait_for(lambda: found(home) == {CAMERA_MAC: "seen"}, 3, "the camera is seen")
    expect_equal(elements(home, "d4_0_32_pd"), 0, "elements of the wide map then")
    expect_equal(home.seen("camera")["packets"], passed, "packets of the camera that arrived")
    # Nobody else is stopped before it sends such packets itself.
    told = home.ctl_json("why", "192.168.1.30")
    expect_equal(told["mitigations"], [], "what stops the laptop")


@test("CH-NAT-03 the same for a range of ports, whose packets a chain of its own stops")
def seen_in_range(home):
    start(home)
    body = attack() | {"target-port-range": [{"lower-port": 100, "upper-port": 443}]}
    put(home, body)
    passed = home.seen("camera")["packets"]
    home.flood("camera")
    wait_for(lambda: found(home) == {CAMERA_MAC: "seen"}, 3, "the camera is seen")
    expect_equal(home.seen("camera")["packets"], passed, "packets of the camera that arrived")


@test("CH-NAT-03 a device that begins later is found by its new flow, and stopped")
def later(home):
    start(home)
    home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
    passed = home.seen("laptop")["packets"]
    home.flood("laptop", host="laptop")
    wait_for(lambda: found(home).get(LAPTOP_MAC) == "event", 3, "the laptop is found")
    time.sleep(0.2)
    expect_equal(home.rate("laptop"), 0, "packets a second of the laptop")
    expect(home.seen("laptop")["packets"] - passed < 100, "too many passed", Late)


@test("CH-NAT-03 with a port and no flow: that port is stopped after translation, and no other")
def port_only(home):
    start(home)
    home.flood("camera")
    home.arrives("camera")
    port = home.seen("camera")["port"]
    other = port - 1 if port > 40000 else port + 1
    put(home, from_port(other))
    expect_equal(found(home), {}, "devices")
    expect(home.rate("camera") > 400, "another port was stopped", Late)
    expect(home.nft("list", "chain", "inet", "cordon", "nat4_32").returncode == 0,
           "no chain after translation")


@test("CH-NAT-03 forged sources and the router's own packets stay stopped when a device was found")
def forged(home):
    start(home)
    home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
    home.run("laptop", "ip", "address", "add", "10.9.8.7/32", "dev", "lo")
    before = home.dropped()[0]
    try:
        with home.within("laptop"):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with one:
            one.bind(("10.9.8.7", 0))
            for _ in range(10):
                one.sendto(b"forged ", (VICTIM, 443))
        own = home.flood("router", host="router")
        time.sleep(0.5)
        expect(home.dropped()[0] - before >= 10, "forged packets aren't counted")
        expect_equal(home.seen("router")["packets"], 0, "packets of the router")
        expect_equal(home.seen("forged")["packets"], 0, "forged packets")
        own.kill()
        wait_for(lambda: found(home).get(LAPTOP_MAC) == "seen", 3, "who forges is found")
    finally:
        home.run("laptop", "ip", "address", "del", "10.9.8.7/32", "dev", "lo")


@test("CH-NAT-01 a connection that came from outside: the device that answers it is found")
def inbound(home):
    told = home.nft(
        "add table ip inward; add chain ip inward pre { type nat hook prerouting priority dstnat; }; "
        f"add rule ip inward pre iifname wan0 udp dport 5555 dnat to {CAMERA}:5555; "
        "insert rule inet router forward ct status dnat accept")
    expect_equal(told.returncode, 0, f"nft ({told.stderr})")
    try:
        start(home)
        reached = reflect(home)
        body = scope(target_prefix=[f"{VICTIM}/32"], target_protocol=[17], lifetime=60,
                     source_prefix=[PUBLIC]) | {"source-port-range": [{"lower-port": 5555}]}
        expect(reached(), "the camera doesn't answer before")
        put(home, body)
        expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
        expect(not reached(), "the camera's answers still arrive")
    finally:
        home.nft("delete table ip inward")


def reflect(home):
    """The camera echoes on a port that the router forwards; answers whether an echo arrives."""
    path = traffic.__file__
    home.start("camera", sys.executable, path, "meter", f"{home.work}/meter-{time.monotonic_ns()}", f"{CAMERA}:5555")
    with home.within("victim"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.connect((ROUTER, 5555))
    one.settimeout(0.3)

    def reached():
        for _ in range(5):
            with contextlib.suppress(OSError):
                one.send(b"inbound! ")
                return one.recv(100) == b"inbound! "
        return False
    wait_for(reached, 5, "the camera echoes")
    return reached


@test("CH-NAT-02 quarantine by a policy about the camera's hardware address: found, it is confined")
def quarantines(home):
    more = section("policy", "cameras", {"mac": "44:19:b6", "action": "quarantine"})
    start(home, more=more)
    both(home)
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack", LAPTOP_MAC: "conntrack"}, "devices")
    states = {one["mac"]: one["state"] for one in home.ctl_json("devices")["devices"]}
    expect_equal(states[CAMERA_MAC], "quarantined", "the camera")
    expect_equal(states[LAPTOP_MAC], "blocked", "the laptop")


@test("CH-MIT-12 asked for quarantine, nobody is confined before the device is found")
def quarantines_later(home):
    start(home, client={"may": ["block", "quarantine"]})
    home.flood("warm", f"{VICTIM}:444")
    home.arrives("warm")
    put(home, attack() | {"cordon:action": 3})
    passed = home.seen("camera")["packets"]
    expect_equal(home.ctl_json("status")["quarantined"], 0, "devices in quarantine at first")
    home.flood("camera")
    wait_for(lambda: home.ctl_json("status")["quarantined"] == 1, 3, "the camera is confined")
    expect_equal(home.seen("camera")["packets"], passed, "packets of the camera that arrived")


@test("CH-MIT-15 nothing of the devices is told to the client")
def tells_nothing(home):
    start(home)
    both(home)
    put(home, attack())
    quarantined = coap(home, "put", path(2), attack() | {"cordon:action": 3})
    expect_equal(quarantined.code, "4.03", "a request for what it may not ask")
    conflict = coap(home, "put", path(0), attack())
    expect_equal(conflict.code, "4.09", "a request with a lower mid")
    foreign = coap(home, "put", path(3), attack("198.51.100.3/32"))
    expect_equal(foreign.code, "4.00", "a request for another's address")
    expect(home.ctl_json("devices")["devices"], "no device is known")
    for reply in (coap(home, "get", path(1)), quarantined, conflict, foreign):
        for word in (CAMERA.encode(), CAMERA_MAC.encode(), LAPTOP_MAC.encode(), b"192.168.1.",
                     bytes([192, 168, 1]), bytes.fromhex(CAMERA_MAC.replace(":", "")), b"garage"):
            expect(word not in reply.body, f"{word} is told")


@test("CH-NAT-03 a flow whose event the kernel couldn't keep is found: core reads all connections anew")
def lost_events(home):
    daemon = start(home)
    home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
    core = daemon.rooms()["cordond-core"]
    os.kill(core, signal.SIGSTOP)
    try:
        # More than its socket holds; what the laptop begins then is lost with them.
        connections.fill(home, 150_000)
        home.flood("laptop", host="laptop")
        wait_for(lambda: connections.begun(home, "192.168.1.30"), 5, "the laptop's flow is tracked")
    finally:
        os.kill(core, signal.SIGCONT)
    wait_for(lambda: found(home).get(LAPTOP_MAC), 5, "the laptop is found")
    expect_equal(found(home)[LAPTOP_MAC], "conntrack", "how the laptop was found")
    connections.flush(home)


@test("CH-NAT-05 a public address that is not this home's is refused")
def not_ours(home):
    start(home)
    expect_equal(coap(home, "put", path(1), attack("198.51.100.3/32")).code, "4.00", "PUT")


@test("CH-NAT-03 a new core knows the devices that the last one found, and no packet passes")
def restarts(home):
    daemon = start(home)
    both(home)
    put(home, attack())
    time.sleep(0.2)
    passed = home.seen("camera")["packets"]
    daemon.kill("cordond-core")
    wait_for(lambda: home.ctl("status").returncode == 0, 5, "a new core answers")
    expect_equal(found(home), {CAMERA_MAC: "conntrack", LAPTOP_MAC: "conntrack"}, "devices")
    expect_equal(home.seen("camera")["packets"], passed, "packets of the camera that passed")


@test("CH-NAT-08 the WAN address changes: what named the old one ends with status 7")
def moves(home):
    start(home)
    home.flood("camera")
    home.arrives("camera")
    put(home, from_port(home.seen("camera")["port"]))
    home.run("router", "ip", "address", "add", "198.51.100.9/24", "dev", "wan0")
    home.run("router", "ip", "address", "del", f"{ROUTER}/24", "dev", "wan0")
    try:
        home.run("router", "ip", "address", "add", "198.51.100.9/24", "dev", "wan0")
        home.run("router", "ip", "route", "replace", "default", "via", "198.51.100.1")
        wait_for(lambda: not home.ctl_json("mitigations")["mitigations"], 6, "it has ended")
        expect("no longer of this home" in home.log(), "the log doesn't say why")
    finally:
        home.run("router", "ip", "address", "add", f"{ROUTER}/24", "dev", "wan0")
        home.run("router", "ip", "address", "del", "198.51.100.9/24", "dev", "wan0")
        home.run("router", "ip", "address", "add", f"{ROUTER}/24", "dev", "wan0")
        home.run("router", "ip", "route", "replace", "default", "via", "198.51.100.1")


@test("CH-NAT-04 running flows stop by the raw hook alone: the kernel still tracks them")
def tracked(home):
    start(home)
    home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    time.sleep(0.2)
    expect_equal(home.rate("camera"), 0, "packets a second of the camera")
    expect(connections.tracked(home) > 0, "the flow is gone")


@test("CH-NAT-04 with option offload 'flush' the kernel forgets the flows that are stopped")
def flushes(home):
    start(home, agent={"offload": "flush"})
    home.flood("camera")
    home.arrives("camera")
    home.flood("other", f"{VICTIM}:444", host="laptop")
    home.arrives("other")
    put(home, attack())
    expect_equal(connections.tracked(home), 0, "flows to the stopped port")
    expect(connections.tracked(home, 444) > 0, "another flow is gone")


@test("CH-NAT-03 laptop found, sources forged: with a range of ports both are stopped, other ports not")
def forged_in_range(home):
    told = home.nft(
        "add table ip forge; add chain ip forge post { type nat hook postrouting priority srcnat; }; "
        "add rule ip forge post ip saddr 10.9.8.7 oifname wan0 masquerade")
    expect_equal(told.returncode, 0, f"nft ({told.stderr})")
    home.run("camera", "ip", "address", "add", "10.9.8.7/32", "dev", "lo")
    try:
        start(home)
        home.flood("laptop", host="laptop")
        home.arrives("laptop")
        expect(forge(home, 50_000) and forge(home, 700), "forged packets don't arrive before")
        ports = {"source-port-range": [{"lower-port": 1024, "upper-port": 65535}]}
        targets = {"target-port-range": [{"lower-port": 100, "upper-port": 443}]}
        # Exact keys, a chain for what is translated, and one for both.
        for mid, more in enumerate((
                {"source-port-range": [{"lower-port": 50_001, "upper-port": 50_003},
                                       {"lower-port": home.seen("laptop")["port"]}]},
                ports, ports | targets)):
            put(home, attack() | more, mid + 1)
            expect_equal(found(home), {LAPTOP_MAC: "conntrack"}, f"devices of {mid}")
            passed = home.seen("laptop")["packets"]
            expect(not forge(home, 50_001 + mid), f"forged packets arrive with {mid}")
            expect(forge(home, 700 + mid), f"another port is stopped with {mid}")
            expect_equal(home.seen("laptop")["packets"], passed, f"packets of the laptop with {mid}")
    finally:
        home.nft("delete table ip forge")
        home.run("camera", "ip", "address", "del", "10.9.8.7/32", "dev", "lo")


def forge(home, port):
    """Whether packets of the camera arrive that pretend to be another's."""
    tag = f"forged{port}-{time.monotonic_ns()}"
    pour(home, f"{tag} ".encode(), ("10.9.8.7", port))
    time.sleep(0.05)
    return home.seen(tag)["packets"] > 0


def pour(home, payload, source=("", 0)):
    """Ten packets of the camera to the victim."""
    with home.within("camera"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with one:
        one.bind(source)
        for _ in range(10):
            one.sendto(payload, (VICTIM, 443))


@test("CH-NAT-02 a flood of datagrams in fragments is stopped, and none of the fragments passes")
def fragments(home):
    start(home)
    large = b"large ".ljust(4000, b".")
    pour(home, large, ("", 40_404))
    wait_for(lambda: home.seen("large")["packets"], 2, "fragments arrive before")
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
    passed, parts = home.seen("large")["packets"], heard(home, "Ip", "ReasmReqds")
    expect(parts > 0, "no fragments arrived before")
    for port in (40_404, 40_405):
        pour(home, large, ("", port))
    time.sleep(0.1)
    expect_equal(home.seen("large")["packets"], passed, "datagrams that arrived")
    expect_equal(heard(home, "Ip", "ReasmReqds"), parts, "fragments that arrived")


def heard(home, group, name):
    """One of the victim's counters of the kernel."""
    lines = home.run("victim", "cat", "/proc/net/snmp").stdout.decode().splitlines()
    names, values = [line.split() for line in lines if line.startswith(f"{group}: ")]
    return int(values[names.index(name)])


@test("CH-NAT-02 a flood of echo requests is stopped, by protocol, and by type without another type")
def pings(home):
    start(home, agent={"terminating": "0"})
    for mid, more in enumerate(({}, {"source-icmp-type-range": [{"lower-type": 8}]})):
        connections.flush(home)
        ping(home, 8)
        body = scope(target_prefix=[f"{VICTIM}/32"], target_protocol=[1], lifetime=60,
                     source_prefix=[PUBLIC]) | more
        before = heard(home, "Icmp", "InEchos")
        expect(ping(home, 8) > before, "echo requests don't arrive before")
        put(home, body, mid + 1)
        expect_equal(found(home), {CAMERA_MAC: "conntrack"}, f"devices with {more}")
        before, others = heard(home, "Icmp", "InEchos"), heard(home, "Icmp", "InTimestamps")
        expect_equal(ping(home, 8), before, f"echo requests that arrived with {more}")
        ping(home, 13)
        expect_equal(heard(home, "Icmp", "InTimestamps") > others, bool(more), f"other types, {more}")
        coap(home, "delete", path(mid + 1))


def ping(home, kind):
    """Ten ICMP messages of the camera of that type; how many echo requests the victim heard of."""
    body = struct.pack(">BBHHH", kind, 0, 0, 7, 1) + bytes(12)
    total = sum(struct.unpack(">10H", body))
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    with home.within("camera"):
        one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with one:
        for _ in range(10):
            one.sendto(body[:2] + struct.pack(">H", total) + body[4:], (VICTIM, 0))
    time.sleep(0.05)
    return heard(home, "Icmp", "InEchos")


@test("CH-MIT-13 CH-NAT-05 a home behind a CGN: named by its address of 100.64.0.0/10, the camera is found")
def carrier(home):
    home.run("isp", "ip", "address", "add", "100.64.0.1/24", "dev", "home0")
    home.run("router", "ip", "address", "add", "100.64.0.2/24", "dev", "wan0")
    home.run("router", "ip", "address", "del", f"{ROUTER}/24", "dev", "wan0")
    home.run("router", "ip", "route", "replace", "default", "via", "100.64.0.1")
    try:
        start(home)
        home.flood("camera")
        home.arrives("camera")
        body = from_port(home.seen("camera")["port"], source="100.64.0.2/32")
        expect_equal(coap(home, "put", path(1), body, host="100.64.0.2").code, "2.01", "PUT")
        expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
        time.sleep(0.1)
        expect_equal(home.rate("camera"), 0, "packets a second of the camera")
        outer = coap(home, "put", path(2), attack("203.0.113.1/32"), host="100.64.0.2")
        expect_equal(outer.code, "4.00", "a request for the CGN's own address")
    finally:
        home.run("router", "ip", "address", "add", f"{ROUTER}/24", "dev", "wan0")
        home.run("router", "ip", "address", "del", "100.64.0.2/24", "dev", "wan0")
        home.run("router", "ip", "route", "replace", "default", "via", "198.51.100.1")
        home.run("isp", "ip", "address", "del", "100.64.0.1/24", "dev", "home0")


@test("cordonctl mitigations tells the name that a found device gave the DHCP server")
def named(home):
    leases = f"{home.work}/leases"
    with open(leases, "w") as file:
        file.write(f"{int(time.time()) + 3600} {CAMERA_MAC} {CAMERA} {CAMERA_NAME} *\n")
    try:
        start(home, agent={"leases": leases})
        home.flood("camera")
        home.arrives("camera")
        put(home, attack())
        told = home.ctl_json("mitigations")["mitigations"][0]["devices"]
        expect_equal(told, [{"mac": CAMERA_MAC, "name": CAMERA_NAME, "found": "conntrack"}], "devices")
        expect(CAMERA_NAME in home.ctl("mitigations").stdout.decode(), "its name isn't in the text")
    finally:
        os.unlink(leases)


@test("CH-MIT-12 with 'limit' a found device's packets pass up to the limit, and another's port freely")
def limited(home):
    # 88 bytes of IP: 70 kbit/s are about 100 packets a second.
    start(home, agent={"action": "limit", "limit": "70kbit"})
    home.flood("camera", rate=2000)
    home.arrives("camera")
    put(home, from_port(home.seen("camera")["port"]))
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
    home.flood("laptop", host="laptop")
    home.arrives("laptop")
    expect(home.rate("laptop") > 400, "the laptop is limited as well", Late)
    # What may come at once has passed by then.
    expect_between(70, home.rate("camera", 1), 200, "packets a second that pass", Late)
    # By a range, the camera's are counted inside, and not once more after translation.
    ports = {"source-port-range": [{"lower-port": home.seen("camera")["port"] - 1,
                                    "upper-port": home.seen("camera")["port"]}]}
    put(home, attack() | ports, mid=2)
    time.sleep(0.5)
    expect_between(70, home.rate("camera", 1), 200, "packets a second that pass by a range", Late)


@test("CH-NAT-01 among 200,000 connections the camera is found, by its target and in a whole network")
def crowd(home):
    start(home)
    connections.fill(home, 200_000)
    try:
        expect(connections.count(home) >= 200_000, "the router tracks fewer")
        both(home)
        put(home, from_port(home.seen("camera")["port"]))
        expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
        coap(home, "delete", path(1))
        wide = attack() | {"target-prefix": ["203.0.113.0/24"]}
        put(home, wide, mid=2)
        told = home.ctl_json("mitigations")["mitigations"][-1]
        expect_equal({one["mac"] for one in told["devices"]}, {CAMERA_MAC, LAPTOP_MAC}, "devices")
        time.sleep(0.2)
        expect_equal(home.rate("laptop"), 0, "packets a second of the laptop")
    finally:
        connections.flush(home)


def agrees(home):
    number = str(home.ctl_json("mitigations")["mitigations"][0]["id"])
    expect_equal(home.ctl("consent", number, "yes").returncode, 0, "consent")


@test("CH-NAT-04 with option offload 'flush' consent and quarantine make the kernel forget flows as well")
def flushes_later(home):
    start(home, agent={"offload": "flush", "action": "ask"})
    home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    expect(connections.tracked(home) > 0, "the flow is gone before anybody agreed")
    agrees(home)
    expect_equal(connections.tracked(home), 0, "flows to the stopped port")
    home.flood("other", f"{VICTIM}:444")
    home.arrives("other")
    expect_equal(home.ctl("quarantine", CAMERA_MAC).returncode, 0, "quarantine")
    expect_equal(connections.tracked(home, 444), 0, "flows of the device in quarantine")


@test("CH-MIT-10 who began to send while the owner was asked is found when the owner agrees")
def finds_after_consent(home):
    start(home, agent={"action": "ask"})
    home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    home.flood("laptop", host="laptop")
    home.arrives("laptop")
    agrees(home)
    wait_for(lambda: found(home).get(LAPTOP_MAC) == "conntrack", 3, "the laptop is found")
    time.sleep(0.2)
    for name in ("camera", "laptop"):
        expect_equal(home.rate(name), 0, f"packets a second of {name}")


@test("CH-NAT-04 a found device that changes its hardware address alone stays stopped, with its running flow")
def changes_mac(home):
    other = "02:00:00:00:00:77"
    link = ["ip", "link", "set", "eth0", "address"]
    start(home)
    both(home)
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack", LAPTOP_MAC: "conntrack"}, "devices")
    try:
        home.run("camera", *link, other, check=True)
        greet(home, "camera", routers=(ROUTER4,))
        wait_for(lambda: other in found(home), 8, "the camera is found again")
        time.sleep(0.2)
        for name in ("camera", "laptop"):
            expect_equal(home.rate(name), 0, f"packets a second of {name}")
    finally:
        home.run("camera", *link, CAMERA_MAC, check=True)
        home.run("camera", "ip", "-6", "route", "replace", "default", "via", ROUTER6)


@test("CH-NAT-04 a running flow of a device that settings no longer protect is found")
def no_longer_exempt(home):
    daemon = start(home, more=section("protect", "camera", {"mac": [CAMERA_MAC]}))
    both(home)
    put(home, attack())
    expect_equal(found(home), {LAPTOP_MAC: "conntrack"}, "devices")
    expect(home.rate("camera") > 0, "the exempt camera was stopped")
    with open(os.path.join(home.work, "cordon.conf"), "w") as file:
        file.write(home.settings())
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: CAMERA_MAC in found(home), 3, "the camera is found")
    time.sleep(0.2)
    expect_equal(home.rate("camera"), 0, "packets a second of the camera")


@test("CH-NAT-04 a found device is followed to its new address, and who gets its old one is free")
def leases_change(home):
    leases = os.path.join(home.work, "given")

    def lease(**macs):
        with open(leases, "w") as file:
            for last, mac in macs.items():
                file.write(f"4000000000 {mac} 192.168.1.{last[1:]} * *\n")

    def stopped(address):
        return len(home.ctl_json("why", address)["mitigations"])

    def move(host, old, new):
        home.run(host, "ip", "address", "del", f"{old}/24", "dev", "eth0", check=True)
        home.run(host, "ip", "address", "add", f"{new}/24", "dev", "eth0", check=True)
        home.run(host, "ip", "route", "replace", "default", "via", "192.168.1.1", check=True)
        # Both ask who the other is.
        home.run(host, "ip", "neighbour", "flush", "dev", "eth0")
        greet(home, host, routers=(ROUTER4,))

    lease(a20=CAMERA_MAC, a30=LAPTOP_MAC)
    start(home, agent={"leases": leases})
    flood = home.flood("camera")
    home.arrives("camera")
    put(home, attack())
    expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices")
    flood.kill()
    flood.wait()
    try:
        lease(a21=CAMERA_MAC, a20=LAPTOP_MAC)
        # Longer than core keeps what it read of the leases.
        time.sleep(5)
        move("camera", CAMERA, "192.168.1.21")
        move("laptop", "192.168.1.30", CAMERA)
        wait_for(lambda: stopped("192.168.1.21") and not stopped(CAMERA), 5, "the rule has moved")
        passed = home.seen("camera")["packets"]
        home.flood("camera")
        time.sleep(0.5)
        expect_equal(home.seen("camera")["packets"], passed, "packets of the camera that arrived")
        expect_equal(found(home), {CAMERA_MAC: "conntrack"}, "devices then")
    finally:
        move("laptop", CAMERA, "192.168.1.30")
        move("camera", "192.168.1.21", CAMERA)
