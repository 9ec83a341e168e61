"""Who may speak, and what happens to nonsense: certificates, malformed messages, forged floods."""
import random
import socket
import struct
import subprocess
import threading
import time

from home import CUID, ROUTER, dots
from peers import ACK, CON, NON, RST, Session, against, coap, message, path, request
from suite import Failure, Late, expect, expect_between, expect_equal, test, wait_for

ROUTER6 = "2001:db8:100::2"


def openssl(*words, text=None):
    subprocess.run(["openssl", *words], check=True, capture_output=True, input=text)


def expired(home):
    """A certificate of the right authority and name that ended yesterday."""
    work = home.work
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{work}/old.key")
    openssl("req", "-new", "-key", f"{work}/old.key", "-subj", "/CN=telemetry.isp.example",
            "-out", f"{work}/old.csr")
    for name in ("index", "index.attr"):
        open(f"{work}/{name}", "w").close()
    with open(f"{work}/ca.conf", "w") as file:
        file.write(
            f"[a]\ndatabase={work}/index\nnew_certs_dir={work}\nrand_serial=yes\n"
            "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    openssl("ca", "-batch", "-config", f"{work}/ca.conf", "-name", "a", "-in", f"{work}/old.csr",
            "-cert", f"{work}/isp-ca.crt", "-keyfile", f"{work}/isp-ca.key", "-notext",
            "-startdate", "20200101000000Z", "-enddate", "20200102000000Z",
            "-out", f"{work}/old.crt")


def handshake(home, *words):
    """openssl s_client as the peer; what it said."""
    done = home.run("isp", "timeout", "5", "openssl", "s_client", "-dtls1_2", "-connect",
                    f"{ROUTER}:4646", *words, input=b"")
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def certificate(home, name):
    return "-cert", f"{home.work}/{name}.crt", "-key", f"{home.work}/{name}.key"


def refused(home, said, alert, reason):
    expect(alert in said.lower(), f"no alert '{alert}': {said[-400:]}")
    wait_for(lambda: any(reason in line.lower() for line in home.log().splitlines()
                         if "198.51.100.1" in line), 3, f"a log line with '{reason}'")
    expect_equal(home.ctl_json("status")["sessions"], [], "sessions")


@test("a peer without a certificate gets an alert, and the log says why")
def no_certificate(home):
    home.daemon()
    refused(home, handshake(home), "alert", "certificate")


@test("a certificate of another authority gets the alert 'unknown ca', and the log says why")
def other_authority(home):
    home.home_script("certificates", f"{home.work}/other")
    home.daemon()
    refused(home, handshake(home, *certificate(home, "other/telemetry")), "unknown ca", "issuer")


@test("an expired certificate gets the alert 'certificate expired', and the log says why")
def expired_certificate(home):
    expired(home)
    home.daemon()
    refused(home, handshake(home, *certificate(home, "old")), "expired", "expired")


@test("TLS-04 a certificate whose name no client section has is answered 4.01, and is logged")
def unknown_name(home):
    home.home_script("certificate", home.work, "stranger", "stranger.example")
    home.daemon()
    reply = coap(home, "put", path(1), against(), identity="stranger")
    expect_equal(reply.code, "4.01", "PUT")
    expect(reply.text, "no diagnostic text")
    expect_equal(coap(home, "get", path(), identity="stranger").code, "4.01", "GET")
    expect_equal(home.counters(), {}, "counters in the kernel")
    expect("stranger.example" in home.log(), "the name is not in the log")


@test("TLS-01 DTLS 1.0 is refused")
def old_version(home):
    home.daemon()
    said = home.run("isp", "timeout", "3", "openssl", "s_client", "-dtls1", "-connect",
                    f"{ROUTER}:4646", *certificate(home, "telemetry"), "-cipher",
                    "ALL:@SECLEVEL=0", input=b"")
    expect(b"Cipher is (NONE)" in said.stdout or said.returncode != 0, "DTLS 1.0 was accepted")
    expect_equal(home.ctl_json("status")["sessions"], [], "sessions")


MALFORMED = {
    "an empty body": b"\xa0",
    "a body that is cut short": b"\xa1\x01\xa1\x02\x81\xa3\x06\x81\x6e203.0.113",
    "a body with bytes after it": b"\xa1\x01\xa1\x02\x80\x00",
    "a body that is no map": b"\x83\x01\x02\x03",
    "a text key": b"\xa1\x61a\x01",
    "arrays a hundred deep": b"\x81" * 100 + b"\x00",
    "a length of 2^64 - 1": b"\xbb" + b"\xff" * 8,
    "invalid UTF-8": b"\xa1\x01\xa1\x02\x81\xa1\x06\x81\x62\xff\xfe",
}


@test("malformed CBOR is 4.00 with a diagnostic text, in one session that goes on")
def malformed_bodies(home):
    home.daemon()
    with Session(home) as session:
        for name, body in MALFORMED.items():
            reply = session.ask("put", path(1), body)
            expect_equal(reply.code if reply else None, "4.00", name)
            expect(reply.text.isprintable() and reply.text, f"{name}: diagnostic {reply.text!r}")
        expect_equal(session.ask("put", path(1), against()).code, "2.01", "a good PUT afterwards")


INVALID = {
    "lifetime 0": {"lifetime": 0},
    "lifetime -2": {"lifetime": -2},
    "a loopback target": {"target-prefix": ["127.0.0.1/32"]},
    "a multicast target": {"target-prefix": ["224.0.0.1/32"]},
    "a prefix too long": {"target-prefix": ["203.0.113.5/33"]},
    "ports the wrong way round": {"target-port-range": [{"lower-port": 9, "upper-port": 8}]},
    "a protocol of 256": {"target-protocol": [256]},
    "an empty list": {"target-prefix": []},
    "mid in the body": {"mid": 1},
    "a source of another home": {"source-prefix": ["198.18.0.1/32"]},
    "a source of no common family": {"source-prefix": ["2001:db8:1::20/128"]},
}


@test("each invalid attribute is 4.00 with a diagnostic text and leaves no rule")
def invalid_attributes(home):
    home.daemon()
    with Session(home) as session:
        for name, change in INVALID.items():
            reply = session.ask("put", path(1), against() | change)
            expect_equal(reply.code if reply else None, "4.00", name)
            expect(reply.text, f"{name}: no diagnostic text")
    expect_equal(home.counters(), {}, "counters in the kernel")


PATHS = {
    ".well-known/dots/nothing": "4.04", ".well-known/core": "4.04", "mitigate": "4.04",
    ".well-known/dots/mitigate": "4.00", ".well-known/dots/mitigate/mid=1": "4.00",
    f".well-known/dots/mitigate/mid=1/cuid={CUID}": "4.00",
    f".well-known/dots/mitigate/cuid={CUID}/mid=-1": "4.00",
    f".well-known/dots/mitigate/cuid={CUID}/mid=4294967296": "4.00",
    ".well-known/dots/mitigate/cuid=/mid=1": "4.00",
    f".well-known/dots/Mitigate/cuid={CUID}": "4.04",
}


@test("a wrong path is 4.04 or 4.00, a wrong method 4.05, a wrong format 4.15")
def wrong_paths(home):
    home.daemon()
    with Session(home) as session:
        for where, code in PATHS.items():
            reply = session.ask("put", where, against())
            expect_equal(reply.code if reply else None, code, where)
        expect_equal(session.ask("post", path(1), against()).code, "4.05", "POST")
        data = message(NON, 3, 900, b"x", [(11, one.encode()) for one in path(1).split("/")]
                       + [(12, b"\x32")], b"{}")
        expect_equal(session.exchange(data).code, "4.15", "PUT of JSON")


@test("COAP-04 a ping is answered with RST")
def ping(home):
    home.daemon()
    with Session(home) as session:
        reply = session.exchange(message(CON, 0, 4711))
        expect_equal((reply.kind, reply.number, reply.code), (RST, 4711, "0.00"), "the answer")


@test("COAP-11 an unknown critical option is 4.02 for CON and silence or RST for NON")
def critical(home):
    home.daemon()
    with Session(home) as session:
        reply = session.ask("get", path(1), kind=CON, more=[(2047, b"x")])
        expect_equal((reply.kind, reply.code), (ACK, "4.02"), "CON")
        session.wait(0.5)
        reply = session.ask("get", path(1), kind=NON, more=[(2047, b"x")])
        expect(reply is None or reply.kind == RST, "NON was answered")
        session.wait(2)
        reply = session.ask("get", path(1), kind=CON, more=[(2048, b"x")])
        expect_equal((reply.kind, reply.code), (ACK, "4.04"), "an elective one")


@test("COAP-11 a GET with no path and an unknown critical option is 4.02, and the session lives on")
def first_message_of_go_dots(home):
    home.daemon()
    with Session(home) as session:
        for number in (100, 101):
            reply = session.exchange(message(CON, 1, number, b"go", [(2047, b"")]))
            expect_equal((reply.kind, reply.code, reply.token), (ACK, "4.02", b"go"), "the first GET")
        expect_equal(session.ask("put", path(1), against()).code, "2.01", "PUT afterwards")


@test("COAP-08 a NON that comes twice gets its answer again, and is executed once")
def duplicate_non(home):
    home.daemon()
    with Session(home) as session:
        first = session.exchange(request("put", path(1), 700, against(), NON, b"n1"))
        expect_equal(first.code, "2.01", "PUT")
        expect_equal(session.ask("delete", path(1)).code, "2.02", "DELETE")
        # Answers to repetitions are a second apart.
        time.sleep(1.1)
        again = session.exchange(request("put", path(1), 700, against(), NON, b"n1"))
        expect_equal((again.code, again.number), ("2.01", first.number), "the same message again")
        told = session.ask("get", path(1))
        expect_equal(dots.scopes(told.payload)[0]["status"], 5, "its state after both")


FORGED = {
    "version 0": b"\x00\x01\x00\x01", "a token of 15": b"\x4f\x01\x00\x02",
    "an option past the end": b"\x40\x01\x00\x03\xb9abc",
    "a reserved nibble": b"\x40\x01\x00\x04\xf0",
    "a marker without payload": b"\x40\x01\x00\x05\xff", "three bytes": b"\x40\x01\x00",
    "a reserved class": b"\x40\x20\x00\x06", "a request in an ACK": b"\x60\x01\x00\x07",
    "an empty message with a token": b"\x41\x00\x00\x08t", "an ACK of nothing": b"\x60\x00\x00\x09",
}


@test("COAP-01 COAP-02 COAP-03 a malformed message is ignored or reset, and the session goes on")
def malformed_messages(home):
    home.daemon()
    with Session(home) as session:
        session.wait(0.2)
        for name, data in FORGED.items():
            reply = session.exchange(data)
            expect(reply is None or reply.kind == RST, f"{name}: answered {reply and reply.code}")
        session.wait(2)
        expect_equal(session.ask("get", path(1)).code, "4.04", "a good GET afterwards")


@test("COAP-07 a duplicate CON is answered again and processed once")
def duplicates(home):
    home.daemon()
    with Session(home) as session:
        data = request("put", path(1), 7, against(), CON)
        first, second = session.exchange(data), session.exchange(data)
        expect_equal((first.code, second.code), ("2.01", "2.01"), "codes")
        expect_equal((first.kind, second.kind, second.number), (ACK, ACK, 7), "kind, number")
    expect_equal(len(home.counters()), 1, "counters in the kernel")


@test("RUL-04 libcoap's client in confirmable mode is served too")
def confirmable(home):
    home.daemon()
    reply = coap(home, "put", path(1), against(), confirmable=True)
    expect_equal(reply.code, "2.01", f"PUT ({reply.text})")


@test("random bytes, and records of no session, are met with silence")
def silence(home):
    home.daemon()
    seed = random.randrange(1 << 32)
    random.seed(seed)
    with home.within("isp"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.connect((ROUTER, 4646))
    one.settimeout(0.3)
    for size in list(range(0, 64)) + [1400]:
        one.send(random.randbytes(size))
        one.send(b"\x17\xfe\xfd\x00\x01" + random.randbytes(size))
    try:
        raise Failure(f"seed {seed}: answered {one.recv(2048)!r}")
    except TimeoutError:
        pass
    finally:
        one.close()


def client_hello():
    """A DTLS 1.2 ClientHello without a cookie, as OpenSSL's client sends it first."""
    body = b"\xfe\xfd" + random.randbytes(32) + b"\x00\x00" + struct.pack(">HH", 2, 0xC02B)
    # Null compression; supported_groups P-256, signature_algorithms ecdsa_secp256r1_sha256.
    body += b"\x01\x00" + bytes.fromhex("0010" "000a000400020017" "000d000400020403")
    head = b"\x01" + struct.pack(">I", len(body))[1:] + b"\x00\x00" + b"\x00\x00\x00"
    message_ = head + struct.pack(">I", len(body))[1:] + body
    return b"\x16\xfe\xff" + b"\x00" * 8 + struct.pack(">H", len(message_)) + message_


def forged(source, payload):
    """An IPv4 datagram from that address; the kernel fills in the header's checksum."""
    udp = struct.pack(">HHHH", random.randrange(1024, 65536), 4646, 8 + len(payload), 0) + payload
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    return head + source + socket.inet_aton(ROUTER) + udp


@test("during 200 forged ClientHellos a second a client connects within 1 s; memory does not grow")
def forged_hellos(home):
    daemon = home.daemon()
    with home.within("isp"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    pid, stop, sent = daemon.rooms()["cordond-signal"], threading.Event(), []

    def attack():
        while not stop.wait(0.005):
            # Addresses of networks that lead to the ISP's host: the answers are lost there.
            source = bytes([100]) + random.randbytes(3)
            raw.sendto(forged(source, client_hello()), (ROUTER, 0))
            sent.append(source)
    attacker = threading.Thread(target=attack)
    coap(home, "get", path())
    attacker.start()
    try:
        time.sleep(1)
        before, times = resident(pid), []
        for _ in range(8):
            start = time.monotonic()
            expect_equal(coap(home, "get", path()).code, "4.04", "GET during the flood")
            times.append(time.monotonic() - start)
            time.sleep(0.5)
        grown = resident(pid) - before
    finally:
        stop.set()
        attacker.join()
        raw.close()
    expect(len(sent) > 500, f"only {len(sent)} forged packets were sent", Late)
    expect(max(times) < 1, f"a connection took {max(times):.2f} s", Late)
    expect(grown <= 64, f"the signal room grew by {grown} KiB")


def resident(pid):
    """Anonymous resident memory in KiB."""
    with open(f"/proc/{pid}/status") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1])


@test("200 forged ClientHellos in one burst lock nobody out")
def forged_burst(home):
    home.daemon()
    with home.within("isp"):
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for _ in range(200):
        raw.sendto(forged(bytes([100]) + random.randbytes(3), client_hello()), (ROUTER, 0))
    raw.close()
    start = time.monotonic()
    expect_equal(coap(home, "get", path()).code, "4.04", "GET right after the burst")
    expect(time.monotonic() - start < 1, f"it took {time.monotonic() - start:.2f} s", Late)


@test("a forged ClientHello gets a cookie that is smaller than itself, and nothing more")
def cookie(home):
    home.daemon()
    with home.within("isp"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.connect((ROUTER, 4646))
    one.settimeout(1)
    hello = client_hello()
    one.send(hello)
    answer = one.recv(2048)
    one.close()
    expect_equal(answer[13], 3, "handshake type (HelloVerifyRequest)")
    expect(len(answer) < len(hello), f"{len(answer)} bytes for {len(hello)}")


@test("a client that is killed and comes back from the same port connects anew")
def same_port(home):
    home.daemon()
    first = Session(home, source_port=40000)
    expect_equal(first.ask("get", path(1)).code, "4.04", "GET in the first session")
    first.socket.close()
    with Session(home, source_port=40000) as second:
        expect_equal(second.ask("get", path(1)).code, "4.04", "GET in the second session")


@test("a client whose requests are refused one after another does not fill the log")
def refusals_logged(home):
    home.daemon()
    with Session(home) as session:
        codes = {session.ask("get", path(number)).code for number in range(300)}
    expect_equal(codes, {"4.04"}, "codes")
    lines = [line for line in home.log().splitlines() if "refused" in line]
    expect_between(1, len(lines), 40, "lines about refusals")


@test("TLS-05 who fails to authenticate ten times is refused for a while, others are served")
def repeated_failures(home):
    home.daemon()
    for _ in range(10):
        handshake(home)
    wait_for(lambda: home.log().count("refused 198.51.100.1") >= 4, 3, "the refusals in the log")
    expect_equal(coap(home, "get", path(1), seconds=2).code, None, "an answer to the same address")
    expect_equal(coap(home, "get", path(1), host=f"[{ROUTER6}]").code, "4.04", "another address")


@test("TLS-05 where a client has authenticated from, failures lock nobody out")
def known_failures(home):
    home.daemon()
    expect_equal(coap(home, "get", path(1)).code, "4.04", "the first session")
    for _ in range(11):
        handshake(home)
    expect_equal(coap(home, "get", path(1), seconds=3).code, "4.04", "a session after failures")


def hello():
    """A DTLS ClientHello without a cookie, with so many extensions that its answer isn't longer."""
    body = b"\xfe\xfd" + bytes(32) + b"\0\0\0\x02\xc0\x2b\x01\0"
    size = struct.pack(">I", len(body))[1:]
    shake = b"\x01" + size + b"\0\0\0\0\0" + size + body
    return b"\x16\xfe\xff" + bytes(8) + struct.pack(">H", len(shake)) + shake


@test("COAP-19 what is sent to a broadcast or multicast address is not answered")
def to_many(home):
    home.daemon()
    with home.within("isp"):
        four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        scope = socket.if_nametoindex("home0")
    four.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def answered(where, to):
        where.settimeout(0.7)
        where.sendto(hello(), to)
        try:
            return len(where.recv(2048)) > 0
        except socket.timeout:
            return False

    with four, six:
        expect(answered(four, (ROUTER, 4646)), "the address itself doesn't answer")
        expect(answered(six, (ROUTER6, 4646)), "the IPv6 address itself doesn't answer")
        expect(not answered(four, ("198.51.100.255", 4646)), "an answer to a broadcast")
        expect(not answered(six, ("ff02::1", 4646, 0, scope)), "an answer to a multicast")
