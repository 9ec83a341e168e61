"""The settings file and the command line."""
import os
import re
import subprocess

from home import BUILD, ROOT, section
from suite import expect, expect_equal, test

EXECUTABLES = ("cordond", "cordond-core", "cordond-signal", "cordonctl")


def check(home, text, *words):
    """cordond with these settings; answers exit status and standard error."""
    where = f"{home.work}/check.conf"
    with open(where, "w") as file:
        file.write(text)
    done = home.run("router", os.path.join(BUILD, "cordond"), "--config", where, *words, timeout=10)
    return done.returncode, (done.stdout + done.stderr).decode().replace(where, "FILE")


@test("every executable answers --version with its name and one version")
def version(home):
    told = {}
    for name in EXECUTABLES:
        done = subprocess.run([os.path.join(BUILD, name), "--version"], capture_output=True,
                              timeout=5)
        expect_equal(done.returncode, 0, f"exit status of {name} --version")
        found = re.search(rb"\d+\.\d+(\.\d+)?", done.stdout)
        expect(found, f"{name} --version said {done.stdout!r}")
        told[found[0]] = name
    expect_equal(len(told), 1, f"versions {told}")


@test("--check accepts the settings of these tests, and starts nothing")
def accepts(home):
    status, told = check(home, home.settings(), "--check")
    expect_equal(status, 0, f"exit status ({told})")
    expect(not os.path.exists(home.control), "--check made a control socket")
    expect(not os.path.exists(f"{home.work}/state"), "--check made the state folder")


@test("an option whose feature is not there yet is one warning line, and accepted")
def warns(home):
    more = section("quarantine", "quarantine", {"portal_port": "8646"})
    status, told = check(home, home.settings(more=more), "--check")
    expect_equal(status, 0, f"exit status ({told})")
    expect("FILE:" in told, f"no warning with its place: {told}")


FAULTS = {
    "an unknown option": ("config agent 'agent'\n\toption colour 'red'\n", 2),
    "an unknown section": ("config agent 'agent'\n\nconfig weather 'w'\n", 3),
    "a value that is no number": ("config agent 'agent'\n\toption terminating 'soon'\n", 2),
    "a number out of its range": ("config agent 'agent'\n\toption terminating '301'\n", 2),
    "an unfinished quote": ("config agent 'agent'\n\toption action 'block\n", 2),
    "an option outside any section": ("option action 'block'\n", 1),
    "a word that is not of the language": ("config agent 'agent'\n\n\tset action 'block'\n", 3),
    "a prefix that is none": ("config protect 'p'\n\tlist prefix '192.0.2.0/33'\n", 2),
    "an action that is none": ("config agent 'agent'\n\toption action 'explode'\n", 2),
}


def refusal(name, text, line):
    @test(f"settings with {name} end with 2 and FILE:{line}:COLUMN")
    def refuses(home):
        for words in ([], ["--check"]):
            status, told = check(home, text, *words)
            expect_equal(status, 2, f"exit status ({told})")
            expect(re.search(rf"FILE:{line}:\d+: \S", told), f"the place is not told: {told}")
        expect(not os.path.exists(home.control), "it started all the same")


for fault, (words, at) in FAULTS.items():
    refusal(fault, words, at)


@test("a settings file that is not there ends with 2 and its name")
def absent(home):
    done = home.run("router", os.path.join(BUILD, "cordond"), "--config", "/nonexistent/cordon")
    expect_equal(done.returncode, 2, "exit status")
    expect(b"/nonexistent/cordon" in done.stderr, done.stderr)


@test("an argument that is none ends with 2")
def usage(home):
    done = home.run("router", os.path.join(BUILD, "cordond"), "--colour")
    expect_equal(done.returncode, 2, "exit status")


@test("a key that cannot be read ends with 1 and one line that names it")
def no_key(home):
    text = home.settings().replace("cpe.key", "absent.key")
    status, told = check(home, text)
    expect_equal(status, 1, f"exit status ({told})")
    expect("absent.key" in told, f"the file is not named: {told}")


@test("a port in use ends with 1 and one line that names it")
def port_in_use(home):
    home.daemon()
    with open(f"{home.work}/check.conf", "w") as file:
        file.write(home.settings(agent={"control": f"{home.work}/control2"}))
    done = home.run("router", os.path.join(BUILD, "cordond"), "--config", file.name, timeout=10)
    expect_equal(done.returncode, 1, "exit status")
    expect(b"4646" in done.stderr, f"the port is not named: {done.stderr}")


@test("the settings that README.md shows are accepted")
def readme(home):
    with open(os.path.join(ROOT, "README.md")) as file:
        shown = next(one for one in file.read().split("```") if one.startswith("\nconfig agent"))
    status, told = check(home, shown, "--check")
    expect_equal(status, 0, f"exit status ({told})")


@test("where it isn't enabled cordond ends well, whatever the settings name that isn't there")
def disabled(home):
    settings = home.settings(agent={"enabled": "0"}).replace(f"{home.work}/cpe.crt", "/nonexistent")
    status, told = check(home, settings)
    expect_equal(status, 0, f"exit status ({told})")
    expect("nothing to do" in told, f"it says {told}")


@test("a credential that can't be read where the settings say is taken from the service manager's")
def credentials(home):
    given = f"{home.work}/credentials"
    os.mkdir(given)
    os.rename(f"{home.work}/cpe.key", f"{given}/cpe.key")
    try:
        status, told = check(home, home.settings())
        expect_equal(status, 1, "exit status without a key")
        expect("cpe.key: open: No such file" in told, f"it says {told}")
        home.daemon(environment={"CREDENTIALS_DIRECTORY": given})
        expect_equal(home.ctl("status").returncode, 0, "exit status of cordonctl status")
    finally:
        os.rename(f"{given}/cpe.key", f"{home.work}/cpe.key")
        os.rmdir(given)
