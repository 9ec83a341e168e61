// The compiler takes the comparison of two values for one with nil where values can be compared, and
// the comparison of a large value is a large function. These hide it from every file that imports this
// module.

extension Optional where Wrapped: Equatable {
  /// Whether there is no value.
  @_transparent
  public static func == (left: Wrapped?, right: _OptionalNilComparisonType) -> Bool {
    if case .none = left { true } else { false }
  }

  /// Whether there is a value.
  @_transparent
  public static func != (left: Wrapped?, right: _OptionalNilComparisonType) -> Bool {
    if case .none = left { false } else { true }
  }
}
