"""The rooms of the page: rights, doors, sockets of the LAN, the certificate of the API, names."""
import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

from home import BUILD, ROUTER as WAN, VICTIM
from lan import LAPTOP_MAC, PORTAL, ROUTER4, ROUTER6, connection, portal
from suite import Late, expect, expect_equal, test, wait_for
from test_portal import api, with_api
from test_quarantine import Listener, refused
from test_rooms import capabilities, libraries, status, user

NEW = (("cordond-portal", "cordon-portal", 64903), ("cordond-tls", "cordon-tls", 64904))


def all_rooms(home, more=""):
    """A daemon with every room that runs all the time."""
    daemon = home.daemon(more=with_api(home) + more)
    wait_for(lambda: "cordond-tls" in daemon.rooms(), 3, "cordond-tls runs")
    return daemon


@test("F1 the portal's rooms: own user, no capability, an empty root, sockets and no file")
def rights(home):
    rooms = all_rooms(home).rooms()
    for name, account, number in NEW:
        pid = rooms[name]
        expect_equal(set(status(pid)["Uid"].split()), {str(user(account, number))}, f"uids of {name}")
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            expect_equal(capabilities(pid, kind), set(), f"{kind} of {name}")
        expect_equal(status(pid)["NoNewPrivs"], "1", f"NoNewPrivs of {name}")
        expect_equal(os.listdir(f"/proc/{pid}/root"), [], f"what {name} sees")
        for one in os.listdir(f"/proc/{pid}/fd"):
            where = os.readlink(f"/proc/{pid}/fd/{one}")
            expect(where.startswith(("socket:", "anon_inode:", "pipe:"))
                   or where == "/dev/null" or where.endswith("cordond.log"),
                   f"{name}: descriptor {one} is {where}")


@test("F1 every room but the launcher runs under a filter of system calls")
def filtered(home):
    rooms = all_rooms(home).rooms()
    for name, pid in rooms.items():
        expect_equal(status(pid)["Seccomp"], "0" if name == "cordond" else "2", f"Seccomp of {name}")


@test("the portal links no library but the C library's, cordond-tls OpenSSL and no netlink")
def links(home):
    del home
    for name in ("cordond-portal", "cordond-resolve"):
        expect(libraries(name) <= {"libc", "libm", "libgcc_s"}, f"{name}: {libraries(name)}")
    expect_equal({"libssl", "libmnl", "libnftnl"} & libraries("cordond-tls"), {"libssl"}, "links")


@test("each room answers --version")
def versions(home):
    del home
    for name in ("cordond-portal", "cordond-tls", "cordond-resolve"):
        told = subprocess.run([os.path.join(BUILD, name), "--version"], capture_output=True)
        expect_equal(told.returncode, 0, f"exit status of {name}")
        expect(told.stdout.startswith(name.encode() + b" "), f"{name} said {told.stdout!r}")


@test("a room of the page that is killed is restarted, with its sockets and doors")
def killed(home):
    daemon = all_rooms(home)
    expect_equal(portal(home, "laptop").status, 200, "the page")
    for name in ("cordond-portal", "cordond-tls", "cordond-core"):
        before = daemon.kill(name)
        wait_for(lambda: daemon.rooms().get(name, before[name]) != before[name], 3, f"{name} again")
        wait_for(lambda: page(home) == 200, 5, f"the page, after {name} was killed")
        wait_for(lambda: api_status(home) == 200, 5, f"the API, after {name} was killed")


def page(home, address=ROUTER4):
    try:
        return portal(home, "laptop", address=address).status
    except OSError:
        return 0


def api_status(home):
    try:
        return api(home, "laptop")[0]
    except (OSError, ValueError, IndexError):
        return 0


@test("the page is served to the home, v4 and v6, and to nobody else")
def served(home):
    all_rooms(home)
    for address in (ROUTER4, ROUTER6):
        expect_equal(portal(home, "laptop", address=address).status, 200, f"at {address}")
    for port in (PORTAL, PORTAL + 1):
        try:
            with connection(home, "isp", WAN, port, seconds=1):
                raise AssertionError
        except OSError:
            pass


@test("when a LAN interface goes and another of its name comes, the page is served there")
def interface(home):
    all_rooms(home)
    expect_equal(page(home), 200, "the page before")
    home.run("router", "ip", "link", "set", "br-lan", "name", "away")
    wait_for(lambda: page(home) == 0, 5, "nobody listens")
    home.run("router", "ip", "link", "set", "away", "name", "br-lan")
    wait_for(lambda: page(home) == 200, 5, "the page again")


@test("CAP-08 the snippets go when a reload brings a certificate that doesn't validate, and come back")
def reloaded(home):
    daemon = all_rooms(home)
    snippets = [os.path.join(home.work, f"captive-portal.{one}") for one in ("dnsmasq", "odhcpd")]

    def there():
        return [os.path.exists(one) for one in snippets]
    wait_for(lambda: all(there()), 3, "the snippets are written")
    home.home_script("certificate", home.work, "portal", "another.example")
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: not any(there()), 3, "the snippets are gone")
    with_api(home)
    daemon.process.send_signal(signal.SIGHUP)
    wait_for(lambda: all(there()), 3, "the snippets are back")
    expect_equal(api(home, "laptop")[0], 200, "the API with the new certificate")
    expect_equal(daemon.stop(), 0, "exit status")
    expect(not any(there()), "the snippets are left behind")


@test("a client of TLS that says nothing, or nonsense, or half, holds nobody up")
def slow_tls(home):
    daemon = all_rooms(home)
    pid = daemon.rooms()["cordond-tls"]
    held = []
    try:
        for number in range(100):
            held.append(connection(home, "camera", ROUTER4, PORTAL + 1))
            if number % 3:
                held[-1].sendall(b"\x16\x03\x01\x02\x00\x01" if number % 3 == 1 else b"GET / HTTP/1.0\r\n")
        start = time.monotonic()
        expect_equal(api(home, "laptop")[0], 200, "the API for another device")
        expect(time.monotonic() - start < 1, "it took too long", Late)
    finally:
        for one in held:
            one.close()
    expect_equal(daemon.rooms()["cordond-tls"], pid, "the process")


GARDEN = "help.isp.example"


@contextlib.contextmanager
def name_server(home, addresses):
    """A tiny DNS server at the router's loopback address, which answers any name with these."""
    folder = f"/etc/netns/{home.name}-router"
    ended = threading.Event()
    with home.within("router"):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("127.0.0.53", 53))
    one.settimeout(0.1)

    def serve():
        while not ended.is_set():
            try:
                question, peer = one.recvfrom(512)
            except TimeoutError:
                continue
            end = question.index(b"\0", 12) + 5
            answers = addresses if question[end - 4:end - 2] == b"\0\1" else []
            reply = question[:2] + b"\x81\x80\0\1" + len(answers).to_bytes(2, "big") + b"\0" * 4
            reply += question[12:end]
            for address in answers:
                reply += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(address)
            one.sendto(reply, peer)
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    os.makedirs(folder, exist_ok=True)
    try:
        # What `ip netns exec` puts in the place of /etc/resolv.conf.
        with open(f"{folder}/resolv.conf", "w") as file:
            file.write("nameserver 127.0.0.53\n")
        yield
    finally:
        os.unlink(f"{folder}/resolv.conf")
        os.rmdir(folder)
        ended.set()
        thread.join()
        one.close()


def garden_sets(home):
    return home.nft("list", "table", "inet", "cordon").stdout.decode("utf-8", "replace")


@test("the garden's names are looked up in a process without rights, and let through; blocks too")
def garden(home):
    with (name_server(home, [VICTIM, "203.0.113.78"]), Listener(home, "victim", VICTIM, 443),
          Listener(home, "victim", VICTIM, 8443)):
        daemon = home.daemon(more=with_api(home, garden=[GARDEN, "198.18.7.0/24"]))
        expect_equal(home.ctl("quarantine", LAPTOP_MAC).returncode, 0, "cordonctl quarantine")
        wait_for(lambda: "203.0.113.78" in garden_sets(home), 8, "the name's addresses")
        expect("198.18.7.0/24" in garden_sets(home), "the block is missing")
        expect_equal(refused(home, "laptop", VICTIM, 443), None, "https of the name's address")
        expect(refused(home, "laptop", VICTIM, 8443) is not None, "another port of it")
        wait_for(lambda: "cordond-resolve" not in daemon.rooms(), 5, "the look-up's process ended")
        expect("ended by signal" not in home.log(), "a room was ended")


@test("a garden's name that can't be looked up is told in the log, and ends nothing")
def lost_name(home):
    home.daemon(more=with_api(home, garden=["name.invalid"]))
    wait_for(lambda: "could not be looked up" in home.log(), 10, "the line in the log")
    expect("ended by signal" not in home.log(), "a room was ended")
    expect_equal(page(home), 200, "the page")
