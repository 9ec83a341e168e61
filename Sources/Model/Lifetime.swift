import Bytes

/// How long a mitigation was asked or granted for (RFC 9132, Section 4.4.1.1).
public enum Lifetime: Hashable, Sendable {
  /// Seconds. 0 never is a granted lifetime; it can only be asked for, and is refused.
  case seconds(UInt32)
  /// Until withdrawn: -1 on the wire.
  case indefinite

  /// The shorter of the two.
  public func limited(to maximum: UInt32) -> Lifetime {
    switch self {
    case .seconds(let seconds): .seconds(min(seconds, maximum))
    case .indefinite: .seconds(maximum)
    }
  }

  /// The time it stands for; nil when indefinite.
  public var span: Span? {
    switch self {
    case .seconds(let seconds): .seconds(seconds)
    case .indefinite: nil
    }
  }
}
