import Bytes
import Testing

@testable import Report

@Test(
  "moments are written in UTC",
  arguments: [
    (0, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
    (951_782_400, "2000-02-29T00:00:00Z"), (951_868_800, "2000-03-01T00:00:00Z"),
    (1_798_761_599, "2026-12-31T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
    (4_107_542_399, "2100-02-28T23:59:59Z"), (1_795_482_808, "2026-11-24T01:13:28Z"),
    (253_402_300_799, "9999-12-31T23:59:59Z"), (.max, "9999-12-31T23:59:59Z"),
  ] as [(UInt64, String)]
)
func timestamps(seconds: UInt64, expected: String) {
  #expect(UnixTime(seconds: seconds).timestamp == Text(expected))
}

@Test("each day follows the day before it for 800 years")
func calendar() {
  var previous = Text("")
  for day: UInt64 in 0..<292_194 {
    let timestamp = UnixTime(seconds: day * 86_400).timestamp
    guard timestamp > previous, timestamp.hasSuffix("T00:00:00Z") else {
      Issue.record("\(timestamp) after \(previous)")
      return
    }
    previous = timestamp
  }
  #expect(previous == "2769-12-31T00:00:00Z")
}

@Test(
  "durations are told in their two largest units",
  arguments: [
    (0, "0 s"), (59, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3420, "57 min"), (3600, "1 h"),
    (3659, "1 h"), (3780, "1 h 3 min"), (86_400, "1 d"), (187_200, "2 d 4 h"),
  ] as [(UInt64, String)]
)
func durations(seconds: UInt64, expected: String) {
  #expect(Quantity.duration(seconds) == Text(expected))
}

@Test("an age is never negative")
func ages() {
  #expect(Quantity.age(of: UnixTime(seconds: 5), now: UnixTime(seconds: 65)) == "1 min ago")
  #expect(Quantity.age(of: UnixTime(seconds: 65), now: UnixTime(seconds: 5)) == "now")
}

@Test(
  "large numbers are grouped by three digits",
  arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")]
    as [(UInt64, String)]
)
func grouping(number: UInt64, expected: String) {
  #expect(Quantity.grouped(number) == Text(expected))
}

@Test(
  "sizes have two decimals and the largest unit that fits",
  arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.00 KiB"), (1034, "1.00 KiB"), (1035, "1.01 KiB"),
    (1536, "1.50 KiB"),
    (6_912_345, "6.59 MiB"), (.max, "15.99 EiB"),
  ] as [(UInt64, String)]
)
func sizes(bytes: UInt64, expected: String) { #expect(Quantity.size(bytes) == Text(expected)) }

@Test("one is no plural")
func plurals() {
  #expect(Quantity.count(1, "packet") == "1 packet")
  #expect(Quantity.count(0, "packet") == "0 packets")
}

@Test("control characters, escape sequences of terminals too, never reach the page")
func printable() {
  #expect(Text("a\u{1B}[31mb\n\u{9B}c\u{7F}é").printable == "a?[31mb??c?é")
  #expect(Text([0x61, 0xFF]).printable == "a\u{FFFD}")
}
