import Bytes
import Core
import Model
import TestServer

/// There are no more leases than the limit, and each name is short and printable.
func examineLeases(_ bytes: [UInt8]) throws(Broken) {
  let leases = Leases(parsing: bytes, now: UnixTime(seconds: 1_795_482_808))
  try Broken.unless(leases.count <= Leases.maximumEntries, "\(leases.count) leases")
  try Broken.unless(leases.count <= bytes.count / 4, "more leases than fit the file")
  var known = 0
  for word in bytes.split(whereSeparator: { $0 <= 0x20 }).prefix(64) {
    let word = Text([UInt8](word))
    var names: [Text] = []
    if let address = IPAddress(parsing: word) ?? Prefix(parsing: word)?.address {
      names.append(leases.name(of: address))
      if let mac = leases.mac(of: address) {
        names.append(leases.name(of: mac))
        known += 1
      }
    }
    if let mac = MACAddress(parsing: word) { names.append(leases.name(of: mac)) }
    for name in names {
      try Broken.unless(name.count <= Leases.maximumName, "a name of \(name.count) bytes")
      let isPrintable = name.bytes.allSatisfy { (0x20..<0x7F).contains($0) }
      try Broken.unless(isPrintable, "a name that can't be printed")
    }
  }
  try Broken.unless(known == 0 || leases.count > 0, "a device without a lease")
}
