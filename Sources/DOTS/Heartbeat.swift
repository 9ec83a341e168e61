import Bytes
import CBOR

/// The heartbeat of one side of a session (RFC 9132, Section 4.7).
public struct Heartbeat: Hashable, Sendable {
  /// Whether the sender heard the receiver's heartbeats lately.
  public var peerStatus: Bool

  /// A heartbeat with this peer-hb-status.
  public init(peerStatus: Bool) { self.peerStatus = peerStatus }

  /// Parses the payload of a request on `/hb`.
  public init(parsing payload: [UInt8]) throws(PeerError) {
    let container = try Message.container(Key.heartbeat, parsing: payload)
    let attributes = try Attributes(
      container,
      under: Key.heartbeat,
      allowed: [Key.peerHeartbeatStatus]
    )
    guard let status = try attributes.bool(Key.peerHeartbeatStatus) else {
      throw PeerError(.missingKey, Key.peerHeartbeatStatus)
    }
    peerStatus = status
  }

  /// The payload.
  public var encoded: [UInt8] {
    let status = CBOREntry(Key.peerHeartbeatStatus, .bool(peerStatus))
    return CBORValue.map([CBOREntry(Key.heartbeat, .map([status]))]).encoded
  }
}
