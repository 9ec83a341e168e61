import Bytes
import CLinux

extension StreamSocket {
  /// Begins to connect: when it can be written to, `connected` tells how it went.
  public static func connect(to peer: Endpoint) throws(SystemError) -> StreamSocket {
    let bytes = peer.address.bytes
    let number = try system("connect") {
      cordon_tcp_connect(bytes, bytes.count, peer.port, peer.interface)
    }
    // Nobody asks a client for its own address.
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
