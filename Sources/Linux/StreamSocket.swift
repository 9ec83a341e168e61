import Bytes
import CLinux

/// A socket that takes TCP connections of both families on one interface.
public final class StreamListener {
  /// Readable when somebody connects.
  public let descriptor: FileDescriptor

  /// Connections that the kernel holds until they are taken.
  private static let backlog: Int32 = 64

  /// Takes a listening socket that another room has made.
  ///
  /// The one designated initialiser: others would be in every program, called or not.
  public init(adopting descriptor: FileDescriptor) { self.descriptor = descriptor }

  /// Listens on `interface`, or on all when its name is empty; port 0 means any that is free.
  ///
  /// What comes over any other interface doesn't reach it (SO_BINDTODEVICE, which Linux 5.7 and later
  /// let anybody set). When the interface goes it has to be made anew.
  public convenience init(port: UInt16, interface: Text) throws(SystemError) {
    let number = try system("bind") {
      cordon_tcp_listen(nil, 0, port, interface.characters, interface.count, Self.backlog)
    }
    self.init(adopting: FileDescriptor(result: number))
  }

  /// Listens on an address, and for its family alone: `::` and `0.0.0.0` stand side by side.
  public convenience init(binding local: Endpoint) throws(SystemError) {
    let bytes = local.address.bytes
    let number = try system("bind") {
      cordon_tcp_listen(bytes, bytes.count, local.port, nil, 0, Self.backlog)
    }
    self.init(adopting: FileDescriptor(result: number))
  }

  /// The port that it is bound to.
  public func port() throws(SystemError) -> UInt16 {
    UInt16(
      truncatingIfNeeded: try system("getsockname") { cordon_bound_port(descriptor.number) }
    )
  }

  /// The next connection; nil when nobody waits, or who waited has gone.
  ///
  /// Throws when the process has too many descriptors, or the socket is broken.
  public func accept() throws(SystemError) -> StreamSocket? {
    var path = cordon_path()
    let number: Int?
    do {
      number = try available("accept") { cordon_accept_stream(descriptor.number, &path) }
    } catch {
      switch error.number {
      case EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL: throw error
      // Anything else is an error of the connection that waited (accept(2)).
      default: return nil
      }
    }
    guard let number else { return nil }
    let accepted = FileDescriptor(result: number)
    guard let (peer, local) = path.addresses else { return nil }
    return StreamSocket(
      adopting: accepted,
      peer: peer.unmapped,
      peerPort: path.port,
      local: local.unmapped
    )
  }
}

/// One end of a connection that carries bytes: TCP, or a pair between two rooms.
public final class StreamSocket {
  /// Readable when bytes wait or the other end has closed.
  public let descriptor: FileDescriptor
  /// The address at the other end.
  public let peer: IPAddress
  /// The port at the other end; 0 for a pair.
  public let peerPort: UInt16
  /// The address at this end.
  public let local: IPAddress

  /// Takes a connected socket, with the addresses that it stands for.
  public init(
    adopting descriptor: FileDescriptor,
    peer: IPAddress,
    peerPort: UInt16 = 0,
    local: IPAddress
  ) {
    self.descriptor = descriptor
    self.peer = peer
    self.peerPort = peerPort
    self.local = local
  }

  /// Makes two ends that are connected with each other and stand for a connection with these
  /// addresses.
  public static func pair(
    peer: IPAddress,
    local: IPAddress
  ) throws(SystemError) -> (StreamSocket, StreamSocket) {
    var ends: (Int32, Int32) = (-1, -1)
    try withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2) { (two) throws(SystemError) in
      two.initialize(repeating: -1)
      try system("socketpair") { cordon_stream_pair(two.baseAddress) }
      ends = (two[0], two[1])
    }
    return (
      StreamSocket(adopting: FileDescriptor(adopting: ends.0), peer: peer, local: local),
      StreamSocket(adopting: FileDescriptor(adopting: ends.1), peer: peer, local: local)
    )
  }

  /// The next bytes, at most `limit`; none when the other end sends no more, nil when none wait.
  ///
  /// Throws when the connection is broken.
  public func receive(limit: Int) throws(SystemError) -> [UInt8]? {
    try withUnsafeTemporaryAllocation(byteCount: max(limit, 1), alignment: 1) {
      (buffer) throws(SystemError) -> [UInt8]? in
      let count = try available("recv") {
        cordon_receive(descriptor.number, buffer.baseAddress, buffer.count)
      }
      return count.map { [UInt8](copying: buffer.baseAddress, count: $0) }
    }
  }

  /// Sends what the kernel takes of `bytes`; answers how many, 0 when it takes none now.
  ///
  /// Throws when the connection is broken.
  public func send(_ bytes: [UInt8]) throws(SystemError) -> Int {
    if bytes.isEmpty { return 0 }
    let count = try available("send") {
      bytes.withUnsafeBytes { cordon_send(descriptor.number, $0.baseAddress, $0.count) }
    }
    return count ?? 0
  }

  /// Sends `bytes` until the kernel takes none; answers what is left.
  ///
  /// Throws when the connection is broken.
  public func send(all bytes: [UInt8]) throws(SystemError) -> [UInt8] {
    var rest = bytes
    while !rest.isEmpty {
      let count = try send(rest)
      if count == 0 { break }
      rest = [UInt8](rest.dropFirst(count))
    }
    return rest
  }

  /// Tells the other end that nothing more comes.
  public func endSending() throws(SystemError) {
    try system("shutdown") { cordon_end_sending(descriptor.number) }
  }
}
