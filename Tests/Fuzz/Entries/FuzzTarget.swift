import TestServer

/// What is fuzzed: each takes any bytes, and finds what must hold and doesn't.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// One datagram of CoAP.
  case datagram
  /// A client and a server with datagrams, time and requests between them.
  case session
  /// The bytes of a stream of CoAP, whole and in portions.
  case stream
  /// An item of CBOR.
  case cbor
  /// Frames of CoAP, each a request, down to the kernel's table.
  case request
  /// A message of one door between the rooms; the first byte says of which.
  case link
  /// A settings file.
  case settings
  /// A request of HTTP, whole and byte by byte.
  case http
  /// A file of DHCP leases.
  case leases

  /// Takes the bytes; throws when something doesn't hold.
  package func examine(_ bytes: [UInt8]) throws(Broken) {
    switch self {
    case .datagram: try examineDatagram(bytes)
    case .session: try examineSession(bytes)
    case .stream: try examineStream(bytes)
    case .cbor: try examineCBOR(bytes)
    case .request: try examineRequests(bytes)
    case .link: try examineLink(bytes)
    case .settings: try examineSettings(bytes)
    case .http: try examineHTTP(bytes)
    case .leases: try examineLeases(bytes)
    }
  }
}
