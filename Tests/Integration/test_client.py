"""cordon-client against cordond: what operators and scripts of the ISP see of the signal channel."""
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import time

from home import BUILD, CAMERA, CUID, ROUTER, VICTIM
from peers import coap, path
from suite import expect, expect_between, expect_equal, test, wait_for

SCOPE = ["--source", CAMERA, "--target", VICTIM, "--target-port", "443", "--protocol", "udp"]
NAME = "cpe-0001.isp.example"


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
    expect_equal(answer.returncode, 2, "what is of a later version")
    expect(b"not in this version" in answer.stderr, f"not told: {answer.stderr}")
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
