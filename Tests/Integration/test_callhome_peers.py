"""Whom the router calls: OpenSSL's servers, other clients by redirection, and which way it takes."""
import contextlib
import os
import socket
import ssl
import subprocess
import time

from home import ROUTER, section
from suite import expect, expect_equal, test, wait_for
from test_callhome import (
    CLIENT, ISP, PORT, ROUTER_NAME, Service, blocked, calling, noc, proof, role, still_blocked)


@contextlib.contextmanager
def far_end(home, *words, identity="telemetry"):
    """OpenSSL's server as the ISP's end; gives what it says, after what it is given if that is any."""
    path = os.path.join(home.work, "s_server")
    with open(path, "wb") as log:
        process = home.start(
            "isp", "openssl", "s_server", "-accept", PORT, "-Verify", "1", "-verify_return_error",
            "-cert", f"{home.work}/{identity}.crt", "-key", f"{home.work}/{identity}.key",
            "-CAfile", f"{home.work}/isp-ca.crt", "-tlsextdebug", *words,
            stdin=subprocess.PIPE, stdout=log, stderr=log)

    def said(given=b""):
        process.stdin.write(given)
        process.stdin.flush()
        with open(path, errors="replace") as file:
            return file.read()
    try:
        yield said
    finally:
        process.kill()
        process.wait()


@test("TLS-09 TLS-10 CH-CON-03 OpenSSL's DTLS server sees the name and the router's certificate")
def foreign_udp(home):
    with far_end(home, "-dtls1_2") as said:
        calling(home)
        wait_for(lambda: "CIPHER is" in said(), 10, "the handshake")
        expect('"server name" (id=0)' in said(), "no SNI")
        expect(ROUTER_NAME in said(), "no certificate of the router")
        wait_for(lambda: role(home), 2, "the session")


@test("TLS-09 TLS-10 TLS-16 OpenSSL's TLS server is offered coap; one that doesn't choose it is left")
def foreign_tcp(home):
    for version in ("-tls1_2", "-tls1_3"):
        with far_end(home, version, "-alpn", "coap") as said:
            calling(home, noc(transport="tcp"))
            wait_for(lambda: "ALPN protocols selected: coap" in said(), 10, f"ALPN {version}")
            wait_for(lambda: role(home), 2, f"the session {version}")
            expect('"server name" (id=0)' in said(), f"no SNI {version}")
            expect(ROUTER_NAME in said(), f"no certificate of the router {version}")
        home.clear()
        with far_end(home, version):
            calling(home, noc(transport="tcp"))
            wait_for(lambda: "call home telemetry.isp.example" in home.log(), 10,
                     f"the refusal's line {version}")
            expect_equal(role(home), [], f"sessions {version}")
        home.clear()


@test("TLS-09 a server with another name is refused, and the log says why")
def wrong_name(home):
    for transport, version in (("udp", "-dtls1_2"), ("tcp", "-tls1_2"), ("tcp", "-tls1_3")):
        with far_end(home, version, "-alpn", "coap"):
            calling(home, noc(name="other.isp.example", transport=transport))
            wait_for(lambda: "ostname mismatch" in home.log(), 10, f"the refusal's line {version}")
            expect_equal(role(home), [], f"sessions {version}")
            expect("call home other.isp.example" in home.log(), "the name isn't in the log")
        home.clear()


@test("TLS-06 CH-HB-03 the next session is resumed by the ticket of the last, with OpenSSL's server")
def resumed(home):
    for version in ("-tls1_2", "-tls1_3"):
        with far_end(home, version, "-alpn", "coap") as said:
            calling(home, noc(transport="tcp"))
            wait_for(lambda: role(home), 10, f"the session {version}")
            first = role(home)[0]["since"]
            expect("Reused session-id" not in said(), f"the first is resumed {version}")
            # Settings, without which it would have been no session; then the command to end it.
            said(b"\x00\xe1")
            time.sleep(0.3)
            said(b"q\n")
            wait_for(lambda: "Reused session-id" in said(), 10, f"a resumed session {version}")
            wait_for(lambda: role(home), 2, f"the second session {version}")
            expect(role(home)[0]["since"] >= first, "the session is the first")
        home.clear()


@test("HE-05 a client that refuses the router's certificate, after TLS 1.3's handshake, isn't called at once")
def refused_late(home):
    # It trusts itself alone.
    with far_end(home, "-tls1_3", "-alpn", "coap", "-CAfile", f"{home.work}/telemetry.crt"):
        calling(home, noc(transport="tcp"))
        wait_for(lambda: "no session with" in home.log(), 10, "the line about the failure")
        time.sleep(5)
        expect_equal(home.log().count("is over: "), 1, "sessions that were tried for")


@test("CH-RED-01 CH-RED-02 CH-RED-06 a redirection is followed inside the allowed domains alone")
def redirected(home):
    home.home_script("certificate", home.work, "alternate", "alt.isp.example")
    calling(home, noc(redirect_allow=["isp.example"]), more=section(
        "client", "alternate", {"name": "alt.isp.example", "internal": "1"}))
    first = Service(home, place=ISP)
    second = Service(home, "alternate", place="203.0.113.1")
    first.wait(10)
    blocked(home, first)
    elsewhere = ["--address", "203.0.113.1"]
    said = first.ask("redirect", "--to", "alt.example.net", *elsewhere, status=4)
    expect("4.00" in said, said)
    wait_for(lambda: "not led to alt.example.net" in home.log(), 2, "the administrator's line")
    expect_equal(len(first.sessions()), 1, "sessions after the refusal")
    first.ask("redirect", "--to", "alt.isp.example", *elsewhere, "--ttl", "600")
    second.wait(5)
    expect_equal(first.sessions(), [], "sessions of the first")
    still_blocked(home)
    said = second.ask("redirect", "--to", "telemetry.isp.example", status=4)
    expect("4.00" in said, "a loop is followed")


@test("CH-RED-04 without addresses the name is looked up, and the certificate there must carry it")
def redirect_name(home):
    home.home_script("certificate", home.work, "alternate", "alt.isp.example")
    hosts = f"/etc/netns/{home.name}-router"
    os.makedirs(hosts, exist_ok=True)
    try:
        with open(os.path.join(hosts, "hosts"), "w") as file:
            file.write("203.0.113.1 alt.isp.example\n")
        for identity, taken in (("telemetry", False), ("alternate", True)):
            calling(home, noc(redirect_allow=["isp.example"]))
            first = Service(home, place=ISP)
            # Another file for its socket than the first has.
            second = Service(home, identity, place="203.0.113.1") if taken else None
            impostor = None if taken else home.start(
                "isp", CLIENT, "--listen", f"203.0.113.1:{PORT}", *proof(home), "--control",
                os.path.join(home.work, "impostor"), "serve", stderr=subprocess.DEVNULL)
            first.wait(10)
            first.ask("redirect", "--to", "alt.isp.example")
            if taken:
                second.wait(5)
            else:
                wait_for(lambda: "ostname mismatch" in home.log(), 5, "the refusal's line")
                expect("call home alt.isp.example" in home.log(), "the name isn't in the log")
                expect_equal(role(home), [], "sessions with another name's server")
                expect(impostor.poll() is None, "the impostor has ended")
            home.clear()
    finally:
        os.unlink(os.path.join(hosts, "hosts"))
        os.rmdir(hosts)


@test("CH-RED-05 after the ttl the router goes back to the client of its settings")
def redirect_ends(home):
    home.home_script("certificate", home.work, "alternate", "alt.isp.example")
    calling(home, noc(redirect_allow=["isp.example"]))
    first = Service(home, place=ISP)
    second = Service(home, "alternate", place="203.0.113.1")
    first.wait(10)
    # The alternate is no client here: only the session counts.
    first.ask("redirect", "--to", "alt.isp.example", "--address", "203.0.113.1", "--ttl", "4")
    second.wait(5)
    first.wait(8)
    expect_equal(second.sessions(), [], "sessions of the alternate")


@test("CH-RED-05 it doesn't go back while an attack is mitigated for the alternate")
def redirect_stays(home):
    home.home_script("certificate", home.work, "alternate", "alt.isp.example")
    calling(home, noc(redirect_allow=["isp.example"]), agent={"terminating": "0"}, more=section(
        "client", "alternate", {"name": "alt.isp.example", "internal": "1"}))
    first = Service(home, place=ISP)
    second = Service(home, "alternate", place="203.0.113.1")
    first.wait(10)
    first.ask("redirect", "--to", "alt.isp.example", "--address", "203.0.113.1", "--ttl", "3")
    second.wait(5)
    blocked(home, second)
    time.sleep(5)
    expect_equal((len(second.sessions()), first.sessions()), (1, []), "sessions after the ttl")
    second.ask("withdraw", "--mid", "1")
    first.wait(13)
    expect_equal(second.sessions(), [], "sessions of the alternate")


@test("CH-CON-04 HE-01 auto: UDP and IPv6 where they work, else TCP; names come from the resolver")
def automatic(home):
    hosts = f"/etc/netns/{home.name}-router"
    os.makedirs(hosts, exist_ok=True)
    try:
        with open(os.path.join(hosts, "hosts"), "w") as file:
            file.write(f"{ISP} noc.test\n2001:db8:100::1 noc.test\n")
        everything = Service(home)
        calling(home, noc(host="noc.test", transport="auto"))
        session = everything.wait(10)
        expect_equal((session["transport"], session["peer"]), ("udp", "2001:db8:100::2"), "way")
        everything.kill()
        home.clear()
        streams = Service(home, transport="tcp")
        calling(home, noc(host="noc.test", transport="auto"))
        session = streams.wait(10)
        expect_equal((session["transport"], session["peer"]), ("tcp", "2001:db8:100::2"), "way")
        streams.ask("heartbeat")
    finally:
        os.unlink(os.path.join(hosts, "hosts"))
        os.rmdir(hosts)


@test("HE-02 after a session over TCP the router begins with TCP, although UDP comes first and works")
def remembers(home):
    streams = Service(home, transport="tcp")
    calling(home, noc(transport="auto"))
    expect_equal(streams.wait(10)["transport"], "tcp", "the first session")
    streams.kill()
    everything = Service(home)
    expect_equal(everything.wait(8)["transport"], "tcp", "the session after it")
    home.clear()
    # Without such a memory it is UDP.
    everything = Service(home)
    calling(home, noc(transport="auto"))
    expect_equal(everything.wait(8)["transport"], "udp", "the session of a new router")


@test("CH-CON-02 CH-CON-05 several clients are called at once, beside base mode")
def several(home):
    home.home_script("certificate", home.work, "alternate", "alt.isp.example")
    calling(home, noc(), noc("other", port="4648", name="alt.isp.example"), listens=True)
    first = Service(home)
    second = Service(home, "alternate", port="4648")
    first.wait(10)
    second.wait(10)
    expect_equal(len(role(home)), 2, "sessions that the router opened")


@test("CH-RED-06 nobody is led in a circle, however many take part")
def circle(home):
    names = ["telemetry", "alternate", "third"]
    for name in names[1:]:
        home.home_script("certificate", home.work, name, f"{name}.isp.example")
    calling(home, noc(redirect_allow=["isp.example"]), more="".join(
        section("client", name, {"name": f"{name}.isp.example"}) for name in names[1:]))
    places = [ISP, "203.0.113.1", "[2001:db8:100::1]"]
    services = [Service(home, name, place=place) for name, place in zip(names, places)]
    for index in (1, 2):
        services[index - 1].wait(10)
        services[index - 1].ask("redirect", "--to", f"{names[index]}.isp.example",
                                "--address", places[index].strip("[]"))
    services[2].wait(10)
    for name in names:
        said = services[2].ask("redirect", "--to", f"{name}.isp.example", status=4)
        expect("4.00" in said, f"led to {name}: {said}")
    expect_equal(len(services[2].sessions()), 1, "sessions of the last")


@test("a router that asks without end and reads nothing is left, and costs the service little")
def deaf(home):
    noc_service = Service(home, transport="tcp")
    context = ssl.create_default_context(cafile=f"{home.work}/isp-ca.crt")
    context.set_alpn_protocols(["coap"])
    context.load_cert_chain(f"{home.work}/cpe.crt", f"{home.work}/cpe.key")
    with home.within("router"):
        plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.connect((ISP, int(PORT)))
    end = context.wrap_socket(plain, server_hostname="telemetry.isp.example")
    # CSM, then requests for what isn't there.
    end.sendall(b"\x00\xe1")
    noc_service.wait(5)
    end.settimeout(2)
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 400000:
            end.sendall((b"\x21\x01\x07" + b"\xb1x") * 1000)
            sent += 1000
    expect(sent < 400000, "the service takes whatever comes")
    wait_for(lambda: not noc_service.sessions(), 5, "the session ends")
    with open(f"/proc/{noc_service.process.pid}/status") as file:
        resident = next(int(one.split()[1]) for one in file if one.startswith("VmRSS"))
    expect(resident < 30000, f"the service has {resident} kB")
    end.close()


@contextlib.contextmanager
def exhausted(pid):
    """A process that gets no descriptor while the block runs, and must not spin meanwhile."""
    def spent():
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    own = {int(one) for one in os.listdir(f"/proc/{pid}/fd")}
    free = next(one for one in range(len(own) + 1) if one not in own)
    with open(f"/proc/{pid}/limits") as file:
        soft = next(one.split()[3] for one in file if one.startswith("Max open files"))
    with open(f"/proc/{pid}/status") as file:
        user, group = [one.split()[1] for one in file if one.startswith(("Uid", "Gid"))]

    def limit(files):
        # As the process's own user: another's takes a right that containers lack.
        subprocess.run(["setpriv", f"--reuid={user}", f"--regid={group}",
                        "--clear-groups", "prlimit", f"--pid={pid}", f"--nofile={files}:"],
                       check=True)
    limit(free)
    try:
        before = spent()
        yield
        time.sleep(2)
        expect(spent() - before < 0.5, f"it took {spent() - before} s of the processor")
    finally:
        limit(soft)


@test("who has no descriptor left for a connection waits for one, on the router and at the ISP")
def no_descriptors(home):
    daemon = home.daemon(more=section("listen", "streams", {"transport": ["tcp"]}))
    noc_service = Service(home, transport="tcp")
    with exhausted(daemon.rooms()["cordond-signal"]):
        asking = home.start("isp", CLIENT, "--connect", ROUTER, "--name", "cpe-0001.isp.example",
                            *proof(home), "--transport", "tcp", "--timeout", "20", "heartbeat",
                            stdout=subprocess.DEVNULL)
    expect_equal(asking.wait(20), 0, "exit status of who asked the router")
    with exhausted(noc_service.process.pid):
        asking = noc_service.start("sessions")
        with home.within("router"):
            connection = socket.create_connection((ISP, int(PORT)))
    expect_equal(asking.wait(10), 0, "exit status of who asked the service")
    connection.close()
