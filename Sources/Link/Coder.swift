import Bytes
import CBOR

/// What values are written with as CBOR, or read, item by item: a value visits its parts in one place
/// for both.
///
/// One spelling is written and no other is read: definite lengths and shortest heads (RFC 8949,
/// Section 4.2.1). There never is a tree of items. The first fault is kept: from then on parts get
/// harmless values, and at the end the fault is thrown. What can't be read isn't written either.
public protocol Coder {
  /// Whether values are read; else they are written.
  ///
  /// It is the same for all of a type, so that a program that only writes a value holds no code that
  /// reads it.
  var isReading: Bool { get }
  /// The first fault; nil while there is none.
  var failure: LinkError? { get }
  /// Notes that a value is none; the first fault counts.
  mutating func fail(_ error: LinkError)
  /// Visits the head of an item; gives its argument, 0 when it is above `maximum` or no such item is
  /// there.
  mutating func head(_ majorType: CBORMajorType, _ argument: UInt64, maximum: UInt64) -> UInt64
  /// Visits a string of at most `limit` bytes.
  mutating func string(_ majorType: CBORMajorType, _ value: inout [UInt8], limit: Int)
  /// Visits null unless a value is present; then the value must be visited next.
  mutating func isPresent(_ isPresent: Bool) -> Bool
  /// Visits a number of either sign.
  mutating func integer(_ value: inout Int64)
}

extension Coder {
  /// Notes that a value is out of range.
  public mutating func fail() { fail(.malformed) }

  /// Visits true or false.
  @inline(never)
  public mutating func flag(_ value: inout Bool) {
    let argument = head(.simple, value ? CBORSimple.yes : CBORSimple.no, maximum: CBORSimple.yes)
    guard isReading else { return }
    if argument < CBORSimple.no { fail() }
    value = argument == CBORSimple.yes
  }

  /// Visits a byte string of at most `limit` bytes.
  public mutating func bytes(_ value: inout [UInt8], limit: Int) {
    string(.bytes, &value, limit: limit)
  }

  /// Visits text of at most `limit` bytes, which may be empty.
  @inline(never)
  public mutating func text(_ value: inout Text, limit: Int = LinkLimits.text) {
    string(.text, &value.bytes, limit: limit)
    if !value.isUTF8 {
      value.bytes = []
      fail()
    }
  }

  /// Visits text of 1 to 255 bytes.
  @inline(never)
  public mutating func name(_ value: inout Text) {
    text(&value)
    if value.isEmpty { fail() }
  }

  /// Visits text of 1 to 255 bytes; nil is null.
  @inline(never)
  public mutating func optionalName(_ value: inout Text?) {
    guard isPresent(value != nil) else {
      value = nil
      return
    }
    var content = value ?? .blank
    name(&content)
    value = content
  }

  /// Visits the head of an array of exactly `count` items, which must be visited next.
  @inline(never)
  public mutating func array(of count: Int) {
    if head(.array, UInt64(count), maximum: UInt64(count)) != UInt64(count) { fail() }
  }
}

// For each type of element these become code of their own: they are kept as short as they can be.
extension Coder {
  /// Visits a value; nil is null.
  public mutating func optional<Value: Coded>(_ value: inout Value?) {
    let isPresent = isPresent(value != nil)
    if isReading {
      value = nil
      guard isPresent else { return }
      var content = Value.blank
      content.code(&self)
      value = content
    } else if var content = value {
      content.code(&self)
    }
  }

  /// Visits a list of at most `limit` values; a longer one is a fault, or, with `isCut`, its first
  /// values alone are written.
  ///
  /// Nothing is reserved from a declared count: the list grows by the elements that are there.
  public mutating func list<Element: Coded>(
    _ elements: inout [Element],
    limit: Int = LinkLimits.message,
    isCut: Bool = false
  ) {
    var rest = count(elements.count, limit: limit, isCut: isCut)
    guard isReading else {
      for index in 0..<rest {
        var element = elements[index]
        element.code(&self)
      }
      return
    }
    elements = []
    while rest > 0, failure == nil {
      var element = Element.blank
      element.code(&self)
      elements.append(element)
      rest -= 1
    }
  }

  /// Visits the head of a list; gives how many elements follow.
  @inline(never)
  private mutating func count(_ count: Int, limit: Int, isCut: Bool) -> Int {
    let count = isCut ? min(count, limit) : count
    return Int(head(.array, UInt64(count), maximum: UInt64(limit)))
  }
}
