import Bytes
import CLinux

extension StreamSocket {
  /// Begins to connect: when it can be written to, `connected` tells how it went.
  public static func connect(to peer: Endpoint) throws(SystemError) -> StreamSocket {
    let bytes = peer.address.bytes
    let number = try system("connect") {
      cordon_tcp_connect(bytes, bytes.count, peer.port, peer.interface)
    }
    // Who wants to know this end's own address asks the descriptor.
    return StreamSocket(
      adopting: FileDescriptor(result: number),
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
