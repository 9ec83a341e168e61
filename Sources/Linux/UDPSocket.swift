import Bytes
import CLinux

/// An address and a port, and for a link-local address the interface that it belongs to.
public struct Endpoint: Hashable, Sendable {
  /// The address.
  public var address: IPAddress
  /// The port.
  public var port: UInt16
  /// The number of the interface; 0 unless the address is link-local.
  public var interface: UInt32

  /// An endpoint of these parts.
  public init(_ address: IPAddress, port: UInt16, interface: UInt32 = 0) {
    self.address = address
    self.port = port
    self.interface = interface
  }
}

/// One datagram as it came in.
public struct Datagram: Equatable, Sendable {
  /// The payload; its first 65,536 bytes.
  public let bytes: [UInt8]
  /// Who sent it: unproved.
  public let peer: Endpoint
  /// The address of this machine that it was sent to: an answer has to leave from there.
  public let local: IPAddress
}

/// A UDP socket of one family that never waits.
public final class UDPSocket {
  /// Readable when a datagram waits.
  public let descriptor: FileDescriptor

  /// The largest datagram there is, which is also what the scratch buffer holds.
  private static let largest = 65_536
  private let scratch: UnsafeMutableRawBufferPointer

  /// Takes a socket that another room has bound with `init(binding:)`.
  public init(adopting descriptor: FileDescriptor) {
    self.descriptor = descriptor
    scratch = .allocate(byteCount: Self.largest, alignment: 1)
  }

  /// Makes a socket and binds it; port 0 means any that is free.
  ///
  /// An IPv6 socket takes no IPv4, so `::` and `0.0.0.0` stand side by side. What is sent may be
  /// fragmented and takes no notice of ICMP messages about sizes, which anyone can forge.
  public convenience init(binding local: Endpoint) throws(SystemError) {
    let bytes = local.address.bytes
    let number = try system("bind") {
      cordon_udp(bytes, bytes.count, local.port, local.interface)
    }
    self.init(adopting: FileDescriptor(result: number))
  }

  deinit { scratch.deallocate() }

  /// The port that it is bound to.
  public func port() throws(SystemError) -> UInt16 {
    UInt16(
      truncatingIfNeeded: try system("getsockname") { cordon_bound_port(descriptor.number) }
    )
  }

  /// Takes the next datagram; nil when none waits.
  ///
  /// One without a known local address is skipped, and so is one to many (RFC 7252, Section 8). An ICMP error that waits in the socket is taken
  /// and forgotten: an unconnected socket can't tell whose it is.
  public func receive() throws(SystemError) -> Datagram? {
    while true {
      var path = cordon_path()
      let count: Int?
      do {
        count = try available("recvmsg") {
          cordon_receive_datagram(descriptor.number, scratch.baseAddress, scratch.count, &path)
        }
      } catch {
        if Self.isPeersFault(error) { continue }
        throw error
      }
      guard let count else { return nil }
      let bytes = [UInt8](copying: scratch.baseAddress, count: min(count, scratch.count))
      if let datagram = Self.datagram(bytes, path) { return datagram }
    }
  }

  private static func datagram(_ bytes: [UInt8], _ path: cordon_path) -> Datagram? {
    guard let (peer, local) = path.addresses else { return nil }
    let endpoint = Endpoint(peer, port: path.port, interface: path.interface)
    return Datagram(bytes: bytes, peer: endpoint, local: local)
  }

  /// Sends one datagram from the address `local` of this machine; false when it was not taken.
  ///
  /// Like any datagram it may be lost: a full queue, an unreachable peer, or an address that has
  /// gone from this machine are no errors of the socket.
  @discardableResult
  public func send(_ bytes: [UInt8], to peer: Endpoint, from local: IPAddress) -> Bool {
    guard peer.address.family == local.family else { return false }
    var path = cordon_path()
    let remote = peer.address.bytes
    withUnsafeMutableBytes(of: &path.peer) { $0.copyBytes(from: remote) }
    let own = local.bytes
    withUnsafeMutableBytes(of: &path.local) { $0.copyBytes(from: own) }
    path.peer_count = UInt8(remote.count)
    path.local_count = UInt8(own.count)
    path.port = peer.port
    path.interface = peer.interface
    let sent = try? system("sendmsg") {
      bytes.withUnsafeBytes {
        cordon_send_datagram(descriptor.number, $0.baseAddress, $0.count, &path)
      }
    }
    return sent != nil
  }

  private static func isPeersFault(_ error: SystemError) -> Bool {
    switch error.number {
    case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EMSGSIZE, EPROTO,
      ENOPROTOOPT:
      true
    default: false
    }
  }
}

extension cordon_path {
  /// The addresses of both ends; nil when one isn't known.
  @inline(never)
  var addresses: (peer: IPAddress, local: IPAddress)? {
    let remote = withUnsafeBytes(of: peer) {
      IPAddress(bytes: [UInt8](copying: $0.baseAddress, count: Int(peer_count)))
    }
    let own = withUnsafeBytes(of: local) {
      IPAddress(bytes: [UInt8](copying: $0.baseAddress, count: Int(local_count)))
    }
    guard let remote, let own else { return nil }
    return (remote, own)
  }
}
