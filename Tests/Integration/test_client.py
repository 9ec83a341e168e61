"""cordon-client against cordond: what operators and scripts of the ISP see of the signal channel."""
import base64
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time

from home import BUILD, CAMERA, CUID, ROUTER, VICTIM, section
from peers import against, coap, path
from suite import expect, expect_between, expect_equal, test, wait_for

SCOPE = ["--source", CAMERA, "--target", VICTIM, "--target-port", "443", "--protocol", "udp"]
NAME = "cpe-0001.isp.example"
ISP = "198.51.100.1"


def line(home, *words, host=ROUTER, identity="telemetry", name=NAME):
    """The command line of cordon-client on the ISP's host."""
    proof = ["--certificate", f"{home.work}/{identity}.crt", "--key", f"{home.work}/{identity}.key",
             "--trust", f"{home.work}/isp-ca.crt"] if identity else []
    named = ["--name", name] if name else []
    return [os.path.join(BUILD, "cordon-client"), "--connect", host, *proof, *named, *words]


def client(home, *words, **more):
    """Runs cordon-client to its end."""
    return home.run("isp", *line(home, *words, **more), timeout=40)


def done(home, *words, **more):
    """What it says when all goes well."""
    answer = client(home, *words, **more)
    expect_equal(answer.returncode, 0, f"exit status of {words} ({answer.stderr.decode()})")
    expect_equal(answer.stderr, b"", "what it complains about")
    return answer.stdout.decode()


def done_json(home, *words, **more):
    said = json.loads(done(home, "--json", *words, **more))
    expect_equal(said["version"], 1, "version of the form")
    return said


def fails(home, status, reason, *words, **more):
    """It ends with that status and has that to say; answers the object of --json."""
    answer = client(home, "--json", *words, **more)
    said = answer.stderr.decode()
    expect_equal(answer.returncode, status, f"exit status of {words} ({said})")
    expect(reason in said, f"no '{reason}' in: {said}")
    expect_equal(said.count("\n"), 1, "lines of the complaint")
    told = json.loads(answer.stdout)
    expect_equal(told["version"], 1, "version of the form")
    return told


def fields(text):
    """The 'key: value' lines of one block."""
    return dict(one.strip().split(": ", 1) for one in text.splitlines() if one)


@test("cordon-client: mitigate stops the flood, status tells it, withdraw ends it")
def life(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    said = fields(done(home, "mitigate", "--mid", "5", *SCOPE, "--lifetime", "600"))
    expect_equal(said, {"mitigation": "5", "result": "accepted", "lifetime": "10 min"}, "answer")
    time.sleep(0.2)
    expect_equal(home.rate("camera"), 0, "flood packets a second")
    said = done_json(home, "mitigate", "--mid", "5", *SCOPE, "--lifetime", "900")
    expect_equal((said["result"], said["lifetime"]), ("refreshed", 900), "refresh")
    time.sleep(1.2)
    said = fields(done(home, "status", "--mid", "5"))
    expect_equal(said["status"], "attack-successfully-mitigated", "status")
    expect_equal((said["sources"], said["targets"]), (f"{CAMERA}/32", f"{VICTIM}/32"), "scope")
    expect_equal((said["target ports"], said["protocols"]), ("443", "udp"), "ports, protocols")
    expect("packets" in said["dropped"], f"no counters: {said}")
    expect_equal(done_json(home, "withdraw", "--mid", "5"),
                 {"version": 1, "result": "withdrawn", "mid": 5}, "withdrawal")
    told = done_json(home, "status", "--mid", "5")["mitigations"][0]
    expect_equal(told["status"], "dots-client-withdrawn-mitigation", "status while terminating")
    home.arrives("camera")


@test("IDS-02 cordon-client: the cuid is made from the certificate, or given")
def cuids(home):
    home.daemon()
    done(home, "mitigate", "--mid", "1", *SCOPE)
    digest = subprocess.run(
        "openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | openssl dgst -sha256 -r",
        shell=True, check=True, capture_output=True,
        stdin=open(f"{home.work}/telemetry.crt", "rb")).stdout.split()[0]
    own = base64.urlsafe_b64encode(bytes.fromhex(digest.decode())[:16]).decode().rstrip("=")
    expect_equal(home.ctl_json("mitigations")["mitigations"][0]["cuid"], own, "cuid")
    expect_equal(done(home, "status", "--cuid", CUID), "no mitigations\n", "with another cuid")
    expect_equal(coap(home, "get", path(1, own)).code, "2.05", "GET by another program")


@test("cordon-client: the whole scope arrives as it was asked for")
def scopes(home):
    home.daemon()
    done(home, "mitigate", "--mid", "2", "--source", CAMERA, "--source-port", "1000-2000",
         "--target", VICTIM, "--target", "203.0.113.64/28", "--target-port", "80",
         "--target-port", "8000-8080", "--protocol", "tcp", "--protocol", "17",
         "--action", "block", "--lifetime", "60", "--cuid", CUID)
    told = coap(home, "get", path(2))
    expect_equal(told["target-prefix"], [f"{VICTIM}/32", "203.0.113.64/28"], "targets")
    expect_equal(told["target-port-range"],
                 [{"lower-port": 80}, {"lower-port": 8000, "upper-port": 8080}], "ports")
    expect_equal(told["target-protocol"], [6, 17], "protocols")
    expect_equal(told["source-port-range"], [{"lower-port": 1000, "upper-port": 2000}], "sources")
    expect_between(55, told["lifetime"], 60, "remaining lifetime")
    told = done_json(home, "status", "--cuid", CUID)["mitigations"]
    expect_equal([one["mid"] for one in told], [2], "mids")
    expect_equal(told[0]["target_ports"],
                 [{"lower": 80, "upper": 80}, {"lower": 8000, "upper": 8080}], "ports in JSON")
    expect_equal(told[0]["action"], "block", "action")


@test("MIT-EFF-02 cordon-client: an efficacy update is answered; of an unknown mid it isn't (7)")
def efficacy(home):
    home.daemon()
    done(home, "mitigate", "--mid", "3", *SCOPE)
    said = done_json(home, "efficacy", "--mid", "3", "under-attack", *SCOPE, "--lifetime", "60")
    expect_equal((said["result"], said["lifetime"]), ("refreshed", 60), "answer")
    told = fails(home, 7, "no such mitigation", "--timeout", "1",
                 "efficacy", "--mid", "4", "mitigated", *SCOPE)
    expect_equal(told["result"], "timed_out", "result")


@test("cordon-client: each refusal has its exit status, and says code, diagnostic and conflict")
def refusals(home):
    home.daemon(client={"may": ["block"]})
    done(home, "mitigate", "--mid", "9", *SCOPE)
    told = fails(home, 4, "4.00 Bad Request: ", "mitigate", "--mid", "10",
                 "--target", VICTIM, "--source", "203.0.113.9")
    expect_equal((told["result"], told["code"]), ("refused", "4.00"), "refusal")
    expect(told["diagnostic"], "no diagnostic")
    fails(home, 4, "4.03 Forbidden: ", "mitigate", "--mid", "10", *SCOPE, "--action", "quarantine")
    told = fails(home, 5, "4.04 Not Found: ", "status", "--mid", "77")
    expect_equal(told["code"], "4.04", "code")
    told = fails(home, 6, "4.09 Conflict; overlapping-targets; ", "mitigate", "--mid", "8", *SCOPE)
    expect_equal(told["conflicts"][0]["conflict"]["cause"], "overlapping-targets", "cause")
    expect_equal(told["conflicts"][0]["conflict"]["scope"]["mid"], 9, "the other's mid")


@test("cordon-client: an authority that the router doesn't trust, or that isn't its own, is told")
def strangers(home):
    home.daemon()
    home.home_script("certificates", f"{home.work}/other")
    for end in ("crt", "key"):
        shutil.copy(f"{home.work}/other/telemetry.{end}", f"{home.work}/stranger.{end}")
    told = fails(home, 4, "the server refused the session: ", "heartbeat", identity="stranger")
    expect_equal(told["result"], "denied", "result")
    fails(home, 1, "the server's certificate isn't good: ", "heartbeat", name="other.isp.example")
    fails(home, 1, "the server's certificate isn't good: ", "heartbeat", name=None)


@test("cordon-client: mistakes are 2, files that can't be used 1, silence 3")
def failures(home):
    answer = client(home, "status", "--mid", "x")
    expect_equal((answer.returncode, answer.stdout), (2, b""), "a mistake")
    expect(b"--help" in answer.stderr, "where help is isn't said")
    answer = client(home, "--listen", ":4646", "status")
    expect_equal(answer.returncode, 2, "both ways at once")
    expect(b"--connect does not go with" in answer.stderr, f"not told: {answer.stderr}")
    fails(home, 1, "can't be read", "heartbeat", identity="nobody")
    start = time.monotonic()
    told = fails(home, 3, "nothing answers", "--timeout", "2", "heartbeat")
    expect_equal(told["result"], "unreachable", "result")
    expect_between(1.9, time.monotonic() - start, 4, "seconds that --timeout 2 takes")
    fails(home, 3, "Connection refused", "--transport", "tcp", "heartbeat")
    fails(home, 3, "has no address", "heartbeat", host="nowhere.invalid")


@test("cordon-client: a request is repeated until it is answered, and given up in time (7)")
def silence(home):
    daemon = home.daemon()
    home.nft("add", "table", "inet", "mute")
    home.nft("add", "chain", "inet", "mute", "out",
             "{ type filter hook output priority 0; }")
    try:
        # The handshake's datagrams pass; what the session then answers doesn't (epoch 1, not 0).
        home.nft("add", "rule", "inet", "mute", "out", "udp", "sport", "4646",
                 "@th,64,8", "23", "counter", "drop")
        told = fails(home, 7, "doesn't answer", "--timeout", "7", "mitigate", "--mid", "1", *SCOPE)
        expect_equal(told["result"], "timed_out", "result")
        ruleset = home.nft("list", "table", "inet", "mute").stdout.decode()
        expect("packets 3 " in ruleset, f"the server didn't answer three times: {ruleset}")
    finally:
        home.nft("delete", "table", "inet", "mute")
    expect_equal(daemon.process.poll(), None, "cordond's end")
    expect_equal(len(home.counters()), 1, "counters in the kernel")


@test("TLS-06 cordon-client: --ticket resumes the session, without another full handshake")
def resumption(home):
    home.daemon()
    ticket = f"{home.work}/ticket"
    sizes = []
    for _ in range(2):
        before = received(home)
        done(home, "--ticket", ticket, "status")
        sizes.append(received(home) - before)
        expect_equal(os.stat(ticket).st_mode & 0o777, 0o600, "mode of the ticket's file")
    # The router's certificate comes once.
    expect(sizes[1] < sizes[0] - 300, f"bytes from the router: {sizes}")
    with open(ticket, "wb") as file:
        file.write(b"nonsense")
    done(home, "--ticket", ticket, "status")
    os.unlink(ticket)


def received(home):
    """Bytes that the ISP's host got from the home."""
    told = json.loads(home.run("isp", "ip", "-j", "-s", "link", "show", "home0").stdout)
    return told[0]["stats64"]["rx"]["bytes"]


@contextlib.contextmanager
def known_hosts(home, text):
    """Names that the ISP's host knows."""
    folder = f"/etc/netns/{home.name}-isp"
    os.makedirs(folder)
    try:
        with open(f"{folder}/hosts", "w") as file:
            file.write(text)
        yield
    finally:
        shutil.rmtree(folder)


@test("HE-01 cordon-client: of a name's addresses the first that answers serves, 250 ms apart")
def happy_eyeballs(home):
    home.daemon()
    with known_hosts(home, f"2001:db8:100::dead {NAME}\n{ROUTER} {NAME}\n"):
        start = time.monotonic()
        done(home, "status", host=NAME, name=None)
        expect_between(0.25, time.monotonic() - start, 2, "seconds with a dead IPv6 address")
        expect("198.51.100.1" in home.log(), "the session isn't over IPv4")
    with known_hosts(home, f"{ROUTER} {NAME}\n2001:db8:100::2 {NAME}\n"):
        done(home, "status", host=f"{NAME}:4646", name=None)
        expect("2001:db8:100::1" in home.log(), "the session isn't over IPv6")


@test("cordon-client: an interrupt while it waits ends the session at the router, too")
def interrupt(home):
    home.daemon()
    # Of an unknown mid: no answer comes.
    process = home.start("isp", *line(home, "efficacy", "--mid", "4", "mitigated", *SCOPE),
                         stderr=subprocess.PIPE)
    wait_for(lambda: home.ctl_json("status")["sessions"], 5, "a session")
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=5)[1].decode()
    expect_equal(process.returncode, 1, "exit status")
    expect("interrupted" in said, f"not told: {said}")
    wait_for(lambda: not home.ctl_json("status")["sessions"], 2, "the session is gone")


@test("cordon-client: a list of targets too long for a datagram is sent in blocks")
def blocks(home):
    home.daemon()
    targets = [word for one in range(60) for word in ("--target", f"2001:db8:5:ffff:{one:x}::/80")]
    done(home, "mitigate", "--mid", "1", "--source", "2001:db8:1::20", *targets)
    told = done_json(home, "status", "--mid", "1")["mitigations"][0]
    expect_equal(len(told["targets"]), 60, "targets")


TCP = section("listen", "streams", {"transport": ["tcp"]})
KEY = "0123456789abcdef0123456789abcdef"


def key_settings(home):
    """Settings for a client with a pre-shared key, on both transports."""
    with open(f"{home.work}/psk", "w") as file:
        file.write(KEY + "\n")
    return TCP + section("psk", "script", {"identity": "script", "key_file": file.name}) + section(
        "client", "script", {"name": "script", "internal": "1", "max_rate": "0"})


def key_client(home, *words):
    """cordon-client with that key; what it says."""
    return done(home, "--psk-identity", "script", "--psk-file", f"{home.work}/psk", *words,
                identity=None)


class Watch:
    """A running 'status --watch', whose objects are read as they come."""

    def __init__(self, home, *words):
        self.process = home.start("isp", *line(home, "--json", "status", "--watch", *words),
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.told = []
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for one in self.process.stdout:
            self.told.append(json.loads(one)["mitigations"])

    def statuses(self):
        return [one["status"] for told in self.told for one in told]

    def end(self, seconds=5):
        """Its exit status; all that it told has been read."""
        status = self.process.wait(seconds)
        self.reader.join(seconds)
        return status


@test("MIT-OBS-01 cordon-client: --watch tells each status until the mitigation has ended")
def watches(home):
    # Longer than the three seconds within which only the latest state is told.
    home.daemon(agent={"terminating": "5"})
    done(home, "mitigate", "--mid", "1", *SCOPE)
    watch = Watch(home, "--mid", "1")
    wait_for(lambda: watch.told, 5, "the first state")
    done(home, "withdraw", "--mid", "1")
    expect_equal(watch.end(15), 0, "exit status")
    expect_equal(watch.statuses()[0], "attack-mitigation-in-progress", "first status")
    expect("dots-client-withdrawn-mitigation" in watch.statuses(), f"told: {watch.statuses()}")


@test("MIT-OBS-06 cordon-client: an interrupted watch ends its observation and its session")
def interrupted_watch(home):
    home.daemon()
    done(home, "mitigate", "--mid", "1", *SCOPE)
    watch = Watch(home)
    wait_for(lambda: watch.told, 5, "the first state")
    watch.process.send_signal(signal.SIGINT)
    expect_equal(watch.end(), 0, "exit status")
    wait_for(lambda: not home.ctl_json("status")["sessions"], 2, "the session is gone")


@test("cordon-client: a watch of nothing, or of an unknown mid, ends at once")
def watches_nothing(home):
    home.daemon()
    expect_equal(done(home, "status", "--watch"), "no mitigations\n", "all")
    fails(home, 5, "4.04", "status", "--watch", "--mid", "3")


@test("CFG-03 cordon-client: config get tells what holds and its ranges, over UDP and TCP")
def configuration(home):
    home.daemon(more=TCP)
    for transport in ("udp", "tcp"):
        told = done_json(home, "--transport", transport, "config", "get")
        for values in (told["mitigating"], told["idle"]):
            expect_equal(values["heartbeat_interval"],
                         {"current": 30, "minimum": 15, "maximum": 240}, "heartbeat-interval")
            expect_equal(values["ack_timeout"],
                         {"current": "2.00", "minimum": "1.00", "maximum": "30.00"}, "ack-timeout")
    said = done(home, "config", "get")
    expect("  ack-random-factor: 1.50 (1.10 to 4.00)\n" in said, f"in words: {said}")


@test("CFG-08 cordon-client: config set and reset are accepted, a value out of range is 4.22 (4)")
def configures(home):
    home.daemon()
    said = done_json(home, "config", "set", "--heartbeat-interval", "60", "--ack-timeout", "2.5")
    expect_equal(said["result"], "accepted", "result")
    expect_between(1, said["sid"], 4294967295, "sid")
    expect_equal(done(home, "config", "reset"), "configuration: reset\n", "reset")
    fails(home, 4, "4.22 Unprocessable Entity", "config", "set", "--idle", "--max-retransmit", "99")


@test("HB-03 cordon-client: a heartbeat is answered")
def heartbeat(home):
    home.daemon(more=TCP)
    for transport in ("udp", "tcp", "auto"):
        said = done_json(home, "--transport", transport, "heartbeat")
        expect_equal(said["result"], "answered", "result")
        expect_between(0, said["milliseconds"], 2000, "milliseconds")


@test("TLS-15 cordon-client: all of a mitigation's life over TCP, IPv4 and IPv6")
def over_tcp(home):
    home.daemon(more=TCP)
    for mid, host in (("1", ROUTER), ("2", "[2001:db8:100::2]:4646")):
        over = {"host": host}
        tcp = ("--transport", "tcp")
        done(home, *tcp, "mitigate", "--mid", mid, *SCOPE, **over)
        told = done_json(home, *tcp, "status", "--mid", mid, **over)["mitigations"]
        expect_equal(told[0]["mid"], int(mid), "mid")
        done(home, *tcp, "withdraw", "--mid", mid, **over)
    fails(home, 5, "4.04", "--transport", "tcp", "status", "--mid", "77")
    home.home_script("certificates", f"{home.work}/other")
    for end in ("crt", "key"):
        shutil.copy(f"{home.work}/other/telemetry.{end}", f"{home.work}/stranger.{end}")
    fails(home, 4, "the server refused the session: ", "--transport", "tcp", "heartbeat",
          identity="stranger")


@test("TLS-06 cordon-client: --ticket resumes a session over TCP")
def resumes_tcp(home):
    home.daemon(more=TCP)
    ticket = f"{home.work}/ticket"
    sizes = []
    for _ in range(2):
        before = received(home)
        done(home, "--ticket", ticket, "--transport", "tcp", "status")
        sizes.append(received(home) - before)
    expect(sizes[1] < sizes[0] - 300, f"bytes from the router: {sizes}")
    # A ticket for TCP is of no use over UDP, and does no harm.
    done(home, "--ticket", ticket, "status")
    os.unlink(ticket)


@test("HE-01 cordon-client: --transport auto goes over TCP where UDP is lost on the way")
def falls_back(home):
    home.daemon(more=TCP)
    home.nft("add", "table", "inet", "mute")
    home.nft("add", "chain", "inet", "mute", "in", "{ type filter hook input priority 0; }")
    try:
        home.nft("add", "rule", "inet", "mute", "in", "udp", "dport", "4646", "drop")
        start = time.monotonic()
        done(home, "--transport", "auto", "status")
        expect_between(0.25, time.monotonic() - start, 2, "seconds until TCP served")
    finally:
        home.nft("delete", "table", "inet", "mute")


@test("TLS-07 cordon-client: a pre-shared key serves over UDP and TCP; a wrong one is refused")
def preshared(home):
    home.daemon(more=key_settings(home))
    for mid, transport in (("1", "udp"), ("2", "tcp")):
        key_client(home, "--transport", transport, "mitigate", "--mid", mid, *SCOPE)
        told = home.ctl_json("mitigations")["mitigations"][-1]
        expect_equal(told["client"], "script", "client")
        digest = hashlib.sha256(b"script").digest()[:16]
        own = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        expect_equal(told["cuid"], own, "cuid")
    with open(f"{home.work}/psk", "w") as file:
        file.write("f" * 32)
    for transport in ("udp", "tcp"):
        answer = home.run("isp", *line(
            home, "--transport", transport, "--timeout", "3", "heartbeat", "--psk-identity",
            "script", "--psk-file", file.name, identity=None))
        expect(answer.returncode in (3, 4), f"over {transport}: {answer}")


@test("RED-01 RED-03 cordon-client: who is sent to another server asks that, under its own name")
def redirected(home):
    home.home_script("certificate", home.work, "alternate", "alternate.isp.example")
    # libcoap's server takes a PUT on any path with -d; its port for DTLS is the next.
    home.start("isp", "coap-server-openssl", "-A", ISP, "-p", "4645", "-d", "9", "-n",
               "-c", f"{home.work}/alternate.crt", "-j", f"{home.work}/alternate.key",
               "-C", f"{home.work}/isp-ca.crt", stdout=subprocess.DEVNULL)
    daemon = home.daemon(client={"alt_server": f"alternate.isp.example {ISP}"})
    answer = coap(home, "put", path(1), against())
    expect_equal(answer.code, "5.03", "code of a request to mitigate")
    expect_equal(answer.body, b"\xa1\x18\x2e\xa2\x18\x2f\x75alternate.isp.example\x18\x30\x81"
                 + bytes([0x60 + len(ISP)]) + ISP.encode(), "body")
    expect_equal(coap(home, "get", path(1)).code, "4.04", "code of a retrieval")
    expect_equal(coap(home, "delete", path(1)).code, "2.02", "code of a withdrawal")
    told = [json.loads(one) for one in
            done(home, "--json", "mitigate", "--mid", "1", *SCOPE).splitlines()]
    expect_equal([one["result"] for one in told], ["redirected", "accepted"], "results")
    expect_equal(told[0]["alternate"], {"name": "alternate.isp.example", "addresses": [ISP]},
                 "the other server")
    expect_equal(home.ctl_json("mitigations")["mitigations"], [], "mitigations here")
    daemon.stop()
    home.daemon(client={"alt_server": f"other.isp.example {ISP}"})
    answer = client(home, "mitigate", "--mid", "1", *SCOPE)
    expect_equal(answer.returncode, 1, "exit status where the other's certificate has another name")
    expect(b"the server's certificate isn't good: " in answer.stderr, f"{answer.stderr}")


@test("RED-01 cordon-client: a redirection to a server that was asked just now is not followed (4)")
def circle(home):
    home.daemon(client={"alt_server": f"{NAME} {ROUTER}"})
    told = fails(home, 4, "was asked already", "mitigate", "--mid", "1", *SCOPE)
    expect_equal((told["code"], told["alternate"]["name"]), ("5.03", NAME), "refusal")
