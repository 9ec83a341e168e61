"""cordonctl: shapes, exit codes; and what systemd is told."""
import json
import os
import re
import socket
import subprocess
import time

from home import BUILD, CAMERA, section
from peers import Session, against, coap, path
from suite import expect, expect_between, expect_equal, test, wait_for
from test_request import put

# The contract: a reply may have more members, never fewer or others in their place.
STATUS = {"version", "software", "uptime", "sessions", "mitigations", "quarantined", "kernel",
          "certificate_expires"}
SESSION = {"peer", "role", "transport", "state", "since"}
MITIGATION = {"id", "client", "cuid", "mid", "status", "action", "sources", "targets", "protocols",
              "lifetime", "remaining", "packets_dropped", "bytes_dropped", "devices", "conflict"}
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")


@test("cordonctl without a daemon ends with 3")
def no_daemon(home):
    for words in (["status"], ["mitigations"], ["why", CAMERA], ["--json", "status"]):
        answer = home.ctl(*words)
        expect_equal(answer.returncode, 3, f"exit code of {words}")
        expect(answer.stderr and not answer.stdout, "the reason does not stand on stderr alone")


@test("cordonctl with a word too many, or none, ends with 2")
def usage(home):
    for words in ([], ["nonsense"], ["why"], ["--nonsense", "status"]):
        expect_equal(home.ctl(*words).returncode, 2, f"exit code of {words}")


@test("cordonctl --json status has the promised members")
def status(home):
    home.daemon()
    with Session(home) as session:
        session.ask("put", path(1), against())
        told = home.ctl_json("status")
    expect_equal(STATUS - set(told), set(), "members that lack")
    expect_equal(told["version"], 1, "version")
    expect_equal((told["mitigations"], told["quarantined"]), (1, 0), "mitigations, quarantined")
    expect_equal(told["kernel"], {"in_sync": True}, "kernel")
    expect_between(0, told["uptime"], 60, "uptime")
    expect(TIME.match(told["certificate_expires"] or ""), "certificate_expires is no time")
    expect_equal(len(told["sessions"]), 1, "sessions")
    one = told["sessions"][0]
    expect_equal(SESSION - set(one), set(), "members that a session lacks")
    expect_equal((one["role"], one["transport"], one["state"]), ("base", "udp", "open"), "what")
    expect("198.51.100.1" in one["peer"], f"peer: {one['peer']}")
    expect(TIME.match(one["since"]), one["since"])


@test("cordonctl --json mitigations has the promised members and the kernel's counters")
def mitigations(home):
    home.daemon()
    flood = home.flood("camera")
    home.arrives("camera")
    put(home, 17)
    time.sleep(0.5)
    flood.kill()
    flood.wait()
    time.sleep(0.2)
    told = home.ctl_json("mitigations")
    expect_equal((told["version"], len(told["mitigations"])), (1, 1), "version, mitigations")
    one = told["mitigations"][0]
    expect_equal(MITIGATION - set(one), set(), "members that a mitigation lacks")
    expect_equal((one["client"], one["mid"], one["action"]), ("telemetry", 17, "block"), "whose")
    expect_equal((one["lifetime"], one["conflict"]), (600, None), "lifetime, conflict")
    expect_equal((one["sources"], one["targets"], one["protocols"]),
                 ([f"{CAMERA}/32"], ["203.0.113.5/32"], [17]), "scope")
    expect_equal(one["status"], "attack-successfully-mitigated", "status")
    expect_between(590, one["remaining"], 600, "remaining")
    expect_equal((one["packets_dropped"], one["bytes_dropped"]), home.dropped(), "drops")


@test("cordonctl mitigations and status speak to people as well, and say when there is none")
def text(home):
    home.daemon()
    expect_equal(home.ctl("mitigations").returncode, 0, "exit code without a mitigation")
    put(home)
    told = home.ctl("mitigations")
    expect_equal(told.returncode, 0, "exit code")
    expect(CAMERA.encode() in told.stdout, f"the camera is not named: {told.stdout}")
    expect(b"\x1b" not in told.stdout, "colours although it is no terminal")
    expect_equal(home.ctl("status").returncode, 0, "exit code of status")


@test("cordonctl why tells who blocked a device, and of another device that nothing did")
def why(home):
    home.daemon()
    put(home)
    told = home.ctl("why", CAMERA)
    expect_equal(told.returncode, 0, "exit code")
    expect(b"telemetry" in told.stdout, f"the client is not named: {told.stdout}")
    told = home.ctl_json("why", CAMERA)
    expect_equal((told["version"], told["state"]), (1, "blocked"), "version, state of the camera")
    expect_equal([one["mid"] for one in told["mitigations"]], [1], "its mitigations")
    expect_equal(home.ctl_json("why", "192.168.1.30")["state"], "clear", "state of the laptop")


@test("the control socket lets no other user in")
def private(home):
    home.daemon()
    mode = os.stat(home.control).st_mode & 0o777
    expect(mode & 0o007 == 0, f"mode of the control socket: {mode:o}")


def notified(listener, seconds):
    listener.settimeout(seconds)
    return listener.recv(4096).decode().split("\n")


@test("systemd hears READY=1 when requests can come, WATCHDOG=1 in time, and STOPPING=1")
def notify(home):
    where = f"{home.work}/notify"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(where)
    try:
        daemon = home.daemon({"NOTIFY_SOCKET": where, "WATCHDOG_USEC": "2000000"})
        expect("READY=1" in notified(listener, 5), "the first notice is not READY=1")
        expect_equal(coap(home, "get", path()).code, "4.04", "GET right after READY=1")
        seen = wait_for(lambda: [one for one in notified(listener, 3) if "WATCHDOG" in one], 4,
                        "WATCHDOG=1 comes")
        expect_equal(seen, ["WATCHDOG=1"], "the watchdog's notice")
        expect_equal(daemon.stop(), 0, "exit status")
        wait_for(lambda: "STOPPING=1" in notified(listener, 3), 4, "STOPPING=1 comes")
    finally:
        listener.close()
        os.unlink(where)


@test("cordonctl metrics tells what the kernel counted, in a form that a scraper reads")
def metrics(home):
    home.daemon()
    flood = home.flood("camera")
    home.arrives("camera")
    put(home, 17)
    time.sleep(1)
    flood.kill()
    flood.wait()
    answer = home.ctl("metrics")
    expect_equal(answer.returncode, 0, "exit code")
    samples = dict(line.rsplit(" ", 1) for line in answer.stdout.decode().splitlines()
                   if not line.startswith("#"))
    expect_equal(samples["cordon_kernel_in_sync"], "1", "in sync")
    expect_equal(samples['cordon_mitigations_active{kind="block"}'], "1", "active")
    dropped = [int(value) for name, value in samples.items()
               if name.startswith("cordon_dropped_packets_total{") and 'mid="17"' in name]
    told = home.ctl_json("mitigations")["mitigations"][0]["packets_dropped"]
    expect_equal(dropped, [told], "packets dropped, as mitigations tells them")
    expect(told > 0, "nothing was dropped")


@test("cordonctl watch tells the beginning and the end of a mitigation, a line each, and ends with cordond")
def watch(home):
    daemon = home.daemon(agent={"terminating": "0"})
    ctl = os.path.join(BUILD, "cordonctl")
    watching = subprocess.Popen([ctl, "--socket", home.control, "--json", "watch"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        put(home, 17)
        first = json.loads(watching.stdout.readline())
        expect_equal((first["event"], first["mitigation"]["mid"]), ("begun", 17), "the beginning")
        with Session(home) as session:
            session.ask("delete", path(17))
        while True:
            last = json.loads(watching.stdout.readline())
            if last["event"] == "ended":
                break
        expect_equal(last["mitigation"]["mid"], 17, "the end")
        daemon.stop()
        expect_equal(watching.wait(timeout=10), 1, "exit code when cordond is gone")
        expect(watching.stderr.read(), "nothing is said of the daemon's end")
    finally:
        watching.kill()
        watching.wait()


@test("cordonctl reload has the settings read again; faulty ones leave the old, and the log says where")
def reload(home):
    home.daemon()
    with open(f"{home.work}/cordon.conf", "a") as file:
        file.write("config protect 'alarm'\n\tlist prefix '203.0.113.0/24'\n")
    expect_equal(home.ctl("reload").returncode, 0, "exit code")
    wait_for(lambda: "core: settings read again" in home.log(), 5, "core has the settings")
    with Session(home) as session:
        expect_equal(session.ask("put", path(1), against()).code, "4.09", "against what is protected")
    with open(f"{home.work}/cordon.conf", "a") as file:
        file.write("nonsense\n")
    expect_equal(home.ctl("reload").returncode, 0, "exit code with a fault in the settings")
    wait_for(lambda: "the settings stay as they were" in home.log(), 5, "the log tells the fault")


@test("a reload that disables Cordon changes nothing, and says so; it tells warnings as the start does")
def disabled(home):
    home.daemon()
    more = section("data_channel", "data", {})
    warnings = home.log().count("cordon.conf:")
    for text, told in ((home.settings(more=more), "cordond: the settings were read again"),
                       (home.settings({"enabled": "0"}), "option enabled is 0: the settings stay")):
        with open(f"{home.work}/cordon.conf", "w") as file:
            file.write(text)
        expect_equal(home.ctl("reload").returncode, 0, "exit code")
        wait_for(lambda: told in home.log(), 5, f"the log says: {told}")
    expect(home.log().count("cordon.conf:") > warnings, "no warning with its place")
    expect_equal(coap(home, "put", path(1), against()).code, "2.01", "a request after that")
