import Bytes

/// Where a peer's datagrams come from and where they come to: what tells peers apart.
///
/// The local address belongs to it, because an answer has to leave from the address that was asked.
public struct PeerAddress: Hashable, Sendable {
  private struct Parts: Hashable, Sendable {
    let remote: IPAddress
    let remotePort: UInt16
    let local: IPAddress
  }

  private let parts: Behind<Parts>

  /// Makes the address of a peer.
  public init(remote: IPAddress, remotePort: UInt16, local: IPAddress) {
    parts = Behind(Parts(remote: remote, remotePort: remotePort, local: local))
  }

  /// The peer's address.
  public var remote: IPAddress { parts.value.remote }
  /// The peer's port.
  public var remotePort: UInt16 { parts.value.remotePort }
  /// Our address that the peer sends to.
  public var local: IPAddress { parts.value.local }
}

extension PeerAddress: CustomTextConvertible {
  /// `ADDRESS port PORT`, the remote side only: how log lines name a peer.
  public var text: Text { "\(remote) port \(remotePort)" }
}

/// Names one session of one server; never used again.
public struct SessionID: Hashable, Comparable, Sendable {
  /// Counts up from 1.
  public let number: UInt64

  /// The session with this number.
  public init(number: UInt64) { self.number = number }

  /// The older session is smaller.
  public static func < (left: SessionID, right: SessionID) -> Bool { left.number < right.number }
}
