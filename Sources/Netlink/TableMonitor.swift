import Bytes
import CNetfilter

/// What others did to our table.
public enum TableEvent: UInt8, Sendable {
  /// It was deleted: rebuild it.
  case deleted
  /// Something in it was changed: compare it with what it should be.
  case changed
  /// The kernel couldn't tell all that happened: compare.
  case lost
}

/// Tells what others do to the table `inet cordon`.
public final class TableMonitor {
  private let socket: NetlinkSocket

  /// Listens from now on; what is done through the connection with number `port` isn't told.
  public init(ignoring port: UInt32) throws(KernelError) {
    // NETLINK_NETFILTER; NFNLGRP_NFTABLES is group 7.
    socket = try NetlinkSocket(family: 12, groups: 1 << 6)
    guard cordon_ignore_port(socket.descriptor, port) else { throw .last }
  }

  /// Readable when there are events.
  public var descriptor: Int32 { socket.descriptor }

  /// What happened since the last call, each kind once; never waits.
  public func readEvents() throws(KernelError) -> [TableEvent] {
    var events: [TableEvent] = []
    func note(_ event: TableEvent) {
      if !events.contains(event) { events.append(event) }
    }
    while true {
      do throws(KernelError) {
        guard let messages = try socket.receiveNow() else { return events }
        for message in messages where Self.isOurs(message) {
          let isDeletion = message.type & 0xFF == UInt32(Encoder.Kind.deleteTable.rawValue)
          note(isDeletion ? .deleted : .changed)
        }
      } catch {
        guard error.errno == ENOBUFS else { throw error }
        note(.lost)
      }
    }
  }

  /// The first attribute of all messages but those of generations names the table.
  private static func isOurs(_ message: NetlinkMessage) -> Bool {
    // NFNL_SUBSYS_NFTABLES; NFT_MSG_NEWGEN.
    message.type >> 8 == 10 && message.type & 0xFF != 15
      && message.payload.byte(at: 0) == UInt8(Encoder.family)
      && message.attributes(after: 4)[1]?.text == Encoder.table
  }
}
