#!/usr/bin/env python3
"""Bodies of the DOTS signal channel (RFC 9132 and RFC 9066) for a CoAP client without CBOR.

    dots.py request [--target P]... [--port A[-B]]... [--protocol N]... [--source P]... --lifetime S
                    [--action block|limit|quarantine]
                                        a mitigation request, CBOR on standard output
    dots.py show                        a body on standard input as readable JSON
    dots.py field NAME                  an attribute of the first scope of a body on standard input
"""
import argparse
import json
import struct
import sys

# RFC 9132, Section 6, Table 5, and RFC 9066, Section 6: what these programs write or show.
KEYS = {
    1: "mitigation-scope", 2: "scope", 5: "mid", 6: "target-prefix", 7: "target-port-range",
    8: "lower-port", 9: "upper-port", 10: "target-protocol", 11: "target-fqdn", 12: "target-uri",
    13: "alias-name", 14: "lifetime", 15: "mitigation-start", 16: "status",
    17: "conflict-information", 18: "conflict-status", 19: "conflict-cause", 20: "retry-timer",
    21: "conflict-scope", 25: "bytes-dropped", 26: "bps-dropped", 27: "pkts-dropped",
    28: "pps-dropped", 45: "trigger-mitigation", 32768: "source-prefix", 32769: "source-port-range",
    32770: "source-icmp-type-range", 32771: "lower-type", 32772: "upper-type",
    49152: "cordon:action",
}
# The vendor attribute's values.
ACTIONS = {"block": 1, "limit": 2, "quarantine": 3}
NUMBERS = {name: key for key, name in KEYS.items()}


def encode(value):
    """CBOR of integers, texts, Booleans, lists and maps, in the shortest form."""
    def head(major, number):
        if number < 24:
            return bytes([major << 5 | number])
        for extra, form, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32)):
            if number < limit:
                return bytes([major << 5 | extra]) + struct.pack(form, number)
        return bytes([major << 5 | 27]) + struct.pack(">Q", number)

    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    return head(5, len(value)) + b"".join(encode(k) + encode(v) for k, v in sorted(value.items()))


def decode(data):
    """The value of one definite-length CBOR item, which must be all of data."""
    value, rest = item(data)
    if rest:
        raise ValueError("bytes after the item")
    return value


def item(data):
    major, extra, rest = data[0] >> 5, data[0] & 31, data[1:]
    number = extra
    if 24 <= extra <= 27:
        size = 1 << (extra - 24)
        number, rest = int.from_bytes(rest[:size], "big"), rest[size:]
    elif extra > 27:
        raise ValueError("indefinite length")
    if major == 0:
        return number, rest
    if major == 1:
        return -1 - number, rest
    if major in (2, 3):
        if len(rest) < number:
            raise ValueError("cut short")
        text = rest[:number]
        return (text.decode() if major == 3 else text), rest[number:]
    if major == 6:
        return item(rest)
    if major == 7:
        return {20: False, 21: True}.get(number), rest
    values = []
    for _ in range(number * (2 if major == 5 else 1)):
        value, rest = item(rest)
        values.append(value)
    return (values if major == 4 else dict(zip(values[::2], values[1::2]))), rest


def named(value):
    """A decoded body with the attributes' names in the keys' place."""
    if isinstance(value, dict):
        return {KEYS.get(key, str(key)): named(one) for key, one in value.items()}
    return [named(one) for one in value] if isinstance(value, list) else value


def numbered(value):
    if isinstance(value, dict):
        return {NUMBERS.get(key, key): numbered(one) for key, one in value.items()}
    return [numbered(one) for one in value] if isinstance(value, list) else value


def ports(texts):
    ranges = []
    for text in texts:
        lower, _, upper = text.partition("-")
        ranges.append({"lower-port": int(lower)} | ({"upper-port": int(upper)} if upper else {}))
    return ranges


def request(scope):
    """The CBOR of a mitigation request with one scope, given by attribute names."""
    return encode(numbered({"mitigation-scope": {"scope": [scope]}}))


def scopes(body):
    """The scopes of a body, by attribute names."""
    return named(decode(body))["mitigation-scope"]["scope"]


def main(words):
    if words == ["show"]:
        print(json.dumps(named(decode(sys.stdin.buffer.read())), indent=2))
        return 0
    if len(words) == 2 and words[0] == "field":
        print(scopes(sys.stdin.buffer.read())[0].get(words[1], ""))
        return 0
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("request", choices=["request"])
    for option in ("--target", "--port", "--protocol", "--source", "--source-port"):
        parser.add_argument(option, action="append", default=[])
    parser.add_argument("--lifetime", type=int, required=True)
    parser.add_argument("--action", choices=ACTIONS, default=[])
    given = parser.parse_args(words)
    scope = {
        "target-prefix": given.target, "target-port-range": ports(given.port),
        "target-protocol": [int(one) for one in given.protocol],
        "source-prefix": given.source, "source-port-range": ports(given.source_port),
        "lifetime": given.lifetime,
        "cordon:action": ACTIONS[given.action] if given.action else [],
    }
    sys.stdout.buffer.write(request({name: value for name, value in scope.items() if value != []}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
