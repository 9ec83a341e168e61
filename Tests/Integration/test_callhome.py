"""Call Home (RFC 9066): the router connects, the ISP asks; both ends ours, and each against OpenSSL."""
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import time

from home import BUILD, CAMERA, ROUTER, VICTIM, section
from suite import expect, expect_equal, test, wait_for
from test_client import TCP

CLIENT = os.path.join(BUILD, "cordon-client")
ISP, PORT = "198.51.100.1", "4647"
ROUTER_NAME = "cpe-0001.isp.example"
SCOPE = ["--source", CAMERA, "--target", VICTIM, "--target-port", "443", "--protocol", "udp"]


def proof(home, identity="telemetry"):
    return ["--certificate", f"{home.work}/{identity}.crt", "--key", f"{home.work}/{identity}.key",
            "--trust", f"{home.work}/isp-ca.crt"]


def noc(title="noc", /, **options):
    """A call_home section."""
    return section("call_home", title, {
        "host": ISP, "name": "telemetry.isp.example", "port": PORT} | options)


def calling(home, *sections, listens=False, **overrides):
    """A cordond that calls; nothing listens."""
    more = "".join(sections or [noc()]) + overrides.pop("more", "")
    settings = home.settings(more=more, **overrides)
    if not listens:
        settings = settings.replace(section("listen", "isp", {"transport": ["udp"]}), "")
    original, home.settings = home.settings, lambda **_: settings
    try:
        return home.daemon()
    finally:
        home.settings = original


def once(home, *words, transport="udp", identity="telemetry", port=PORT, seconds=20):
    """cordon-client waits for the router and gives it one command; what it says."""
    answer = home.run("isp", CLIENT, "--listen", f":{port}", *proof(home, identity),
                      "--transport", transport, "--timeout", str(seconds), *words,
                      timeout=seconds + 10)
    expect_equal(answer.returncode, 0, f"exit status of {words} ({answer.stderr.decode()})")
    return answer.stdout.decode()


class Service:
    """A running `cordon-client serve`."""

    def __init__(self, home, identity="telemetry", port=PORT, transport="auto", host="isp",
                 place=""):
        self.home = home
        self.path = os.path.join(home.work, f"noc-{identity}-{port}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.log = self.path + ".log"
        with open(self.log, "wb") as log:
            self.process = home.start(
                host, CLIENT, "--listen", f"{place}:{port}", *proof(home, identity),
                "--transport", transport, "--control", self.path, "serve", stderr=log)
        wait_for(lambda: os.path.exists(self.path), 5, "the service listens")

    def ask(self, *words, status=0):
        answer = subprocess.run([CLIENT, "--control", self.path, *words],
                                capture_output=True, timeout=40)
        expect_equal(answer.returncode, status, f"status of {words} ({answer.stderr.decode()})")
        return answer.stdout.decode() if status == 0 else answer.stderr.decode()

    def start(self, *words, stdout=subprocess.PIPE):
        self.home.started.append(subprocess.Popen(
            [CLIENT, "--control", self.path, *words], stdout=stdout, stderr=subprocess.PIPE))
        return self.home.started[-1]

    def sessions(self):
        return json.loads(self.ask("--json", "sessions"))["sessions"]

    def wait(self, seconds, what="the router's session", other_than=None):
        """Waits for a session that answers; gives it."""
        def found():
            return [one for one in self.sessions() if one["port"] != other_than]
        return wait_for(found, seconds, what)[0]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def text(self):
        with open(self.log, errors="replace") as file:
            return file.read()


def sessions(home):
    return home.ctl_json("status")["sessions"]


@test("CH-CON-01 CH-CON-03 the router calls over UDP and is asked; nothing of it listens")
def over_udp(home):
    calling(home)
    home.flood("camera")
    home.arrives("camera")
    said = once(home, "mitigate", "--mid", "1", *SCOPE)
    expect("result: accepted" in said, f"answer: {said}")
    time.sleep(0.2)
    expect_equal(home.rate("camera"), 0, "flood packets a second")
    for kind in ("-ltn", "-lun"):
        listening = home.run("router", "ss", "-H", kind).stdout.decode()
        expect("464" not in listening, f"something listens: {listening}")


@test("CH-CON-01 TLS-16 the same over TCP, with ALPN")
def over_tcp(home):
    calling(home, noc(transport="tcp"))
    home.flood("camera")
    home.arrives("camera")
    once(home, "mitigate", "--mid", "1", *SCOPE, transport="tcp")
    time.sleep(0.2)
    expect_equal(home.rate("camera"), 0, "flood packets a second")


@test("CH-HB-01 a service holds the session: commands, sessions, the role in status")
def service(home):
    calling(home)
    noc_service = Service(home)
    session = noc_service.wait(10)
    expect_equal((session["router"], session["transport"]), (ROUTER_NAME, "udp"), "session")
    expect_equal(os.stat(noc_service.path).st_mode & 0o777, 0o600, "mode of the socket")
    home.flood("camera")
    home.arrives("camera")
    said = json.loads(noc_service.ask(
        "--json", "--router", ROUTER_NAME, "mitigate", "--mid", "7", *SCOPE))
    expect_equal((said["result"], said["mid"]), ("accepted", 7), "answer")
    wait_for(lambda: home.rate("camera", 0.2) == 0, 2, "the flood stops")
    told = [one for one in sessions(home) if one["role"] == "call_home"]
    expect_equal(len(told), 1, "sessions of the router")
    expect_equal(told[0]["peer"], f"{ISP}:{PORT}", "peer")
    noc_service.ask("--router", "nobody", "heartbeat", status=3)
    expect("answered after" in noc_service.ask("heartbeat"), "heartbeat")
    expect("4.00" in noc_service.ask("mitigate", "--mid", "8", "--target", VICTIM, status=4),
           "CH-MIT-01 without a source")


@test("a second service at the same path is refused, and the first goes on")
def twice(home):
    calling(home)
    noc_service = Service(home)
    noc_service.wait(10)
    for port in (PORT, "4648"):
        answer = home.run("isp", CLIENT, "--listen", f":{port}", *proof(home), "--control",
                          noc_service.path, "serve", timeout=10)
        expect_equal(answer.returncode, 1, f"exit status at port {port}")
        expect("another service" in answer.stderr.decode(), answer.stderr.decode())
    noc_service.ask("heartbeat")


@test("CFG-23 CH-HB-01 the client reads 30 s and the router's ranges first; what it sets of them holds")
def configured(home):
    calling(home)
    noc_service = Service(home, transport="udp")
    noc_service.wait(10)

    def interval():
        told = json.loads(noc_service.ask("--json", "config", "get"))
        return told["mitigating"]["heartbeat_interval"]
    expect_equal(interval(), {"current": 30, "minimum": 15, "maximum": 240}, "what the router offers")
    said = noc_service.ask("config", "set", "--heartbeat-interval", "14", status=4)
    expect("4.22" in said, f"below what is offered: {said}")
    noc_service.ask("config", "set", "--heartbeat-interval", "60")
    expect_equal(interval()["current"], 60, "the interval")


@test("CH-HB-04 a request whose answer can't leave the home stops the attack all the same")
def one_way(home):
    calling(home)
    noc_service = Service(home, transport="udp")
    noc_service.wait(10)
    home.flood("camera")
    home.arrives("camera")
    deaf = f"""table ip deaf {{
      chain input {{
        type filter hook prerouting priority -400;
        udp dport {PORT} counter drop
      }}
    }}"""
    home.run("isp", "nft", "-f", "-", input=deaf.encode(), check=True)
    try:
        asking = subprocess.Popen(
            [CLIENT, "--control", noc_service.path, "mitigate", "--mid", "1", *SCOPE],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: home.rate("camera", 0.2) == 0, 3, "the flood stops")
        expect(asking.poll() is None, "an answer arrived")
        lost = home.run("isp", "nft", "list", "table", "ip", "deaf").stdout.decode()
        expect("packets 0 " not in lost, "no answer was lost")
    finally:
        home.run("isp", "nft", "delete", "table", "ip", "deaf")
    # The router's end repeats what the client asks again; the session is the same one.
    expect_equal(asking.wait(30), 0, "exit status once answers arrive")
    still_blocked(home)


@test("MIT-OBS-01 CH-HB-01 states are watched through the service while commands go on")
def watched(home):
    daemon = calling(home)
    noc_service = Service(home)
    noc_service.wait(10)
    blocked(home, noc_service)
    # More than one may be asked at a time: each waits for the last.
    crowd = [noc_service.start("--json", "heartbeat") for _ in range(8)]
    path = os.path.join(home.work, "watch")
    with open(path, "wb") as file:
        watch = noc_service.start("--json", "status", "--mid", "1", "--watch", stdout=file)

    def told():
        with open(path) as file:
            return [json.loads(line)["mitigations"] for line in file if "mitigations" in line]
    for one in crowd:
        expect_equal((one.wait(10), b"answered" in one.communicate()[0]), (0, True), "one of many")
    wait_for(told, 5, "the first state")
    reload(home, daemon)
    before = len(told())
    noc_service.ask("withdraw", "--mid", "1")
    wait_for(lambda: len(told()) > before, 5, "a state after the reload")
    expect_equal(watch.wait(20), 0, "exit status of the watch when the mitigation has ended")
    # Nobody waits for ever: neither for what isn't there, nor who has gone.
    noc_service.ask("status", "--mid", "9", "--watch", status=5)
    gone = noc_service.start("status", "--watch")
    wait_for(lambda: gone.poll() is None, 1, "it watches")
    gone.kill()
    noc_service.ask("heartbeat")


@test("CH-MIT-06 trigger-mitigation false is refused over call home")
def trigger(home):
    calling(home)
    noc_service = Service(home)
    noc_service.wait(10)
    said = noc_service.ask("mitigate", "--mid", "1", "--no-trigger", *SCOPE, status=4)
    expect("4.00" in said, said)


def role(home):
    return [one for one in sessions(home) if one["role"] == "call_home"]


def blocked(home, noc_service, mid="1"):
    """A flood that a mitigation over call home stops."""
    home.flood("camera")
    home.arrives("camera")
    noc_service.ask("mitigate", "--mid", mid, *SCOPE)
    wait_for(lambda: home.rate("camera", 0.2) == 0, 2, "the flood stops")


def still_blocked(home):
    expect_equal(len(home.ctl_json("mitigations")["mitigations"]), 1, "mitigations")
    expect_equal(home.rate("camera"), 0, "flood packets a second")


@test("CH-HB-03 the ISP's end is killed: the router is back within a heartbeat and a second")
def isp_dies(home):
    calling(home)
    noc_service = Service(home, transport="udp")
    noc_service.wait(10)
    noc_service.ask("config", "set", "--heartbeat-interval", "15")
    blocked(home, noc_service)
    noc_service.kill()
    noc_service = Service(home, transport="udp")
    noc_service.wait(17)
    noc_service.ask("heartbeat")
    still_blocked(home)


@test("CH-HB-03 CH-CON-01 over TCP the router notices at once that the ISP's end was killed")
def isp_dies_tcp(home):
    calling(home, noc(transport="tcp"))
    noc_service = Service(home, transport="tcp")
    noc_service.wait(10)
    blocked(home, noc_service)
    noc_service.kill()
    noc_service = Service(home, transport="tcp")
    noc_service.wait(8)
    noc_service.ask("heartbeat")
    still_blocked(home)


@test("CH-CON-01 the router's signal room is killed: it calls again, mitigations untouched")
def router_dies(home):
    daemon = calling(home)
    noc_service = Service(home)
    first = noc_service.wait(10)
    blocked(home, noc_service)
    daemon.kill("cordond-signal")
    noc_service.wait(10, other_than=first["port"])
    noc_service.ask("heartbeat")
    still_blocked(home)


@test("HE-05 another address towards the ISP: the router calls from it within three seconds")
def other_address(home):
    calling(home)
    noc_service = Service(home)
    first = noc_service.wait(10)
    blocked(home, noc_service)

    def address(verb, last):
        home.run("router", "ip", "address", verb, f"198.51.100.{last}/24", "dev", "wan0", check=True)
    try:
        # The last first: the kernel takes those of the same network along.
        address("del", 2)
        address("add", 7)
        home.run("router", "ip", "route", "replace", "default", "via", ISP, check=True)
        second = noc_service.wait(3, other_than=first["port"])
        expect_equal(second["peer"], "198.51.100.7", "the router's address")
        noc_service.ask("heartbeat")
        still_blocked(home)
    finally:
        address("del", 7)
        address("add", 2)
        home.run("router", "ip", "route", "replace", "default", "via", ISP)


@test("HE-05 a line that goes and comes back with its address wakes the router")
def same_address(home):
    calling(home)
    noc_service = Service(home)

    def line(*words):
        home.run("router", "ip", *words, check=True)
    try:
        first = noc_service.wait(10)
        noc_service.ask("config", "set", "--heartbeat-interval", "15")
        blocked(home, noc_service)
        # The kernel keeps the IPv4 address; what there is not is a carrier.
        home.run("isp", "ip", "link", "set", "home0", "down", check=True)
        wait_for(lambda: "addresses towards the ISP: 0" in home.log(), 5, "the loss is noticed")
        noc_service.kill()
        home.run("isp", "ip", "link", "set", "home0", "up", check=True)
        known = home.log().count("addresses towards the ISP: ")
        noc_service = Service(home)
        wait_for(lambda: home.log().count("addresses towards the ISP: ") > known, 5,
                 "the return is noticed")
        # It went while nobody listened: a heartbeat finds that out.
        second = noc_service.wait(20, other_than=first["port"])
        expect_equal(second["peer"], ROUTER, "the router's address")
        still_blocked(home)
        # The same when the interface's address is taken and given back, and nobody has a session.
        noc_service.kill()
        home.run("router", "ip", "address", "flush", "dev", "wan0", "scope", "global", check=True)
        home.daemons[-1].kill("cordond-signal")
        known = home.log().count("addresses towards the ISP: ")
        time.sleep(2.5)
        noc_service = Service(home)
        restore(home)
        noc_service.wait(5)
        expect(home.log().count("addresses towards the ISP: ") > known, "not told of the return")
        still_blocked(home)
    finally:
        restore(home)


def restore(home):
    """The line as it was, at both ends: the kernel drops IPv6 addresses of a link that is down."""
    for words in (["link", "set", "home0", "up"],
                  ["address", "replace", "2001:db8:100::1/64", "dev", "home0"],
                  ["-6", "route", "replace", "2001:db8:1::/64", "via", "2001:db8:100::2"]):
        home.run("isp", "ip", *words)
    for words in (["link", "set", "wan0", "up"], ["address", "replace", "198.51.100.2/24", "dev", "wan0"],
                  ["address", "replace", "2001:db8:100::2/64", "dev", "wan0"],
                  ["route", "replace", "default", "via", ISP],
                  ["-6", "route", "replace", "default", "via", "2001:db8:100::1"]):
        home.run("router", "ip", *words)


class Wire:
    """What the router sends, as the ISP's host gets it: (family, DSCP, protocol, ports)."""

    def __init__(self, home):
        with home.within("isp"):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
            self.socket.bind(("home0", 0))
        self.socket.settimeout(0)

    def packets(self):
        found = []
        while True:
            try:
                packet, (_, kind, direction, *_) = self.socket.recvfrom(2048)
            except BlockingIOError:
                return found
            if direction == socket.PACKET_OUTGOING:
                continue
            if kind == 0x0800:
                start, dscp, protocol = (packet[0] & 15) * 4, packet[1] >> 2, packet[9]
            elif kind == 0x86DD:
                start, dscp = 40, (packet[0] << 8 | packet[1]) >> 6 & 63
                protocol = packet[6]
            else:
                continue
            if protocol in (6, 17):
                ports = struct.unpack_from(">HH", packet, start)
                found.append((kind, dscp, protocol, ports))

    def close(self):
        self.socket.close()


@test("CH-HB-05 what the router sends on sessions is marked CS6 and in the first band, UDP and TCP")
def marked(home):
    # What pfifo_fast sorts by: 6 stands in its first band.
    rules = f"""table inet look {{
      counter first {{ }}
      chain out {{
        type filter hook postrouting priority 300;
        oifname "wan0" meta priority 0:6 th dport {PORT} counter name first
      }}
    }}"""
    home.run("router", "nft", "-f", "-", input=rules.encode(), check=True)

    def sent():
        told = json.loads(home.nft("-j", "list", "counter", "inet", "look", "first").stdout)
        return told["nftables"][1]["counter"]["packets"]
    wire = Wire(home)
    try:
        for transport, protocol in (("udp", 17), ("tcp", 6)):
            for host, kind in ((ISP, 0x0800), ("2001:db8:100::1", 0x86DD)):
                calling(home, noc(host=host, transport=transport), listens=True)
                noc_service = Service(home)
                noc_service.wait(10)
                before, _ = sent(), wire.packets()
                for _ in range(5):
                    noc_service.ask("heartbeat")
                after = sent()
                ours = [one for one in wire.packets()
                        if one[0] == kind and one[2] == protocol and int(PORT) in one[3]]
                expect(len(ours) >= 5, f"packets seen over {transport}: {ours}")
                expect_equal({one[1] for one in ours}, {48}, f"DSCP over {transport} to {host}")
                expect(after - before >= 5, f"in the first band over {transport}: {after - before}")
                noc_service.kill()
                home.clear()
        # Base mode: the launcher's sockets. Accepted connections inherit the mark.
        home.daemon(more=section("listen", "streams", {"transport": ["tcp"]}))
        for transport, protocol in (("udp", 17), ("tcp", 6)):
            for host, kind in ((ROUTER, 0x0800), ("[2001:db8:100::2]", 0x86DD)):
                wire.packets()
                answer = home.run("isp", CLIENT, "--connect", host, "--name", ROUTER_NAME,
                                  *proof(home), "--transport", transport, "heartbeat")
                expect_equal(answer.returncode, 0, answer.stderr.decode())
                ours = [one for one in wire.packets()
                        if one[0] == kind and one[2] == protocol and one[3][0] == 4646]
                expect(len(ours) >= 3, f"packets seen over {transport}: {ours}")
                # What answers a client before there is a connection is the kernel's own.
                expect_equal({one[1] for one in ours}, {48}, f"DSCP over {transport} from {host}")
    finally:
        wire.close()
        home.nft("delete", "table", "inet", "look")


@test("CH-HB-02 CH-HB-03 a translator on the way forgets the session: it is back after a heartbeat")
def binding(home):
    rules = """table ip cgn {
      chain postrouting {
        type nat hook postrouting priority srcnat;
        oifname "victim0" udp dport 4647 masquerade random
      }
    }"""
    timeouts = ["net.netfilter.nf_conntrack_udp_timeout=2",
                "net.netfilter.nf_conntrack_udp_timeout_stream=2"]
    before = [home.run("isp", "sysctl", "-n", one.split("=")[0]).stdout.decode().strip()
              for one in timeouts]
    try:
        home.run("isp", "nft", "-f", "-", input=rules.encode(), check=True)
        calling(home, noc(host=VICTIM))
        noc_service = Service(home, transport="udp", host="victim")
        first = noc_service.wait(10)
        expect_equal(first["peer"], "203.0.113.1", "the translator's address")
        noc_service.ask("config", "set", "--heartbeat-interval", "15")
        home.run("isp", "sysctl", "-qw", *timeouts, check=True)
        # A packet for which the new times count.
        noc_service.ask("heartbeat")
        second = noc_service.wait(17, other_than=first["port"])
        expect(second["port"] != first["port"], "the binding was not forgotten")
        noc_service.ask("heartbeat")
    finally:
        home.run("isp", "nft", "delete", "table", "ip", "cgn")
        home.run("isp", "sysctl", "-qw", *[
            f"{one.split('=')[0]}={old}" for one, old in zip(timeouts, before)])


@test("CH-CON-01 a reload that adds a section makes the router call, another keeps it calling")
def added(home):
    daemon = home.daemon()
    noc_service = Service(home)
    with open(os.path.join(home.work, "cordon.conf"), "w") as file:
        file.write(home.settings(more=noc()))
    daemon.process.send_signal(signal.SIGHUP)
    first = noc_service.wait(10)
    reload(home, daemon)
    noc_service.ask("heartbeat")
    expect_equal([one["port"] for one in noc_service.sessions()], [first["port"]], "sessions")
    expect_equal(len(role(home)), 1, "sessions that the router opened")


def reload(home, daemon, settings=None):
    """Has the settings read again; returns when the signal room has them."""
    if settings:
        with open(os.path.join(home.work, "cordon.conf"), "w") as file:
            file.write(settings)
    before = home.log().count("settings read again")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: home.log().count("settings read again") > before, 5, "the reload")


@test("CH-CON-05 TLS-09 a reload restarts what changed: one section, or all when the trust is other")
def reloaded(home):
    home.home_script("certificate", home.work, "alternate", "alt.isp.example")
    other = {"port": "4648", "name": "alt.isp.example"}
    daemon = calling(home, noc(), noc("other", **other), listens=True)
    first, second = Service(home), Service(home, "alternate", port="4648")
    ports = [one.wait(10)["port"] for one in (first, second)]
    changed = home.settings(more=noc() + noc("other", **other, redirect_allow=["isp.example"]))
    reload(home, daemon, changed)
    newer = second.wait(10, other_than=ports[1])["port"]
    expect_equal([one["port"] for one in first.sessions()], [ports[0]], "the unchanged session")
    # The same authority, told in other bytes.
    trust = os.path.join(home.work, "isp-ca.crt")
    with open(trust) as old, open(trust + ".new", "w") as new:
        new.write("# again\n" + old.read())
    reload(home, daemon, changed.replace(f"'{trust}'", f"'{trust}.new'"))
    first.wait(10, other_than=ports[0])
    second.wait(10, other_than=newer)
    expect_equal(len(role(home)), 2, "sessions that the router opened")


@test("CH-CON-03 a pre-shared key proves both ends, too")
def keys(home):
    path = os.path.join(home.work, "psk")
    with open(path, "w") as file:
        file.write("0123456789abcdef0123456789abcdef\n")
    key = section("psk", "isp-key", {"identity": "cpe-0001", "key_file": path})
    calling(home, noc(), more=key, client={"name": "cpe-0001"})
    answer = home.run("isp", CLIENT, "--listen", f":{PORT}", "--psk-identity", "cpe-0001",
                      "--psk-file", path, "--transport", "udp", "--timeout", "15", "config", "get",
                      timeout=30)
    expect_equal(answer.returncode, 0, answer.stderr.decode())


@test("CH-HB-05 a request for all that goes to the ISP's own host leaves the session alone")
def own_session(home):
    calling(home)
    noc_service = Service(home)
    first = noc_service.wait(10)
    home.flood("camera", target=f"{ISP}:{PORT}")
    noc_service.ask("mitigate", "--mid", "1", "--source", "198.51.100.2", "--target", ISP)
    noc_service.ask("heartbeat")
    time.sleep(0.3)
    noc_service.ask("heartbeat")
    expect_equal(noc_service.sessions()[0]["port"], first["port"], "the router's port")
