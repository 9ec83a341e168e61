import Bytes
import Linux
import Report

/// What passes the control socket: the words of a command line one way, output and how it ended the
/// other way.
enum ControlPacket {
  private static let outputKind: UInt8 = 1
  private static let endKind: UInt8 = 2
  private static let largest = PacketSocket.largestMessage - 1

  /// An order: words, a NUL between each two.
  static func order(_ words: [Text]) -> [UInt8] {
    [UInt8](words.map { $0.bytes }.joined(separator: [0]))
  }

  /// The words of an order.
  static func words(_ packet: [UInt8]) -> [Text] { Text(packet).split(0) }

  /// Output, in as many packets as it takes.
  static func output(_ text: Text) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    var rest = text.bytes[...]
    while !rest.isEmpty {
      packets.append([outputKind] + rest.prefix(largest))
      rest = rest.dropFirst(largest)
    }
    return packets
  }

  /// The last packet: the exit status, and a complaint if there is one.
  static func end(_ ending: Ending) -> [UInt8] {
    let status = UInt8(truncatingIfNeeded: ending.status.rawValue)
    return [endKind, status] + ending.text.bytes.prefix(largest - 1)
  }

  /// Gives an order to the service at its socket, passes on what it says, and ends as it ended.
  static func carryOut(_ order: Order, words: [Text], show: (Text) -> Void) -> (ExitStatus, Text) {
    var ending = Ending.failed("the service went away")
    do throws(SystemError) {
      let socket = try PacketSocket.connect(to: order.control)
      try socket.send(Self.order(words))
      while true {
        let received = try socket.receive(within: .seconds(3600))
        // Nothing new is no news.
        if order.isWatching, case .nothing = received { continue }
        guard case .message(let packet, _) = received else { break }
        if packet.first == outputKind { show(Text([UInt8](packet.dropFirst()))) }
        guard packet.first == endKind, packet.count > 1 else { continue }
        let status = ExitStatus(rawValue: Int32(packet[1])) ?? .failed
        return (status, Text([UInt8](packet.dropFirst(2))))
      }
    } catch { ending = .unreachable("no service at \(order.control): \(error)") }
    if order.isJSON { show(ending.jsonLine) }
    return (ending.status, ending.text)
  }
}

extension [UInt8] {
  /// Whether these bytes stand before those of the other's name.
  func precedes(_ other: RouterSession) -> Bool { lexicographicallyPrecedes(other.router.bytes) }
}
