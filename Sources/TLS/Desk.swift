import Bytes
import COpenSSL

/// Where records are handed to OpenSSL and its datagrams are picked up: OpenSSL owns no socket.
///
/// One desk serves all connections of an end, because one event is handled at a time.
final class Desk {
  /// The longest flight is a certificate chain, some kilobytes, and a server's list of authorities.
  private static let outputCapacity = 32768
  /// The longest plaintext of a record (RFC 5246, Section 6.2.1).
  private static let plaintextCapacity = 16384

  /// The shared struct; contexts and BIOs of OpenSSL point to it, so the desk outlives them.
  let shared: UnsafeMutablePointer<cordon_desk>
  /// The BIO_METHOD of connections at this desk.
  let method: OpaquePointer
  /// Where SSL_read writes.
  let plaintext: UnsafeMutableBufferPointer<UInt8>

  init() throws(TLSError) {
    guard let method = cordon_bio_method_new() else {
      throw TLSError.library(reason: firstReason())
    }
    self.method = method
    shared = .allocate(capacity: 1)
    shared.initialize(to: cordon_desk())
    shared.pointee.output = .allocate(capacity: Self.outputCapacity)
    shared.pointee.output_capacity = CInt(Self.outputCapacity)
    plaintext = .allocate(capacity: Self.plaintextCapacity)
  }

  deinit {
    shared.pointee.keys?.deallocate()
    shared.pointee.output.deallocate()
    shared.deallocate()
    plaintext.deallocate()
    BIO_meth_free(method)
  }

  /// The moment at which certificates have to be valid.
  var verificationTime: UnixTime {
    get { UnixTime(seconds: UInt64(max(0, shared.pointee.verification_time))) }
    set { shared.pointee.verification_time = Int(clamping: newValue.seconds) }
  }

  /// Sets the cookie that the next ClientHello has to hold.
  func expect(cookie: [UInt8]) {
    withUnsafeMutableBytes(of: &shared.pointee.cookie) {
      $0.copyBytes(from: cookie.prefix($0.count))
    }
  }

  /// Sets the pre-shared keys that count from now on, each as its `entry`.
  func use(keys: [UInt8]) {
    shared.pointee.keys?.deallocate()
    let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(1, keys.count))
    copy.initialize(from: keys, count: keys.count)
    shared.pointee.keys = UnsafePointer(copy)
    shared.pointee.keys_length = CInt(clamping: keys.count)
  }

  /// Lends `record` to OpenSSL while `body` runs.
  func lending<Result>(_ record: [UInt8], _ body: () -> Result) -> Result {
    guard !record.isEmpty else { return body() }
    return record.withUnsafeBufferPointer { buffer in
      shared.pointee.input = buffer.baseAddress
      shared.pointee.input_length = CInt(clamping: buffer.count)
      defer { shared.pointee.input = nil }
      return body()
    }
  }

  /// Takes the datagrams, or the pieces of a stream, that OpenSSL wrote.
  func takeDatagrams() -> [[UInt8]] {
    let written = UnsafeBufferPointer(
      start: shared.pointee.output,
      count: Int(shared.pointee.output_length)
    )
    shared.pointee.output_length = 0
    var cursor = ByteCursor([UInt8](written))
    var datagrams: [[UInt8]] = []
    while !cursor.isEmpty {
      do throws(EndOfInput) {
        datagrams.append(try cursor.bytes(Int(try cursor.uint16())))
      } catch {
        break
      }
    }
    return datagrams
  }
}
