"""One request's way: from the ISP's client to the kernel and back."""
import time

from home import CAMERA, CAMERA6, ROUTER, VICTIM, VICTIM6
from peers import Session, against, coap, path, scope
from suite import Late, expect, expect_between, expect_equal, test, wait_for


def put(home, mid=1, **more):
    """A PUT that must create; answers the reply."""
    reply = coap(home, "put", path(mid), against(**more))
    expect_equal(reply.code, "2.01", f"PUT of mid {mid} ({reply.text})")
    return reply


@test("2.01 stops the camera's flood within 50 ms, and the laptop's traffic goes on")
def stops(home):
    with_laptop = home.daemon() and home.talk()
    home.flood("camera", rate=5000)
    home.arrives("camera")
    reply = put(home)
    expect_equal((reply["mid"], reply["lifetime"]), (1, 600), "mid and lifetime in the answer")
    time.sleep(0.5)
    late = home.seen("camera")["last"] - reply.sent
    expect(late < 0.05, f"the last packet came {late * 1000:.1f} ms after the request", Late)
    expect_equal(home.rate("camera"), 0, "flood packets a second after 2.01")
    expect_between(80, home.rate("laptop!"), 120, "the laptop's packets a second", Late)
    told = home.talked(with_laptop)
    expect(told["echoed"] >= told["sent"] - 1, f"the laptop lost packets: {told}")


@test("the same for IPv6, in a session over IPv6")
def stops_v6(home):
    home.daemon()
    home.flood("camera6", f"[{VICTIM6}]:443")
    home.flood("laptop6", f"[{VICTIM6}]:443", host="laptop")
    home.arrives("camera6")
    body = against(f"{VICTIM6}/128", f"{CAMERA6}/128")
    reply = coap(home, "put", path(1), body, host="[2001:db8:100::2]")
    expect_equal(reply.code, "2.01", f"PUT ({reply.text})")
    time.sleep(0.1)
    expect_equal(home.rate("camera6"), 0, "flood packets a second after 2.01")
    expect(home.rate("laptop6") > 400, "the laptop's IPv6 traffic was stopped too", Late)


@test("GET tells the scope as it was sent, status 2 once drops were seen, the kernel's counters")
def tells(home):
    home.daemon()
    flood = home.flood("camera")
    home.arrives("camera")
    put(home)
    time.sleep(1)
    flood.kill()
    flood.wait()
    time.sleep(0.2)
    reply = coap(home, "get", path(1))
    expect_equal(reply.code, "2.05", "GET")
    for attribute, value in against().items():
        if attribute != "lifetime":
            expect_equal(reply[attribute], value, attribute)
    expect_between(590, reply["lifetime"], 600, "remaining lifetime")
    packets, size = home.dropped()
    expect(packets > 300, f"the kernel counted {packets} packets", Late)
    expect_equal((reply["pkts-dropped"], reply["bytes-dropped"]), (packets, size), "drops")
    expect_equal(reply["status"], 2, "status")
    expect(abs(reply["mitigation-start"] - time.time()) < 10, "mitigation-start is off")


@test("GET without mid tells all requests of the client in the order of mid")
def tells_all(home):
    home.daemon()
    expect_equal(coap(home, "get", path()).code, "4.04", "GET of nothing")
    put(home, 7, source=f"{CAMERA}/32")
    put(home, 9, source="192.168.1.30/32")
    reply = coap(home, "get", path())
    expect_equal([one["mid"] for one in reply.scopes], [7, 9], "mids")
    expect_equal(coap(home, "get", path(8)).code, "4.04", "GET of another mid")


@test("a withdrawn rule drops through the terminating period (status 5), then the flood returns")
def withdraws(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    put(home)
    reply = coap(home, "delete", path(1))
    expect_equal((reply.code, reply.body), ("2.02", b""), "DELETE")
    start = time.monotonic()
    expect_equal(coap(home, "get", path(1))["status"], 5, "status while terminating")
    expect_equal(home.rate("camera"), 0, "flood packets a second while terminating")
    home.arrives("camera")
    expect_between(1.5, time.monotonic() - start, 3.2, "seconds until the flood returned", Late)
    wait_for(lambda: coap(home, "get", path(1)).code == "4.04", 2, "the mitigation is gone")
    expect_equal(home.counters(), {}, "counters that stayed")


@test("MIT-DEL-02 the withdrawal of an unknown mid is answered 2.02")
def withdraws_unknown(home):
    home.daemon()
    expect_equal(coap(home, "delete", path(77)).code, "2.02", "DELETE")


@test("a lifetime ends by itself, within a second")
def expires(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    reply = put(home, lifetime=3)
    home.arrives("camera", seconds=6)
    expect_between(2.0, home.now() - reply.sent, 4.2, "seconds until the flood returned", Late)
    wait_for(lambda: coap(home, "get", path(1)).code == "4.04", 2, "the mitigation is gone")


@test("MIT-PUT-17 a refresh is 2.04, prolongs the rule and keeps its counters")
def refreshes(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    put(home, lifetime=4)
    time.sleep(1)
    before = home.dropped()[0]
    reply = coap(home, "put", path(1), against(lifetime=30))
    expect_equal((reply.code, reply["lifetime"]), ("2.04", 30), f"PUT again ({reply.text})")
    time.sleep(4)
    expect_equal(home.rate("camera"), 0, "flood packets a second after the first lifetime")
    expect(home.dropped()[0] > before + 1000, "the counter was set back by the refresh", Late)


@test("MIT-PUT-18 the same mid with another scope is 4.00, and what was stored stays")
def keeps_stored(home):
    home.daemon()
    put(home)
    reply = coap(home, "put", path(1), against(port=444))
    expect_equal(reply.code, "4.00", "PUT of another scope")
    expect(reply.text, "no diagnostic text")
    expect_equal(coap(home, "get", path(1))["target-port-range"], [{"lower-port": 443}], "ports")


@test("MIT-OVL-02 a higher mid that overlaps takes the rule over without a gap")
def overrides(home):
    home.daemon()
    home.flood("camera")
    home.arrives("camera")
    put(home, 1)
    last = home.seen("camera")["packets"]
    put(home, 2, port=443)
    expect_equal(coap(home, "get", path(1)).code, "4.04", "GET of the lower mid")
    time.sleep(0.3)
    expect_equal(home.seen("camera")["packets"], last, "flood packets that passed")


@test("MIT-OVL-03 a lower mid that overlaps is 4.09 with conflict-cause 1")
def refuses_lower(home):
    home.daemon()
    put(home, 5)
    reply = coap(home, "put", path(4), against())
    expect_equal(reply.code, "4.09", "PUT of a lower mid")
    expect_equal(reply["conflict-information"]["conflict-cause"], 1, "conflict-cause")
    expect_equal(len(home.counters()), 1, "counters in the kernel")


@test("a request without 'option internal' for an inside address is refused and leaves no rule")
def refuses_inside(home):
    home.daemon(client={"internal": "0"})
    reply = coap(home, "put", path(1), against())
    expect_equal(reply.code, "4.00", "PUT")
    expect(reply.text, "no diagnostic text")
    expect_equal(home.counters(), {}, "counters in the kernel")
    expect(CAMERA not in reply.text, "the diagnostic tells a LAN address")


@test("a translated source port stops that flow alone, behind the home's one public address")
def translated(home):
    home.daemon(client={"internal": "0"})
    home.flood("camera")
    home.flood("laptop", host="laptop")
    home.arrives("camera")
    home.arrives("laptop")
    port = home.seen("camera")["port"]
    body = against(source=f"{ROUTER}/32", source_port_range=[{"lower-port": port}])
    reply = coap(home, "put", path(1), body)
    expect_equal(reply.code, "2.01", f"PUT ({reply.text})")
    time.sleep(0.1)
    expect_equal(home.rate("camera"), 0, "flood packets a second")
    expect(home.rate("laptop") > 400, "the laptop's traffic was stopped too", Late)


@test("a session that is open before the flood needs one round trip to stop it")
def one_round_trip(home):
    home.daemon()
    home.flood("camera", rate=5000)
    with Session(home) as session:
        home.arrives("camera")
        sent = home.now()
        reply = session.ask("put", path(1), against())
        expect_equal(reply.code if reply else None, "2.01", "PUT")
        time.sleep(0.3)
    expect_between(-0.01, home.seen("camera")["last"] - sent, 0.02, "seconds to the last packet", Late)


@test("a repeated PUT is answered again and makes one mitigation")
def repeats(home):
    home.daemon()
    with Session(home) as session:
        codes = [session.ask("put", path(3), against()).code for _ in range(3)]
    expect_equal(codes, ["2.01", "2.04", "2.04"], "codes")
    expect_equal(len(home.counters()), 1, "counters in the kernel")


@test("an unknown attribute of the required range is 4.00 with its number, of the optional ignored")
def unknown_attributes(home):
    home.daemon()
    reply = coap(home, "put", path(1), against() | {100: 1})
    expect_equal(reply.code, "4.00", "PUT with key 100")
    expect("100" in reply.text, f"the diagnostic does not name the key: {reply.text}")
    expect_equal(coap(home, "put", path(1), against() | {200: 1}).code, "2.01", "with key 200")


@test("every target of a list is stopped, and no other port")
def several_targets(home):
    home.daemon()
    home.flood("one")
    home.flood("two", f"{VICTIM}:444")
    home.arrives("one")
    body = scope(
        target_prefix=[f"{VICTIM}/32", "203.0.113.77/32"], target_protocol=[17], lifetime=60,
        target_port_range=[{"lower-port": 80}, {"lower-port": 443}],
        source_prefix=[f"{CAMERA}/32"])
    expect_equal(coap(home, "put", path(1), body).code, "2.01", "PUT")
    time.sleep(0.1)
    expect_equal(home.rate("one"), 0, "packets a second to port 443")
    expect(home.rate("two") > 400, "port 444 was stopped too", Late)
