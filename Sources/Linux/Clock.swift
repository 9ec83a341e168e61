import Bytes
import CLinux

/// The machine's clocks.
public enum Clock {
  /// Now, on the clock that never goes back and counts suspended time (CLOCK_BOOTTIME).
  public static var now: Instant { Instant(milliseconds: cordon_clock_milliseconds(1)) }

  /// Now, on the wall clock; before 1970 counts as 1970.
  public static var wall: UnixTime {
    UnixTime(seconds: UInt64(max(0, cordon_clock_milliseconds(0) / 1000)))
  }

  /// What the kernel calls this boot: 36 characters; instants of two boots don't compare.
  public static func bootIdentifier() throws(SystemError) -> Text {
    let line = try File.contents(of: "/proc/sys/kernel/random/boot_id", limit: 64)
    return Text([UInt8](line.prefix { $0 != 0x0A }))
  }
}

/// `count` bytes that nobody can guess (getrandom).
public func randomBytes(_ count: Int) throws(SystemError) -> [UInt8] {
  var bytes = [UInt8](repeating: 0, count: max(0, count))
  var filled = 0
  while filled < bytes.count {
    let offset = filled
    filled += try system("getrandom") {
      bytes.withUnsafeMutableBytes {
        let rest = UnsafeMutableRawBufferPointer(rebasing: $0[offset...])
        return cordon_random(rest.baseAddress, rest.count)
      }
    }
  }
  return bytes
}
