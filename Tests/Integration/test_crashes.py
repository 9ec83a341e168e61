"""kill -9 anywhere: no rule is lost, nobody is locked out, no rule outlives its lifetime."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

from home import CAMERA, ROUTER, dots, section
from peers import CON, Parsed, Session, against, coap, path, request
from suite import Late, Skip, expect, expect_between, expect_equal, test, wait_for
from test_request import put


def flooded(home, lifetime=600, **overrides):
    """A daemon, a flood and the mitigation that stops it."""
    daemon = home.daemon(**overrides)
    home.flood("camera")
    home.arrives("camera")
    put(home, lifetime=lifetime)
    time.sleep(0.3)
    return daemon


def replaced(daemon, name, old):
    return wait_for(lambda: daemon.rooms().get(name, old) != old, 3, f"{name} was restarted")


@test("a signal room that is killed is restarted; the next session finds every mitigation")
def signal_killed(home):
    daemon = flooded(home)
    passed = home.seen("camera")["packets"]
    old = daemon.kill("cordond-signal")
    replaced(daemon, "cordond-signal", old["cordond-signal"])
    start = time.monotonic()
    reply = wait_for(lambda: coap(home, "get", path(1), seconds=1).code, 5, "an answer")
    expect_equal(reply, "2.05", "GET")
    expect(time.monotonic() - start < 2, "the first session took longer than 2 s", Late)
    expect_equal(daemon.rooms()["cordond-core"], old["cordond-core"], "core's process id")
    expect_equal(home.seen("camera")["packets"], passed, "flood packets that passed")


@test("a core that is killed is restarted, adopts what the kernel holds, and can end it")
def core_killed(home):
    daemon = flooded(home)
    passed, counted = home.seen("camera")["packets"], home.dropped()[0]
    old = daemon.kill("cordond-core")
    replaced(daemon, "cordond-core", old["cordond-core"])
    reply = wait_for(lambda: [one for one in [coap(home, "get", path(1), seconds=1)]
                              if one.code == "2.05"], 5, "GET finds the mitigation")[0]
    expect(reply["pkts-dropped"] > counted, "the counter was set back")
    expect_equal(home.seen("camera")["packets"], passed, "flood packets that passed")
    expect_equal(reply["target-prefix"], against()["target-prefix"], "the scope")
    expect_equal(coap(home, "put", path(1), against()).code, "2.04", "a refresh")
    expect_equal(coap(home, "delete", path(1)).code, "2.02", "DELETE")
    home.arrives("camera", seconds=6)


@test("each room killed four times in a row is there again within 10 s")
def killed_often(home):
    daemon = flooded(home)
    for name in ("cordond-signal", "cordond-core"):
        for _ in range(4):
            pid = wait_for(lambda: daemon.rooms().get(name), 10, f"{name} runs")
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: daemon.rooms().get(name) != pid, 5, f"{name} is gone")
    wait_for(lambda: coap(home, "get", path(1), seconds=1).code == "2.05", 10, "GET finds it")
    expect_equal(home.rate("camera"), 0, "flood packets a second")


@test("rooms whose launcher is killed end as well, and the rule stays")
def launcher_killed(home):
    daemon = flooded(home)
    daemon.kill("cordond")
    wait_for(lambda: not daemon.rooms(), 5, "the rooms have ended")
    expect_equal(home.rate("camera"), 0, "flood packets a second")


@test("with every process killed the rule still drops and ends at its lifetime, within a second")
def all_killed(home):
    daemon = flooded(home, lifetime=6)
    until = time.monotonic() + 5.7
    daemon.kill_all()
    expect_equal(home.rate("camera"), 0, "flood packets a second with nobody there")
    home.arrives("camera", seconds=8)
    expect_between(-1, time.monotonic() - until, 1.1, "seconds after the lifetime's end", Late)


@test("a long lifetime stands in the kernel for an hour at most")
def within_the_hour(home):
    flooded(home, lifetime=86400)
    told = home.nft("-j", "list", "table", "inet", "cordon").stdout.decode()
    spans = [int(one.split(",")[0].split("}")[0]) for one in told.split('"timeout": ')[1:]]
    expect(spans, "no element has a timeout")
    expect_between(1, max(spans), 3601, "the longest timeout")


@test("a restarted cordond adopts its mitigation with its counters, and can withdraw it")
def adopted(home):
    daemon = flooded(home)
    passed = home.seen("camera")["packets"]
    daemon.kill_all()
    counted = home.dropped()[0]
    expect(counted > 50, f"the kernel counted {counted}", Late)
    home.daemon()
    reply = coap(home, "get", path(1))
    expect_equal(reply.code, "2.05", "GET after the restart")
    expect(reply["pkts-dropped"] >= counted, "the counter was set back")
    expect_between(580, reply["lifetime"], 600, "remaining lifetime")
    expect_equal(home.ctl_json("mitigations")["mitigations"][0]["sources"], [f"{CAMERA}/32"],
                 "sources")
    expect_equal(home.seen("camera")["packets"], passed, "flood packets that passed")
    expect_equal(coap(home, "delete", path(1)).code, "2.02", "DELETE")
    home.arrives("camera", seconds=6)
    wait_for(lambda: not home.counters(), 3, "nothing of it is left in the kernel")


@test("two clients on one key: a restarted cordond adopts both, also the one that counts nothing")
def both_adopted(home):
    home.home_script("certificate", home.work, "second", "second.isp.example")
    more = section("client", "second", {"name": "second.isp.example", "internal": "1"})
    daemon = flooded(home, lifetime=600, more=more, agent={"terminating": "0"})
    where = path(1, cuid="second-client-0000000")
    expect_equal(coap(home, "put", where, against(lifetime=300), identity="second").code, "2.01",
                 "the second client's PUT")
    daemon.kill_all()
    home.daemon(more=more, agent={"terminating": "0"})
    told = coap(home, "get", where, identity="second")
    expect_equal(told.code, "2.05", "GET of the second client after the restart")
    expect_between(280, told["lifetime"], 300, "what the second client's has left")
    expect_equal(coap(home, "delete", path(1)).code, "2.02", "DELETE of the first")
    time.sleep(0.5)
    expect_equal(home.rate("camera"), 0, "packets a second after the first ended")


@test("a restart after SIGTERM loses no mitigation, and never prolongs one")
def restarted(home):
    daemon = flooded(home, lifetime=8)
    until = time.monotonic() + 7.7
    expect_equal(daemon.stop(), 0, "exit status")
    expect_equal(daemon.rooms(), {}, "processes that stayed")
    expect(not os.path.exists(home.control), "the control socket stayed")
    home.daemon()
    expect_equal(coap(home, "get", path(1)).code, "2.05", "GET after the restart")
    expect_equal(home.rate("camera"), 0, "flood packets a second")
    home.arrives("camera", seconds=10)
    expect_between(-1, time.monotonic() - until, 1.1, "seconds after the lifetime's end", Late)


@test("a table without its state file is adopted or cleaned up, and new requests are served")
def lost_state(home):
    daemon = flooded(home)
    daemon.kill_all()
    for name in os.listdir(f"{home.work}/state"):
        os.unlink(f"{home.work}/state/{name}")
    home.daemon()
    expect(coap(home, "put", path(2), against()).code == "2.01", "PUT of a new mid")
    expect_equal(home.rate("camera"), 0, "flood packets a second")


@test("a state file of garbage does not keep cordond from starting and serving")
def garbage_state(home):
    daemon = flooded(home)
    daemon.kill_all()
    names = os.listdir(f"{home.work}/state")
    expect(names, "there is no state file")
    for name in names:
        with open(f"{home.work}/state/{name}", "wb") as file:
            file.write(b"\xff" * 100)
    home.daemon()
    expect_equal(home.log().count("the state file is damaged or of another version"), 1, "log lines")
    expect(coap(home, "put", path(2), against()).code == "2.01", "PUT of a new mid")


@test("SIGHUP takes new settings; with a fault in them the old ones stay, and the log says where")
def reload(home):
    daemon = home.daemon()
    where = f"{home.work}/cordon.conf"
    with open(where, "w") as file:
        file.write(home.settings() + "config nonsense 'n'\n")
    daemon.process.send_signal(signal.SIGHUP)
    line = len(home.settings().splitlines()) + 1
    wait_for(lambda: f"cordon.conf:{line}:" in home.log(), 3, "the log tells the place")
    put(home)
    with open(where, "w") as file:
        file.write(home.settings(client={"max_lifetime": "60"}))
    daemon.process.send_signal(signal.SIGHUP)
    other = against("203.0.113.9/32")
    wait_for(lambda: coap(home, "put", path(2), other)["lifetime"] == 60, 5,
             "the new settings hold")
    expect_equal(coap(home, "get", path(1)).code, "2.05", "GET of the mitigation from before")


@test("a mitigation that new settings no longer allow ends, and its traffic flows again")
def reload_ends(home):
    daemon = flooded(home)
    with open(f"{home.work}/cordon.conf", "w") as file:
        file.write(home.settings(client={"internal": "0"}))
    daemon.process.send_signal(signal.SIGHUP)
    home.arrives("camera")
    expect_equal(coap(home, "get", path(1)).code, "4.04", "GET of the mitigation")


@contextlib.contextmanager
def kernel_refuses(daemon, error="ENOBUFS"):
    """Nothing that core sends by netlink reaches the kernel meanwhile."""
    if not shutil.which("strace"):
        raise Skip("strace is not installed")
    tracer = subprocess.Popen(
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=sendto",
         "-e", f"inject=sendto:error={error}", "-p", str(daemon.rooms()["cordond-core"])])
    try:
        time.sleep(0.5)
        yield
    finally:
        tracer.terminate()
        tracer.wait(5)


@test("a withdrawal that the kernel refuses is made good as soon as the kernel can")
def refused_withdrawal(home):
    daemon = flooded(home, agent={"terminating": "0"})
    with kernel_refuses(daemon):
        expect_equal(coap(home, "delete", path(1)).code, "2.02", "DELETE")
        expect_equal(coap(home, "get", path(1)).code, "4.04", "GET")
        expect(not home.ctl_json("status")["kernel"]["in_sync"], "status says in_sync")
    home.arrives("camera", seconds=4)
    wait_for(lambda: not home.counters(), 3, "nothing of it is left in the kernel")
    expect(home.ctl_json("status")["kernel"]["in_sync"], "status does not say in_sync")


@test("a new request that the kernel refuses is 5.xx and leaves neither rule nor mitigation")
def refused_request(home):
    daemon = home.daemon()
    with kernel_refuses(daemon):
        reply = coap(home, "put", path(1), against())
        expect(reply.code in ("5.00", "5.03"), f"PUT: {reply.code}")
        expect_equal(coap(home, "get", path(1)).code, "4.04", "GET")
    time.sleep(1.5)
    expect_equal(home.counters(), {}, "counters in the kernel")
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT afterwards")


@test("MIT-PUT-20 a kernel without room is 5.03 with Max-Age, and leaves nothing")
def full_kernel(home):
    daemon = home.daemon()
    with kernel_refuses(daemon, "ENOMEM"):
        reply = coap(home, "put", path(1), against())
        expect_equal(reply.code, "5.03", "PUT")
        expect("Max-Age" in reply.log, "no Max-Age in the answer")
        expect_equal(coap(home, "get", path(1)).code, "4.04", "GET")
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "PUT afterwards")


@test("an interface that goes down and loses its addresses frees no attacker")
def interface_down(home):
    daemon = flooded(home)
    home.run("router", "ip", "link", "set", "br-lan", "down")
    home.run("router", "ip", "address", "flush", "dev", "br-lan")
    time.sleep(3)
    expect_equal(coap(home, "get", path(1)).code, "2.05", "GET while the interface is down")
    for address in ("192.168.1.1/24", "2001:db8:1::1/64", "fd00:1::1/64"):
        home.run("router", "ip", "address", "add", address, "dev", "br-lan", "nodad", check=True)
    home.run("router", "ip", "link", "set", "br-lan", "up", check=True)
    home.run("camera", "ip", "route", "replace", "default", "via", "192.168.1.1")
    time.sleep(3)
    expect_equal(coap(home, "get", path(1)).code, "2.05", "GET when it is up again")
    before = home.dropped()[0]
    wait_for(lambda: home.dropped()[0] > before, 10, "the rule drops again")
    expect_equal(home.rate("camera"), 0, "flood packets that pass")
    expect_equal(daemon.process.poll(), None, "cordond's exit status")


@test("a signal room that no core answers for 20 s starts anew, and is served again")
def core_lost(home):
    daemon = home.daemon()
    old = daemon.rooms()
    # The launcher can't give the front a new door meanwhile.
    os.kill(old["cordond"], signal.SIGSTOP)
    try:
        os.kill(old["cordond-core"], signal.SIGKILL)
        expect_equal(coap(home, "put", path(1), against()).code, "5.03", "PUT without core")
        wait_for(lambda: "cordond-signal" not in daemon.rooms(), 25, "the front has ended")
    finally:
        os.kill(old["cordond"], signal.SIGCONT)
    put_again = wait_for(
        lambda: coap(home, "put", path(1), against(), seconds=1).code == "2.01", 10, "PUT is served")
    expect(put_again, "PUT")


def asked(home, **agent):
    """A daemon that asks the owner, a flood, and a request that waits for the answer."""
    daemon = home.daemon(agent={"action": "ask"} | agent)
    home.flood("camera")
    home.arrives("camera")
    reply = coap(home, "put", path(1), against())
    expect_equal((reply.code, reply["status"]), ("2.01", 1), "code and status")
    home.arrives("camera")
    expect_equal(home.counters(), {}, "counters in the kernel")
    return daemon


@test("CH-MIT-10 consent: nothing is stopped until the owner agrees, also over a crash of everything")
def consent(home):
    daemon = asked(home)
    daemon.kill_all()
    home.daemon(agent={"action": "ask"})
    home.arrives("camera")
    told = home.ctl_json("mitigations")["mitigations"]
    expect_equal([(one["mid"], one["action"]) for one in told], [(1, "ask")], "what waits")
    number = str(told[0]["id"])
    expect_equal(home.ctl("consent", number, "yes").returncode, 0, "consent")
    time.sleep(0.3)
    expect_equal(home.rate("camera"), 0, "flood packets a second after the owner's yes")
    expect_equal(coap(home, "get", path(1))["status"] in (1, 2), True, "status")
    expect_equal(home.ctl("consent", number, "no").returncode, 5, "consent where nothing waits")
    expect_equal(home.ctl_json("mitigations")["mitigations"][0]["action"], "block", "action")


@test("CH-MIT-11 consent: a no is told with status 7 and conflict-cause 4, then the request is gone")
def denial(home):
    asked(home)
    with Session(home) as session:
        session.wait(8.0)
        session.send(request("get", path(1), 7, None, CON, b"obs", [(6, b"")]))
        expect_equal(Parsed(session.receive()).code, "2.05", "the answer to the registration")
        expect_equal(home.ctl("consent", "1", "no").returncode, 0, "consent")
        told = Parsed(session.receive())
        said = dots.scopes(told.payload)[0]
        expect_equal((told.code, said["status"]), ("2.05", 7), "the notice")
        expect_equal(said["conflict-information"], {"conflict-cause": 4}, "why")
        expect_equal(Parsed(session.receive()).code, "4.04", "the end of the observation")
    expect_equal(coap(home, "get", path(1)).code, "4.04", "GET")
    home.arrives("camera")


@test("consent: an owner who says nothing in time has agreed, or has not, as the settings say")
def silence(home):
    daemon = asked(home, ask_timeout="3")
    wait_for(lambda: home.rate("camera", 0.3) == 0, 6, "the flood stops by itself")
    daemon.stop()
    home.nft("delete", "table", "inet", "cordon")
    shutil.rmtree(os.path.join(home.work, "state"), ignore_errors=True)
    asked(home, ask_timeout="3", ask_default="refuse")
    wait_for(lambda: coap(home, "get", path(1)).code == "4.04", 6, "the request is gone")
    home.arrives("camera")


@test("CH-NAT-03 a device named by one client and found for another: a new core adopts both")
def found_adopted(home):
    home.home_script("certificate", home.work, "second", "second.isp.example")
    more = section("client", "second", {"name": "second.isp.example", "internal": "1"})
    daemon = flooded(home, more=more, agent={"terminating": "0"})
    # Its first flow is stopped already, but tracked still.
    ports = [{"lower-port": home.seen("camera")["port"]}]
    where = path(1, cuid="second-client-0000000")
    body = against(source=f"{ROUTER}/32") | {"source-port-range": ports}
    expect_equal(coap(home, "put", where, body, identity="second").code, "2.01",
                 "the second client's PUT")
    told = home.ctl_json("mitigations")["mitigations"][-1]
    expect_equal([one["found"] for one in told["devices"]], ["conntrack"], "how it is found")
    old = daemon.kill("cordond-core")
    replaced(daemon, "cordond-core", old["cordond-core"])
    told = wait_for(lambda: [one for one in [coap(home, "get", where, identity="second", seconds=1)]
                             if one.code in ("2.05", "4.04")], 5, "an answer to GET")[0]
    expect_equal(told.code, "2.05", "GET of the second client after the crash")
    expect_equal(coap(home, "delete", path(1)).code, "2.02", "DELETE of the first")
    time.sleep(0.5)
    expect_equal(home.rate("camera"), 0, "packets a second after the first ended")
