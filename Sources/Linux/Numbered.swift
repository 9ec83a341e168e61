import Bytes

/// Objects by number, few enough to be looked at one by one.
///
/// A dictionary would be 3 KB in each program that has one.
public struct Numbered<Object: AnyObject> {
  private var entries: [(number: UInt32, object: Object)] = []

  /// None.
  public init() {}

  /// The numbers, in the order in which they came.
  public var numbers: [UInt32] { entries.map { $0.number } }

  /// The object with a number; nil when there is none.
  public subscript(number: UInt32) -> Object? { entries.first { $0.number == number }?.object }

  /// Adds an object under a number that none has.
  public mutating func add(_ object: Object, _ number: UInt32) { entries.append((number, object)) }

  /// Takes an object out; nil when there is none with that number.
  public mutating func remove(_ number: UInt32) -> Object? {
    guard let object = self[number] else { return nil }
    entries.removeAll { $0.number == number }
    return object
  }
}
