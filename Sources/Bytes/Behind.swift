/// A value behind one reference, changed in place while nobody else has it.
///
/// Each place that may throw, and each copy, moves as many words as a type has: for what is passed on
/// often and looked at seldom, one word makes the code of a program a good deal smaller.
public struct Behind<Value> {
  private var storage: Storage

  /// Puts `value` behind a reference.
  public init(_ value: Value) { storage = Storage(value) }

  /// The value; changing it makes a new place for it where another has this one.
  public var value: Value {
    _read { yield storage.value }
    _modify {
      own()
      yield &storage.value
    }
  }

  /// Out of line, since it stands before each change.
  @inline(never)
  private mutating func own() {
    if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
  }

  private final class Storage {
    var value: Value

    init(_ value: Value) { self.value = value }
  }
}

extension Behind: Equatable where Value: Equatable {
  /// Whether both values are equal.
  public static func == (left: Behind, right: Behind) -> Bool {
    left.storage === right.storage || left.storage.value == right.storage.value
  }
}

extension Behind: Hashable where Value: Hashable {
  /// Feeds the value to `hasher`.
  public func hash(into hasher: inout Hasher) { storage.value.hash(into: &hasher) }
}

/// Sendable because the value changes only while one has it to itself.
extension Behind: @unchecked Sendable where Value: Sendable {}
