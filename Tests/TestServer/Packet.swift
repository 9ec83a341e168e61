import Bytes
import Firewall

/// A packet with its headers as on the wire.
package struct Packet {
  package var source: IPAddress
  package var target: IPAddress
  package var transport: UInt8
  package var sourcePort: UInt16 = 0
  package var targetPort: UInt16 = 0
  package var icmpType: UInt8 = 0
  package var mac: [UInt8] = [2, 0, 0, 0, 0, 1]
  /// SYN.
  package var tcpFlags: UInt8 = 2
  /// RTN_UNICAST.
  package var targetType: UInt8 = 1
  package var interface: Text = "lan0"

  /// A packet of these parts, from the LAN, that begins a connection.
  package init(
    source: IPAddress,
    target: IPAddress,
    transport: UInt8,
    sourcePort: UInt16 = 0,
    targetPort: UInt16 = 0,
    icmpType: UInt8 = 0
  ) {
    self.source = source
    self.target = target
    self.transport = transport
    self.sourcePort = sourcePort
    self.targetPort = targetPort
    self.icmpType = icmpType
  }

  var link: [UInt8] { [0, 0, 0, 0, 0, 0] + mac }

  var network: [UInt8] {
    source.family == .v4
      ? [UInt8](repeating: 0, count: 12) + source.bytes + target.bytes
      : [UInt8](repeating: 0, count: 8) + source.bytes + target.bytes
  }

  var header: [UInt8] {
    if transport == 1 || transport == 58 { return [icmpType, 0, 0, 0, 0, 0, 0, 0] }
    var bytes: [UInt8] = []
    bytes.append(bigEndian: sourcePort)
    bytes.append(bigEndian: targetPort)
    return bytes + [0, 0, 0, 0, 0, 0, 0, 0, 0x50, tcpFlags, 0, 0]
  }
}

extension Packet {
  /// What the kernel knows of it under this key.
  func known(_ key: UInt32) -> [UInt8] {
    switch key {
    case Expression.Meta.family: [source.family == .v4 ? 2 : 10]
    case Expression.Meta.transportProtocol: [transport]
    case Expression.Meta.inputType: [1, 0]
    case Expression.Meta.inputName:
      interface.bytes + [UInt8](repeating: 0, count: 16 - interface.count)
    default: [9, 9, 9, 9]
    }
  }
}
