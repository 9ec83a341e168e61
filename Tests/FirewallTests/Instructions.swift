import Bytes
import Firewall

// Names for what tests expect.

/// A key of several parts.
func keyType(_ fields: KeyType.Field...) -> KeyType {
  var type = KeyType()
  for field in fields { type.append(field) }
  return type
}

extension Expression {
  enum Header: UInt32 {
    case link = 0
    case network = 1
    case transport = 2
  }

  enum MetaKey: UInt32 {
    case inputInterface = 4
    case inputName = 6
    case inputType = 8
    case family = 15
    case transportProtocol = 16
  }

  static func payload(
    _ header: Header,
    offset: UInt32,
    length: UInt32,
    register: UInt32
  ) -> Expression {
    Expression(
      .payload,
      register: register,
      what: header.rawValue,
      first: offset,
      second: length
    )
  }

  static func meta(_ key: MetaKey, register: UInt32) -> Expression {
    Expression(.meta, register: register, what: key.rawValue)
  }

  static func destinationType(onInput: Bool) -> Expression {
    Expression(.destinationType, what: onInput ? 1 : 0)
  }

  static func originalSource(_ family: IPAddress.Family) -> Expression {
    Expression(.originalSource, what: family == .v4 ? 2 : 10)
  }

  static func mask(register: UInt32, _ mask: [UInt8]) -> Expression {
    Expression(.mask, register: register, bytes: mask)
  }

  static func equals(register: UInt32, _ value: [UInt8]) -> Expression {
    Expression(.equals, register: register, bytes: value)
  }

  static func isWithin(register: UInt32, _ lower: [UInt8], _ upper: [UInt8]) -> Expression {
    Expression(.isWithin, register: register, bytes: lower + upper)
  }

  static func isIn(set: Text, register: UInt32) -> Expression {
    Expression(.isIn, register: register, bytes: set.bytes)
  }

  static func isNotIn(set: Text, register: UInt32) -> Expression {
    Expression(.isNotIn, register: register, bytes: set.bytes)
  }

  static func isWithinPace(set: Text, perSecond: UInt32, burst: UInt32) -> Expression {
    Expression(.isWithinPace, first: perSecond, second: burst, bytes: set.bytes)
  }

  static func jumpByMap(_ map: Text) -> Expression { Expression(.jumpByMap, bytes: map.bytes) }

  static func countByMap(_ map: Text) -> Expression { Expression(.countByMap, bytes: map.bytes) }

  static func count(_ counter: Text) -> Expression { Expression(.count, bytes: counter.bytes) }

  static func isOver(limit: Text) -> Expression { Expression(.isOver, bytes: limit.bytes) }

  static func jump(_ chain: Text) -> Expression { Expression(.jump, bytes: chain.bytes) }

  static func goTo(_ chain: Text) -> Expression { Expression(.goTo, bytes: chain.bytes) }

  static func reject(resets: Bool) -> Expression { Expression(.reject, what: resets ? 1 : 0) }

  static func redirect(port: UInt32) -> Expression { Expression(.redirect, what: port) }

  static var accept: Expression { Expression(.accept) }

  static var drop: Expression { Expression(.drop) }

  static var comeBack: Expression { Expression(.comeBack) }
}
