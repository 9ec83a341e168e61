import Bytes
import Model

/// How many more changes a client may make now: a bucket that holds one second's worth.
struct ChangeRate: Equatable, Sendable {
  /// The client's section.
  let section: Text
  /// Thousandths of a change.
  private var level: Int64
  private var filled: Instant

  init(of section: Text, full maximum: UInt32, at now: Instant) {
    self.section = section
    level = Int64(maximum) * 1000
    filled = now
  }

  /// What the bucket holds at `now`.
  ///
  /// A clock that went back adds nothing; one that jumped ahead fills it, no more.
  private func level(at now: Instant, maximum: UInt32) -> Int64 {
    let full = Int64(maximum) * 1000
    let elapsed = min(max((now - filled).milliseconds, 0), 1000)
    return min(full, level + elapsed * Int64(maximum))
  }

  func allows(at now: Instant, maximum: UInt32) -> Bool {
    level(at: now, maximum: maximum) >= 1000
  }

  mutating func changed(at now: Instant, maximum: UInt32) {
    level = max(0, level(at: now, maximum: maximum) - 1000)
    filled = now
  }
}
