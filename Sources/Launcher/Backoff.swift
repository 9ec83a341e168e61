import Bytes

/// When a room that ended is started again: the first time at once, then later and later.
struct Backoff: Equatable {
  /// A room that lived so long is well again.
  static let healthyAfter = Span.seconds(60)
  private static let delays: [Int64] = [0, 1, 2, 4, 5]

  /// How often it has ended since it was last well.
  private(set) var endings = 0

  /// Answers how long to wait, for a room that ended after `life`.
  mutating func ended(after life: Span) -> Span {
    if life >= Self.healthyAfter { endings = 0 }
    defer { endings += 1 }
    return .seconds(Self.delays[min(endings, Self.delays.count - 1)])
  }
}
