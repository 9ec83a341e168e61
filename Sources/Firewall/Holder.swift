import Bytes
import Model

/// Whose a counter and elements are: a mitigation's, or those of a device in quarantine.
struct Holder: Hashable, Comparable {
  /// The mitigation's number, or the device's hardware address with the highest bit set.
  let value: UInt64

  private static let device: UInt64 = 1 << 63

  init(_ id: MitigationID) { value = UInt64(id.value) }

  init(_ mac: MACAddress) { value = mac.value | Self.device }

  /// The holder to whom a counter of this name belongs; nil when none does.
  init?(counter name: Text) {
    if let id = MitigationID(counter: name) {
      self.init(id)
    } else if let mac = MACAddress(counter: name) {
      self.init(mac)
    } else {
      return nil
    }
  }

  /// The mitigation; nil when it is a device.
  var mitigation: MitigationID? {
    value < Self.device ? MitigationID(UInt32(truncatingIfNeeded: value)) : nil
  }

  /// The name of the counter, and of a mitigation's chain.
  var counter: Text { mitigation?.counter ?? MACAddress(value).counter }

  /// The name of a mitigation's limit.
  var limit: Text { "r\(counter.dropFirst(1))" }

  /// The holder as bytes that no cell and no gate has: theirs are longer or odd in number.
  var code: [UInt8] {
    var code: [UInt8] = []
    code.append(bigEndian: value)
    return code
  }

  /// Mitigations first.
  static func < (left: Holder, right: Holder) -> Bool { left.value < right.value }
}

extension MitigationID {
  /// The name of the mitigation's counter and of its chain.
  public var counter: Text { "m\(value)" }

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
    for byte in bytes { name.append(hexadecimal: byte, leadingZeros: true) }
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
