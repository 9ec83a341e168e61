import Bytes

/// Numbers as people read them.
enum Quantity {
  /// A length of time in its two largest units: `57 min`, `1 h 3 min`, `2 d 4 h`.
  static func duration(_ seconds: UInt64) -> Text {
    let units: [(StaticString, UInt64)] = [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)]
    for (index, unit) in units.enumerated() where seconds >= unit.1 {
      var text: Text = "\(seconds / unit.1) \(unit.0)"
      if index + 1 < units.count {
        let smaller = units[index + 1]
        let rest = seconds % unit.1 / smaller.1
        if rest > 0 { text += " \(rest) \(smaller.0)" }
      }
      return text
    }
    return "0 s"
  }

  /// How long ago a moment was; `now` for one that lies ahead.
  static func age(of moment: UnixTime, now: UnixTime) -> Text {
    moment < now ? duration(now.seconds - moment.seconds) + " ago" : "now"
  }

  /// A number with a comma after each third digit from the right: `12,345`.
  static func grouped(_ number: UInt64) -> Text {
    let digits = Text(decimal: number).bytes
    var result: [UInt8] = []
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(UInt8(ascii: ",")) }
      result.append(digit)
    }
    return Text(result)
  }

  /// A number of things: `1 packet`, `12,345 packets`.
  static func count(_ number: UInt64, _ noun: Text) -> Text {
    grouped(number) + " " + noun + (number == 1 ? "" : "s")
  }

  /// A size with two decimals, cut off: `512 B`, `1.20 MiB`.
  static func size(_ bytes: UInt64) -> Text {
    if bytes < 1024 { return Text(decimal: bytes) + " B" }
    let units: [Text] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    var divisor: UInt64 = 1024
    while bytes / divisor >= 1024, unit + 1 < units.count {
      unit += 1
      divisor <<= 10
    }
    // A hundred times the rest of a large unit would overflow: there its lowest bits don't show.
    let shift: UInt64 = divisor > 1 << 40 ? 20 : 0
    let hundredths = ((bytes % divisor) >> shift) * 100 / (divisor >> shift)
    let padding: Text = hundredths < 10 ? "0" : ""
    return Text(decimal: bytes / divisor) + "." + padding + Text(decimal: hundredths) + " "
      + units[unit]
  }
}
