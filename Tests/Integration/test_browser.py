"""The page in a real browser, in the quarantined device's own namespace."""
import json
import os

from home import ROOT, section
from lan import (
    CAMERA_MAC, CAMERA_NAME, PORTAL, ROUTER4, ROUTER6, dhcp, dnsmasq, no_resolver_files, resolver_files,
    state, web)
from suite import Skip, expect, expect_equal, test, wait_for
from test_quarantine import MAY, quarantine

PYTHON = os.path.join(ROOT, ".build-python", "bin", "python")
SCREENS = os.environ.get("CORDON_SCREENS")


def steps(home, host="camera"):
    """What the browser tells of each of its steps."""
    folder = [os.path.abspath(SCREENS)] if SCREENS else []
    done = home.run(
        host, PYTHON, os.path.join(os.path.dirname(os.path.abspath(__file__)), "browser.py"),
        f"http://{ROUTER4}:{PORTAL}/", "http://example.com/", *folder, timeout=240)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
    expect_equal(done.returncode, 0, f"the browser's end: {done.stderr.decode()[-800:]}")
    return told


@test("Chromium in the camera's network sees the page, axe-core finds nothing, and release frees it")
def customer(home):
    if not os.access(PYTHON, os.X_OK) or not os.access("/usr/bin/chromedriver", os.X_OK):
        raise Skip("needs chromium-driver and axe-selenium-python: Tests/run installs them")
    leases = os.path.join(home.work, "leases")
    dnsmasq(home)
    web(home)
    dhcp(home, "camera", CAMERA_NAME, CAMERA_MAC)
    more = section("quarantine", "quarantine", {"helpdesk": "tel:+1-555-0100"})
    home.daemon(client=MAY, agent={"leases": leases}, more=more)
    flood = home.flood("camera", rate=1000)
    quarantine(home)
    wait_for(lambda: home.dropped()[0] > 100, 5, "drops")
    flood.kill()
    if SCREENS:
        os.makedirs(SCREENS, exist_ok=True)
    resolver_files(home, "camera")
    try:
        told = steps(home)
    finally:
        no_resolver_files(home, "camera")
    by_step = {}
    for one in told:
        by_step.setdefault(one["step"], []).append(one)
    first = by_step["intercepted"][0]
    expect(first["url"] in {f"http://{one}:{PORTAL}/" for one in (ROUTER4, "[fd00:1::1]",
                                                                 f"[{ROUTER6}]")},
           f"example.com led to {first['url']}")
    expect(CAMERA_NAME in first["text"], "the page does not name the camera")
    for one in by_step["page"]:
        what = f"{one['language']}{', dark' if one['dark'] else ''}"
        expect_equal(one["violations"], [], f"what axe-core finds ({what})")
        expect_equal(one["overflows"], False, f"the page is wider than a phone ({what})")
        expect_equal(one["small"], 0, f"buttons lower than 44 px ({what})")
        expect_equal(one["direction"], "rtl" if one["language"] == "ar" else "ltr", what)
    expect_equal(len(by_step["page"]), 12, "pages looked at")
    for size in ("narrow", "zoomed", "desktop"):
        expect_equal([one["language"] for one in by_step[size] if one["overflows"]], [],
                     f"languages whose page is too wide, {size}")
    expect_equal(by_step["checked"][0]["violations"], [], "axe-core, after check again")
    expect_equal(by_step["released"][0]["violations"], [], "axe-core, after release")
    expect_equal(state(home) == "quarantined", False, "in quarantine after release")
    expect_equal(by_step["outside"][0]["headline"], "the Internet", "example.com after release")
