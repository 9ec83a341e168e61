import Bytes

extension UnixTime {
  /// The moment in UTC (RFC 3339, Section 5.6): `2026-11-24T01:13:28Z`.
  ///
  /// What lies behind the year 9999, which the format can't say, is its last second.
  public var timestamp: Text {
    let seconds = min(seconds, Self.lastSecond)
    let date = Self.date(ofDay: seconds / 86_400)
    let time = seconds % 86_400
    var text = Self.padded(date.year, 4)
    text += "-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
    text += "T\(Self.padded(time / 3600, 2)):\(Self.padded(time / 60 % 60, 2))"
    text += ":\(Self.padded(time % 60, 2))Z"
    return text
  }

  /// 9999-12-31T23:59:59Z.
  private static let lastSecond: UInt64 = 253_402_300_799

  /// The Gregorian date of a day, counted from 1970-01-01.
  ///
  /// Years begin with March here, so that the leap day is a year's last: then the months' lengths
  /// follow the line (153 m + 2) / 5, and every 400 years have 146,097 days.
  private static func date(ofDay day: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    let shifted = day + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * dayOfYear + 2) / 153
    let month = march < 10 ? march + 3 : march - 9
    return (
      year: era * 400 + yearOfEra + (month <= 2 ? 1 : 0),
      month: month,
      day: dayOfYear - (153 * march + 2) / 5 + 1
    )
  }

  private static func padded(_ number: UInt64, _ width: Int) -> Text {
    var digits = Text(decimal: number)
    while digits.count < width { digits = "0" + digits }
    return digits
  }
}
