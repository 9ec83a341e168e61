import Bytes

/// A moment by the Gregorian calendar, in UTC.
public struct CalendarDate: Hashable, Sendable {
  /// The year, at most 9999.
  public let year: UInt64
  /// 1 to 12.
  public let month: UInt64
  /// 1 to 31.
  public let day: UInt64
  /// 0 for Sunday to 6.
  public let weekday: Int
  /// Seconds since midnight.
  public let seconds: UInt64

  /// The date of a moment; what lies behind the year 9999 is its last second.
  public init(_ moment: UnixTime) {
    let moment = min(moment.seconds, Self.lastSecond)
    let days = moment / 86_400
    // Years begin with March here, so that the leap day is a year's last: then the months' lengths
    // follow the line (153 m + 2) / 5, and every 400 years have 146,097 days. 719,468 days lie
    // between 0000-03-01 and 1970-01-01.
    let shifted = days + 719_468
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let march = (5 * dayOfYear + 2) / 153
    month = march < 10 ? march + 3 : march - 9
    year = shifted / 146_097 * 400 + yearOfEra + (march < 10 ? 0 : 1)
    day = dayOfYear - (153 * march + 2) / 5 + 1
    // 1970 began on a Thursday.
    weekday = Int((days + 4) % 7)
    seconds = moment % 86_400
  }

  /// 9999-12-31T23:59:59Z.
  private static let lastSecond: UInt64 = 253_402_300_799

  /// As in `2026-11-24`.
  public var date: Text { padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) }

  /// As in `01:13:28`.
  public var time: Text {
    padded(seconds / 3600, 2) + ":" + padded(seconds / 60 % 60, 2) + ":" + padded(seconds % 60, 2)
  }
}

func padded(_ number: UInt64, _ width: Int) -> Text {
  var digits = Text(decimal: number)
  while digits.count < width { digits = "0" + digits }
  return digits
}
