import Bytes
import Model

/// What a mitigation's counter said, across rewrites of its rule and restarts of the kernel's table.
struct Measurement: Equatable, Sendable {
  /// Counts of counters that are gone.
  var carriedPackets: UInt64 = 0
  var carriedBytes: UInt64 = 0
  /// The last reading of the present counter: without rates, since thousands of these are kept.
  private var readPackets: UInt64 = 0
  private var readBytes: UInt64 = 0
  /// When the mitigation became active.
  let since: Instant
  /// When something matched last, or the activation.
  var lastSeen: Instant
  /// Totals at the end of the last full bucket.
  private var bucketPackets: UInt64 = 0
  private var bucketBytes: UInt64 = 0
  private var bucketEnd: Instant
  private var wasRead = false
  private var hasBucket = false

  init(since: Instant, lastSeen: Instant? = nil) {
    self.since = since
    self.lastSeen = lastSeen ?? since
    bucketEnd = since
  }

  var packets: UInt64 { carriedPackets &+ readPackets }
  var bytes: UInt64 { carriedBytes &+ readBytes }

  /// The last reading of the present counter; nil before the first.
  var reading: DropCounters? {
    get { wasRead ? DropCounters(packets: readPackets, bytes: readBytes) : nil }
    set {
      wasRead = newValue != nil
      readPackets = newValue?.packets ?? 0
      readBytes = newValue?.bytes ?? 0
    }
  }

  /// Takes a reading; whether it shows something new.
  ///
  /// A counter that went back is a new counter: the old one's count is carried over.
  mutating func took(_ counters: DropCounters, now: Instant) -> Bool {
    let before = packets
    if counters.packets < readPackets || counters.bytes < readBytes { renew() }
    reading = counters
    let hasGrown = packets != before
    if hasGrown { lastSeen = now }
    if buckets(until: now) > buckets(until: bucketEnd) {
      bucketPackets = packets
      bucketBytes = bytes
      bucketEnd = now
      hasBucket = true
    }
    return hasGrown
  }

  /// Its counter is gone, and the next one begins at zero.
  mutating func renew() {
    carriedPackets = packets
    carriedBytes = bytes
    readPackets = 0
    readBytes = 0
  }

  /// Adds what another counter counted for it, which is gone now.
  mutating func carry(_ counters: DropCounters) {
    carriedPackets &+= counters.packets
    carriedBytes &+= counters.bytes
    wasRead = true
  }

  /// Whole seconds since the activation.
  func seconds(until now: Instant) -> UInt64 { UInt64(max(0, (now - since).milliseconds / 1000)) }

  private func buckets(until moment: Instant) -> Int64 {
    (moment - since).milliseconds / Constants.bucket.milliseconds
  }

  /// Totals, and averages since activation by full buckets; before the first, by what there is
  /// (RFC 9132, Section 4.4.2); nil when nothing was read.
  func total(at now: Instant) -> DropCounters? {
    guard wasRead else { return nil }
    let span = (hasBucket ? bucketEnd : now) - since
    let seconds = UInt64(max(1, span.milliseconds / 1000))
    return DropCounters(
      packets: packets,
      bytes: bytes,
      packetsPerSecond: (hasBucket ? bucketPackets : packets) / seconds,
      bytesPerSecond: (hasBucket ? bucketBytes : bytes) / seconds
    )
  }
}
