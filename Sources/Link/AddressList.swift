import Bytes

/// Addresses that the signal front is told; it alone reads them.
public struct AddressList: Hashable, LinkMessage {
  /// At most `RoomReport.maximumAddresses`.
  public var addresses: [IPAddress]

  /// A list of these.
  public init(_ addresses: [IPAddress]) { self.addresses = addresses }

  /// Reads the list.
  public init(from reader: inout ItemReader) {
    addresses = []
    reader.list(&addresses, limit: RoomReport.maximumAddresses)
  }

  /// Writes the list.
  public func write(to writer: inout ItemWriter) {
    var addresses = addresses
    writer.list(&addresses, limit: RoomReport.maximumAddresses)
  }
}
