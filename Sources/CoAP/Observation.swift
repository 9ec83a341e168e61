import Bytes

/// What a client knows of a resource that it observes: which notification is the newest, and how
/// long its state counts (RFC 7641, Section 3).
public struct Observation: Sendable {
  /// After so long a silence any number is newer (RFC 7641, Section 3.4).
  public static let longestReordering = Span.seconds(128)
  /// Max-Age unless said otherwise, in seconds (RFC 7252, Section 5.10.5).
  public static let defaultMaxAge: UInt32 = 60

  /// Until when the newest state may be taken for the resource's; nil before the first.
  public private(set) var freshUntil: Instant?

  private let isOrdered: Bool
  private var newest: (number: UInt32, received: Instant)?

  /// A fresh observation; on a stream (`isOrdered`) each notification is newer than the last
  /// (RFC 8323, Section 7.1).
  public init(isOrdered: Bool) { self.isOrdered = isOrdered }

  /// Takes a notification; false when a newer one was there before.
  ///
  /// One without Observe ends the observation, and is the newest whatever came before.
  public mutating func accepts(_ notification: CoAPMessage, now: Instant) -> Bool {
    let number = (notification.observe ?? 0) & 0xFF_FFFF
    if let newest, !isOrdered, notification.observe != nil {
      let distance = (number &- newest.number) & 0xFF_FFFF
      let isNewer = distance > 0 && distance < 1 << 23
      guard isNewer || now > newest.received + Self.longestReordering else { return false }
    }
    newest = (number, now)
    freshUntil = now + .seconds(notification.maxAge ?? Self.defaultMaxAge)
    return true
  }
}
