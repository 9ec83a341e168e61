"""What the kernel holds: kinds of rules, nothing when idle, protected traffic, other tools."""
import json
import socket
import subprocess
import sys
import threading
import time

from home import CAMERA, VICTIM, section, traffic
from peers import Session, against, coap, path, scope
from suite import Late, expect, expect_between, expect_equal, test, wait_for
from test_request import put


def base_chains(home):
    told = json.loads(home.nft("-j", "list", "chains").stdout)["nftables"]
    chains = [one["chain"] for one in told if "chain" in one]
    return [one["name"] for one in chains if one["table"] == "cordon" and "hook" in one]


@test("nothing mitigated, no base chain: legitimate packets pay nothing")
def idle(home):
    home.daemon()
    expect_equal(base_chains(home), [], "base chains at start")
    put(home)
    expect(base_chains(home), "no base chain while a mitigation is active")
    coap(home, "delete", path(1))
    wait_for(lambda: not base_chains(home), 5, "the base chains are gone")


@test("a port range stops its ports and no other")
def ranges(home):
    home.daemon()
    home.flood("in")
    home.flood("out", f"{VICTIM}:444")
    home.arrives("in")
    body = against() | {"target-port-range": [{"lower-port": 100, "upper-port": 443}]}
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    time.sleep(0.1)
    expect_equal(home.rate("in"), 0, "packets a second inside the range")
    expect(home.rate("out") > 400, "a port outside the range was stopped", Late)


@test("a prefix of the victim's network, any port and any protocol, stops it as well")
def prefixes(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    body = scope(target_prefix=["203.0.113.0/24"], source_prefix=[f"{CAMERA}/32"], lifetime=60)
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    time.sleep(0.1)
    expect_equal(home.rate("camera"), 0, "packets a second")


@test("an ICMP type range stops echo requests and no UDP")
def icmp(home):
    home.daemon()
    body = scope(
        target_prefix=[f"{VICTIM}/32"], source_prefix=[f"{CAMERA}/32"], target_protocol=[1],
        lifetime=60) | {"source-icmp-type-range": [{"lower-type": 8}]}
    expect(echoed(home), "no echo before the request")
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    expect(not echoed(home), "an echo after the request")
    home.flood("camera")
    home.arrives("camera")


def echoed(home):
    """Whether an ICMP echo request from the camera is answered by the victim."""
    with home.within("camera"):
        one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    one.settimeout(0.5)
    # Type 8, code 0, its checksum, identifier 1, sequence 1.
    one.sendto(bytes([8, 0, 0xF7, 0xFD, 0, 1, 0, 1]), (VICTIM, 0))
    try:
        return one.recv(256)[20] == 0
    except TimeoutError:
        return False
    finally:
        one.close()


@test("action 'limit' lets the limit through and counts the rest")
def limits(home):
    # 60 bytes of payload are 88 bytes of IP: 70 kbit/s are about 100 packets a second.
    home.daemon(agent={"action": "limit", "limit": "70kbit"}, client={"may": ["block", "limit"]})
    home.flood("camera", rate=2000)
    home.arrives("camera")
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT")
    time.sleep(2)
    expect_between(50, home.rate("camera", 3), 160, "packets a second that pass", Late)
    expect(home.dropped()[0] > 3000, f"dropped: {home.dropped()}", Late)


@test("action 'observe' counts and drops nothing")
def observes(home):
    home.daemon(agent={"action": "observe"})
    home.flood("camera")
    home.arrives("camera")
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT")
    time.sleep(1)
    expect(home.rate("camera") > 400, "observe dropped packets", Late)
    expect(home.dropped()[0] > 300, f"counted: {home.dropped()}", Late)


@test("two clients on one key: the second takes the counting over when the first ends")
def takes_over(home):
    home.home_script("certificate", home.work, "second", "second.isp.example")
    more = section("client", "second", {"name": "second.isp.example", "internal": "1"})
    home.daemon(more=more, agent={"terminating": "0"})
    home.flood("camera")
    home.arrives("camera")
    put(home)
    where = path(1, cuid="second-client-0000000")
    reply = coap(home, "put", where, against(), identity="second")
    expect_equal(reply.code, "2.01", f"the second client's PUT ({reply.text})")
    expect_equal(coap(home, "delete", path(1)).code, "2.02", "DELETE of the first")
    time.sleep(0.5)
    expect_equal(home.rate("camera"), 0, "packets a second after the first ended")
    told = coap(home, "get", where, identity="second")
    expect(told["pkts-dropped"] > 100, f"the second counts {told['pkts-dropped']}", Late)


@test("IDS-10 one client neither sees nor withdraws another client's request")
def isolates(home):
    home.home_script("certificate", home.work, "second", "second.isp.example")
    home.daemon(more=section("client", "second", {"name": "second.isp.example", "internal": "1"}))
    put(home)
    expect_equal(coap(home, "get", path(1), identity="second").code, "4.04", "GET")
    expect_equal(coap(home, "delete", path(1), identity="second").code, "2.02", "DELETE")
    expect_equal(coap(home, "get", path(1))["status"], 1, "status for its owner")
    reply = coap(home, "put", path(2), against(port=80), identity="second")
    expect_equal(reply.code, "4.09", "PUT under the other's cuid")
    expect_equal(reply["conflict-information"], {"conflict-cause": 3}, "conflict-information")


@test("1,000 mitigations stand together, and each is dropped and counted")
def thousand(home):
    home.daemon(client={"max_mitigations": "1000"})
    with Session(home) as session:
        for mid in range(1, 1001):
            body = against(f"203.0.{mid >> 8}.{mid & 255}/32" if mid != 500 else f"{VICTIM}/32")
            reply = session.ask("put", path(mid), body)
            expect_equal(reply.code if reply else None, "2.01", f"PUT of mid {mid}")
    expect_equal(len(home.counters()), 1000, "counters in the kernel")
    passed = home.seen("camera")["packets"]
    home.flood("camera")
    wait_for(lambda: home.dropped()[0] > 100, 5, "drops are counted")
    expect_equal(home.seen("camera")["packets"], passed, "packets that passed")


def answered(home, port, host="camera", address="192.168.1.1"):
    """Whether the router's own service on that UDP port answers that host."""
    with home.within(host):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.settimeout(0.5)
    try:
        one.sendto(b"service! ", (address, port))
        return one.recv(256) == b"service! "
    except (TimeoutError, ConnectionRefusedError, PermissionError):
        return False
    finally:
        one.close()


@test("DNS, DHCP and NTP to the router go on when everything a device sends is to be blocked")
def protects_router(home):
    home.daemon()
    for port in (53, 67, 123):
        echo(home, "router", "192.168.1.1", port)
        wait_for(lambda: answered(home, port), 2, f"the service on port {port} runs")
    home.flood("camera")
    home.arrives("camera")
    body = scope(target_prefix=["0.0.0.0/0"], source_prefix=[f"{CAMERA}/32"], lifetime=60)
    reply = coap(home, "put", path(1), body)
    expect_equal(reply.code, "2.01", f"PUT ({reply.text})")
    time.sleep(0.1)
    expect_equal(home.rate("camera"), 0, "packets a second to the victim")
    for port in (53, 67, 123):
        expect(answered(home, port), f"port {port} of the router no longer answers the camera")
    expect_equal(coap(home, "get", path(1)).code, "2.05", "GET, in the DOTS session")


@test("the DOTS session goes on when its own traffic is named")
def protects_session(home):
    home.daemon()
    with Session(home) as session:
        body = scope(
            target_prefix=["198.51.100.0/24"], target_protocol=[17], lifetime=60,
            source_prefix=["198.51.100.2/32"])
        code = session.ask("put", path(1), body).code
        expect(code in ("2.01", "4.00", "4.09"), f"PUT: {code}")
        answer = session.ask("get", path(2))
        expect_equal(answer.code if answer else None, "4.04", "GET in the same session")


@test("a protect section: what it names passes, and a request for it alone is 4.09")
def protects(home):
    more = section("protect", "alarm", {"udp": ["444"], "prefix": [f"{VICTIM}/32"]})
    home.daemon(more=more)
    home.flood("alarm", f"{VICTIM}:444")
    home.flood("camera")
    home.arrives("camera")
    body = scope(target_prefix=[f"{VICTIM}/32"], source_prefix=[f"{CAMERA}/32"], lifetime=60)
    reply = coap(home, "put", path(1), against(port=444))
    expect_equal(reply.code, "4.09", "PUT for the protected traffic alone")
    conflict = reply["conflict-information"]
    expect_equal(conflict["conflict-cause"], 2, "conflict-cause")
    expect("conflict-scope" not in conflict, "conflict-scope tells what is protected")
    reply = coap(home, "put", path(2), body)
    expect_equal(reply.code, "2.01", f"PUT that covers more ({reply.text})")
    time.sleep(0.1)
    expect_equal(home.rate("camera"), 0, "packets a second that are not protected")
    expect(home.rate("alarm") > 400, "the protected traffic was stopped", Late)


@test("another process's 'nft flush ruleset' is survived or repaired within a second")
def flush(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    put(home)
    router = home.nft("list", "table", "inet", "router").stdout
    home.nft("flush", "ruleset")
    home.run("router", "nft", "-f", "-", input=router)
    time.sleep(1)
    expect_equal(home.rate("camera"), 0, "packets a second after the flush")
    expect_equal(coap(home, "get", path(1))["status"] in (1, 2), True, "status")


@test("a rule that the kernel refuses is answered 5.00 and leaves neither rule nor mitigation")
def refused(home):
    home.daemon()
    # Another program owns a table of our name: the kernel lets nobody else change it.
    owner = home.start("router", "nft", "-i", stdin=subprocess.PIPE)
    owner.stdin.write(b"add table inet cordon { flags owner; }\n")
    owner.stdin.flush()
    wait_for(lambda: b"cordon" in home.nft("list", "tables").stdout, 5, "the other's table")
    answer = coap(home, "put", path(1), against())
    expect_equal(answer.code, "5.00", "PUT")
    expect(answer.text, "no diagnostic")
    expect_equal(home.counters(), {}, "counters of ours")
    expect_equal(coap(home, "get", path(1)).code, "4.04", "GET afterwards")
    owner.stdin.close()
    owner.wait(5)
    wait_for(lambda: b"cordon" not in home.nft("list", "tables").stdout, 5, "its end")
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT once the kernel can")


@test("the router's own table is untouched from start to end")
def harmless(home):
    def others():
        return home.nft("-a", "list", "table", "inet", "router").stdout
    before = others()
    expect(b"masquerade" in before, "the router's table cannot be listed")
    daemon = home.daemon()
    put(home)
    expect_equal(others(), before, "the table while a mitigation is active")
    daemon.stop()
    expect_equal(others(), before, "the table afterwards")


def echo(home, host, address, port):
    """A UDP service of that host that echoes; it ends with the test."""
    where = f"{home.work}/echo{port}"
    home.start(host, sys.executable, traffic.__file__, "meter", where, f"{address}:{port}")


@test("concurrent requests of four sessions are all answered")
def concurrent(home):
    home.daemon()
    codes = []

    def ask(session, first):
        for mid in range(first, first + 25):
            reply = session.ask("put", path(mid), against(f"203.0.113.{mid % 200}/32", port=mid))
            codes.append(reply.code if reply else None)
    sessions = [Session(home) for _ in range(4)]
    threads = [threading.Thread(target=ask, args=(one, 1 + 1000 * index))
               for index, one in enumerate(sessions)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for one in sessions:
        one.close()
    expect_equal(set(codes) <= {"2.01", "4.09"} and len(codes), 100, f"answers {set(codes)}")
