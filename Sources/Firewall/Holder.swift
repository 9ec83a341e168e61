import Bytes
import Model

/// Whose a counter and elements are: a mitigation's, or those of a device in quarantine.
struct Holder: Hashable, Comparable {
  /// The mitigation's number, or the device's hardware address with the highest bit set.
  let value: UInt64

  private static let device: UInt64 = 1 << 63

  init(_ id: MitigationID) { value = UInt64(id.value) }

  init(_ mac: MACAddress) { value = mac.value | Self.device }

  /// The mitigation; nil when it is a device.
  var mitigation: MitigationID? {
    value < Self.device ? MitigationID(UInt32(truncatingIfNeeded: value)) : nil
  }

  /// The name of the counter, and of a mitigation's chain.
  var counter: Text { mitigation?.counter ?? MACAddress(value).counter }

  /// The name of a mitigation's limit.
  var limit: Text { "r" + counter.dropFirst(1) }

  /// Mitigations first.
  static func < (left: Holder, right: Holder) -> Bool { left.value < right.value }
}

/// What a holder wants of the table.
enum Intent: Equatable {
  case rule(Rule)
  case quarantine(Quarantine)

  /// What the kernel keeps beside the counter.
  var journal: [UInt8] {
    switch self {
    case .rule(let rule): rule.journal
    case .quarantine(let quarantine): quarantine.journal
    }
  }

  /// The same but for the journal, which the kernel never changes.
  func isSame(as other: Intent?) -> Bool {
    switch (self, other) {
    case (.rule(var rule), .rule(let other)?):
      rule.journal = other.journal
      return rule == other
    case (.quarantine(let quarantine), .quarantine(let other)?):
      return quarantine.mac == other.mac && quarantine.addresses == other.addresses
    default: return false
    }
  }
}

extension MitigationID {
  /// The name of the mitigation's counter and of its chain.
  public var counter: Text { "m" + Text(decimal: value) }

  /// The mitigation to which a counter of this name belongs; nil when none does.
  public init?(counter name: Text) {
    guard name.hasPrefix("m"), let value = name.dropFirst(1).decimal(as: UInt32.self) else {
      return nil
    }
    self.init(value)
  }
}

extension MACAddress {
  /// The name of the counter that the device has in quarantine: `q` and twelve hexadecimal digits.
  public var counter: Text {
    var name: Text = "q"
    for byte in bytes {
      for digit in [byte >> 4, byte & 15] { name.bytes.append(digit + (digit < 10 ? 0x30 : 0x57)) }
    }
    return name
  }

  /// The device to which a counter of this name belongs; nil when none does.
  public init?(counter name: Text) {
    guard name.hasPrefix("q"), name.count == 13 else { return nil }
    var value: UInt64 = 0
    for byte in name.bytes.dropFirst() {
      guard let digit = hexadecimalDigit(byte) else { return nil }
      value = value << 4 | UInt64(digit)
    }
    self.init(value)
  }
}
