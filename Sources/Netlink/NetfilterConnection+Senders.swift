import Bytes
import Firewall
import Model

extension NetfilterConnection {
  /// Who sent, a moment ago, what rules without a source stopped.
  public func senders() throws(KernelError) -> [Sender] {
    var senders: [Sender] = []
    for message in try dump(.getElement, name: Firewall.senderSet) {
      var elements = message.attributes(after: 4).nested(3)
      while let (_, element) = elements.attribute() {
        // NFTA_SET_ELEM_EXPIRATION, of a minute from the last packet on; NFTA_SET_ELEM_KEY.
        guard element[5]?.network ?? 0 > Self.recent,
          let sender = Sender(key: element.nested(1).nested(1))
        else { continue }
        senders.append(sender)
      }
    }
    return senders
  }

  /// Milliseconds that are left of elements whose packet came in the last two seconds.
  private static let recent: UInt64 = 58_000
}

extension Sender {
  /// Nil when the key isn't as long as the set's are.
  fileprivate init?(key: Region) {
    guard key.count == 20, let transport = key.byte(at: 16) else { return nil }
    func word(_ offset: Int) -> UInt32 { UInt32(bigEndian: key.host(4, at: offset)) }
    self.init(
      mac: MACAddress(UInt64(word(0)) << 16 | UInt64(word(4) >> 16)),
      source: IPAddress(v4: word(8)),
      target: IPAddress(v4: word(12)),
      transport: transport
    )
  }
}
