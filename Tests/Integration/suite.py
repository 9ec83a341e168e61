"""The frame of the integration tests: sentences, checks, one line a test, a count at the end."""
import os
import sys
import time
import traceback

TESTS = []


class Failure(Exception):
    """What was expected did not hold."""


class Late(Failure):
    """Something came later than it must. Where the processors were busy that may be chance: the
    test is run again, and fails when something is late each time."""


class Skip(Exception):
    """This machine cannot show it; the reason says why."""


def test(sentence):
    """Registers a function of one argument, the home, as the test of that sentence."""
    def register(function):
        TESTS.append((sentence, function))
        return function
    return register


def expect(holds, otherwise, failure=Failure):
    if not holds:
        raise failure(otherwise)


def expect_equal(actual, expected, what):
    expect(actual == expected, f"{what}: {actual!r}, expected {expected!r}")


def expect_between(low, actual, high, what, failure=Failure):
    expect(low <= actual <= high, f"{what}: {actual}, expected {low} to {high}", failure)


def wait_for(condition, seconds, what):
    """Polls until the condition gives something true, which it returns, or fails in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Late(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def judged(function, home):
    """'ok', 'skip', 'late' or 'FAIL' with the reason, and the daemon's last lines if one ran."""
    try:
        function(home)
        return "ok", ""
    except Skip as reason:
        return "skip", str(reason)
    except Failure as reason:
        return "late" if isinstance(reason, Late) else "FAIL", f"{reason}\n{home.log_tail()}"
    except Exception as reason:  # whatever a wrong answer made of a test: the others go on
        place = traceback.extract_tb(reason.__traceback__)[-1]
        return "FAIL", f"{place.filename}:{place.lineno}: {reason!r}\n{home.log_tail()}"


def idle():
    """Seconds that the processors had nothing to do since the machine started, less those in which
    its host let them wait."""
    with open("/proc/stat") as file:
        ticks = [int(one) for one in file.readline().split()[1:]]
    return (ticks[3] - ticks[7]) / os.sysconf("SC_CLK_TCK")


def verdict_of(function, home):
    """The test's verdict and reason. What was late while the processors had less than a tenth of
    their time left is tried again, twice at most; on a machine with nothing else to do, never."""
    for attempt in range(3):
        start, idle_before = time.monotonic(), idle()
        verdict, reason = judged(function, home)
        home.clear()
        left = (idle() - idle_before) / (time.monotonic() - start) / os.cpu_count()
        if verdict != "late":
            break
        verdict = "FAIL"
        if left > 0.1:
            break
        if attempt < 2:
            why = reason.splitlines()[0]
            print(f"           again, for the machine was busy: {why}", flush=True)
    return verdict, reason


def run(home, words):
    """Runs the tests whose sentence or module holds one of the words; answers the exit status."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for sentence, function in TESTS:
        if words and not any(one in sentence or one in function.__module__ for one in words):
            continue
        start = time.monotonic()
        verdict, reason = verdict_of(function, home)
        counts[verdict] += 1
        print(f"{verdict:4} {time.monotonic() - start:5.1f} s  {sentence}", flush=True)
        if reason:
            print("           " + reason.rstrip().replace("\n", "\n           "), flush=True)
    print(f"integration: {counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    sys.stdout.flush()
    return 1 if counts["FAIL"] else 0
