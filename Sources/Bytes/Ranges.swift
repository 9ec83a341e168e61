/// Transport ports from `lower` to `upper`, both included.
public struct PortRange: Hashable, Sendable {
  /// The first port.
  public let lower: UInt16
  /// The last port; never below `lower`.
  public let upper: UInt16

  /// The ports from `lower` to `upper`; nil when the bounds are the wrong way round.
  public init?(_ lower: UInt16, _ upper: UInt16) {
    guard lower <= upper else { return nil }
    self.lower = lower
    self.upper = upper
  }

  /// One port.
  public init(_ port: UInt16) {
    lower = port
    upper = port
  }

  /// How many ports there are: 1 to 65,536.
  public var count: Int { Int(upper) - Int(lower) + 1 }

  /// Whether `port` is one of them.
  public func contains(_ port: UInt16) -> Bool { lower <= port && port <= upper }
}

extension PortRange: CustomTextConvertible {
  /// `LOWER-UPPER`, or the one port.
  public var text: Text { lower == upper ? "\(lower)" : "\(lower)-\(upper)" }
}

/// ICMP or ICMPv6 types from `lower` to `upper`, both included (RFC 9066, Section 5.3.1).
public struct ICMPTypeRange: Hashable, Sendable {
  /// The first type.
  public let lower: UInt8
  /// The last type; never below `lower`.
  public let upper: UInt8

  /// The types from `lower` to `upper`; nil when the bounds are the wrong way round.
  public init?(_ lower: UInt8, _ upper: UInt8) {
    guard lower <= upper else { return nil }
    self.lower = lower
    self.upper = upper
  }

  /// One type.
  public init(_ type: UInt8) {
    lower = type
    upper = type
  }
}

extension ICMPTypeRange: CustomTextConvertible {
  /// `LOWER-UPPER`, or the one type.
  public var text: Text { lower == upper ? "\(lower)" : "\(lower)-\(upper)" }
}
