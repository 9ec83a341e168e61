"""The rooms: which process has which rights, files and libraries."""
import os
import pwd
import re
import signal
import stat
import subprocess
import time

from home import BUILD, ROOT
from peers import Session, against, coap, path
from suite import Skip, expect, expect_equal, test, wait_for

CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_ADMIN, CAP_SYS_CHROOT = 0, 5, 6, 7, 12, 18


def status(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def capabilities(pid, kind):
    bits = int(status(pid)[kind], 16)
    return {number for number in range(64) if bits >> number & 1}


def user(name, fallback):
    """The uid of the settings' user, or the one that stands in where the system lacks it."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return fallback


@test("each room is a process of its own executable and user")
def users(home):
    rooms = home.daemon().rooms()
    names = ["cordond", "cordond-core", "cordond-portal", "cordond-signal"]
    expect_equal(sorted(rooms), names, "processes")
    for name, uid in (("cordond-core", user("cordon", 64901)),
                      ("cordond-signal", user("cordon-signal", 64902)),
                      ("cordond-portal", user("cordon-portal", 64903))):
        expect_equal(set(status(rooms[name])["Uid"].split()), {str(uid)}, f"uids of {name}")
        gids = status(rooms[name])["Gid"].split() + status(rooms[name])["Groups"].split()
        expect("0" not in gids, f"{name} is in root's group: {gids}")


@test("the signal room has no capability, and nothing to gain one by")
def signal_rights(home):
    pid = home.daemon().rooms()["cordond-signal"]
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect_equal(capabilities(pid, kind), set(), kind)
    expect_equal(status(pid)["NoNewPrivs"], "1", "NoNewPrivs")


@test("core has CAP_NET_ADMIN and nothing else")
def core_rights(home):
    pid = home.daemon().rooms()["cordond-core"]
    for kind in ("CapPrm", "CapEff"):
        expect_equal(capabilities(pid, kind), {CAP_NET_ADMIN}, kind)
    expect_equal(status(pid)["NoNewPrivs"], "1", "NoNewPrivs")


@test("core warns once when rules for routed packets see a bridge's too, and else not")
def bridged(home):
    for value, lines in (("1", 1), ("0", 0)):
        for name in ("iptables", "ip6tables"):
            switch = f"net.bridge.bridge-nf-call-{name}"
            answer = home.run("router", "sysctl", "-qw", f"{switch}={value}")
            if answer.returncode != 0:
                raise Skip("the kernel has no br_netfilter")
        home.daemon()
        expect_equal(home.log().count("rules apply within the home too"), lines, f"lines at {value}")
        home.clear()


@test("the launcher keeps six capabilities at most")
def launcher_rights(home):
    pid = home.daemon().rooms()["cordond"]
    kept = capabilities(pid, "CapEff")
    allowed = {CAP_CHOWN, CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_NET_ADMIN, CAP_SYS_CHROOT}
    expect(kept <= allowed, f"too much: {sorted(kept - allowed)}")


@test("the signal room sees an empty root that it cannot write to")
def empty_root(home):
    pid = home.daemon().rooms()["cordond-signal"]
    expect_equal(os.listdir(f"/proc/{pid}/root"), [], "what the signal room sees")
    expect(os.readlink(f"/proc/{pid}/root") != "/", "its root is the system's")
    root = os.stat(f"/proc/{pid}/root")
    uid = int(status(pid)["Uid"].split()[0])
    expect(root.st_uid != uid and not root.st_mode & stat.S_IWOTH, "it can write to its root")


@test("the signal room holds sockets and no file")
def no_files(home):
    home.daemon()
    coap(home, "put", path(1), against())
    pid = home.daemons[0].rooms()["cordond-signal"]
    for number in os.listdir(f"/proc/{pid}/fd"):
        where = os.readlink(f"/proc/{pid}/fd/{number}")
        expect(re.match(r"(socket|anon_inode|pipe):|/dev/null|/.*cordond\.log", where),
               f"descriptor {number} is {where}")


def sockets(pid):
    links = (os.readlink(f"/proc/{pid}/fd/{one}") for one in os.listdir(f"/proc/{pid}/fd"))
    return {one[8:-1] for one in links if one.startswith("socket:[")}


@test("core holds no socket of a network")
def no_network(home):
    rooms = home.daemon().rooms()
    found = set()
    for kind in ("udp", "udp6", "tcp", "tcp6"):
        with open(f"/proc/{rooms['cordond-core']}/net/{kind}") as file:
            found |= {line.split()[9] for line in file.readlines()[1:]}
    expect(found & sockets(rooms["cordond-signal"]), "the signal room has no network socket")
    expect_equal(found & sockets(rooms["cordond-core"]), set(), "core's network sockets")


@test("nothing listens but port 4646, and the page towards the home alone")
def listens(home):
    home.daemon()
    told = home.run("router", "ss", "-Hlntu").stdout.decode().splitlines()
    ports = {line.split()[4].rsplit(":", 1)[1]: line.split()[4] for line in told}
    expect_equal(set(ports), {"4646", "8646"}, "ports")
    expect("%br-lan" in ports["8646"], f"the page listens on {ports['8646']}")


def libraries(name):
    told = subprocess.run(["ldd", os.path.join(BUILD, name)], capture_output=True, check=True)
    return set(re.findall(r"^\s*(lib\w+)", told.stdout.decode(), re.M))


@test("core links no OpenSSL, the signal room no netlink, the launcher and cordonctl neither")
def links(home):
    tls, netlink = {"libssl", "libcrypto"}, {"libmnl", "libnftnl"}
    found = {name: libraries(name) for name in
             ("cordond", "cordond-core", "cordond-signal", "cordonctl")}
    expect(tls <= found["cordond-signal"], f"the signal room links {found['cordond-signal']}")
    expect(netlink <= found["cordond-core"], f"core links {found['cordond-core']}")
    expect(not tls & found["cordond-core"], "core links OpenSSL")
    expect(not netlink & found["cordond-signal"], "the signal room links netlink")
    for name in ("cordond", "cordonctl"):
        expect(not (tls | netlink) & found[name], f"{name} links {found[name]}")


def under_the_unit():
    """The command that starts a program with the capabilities of our systemd unit, for good."""
    with open(os.path.join(ROOT, "systemd", "cordon.service")) as file:
        unit = file.read()
    names = re.search(r"^CapabilityBoundingSet=(.*)$", unit, re.M).group(1).split()
    kept = "".join(f",+{name.removeprefix('CAP_').lower()}" for name in names)
    return ("setpriv", f"--bounding-set=-all{kept}", "--inh-caps=-all", "--no-new-privs")


@test("the systemd unit's capabilities are enough to start, twice, to reload and to restart a room")
def unit_rights(home):
    for _ in range(2):
        daemon = home.daemon(through=under_the_unit())
        rooms = daemon.rooms()
        expect("0" not in status(rooms["cordond-core"])["Uid"].split(), "core is root")
        expect_equal(coap(home, "put", path(1), against()).code[0], "2", "PUT")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.kill("cordond-signal")
        wait_for(lambda: daemon.rooms().get("cordond-signal", rooms["cordond-signal"])
                 != rooms["cordond-signal"], 3, "the signal room was restarted")
        wait_for(lambda: coap(home, "get", path(1), seconds=1).code == "2.05", 5, "an answer")
        expect("settings were read again" in home.log(), "the reload failed")
        expect_equal(daemon.stop(), 0, "exit status")


@test("the state folder is core's alone")
def state(home):
    rooms = home.daemon().rooms()
    folder = os.stat(f"{home.work}/state")
    expect_equal(stat.S_IMODE(folder.st_mode), 0o700, "mode")
    expect_equal(str(folder.st_uid), status(rooms["cordond-core"])["Uid"].split()[0], "owner")


@test("an idle daemon sleeps: at most five wakings a second in all rooms together")
def sleeps(home):
    rooms = home.daemon().rooms()
    expect_equal(len(rooms), 4, "processes")

    def switches():
        return sum(int(status(pid)["voluntary_ctxt_switches"]) for pid in rooms.values())
    time.sleep(0.5)
    before = switches()
    time.sleep(3)
    expect(switches() - before <= 15, f"{switches() - before} wakings in 3 s")


@test("descriptors and memory stay as they are over 200 sessions")
def steady(home):
    daemon = home.daemon()
    pid = daemon.rooms()["cordond-signal"]

    def measure():
        time.sleep(0.3)
        return len(os.listdir(f"/proc/{pid}/fd")), int(status(pid)["RssAnon"].split()[0])
    for count in (20, 200):
        for _ in range(count):
            with Session(home) as session:
                session.ask("get", path(1))
        if count == 20:
            before = measure()
    after = measure()
    expect_equal(after[0], before[0], "descriptors")
    expect(after[1] - before[1] <= 256, f"grew by {after[1] - before[1]} KiB")
