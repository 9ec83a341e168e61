"""The frame of the integration tests: sentences, checks, one line a test, a count at the end."""
import sys
import time
import traceback

TESTS = []


class Failure(Exception):
    """What was expected did not hold."""


class Skip(Exception):
    """This machine cannot show it; the reason says why."""


def test(sentence):
    """Registers a function of one argument, the home, as the test of that sentence."""
    def register(function):
        TESTS.append((sentence, function))
        return function
    return register


def expect(holds, otherwise):
    if not holds:
        raise Failure(otherwise)


def expect_equal(actual, expected, what):
    expect(actual == expected, f"{what}: {actual!r}, expected {expected!r}")


def expect_between(low, actual, high, what):
    expect(low <= actual <= high, f"{what}: {actual}, expected {low} to {high}")


def wait_for(condition, seconds, what):
    """Polls until the condition gives something true, which it returns, or fails in time."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def judged(function, home):
    """'ok', 'skip' or 'FAIL' with the reason, and the daemon's last lines where one ran."""
    try:
        function(home)
        return "ok", ""
    except Skip as reason:
        return "skip", str(reason)
    except Failure as reason:
        return "FAIL", f"{reason}\n{home.log_tail()}"
    except Exception as reason:  # whatever a wrong answer made of a test: the others go on
        place = traceback.extract_tb(reason.__traceback__)[-1]
        return "FAIL", f"{place.filename}:{place.lineno}: {reason!r}\n{home.log_tail()}"


def run(home, words):
    """Runs the tests whose sentence or module holds one of the words; answers the exit status."""
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    for sentence, function in TESTS:
        if words and not any(one in sentence or one in function.__module__ for one in words):
            continue
        start = time.monotonic()
        verdict, reason = judged(function, home)
        home.clear()
        counts[verdict] += 1
        print(f"{verdict:4} {time.monotonic() - start:5.1f} s  {sentence}", flush=True)
        if reason:
            print("           " + reason.rstrip().replace("\n", "\n           "), flush=True)
    print(f"integration: {counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    sys.stdout.flush()
    return 1 if counts["FAIL"] else 0
