/// A value behind one reference.
///
/// Each place that may throw, and each copy, moves as many words as a type has: for what is passed on
/// often and looked at seldom, one word makes the code of a program a good deal smaller.
public indirect enum Behind<Value> {
  /// The value; changing it makes a new place for it.
  case reference(Value)

  /// Puts `value` behind a reference.
  public init(_ value: Value) { self = .reference(value) }

  /// The value.
  public var value: Value {
    get { switch self { case .reference(let value): value } }
    set { self = .reference(newValue) }
  }
}

extension Behind: Equatable where Value: Equatable {}
extension Behind: Hashable where Value: Hashable {}
extension Behind: Sendable where Value: Sendable {}
