/// How much a message may hold before it is refused.
///
/// The lists of one request multiply in the firewall, where the client's own limit of elements
/// counts; these bound what parsing and remembering one request costs.
enum Limits {
  /// Prefixes in one list: with the longest text of each, three kilobytes of a message.
  static let prefixes = 64
  /// Ranges of ports or ICMP types in one list.
  static let ranges = 64
  /// Protocol numbers in one list.
  static let protocols = 64
  /// Names, URIs or aliases in one list: they are kept as text for as long as the mitigation.
  static let names = 16
  /// Bytes in an alias or URI.
  static let nameLength = 255
  /// Bytes in a cuid: three times what RFC 9132, Section 4.4.1.1 recommends.
  static let cuidLength = 64
  /// Mitigations that a client takes from one response: more than a 16 KiB message can hold.
  static let entries = 1024
  /// ACLs in a conflict that a client takes from one response.
  static let acls = 64
}
