"""Sessions as a foreign client sees them: configuration, heartbeats, observation, blocks, streams."""
import json
import os
import re
import socket
import ssl
import struct
import time

from home import ROUTER, dots
from peers import ACK, CON, CUID, MITIGATE, NON, Parsed, Session, against, coap, framed, message, path, request
from suite import expect, expect_equal, test, wait_for
from test_client import TCP
from test_request import put

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Vectors")
CONFIG, HEARTBEAT = ".well-known/dots/config", ".well-known/dots/hb"
OBSERVE = 6


def vector(name):
    """The body of a worked message."""
    with open(os.path.join(VECTORS, name + ".json"), encoding="utf-8") as file:
        return bytes.fromhex(json.load(file)["cbor_hex"])


@test("CFG-01 CFG-03 CFG-08 CFG-21 RUL-20 the configuration is told, negotiated and reset, CON and NON")
def configuration(home):
    home.daemon()
    with Session(home) as session:
        for kind in (CON, NON):
            told = session.ask("get", CONFIG, kind=kind)
            expect_equal(told.code, "2.05", "GET of the configuration")
        defaults = told.payload
        expect_equal(session.ask("get", CONFIG + "/sid=1").code, "4.04", "GET of an unknown sid")
        body = vector("13-put-config")
        expect_equal(session.ask("put", CONFIG + "/sid=123", body, CON).code, "2.01", "a new sid")
        expect_equal(session.ask("put", CONFIG + "/sid=123", body, CON).code, "2.04", "the same sid")
        expect_equal(session.ask("put", CONFIG + "/sid=122", body, CON).code, "4.00", "a lower sid")
        expect_equal(session.ask("put", CONFIG, body, CON).code, "4.00", "no sid")
        expect(session.ask("get", CONFIG).payload != defaults, "the configuration is the old one")
        expect_equal(session.ask("delete", CONFIG + "/sid=7", kind=CON).code, "2.02",
                     "DELETE of an unknown sid")
        expect(session.ask("get", CONFIG).payload != defaults, "it reset the configuration")
        expect_equal(session.ask("delete", CONFIG + "/sid=123", kind=CON).code, "2.02", "DELETE")
        expect_equal(session.ask("get", CONFIG).payload, defaults, "the configuration after DELETE")


@test("HB-01 HB-03 a heartbeat is 2.04; what hears nothing of the router gets its heartbeat at once")
def heartbeats(home):
    home.daemon()
    with Session(home) as session:
        reply = session.ask("put", HEARTBEAT, vector("16-hb-true"))
        expect_equal((reply.code, reply.payload), ("2.04", b""), "the answer to a heartbeat")
        expect_equal(session.ask("put", HEARTBEAT, b"\xa0").code, "4.00", "without peer-hb-status")
        expect_equal(session.ask("get", HEARTBEAT).code, "4.05", "GET of a heartbeat")
        session.send(request("put", HEARTBEAT, 999, vector("17-hb-false"), NON, b"hb"))
        codes = [Parsed(session.receive()).code for _ in range(2)]
        expect_equal(codes, ["2.04", "0.03"], "the answer, and the router's own heartbeat")


@test("TLS-04 an unentitled peer gets 4.01 on /config and /hb, too")
def unentitled(home):
    home.home_script("certificate", home.work, "stranger", "stranger.example")
    home.daemon()
    with Session(home, identity="stranger") as session:
        wait_for(lambda: session.ask("get", CONFIG).code == "4.01", 2, "4.01 on /config")
        expect_equal(session.ask("put", HEARTBEAT, vector("16-hb-true")).code, "4.01", "/hb")


@test("MIT-OBS-01 MIT-OBS-06 MIT-OBS-08 an observer is told of drops and of the end, NON")
def observed(home):
    home.daemon(agent={"terminating": "0"})
    put(home, lifetime=600)
    with Session(home) as session:
        session.wait(8.0)
        session.send(request("get", path(1), 7, None, CON, b"obs", [(OBSERVE, b"")]))
        first = Parsed(session.receive())
        expect_equal((first.code, first.token), ("2.05", b"obs"), "the answer to the registration")
        home.flood("camera", rate=500)
        told = Parsed(session.receive())
        expect_equal((told.code, told.token, told.kind), ("2.05", b"obs", NON), "a notification")
        expect(told.number != first.number, "it has the number of the first answer")
        expect_equal(coap(home, "delete", path(1)).code, "2.02", "the withdrawal")
        last = []
        while (data := session.receive()) and len(last) < 4:
            last.append(Parsed(data).code)
        expect_equal(last[-1], "4.04", f"the end of the observation, after {last}")
        expect("2.05" in last, "the last status was not told")


@test("MIT-OBS-05 a reset ends an observation, and the session lives on")
def reset(home):
    home.daemon()
    put(home, lifetime=600)
    with Session(home) as session:
        session.wait(8.0)
        session.send(request("get", path(1), 7, None, NON, b"obs", [(OBSERVE, b"")]))
        expect_equal(Parsed(session.receive()).code, "2.05", "the answer to the registration")
        home.flood("camera", rate=500)
        told = Parsed(session.receive())
        session.send(message(3, 0, told.number))
        session.wait(7.0)
        expect_equal(session.receive(), None, "after the reset comes")
        expect_equal(session.ask("get", path(1)).code, "2.05", "a GET after it")


@test("TLS-16 a stream with ALPN coap is served, one that offers another is refused")
def alpn(home):
    home.daemon(more=TCP)
    for protocol, accepted in (("coap", True), ("h2", False)):
        command = ["openssl", "s_client", "-connect", f"{ROUTER}:4646", "-alpn", protocol,
                   "-cert", f"{home.work}/telemetry.crt", "-key", f"{home.work}/telemetry.key",
                   "-CAfile", f"{home.work}/isp-ca.crt", "-brief"]
        done = home.run("isp", *command, input=b"", timeout=20)
        said = (done.stdout + done.stderr).decode("utf-8", "replace")
        expect(("CONNECTION ESTABLISHED" in said) == accepted, f"ALPN {protocol}: {said}")


def quiet_after(seconds):
    """A configuration with which a session is lost after three times so many seconds."""
    one = bytes.fromhex("a21821a11824") + bytes([seconds]) + bytes.fromhex("1825a1182403")
    return bytes.fromhex("a1181ea21820") + one + bytes.fromhex("182c") + one


def told_statuses(session, token, last, seconds):
    """Time and status of each notification with that token, until the last or a silence."""
    session.wait(seconds)
    told = []
    while (not told or told[-1][1] != last) and (data := session.receive()):
        one = Parsed(data)
        if one.token == token and one.payload:
            told.append((time.monotonic(), dots.scopes(one.payload)[0]["status"]))
    return told


@test("MIT-TRG-04 a stream that breaks is a silence like any other: what waits begins in time")
def broken(home):
    home.daemon(more=TCP)
    context = ssl.create_default_context(cafile=f"{home.work}/isp-ca.crt")
    context.set_alpn_protocols(["coap"])
    context.load_cert_chain(f"{home.work}/telemetry.crt", f"{home.work}/telemetry.key")
    context.check_hostname = False
    with home.within("isp"):
        plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    plain.settimeout(5)
    plain.connect((ROUTER, 4646))
    end = context.wrap_socket(plain)
    end.sendall(b"\x00\xe1" + framed(request("put", CONFIG + "/sid=1", 1, quiet_after(15)))
                + framed(request("put", path(1), 2, against(trigger_mitigation=False))))
    wait_for(lambda: len(home.ctl_json("mitigations")["mitigations"]) == 1, 3, "it is prepared")
    end.close()
    wait_for(lambda: home.ctl_json("status")["sessions"] == [], 3, "the session is over")
    # 15 intervals of 15 s, as streams have them.
    wait_for(lambda: re.search(r"no session: what it prepared begins in 22\d s", home.log()), 3,
             "the client is waited for")
    expect_equal(coap(home, "get", path(1))["status"], 8, "status once the client is back")


@test("MIT-TRG-01 MIT-TRG-03 HB-07 MIT-OVL-04 MIT-STS-04 what waits for the loss of the signal begins with it, and not "
      "before; it is withdrawn by an immediate request: status 7 four times, 3 s apart, then 8")
def lost(home):
    home.daemon()
    home.flood("camera", rate=500)
    with Session(home) as session:
        expect_equal(
            session.ask("put", CONFIG + "/sid=1", quiet_after(15), CON).code, "2.01", "the configuration")
        prepared = against(lifetime=600, trigger_mitigation=False)
        expect_equal(session.ask("put", path(1), prepared).code, "2.01", "the request that waits")
        told = session.ask("get", path(1))
        expect_equal(dots.scopes(told.payload)[0]["status"], 8, "status while it waits")
        home.arrives("camera")
        # From here on nothing of the client is heard: it acknowledges nothing and sends nothing.
        wait_for(lambda: home.rate("camera") == 0, 60, "the flood stops once the signal is lost")
        expect("not heard any more" in home.log(), "the log doesn't say why")
    expect_equal(coap(home, "get", path(1))["status"], 2, "status when the client is back")
    expect_equal(home.rate("camera"), 0, "packets once the client is back")
    with Session(home) as session:
        session.send(request("get", path(1), 7, None, NON, b"obs", [(OBSERVE, b"")]))
        first = Parsed(session.receive())
        expect_equal(dots.scopes(first.payload)[0]["status"], 2, "status before the overlap")
        expect_equal(coap(home, "put", path(2), against(lifetime=600)).code, "2.01", "the other")
        told = told_statuses(session, b"obs", 8, 15.0)
        told = told[[status for _, status in told].index(7):]
        expect_equal([status for _, status in told], [7, 7, 7, 7, 8], "statuses told")
        for (earlier, _), (later, _) in zip(told[:3], told[1:4]):
            expect(later - earlier > 2.5, f"told {later - earlier:.1f} s apart")
    expect_equal(coap(home, "get", path(1))["status"], 8, "status in the end")
    expect_equal(len(home.counters()), 1, "counters in the kernel")
    expect_equal(home.rate("camera"), 0, "packets once the other is mitigated")


@test("MIT-TRG-04 a client that closes its session is not lost: nothing of what waits begins")
def closed(home):
    home.daemon()
    with Session(home) as session:
        prepared = against(lifetime=600, trigger_mitigation=False)
        expect_equal(session.ask("put", path(1), prepared).code, "2.01", "the request that waits")
    wait_for(lambda: home.ctl_json("status")["sessions"] == [], 3, "the session is over")
    expect_equal(coap(home, "get", path(1))["status"], 8, "status")
    expect_equal(home.counters(), {}, "counters in the kernel")


@test("MIT-TRG-04 a client that closed its session is not waited for when the signal room ends; one with a session is")
def closed_before(home):
    daemon = home.daemon()
    prepared = against(lifetime=600, trigger_mitigation=False)
    waited = "no session: what it prepared begins"

    def kill():
        before = home.log().count("is ready again")
        daemon.kill("cordond-signal")
        wait_for(lambda: home.log().count("is ready again") > before, 5, "signal is ready again")

    with Session(home) as session:
        expect_equal(session.ask("put", path(1), prepared).code, "2.01", "the request that waits")
    wait_for(lambda: home.ctl_json("status")["sessions"] == [], 3, "the session is over")
    kill()
    expect_equal(coap(home, "get", path(1))["status"], 8, "status once signal is back")
    expect(waited not in home.log(), "the client that had closed its session is waited for")
    with Session(home) as session:
        told = session.ask("get", path(1))
        expect_equal(dots.scopes(told.payload)[0]["status"], 8, "status on a session")
        kill()
        wait_for(lambda: waited in home.log(), 3, "the client that had a session is waited for")


@test("CFG-18 CFG-20 an observer of the configuration is told of each change, NON, with Max-Age")
def configuration_observed(home):
    home.daemon()
    with Session(home) as session:
        session.wait(5.0)
        session.send(request("get", CONFIG, 7, None, CON, b"obs", [(OBSERVE, b"")]))
        first = Parsed(session.receive())
        expect_equal((first.code, first.token, first.kind), ("2.05", b"obs", ACK), "the answer")
        expect_equal(first.max_age, 3600, "Max-Age")
        put_code = session.ask("put", CONFIG + "/sid=9", vector("13-put-config"), CON).code
        expect_equal(put_code, "2.01", "the new configuration")
        told = Parsed(session.receive())
        expect_equal((told.code, told.token, told.kind), ("2.05", b"obs", NON), "a notification")
        expect(told.payload != first.payload, "it tells the old configuration")
        expect_equal(told.max_age, 3600, "Max-Age of the notification")


@test("MIT-OBS-08 who observes all is told the last status of two that end at once")
def both_ended(home):
    home.daemon(agent={"terminating": "0"})
    put(home, lifetime=600)
    expect_equal(coap(home, "put", path(2), against("203.0.113.9/32")).code, "2.01", "the second")
    expect_equal(coap(home, "put", path(3), against("203.0.113.10/32")).code, "2.01", "the third")
    with Session(home) as session:
        session.wait(4.0)
        session.send(request("get", path(), 7, None, CON, b"all", [(OBSERVE, b"")]))
        session.receive()
        both = against("203.0.113.4/32", lifetime=600)
        both["target-prefix"].append("203.0.113.9/32")
        both["target-prefix"].append("203.0.113.5/32")
        expect_equal(coap(home, "put", path(4), both).code, "2.01", "one that replaces two")
        told = {}
        while (data := session.receive()) and told.keys() != {3, 4}:
            told = {one["mid"]: one["status"] for one in dots.scopes(Parsed(data).payload)}
            if 1 in told:
                expect_equal(told, {1: 6, 2: 6, 3: 1, 4: 1}, "all, and what has ended")
                seen = told
        expect_equal(seen, {1: 6, 2: 6, 3: 1, 4: 1}, "what was told of the two")
        expect_equal(told, {3: 1, 4: 1}, "what is told in the end")


@test("COAP-18 an observed mitigation that waits is told every 300 s, and holds for twice that")
def waiting_observed(home):
    home.daemon()
    with Session(home) as session:
        prepared = against(lifetime=600, trigger_mitigation=False)
        expect_equal(session.ask("put", path(1), prepared).code, "2.01", "the request that waits")
        seen = session.ask("get", path(1), more=[(OBSERVE, b"")])
        expect_equal((seen.code, seen.max_age), ("2.05", 600), "the answer to the registration")
        expect_equal(session.ask("get", path(1)).max_age, 60, "Max-Age for who asks once")
        expect_equal(session.ask("put", path(2), against()).code, "2.01", "an active one")
        seen = session.ask("get", path(2), more=[(OBSERVE, b"")])
        expect_equal(seen.max_age, 60, "Max-Age while it is mitigated")


@test("IDS-10 behind a gateway nobody is told of the ends of other domains' requests")
def domains(home):
    gateway = {"name": "telemetry.isp.example", "internal": "1", "gateway": "1"}
    home.daemon(client=gateway, agent={"terminating": "0"})
    one, other = (f"{MITIGATE}/cdid={cdid}/cuid={CUID}/mid=5" for cdid in ("one", "two"))
    expect_equal(coap(home, "put", one, against(lifetime=600)).code, "2.01", "PUT in one domain")
    mine = against("203.0.113.9/32", lifetime=600)
    expect_equal(coap(home, "put", other, mine).code, "2.01", "PUT in the other")
    with Session(home) as session:
        session.wait(5.0)
        session.send(request("get", one, 7, None, CON, b"obs", [(OBSERVE, b"")]))
        expect_equal(Parsed(session.receive()).code, "2.05", "the answer to the registration")
        expect_equal(coap(home, "delete", other).code, "2.02", "DELETE in the other domain")
        expect_equal(session.receive(), None, "what is told of it")
        expect_equal(coap(home, "delete", one).code, "2.02", "DELETE in the domain")
        expect_equal(Parsed(session.receive()).code, "2.05", "the last status")


@test("CFG-15 the set for attacks holds from the first mitigation to the end of the last")
def sets(home):
    home.daemon(agent={"terminating": "0"})
    with Session(home) as session:
        session.wait(18.0)
        # 15 s while something is mitigated, no heartbeats else.
        mitigating = bytes.fromhex("a11821a118240f")
        idle = bytes.fromhex("a11821a1182400")
        body = bytes.fromhex("a1181ea21820") + mitigating + bytes.fromhex("182c") + idle
        expect_equal(session.ask("put", CONFIG + "/sid=1", body, CON).code, "2.01", "the sets")
        expect_equal(session.ask("put", path(1), against()).code, "2.01", "the mitigation")
        beat = Parsed(session.receive())
        expect_equal((beat.code, beat.kind), ("0.03", NON), "the router's heartbeat")
        expect_equal(session.ask("delete", path(1)).code, "2.02", "the withdrawal")
        expect_equal(session.receive(), None, "what comes once nothing is mitigated")


@test("MIT-OBS-07 MIT-OBS-08 who observes all is told of a later request, in the form asked for")
def all_observed(home):
    home.daemon(agent={"terminating": "0"})
    put(home, lifetime=600)
    with Session(home) as session:
        session.wait(8.0)
        state = [(OBSERVE, b""), (15, b"c=n")]
        session.send(request("get", path(), 7, None, CON, b"all", state))
        first = Parsed(session.receive())
        expect_equal([one["mid"] for one in dots.scopes(first.payload)], [1], "mids at first")
        later = against("203.0.113.9/32", lifetime=600)
        expect_equal(coap(home, "put", path(2), later).code, "2.01", "a later request")
        told = Parsed(session.receive())
        expect_equal((told.token, told.kind), (b"all", NON), "a notification")
        expect_equal([one["mid"] for one in dots.scopes(told.payload)], [1, 2], "mids")
        for mid in (1, 2):
            expect_equal(coap(home, "delete", path(mid)).code, "2.02", f"withdrawal of {mid}")
        last = []
        while (data := session.receive()) and len(last) < 6:
            last.append(Parsed(data))
            for one in dots.scopes(last[-1].payload) if last[-1].code == "2.05" else []:
                expect("target-prefix" not in one, f"c=n has no targets: {one}")
        expect_equal(last[-1].code, "4.04", "the end, once nothing is left")
