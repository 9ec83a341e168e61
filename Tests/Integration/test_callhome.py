"""Call Home (RFC 9066): the router connects, the ISP asks; both ends ours, and each against OpenSSL."""
import contextlib
import json
import os
import signal
import subprocess
import time

from home import BUILD, CAMERA, VICTIM, section
from suite import expect, expect_between, expect_equal, test, wait_for

CLIENT = os.path.join(BUILD, "cordon-client")
ISP, PORT = "198.51.100.1", "4647"
ROUTER_NAME = "cpe-0001.isp.example"
SCOPE = ["--source", CAMERA, "--target", VICTIM, "--target-port", "443", "--protocol", "udp"]


def proof(home, identity="telemetry"):
    return ["--certificate", f"{home.work}/{identity}.crt", "--key", f"{home.work}/{identity}.key",
            "--trust", f"{home.work}/isp-ca.crt"]


def noc(name="noc", **options):
    """A call_home section."""
    return section("call_home", name, {
        "host": ISP, "name": "telemetry.isp.example", "port": PORT} | options)


def calling(home, *sections, listens=False, **overrides):
    """A cordond that calls; nothing listens."""
    more = "".join(sections or [noc()])
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

    def __init__(self, home, identity="telemetry", port=PORT, transport="auto", host="isp"):
        self.home = home
        self.path = os.path.join(home.work, f"noc-{port}")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
        self.log = os.path.join(home.work, f"noc-{port}.log")
        with open(self.log, "wb") as log:
            self.process = home.start(
                host, CLIENT, "--listen", f":{port}", *proof(home, identity),
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


@test("CH-MIT-06 trigger-mitigation false is refused over call home")
def trigger(home):
    calling(home)
    noc_service = Service(home)
    noc_service.wait(10)
    said = noc_service.ask("mitigate", "--mid", "1", "--no-trigger", *SCOPE, status=4)
    expect("4.00" in said, said)
