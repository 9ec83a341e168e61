import Bytes
import CLinux

/// Looks `name` up as the C library does, and waits for the answer: getaddrinfo(3).
///
/// Answers at most `limit` addresses in ascending order, none twice.
public func addresses(of name: Text, limit: Int) throws(SystemError) -> [IPAddress] {
  try preferredAddresses(of: name, limit: limit).distinct()
}

/// The same in the order in which the C library would try them (RFC 6724); an address may come twice.
public func preferredAddresses(of name: Text, limit: Int) throws(SystemError) -> [IPAddress] {
  let length = 17
  var found = [UInt8](repeating: 0, count: limit * length)
  let count = try system("getaddrinfo") { cordon_resolve(name.characters, &found, limit) }
  var addresses: [IPAddress] = []
  for index in 0..<count {
    let start = index * length + 1
    let bytes = [UInt8](found[start..<start + Int(found[start - 1])])
    if let address = IPAddress(bytes: bytes) { addresses.append(address.unmapped) }
  }
  return addresses
}

/// Ends this process when it has used the processor for so many seconds.
public func limitProcessor(seconds: UInt32) throws(SystemError) {
  try system("setrlimit") { cordon_limit_processor(seconds) }
}

/// Lets this process have so many descriptors, as far as it may.
public func allowDescriptors(_ count: Int) { cordon_allow_descriptors(UInt32(clamping: count)) }
