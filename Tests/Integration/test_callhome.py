"""Call Home (RFC 9066): the router connects, the ISP asks; both ends ours, and each against OpenSSL."""
import contextlib
import json
import os
import signal
import subprocess
import time

from home import BUILD, CAMERA, VICTIM, section
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
    daemon.process.send_signal(signal.SIGHUP)
    noc_service.wait(10, other_than=first["port"])
    noc_service.ask("heartbeat")
    expect_equal(len(role(home)), 1, "sessions that the router opened")


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


@test("CH-HB-05 what the router sends of DOTS is marked to go first, over UDP and TCP, called or calling")
def marked(home):
    count = """table inet marks {
      counter hurried { }
      counter plain { }
      chain input {
        type filter hook prerouting priority -400;
        iifname != "home0" return
        ip dscp cs6 counter name hurried accept
        meta l4proto { tcp, udp } counter name plain
      }
    }"""

    def packets(name):
        told = home.run("isp", "nft", "-j", "list", "counter", "inet", "marks", name).stdout
        return json.loads(told)["nftables"][1]["counter"]["packets"]
    for transport in ("udp", "tcp"):
        home.run("isp", "nft", "-f", "-", input=count.encode(), check=True)
        try:
            calling(home, noc(transport=transport), listens=True, more=TCP)
            Service(home, transport=transport).wait(10)
            called = packets("hurried")
            expect(called > 3, f"marked packets of a session over {transport}: {called}")
            home.run("isp", CLIENT, "--connect", "198.51.100.2", *proof(home), "--name", ROUTER_NAME,
                     "--transport", transport, "heartbeat", timeout=20, check=True)
            expect(packets("hurried") > called, "no marked packets of a session that came in")
            expect_equal(packets("plain"), 0, f"others over {transport}")
        finally:
            home.run("isp", "nft", "delete", "table", "inet", "marks")
        home.clear()
