"""The home in network namespaces with the real executables: what each test starts from."""
import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from suite import Failure, expect_equal, wait_for

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "packaging"))
import dots  # noqa: E402
import traffic  # noqa: E402

BUILD = os.environ.get("CORDON_BUILD", os.path.join(ROOT, ".build-embedded", "release"))
CUID = "dz6pHjaADkaFTbjr0JGBpw"

VICTIM, VICTIM6 = "203.0.113.5", "2001:db8:5::5"
CAMERA, CAMERA6 = "192.168.1.20", "2001:db8:1::20"
ROUTER = "198.51.100.2"

AGENT = {"terminating": "2"}
CLIENT = {"name": "telemetry.isp.example", "internal": "1", "max_rate": "0"}


def section(kind, name, options):
    """A section of the settings: a list of values becomes 'list' lines."""
    lines = [f"config {kind} '{name}'"]
    for option, value in options.items():
        if isinstance(value, list):
            lines += [f"\tlist {option} '{one}'" for one in value]
        else:
            lines.append(f"\toption {option} '{value}'")
    return "\n".join(lines) + "\n\n"


class Daemon:
    """One running cordond with its rooms."""

    def __init__(self, home, settings, environment=None, through=()):
        self.home = home
        path = os.path.join(home.work, "cordon.conf")
        with open(path, "w") as file:
            file.write(settings)
        self.log = open(home.log_path, "ab")
        self.process = subprocess.Popen(
            home.at("router", *through, os.path.join(BUILD, "cordond"), "--config", path),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=dict(os.environ, **(environment or {})))

    def wait_ready(self, seconds=5):
        """Ready is when somebody listens at the control socket: it is bound last."""
        def ready():
            if self.process.poll() is not None:
                raise Failure(f"cordond ended with {self.process.returncode}")
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
                return door.connect_ex(self.home.control) == 0
        wait_for(ready, seconds, "cordond is ready")
        return self

    def rooms(self):
        """The process id of each room, by the name of its executable, and of cordond itself."""
        found = {}
        for pid in self.home.pids("router"):
            with contextlib.suppress(OSError):
                name = os.path.basename(os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)"))
                if name.startswith("cordond"):
                    found[name] = pid
        return found

    def kill(self, *names):
        """kill -9 of these rooms, the launcher first where it is among them."""
        rooms = self.rooms()
        for name in sorted(names):
            os.kill(rooms[name], signal.SIGKILL)
        if "cordond" in names:
            self.process.wait(5)
        return rooms

    def kill_all(self):
        """kill -9 of every process at one moment: all are stopped first."""
        rooms = self.rooms()
        for pid in rooms.values():
            os.kill(pid, signal.SIGSTOP)
        for pid in rooms.values():
            os.kill(pid, signal.SIGKILL)
        self.process.wait(5)
        wait_for(lambda: not self.rooms(), 5, "no process is left")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.home.control)

    def stop(self):
        """SIGTERM; answers the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure("cordond did not end within 10 s of SIGTERM") from None
        finally:
            self.log.close()
        return status


class Home:
    """Five namespaces, certificates, a meter at the victim; used by one test after another."""

    def __init__(self):
        self.name = f"test{os.getpid()}"
        self.work = tempfile.mkdtemp(prefix="cordon-")
        # The core's own user passes through it to its state.
        os.chmod(self.work, 0o755)
        self.control = os.path.join(self.work, "control")
        self.log_path = os.path.join(self.work, "cordond.log")
        self.meter = os.path.join(self.work, "meter")
        self.started, self.daemons = [], []
        self.home_script("up", self.name)
        self.home_script("certificates", self.work)
        self.meter_process = subprocess.Popen(self.at(
            "victim", sys.executable, traffic.__file__, "meter", self.meter,
            f"{VICTIM}:443", f"{VICTIM}:444", f"[{VICTIM6}]:443"))
        wait_for(lambda: os.path.exists(self.meter), 5, "the meter runs")

    def close(self):
        self.clear()
        self.home_script("down", self.name)
        self.meter_process.wait()
        shutil.rmtree(self.work, ignore_errors=True)

    def has_no_table(self):
        """Deletes the table; while the kernel still closes the sockets of who owned it, it can't be."""
        self.run("router", "nft", "delete", "table", "inet", "cordon")
        return self.run("router", "nft", "list", "table", "inet", "cordon").returncode != 0

    def clear(self):
        """What a test left behind: its traffic, its daemon, its table, its state."""
        for process in self.started:
            process.kill()
            process.wait()
        for daemon in self.daemons:
            # A failed test may have left any of them; without their launcher none is restarted.
            daemon.process.kill()
            for pid in daemon.rooms().values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            # Only then: core's last act is to write its state.
            wait_for(lambda: not daemon.rooms(), 5, "the rooms are gone")
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.process.wait(5)
            daemon.log.close()
        self.started, self.daemons = [], []
        wait_for(self.has_no_table, 5, "the table is gone")
        shutil.rmtree(os.path.join(self.work, "state"), ignore_errors=True)
        for path in (self.control, self.log_path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    # Commands in the namespaces.

    @staticmethod
    def home_script(*words):
        subprocess.run([os.path.join(ROOT, "packaging", "home"), *words], check=True)

    def at(self, host, *command):
        return ["ip", "netns", "exec", f"{self.name}-{host}", *command]

    def run(self, host, *command, **more):
        more = {"capture_output": True, "timeout": 60} | more
        return subprocess.run(self.at(host, *command), **more)

    def start(self, host, *command, **more):
        self.started.append(subprocess.Popen(self.at(host, *command), **more))
        return self.started[-1]

    def pids(self, host):
        answer = subprocess.run(
            ["ip", "netns", "pids", f"{self.name}-{host}"], capture_output=True, check=True)
        return [int(one) for one in answer.stdout.split()]

    @contextlib.contextmanager
    def within(self, host):
        """This process's new sockets belong to that host while the block runs."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net") as own, open(f"/run/netns/{self.name}-{host}") as other:
            if libc.setns(other.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(own.fileno(), 0)

    # The daemon.

    def settings(self, agent=None, client=None, more=""):
        """The settings of most tests; the maps override single options."""
        agent = {
            "wan": ["wan0"], "lan": ["br-lan"], "state": os.path.join(self.work, "state"),
            "control": self.control, "log_level": "debug",
        } | AGENT | (agent or {})
        identity = {
            "certificate": f"{self.work}/cpe.crt", "key": f"{self.work}/cpe.key",
            "trust": f"{self.work}/isp-ca.crt",
        }
        return (
            section("agent", "agent", agent) + section("identity", "identity", identity)
            + section("listen", "isp", {"transport": ["udp"]})
            + section("client", "telemetry", CLIENT | (client or {})) + more)

    def daemon(self, environment=None, through=(), **overrides):
        """A started cordond that is ready; `through` is a command that starts it."""
        started = Daemon(self, self.settings(**overrides), environment, through)
        self.daemons.append(started)
        return started.wait_ready()

    def ctl(self, *words):
        return subprocess.run(
            [os.path.join(BUILD, "cordonctl"), "--socket", self.control, *words],
            capture_output=True, timeout=10)

    def ctl_json(self, *words):
        answer = self.ctl("--json", *words)
        expect_equal(answer.returncode, 0, f"exit code of cordonctl --json {' '.join(words)}")
        return json.loads(answer.stdout)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def log_tail(self):
        return "\n".join(self.log().splitlines()[-12:]) if os.path.exists(self.log_path) else ""

    # Traffic.

    def flood(self, tag, target=f"{VICTIM}:443", rate=500, host="camera"):
        return self.start(host, sys.executable, traffic.__file__, "send", target, str(rate), tag)

    def talk(self, tag="laptop", target=f"{VICTIM}:443", rate=100, host="laptop"):
        return self.start(
            host, sys.executable, traffic.__file__, "talk", target, str(rate), tag,
            stdout=subprocess.PIPE)

    @staticmethod
    def talked(process):
        """What a talk sent and got back, as it tells when it is ended."""
        process.terminate()
        return json.loads(process.communicate(timeout=10)[0])

    def seen(self, tag):
        return traffic.ask(self.meter).get(tag, {"packets": 0, "last": 0.0})

    def rate(self, tag, seconds=0.5):
        """Packets a second with that tag that arrive at the victim."""
        return traffic.rate(self.meter, tag, seconds)

    def arrives(self, tag, seconds=5):
        before = self.seen(tag)["packets"]
        return wait_for(
            lambda: self.seen(tag)["packets"] > before + 5, seconds, f"{tag} arrives")

    # The kernel's side.

    def nft(self, *words):
        return self.run("router", "nft", *words)

    def counters(self):
        """{counter's name: (packets, bytes)} of Cordon's table."""
        answer = self.nft("-j", "list", "counters", "table", "inet", "cordon")
        if answer.returncode != 0:
            return {}
        found = [one["counter"] for one in json.loads(answer.stdout)["nftables"]
                 if "counter" in one]
        return {one["name"]: (one["packets"], one["bytes"]) for one in found}

    def dropped(self):
        """Packets and bytes in all counters."""
        values = list(self.counters().values())
        return sum(one[0] for one in values), sum(one[1] for one in values)

    def now(self):
        """The clock of the meter's stamps."""
        return time.time()
