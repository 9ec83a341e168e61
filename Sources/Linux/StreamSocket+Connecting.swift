import Bytes
import CLinux

extension StreamSocket {
  /// Begins to connect: when it can be written to, `connected` tells how it went.
  public static func connect(to peer: Endpoint) throws(SystemError) -> StreamSocket {
    // Who wants to know this end's own address asks the descriptor.
    StreamSocket(
      adopting: try FileDescriptor.connect(to: peer, isStream: true),
      peer: peer.address,
      local: peer.address
    )
  }

  /// Throws when the connection could not be made.
  public func connected() throws(SystemError) {
    try system("connect") { cordon_connect_result(descriptor.number) }
  }
}

extension FileDescriptor {
  /// A socket that is connected to `peer`, or begins to be: a stream's, or one that takes datagrams from
  /// there alone.
  ///
  /// Throws when there is no way to it.
  public static func connect(
    to peer: Endpoint,
    isStream: Bool
  ) throws(SystemError) -> FileDescriptor {
    let bytes = peer.address.bytes
    let number = try system("connect") {
      cordon_connect(bytes, bytes.count, peer.port, peer.interface, isStream ? 1 : 0)
    }
    return FileDescriptor(result: number)
  }

  /// This machine's address and port of a socket; nil when it has none.
  public var ownEnd: Endpoint? {
    var path = cordon_path()
    guard cordon_own_end(number, &path) == 0 else { return nil }
    let local = withUnsafeBytes(of: path.local) {
      IPAddress(bytes: [UInt8](copying: $0.baseAddress, count: Int(path.local_count)))
    }
    return local.map { Endpoint($0.unmapped, port: path.port) }
  }
}
